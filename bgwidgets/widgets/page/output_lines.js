// @ts-check
/** The lines in sight, of those that the page has. */

/** @import {Theme} from "./output_colours.js" */
/** @import {Head, Line, Picture, Told, Window} from "./output_types.js" */
import { make, setText } from "./elements.js";
import { textOf } from "./output_text.js";
import { formatLines, readLine } from "./output_words.js";

const LINE_HEIGHT = 17; // px, as in the style sheet, of a line that is not wrapped
const NEAR = 30; // lines from the edge of the window at which more are asked for

/**
 * The lines of the window, in room as high as all of them would take.
 * @typedef {{line: Line, element: HTMLElement, text: string}} Shown
 */
export class Lines {
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
  /** Where the end was when it was gone to. */
  #end = 0;
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
    this.#end = this.body.scrollTop;
  }

  /** Whether one has scrolled up from the end, also when the page has not heard of it yet. */
  get hasLeftTheEnd() {
    return this.body.scrollTop < this.#end - 1 && !this.isAtTheEnd;
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
