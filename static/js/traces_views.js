// The menus above the list: saved views, and columns with their order (drag, arrows, or Alt with an arrow key).

// --- menus: one open at a time, Escape and a click elsewhere close them
document.addEventListener("toggle", (event) => {
  const menu = event.target;
  if (!menu.matches?.("details.drop-menu") || !menu.open) return;
  document.querySelectorAll("details.drop-menu[open]").forEach((other) => { if (other !== menu) other.open = false; });
  if (menu.dataset.load) load(menu);
  else menu.querySelector("input:not([type=hidden]), button")?.focus();
}, true);
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && event.target.closest?.("details.drop-menu[open]");
  if (!menu) return;
  event.preventDefault();
  menu.open = false;
  menu.querySelector("summary").focus();
}, true);
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.drop-menu[open]")) if (!menu.contains(event.target) && event.target.isConnected) menu.open = false;
});
async function load(menu) {
  const inside = menu.querySelector(".drop-in");
  await window.htmx.ajax("GET", menu.dataset.load, { target: inside, swap: "innerHTML" });
  inside.querySelector("input[type=checkbox]")?.focus();
}

// --- columns
const say = (list, item) => {
  const at = [...list.children].indexOf(item) + 1;
  list.closest("form").querySelector("[data-moved]").textContent = `${item.innerText.replace(/[⋮↑↓]/g, "").trim()}: ${at} of ${list.children.length}`;
};
function move(item, step) {
  const list = item.parentElement, focused = document.activeElement;
  const beside = step < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!beside) return;
  if (step < 0) beside.before(item); else beside.after(item);
  focused.focus(); // moving an element takes the focus from it
  item.scrollIntoView({ block: "nearest" });
  say(list, item);
}
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-move]");
  if (button) move(button.closest("li"), Number(button.dataset.move));
  if (event.target.closest?.("[data-add]")) add(document.querySelector("[data-add-column]"));
});
document.addEventListener("keydown", (event) => {
  const item = event.target.closest?.("[data-columns] li");
  if (item && event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
    event.preventDefault();
    move(item, event.key === "ArrowUp" ? -1 : 1);
  } else if (event.key === "Enter" && event.target.matches?.("[data-add-column]")) {
    event.preventDefault();
    add(event.target);
  }
});
function add(input) {
  const key = input.value.trim(), list = document.querySelector("[data-columns]");
  const right = /^(score|meta)\..*\S/.test(key);
  input.setAttribute("aria-invalid", String(!right));
  if (!right) return input.focus();
  let item = [...list.children].find((one) => one.querySelector("input").value === key);
  if (!item) {
    item = list.lastElementChild.cloneNode(true);
    item.querySelector("input").value = key;
    item.querySelector(".clip").textContent = key;
    item.querySelector("[data-move='-1']").setAttribute("aria-label", `Move ${key} up`);
    item.querySelector("[data-move='1']").setAttribute("aria-label", `Move ${key} down`);
  }
  item.querySelector("input").checked = true;
  const shown = [...list.children].filter((one) => one !== item && one.querySelector("input").checked).at(-1);
  if (shown) shown.after(item); else list.prepend(item);
  input.value = "";
  item.scrollIntoView({ block: "nearest" });
  say(list, item);
}

// --- dragging
let held = null;
document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.("[data-columns] li") ?? null;
  if (held) { event.dataTransfer.effectAllowed = "move"; held.classList.add("held"); }
});
document.addEventListener("dragover", (event) => {
  const over = held && event.target.closest?.("[data-columns] li");
  if (!over) return;
  event.preventDefault();
  if (over === held) return;
  const box = over.getBoundingClientRect();
  if (event.clientY < box.top + box.height / 2) over.before(held); else over.after(held);
});
document.addEventListener("dragend", () => {
  if (!held) return;
  held.classList.remove("held");
  say(held.parentElement, held);
  held = null;
});
