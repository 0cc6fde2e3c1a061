// @ts-check
/**
 * The live tables of the panel: one widget of two kinds, "loops" and "tasks".
 *
 * Only the rows in sight (and a few more on either side) travel from the kernel and exist in the
 * page, so 100,000 tasks cost what ten do. Sorting and filtering happen in the kernel.
 *
 * The sections, from the bottom up:
 *   words      what a value looks like (pure functions)
 *   elements   writing to the page only what changed
 *   Head       what the kernel last said, under what the user just asked for
 *   Place      what the page itself knows of the kernel and of the output
 *   Live       whether clicks are heard while a cell runs
 *   Wire       the messages to and from the kernel
 *   Grid       a virtual, accessible table
 *   columns    what stands in each cell
 *   faces      the loops' bar and table; the tasks' tabs, table and footer
 *              (what the other tabs show are other widgets: task_details.js, plots_view.js)
 *   render     puts them together
 */

/**
 * @typedef {{
 *   on: Function, off: Function, get: (name: string) => any, send: (message: object) => void,
 *   widget_manager?: any,
 * }} Model
 * @typedef {"pending" | "running" | "cancelling" | "finished" | "failed" | "cancelled" | "lost"
 * } TaskState
 * @typedef {Record<TaskState, number>} Counts
 * @typedef {{
 *   share: number | null, end: "" | "closed" | "left open", far: string, rest: string,
 *   label: string, tone?: string, colour?: string,
 * }} Bar how far something is: in whole per cents, or null where nobody knows of how many; and in
 *   words, of which the `rest` goes where there is little room
 * @typedef {{
 *   id: number, name: string, host: string, state: string, stop_requested: boolean,
 *   unresponsive: boolean | number, blocked_since: number | null, protected: boolean,
 *   unfinished: number, total: number, counts: Counts,
 *   lag: number | null, spark: string,
 *   started: number | null, ended: number | null, note: string | null,
 *   bar: Bar | null,
 * }} LoopRow of an unresponsive loop in another process: since when nothing was heard of it
 * @typedef {{
 *   id: number, name: string, main: boolean, state: TaskState, coroutine: string,
 *   waiting: string | null, created: number | null, ended: number | null, error: string | null,
 *   bar: Bar | null,
 * }} TaskRow
 * @typedef {LoopRow | TaskRow} Row
 * @typedef {{start: number, stop: number}} Range
 * @typedef {{
 *   type: "frame", view: string, seq: number, full: boolean, start: number, total: number,
 *   rows: [number, any][], head?: Record<string, any>,
 * }} Frame
 */

const ROW_HEIGHT = 26; // px, as in the style sheet
const OVERSCAN = 2;
const MOST_PICKED = 1000; // as in the kernel
const MOST_LOOPS_IN_SIGHT = 6;
const TASKS_IN_SIGHT = 9;
const SPARK_SECONDS = 60;
const SPARK_HEIGHT = 12;
const SLOW = 0.1; // seconds: a lag that is worth a look
const CHIPS = ["running", "failed", "cancelled", "finished"];
const INTERVALS = [0.2, 0.5, 1, 2, 5];

const SECOND = 1000;
const ALIVE_EVERY = 4 * SECOND;
const CONTACT_LOST_AFTER = 2.5 * SECOND; // a kernel that is there says a word each second
const CHECK_CONTACT_EVERY = 0.25 * SECOND;
const WINDOW_ANSWER_WITHIN = 500;
const FILTER_SETTLES_IN = 150;
const WISH_LASTS = 3 * SECOND;
const PING_EVERY = 2 * SECOND;
const PONG_WITHIN = 1.5 * SECOND;

// ---------------------------------------------------------------------------- words

