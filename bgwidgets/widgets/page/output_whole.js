// @ts-check
/** The whole of an output: to be saved or copied. */

/** @import {Piece} from "./output_types.js" */
/** @import {Wire} from "./output_wire.js" */
import { make } from "./elements.js";
import { SECOND } from "./numbers.js";

const PIECE_WITHIN = 10 * SECOND;

/** All that the kernel holds, which comes in pieces. */
export class Whole {
  /** @type {((share: number) => void)} how much of it has come */
  onProgress = () => {};
  #wire;
  #timer = 0;
  /** @type {{text: string, at: number, done: (text: string) => void, fail: (why: Error) => void} | null} */
  #fetching = null;

  /** @param {Wire} wire @param {AbortSignal} signal */
  constructor(wire, signal) {
    this.#wire = wire;
    wire.onPiece = (piece) => this.#take(piece);
    signal.addEventListener("abort", () => this.stop());
  }

  get isFetching() {
    return this.#fetching !== null;
  }

  /** @returns {Promise<string>} */
  fetch() {
    this.stop();
    return new Promise((done, fail) => {
      this.#fetching = { text: "", at: 0, done, fail };
      this.#ask(0);
    });
  }

  stop(why = "stopped") {
    window.clearTimeout(this.#timer);
    this.#fetching?.fail(new Error(why));
    this.#fetching = null;
  }

  /** @param {number} start */
  #ask(start) {
    this.#wire.fetchPiece(start);
    window.clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.stop("no answer from the kernel"), PIECE_WITHIN);
  }

  /** @param {Piece} piece */
  #take({ text, start, stop, total }) {
    const fetching = this.#fetching;
    if (!fetching || start !== fetching.at) return;
    fetching.text += text;
    fetching.at = stop; // in characters as Python counts them
    this.onProgress(total ? stop / total : 1);
    if (stop < total) {
      this.#ask(stop);
      return;
    }
    window.clearTimeout(this.#timer);
    this.#fetching = null;
    fetching.done(fetching.text);
  }
}

/** @param {string} name @param {string} text */
export function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  make("a", "", { href: address, download: `${name.replace(/[^\w.-]+/g, "-")}.txt` }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), SECOND);
}

/** Where the page is not from a safe address there is no clipboard but the old one.
 * @param {string} text @param {HTMLElement} near */
export async function copy(text, near) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const area = make("textarea", "bgw-heard", { "aria-hidden": "true" });
  area.value = text;
  near.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (!isDone) throw new Error("the browser does not allow it");
}
