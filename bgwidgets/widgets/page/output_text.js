// @ts-check
/** A line of output as an element. */

/** @import {Theme} from "./output_colours.js" */
import { make } from "./elements.js";
import { dress, partsOf } from "./output_colours.js";
import { hitsIn, visible } from "./output_words.js";

/** @param {string} text @param {Record<string, string>} [attributes] */
export function button(text, attributes = {}) {
  return make("button", "bgw-small", { type: "button", ...attributes }, text);
}

/**
 * The text of a line: a span for each look, a mark for each hit.
 * @param {string} text @param {string} find @param {Theme} theme
 */
export function textOf(text, find, theme) {
  const element = make("span", "bgw-text");
  const parts = partsOf(text).map((part) => ({ ...part, text: visible(part.text) }));
  const hits = hitsIn(parts.map((part) => part.text).join(""), find);
  let at = 0;
  for (const part of parts) {
    const from = at;
    at += part.text.length;
    const isPlain = Object.keys(part.look).length === 0;
    const holder = isPlain ? element : make("span", "");
    if (!isPlain) {
      dress(holder, part.look, theme);
      element.append(holder);
    }
    let done = from;
    for (const [start, stop] of hits.filter(([start, stop]) => start < at && stop > from)) {
      const [first, last] = [Math.max(start, from), Math.min(stop, at)];
      const cut = (/** @type {number} */ one, /** @type {number} */ other) =>
        part.text.slice(one - from, other - from);
      holder.append(cut(done, first), make("mark", "", {}, cut(first, last)));
      done = last;
    }
    holder.append(part.text.slice(done - from));
  }
  return element;
}
