// The review page's fast path. Without it every button is a plain form; with it the next item is already here when a
// key is pressed, and what was said is kept in an outbox until the server has it.
import { keysOn, toast, typing } from "./whetstone.js";

const find = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const later = (run) => requestAnimationFrame(() => { const line = new MessageChannel(); line.port1.onmessage = run; line.port2.postMessage(0); });
const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
const store = { get: (name) => { try { return localStorage.getItem(name); } catch { return null; } }, set: (name, value) => { try { if (value) localStorage.setItem(name, value); else localStorage.removeItem(name); } catch { /* private mode */ } } };

let bench = find("#bench");
let ready = false; // no judging of what is not painted yet
let keyAt = 0;
let queued = null; // an undo that came before the paint
let shownAt = performance.now();
let ahead = null; // {url, node: promise of a bench or null}
const past = []; // what was left behind, newest last: {node, url, key, kind}
const done = new Set(); // addresses of items judged, skipped or flagged here
const WORDS = { acceptable: "Accepted", unacceptable: "Rejected", unsure: "Marked unsure" };

// --- showing an item

function parse(text) {
  const node = document.adoptNode(new DOMParser().parseFromString(text, "text/html").getElementById("bench") ?? document.createElement("p"));
  node.cameAt = performance.now();
  return node.id ? node : null;
}

async function fetchBench(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (answer.status === 204) return null;
  if (!answer.ok || answer.headers.has("HX-Redirect")) throw new Error(answer.headers.has("HX-Redirect") ? "You are signed out." : `The server answered ${answer.status}.`);
  return parse(await answer.text());
}

function show(node, { push = true, scroll = true } = {}) {
  ready = false;
  if (node !== bench) {
    bench.replaceWith(node);
    bench = node;
  }
  document.title = document.title.replace(/^.*?(?= · )/, node.dataset.end ? `Review: ${node.dataset.title}` : node.dataset.title);
  const here = node.dataset.here;
  if (push && location.pathname !== here) history.pushState({}, "", here);
  if (scroll) { find(".talk", node)?.scrollTo(0, 0); find("h1", node)?.focus({ preventScroll: true }); }
  restoreDraft();
  paintSaved();
  paintLease();
  shownAt = performance.now();
  later(() => {
    ready = true;
    bench.removeAttribute("aria-busy");
    if (keyAt) performance.measure("key-to-painted", { start: keyAt, end: performance.now() });
    keyAt = 0;
    if (!node.wired) { node.wired = true; window.htmx?.process(node); }
    prefetch();
    const run = queued;
    queued = null;
    run?.();
  });
}

function prefetch() {
  const { next, end, here } = bench.dataset;
  if (!end) { ahead = null; return; }
  if (next && !done.has(next)) {
    if (ahead?.url !== next) ahead = { url: next, node: fetchBench(next).catch(() => null) };
    return;
  }
  // what follows was not known when this page was made: ask once the server has what we said
  const item = here.split("/").at(-2);
  ahead = { url: "", node: flush().then(() => (box().length ? null : fetchBench(`${end}?but=${item}`))).catch(() => null) };
}

async function advance(counted) {
  const from = bench, count = Number(find("[data-count]", from)?.textContent.replace(/\D/g, "")) || 0;
  ready = false;
  let node = await ahead?.node;
  if (bench !== from) return;
  if (!node || done.has(node.dataset.here)) {
    from.setAttribute("aria-busy", "true");
    await flush();
    try { node = box().length ? null : await fetchBench(from.dataset.end); } catch (error) { toast(error.message); node = null; }
    if (bench !== from) return;
    if (!node) {
      from.removeAttribute("aria-busy");
      ready = true;
      toast("The next item is not loaded yet. What you said is kept and will be sent.");
      return;
    }
  }
  ahead = null;
  const slot = find("[data-count]", node);
  if (counted && slot && count && Number(slot.textContent.replace(/\D/g, "")) <= count) slot.textContent = (count + 1).toLocaleString("en");
  show(node);
}

async function load(url, { push = true } = {}) {
  ready = false;
  bench.setAttribute("aria-busy", "true");
  try {
    const known = ahead?.url === url ? await ahead.node : null;
    const node = known ?? (await fetchBench(url));
    if (!node) throw new Error("There is nothing to show.");
    if (!known) ahead = null;
    show(node, { push });
  } catch (error) {
    bench.removeAttribute("aria-busy");
    ready = true;
    toast(error.message === "Failed to fetch" ? "The server cannot be reached." : error.message);
  }
}

