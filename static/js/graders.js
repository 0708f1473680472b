// The editor of a grader: a variable goes where the cursor is. Everything else on the page works without this.
const FIELD = "textarea[data-variables]";
let last = null;

document.addEventListener("focusin", (event) => { if (event.target.matches?.(FIELD)) last = event.target; });

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const field = last?.isConnected ? last : document.querySelector(FIELD);
  if (!field) return;
  field.focus();
  field.setRangeText(button.dataset.insert, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// leaving with something typed is asked about once; saving and changing the type are no leaving
const form = document.getElementById("grader-form");
let typed = false;
form?.addEventListener("input", () => { typed = true; });
form?.addEventListener("submit", () => { typed = false; });
addEventListener("beforeunload", (event) => { if (typed) event.preventDefault(); });

// a page that is gone back to would try again with the key of the trial that it began
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// what is typed before the answer to a choice comes is kept: the answer brings new fields with what was there before, and
// in hidden ones what was typed for other types
const fields = () => [...document.querySelectorAll("#fields :is(input, select, textarea)")];
const key = (field) => (/^(checkbox|radio)$/.test(field.type) ? `${field.name} ${field.value}` : field.name);
const says = (field) => (/^(checkbox|radio)$/.test(field.type) ? field.checked : field.value);
let asked = new Map();
let since = [];
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "fields") asked = new Map(fields().map((field) => [key(field), says(field)]));
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "fields") return;
  since = fields().filter((field) => asked.has(key(field)) && asked.get(key(field)) !== says(field))
    .map((field) => [key(field), says(field), field === document.activeElement && field.selectionStart]);
});
document.addEventListener("htmx:afterSwap", () => {
  const now = new Map(fields().map((field) => [key(field), field]));
  for (const [name, value, at] of since) {
    const field = now.get(name);
    if (!field) continue;
    if (typeof value === "boolean") field.checked = value; else field.value = value;
    if (typeof at === "number" && field.type !== "hidden") field.setSelectionRange(at, at);
  }
  since = [];
});
