// The outbox: in order, one at a time, kept in this browser until the server has said yes.
import { desk, done, find, lazy, newKey, past, store, token } from "./review_core.js";
import { forget } from "./review_say.js";
import { refresh, show } from "./review_show.js";
import { toast } from "./whetstone.js";

export const BOX = `whetstone.outbox.${desk.bench?.dataset.person ?? ""}`;
let memory = [];
let flushing = null, offline = "", savedAt = 0, retry = 0, wait = 1500, busy = false;
export function box() { const text = store.get(BOX); return text ? JSON.parse(text) : memory; }
export const offlineNow = () => Boolean(offline);
export function setBox(ops) { memory = ops; store.set(BOX, ops.length ? JSON.stringify(ops) : ""); paintSaved(); }

export function send(op) {
  setBox([...box(), { id: newKey(), at: Date.now(), ...op }]);
  return flush();
}

export function flush() {
  if (flushing) return flushing;
  clearTimeout(retry);
  const work = () => drain().finally(() => { flushing = null; busy = false; paintSaved(); });
  // one tab sends at a time; others find the box empty
  flushing = navigator.locks ? navigator.locks.request(BOX, work) : work();
  return flushing;
}

async function drain() {
  for (let op = box()[0]; op; op = box()[0]) {
    const slow = setTimeout(() => { busy = true; paintSaved(); }, 300);
    let answer = null;
    try {
      answer = await fetch(op.url, {
        method: "POST", keepalive: op.body.length < 50_000, credentials: "same-origin", signal: AbortSignal.timeout(20_000),
        headers: { "Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": token() }, body: op.body,
      });
    } catch { answer = null; }
    clearTimeout(slow);
    const json = answer?.headers.get("Content-Type")?.includes("json") ? await answer.json().catch(() => null) : null;
    if (!answer || [429, 502, 503, 504].includes(answer.status)) return hold("offline");
    if (answer.redirected || (answer.ok && !json)) return hold("signed out");
    setBox(box().filter((one) => one.id !== op.id));
    offline = "";
    wait = 1500;
    if (answer.ok) { savedAt = Date.now(); after(op, json); } else refused(op, json?.error?.message ?? `The server answered ${answer.status}.`);
  }
}

function hold(why) {
  if (why === "signed out" && offline !== why) toast("You are signed out. What you said is kept here.", { ms: 0, action: { label: "Sign in", run: () => location.reload() } });
  offline = why;
  wait = Math.min(wait * 1.6, 30_000);
  retry = setTimeout(flush, wait);
}

function refused(op, why) {
  if (op.act === "comment") { toast(`Your comment was not saved: ${why}`, { ms: 0 }); return; }
  done.delete(op.home);
  const at = past.findLastIndex((one) => one.url === op.home && one.key === (op.key ?? ""));
  toast(`Not saved: ${why}`, { ms: 0 });
  const [left] = at >= 0 ? past.splice(at, 1) : [];
  if (left && op.home !== desk.bench.dataset.here) { desk.ahead = null; show(left.node); } else if (op.home === desk.bench.dataset.here) refresh(".judge", "aside.form");
}

function after(op, json) {
  if (op.act === "correct" && !json.edited) forget(op.home, op.key);
  if (op.home !== desk.bench.dataset.here) return;
  if (op.act === "comment") lazy.talk().then((one) => one.refreshTalk());
  if (op.act === "correct" || op.act === "reset") refresh("#answer");
  if (op.act === "judge" && !desk.bench.dataset.end) refresh(".goal", "aside.form", ".judge");
  if (op.act === "undo") { if (!json.undone) toast(json.message); if (!desk.bench.dataset.end) refresh(".goal", "aside.form", ".judge"); }
}

export function paintSaved() {
  const state = find("#saved"), word = find("[data-saved]");
  if (!state || !word) return;
  const waiting = box().length;
  state.classList.toggle("offline", Boolean(offline && waiting));
  let text = "Saved";
  if (offline && waiting) text = `${offline} – ${waiting} waiting`;
  else if (waiting && busy) text = "Saving…";
  else if (savedAt && Date.now() - savedAt > 4000) text = `Saved ${age((Date.now() - savedAt) / 1000)} ago`;
  if (word.textContent !== text) word.textContent = text;
}
const age = (seconds) => (seconds < 60 ? `${Math.round(seconds / 5) * 5} s` : seconds < 3600 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`);
