// @ts-check
/** Lines of output: their words, and what is found in them. */

/** @import {Head, Line, Told, Window} from "./output_types.js" */
import { formatCount } from "./numbers.js";

/** "1 line", "1,207 lines". @param {number} count @param {string} [kind] */
export function formatLines(count, kind = "") {
  return `${formatCount(count)} ${kind}${kind && " "}${count === 1 ? "line" : "lines"}`;
}

/** What is not seen is written as Python writes it: "\\x00". @param {string} text */
export function visible(text) {
  return text.replace(
    /[\0-\x08\x0b-\x1f\x7f-\x9f]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** Where a text is in a line, be its letters large or small. @param {string} text @param {string} find
 * @returns {[number, number][]} */
export function hitsIn(text, find) {
  if (!find) return [];
  const pattern = find.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return [...text.matchAll(new RegExp(pattern, "giu"))].map(({ index, 0: hit }) => [
    index,
    index + hit.length,
  ]);
}

/** @param {Told} told @returns {Line} */
export function readLine([number, text, task = null, name = null, error = null, picture]) {
  return { number, text, task, name, isError: error === 1, picture: picture ?? null };
}

/**
 * What has changed by two windows, one after the other; no more than the second one has lines.
 * @param {Window} earlier @param {Window} later @returns {Window}
 */
export function afterBoth(earlier, later) {
  const { first, last } = later;
  const isInside = (/** @type {number} */ number) =>
    first !== null && last !== null && number >= first && number <= last;
  const isNew = new Set(later.lines.map(([number]) => number));
  const isGone = new Set(later.gone);
  const stays = earlier.lines.filter(
    ([number]) => isInside(number) && !isNew.has(number) && !isGone.has(number),
  );
  const gone = [...new Set([...earlier.gone, ...later.gone])].filter(isInside);
  // A line that left the window and came back was told anew, so it is among the later ones.
  return { ...later, lines: [...stays, ...later.lines], gone };
}

/** @returns {Head} */
export function nothingKnown() {
  return { total: 0, first: 0, end: 0, dropped: 0, tasks: [], hits: null, name: "" };
}
