// @ts-check
/**
 * The Plots tab: a small chart of each of a loop's metrics, and its figures as they were drawn last.
 *
 * The tab is the table's (task_table.js), which says that it is open by the event "bgw-tab" on this
 * widget's element; "bgw-back" on the table's element says that the user wants the tasks again. Only
 * while it is open something is asked of the kernel, which then tells points and pictures that are new.
 *
 * The sections, from the bottom up:
 *   words      what a value looks like, and where a point lies (pure functions)
 *   elements   making them
 *   Chart      the line of one metric, drawn on a canvas
 *   Picture    one figure
 *   Wire       the messages to and from the kernel
 *   render     puts them together
 */

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {{
 *   name: string, keep: number, times: number[], values: (number | null)[], count: number,
 *   last: number | null, lowest: number | null, highest: number | null,
 * }} Metric the points after the first `keep`, which are known
 * @typedef {{
 *   name: string, at: string | null, error: string | null, buffer: number | null,
 * }} Figure `buffer`: which of those beside the message is its new picture
 * @typedef {{
 *   type: "plots", view: string, seq: number, full: boolean, loop: number, listed: boolean,
 *   metrics: Metric[], figures: Figure[], gone: string[], gone_figures: string[],
 * }} News
 * @typedef {{tab: string, loop: number | null, focus?: boolean}} TabOpened
 * @typedef {{width: number, height: number}} Size
 */

const SECOND = 1000;
const SAID_AGAIN_EVERY = 4 * SECOND;
const ANSWER_WITHIN = 0.5 * SECOND;
const LOOK_AGAIN_EVERY = SECOND; // whether the theme, or the screen's density, is another one
const LINE_WIDTH = 1.5; // px
const MARGIN = 3; // px: so that the line is whole at its highest

// ---------------------------------------------------------------------------- words

/** "0.3124", "12,041", "1.2e-7"; four digits that count. @param {number | null} value */
export function formatValue(value) {
  if (value === null) return "none";
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e7 || size < 1e-4))
    return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  if (size >= 1000) return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return String(Number(value.toPrecision(4)));
}

