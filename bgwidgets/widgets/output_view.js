// @ts-check
/**
 * The output of a loop, live: the end of it, or what one has scrolled or searched to.
 *
 * The page holds a window of lines, as the kernel cuts it, and so has the same number of elements
 * however much is written. Where the rest is, there is empty room of about its height. Text is only
 * ever text: colours become spans, pictures come as `<img>` from a Blob, and nothing is HTML.
 *
 * The tab is the table's (task_table.js), which says by the event "bgw-tab" on this widget's element
 * whether it is open; "bgw-back" on the table's element says that the user wants the tasks again. In
 * a window of its own (pop_out.js) there is no table, and `solo` names the loop.
 *
 * The sections, from the bottom up:
 *   words      counts, characters that are not seen, what is looked for
 *   colours    ANSI sequences, and having them readable on this background
 *   elements   making them; a line
 *   Wire       the messages to and from the kernel
 *   Lines      the window of lines: scrolled, followed, kept in its place
 *   Whole      all that the kernel holds, in pieces
 *   render     puts them together
 */

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {[
 *   number: number, text: string, task?: number | null, name?: string | null, stderr?: 1 | null,
 *   picture?: string,
 * ]} Told a line, as it travels
 * @typedef {{
 *   number: number, text: string, task: number | null, name: string | null, isError: boolean,
 *   picture: string | null,
 * }} Line
 * @typedef {{
 *   start: number, first: number | null, last: number | null, follows: boolean, gone: number[],
 *   lines: Told[],
 * }} Window
 * @typedef {{
 *   total: number, first: number, end: number, dropped: number, tasks: [number, string][],
 *   hits: number | null, name: string | null,
 * }} Head
 * @typedef {{
 *   type: "output", view: string, seq: number, full: boolean, loop: number, task: number | null,
 *   head?: Partial<Head>, open?: Told[], window?: Window,
 *   hit?: {at: number | null, number: number | null},
 * }} Output
 * @typedef {{
 *   type: "picture", view: string, number: number, kind?: string, data?: string, why?: string,
 * }} Picture
 * @typedef {{
 *   type: "piece", view: string, text: string, start: number, stop: number, total: number,
 * }} Piece
 * @typedef {{
 *   loop: number | null, task: number | null, find: string, around: number | null,
 * }} Subject `around`: the line that is looked at; null: the end
 * @typedef {{bold?: true, dim?: true, italic?: true, underline?: true, strike?: true,
 *   inverse?: true, ink?: Rgb, paper?: Rgb}} Look
 * @typedef {[number, number, number]} Rgb
 * @typedef {{tab: string, loop: number | null, focus?: boolean, trouble?: string | null}} TabOpened
 */

const LINE_HEIGHT = 17; // px, as in the style sheet, of a line that is not wrapped
const NEAR = 30; // lines from the edge of the window at which more are asked for

const SECOND = 1000;
const SAID_AGAIN_EVERY = 4 * SECOND;
const ANSWER_WITHIN = 0.5 * SECOND;
const CONTACT_LOST_AFTER = 3 * SECOND; // a kernel that is there says a word each second
const SETTLES_IN = 150;
const SAID_FOR = 2 * SECOND;
const PIECE_WITHIN = 10 * SECOND;

// ---------------------------------------------------------------------------- words