/** 1207 -> "1,207". @param {number} count */
export function formatCount(count) {
  return Math.trunc(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 loop", "1,207 loops". @param {number} count @param {string} noun */
export function formatNumber(count, noun) {
  return `${formatCount(count)} ${plural(count, noun)}`;
}

/** @param {number} count @param {string} noun */
function plural(count, noun) {
  return count === 1 ? noun : `${noun}s`;
}

/** "0:03", "12:41", "1:02:05", and from a day on "2d 3h". @param {number | null} seconds */
export function formatAge(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  if (days) return `${days}d ${hours}h`;
  if (hours) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}

/**
 * How long something has lasted: until it ended, or until now.
 * @param {number | null} began @param {number | null} ended @param {number} now
 */
export function ageOf(began, ended, now) {
  return began === null ? null : (ended ?? now) - began;
}

/** "< 1 ms", "34 ms", "3.2 s", "48 s". @param {number | null} seconds */
export function formatLag(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  if (seconds < 0.001) return "< 1 ms";
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(2))} ms`;
  return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

/**
 * The path of a sparkline in a box of 60 by 12: a digit in base 16 for each second, the last one on
 * the right; where there is a space, the line is broken.
 * @param {string} levels
 */
export function sparkPath(levels) {
  const first = SPARK_SECONDS - levels.length;
  let isDrawing = false;
  return [...levels]
    .map((level, at) => {
      const height = Number.parseInt(level, 16);
      const command = isDrawing ? "L" : "M";
      isDrawing = !Number.isNaN(height);
      return isDrawing ? `${command}${first + at} ${SPARK_HEIGHT - height}` : "";
    })
    .join("");
}

/**
 * "2 failed, 14 cancelled": what has ended; nothing is said of what did not happen.
 * @param {Partial<Counts>} counts
 */
export function formatEnded(counts) {
  return formatCounts(counts, ["failed", "lost", "cancelled", "finished"]);
}

/** @param {Partial<Counts>} counts @param {TaskState[]} states */
function formatCounts(counts, states) {
  return states
    .filter((state) => counts[state])
    .map((state) => `${formatCount(counts[state] ?? 0)} ${state}`)
    .join(", ");
}

/** The mark's shape and the word's tone for each state of a loop or a task. */
const APPEARANCE = /** @type {Record<string, {mark: string, tone: string}>} */ ({
  starting: { mark: "wait", tone: "soft" },
  pending: { mark: "wait", tone: "soft" },
  running: { mark: "run", tone: "ok" },
  stopping: { mark: "stopg", tone: "warn" },
  cancelling: { mark: "stopg", tone: "warn" },
  finished: { mark: "end", tone: "soft" },
  stopped: { mark: "end", tone: "soft" },
  cancelled: { mark: "canc", tone: "soft" },
  failed: { mark: "fail", tone: "bad" },
  killed: { mark: "fail", tone: "bad" },
  lost: { mark: "fail", tone: "bad" },
});

/**
 * The word, its tone and the mark that say how a row's loop or task is doing.
 * @param {{
 *   state: string, stop_requested?: boolean, unresponsive?: boolean | number,
 *   blocked_since?: number | null,
 * }} row
 * @param {number} [now]
 */
export function appearanceOf({ state, stop_requested, unresponsive, blocked_since }, now = 0) {
  if (isOver(state)) return { word: state, ...(APPEARANCE[state] ?? APPEARANCE.finished) };
  if (typeof blocked_since === "number") {
    const since = Math.max(0, now - blocked_since);
    // "850 ms" would not fit, and would be gone before it is read.
    const seconds = since < 1 ? `${since.toFixed(1)} s` : formatLag(since);
    const word = state === "stopping" ? state : `blocked ${seconds}`;
    return { word, tone: "warn", mark: "block" };
  }
  if (unresponsive) return { word: "unresponsive", tone: "warn", mark: "mute" };
  if (state === "running" && stop_requested)
    return { word: "stop asked", tone: "warn", mark: "stopg" };
  return { word: state, ...(APPEARANCE[state] ?? { mark: "end", tone: "soft" }) };
}

/**
 * What a loop's note says: of one that does not answer, first how old all is that is shown of it.
 * @param {{note: string | null, unresponsive?: boolean | number}} row @param {number} now
 */
export function noteOf({ note, unresponsive }, now) {
  if (typeof unresponsive !== "number") return note ?? "";
  const seconds = Math.max(0, Math.floor(now - unresponsive));
  const silence = `no answer for ${seconds < 60 ? `${seconds} s` : formatAge(seconds)}`;
  return note ? `${silence} · ${note}` : silence;
}

/** Whether a loop's state is one that nothing follows. @param {string} state */
function isOver(state) {
  const mark = APPEARANCE[state]?.mark ?? "end";
  return mark === "end" || mark === "canc" || mark === "fail";
}

/** What a task's "Waiting on" cell says, and its tone. @param {TaskRow} row */
export function waitingOf({ state, waiting, error }) {
  if (state === "failed") return { text: error ?? "", tone: "bad" };
  if (state === "running") return { text: waiting || "running", tone: "ok" };
  if (state === "cancelling") return { text: waiting || "cancelling", tone: "warn" };
  return { text: waiting ?? "", tone: "soft" };
}

/** @param {TaskRow} row */
export function isUnfinished({ state }) {
  return state === "pending" || state === "running" || state === "cancelling";
}

/**
 * The parts of the mix bar, in per cent of all tasks.
 * @param {LoopRow} row
 */
export function mixOf({ counts, total }) {
  const share = (/** @type {TaskState[]} */ ...states) =>
    total ? (100 * states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)) / total : 0;
  return {
    ok: share("pending", "running"),
    warn: share("cancelling"),
    faint: share("finished", "cancelled"),
    bad: share("failed", "lost"),
  };
}

/**
 * The rows to ask for: those in sight and a few more.
 * @param {number} scrollTop
 * @param {number} inSight
 * @returns {Range}
 */
export function windowAt(scrollTop, inSight) {
  const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT));
  const last = Math.ceil(scrollTop / ROW_HEIGHT) + inSight;
  return { start: Math.max(0, first - OVERSCAN), stop: last + OVERSCAN };
}

/**
 * The scroll position nearest to the present one that shows a row.
 * @param {number} index
 * @param {number} scrollTop
 * @param {number} inSight
 */
export function scrollTopShowing(index, scrollTop, inSight) {
  const lowest = (index - inSight + 1) * ROW_HEIGHT;
  return Math.max(lowest, Math.min(scrollTop, index * ROW_HEIGHT));
}

/**
 * Where a key moves the current row to; null when it is no such key or there is no row.
 * @param {string} key
 * @param {number} current -1: none yet
 * @param {number} total
 * @param {number} page
 */
export function indexAfterKey(key, current, total, page) {
  const target = {
    ArrowDown: current + 1,
    ArrowUp: current - 1,
    j: current + 1,
    k: current - 1,
    PageDown: current + page,
    PageUp: current - page,
    Home: 0,
    End: total - 1,
  }[key];
  if (target === undefined || total === 0) return null;
  return Math.max(0, Math.min(total - 1, target));
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

/**
 * The element holds nothing but text. Its node stays: a new one costs more to lay out.
 * @param {HTMLElement} element @param {string} text
 */
function setText(element, text) {
  const node = element.firstChild;
  if (node === null || node !== element.lastChild || node.nodeType !== Node.TEXT_NODE) {
    if (element.textContent !== text) element.textContent = text;
  } else if (/** @type {Text} */ (node).data !== text) /** @type {Text} */ (node).data = text;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string | null} value null removes it
 */
function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** @param {HTMLElement} element @param {boolean} hidden */
function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/**
 * A function that asks for one paint in the next animation frame, however often it is called.
 * @param {() => void} paint @param {AbortSignal} signal
 */
function coalesced(paint, signal) {
  let frame = 0;
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));
  return () => {
    if (signal.aborted) return;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  };
}

// ---------------------------------------------------------------------------- Head

/**
 * What the kernel last said about the whole table, under what the user just asked for: a click
 * shows at once, and falls back if the kernel has not confirmed it after a while.
 */
export class Head {
  /** @type {Record<string, any>} */
  #said = {};
  /** @type {Map<string, {value: any, until: number}>} */
  #wishes = new Map();

  /** @param {string} key */
  get(key) {
    return this.#wishes.has(key) ? this.#wishes.get(key)?.value : this.#said[key];
  }

  /** What the kernel said, whatever the user wishes. @param {string} key */
  said(key) {
    return this.#said[key];
  }

  /** @param {string} key @param {any} value */
  wish(key, value) {
    this.#wishes.set(key, { value, until: Date.now() + WISH_LASTS });
  }

  /**
   * Take the keys that changed. A different value does not end a wish: it answers an earlier one.
   * @param {Record<string, any>} patch
   */
  merge(patch) {
    Object.assign(this.#said, patch);
    for (const [key, { value }] of this.#wishes)
      if (key in patch && String(patch[key]) === String(value)) this.#wishes.delete(key);
  }

  dropOldWishes() {
    for (const [key, { until }] of this.#wishes) if (Date.now() >= until) this.#wishes.delete(key);
  }
}

// ---------------------------------------------------------------------------- Place

/**
 * The output that a view is in; of a view in a window of its own, that which it came from (pop_out.js).
 * @typedef {{el: HTMLElement, isGone: () => boolean}} Home `isGone`: once the view is
 */

/** Where a view is shown: what the page can tell that the kernel cannot. */
class Place {
  el;
  #home;
  #manager;
  /** What holds the output: a notebook, say. @type {Element | null} */
  #document = null;
  #wasRestarted = false;

  /** @param {Model} model @param {HTMLElement} el @param {Home} home */
  constructor(model, el, home) {
    this.el = el;
    this.#home = home;
    this.#manager = model.widget_manager;
  }

  /** To be called while the view is in the page. */
  look() {
    this.#document ??= this.#home.el.closest(".jp-MainAreaWidget");
  }

  /** Nobody sees the page, or the panel is in a window of its own and this is not its view. */
  get isHidden() {
    return document.hidden || this.el.closest(".bgw-away") !== null;
  }

  /** Whether the output is gone while what held it is there: its cell was run again, or deleted. */
  get isCleared() {
    return this.#home.isGone() && this.#document !== null && this.#document.isConnected;
  }

  /** The kernel spoke to this view, so it is the one that made it. */
  heard() {
    this.#wasRestarted = false;
  }

  /** What became of the kernel, where the page knows that; null: nothing, for all that is known. */
  get fate() {
    // Only JupyterLab's manager knows the kernel; null is none, and undefined is one not known.
    const { kernel } = this.#manager ?? {};
    this.#wasRestarted ||= ["restarting", "autorestarting"].includes(kernel?.status);
    if (this.#wasRestarted || this.#home.el.classList.contains("jupyter-widgets-disconnected"))
      return "kernel restarted";
    return kernel === null || kernel?.status === "dead" ? "kernel gone" : null;
  }
}

/** What asks the kernel for something. All else stays, for the last picture may be read. */
const CONTROLS =
  ".bgw-button, .bgw-filter, .bgw-interval, .bgw-pause, .bgw-chip, .bgw-cancel, .bgw-finder";

/** @param {Element} panel @param {boolean} isDead */
function setDead(panel, isDead) {
  for (const control of panel.querySelectorAll(CONTROLS))
    /** @type {HTMLElement} */ (control).inert = isDead;
  // What is inert is not heard either, and the columns would have no names.
  for (const button of panel.querySelectorAll(".bgw-sort"))
    /** @type {HTMLButtonElement} */ (button).disabled = isDead;
}

// ---------------------------------------------------------------------------- Live

/**
 * Whether clicks are heard while a cell runs: known by a ping that was answered, never assumed.
 * A ping that waits is not sent again, for all would have to be handled when the cell has ended.
 */
class Live {
  /** @type {"unknown" | "live" | "waits"} */
  state = "unknown";
  /** The cell that runs, by the kernel's number. @type {number | null} */
  #cell = null;
  #timer = 0;
  #ping;
  #onChange;

  /** @param {(cell: number) => void} ping @param {() => void} onChange @param {AbortSignal} signal */
  constructor(ping, onChange, signal) {
    this.#ping = ping;
    this.#onChange = onChange;
    signal.addEventListener("abort", () => window.clearTimeout(this.#timer));
  }

  /** The kernel says which cell runs; null: none, or that is not known. @param {number | null} cell */
  follow(cell) {
    if (cell === this.#cell) return;
    this.#cell = cell;
    this.state = "unknown";
    window.clearTimeout(this.#timer);
    if (cell !== null) this.#ask(cell);
  }

  /** A ping of ours was heard while this cell ran. @param {number} cell */
  hear(cell) {
    if (cell !== this.#cell) return;
    this.state = "live";
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(cell), PING_EVERY);
  }

  /** @param {number} cell */
  #ask(cell) {
    this.#ping(cell);
    this.#timer = window.setTimeout(() => {
      this.state = "waits";
      this.#onChange();
    }, PONG_WITHIN);
  }
}

/** @param {Wire} wire @returns {Part} */
function liveMark(wire) {
  const word = make("span", "");
  const more = make("span", "bgw-live-more");
  const dot = make("i", "", { "aria-hidden": "true" });
  const element = make("span", "bgw-live", {}, dot, make("span", "", {}, word, more));
  return {
    element,
    paint() {
      const state = wire.inContact ? wire.live.state : "unknown";
      const [text, title] = {
        unknown: ["", ""],
        live: ["live", "Clicks take effect while the cell runs"],
        waits: [
          "clicks wait",
          "This kernel does not hear clicks before the cell ends. What is shown goes on, and the methods work in code.",
        ],
      }[state];
      setHidden(element, state === "unknown");
      setText(word, text);
      setText(more, state === "waits" ? " for the cell" : "");
      setAttribute(element, "title", title);
      setAttribute(element, "data-live", state);
    },
  };
}

// ---------------------------------------------------------------------------- Wire

/** One view's talk with the kernel: keeps rows and head, and knows when contact is lost. */
class Wire {
  head = new Head();
  /** @type {Map<number, any>} */
  rows = new Map();
  total = 0;
  inContact = true;
  /** Whether anything came yet: an empty table is not the same as one that is not known. */
  isKnown = false;
  /** Called after every change. */
  onChange = () => {};
  live;

  /** Whether all is here that the kernel had to say to the last hello. */
  get isUpToDate() {
    return this.isKnown && !this.#awaitsFull;
  }

  #view = Math.random().toString(36).slice(2) || "0";
  #model;
  #seq = 0;
  #awaitsFull = true;
  #heardAt = Date.now();
  #checkedAt = Date.now();
  #place;
  /** The kernel's clock minus ours, in seconds. @type {number | null} */
  #clockOffset = null;
  /** @type {Range} */
  #wanted;
  /** @type {Range} */
  #asked;
  /** Runs while a window is asked for and not answered. @type {number | null} */
  #patience = null;

  /**
   * @param {Model} model @param {Range} firstWindow @param {Place} place @param {AbortSignal} signal
   */
  constructor(model, firstWindow, place, signal) {
    this.#model = model;
    this.#place = place;
    this.#wanted = this.#asked = firstWindow;
    this.live = new Live(
      (cell) => this.send({ type: "ping", view: this.#view, cell }),
      () => this.onChange(),
      signal,
    );
    const timers = [
      window.setInterval(() => this.#tick(), SECOND),
      window.setInterval(() => this.#checkContact(), CHECK_CONTACT_EVERY),
      window.setInterval(() => this.#sayAlive(), ALIVE_EVERY),
    ];
    model.on("msg:custom", this.#hear);
    model.on("comm_live_update", this.#checkContact); // ipywidgets has seen a restart
    document.addEventListener("visibilitychange", () => this.#comeBack(), { signal });
    place.el.addEventListener("bgw-seen", () => this.#comeBack(), { signal });
    signal.addEventListener("abort", () => {
      timers.forEach((timer) => window.clearInterval(timer));
      window.clearTimeout(this.#patience ?? undefined);
      model.off("msg:custom", this.#hear);
      model.off("comm_live_update", this.#checkContact);
      this.send({ type: "bye", view: this.#view, ...(place.isCleared && { cleared: true }) });
    });
    this.#sayHello();
  }

  /** The kernel's time in seconds, by our clock; it stands still in a pause and without contact. */
  get now() {
    return this.head.said("paused") ? this.head.said("now") : this.kernelNow;
  }

  /** The same, in a pause too. */
  get kernelNow() {
    const latest = Math.min(Date.now(), this.#heardAt + CONTACT_LOST_AFTER);
    return latest / SECOND + (this.#clockOffset ?? 0);
  }

  /** Why there is no contact. */
  get trouble() {
    const silence = this.isKnown ? "no contact with the kernel" : "no answer from the kernel yet";
    return this.#place.fate ?? silence;
  }

  /** @param {object} message */
  send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the silence will say so.
    }
  }

  /**
   * Nothing is asked of a kernel that is not there: it might do it when nobody wants it any more.
   * @param {"stop_event" | "stop_loop" | "cancel_tasks"} command
   * @param {number | null | undefined} loop
   * @param {number[]} [tasks]
   */
  command(command, loop, tasks) {
    if (!this.inContact || loop === null || loop === undefined) return;
    this.send({ type: "command", command, loop, ...(tasks && { tasks }) });
  }

  /**
   * What a button does, on this loop or on those that are selected with it.
   * @param {string} action @param {number | null | undefined} loop
   * @param {{picked?: boolean}} [more] `picked`: for tasks that are selected, and for no others
   */
  act(action, loop, more) {
    if (!this.inContact || loop === null || loop === undefined) return;
    this.send({ type: "act", action, loop, ...more });
  }

  /**
   * Show a wish of the user's at once and send it.
   * @param {string} key
   * @param {any} value
   * @param {object} message
   */
  wish(key, value, message) {
    if (!this.inContact) return;
    this.head.wish(key, value);
    this.send(message);
    this.onChange();
  }

  /** Ask for other rows; only one question is under way at a time. @param {Range} range */
  ask(range) {
    this.#wanted = range;
    if (this.#patience === null && !sameRange(this.#wanted, this.#asked)) this.#sendWindow();
  }

  #sendWindow() {
    this.#asked = this.#wanted;
    this.send({ type: "window", view: this.#view, ...this.#asked });
    this.#patience = window.setTimeout(() => this.#answered(), WINDOW_ANSWER_WITHIN);
  }

  #answered() {
    window.clearTimeout(this.#patience ?? undefined);
    this.#patience = null;
    this.ask(this.#wanted);
  }

  #sayHello() {
    this.#awaitsFull = true;
    this.live.follow(null); // the answer tells which cell runs by then
    this.#asked = this.#wanted;
    this.send({ type: "hello", view: this.#view, ...this.#asked });
  }

  #sayAlive() {
    if (this.#place.isHidden) return;
    // A kernel that we cannot hear may have given this view up, so it is greeted anew.
    if (this.#awaitsFull || !this.inContact) this.#sayHello();
    else this.send({ type: "alive", view: this.#view });
  }

  /** A hidden page says nothing and is forgotten; its silence meant nothing either. */
  #comeBack() {
    if (this.#place.isHidden) return;
    this.#heardAt = Date.now();
    this.#sayHello();
  }

  #tick() {
    this.head.dropOldWishes();
    this.onChange();
  }

  #checkContact = () => {
    const now = Date.now();
    // A page that was itself held up, or asleep, first has to hear what came meanwhile.
    if (now - this.#checkedAt > SECOND) this.#heardAt = Math.max(this.#heardAt, now - SECOND);
    this.#checkedAt = now;
    const isSilent = !this.#place.isHidden && now - this.#heardAt >= CONTACT_LOST_AFTER;
    if (!this.inContact || !(isSilent || this.#place.fate)) return;
    this.inContact = false;
    this.onChange();
  };

  #hear = (/** @type {any} */ message) => {
    const wasLost = !this.inContact;
    this.#heardAt = Date.now();
    this.#place.heard();
    this.inContact = true;
    const isOurs = message.type === "frame" && message.view === this.#view;
    const answersUs = message.type === "pong" && message.views.includes(this.#view);
    if (isOurs) this.#take(message);
    else if (message.type !== "frame" && wasLost) this.#sayHello();
    else if (answersUs) this.live.hear(message.cell);
    if (isOurs || answersUs || wasLost) this.onChange(); // a beat has nothing to show
  };

  /** @param {Frame} frame */
  #take(frame) {
    if (!frame.full && (this.#awaitsFull || frame.seq !== this.#seq + 1)) {
      if (!this.#awaitsFull) this.#sayHello();
      return;
    }
    this.#seq = frame.seq;
    this.total = frame.total;
    if (frame.full) {
      this.#awaitsFull = false;
      this.isKnown = true;
      this.rows.clear();
    }
    for (const [index, news] of frame.rows)
      this.rows.set(index, "id" in news ? news : { ...this.rows.get(index), ...news });
    for (const index of this.rows.keys()) if (index >= frame.total) this.rows.delete(index);
    this.head.merge(frame.head ?? {});
    this.live.follow(this.head.said("cell") ?? null);
    if (frame.head?.now !== undefined) this.#setClock(frame.head.now);
    if (frame.full) this.#answered();
  }

  /**
   * The message that travelled fastest tells the clock best; to follow each one would let an age
   * step back. A big difference means that a clock was set.
   * @param {number} kernelNow
   */
  #setClock(kernelNow) {
    const offset = kernelNow - Date.now() / SECOND;
    const known = this.#clockOffset;
    if (known === null || offset > known || known - offset > 2) this.#clockOffset = offset;
  }
}

/** @param {Range} one @param {Range} other */
function sameRange(one, other) {
  return one.start === other.start && one.stop === other.stop;
}

// ---------------------------------------------------------------------------- Grid

/**
 * A column builds its cell once for each row element and returns what writes a row into it.
 * @typedef {(row: any, now: number) => void} CellPainter
 * @typedef {{
 *   name: string, title: string, sort?: string, label?: string,
 *   build: (cell: HTMLElement) => CellPainter,
 * }} Column
 * @typedef {{element: HTMLElement, painters: CellPainter[], index: number, row: any}} Line
 * @typedef {{
 *   rows: Map<number, any>, total: number, now: number, currentId: number | null,
 *   picked: number[], sort: [string, boolean] | undefined, empty: string,
 * }} Contents
 * @typedef {{
 *   sorted: (column: string, descending: boolean) => void,
 *   moved: (row: any) => void,
 *   scrolled: () => void,
 *   picked: (ids: number[]) => void,
 *   pickedRange: (range: Range, ids: number[], ends: {first?: number, last?: number}) => void,
 *   buttonPressed?: (row: any) => void,
 * }} GridHandlers
 */

/** A table that holds elements only for the rows in sight, and moves through all of them. */
class Grid {
  element;
  // Not counted: this module is loaded once for each table, and a page may hold several panels.
  #id = `bgw-grid-${Math.random().toString(36).slice(2)}`;
  #rowsInSight;
  #columns;
  #handlers;
  /** @type {Map<string, HTMLElement>} */
  #headers = new Map();
  #body = make("div", "bgw-rows", { role: "rowgroup" });
  #empty = make("div", "bgw-empty");
  /** @type {Line[]} */
  #lines = [];
  /** @type {Contents} */
  #contents = {
    rows: new Map(),
    total: 0,
    now: 0,
    currentId: null,
    picked: [],
    sort: undefined,
    empty: "",
  };
  #currentIndex = -1;
  /** The row where a range began that is being picked, and its place. @type {[number, number] | null} */
  #anchor = null;
  /** A row that was moved to and has not come from the kernel yet. @type {number | null} */
  #awaited = null;
  /** The row that was under the pointer when it went down. @type {number | null} */
  #pressedId = null;
  /** Where it was last scrolled to: while it is hidden, it does not know. */
  #top = 0;
  /** Where it is to be scrolled to as soon as it can be. @type {number | null} */
  #wantedTop = null;

  /**
   * @param {string} label
   * @param {Column[]} columns
   * @param {number} rowsInSight
   * @param {GridHandlers} handlers
   * @param {AbortSignal} signal
   */
  constructor(label, columns, rowsInSight, handlers, signal) {
    this.#columns = columns;
    this.#rowsInSight = rowsInSight;
    this.#handlers = handlers;
    this.element = make(
      "div",
      "bgw-grid",
      {
        role: "grid",
        tabindex: "0",
        "aria-label": label,
        "aria-multiselectable": "true",
        "aria-colcount": `${columns.length}`,
      },
      make("div", "bgw-head", { role: "rowgroup" }, this.#buildHeader()),
      this.#body,
      this.#empty,
    );
    const noteScroll = () => {
      this.#top = this.element.scrollTop;
      handlers.scrolled();
    };
    this.element.addEventListener("scroll", noteScroll, { signal, passive: true });
    this.element.addEventListener("keydown", (event) => this.#pressKey(event), { signal });
    this.#body.addEventListener("mousedown", (event) => this.#press(event), { signal });
    this.#body.addEventListener("click", (event) => this.#click(event), { signal });
  }

  /** The rows in sight and a few more, as it is scrolled when it was last looked at. */
  get window() {
    return windowAt(this.#top, this.#rowsInSight);
  }

  /**
   * Look where it is scrolled to: to be called before anything is written into the page, for in the
   * midst of that the browser would have to lay out all of it, and later once more. Where it is
   * hidden it does not know.
   */
  look() {
    if (!this.element.hidden) this.#top = this.element.scrollTop;
  }

  /** Where it is scrolled to, in pixels; it goes there once it has rows and is not hidden. */
  get top() {
    return this.#wantedTop ?? this.#top;
  }

  set top(top) {
    this.#wantedTop = top;
  }

  /** @returns {any} the current row, when it is at hand */
  get currentRow() {
    return this.#contents.rows.get(this.#currentIndex) ?? null;
  }

  /** @param {Contents} contents */
  paint(contents) {
    this.#contents = contents;
    this.#findCurrent();
    this.#paintHeader();
    this.#paintRows();
    setAttribute(this.element, "aria-rowcount", `${contents.total + 1}`);
    setText(this.#empty, contents.total ? "" : contents.empty);
    setHidden(this.#empty, contents.total > 0);
    if (this.#wantedTop !== null && contents.total > 0 && this.element.clientHeight > 0) {
      this.#scrollTo(this.#wantedTop);
      this.#wantedTop = null;
    }
    this.#goToAwaited();
  }

  /** Other rows are coming, to which no place of these means anything: from the first one on. */
  forget() {
    this.#currentIndex = -1;
    this.#anchor = null;
    this.#awaited = null;
    this.#scrollTo(0);
  }

  /** @param {number} top */
  #scrollTo(top) {
    this.element.scrollTop = top;
    this.look(); // it goes no further than there are rows
  }

  /** Rows move when they are sorted anew: the current one is known by its id. */
  #findCurrent() {
    const { rows, currentId } = this.#contents;
    this.#currentIndex = Math.min(this.#currentIndex, this.#contents.total - 1);
    for (const [index, row] of rows) if (row.id === currentId) this.#currentIndex = index;
  }

  #buildHeader() {
    const header = make("div", "bgw-line", { role: "row", "aria-rowindex": "1" });
    this.#columns.forEach(({ name, title, sort, label }, at) => {
      const cell = make("div", `bgw-cell bgw-col-${name}`, {
        role: "columnheader",
        "aria-colindex": `${at + 1}`,
      });
      if (label) cell.append(make("span", "bgw-unseen", {}, label));
      if (sort) {
        const button = make("button", "bgw-sort", { type: "button" }, title);
        button.onclick = () => this.#sortBy(sort);
        cell.append(button);
        this.#headers.set(sort, cell);
      } else cell.append(title);
      header.append(cell);
    });
    return header;
  }

  /** @param {string} column */
  #sortBy(column) {
    const [active, descending] = this.#contents.sort ?? ["", false];
    this.#handlers.sorted(column, column === active && !descending);
  }

  #paintHeader() {
    const [active, descending] = this.#contents.sort ?? ["", false];
    const direction = descending ? "descending" : "ascending";
    for (const [column, cell] of this.#headers)
      setAttribute(cell, "aria-sort", column === active ? direction : "none");
  }

  #paintRows() {
    const { rows, total } = this.#contents;
    const height = `${total * ROW_HEIGHT}px`;
    if (this.#body.style.height !== height) this.#body.style.height = height;
    const { start, stop } = this.window;
    let used = 0;
    for (let index = start; index < Math.min(stop, total); index++)
      if (rows.has(index)) this.#paintLine(used++, index);
    for (const line of this.#lines.splice(used)) line.element.remove();
    const current = this.#lines.find(({ row }) => row.id === this.#contents.currentId);
    setAttribute(this.element, "aria-activedescendant", current?.element.id ?? null);
  }

  /** @param {number} at which of the row elements @param {number} index which row */
  #paintLine(at, index) {
    const line = (this.#lines[at] ??= this.#buildLine(at));
    const row = this.#contents.rows.get(index);
    if (line.index !== index) {
      line.index = index;
      line.element.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
      line.element.setAttribute("aria-rowindex", `${index + 2}`);
    }
    line.row = row;
    setAttribute(line.element, "data-bgw-id", `${row.id}`);
    setAttribute(line.element, "data-bgw-state", row.state);
    const { currentId, picked } = this.#contents;
    const isCurrent = row.id === currentId;
    const isSelected = picked.length ? picked.includes(row.id) : isCurrent;
    setAttribute(line.element, "aria-selected", `${isSelected}`);
    setAttribute(line.element, "data-bgw-current", isCurrent ? "" : null);
    for (const paintCell of line.painters) paintCell(row, this.#contents.now);
  }

  /** @param {number} at @returns {Line} */
  #buildLine(at) {
    const element = make("div", "bgw-line bgw-row", { role: "row", id: `${this.#id}-${at}` });
    const painters = this.#columns.map(({ name, build }, column) => {
      const cell = make("div", `bgw-cell bgw-col-${name}`, {
        role: "gridcell",
        "aria-colindex": `${column + 1}`,
      });
      element.append(cell);
      return build(cell);
    });
    this.#body.append(element);
    return { element, painters, index: -1, row: null };
  }

  /** @param {Event} event */
  #lineAt({ target }) {
    return this.#lines.find(({ element }) => element.contains(/** @type {Node} */ (target)));
  }

  /** @param {MouseEvent} event */
  #press(event) {
    this.#pressedId = this.#lineAt(event)?.row.id ?? null;
    if (!isOnButton(event) && !event.shiftKey) return;
    // A button that vanishes with its task would take the focus along, and keys would go astray;
    // and with Shift the page would select text.
    event.preventDefault();
    this.element.focus({ preventScroll: true });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const line = this.#lineAt(event);
    if (!line) return;
    // The table may have moved between press and release: nobody's task is cancelled by accident.
    const byPointer = event.detail > 0;
    if (byPointer && line.row.id !== this.#pressedId) return;
    if (isOnButton(event)) this.#handlers.buttonPressed?.(line.row);
    else if (event.shiftKey) this.#extendTo(line.index);
    else if (event.ctrlKey || event.metaKey) this.#toggle(line);
    else this.#goTo(line.index);
  }

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    const { total } = this.#contents;
    if ((event.ctrlKey || event.metaKey) && event.key === "a" && total > 0) {
      event.preventDefault();
      this.#pickRange(0, total - 1);
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
    if (event.key === "Escape") this.#letGo();
    const index = indexAfterKey(event.key, this.#currentIndex, total, this.#rowsInSight - 1);
    if (index === null) return;
    event.preventDefault();
    if (event.shiftKey) this.#extendTo(index);
    else this.#goTo(index);
  }

  /** Another row is the current one, and it alone is selected. @param {number} index */
  #goTo(index) {
    this.#letGo();
    this.#moveTo(index);
  }

  #letGo() {
    this.#anchor = null;
    if (this.#contents.picked.length) this.#handlers.picked([]);
  }

  /** @param {Line} line */
  #toggle({ row, index }) {
    const { picked, currentId } = this.#contents;
    const before = picked.length || currentId === null ? picked : [currentId];
    const others = before.filter((id) => id !== row.id);
    if (others.length === before.length && before.length >= MOST_PICKED) return;
    this.#handlers.picked(others.length < before.length ? others : [...before, row.id]);
    this.#moveTo(index);
    this.#anchor = [row.id, index];
  }

  /** @param {number} index */
  #extendTo(index) {
    const from = Math.max(0, this.#currentIndex);
    const anchor = this.#anchor ?? [this.#contents.rows.get(from)?.id ?? -1, from];
    // Rows move: it is known by its id, as long as it is at hand.
    for (const [place, row] of this.#contents.rows) if (row.id === anchor[0]) anchor[1] = place;
    this.#pickRange(Math.min(anchor[1], index), Math.max(anchor[1], index), anchor);
    this.#moveTo(index);
    this.#anchor = anchor;
  }

  /**
   * Rows may have moved in the kernel since they were shown, so they are named where all are at
   * hand. Of a longer range the kernel knows them, by those at its ends; until it says so, those at
   * hand are shown.
   * @param {number} first @param {number} last
   * @param {[number, number]} [known] a row's id and its place, of one that may not be at hand
   */
  #pickRange(first, last, [knownId, knownAt] = [-1, -1]) {
    const ids = [...this.#contents.rows]
      .filter(([index]) => index >= first && index <= last)
      .map(([, row]) => row.id);
    if (ids.length === last - first + 1 && ids.length <= MOST_PICKED) this.#handlers.picked(ids);
    else {
      const idAt = (/** @type {number} */ place) =>
        this.#contents.rows.get(place)?.id ??
        (place === knownAt && knownId >= 0 ? knownId : undefined);
      const isAll = first === 0 && last === this.#contents.total - 1;
      const ends = isAll ? {} : { first: idAt(first), last: idAt(last) };
      this.#handlers.pickedRange({ start: first, stop: last + 1 }, ids, ends);
    }
  }

  /** @param {number} index */
  #moveTo(index) {
    this.#currentIndex = index;
    this.#awaited = index;
    this.look();
    const scrollTop = scrollTopShowing(index, this.#top, this.#rowsInSight);
    if (scrollTop !== this.#top) this.#scrollTo(scrollTop);
    this.#goToAwaited();
  }

  #goToAwaited() {
    const row = this.#awaited === null ? undefined : this.#contents.rows.get(this.#awaited);
    if (!row) return;
    this.#awaited = null;
    this.#handlers.moved(row);
  }
}

