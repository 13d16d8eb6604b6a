// Small comforts; every page works without them.
"use strict";

// The menu on a phone, and everything else that opens, closes with Escape.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (location.hash === "#nav") {
    location.hash = "";
    document.querySelector(".opener").focus();
  }
  for (const open of document.querySelectorAll("details.accounts[open], details.confirm[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// One of these is open at a time, and none after a click elsewhere.
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.accounts[open], details.confirm[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});

// A form is sent once, however often the button is clicked; unless a file comes back, and the page stays.
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post" || "download" in event.target.dataset) return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
