// @ts-check
/** What the panes of the detail tabs are made of. */

/** @import {About, Bar, Cancellation, ChainFrame, Failure, Link, More, SlowStep, Warning} from "./detail_types.js" */
import { andMore, formatDuration } from "./detail_words.js";
import { make } from "./elements.js";
import { called } from "./names.js";
import { formatCount } from "./numbers.js";

const OVER = new Set(["finished", "failed", "cancelled", "lost"]);
/** As the kernel says of what waits for nothing any more. */
const LOOP_HAS_ENDED = "its loop has ended";

/** A cell whose full text is its tooltip, for it may be cut off.
 * @param {string} className @param {string | null} text @param {string | null} [title] */
export function cell(className, text, title = text) {
  const element = make("span", className, {}, text ?? "");
  if (title) element.title = title;
  return element;
}

/** @param {string} text */
export function emptyLine(text) {
  return make("p", "bgw-nothing", {}, text);
}

/** The row's key among the elements of a list. @type {WeakMap<Element, string>} */
const keys = new WeakMap();

/**
 * Show these rows; one that is shown already keeps its element, and so its focus, its selected text
 * and whether it is unfolded.
 * @template Row
 * @param {HTMLElement} list
 * @param {Row[]} rows
 * @param {(row: Row) => HTMLElement} build
 * @param {(row: Row) => unknown} [identity]
 */
export function fill(list, rows, build, identity = (row) => row) {
  /** @type {Map<string, Element[]>} */
  const known = new Map();
  for (const element of list.children) {
    const key = keys.get(element) ?? "";
    known.set(key, [...(known.get(key) ?? []), element]);
  }
  rows.forEach((row, at) => {
    const key = JSON.stringify(identity(row));
    const element = known.get(key)?.shift() ?? build(row);
    keys.set(element, key);
    // What is in its place already is not moved: that would take its focus away.
    if (list.children[at] !== element) list.insertBefore(element, list.children[at] ?? null);
  });
  for (const element of [...list.children].slice(rows.length)) element.remove();
}

/** @param {string} title @param {string} kind */
export function section(title, kind) {
  const list = make("div", `bgw-list bgw-list-${kind}`, { role: "list", "aria-label": title });
  const element = make("section", "bgw-section", {}, make("h4", "", {}, title), list);
  element.hidden = true;
  return { element, list };
}

/** @param {Bar | More} bar */
export function barLine(bar) {
  if ("more" in bar) return moreLine(bar, "");
  const { depth, label, share, end, count, pace, postfix, tone, colour } = bar;
  const fill = make("i", "");
  fill.style.width = `${share ?? 100}%`;
  if (colour) fill.style.setProperty("--bgw-bar", colour);
  const track = make(
    "span",
    "bgw-progress",
    {
      role: "progressbar",
      "aria-label": label || "Progress",
      "aria-valuemin": "0",
      "aria-valuemax": "100",
      ...(share !== null && { "aria-valuenow": `${share}` }),
      "data-end": end || (share === null ? "unknown" : ""),
      "data-tone": tone ?? "",
    },
    fill,
  );
  const cells = [
    cell("", label),
    track,
    cell("bgw-number", share === null ? "" : `${share} %`),
    make(
      "span",
      "bgw-bar-words",
      {},
      cell("bgw-tabular", count),
      cell("bgw-tabular bgw-soft", pace),
      cell("bgw-mono bgw-soft", postfix),
    ),
  ];
  return indented(make("div", "bgw-item", { role: "listitem" }, ...cells), depth);
}

/** @param {ChainFrame | More} frame */
export function chainFrame(frame) {
  if ("more" in frame) return moreLine(frame, "frames");
  const { function: name, file, path, line, text, mark } = frame;
  const element = make(
    "div",
    "bgw-item",
    { role: "listitem" },
    cell("bgw-mono", name),
    cell("bgw-soft", `${file}:${line}`, `${path}:${line}`),
    cell("bgw-mono bgw-source", text),
  );
  if (mark) {
    element.dataset.bgwMark = "";
    element.prepend(make("i", "bgw-here", { title: "The innermost line of your code" }));
    element.append(make("span", "bgw-heard", {}, " the innermost line of your code"));
  }
  return element;
}

/**
 * @param {string | null} words
 * @param {{seconds: number, function: string} | null} timeout
 * @param {About} task
 */
