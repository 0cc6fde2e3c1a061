// @ts-check
/**
 * The live tables of the panel: one widget of two kinds, "loops" and "tasks".
 *
 * Only the rows in sight (and a few more on either side) travel from the kernel and exist in the
 * page, so 100,000 tasks cost what ten do. Sorting and filtering happen in the kernel.
 *
 * Its parts, from the bottom up: page/table_words.js, table_head.js, table_place.js, table_live.js,
 * table_wire.js, table_grid.js, table_cells.js, table_faces.js, table_controls.js. What the other tabs
 * of the tasks show are other widgets: task_details.js, output_view.js, plots_view.js.
 */

/** @import {Home} from "./page/table_place.js" */
/** @import {Model} from "./page/table_types.js" */
import { coalesced } from "./page/elements.js";
import { keepKeysAndFocus } from "./page/panel_keys.js";
import { holdBack, setDead } from "./page/table_controls.js";
import { MOST_LOOPS_IN_SIGHT, TASKS_IN_SIGHT, loopsFace, tasksFace } from "./page/table_faces.js";
import { listenForKeys } from "./page/table_keys.js";
import { Place } from "./page/table_place.js";
import { windowAt } from "./page/table_window.js";
import { Wire } from "./page/table_wire.js";

/** @param {{model: Model, el: HTMLElement, home?: Home}} context */
function render({ model, el, home = { el, isGone: () => true } }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const isLoops = model.get("kind") === "loops";
  const firstWindow = windowAt(0, isLoops ? MOST_LOOPS_IN_SIGHT : TASKS_IN_SIGHT);
  const place = new Place(model, el, home);
  const wire = new Wire(model, firstWindow, place, signal);
  const face = isLoops ? loopsFace(wire, signal) : tasksFace(wire, signal);
  let isDead = false;
  // What is between the tables and around them is the panel's, for which the table of loops speaks.
  let scope = el;
  const findPanel = () => {
    const panel = /** @type {HTMLElement | null} */ (el.closest(".bgw-panel"));
    if (!isLoops || scope !== el || !panel) return; // it is not in the page yet
    scope = panel;
    keepKeysAndFocus(panel, signal);
    holdBack(panel, () => !wire.inContact, signal);
  };
  const paint = () => {
    findPanel();
    place.look();
    face.grid.look();
    face.element.classList.toggle("bgw-lost", !wire.inContact);
    face.paint();
    if (isDead || !wire.inContact) setDead(scope, !wire.inContact, place.fate !== null);
    isDead = !wire.inContact;
    // A grid that is hidden has forgotten where it was scrolled to, until it is shown again.
    if (!face.grid.element.hidden) wire.ask(face.grid.window);
  };
  wire.onChange = coalesced(paint, signal);
  listenForKeys(face, wire, signal);
  el.append(face.element);
  paint();
  return () => {
    lifetime.abort();
    face.element.remove();
  };
}

export default { render };