/** Replace parts of the page by what the server makes of them now; scroll and what is typed elsewhere stay. */
async function refresh(...selectors) {
  const at = bench;
  const node = await fetchBench(at.dataset.here).catch(() => null);
  if (!node || bench !== at) return;
  for (const selector of selectors) {
    const old = find(selector, at), fresh = find(selector, node);
    if (old && fresh) { old.replaceWith(fresh); window.htmx?.process(fresh); }
  }
  mark(current());
}

// --- the outbox: in order, one at a time, kept in this browser until the server has said yes

const BOX = `whetstone.outbox.${bench?.dataset.person ?? ""}`;
let memory = [];
let flushing = null, offline = "", savedAt = 0, retry = 0, wait = 1500, busy = false;
function box() { const text = store.get(BOX); return text ? JSON.parse(text) : memory; }
function setBox(ops) { memory = ops; store.set(BOX, ops.length ? JSON.stringify(ops) : ""); paintSaved(); }

function send(op) {
  setBox([...box(), { id: newKey(), at: Date.now(), ...op }]);
  return flush();
}

function flush() {
  if (flushing) return flushing;
  clearTimeout(retry);
  const work = () => drain().finally(() => { flushing = null; busy = false; paintSaved(); });
  // one tab sends at a time; others find the box empty
  flushing = navigator.locks ? navigator.locks.request(BOX, work) : work();
  return flushing;
}

async function drain() {
  for (let op = box()[0]; op; op = box()[0]) {
    const slow = setTimeout(() => { busy = true; paintSaved(); }, 300);
    let answer = null;
    try {
      answer = await fetch(op.url, {
        method: "POST", keepalive: op.body.length < 50_000, credentials: "same-origin", signal: AbortSignal.timeout(20_000),
        headers: { "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": token() }, body: op.body,
      });
    } catch { answer = null; }
    clearTimeout(slow);
    const json = answer?.headers.get("Content-Type")?.includes("json") ? await answer.json().catch(() => null) : null;
    if (!answer || [429, 502, 503, 504].includes(answer.status)) return hold("offline");
    if (answer.redirected || (answer.ok && !json)) return hold("signed out");
    setBox(box().filter((one) => one.id !== op.id));
    offline = "";
    wait = 1500;
    if (answer.ok) { savedAt = Date.now(); after(op, json); } else refused(op, json?.error?.message ?? `The server answered ${answer.status}.`);
  }
}

function hold(why) {
  if (why === "signed out" && offline !== why) toast("You are signed out. What you said is kept here.", { ms: 0, action: { label: "Sign in", run: () => location.reload() } });
  offline = why;
  wait = Math.min(wait * 1.6, 30_000);
  retry = setTimeout(flush, wait);
}

function refused(op, why) {
  done.delete(op.home);
  const at = past.findLastIndex((one) => one.url === op.home && one.key === (op.key ?? ""));
  toast(`Not saved: ${why}`, { ms: 0 });
  const [left] = at >= 0 ? past.splice(at, 1) : [];
  if (left && op.home !== bench.dataset.here) { ahead = null; show(left.node); } else if (op.home === bench.dataset.here) refresh(".judge", "aside.form");
}

function after(op, json) {
  if (op.act === "correct" && !json.edited) forget(op.home, op.key);
  if (op.home !== bench.dataset.here) return;
  if (op.act === "correct" || op.act === "reset") refresh("#answer");
  if (op.act === "judge" && !bench.dataset.end) refresh(".goal", "aside.form", ".judge");
  if (op.act === "undo") { if (!json.undone) toast(json.message); if (!bench.dataset.end) refresh(".goal", "aside.form", ".judge"); }
}

const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? find("[name=csrfmiddlewaretoken]")?.value ?? "";
const body = (fields) => new URLSearchParams(fields).toString();
const revision = () => find("#judge-form [name=revision]", bench)?.value ?? "";

