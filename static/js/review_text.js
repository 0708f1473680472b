// Ranges of a step's text: from a selection to character places and back. Places count the characters that a block shows
// besides its head and its buttons; the words themselves are kept too, and found again where places have moved.

const APART = "header, button, summary, form, .answer-foot, .view-note, kbd";

function texts(block) {
  const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT, (node) => (node.parentElement.closest(APART) && block.contains(node.parentElement.closest(APART)) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT));
  const out = [];
  let at = 0;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) { out.push({ node, at }); at += node.length; }
  return out;
}

const apart = (node, block) => { const one = (node.nodeType === 1 ? node : node.parentElement)?.closest(APART); return Boolean(one && block.contains(one)); };

/** What is selected, where that lies within one block: {step, range, start, end, quote}; null else. */
export function rangeOf(selection) {
  if (!selection?.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0), home = (node) => (node.nodeType === 1 ? node : node.parentElement)?.closest(".talk [data-anchor], .talk [data-step-key]");
  const step = home(range.startContainer);
  if (!step || step !== home(range.endContainer) || apart(range.startContainer, step)) return null;
  const quote = range.toString().replace(/\s+/g, " ").trim();
  if (!quote) return null;
  const list = texts(step);
  const place = (node, offset) => {
    const hit = list.find((one) => one.node === node);
    if (hit) return hit.at + offset;
    const next = list.find((one) => { const point = document.createRange(); point.setStart(node, offset); return point.comparePoint(one.node, 0) >= 0; });
    const last = list.at(-1);
    return next ? next.at : last ? last.at + last.node.length : 0;
  };
  const start = place(range.startContainer, range.startOffset), end = place(range.endContainer, range.endOffset);
  return end > start ? { step, range: range.cloneRange(), start, end, quote: quote.slice(0, 500) } : null;
}

/** The range of a block's text from `start` to `end`; where other words stand there, the first place that reads `quote`. */
export function placed(block, start, end, quote) {
  const list = texts(block), all = list.map((one) => one.node.data).join(""), flat = (text) => text.replace(/\s+/g, " ").trim();
  if (quote && flat(all.slice(start, end)).slice(0, 500) !== quote) {
    const at = all.indexOf(quote);
    if (at < 0) return null;
    [start, end] = [at, at + quote.length];
  }
  const point = (place, atEnd) => list.find((one) => (atEnd ? place <= one.at + one.node.length : place < one.at + one.node.length));
  const from = point(start, false), to = point(end, true);
  if (!from || !to) return null;
  const range = new Range();
  range.setStart(from.node, start - from.at);
  range.setEnd(to.node, end - to.at);
  return range;
}

/** Underline what comments are about. */
export function paintQuotes(list) {
  if (!window.CSS?.highlights) return;
  const ranges = list.filter((one) => one.block && one.end && !one.resolved).map((one) => placed(one.block, one.start, one.end, one.quote)).filter(Boolean);
  if (ranges.length) CSS.highlights.set("commented", new Highlight(...ranges)); else CSS.highlights.delete("commented");
}
