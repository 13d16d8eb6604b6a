"use strict";
/* The phone page: asks the emulator for its state once a second and draws what has changed. */

const words = JSON.parse(document.getElementById("words").textContent);
const language = document.documentElement.lang;
const view = { person: sessionStorage.getItem("person") || "", state: null, open: new Set(), ticket: "", clock: 0 };
const $ = (id) => document.getElementById(id);
const say = (key, ...values) => (words[key] || key).replace(/\{(\d)\}/g, (_, index) => values[index] ?? "");

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

/* Keeps the nodes of unchanged items, so that focus, open details and pictures survive a redraw. */
function draw(list, items, build) {
  const old = new Map([...list.children].map((node) => [node.dataset.key, node]));
  const nodes = items.map((item) => {
    const drawn = JSON.stringify(item);
    const known = old.get(String(item.key));
    if (known && known.drawn === drawn) return known;
    const node = build(item);
    node.dataset.key = item.key;
    node.drawn = drawn;
    return node;
  });
  const kept = new Set(nodes);
  for (const node of [...list.children]) if (!kept.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] || null);
  });
}

/* ---- talking to the emulator ---- */

async function send(path, body = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = await response.json();
  if (!response.ok) {
    toast(words[`error_${answer.error}`] ? say(`error_${answer.error}`, answer.detail) : answer.error);
    return null;
  }
  return answer;
}

async function act(path, body) {
  try {
    const pending = send(path, body);
    // The person's own bubble is there long before the account has answered.
    setTimeout(refresh, 60);
    return await pending;
  } catch {
    toast(say("offline"));
    return null;
  } finally {
    refresh();
  }
}

const gesture = (name, body) => act(`/phone/api/people/${encodeURIComponent(view.person)}/${name}`, body);

let asking = false;
let again = false;
async function refresh() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  const since = view.state && view.state.person === view.person ? view.state.version : "";
  try {
    const response = await fetch(`/phone/api/state?since=${since}&person=${encodeURIComponent(view.person)}`);
    const state = await response.json();
    view.clock = state.now - Date.now() / 1000;
    document.body.classList.remove("is-offline");
    if (state.people) show(state);
    scanHanded();
  } catch {
    if (!document.body.classList.contains("is-offline")) toast(say("offline"));
    document.body.classList.add("is-offline");
  } finally {
    asking = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

function show(state) {
  view.state = state;
  if (!state.people.some((person) => person.openid === view.person)) {
    return choose(state.people.length ? state.people[0].openid : "");
  }
  drawPeople(state);
  drawChat(state);
  drawDetails();
  drawCodes();
  drawSettings(state);
}

function choose(openid) {
  view.person = openid;
  sessionStorage.setItem("person", openid);
  if (openid) refresh();
}

const chosen = () => view.state.people.find((person) => person.openid === view.person);
const shortName = (person) => {
  const [latin, ...rest] = person.name.split(" ");
  return language === "en" || !rest.length ? latin : rest.join(" ");
};

/* ---- people ---- */

function hue(text) {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  return `hue-${sum % 6}`;
}

/* A Chinese given name is known by its last character, a Latin one by its first letter. */
function avatar(person) {
  const letters = [...shortName(person)];
  const letter = language === "en" ? letters[0] : letters.at(-1);
  return make("div", { class: `avatar ${hue(person.openid)}`, "aria-hidden": "true" }, letter.toUpperCase());
}

function drawPeople(state) {
  const items = state.people.map((person) => ({ key: person.openid, ...person, current: person.openid === view.person }));
  draw($("people"), items, (person) =>
    make("li", {}, make("button", {
      type: "button", class: "person", "aria-current": String(person.current), "data-testid": `person-${person.name.split(" ")[0]}`,
      onclick: () => { choose(person.openid); openTab("chat"); },
    },
    avatar(person),
    make("span", { class: "person-text" },
      make("span", { class: "person-line" },
        make("span", { class: "person-name" }, person.name),
        make("span", { class: `state ${person.state}`, "data-testid": "state" }, say(`state_${person.state}`))),
      make("div", { class: "person-preview" }, person.waiting ? "…" : previewOf(person)),
      ...tags(person)))));
}

const tags = (person) => (person.tags.length ? [make("span", { class: "tag-list", "data-testid": "tags" }, ...person.tags.map((name) => make("span", { class: "tag-chip" }, name)))] : []);

function previewOf({ kind, preview }) {
  if (!kind) return say("nothing_yet");
  return kind === "text" || kind === "fault" ? preview : `[${say(`kind_${kind}`)}] ${preview}`;
}

function drawDetails() {
  if (!$("details-sheet").open) return;
  const person = chosen();
  $("details-name").textContent = person.name;
  const fact = (name, ...values) => [make("dt", {}, say(name)), make("dd", {}, ...values)];
  const facts = [...fact("detail_state", say(`state_${person.state}`)), make("dt", {}, "OpenID"), make("dd", { class: "mono" }, person.openid)];
  if (person.state === "following") {
    const origin = say(`origin_${person.subscribe_scene}`, person.qr_scene_str || person.qr_scene);
    facts.push(...fact("detail_followed_at", timeOf(person.followed_at)), ...fact("detail_origin", origin));
    facts.push(...fact("detail_tags", ...(person.tags.length ? tags(person) : [say("no_tags")])));
    facts.push(...fact("detail_windows", windowsOf(person)));
  }
  $("details-facts").replaceChildren(...facts);
}

function windowsOf(person) {
  const now = Date.now() / 1000 + view.clock;
  const usable = person.windows.filter((each) => each.left > 0 && each.ends_at > now);
  return usable.map((each) => say("window_left", each.left, duration(each.ends_at - now))).join(language === "en" ? "; " : "；") || say("no_window");
}

/* ---- conversation ---- */

const timeOf = (seconds) => new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hour12: false }).format(seconds * 1000);

