// @ts-check
/** What stands in each cell of the tables. */

/** @import {Column} from "./table_grid.js" */
/** @import {Bar, LoopRow, TaskRow} from "./table_types.js" */
import { make, setAttribute, setHidden, setText } from "./elements.js";
import { called } from "./names.js";
import { formatCount } from "./numbers.js";
import {
  SLOW,
  SPARK_HEIGHT,
  SPARK_SECONDS,
  ageOf,
  appearanceOf,
  formatAge,
  formatEnded,
  formatLag,
  isOver,
  isUnfinished,
  mixOf,
  noteOf,
  sparkPath,
  waitingOf,
} from "./table_words.js";

/**
 * A cell of plain text. The full text is its tooltip, for it may be cut off.
 * @param {(row: any, now: number) => {text: string, tone?: string}} say
 * @returns {Column["build"]}
 */
function text(say) {
  return (cell) => {
    let shown = "";
    return (row, now) => {
      const { text, tone = "" } = say(row, now);
      if (text !== shown) {
        shown = text;
        setText(cell, text);
        cell.title = text;
      }
      setAttribute(cell, "data-tone", tone);
    };
  };
}

/** @type {Column["build"]} */
function stateMark(cell) {
  const mark = make("i", "bgw-mark", { "aria-hidden": "true" });
  cell.append(mark);
  return (row) => setAttribute(mark, "data-mark", appearanceOf(row).mark);
}

const stateWord = text((row, now) => {
  const { word, tone } = appearanceOf(row, now);
  return { text: word, tone };
});

/** @type {Column["build"]} */
function taskCounts(cell) {
  const parts = new Map(
    ["ok", "warn", "faint", "bad"].map((tone) => [tone, make("i", "", { "data-tone": tone })]),
  );
  const unfinished = make("span", "");
  const ofTotal = make("span", "bgw-soft");
  const bar = make("span", "bgw-mix", { "aria-hidden": "true" }, ...parts.values());
  cell.append(make("span", "bgw-unfinished", {}, bar, unfinished), ofTotal);
  return (/** @type {LoopRow} */ row) => {
    for (const [tone, share] of Object.entries(mixOf(row))) {
      const width = `${share.toFixed(1)}%`;
      const part = parts.get(tone);
      if (part && part.style.width !== width) part.style.width = width;
      if (part) setHidden(part, share === 0);
    }
    const [count, total] = [formatCount(row.unfinished), ` of ${formatCount(row.total)}`];
    setText(unfinished, count);
    setText(ofTotal, total);
    const ended = formatEnded(row.counts);
    setAttribute(cell, "title", `${count}${total}${ended ? `: ${ended}` : ""}`);
  };
}

/** @type {Column["build"]} */
function lagLine(cell) {
  const space = "http://www.w3.org/2000/svg";
  const line = document.createElementNS(space, "svg");
  line.setAttribute("class", "bgw-spark");
  line.setAttribute("viewBox", `0 -1 ${SPARK_SECONDS} ${SPARK_HEIGHT + 2}`);
  line.setAttribute("preserveAspectRatio", "none");
  line.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  line.append(path);
  const figure = make("span", "");
  cell.append(line, figure);
  let drawn = "";
  return (/** @type {LoopRow} */ row) => {
    if (row.spark !== drawn) path.setAttribute("d", sparkPath(row.spark));
    drawn = row.spark;
    const lag = isOver(row.state) ? null : row.lag;
    setText(figure, formatLag(lag));
    setAttribute(cell, "data-tone", (lag ?? 0) >= SLOW ? "warn" : "soft");
  };
}

/** That there is none is not said as if it were one. @param {HTMLElement} element @param {string} name */
function writeName(element, name) {
  const words = called(name);
  setText(element, words);
  element.classList.toggle("bgw-soft", words !== name);
}

/** @type {Column["build"]} */
function loopName(cell) {
  const name = make("span", "");
  const tag = make(
    "span",
    "bgw-main bgw-protected",
    { title: "Commands on it are refused" },
    make("i", "bgw-lock", { "aria-hidden": "true" }),
    make("span", "", {}, " protected"), // the space is for those who hear the cell
  );
  cell.append(name);
  return (/** @type {LoopRow} */ row) => {
    writeName(name, row.name);
    setAttribute(cell, "title", row.name);
    // Where it is too narrow for the bar itself, a line beneath the name stands for it.
    cell.style.setProperty("--bgw-share", row.bar ? `${row.bar.share ?? 0}%` : "");
    setAttribute(cell, "data-bgw-bar", row.bar ? row.bar.end || "open" : null);
    if (!row.protected) tag.remove();
    else if (!tag.isConnected) cell.append(tag);
  };
}

