// Comments: about the whole trace, a step, or what is selected in it; and calling members with @.
import { all, body, desk, find, newKey, revision, store } from "./review_core.js";
import { send } from "./review_outbox.js";
import { rate, say } from "./review_say.js";
import { current, mark } from "./review_steps.js";
import { openTab } from "./review_tabs.js";
import { paintQuotes, placed, rangeOf } from "./review_text.js";
import { toast } from "./whetstone.js";

const panel = () => find("#discussion", desk.bench);
const home = () => panel()?.dataset.comments;
const onWhat = (step) => step?.dataset.anchor ?? step?.dataset.stepKey ?? "";

// --- writing one

/** Open the field for a comment on what is selected, else on the current step, else on the whole trace. */
export function comment({ range = rangeOf(getSelection()), step = range?.step ?? current(), text = "" } = {}) {
  const form = find("#comment-form", desk.bench);
  if (!form) return;
  hideBubble();
  openTab("discussion");
  find(".form", desk.bench).setAttribute("data-open", "");
  about(step && onWhat(step) ? { step: onWhat(step), start: range?.start ?? "", end: range?.end ?? "", quote: range?.quote ?? "" } : {});
  const field = find("#comment-text", form);
  if (text && !field.value) field.value = text;
  field.focus();
}

export function about({ step = "", start = "", end = "", quote = "" } = {}) {
  const form = find("#comment-form", desk.bench);
  for (const [name, value] of Object.entries({ step, start, end, quote })) form.elements[name].value = value;
  const line = find("#comment-about", form);
  line.hidden = !step;
  line.firstElementChild.textContent = quote ? `On “${quote.length > 120 ? `${quote.slice(0, 120)}…` : quote}”` : step ? `On ${nameOf(step)}` : "";
}

const blockOf = (key) => key && find(`[data-anchor="${CSS.escape(key)}"], [data-step-key="${CSS.escape(key)}"]`, find(".talk", desk.bench));
const nameOf = (key) => blockOf(key)?.dataset.name ?? "this step";

export function submitComment(form) {
  const field = find("#comment-text", form);
  if (!field.value.trim()) return field.focus();
  const fields = new FormData(form), key = newKey();
  fields.delete("csrfmiddlewaretoken");
  fields.set("key", key);
  fields.set("revision", revision());
  send({ act: "comment", key, home: desk.bench.dataset.here, url: home(), body: body(fields) });
  field.value = "";
  store.set(draft(), "");
  about();
  hidePeople();
  toast("Comment kept", { ms: 1500 });
}

export function actOnComment(form, submitter) {
  const fields = new FormData(form, submitter), act = fields.get("act"), uid = fields.get("comment"), url = home();
  fields.delete("csrfmiddlewaretoken");
  if (act !== "edit") fields.delete("text");
  send({ act: "comment", home: desk.bench.dataset.here, url, body: body(fields) });
  const back = { withdraw: "restore", resolve: "reopen" }[act];
  if (back) {
    if (act === "withdraw") form.closest(".comment").hidden = true;
    toast(act === "withdraw" ? "Comment taken back" : "Comment resolved", { action: { label: "Undo", run: () => send({ act: "comment", home: desk.bench.dataset.here, url, body: body({ act: back, comment: uid }) }) } });
  }
}

