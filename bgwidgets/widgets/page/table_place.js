// @ts-check
/** What the page itself knows of the kernel and of the output that holds a table. */

/** @import {Model} from "./table_types.js" */

/**
 * The output that a view is in; of a view in a window of its own, that which it came from (pop_out.js).
 * @typedef {{el: HTMLElement, isGone: () => boolean}} Home `isGone`: once the view is
 */

const RESTARTS = ["restarting", "autorestarting"];

/** Where a view is shown: what the page can tell that the kernel cannot. */
export class Place {
  el;
  #home;
  #manager;
  /** What holds the output: a notebook, say. @type {Element | null} */
  #document = null;
  #wasRestarted = false;
  #wasHeard = false;

  /** @param {Model} model @param {HTMLElement} el @param {Home} home */
  constructor(model, el, home) {
    this.el = el;
    this.#home = home;
    this.#manager = model.widget_manager;
  }

  /** To be called while the view is in the page. */
  look() {
    this.#document ??= this.#home.el.closest(".jp-MainAreaWidget");
  }

  /**
   * Of a kernel that died JupyterLab says so for less than a turn of the page, and of one that was
   * restarted elsewhere only that it starts: who looks now and then sees neither.
   * @param {AbortSignal} signal
   */
  follow(signal) {
    const changes = this.#manager?.kernel?.statusChanged;
    const note = (/** @type {any} */ _, /** @type {string} */ status) => {
      this.#wasRestarted ||= RESTARTS.includes(status) || (status === "starting" && this.#wasHeard);
    };
    changes?.connect?.(note);
    signal.addEventListener("abort", () => changes?.disconnect?.(note));
  }

  /** Nobody sees the page, or the panel is in a window of its own and this is not its view. */
  get isHidden() {
    return document.hidden || this.el.closest(".bgw-away") !== null;
  }

  /** Whether the output is gone while what held it is there: its cell was run again, or deleted. */
  get isCleared() {
    return this.#home.isGone() && this.#document !== null && this.#document.isConnected;
  }

  /** The kernel spoke to this view, so it is the one that made it. */
  heard() {
    this.#wasHeard = true;
    this.#wasRestarted = false;
  }

  /** What became of the kernel, where the page knows that; null: nothing, for all that is known. */
  get fate() {
    // Only JupyterLab's manager knows the kernel; null is none, and undefined is one not known.
    const { kernel } = this.#manager ?? {};
    this.#wasRestarted ||= RESTARTS.includes(kernel?.status);
    if (this.#wasRestarted || this.#home.el.classList.contains("jupyter-widgets-disconnected"))
      return "kernel restarted";
    return kernel === null || kernel?.status === "dead" ? "kernel gone" : null;
  }
}
