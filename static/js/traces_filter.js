// The filter above the list: completion (an ARIA combobox), filters used before, and editing a condition by its chip.

// --- filters used before, kept in this browser
const MOST_RECENT = 6;
const place = () => `filters-${field().dataset.recent}`;
function recent() {
  try { return JSON.parse(localStorage[place()] || "[]").filter((one) => typeof one === "string"); } catch { return []; }
}
function remember() {
  const input = field(), used = input?.getAttribute("value")?.trim();
  if (!used || input.getAttribute("aria-invalid") === "true") return;
  try { localStorage[place()] = JSON.stringify([used, ...recent().filter((one) => one !== used)].slice(0, MOST_RECENT)); } catch { /* private mode */ }
}
function offerRecent() {
  const made = recent().filter((one) => one !== field().value.trim()).map((one, index) => {
    const option = document.createElement("div"), code = document.createElement("code"), why = document.createElement("span");
    Object.assign(option, { id: `recent-${index}` });
    Object.assign(option.dataset, { text: one, at: one.length, recent: "" });
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    code.append(one);
    why.className = "soft push";
    why.append("used before");
    option.append(code, why);
    return option;
  });
  menu().prepend(...made);
}

// --- completion
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
  if (!input.value.trim()) offerRecent();
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
  if (option.dataset.recent === undefined) return complete();
  close();
  input.form.requestSubmit();
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

// --- a chip: its condition is marked in the filter, ready to be changed
document.addEventListener("click", (event) => {
  const chip = event.target.closest?.(".chip-edit");
  if (!chip) return;
  const input = field();
  input.focus();
  input.value = input.getAttribute("value"); // the places are those of the filter that is shown
  input.setSelectionRange(Number(chip.dataset.from), Number(chip.dataset.to));
});

document.addEventListener("htmx:afterSettle", remember);
if (field()) remember();