/** @param {Event} event */
function isOnButton({ target }) {
  return /** @type {Element} */ (target).closest("button") !== null;
}

// ---------------------------------------------------------------------------- columns

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
    setText(name, row.name);
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
    setText(name, row.name);
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
    setAttribute(button, "aria-label", `Cancel task ${row.name}`);
    setAttribute(button, "title", `Cancel task ${row.name}`);
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
    setAttribute(track, "aria-label", `Progress of ${name}${bar.label && `: ${bar.label}`}`);
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
const LOOP_COLUMNS = [
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
const TASK_COLUMNS = [
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

// ---------------------------------------------------------------------------- faces

/**
 * @typedef {{element: HTMLElement, paint: () => void}} Part
 * @typedef {Part & {grid: Grid, selectedLoop: () => number | null, cancel?: () => void}} Face
 */

/** @param {Wire} wire @param {AbortSignal} signal @returns {Face} */
function loopsFace(wire, signal) {
  const bar = make("div", "bgw-bar");
  const parts = [
    summary(wire),
    contactMark(wire),
    liveMark(wire),
    filterInput(wire, signal),
    intervalSelect(wire, signal),
    pauseButton(wire, signal),
    popOutButton(signal),
  ];
  bar.append(...parts.map(({ element }) => element));
  const selectedLoop = () => wire.head.get("selected") ?? null;
  const grid = new Grid(
    "Background loops",
    LOOP_COLUMNS,
    MOST_LOOPS_IN_SIGHT,
    {
      ...picker(wire),
      sorted: sorter(wire),
      moved: ({ id }) => wire.wish("selected", id, { type: "select", loop: id }),
      scrolled: () => wire.onChange(),
    },
    signal,
  );
  const element = make("div", "bgw-table bgw-loops", {}, bar, grid.element);
  carryOn(element, signal, {
    leave: () => grid.top,
    goOn(top) {
      grid.top = top;
      wire.onChange();
    },
  });
  return {
    element,
    grid,
    selectedLoop,
    paint() {
      parts.forEach((part) => part.paint());
      // For what is said of a click on a button: see status_line.js.
      if (wire.isKnown) setAttribute(element, "data-bgw-selected", `${selectedLoop() ?? ""}`);
      grid.element.style.setProperty("--bgw-rows-in-sight", `${rowsHigh(wire.total)}`);
      grid.paint({
        ...tableContents(wire),
        currentId: selectedLoop(),
        empty: "No loops yet. Start one with bgw.start(work).",
      });
    },
  };
}

/** @param {Wire} wire @param {AbortSignal} signal @returns {Face} */
function tasksFace(wire, signal) {
  const selectedLoop = () => wire.head.get("loop") ?? null;
  /** @type {number | null} */
  let currentId = null;
  /** @type {TaskRow | null} */
  let lastSeen = null;
  /** The current task, as it was last seen where its row is out of sight. */
  const currentTask = () => {
    for (const row of wire.rows.values()) if (row.id === currentId) lastSeen = row;
    return lastSeen?.id === currentId ? lastSeen : null;
  };
  /** @type {number | null} */
  let shownLoop = null;
  let hasBars = false;
  /** Where another view of this table was left, which is to be gone on from. @type {any} */
  let left = null;
  const goOn = () => {
    if (left === null || !wire.isUpToDate) return;
    if (left.loop === selectedLoop()) {
      lastSeen = left.task;
      currentId = left.task?.id ?? null;
      tabs.open = left.tab;
      grid.top = left.top;
    }
    left = null;
  };
  const grid = new Grid(
    "Tasks",
    TASK_COLUMNS,
    TASKS_IN_SIGHT,
    {
      ...picker(wire, selectedLoop),
      sorted: sorter(wire),
      moved(row) {
        currentId = row.id;
        wire.onChange();
      },
      scrolled: () => wire.onChange(),
      buttonPressed: (row) => wire.command("cancel_tasks", selectedLoop(), [row.id]),
    },
    signal,
  );
  grid.element.addEventListener(
    "keydown",
    ({ key, target }) => {
      const row = grid.currentRow;
      const current = row?.id === currentId ? row : null;
      // On a button in the header it sorts.
      if (key === "Enter" && target === grid.element && current) tabs.openDetails();
      if (key === "Delete") cancel();
    },
    { signal },
  );
  /** Those that are picked, else the current one, unless it is out of sight. */
  const cancel = () => {
    const picked = wire.head.get("picked") ?? [];
    if (picked.length) wire.act("cancel_tasks", selectedLoop(), { picked: true });
    else if (grid.currentRow?.id === currentId && currentId !== null)
      wire.command("cancel_tasks", selectedLoop(), [currentId]);
  };
  grid.element.addEventListener(
    "dblclick",
    ({ target }) => {
      const row = /** @type {Element} */ (target).closest(".bgw-row");
      if (row?.getAttribute("data-bgw-id") === `${currentId}`) tabs.openDetails();
    },
    { signal },
  );
  const tabs = tabStrip(wire, grid.element, currentTask, signal);
  const chips = stateChips(wire, signal);
  tabs.element.append(chips.element);
  const footer = tasksFooter(wire);
  const element = make(
    "div",
    "bgw-table bgw-tasks",
    {},
    tabs.element,
    grid.element,
    footer.element,
  );
  element.addEventListener("bgw-back", tabs.goBack, { signal });
  element.addEventListener("bgw-output", tabs.openOutput, { signal });
  carryOn(element, signal, {
    leave: () => ({ loop: selectedLoop(), task: currentTask(), tab: tabs.open, top: grid.top }),
    goOn(place) {
      left = place;
      wire.onChange();
    },
  });
  return {
    element,
    grid,
    selectedLoop,
    cancel,
    paint() {
      if (selectedLoop() !== shownLoop) {
        shownLoop = selectedLoop();
        currentId = null;
        grid.forget();
        hasBars = false;
      }
      // The column comes with the first bar that is seen, and stays: nothing jumps when that ends.
      for (const row of wire.rows.values()) hasBars ||= Boolean(row.bar);
      element.classList.toggle("bgw-with-bars", hasBars);
      goOn();
      tabs.paint();
      chips.paint();
      footer.paint();
      for (const part of [chips, footer]) setHidden(part.element, grid.element.hidden);
      setAttribute(
        grid.element,
        "aria-label",
        `Tasks of ${wire.head.get("loop_name") ?? "no loop"}`,
      );
      grid.paint({ ...tableContents(wire), currentId, empty: noTasks(wire) });
    },
  };
}

/**
 * The panel in another window goes on where this view was left: pop_out.js carries it from one to
 * the other, by two events.
 * @param {HTMLElement} element @param {AbortSignal} signal
 * @param {{leave: () => any, goOn: (place: any) => void}} place
 */
function carryOn(element, signal, { leave, goOn }) {
  const take = (/** @type {any} */ { detail }) => goOn(detail.place);
  const give = (/** @type {any} */ { detail }) => (detail.place = leave());
  element.addEventListener("bgw-leave", give, { signal });
  element.addEventListener("bgw-go-on", take, { signal });
}

/** @param {Wire} wire */
function tableContents(wire) {
  const { rows, total, now, head } = wire;
  return { rows, total, now, sort: head.get("sort"), picked: head.get("picked") ?? [] };
}

/**
 * @param {Wire} wire @param {() => number | null} [loopOf] whose tasks they are
 * @returns {Pick<GridHandlers, "picked" | "pickedRange">}
 */
function picker(wire, loopOf) {
  const of = () => (loopOf ? { loop: loopOf() } : {});
  return {
    picked: (ids) => wire.wish("picked", ids, { type: "pick", ids, ...of() }),
    pickedRange: (range, ids, { first, last }) =>
      wire.wish("picked", ids, {
        type: "pick_range",
        ...range,
        ...(first !== undefined && { first }),
        ...(last !== undefined && { last }),
        ...of(),
      }),
  };
}

/** @param {Wire} wire @returns {GridHandlers["sorted"]} */
function sorter(wire) {
  return (column, descending) =>
    wire.wish("sort", [column, descending], { type: "sort", column, descending });
}

/** An empty table is one line high: that is where it says so. @param {number} total */
function rowsHigh(total) {
  return Math.max(1, Math.min(total, MOST_LOOPS_IN_SIGHT));
}

/** @param {Wire} wire */
function noTasks({ isKnown, head }) {
  if (!isKnown) return "";
  if ((head.get("loop") ?? null) === null) return "No loop selected";
  if (head.get("filter")) return "No task matches the filter";
  const chips = head.get("chips") ?? [];
  return chips.length ? `No task is ${chips.join(" or ")}` : "No tasks";
}

/** @type {TaskState[]} */
const ALL_STATES = ["pending", "running", "cancelling", "failed", "lost", "cancelled", "finished"];

/** @param {Wire} wire @returns {Part} */
function summary(wire) {
  const { head } = wire;
  const element = make("div", "bgw-sum");
  const counters = [
    { key: "loops", words: (/** @type {number} */ count) => plural(count, "loop") },
    { key: "tasks", words: (/** @type {number} */ count) => plural(count, "task") },
    { key: "failed", words: () => "failed" },
  ].map(({ key, words }) => {
    const number = make("b", "");
    const noun = make("span", "");
    const counter = make("span", `bgw-count-${key}`, {}, number, " ", noun);
    element.append(counter);
    return () => {
      const count = head.get(key) ?? 0;
      setText(number, formatCount(count));
      setText(noun, words(count));
      if (key === "failed") setHidden(counter, count === 0);
      if (key === "tasks")
        setAttribute(counter, "title", formatCounts(head.get("counts") ?? {}, ALL_STATES) || null);
    };
  });
  const kernel = kernelState(wire);
  element.append(kernel.element);
  return {
    element,
    paint() {
      for (const paint of counters) paint();
      kernel.paint();
    },
  };
}

/** "kernel busy 0:41", "kernel idle". @param {Wire} wire @returns {Part} */
function kernelState(wire) {
  const word = make("span", "");
  const age = make("b", "");
  return {
    element: make("span", "bgw-kernel", {}, word, age),
    paint() {
      const state = wire.inContact ? (wire.head.said("kernel") ?? null) : null;
      const since = wire.head.said("busy_since") ?? null;
      // It does not stand still in a pause: the buttons go on working, or wait.
      const time = state === "busy" ? formatAge(ageOf(since, null, wire.kernelNow)) : "";
      setText(word, state === null ? "" : `kernel ${state}${time ? " " : ""}`);
      setText(age, time);
    },
  };
}

/** @param {Wire} wire @returns {Part} */
function contactMark(wire) {
  const element = make("span", "bgw-contact", { role: "status" });
  return {
    element,
    paint: () => setText(element, wire.inContact ? "" : wire.trouble),
  };
}

/** @param {Wire} wire @param {AbortSignal} signal @returns {Part} */
function filterInput(wire, signal) {
  const element = make("input", "bgw-filter", {
    type: "search",
    placeholder: "Filter tasks   /",
    "aria-label": "Filter tasks",
    autocomplete: "off",
    maxlength: "200", // what the kernel takes
    spellcheck: "false",
    "data-lm-suppress-shortcuts": "true",
  });
  let delay = 0;
  const send = () => {
    delay = 0;
    wire.wish("filter", element.value, { type: "filter", text: element.value });
  };
  element.addEventListener(
    "input",
    () => {
      window.clearTimeout(delay);
      delay = window.setTimeout(send, FILTER_SETTLES_IN);
    },
    { signal },
  );
  signal.addEventListener("abort", () => window.clearTimeout(delay));
  return {
    element,
    paint() {
      const text = wire.head.get("filter") ?? "";
      // Never under the user's fingers, nor before what was typed is sent.
      if (delay || document.activeElement === element || element.value === text) return;
      element.value = text;
    },
  };
}

/** @param {Wire} wire @param {AbortSignal} signal @returns {Part} */
function intervalSelect(wire, signal) {
  const element = make("select", "bgw-interval", {
    "aria-label": "Refresh interval",
    title: "Refresh interval",
  });
  let shown = "";
  const offer = (/** @type {number} */ present) => {
    const seconds = [...new Set([...INTERVALS, present])].sort((one, other) => one - other);
    element.replaceChildren(
      ...seconds.map((value) => make("option", "", { value: `${value}` }, `${value} s`)),
    );
    element.value = `${present}`;
  };
  offer(INTERVALS[1]);
  element.addEventListener(
    "change",
    () => {
      const seconds = Number(element.value);
      wire.wish("interval", seconds, { type: "interval", seconds });
    },
    { signal },
  );
  return {
    element,
    paint() {
      const interval = wire.head.get("interval");
      if (interval === undefined || `${interval}` === shown) return;
      shown = `${interval}`;
      offer(interval);
    },
  };
}

/** @param {Wire} wire @param {AbortSignal} signal @returns {Part} */
function pauseButton(wire, signal) {
  const element = make("button", "bgw-pause", { type: "button", "aria-pressed": "false" }, "Pause");
  element.addEventListener(
    "click",
    () => togglePause(wire),
    { signal },
  );
  return {
    element,
    paint() {
      const paused = Boolean(wire.head.get("paused"));
      setAttribute(element, "aria-pressed", `${paused}`);
      setText(element, paused ? "Resume" : "Pause");
    },
  };
}

/** Opens a window of its own for the panel, which is another widget's (pop_out.js).
 * @param {AbortSignal} signal @returns {Part} */
function popOutButton(signal) {
  const element = make("button", "bgw-pop-out", {
    type: "button",
    "aria-label": "Pop out",
    title: "Pop out: the panel in a window of its own",
  });
  element.addEventListener(
    "click",
    () => {
      const popOut = element.closest(".bgw-panel")?.querySelector(".bgw-out");
      popOut?.dispatchEvent(new CustomEvent("bgw-pop-out"));
    },
    { signal },
  );
  return { element, paint() {} };
}

const TABS = /** @type {[string, string][]} */ ([
  ["tasks", "Tasks"],
  ["output", "Output"],
  ["chain", "Await chain"],
  ["error", "Error"],
  ["plots", "Plots"],
  ["history", "History"],
  ["timings", "Timings"],
]);

/**
 * "Tasks 412", the details of the current task and of the loop, and the loop's plots. Those are
 * shown by other widgets (task_details.js, plots_view.js) in the place of the grid, which are told
 * which tab is open.
 * @param {Wire} wire
 * @param {HTMLElement} grid
 * @param {() => TaskRow | null} currentTask
 * @param {AbortSignal} signal
 */
function tabStrip(wire, grid, currentTask, signal) {
  const tabs = new Map(
    TABS.map(([name, title]) => [
      name,
      make("button", `bgw-tab bgw-tab-${name}`, { type: "button", role: "tab" }, title),
    ]),
  );
  const list = make("div", "bgw-tablist", { role: "tablist" }, ...tabs.values());
  const element = make("div", "bgw-tabs", {}, list);
  let open = "tasks";
  const hasFailed = () => currentTask()?.state === "failed";
  const isOffered = (/** @type {string} */ name) => {
    if (name === "error") return hasFailed() || Boolean(wire.head.get("has_error"));
    return !["plots", "timings"].includes(name) || Boolean(wire.head.get(name));
  };
  /** What each of those widgets was told last. @type {WeakMap<Element, string>} */
  const told = new WeakMap();
  const tellDetails = (focus = false) => {
    const subject = { tab: open, loop: wire.head.get("loop") ?? null };
    const trouble = wire.inContact ? null : wire.trouble;
    const detail = { ...subject, task: currentTask()?.id ?? null, focus, trouble };
    const others = element
      .closest(".bgw-panel")
      ?.querySelectorAll(".bgw-details, .bgw-output, .bgw-plots");
    const words = JSON.stringify(detail);
    for (const other of others ?? []) {
      if (!focus && told.get(other) === words) continue;
      told.set(other, words);
      other.dispatchEvent(new CustomEvent("bgw-tab", { detail }));
    }
  };
  const show = (/** @type {string} */ name, focus = false) => {
    open = name;
    paint();
    tellDetails(focus);
    wire.onChange();
  };
  const goBack = () => {
    show("tasks");
    grid.focus({ preventScroll: true });
  };
  const paint = () => {
    if (!isOffered(open)) open = "tasks";
    for (const [name, tab] of tabs) {
      setAttribute(tab, "aria-selected", `${name === open}`);
      setAttribute(tab, "tabindex", name === open ? "0" : "-1");
      setHidden(tab, !isOffered(name));
    }
    const unfinished = wire.head.get("unfinished");
    const title = unfinished === undefined ? "Tasks" : `Tasks ${formatCount(unfinished)}`;
    setText(/** @type {HTMLElement} */ (tabs.get("tasks")), title);
    setHidden(grid, open !== "tasks");
  };
  list.addEventListener(
    "click",
    ({ target }) => {
      for (const [name, tab] of tabs) if (tab === target) show(name);
    },
    { signal },
  );
  list.addEventListener(
    "keydown",
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const offered = [...tabs.keys()].filter(isOffered);
      const at = offered.indexOf(open);
      const target = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 }[event.key];
      if (event.key === "Escape") goBack();
      else if (target === undefined) return;
      else {
        show(/** @type {string} */ (offered.at(target % offered.length)));
        tabs.get(open)?.focus();
      }
      event.preventDefault();
    },
    { signal },
  );
  return {
    element,
    goBack,
    /** Which tab is open. */
    get open() {
      return open;
    },
    set open(name) {
      open = name;
    },
    openOutput: () => show("output", true),
    /** What the user wants to know first of the current task. */
    openDetails: () => show(hasFailed() ? "error" : "chain", true),
    paint() {
      paint();
      tellDetails(); // in each paint, for that widget may have been made after this one
    },
  };
}

