// @ts-check
/** A live chart of a metric. */

/** @import {Metric, Size} from "./plots_types.js" */
import { make, setAttribute, setText } from "./elements.js";
import {
  formatTime,
  formatValue,
  formatValues,
  linesOf,
  nearest,
  neighbour,
} from "./plots_words.js";

const LINE_WIDTH = 1.5; // px
export const MARGIN = 3; // px: so that the line is whole at its highest

/** One metric: its points, its line, and the value under the pointer or the keyboard's cursor. */
export class Chart {
  element;
  #name;
  /** @type {number[]} */
  #times = [];
  /** @type {(number | null)[]} */
  #values = [];
  /** @type {Metric | null} */
  #metric = null;
  /** The time of the point that is read. @type {number | null} */
  #cursor = null;
  #drawn = "";

  #title = make("span", "bgw-chart-name");
  #at = make("span", "bgw-soft");
  #value = make("span", "bgw-number");
  #highest = make("span", "bgw-scale");
  #lowest = make("span", "bgw-scale");
  #first = make("span", "");
  #last = make("span", "");
  #canvas = make("canvas", "", { "aria-hidden": "true" });
  #plot = make("div", "bgw-chart-plot", { role: "slider", tabindex: "0" }, this.#canvas);

  /** @param {string} name @param {AbortSignal} signal */
  constructor(name, signal) {
    this.#name = name;
    this.#title.textContent = name;
    this.#plot.setAttribute("aria-label", `${name} over time`);
    this.element = make(
      "div",
      "bgw-chart",
      { role: "listitem" },
      make(
        "div",
        "bgw-chart-head",
        {},
        this.#title,
        this.#at,
        this.#value,
      ),
      make("div", "bgw-chart-scale", { "aria-hidden": "true" }, this.#highest, this.#lowest),
      this.#plot,
      make("div", "bgw-chart-axis", { "aria-hidden": "true" }, this.#first, this.#last),
    );
    this.#plot.addEventListener("pointermove", (event) => this.#point(event), { signal });
    this.#plot.addEventListener("pointerleave", () => this.#read(null), { signal });
    this.#plot.addEventListener("blur", () => this.#read(null), { signal });
    this.#plot.addEventListener("keydown", (event) => this.#pressKey(event), { signal });
  }

  /** @param {Metric} metric */
  take(metric) {
    this.#metric = metric;
    this.#times = [...this.#times.slice(0, metric.keep), ...metric.times];
    this.#values = [...this.#values.slice(0, metric.keep), ...metric.values];
    this.#drawn = "";
  }

  /** Write and draw what is not there yet: also when only the theme or the size is another. */
  paint() {
    this.#paintWords();
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const density = window.devicePixelRatio || 1;
    const { color, borderTopColor, outlineColor } = getComputedStyle(this.#canvas);
    const drawn = [width, height, density, color, borderTopColor, outlineColor, this.#cursor];
    if (this.#drawn === String(drawn) || !width || !height) return;
    this.#drawn = String(drawn);
    this.#canvas.width = Math.round(width * density);
    this.#canvas.height = Math.round(height * density);
    const pen = this.#canvas.getContext("2d");
    if (!pen) return;
    pen.scale(density, density);
    this.#draw(pen, { width, height }, { line: color, grid: borderTopColor, cursor: outlineColor });
  }

  /**
   * @param {CanvasRenderingContext2D} pen @param {Size} box
   * @param {{line: string, grid: string, cursor: string}} colours
   */
  #draw(pen, box, colours) {
    const [lowest, highest] = this.#bounds();
    pen.clearRect(0, 0, box.width, box.height);
    pen.lineWidth = 1;
    pen.strokeStyle = colours.grid;
    for (const height of [0.5, Math.round(box.height / 2) + 0.5, box.height - 0.5]) {
      pen.beginPath();
      pen.moveTo(0, height);
      pen.lineTo(box.width, height);
      pen.stroke();
    }
    pen.lineWidth = LINE_WIDTH;
    pen.lineJoin = "round";
    pen.strokeStyle = pen.fillStyle = colours.line;
    for (const line of linesOf(this.#times, this.#values, lowest, highest, box)) {
      pen.beginPath();
      line.forEach(([x, y]) => pen.lineTo(x, y));
      pen.stroke();
      if (line.length === 1) dot(pen, line[0]);
    }
    const place = this.#place;
    if (place < 0) return;
    const alone = this.#values.map((value, at) => (at === place ? value : null));
    const [x, y] = linesOf(this.#times, alone, lowest, highest, box)[0][0];
    pen.lineWidth = 1;
    pen.strokeStyle = colours.cursor;
    pen.beginPath();
    pen.moveTo(x, 0);
    pen.lineTo(x, box.height);
    pen.stroke();
    dot(pen, [x, y]);
  }

  #bounds() {
    const known = this.#values.filter((value) => value !== null);
    return [Math.min(...known), Math.max(...known)];
  }

  /** The point that is read; -1: none. */
  get #place() {
    return this.#cursor === null ? -1 : nearest(this.#times, this.#values, this.#cursor);
  }

  #paintWords() {
    if (!this.#metric) return;
    const { count, last, lowest, highest } = this.#metric;
    const place = this.#place;
    const value = place < 0 ? last : this.#values[place];
    const first = this.#times[0] ?? 0;
    const end = this.#times[this.#times.length - 1] ?? 0;
    const at = place < 0 ? end : this.#times[place];
    setText(this.#value, formatValue(value));
    setText(this.#at, place < 0 ? "" : `at ${formatTime(at)}`);
    setText(this.#highest, formatValue(highest));
    setText(this.#lowest, lowest === highest ? "" : formatValue(lowest));
    setText(this.#first, formatTime(first));
    setText(this.#last, formatTime(end) === formatTime(first) ? "" : formatTime(end));
    const range = `lowest ${formatValue(lowest)}, highest ${formatValue(highest)}`;
    const words =
      place < 0
        ? `last ${formatValue(last)}, ${range}, ${formatValues(count)}`
        : `${formatValue(value)} at ${formatTime(at)}`;
    setAttribute(this.#plot, "aria-valuemin", String(first));
    setAttribute(this.#plot, "aria-valuemax", String(end));
    setAttribute(this.#plot, "aria-valuenow", String(at));
    setAttribute(this.#plot, "aria-valuetext", words);
    setAttribute(this.#title, "title", `${this.#name}: ${range}, ${formatValues(count)}`);
  }

  /** @param {number | null} time */
  #read(time) {
    this.#cursor = time;
    this.paint();
  }

  /** @param {PointerEvent} event */
  #point({ clientX }) {
    const { left, width } = this.#canvas.getBoundingClientRect();
    const [first, last] = [this.#times[0], this.#times[this.#times.length - 1]];
    const across = Math.max(0, Math.min(1, (clientX - left - MARGIN) / (width - 2 * MARGIN)));
    this.#read(first + across * (last - first));
  }

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [first, last] = [this.#times[0], this.#times[this.#times.length - 1]];
    const here = this.#place;
    const values = this.#values;
    /** @type {Record<string, () => number | null>} */
    const targets = {
      ArrowLeft: () =>
        here < 0 ? last : this.#times[neighbour(values, here, -1)],
      ArrowRight: () =>
        here < 0 ? last : this.#times[neighbour(values, here, 1)],
      Home: () => first,
      End: () => last,
    };
    if (event.key === "Escape" && this.#cursor !== null) {
      event.stopPropagation(); // the next one leads back to the tasks
      this.#read(null);
    } else if (event.key in targets) this.#read(targets[event.key]());
    else return;
    event.preventDefault();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {[number, number]} point */
function dot(pen, [x, y]) {
  pen.beginPath();
  pen.arc(x, y, 2.5, 0, 2 * Math.PI);
  pen.fill();
}
