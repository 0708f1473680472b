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
