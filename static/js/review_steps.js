// Steps of a run: one of them is current.
import { all, desk, find } from "./review_core.js";
import { toast } from "./whetstone.js";

export const current = () => find("[data-step][aria-current]", desk.bench);
const seen = (one) => one.checkVisibility();

export function mark(step, scroll = false) {
  all("[data-step][aria-current]", desk.bench).forEach((one) => one !== step && one.removeAttribute("aria-current"));
  all(".tree [aria-current], .lanes [aria-current]", desk.bench).forEach((one) => one.removeAttribute("aria-current"));
  if (!step) return;
  step.setAttribute("aria-current", "step");
  for (let fold = step.parentElement?.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  if (scroll) show(step);
  for (const list of [".tree", ".lanes"]) {
    const row = find(`${list} a[href="#${step.id}"]`, desk.bench);
    if (row) { row.setAttribute("aria-current", "step"); row.scrollIntoView({ block: "nearest" }); }
  }
  const own = find("[data-own-page]", desk.bench);
  if (own) own.href = `${own.pathname}?at=${step.id}#now`;
}

/** Bring it into view: no further than needed where it is near, at the start where it comes from afar; there it stays. */
function show(target) {
  const box = target.getBoundingClientRect(), far = box.bottom < -innerHeight || box.top > 2 * innerHeight;
  target.scrollIntoView({ block: far || target.matches(".part") || box.height > innerHeight * 0.6 ? "start" : "nearest" });
  hold(target);
}

/** In a long run what one went to stays where it is now, whatever comes around it, until one scrolls (parts.js). */
export function hold(target) {
  desk.kept = target && desk.bench.dataset.parts ? { target, top: target.getBoundingClientRect().top } : null;
}

export async function move(by, wanted = "[data-step]") {
  const list = all(`${wanted}, .part[data-wait]`, find(".talk", desk.bench)).filter((one) => one.hasAttribute("data-wait") ? wanted === "[data-step]" || Number(one.dataset.errors) : seen(one) || wanted !== "[data-step]");
  const at = current();
  let next = by > 0
    ? list.find((one) => !at || at.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING && !at.contains(one))
    : list.findLast((one) => at && at.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING && !one.contains(at));
  if (next?.hasAttribute("data-wait")) {
    const loaded = await parts().then((one) => one.part(next.dataset.part));
    return loaded && move(by, wanted);
  }
  if (next) mark(next, true);
  else toast(wanted === "[data-failed]" ? "No further error." : by > 0 ? "That was the last step." : "That was the first step.", { ms: 1500 });
}

/** What looks after the parts of a long run; only such runs load it. */
export const parts = () => import("./parts.js");

/** Go to the step, message or part with this id, wherever it is in the run. */
export async function goTo(id) {
  const there = document.getElementById(id);
  const target = there && !there.hasAttribute("data-wait") ? there : desk.bench.dataset.parts ? await parts().then((one) => one.reach(id)) : null;
  if (target?.matches("[data-step]")) mark(target, true);
  else if (target) show(target);
  return target;
}

export function fold() {
  const step = current();
  if (!step) return toast("Choose a step first: ] and [ move.");
  const folds = all("details.fold", step), open = folds.some((one) => !one.open);
  folds.forEach((one) => { one.open = open; });
}
