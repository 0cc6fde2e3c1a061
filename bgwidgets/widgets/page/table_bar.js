// @ts-check
/** The bar above the loops: how things stand, filter, interval, pause. */

/** @import {Part} from "./table_parts.js" */
/** @import {TaskState} from "./table_types.js" */
/** @import {Wire} from "./table_wire.js" */
import { make, setAttribute, setHidden, setText } from "./elements.js";
import { formatCount } from "./numbers.js";
import { togglePause } from "./table_keys.js";
import { ageOf, formatAge, formatCounts, plural } from "./table_words.js";

const INTERVALS = [0.2, 0.5, 1, 2, 5];
const FILTER_SETTLES_IN = 150;

/** @type {TaskState[]} */
const ALL_STATES = ["pending", "running", "cancelling", "failed", "lost", "cancelled", "finished"];

/** @param {Wire} wire @returns {Part} */
export function summary(wire) {
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
export function contactMark(wire) {
  const element = make("span", "bgw-contact", { role: "status" });
  return {
    element,
    paint: () => setText(element, wire.inContact ? "" : wire.trouble),
  };
}

/** @param {Wire} wire @param {AbortSignal} signal @returns {Part} */
export function filterInput(wire, signal) {
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
  /** Where the user came from. @type {EventTarget | null} */
  let before = null;
  element.addEventListener("focus", ({ relatedTarget }) => (before = relatedTarget), { signal });
  element.addEventListener(
    "keydown",
    (event) => {
      const { key, isComposing } = event;
      // With a text in it, the browser has Esc take that away, for which it sends no key of its own.
      const isDone = key === "Enter" || key === "ArrowDown" || (key === "Escape" && !element.value);
      if (!isDone || isComposing) return;
      event.preventDefault();
      gridToReturnTo(element, before)?.focus({ preventScroll: true });
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

/**
 * The one that "/" was pressed in, or else that of the tasks, which are filtered.
 * @param {Element} filter @param {EventTarget | null} before @returns {HTMLElement | null | undefined}
 */
function gridToReturnTo(filter, before) {
  const grids = filter.closest(".bgw-panel")?.querySelectorAll(".bgw-grid:not([hidden])");
  const shown = /** @type {HTMLElement[]} */ ([...(grids ?? [])]);
  return shown.find((grid) => grid === before) ?? shown.at(-1);
}

/** @param {Wire} wire @param {AbortSignal} signal @returns {Part} */
export function intervalSelect(wire, signal) {
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
export function pauseButton(wire, signal) {
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
export function popOutButton(signal) {
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
