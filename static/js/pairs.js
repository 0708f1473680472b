// A pair: word changes or plain, and editing the better one. Everything else is the review page's own script.
import { all, desk, find } from "./review_core.js";
import { toast } from "./whetstone.js";

const NAMES = { a: "A", b: "B" };

function showWords(on) {
  desk.bench.toggleAttribute("data-words", on);
  all("[data-view-words]", desk.bench).forEach((one) => one.setAttribute("aria-pressed", String((one.dataset.viewWords === "1") === on)));
}

/** The side that is chosen, or the one somebody clicks on first. */
function editBetter() {
  const form = find("#better-form", desk.bench), field = find("#better", desk.bench);
  const side = find("#judge-form [name=verdict][aria-pressed=true]", desk.bench)?.value ?? desk.bench.dataset.better;
  if (!(side in NAMES)) return toast("Point at the better one first: click on answer A or B, then edit it. The choice itself comes last.");
  find("#more", desk.bench)?.hidePopover?.();
  form.hidden = false;
  find("[data-better-of]", form).textContent = `begins with answer ${NAMES[side]}`;
  if (!field.value) field.value = find(`[data-side=${side}] .plain-words`, desk.bench)?.textContent ?? "";
  form.scrollIntoView({ block: "nearest" });
  field.focus();
}

document.addEventListener("click", (event) => {
  const words = event.target.closest?.("[data-view-words]");
  // the key stands on one of the two buttons and turns back and forth
  if (words) return showWords(event.detail === 0 ? !desk.bench.hasAttribute("data-words") : words.dataset.viewWords === "1");
  if (event.target.closest?.("[data-better-open]")) return editBetter();
  const side = event.target.closest?.("[data-side]");
  if (!side || event.target.closest("a, summary")) return;
  desk.bench.dataset.better = side.dataset.side;
  all("[data-side]", desk.bench).forEach((one) => one.toggleAttribute("data-picked", one === side));
});
document.addEventListener("submit", (event) => { if (event.target.id === "better-form") event.preventDefault(); });
