// @ts-check
/** A table's messages to and from the kernel. */

/** @import {Place} from "./table_place.js" */
/** @import {Frame, Model, Range} from "./table_types.js" */
import { SECOND } from "./numbers.js";
import { Head } from "./table_head.js";
import { Live } from "./table_live.js";

const ALIVE_EVERY = 4 * SECOND;
const CONTACT_LOST_AFTER = 2.5 * SECOND; // a kernel that is there says a word each second
const CHECK_CONTACT_EVERY = 0.25 * SECOND;
const WINDOW_ANSWER_WITHIN = 500;

/** One view's talk with the kernel: keeps rows and head, and knows when contact is lost. */
export class Wire {
  head = new Head();
  /** @type {Map<number, any>} */
  rows = new Map();
  total = 0;
  inContact = true;
  /** Whether anything came yet: an empty table is not the same as one that is not known. */
  isKnown = false;
  /** Called after every change. */
  onChange = () => {};
  live;

  /** Whether all is here that the kernel had to say to the last hello. */
  get isUpToDate() {
    return this.isKnown && !this.#awaitsFull;
  }

  #view = Math.random().toString(36).slice(2) || "0";
  #model;
  #seq = 0;
  #awaitsFull = true;
  #heardAt = Date.now();
  #checkedAt = Date.now();
  #place;
  /** The kernel's clock minus ours, in seconds. @type {number | null} */
  #clockOffset = null;
  /** @type {Range} */
  #wanted;
  /** @type {Range} */
  #asked;
  /** Runs while a window is asked for and not answered. @type {number | null} */
  #patience = null;