/**
 * Buttons that pick tasks by their state; with none pressed, all are shown.
 * @param {Wire} wire @param {AbortSignal} signal @returns {Part}
 */
function stateChips(wire, signal) {
  const chips = new Map(
    CHIPS.map((name) => [name, make("button", "bgw-chip", { type: "button" }, name)]),
  );
  const element = make(
    "div",
    "bgw-chips",
    { role: "group", "aria-label": "Show only tasks that are" },
    ...chips.values(),
  );
  /** @returns {string[]} */
  const pressed = () => wire.head.get("chips") ?? [];
  for (const [name, chip] of chips)
    chip.addEventListener(
      "click",
      () => {
        const others = pressed().filter((other) => other !== name);
        const now = others.length < pressed().length ? others : [...others, name];
        const inOrder = CHIPS.filter((each) => now.includes(each));
        wire.wish("chips", inOrder, { type: "chips", chips: inOrder });
      },
      { signal },
    );
  return {
    element,
    paint() {
      for (const [name, chip] of chips)
        setAttribute(chip, "aria-pressed", `${pressed().includes(name)}`);
    },
  };
}

/** @param {Wire} wire @returns {Part} */
function tasksFooter(wire) {
  const rows = make("span", "bgw-row-count");
  const ended = make("span", "bgw-ended");
  const keys = make(
    "span",
    "bgw-keys",
    {},
    ...["e Stop event", "s Stop loop", "c Cancel", "/ filter", "? keys"].map((hint) =>
      make("span", "", {}, hint),
    ),
  );
  return {
    element: make("div", "bgw-foot", {}, rows, ended, keys),
    paint() {
      const { total, head, isKnown } = wire;
      const count = formatNumber(total, "row");
      const matching = head.get("filtered") ? " with the filter" : "";
      const picked = head.get("picked") ?? [];
      const selected = picked.length ? `, ${formatCount(picked.length)} selected` : "";
      setText(rows, isKnown ? count + matching + selected : "");
      setText(ended, formatEnded(head.get("counts") ?? {}));
    },
  };
}

