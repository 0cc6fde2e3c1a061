// @ts-check
/** What the charts are told by the kernel. */

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {{
 *   name: string, keep: number, times: number[], values: (number | null)[], count: number,
 *   last: number | null, lowest: number | null, highest: number | null,
 * }} Metric the points after the first `keep`, which are known
 * @typedef {{
 *   name: string, at: string | null, error: string | null, buffer: number | null,
 * }} Figure `buffer`: which of those beside the message is its new picture
 * @typedef {{
 *   type: "plots", view: string, seq: number, full: boolean, loop: number, listed: boolean,
 *   metrics: Metric[], figures: Figure[], gone: string[], gone_figures: string[],
 * }} News
 * @typedef {{tab: string, loop: number | null, focus?: boolean}} TabOpened
 * @typedef {{width: number, height: number}} Size
 */

export {};
