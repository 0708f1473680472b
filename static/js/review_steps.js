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
  if (scroll) step.scrollIntoView({ block: step.offsetHeight > innerHeight * 0.6 ? "start" : "nearest" });
  for (const list of [".tree", ".lanes"]) {
    const row = find(`${list} a[href="#${step.id}"]`, desk.bench);
    if (row) { row.setAttribute("aria-current", "step"); row.scrollIntoView({ block: "nearest" }); }
  }
  const own = find("[data-own-page]", desk.bench);
  if (own) own.href = `${own.pathname}?at=${step.id}#now`;
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
  const aim = () => { if (target?.matches("[data-step]")) mark(target, true); else target?.scrollIntoView({ block: target.matches(".part") ? "start" : "nearest" }); };
  aim();
  // what was never drawn above it takes its true height now, and moves it
  if (desk.bench.dataset.parts) requestAnimationFrame(() => requestAnimationFrame(() => { if (!target?.matches("[data-step]") || current() === target) aim(); }));
  return target;
}

/** The current step just as it came, and back; the answer formatted or raw. */
export async function plain() {
  const step = current();
  if (!step) return toast("Choose a step first.");
  if (step.id === "answer") {
    const list = all("[data-answer]", step), at = list.findIndex((one) => one.getAttribute("aria-pressed") === "true");
    return list[(at + 1) % list.length]?.click();
  }
  // a sub-agent's card is a fold: what it said stands inside
  const box = find(":scope > details", step) ?? step, old = find(":scope > .as-came", box);
  const came = step.dataset.came || find(":scope > header [data-came]", step)?.href;
  if (box !== step) { if (old && !box.open) old.hidden = true; box.open = true; }
  if (old) { old.hidden = !old.hidden; box.toggleAttribute("data-plain", !old.hidden); return; }
  if (!came) return toast("This step is shown as it came.", { ms: 1500 });
  const answer = await fetch(came, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return toast("The text could not be fetched.");
  const text = document.createElement("pre");
  text.className = "plain as-came";
  text.tabIndex = 0;
  text.append(await answer.text());
  box.append(text);
  box.setAttribute("data-plain", "");
}

export function fold() {
  const step = current();
  if (!step) return toast("Choose a step first: ] and [ move.");
  const folds = all("details.fold", step), open = folds.some((one) => !one.open);
  folds.forEach((one) => { one.open = open; });
}
