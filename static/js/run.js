// The page of a run while it goes on: new points into the chart, new lines into the log. The rest is swapped by htmx.

const box = document.getElementById("chart");
const log = document.getElementById("log");
const SMOOTH = 0.3; // as in training/progress/curves.py
const KEPT = 400; // lines of the log in the page

const plot = () => box.querySelector(".plot");
const ready = () => Boolean(plot()?.dataset.drawn && window.Plotly);

// --- log: lines are told apart by how they begin, and it follows its end unless somebody scrolled up
function addLines(text) {
  if (!text) return;
  const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  if (log.dataset.filled !== "1" && !log.querySelector("span + span")) log.replaceChildren();
  log.dataset.filled = "1";
  const added = document.createDocumentFragment();
  for (const line of text.replace(/\n$/, "").split("\n")) {
    const found = /^(\d\d:\d\d:\d\d) (.*)$/.exec(line);
    const at = document.createElement("span"), said = document.createElement("span");
    at.className = "dim";
    at.textContent = found ? found[1] : "";
    const words = found ? found[2] : line;
    said.textContent = words;
    said.className = words.startsWith("checkpoint") ? "ok" : words.startsWith("warning:") ? "hm" : words.startsWith("failed:") || words.split(":")[0].includes("Error") ? "err" : "";
    added.append(at, " ", said, "\n");
  }
  log.append(added);
  while (log.childNodes.length > KEPT * 4) log.firstChild.remove();
  if (follows) log.scrollTop = log.scrollHeight;
}

// --- chart: points are added to what is drawn and to the figure that a change of theme draws again
function addPoints(found) {
  const element = plot(), figure = element.figure;
  const smoothed = figure.data[1].y;
  let state = [...smoothed].reverse().find((value) => value !== null);
  const fresh = found.loss.map(([step, value]) => {
    if (value !== null) state = state === undefined ? value : SMOOTH * value + (1 - SMOOTH) * state;
    return [step, value, value === null ? null : state];
  });
  const x = [fresh.map((p) => p[0]), fresh.map((p) => p[0]), found.validation.map((p) => p[0])];
  const y = [fresh.map((p) => p[1]), fresh.map((p) => p[2]), found.validation.map((p) => p[1])];
  const traces = [0, 1, 2].filter((index) => x[index].length);
  for (const index of traces) { figure.data[index].x.push(...x[index]); figure.data[index].y.push(...y[index]); }
  if (traces.length) window.Plotly.extendTraces(element, { x: traces.map((i) => x[i]), y: traces.map((i) => y[i]) }, traces);
  const total = found.total || figure.layout.xaxis.range[1], step = found.live ? Math.max(found.step || 0, figure.data[0].x.at(-1) ?? 0) : total;
  figure.layout.xaxis.range = [0, total];
  const change = { "xaxis.range": [0, total] };
  if (figure.layout.shapes?.length) {
    Object.assign(figure.layout.shapes[0], { x0: step, x1: total });
    Object.assign(change, { "shapes[0].x0": step, "shapes[0].x1": total });
  }
  window.Plotly.relayout(element, change);
}

// before the first step a sentence stands in the chart's place; what is shown then is drawn by charts.js
function showCurve() {
  document.getElementById("no-curve")?.remove();
  document.getElementById("curve").hidden = false;
  document.getElementById("scale").hidden = false;
}

async function look() {
  const { chart, after, attempt, log: offset } = box.dataset;
  const drawn = ready();
  const query = new URLSearchParams({ after, attempt, log: offset });
  const answer = await fetch(`${chart}?${query}`, { headers: { Accept: "application/json" } });
  if (!answer.ok) return true;
  const found = await answer.json();
  if (found.reset) { location.reload(); return false; } // a new attempt: everything is drawn anew
  addLines(found.log.text);
  box.dataset.log = found.log.offset;
  if (drawn) { addPoints(found); box.dataset.after = found.after; }
  const some = found.loss.length > 0 || found.validation.length > 0;
  if (some) showCurve();
  return found.live || (!drawn && some);
}

async function follow() {
  let goes = true;
  try { goes = await look(); } catch { /* the server is away: ask again */ }
  if (goes) { setTimeout(follow, document.hidden ? 10000 : 2000); return; }
  document.getElementById("following").hidden = true;
}

// a part that is swapped loses the width that was set on it
document.addEventListener("htmx:oobAfterSwap", () => {
  for (const stage of document.querySelectorAll("#run-stages [data-var-at]")) stage.style.setProperty("--at", stage.dataset.varAt);
});

log.scrollTop = log.scrollHeight;
if (box.dataset.live) setTimeout(follow, 1500);

// --- linear or logarithmic
const scale = document.getElementById("scale");
scale.hidden = document.getElementById("curve").hidden;
scale.addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-scale]");
  if (!chosen || !ready()) return;
  plot().figure.layout.yaxis.type = chosen.dataset.scale;
  window.Plotly.relayout(plot(), { "yaxis.type": chosen.dataset.scale });
  for (const button of scale.children) button.setAttribute("aria-pressed", String(button === chosen));
});