function drawChat(state) {
  const person = chosen();
  const follows = person.state === "following";
  $("whose").textContent = `${say("conversation_of", shortName(person))} · ${say(`state_${person.state}`)}`;
  $("composer").hidden = !follows;
  $("stranger-bar").hidden = follows;
  $("stranger-hint").textContent = say("follow_hint", shortName(person));
  $("unfollow").hidden = !follows;
  $("follow").hidden = follows;
  drawMenu(state.menu, follows);
  const items = [];
  let last = 0;
  for (const entry of state.entries) {
    if (entry.at - last > 180) items.push({ key: `t${entry.number}`, time: entry.at });
    last = entry.at;
    items.push({ key: `e${entry.number}`, ...entry, person: { openid: person.openid, name: person.name } });
  }
  const isTyping = state.typing_until > Date.now() / 1000 + view.clock;
  if (state.waiting || isTyping) items.push({ key: "waiting", typing: true });
  if (!items.length) items.push({ key: "empty", empty: say(`chat_empty_${person.state}`, shortName(person)) });
  const log = $("conversation");
  const wasAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
  const before = log.lastElementChild;
  draw(log, items, drawEntry);
  if (wasAtEnd || log.dataset.person !== view.person) log.scrollTop = log.scrollHeight;
  else if (before !== log.lastElementChild) log.scrollTo({ top: log.scrollHeight, behavior: "smooth" });
  log.dataset.person = view.person;
}

function drawEntry(item) {
  if (item.time) return make("div", { class: "time" }, timeOf(item.time));
  if (item.empty) return make("div", { class: "empty", "data-testid": "chat-empty" }, icon("codes"), make("p", {}, item.empty));
  if (item.typing) {
    const dots = make("div", { class: "bubble typing", role: "img", "aria-label": say("account_is_typing") }, make("i"), make("i"), make("i"));
    return make("div", { class: "entry account-side", "data-testid": "typing" }, make("div", { class: "says" }, make("div", { class: "avatar account", "aria-hidden": "true" }), dots));
  }
  const node = make("div", { class: `entry ${item.side}-side`, "data-testid": "entry", "data-side": item.side, "data-action": item.action, title: timeOf(item.at) });
  if (item.side === "system") node.append(...systemLines(item));
  else node.append(make("div", { class: "says" }, item.side === "person" ? avatar(item.person) : make("div", { class: "avatar account", "aria-hidden": "true" }), bubble(item.bubble, item.number)));
  if (item.action === "message") node.append(make("div", { class: "exchanges hint", "data-testid": "service-message" }, `${say("service_message")} · ${timeOf(item.at)}`));
  if (item.exchanges.length) node.append(make("div", { class: "exchanges" }, ...item.exchanges.map((exchange) => exchangeLine(exchange, item.delivery))));
  else if (item.delivery && !view.state.account.callback_url) node.append(make("div", { class: "hint" }, say("no_callback")));
  return node;
}

