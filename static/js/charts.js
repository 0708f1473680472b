// Figures: plain JSON in the page, drawn by Plotly when they come into view, in the colours of the theme.

let library;
function plotly(address) {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => reject(new Error("The chart library did not load."));
    document.head.append(script);
  });
  return library;
}

// tokens are written in oklch, which Plotly cannot read: a canvas turns any CSS colour into rgb
const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function token(name) {
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  probe.style.color = `var(--${name})`;
  const colour = getComputedStyle(probe).color;
  probe.remove();
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
  return `rgba(${r},${g},${b},${(a / 255).toFixed(3)})`;
}
const TOKEN = /^(series-[1-5]|(good|bad|warn|info)-(ink|wash|line)|ink|ink-soft|ink-faint|line|accent)$/;
function coloured(value, key) {
  if (Array.isArray(value)) return value.map((one) => coloured(one, key));
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, coloured(v, k)]));
  if (typeof value === "string" && /color$/i.test(key ?? "") && TOKEN.test(value)) return token(value);
  return value;
}
function merge(base, over) {
  const out = { ...base };
  for (const [key, value] of Object.entries(over ?? {})) {
    out[key] = value && typeof value === "object" && !Array.isArray(value) ? merge(base[key] ?? {}, value) : value;
  }
  return out;
}
function frame() {
  const soft = token("ink-soft"), line = token("line-soft");
  const axis = { gridcolor: line, zerolinecolor: line, linecolor: token("line-strong"), tickcolor: line, automargin: true, title: { font: { size: 12 }, standoff: 8 }, fixedrange: false };
  return {
    font: { family: "Inter Variable, system-ui, sans-serif", size: 12, color: soft },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    colorway: [1, 2, 3, 4, 5].map((n) => token(`series-${n}`)),
    margin: { l: 48, r: 16, t: 12, b: 40 }, hovermode: "x unified", showlegend: true,
    legend: { orientation: "h", x: 0, y: -0.18, yanchor: "top" }, xaxis: axis, yaxis: axis, modebar: { bgcolor: "rgba(0,0,0,0)", color: soft, activecolor: token("ink") },
    hoverlabel: { bgcolor: token("raised"), bordercolor: token("line"), font: { color: token("ink") } },
  };
}
const CONFIG = { displaylogo: false, responsive: false, modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d"], toImageButtonOptions: { format: "png", scale: 2 } };

/** Draw or redraw one element with class "plot"; `figure` replaces the JSON in the page. */
export async function draw(element, figure) {
  figure ??= JSON.parse(document.getElementById(element.dataset.plot).textContent);
  element.figure = figure;
  try {
    const Plotly = await plotly(element.dataset.plotly);
    element.querySelector(".plot-wait")?.remove();
    await Plotly.react(element, coloured(figure.data), merge(frame(), coloured(figure.layout)), CONFIG);
    element.dataset.drawn = "1";
    offerPicture(element);
    element.sized ??= new ResizeObserver(() => Plotly.Plots.resize(element));
    element.sized.observe(element.parentElement);
  } catch (error) {
    element.textContent = `${error.message} The table shows the same numbers.`;
  }
}

// the button beside a chart; it shows once there is something to save
function offerPicture(element) {
  const button = element.closest(".panel")?.querySelector("[data-png]");
  if (!button?.hidden) return;
  button.hidden = false;
  button.addEventListener("click", () => window.Plotly.downloadImage(element, { format: "png", scale: 2, filename: document.title.replace(/\W+/g, "-") }));
}

const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
}, { rootMargin: "200px" });
const begin = (root) => root.querySelectorAll?.("[data-plot]:not([data-watched])").forEach((element) => { element.dataset.watched = "1"; seen.observe(element); });
begin(document);
document.addEventListener("htmx:afterSettle", (event) => begin(event.detail.elt));
const redraw = () => document.querySelectorAll("[data-drawn]").forEach((element) => draw(element, element.figure));
document.addEventListener("themechange", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
