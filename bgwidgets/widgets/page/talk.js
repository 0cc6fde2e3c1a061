// @ts-check
/** A view's talk with the kernel: it says again and again that it is looked at. */

import { SECOND } from "./numbers.js";

const SAID_AGAIN_EVERY = 4 * SECOND;
export const ANSWER_WITHIN = 0.5 * SECOND;

export class Talk {
  #model;
  #el;
  #view = Math.random().toString(36).slice(2) || "0";

  /**
   * @param {{on: Function, off: Function, send: (message: object) => void}} model
   * @param {HTMLElement} el @param {AbortSignal} signal
   * @param {{
   *   hear: (message: any, buffers?: DataView[]) => void, sayAgain: () => void, end: () => void,
   * }} view whose talk it is: `hear` is told what comes, `sayAgain` called every few seconds and
   *   when the page may have been forgotten, and `end` when all is over
   */
  constructor(model, el, signal, { hear, sayAgain, end }) {
    this.#model = model;
    this.#el = el;
    const timer = window.setInterval(sayAgain, SAID_AGAIN_EVERY);
    model.on("msg:custom", hear);
    document.addEventListener("visibilitychange", () => sayAgain(), { signal });
    el.addEventListener("bgw-seen", () => sayAgain(), { signal });
    signal.addEventListener("abort", () => {
      window.clearInterval(timer);
      model.off("msg:custom", hear);
      end();
    });
  }

  /**
   * A hidden page says nothing, is forgotten after a while, and told all when it comes back; so is
   * the cell's panel while there is a window of its own (pop_out.js).
   */
  get isAway() {
    return document.hidden || this.#el.closest(".bgw-away") !== null;
  }

  /** Whether the kernel says it to this view. @param {{view?: string}} message */
  isForMe({ view }) {
    return view === this.#view;
  }

  /** @param {object} message */
  send(message) {
    try {
      this.#model.send({ ...message, view: this.#view });
    } catch {
      // The kernel was restarted and the comm is closed: the tables say so.
    }
  }
}
