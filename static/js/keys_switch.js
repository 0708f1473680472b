// The switch for single keys, on the pages of the account and of the keys; kept in this browser.
import { keysOn } from "./whetstone.js";

const box = document.querySelector("[data-keys-switch]");
box.checked = keysOn();
box.addEventListener("change", () => {
  document.documentElement.dataset.keys = box.checked ? "on" : "off";
  try { localStorage.keys = document.documentElement.dataset.keys; } catch { /* private mode */ }
});
