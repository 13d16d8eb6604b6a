"use strict";
/* The page that asks who somebody is: looks at what a server cannot see, and goes on. */

const wanted = "#wechat_redirect";
const body = document.body;
const good = document.getElementById("good");

if (good && "checksFragment" in body.dataset && window.location.hash !== wanted) {
  good.hidden = true;
  document.getElementById("no-fragment").hidden = false;
} else if (body.dataset.view === "on") {
  window.location.replace(document.getElementById("on").href);
}

for (const button of document.querySelectorAll("[data-openid]")) {
  button.addEventListener("click", () => {
    document.cookie = `wx_person=${button.dataset.openid}; path=/connect; samesite=lax`;
    window.location.reload();
  });
}
