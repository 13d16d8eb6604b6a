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
  const answer = await fetch(location.href, { cache: "no-store" }).catch(() => null);
  if (answer === null) return;
  if (!answer.ok || answer.redirected) return location.reload();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live");
  if (fresh === null) return;
  // What is being pressed must still be there when it is let go, or it is not opened.
  if (list.matches(":active")) return soon();
  const focused = list.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  list.replaceChildren(...fresh.childNodes);
  // Whoever goes through the lines with the keyboard stays where they are.
  const links = focused === null ? [] : [...list.querySelectorAll("a[href]")];
  links.find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
}

function soon() {
  waiting ??= setTimeout(draw, Math.max(0, drawn + LEAST_MS - Date.now()));
}

if (list !== null) {
  const stream = new EventSource(list.dataset.stream);
  // The first one, too: something may have come since the page was made.
  stream.addEventListener("events", soon);
  stream.addEventListener("error", () => {
    // A stream that has ended is opened again by the browser; for one that is refused, the page asks.
    if (stream.readyState === EventSource.CLOSED) setInterval(soon, EVERY_MS);
  });
}
