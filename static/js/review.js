// The review page's fast path. Without it every button is a plain form; with it the next item is already here when a
// key is pressed, and what was said is kept in an outbox until the server has it.
import { all, desk, done, find, got, later, lazy, store, use } from "./review_core.js";
import { box, flush, paintSaved, send } from "./review_outbox.js";
import { onKey } from "./review_press.js";
import { forget, judge, rate, setAside, undoLast } from "./review_say.js";
import { advance, draftName, heartbeat, load, next, paintLease, show } from "./review_show.js";
import { goTo, mark } from "./review_steps.js";
import { openTab } from "./review_tabs.js";

// --- clicks and forms

function onSubmit(event) {
  const { target: form, submitter } = event;
  if (!desk.bench.contains(form)) return;
  if (form.id === "judge-form") {
    if (desk.bench.classList.contains("done")) { undoLast(event); return; }
    event.preventDefault();
    if (!desk.ready || !submitter) return;
    find("#more", desk.bench)?.hidePopover?.();
    if (submitter.name === "verdict") judge(submitter.value);
    else if (submitter.name === "step") rate(submitter.closest("[data-step]"), submitter.dataset.rate);
    else if (submitter.value === "skip") setAside("skip", {}, "Skipped: it comes again at the end");
    else if (submitter.value === "undo") undoLast(event);
  } else if (form.id === "comment-form") { event.preventDefault(); use("talk", (one) => one.submitComment(form)); }
  else if (form.matches("[data-comment-form]")) { event.preventDefault(); if (submitter) use("talk", (one) => one.actOnComment(form, submitter)); }
  else if (form.id === "flag-form") { event.preventDefault(); if (desk.ready) setAside("flag", { flag_note: find("#flag-note", form).value }, "Flagged for somebody else"); }
  else if (form.id === "edit-form") { event.preventDefault(); use("edit", (one) => one.saveAnswer(form)); }
  else if (form.id === "reset-form") { event.preventDefault(); forget(desk.bench.dataset.here); send({ act: "reset", home: desk.bench.dataset.here, url: desk.bench.dataset.here, body: "act=reset" }); }
}