export function waitingLine(words, timeout, task) {
  if (task.state !== null && OVER.has(task.state)) return [emptyLine("It has ended, and waits for nothing")];
  const line = [];
  if (words === LOOP_HAS_ENDED) line.push(cell("bgw-soft", words));
  else if (words) line.push(make("i", "bgw-ring"), cell("", `waits on ${words}`));
  else if (task.state === "running") line.push(cell("bgw-ok", "running"));
  if (timeout)
    line.push(
      cell("bgw-soft", `timeout of ${timeout.function} in ${formatDuration(timeout.seconds)}`),
    );
  return line;
}

/** @param {Link | (More & {depth: number})} link */
export function link(link) {
  if ("more" in link) return indented(moreLine(link, ""), link.depth);
  const { name, coroutine, waiting, where, repeated, depth } = link;
  const words = repeated ? "as above" : [waiting, where].filter(Boolean).join(" · ");
  return indented(
    make(
      "div",
      "bgw-item",
      { role: "listitem" },
      cell("bgw-link-name", called(name)),
      cell("bgw-mono bgw-soft", coroutine === name ? "" : coroutine),
      cell("bgw-soft", words),
    ),
    depth,
  );
}

/** @param {HTMLElement} line @param {number} depth */
function indented(line, depth) {
  line.style.setProperty("--bgw-depth", `${depth}`);
  line.setAttribute("aria-level", `${depth + 1}`);
  return line;
}

/** @param {More} row @param {string} what */
export function moreLine({ more }, what) {
  return make("div", "bgw-item bgw-more", { role: "listitem" }, andMore(more, what));
}

/** What a history is made of, in the order in which it matters. */
export const EVENTS = [
  { part: "warnings", title: "Warnings", line: warning },
  {
    part: "failures",
    title: "Failures",
    line: failure,
    // The older of two keeps the traceback that it came with, also when there is no room any more.
    identity: (/** @type {any} */ row) => ("more" in row ? row : [row.at, row.name, row.error]),
  },
  {
    part: "slow_steps",
    title: "Slow steps",
    line: (/** @type {SlowStep} */ { at, seconds, task, where }) =>
      eventLine(at, task ?? "callback", formatDuration(seconds), where),
  },
  {
    part: "cancellations",
    title: "Cancellations",
    line: (/** @type {Cancellation} */ { at, name, asked_by, where }) =>
      eventLine(at, name, `by ${asked_by}`, where),
  },
  {
    part: "notes",
    title: "Notes",
    line: (/** @type {{text: string}} */ { text }) =>
      make("div", "bgw-item bgw-note", { role: "listitem" }, text),
  },
];

/**
 * @param {string} at @param {string} name @param {string} words @param {string | null} where
 */
function eventLine(at, name, words, where) {
  return make(
    "div",
    "bgw-item",
    { role: "listitem" },
    cell("bgw-at", at),
    cell("bgw-link-name", called(name)),
    cell("", words),
    cell("bgw-mono bgw-soft", where),
  );
}

/** @param {Warning} warning */
function warning({ at, text, advice, where, count }) {
  const often = count > 1 ? ` (${formatCount(count)} times)` : "";
  return make(
    "div",
    "bgw-item bgw-warning",
    { role: "listitem" },
    cell("bgw-at", at),
    make("span", "", { title: where ?? "" }, make("b", "", {}, `${text}${often}`), " ", advice),
  );
}

/** @param {Failure} failure */
function failure({ at, name, coroutine, error, traceback }) {
  const cells = [
    cell("bgw-at", at),
    cell("bgw-link-name", called(name), coroutine),
    cell("bgw-bad", error),
  ];
  if (traceback === null) return make("div", "bgw-item", { role: "listitem" }, ...cells);
  return make(
    "div",
    "",
    { role: "listitem" },
    make(
      "details",
      "",
      {},
      make("summary", "bgw-item", {}, ...cells),
      make("pre", "bgw-trace", {}, traceback),
    ),
  );
}

/** @param {string} name @param {string} value @param {string} words @param {string} [kind] */
export function figure(name, value, words, kind = "") {
  return make(
    "div",
    "bgw-figure",
    { role: "listitem" },
    make("span", "", {}, make("i", "bgw-key", { "data-kind": kind }), name),
    make("span", "bgw-number", {}, value),
    cell("bgw-soft", words),
  );
}

/** @param {{label: string, count: number, share: number}} bucket */
export function bucket({ label, count, share }) {
  const fill = make("i", "");
  fill.style.width = `${(100 * share).toFixed(1)}%`;
  fill.hidden = count === 0; // what is thin is drawn thicker, to be seen
  return make(
    "div",
    "bgw-item",
    { role: "listitem" },
    make("span", "bgw-bound", {}, label),
    make("span", "bgw-number", {}, formatCount(count)),
    make("span", "bgw-bucket", { "aria-hidden": "true" }, fill),
  );
}
