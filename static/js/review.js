// The review page's fast path. Without it every button is a plain form; with it the next item is already here when a
// key is pressed, and what was said is kept in an outbox until the server has it.
import { all, desk, done, find, later, past, store } from "./review_core.js";
import { difference, edit, saveAnswer } from "./review_edit.js";
import { findFirst, found, nextHit, search } from "./review_find.js";
import { box, flush, paintSaved, send } from "./review_outbox.js";
import { forget, judge, rate, setAside, submitChosen, undo } from "./review_say.js";
import { advance, draftName, heartbeat, load, next, paintLease, show } from "./review_show.js";
import { current, fold, goTo, mark, move } from "./review_steps.js";
import { keysOn, toast, typing } from "./whetstone.js";

// --- keys: those with a button are data-key and go through it; the others are here

let going = 0;
const OWN = { "[": () => move(-1), "]": () => move(1), "{": () => move(-1, "[data-failed]"), "}": () => move(1, "[data-failed]"), "!": () => { mark(null); move(1, "[data-failed]"); }, o: fold, "+": () => rate(current(), "good"), "-": () => rate(current(), "bad"), "=": () => rate(current(), "neutral") };

function onKey(event) {
  desk.active = true;
  const { key, target } = event, command = (event.ctrlKey || event.metaKey) && !event.getModifierState?.("AltGraph");
  const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
  if (command && key === "Enter") {
    stop();
    if (target.id === "answer-text") saveAnswer(target.form);
    else if (target.id === "flag-note") target.form.requestSubmit();
    else if (desk.ready) { desk.keyAt = event.timeStamp; submitChosen(); }
    return;
  }
  if (key === "Escape" && target.id === "answer-text") { stop(); return edit(false); }
  if (target.id === "find" && key === "Enter") { stop(); return nextHit(event.shiftKey ? -1 : 1); }
  if (command && key === "f" && target.id !== "find" && keysOn() && find(".part[data-wait]", desk.bench)) { stop(); return findFirst(); }
  if (typing(target) || document.querySelector("dialog[open]") || !keysOn()) return;
  if (command && key.toLowerCase() === "z") { stop(); if (desk.ready) undo(); else desk.queued = undo; return; }
  if (command || event.altKey) return;
  if (key === "Enter" && target.closest?.("a, button, summary")) return; // it belongs to what has the focus
  if (going && Date.now() - going < 1500) { going = 0; return; }
  going = key === "g" ? Date.now() : 0;
  const ours = OWN[key] || (key.length === 1 || key === "Enter" ? find(`[data-key="${CSS.escape(key)}"]`, desk.bench) : null);
  if (!ours) return;
  if (!desk.ready || (event.repeat && !"[]{}jk".includes(key))) { if (key === "z" && !event.repeat) desk.queued = undo; return stop(); }
  desk.keyAt = event.timeStamp;
  if (OWN[key]) { stop(); desk.keyAt = 0; OWN[key](); }
}

// --- clicks and forms

function onSubmit(event) {
  const { target: form, submitter } = event;
  if (!desk.bench.contains(form)) return;
  if (form.id === "judge-form") {
    if (desk.bench.classList.contains("done")) { if (past.length) { event.preventDefault(); undo(); } return; }
    event.preventDefault();
    if (!desk.ready || !submitter) return;
    find("#more", desk.bench)?.hidePopover?.();
    if (submitter.name === "verdict") judge(submitter.value);
    else if (submitter.name === "step") rate(submitter.closest("[data-step]"), submitter.dataset.rate);
    else if (submitter.value === "skip") setAside("skip", {}, "Skipped: it comes again at the end");
    else if (submitter.value === "undo") undo();
  } else if (form.id === "flag-form") { event.preventDefault(); if (desk.ready) setAside("flag", { flag_note: find("#flag-note", form).value }, "Flagged for somebody else"); }
  else if (form.id === "edit-form") { event.preventDefault(); saveAnswer(form); }
  else if (form.id === "reset-form") { event.preventDefault(); forget(desk.bench.dataset.here); send({ act: "reset", home: desk.bench.dataset.here, url: desk.bench.dataset.here, body: "act=reset" }); }
}

