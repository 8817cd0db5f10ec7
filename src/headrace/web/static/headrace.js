// Keeps a page as things are now, and says since when it does not. Every page is complete without
// this file. One stream says which topics have changed; the parts that show them are fetched again
// and morphed in place, so that focus, scroll, open details and half-filled forms stay.
const SILENCE = 4500;        // milliseconds without a sign of life after which nothing is sure
const PATIENCE = 4000;       // that a part may take to be shown anew, before it is said
const POLL = 3000;           // between two questions where no stream is to be had
const LONGEST_PAUSE = 10000; // between two attempts to get a stream
const root = new URL(document.body.dataset.root || "./", location.href);
const parts = () => [...document.querySelectorAll("[data-part]")];
const topicsOf = (part) => (part.dataset.topics || "").split(" ").filter(Boolean);
const isHidden = () => document.visibilityState === "hidden";

// ---- Parts

const tags = new Map();
const dirty = new Set();
const loading = new Set();
const oldSince = new Map();  // since when a part is known to be old

function markOld(name) {
  dirty.add(name);
  if (!oldSince.has(name)) oldSince.set(name, Date.now());
}

function askAgain(name, seconds) {
  setTimeout(() => { markOld(name); if (!isLost()) refreshDirty(); }, seconds * 1000 + 50);
}

function markChanged(names) {
  for (const part of parts()) {
    if (!names || topicsOf(part).some((topic) => names.has(topic))) markOld(part.dataset.part);
  }
  refreshDirty();
}

function refreshDirty() {
  if (isHidden()) return;
  for (const part of parts()) {
    const name = part.dataset.part;
    if (dirty.has(name) && !loading.has(name)) refresh(part, name);
  }
}

async function refresh(part, name) {
  dirty.delete(name);
  loading.add(name);
  let failed = false;
  try {
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.delete("outcome");
    address.searchParams.set("part", name);
    const headers = tags.has(name) ? { "If-None-Match": tags.get(name) } : {};
    const signal = AbortSignal.timeout(30000);
    const answer = await fetch(address, { headers, signal, credentials: "same-origin", cache: "no-store" });
    if (answer.status === 401) { location.reload(); return; }
    // The run, or whatever the page is of, is no more: the page says so.
    if (answer.headers.has("Headrace-Missing")) { location.reload(); return; }
    if (!answer.ok && answer.status !== 304) throw new Error(`${answer.status}`);
    if (answer.ok) {
      const html = await answer.text();
      morph(part, html);
      tags.set(name, answer.headers.get("ETag"));
    }
    oldSince.delete(name);
    if (dirty.has(name)) markOld(name);
    if (answer.headers.has("Headrace-Again")) askAgain(name, Number(answer.headers.get("Headrace-Again")));
  } catch {
    // The line about the contact says so; what is shown is dimmed until there is an answer again.
    failed = true;
    markOld(name);
    setTimeout(refreshDirty, POLL);
  } finally {
    loading.delete(name);
    if (dirty.has(name) && !failed && !isLost()) refreshDirty();
    showContact();
  }
}

// A control that somebody has changed is left as it is.
function isEdited(node) {
  if (node instanceof HTMLInputElement) {
    return node.value !== node.defaultValue || node.checked !== node.defaultChecked;
  }
  if (node instanceof HTMLTextAreaElement) return node.value !== node.defaultValue;
  if (node instanceof HTMLSelectElement) {
    const chosen = [...node.options].some((option) => option.defaultSelected);
    return [...node.options].some((option, place) =>
      option.selected !== (chosen ? option.defaultSelected : place === 0));
  }
  return false;
}

function morph(part, html) {
  const logs = [...part.querySelectorAll("pre")].filter(
    (log) => log.scrollTop > 0 && log.scrollTop + log.clientHeight >= log.scrollHeight - 2);
  Idiomorph.morph(part, html, {
    morphStyle: "innerHTML",
    ignoreActiveValue: true,
    callbacks: {
      beforeNodeMorphed: (old) => !(old instanceof HTMLElement)
        || (!isEdited(old) && !("keep" in old.dataset) && !("sent" in old.dataset)),
      beforeAttributeUpdated: (name, node) => !(name === "open" && node instanceof HTMLDetailsElement),
    },
  });
  for (const log of logs) log.scrollTop = log.scrollHeight;
  showAges();
  part.dispatchEvent(new CustomEvent("headrace:part", { bubbles: true }));
}

// ---- Times

function ageText(seconds) {
  const past = Math.abs(seconds);
  const [count, unit] = past < 60 ? [past, "s"] : past < 3600 ? [past / 60, "min"]
    : past < 172800 ? [past / 3600, "h"] : [past / 86400, "d"];
  return seconds < 0 ? `in ${Math.floor(count)} ${unit}` : `${Math.floor(count)} ${unit} ago`;
}

function showAges() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const text = ageText((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.dataset.age !== text && !text.includes("NaN")) time.dataset.age = text;
  }
}

// ---- Contact

const line = document.getElementById("contact");
const age = document.getElementById("contact-age");
let heardAt = Date.now();
let problem = "";
let problemAt = 0;
let isBroken = false;

const isLost = () => isBroken || Date.now() - heardAt > SILENCE;

function heard(told) {
  heardAt = Date.now();
  isBroken = false;
  if (told && !problem) problemAt = heardAt;
  problem = told;
  showContact();
}

function lost() {
  isBroken = true;
  showContact();
}

