// @ts-check
/** The detail tabs' messages to and from the kernel. */

/** @import {Detail, Model, Subject} from "./detail_types.js" */
import { Talk } from "./talk.js";

/** Asks for the details of one subject at a time, and keeps what the kernel told of them. */
export class Wire {
  /** @type {Record<string, any>} */
  parts = {};
  /** @type {(changed: Record<string, any>) => void} called when something was told */
  onTold = () => {};

  #talk;
  /** @type {Subject | null} */
  #subject = null;
  #seq = 0;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.#talk = new Talk(model, el, signal, {
      hear: this.#hear,
      sayAgain: () => this.sayAgain(),
      end: () => this.ask(null),
    });
  }

  /** @param {Subject | null} subject null: nothing any more */
  ask(subject) {
    const wasOpen = this.#subject !== null;
    this.#subject = subject;
    this.#seq = 0;
    this.parts = {};
    if (subject) this.sayAgain();
    else if (wasOpen) this.#talk.send({ type: "bye" });
  }

  sayAgain() {
    if (this.#talk.isAway || !this.#subject) return;
    const { tab, loop, task } = this.#subject;
    const subject = { tab, loop, ...(task !== null && { task }) };
    this.#talk.send({ type: "show", ...subject, known: this.#seq });
  }

  #hear = (/** @type {Detail} */ message) => {
    if (message.type !== "detail" || !this.#talk.isForMe(message)) return;
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