  /**
   * @param {Model} model @param {Range} firstWindow @param {Place} place @param {AbortSignal} signal
   */
  constructor(model, firstWindow, place, signal) {
    this.#model = model;
    this.#place = place;
    this.#wanted = this.#asked = firstWindow;
    this.live = new Live(
      (cell) => this.send({ type: "ping", view: this.#view, cell }),
      () => this.onChange(),
      signal,
    );
    const timers = [
      window.setInterval(() => this.#tick(), SECOND),
      window.setInterval(() => this.#checkContact(), CHECK_CONTACT_EVERY),
      window.setInterval(() => this.#sayAlive(), ALIVE_EVERY),
    ];
    place.follow(signal);
    model.on("msg:custom", this.#hear);
    model.on("comm_live_update", this.#checkContact); // ipywidgets has seen a restart
    document.addEventListener("visibilitychange", () => this.#comeBack(), { signal });
    place.el.addEventListener("bgw-seen", () => this.#comeBack(), { signal });
    signal.addEventListener("abort", () => {
      timers.forEach((timer) => window.clearInterval(timer));
      window.clearTimeout(this.#patience ?? undefined);
      model.off("msg:custom", this.#hear);
      model.off("comm_live_update", this.#checkContact);
      this.send({ type: "bye", view: this.#view, ...(place.isCleared && { cleared: true }) });
    });
    this.#sayHello();
  }

  /** The kernel's time in seconds, by our clock; it stands still in a pause and without contact. */
  get now() {
    return this.head.said("paused") ? this.head.said("now") : this.kernelNow;
  }

  /** The same, in a pause too. */
  get kernelNow() {
    const latest = Math.min(Date.now(), this.#heardAt + CONTACT_LOST_AFTER);
    return latest / SECOND + (this.#clockOffset ?? 0);
  }

  /** Why there is no contact. */
  get trouble() {
    const silence = this.isKnown ? "no contact with the kernel" : "no answer from the kernel yet";
    return this.#place.fate ?? silence;
  }

  /** @param {object} message */
  send(message) {
    try {
      this.#model.send(message);
    } catch {
      // The kernel was restarted and the comm is closed: the silence will say so.
    }
  }

  /**
   * Nothing is asked of a kernel that is not there: it might do it when nobody wants it any more.
   * @param {"stop_event" | "stop_loop" | "cancel_tasks"} command
   * @param {number | null | undefined} loop
   * @param {number[]} [tasks]
   */
  command(command, loop, tasks) {
    if (!this.inContact || loop === null || loop === undefined) return;
    this.send({ type: "command", command, loop, ...(tasks && { tasks }) });
  }

  /**
   * What a button does, on this loop or on those that are selected with it.
   * @param {string} action @param {number | null | undefined} loop
   * @param {{picked?: boolean}} [more] `picked`: for tasks that are selected, and for no others
   */
  act(action, loop, more) {
    if (!this.inContact || loop === null || loop === undefined) return;
    this.send({ type: "act", action, loop, ...more });
  }

  /**
   * Show a wish of the user's at once and send it.
   * @param {string} key
   * @param {any} value
   * @param {object} message
   * @param {boolean} [isGuess] whether the kernel may well answer with another value
   */
  wish(key, value, message, isGuess) {
    if (!this.inContact) return;
    this.head.wish(key, value, isGuess);
    this.send(message);
    this.onChange();
  }

  /** Ask for other rows; only one question is under way at a time. @param {Range} range */
  ask(range) {
    this.#wanted = range;
    if (this.#patience === null && !sameRange(this.#wanted, this.#asked)) this.#sendWindow();
  }

  #sendWindow() {
    this.#asked = this.#wanted;
    this.send({ type: "window", view: this.#view, ...this.#asked });
    this.#patience = window.setTimeout(() => this.#answered(), WINDOW_ANSWER_WITHIN);
  }

  #answered() {
    window.clearTimeout(this.#patience ?? undefined);
    this.#patience = null;
    this.ask(this.#wanted);
  }

  #sayHello() {
    this.#awaitsFull = true;
    this.live.follow(null); // the answer tells which cell runs by then
    this.#asked = this.#wanted;
    this.send({ type: "hello", view: this.#view, ...this.#asked });
  }

  #sayAlive() {
    if (this.#place.isHidden) return;
    // A kernel that we cannot hear may have given this view up, so it is greeted anew.
    if (this.#awaitsFull || !this.inContact) this.#sayHello();
    else this.send({ type: "alive", view: this.#view });
  }

  /** A hidden page says nothing and is forgotten; its silence meant nothing either. */
  #comeBack() {
    if (this.#place.isHidden) return;
    this.#heardAt = Date.now();
    this.#sayHello();
  }

  #tick() {
    this.head.dropOldWishes();
    this.onChange();
  }

  #checkContact = () => {
    const now = Date.now();
    // A page that was itself held up, or asleep, first has to hear what came meanwhile.
    if (now - this.#checkedAt > SECOND) this.#heardAt = Math.max(this.#heardAt, now - SECOND);
    this.#checkedAt = now;
    const isSilent = !this.#place.isHidden && now - this.#heardAt >= CONTACT_LOST_AFTER;
    if (!this.inContact || !(isSilent || this.#place.fate)) return;
    this.inContact = false;
    this.onChange();
  };

  #hear = (/** @type {any} */ message) => {
    const wasLost = !this.inContact;
    this.#heardAt = Date.now();
    this.#place.heard();
    this.inContact = true;
    const isOurs = message.type === "frame" && message.view === this.#view;
    const answersUs = message.type === "pong" && message.views.includes(this.#view);
    if (isOurs) this.#take(message);
    else if (message.type !== "frame" && wasLost) this.#sayHello();
    else if (answersUs) this.live.hear(message.cell);
    if (isOurs || answersUs || wasLost) this.onChange(); // a beat has nothing to show
  };

  /** @param {Frame} frame */
  #take(frame) {
    if (!frame.full && (this.#awaitsFull || frame.seq !== this.#seq + 1)) {
      if (!this.#awaitsFull) this.#sayHello();
      return;
    }
    this.#seq = frame.seq;
    this.total = frame.total;
    if (frame.full) {
      this.#awaitsFull = false;
      this.isKnown = true;
      this.rows.clear();
    }
    for (const [index, news] of frame.rows)
      this.rows.set(index, "id" in news ? news : { ...this.rows.get(index), ...news });
    for (const index of this.rows.keys()) if (index >= frame.total) this.rows.delete(index);
    this.head.merge(frame.head ?? {});
    this.live.follow(this.head.said("cell") ?? null);
    if (frame.head?.now !== undefined) this.#setClock(frame.head.now);
    if (frame.full) this.#answered();
  }

  /**
   * The message that travelled fastest tells the clock best; to follow each one would let an age
   * step back. A big difference means that a clock was set.
   * @param {number} kernelNow
   */
  #setClock(kernelNow) {
    const offset = kernelNow - Date.now() / SECOND;
    const known = this.#clockOffset;
    if (known === null || offset > known || known - offset > 2) this.#clockOffset = offset;
  }
}

/** @param {Range} one @param {Range} other */
function sameRange(one, other) {
  return one.start === other.start && one.stop === other.stop;
}
