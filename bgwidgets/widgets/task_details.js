// @ts-check
/**
 * What stands in the place of the table of tasks while a detail tab is open: the await chain, the
 * error and the timings of the current task, the history of its loop.
 *
 * The tabs are the table's (task_table.js). It says which one is open by the event "bgw-tab" on this
 * widget's element; "bgw-back" on the table's element says that the user wants the tasks again.
 * Only while a tab is open something is asked of the kernel, which then tells the parts that changed.
 *
 * The sections, from the bottom up:
 *   words      what a value looks like (pure functions)
 *   elements   making them, and keeping those whose row stays as it is
 *   panes      one for each tab: a painter for each part of its contents
 *   Wire       the messages to and from the kernel
 *   render     puts them together
 */

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {"chain" | "error" | "history" | "timings"} DetailTab
 * @typedef {{tab: DetailTab | "tasks", loop: number | null, task: number | null}} Subject
 * @typedef {Omit<Subject, "tab"> & {tab: string, focus?: boolean, trouble?: string | null}} TabOpened
 *   `trouble`: why there is no contact with the kernel
 * @typedef {{
 *   type: "detail", view: string, seq: number, full: boolean, tab: DetailTab,
 *   loop: number, task: number | null, parts: Record<string, any>,
 * }} Detail
 *
 * @typedef {{more: number}} More how many rows did not fit
 * @typedef {{
 *   name: string, coroutine: string, state: string | null, born: string | null,
 *   ended: string | null,
 * }} About
 * @typedef {{
 *   depth: number, label: string, share: number | null, end: "" | "closed" | "left open",
 *   count: string, pace: string, postfix: string, tone?: string, colour?: string,
 * }} Bar
 * @typedef {{
 *   function: string, file: string, path: string, line: number, text: string, mark?: true,
 * }} ChainFrame
 * @typedef {{
 *   depth: number, name: string, coroutine: string, waiting: string | null,
 *   where: string | null, repeated: boolean,
 * }} Link
 * @typedef {{
 *   at: string, name: string, coroutine: string, error: string, traceback: string | null,
 * }} Failure
 * @typedef {{
 *   at: string, text: string, advice: string, where: string | null, count: number,
 * }} Warning
 * @typedef {{at: string, name: string, asked_by: string, where: string | null}} Cancellation
 * @typedef {{at: string, seconds: number, task: string | null, where: string | null}} SlowStep
 * @typedef {{
 *   polls: number, busy: number, scheduled: number, idle: number, slowest: number,
 *   slowest_at: string | null, slowest_where: string | null,
 *   histogram: [number | null, number][],
 * }} Timings
 */

const SECOND = 1000;
const SAID_AGAIN_EVERY = 4 * SECOND;
const ANSWER_WITHIN = 0.5 * SECOND;

/** @type {Record<DetailTab, string>} */
const TITLES = { chain: "Await chain", error: "Error", history: "History", timings: "Timings" };

// ---------------------------------------------------------------------------- words