function systemLines(item) {
  const lines = [];
  if (item.action !== "fault" && item.action !== "reply") lines.push(make("p", { class: "system-line" }, say(`did_${item.action}`, item.scene)));
  if (item.bubble && item.bubble.kind === "fault") lines.push(make("p", { class: "system-line fault", "data-testid": "fault" }, item.bubble.text));
  if (item.bubble && item.bubble.kind === "transfer") lines.push(make("p", { class: "system-line" }, say("kind_transfer"), item.bubble.text ? ` (${item.bubble.text})` : ""));
  return lines;
}

const marks = { image: "🖼", voice: "🔊", video: "▶", music: "♪", mpnewsarticle: "▤", miniprogrampage: "⧉", wxcard: "▭" };

function bubble(content, entry) {
  if (content.kind === "text") return make("div", { class: "bubble", "data-testid": "bubble" }, ...linked(content.text));
  if (content.kind === "news") {
    return make("div", { class: "bubble news", "data-testid": "bubble" }, ...content.articles.map((article) =>
      opens(make(isWeb(article.url) ? "a" : "div", { class: "article", href: isWeb(article.url) && article.url, target: "_blank", rel: "noopener noreferrer" },
        make("strong", {}, article.title), article.description && make("small", {}, article.description)))));
  }
  if (content.kind === "msgmenu") {
    const tap = (choice) => gesture("choice", { entry, choice });
    return make("div", { class: "bubble choices", "data-testid": "bubble" }, ...linked(content.text),
      ...content.choices.map((item) => make("button", { type: "button", class: "choice", "data-testid": "choice", onclick: () => tap(item.id) }, item.content)),
      ...linked(content.description));
  }
  return make("div", { class: "bubble media", "data-testid": "bubble" },
    make("span", { class: "media-mark", "aria-hidden": "true" }, marks[content.kind] || "•"),
    make("div", {}, content.title || say(`kind_${content.kind}`), make("small", {}, content.description || content.media_id)));
}

/* A link that is tapped opens a page on this person's phone: web OAuth asks this cookie who it is. */
function opens(link) {
  for (const kind of ["click", "auxclick"]) link.addEventListener(kind, remember);
  return link;
}

function remember() {
  document.cookie = `wx_person=${view.person}; path=/connect; samesite=lax`;
}

const isWeb = (url) => /^https?:\/\//i.test(url || "");

/* WeChat shows <a href> in a text as a link, and bare addresses as well. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(/<a\s[^>]*?href\s*=\s*["']([^"']+)["'][^>]*>(.*?)<\/a>|https?:\/\/[^\s<>"'，。；、）]+/gis)) {
    parts.push(text.slice(end, found.index));
    const url = found[1] || found[0];
    parts.push(isWeb(url) ? opens(make("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, found[2] || url)) : make("u", {}, found[2] || url));
    end = found.index + found[0].length;
  }
  parts.push(text.slice(end));
  return parts.filter((part) => part !== "");
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/phone.svg#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.append(use);
  return svg;
}

/* ---- the exchange under a bubble ---- */

