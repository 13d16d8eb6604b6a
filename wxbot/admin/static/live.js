// The list of events, drawn anew whenever the server says that something has changed.
"use strict";

const list = document.querySelector("[data-stream]");
const EVERY_MS = 2000;
const LEAST_MS = 1000;
let drawn = Date.now();
let waiting = null;

async function draw() {
  waiting = null;
  drawn = Date.now();
  // Whoever is about to open a line must not lose it.
  if (list.contains(document.activeElement) && document.activeElement.matches("a, button")) return;
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (answer === null) return;
  if (!answer.ok || answer.redirected) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (fresh !== null) list.replaceChildren(...fresh.childNodes);
}

function soon() {
  waiting ??= setTimeout(draw, Math.max(0, drawn + LEAST_MS - Date.now()));
}

if (list !== null) {
  const stream = new EventSource(list.dataset.stream);
  let first = true;
  stream.addEventListener("events", () => {
    if (!first) soon();
    first = false;
  });
  stream.addEventListener("error", () => {
    // A stream that has ended is opened again by the browser; for one that is refused, the page asks.
    if (stream.readyState === EventSource.CLOSED) setInterval(soon, EVERY_MS);
  });
}
