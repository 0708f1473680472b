// What the parts of the review page share: the item that is shown, small tools, and what was left behind.

export const find = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];
export const later = (run) => requestAnimationFrame(() => { const line = new MessageChannel(); line.port1.onmessage = run; line.port2.postMessage(0); });
export const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
export const store = { get: (name) => { try { return localStorage.getItem(name); } catch { return null; } }, set: (name, value) => { try { if (value) localStorage.setItem(name, value); else localStorage.removeItem(name); } catch { /* private mode */ } } };

export const desk = {
  bench: find("#bench"),
  ready: false, // no judging of what is not painted yet
  keyAt: 0,
  queued: null, // an undo that came before the paint
  shownAt: performance.now(),
  ahead: null, // {after: address of the item before it, node: promise of a bench or null}
  further: null, // the one behind it
  held: "", // the verdict that was just given
  kept: null, // in a long run: { target, top } of what one went to, while nobody scrolled
  active: false, // whether somebody did something since the lease was renewed
};
/** Parts of the script that are fetched when they are first needed, or when the page has been quiet for a while, so that they
 * are there without a network too. `got` holds those that came. */
export const got = {};
const keep = (name, loading) => loading.then((module) => { got[name] = module; return module; });
export const lazy = {
  talk: () => keep("talk", import("./review_talk.js")),
  edit: () => keep("edit", import("./review_edit.js")),
  find: () => keep("find", import("./review_find.js")),
  plain: () => keep("plain", import("./review_plain.js")),
  outline: () => keep("outline", import("./review_outline.js")),
  beside: () => keep("beside", import("./review_beside.js")),
};

/** Do something with a part where one goes on typing at once: until it is here no key may judge anything. */
export function use(name, run) {
  if (got[name]) return run(got[name]);
  desk.ready = false;
  const ready = () => { desk.ready = true; };
  return lazy[name]().then((one) => { ready(); run(one); }, ready);
}

export const past = []; // what was left behind, newest last: {node, url, key, kind}
export const done = new Set(); // addresses of items judged, skipped or flagged here

export const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? find("[name=csrfmiddlewaretoken]")?.value ?? "";
export const body = (fields) => new URLSearchParams(fields).toString();
export const revision = () => find("#judge-form [name=revision]", desk.bench)?.value ?? "";
export const post = (url, fields) => fetch(url, { method: "POST", credentials: "same-origin", headers: { "Accept": "application/json", "X-CSRFToken": token(), "Content-Type": "application/x-www-form-urlencoded" }, body: body(fields) });
