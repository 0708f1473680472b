// Showing an item: fetching it before it is needed, and moving from one to the next.
import { desk, done, find, got, later, lazy, post, store } from "./review_core.js";
import { box, flush, paintSaved } from "./review_outbox.js";
import { writeKeys } from "./review_press.js";
import { current, mark, parts } from "./review_steps.js";
import { openTab } from "./review_tabs.js";
import { toast } from "./whetstone.js";
function parse(text) {
  const node = document.adoptNode(new DOMParser().parseFromString(text, "text/html").getElementById("bench") ?? document.createElement("p"));
  node.cameAt = performance.now();
  return node.id ? node : null;
}

export async function fetchBench(url) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (answer.status === 204) return null;
  if (!answer.ok || answer.headers.has("HX-Redirect")) throw new Error(answer.headers.has("HX-Redirect") ? "You are signed out." : `The server answered ${answer.status}.`);
  return parse(await answer.text());
}

export function show(node, { push = true, scroll = true } = {}) {
  desk.ready = false;
  if (node !== desk.bench) {
    desk.bench.replaceWith(node);
    desk.bench = node;
  }
  document.title = document.title.replace(/^.*?(?= · )/, node.dataset.end ? `${node.matches(".pairs") ? "Pair" : "Review"}: ${node.dataset.title}` : node.dataset.title);
  const here = node.dataset.here;
  if (push && location.pathname !== here) history.pushState({}, "", here);
  if (scroll) { find(".talk", node)?.scrollTo(0, 0); find("h1", node)?.focus({ preventScroll: true }); }
  writeKeys(node);
  restoreDraft();
  holdChoice();
  paintSaved();
  paintLease();
  desk.shownAt = performance.now();
  later(() => {
    desk.ready = true;
    desk.bench.removeAttribute("aria-busy");
    if (desk.keyAt) performance.measure("key-to-painted", { start: desk.keyAt, end: performance.now() });
    desk.keyAt = 0;
    if (!node.wired) { node.wired = true; window.htmx?.process(node); }
    restoreRest();
    if (node.dataset.parts) parts().then((one) => one.watch());
    prefetch();
    const run = desk.queued;
    desk.queued = null;
    run?.();
  });
}

/** What was begun here before or said by others: each part of the script only where there is something to do. */
function restoreRest() {
  const { person, trace } = desk.bench.dataset, kept = (name) => trace && store.get(`whetstone.${name}.${person}.${trace}`);
  if (got.talk || find(".comment", desk.bench) || kept("comment")) lazy.talk().then((one) => { one.restoreComment(); one.paintTalk(); });
  if (!desk.bench.dataset.end) lazy.beside().then((one) => one.paintList());
  if (kept("answer")) lazy.edit().then((one) => one.restoreEdit());
  if (got.outline || ["", ".by", ".off"].some((name) => store.get(`whetstone.outline${name}`))) lazy.outline().then((one) => one.paintOutline());
}

/** The choice stays lit for a moment on the bar of the item that follows; nothing waits for it. */
function holdChoice() {
  const button = desk.held && find(`.judge [name=verdict][value=${desk.held}]`, desk.bench);
  desk.held = "";
  if (!button) return;
  button.classList.add("held");
  setTimeout(() => button.classList.remove("held"), 350);
}

/** Load the two items that come next. */
function prefetch() {
  const from = desk.bench, { end, here } = from.dataset;
  if (!end) { desk.ahead = desk.further = null; return; }
  if (desk.ahead?.after !== here) desk.ahead = desk.further?.after === here ? desk.further : { after: here, node: fetchAfter(from) };
  desk.further = null;
  desk.ahead.node.then((node) => {
    if (desk.bench === from && node?.dataset.end && !done.has(node.dataset.here)) desk.further = { after: node.dataset.here, node: fetchAfter(node) };
  });
}

