// Finding words in a run.
import { all, desk, find } from "./review_core.js";
import { mark } from "./review_steps.js";

export function search() {
  const words = find("#find", desk.bench).value.trim().toLowerCase(), blocks = all(".said, .call:not(.agent), .answer", desk.bench);
  const hits = words ? blocks.filter((one) => one.textContent.toLowerCase().includes(words)) : [];
  desk.bench.hits = hits;
  const ids = new Set(hits.map((one) => `#${one.id}`));
  all(".tree li", desk.bench).forEach((row) => { row.hidden = Boolean(words) && row.id !== "gap-row" && !ids.has(find("a", row)?.getAttribute("href")); });
  const told = find("#found", desk.bench), gap = find("#gap-row .what", desk.bench);
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

export function nextHit(by) {
  const hits = desk.bench.hits ?? [];
  if (!hits.length) return;
  desk.bench.hit = ((desk.bench.hit ?? (by > 0 ? -1 : 0)) + by + hits.length) % hits.length;
  const hit = hits[bench.hit];
  const words = find("#find", desk.bench).value.trim().toLowerCase();
  all("details.fold", hit).forEach((one) => { if (!one.open && one.textContent.toLowerCase().includes(words)) one.open = true; });
  if (hit.matches("[data-step]")) mark(hit, true); else hit.scrollIntoView({ block: "center" });
}
