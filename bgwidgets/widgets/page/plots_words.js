// @ts-check
/** Values and times in words, and where they are on a chart. */

/** @import {Size} from "./plots_types.js" */
import { MARGIN } from "./plots_chart.js";

/** "0.3124", "12,041", "1.2e-7"; four digits that count. @param {number | null} value */
export function formatValue(value) {
  if (value === null) return "none";
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e7 || size < 1e-4))
    return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  if (size >= 1000) return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
  return String(Number(value.toPrecision(4)));
}

/** "0:03", "12:41", "1:02:05", "2d 3h": since the run began. @param {number} seconds */
export function formatTime(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  if (hours >= 24) return `${Math.floor(hours / 24)}d ${hours % 24}h`;
  return hours
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** "1 value", "1,207 values". @param {number} count */
export function formatValues(count) {
  const digits = String(count).replace(/\B(?=(\d{3})+$)/g, ",");
  return `${digits} ${count === 1 ? "value" : "values"}`;
}

/**
 * Which point lies nearest to a time; gaps have none. -1 where there is no point at all.
 * @param {number[]} times in order @param {(number | null)[]} values @param {number} time
 */
export function nearest(times, values, time) {
  let best = -1;
  times.forEach((at, place) => {
    const isNearer = best < 0 || Math.abs(at - time) <= Math.abs(times[best] - time);
    if (values[place] !== null && isNearer) best = place;
  });
  return best;
}

/**
 * The next point in a direction, past the gaps; the same when there is none.
 * @param {(number | null)[]} values @param {number} place @param {1 | -1} step
 */
export function neighbour(values, place, step) {
  for (let at = place + step; at >= 0 && at < values.length; at += step)
    if (values[at] !== null) return at;
  return place;
}

/**
 * Where the points lie in a box, in pixels: a list for each line, which gaps part.
 * @param {number[]} times @param {(number | null)[]} values
 * @param {number} lowest @param {number} highest @param {Size} box
 * @returns {[number, number][][]}
 */
export function linesOf(times, values, lowest, highest, { width, height }) {
  const duration = times[times.length - 1] - times[0];
  const range = highest - lowest;
  /** @type {[number, number][][]} */
  const lines = [];
  let isDrawing = false;
  times.forEach((time, place) => {
    const value = values[place];
    if (value === null) {
      isDrawing = false;
      return;
    }
    if (!isDrawing) lines.push([]);
    isDrawing = true;
    // What happened at once stands in the middle, and so does what never changed.
    const across = duration > 0 ? (time - times[0]) / duration : 0.5;
    const up = range > 0 ? (value - lowest) / range : 0.5;
    const x = MARGIN + across * (width - 2 * MARGIN);
    lines[lines.length - 1].push([x, height - MARGIN - up * (height - 2 * MARGIN)]);
  });
  return lines;
}
