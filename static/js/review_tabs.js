// Tabs beside the run.
import { all, desk } from "./review_core.js";
import { current, mark } from "./review_steps.js";

export function openTab(name, { push = true } = {}) {
  const tabs = all("[role=tab]", desk.bench), tab = tabs.find((one) => one.dataset.tab === name) ?? tabs[0];
  if (!tab) return;
  for (const one of tabs) {
    one.setAttribute("aria-selected", String(one === tab));
    one.tabIndex = one === tab ? 0 : -1;
    const shown = document.getElementById(one.getAttribute("aria-controls"));
    if (!shown) continue;
    shown.hidden = one !== tab;
    if (one === tab) shown.dispatchEvent(new CustomEvent("tab")); // for panels that are fetched when they are opened
  }
  const url = new URL(location.href);
  if (tab === tabs[0]) url.searchParams.delete("tab"); else url.searchParams.set("tab", tab.dataset.tab);
  if (push && url.href !== location.href) history.replaceState(history.state, "", url.href);
}

/** What was chosen in a panel that is fetched stands in the address, too. */
document.addEventListener("htmx:beforeRequest", ({ target }) => {
  if (target.matches("[data-beside-link]")) history.replaceState(history.state, "", target.getAttribute("href"));
});

document.addEventListener("htmx:afterSettle", ({ target }) => { if (target.id === "panel-timeline") mark(current()); });

export function onTabKey(event) {
  const tabs = all("[role=tab]", desk.bench), at = tabs.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (at < 0 || to === undefined) return false;
  const tab = tabs[(to + tabs.length) % tabs.length];
  openTab(tab.dataset.tab);
  tab.focus();
  return true;
}

