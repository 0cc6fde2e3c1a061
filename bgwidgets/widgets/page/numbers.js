// @ts-check
/** How counts are written. */

/** 1207 -> "1,207". @param {number} count */
export function formatCount(count) {
  return Math.trunc(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

export const SECOND = 1000;
