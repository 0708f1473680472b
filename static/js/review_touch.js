// Swiping from one item to the next. Everything it does has a button too; the edges of the screen are left to the browser.
import { desk, find } from "./review_core.js";
import { load, next } from "./review_show.js";

const EDGE = 28, FAR = 70;
let from = null;

function wide(element) {
  for (let one = element; one && one !== desk.bench; one = one.parentElement) if (one.scrollWidth > one.clientWidth + 4 && /auto|scroll/.test(getComputedStyle(one).overflowX)) return true;
  return false;
}

export function watchTouch() {
  document.addEventListener("touchstart", (event) => {
    const touch = event.touches[0], talk = find(".talk", desk.bench);
    const ours = event.touches.length === 1 && talk?.contains(event.target) && touch.clientX > EDGE && touch.clientX < innerWidth - EDGE && getSelection().isCollapsed;
    from = ours && !event.target.closest("textarea, input") && !wide(event.target) ? { x: touch.clientX, y: touch.clientY, at: event.timeStamp } : null;
  }, { passive: true });
  document.addEventListener("touchend", (event) => {
    const start = from, touch = event.changedTouches[0];
    from = null;
    if (!start || !desk.bench.dataset.end || !desk.ready || event.timeStamp - start.at > 600) return;
    const x = touch.clientX - start.x, y = touch.clientY - start.y;
    if (Math.abs(x) < FAR || Math.abs(x) < 2 * Math.abs(y)) return;
    if (x < 0) next(); else if (desk.bench.dataset.before) load(desk.bench.dataset.before);
  }, { passive: true });
}