/** The item behind one; asked for alone, so that nothing further is leased for it. */
function fetchAfter(node) {
  const { next, end, here } = node.dataset;
  if (next && !done.has(next)) return fetchBench(`${next}?only=1`).catch(() => null);
  // what follows was not known when that page was made: ask once the server has what we said
  return flush().then(() => fetchBench(`${end}?but=${here.split("/").at(-2)}&only=1`)).then((one) => (one && done.has(one.dataset.here) ? null : one)).catch(() => null);
}

export async function advance(counted) {
  const from = desk.bench, count = Number(find("[data-count]", from)?.textContent.replace(/\D/g, "")) || 0;
  desk.ready = false;
  let node = await desk.ahead?.node;
  if (desk.bench !== from) return;
  if (!node || done.has(node.dataset.here)) {
    from.setAttribute("aria-busy", "true");
    await flush();
    try { node = box().length ? null : await fetchBench(from.dataset.end); } catch (error) { toast(error.message); node = null; }
    if (desk.bench !== from) return;
    if (!node) {
      from.removeAttribute("aria-busy");
      desk.ready = true;
      toast("The next item is not loaded yet. What you said is kept and will be sent.");
      return;
    }
  }
  desk.ahead = null;
  const slot = find("[data-count]", node);
  if (counted && slot && count && Number(slot.textContent.replace(/\D/g, "")) <= count) slot.textContent = (count + 1).toLocaleString("en");
  show(node);
}

export async function load(url, { push = true } = {}) {
  desk.ready = false;
  desk.bench.setAttribute("aria-busy", "true");
  try {
    const node = await fetchBench(url);
    if (!node) throw new Error("There is nothing to show.");
    desk.ahead = desk.further = null;
    show(node, { push });
  } catch (error) {
    desk.bench.removeAttribute("aria-busy");
    desk.ready = true;
    toast(error.message === "Failed to fetch" ? "The server cannot be reached." : error.message);
  }
}

/** Replace parts of the page by what the server makes of them now; scroll and what is typed elsewhere stay. */
export async function refresh(...selectors) {
  const at = desk.bench, tab = find("[role=tab][aria-selected=true]", at)?.dataset.tab;
  const node = await fetchBench(at.dataset.here).catch(() => null);
  if (!node || desk.bench !== at) return;
  for (const selector of selectors) {
    const old = find(selector, at), fresh = find(selector, node);
    if (old && fresh) { writeKeys(fresh); old.replaceWith(fresh); window.htmx?.process(fresh); }
  }
  mark(current());
  if (tab) openTab(tab, { push: false });
  restoreRest();
}

export async function next() {
  const node = await desk.ahead?.node;
  if (node && !done.has(node.dataset.here)) { desk.ahead = null; return show(node); }
  // nothing behind this one, or not loaded: the server knows
  const url = desk.bench.dataset.next && !done.has(desk.bench.dataset.next) ? desk.bench.dataset.next : desk.bench.dataset.end;
  if (url) load(url); else toast("Nothing comes behind this one.", { ms: 1500 });
}

// --- notes that are not sent yet survive a reload

export const draftName = () => `whetstone.note.${desk.bench.dataset.person}.${desk.bench.dataset.trace}`;
function restoreDraft() { const note = find("#note", desk.bench), kept = desk.bench.dataset.trace && store.get(draftName()); if (note && kept && !note.value) note.value = kept; }
export function dropDraft() { if (desk.bench.dataset.trace) store.set(draftName(), ""); }

// --- the lease

export function paintLease() {
  const left = find("[data-lease-left]", desk.bench);
  if (!left) return;
  const seconds = Math.round(Number(desk.bench.dataset.lease) - (performance.now() - (desk.bench.cameAt ?? 0)) / 1000);
  left.textContent = seconds > 0 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}` : "no longer";
}
export async function heartbeat() {
  if (!desk.active || !find("[data-lease-left]", desk.bench)) return;
  desk.active = false;
  const at = desk.bench;
  const answer = await post(at.dataset.here, { act: "heartbeat" }).catch(() => null);
  if (answer?.ok) { at.dataset.lease = String((await answer.json()).seconds); at.cameAt = performance.now(); paintLease(); }
}
