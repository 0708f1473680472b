// Every page: keys, palette, dialogs, theme, toasts, and numbers that become widths. No page needs it to work.

const $ = (id) => document.getElementById(id);
const TYPING = "textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=button], [type=submit])";

/** Whether a key press belongs to a field, a list of choices or an open dialog and not to the page. */
export const typing = (element) => Boolean(element?.closest?.(`${TYPING}, dialog[open], [role=listbox]`));

/** Whether shortcuts are switched on (WCAG 2.1.4: they can be turned off on the account page). */
export const keysOn = () => document.documentElement.dataset.keys !== "off";

/** Do what a control does, and light it up for a moment so that the key press is seen. */
export function press(control) {
  control.classList.add("flash");
  setTimeout(() => control.classList.remove("flash"), 160);
  if (control.matches("input:not([type=radio], [type=checkbox]), textarea, select")) control.focus();
  else control.click();
}

/** Say something at the foot of the page; `action` = {label, run} adds a button. Gone after `ms` (0 keeps it). */
export function toast(text, { action, ms = 5000 } = {}) {
  const line = document.createElement("p");
  line.className = "toast";
  line.append(text);
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button small";
    button.append(action.label);
    button.addEventListener("click", () => { line.remove(); action.run(); });
    line.append(button);
  }
  $("toasts").append(line);
  if (ms) setTimeout(() => line.remove(), ms);
  return line;
}

// --- keys: an attribute on the control, data-key="a"; the sheet (?) is made from them
let going = 0, hint;

/** Whether g was pressed and its letter is waited for: the next key is that one's, whatever else it does on a page. */
export const awaitsLetter = () => Boolean(going);

// g was pressed: who does not press the letter at once is told which there are
function waitForLetter(wait) {
  clearTimeout(going);
  hint?.remove();
  going = wait && setTimeout(() => {
    hint = toast(document.querySelector("[data-letters]").cloneNode(true), { ms: 2000 });
    going = setTimeout(() => { going = 0; }, 2000);
  }, 400);
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey) {
    if ($("palette")) { event.preventDefault(); openPalette(); }
    return;
  }
  if (event.key === "Escape" && event.target.matches?.(TYPING)) return event.target.blur();
  const altGraph = event.getModifierState?.("AltGraph");
  if (event.defaultPrevented || ((event.ctrlKey || event.metaKey || event.altKey) && !altGraph)) return;
  if (typing(event.target) || document.querySelector("dialog[open]") || !keysOn()) return;
  if (going) {
    waitForLetter(0);
    const link = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  if (event.key === "g" && document.querySelector("[data-go]")) { waitForLetter(1); return; }
  if (event.key === "?" && $("keys")) { event.preventDefault(); openKeys(); return; }
  const control = [...document.querySelectorAll(`[data-key="${CSS.escape(event.key)}"]:not(:disabled)`)].find((one) => one.checkVisibility());
  if (control) { event.preventDefault(); press(control); }
});

function openKeys() {
  const list = $("keys-list");
  list.querySelectorAll("[data-made]").forEach((one) => one.remove());
  const seen = new Set();
  for (const extra of document.querySelectorAll("[data-keys]:not(html)")) {
    for (const pair of extra.dataset.keys.split(";")) {
      const [keys, what] = pair.split("|");
      addKey(list, keys, what);
      keys.split(" ").forEach((key) => seen.add(key));
    }
  }
  for (const control of document.querySelectorAll("[data-key]")) {
    const key = control.dataset.key;
    if (seen.has(key) || !control.checkVisibility()) continue;
    seen.add(key);
    const what = control.dataset.keyName || control.getAttribute("aria-label") || control.title || control.innerText.replace(/\s+\S+$/, "");
    addKey(list, key, what.trim());
  }
  $("keys-here").hidden = !list.children.length;
  $("keys").showModal();
  $("keys").scrollTop = 0;
}

function addKey(list, keys, what) {
  const dt = document.createElement("dt"), dd = document.createElement("dd");
  dt.dataset.made = dd.dataset.made = "";
  for (const key of keys.split(" ")) { const cap = document.createElement("kbd"); cap.append(key); dt.append(cap, " "); }
  dd.append(what);
  list.append(dt, dd);
}

