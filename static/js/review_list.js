// A trace that was opened from the list: the way to those before and behind it there, and back to the list as it was.
import { all, desk, find } from "./review_core.js";

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
