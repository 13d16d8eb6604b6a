"use strict";
/* Watches what the page shows and draws it anew when it has changed; counts down; keeps the look behind the scenes. */

const watched = document.querySelector("[data-watch]");
let failures = 0;

async function look() {
  try {
    const answer = await fetch(watched.dataset.watch, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    if ((await answer.json()).view !== watched.dataset.view) return window.location.reload();
    failures = 0;
  } catch {
    failures += 1;
  }
  later();
}

const later = () => setTimeout(look, Math.min(15000, 1000 * 2 ** failures));
if (watched) {
  later();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
}

for (const node of document.querySelectorAll("[data-seconds]")) {
  const endsAt = Date.now() + 1000 * Number(node.dataset.seconds);
  const tick = () => {
    const left = Math.max(0, Math.round((endsAt - Date.now()) / 1000));
    const clock = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    node.textContent = node.dataset.words.replace("{0}", clock);
  };
  tick();
  setInterval(tick, 1000);
}

const behind = document.getElementById("behind");
behind.open = sessionStorage.getItem("behind") === "open";
behind.addEventListener("toggle", () => sessionStorage.setItem("behind", behind.open ? "open" : ""));
