// @ts-check
/** Whether clicks are heard while a cell runs. */

/** @import {Part} from "./table_parts.js" */
/** @import {Wire} from "./table_wire.js" */
import { make, setAttribute, setHidden, setText } from "./elements.js";
import { SECOND } from "./numbers.js";

const PING_EVERY = 2 * SECOND;
const PONG_WITHIN = 1.5 * SECOND;

/**
 * Whether clicks are heard while a cell runs: known by a ping that was answered, never assumed.
 * A ping that waits is not sent again, for all would have to be handled when the cell has ended.
 */
export class Live {
  /** @type {"unknown" | "live" | "waits"} */
  state = "unknown";
  /** The cell that runs, by the kernel's number. @type {number | null} */
  #cell = null;
  #timer = 0;
  #ping;
  #onChange;

  /** @param {(cell: number) => void} ping @param {() => void} onChange @param {AbortSignal} signal */
  constructor(ping, onChange, signal) {
    this.#ping = ping;
    this.#onChange = onChange;
    signal.addEventListener("abort", () => window.clearTimeout(this.#timer));
  }

  /** The kernel says which cell runs; null: none, or that is not known. @param {number | null} cell */
  follow(cell) {
    if (cell === this.#cell) return;
    this.#cell = cell;
    this.state = "unknown";
    window.clearTimeout(this.#timer);
    if (cell !== null) this.#ask(cell);
  }

  /** A ping of ours was heard while this cell ran. @param {number} cell */
  hear(cell) {
    if (cell !== this.#cell) return;
    this.state = "live";
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#ask(cell), PING_EVERY);
  }

  /** @param {number} cell */
  #ask(cell) {
    this.#ping(cell);
    this.#timer = window.setTimeout(() => {
      this.state = "waits";
      this.#onChange();
    }, PONG_WITHIN);
  }
}

/** @param {Wire} wire @returns {Part} */
export function liveMark(wire) {
  const word = make("span", "");
  const more = make("span", "bgw-live-more");
  const dot = make("i", "", { "aria-hidden": "true" });
  const element = make("span", "bgw-live", {}, dot, make("span", "", {}, word, more));
  return {
    element,
    paint() {
      const state = wire.inContact ? wire.live.state : "unknown";
      const [text, title] = {
        unknown: ["", ""],
        live: ["live", "Clicks take effect while the cell runs"],
        waits: [
          "clicks wait",
          "This kernel does not hear clicks before the cell ends. What is shown goes on, and the methods work in code.",
        ],
      }[state];
      setHidden(element, state === "unknown");
      setText(word, text);
      setText(more, state === "waits" ? " for the cell" : "");
      setAttribute(element, "title", title);
      setAttribute(element, "data-live", state);
    },
  };
}