function exchangeLine(exchange, delivery) {
  const key = `${delivery}/${exchange.attempt}`;
  const isGood = exchange.outcome === "shown" || exchange.outcome === "nothing";
  const facts = [make("b", { class: isGood ? "ok" : "bad" }, exchange.status == null ? say("no_status") : String(exchange.status))];
  const add = (text) => facts.push(` · ${text}`);
  add(exchange.milliseconds >= 1000 ? `${(exchange.milliseconds / 1000).toFixed(1)} s` : `${exchange.milliseconds} ms`);
  add(exchange.is_repeat ? say("repeat") : say("attempt", exchange.attempt));
  if (exchange.is_repeat) add(say(exchange.is_same ? "repeat_same" : "repeat_different"));
  if (exchange.reason) facts.push(make("span", { class: "why" }, say(`reason_${exchange.reason}`, exchange.detail)));
  else if (exchange.outcome === "nothing") add(say("outcome_nothing"));
  const details = make("details", { class: "exchange", "data-testid": "exchange", open: view.open.has(key) },
    make("summary", {}, ...facts));
  const unfold = () => {
    if (details.querySelector(".wire")) return;
    details.append(make("div", { class: "wire" },
      make("h3", {}, `${say("request")} · ${timeOf(exchange.at)}`),
      xml(exchange.request_xml),
      make("dl", { class: "query mono" }, ...[...new URLSearchParams(exchange.query)].flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])),
      make("h3", {}, say("reply")),
      xml(exchange.reply_xml),
      make("div", { class: "row" },
        make("button", { type: "button", class: "button", "data-testid": "again", onclick: () => act(`/phone/api/deliveries/${delivery}/again`) }, say("again")),
        make("small", {}, say("again_hint")))));
  };
  if (details.open) unfold();
  details.addEventListener("toggle", () => {
    if (details.open) { view.open.add(key); unfold(); } else view.open.delete(key);
  });
  return details;
}

/* One element a line, without touching what is inside CDATA. Everything goes in as text, never as markup. */
function xml(source) {
  const pre = make("pre", { "data-testid": "xml", tabindex: "0" });
  if (!source) { pre.append(make("span", { class: "mark" }, say("empty_body"))); return pre; }
  if (!source.trimStart().startsWith("<xml")) { pre.append(source); return pre; }
  const tokens = source.match(/<!\[CDATA\[[\s\S]*?\]\]>|<[^>]+>|[^<]+/g).filter((token) => token.trim());
  let depth = 0;
  let afterLeaf = false;
  tokens.forEach((token, index) => {
    const isMarkup = token.startsWith("<") && !token.startsWith("<![CDATA[");
    const isClosing = isMarkup && token.startsWith("</");
    if (isClosing) depth -= 1;
    if (isMarkup && !afterLeaf && index) pre.append(`\n${"  ".repeat(depth)}`);
    afterLeaf = !isMarkup;
    if (isMarkup) {
      pre.append(make("span", { class: "tag" }, token));
      const next = tokens[index + 1] || "";
      if (!isClosing && next.startsWith("</")) afterLeaf = true;
    } else if (token.startsWith("<![CDATA[")) {
      pre.append(make("span", { class: "mark" }, "<![CDATA["), token.slice(9, -3), make("span", { class: "mark" }, "]]>"));
    } else pre.append(token.trim());
    if (isMarkup && !isClosing && !token.endsWith("/>")) depth += 1;
  });
  return pre;
}

/* ---- menu ---- */

function drawMenu(buttons, follows) {
  const menu = $("menu");
  menu.hidden = !buttons.length || !follows;
  const tap = (path) => {
    for (const open of menu.querySelectorAll("details[open]")) open.open = false;
    gesture("menu", { path });
  };
  /* A button that opens a page opens it on this person's phone. */
  const button = (item, path) => (item.type === "view" && isWeb(item.url)
    ? opens(make("a", { href: item.url, target: "_blank", rel: "noopener noreferrer", onclick: () => tap(path) }, item.name))
    : make("button", { type: "button", onclick: () => tap(path) }, item.name));
  draw(menu, buttons.map((item, index) => ({ key: index, item })), ({ key: place, item }) => {
    if (!item.sub_button || !item.sub_button.length) return button(item, [place]);
    const below = item.sub_button.map((each, index) => button(each, [place, index]));
    return make("details", {}, make("summary", {}, item.name), make("div", { class: "popup" }, ...below));
  });
}

/* ---- codes ---- */

function remaining(code) {
  if (!code.expire_seconds) return { text: say("permanent") };
  const left = Math.ceil(code.created_at + code.expire_seconds - (Date.now() / 1000 + view.clock));
  if (left <= 0) return { text: say("expired"), isExpired: true };
  return { text: say("expires_in", duration(left)), isSoon: left < 120 };
}

function duration(seconds) {
  const [key, size] = seconds >= 172800 ? ["days", 86400] : seconds >= 7200 ? ["hours", 3600] : seconds >= 120 ? ["minutes", 60] : ["seconds", 1];
  return say(key, Math.round(seconds / size));
}

