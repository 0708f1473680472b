// The trace list: a row cursor (j k Enter x), ticked rows and the bulk bar, what came in since, and acts on many traces.
// Without it the list works by links, boxes and buttons.
import { typing, keysOn } from "./whetstone.js";

const list = () => document.getElementById("list");
const rows = () => [...document.querySelectorAll("tr[data-row]")];

// --- cursor
function current() { return document.querySelector("tr[data-cursor]"); }
function moveTo(row) {
  hideTold();
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
  } else if (event.key === "w" && at >= 0) {
    event.preventDefault();
    if (told().matches(":popover-open")) hideTold(); else tellOf(all[at], all[at].querySelector("[data-told], .grow"));
  } else if (event.key === "Enter" && at >= 0 && !event.target.closest("a, button, input:not([name=trace]), summary")) {
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
  const matching = form.querySelector("[data-matching]")?.dataset.matching;
  form.querySelector("[data-ticked]").textContent =
    !every.checked ? `${ticked} selected` : matching && matching !== "–" ? `All ${matching} that match` : "All that match";
  const compare = form.querySelector("[data-compare]");
  if (compare) {
    compare.hidden = ticked !== 2 || every.checked;
    const [left, right] = boxes.filter((box) => box.checked).map((box) => box.value);
    if (!compare.hidden) compare.href = `${compare.dataset.compare}?${new URLSearchParams({ left, right })}`;
  }
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

// --- what is listed here, for whoever opens one and goes on to the next
function keep() {
  const links = [...document.querySelectorAll("tr[data-row] .grow a")].map((one) => one.getAttribute("href"));
  if (!links.length) return;
  const page = (rel) => list().querySelector(`a[rel=${rel}]`)?.getAttribute("href") ?? "";
  const kept = { url: location.pathname + location.search, traces: links, older: page("next"), newer: page("prev") };
  for (const way of ["older", "newer"]) if (kept[way]) kept[way] = new URL(kept[way], location.href).href;
  try { sessionStorage.setItem("whetstone.list", JSON.stringify(kept)); } catch { /* private mode */ }
}
document.addEventListener("htmx:afterSettle", keep);
keep();

// --- what was said of a row, where the pointer rests on a judgment or a score; w for the row of the cursor
let resting = 0, asked = 0; // `asked` counts: an answer that comes after another question, or after the pointer left, is late
const told = () => document.getElementById("told");
function foldTold() { clearTimeout(resting); told()?.hidePopover?.(); }
function hideTold() { asked += 1; foldTold(); }
async function tellOf(row, at) {
  const box = told(), address = row.querySelector(".grow a").getAttribute("href"), mine = asked += 1;
  const answer = await fetch(`${address}told/`, { headers: { "HX-Request": "true" } }).catch(() => null);
  const text = answer?.ok ? await answer.text() : "";
  if (!text || mine !== asked || !row.isConnected) return;
  box.innerHTML = text;
  box.showPopover();
  const place = at.getBoundingClientRect(), { offsetWidth: width, offsetHeight: height } = box;
  const below = place.bottom + height + 8 < innerHeight;
  box.style.setProperty("left", `${Math.max(8, Math.min(place.left, innerWidth - width - 8))}px`);
  box.style.setProperty("top", `${below ? place.bottom + 4 : Math.max(8, place.top - height - 4)}px`);
}
document.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "mouse") return;
  const cell = event.target.closest?.("[data-told]");
  if (cell) { clearTimeout(resting); asked += 1; resting = setTimeout(() => tellOf(cell.closest("tr"), cell), 350); }
  else if (!event.target.closest?.("#told")) hideTold();
});
document.addEventListener("scroll", foldTold, { capture: true, passive: true }); // what is on its way finds its row where it then is
document.addEventListener("keydown", (event) => { if (event.key === "Escape") hideTold(); });

// --- how many match, and how many of them are not shown: counted behind the list, into room that is kept
async function count() {
  const slot = document.getElementById("counted");
  if (!slot || slot.children.length || slot.asking === slot.dataset.ask) return;
  slot.asking = slot.dataset.ask;
  const answer = await fetch(slot.dataset.ask, { headers: { "HX-Request": "true" } }).catch(() => null);
  const still = slot.isConnected && slot.asking === slot.dataset.ask;
  slot.asking = "";
  if (!still || answer?.status !== 200) return;
  slot.innerHTML = await answer.text();
  tell();
}
document.addEventListener("htmx:afterSettle", count);
count();

// --- what came in since: says so, and never moves a row by itself
const EVERY = 10_000;
async function lookForArrivals() {
  const line = document.getElementById("arrivals");
  if (!line || document.visibilityState !== "visible") return;
  const answer = await fetch(line.dataset.ask, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.status !== 200 || !line.isConnected) return;
  const said = (await answer.text()).trim();
  if (line.firstChild?.dataset?.said === said) return;
  const link = document.createElement("a");
  link.href = line.dataset.show;
  link.className = "button small";
  link.dataset.said = said;
  link.append(`${said}: show`);
  line.replaceChildren(link);
}
setInterval(lookForArrivals, EVERY);
document.addEventListener("visibilitychange", lookForArrivals);

// --- acts on many traces: what has ended can be put away
const putAway = (uid) => `act-${uid}`;
function hideActs() {
  for (const act of document.querySelectorAll("#acts [data-act]:not([data-live])")) {
    try { act.hidden = Boolean(sessionStorage[putAway(act.dataset.act)]); } catch { /* private mode */ }
  }
}
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-dismiss]");
  if (!button) return;
  try { sessionStorage[putAway(button.dataset.dismiss)] = "1"; } catch { /* private mode */ }
  button.closest("[data-act]").hidden = true;
});
document.addEventListener("htmx:afterSettle", hideActs);
