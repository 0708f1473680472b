// The trace list: a row cursor (j k Enter x), ticked rows, the bulk bar, and completion of the filter.
// Without it the list works by links, boxes and buttons.
import { typing, keysOn } from "./whetstone.js";

const list = () => document.getElementById("list");
const rows = () => [...document.querySelectorAll("tr[data-row]")];

// --- cursor
function current() { return document.querySelector("tr[data-cursor]"); }
function moveTo(row) {
  current()?.removeAttribute("data-cursor");
  if (!row) return;
  row.setAttribute("data-cursor", "");
  row.querySelector(".grow a").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.("tr[data-row]");
  if (row && row !== current()) { current()?.removeAttribute("data-cursor"); row.setAttribute("data-cursor", ""); }
});
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  const all = rows(), at = all.indexOf(current());
  if (event.key === "j" || event.key === "k") {
    if (!all.length) return;
    event.preventDefault();
    moveTo(all[Math.max(0, Math.min(all.length - 1, event.key === "j" ? at + 1 : at < 0 ? 0 : at - 1))]);
  } else if (event.key === "x" && at >= 0) {
    event.preventDefault();
    tick(all[at].querySelector("[name=trace]"), event.shiftKey);
  } else if (event.key === "Enter" && at >= 0 && !event.target.closest("a, button, input, summary")) {
    event.preventDefault();
    all[at].querySelector(".grow a").click();
  } else if (event.key === "Escape" && list()?.querySelector("[name=trace]:checked")) {
    event.preventDefault();
    list().querySelector("[data-untick]").click();
  }
});

// --- ticks
let last = null;
function tick(box, range) {
  box.checked = !box.checked;
  if (range && last?.isConnected) span(last, box);
  last = box;
  tell();
}
function span(from, to) {
  const boxes = [...list().querySelectorAll("[name=trace]")];
  const [low, high] = [boxes.indexOf(from), boxes.indexOf(to)].sort((a, b) => a - b);
  boxes.slice(low, high + 1).forEach((box) => { box.checked = to.checked; });
}
function tell() {
  const form = list();
  if (!form) return;
  const boxes = [...form.querySelectorAll("[name=trace]")], ticked = boxes.filter((box) => box.checked).length;
  const every = form.querySelector("[name=all]");
  if (!ticked && every.checked) every.checked = false;
  form.querySelector("[data-ticked]").textContent = every.checked ? "All that match" : `${ticked} selected`;
  const head = form.querySelector("[data-tick-all]");
  head.checked = ticked > 0 && ticked === boxes.length;
  head.indeterminate = ticked > 0 && ticked < boxes.length;
}
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("#list [name=trace]");
  if (!box) return;
  if (event.shiftKey && last?.isConnected) span(last, box);
  last = box;
});
document.addEventListener("change", (event) => {
  if (!event.target.closest?.("#list")) return;
  if (event.target.matches("[data-tick-all]")) {
    list().querySelectorAll("[name=trace]").forEach((box) => { box.checked = event.target.checked; });
  }
  tell();
});
document.addEventListener("reset", (event) => { if (event.target.id === "list") setTimeout(tell); });
document.addEventListener("htmx:afterSettle", tell);
tell();

// --- completion of the filter
const field = () => document.getElementById("q");
const menu = () => document.getElementById("completion");
let asked = 0, timer = 0;
function close() {
  clearTimeout(timer);
  asked += 1; // an answer on its way must not open it again
  const box = menu();
  if (!box) return;
  box.hidden = true;
  field().setAttribute("aria-expanded", "false");
  field().removeAttribute("aria-activedescendant");
}
async function complete() {
  const input = field(), mine = ++asked;
  const address = `${input.dataset.complete}?${new URLSearchParams({ q: input.value, at: input.selectionStart })}`;
  const answer = await fetch(address, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!answer?.ok || mine !== asked || document.activeElement !== field()) return;
  const text = await answer.text();
  if (mine !== asked) return;
  menu().innerHTML = text;
  const some = menu().children.length > 0;
  menu().hidden = !some;
  input.setAttribute("aria-expanded", String(some));
  input.removeAttribute("aria-activedescendant");
}
function take(option) {
  const input = field();
  input.value = option.dataset.text;
  input.setSelectionRange(Number(option.dataset.at), Number(option.dataset.at));
  input.focus();
  complete();
}
document.addEventListener("input", (event) => {
  if (event.target.id !== "q") return;
  clearTimeout(timer);
  timer = setTimeout(complete, 90);
});
document.addEventListener("focusout", (event) => { if (event.target.id === "q") setTimeout(close, 120); });
document.addEventListener("focusin", (event) => { if (event.target.id === "q" && !event.target.value) complete(); });
document.addEventListener("pointerdown", (event) => {
  const option = event.target.closest?.("#completion [role=option]");
  if (option) { event.preventDefault(); take(option); }
});
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "q" || menu().hidden) return;
  const options = [...menu().children], at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = options[at < 0 ? (step > 0 ? 0 : options.length - 1) : (at + step + options.length) % options.length];
    options.forEach((one) => one.setAttribute("aria-selected", String(one === next)));
    field().setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  } else if ((event.key === "Enter" || event.key === "Tab") && at >= 0) {
    event.preventDefault();
    take(options[at]);
  } else if (event.key === "Tab" && !event.shiftKey && options.length && field().value) {
    event.preventDefault();
    take(options[0]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    event.stopPropagation();
    close();
  } else if (event.key === "Enter") close();
}, true);
