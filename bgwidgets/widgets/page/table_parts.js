// @ts-check
/** What the faces of the two tables share: picking, sorting, being carried to another window. */

/** @import {Grid, GridHandlers} from "./table_grid.js" */
/** @import {Wire} from "./table_wire.js" */
import { MOST_LOOPS_IN_SIGHT } from "./table_faces.js";

export const MOST_PICKED = 1000; // as in the kernel

/**
 * @typedef {{element: HTMLElement, paint: () => void}} Part
 * @typedef {Part & {grid: Grid, selectedLoop: () => number | null, cancel?: () => void}} Face
 */

/**
 * The panel in another window goes on where this view was left: pop_out.js carries it from one to
 * the other, by two events.
 * @param {HTMLElement} element @param {AbortSignal} signal
 * @param {{leave: () => any, goOn: (place: any) => void}} place
 */
export function carryOn(element, signal, { leave, goOn }) {
  const take = (/** @type {any} */ { detail }) => goOn(detail.place);
  const give = (/** @type {any} */ { detail }) => (detail.place = leave());
  element.addEventListener("bgw-leave", give, { signal });
  element.addEventListener("bgw-go-on", take, { signal });
}

/** @param {Wire} wire */
export function tableContents(wire) {
  const { rows, total, now, head } = wire;
  return { rows, total, now, sort: head.get("sort"), picked: head.get("picked") ?? [] };
}

/**
 * @param {Wire} wire @param {() => number | null} [loopOf] whose tasks they are
 * @returns {Pick<GridHandlers, "picked" | "pickedRange">}
 */
export function picker(wire, loopOf) {
  const of = () => (loopOf ? { loop: loopOf() } : {});
  return {
    picked: (ids) => wire.wish("picked", ids, { type: "pick", ids, ...of() }),
    pickedRange(range, ids, { first, last }) {
      const ends = {
        ...(first !== undefined && { first }),
        ...(last !== undefined && { last }),
      };
      wire.wish("picked", ids, { type: "pick_range", ...range, ...ends, ...of() }, true);
    },
  };
}

/** @param {Wire} wire @returns {GridHandlers["sorted"]} */
export function sorter(wire) {
  return (column, descending) =>
    wire.wish("sort", [column, descending], { type: "sort", column, descending });
}

/** An empty table is one line high: that is where it says so. @param {number} total */
export function rowsHigh(total) {
  return Math.max(1, Math.min(total, MOST_LOOPS_IN_SIGHT));
}

/** @param {Wire} wire */
export function noTasks({ isKnown, head }) {
  if (!isKnown) return "";
  if ((head.get("loop") ?? null) === null) return "No loop selected";
  if (head.get("filter")) return "No task matches the filter";
  const chips = head.get("chips") ?? [];
  if (chips.length) return `No task is ${chips.join(" or ")}`;
  // A process may have told how many there are, and then not have been able to list them.
  const areThere = head.get("unfinished") || head.get("counts")?.lost;
  return areThere ? "Its tasks are not known" : "No tasks";
}
