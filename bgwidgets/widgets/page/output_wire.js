// @ts-check
/** The Output tab's messages to and from the kernel. */

/** @import {Model, Output, Picture, Piece, Subject} from "./output_types.js" */
import { SECOND } from "./numbers.js";

const SAID_AGAIN_EVERY = 4 * SECOND;
export const ANSWER_WITHIN = 0.5 * SECOND;
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

  #model;
  #el;
  #view = Math.random().toString(36).slice(2) || "0";
  #seq = 0;
  /** @type {Subject} */
  #subject = { loop: null, task: null, find: "", around: null };
  #stays = false;

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
      this.show({ ...this.#subject, loop: null });
    });
  }

  get isHidden() {
    return document.hidden || this.#el.closest(".bgw-away") !== null;
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
      if (before.loop !== null) this.#send({ type: "bye", view: this.#view });
      return;
    }
    if (subject.loop !== before.loop || subject.task !== before.task) this.#seq = 0;
    this.sayAgain();
  }

  /** A hidden page says nothing, is forgotten after a while, and told all when it comes back. */
  sayAgain() {
    const { loop, task, find, around } = this.#subject;
    if (loop === null || this.isHidden) return;
    this.#send({
      type: "show",
      view: this.#view,
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
    this.#send({ type: "step", view: this.#view, number: Math.max(0, number), back });
  }

  /** @param {number} number */
  fetchPicture(number) {
    this.#send({ type: "picture", view: this.#view, number });
  }

  /** @param {number} start */
  fetchPiece(start) {
    this.#send({ type: "save", view: this.#view, start });
  }

  /** @param {object} message */
  #send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the tables say so.
    }
  }

  #hear = (/** @type {any} */ message) => {
    this.heardAt = Date.now();
    if (message.view !== this.#view) return;
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