function showContact() {
  const clock = (moment) => new Date(moment).toISOString().slice(11, 19) + " UTC";
  const old = Math.min(Infinity, ...oldSince.values());
  const isOld = !isHidden() && Date.now() - old > PATIENCE;
  const text = isLost() ? `No contact since ${clock(heardAt)}: what is shown may be old.`
    : problem ? `The services do not answer since ${clock(problemAt)}: what is shown may be old. ${problem}`
    : isOld ? `Part of this page has had no answer since ${clock(old)}: what is shown may be old.`
    : "In contact.";
  if (line.textContent !== text) line.textContent = text;
  const since = `Last contact ${Math.max(0, Math.round((Date.now() - heardAt) / 1000))} s ago.`;
  if (age.textContent !== since) age.textContent = since;
  document.body.classList.toggle("stale", isLost() || problem !== "" || isOld);
}

// ---- The stream, which one visible tab has for all

const wanted = new Set(parts().flatMap(topicsOf));
const key = `headrace ${root.pathname}`;
const canShare = "BroadcastChannel" in window && "locks" in navigator;
const channel = canShare ? new BroadcastChannel(key) : null;
let lastId = document.body.dataset.since || "";
let source = null;
let pause = 500;
let timer = 0;
let letGo = null;
let isFirst = true;

function tell(message) {
  if (channel) channel.postMessage(message);
  hear(message);
}

function hear(message) {
  if (message.kind === "change") markChanged(new Set(message.topics));
  if (message.kind === "reload") markChanged(null);
  if (message.kind === "contact") {
    // Parts that failed meanwhile are asked for again, too.
    const again = isLost() || (problem !== "" && !message.problem);
    heard(message.problem);
    // What changed while nobody told this tab is not known.
    if (again || (isFirst && !source)) markChanged(null);
    isFirst = false;
  }
  if (message.kind === "lost") lost();
}

function openStream() {
  clearTimeout(timer);
  if (source) source.close();
  const address = new URL(document.body.dataset.events, location.href);
  address.searchParams.set("topics", [...wanted].join(","));
  if (lastId) address.searchParams.set("since", lastId);
  source = new EventSource(address);
  const on = (name, act) => source.addEventListener(name, (event) => {
    lastId = event.lastEventId || lastId;
    pause = 500;
    act(event.data);
  });
  on("change", (data) => tell({ kind: "change", topics: JSON.parse(data) }));
  on("reload", () => tell({ kind: "reload" }));
  on("contact", (data) => tell({ kind: "contact", problem: JSON.parse(data).problem }));
  on("end", () => comeAgain());
  source.onerror = () => comeAgain();
}

function comeAgain(isNews = true) {
  closeStream();
  if (isNews) tell({ kind: "lost" });
  timer = setTimeout(async () => {
    pause = Math.min(2 * pause, LONGEST_PAUSE);
    const asked = fetch(new URL(document.body.dataset.events, location.href), { method: "HEAD" });
    const state = await asked.then((answer) => answer.status, () => 0);
    if (state === 401) { location.reload(); return; }
    if (state === 200) { openStream(); return; }
    // The session has as many streams as it may: this tab asks in their place.
    if (state === 204) { pause = POLL; hear({ kind: "contact", problem: "" }); markChanged(null); }
    comeAgain(state !== 204);
  }, pause * (0.75 + Math.random() / 2));
}

function closeStream() {
  clearTimeout(timer);
  if (source) source.close();
  source = null;
}

function join() {
  if (!canShare) { openStream(); return; }
  channel.postMessage({ kind: "topics", topics: [...wanted] });
  const giveUp = new AbortController();
  letGo = () => giveUp.abort();
  navigator.locks.request(key, { signal: giveUp.signal }, () => new Promise((release) => {
    letGo = release;
    openStream();
    channel.postMessage({ kind: "who" });
  })).catch(() => {});
}

function leave() {
  closeStream();
  if (letGo) letGo();
  letGo = null;
}

// A page without parts says as of when it is: it would not notice that nobody is heard any more.
if (channel && parts().length) {
  channel.onmessage = ({ data }) => {
    if (data.kind === "who") { channel.postMessage({ kind: "topics", topics: parts().flatMap(topicsOf) }); return; }
    if (data.kind !== "topics") { if (!source) hear(data); return; }
    const before = wanted.size;
    for (const topic of data.topics.slice(0, 50)) if (wanted.size < 90) wanted.add(topic);
    if (source && wanted.size > before) openStream();
  };
}

// ---- Forms: one click is one action

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.getAttribute("method") !== "post") return;
  if ("sent" in form.dataset) { event.preventDefault(); return; }
  form.dataset.sent = "";
  setTimeout(() => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
});
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("button")) button.disabled = false;
  }
  markChanged(null);
});

// ---- Beginning, and rest while nobody looks

if (parts().length) {
  for (const part of parts()) {
    const seconds = Number(part.dataset.every);
    if (seconds > 0) setInterval(() => { markOld(part.dataset.part); if (!isLost()) refreshDirty(); }, seconds * 1000);
  }
  for (const part of parts()) if (part.dataset.again) askAgain(part.dataset.part, Number(part.dataset.again));
  setInterval(() => { if (!isHidden()) showContact(); }, 250);
  document.addEventListener("visibilitychange", () => {
    if (isHidden()) { leave(); return; }
    join();
    oldSince.clear();
    markChanged(null);
  });
  addEventListener("pagehide", leave);
  if (!isHidden()) join();
  age.hidden = false;
}
setInterval(() => { if (!isHidden()) showAges(); }, 1000);
showAges();
