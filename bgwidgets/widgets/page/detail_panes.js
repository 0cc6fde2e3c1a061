// @ts-check
/** The panes of the detail tabs: await chain, error, history, timings. */

/** @import {DetailTab, Timings} from "./detail_types.js" */
import {
  EVENTS,
  barLine,
  bucket,
  cell,
  chainFrame,
  emptyLine,
  figure,
  fill,
  link,
  moreLine,
  section,
  waitingLine,
} from "./detail_parts.js";
import { bucketsOf, formatDuration, formatEnds, formatLife, sharesOf } from "./detail_words.js";
import { make } from "./elements.js";
import { called } from "./names.js";
import { formatCount } from "./numbers.js";

/**
 * A pane is made when its tab is opened. `paint` is given all parts, and which of them changed.
 * @typedef {{
 *   head: HTMLElement, content: HTMLElement[],
 *   paint: (parts: Record<string, any>, changed: (part: string) => boolean) => void,
 * }} Pane
 */

/** The line above a pane that says of what it is. */
function headline() {
  const head = make("div", "bgw-detail-head");
  return {
    head,
    /** @param {string} name @param {string} mono @param {string} words */
    say(name, mono, words) {
      head.replaceChildren(
        cell("bgw-detail-name", called(name)),
        cell("bgw-mono", mono === name ? "" : mono),
        cell("bgw-words", words),
      );
    },
  };
}

/** @returns {Pane} */
function chainPane() {
  const { head, say } = headline();
  const bars = section("Progress", "bars");
  const frames = make("div", "bgw-list bgw-list-frames", { role: "list", "aria-label": "Frames" });
  const waiting = make("div", "bgw-waiting");
  const waitsFor = section("Waits for", "links");
  const waitedBy = section("Waited for by", "links");
  return {
    head,
    content: [bars.element, frames, waiting, waitsFor.element, waitedBy.element],
    paint(parts, changed) {
      const { task, waiting: words, timeout } = parts;
      if (changed("task")) say(task.name, task.coroutine, formatLife(task));
      if (changed("bars")) {
        bars.list.replaceChildren(...parts.bars.map(barLine));
        bars.element.hidden = parts.bars.length === 0;
      }
      if (changed("frames")) fill(frames, parts.frames, chainFrame);
      if (changed("waiting") || changed("timeout") || changed("task"))
        waiting.replaceChildren(...waitingLine(words, timeout, task));
      for (const [name, { element, list }] of Object.entries({
        waits_for: waitsFor,
        waited_by: waitedBy,
      }))
        if (changed(name)) {
          fill(list, parts[name], link);
          element.hidden = parts[name].length === 0;
        }
    },
  };
}

/** @returns {Pane} */
function errorPane() {
  const { head, say } = headline();
  const error = make("p", "bgw-error-line");
  const trace = make("pre", "bgw-trace");
  const none = emptyLine("Its traceback was not kept: too many failed at the same time");
  return {
    head,
    content: [error, trace, none],
    paint(parts, changed) {
      const { kind, name, at } = parts.of;
      if (changed("of")) say(name, "", `${kind} failed${at ? ` ${at}` : ""}`);
      // As Python prints it, the traceback ends with the same words.
      error.textContent = parts.error;
      error.hidden = parts.traceback !== null;
      if (changed("traceback")) trace.textContent = parts.traceback ?? "";
      trace.hidden = parts.traceback === null;
      none.hidden = parts.traceback !== null;
    },
  };
}

/** @returns {Pane} */
function historyPane() {
  const { head, say } = headline();
  const sections = EVENTS.map((event) => ({ ...event, ...section(event.title, "events") }));
  const nothing = emptyLine("Nothing has failed, was cancelled, held the loop up or is to be warned of");
  return {
    head,
    content: [...sections.map(({ element }) => element), nothing],
    paint(parts, changed) {
      if (changed("births") || changed("ends") || changed("loop"))
        say(parts.loop, "", formatEnds(parts.births, parts.ends));
      for (const { part, element, list, line, identity } of sections) {
        if (!changed(part)) continue;
        const build = (/** @type {any} */ row) => ("more" in row ? moreLine(row, "") : line(row));
        fill(list, parts[part], build, identity);
        element.hidden = parts[part].length === 0;
      }
      nothing.hidden = EVENTS.some(({ part }) => parts[part].length > 0);
    },
  };
}

/** @returns {Pane} */
function timingsPane() {
  const { head, say } = headline();
  const bar = make("div", "bgw-shares", { "aria-hidden": "true" });
  const figures = make("div", "bgw-figures", { role: "list", "aria-label": "Timings" });
  const steps = section("How long its steps took", "steps");
  return {
    head,
    content: [bar, figures, steps.element],
    paint(parts, changed) {
      if (changed("task")) say(parts.task.name, parts.task.coroutine, formatLife(parts.task));
      if (!changed("timings")) return;
      /** @type {Timings} */
      const timings = parts.timings;
      const shares = sharesOf(timings);
      bar.replaceChildren(
        ...Object.entries(shares).map(([kind, share]) => {
          const part = make("i", "", { "data-kind": kind });
          part.style.width = `${share.toFixed(2)}%`;
          return part;
        }),
      );
      figures.replaceChildren(
        figure("busy", formatDuration(timings.busy), "In its steps", "busy"),
        figure(
          "scheduled",
          formatDuration(timings.scheduled),
          "Ready, while the loop did something else",
          "scheduled",
        ),
        figure("idle", formatDuration(timings.idle), "Waiting for something", "idle"),
        figure("steps", formatCount(timings.polls), "How often it ran, from one wait to the next"),
        figure(
          "slowest step",
          formatDuration(timings.slowest),
          [timings.slowest_at, timings.slowest_where].filter(Boolean).join(" · "),
        ),
      );
      fill(steps.list, bucketsOf(timings.histogram), bucket);
      steps.element.hidden = timings.polls === 0;
    },
  };
}

/** @type {Record<DetailTab, () => Pane>} */
export const PANES = {
  chain: chainPane,
  error: errorPane,
  history: historyPane,
  timings: timingsPane,
};