/** 1207 -> "1,207". @param {number} count */
export function formatCount(count) {
  return String(Math.trunc(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "1 line", "1,207 lines". @param {number} count @param {string} [kind] */
export function formatLines(count, kind = "") {
  return `${formatCount(count)} ${kind}${kind && " "}${count === 1 ? "line" : "lines"}`;
}

/** What is not seen is written as Python writes it: "\\x00". @param {string} text */
export function visible(text) {
  return text.replace(
    /[\0-\x08\x0b-\x1f\x7f-\x9f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Where a text is in a line, be its letters large or small. @param {string} text @param {string} find
 * @returns {[number, number][]} */
export function hitsIn(text, find) {
  if (!find) return [];
  const pattern = find.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return [...text.matchAll(new RegExp(pattern, "giu"))].map(({ index, 0: hit }) => [
    index,
    index + hit.length,
  ]);
}

/** @param {Told} told @returns {Line} */
export function readLine([number, text, task = null, name = null, error = null, picture]) {
  return { number, text, task, name, isError: error === 1, picture: picture ?? null };
}

// ---------------------------------------------------------------------------- colours

/** As in JupyterLab's outputs: black, red, green, yellow, blue, magenta, cyan, white, and the same
 * brighter. @type {Rgb[]} */
const SIXTEEN = [
  [62, 66, 77], [231, 92, 88], [0, 162, 80], [221, 182, 43],
  [32, 143, 251], [209, 96, 196], [96, 198, 200], [197, 193, 180],
  [102, 108, 122], [255, 116, 112], [52, 196, 120], [245, 212, 92],
  [92, 172, 255], [232, 132, 222], [128, 222, 224], [233, 231, 224],
]; // prettier-ignore
const LEVELS = [0, 95, 135, 175, 215, 255];

/** One of the 256. @param {number} index @returns {Rgb} */
function ofPalette(index) {
  if (index < 16) return SIXTEEN[index];
  if (index > 231) return [8, 8, 8].map((level) => level + 10 * (index - 232));
  const at = index - 16;
  return [LEVELS[Math.floor(at / 36)], LEVELS[Math.floor(at / 6) % 6], LEVELS[at % 6]];
}

/**
 * The parts of a line, each in one look.
 * @param {string} text @returns {{text: string, look: Look}[]}
 */
export function partsOf(text) {
  const parts = [];
  /** @type {Look} */
  let look = {};
  let from = 0;
  for (const { index, 0: sequence, 1: codes } of text.matchAll(/\x1b\[([\d;:]*)m/g)) {
    if (index > from) parts.push({ text: text.slice(from, index), look });
    look = changed(look, codes);
    from = index + sequence.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), look });
  return parts;
}

/** @param {Look} look @param {string} codes @returns {Look} */
function changed(look, codes) {
  // "38:2::1:2:3" is one colour, and so is "38;2;1;2;3", which only its numbers tell.
  const numbers = codes
    .replace(/([34]8):2:(?:\d*):(\d+:\d+:\d+)/g, "$1;2;$2")
    .split(/[;:]/)
    .map(Number);
  let now = { ...look };
  while (numbers.length) {
    const code = /** @type {number} */ (numbers.shift());
    if (code === 0) now = {};
    else if (code === 1) now.bold = true;
    else if (code === 2) now.dim = true;
    else if (code === 3) now.italic = true;
    else if (code === 4) now.underline = true;
    else if (code === 7) now.inverse = true;
    else if (code === 9) now.strike = true;
    else if (code === 22) (delete now.bold, delete now.dim);
    else if (code === 23) delete now.italic;
    else if (code === 24) delete now.underline;
    else if (code === 27) delete now.inverse;
    else if (code === 29) delete now.strike;
    else if (code === 39) delete now.ink;
    else if (code === 49) delete now.paper;
    else if (code === 38 || code === 48) {
      const colour = takeColour(numbers);
      if (colour) now[code === 38 ? "ink" : "paper"] = colour;
    } else if (code >= 30 && code <= 37) now.ink = SIXTEEN[code - 30];
    else if (code >= 40 && code <= 47) now.paper = SIXTEEN[code - 40];
    else if (code >= 90 && code <= 97) now.ink = SIXTEEN[code - 82];
    else if (code >= 100 && code <= 107) now.paper = SIXTEEN[code - 92];
  }
  return now;
}

/** @param {number[]} numbers @returns {Rgb | null} */
function takeColour(numbers) {
  const kind = numbers.shift();
  if (kind === 5) {
    const index = numbers.shift() ?? -1;
    return index >= 0 && index <= 255 ? ofPalette(index) : null;
  }
  if (kind !== 2) return null;
  const rgb = numbers.splice(0, 3);
  const isColour = rgb.length === 3 && rgb.every((level) => level >= 0 && level <= 255);
  return isColour ? /** @type {Rgb} */ (rgb) : null;
}

/** @param {Rgb} colour */
function luminance(colour) {
  const [r, g, b] = colour.map((level) => {
    const part = level / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** As WCAG counts it. @param {Rgb} one @param {Rgb} other */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * This colour, or the nearest one towards black or white that can be read on that background.
 * @param {Rgb} ink @param {Rgb} paper @returns {Rgb}
 */
export function readable(ink, paper) {
  const [black, white] = [0, 255].map((level) => /** @type {Rgb} */ ([level, level, level]));
  const target = contrast(black, paper) > contrast(white, paper) ? black : white;
  let colour = ink;
  for (let share = 0.1; contrast(colour, paper) < 4.6 && share <= 1.01; share += 0.1)
    colour = /** @type {Rgb} */ (
      ink.map((level, at) => Math.round(level + (target[at] - level) * share))
    );
  return colour;
}

/** The colours of the page around, by which others are judged.
 * @typedef {{ink: Rgb, paper: Rgb}} Theme */

/** @param {string} css "rgb(1, 2, 3)" @returns {Rgb | null} */
function rgbOf(css) {
  const numbers = css.match(/[\d.]+/g)?.map(Number) ?? [];
  if (!css.startsWith("rgb") || numbers.length < 3 || numbers[3] === 0) return null;
  return /** @type {Rgb} */ (numbers.slice(0, 3));
}

/** @param {HTMLElement} element @param {Look} look @param {Theme} theme */
function dress(element, look, theme) {
  let { ink, paper } = look;
  if (look.inverse) [ink, paper] = [paper ?? theme.paper, ink ?? theme.ink];
  const { style } = element;
  const css = (/** @type {Rgb} */ colour) => `rgb(${colour.join(" ")})`;
  if (paper) {
    style.backgroundColor = css(paper);
    ink ??= theme.ink;
  }
  if (ink) style.color = css(readable(ink, paper ?? theme.paper));
  else if (look.dim) style.color = "var(--bgw-soft)";
  if (look.bold) style.fontWeight = "700";
  if (look.italic) style.fontStyle = "italic";
  const lines = [look.underline && "underline", look.strike && "line-through"].filter(Boolean);
  if (lines.length) style.textDecoration = lines.join(" ");
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

/** @param {string} text @param {Record<string, string>} [attributes] */
function button(text, attributes = {}) {
  return make("button", "bgw-small", { type: "button", ...attributes }, text);
}

/** @param {HTMLElement} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * The text of a line: a span for each look, a mark for each hit.
 * @param {string} text @param {string} find @param {Theme} theme
 */
function textOf(text, find, theme) {
  const element = make("span", "bgw-text");
  const parts = partsOf(text).map((part) => ({ ...part, text: visible(part.text) }));
  const hits = hitsIn(parts.map((part) => part.text).join(""), find);
  let at = 0;
  for (const part of parts) {
    const from = at;
    at += part.text.length;
    const isPlain = Object.keys(part.look).length === 0;
    const holder = isPlain ? element : make("span", "");
    if (!isPlain) {
      dress(holder, part.look, theme);
      element.append(holder);
    }
    let done = from;
    for (const [start, stop] of hits.filter(([start, stop]) => start < at && stop > from)) {
      const [first, last] = [Math.max(start, from), Math.min(stop, at)];
      const cut = (/** @type {number} */ one, /** @type {number} */ other) =>
        part.text.slice(one - from, other - from);
      holder.append(cut(done, first), make("mark", "", {}, cut(first, last)));
      done = last;
    }
    holder.append(part.text.slice(done - from));
  }
  return element;
}

// ---------------------------------------------------------------------------- Wire

/** Asks for the output of one loop at a time, and says again and again that it is looked at. */
class Wire {
  /** @type {(output: Output) => void} */
  onOutput = () => {};
  /** @type {(picture: Picture) => void} */
  onPicture = () => {};
  /** @type {(piece: Piece) => void} */
  onPiece = () => {};
  heardAt = Date.now();

  #model;
  #el;
  #view = Math.random().toString(36).slice(2) || "0";
  #seq = 0;
  /** @type {Subject} */
  #subject = { loop: null, task: null, find: "", around: null };
  #stays = false;

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
      this.show({ ...this.#subject, loop: null });
    });
  }

  get isHidden() {
    return document.hidden || this.#el.closest(".bgw-away") !== null;
  }

  /**
   * @param {Subject} subject with no loop: nothing any more
   * @param {boolean} [stays] whether the lines that are here are those that are looked at
   */
  show(subject, stays = false) {
    const before = this.#subject;
    this.#subject = subject;
    this.#stays = stays;
    if (subject.loop === null) {
      this.#seq = 0;
      if (before.loop !== null) this.#send({ type: "bye", view: this.#view });
      return;
    }
    if (subject.loop !== before.loop || subject.task !== before.task) this.#seq = 0;
    this.sayAgain();
  }

  /** A hidden page says nothing, is forgotten after a while, and told all when it comes back. */
  sayAgain() {
    const { loop, task, find, around } = this.#subject;
    if (loop === null || this.isHidden) return;
    this.#send({
      type: "show",
      view: this.#view,
      loop,
      ...(task !== null && { task }),
      ...(find && { find }),
      ...(around !== null && { around }),
      ...(this.#stays && { stays: true }),
      known: this.#seq,
    });
  }

  /** To the next hit from there. @param {number} number @param {boolean} back */
  step(number, back) {
    this.#send({ type: "step", view: this.#view, number: Math.max(0, number), back });
  }

  /** @param {number} number */
  fetchPicture(number) {
    this.#send({ type: "picture", view: this.#view, number });
  }

  /** @param {number} start */
  fetchPiece(start) {
    this.#send({ type: "save", view: this.#view, start });
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the tables say so.
    }
  }

  #hear = (/** @type {any} */ message) => {
    this.heardAt = Date.now();
    if (message.view !== this.#view) return;
    if (message.type === "picture") this.onPicture(message);
    else if (message.type === "piece") this.onPiece(message);
    else if (message.type === "output") this.#take(message);
  };

  /** @param {Output} output */
  #take(output) {
    const { loop, task } = this.#subject;
    if (output.loop !== loop || output.task !== task) return;
    if (!output.full && output.seq !== this.#seq + 1) {
      if (this.#seq) {
        this.#seq = 0;
        this.sayAgain();
      }
      return;
    }
    this.#seq = output.seq;
    this.onOutput(output);
  }
}

// ---------------------------------------------------------------------------- Lines

/**
 * The lines of the window, in room as high as all of them would take.
 * @typedef {{line: Line, element: HTMLElement, text: string}} Shown
 */
class Lines {
  body;
  /** The task of a line was clicked. @type {(task: number) => void} */
  onTask = () => {};
  /** A picture came into sight. @type {(number: number) => void} */
  onPicture = () => {};
  /** @type {Theme} */
  theme = { ink: [0, 0, 0], paper: [255, 255, 255] };
  find = "";
  /** The line that was found. @type {number | null} */
  found = null;

  #before = make("div", "bgw-room");
  #dropped = make("div", "bgw-dropped");
  #list = make("div", "bgw-lines");
  #open = make("div", "bgw-lines");
  #after = make("div", "bgw-room");
  /** @type {Map<number, Shown>} */
  #shown = new Map();
  /** @type {Shown[]} */
  #openShown = [];
  /** @type {Map<number, string>} */
  #addresses = new Map();
  #start = 0;
  #sight;

  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.body = make(
      "div",
      "bgw-output-body",
      { role: "log", "aria-live": "off", tabindex: "0" },
      this.#before,
      this.#dropped,
      this.#list,
      this.#open,
      this.#after,
    );
    this.#sight = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries)
          if (isIntersecting) {
            this.#sight.unobserve(target);
            this.onPicture(Number(/** @type {HTMLElement} */ (target).dataset.bgwNumber));
          }
      },
      { root: this.body, rootMargin: "200px" },
    );
    this.body.addEventListener(
      "click",
      ({ target }) => {
        const whose = /** @type {HTMLElement} */ (target).closest(".bgw-whose");
        const task = /** @type {HTMLElement | null} */ (whose)?.dataset.bgwTask;
        if (task) this.onTask(Number(task));
      },
      { signal },
    );
    signal.addEventListener("abort", () => {
      this.#sight.disconnect();
      for (const address of this.#addresses.values()) URL.revokeObjectURL(address);
    });
  }

  get count() {
    return this.#shown.size;
  }

  get isAtTheEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.body;
    return scrollHeight - scrollTop - clientHeight < 4;
  }

  goToTheEnd() {
    this.body.scrollTop = this.body.scrollHeight;
  }

  clear() {
    this.#drop([...this.#shown.keys()]);
    this.#list.replaceChildren();
    this.#open.replaceChildren();
    this.#openShown = [];
    this.#start = 0;
    for (const room of [this.#before, this.#after]) room.style.height = "0";
    setText(this.#dropped, "");
  }

  /** Take the lines of a window; those that are there stay as they are. @param {Window} window */
  take({ start, first, last, gone, lines }) {
    this.#start = start;
    const isOutside = (/** @type {number} */ number) =>
      first === null || last === null || number < first || number > last;
    this.#drop([...this.#shown.keys()].filter(isOutside));
    this.#drop([...gone, ...lines.map(([number]) => number)]);
    for (const told of lines) {
      const line = readLine(told);
      this.#shown.set(line.number, this.#build(line));
    }
    const inOrder = [...this.#shown.values()].sort((a, b) => a.line.number - b.line.number);
    this.#shown = new Map(inOrder.map((shown) => [shown.line.number, shown]));
    inOrder.forEach(({ element }, at) => {
      if (this.#list.children[at] !== element)
        this.#list.insertBefore(element, this.#list.children[at] ?? null);
    });
    this.#tag();
  }

  /** The lines that have no end yet. @param {Told[]} open */
  takeOpen(open) {
    const before = new Map(this.#openShown.map((shown) => [shown.line.number, shown]));
    this.#openShown = open.map((told) => {
      const line = readLine(told);
      const known = before.get(line.number);
      return known?.text === line.text ? known : this.#build(line);
    });
    this.#open.replaceChildren(...this.#openShown.map(({ element }) => element));
    this.#tag();
  }

  /** Room for what is not here. @param {Head} head @param {boolean} isAll of all tasks */
  makeRoom(head, isAll) {
    const [first] = this.#shown.keys();
    // Those before may have been dropped since.
    if (first <= head.first) this.#start = 0;
    else if (isAll) this.#start = Math.min(this.#start, first - head.first);
    const after = Math.max(0, head.total - this.#start - this.#shown.size);
    this.#before.style.height = `${this.#start * LINE_HEIGHT}px`;
    this.#after.style.height = `${after * LINE_HEIGHT}px`;
    const isDropped = this.#start === 0 && head.dropped > 0;
    setText(this.#dropped, isDropped ? `… ${formatLines(head.dropped)} dropped` : "");
  }

  /** Show all of them anew: something is looked for, or the theme has changed. */
  repaint() {
    for (const shown of [...this.#shown.values(), ...this.#openShown]) {
      if (shown.line.picture !== null) continue;
      const text = shown.element.querySelector(".bgw-text");
      text?.replaceWith(textOf(shown.line.text, this.find, this.theme));
    }
    this.markFound();
  }

  markFound() {
    for (const [number, { element }] of this.#shown)
      element.classList.toggle("bgw-hit", number === this.found);
  }

  /** The first line in sight, and how far above its beginning that is; null: there is none. */
  get anchor() {
    const { scrollTop } = this.body;
    const shown = [...this.#shown.values()];
    let [low, high] = [0, shown.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const { offsetTop, offsetHeight } = shown[middle].element;
      if (offsetTop + offsetHeight <= scrollTop) low = middle + 1;
      else high = middle;
    }
    const first = shown[low];
    if (!first || first.element.offsetTop > scrollTop + this.body.clientHeight) return null;
    return { number: first.line.number, offset: scrollTop - first.element.offsetTop, at: low };
  }

  /** Scroll so that a line is where it was. @param {{number: number, offset: number}} anchor */
  putBack({ number, offset }) {
    const element = this.#shown.get(number)?.element;
    if (element) this.body.scrollTop = element.offsetTop + offset;
    return element !== undefined;
  }

  /** Bring a line into sight, if it is not; not to the very edge. @param {number} number */
  reveal(number) {
    const element = this.#shown.get(number)?.element;
    if (!element) return;
    const { scrollTop, clientHeight } = this.body;
    const { offsetTop, offsetHeight } = element;
    if (offsetTop < scrollTop || offsetTop + offsetHeight > scrollTop + clientHeight)
      this.body.scrollTop = offsetTop - clientHeight / 3;
  }

  /** Whether less is here than may soon be seen, of what can be had. @param {Head} head */
  isShort(head) {
    const { scrollTop, clientHeight } = this.body;
    // What was dropped meanwhile is kept as long as it is looked at: nothing comes right after it.
    const isHeld = ([...this.#shown.keys()].at(-1) ?? 0) >= head.first;
    const margin = isHeld ? NEAR * LINE_HEIGHT : 0;
    const top = this.#list.offsetTop;
    const bottom = top + this.#list.offsetHeight;
    const hasBefore = this.#start > 0 && scrollTop < top + margin;
    const hasAfter =
      this.#start + this.#shown.size < head.total && scrollTop + clientHeight > bottom - margin;
    return hasBefore || hasAfter;
  }

  /** The number of the line in whose room one looks. @param {Head} head */
  numberInSight({ first, end, total }) {
    const share = this.body.scrollTop / Math.max(1, total * LINE_HEIGHT);
    return Math.min(Math.max(first, Math.floor(first + share * (end - first))), Math.max(0, end - 1));
  }

  /** @param {Picture} picture */
  paint({ number, kind = "", data, why }) {
    const shown = this.#shown.get(number);
    const text = shown?.element.querySelector(".bgw-text");
    if (!shown || !text) return;
    if (why || data === undefined) {
      text.textContent = `${shown.line.text} (${why})`;
      return;
    }
    const bytes =
      kind === "image/svg+xml"
        ? new TextEncoder().encode(data)
        : Uint8Array.from(atob(data.replace(/\s/g, "")), (letter) => letter.charCodeAt(0));
    const address = URL.createObjectURL(new Blob([bytes], { type: kind }));
    this.#forget(number);
    this.#addresses.set(number, address);
    const wasAtTheEnd = this.isAtTheEnd;
    const image = make("img", "", { alt: shown.line.text, src: address });
    image.addEventListener("load", () => wasAtTheEnd && this.goToTheEnd(), { once: true });
    text.replaceChildren(image);
  }

  /** @param {Line} line @returns {Shown} */
  #build(line) {
    const whose = make("button", "bgw-whose", { type: "button", tabindex: "-1" });
    whose.hidden = true;
    const text = line.picture
      ? make("span", "bgw-text", {}, line.text)
      : textOf(line.text, this.find, this.theme);
    const element = make("div", "bgw-written", {}, whose, text);
    element.dataset.bgwNumber = `${line.number}`;
    if (line.isError) {
      element.dataset.bgwStream = "stderr";
      element.title = "stderr";
      element.prepend(make("span", "bgw-heard", {}, "stderr: "));
    }
    if (line.number === this.found) element.classList.add("bgw-hit");
    if (line.picture) this.#sight.observe(element);
    return { line, element, text: line.text };
  }

  /** A line says whose it is when the one before it is another's. */
  #tag() {
    let before = null;
    for (const { line, element } of [...this.#shown.values(), ...this.#openShown]) {
      const whose = /** @type {HTMLElement} */ (element.querySelector(".bgw-whose"));
      const isNew = line.task !== before && line.task !== null;
      before = line.task;
      if (whose.hidden !== isNew) continue;
      whose.hidden = !isNew;
      if (!isNew) continue;
      setText(whose, line.name ?? `task ${line.task}`);
      whose.dataset.bgwTask = `${line.task}`;
      whose.title = `Only ${whose.textContent}`;
    }
  }

  /** @param {number[]} numbers */
  #drop(numbers) {
    for (const number of numbers) {
      this.#shown.get(number)?.element.remove();
      this.#shown.delete(number);
      this.#forget(number);
    }
  }

  /** @param {number} number */
  #forget(number) {
    const address = this.#addresses.get(number);
    if (address) URL.revokeObjectURL(address);
    this.#addresses.delete(number);
  }
}

// ---------------------------------------------------------------------------- Whole

/** All that the kernel holds, which comes in pieces. */
class Whole {
  /** @type {((share: number) => void)} how much of it has come */
  onProgress = () => {};
  #wire;
  #timer = 0;
  /** @type {{text: string, at: number, done: (text: string) => void, fail: (why: Error) => void} | null} */
  #fetching = null;

  /** @param {Wire} wire @param {AbortSignal} signal */
  constructor(wire, signal) {
    this.#wire = wire;
    wire.onPiece = (piece) => this.#take(piece);
    signal.addEventListener("abort", () => this.stop());
  }

  get isFetching() {
    return this.#fetching !== null;
  }

  /** @returns {Promise<string>} */
  fetch() {
    this.stop();
    return new Promise((done, fail) => {
      this.#fetching = { text: "", at: 0, done, fail };
      this.#ask(0);
    });
  }

  stop(why = "stopped") {
    window.clearTimeout(this.#timer);
    this.#fetching?.fail(new Error(why));
    this.#fetching = null;
  }

  /** @param {number} start */
  #ask(start) {
    this.#wire.fetchPiece(start);
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.stop("no answer from the kernel"), PIECE_WITHIN);
  }

  /** @param {Piece} piece */
  #take({ text, start, stop, total }) {
    const fetching = this.#fetching;
    if (!fetching || start !== fetching.at) return;
    fetching.text += text;
    fetching.at = stop; // in characters as Python counts them
    this.onProgress(total ? stop / total : 1);
    if (stop < total) {
      this.#ask(stop);
      return;
    }
    window.clearTimeout(this.#timer);
    this.#fetching = null;
    fetching.done(fetching.text);
  }
}

/** @param {string} name @param {string} text */
function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  make("a", "", { href: address, download: `${name.replace(/[^\w.-]+/g, "-")}.txt` }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), SECOND);
}

/** Where the page is not from a safe address there is no clipboard but the old one.
 * @param {string} text @param {HTMLElement} near */
async function copy(text, near) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = make("textarea", "bgw-heard", { "aria-hidden": "true" });
  area.value = text;
  near.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (!isDone) throw new Error("the browser does not allow it");
}

// ---------------------------------------------------------------------------- render

/**
 * What has changed by two windows, one after the other; no more than the second one has lines.
 * @param {Window} earlier @param {Window} later @returns {Window}
 */
export function afterBoth(earlier, later) {
  const { first, last } = later;
  const isInside = (/** @type {number} */ number) =>
    first !== null && last !== null && number >= first && number <= last;
  const isNew = new Set(later.lines.map(([number]) => number));
  const isGone = new Set(later.gone);
  const stays = earlier.lines.filter(
    ([number]) => isInside(number) && !isNew.has(number) && !isGone.has(number),
  );
  const gone = [...new Set([...earlier.gone, ...later.gone])].filter(isInside);
  // A line that left the window and came back was told anew, so it is among the later ones.
  return { ...later, lines: [...stays, ...later.lines], gone };
}

/** @returns {Head} */
function nothingKnown() {
  return { total: 0, first: 0, end: 0, dropped: 0, tasks: [], hits: null, name: "" };
}

/** @param {{model: Model, el: HTMLElement, solo?: number}} context */
function render({ model, el, solo }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const wire = new Wire(model, el, signal);
  const lines = new Lines(signal);
  const whole = new Whole(wire, signal);
  const { body } = lines;

  const tasks = make("select", "bgw-task-filter", { "aria-label": "Output of" });
  const allTasks = button("×", { "aria-label": "Show the output of all tasks" });
  const field = make("input", "bgw-find", {
    type: "search",
    placeholder: "Find   /",
    "aria-label": "Find in the output",
    autocomplete: "off",
    maxlength: "200", // what the kernel takes
    spellcheck: "false",
  });
  const hits = make("span", "bgw-hits", { role: "status" });
  const previous = button("↑", { "aria-label": "Previous hit", title: "Previous (Shift Enter)" });
  const next = button("↓", { "aria-label": "Next hit", title: "Next (Enter)" });
  const wrap = button("Wrap", { "aria-pressed": "true", title: "Wrap long lines" });
  const copying = button("Copy", { title: "Copy what is selected, or all" });
  const saving = button("Download", { title: "All that the kernel holds, as a text file" });
  const popOut = button("Pop out", {
    "aria-label": "Pop out the output",
    title: "The output in a window of its own",
  });
  const toEnd = make("button", "bgw-to-end", { type: "button" });
  const nothing = make("p", "bgw-nothing");
  const amount = make("span", "bgw-amount");
  const said = make("span", "bgw-said", { role: "status" });
  const hints = ["/ find", "End follow", ...(solo === undefined ? ["Esc tasks"] : [])];
  const root = make(
    "div",
    "bgw-output",
    { role: solo === undefined ? "tabpanel" : "region", "data-lm-suppress-shortcuts": "true" },
    make(
      "div",
      "bgw-output-bar",
      {},
      make("span", "bgw-group", {}, tasks, allTasks),
      make("span", "bgw-group bgw-finding", {}, field, hits, previous, next),
      make("span", "bgw-group bgw-doing", {}, wrap, copying, saving, popOut),
    ),
    make("div", "bgw-output-place", {}, body, nothing, toEnd),
    make(
      "div",
      "bgw-output-foot",
      {},
      amount,
      said,
      make("span", "bgw-hints", {}, ...hints.map((hint) => make("span", "", {}, hint))),
    ),
  );
  root.hidden = true;
  popOut.classList.add("bgw-output-out");

  /** @type {Subject} */
  let subject = { loop: null, task: null, find: "", around: null };
  let head = nothingKnown();
  let isKnown = false;
  /** Where the end was when it was last in sight. */
  let seenEnd = 0;
  /** @type {number | null} */
  let hitAt = null;
  /** Runs while another window is asked for. */
  let patience = 0;
  /** The line for which a window was asked. @type {number | null | undefined} */
  let askedAround;
  let askedAt = 0;
  let settling = 0;
  let saidUntil = 0;
  /** @type {string | null} */
  let trouble = null;
  let frame = 0;
  /** What has changed by windows that were on their way when what is shown was settled: of no use,
   * but the next one says only what has changed since. @type {Window | null} */
  let late = null;
  /** The loop that was shown last, whose filter is kept while another tab is open.
   * @type {number | null} */
  let lastLoop = null;
  /** The line that another view was left at, and this one begins with. @type {number | null} */
  let leftAt = null;
  const follows = () => subject.around === null;

  /** @param {Partial<Subject>} change */
  function ask(change) {
    subject = { ...subject, ...change };
    wire.show(subject, askedAround === undefined && !follows());
  }

  /** @param {number | null} around */
  function look(around) {
    window.clearTimeout(patience);
    patience = window.setTimeout(() => (patience = 0), ANSWER_WITHIN);
    askedAround = around;
    ask({ around });
    paint();
  }

  /** Follow no more: the lines in sight are here. @param {number} around */
  function stay(around) {
    subject = { ...subject, around };
    askedAround = undefined;
    wire.show(subject, true);
  }

  function follow() {
    look(null);
    lines.goToTheEnd();
  }

  function forget() {
    lines.clear();
    late = null;
    askedAt = Date.now();
    head = nothingKnown();
    isKnown = false;
    hitAt = null;
    lines.found = null;
  }

  /** @param {number | null} task */
  function pickTask(task) {
    const { tasks, name } = head;
    forget();
    head = { ...head, tasks, name }; // what one chooses from does not go away meanwhile
    ask({ task, around: null });
    paint();
  }

  /** @param {string} text */
  function find(text) {
    hitAt = lines.found = null;
    lines.find = text;
    lines.repaint();
    ask({ find: text });
    if (text) step(true);
    paint();
  }

  /** @param {boolean} back */
  function step(back) {
    if (!subject.find) return;
    const last = follows() ? head.end : (lines.anchor?.number ?? 0);
    wire.step(lines.found ?? last, back);
  }

  /** @param {Window} window @param {boolean} isWanted */
  function take(window, isWanted) {
    late = late === null ? window : afterBoth(late, window);
    if (!isWanted) return;
    lines.take(late);
    late = null;
  }

  wire.onOutput = (output) => {
    if (frame) noteScroll(); // it was scrolled just now, and what comes must not undo that
    const wasAtTheEnd = follows();
    const anchor = wasAtTheEnd ? null : lines.anchor;
    if (output.full) {
      forget();
      isKnown = true;
    }
    head = { ...head, ...output.head };
    if (output.hit) {
      hitAt = output.hit.at;
      lines.found = output.hit.number;
      if (output.hit.number !== null) stay(output.hit.number);
    }
    // What was asked for last may have been asked for too late.
    const isWanted = !output.window || output.window.follows === follows() || output.full;
    if (output.window) {
      window.clearTimeout(patience);
      patience = 0;
      take(output.window, isWanted);
    }
    if (output.open) lines.takeOpen(output.open);
    lines.makeRoom(head, subject.task === null);
    lines.markFound();
    if (output.hit?.number !== null && output.hit) lines.reveal(output.hit.number);
    else if (follows() && wasAtTheEnd) lines.goToTheEnd();
    else if (!(anchor && lines.putBack(anchor)) && output.window && isWanted)
      lines.putBack({ number: nearest(subject.around ?? 0, output.window), offset: 0 });
    if (follows()) seenEnd = head.end;
    else if (output.window) frame ||= requestAnimationFrame(noteScroll); // it may not be enough
    paint();
  };

  /** @param {number} number @param {Window} window */
  function nearest(number, { first, last }) {
    return Math.min(Math.max(number, first ?? 0), last ?? 0);
  }

  function noteScroll() {
    cancelAnimationFrame(frame);
    frame = 0;
    if (root.hidden || !isKnown) return;
    const hasEnd = lines.isAtTheEnd;
    if (follows()) {
      if (hasEnd || lines.count === 0) return;
      seenEnd = head.end;
      const { anchor } = lines;
      if (!anchor) return look(lines.numberInSight(head));
      stay(anchor.number);
      paint();
    } else if (hasEnd) return follow();
    if (patience || !lines.isShort(head)) return;
    const around = lines.anchor?.number ?? lines.numberInSight(head);
    if (around !== askedAround) look(around);
  }

  lines.onTask = pickTask;
  lines.onPicture = (number) => wire.fetchPicture(number);
  wire.onPicture = (picture) => {
    lines.paint(picture);
    if (follows()) lines.goToTheEnd();
  };

  // -- what is said around the lines

  function paint() {
    root.dataset.bgwTags = `${head.tasks.length > 1 || subject.task !== null}`;
    root.classList.toggle("bgw-silent", trouble !== null);
    offerTasks();
    setText(hits, hitWords());
    for (const each of [previous, next]) each.hidden = !subject.find;
    toEnd.hidden = follows() || !isKnown;
    setText(toEnd, `↓ ${newWords()}`);
    setText(amount, amountWords());
    setText(nothing, nothingWords());
    body.setAttribute("aria-label", `Output of ${head.name || "the loop"}`);
    root.setAttribute("aria-label", "Output");
    if (Date.now() >= saidUntil) setText(said, "");
  }

  function hitWords() {
    if (!subject.find || head.hits === null) return "";
    if (head.hits === 0) return "none";
    const at = hitAt === null ? "" : `${formatCount(hitAt + 1)} of `;
    return `${at}${formatLines(head.hits)}`;
  }

  function newWords() {
    const count = head.end - seenEnd;
    if (count <= 0) return "End";
    return subject.task === null ? formatLines(count, "new") : "New lines";
  }

  function amountWords() {
    if (trouble !== null) return trouble;
    if (!isKnown || head.name === null) return "";
    const dropped = head.dropped ? ` · ${formatCount(head.dropped)} dropped` : "";
    return `${formatLines(head.total)}${dropped}`;
  }

  /** What is said where no line is. */
  function nothingWords() {
    if (subject.loop === null) return "No loop selected";
    if (!isKnown) return Date.now() - askedAt > ANSWER_WITHIN ? "Asking the kernel…" : "";
    if (lines.body.querySelector(".bgw-written")) return "";
    return head.name === null ? "That loop is not listed any more" : "Nothing was written yet";
  }

  let offered = "";
  function offerTasks() {
    const named = head.tasks.some(([id]) => id === subject.task);
    /** @type {[number | string, string][]} */
    const own = subject.task === null || named ? [] : [[subject.task, `task ${subject.task}`]];
    const options = [["", "All tasks"], ...head.tasks, ...own];
    const key = JSON.stringify(options);
    if (key !== offered) {
      offered = key;
      tasks.replaceChildren(
        ...options.map(([id, name]) => make("option", "", { value: `${id}` }, `${name}`)),
      );
    }
    tasks.value = `${subject.task ?? ""}`;
    tasks.hidden = head.tasks.length < 2 && subject.task === null;
    allTasks.hidden = subject.task === null;
    tasks.classList.toggle("bgw-picked", subject.task !== null);
  }

  /** @param {string} words */
  function say(words) {
    saidUntil = Date.now() + SAID_FOR;
    setText(said, words);
    window.setTimeout(() => signal.aborted || paint(), SAID_FOR + 10);
  }

  function noteTheme() {
    const style = getComputedStyle(root);
    const [ink, paper] = [rgbOf(style.color), rgbOf(style.backgroundColor)];
    if (!ink || !paper || `${ink}${paper}` === `${lines.theme.ink}${lines.theme.paper}`) return;
    lines.theme = { ink, paper };
    lines.repaint();
  }

  // -- what the user does

  function selected() {
    const selection = body.ownerDocument.getSelection();
    const isHere = selection?.anchorNode && body.contains(selection.anchorNode);
    return isHere ? selection.toString() : "";
  }

  /** @param {HTMLElement} asker @param {string} done @param {(text: string) => unknown} use */
  async function withAll(asker, done, use) {
    const words = asker.textContent ?? "";
    whole.onProgress = (share) => setText(asker, share < 1 ? `${Math.floor(100 * share)} %` : words);
    try {
      await use(await whole.fetch());
      say(done);
    } catch (error) {
      if (!signal.aborted) say(`Not ${done.toLowerCase()}: ${/** @type {Error} */ (error).message}`);
    }
    setText(asker, words);
  }

  /** @param {HTMLElement} element @param {string} event @param {(event: any) => void} handler */
  const on = (element, event, handler) => element.addEventListener(event, handler, { signal });
  on(tasks, "change", () => pickTask(tasks.value === "" ? null : Number(tasks.value)));
  on(allTasks, "click", () => {
    pickTask(null);
    body.focus({ preventScroll: true });
  });
  on(field, "input", () => {
    window.clearTimeout(settling);
    settling = window.setTimeout(() => find(field.value), SETTLES_IN);
  });
  on(previous, "click", () => step(true));
  on(next, "click", () => step(false));
  on(wrap, "click", () => {
    const isOn = wrap.getAttribute("aria-pressed") !== "true";
    const anchor = lines.anchor;
    wrap.setAttribute("aria-pressed", `${isOn}`);
    root.classList.toggle("bgw-unwrapped", !isOn);
    if (follows()) lines.goToTheEnd();
    else if (anchor) lines.putBack({ ...anchor, offset: 0 });
  });
  on(copying, "click", () => {
    const text = selected();
    if (text)
      copy(text, root).then(
        () => say("Copied"),
        (error) => say(`Not copied: ${error.message}`),
      );
    else if (!whole.isFetching) withAll(copying, "Copied", (all) => copy(all, root));
  });
  on(saving, "click", () => {
    if (whole.isFetching) whole.stop();
    else withAll(saving, "Downloaded", (all) => download(head.name || "output", all));
  });
  on(popOut, "click", () => {
    const out = root.closest(".bgw-panel")?.querySelector(".bgw-out");
    const detail = { output: subject.loop, name: head.name };
    out?.dispatchEvent(new CustomEvent("bgw-pop-out", { detail }));
  });
  on(toEnd, "click", () => {
    follow();
    body.focus({ preventScroll: true });
  });
  body.addEventListener("scroll", () => (frame ||= requestAnimationFrame(noteScroll)), {
    signal,
    passive: true,
  });
  on(root, "keydown", (event) => {
    event.stopPropagation(); // no key leaks into the notebook, where it could mean something else
    const { key, target } = event;
    const isFind = (event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === "f";
    const isTyping = target === field || target === tasks;
    if (isFind || (key === "/" && !isTyping && !event.ctrlKey && !event.metaKey)) {
      event.preventDefault();
      field.focus({ preventScroll: true });
      field.select();
    } else if (key === "Enter" && target === field) {
      event.preventDefault();
      window.clearTimeout(settling);
      if (field.value !== subject.find) find(field.value);
      else step(event.shiftKey);
    } else if (key === "Escape") {
      event.preventDefault();
      if (field.value) {
        window.clearTimeout(settling);
        field.value = "";
        find("");
        body.focus({ preventScroll: true });
      } else if (target === field) body.focus({ preventScroll: true });
      else goBack();
    } else if (key === "End" && target === body) {
      event.preventDefault();
      follow();
    } else if (key === "Home" && target === body) {
      event.preventDefault();
      seenEnd = follows() ? head.end : seenEnd;
      look(head.first);
      body.scrollTop = 0;
    }
  });

  function goBack() {
    const table = root.closest(".bgw-panel")?.querySelector(".bgw-tasks");
    table?.dispatchEvent(new CustomEvent("bgw-back"));
  }

  /** @param {TabOpened} opened */
  function open({ tab, loop, focus, trouble: why = null }) {
    const isOpen = tab === "output";
    const isBack = trouble !== null && why === null;
    trouble = why;
    const shown = isOpen ? loop : null;
    if (shown !== subject.loop || root.hidden === isOpen) {
      root.hidden = !isOpen;
      if (shown !== subject.loop) {
        whole.stop();
        forget();
        const isSame = shown === null || shown === lastLoop;
        const kept = isSame ? subject : { task: null, find: "" };
        if (shown !== null) lastLoop = shown;
        if (!isSame) lines.find = field.value = "";
        askedAround = isSame ? leftAt : null;
        leftAt = null;
        ask({ ...kept, loop: shown, around: askedAround });
      }
      noteTheme();
    } else if (isBack) wire.sayAgain();
    paint();
    if (focus && isOpen) body.focus({ preventScroll: true });
  }
  on(root, "bgw-tab", (event) => open(event.detail));
  on(root, "bgw-leave", (event) => {
    const { task, find: text, around } = subject;
    if (subject.loop !== null) event.detail.place = { loop: subject.loop, task, find: text, around };
  });
  on(root, "bgw-go-on", ({ detail: { place } }) => {
    lastLoop = place.loop;
    lines.find = field.value = place.find;
    const { task, find: text, around } = place;
    if (subject.loop === null) {
      subject = { ...subject, task, find: text };
      leftAt = around;
    } else if (subject.loop === place.loop) {
      if (task !== subject.task) forget();
      askedAround = around;
      ask({ task, find: text, around });
    }
  });

  const themes = new MutationObserver(noteTheme);
  for (const each of [document.body, document.documentElement])
    themes.observe(each, { attributes: true });
  const size = new ResizeObserver(() => follows() && lines.goToTheEnd());
  size.observe(body);
  const checking = window.setInterval(() => {
    if (solo === undefined || wire.isHidden) return;
    const isSilent = Date.now() - wire.heardAt > CONTACT_LOST_AFTER;
    if (isSilent !== (trouble !== null)) {
      trouble = isSilent ? "no contact with the kernel" : null;
      if (!isSilent) wire.sayAgain();
      paint();
    }
  }, SECOND);
  signal.addEventListener("abort", () => {
    themes.disconnect();
    size.disconnect();
    cancelAnimationFrame(frame);
    window.clearInterval(checking);
    for (const timer of [patience, settling]) window.clearTimeout(timer);
    root.remove();
  });
  el.append(root);
  if (solo !== undefined) open({ tab: "output", loop: solo, focus: true });
  return () => lifetime.abort();
}

export default { render };