function drawCodes() {
  const person = chosen();
  const items = view.state.codes.map((code) => ({ key: code.ticket, ...code, left: remaining(code), person: shortName(person) }));
  if (!items.length) items.push({ key: "empty", empty: true });
  draw($("codes"), items, drawCode);
}

function drawCode(code) {
  if (code.empty) {
    return make("li", { class: "empty", "data-testid": "no-codes" }, icon("codes"), make("strong", {}, say("no_codes")), say("no_codes_hint"));
  }
  const label = say("code_image", code.scene);
  const image = `/cgi-bin/showqrcode?ticket=${encodeURIComponent(code.ticket)}`;
  const picture = code.left.isExpired
    ? make("div", { class: "code-picture" })
    : make("button", { type: "button", class: "code-picture", "aria-label": label, onclick: () => enlarge(code, image) }, make("img", { src: image, alt: label, loading: "lazy" }));
  return make("li", { class: `card code${code.left.isExpired ? " is-expired" : ""}`, "data-testid": "code", "data-scene": code.scene, "data-ticket": code.ticket },
    picture,
    make("div", { class: "code-text" },
      make("span", { class: "code-scene" }, code.scene),
      make("span", { class: "code-facts" }, say(`kind_${code.kind}`)),
      make("span", { class: `code-facts${code.left.isSoon ? " soon" : ""}` }, `${code.left.text}${code.scans ? ` · ${say("scans", code.scans)}` : ""}`),
      make("button", { type: "button", class: "button primary", title: say("scan_as", code.person), "data-testid": "scan", onclick: () => scan(code.ticket) }, say("scan"))));
}

function enlarge(code, image) {
  $("code-sheet-title").textContent = code.scene;
  $("code-sheet-url").textContent = code.url;
  $("code-sheet-image").src = image;
  $("code-sheet-image").alt = say("code_image", code.scene);
  $("code-sheet").showModal();
}

async function scan(ticket, follows = false) {
  view.ticket = ticket;
  openTab("chat");
  const answer = await gesture("scan", { ticket, follows });
  if (!answer) return;
  if (answer.page === "follow") {
    $("follow-sheet-text").textContent = say("follow_sheet_text", shortName(chosen()));
    $("follow-sheet").showModal();
  }
  if (answer.page === "expired") $("expired-sheet").showModal();
}

/* Another page can hand a code over, as one holds a phone in front of a screen: /#scan=<ticket> */
function scanHanded() {
  const handed = new URLSearchParams(window.location.hash.slice(1)).get("scan");
  if (!handed || !view.state) return;
  history.replaceState(null, "", window.location.pathname);
  const code = view.state.codes.find((each) => each.ticket === handed);
  if (!code) return toast(say("error_no_such_code"));
  $("scan-scene").textContent = code.scene.length > 32 ? `${code.scene.slice(0, 31)}…` : code.scene;
  $("scan-people").replaceChildren(...view.state.people.map((person) =>
    make("button", { type: "button", class: "button wide who", "data-testid": `scan-as-${person.name.split(" ")[0]}`,
      onclick: () => { $("scan-sheet").close(); choose(person.openid); scan(handed); } },
    avatar(person), make("span", {}, person.name), make("small", {}, say(`state_${person.state}`)))));
  if (!$("scan-sheet").open) $("scan-sheet").showModal();
}

/* ---- settings ---- */

function drawSettings(state) {
  const { account, trouble } = state;
  const summary = document.querySelector(".top .callback");
  summary.classList.toggle("is-set", Boolean(account.callback_url));
  summary.textContent = account.callback_url ? `${account.callback_url} · ${say(`mode_${account.mode}`)}` : `${say("callback_url")}: ${say("no_callback_url")}`;
  $("fact-appid").textContent = account.appid;
  $("fact-url").textContent = account.callback_url || say("no_callback_url");
  $("fact-mode").textContent = say(`mode_${account.mode}`);
  $("verify").disabled = !account.callback_url;
  for (const name of ["slow_seconds", "lost_answers", "repeats"]) {
    const select = $(name);
    if (document.activeElement === select) continue;
    const value = String(trouble[name]);
    const known = [...select.options].find((option) => Number(option.value) === trouble[name]);
    if (!known) select.add(new Option(value, value));
    select.value = known ? known.value : value;
  }
  for (const name of ["second_receiver", "snapshot_page"]) $(name).checked = trouble[name];
  $("trouble-on").hidden = !(trouble.slow_seconds || trouble.lost_answers || trouble.repeats || trouble.second_receiver || trouble.snapshot_page);
}