function paintSaved() {
  const state = find("#saved"), word = find("[data-saved]");
  if (!state || !word) return;
  const waiting = box().length;
  state.classList.toggle("offline", Boolean(offline && waiting));
  let text = "Saved";
  if (offline && waiting) text = `${offline} – ${waiting} waiting`;
  else if (waiting && busy) text = "Saving…";
  else if (savedAt && Date.now() - savedAt > 4000) text = `Saved ${age((Date.now() - savedAt) / 1000)} ago`;
  if (word.textContent !== text) word.textContent = text;
}
const age = (seconds) => (seconds < 60 ? `${Math.round(seconds / 5) * 5} s` : seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`);

// --- saying something

let undoToast = null;
function say(text, undoable = true) {
  undoToast?.remove();
  undoToast = toast(text, undoable ? { action: { label: "Undo z", run: undo } } : {});
}

function judge(verdict) {
  const form = find("#judge-form", bench), fields = new FormData(form), key = newKey(), home = bench.dataset.here;
  fields.set("verdict", verdict);
  fields.set("key", key);
  fields.set("seconds", ((performance.now() - shownAt) / 1000).toFixed(1));
  for (const name of ["step", "act", "csrfmiddlewaretoken"]) fields.delete(name);
  all("[name=verdict][aria-pressed]", form).forEach((one) => one.setAttribute("aria-pressed", String(one.value === verdict)));
  dropDraft();
  leave("judge", key);
  send({ act: "judge", key, home, url: home, body: body(fields) });
  say(`${WORDS[verdict]}: ${bench.dataset.title}`);
  if (bench.dataset.end) advance(true);
}

function leave(kind, key = "") {
  past.push({ node: bench, url: bench.dataset.here, key, kind });
  if (past.length > 30) past.shift();
  if (bench.dataset.end) done.add(bench.dataset.here);
}

function setAside(act, fields, text) {
  const home = bench.dataset.here;
  leave(act);
  send({ act, home, url: home, body: body({ act, ...fields }) });
  say(text, act === "skip");
  advance(false);
}

/** Saved answers that are gone by another way than undoing are not there to undo. */
function forget(url, key) {
  for (let at = past.length - 1; at >= 0; at -= 1) if (past[at].kind === "correct" && past[at].url === url && (!key || past[at].key === key)) past.splice(at, 1);
}

function undo() {
  undoToast?.remove();
  const last = past.pop();
  if (!last) return undoOnServer();
  if (last.kind === "correct") forget(last.url); // what was taken back is the standing edit: there is one
  else done.delete(last.url);
  const op = last.key ? box().find((one) => one.key === last.key) : null;
  if (last.kind === "judge") {
    // not sent yet and not on its way: then it never happened
    if (op && offline) setBox(box().filter((one) => one.id !== op.id));
    else send({ act: "undo", home: last.url, url: last.url, body: body({ act: "undo", undo_key: last.key }) });
  } else if (last.kind === "correct") send({ act: "reset", home: last.url, url: last.url, body: "act=reset" });
  if (last.kind === "judge") all("[aria-pressed=true][name=verdict]", last.node).forEach((one) => one.setAttribute("aria-pressed", "false"));
  if (last.node !== bench && bench.dataset.here !== last.url) {
    // the way forward again leads to the item we were on
    if (last.node.dataset.next === bench.dataset.here) { const node = bench; ahead = { url: bench.dataset.here, node: Promise.resolve(node) }; } else ahead = null;
    show(last.node);
  }
  say(last.kind === "judge" ? "Judgment taken back" : last.kind === "correct" ? "The edited answer is taken back" : "Back on the item you put aside", false);
}

async function undoOnServer() {
  const here = bench.dataset.here;
  await flush();
  const url = here.includes("/review/") && !/[0-9a-f]{8}-/.test(here) ? `${here}undo/` : here;
  const answer = await fetch(url, { method: "POST", headers: { "Accept": "application/json", "X-CSRFToken": token(), "Content-Type": "application/x-www-form-urlencoded" }, body: body({ act: "undo" }) }).catch(() => null);
  const said = answer?.ok ? await answer.json().catch(() => null) : null;
  if (!said) return toast("The server cannot be reached. Nothing was changed.");
  say(said.message, false);
  if (said.undone) { if (said.url) { done.delete(said.url); ahead = null; load(said.url); } else if (said.answer) refresh("#answer"); else refresh(".goal", "aside.form", ".judge"); }
}

function submitChosen() {
  const chosen = find("#judge-form [aria-pressed=true]", bench);
  if (chosen) return judge(chosen.value);
  if (typing(document.activeElement)) document.activeElement.blur();
  toast("Choose first: a acceptable, r unacceptable, u unsure.");
}

function rate(step, value) {
  const key = step?.dataset.stepKey, pressed = step && find(`:scope > header [data-rate="${value}"]`, step);
  if (!key || !pressed) return toast("Choose a step first: ] and [ move.");
  const stands = pressed.getAttribute("aria-pressed") === "true" ? "" : value;
  all(":scope > header [data-rate]", step).forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.rate === stands)));
  const sign = find(`[data-row-key="${CSS.escape(key)}"] [data-sign]`);
  if (sign) { sign.className = `sv ${{ good: "g", bad: "b", neutral: "n" }[stands] ?? ""}`; sign.textContent = { good: "+", bad: "−", neutral: "=" }[stands] ?? ""; }
  send({ act: "step", home: bench.dataset.here, url: bench.dataset.here, body: body({ act: "step", step: `${stands}:${key}`, revision: revision() }) });
}

// --- steps: one of them is current

const current = () => find("[data-step][aria-current]", bench);
const shown = (one) => one.checkVisibility();

function mark(step, scroll = false) {
  all("[data-step][aria-current]", bench).forEach((one) => one !== step && one.removeAttribute("aria-current"));
  all(".tree [aria-current]", bench).forEach((one) => one.removeAttribute("aria-current"));
  if (!step) return;
  step.setAttribute("aria-current", "step");
  for (let fold = step.parentElement?.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  if (scroll) step.scrollIntoView({ block: step.offsetHeight > innerHeight * 0.6 ? "start" : "nearest" });
  const row = find(`.tree a[href="#${step.id}"]`, bench);
  if (row) { row.setAttribute("aria-current", "step"); row.scrollIntoView({ block: "nearest" }); }
}

async function move(by, wanted = "[data-step]") {
  const list = all(`${wanted}, #gap`, bench).filter((one) => one.id === "gap" ? wanted === "[data-step]" || Number(one.dataset.errors) : shown(one) || wanted !== "[data-step]");
  const at = current();
  let next = by > 0
    ? list.find((one) => !at || at.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING && !at.contains(one))
    : list.findLast((one) => at && at.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING && !one.contains(at));
  if (next?.id === "gap") {
    await loadGap(next);
    return move(by, wanted);
  }
  if (next) mark(next, true);
  else toast(wanted === "[data-failed]" ? "No further error." : by > 0 ? "That was the last step." : "That was the first step.", { ms: 1500 });
}

