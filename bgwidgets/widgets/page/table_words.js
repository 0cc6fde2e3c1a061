// @ts-check
/** What a value of the tables looks like, in words. */

/** @import {Counts, LoopRow, TaskRow, TaskState} from "./table_types.js" */
import { formatCount } from "./numbers.js";

export const SPARK_SECONDS = 60;
export const SPARK_HEIGHT = 12;
export const SLOW = 0.1; // seconds: a lag that is worth a look

/** "1 loop", "1,207 loops". @param {number} count @param {string} noun */
export function formatNumber(count, noun) {
  return `${formatCount(count)} ${plural(count, noun)}`;
}

/** @param {number} count @param {string} noun */
export function plural(count, noun) {
  return count === 1 ? noun : `${noun}s`;
}

/** "0:03", "12:41", "1:02:05", and from a day on "2d 3h". @param {number | null} seconds */
export function formatAge(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  if (days) return `${days}d ${hours}h`;
  if (hours) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}

/**
 * How long something has lasted: until it ended, or until now.
 * @param {number | null} began @param {number | null} ended @param {number} now
 */
export function ageOf(began, ended, now) {
  return began === null ? null : (ended ?? now) - began;
}

/** "< 1 ms", "34 ms", "3.2 s", "48 s", "12 m", "3 h", "2 d". @param {number | null} seconds */
export function formatLag(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  if (seconds < 0.001) return "< 1 ms";
  if (seconds < 0.995) return `${Number((seconds * 1000).toPrecision(2))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 99.5) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} d`;
}

/**
 * The path of a sparkline in a box of 60 by 12: a digit in base 16 for each second, the last one on
 * the right; where there is a space, the line is broken.
 * @param {string} levels
 */
export function sparkPath(levels) {
  const first = SPARK_SECONDS - levels.length;
  let isDrawing = false;
  return [...levels]
    .map((level, at) => {
      const height = Number.parseInt(level, 16);
      const command = isDrawing ? "L" : "M";
      isDrawing = !Number.isNaN(height);
      return isDrawing ? `${command}${first + at} ${SPARK_HEIGHT - height}` : "";
    })
    .join("");
}

/**
 * "2 failed, 14 cancelled": what has ended; nothing is said of what did not happen.
 * @param {Partial<Counts>} counts
 */
export function formatEnded(counts) {
  return formatCounts(counts, ["failed", "lost", "cancelled", "finished"]);
}

/** @param {Record<string, number>} counts @param {string[]} states */
export function formatCounts(counts, states) {
  return states
    .filter((state) => counts[state])
    .map((state) => `${formatCount(counts[state] ?? 0)} ${state}`)
    .join(", ");
}

/** The mark's shape and the word's tone for each state of a loop or a task. */
const APPEARANCE = /** @type {Record<string, {mark: string, tone: string}>} */ ({
  starting: { mark: "wait", tone: "soft" },
  pending: { mark: "wait", tone: "soft" },
  running: { mark: "run", tone: "ok" },
  stopping: { mark: "stopg", tone: "warn" },
  cancelling: { mark: "stopg", tone: "warn" },
  finished: { mark: "end", tone: "soft" },
  stopped: { mark: "end", tone: "soft" },
  cancelled: { mark: "canc", tone: "soft" },
  failed: { mark: "fail", tone: "bad" },
  killed: { mark: "fail", tone: "bad" },
  lost: { mark: "fail", tone: "bad" },
});

/** The mark of a state, or of what is said in its place. @param {string} word */
export function markOf(word) {
  const laidOver = { blocked: "block", unresponsive: "mute", "stop asked": "stopg" };
  return /** @type {Record<string, string>} */ (laidOver)[word] ?? APPEARANCE[word]?.mark ?? "end";
}

/**
 * The word, its tone and the mark that say how a row's loop or task is doing.
 * @param {{
 *   state: string, stop_requested?: boolean, unresponsive?: boolean | number,
 *   blocked_since?: number | null,
 * }} row
 * @param {number} [now]
 */
export function appearanceOf({ state, stop_requested, unresponsive, blocked_since }, now = 0) {
  if (isOver(state)) return { word: state, ...(APPEARANCE[state] ?? APPEARANCE.finished) };
  if (typeof blocked_since === "number") {
    const since = Math.max(0, now - blocked_since);
    // "850 ms" would not fit, and would be gone before it is read.
    const seconds = since < 1 ? `${since.toFixed(1)} s` : formatLag(since);
    const word = state === "stopping" ? state : `blocked ${seconds}`;
    return { word, tone: "warn", mark: "block" };
  }
  if (unresponsive) return { word: "unresponsive", tone: "warn", mark: "mute" };
  if (state === "running" && stop_requested)
    return { word: "stop asked", tone: "warn", mark: "stopg" };
  return { word: state, ...(APPEARANCE[state] ?? { mark: "end", tone: "soft" }) };
}

/**
 * What a loop's note says: of one that does not answer, first how old all is that is shown of it.
 * @param {{note: string | null, unresponsive?: boolean | number}} row @param {number} now
 */
export function noteOf({ note, unresponsive }, now) {
  if (typeof unresponsive !== "number") return note ?? "";
  const seconds = Math.max(0, Math.floor(now - unresponsive));
  const silence = `no answer for ${seconds < 60 ? `${seconds} s` : formatAge(seconds)}`;
  return note ? `${silence} · ${note}` : silence;
}

/** Whether a loop's state is one that nothing follows. @param {string} state */
export function isOver(state) {
  const mark = APPEARANCE[state]?.mark ?? "end";
  return mark === "end" || mark === "canc" || mark === "fail";
}

/** What a task's "Waiting on" cell says, and its tone. @param {TaskRow} row */
export function waitingOf({ state, waiting, error }) {
  if (state === "failed") return { text: error ?? "", tone: "bad" };
  if (state === "running") return { text: waiting || "running", tone: "ok" };
  if (state === "cancelling") return { text: waiting || "cancelling", tone: "warn" };
  return { text: waiting ?? "", tone: "soft" };
}

/** @param {TaskRow} row */
export function isUnfinished({ state }) {
  return state === "pending" || state === "running" || state === "cancelling";
}

/**
 * The parts of the mix bar, in per cent of all tasks.
 * @param {LoopRow} row
 */
export function mixOf({ counts, total }) {
  const share = (/** @type {TaskState[]} */ ...states) =>
    total ? (100 * states.reduce((sum, state) => sum + (counts[state] ?? 0), 0)) / total : 0;
  return {
    ok: share("pending", "running"),
    warn: share("cancelling"),
    faint: share("finished", "cancelled"),
    bad: share("failed", "lost"),
  };
}