/** 1207 -> "1,207". @param {number} count */
export function formatCount(count) {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "12 µs", "4.1 ms", "0.35 s", "12 s", "1:05", "1:02:05". @param {number} seconds */
export function formatDuration(seconds) {
  const short = (/** @type {number} */ value) =>
    value < 9.95 ? String(Number(value.toPrecision(2))) : String(Math.round(value));
  if (seconds <= 0) return "0 s";
  if (seconds < 0.000_999_5) return `${short(seconds * 1e6)} µs`;
  if (seconds < 0.099_95) return `${short(seconds * 1e3)} ms`;
  if (seconds < 59.5) return `${short(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** "1,207 tasks, 776 finished, 2 failed"; nothing is said of what did not happen.
 * @param {number} births @param {Record<string, number>} ends */
export function formatEnds(births, ends) {
  const parts = ["finished", "failed", "cancelled", "lost"]
    .filter((state) => ends[state])
    .map((state) => `${formatCount(ends[state])} ${state}`);
  return [`${formatCount(births)} ${births === 1 ? "task" : "tasks"}`, ...parts].join(", ");
}

/** How a task is doing and since when, in words. @param {About} about */
export function formatLife({ state, born, ended }) {
  const made = born && `made ${born}`;
  return [state, ended ? `ended ${ended}` : made].filter(Boolean).join(" · ");
}

/** "and 3 more". @param {number} count @param {string} what */
function andMore(count, what) {
  return `and ${formatCount(count)} more${what && ` ${what}`}`;
}

/**
 * The buckets from the first to the last that hold anything, each with its share of the fullest.
 * @param {[number | null, number][]} histogram
 */
export function bucketsOf(histogram) {
  const counts = histogram.map(([, count]) => count);
  const first = counts.findIndex(Boolean);
  const last = counts.findLastIndex(Boolean);
  const most = Math.max(1, ...counts);
  return histogram.slice(Math.max(0, first), last + 1).map(([bound, count], at) => ({
    label:
      bound === null
        ? `over ${formatDuration(histogram[first + at - 1]?.[0] ?? 0)}`
        : `under ${formatDuration(bound)}`,
    count,
    share: count / most,
  }));
}

/** Their shares of a task's life, in per cent. @param {Timings} timings */
export function sharesOf({ busy, scheduled, idle }) {
  const whole = busy + scheduled + idle;
  const share = (/** @type {number} */ part) => (whole > 0 ? (100 * part) / whole : 0);
  return { busy: share(busy), scheduled: share(scheduled), idle: share(idle) };
}

// ---------------------------------------------------------------------------- elements

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children text is never read as HTML
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, className, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A cell whose full text is its tooltip, for it may be cut off.
 * @param {string} className @param {string | null} text @param {string | null} [title] */
function cell(className, text, title = text) {
  const element = make("span", className, {}, text ?? "");
  if (title) element.title = title;
  return element;
}

/** @param {string} text */
function emptyLine(text) {
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
function fill(list, rows, build, identity = (row) => row) {
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
function section(title, kind) {
  const list = make("div", `bgw-list bgw-list-${kind}`, { role: "list", "aria-label": title });
  const element = make("section", "bgw-section", {}, make("h4", "", {}, title), list);
  element.hidden = true;
  return { element, list };
}

// ---------------------------------------------------------------------------- panes

/**
 * A pane is made when its tab is opened. `paint` is given all parts, and which of them changed.
 * @typedef {{
 *   head: HTMLElement, content: HTMLElement[],
 *   paint: (parts: Record<string, any>, changed: (part: string) => boolean) => void,
 * }} Pane
 */

/** The line above a pane that says of what it is. */
function headline() {
  const head = make("div", "bgw-detail-head");
  return {
    head,
    /** @param {string} name @param {string} mono @param {string} words */
    say(name, mono, words) {
      head.replaceChildren(
        cell("bgw-detail-name", name),
        cell("bgw-mono", mono === name ? "" : mono),
        cell("bgw-words", words),
      );
    },
  };
}

/** @returns {Pane} */
function chainPane() {
  const { head, say } = headline();
  const bars = section("Progress", "bars");
  const frames = make("div", "bgw-list bgw-list-frames", { role: "list", "aria-label": "Frames" });
  const waiting = make("div", "bgw-waiting");
  const waitsFor = section("Waits for", "links");
  const waitedBy = section("Waited for by", "links");
  return {
    head,
    content: [bars.element, frames, waiting, waitsFor.element, waitedBy.element],
    paint(parts, changed) {
      const { task, waiting: words, timeout } = parts;
      if (changed("task")) say(task.name, task.coroutine, formatLife(task));
      if (changed("bars")) {
        bars.list.replaceChildren(...parts.bars.map(barLine));
        bars.element.hidden = parts.bars.length === 0;
      }
      if (changed("frames")) fill(frames, parts.frames, chainFrame);
      if (changed("waiting") || changed("timeout") || changed("task"))
        waiting.replaceChildren(...waitingLine(words, timeout, task));
      for (const [name, { element, list }] of Object.entries({
        waits_for: waitsFor,
        waited_by: waitedBy,
      }))
        if (changed(name)) {
          fill(list, parts[name], link);
          element.hidden = parts[name].length === 0;
        }
    },
  };
}

/** @param {Bar | More} bar */
function barLine(bar) {
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
function chainFrame(frame) {
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
function waitingLine(words, timeout, task) {
  if (task.ended) return [emptyLine("It has ended, and waits for nothing")];
  const line = [];
  if (words) line.push(make("i", "bgw-ring"), cell("", `waits on ${words}`));
  else if (task.state === "running") line.push(cell("bgw-ok", "running"));
  if (timeout)
    line.push(
      cell("bgw-soft", `timeout of ${timeout.function} in ${formatDuration(timeout.seconds)}`),
    );
  return line;
}

/** @param {Link | (More & {depth: number})} link */
function link(link) {
  if ("more" in link) return indented(moreLine(link, ""), link.depth);
  const { name, coroutine, waiting, where, repeated, depth } = link;
  const words = repeated ? "as above" : [waiting, where].filter(Boolean).join(" · ");
  return indented(
    make(
      "div",
      "bgw-item",
      { role: "listitem" },
      cell("bgw-link-name", name),
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
function moreLine({ more }, what) {
  return make("div", "bgw-item bgw-more", { role: "listitem" }, andMore(more, what));
}

/** @returns {Pane} */
function errorPane() {
  const { head, say } = headline();
  const error = make("p", "bgw-error-line");
  const trace = make("pre", "bgw-trace");
  const none = emptyLine("Its traceback was not kept: too many failed at the same time");
  return {
    head,
    content: [error, trace, none],
    paint(parts, changed) {
      const { kind, name, at } = parts.of;
      if (changed("of")) say(name, "", `${kind} failed${at ? ` ${at}` : ""}`);
      // As Python prints it, the traceback ends with the same words.
      error.textContent = parts.error;
      error.hidden = parts.traceback !== null;
      if (changed("traceback")) trace.textContent = parts.traceback ?? "";
      trace.hidden = parts.traceback === null;
      none.hidden = parts.traceback !== null;
    },
  };
}

/** What a history is made of, in the order in which it matters. */
const EVENTS = [
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

/** @returns {Pane} */
function historyPane() {
  const { head, say } = headline();
  const sections = EVENTS.map((event) => ({ ...event, ...section(event.title, "events") }));
  const nothing = emptyLine("Nothing has failed, was cancelled, held the loop up or is to be warned of");
  return {
    head,
    content: [...sections.map(({ element }) => element), nothing],
    paint(parts, changed) {
      if (changed("births") || changed("ends") || changed("loop"))
        say(parts.loop, "", formatEnds(parts.births, parts.ends));
      for (const { part, element, list, line, identity } of sections) {
        if (!changed(part)) continue;
        const build = (/** @type {any} */ row) => ("more" in row ? moreLine(row, "") : line(row));
        fill(list, parts[part], build, identity);
        element.hidden = parts[part].length === 0;
      }
      nothing.hidden = EVENTS.some(({ part }) => parts[part].length > 0);
    },
  };
}

/**
 * @param {string} at @param {string} name @param {string} words @param {string | null} where
 */
function eventLine(at, name, words, where) {
  return make(
    "div",
    "bgw-item",
    { role: "listitem" },
    cell("bgw-at", at),
    cell("bgw-link-name", name),
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
    cell("bgw-link-name", name, coroutine),
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

/** @returns {Pane} */
function timingsPane() {
  const { head, say } = headline();
  const bar = make("div", "bgw-shares", { "aria-hidden": "true" });
  const figures = make("div", "bgw-figures", { role: "list", "aria-label": "Timings" });
  const steps = section("How long its steps took", "steps");
  return {
    head,
    content: [bar, figures, steps.element],
    paint(parts, changed) {
      if (changed("task")) say(parts.task.name, parts.task.coroutine, formatLife(parts.task));
      if (!changed("timings")) return;
      /** @type {Timings} */
      const timings = parts.timings;
      const shares = sharesOf(timings);
      bar.replaceChildren(
        ...Object.entries(shares).map(([kind, share]) => {
          const part = make("i", "", { "data-kind": kind });
          part.style.width = `${share.toFixed(2)}%`;
          return part;
        }),
      );
      figures.replaceChildren(
        figure("busy", formatDuration(timings.busy), "In its steps", "busy"),
        figure(
          "scheduled",
          formatDuration(timings.scheduled),
          "Ready, while the loop did something else",
          "scheduled",
        ),
        figure("idle", formatDuration(timings.idle), "Waiting for something", "idle"),
        figure("steps", formatCount(timings.polls), "How often it ran, from one wait to the next"),
        figure(
          "slowest step",
          formatDuration(timings.slowest),
          [timings.slowest_at, timings.slowest_where].filter(Boolean).join(" · "),
        ),
      );
      fill(steps.list, bucketsOf(timings.histogram), bucket);
      steps.element.hidden = timings.polls === 0;
    },
  };
}

/** @param {string} name @param {string} value @param {string} words @param {string} [kind] */
function figure(name, value, words, kind = "") {
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
function bucket({ label, count, share }) {
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

/** @type {Record<DetailTab, () => Pane>} */
const PANES = {
  chain: chainPane,
  error: errorPane,
  history: historyPane,
  timings: timingsPane,
};

// ---------------------------------------------------------------------------- Wire

/** Asks for the details of one subject at a time, and keeps what the kernel told of them. */
class Wire {
  /** @type {Record<string, any>} */
  parts = {};
  /** @type {(changed: Record<string, any>) => void} called when something was told */
  onTold = () => {};

  #model;
  #view = Math.random().toString(36).slice(2) || "0";
  /** @type {Subject | null} */
  #subject = null;
  #seq = 0;

  #el;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.#model = model;
    this.#el = el;
    const timer = window.setInterval(() => this.sayAgain(), SAID_AGAIN_EVERY);
    model.on("msg:custom", this.#hear);
    document.addEventListener("visibilitychange", () => this.sayAgain(), { signal });
    el.addEventListener("bgw-seen", () => this.sayAgain(), { signal });
    signal.addEventListener("abort", () => {
      window.clearInterval(timer);
      model.off("msg:custom", this.#hear);
      this.ask(null);
    });
  }

  /** @param {Subject | null} subject null: nothing any more */
  ask(subject) {
    const wasOpen = this.#subject !== null;
    this.#subject = subject;
    this.#seq = 0;
    this.parts = {};
    if (subject) this.sayAgain();
    else if (wasOpen) this.#send({ type: "bye", view: this.#view });
  }

  /**
   * A hidden page says nothing, is forgotten after a while, and told all when it comes back; so is
   * the cell's panel while there is a window of its own (pop_out.js).
   */
  sayAgain() {
    if (document.hidden || this.#el.closest(".bgw-away") || !this.#subject) return;
    const { tab, loop, task } = this.#subject;
    const subject = { tab, loop, ...(task !== null && { task }) };
    this.#send({ type: "show", view: this.#view, ...subject, known: this.#seq });
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the tables say so.
    }
  }

  #hear = (/** @type {Detail} */ message) => {
    if (message.type !== "detail" || message.view !== this.#view) return;
    const { tab, loop, task, seq, full, parts } = message;
    const isOld =
      tab !== this.#subject?.tab || loop !== this.#subject.loop || task !== this.#subject.task;
    if (isOld) return;
    if (full) this.parts = {};
    else if (seq !== this.#seq + 1) {
      this.#seq = 0;
      this.sayAgain();
      return;
    }
    this.#seq = seq;
    Object.assign(this.parts, parts);
    this.onTold(full ? this.parts : parts);
  };
}

// ---------------------------------------------------------------------------- render

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const wire = new Wire(model, el, signal);
  const body = make("div", "bgw-detail-body", { role: "tabpanel", tabindex: "0" });
  const root = make(
    "div",
    "bgw-details",
    { "data-lm-suppress-shortcuts": "true" },
    body,
    make("div", "bgw-detail-foot", {}, make("span", "", {}, "Esc tasks")),
  );
  root.hidden = true;
  /** @type {Subject} */
  let shown = { tab: "tasks", loop: null, task: null };
  /** @type {Pane | null} */
  let pane = null;
  let patience = 0;
  /** Why nobody can be asked, in the table's words. @type {string | null} */
  let trouble = null;
  let wantedTop = 0;

  /** @param {string} words */
  function sayInstead(words) {
    pane = null;
    body.replaceChildren(emptyLine(words));
  }

  wire.onTold = (changed) => {
    window.clearTimeout(patience);
    if (shown.tab === "tasks") return;
    const { nothing } = wire.parts;
    if (nothing) {
      sayInstead(nothing);
      return;
    }
    const isNew = pane === null;
    pane ??= PANES[shown.tab]();
    pane.paint(wire.parts, (part) => isNew || part in changed);
    if (!isNew) return;
    body.replaceChildren(pane.head, ...pane.content);
    body.scrollTop = wantedTop;
    wantedTop = 0;
  };

  /** What there is to say where nothing is shown yet. */
  function sayWhatIsMissing() {
    if (pane !== null || shown.tab === "tasks" || shown.loop === null) return;
    window.clearTimeout(patience);
    if (trouble !== null) sayInstead(trouble);
    else patience = window.setTimeout(() => sayInstead("Asking the kernel…"), ANSWER_WITHIN);
  }

  /** @param {TabOpened} opened */
  function open({ tab: opened, loop, task, focus, trouble: why = null }) {
    const isOther = why !== trouble;
    trouble = why;
    // Other tabs are another widget's; a loop's history is the same whichever task is current.
    const tab = /** @type {DetailTab | "tasks"} */ (opened in PANES ? opened : "tasks");
    const subject = { tab, loop, task: tab === "history" ? null : task };
    if (subject.tab !== shown.tab || subject.loop !== shown.loop || subject.task !== shown.task) {
      shown = subject;
      window.clearTimeout(patience);
      pane = null;
      body.replaceChildren();
      body.scrollTo(0, 0);
      root.hidden = subject.tab === "tasks";
      const hasSubject = subject.tab !== "tasks" && subject.loop !== null;
      wire.ask(hasSubject ? subject : null);
      if (subject.tab !== "tasks") {
        body.setAttribute("aria-label", TITLES[subject.tab]);
        if (!hasSubject) sayInstead("No loop selected");
        else sayWhatIsMissing();
      }
    } else if (isOther) {
      sayWhatIsMissing();
      if (trouble === null) wire.sayAgain();
    }
    if (focus && subject.tab !== "tasks") body.focus({ preventScroll: true });
  }

  root.addEventListener(
    "bgw-tab",
    (event) => open(/** @type {CustomEvent<TabOpened>} */ (event).detail),
    { signal },
  );
  root.addEventListener(
    "keydown",
    (event) => {
      event.stopPropagation(); // no key leaks into the notebook, where it could mean something else
      if (event.key !== "Escape") return;
      event.preventDefault();
      const table = root.closest(".bgw-panel")?.querySelector(".bgw-tasks");
      table?.dispatchEvent(new CustomEvent("bgw-back"));
    },
    { signal },
  );
  root.addEventListener(
    "bgw-leave",
    (event) => {
      /** @type {CustomEvent} */ (event).detail.place = body.scrollTop;
    },
    { signal },
  );
  root.addEventListener(
    "bgw-go-on",
    (event) => {
      wantedTop = /** @type {CustomEvent<{place: number}>} */ (event).detail.place;
      if (pane !== null) body.scrollTop = wantedTop;
    },
    { signal },
  );
  signal.addEventListener("abort", () => {
    window.clearTimeout(patience);
    root.remove();
  });
  el.append(root);
  return () => lifetime.abort();
}

export default { render };
