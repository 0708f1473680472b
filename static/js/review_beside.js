// What is beside the run: the form's questions, the list that a trace was opened from, other tabs of the same person.
import { all, desk, done, find } from "./review_core.js";
import { BOX, paintSaved } from "./review_outbox.js";
import { advance } from "./review_show.js";
import { toast } from "./whetstone.js";

function kept() {
  try { return JSON.parse(sessionStorage.getItem("whetstone.list") ?? "null"); } catch { return null; }
}

/** Fill in the two arrows, where one is, and the link back. At an end of the page the arrow leads to the list's next. */
export function paintList() {
  const list = kept(), { bench } = desk, at = list?.traces.indexOf(bench.dataset.here) ?? -1;
  if (at < 0) return;
  find(".topbar .name", bench).href = list.url;
  find("[data-list-at]", bench).textContent = `${at + 1} of ${list.traces.length}${list.older || list.newer ? " on the page" : ""}`;
  for (const arrow of all("[data-beside]", bench)) {
    const by = Number(arrow.dataset.beside), trace = list.traces[at + by], url = trace ?? (by > 0 ? list.older : list.newer);
    arrow.hidden = !url;
    if (url) arrow.href = url;
    if (!trace) continue;
    arrow.toggleAttribute(by > 0 ? "data-go-next" : "data-go-before", true);
    bench.dataset[by > 0 ? "next" : "before"] = trace;
  }
}

/** What another tab of this person says goes for this one, too: nobody judges the same item twice without knowing. */
export function heard({ key, newValue }) {
  if (key !== BOX || !desk.bench) return;
  for (const op of JSON.parse(newValue || "[]")) {
    if (op.act === "undo") done.delete(op.home);
    if (!["judge", "skip", "flag"].includes(op.act) || done.has(op.home)) continue;
    if (!op.home.includes("/traces/")) done.add(op.home);
    if (op.home !== desk.bench.dataset.here || !desk.bench.dataset.end) continue;
    toast("You said something of that one in another tab: here is the next.");
    advance(false);
  }
  paintSaved();
}

/** From one question of the form to the next. */
export function question(by) {
  const questions = desk.bench.matches(".pairs") ? all(".q", desk.bench).map((one) => find("input:checked", one) ?? find("input", one)) : null;
  const list = questions ? [...questions, find("#note", desk.bench), find("#flag-note", desk.bench)].filter((one) => one?.checkVisibility()) : ["input[name=rating]:checked, input[name=rating]", "#note", "#flag-note"].map((one) => find(`#panel-judge ${one.split(", ")[0]}`, desk.bench) ?? find(`#panel-judge ${one.split(", ").at(-1)}`, desk.bench)).filter((one) => one?.checkVisibility());
  const at = list.findIndex((one) => one === document.activeElement || (one.name && one.name === document.activeElement?.name));
  list[(at + by + list.length) % list.length]?.focus();
}
