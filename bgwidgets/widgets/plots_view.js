// @ts-check
/**
 * The Plots tab: a small chart of each of a loop's metrics, and its figures as they were drawn last.
 *
 * The tab is the table's (task_table.js), which says that it is open by the event "bgw-tab" on this
 * widget's element; "bgw-back" on the table's element says that the user wants the tasks again. Only
 * while it is open something is asked of the kernel, which then tells points and pictures that are new.
 *
 * Its parts, from the bottom up: page/plots_words.js, plots_chart.js, plots_picture.js, plots_wire.js.
 */

/** @import {Model, TabOpened} from "./page/plots_types.js" */
import { make, setText } from "./page/elements.js";
import { Chart } from "./page/plots_chart.js";
import { LOOK_AGAIN_EVERY, Picture } from "./page/plots_picture.js";
import { Wire } from "./page/plots_wire.js";
import { ANSWER_WITHIN } from "./page/talk.js";

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
