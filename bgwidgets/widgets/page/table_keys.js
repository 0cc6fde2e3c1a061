// @ts-check
/** Single keys, and the list of them. */

/** @import {Face} from "./table_parts.js" */
/** @import {Wire} from "./table_wire.js" */
import { make } from "./elements.js";
import { isForTheNotebook } from "./panel_keys.js";
import { NO_LOOP, sayInPanel } from "./saying.js";

const ACTION_KEYS = /** @type {Record<string, string>} */ ({
  e: "stop_event",
  s: "stop_loop",
  c: "cancel_tasks",
  r: "restart",
  x: "remove",
});

/**
 * Single keys act on the selected loop from inside either grid; "/" leads to the panel's filter.
 * @param {Face} face @param {Wire} wire @param {AbortSignal} signal
 */
export function listenForKeys({ element, grid, selectedLoop, cancel }, wire, signal) {
  element.addEventListener(
    "keydown",
    (event) => {
      if (!isForTheNotebook(event)) event.stopPropagation();
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
        else if (selectedLoop() === null && wire.isKnown) sayInPanel(element, NO_LOOP);
        else wire.act(ACTION_KEYS[key], selectedLoop());
      }
    },
    { signal },
  );
}

/** @param {Wire} wire */
export function togglePause(wire) {
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
  ["/", "filter; Enter or ↓ leads back"],
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
    make("h2", "", {}, "Keys", make("span", "", {}, "? or Esc closes")),
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
