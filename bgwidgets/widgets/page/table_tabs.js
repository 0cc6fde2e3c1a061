// @ts-check
/** The tabs above the tasks, the chips of their states, and the line below. */

/** @import {Part} from "./table_parts.js" */
/** @import {TaskRow} from "./table_types.js" */
/** @import {Wire} from "./table_wire.js" */
import { make, setAttribute, setHidden, setText } from "./elements.js";
import { formatCount } from "./numbers.js";
import { formatEnded, formatNumber } from "./table_words.js";

const CHIPS = ["running", "failed", "cancelled", "finished"];

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
export function tabStrip(wire, grid, currentTask, signal) {
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
export function stateChips(wire, signal) {
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
export function tasksFooter(wire) {
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