function loadGap(gap) {
  return new Promise((settled) => {
    document.body.addEventListener("htmx:afterSettle", () => settled(), { once: true });
    setTimeout(settled, 5000);
    window.htmx ? window.htmx.trigger(find("[data-more]", gap), "click") : settled();
  });
}

function fold() {
  const step = current();
  if (!step) return toast("Choose a step first: ] and [ move.");
  const folds = all("details.fold", step), open = folds.some((one) => !one.open);
  folds.forEach((one) => { one.open = open; });
}

// --- find in this run

function search() {
  const words = find("#find", bench).value.trim().toLowerCase(), blocks = all(".said, .call:not(.agent), .answer", bench);
  const hits = words ? blocks.filter((one) => one.textContent.toLowerCase().includes(words)) : [];
  bench.hits = hits;
  const ids = new Set(hits.map((one) => `#${one.id}`));
  all(".tree li", bench).forEach((row) => { row.hidden = Boolean(words) && row.id !== "gap-row" && !ids.has(find("a", row)?.getAttribute("href")); });
  const told = find("#found", bench), gap = find("#gap-row .what", bench);
  told.hidden = !words;
  told.textContent = words ? `${hits.length} of ${blocks.length} blocks${hits.length ? ", Enter goes on" : ""}${gap ? `; ${gap.textContent} not searched` : ""}` : "";
  if (window.CSS?.highlights) {
    const ranges = [];
    for (const hit of hits) {
      const walk = document.createTreeWalker(hit, NodeFilter.SHOW_TEXT);
      for (let node = walk.nextNode(); node && ranges.length < 400; node = walk.nextNode()) {
        for (let at = node.data.toLowerCase().indexOf(words); at >= 0; at = node.data.toLowerCase().indexOf(words, at + words.length)) {
          const range = new Range();
          range.setStart(node, at);
          range.setEnd(node, Math.min(at + words.length, node.length));
          ranges.push(range);
        }
      }
    }
    if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges)); else CSS.highlights.delete("found");
  }
}

