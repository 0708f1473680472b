// Keys of the review page. Those with a button are `data-key` and go through it; the others are here. A person may have set
// other keys: everything below is written with the keys of the start, and what was pressed is turned into those first.
import { all, desk, find, got, past, use } from "./review_core.js";
import { rate, submitChosen, undo } from "./review_say.js";
import { load, next } from "./review_show.js";
import { current, fold, mark, move } from "./review_steps.js";
import { onTabKey, openTab } from "./review_tabs.js";
import { awaitsLetter, keysOn, toast, typing } from "./whetstone.js";

const own = JSON.parse(desk.bench?.dataset.ownKeys || "{}"); // {key of the start: own key}
const back = Object.fromEntries(Object.entries(own).map(([from, to]) => [to, from]));

/** The key that a person presses for what is `key` at the start. */
export const keyOf = (key) => own[key] ?? key;
const startOf = (key) => back[key] ?? (key in own ? "" : key);

/** Write one's own keys on the buttons of a fragment. */
export function writeKeys(node) {
  if (node.keyed || !Object.keys(own).length) return;
  node.keyed = true;
  for (const one of all("[data-key]", node)) one.dataset.key = keyOf(one.dataset.key);
  for (const cap of all("kbd", node)) cap.textContent = keyOf(cap.textContent);
  const list = node.dataset?.keys;
  if (list) node.dataset.keys = list.split(";").map((pair) => { const [keys, what] = pair.split("|"); return `${keys.split(" ").map(keyOf).join(" ")}|${what}`; }).join(";");
}

const OWN = {
  "[": () => move(-1), "]": () => move(1), "{": () => move(-1, "[data-failed]"), "}": () => move(1, "[data-failed]"),
  "!": () => { mark(null); move(1, "[data-failed]"); }, o: fold, p: () => use("plain", (one) => one.plain()), c: () => use("talk", (one) => one.comment()),
  "+": () => rate(current(), "good"), "-": () => rate(current(), "bad"), "=": () => rate(current(), "neutral"),
  0: () => find(".talk", desk.bench).scrollTo({ top: 0 }),
  t: () => { find(".outline", desk.bench).setAttribute("data-open", ""); (find(".tree [aria-current]", desk.bench) ?? find("#tree a", desk.bench))?.focus(); },
  ArrowRight: () => next(),
  ArrowLeft: () => { if (desk.bench.dataset.before) load(desk.bench.dataset.before); else toast("Nothing comes before this one.", { ms: 1500 }); },
};
const REPEATS = "[]{}jk", PAIR = ["0", "ArrowRight", "ArrowLeft"];

export function onKey(event) {
  desk.active = true;
  const { key, target } = event, graph = event.getModifierState?.("AltGraph"), command = (event.ctrlKey || event.metaKey) && !graph;
  const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  if (target.id === "comment-text" && !command && got.talk?.onPeopleKey(event)) return stop();
  if (command && key === "Enter") {
    stop();
    if (target.id === "answer-text") use("edit", (one) => one.saveAnswer(target.form));
    else if (target.id === "flag-note") target.form.requestSubmit();
    else if (target.id === "comment-text") use("talk", (one) => one.submitComment(target.form));
    else if (desk.ready) { desk.keyAt = event.timeStamp; submitChosen(); }
    return;
  }
  if (key === "Escape" && target.id === "answer-text") { stop(); return use("edit", (one) => one.edit(false)); }
  if (target.id === "find" && key === "Enter") { stop(); return use("find", (one) => one.nextHit(event.shiftKey ? -1 : 1)); }
  if (command && key === "f" && target.id !== "find" && keysOn() && find(".part[data-wait]", desk.bench)) { stop(); return use("find", (one) => one.findFirst()); }
  if (typing(target) || document.querySelector("dialog[open]")) return;
  if (target.matches?.(".resizer") && got.outline?.onResizerKey(event)) return stop();
  if (target.matches?.("[role=tab]") && !command && !event.altKey && onTabKey(event)) return stop();
  if ((key === "ArrowDown" || key === "ArrowUp") && !command && !event.altKey && target.closest?.("#panel-judge .q")) { stop(); return use("beside", (one) => one.question(key === "ArrowDown" ? 1 : -1)); }
  if (key === "Escape") { got.talk?.hideBubble(); if (desk.bench.dataset.agent) got.outline?.single(null); return; }
  if (!keysOn()) return;
  if (command && key.toLowerCase() === "z") { stop(); if (desk.ready) undo(); else desk.queued = undo; return; }
  // AltGr and Option write [ { = on many keyboards: those are signs and not commands. Alt with an arrow is the browser's
  if (command || (event.altKey && !graph && !/^[^\p{L}\p{N}\s]$/u.test(key))) return;
  press(event, stop);
}

// how much could be taken back when a step was last used otherwise; z takes that back first, and once
let used = -1;
document.addEventListener("step-used", () => { used = used === -2 ? -1 : past.length; });

function press(event, stop) {
  const { key, target } = event;
  if (key === "Enter" && target.closest?.("a, button, summary")) return; // it belongs to what has the focus
  if (key.startsWith("Arrow") && (event.shiftKey || target.closest?.("input, .cells, pre, .tree, .form-in:not(:has(h1))"))) return;
  if (awaitsLetter()) return;
  // a pair has no steps and no outline; what is left of the keys goes through its buttons
  const start = startOf(key), act = desk.bench.matches(".pairs") && !PAIR.includes(start) ? undefined : OWN[start];
  const ours = act || (key.length === 1 || key === "Enter" ? find(`[data-key="${CSS.escape(key)}"]`, desk.bench) : null);
  const useUndo = start === "z" && used === past.length && find("#undo-use");
  if (useUndo) { stop(); used = -2; useUndo.click(); return; }
  if (!ours || (act && desk.bench.classList.contains("done"))) return;
  if (!desk.ready || (event.repeat && !REPEATS.includes(start))) { if (start === "z" && !event.repeat) desk.queued = undo; return stop(); }
  if (!act && ours.closest("#panel-judge[hidden]")) openTab("judge");
  desk.keyAt = event.timeStamp;
  if (act) { stop(); desk.keyAt = 0; act(); }
}
