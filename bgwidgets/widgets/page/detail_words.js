// @ts-check
/** What durations, lives and histograms look like, in words. */

/** @import {About, Timings} from "./detail_types.js" */
import { formatCount } from "./numbers.js";

/** "12 µs", "4.1 ms", "0.35 s", "12 s", "1:05", "1:02:05". @param {number} seconds */
export function formatDuration(seconds) {
  const short = (/** @type {number} */ value) =>
    value < 9.95 ? String(Number(value.toPrecision(2))) : String(Math.round(value));
  if (seconds <= 0) return "0 s";
  if (seconds < 0.000_999_5) return `${short(seconds * 1e6)} µs`;
  if (seconds < 0.099_95) return `${short(seconds * 1e3)} ms`;
  if (seconds < 59.5) return `${short(seconds)} s`;
  const whole = Math.round(seconds);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** "1,207 tasks, 776 finished, 2 failed"; nothing is said of what did not happen.
 * @param {number} births @param {Record<string, number>} ends */
export function formatEnds(births, ends) {
  const parts = ["finished", "failed", "cancelled", "lost"]
    .filter((state) => ends[state])
    .map((state) => `${formatCount(ends[state])} ${state}`);
  return [`${formatCount(births)} ${births === 1 ? "task" : "tasks"}`, ...parts].join(", ");
}

/** How a task is doing and since when, in words. @param {About} about */
export function formatLife({ state, born, ended }) {
  const made = born && `made ${born}`;
  return [state, ended ? `ended ${ended}` : made].filter(Boolean).join(" · ");
}

/** "and 3 more". @param {number} count @param {string} what */
export function andMore(count, what) {
  return `and ${formatCount(count)} more${what && ` ${what}`}`;
}

/**
 * The buckets from the first to the last that hold anything, each with its share of the fullest.
 * @param {[number | null, number][]} histogram
 */
export function bucketsOf(histogram) {
  const counts = histogram.map(([, count]) => count);
  const first = counts.findIndex(Boolean);
  const last = counts.findLastIndex(Boolean);
  const most = Math.max(1, ...counts);
  return histogram.slice(Math.max(0, first), last + 1).map(([bound, count], at) => ({
    label:
      bound === null
        ? `over ${formatDuration(histogram[first + at - 1]?.[0] ?? 0)}`
        : `under ${formatDuration(bound)}`,
    count,
    share: count / most,
  }));
}

/** Their shares of a task's life, in per cent. @param {Timings} timings */
export function sharesOf({ busy, scheduled, idle }) {
  const whole = busy + scheduled + idle;
  const share = (/** @type {number} */ part) => (whole > 0 ? (100 * part) / whole : 0);
  return { busy: share(busy), scheduled: share(scheduled), idle: share(idle) };
}
