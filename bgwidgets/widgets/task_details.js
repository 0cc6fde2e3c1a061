// @ts-check
/**
 * What stands in the place of the table of tasks while a detail tab is open: the await chain, the
 * error and the timings of the current task, the history of its loop.
 *
 * The tabs are the table's (task_table.js). It says which one is open by the event "bgw-tab" on this
 * widget's element; "bgw-back" on the table's element says that the user wants the tasks again.
 * Only while a tab is open something is asked of the kernel, which then tells the parts that changed.
 *
 * Its parts, from the bottom up: page/detail_words.js, detail_parts.js, detail_panes.js, detail_wire.js.
 */

/** @import {Pane} from "./page/detail_panes.js" */
/** @import {DetailTab, Model, Subject, TabOpened} from "./page/detail_types.js" */
import { PANES } from "./page/detail_panes.js";
import { emptyLine } from "./page/detail_parts.js";
import { Wire } from "./page/detail_wire.js";
import { make } from "./page/elements.js";
import { ANSWER_WITHIN } from "./page/talk.js";

/** @type {Record<DetailTab, string>} */
const TITLES = { chain: "Await chain", error: "Error", history: "History", timings: "Timings" };

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const wire = new Wire(model, el, signal);
  const body = make("div", "bgw-detail-body", { role: "tabpanel", tabindex: "0" });
  const root = make(
    "div",
    "bgw-details",
    { "data-lm-suppress-shortcuts": "true" },
    body,
    make("div", "bgw-detail-foot", {}, make("span", "", {}, "Esc tasks")),
  );
  root.hidden = true;
  /** @type {Subject} */
  let shown = { tab: "tasks", loop: null, task: null };
  /** @type {Pane | null} */
  let pane = null;
  let patience = 0;
  /** Why nobody can be asked, in the table's words. @type {string | null} */
  let trouble = null;
  let wantedTop = 0;

  /** @param {string} words */
  function sayInstead(words) {
    pane = null;
    body.replaceChildren(emptyLine(words));
  }

  wire.onTold = (changed) => {
    window.clearTimeout(patience);
    if (shown.tab === "tasks") return;
    const { nothing } = wire.parts;
    if (nothing) {
      sayInstead(nothing);
      return;
    }
    const isNew = pane === null;
    pane ??= PANES[shown.tab]();
    pane.paint(wire.parts, (part) => isNew || part in changed);
    if (!isNew) return;
    body.replaceChildren(pane.head, ...pane.content);
    body.scrollTop = wantedTop;
    wantedTop = 0;
  };

  /** What there is to say where nothing is shown yet. */
  function sayWhatIsMissing() {
    if (pane !== null || shown.tab === "tasks" || shown.loop === null) return;
    window.clearTimeout(patience);
    if (trouble !== null) sayInstead(trouble);
    else patience = window.setTimeout(() => sayInstead("Asking the kernel…"), ANSWER_WITHIN);
  }

  /** @param {TabOpened} opened */
  function open({ tab: opened, loop, task, focus, trouble: why = null }) {
    const isOther = why !== trouble;
    trouble = why;
    // Other tabs are another widget's; a loop's history is the same whichever task is current.
    const tab = /** @type {DetailTab | "tasks"} */ (opened in PANES ? opened : "tasks");
    const subject = { tab, loop, task: tab === "history" ? null : task };
    if (subject.tab !== shown.tab || subject.loop !== shown.loop || subject.task !== shown.task) {
      shown = subject;
      window.clearTimeout(patience);
      pane = null;
      body.replaceChildren();
      body.scrollTo(0, 0);
      root.hidden = subject.tab === "tasks";
      const hasSubject = subject.tab !== "tasks" && subject.loop !== null;
      wire.ask(hasSubject ? subject : null);
      if (subject.tab !== "tasks") {
        body.setAttribute("aria-label", TITLES[subject.tab]);
        if (!hasSubject) sayInstead("No loop selected");
        else sayWhatIsMissing();
      }
    } else if (isOther) {
      sayWhatIsMissing();
      if (trouble === null) wire.sayAgain();
    }
    if (focus && subject.tab !== "tasks") body.focus({ preventScroll: true });
  }

  root.addEventListener(
    "bgw-tab",
    (event) => open(/** @type {CustomEvent<TabOpened>} */ (event).detail),
    { signal },
  );
  root.addEventListener(
    "keydown",
    (event) => {
      event.stopPropagation(); // no key leaks into the notebook, where it could mean something else
      if (event.key !== "Escape") return;
      event.preventDefault();
      const table = root.closest(".bgw-panel")?.querySelector(".bgw-tasks");
      table?.dispatchEvent(new CustomEvent("bgw-back"));
    },
    { signal },
  );
  root.addEventListener(
    "bgw-leave",
    (event) => {
      /** @type {CustomEvent} */ (event).detail.place = body.scrollTop;
    },
    { signal },
  );
  root.addEventListener(
    "bgw-go-on",
    (event) => {
      wantedTop = /** @type {CustomEvent<{place: number}>} */ (event).detail.place;
      if (pane !== null) body.scrollTop = wantedTop;
    },
    { signal },
  );
  signal.addEventListener("abort", () => {
    window.clearTimeout(patience);
    root.remove();
  });
  el.append(root);
  return () => lifetime.abort();
}

export default { render };
