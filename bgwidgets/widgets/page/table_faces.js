// @ts-check
/** The two faces: the loops' bar and table; the tasks' tabs, table and footer. */

/** @import {Face} from "./table_parts.js" */
/** @import {TaskRow} from "./table_types.js" */
/** @import {Wire} from "./table_wire.js" */
import { make, setAttribute, setHidden } from "./elements.js";
import {
  contactMark,
  filterInput,
  intervalSelect,
  pauseButton,
  popOutButton,
} from "./table_bar.js";
import { LOOP_COLUMNS, TASK_COLUMNS } from "./table_cells.js";
import { Grid } from "./table_grid.js";
import { liveMark } from "./table_live.js";
import { carryOn, noTasks, picker, rowsHigh, sorter, tableContents } from "./table_parts.js";
import { NO_LOOP, sayInPanel } from "./saying.js";
import { summary } from "./table_summary.js";
import { stateChips, tabStrip, tasksFooter } from "./table_tabs.js";

export const MOST_LOOPS_IN_SIGHT = 6;
export const TASKS_IN_SIGHT = 9;

/** @param {Wire} wire @param {AbortSignal} signal @returns {Face} */
export function loopsFace(wire, signal) {
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
export function tasksFace(wire, signal) {
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
      if (key === "Enter" && target === grid.element) {
        if (current) tabs.openDetails();
        else sayWhatIsMissing();
      }
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
    else sayWhatIsMissing();
  };
  /** Why a key that is for the current task does nothing. */
  const sayWhatIsMissing = () => {
    if (!wire.isKnown) return;
    if (selectedLoop() === null) sayInPanel(element, NO_LOOP);
    else if (currentId === null) sayInPanel(element, "No task is selected");
    else sayInPanel(element, "The selected task is not in sight");
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
      for (const part of [chips, footer]) setHidden(part.element, Boolean(grid.element.hidden));
      setAttribute(
        grid.element,
        "aria-label",
        `Tasks of ${wire.head.get("loop_name") ?? "no loop"}`,
      );
      // On a loop that has ended nothing moves: what was left there gets no older, and cannot end.
      const ended = wire.head.get("loop_ended") ?? null;
      setAttribute(element, "data-bgw-ended", ended === null ? null : "");
      const contents = tableContents(wire);
      const now = ended ?? contents.now;
      grid.paint({ ...contents, now, currentId, empty: noTasks(wire) });
    },
  };
}