/** "0:03", "12:41", "1:02:05", "2d 3h": since the run began. @param {number} seconds */
export function formatTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  if (hours >= 24) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  return hours
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** "1 value", "1,207 values". @param {number} count */
export function formatCount(count) {
  const digits = String(count).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${digits} ${count === 1 ? "value" : "values"}`;
}

/**
 * Which point lies nearest to a time; gaps have none. -1 where there is no point at all.
 * @param {number[]} times in order @param {(number | null)[]} values @param {number} time
 */
export function nearest(times, values, time) {
  let best = -1;
  times.forEach((at, place) => {
    const isNearer = best < 0 || Math.abs(at - time) <= Math.abs(times[best] - time);
    if (values[place] !== null && isNearer) best = place;
  });
  return best;
}

/**
 * The next point in a direction, past the gaps; the same when there is none.
 * @param {(number | null)[]} values @param {number} place @param {1 | -1} step
 */
export function neighbour(values, place, step) {
  for (let at = place + step; at >= 0 && at < values.length; at += step)
    if (values[at] !== null) return at;
  return place;
}

/**
 * Where the points lie in a box, in pixels: a list for each line, which gaps part.
 * @param {number[]} times @param {(number | null)[]} values
 * @param {number} lowest @param {number} highest @param {Size} box
 * @returns {[number, number][][]}
 */
export function linesOf(times, values, lowest, highest, { width, height }) {
  const duration = times[times.length - 1] - times[0];
  const range = highest - lowest;
  /** @type {[number, number][][]} */
  const lines = [];
  let isDrawing = false;
  times.forEach((time, place) => {
    const value = values[place];
    if (value === null) {
      isDrawing = false;
      return;
    }
    if (!isDrawing) lines.push([]);
    isDrawing = true;
    // What happened at once stands in the middle, and so does what never changed.
    const across = duration > 0 ? (time - times[0]) / duration : 0.5;
    const up = range > 0 ? (value - lowest) / range : 0.5;
    const x = MARGIN + across * (width - 2 * MARGIN);
    lines[lines.length - 1].push([x, height - MARGIN - up * (height - 2 * MARGIN)]);
  });
  return lines;
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

/** @param {HTMLElement} element @param {string} text */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {Element} element @param {string} name @param {string | null} value null removes it */
function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

// ---------------------------------------------------------------------------- Chart

/** One metric: its points, its line, and the value under the pointer or the keyboard's cursor. */
class Chart {
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
        ? `last ${formatValue(last)}, ${range}, ${formatCount(count)}`
        : `${formatValue(value)} at ${formatTime(at)}`;
    setAttribute(this.#plot, "aria-valuemin", String(first));
    setAttribute(this.#plot, "aria-valuemax", String(end));
    setAttribute(this.#plot, "aria-valuenow", String(at));
    setAttribute(this.#plot, "aria-valuetext", words);
    setAttribute(this.#title, "title", `${this.#name}: ${range}, ${formatCount(count)}`);
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

// ---------------------------------------------------------------------------- Picture

/** One figure as it was drawn last. */
class Picture {
  element;
  #image;
  #button;
  #at = make("span", "bgw-soft");
  #error = make("p", "bgw-plot-error");
  /** The pictures that the page holds: the one that is shown, and its successor. @type {string[]} */
  #addresses = [];

  /** @param {string} name @param {AbortSignal} signal */
  constructor(name, signal) {
    this.#image = make("img", "", { alt: `Figure ${name}` });
    this.#button = make(
      "button",
      "bgw-plot-large",
      { type: "button", "aria-expanded": "false", title: "In full size" },
      this.#image,
    );
    this.#button.hidden = true;
    this.element = make(
      "figure",
      "bgw-plot",
      { role: "listitem" },
      this.#button,
      make(
        "figcaption",
        "",
        {},
        make("span", "bgw-chart-name", { title: name }, name),
        this.#at,
      ),
      this.#error,
    );
    this.#button.addEventListener("click", () => this.#enlarge(), { signal });
    // Only now the last one may go: until then it is what is seen.
    for (const event of ["load", "error"])
      this.#image.addEventListener(event, () => this.#revoke(1), { signal });
  }

  /** @param {Figure} figure @param {DataView | null} png */
  take({ at, error }, png) {
    if (png) {
      const bytes = new Blob([/** @type {BlobPart} */ (png)], { type: "image/png" });
      const address = URL.createObjectURL(bytes);
      this.#addresses.push(address);
      this.#image.src = address;
      this.#button.hidden = false;
    }
    setText(this.#at, at ? `drawn ${at}` : error ? "" : "not drawn yet");
    setText(this.#error, error ?? "");
    this.#error.hidden = !error;
  }

  remove() {
    this.#revoke(0);
    this.element.remove();
  }

  /** @param {number} kept how many of the last stay */
  #revoke(kept) {
    for (const address of this.#addresses.splice(0, Math.max(0, this.#addresses.length - kept)))
      URL.revokeObjectURL(address);
  }

  #enlarge() {
    const isLarge = this.#button.getAttribute("aria-expanded") !== "true";
    this.#button.setAttribute("aria-expanded", `${isLarge}`);
    this.#button.title = isLarge ? "Small again" : "In full size";
    this.element.classList.toggle("bgw-large", isLarge);
  }
}

// ---------------------------------------------------------------------------- Wire

/** Asks for the plots of one loop at a time. */
class Wire {
  /** @type {(news: News, buffers: DataView[]) => void} called when something was told */
  onTold = () => {};

  #model;
  #el;
  #view = Math.random().toString(36).slice(2) || "0";
  /** @type {number | null} */
  #loop = null;
  #seq = 0;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.#model = model;
    this.#el = el;
    const timer = window.setInterval(() => this.#sayAgain(), SAID_AGAIN_EVERY);
    model.on("msg:custom", this.#hear);
    document.addEventListener("visibilitychange", () => this.#sayAgain(), { signal });
    el.addEventListener("bgw-seen", () => this.#sayAgain(), { signal });
    signal.addEventListener("abort", () => {
      window.clearInterval(timer);
      model.off("msg:custom", this.#hear);
      this.ask(null);
    });
  }

  /** @param {number | null} loop null: nothing any more */
  ask(loop) {
    const wasOpen = this.#loop !== null;
    this.#loop = loop;
    this.#seq = 0;
    if (loop !== null) this.#sayAgain();
    else if (wasOpen) this.#send({ type: "bye", view: this.#view });
  }

  /** A hidden page says nothing, is forgotten after a while, and told all when it comes back. */
  #sayAgain() {
    if (document.hidden || this.#el.closest(".bgw-away") || this.#loop === null) return;
    this.#send({ type: "show", view: this.#view, loop: this.#loop, known: this.#seq });
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the tables say so.
    }
  }

  #hear = (/** @type {News} */ news, /** @type {DataView[]} */ buffers) => {
    if (news.type !== "plots" || news.view !== this.#view || news.loop !== this.#loop) return;
    if (!news.full && news.seq !== this.#seq + 1) {
      this.#seq = 0;
      this.#sayAgain();
      return;
    }
    this.#seq = news.seq;
    this.onTold(news, buffers ?? []);
  };
}

// ---------------------------------------------------------------------------- render

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const wire = new Wire(model, el, signal);
  const charts = make("div", "bgw-charts", { role: "list", "aria-label": "Metrics" });
  const pictures = make("div", "bgw-pictures", { role: "list", "aria-label": "Figures" });
  const nothing = make("p", "bgw-nothing");
  const body = make(
    "div",
    "bgw-plots-body",
    { role: "tabpanel", tabindex: "0", "aria-label": "Plots" },
    nothing,
    charts,
    pictures,
  );
  const foot = make("div", "bgw-plots-foot", {}, make("span", "", {}, "Esc tasks"));
  const root = make("div", "bgw-plots", { "data-lm-suppress-shortcuts": "true" }, body, foot);
  root.hidden = true;
  /** @type {Map<string, Chart>} */
  const metrics = new Map();
  /** @type {Map<string, Picture>} */
  const figures = new Map();
  /** @type {number | null} */
  let shown = null;
  let patience = 0;

  const paint = () => metrics.forEach((chart) => chart.paint());
  const sizes = new ResizeObserver(paint);
  sizes.observe(charts);
  const timer = window.setInterval(paint, LOOK_AGAIN_EVERY);

  /** @param {string} words empty: there is something to show */
  function say(words) {
    setText(nothing, words);
    nothing.hidden = !words;
    charts.hidden = metrics.size === 0;
    pictures.hidden = figures.size === 0;
  }

  function clear() {
    for (const chart of metrics.values()) chart.element.remove();
    for (const picture of figures.values()) picture.remove();
    metrics.clear();
    figures.clear();
  }

  wire.onTold = (news, buffers) => {
    window.clearTimeout(patience);
    if (news.full) clear();
    for (const name of news.gone) {
      metrics.get(name)?.element.remove();
      metrics.delete(name);
    }
    for (const name of news.gone_figures) {
      figures.get(name)?.remove();
      figures.delete(name);
    }
    for (const metric of news.metrics) {
      const chart = metrics.get(metric.name) ?? new Chart(metric.name, signal);
      metrics.set(metric.name, chart);
      charts.append(...(chart.element.isConnected ? [] : [chart.element]));
      chart.take(metric);
    }
    for (const figure of news.figures) {
      const picture = figures.get(figure.name) ?? new Picture(figure.name, signal);
      figures.set(figure.name, picture);
      pictures.append(...(picture.element.isConnected ? [] : [picture.element]));
      picture.take(figure, figure.buffer === null ? null : buffers[figure.buffer]);
    }
    const isEmpty = metrics.size + figures.size === 0;
    const why = news.listed ? "Nothing was measured or plotted yet" : "That loop is not listed any more";
    say(isEmpty ? why : "");
    paint();
  };

  /** @param {TabOpened} opened */
  function open({ tab, loop, focus }) {
    const subject = tab === "plots" ? loop : null;
    const isOpen = tab === "plots";
    if (subject !== shown || root.hidden === isOpen) {
      shown = subject;
      root.hidden = !isOpen;
      window.clearTimeout(patience);
      clear();
      say("");
      body.scrollTo(0, 0);
      wire.ask(subject);
      if (isOpen)
        patience = window.setTimeout(
          () => say(subject === null ? "No loop selected" : "Asking the kernel…"),
          ANSWER_WITHIN,
        );
    }
    if (focus && isOpen) body.focus({ preventScroll: true });
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
  signal.addEventListener("abort", () => {
    window.clearTimeout(patience);
    window.clearInterval(timer);
    sizes.disconnect();
    clear();
    root.remove();
  });
  el.append(root);
  return () => lifetime.abort();
}

export default { render };
