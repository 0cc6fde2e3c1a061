// @ts-check
/** The detail tabs' messages to and from the kernel. */

/** @import {Detail, Model, Subject} from "./detail_types.js" */
import { SECOND } from "./numbers.js";

const SAID_AGAIN_EVERY = 4 * SECOND;
export const ANSWER_WITHIN = 0.5 * SECOND;

/** Asks for the details of one subject at a time, and keeps what the kernel told of them. */
export class Wire {
  /** @type {Record<string, any>} */
  parts = {};
  /** @type {(changed: Record<string, any>) => void} called when something was told */
  onTold = () => {};

  #model;
  #view = Math.random().toString(36).slice(2) || "0";
  /** @type {Subject | null} */
  #subject = null;
  #seq = 0;

  #el;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.#model = model;
    this.#el = el;
    const timer = window.setInterval(() => this.sayAgain(), SAID_AGAIN_EVERY);
    model.on("msg:custom", this.#hear);
    document.addEventListener("visibilitychange", () => this.sayAgain(), { signal });
    el.addEventListener("bgw-seen", () => this.sayAgain(), { signal });
    signal.addEventListener("abort", () => {
      window.clearInterval(timer);
      model.off("msg:custom", this.#hear);
      this.ask(null);
    });
  }

  /** @param {Subject | null} subject null: nothing any more */
  ask(subject) {
    const wasOpen = this.#subject !== null;
    this.#subject = subject;
    this.#seq = 0;
    this.parts = {};
    if (subject) this.sayAgain();
    else if (wasOpen) this.#send({ type: "bye", view: this.#view });
  }

  /**
   * A hidden page says nothing, is forgotten after a while, and told all when it comes back; so is
   * the cell's panel while there is a window of its own (pop_out.js).
   */
  sayAgain() {
    if (document.hidden || this.#el.closest(".bgw-away") || !this.#subject) return;
    const { tab, loop, task } = this.#subject;
    const subject = { tab, loop, ...(task !== null && { task }) };
    this.#send({ type: "show", view: this.#view, ...subject, known: this.#seq });
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the tables say so.
    }
  }

  #hear = (/** @type {Detail} */ message) => {
    if (message.type !== "detail" || message.view !== this.#view) return;
    const { tab, loop, task, seq, full, parts } = message;
    const isOld =
      tab !== this.#subject?.tab || loop !== this.#subject.loop || task !== this.#subject.task;
    if (isOld) return;
    if (full) this.parts = {};
    else if (seq !== this.#seq + 1) {
      this.#seq = 0;
      this.sayAgain();
      return;
    }
    this.#seq = seq;
    Object.assign(this.parts, parts);
    this.onTold(full ? this.parts : parts);
  };
}
