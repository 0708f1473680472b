// A step just as it came.
import { all, find } from "./review_core.js";
import { current } from "./review_steps.js";
import { toast } from "./whetstone.js";

/** The current step just as it came, and back; the answer formatted or raw. */
export async function plain() {
  const step = current();
  if (!step) return toast("Choose a step first.");
  if (step.id === "answer") {
    const list = all("[data-answer]", step), at = list.findIndex((one) => one.getAttribute("aria-pressed") === "true");
    return list[(at + 1) % list.length]?.click();
  }
  // a sub-agent's card is a fold: what it said stands inside
  const box = find(":scope > details", step) ?? step, old = find(":scope > .as-came", box);
  const came = step.dataset.came || find(":scope > header [data-came]", step)?.href;
  if (box !== step) { if (old && !box.open) old.hidden = true; box.open = true; }
  if (old) { old.hidden = !old.hidden; box.toggleAttribute("data-plain", !old.hidden); return; }
  if (!came) return toast("This step is shown as it came.", { ms: 1500 });
  const answer = await fetch(came, { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return toast("The text could not be fetched.");
  const text = document.createElement("pre");
  text.className = "plain as-came";
  text.tabIndex = 0;
  text.append(await answer.text());
  box.append(text);
  box.setAttribute("data-plain", "");
}