function onClick(event) {
  desk.active = true;
  const at = (selector) => event.target.closest(selector);
  if (!desk.bench.contains(event.target) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = at("a[data-go-next], a[data-go-before], .tree a, .part[data-wait] a, [data-sheet], .outline-open, .outline .close, [data-focus], [data-edit], [data-edit-cancel]");
  if (link && event.button === 0) {
    if (link.matches("[data-go-next]")) { event.preventDefault(); if (desk.ready) next(); return; }
    if (link.matches("[data-go-before]")) { event.preventDefault(); if (desk.ready) load(link.href.startsWith(location.origin) ? new URL(link.href).pathname : link.href); return; }
    event.preventDefault();
    if (link.matches("[data-sheet]")) { desk.bench.querySelector(".form").toggleAttribute("data-open"); return; }
    if (link.matches(".outline-open")) { find(".outline", desk.bench).toggleAttribute("data-open", true); find("#find", desk.bench).focus(); return; }
    if (link.matches(".close")) { find(".outline", desk.bench).removeAttribute("data-open"); return; }
    if (link.matches("[data-edit]")) { find("#more", desk.bench)?.hidePopover?.(); return edit(true); }
    if (link.matches("[data-edit-cancel]")) return edit(false);
    if (link.matches("[data-focus]")) { find("#more", desk.bench)?.hidePopover?.(); find(".form", desk.bench).setAttribute("data-open", ""); find(`#${link.dataset.focus}`, desk.bench)?.focus(); return; }
    find(".outline", desk.bench).removeAttribute("data-open");
    goTo(link.hash.slice(1));
    return;
  }
  const filter = at("[data-show]");
  if (filter) { all("[data-show]", desk.bench).forEach((one) => one.setAttribute("aria-pressed", String(one === filter))); find("#tree", desk.bench).dataset.show = filter.dataset.show; return; }
  const view = at("[data-answer]");
  if (view) { all("[data-answer]", desk.bench).forEach((one) => one.setAttribute("aria-pressed", String(one === view))); find("#answer", desk.bench).dataset.view = view.dataset.answer; return; }
  const rating = at("input[name=rating]");
  if (rating) { const again = rating.dataset.on === "1"; all("input[name=rating]", desk.bench).forEach((one) => delete one.dataset.on); if (again) rating.checked = false; else rating.dataset.on = "1"; return; }
  const step = at("[data-step]");
  if (step && !at("a, button, summary, textarea")) mark(step);
}

if (desk.bench) {
  desk.bench.cameAt = 0;
  desk.bench.wired = true;
  for (const op of box()) if (op.act === "judge" || op.act === "skip" || op.act === "flag") done.add(op.home);
  all("input[name=rating]:checked", desk.bench).forEach((one) => { one.dataset.on = "1"; });
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.addEventListener("pointerdown", () => { desk.active = true; }, { passive: true });
  document.addEventListener("wheel", () => { desk.active = true; }, { passive: true });
  document.addEventListener("part", found);
  document.addEventListener("htmx:afterSettle", found);
  document.addEventListener("input", ({ target }) => {
    if (target.id === "note" && desk.bench.dataset.trace) store.set(draftName(), target.value);
    if (target.id === "find") { desk.bench.hit = undefined; search(); }
    if (target.id === "answer-text") requestAnimationFrame(difference);
  });
  addEventListener("popstate", () => { if (location.pathname !== desk.bench.dataset.here) load(location.pathname + location.search, { push: false }); });
  addEventListener("online", flush);
  setInterval(() => { paintSaved(); paintLease(); }, 1000);
  setInterval(heartbeat, 60_000);
  if (find("#edit-form:not([hidden])", desk.bench)) edit(true);
  show(desk.bench, { push: false, scroll: false });
  if (box().length) { flush(); if (done.has(desk.bench.dataset.here) && desk.bench.dataset.next) later(() => advance(false)); }
}