/** @type {Column["build"]} */
function taskName(cell) {
  const name = make("span", "");
  const isMain = make("span", "bgw-main", { title: "The loop's main task" }, "main");
  cell.append(name, isMain);
  return (/** @type {TaskRow} */ row) => {
    writeName(name, row.name);
    setAttribute(cell, "title", row.name);
    // A main task that is named "main" says so already.
    setHidden(isMain, !row.main || row.name === "main");
  };
}

/** @type {Column["build"]} */
function cancelButton(cell) {
  const button = make("button", "bgw-cancel", { type: "button", tabindex: "-1" }, "×");
  cell.append(button);
  return (/** @type {TaskRow} */ row) => {
    setHidden(button, !isUnfinished(row));
    const words = `Cancel task ${called(row.name)}`;
    setAttribute(button, "aria-label", words);
    setAttribute(button, "title", words);
  };
}

/**
 * A progress bar with its words. Returns what shows one; null: none.
 * @param {HTMLElement} cell
 */
function progressBar(cell) {
  const fill = make("i", "");
  const bounds = { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" };
  const track = make("span", "bgw-progress", bounds, fill);
  // They are what the bar tells who hears it.
  const share = make("span", "", { "aria-hidden": "true" });
  const more = make("span", "bgw-bar-more", { "aria-hidden": "true" });
  const element = make("span", "bgw-bar-and-words", {}, track, share, more);
  element.hidden = true;
  cell.append(element);
  return (/** @type {Bar | null | undefined} */ bar, /** @type {string} */ name) => {
    setHidden(element, !bar);
    if (!bar) return;
    paintBar(track, fill, bar);
    setAttribute(track, "aria-label", `Progress of ${called(name)}${bar.label && `: ${bar.label}`}`);
    setText(share, bar.far);
    setText(more, bar.rest);
    setAttribute(element, "title", [bar.label, bar.far + bar.rest].filter(Boolean).join(": "));
  };
}

/** @param {HTMLElement} track @param {HTMLElement} fill @param {Bar} bar */
function paintBar(track, fill, { share, end, far, rest, tone, colour }) {
  const width = `${share ?? 100}%`;
  if (fill.style.width !== width) fill.style.width = width;
  setAttribute(track, "data-end", end || (share === null ? "unknown" : null));
  setAttribute(track, "data-tone", tone ?? null);
  fill.style.setProperty("--bgw-bar", colour ?? "");
  setAttribute(track, "aria-valuenow", share === null ? null : `${share}`);
  setAttribute(track, "aria-valuetext", far + rest);
}

/** @type {Column["build"]} */
function taskProgress(cell) {
  const show = progressBar(cell);
  return (/** @type {TaskRow} */ row) => show(row.bar, row.name);
}

/** The note, after the loop's bar where it has one. @type {Column["build"]} */
function loopNote(cell) {
  const show = progressBar(cell);
  const note = make("span", "");
  cell.append(note);
  return (/** @type {LoopRow} */ row, /** @type {number} */ now) => {
    show(row.bar, row.name);
    const words = noteOf(row, now);
    setText(note, words);
    setAttribute(note, "title", words || null);
    // What a loop that is well has printed is neither good news nor bad.
    const { tone } = appearanceOf(row);
    setAttribute(cell, "data-tone", tone === "ok" ? "soft" : tone);
  };
}

/** @type {Column[]} */
export const LOOP_COLUMNS = [
  { name: "mark", title: "", label: "Mark", build: stateMark },
  { name: "name", title: "Loop", sort: "name", build: loopName },
  {
    name: "host",
    title: "Host",
    sort: "host",
    build: text((row) => ({ text: row.host, tone: "soft" })),
  },
  { name: "state", title: "State", sort: "state", build: stateWord },
  { name: "tasks", title: "Tasks", sort: "tasks", build: taskCounts },
  { name: "lag", title: "Lag", sort: "lag", build: lagLine },
  {
    name: "age",
    title: "Age",
    sort: "age",
    build: text((row, now) => ({ text: formatAge(ageOf(row.started, row.ended, now)) })),
  },
  { name: "note", title: "Last output", sort: "note", build: loopNote },
];

/** @type {Column[]} */
export const TASK_COLUMNS = [
  { name: "mark", title: "", label: "Mark", build: stateMark },
  { name: "name", title: "Task", sort: "name", build: taskName },
  { name: "state", title: "State", sort: "state", build: stateWord },
  {
    name: "coroutine",
    title: "Coroutine",
    sort: "coroutine",
    build: text((row) => ({ text: row.coroutine, tone: "soft" })),
  },
  { name: "waiting", title: "Waiting on", sort: "waiting", build: text(waitingOf) },
  {
    name: "age",
    title: "Age",
    sort: "age",
    build: text((row, now) => ({ text: formatAge(ageOf(row.created, row.ended, now)) })),
  },
  { name: "progress", title: "Progress", build: taskProgress },
  { name: "cancel", title: "", label: "Cancel", build: cancelButton },
];
