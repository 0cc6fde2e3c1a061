// @ts-check
/** The charts' messages to and from the kernel. */

/** @import {Model, News} from "./plots_types.js" */
import { SECOND } from "./numbers.js";

const SAID_AGAIN_EVERY = 4 * SECOND;
export const ANSWER_WITHIN = 0.5 * SECOND;

/** Asks for the plots of one loop at a time. */
export class Wire {
  /** @type {(news: News, buffers: DataView[]) => void} called when something was told */
  onTold = () => {};

  #model;
  #el;
  #view = Math.random().toString(36).slice(2) || "0";
  /** @type {number | null} */
  #loop = null;
  #seq = 0;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.#model = model;
    this.#el = el;
    const timer = window.setInterval(() => this.#sayAgain(), SAID_AGAIN_EVERY);
    model.on("msg:custom", this.#hear);
    document.addEventListener("visibilitychange", () => this.#sayAgain(), { signal });
    el.addEventListener("bgw-seen", () => this.#sayAgain(), { signal });
    signal.addEventListener("abort", () => {
      window.clearInterval(timer);
      model.off("msg:custom", this.#hear);
      this.ask(null);
    });
  }

  /** @param {number | null} loop null: nothing any more */
  ask(loop) {
    const wasOpen = this.#loop !== null;
    this.#loop = loop;
    this.#seq = 0;
    if (loop !== null) this.#sayAgain();
    else if (wasOpen) this.#send({ type: "bye", view: this.#view });
  }

  /** A hidden page says nothing, is forgotten after a while, and told all when it comes back. */
  #sayAgain() {
    if (document.hidden || this.#el.closest(".bgw-away") || this.#loop === null) return;
    this.#send({ type: "show", view: this.#view, loop: this.#loop, known: this.#seq });
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the tables say so.
    }
  }

  #hear = (/** @type {News} */ news, /** @type {DataView[]} */ buffers) => {
    if (news.type !== "plots" || news.view !== this.#view || news.loop !== this.#loop) return;
    if (!news.full && news.seq !== this.#seq + 1) {
      this.#seq = 0;
      this.#sayAgain();
      return;
    }
    this.#seq = news.seq;
    this.onTold(news, buffers ?? []);
  };
}
