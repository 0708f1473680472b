// Correcting the answer, with the difference as it grows.
import { all, body, desk, find, newKey, past, revision, store } from "./review_core.js";
import { send } from "./review_outbox.js";
import { mark } from "./review_steps.js";

export function edit(on) {
  const form = find("#edit-form", desk.bench), answer = find("#answer", desk.bench);
  if (!form) return;
  form.hidden = !on;
  find(".answer-foot", answer).hidden = on;
  answer.toggleAttribute("data-editing", on);
  const text = find("#answer-text", form);
  if (on) { document.getElementById("toasts").replaceChildren(); mark(answer); answer.scrollIntoView({ block: "start" }); text.focus({ preventScroll: true }); text.readOnly = false; difference(); } else find("h1", desk.bench)?.focus({ preventScroll: true });
}

// --- what is being written survives a reload, and goes with a judgment

const draft = () => `whetstone.answer.${desk.bench.dataset.person}.${desk.bench.dataset.trace}`;
const field = () => find("#answer-text", desk.bench);
export function draftEdit() { const text = field(); store.set(draft(), text.value === text.defaultValue ? "" : text.value); }

/** Open the form again with what was written and not saved. */
export function restoreEdit() {
  const kept = desk.bench.dataset.trace && store.get(draft()), text = field();
  if (!kept || !text || text.value === kept) return;
  text.value = kept;
  find("#edit-form", desk.bench).hidden = false;
  find(".answer-foot", desk.bench).hidden = true;
  find("#answer", desk.bench).setAttribute("data-editing", "");
  difference();
}

/** An answer that is open and differs from what is stored is saved before the item is left. */
export function unsavedAnswer() {
  const form = find("#edit-form:not([hidden])", desk.bench), text = field();
  if (form && text.value !== text.defaultValue && !text.readOnly && text.value.trim()) saveAnswer(form);
}

/** Edit the answer, beginning with a text that somebody suggested. */
export function editFrom(words) {
  edit(true);
  field().value = words;
  draftEdit();
  difference();
}

const TOKENS = /\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu;
export function difference() {
  const field = find("#answer-text", desk.bench), live = find("#live-diff", desk.bench), count = find("#edit-count", desk.bench);
  const a = field.dataset.original.match(TOKENS) ?? [], b = field.value.match(TOKENS) ?? [];
  const pieces = compare(a, b);
  live.replaceChildren(...pieces.map(([kind, text]) => { if (kind === "same") return document.createTextNode(text); const piece = document.createElement(kind); piece.append(text); return piece; }));
  const places = pieces.filter(([kind], at) => kind !== "same" && (at === 0 || pieces[at - 1][0] === "same")).length;
  live.hidden = !places;
  count.textContent = places ? `${places} change${places === 1 ? "" : "s"}` : "What you write here is what the model learns.";
}

/** Longest common words; texts too long for that are shown as one change. */
function compare(a, b) {
  let head = 0, tail = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head += 1;
  while (tail < Math.min(a.length, b.length) - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail += 1;
  const x = a.slice(head, a.length - tail), y = b.slice(head, b.length - tail), out = [["same", a.slice(0, head).join("")]];
  if (x.length * y.length > 4_000_000) out.push(["del", x.join("")], ["ins", y.join("")]);
  else {
    const width = y.length + 1, best = new Uint16Array((x.length + 1) * width);
    for (let i = x.length - 1; i >= 0; i -= 1) for (let j = y.length - 1; j >= 0; j -= 1) best[i * width + j] = x[i] === y[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    for (let i = 0, j = 0; i < x.length || j < y.length;) {
      if (i < x.length && j < y.length && x[i] === y[j]) { out.push(["same", x[i]]); i += 1; j += 1; }
      else if (j >= y.length || (i < x.length && best[(i + 1) * width + j] >= best[i * width + j + 1])) { out.push(["del", x[i]]); i += 1; }
      else { out.push(["ins", y[j]]); j += 1; }
    }
  }
  out.push(["same", a.slice(a.length - tail).join("")]);
  const joined = [];
  const add = (kind, text) => {
    const last = joined.at(-1), older = joined.at(-2);
    if (last?.[0] === kind) last[1] += text;
    else if (kind === "del" && last?.[0] === "ins" && older?.[0] === "del") older[1] += text;
    else joined.push([kind, text]);
  };
  out.filter(([, text]) => text).forEach(([kind, text], at, list) => {
    // a lone blank between two changed words goes with them: a rewritten phrase reads as one
    if (kind === "same" && !text.trim() && !text.includes("\n") && list[at - 1] && list[at - 1][0] !== "same" && list[at + 1] && list[at + 1][0] !== "same") { add("del", text); add("ins", text); } else add(kind, text);
  });
  return joined;
}

export function saveAnswer(form) {
  const home = desk.bench.dataset.here, key = newKey();
  find("#answer-text", form).readOnly = true;
  store.set(draft(), "");
  past.push({ node: desk.bench, url: home, key, kind: "correct" }); // the item stays open, so it is not `done`
  send({ act: "correct", key, home, url: home, body: body({ act: "correct", answer: find("#answer-text", form).value, revision: revision() }) });
  find("h1", desk.bench)?.focus({ preventScroll: true });
}
