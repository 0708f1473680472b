// Saying something of an item, and taking it back.
import { all, body, desk, done, find, got, newKey, past, post, revision, store } from "./review_core.js";
import { box, flush, offlineNow, paintSaved, send, setBox } from "./review_outbox.js";
import { advance, dropDraft, load, refresh, show } from "./review_show.js";
import { keyOf } from "./review_press.js";
import { toast, typing } from "./whetstone.js";

const WORDS = { acceptable: "Accepted", unacceptable: "Rejected", unsure: "Marked unsure", a: "A is better", b: "B is better", tie: "Tie", both_bad: "Both bad" };

let undoToast = null;
export function say(text, undoable = true) {
  undoToast?.remove();
  undoToast = toast(text, undoable ? { action: { label: `Undo ${keyOf("z")}`, run: undo } } : {});
}

export function judge(verdict) {
  got.edit?.unsavedAnswer(); // what was being written belongs to it and goes first
  const form = find("#judge-form", desk.bench), fields = new FormData(form), key = newKey(), home = desk.bench.dataset.here;
  fields.set("verdict", verdict);
  fields.set("key", key);
  fields.set("seconds", ((performance.now() - desk.shownAt) / 1000).toFixed(1));
  for (const name of ["step", "act", "csrfmiddlewaretoken"]) fields.delete(name);
  all("[name=verdict][aria-pressed]", form).forEach((one) => one.setAttribute("aria-pressed", String(one.value === verdict)));
  dropDraft();
  document.dispatchEvent(new Event("said"));
  desk.held = verdict;
  // said again before it was sent (the next item cannot be had): the newer word takes the place of the older
  if (offlineNow()) {
    const older = box().filter((one) => one.act === "judge" && one.home === home).map((one) => one.key);
    for (let at = past.length - 1; at >= 0; at -= 1) if (older.includes(past[at].key)) past.splice(at, 1);
    setBox(box().filter((one) => !older.includes(one.key)));
  }
  leave("judge", key);
  send({ act: "judge", key, home, url: home, body: body(fields) });
  say(`${WORDS[verdict]}: ${desk.bench.dataset.title}`);
  if (!desk.bench.dataset.end) return;
  if (!store.get("whetstone.stay")) return advance(true);
  // one who stays sees what becomes visible once one has judged
  const stayed = desk.bench;
  flush().then(() => { if (desk.bench === stayed && !box().length) refresh(".topbar", ".goal", "aside.form", ".judge").then(paintSaved); });
}

function leave(kind, key = "") {
  past.push({ node: desk.bench, url: desk.bench.dataset.here, key, kind });
  if (past.length > 30) past.shift();
  if (desk.bench.dataset.end) done.add(desk.bench.dataset.here);
}

export function setAside(act, fields, text) {
  const home = desk.bench.dataset.here;
  leave(act);
  send({ act, home, url: home, body: body({ act, ...fields }) });
  say(text, act === "skip");
  advance(false);
}

/** Saved answers that are gone by another way than undoing are not there to undo. */
export function forget(url, key) {
  for (let at = past.length - 1; at >= 0; at -= 1) if (past[at].kind === "correct" && past[at].url === url && (!key || past[at].key === key)) past.splice(at, 1);
}

/** Undo by its button; on the page that has no item the server does it where this browser remembers nothing. */
export function undoLast(event) {
  if (desk.bench.classList.contains("done") && !past.length) return;
  event.preventDefault();
  undo();
}

export function undo() {
  undoToast?.remove();
  const last = past.pop();
  if (!last) return undoOnServer();
  if (last.kind === "correct") forget(last.url); // what was taken back is the standing edit: there is one
  else done.delete(last.url);
  const op = last.key ? box().find((one) => one.key === last.key) : null;
  if (last.kind === "judge") {
    // not sent yet and not on its way: then it never happened
    if (op && offlineNow()) setBox(box().filter((one) => one.id !== op.id));
    else send({ act: "undo", home: last.url, url: last.url, body: body({ act: "undo", undo_key: last.key }) });
  } else if (last.kind === "correct") send({ act: "reset", home: last.url, url: last.url, body: "act=reset" });
  if (last.kind === "judge") all("[aria-pressed=true][name=verdict]", last.node).forEach((one) => one.setAttribute("aria-pressed", "false"));
  if (last.node !== desk.bench && desk.bench.dataset.here !== last.url) {
    // the way forward again leads to the item we were on
    desk.ahead = desk.bench.dataset.end ? { after: last.url, node: Promise.resolve(desk.bench) } : null;
    show(last.node);
  }
  say(last.kind === "judge" ? (last.url.includes("/pairs/") ? "Choice taken back" : "Judgment taken back") : last.kind === "correct" ? "The edited answer is taken back" : "Back on the item you put aside", false);
}

async function undoOnServer() {
  const here = desk.bench.dataset.here;
  await flush();
  const url = here.includes("/review/") && !/[0-9a-f]{8}-/.test(here) ? `${here}undo/` : here;
  const answer = await post(url, { act: "undo" }).catch(() => null);
  const said = answer?.ok ? await answer.json().catch(() => null) : null;
  if (!said) return toast("The server cannot be reached. Nothing was changed.");
  say(said.message, false);
  if (said.undone) { if (said.url) { done.delete(said.url); desk.ahead = null; load(said.url); } else if (said.answer) refresh("#answer"); else refresh(".goal", "aside.form", ".judge"); }
}

export function submitChosen() {
  const chosen = find("#judge-form [aria-pressed=true]", desk.bench);
  if (chosen) return judge(chosen.value);
  if (typing(document.activeElement)) document.activeElement.blur();
  if (desk.bench.matches(".pairs")) return toast("Choose first: a, b, e for a tie, x where both are bad.");
  toast(`Choose first: ${keyOf("a")} acceptable, ${keyOf("r")} unacceptable, ${keyOf("u")} unsure.`);
}

export function rate(step, value) {
  const key = step?.dataset.stepKey, pressed = step && find(`:scope > header [data-rate="${value}"]`, step);
  if (!key || !pressed) return toast(`Choose a step first: ${keyOf("]")} and ${keyOf("[")} move.`);
  const stands = pressed.getAttribute("aria-pressed") === "true" ? "" : value;
  all(":scope > header [data-rate]", step).forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.rate === stands)));
  const sign = find(`[data-row-key="${CSS.escape(key)}"] [data-sign]`);
  if (sign) { sign.className = `sv ${{ good: "g", bad: "b", neutral: "n" }[stands] ?? ""}`; sign.textContent = { good: "+", bad: "−", neutral: "=" }[stands] ?? ""; }
  send({ act: "step", home: desk.bench.dataset.here, url: desk.bench.dataset.here, body: body({ act: "step", step: `${stands}:${key}`, revision: revision() }) });
}
