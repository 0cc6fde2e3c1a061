// @ts-check
/** What the kernel last said about a table, under what the user just asked for. */

import { SECOND } from "./numbers.js";

const WISH_LASTS = 3 * SECOND;

/**
 * What the kernel last said about the whole table, under what the user just asked for: a click
 * shows at once, and falls back if the kernel has not confirmed it after a while.
 */
export class Head {
  /** @type {Record<string, any>} */
  #said = {};
  /** @type {Map<string, {value: any, until: number, isGuess: boolean}>} */
  #wishes = new Map();

  /** @param {string} key */
  get(key) {
    return this.#wishes.has(key) ? this.#wishes.get(key)?.value : this.#said[key];
  }

  /** What the kernel said, whatever the user wishes. @param {string} key */
  said(key) {
    return this.#said[key];
  }

  /**
   * @param {string} key @param {any} value
   * @param {boolean} [isGuess] the kernel alone knows what it will be: all of a range, say
   */
  wish(key, value, isGuess = false) {
    this.#wishes.set(key, { value, until: Date.now() + WISH_LASTS, isGuess });
  }

  /**
   * Take the keys that changed. A different value does not end a wish: it answers an earlier one;
   * but whatever the kernel says is better than a guess.
   * @param {Record<string, any>} patch
   */
  merge(patch) {
    Object.assign(this.#said, patch);
    for (const [key, { value, isGuess }] of this.#wishes)
      if (key in patch && (isGuess || String(patch[key]) === String(value)))
        this.#wishes.delete(key);
  }

  dropOldWishes() {
    for (const [key, { until }] of this.#wishes) if (Date.now() >= until) this.#wishes.delete(key);
  }
}
