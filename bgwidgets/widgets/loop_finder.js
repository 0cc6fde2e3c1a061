// @ts-check
/** All event loops in this kernel: looked for when it is unfolded, and when asked to look again. */

import { make, setAttribute } from "./page/elements.js";

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {"adopt" | "watch" | "kernel" | "listed"} Role
 *   the first two say what can be done with it
 * @typedef {{id: number, name: string, what: string, role: Role}} FoundRow
 * @typedef {{type: "found", at: string, left_out: number, rows: FoundRow[]}} Found
 */

/** What the button of each action says, and what it does. */
const ACTIONS = /** @type {Partial<Record<Role, {word: string, tooltip: string}>>} */ ({
  adopt: { word: "Adopt", tooltip: "List it above, with its tasks, and let the buttons act on it" },
  watch: { word: "Watch", tooltip: "List it above with the tasks that you made on it" },
});

/** The kernel's loops are locked, for good. @type {Record<Role, string>} */
const MARKS = { adopt: "free", watch: "lock", kernel: "lock", listed: "none" };

/** "5 loops, as of 12:03:41". @param {Found} found */
export function summaryOf({ rows, left_out, at }) {
  const count = rows.length + left_out;
  const more = left_out ? `, ${left_out} of them not shown` : "";
  return `${count} ${count === 1 ? "loop" : "loops"} as of ${at}${more}`;
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const id = `bgw-found-${Math.random().toString(36).slice(2)}`;
  // No key leaks into the notebook, where x cuts a cell and b inserts one.
  const root = make("section", "bgw-finder", { "data-lm-suppress-shortcuts": "true" });
  root.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  const toggle = make("button", "bgw-finder-toggle", {
    type: "button",
    "aria-expanded": "false",
    "aria-controls": id,
  });
  toggle.append(
    make("i", "bgw-finder-arrow", { "aria-hidden": "true" }),
    make("span", "", {}, "Loops in this kernel"),
  );
  const summary = make("span", "bgw-finder-summary", { role: "status" });
  const again = make("button", "bgw-finder-again", { type: "button" }, "Look again");
  const bar = make("div", "bgw-finder-bar");
  bar.append(toggle, summary, again);
  const list = make("ul", "bgw-finder-list", { id, "aria-label": "Loops in this kernel" });
  root.append(bar, list);
  el.append(root);

  /** @param {object} message */
  function send(message) {
    try {
      model.send(message);
    } catch {
      summary.textContent = "the kernel is gone";
    }
  }

  /** Every request is answered by a new look. @param {object} message */
  function request(message) {
    summary.textContent = "looking…";
    send(message);
  }

  const look = () => request({ type: "look" });

  const showWhetherThereIsMore = () => {
    const below = list.scrollHeight - list.clientHeight - list.scrollTop;
    setAttribute(list, "data-bgw-more", below > 1 ? "" : null);
  };

  /** @param {boolean} isOpen */
  function unfold(isOpen) {
    toggle.setAttribute("aria-expanded", String(isOpen));
    for (const part of [summary, again, list]) part.hidden = !isOpen;
  }

  /** @param {FoundRow} row */
  function line({ id: loop, name, what, role }) {
    const item = make("li", "bgw-found");
    const mark = make("i", "bgw-found-mark", { "aria-hidden": "true" });
    mark.dataset.mark = MARKS[role];
    item.append(
      mark,
      make("span", "bgw-found-name", { title: name }, name),
      make("span", "bgw-found-what", { title: what }, what),
    );
    const action = ACTIONS[role];
    if (action) {
      const button = make(
        "button",
        "bgw-found-action",
        { type: "button", title: action.tooltip, "aria-label": `${action.word} ${name}` },
        action.word,
      );
      button.addEventListener("click", () => request({ type: "adopt", loop }), { signal });
      item.append(button);
    }
    return item;
  }

  /** @param {Found} message */
  function hear(message) {
    if (message.type !== "found") return;
    const focused = list.contains(document.activeElement);
    summary.textContent = summaryOf(message);
    list.replaceChildren(...message.rows.map(line));
    showWhetherThereIsMore();
    // The button that was clicked is another one now, or none.
    if (focused) again.focus();
  }

  toggle.addEventListener(
    "click",
    () => {
      const isOpen = toggle.getAttribute("aria-expanded") !== "true";
      unfold(isOpen);
      if (isOpen) look();
    },
    { signal },
  );
  again.addEventListener("click", look, { signal });
  list.addEventListener("scroll", showWhetherThereIsMore, { signal });
  const resized = new ResizeObserver(showWhetherThereIsMore); // narrow, rows are of more lines
  resized.observe(list);
  unfold(false);
  model.on("msg:custom", hear);
  signal.addEventListener("abort", () => {
    model.off("msg:custom", hear);
    resized.disconnect();
    root.remove();
  });
  return () => lifetime.abort();
}

export default { render };
