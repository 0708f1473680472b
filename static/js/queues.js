// The page of a queue: all ticks at once, a range with shift, and how many are ticked.
const form = document.getElementById("items");
const boxes = () => [...form.querySelectorAll("[name=item]:not(:disabled)")];
const every = form?.querySelector("[data-all] input"), button = form?.querySelector("[data-ticked]");
let last = -1;

function count() {
  const all = boxes(), ticked = all.filter((box) => box.checked).length;
  button.disabled = !ticked;
  button.textContent = ticked ? `${button.dataset.ticked} ${ticked}` : button.dataset.ticked;
  every.checked = ticked > 0 && ticked === all.length;
  every.indeterminate = ticked > 0 && ticked < all.length;
}

if (button && every) {
  every.closest("[data-all]").hidden = !boxes().length;
  button.hidden = !boxes().length;
  form.addEventListener("click", (event) => {
    if (!event.target.matches("[name=item]")) return;
    const all = boxes(), at = all.indexOf(event.target);
    if (event.shiftKey && last >= 0) for (const box of all.slice(Math.min(at, last), Math.max(at, last) + 1)) box.checked = event.target.checked;
    last = at;
  });
  form.addEventListener("change", (event) => {
    if (event.target === every) for (const box of boxes()) box.checked = every.checked;
    count();
  });
  count();
}
