// A pair: word changes or plain, editing the better one, and keeping what was begun. The rest is the review page's own script.
import { all, desk, find, store } from "./review_core.js";
import { keysOn, toast, typing } from "./whetstone.js";

const SIDES = ["a", "b"], FIELDS = "#better, .form input[type=radio], [name=edited_of]";
const draftName = () => `whetstone.pair.${desk.bench.dataset.person}.${desk.bench.dataset.trace}`;

function showWords(on) {
  desk.bench.toggleAttribute("data-words", on);
  all("[data-view-words]", desk.bench).forEach((one) => one.setAttribute("aria-pressed", String((one.dataset.viewWords === "1") === on)));
}

/** The side that is chosen, or the one that somebody clicked on. */
function editBetter() {
  const chosen = find("#judge-form [name=verdict][aria-pressed=true]", desk.bench)?.value;
  const side = SIDES.includes(chosen) ? chosen : find("[name=edited_of]:checked", desk.bench)?.value ?? desk.bench.dataset.better;
  find("#more", desk.bench)?.hidePopover?.();
  find("#better-fold", desk.bench).open = true;
  begin(side ?? "a");
  if (!side) toast("Begun with answer A. If B is the better one, say so above the text.");
  find("#better", desk.bench).focus();
  find("#better", desk.bench).scrollIntoView({ block: "nearest" });
}

/** Begin with the words of a side, unless somebody wrote others already. */
function begin(side) {
  const field = find("#better", desk.bench), raw = (one) => find(`[data-side=${one}] [data-raw]`, desk.bench).content.textContent;
  if (!field.value.trim() || SIDES.some((one) => field.value === raw(one))) field.value = raw(side);
  find(`[name=edited_of][value=${side}]`, desk.bench).checked = true;
  keep();
}

// what was begun here is here again after a reload and after coming back
function keep() {
  const values = {};
  for (const one of all(FIELDS, desk.bench)) if (one.type !== "radio") values[one.name] = one.value; else if (one.checked) values[one.name] = one.value;
  store.set(draftName(), JSON.stringify(values));
}
function restore() {
  if (!desk.bench?.dataset.trace) return;
  const values = JSON.parse(store.get(draftName()) || "{}");
  for (const one of all(FIELDS, desk.bench)) if (one.name in values) { if (one.type === "radio") one.checked = one.value === values[one.name]; else one.value = values[one.name]; }
  if (values.edited) find("#better-fold", desk.bench).open = true;
}

document.addEventListener("click", (event) => {
  const words = event.target.closest?.("[data-view-words]");
  // the key stands on one of the two buttons and turns back and forth
  if (words) return showWords(event.detail === 0 ? !desk.bench.hasAttribute("data-words") : words.dataset.viewWords === "1");
  if (event.target.closest?.("[data-better-open]")) return editBetter();
  if (event.target.closest?.("[data-better-off]")) {
    find("#better", desk.bench).value = "";
    all("[name=edited_of]", desk.bench).forEach((one) => { one.checked = false; });
    find("#better-fold", desk.bench).open = false;
    return keep();
  }
  const side = event.target.closest?.("[data-side]");
  if (!side || event.target.closest("a, summary")) return;
  desk.bench.dataset.better = side.dataset.side;
  all("[data-side]", desk.bench).forEach((one) => one.toggleAttribute("data-picked", one === side));
});
// to the questions: the arrows left and right answer one, down and up lead to the next
document.addEventListener("keydown", (event) => {
  if (event.key !== "q" || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || !keysOn()) return;
  const question = find(".q", desk.bench);
  if (!question) return;
  event.preventDefault();
  find(".form", desk.bench).setAttribute("data-open", "");
  (find("input:checked", question) ?? find("input", question)).focus();
});
document.addEventListener("change", ({ target }) => { if (target.name === "edited_of") begin(target.value); else if (target.matches(FIELDS)) keep(); });
document.addEventListener("input", ({ target }) => { if (target.id === "better") keep(); });
document.addEventListener("said", () => { if (desk.bench.dataset.trace) store.set(draftName(), ""); });
new MutationObserver(restore).observe(document.getElementById("main"), { childList: true });
restore();