// --- palette
function openPalette() {
  const query = $("palette-query");
  query.value = "";
  filterPalette();
  $("palette").showModal();
  query.focus();
}
function filterPalette() {
  const said = $("palette-query").value.trim(), words = said.toLowerCase().split(/\s+/).filter(Boolean);
  let first = true;
  for (const item of $("palette-list").children) {
    const text = item.textContent.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word)) || (!words.length && "asked" in item.dataset); // what came late
    item.setAttribute("aria-selected", String(first && !item.hidden));
    if (!item.hidden && first) { first = false; $("palette-query").setAttribute("aria-activedescendant", item.id); }
  }
  $("palette-none").textContent = first ? `Nothing here is called “${said}”.` : "";
  if (first) $("palette-query").removeAttribute("aria-activedescendant");
}
$("palette-query")?.addEventListener("input", filterPalette);
$("palette-list")?.addEventListener("htmx:afterSwap", filterPalette);
$("palette-query")?.addEventListener("keydown", (event) => {
  const shown = [...$("palette-list").children].filter((item) => !item.hidden);
  const at = shown.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "Enter" && shown[at]) { event.preventDefault(); location.href = shown[at].dataset.href; }
  const step = { ArrowDown: 1, ArrowUp: shown.length - 1 }[event.key];
  if (step === undefined) return;
  event.preventDefault();
  const next = shown[(at + step) % shown.length];
  shown.forEach((item) => item.setAttribute("aria-selected", String(item === next)));
  if (next) { event.target.setAttribute("aria-activedescendant", next.id); next.scrollIntoView({ block: "nearest" }); }
});

// --- clicks that are the same everywhere
document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest(selector);
  const opener = at("button[data-open]");
  if (opener) return opener.dataset.open === "palette" ? openPalette() : opener.dataset.open === "keys" ? openKeys() : $(opener.dataset.open)?.showModal();
  const place = at("#palette-list [data-href]");
  if (place) { location.href = place.dataset.href; return; }
  const copy = at("[data-copy], [data-copy-from]");
  if (copy) {
    const text = copy.dataset.copy || $(copy.dataset.copyFrom)?.textContent || "";
    navigator.clipboard?.writeText(text).then(() => toast("Copied"), () => toast("The browser did not allow copying."));
    return;
  }
  const open = document.querySelector("dialog[open]:not([data-stays])");
  if (open && event.target === open) open.close(); // a click on the backdrop
});

// --- theme: a form that works alone; here without a reload
document.addEventListener("submit", (event) => {
  const form = event.target.closest(".theme-form");
  if (!form) return;
  event.preventDefault();
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  document.dispatchEvent(new CustomEvent("themechange"));
  const body = new FormData(form);
  body.set("theme", root.dataset.theme);
  fetch(form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
});

// --- numbers that become widths: data-var-v="41%" sets --v (inline styles are not allowed by the policy)
export function applyVars(root = document) {
  const all = root.querySelectorAll ? [root, ...root.querySelectorAll("*")] : [];
  for (const element of all) {
    for (const { name, value } of element.attributes ?? []) {
      if (name.startsWith("data-var-")) element.style.setProperty(`--${name.slice(9)}`, value);
    }
  }
}
applyVars(document.body);
document.addEventListener("htmx:afterSettle", (event) => applyVars(event.detail.elt));

// --- counts in the navigation arrive late, into room that is kept for them
const nav = document.querySelector("[data-counts]");
if (nav) {
  fetch(nav.dataset.counts, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : {}))
    .then((counts) => { for (const [name, text] of Object.entries(counts)) { const slot = nav.querySelector(`[data-count="${name}"]`); if (slot && text) slot.textContent = text; } })
    .catch(() => {});
}

// --- toasts that the server wrote go away by themselves; a failed swap says so
document.querySelectorAll("#toasts .toast").forEach((line) => setTimeout(() => line.remove(), 6000));
document.addEventListener("htmx:responseError", (event) => toast(`The server answered ${event.detail.xhr.status}. Nothing was changed.`));
document.addEventListener("htmx:sendError", () => toast("The server cannot be reached. Nothing was changed."));

// --- single keys may be switched off (static/js/keys_switch.js); kept in this browser
try { if (localStorage.keys === "off") document.documentElement.dataset.keys = "off"; } catch { /* private mode */ }