// ---------------------------------------------------------------------------- render

const ACTION_KEYS = /** @type {Record<string, string>} */ ({
  e: "stop_event",
  s: "stop_loop",
  c: "cancel_tasks",
  r: "restart",
  x: "remove",
});

/**
 * Single keys act on the selected loop from inside either grid; "/" leads to the panel's filter.
 * No key leaks into the notebook, where it could mean something else (c copies a cell).
 * @param {Face} face @param {Wire} wire @param {AbortSignal} signal
 */
function listenForKeys({ element, grid, selectedLoop, cancel }, wire, signal) {
  element.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab's own way to opt out
  element.addEventListener(
    "keydown",
    (event) => {
      event.stopPropagation();
      const { key } = event;
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input, select")) return;
      if (key === "/") {
        event.preventDefault(); // the key itself is no part of the filter
        focusFilter(element);
      } else if (key === "?") showKeys(element, signal);
      else if (key === "o" && grid.element.contains(target)) {
        const tasks = element.closest(".bgw-panel")?.querySelector(".bgw-tasks");
        tasks?.dispatchEvent(new CustomEvent("bgw-output"));
      } else if (key === " " && target === grid.element) {
        event.preventDefault(); // it would scroll
        if (!event.repeat) togglePause(wire);
      } else if (grid.element.contains(target) && key in ACTION_KEYS && !event.repeat) {
        // In the list of tasks it is their rows that keys are for, where there is a current one.
        // None is never all: the loop that is shown may have changed a moment ago.
        if (key === "c" && cancel) cancel();
        else wire.act(ACTION_KEYS[key], selectedLoop());
      }
    },
    { signal },
  );
}