function nextHit(by) {
  const hits = bench.hits ?? [];
  if (!hits.length) return;
  bench.hit = ((bench.hit ?? (by > 0 ? -1 : 0)) + by + hits.length) % hits.length;
  const hit = hits[bench.hit];
  const words = find("#find", bench).value.trim().toLowerCase();
  all("details.fold", hit).forEach((one) => { if (!one.open && one.textContent.toLowerCase().includes(words)) one.open = true; });
  if (hit.matches("[data-step]")) mark(hit, true); else hit.scrollIntoView({ block: "center" });
}

// --- correcting the answer, with the difference as it grows

function edit(on) {
  const form = find("#edit-form", bench), answer = find("#answer", bench);
  if (!form) return;
  form.hidden = !on;
  find(".answer-foot", answer).hidden = on;
  answer.toggleAttribute("data-editing", on);
  const text = find("#answer-text", form);
  if (on) { document.getElementById("toasts").replaceChildren(); mark(answer); answer.scrollIntoView({ block: "start" }); text.focus({ preventScroll: true }); text.readOnly = false; difference(); } else find("h1", bench)?.focus({ preventScroll: true });
}

const TOKENS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
function difference() {
  const field = find("#answer-text", bench), live = find("#live-diff", bench), count = find("#edit-count", bench);
  const a = field.dataset.original.match(TOKENS) ?? [], b = field.value.match(TOKENS) ?? [];
  const pieces = compare(a, b);
  live.replaceChildren(...pieces.map(([kind, text]) => { if (kind === "same") return document.createTextNode(text); const piece = document.createElement(kind); piece.append(text); return piece; }));
  const places = pieces.filter(([kind], at) => kind !== "same" && (at === 0 || pieces[at - 1][0] === "same")).length;
  live.hidden = !places;
  count.textContent = places ? `${places} change${places === 1 ? "" : "s"}` : "What you write here is what the model learns.";
}