/** Fetch the discussion again; what is being written stays. */
export async function refreshTalk() {
  const at = desk.bench, old = panel();
  if (!old) return;
  const answer = await fetch(old.dataset.comments, { headers: { "HX-Request": "true" }, credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok || desk.bench !== at) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("discussion");
  const form = find("#comment-form", old), focused = document.activeElement?.id;
  if (!fresh) return;
  fresh.replaceChild(form, find("#comment-form", fresh)); // with its text, its anchor and its focus
  old.replaceWith(fresh);
  if (focused === "comment-text") find("#comment-text", fresh).focus();
  paintTalk();
}

export function paintTalk() {
  const list = all(".comment", desk.bench), counts = new Map();
  const number = find("[data-talks]", desk.bench);
  if (number) number.textContent = list.length || "";
  all("[data-talked]", desk.bench).forEach((one) => one.remove());
  for (const one of list) if (!one.classList.contains("resolved") && one.dataset.on) counts.set(one.dataset.on, (counts.get(one.dataset.on) ?? 0) + 1);
  for (const [key, count] of counts) {
    const header = blockOf(key)?.querySelector(":scope > header, :scope > details > summary > header");
    if (!header) continue;
    const sign = document.createElement("button");
    sign.type = "button";
    sign.className = "mark info";
    sign.dataset.talked = key;
    sign.append(`${count} comment${count === 1 ? "" : "s"}`);
    header.insertBefore(sign, header.querySelector(".push, .rate"));
  }
  paintQuotes(list.map((one) => ({ block: blockOf(one.dataset.on), start: Number(one.dataset.start), end: Number(one.dataset.end), quote: one.dataset.quote, resolved: one.classList.contains("resolved") })));
}

/** From a comment to what it is about, or from a step's sign to its first comment. */
export function goToTalk(target) {
  if (target.dataset.talked !== undefined) {
    openTab("discussion");
    find(".form", desk.bench).setAttribute("data-open", "");
    const first = all(".comment", desk.bench).find((one) => one.dataset.on === target.dataset.talked);
    first?.scrollIntoView({ block: "nearest" });
    return;
  }
  const one = target.closest(".comment"), block = blockOf(one.dataset.on);
  if (!block) return toast("That step is in a part that is not shown yet: look for it in the outline.");
  find(".form", desk.bench).removeAttribute("data-open");
  if (block.matches("[data-step]")) mark(block, true); else block.scrollIntoView({ block: "center" });
  const range = one.dataset.end && placed(block, Number(one.dataset.start), Number(one.dataset.end), one.dataset.quote);
  range?.startContainer.parentElement?.scrollIntoView({ block: "center" });
}

// --- drafts

export const draft = () => `whetstone.comment.${desk.bench.dataset.person}.${desk.bench.dataset.trace}`;
export function restoreComment() {
  const field = find("#comment-text", desk.bench), kept = desk.bench.dataset.trace && store.get(draft());
  if (field && kept && !field.value) field.value = kept;
}

// --- what is selected: a small bar of three choices beside it

let bubble = null, picked = null;
export function onSelection() {
  const range = rangeOf(getSelection());
  if (!range || !onWhat(range.step)) return hideBubble();
  picked = range;
  if (!bubble) {
    bubble = document.createElement("div");
    bubble.className = "bubble";
    bubble.setAttribute("role", "toolbar");
    bubble.setAttribute("aria-label", "What is selected");
    for (const [name, word] of [["comment", "Comment"], ["wrong", "Mark wrong"], ["note", "Use in note"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button quiet small";
      button.dataset.pick = name;
      button.append(word);
      bubble.append(button);
    }
    bubble.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays
    bubble.addEventListener("click", ({ target }) => pick(target.dataset.pick));
  }
  find(".talk", desk.bench).append(bubble);
  const { left, top, width, bottom } = range.range.getBoundingClientRect();
  const wide = bubble.offsetWidth, y = top > 100 ? top - bubble.offsetHeight - 6 : bottom + 6;
  bubble.style.setProperty("--x", `${Math.max(8, Math.min(innerWidth - wide - 8, left + width / 2 - wide / 2))}px`);
  bubble.style.setProperty("--y", `${y}px`);
}

export function hideBubble() { bubble?.remove(); picked = null; }

function pick(name) {
  const range = picked;
  if (!range) return;
  hideBubble();
  if (name === "comment") comment({ range });
  else if (name === "note") useInNote(range.quote);
  else if (name === "wrong") markWrong(range);
  getSelection().removeAllRanges();
}

function useInNote(quote) {
  const note = find("#note", desk.bench);
  openTab("judge");
  find(".form", desk.bench).setAttribute("data-open", "");
  note.value = `${note.value.trim() ? `${note.value.trimEnd()}\n` : ""}“${quote}” `;
  note.dispatchEvent(new Event("input", { bubbles: true }));
  note.focus();
}

/** A comment that says so, and a bad step where the step can be judged. */
function markWrong(range) {
  const step = range.step, key = newKey(), url = home();
  send({ act: "comment", key, home: desk.bench.dataset.here, url, body: body({ act: "add", key, text: "Wrong.", step: onWhat(step), start: range.start, end: range.end, quote: range.quote, revision: revision() }) });
  const bad = find(':scope > header [data-rate="bad"]', step);
  if (bad && bad.getAttribute("aria-pressed") !== "true") rate(step, "bad");
  say(`Marked wrong: “${range.quote.slice(0, 60)}”`, false);
}

// --- @ calls a member

let members = null, choice = 0;
export async function onCommentInput(field) {
  store.set(draft(), field.value);
  const before = field.value.slice(0, field.selectionStart), asked = /(?:^|\s)@([^@\n]{0,40})$/.exec(before);
  if (!asked) return hidePeople();
  members ??= fetch(panel().dataset.people, { credentials: "same-origin" }).then((answer) => answer.json()).then((json) => json.people).catch(() => { members = null; return []; });
  const words = asked[1].toLowerCase();
  const fits = (await members).filter((one) => [one.name, one.email].some((label) => label.toLowerCase().startsWith(words) || label.toLowerCase().includes(` ${words}`))).slice(0, 6);
  const list = find("#comment-people", desk.bench);
  list.replaceChildren(...fits.map((one, at) => {
    const line = document.createElement("li");
    line.id = `person-${at}`;
    line.setAttribute("role", "option");
    line.dataset.name = one.name;
    line.append(one.name);
    if (one.name !== one.email) { const mail = document.createElement("span"); mail.className = "soft"; mail.append(one.email); line.append(mail); }
    return line;
  }));
  choice = 0;
  list.hidden = !fits.length;
  field.setAttribute("aria-expanded", String(!list.hidden));
  paintChoice();
}

function paintChoice() {
  const list = all("#comment-people [role=option]", desk.bench);
  list.forEach((one, at) => one.setAttribute("aria-selected", String(at === choice)));
  const field = find("#comment-text", desk.bench);
  if (list[choice]) field.setAttribute("aria-activedescendant", list[choice].id); else field.removeAttribute("aria-activedescendant");
}

export function onPeopleKey(event) {
  const list = all("#comment-people:not([hidden]) [role=option]", desk.bench);
  if (!list.length) return false;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") { choice = (choice + (event.key === "ArrowDown" ? 1 : list.length - 1)) % list.length; paintChoice(); return true; }
  if (event.key === "Enter" || event.key === "Tab") { choosePerson(list[choice]); return true; }
  if (event.key === "Escape") { hidePeople(); return true; }
  return false;
}

export function choosePerson(line) {
  const field = find("#comment-text", desk.bench), at = field.value.lastIndexOf("@", field.selectionStart - 1), end = field.selectionStart;
  field.setRangeText(`@${line.dataset.name} `, at, end, "end");
  hidePeople();
  field.focus();
  store.set(draft(), field.value);
}

function hidePeople() {
  const list = find("#comment-people", desk.bench);
  if (!list || list.hidden) return;
  list.hidden = true;
  find("#comment-text", desk.bench).setAttribute("aria-expanded", "false");
  find("#comment-text", desk.bench).removeAttribute("aria-activedescendant");
}