/** @param {Wire} wire */
function togglePause(wire) {
  const paused = !wire.head.get("paused");
  wire.wish("paused", paused, { type: "pause", paused });
}

const KEYS = [
  ["↑ ↓  j k", "to another row"],
  ["Home End Page↑ Page↓", "far away"],
  ["Shift, Ctrl with a click or arrow", "select several rows"],
  ["Ctrl A", "select all"],
  ["Enter", "details of this row's task"],
  ["o", "the loop's output"],
  ["Left Right", "from tab to tab"],
  ["Esc", "back, or select one row again"],
  ["/", "filter"],
  ["Space", "pause, resume"],
  ["e", "Stop event"],
  ["s", "Stop loop"],
  ["c", "Cancel tasks, or this row's"],
  ["Delete", "cancel the task of this row"],
  ["r", "Restart"],
  ["x", "Remove an ended loop"],
  ["?", "this list"],
];

/**
 * Lay the list of keys over the panel, until a key or a click closes it.
 * @param {HTMLElement} element @param {AbortSignal} signal
 */
function showKeys(element, signal) {
  const panel = element.closest(".bgw-panel") ?? element;
  if (panel.querySelector(".bgw-help")) return;
  const before = /** @type {HTMLElement | null} */ (element.ownerDocument.activeElement);
  const list = make("dl", "");
  for (const [keys, meaning] of KEYS)
    list.append(make("dt", "", {}, keys), make("dd", "", {}, meaning));
  const help = make(
    "div",
    "bgw-help",
    {
      role: "dialog",
      "aria-modal": "true",
      "aria-label": "Keys",
      tabindex: "-1",
      "data-lm-suppress-shortcuts": "true",
    },
    make("h2", "", {}, "Keys"),
    list,
  );
  const close = () => {
    help.remove();
    before?.focus({ preventScroll: true });
  };
  help.addEventListener("click", close);
  help.addEventListener("keydown", (event) => {
    event.stopPropagation();
    event.preventDefault();
    if (["Escape", "?", "Enter", " ", "Tab"].includes(event.key)) close();
  });
  signal.addEventListener("abort", () => help.remove());
  panel.append(help);
  help.focus({ preventScroll: true });
}

