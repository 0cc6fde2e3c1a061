// @ts-check
/** What the bar above the loops holds beside the summary: filter, interval, pause. */

/** @import {Part} from "./table_parts.js" */
/** @import {Wire} from "./table_wire.js" */
import { make, setAttribute, setText } from "./elements.js";
import { togglePause } from "./table_keys.js";

const INTERVALS = [0.2, 0.5, 1, 2, 5];
const FILTER_SETTLES_IN = 150;

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
  /** Whether something was typed that the kernel has not been told. */
  let isUntold = false;
  const send = () => {
    delay = 0;
    if (!wire.inContact) return; // it is told as soon as there is contact
    isUntold = false;
    wire.wish("filter", element.value, { type: "filter", text: element.value });
  };
  element.addEventListener(
    "input",
    () => {
      isUntold = true;
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
      if (isUntold && !delay) send();
      const text = wire.head.get("filter") ?? "";
      // Never under the user's fingers, nor before what was typed is sent.
      if (isUntold || document.activeElement === element || element.value === text) return;
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
      if (!wire.inContact) element.value = shown; // it has kept the focus, and can ask for nothing
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