async function verify() {
  const output = $("verified");
  output.className = "verified";
  output.textContent = "…";
  const answer = await act("/phone/api/verify");
  if (!answer) { output.textContent = ""; return; }
  output.classList.add(answer.is_verified ? "good" : "bad");
  output.textContent = answer.is_verified ? say("verified", answer.milliseconds) : say("not_verified", say(`reason_${answer.reason}`, answer.status));
}

/* ---- page ---- */

let toastTimer = 0;
function toast(text) {
  $("toast").textContent = text;
  $("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $("toast").classList.remove("shown"), 4000);
}

function openTab(name) {
  document.body.dataset.tab = name;
  for (const button of document.querySelectorAll(".tabs button")) button.setAttribute("aria-current", String(button.dataset.tab === name));
  if (name === "chat") $("conversation").scrollTop = $("conversation").scrollHeight;
}

function listen() {
  window.addEventListener("hashchange", refresh);
  for (const button of document.querySelectorAll(".tabs button")) button.addEventListener("click", () => openTab(button.dataset.tab));
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll(".more[open], .account-menu details[open]")) if (!open.contains(event.target)) open.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const open of document.querySelectorAll(".more[open], .account-menu details[open]")) open.open = false;
  });
  const onSubmit = (id, handler) => $(id).addEventListener("submit", (event) => { event.preventDefault(); handler(event.target); });
  onSubmit("composer", (form) => {
    const content = form.elements.content.value;
    if (!content.trim()) return;
    form.reset();
    gesture("text", { content });
  });
  onSubmit("add-person", async (form) => {
    const answer = await act("/phone/api/people", { name: form.elements.name.value });
    if (answer) { form.reset(); choose(answer.openid); }
  });
  onSubmit("add-code", async (form) => {
    const { scene, kind, expire_seconds } = form.elements;
    const answer = await act("/phone/api/codes", { scene: scene.value, kind: kind.value, expire_seconds: Number(expire_seconds.value) });
    if (answer) scene.value = "";
  });
  $("kind").addEventListener("change", () => { $("expiry").disabled = $("kind").value.includes("LIMIT"); });
  for (const name of ["slow_seconds", "lost_answers", "repeats"]) {
    $(name).addEventListener("change", () => { act("/control/trouble", { [name]: Number($(name).value) }); $(name).blur(); });
  }
  for (const name of ["second_receiver", "snapshot_page"]) {
    $(name).addEventListener("change", () => act("/control/trouble", { [name]: $(name).checked }));
  }
  $("expire-tokens").addEventListener("click", async () => { if (await act("/control/expire-tokens")) toast(say("tokens_expired")); });
  // WeChat never forgets a token that it gave out: a bot whose new ones are refused, too, would pause its calls.
  $("reset").addEventListener("click", () => { if (window.confirm(say("reset_confirm"))) act("/control/reset", { keeps_tokens: true }); });
  $("verify").addEventListener("click", verify);
  $("details").addEventListener("click", () => { $("more").open = false; $("details-sheet").showModal(); drawDetails(); });
  $("unfollow").addEventListener("click", () => { $("more").open = false; gesture("unfollow"); });
  for (const id of ["follow", "follow-now"]) $(id).addEventListener("click", () => { $("more").open = false; gesture("follow"); });
  $("sheet-follow").addEventListener("click", () => { $("follow-sheet").close(); scan(view.ticket, true); });
}

function keepAsking() {
  refresh().finally(() => setTimeout(keepAsking, view.state && view.state.people.some((person) => person.waiting) ? 300 : 1000));
}

listen();
openTab("chat");
keepAsking();
setInterval(() => {
  if (!view.state || document.hidden || !chosen()) return;
  drawCodes();
  drawDetails();
  if (view.state.typing_until) drawChat(view.state);
}, 1000);
