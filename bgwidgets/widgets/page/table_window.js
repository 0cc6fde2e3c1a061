// @ts-check
/** Which rows of a table are in sight, and where a key leads. */

/** @import {Range} from "./table_types.js" */

export const ROW_HEIGHT = 26; // px, as in the style sheet
const OVERSCAN = 2;

/**
 * The rows to ask for: those in sight and a few more.
 * @param {number} scrollTop
 * @param {number} inSight
 * @returns {Range}
 */
export function windowAt(scrollTop, inSight) {
  const first = Math.max(0, Math.floor(scrollTop / ROW_HEIGHT));
  const last = Math.ceil(scrollTop / ROW_HEIGHT) + inSight;
  return { start: Math.max(0, first - OVERSCAN), stop: last + OVERSCAN };
}

/**
 * The scroll position nearest to the present one that shows a row.
 * @param {number} index
 * @param {number} scrollTop
 * @param {number} inSight
 */
export function scrollTopShowing(index, scrollTop, inSight) {
  const lowest = (index - inSight + 1) * ROW_HEIGHT;
  return Math.max(lowest, Math.min(scrollTop, index * ROW_HEIGHT));
}

/**
 * Where a key moves the current row to; null when it is no such key or there is no row.
 * @param {string} key
 * @param {number} current -1: none yet
 * @param {number} total
 * @param {number} page
 */
export function indexAfterKey(key, current, total, page) {
  const target = {
    ArrowDown: current + 1,
    ArrowUp: current - 1,
    j: current + 1,
    k: current - 1,
    PageDown: current + page,
    PageUp: current - page,
    Home: 0,
    End: total - 1,
  }[key];
  if (target === undefined || total === 0) return null;
  return Math.max(0, Math.min(total - 1, target));
}
