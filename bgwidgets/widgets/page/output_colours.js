// @ts-check
/** ANSI colours, readable on the page. */

/** @import {Look, Rgb} from "./output_types.js" */

/** As in JupyterLab's outputs: black, red, green, yellow, blue, magenta, cyan, white, and the same
 * brighter. @type {Rgb[]} */
const SIXTEEN = [
  [62, 66, 77], [231, 92, 88], [0, 162, 80], [221, 182, 43],
  [32, 143, 251], [209, 96, 196], [96, 198, 200], [197, 193, 180],
  [102, 108, 122], [255, 116, 112], [52, 196, 120], [245, 212, 92],
  [92, 172, 255], [232, 132, 222], [128, 222, 224], [233, 231, 224],
]; // prettier-ignore

const LEVELS = [0, 95, 135, 175, 215, 255];

/** One of the 256. @param {number} index @returns {Rgb} */
function ofPalette(index) {
  if (index < 16) return SIXTEEN[index];
  if (index > 231) return /** @type {Rgb} */ (Array(3).fill(8 + 10 * (index - 232)));
  const at = index - 16;
  return [LEVELS[Math.floor(at / 36)], LEVELS[Math.floor(at / 6) % 6], LEVELS[at % 6]];
}

/**
 * The parts of a line, each in one look.
 * @param {string} text @returns {{text: string, look: Look}[]}
 */
export function partsOf(text) {
  const parts = [];
  /** @type {Look} */
  let look = {};
  let from = 0;
  for (const { index, 0: sequence, 1: codes } of text.matchAll(/\x1b\[([\d;:]*)m/g)) {
    if (index > from) parts.push({ text: text.slice(from, index), look });
    look = changed(look, codes);
    from = index + sequence.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), look });
  return parts;
}

/** @param {Look} look @param {string} codes @returns {Look} */
function changed(look, codes) {
  // "38:2::1:2:3" is one colour, and so is "38;2;1;2;3", which only its numbers tell.
  const numbers = codes
    .replace(/([34]8):2:(?:\d*):(\d+:\d+:\d+)/g, "$1;2;$2")
    .split(/[;:]/)
    .map(Number);
  let now = { ...look };
  while (numbers.length) {
    const code = /** @type {number} */ (numbers.shift());
    if (code === 0) now = {};
    else if (code === 1) now.bold = true;
    else if (code === 2) now.dim = true;
    else if (code === 3) now.italic = true;
    else if (code === 4) now.underline = true;
    else if (code === 7) now.inverse = true;
    else if (code === 9) now.strike = true;
    else if (code === 22) (delete now.bold, delete now.dim);
    else if (code === 23) delete now.italic;
    else if (code === 24) delete now.underline;
    else if (code === 27) delete now.inverse;
    else if (code === 29) delete now.strike;
    else if (code === 39) delete now.ink;
    else if (code === 49) delete now.paper;
    else if (code === 38 || code === 48) {
      const colour = takeColour(numbers);
      if (colour) now[code === 38 ? "ink" : "paper"] = colour;
    } else if (code >= 30 && code <= 37) now.ink = SIXTEEN[code - 30];
    else if (code >= 40 && code <= 47) now.paper = SIXTEEN[code - 40];
    else if (code >= 90 && code <= 97) now.ink = SIXTEEN[code - 82];
    else if (code >= 100 && code <= 107) now.paper = SIXTEEN[code - 92];
  }
  return now;
}

/** @param {number[]} numbers @returns {Rgb | null} */
function takeColour(numbers) {
  const kind = numbers.shift();
  if (kind === 5) {
    const index = numbers.shift() ?? -1;
    return index >= 0 && index <= 255 ? ofPalette(index) : null;
  }
  if (kind !== 2) return null;
  const rgb = numbers.splice(0, 3);
  const isColour = rgb.length === 3 && rgb.every((level) => level >= 0 && level <= 255);
  return isColour ? /** @type {Rgb} */ (rgb) : null;
}

/** @param {Rgb} colour */
function luminance(colour) {
  const [r, g, b] = colour.map((level) => {
    const part = level / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** As WCAG counts it. @param {Rgb} one @param {Rgb} other */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * This colour, or the nearest one towards black or white that can be read on that background.
 * @param {Rgb} ink @param {Rgb} paper @returns {Rgb}
 */
export function readable(ink, paper) {
  const [black, white] = [0, 255].map((level) => /** @type {Rgb} */ ([level, level, level]));
  const target = contrast(black, paper) > contrast(white, paper) ? black : white;
  let colour = ink;
  for (let share = 0.1; contrast(colour, paper) < 4.6 && share <= 1.01; share += 0.1)
    colour = /** @type {Rgb} */ (
      ink.map((level, at) => Math.round(level + (target[at] - level) * share))
    );
  return colour;
}

/** The colours of the page around, by which others are judged.
 * @typedef {{ink: Rgb, paper: Rgb}} Theme */

/** @param {string} css "rgb(1, 2, 3)" @returns {Rgb | null} */
export function rgbOf(css) {
  const numbers = css.match(/[\d.]+/g)?.map(Number) ?? [];
  if (!css.startsWith("rgb") || numbers.length < 3 || numbers[3] === 0) return null;
  return /** @type {Rgb} */ (numbers.slice(0, 3));
}

/** @param {HTMLElement} element @param {Look} look @param {Theme} theme */
export function dress(element, look, theme) {
  let { ink, paper } = look;
  if (look.inverse) [ink, paper] = [paper ?? theme.paper, ink ?? theme.ink];
  const { style } = element;
  const css = (/** @type {Rgb} */ colour) => `rgb(${colour.join(" ")})`;
  if (paper) {
    style.backgroundColor = css(paper);
    ink ??= theme.ink;
  }
  if (ink) style.color = css(readable(ink, paper ?? theme.paper));
  else if (look.dim) style.color = "var(--bgw-soft)";
  if (look.bold) style.fontWeight = "700";
  if (look.italic) style.fontStyle = "italic";
  const lines = [look.underline && "underline", look.strike && "line-through"].filter(Boolean);
  if (lines.length) style.textDecoration = lines.join(" ");
}
