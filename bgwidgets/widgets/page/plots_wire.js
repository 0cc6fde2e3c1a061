// @ts-check
/** The charts' messages to and from the kernel. */

/** @import {Model, News} from "./plots_types.js" */
import { Talk } from "./talk.js";

/** Asks for the plots of one loop at a time. */
export class Wire {
  /** @type {(news: News, buffers: DataView[]) => void} called when something was told */
  onTold = () => {};

  #talk;
  /** @type {number | null} */
  #loop = null;
  #seq = 0;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.#talk = new Talk(model, el, signal, {
      hear: this.#hear,
      sayAgain: () => this.#sayAgain(),
      end: () => this.ask(null),
    });
  }

  /** @param {number | null} loop null: nothing any more */
  ask(loop) {
    const wasOpen = this.#loop !== null;
    this.#loop = loop;
    this.#seq = 0;
    if (loop !== null) this.#sayAgain();
    else if (wasOpen) this.#talk.send({ type: "bye" });
  }

  #sayAgain() {
    if (this.#talk.isAway || this.#loop === null) return;
    this.#talk.send({ type: "show", loop: this.#loop, known: this.#seq });
  }

  #hear = (/** @type {News} */ news, /** @type {DataView[]} */ buffers = []) => {
    if (news.type !== "plots" || !this.#talk.isForMe(news) || news.loop !== this.#loop) return;
    if (!news.full && news.seq !== this.#seq + 1) {
      this.#seq = 0;
      this.#sayAgain();
      return;
    }
    this.#seq = news.seq;
    this.onTold(news, buffers);
  };
}
