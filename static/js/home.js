// The address of a new project, proposed from its name until somebody writes their own.
const address = document.querySelector("[data-from-name]"), name = document.getElementById(address.dataset.fromName);
let own = Boolean(address.value);
address.addEventListener("input", () => { own = true; });
name.addEventListener("input", () => {
  if (own) return;
  const plain = name.value.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  address.value = plain.replace(/[^a-z0-9_]+/g, "-").slice(0, address.maxLength).replace(/^-+|-+$/g, "");
});