/** @param {HTMLElement} element */
function focusFilter(element) {
  const panel = element.closest(".bgw-panel") ?? element;
  /** @type {HTMLElement | null} */ (panel.querySelector(".bgw-filter"))?.focus();
}

/** @param {{model: Model, el: HTMLElement, home?: Home}} context */
function render({ model, el, home = { el, isGone: () => true } }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const isLoops = model.get("kind") === "loops";
  const firstWindow = windowAt(0, isLoops ? MOST_LOOPS_IN_SIGHT : TASKS_IN_SIGHT);
  const place = new Place(model, el, home);
  const wire = new Wire(model, firstWindow, place, signal);
  const face = isLoops ? loopsFace(wire, signal) : tasksFace(wire, signal);
  let isDead = false;
  const paint = () => {
    place.look();
    face.grid.look();
    face.element.classList.toggle("bgw-lost", !wire.inContact);
    face.paint();
    // The buttons between the tables are the panel's, for which the table of loops speaks.
    const scope = isLoops ? (el.closest(".bgw-panel") ?? el) : el;
    if (isDead || !wire.inContact) setDead(scope, !wire.inContact);
    isDead = !wire.inContact;
    // A grid that is hidden has forgotten where it was scrolled to, until it is shown again.
    if (!face.grid.element.hidden) wire.ask(face.grid.window);
  };
  wire.onChange = coalesced(paint, signal);
  listenForKeys(face, wire, signal);
  el.append(face.element);
  paint();
  return () => {
    lifetime.abort();
    face.element.remove();
  };
}

export default { render };