/** Longest common words; texts too long for that are shown as one change. */
function compare(a, b) {
  let head = 0, tail = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  while (tail < Math.min(a.length, b.length) - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const x = a.slice(head, a.length - tail), y = b.slice(head, b.length - tail), out = [["same", a.slice(0, head).join("")]];
  if (x.length * y.length > 4_000_000) out.push(["del", x.join("")], ["ins", y.join("")]);
  else {
    const width = y.length + 1, best = new Uint16Array((x.length + 1) * width);
    for (let i = x.length - 1; i >= 0; i -= 1) for (let j = y.length - 1; j >= 0; j -= 1) best[i * width + j] = x[i] === y[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    for (let i = 0, j = 0; i < x.length || j < y.length;) {
      if (i < x.length && j < y.length && x[i] === y[j]) { out.push(["same", x[i]]); i += 1; j += 1; }
      else if (j >= y.length || (i < x.length && best[(i + 1) * width + j] >= best[i * width + j + 1])) { out.push(["del", x[i]]); i += 1; }
      else { out.push(["ins", y[j]]); j += 1; }
    }
  }
  out.push(["same", a.slice(a.length - tail).join("")]);
  const joined = [];
  const add = (kind, text) => {
    const last = joined.at(-1), older = joined.at(-2);
    if (last?.[0] === kind) last[1] += text;
    else if (kind === "del" && last?.[0] === "ins" && older?.[0] === "del") older[1] += text;
    else joined.push([kind, text]);
  };
  out.filter(([, text]) => text).forEach(([kind, text], at, list) => {
    // a lone blank between two changed words goes with them: a rewritten phrase reads as one
    if (kind === "same" && !text.trim() && !text.includes("\n") && list[at - 1] && list[at - 1][0] !== "same" && list[at + 1] && list[at + 1][0] !== "same") { add("del", text); add("ins", text); } else add(kind, text);
  });
  return joined;
}

function saveAnswer(form) {
  const home = bench.dataset.here, key = newKey();
  find("#answer-text", form).readOnly = true;
  past.push({ node: bench, url: home, key, kind: "correct" }); // the item stays open, so it is not `done`
  send({ act: "correct", key, home, url: home, body: body({ act: "correct", answer: find("#answer-text", form).value, revision: revision() }) });
  find("h1", bench)?.focus({ preventScroll: true });
}

// --- notes that are not sent yet survive a reload

const draftName = () => `whetstone.note.${bench.dataset.person}.${bench.dataset.trace}`;
function restoreDraft() { const note = find("#note", bench), kept = bench.dataset.trace && store.get(draftName()); if (note && kept && !note.value) note.value = kept; }
function dropDraft() { if (bench.dataset.trace) store.set(draftName(), ""); }

// --- the lease

let active = false;
function paintLease() {
  const left = find("[data-lease-left]", bench);
  if (!left) return;
  const seconds = Math.round(Number(bench.dataset.lease) - (performance.now() - (bench.cameAt ?? 0)) / 1000);
  left.textContent = seconds > 0 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "no longer";
}
async function heartbeat() {
  if (!active || !find("[data-lease-left]", bench)) return;
  active = false;
  const at = bench;
  const answer = await fetch(at.dataset.here, { method: "POST", headers: { "Accept": "application/json", "X-CSRFToken": token(), "Content-Type": "application/x-www-form-urlencoded" }, body: "act=heartbeat" }).catch(() => null);
  if (answer?.ok) { at.dataset.lease = String((await answer.json()).seconds); at.cameAt = performance.now(); paintLease(); }
}

// --- keys: those with a button are data-key and go through it; the others are here

let going = 0;
const OWN = { "[": () => move(-1), "]": () => move(1), "{": () => move(-1, "[data-failed]"), "}": () => move(1, "[data-failed]"), "!": () => { mark(null); move(1, "[data-failed]"); }, o: fold, "+": () => rate(current(), "good"), "-": () => rate(current(), "bad"), "=": () => rate(current(), "neutral") };

function onKey(event) {
  active = true;
  const { key, target } = event, command = (event.ctrlKey || event.metaKey) && !event.getModifierState?.("AltGraph");
  const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  if (command && key === "Enter") {
    stop();
    if (target.id === "answer-text") saveAnswer(target.form);
    else if (target.id === "flag-note") target.form.requestSubmit();
    else if (ready) { keyAt = event.timeStamp; submitChosen(); }
    return;
  }
  if (key === "Escape" && target.id === "answer-text") { stop(); return edit(false); }
  if (target.id === "find" && key === "Enter") { stop(); return nextHit(event.shiftKey ? -1 : 1); }
  if (typing(target) || document.querySelector("dialog[open]") || !keysOn()) return;
  if (command && key.toLowerCase() === "z") { stop(); if (ready) undo(); else queued = undo; return; }
  if (command || event.altKey) return;
  if (key === "Enter" && target.closest?.("a, button, summary")) return; // it belongs to what has the focus
  if (going && Date.now() - going < 1500) { going = 0; return; }
  going = key === "g" ? Date.now() : 0;
  const ours = OWN[key] || (key.length === 1 || key === "Enter" ? find(`[data-key="${CSS.escape(key)}"]`, bench) : null);
  if (!ours) return;
  if (!ready || (event.repeat && !"[]{}jk".includes(key))) { if (key === "z" && !event.repeat) queued = undo; return stop(); }
  keyAt = event.timeStamp;
  if (OWN[key]) { stop(); keyAt = 0; OWN[key](); }
}

// --- clicks and forms

function onSubmit(event) {
  const { target: form, submitter } = event;
  if (!bench.contains(form)) return;
  if (form.id === "judge-form") {
    if (bench.classList.contains("done")) { if (past.length) { event.preventDefault(); undo(); } return; }
    event.preventDefault();
    if (!ready || !submitter) return;
    find("#more", bench)?.hidePopover?.();
    if (submitter.name === "verdict") judge(submitter.value);
    else if (submitter.name === "step") rate(submitter.closest("[data-step]"), submitter.dataset.rate);
    else if (submitter.value === "skip") setAside("skip", {}, "Skipped: it comes again at the end");
    else if (submitter.value === "undo") undo();
  } else if (form.id === "flag-form") { event.preventDefault(); if (ready) setAside("flag", { flag_note: find("#flag-note", form).value }, "Flagged for somebody else"); }
  else if (form.id === "edit-form") { event.preventDefault(); saveAnswer(form); }
  else if (form.id === "reset-form") { event.preventDefault(); forget(bench.dataset.here); send({ act: "reset", home: bench.dataset.here, url: bench.dataset.here, body: "act=reset" }); }
}

function onClick(event) {
  active = true;
  const at = (selector) => event.target.closest(selector);
  if (!bench.contains(event.target) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = at("a[data-go-next], a[data-go-before], .tree a, [data-sheet], .outline-open, .outline .close, [data-focus], [data-edit], [data-edit-cancel]");
  if (link && event.button === 0) {
    if (link.matches("[data-go-next]")) { event.preventDefault(); if (ready) next(); return; }
    if (link.matches("[data-go-before]")) { event.preventDefault(); if (ready) load(link.href.startsWith(location.origin) ? new URL(link.href).pathname : link.href); return; }
    event.preventDefault();
    if (link.matches("[data-sheet]")) { bench.querySelector(".form").toggleAttribute("data-open"); return; }
    if (link.matches(".outline-open")) { find(".outline", bench).toggleAttribute("data-open", true); find("#find", bench).focus(); return; }
    if (link.matches(".close")) { find(".outline", bench).removeAttribute("data-open"); return; }
    if (link.matches("[data-edit]")) { find("#more", bench)?.hidePopover?.(); return edit(true); }
    if (link.matches("[data-edit-cancel]")) return edit(false);
    if (link.matches("[data-focus]")) { find("#more", bench)?.hidePopover?.(); find(".form", bench).setAttribute("data-open", ""); find(`#${link.dataset.focus}`, bench)?.focus(); return; }
    const target = document.getElementById(link.hash.slice(1));
    find(".outline", bench).removeAttribute("data-open");
    if (target?.id === "gap") { target.scrollIntoView({ block: "center" }); return loadGap(target); }
    if (target?.matches("[data-step]")) mark(target, true); else target?.scrollIntoView({ block: "nearest" });
    return;
  }
  const filter = at("[data-show]");
  if (filter) { all("[data-show]", bench).forEach((one) => one.setAttribute("aria-pressed", String(one === filter))); find("#tree", bench).dataset.show = filter.dataset.show; return; }
  const view = at("[data-answer]");
  if (view) { all("[data-answer]", bench).forEach((one) => one.setAttribute("aria-pressed", String(one === view))); find("#answer", bench).dataset.view = view.dataset.answer; return; }
  const rating = at("input[name=rating]");
  if (rating) { const again = rating.dataset.on === "1"; all("input[name=rating]", bench).forEach((one) => delete one.dataset.on); if (again) rating.checked = false; else rating.dataset.on = "1"; return; }
  const step = at("[data-step]");
  if (step && !at("a, button, summary, textarea")) mark(step);
}

async function next() {
  const node = await ahead?.node;
  if (node && !done.has(node.dataset.here)) { ahead = null; return show(node); }
  // nothing behind this one, or not loaded: the server knows
  load(bench.dataset.next && !done.has(bench.dataset.next) ? bench.dataset.next : bench.dataset.end || bench.dataset.here);
}

if (bench) {
  bench.cameAt = 0;
  bench.wired = true;
  for (const op of box()) if (op.act === "judge" || op.act === "skip" || op.act === "flag") done.add(op.home);
  all("input[name=rating]:checked", bench).forEach((one) => { one.dataset.on = "1"; });
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.addEventListener("pointerdown", () => { active = true; }, { passive: true });
  document.addEventListener("wheel", () => { active = true; }, { passive: true });
  document.addEventListener("input", ({ target }) => {
    if (target.id === "note" && bench.dataset.trace) store.set(draftName(), target.value);
    if (target.id === "find") { bench.hit = undefined; search(); }
    if (target.id === "answer-text") requestAnimationFrame(difference);
  });
  addEventListener("popstate", () => { if (location.pathname !== bench.dataset.here) load(location.pathname + location.search, { push: false }); });
  addEventListener("online", flush);
  setInterval(() => { paintSaved(); paintLease(); }, 1000);
  setInterval(heartbeat, 60_000);
  if (find("#edit-form:not([hidden])", bench)) edit(true);
  show(bench, { push: false, scroll: false });
  if (box().length) { flush(); if (done.has(bench.dataset.here) && bench.dataset.next) later(() => advance(false)); }
}
