// The page of one's keys: says at once where two acts share a key, before anything is sent.
const form = document.getElementById("keys-form");
const taken = { g: "is taken on every page", "?": "is taken on every page", " ": "is taken by the browser" };

function check() {
  const fields = [...form.querySelectorAll("[data-default]")], used = new Map();
  for (const field of fields) used.set(field.value, [...(used.get(field.value) ?? []), field]);
  for (const field of fields) {
    const same = used.get(field.value).filter((one) => one !== field).map((one) => one.labels[0].textContent);
    const why = !field.value ? "" : taken[field.value] ?? (same.length ? `${field.value} is also: ${same.join(", ")}` : "");
    field.toggleAttribute("aria-invalid", Boolean(why));
    if (why) field.setAttribute("aria-invalid", "true");
    document.getElementById(`why-${field.name}`).textContent = why;
  }
}

if (form) {
  // a key that is pressed replaces what stands in the field
  form.addEventListener("focusin", ({ target }) => { if (target.dataset.default) target.select(); });
  form.addEventListener("input", check);
}

// whether the next item comes at once after a judgment; like the switch of the keys it belongs to this browser
const stays = "whetstone.stay", advances = document.querySelector("[data-advance-switch]");
if (advances) {
  try { advances.checked = !localStorage.getItem(stays); } catch { /* private mode */ }
  advances.addEventListener("change", () => {
    try { if (advances.checked) localStorage.removeItem(stays); else localStorage.setItem(stays, "1"); } catch { /* private mode */ }
  });
}
