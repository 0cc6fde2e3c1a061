// @ts-check
/** How things stand, in the bar above the loops: how many loops and tasks, and how they do. */

/** @import {Part} from "./table_parts.js" */
/** @import {Wire} from "./table_wire.js" */
import { make, setAttribute, setHidden, setText } from "./elements.js";
import { formatCount } from "./numbers.js";
import { ageOf, formatAge, formatCounts, markOf, plural } from "./table_words.js";

/** The marks as they follow each other: what needs a look, what goes on, what is over. */
const MARKS = ["fail", "block", "mute", "run", "wait", "stopg", "canc", "end"];

/** What loops and tasks are counted by, in that order. */
const LOOP_WORDS = ["running", "starting", "blocked", "unresponsive", "stop asked", "stopping"];
const LOOP_ENDS = ["failed", "killed", "lost", "cancelled", "stopped", "finished"];
const TASK_WORDS = ["pending", "running", "cancelling", "failed", "lost", "cancelled", "finished"];

/** @param {Wire} wire @returns {Part} */
export function summary(wire) {
  const { head } = wire;
  const loops = counter("loop", [...LOOP_WORDS, ...LOOP_ENDS]);
  const tasks = counter("task", TASK_WORDS, ["failed"]); // of which more is said
  const number = make("b", "");
  const failed = make("span", "bgw-count-failed", {}, number, " failed");
  const kernel = kernelState(wire);
  return {
    element: make("div", "bgw-sum", {}, loops.element, tasks.element, failed, kernel.element),
    paint() {
      loops.paint(head.get("loops") ?? 0, head.get("loop_counts") ?? {});
      tasks.paint(head.get("tasks") ?? 0, head.get("counts") ?? {});
      const failures = head.get("failed") ?? 0;
      setText(number, formatCount(failures));
      setHidden(failed, failures === 0);
      kernel.paint();
    },
  };
}

/**
 * "5 loops", and how many of them have which mark. Where there is no room for all of it, the marks
 * go first, the last before the others; who hears them hears the words.
 * @param {string} noun @param {string[]} words @param {string[]} [untold] those without a mark here
 */
function counter(noun, words, untold = []) {
  const number = make("b", "");
  const unit = make("span", "");
  const all = make("span", `bgw-count-${noun}s`, {}, number, " ", unit);
  const marked = MARKS.map((mark) => {
    const own = words.filter((word) => markOf(word) === mark && !untold.includes(word));
    const count = make("span", "", { "aria-hidden": "true" });
    const said = make("span", "bgw-unseen");
    const shape = make("i", "bgw-mark", { "aria-hidden": "true", "data-mark": mark });
    const element = make("span", "bgw-state-count", { "data-mark": mark }, shape, count, said);
    return { own, count, said, element };
  }).filter(({ own }) => own.length);
  return {
    element: make("div", `bgw-counter bgw-for-${noun}s`, {}, all, ...marked.map(({ element }) => element)),
    /** @param {number} total @param {Record<string, number>} counts by word */
    paint(total, counts) {
      setText(number, formatCount(total));
      setText(unit, plural(total, noun));
      setAttribute(all, "title", formatCounts(counts, words) || null);
      for (const { own, count, said, element } of marked) {
        const sum = own.reduce((known, word) => known + (counts[word] ?? 0), 0);
        setHidden(element, sum === 0);
        if (sum === 0) continue;
        setText(count, formatCount(sum));
        setText(said, ` ${formatCounts(counts, own)}`);
        setAttribute(element, "title", formatCounts(counts, own));
      }
    },
  };
}

/** "kernel busy 0:41", "kernel idle". @param {Wire} wire @returns {Part} */
function kernelState(wire) {
  const word = make("span", "");
  const age = make("b", "");
  return {
    element: make("div", "bgw-counter bgw-for-kernel", {}, make("span", "bgw-kernel", {}, word, age)),
    paint() {
      const state = wire.inContact ? (wire.head.said("kernel") ?? null) : null;
      const since = wire.head.said("busy_since") ?? null;
      // It does not stand still in a pause: the buttons go on working, or wait.
      const time = state === "busy" ? formatAge(ageOf(since, null, wire.kernelNow)) : "";
      setText(word, state === null ? "" : `kernel ${state}${time ? " " : ""}`);
      setText(age, time);
    },
  };
}
