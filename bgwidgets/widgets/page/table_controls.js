// @ts-check
/**
 * Without contact nothing can be asked for: the controls are dead. The last picture stays, for it
 * may be read; and nobody is thrown out of where they were, for most silences are short.
 */

import { setAttribute } from "./elements.js";

/** What asks the kernel for something as soon as it is used. */
const ASKING = ".bgw-button, .bgw-interval, .bgw-pause, .bgw-chip, .bgw-cancel, .bgw-finder";
/** What is typed there is sent when there is contact again (table_bar.js). */
const WAITING = ".bgw-filter";
/** What is inert is not heard either, and the columns would have no names. */
const NAMING = ".bgw-sort";

/**
 * The control that has the focus keeps it, or keys would go to the notebook and nobody would bring
 * the focus back; see `holdBack` for what it does meanwhile.
 * @param {Element} scope @param {boolean} isDead
 * @param {boolean} isForGood as far as the page knows: the kernel is gone, and not only silent
 */
export function setDead(scope, isDead, isForGood) {
  const find = (/** @type {string} */ selector) =>
    /** @type {NodeListOf<HTMLElement>} */ (scope.querySelectorAll(selector));
  const keepsFocus = (/** @type {Element} */ control) => control.contains(document.activeElement);
  for (const control of find(ASKING)) control.inert = isDead && !keepsFocus(control);
  for (const control of find(WAITING))
    control.inert = isDead && isForGood && !keepsFocus(control);
  for (const button of find(NAMING))
    /** @type {HTMLButtonElement} */ (button).disabled = isDead && !keepsFocus(button);
  for (const control of find(`${ASKING}, ${NAMING}`))
    setAttribute(control, "aria-disabled", isDead && keepsFocus(control) ? "true" : null);
}

/**
 * A click on what has kept the focus does nothing, or it would be done when nobody wants it any more.
 * @param {Element} panel @param {() => boolean} isDead @param {AbortSignal} signal
 */
export function holdBack(panel, isDead, signal) {
  panel.addEventListener(
    "click", // which Enter and Space are, too
    (event) => {
      if (!isDead() || !(/** @type {Element} */ (event.target).closest(ASKING))) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true, signal },
  );
}
