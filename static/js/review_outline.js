// The outline beside a run: folding it to turns, one sub-agent at a time, time or cost, its width.
import { all, desk, find, store } from "./review_core.js";
import { toast } from "./whetstone.js";

const root = document.documentElement;
const WIDTH = "whetstone.outline", LEAST = 180, MOST = 560;

/** Only turns, and back. */
export function collapse() {
  const tree = find("#tree", desk.bench), on = tree.toggleAttribute("data-turns");
  find("[data-collapse]", desk.bench)?.setAttribute("aria-pressed", String(on));
}

/** One sub-agent stands out and everything else is dimmed; the same again ends it. */
export function single(row) {
  const { bench } = desk, id = row?.hash.slice(1) ?? "", off = !id || bench.dataset.agent === id;
  all(".kept", bench).forEach((one) => one.classList.remove("kept"));
  if (off) { delete bench.dataset.agent; return; }
  bench.dataset.agent = id;
  document.getElementById(id)?.classList.add("kept");
  let line = row.closest("li");
  line.classList.add("kept");
  const depth = row.className.match(/\bd(\d)/)?.[1] ?? 0;
  for (line = line.nextElementSibling; line && Number(line.firstElementChild.className.match(/\bd(\d)/)?.[1] ?? 0) > depth; line = line.nextElementSibling) line.classList.add("kept");
  toast("The rest is dimmed. Esc shows all again.", { ms: 2000 });
}

/** Show time or cost in the outline and the strip. */
export function measureBy(what) {
  const outline = find(".outline", desk.bench);
  outline.dataset.by = what;
  all("[data-by-what]", outline).forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.byWhat === what)));
  store.set("whetstone.outline.by", what === "time" ? "" : what);
}

/** What was chosen before holds for every item. */
export function paintOutline() {
  const { bench } = desk, by = store.get("whetstone.outline.by");
  if (by && find(`[data-by-what="${by}"]`, bench)) measureBy(by);
  const width = Number(store.get(WIDTH));
  if (width) setWidth(width);
  root.toggleAttribute("data-outline-off", store.get("whetstone.outline.off") === "1");
}

export function toggleOutline(on) {
  root.toggleAttribute("data-outline-off", !on);
  store.set("whetstone.outline.off", on ? "" : "1");
}

function setWidth(width) {
  const now = Math.round(Math.max(LEAST, Math.min(MOST, width)));
  root.style.setProperty("--outline", `${now}px`);
  find(".resizer", desk.bench)?.setAttribute("aria-valuenow", now);
  return now;
}

export function onResizerKey(event) {
  const by = { ArrowLeft: -24, ArrowRight: 24 }[event.key];
  if (!by) return false;
  store.set(WIDTH, String(setWidth(find(".outline", desk.bench).offsetWidth + by)));
  return true;
}

export function onResizerDown(event) {
  const from = event.clientX, width = find(".outline", desk.bench).offsetWidth, bar = event.target;
  event.preventDefault();
  bar.setPointerCapture(event.pointerId);
  const move = (at) => setWidth(width + at.clientX - from);
  bar.addEventListener("pointermove", move);
  bar.addEventListener("pointerup", (at) => { bar.removeEventListener("pointermove", move); store.set(WIDTH, String(setWidth(width + at.clientX - from))); }, { once: true });
}