function onClick(event) {
  desk.active = true;
  const at = (selector) => event.target.closest(selector);
  if (!desk.bench.contains(event.target) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const link = at("[role=tab], a[data-go-next], a[data-go-before], .tree a, .lanes a, .part[data-wait] a, [data-sheet], .outline-open, .outline .close, [data-focus], [data-edit], [data-edit-cancel]");
  if (link && event.button === 0) {
    if (link.matches("[data-go-next]")) { event.preventDefault(); if (desk.ready) next(); return; }
    if (link.matches("[data-go-before]")) { event.preventDefault(); if (desk.ready) load(link.href.startsWith(location.origin) ? new URL(link.href).pathname : link.href); return; }
    event.preventDefault();
    if (link.matches("[role=tab]")) return openTab(link.dataset.tab);
    if (link.matches("[data-sheet]")) { desk.bench.querySelector(".form").toggleAttribute("data-open"); return; }
    if (link.matches(".outline-open")) { use("outline", (one) => one.toggleOutline(true)); find(".outline", desk.bench).toggleAttribute("data-open", true); find("#find", desk.bench).focus(); return; }
    if (link.matches(".close")) { if (matchMedia("(width >= 60rem)").matches) use("outline", (one) => one.toggleOutline(false)); find(".outline", desk.bench).removeAttribute("data-open"); return; }
    if (link.matches("[data-edit]")) { find("#more", desk.bench)?.hidePopover?.(); return use("edit", (one) => one.edit(true)); }
    if (link.matches("[data-edit-cancel]")) return use("edit", (one) => one.edit(false));
    if (link.matches("[data-focus]")) { find("#more", desk.bench)?.hidePopover?.(); openTab("judge"); find(".form", desk.bench).setAttribute("data-open", ""); find(`#${link.dataset.focus}`, desk.bench)?.focus(); return; }
    find(".outline", desk.bench).removeAttribute("data-open");
    if (link.matches(".lanes a")) find(".form", desk.bench).removeAttribute("data-open");
    if (link.matches("[data-agent]")) use("outline", (one) => one.single(link));
    goTo(link.hash.slice(1));
    return;
  }
  if (at("[data-collapse]")) return use("outline", (one) => one.collapse());
  const by = at("[data-by-what]");
  if (by) return use("outline", (one) => one.measureBy(by.dataset.byWhat));
  const talk = at("[data-talked], .comment [data-to]");
  if (talk) return use("talk", (one) => one.goToTalk(talk));
  if (at("[data-about-off]")) return use("talk", (one) => one.about());
  const person = at("#comment-people [role=option]");
  if (person) return use("talk", (one) => one.choosePerson(person));
  const suggested = at("[data-suggested]");
  if (suggested) return use("edit", (one) => one.editFrom(suggested.dataset.suggested));
  const filter = at("[data-show]");
  if (filter) { all("[data-show]", desk.bench).forEach((one) => one.setAttribute("aria-pressed", String(one === filter))); find("#tree", desk.bench).dataset.show = filter.dataset.show; return; }
  const view = at("[data-answer]");
  if (view) { all("[data-answer]", desk.bench).forEach((one) => one.setAttribute("aria-pressed", String(one === view))); find("#answer", desk.bench).dataset.view = view.dataset.answer; return; }
  const rating = at(".q input[type=radio]");
  if (rating) { const again = rating.dataset.on === "1"; all(`input[name=${rating.name}]`, desk.bench).forEach((one) => delete one.dataset.on); if (again) rating.checked = false; else rating.dataset.on = "1"; return; }
  const step = at("[data-step]");
  if (step && !at("a, button, summary, textarea")) mark(step);
}

const selected = () => { if (got.talk || !getSelection().isCollapsed) use("talk", (one) => one.onSelection()); };

if (desk.bench) {
  desk.bench.cameAt = 0;
  desk.bench.wired = true;
  for (const op of box()) if (op.act === "judge" || op.act === "skip" || op.act === "flag") done.add(op.home);
  all(".q input:checked", desk.bench).forEach((one) => { one.dataset.on = "1"; });
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  document.addEventListener("pointerdown", () => { desk.active = true; }, { passive: true });
  document.addEventListener("wheel", () => { desk.active = true; }, { passive: true });
  document.addEventListener("part", () => got.find?.found());
  document.addEventListener("htmx:afterSettle", () => got.find?.found());
  document.addEventListener("input", ({ target }) => {
    if (target.id === "note" && desk.bench.dataset.trace) store.set(draftName(), target.value);
    if (target.id === "find") { desk.bench.hit = undefined; use("find", (one) => one.search()); }
    if (target.id === "answer-text") use("edit", (one) => { one.draftEdit(); requestAnimationFrame(one.difference); });
    if (target.id === "comment-text") use("talk", (one) => one.onCommentInput(target));
  });
  addEventListener("popstate", () => { if (location.pathname !== desk.bench.dataset.here) load(location.pathname + location.search, { push: false }); });
  document.addEventListener("pointerdown", (event) => { if (event.target.matches(".resizer")) use("outline", (one) => one.onResizerDown(event)); });
  document.addEventListener("mouseup", () => setTimeout(selected));
  document.addEventListener("keyup", ({ key, shiftKey }) => { if (shiftKey && key.startsWith("Arrow")) selected(); });
  document.addEventListener("scroll", () => got.talk?.hideBubble(), { capture: true, passive: true });
  if (matchMedia("(any-pointer: coarse)").matches) import("./review_touch.js").then((one) => one.watchTouch());
  setTimeout(() => { for (const load of Object.values(lazy)) load().catch(() => {}); }, 500);
  addEventListener("online", flush);
  addEventListener("storage", (event) => lazy.beside().then((one) => one.heard(event)));
  if (desk.bench.matches(".pairs")) import("./pairs.js");
  document.addEventListener("visibilitychange", () => { if (!document.hidden && box().length) flush(); });
  setInterval(() => { paintSaved(); paintLease(); }, 1000);
  setInterval(heartbeat, 60_000);
  if (find("#edit-form:not([hidden])", desk.bench)) use("edit", (one) => one.edit(true));
  show(desk.bench, { push: false, scroll: false });
  if (/^#(b\d+|answer)$/.test(location.hash) && !desk.bench.dataset.parts) later(() => goTo(location.hash.slice(1)));
  if (box().length) { flush(); if (done.has(desk.bench.dataset.here) && desk.bench.dataset.next) later(() => advance(false)); }
}
