"use strict";
(() => {
  const shown = document.getElementById("card").dataset.state;
  const began = Date.now();
  let failures = 0;
  let timer = 0;
  function later(milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(look, milliseconds);
  }
  function usual() {
    const pace = Date.now() - began < 60000 ? 1500 : 4000;
    return Math.min(30000, pace * 2 ** Math.min(failures, 5));
  }
  async function look() {
    try {
      const address = `${location.pathname.replace(/\/$/, "")}/state`;
      const answer = await fetch(address, { method: "POST", credentials: "same-origin", cache: "no-store" });
      if (answer.status === 403) {
        /* The cookie is gone and comes back with the page; where cookies are off, not too often. */
        setTimeout(() => location.reload(), 15000);
        return;
      }
      if (!answer.ok && answer.status !== 404) throw new Error(answer.status);
      if ((await answer.json()).state !== shown) {
        location.reload();
        return;
      }
      failures = 0;
    } catch {
      failures += 1;
    }
    later(usual());
  }
  later(usual());
  /* Whoever comes back from WeChat on the same phone wants to see it at once. */
  document.addEventListener("visibilitychange", () => { if (!document.hidden) later(0); });
})();
