// A long run comes in parts: they are fetched when they come near, or when a step in one is wanted. Loaded by the review
// page only for runs that have parts.
import { all, desk, find } from "./review_core.js";
import { hold } from "./review_steps.js";
import { applyVars, toast } from "./whetstone.js";

const NEAR = "900px 0px"; // how far outside of what is seen loading begins
const AT_ONCE = 2;
const watched = new WeakSet();
const going = new Map(); // number of a part -> promise of its element
const waiting = new Set(); // elements that came near and are not asked for yet
let busy = 0, rowsTimer = 0;
const rowsWanted = new Set();

async function get(query) {
  const answer = await fetch(`${desk.bench.dataset.parts}&${query}`, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
  if (!answer.ok || answer.headers.has("HX-Redirect")) throw new Error(answer.ok ? "You are signed out." : `The server answered ${answer.status}.`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

/** Put the rows of a part where its place in the outline is. */
function placeRows(list, bench) {
  const chunk = find(`.tree .chunk[data-rows="${list.dataset.rows}"]`, bench);
  chunk?.replaceWith(...list.children);
}

/** The part with this number, drawn: fetched where it is not there yet. */
export function part(number) {
  const bench = desk.bench, place = find(`.part[data-part="${number}"]`, bench);
  if (!place?.hasAttribute("data-wait")) return Promise.resolve(place);
  const known = going.get(place);
  if (known) return known;
  place.setAttribute("aria-busy", "true");
  const made = get(`n=${number}`).then((page) => {
    const fresh = document.adoptNode(find(".part", page));
    const kept = desk.kept ?? (bench === desk.bench ? looked() : undefined);
    place.replaceChildren(...fresh.childNodes);
    place.removeAttribute("data-wait");
    steady(kept); // before it is painted
    for (const list of all("ol[data-rows]", page)) placeRows(document.adoptNode(list), bench);
    window.htmx?.process(place);
    bench.dispatchEvent(new CustomEvent("part", { bubbles: true }));
    return place;
  }).catch((error) => { toast(error.message === "Failed to fetch" ? "The server cannot be reached." : error.message); return null; }).finally(() => { place.removeAttribute("aria-busy"); going.delete(place); });
  going.set(place, made);
  return made;
}

/** The number of the part that a block's id ("b123") is in, or that `hash` ("part-3") names. */
export function numberOf(id) {
  if (id.startsWith("part-")) return Number(id.slice(5));
  const at = Number(id.slice(1));
  return all(".part", desk.bench).find((one) => Number(one.dataset.from) <= at && at <= Number(one.dataset.to))?.dataset.part;
}

/** The element with this id, its part loaded first. Null where there is none. */
export async function reach(id) {
  const there = document.getElementById(id);
  if (there && !there.hasAttribute("data-wait")) return there;
  const number = numberOf(id);
  if (number === undefined) return null;
  await part(number);
  return document.getElementById(id);
}

// --- what is looked at stays where it is on the screen, whatever comes or takes its true height around it

const scroller = (talk) => (talk.scrollHeight > talk.clientHeight && getComputedStyle(talk).overflowY !== "visible" ? talk : document.scrollingElement);

/** Put what was kept (where one went to, while nobody scrolled) back to where it was. */
function steady(kept = desk.kept) {
  if (!kept?.target.isConnected) return;
  const off = kept.target.getBoundingClientRect().top - kept.top;
  if (Math.abs(off) >= 1) scroller(find(".talk", desk.bench)).scrollTop += off;
}
const sizes = new ResizeObserver(() => steady());

/** The first thing one can read now, and where it is: what stays while nothing is held. */
function looked() {
  const talk = find(".talk", desk.bench), edge = Math.max(0, talk.getBoundingClientRect().top);
  for (const part of all(".part:not([data-wait])", talk)) {
    const box = part.getBoundingClientRect();
    if (box.bottom <= edge || box.top >= innerHeight) continue;
    const target = [...part.children].find((one) => one.getBoundingClientRect().bottom > edge);
    if (target) return { target, top: target.getBoundingClientRect().top };
  }
}

const letGo = () => { desk.kept = null; };
const SCROLLS = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "]);
for (const act of ["wheel", "touchmove"]) addEventListener(act, letGo, { capture: true, passive: true });
addEventListener("keydown", (event) => { if (SCROLLS.has(event.key) && !event.target.closest("input, textarea, select")) letGo(); }, true);
// a scroll bar is pressed on what scrolls itself
addEventListener("pointerdown", (event) => { if (event.target.matches?.(".talk, html")) letGo(); }, true);

// --- what comes near is loaded; what was only passed by is not

const near = (root, margin, act) => new IntersectionObserver((entries) => {
  for (const one of entries) act(one.target, one.isIntersecting);
}, { root, rootMargin: margin });

function drain() {
  const view = find(".talk", desk.bench)?.getBoundingClientRect();
  const middle = view ? (view.top + view.bottom) / 2 : 0;
  const away = (one) => { const box = one.getBoundingClientRect(); return Math.max(box.top - middle, middle - box.bottom, 0); };
  while (busy < AT_ONCE && waiting.size) {
    const next = [...waiting].reduce((a, b) => (away(b) < away(a) ? b : a));
    waiting.delete(next);
    busy += 1;
    part(next.dataset.part).finally(() => { busy -= 1; drain(); });
  }
}

async function fetchRows() {
  const bench = desk.bench, numbers = [...rowsWanted].filter((one) => find(`.tree .chunk[data-rows="${one}"]`, bench)).slice(0, 24);
  numbers.forEach((one) => rowsWanted.delete(one));
  if (!numbers.length) return;
  const page = await get(`rows=${numbers.join(",")}`).catch(() => null);
  if (!page || bench !== desk.bench) return;
  for (const list of all("ol[data-rows]", page)) placeRows(document.adoptNode(list), bench);
  bench.dispatchEvent(new CustomEvent("part", { bubbles: true }));
  if (rowsWanted.size) fetchRows();
}

/** Look after the parts of the bench that is shown. */
export function watch() {
  const bench = desk.bench;
  if (!bench.dataset.parts || watched.has(bench)) return;
  watched.add(bench);
  applyVars(bench); // how high what is not loaded will be
  const wanted = location.hash.slice(1);
  if (/^(b\d+|part-\d+)$/.test(wanted)) reach(wanted).then((one) => { one?.scrollIntoView({ block: "start" }); hold(one); });
  const talk = near(find(".talk", bench), NEAR, (place, here) => {
    if (!place.hasAttribute("data-wait")) { talk.unobserve(place); waiting.delete(place); return; }
    if (here) waiting.add(place); else waiting.delete(place);
    clearTimeout(talk.timer);
    talk.timer = setTimeout(drain, 80); // a scroll bar that is dragged through a run loads what it stops at
  });
  all(".part[data-wait]", bench).forEach((one) => talk.observe(one));
  all(".part", bench).forEach((one) => sizes.observe(one));
  const tree = near(find(".tree", bench), "400px 0px", (chunk, here) => {
    if (!chunk.isConnected) { tree.unobserve(chunk); return; }
    if (here) rowsWanted.add(chunk.dataset.rows); else rowsWanted.delete(chunk.dataset.rows);
    clearTimeout(rowsTimer);
    rowsTimer = setTimeout(fetchRows, 80);
  });
  all(".tree .chunk", bench).forEach((one) => tree.observe(one));
}
