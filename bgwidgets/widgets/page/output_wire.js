// @ts-check
/** The Output tab's messages to and from the kernel. */

/** @import {Model, Output, Picture, Piece, Subject} from "./output_types.js" */
import { SECOND } from "./numbers.js";
import { Talk } from "./talk.js";

export const CONTACT_LOST_AFTER = 3 * SECOND; // a kernel that is there says a word each second

/** Asks for the output of one loop at a time, and says again and again that it is looked at. */
export class Wire {
  /** @type {(output: Output) => void} */
  onOutput = () => {};
  /** @type {(picture: Picture) => void} */
  onPicture = () => {};
  /** @type {(piece: Piece) => void} */
  onPiece = () => {};
  heardAt = Date.now();

  #talk;
  #seq = 0;
  /** @type {Subject} */
  #subject = { loop: null, task: null, find: "", around: null };
  #stays = false;

  /** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal */
  constructor(model, el, signal) {
    this.#talk = new Talk(model, el, signal, {
      hear: this.#hear,
      sayAgain: () => this.sayAgain(),
      end: () => this.show({ ...this.#subject, loop: null }),
    });
  }

  get isHidden() {
    return this.#talk.isAway;
  }

  /**
   * @param {Subject} subject with no loop: nothing any more
   * @param {boolean} [stays] whether the lines that are here are those that are looked at
   */
  show(subject, stays = false) {
    const before = this.#subject;
    this.#subject = subject;
    this.#stays = stays;
    if (subject.loop === null) {
      this.#seq = 0;
      if (before.loop !== null) this.#talk.send({ type: "bye" });
      return;
    }
    if (subject.loop !== before.loop || subject.task !== before.task) this.#seq = 0;
    this.sayAgain();
  }

  sayAgain() {
    const { loop, task, find, around } = this.#subject;
    if (loop === null || this.isHidden) return;
    this.#talk.send({
      type: "show",
      loop,
      ...(task !== null && { task }),
      ...(find && { find }),
      ...(around !== null && { around }),
      ...(this.#stays && { stays: true }),
      known: this.#seq,
    });
  }

  /** To the next hit from there. @param {number} number @param {boolean} back */
  step(number, back) {
    this.#talk.send({ type: "step", number: Math.max(0, number), back });
  }

  /** @param {number} number */
  fetchPicture(number) {
    this.#talk.send({ type: "picture", number });
  }

  /** @param {number} start */
  fetchPiece(start) {
    this.#talk.send({ type: "save", start });
  }

  #hear = (/** @type {any} */ message) => {
    this.heardAt = Date.now();
    if (!this.#talk.isForMe(message)) return;
    if (message.type === "picture") this.onPicture(message);
    else if (message.type === "piece") this.onPiece(message);
    else if (message.type === "output") this.#take(message);
  };

  /** @param {Output} output */
  #take(output) {
    const { loop, task } = this.#subject;
    if (output.loop !== loop || output.task !== task) return;
    if (!output.full && output.seq !== this.#seq + 1) {
      if (this.#seq) {
        this.#seq = 0;
        this.sayAgain();
      }
      return;
    }
    this.#seq = output.seq;
    this.onOutput(output);
  }
}
