// Finding words in a run. Short runs are searched here; of a long one the server says where they stand, and parts that are
// not loaded are brought when one goes there.
import { all, desk, find } from "./review_core.js";
import { goTo, hold } from "./review_steps.js";

let timer = 0, asked = 0;
const words = () => find("#find", desk.bench)?.value.trim().toLowerCase() ?? "";
const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

export function search() {
  clearTimeout(timer);
  asked += 1;
  if (desk.bench.dataset.parts && words()) {
    tell("Searching the whole run…"); // now, while the page may move
    timer = setTimeout(ask, 150, asked);
    return;
  }
  const blocks = all(".said, .call:not(.agent), .answer", desk.bench), wanted = words();
  desk.bench.hits = (wanted ? blocks.filter((one) => one.textContent.toLowerCase().includes(wanted)) : []).map((one) => ({ id: one.id, times: 1 }));
  tell(wanted ? `${desk.bench.hits.length} of ${count(blocks.length, "block")}${desk.bench.hits.length ? ", Enter goes on" : ""}` : "");
  found();
}

async function ask(number) {
  const bench = desk.bench, wanted = words();
  const answer = await fetch(`${bench.dataset.parts.replace("/part/?", "/find/?")}&q=${encodeURIComponent(wanted)}`, { credentials: "same-origin" }).catch(() => null);
  const said = answer?.ok ? await answer.json().catch(() => null) : null;
  if (number !== asked || bench !== desk.bench) return;
  if (!said) return tell("The server did not answer; nothing was searched.");
  bench.hits = said.hits.map(([id, part, times]) => ({ id, part: String(part), times }));
  tell(`${count(said.times, "time")} in ${bench.hits.length.toLocaleString("en")} of ${count(said.blocks, "block")}, the whole run${bench.hits.length ? "; Enter goes on" : ""}`);
  found();
}

function tell(text) {
  const line = find("#found", desk.bench);
  line.hidden = !text;
  line.textContent = text;
}

/** Show what was found in what is on the page now: rows of the outline, and the words lit up. */
export function found() {
  const { bench } = desk, hits = bench.hits ?? [], wanted = words();
  if (!wanted && !bench.finding) return;
  bench.finding = Boolean(wanted);
  const ids = new Set(hits.map((one) => `#${one.id}`)), inPart = new Map();
  for (const one of hits) if (one.part) inPart.set(one.part, (inPart.get(one.part) ?? 0) + one.times);
  find(".tree", bench).toggleAttribute("data-finding", Boolean(wanted));
  for (const row of all(".tree li", bench)) {
    const chunk = row.dataset.rows, what = chunk && find(".what", row);
    row.hidden = Boolean(wanted) && (chunk ? !inPart.has(chunk) : !ids.has(find("a", row)?.getAttribute("href")));
    if (what) { what.dataset.steps ??= what.textContent; what.textContent = wanted && inPart.has(chunk) ? `${count(inPart.get(chunk), "time")} in ${what.dataset.steps.toLowerCase()}` : what.dataset.steps; }
  }
  light(hits, wanted);
}

function light(hits, wanted) {
  if (!window.CSS?.highlights) return;
  const ranges = [];
  for (const { id } of wanted ? hits : []) {
    const hit = document.getElementById(id);
    if (!hit || ranges.length >= 400) continue;
    const walk = document.createTreeWalker(hit, NodeFilter.SHOW_TEXT);
    for (let node = walk.nextNode(); node && ranges.length < 400; node = walk.nextNode()) {
      const text = node.data.toLowerCase();
      for (let at = text.indexOf(wanted); at >= 0 && ranges.length < 400; at = text.indexOf(wanted, at + wanted.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, Math.min(at + wanted.length, node.length));
        ranges.push(range);
      }
    }
  }
  if (ranges.length) CSS.highlights.set("found", new Highlight(...ranges)); else CSS.highlights.delete("found");
}

export async function nextHit(by) {
  const { bench } = desk, hits = bench.hits ?? [];
  if (!hits.length) return;
  bench.hit = ((bench.hit ?? (by > 0 ? -1 : 0)) + by + hits.length) % hits.length;
  const at = bench.hit, hit = await goTo(hits[at].id);
  if (!hit || at !== bench.hit) return;
  if (hits[at].part) tell(`${(at + 1).toLocaleString("en")} of ${count(hits.length, "block")} with it${hits[at].times > 1 ? `, ${hits[at].times.toLocaleString("en")} times here` : ""}`);
  const wanted = words(), folds = all("details.fold", hit);
  const inside = folds.filter((one) => one.textContent.toLowerCase().includes(wanted));
  // text that is fetched when its fold is opened is not here to look into
  for (const one of inside.length ? inside : hit.textContent.toLowerCase().includes(wanted) ? [] : folds.filter((one) => find(".far", one))) one.open = true;
  if (hit.matches("[data-step]")) return;
  hit.scrollIntoView({ block: "center" });
  hold(hit);
}

/** Ctrl+F in a run of which only a part is loaded: ours first, it sees everything; once more is the browser's. */
export function findFirst() {
  find(".outline", desk.bench).toggleAttribute("data-open", true);
  find("#find", desk.bench).focus();
  tell("This searches the whole run. Ctrl+F once more: the browser's own search, in what is loaded.");
}
