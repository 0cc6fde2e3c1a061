// @ts-check
/** What the Output tab is told by the kernel. */

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {[
 *   number: number, text: string, task?: number | null, name?: string | null, stderr?: 1 | null,
 *   picture?: string,
 * ]} Told a line, as it travels
 * @typedef {{
 *   number: number, text: string, task: number | null, name: string | null, isError: boolean,
 *   picture: string | null,
 * }} Line
 * @typedef {{
 *   start: number, first: number | null, last: number | null, follows: boolean, gone: number[],
 *   lines: Told[],
 * }} Window
 * @typedef {{
 *   total: number, first: number, end: number, dropped: number, tasks: [number, string][],
 *   hits: number | null, name: string | null,
 * }} Head
 * @typedef {{
 *   type: "output", view: string, seq: number, full: boolean, loop: number, task: number | null,
 *   head?: Partial<Head>, open?: Told[], window?: Window,
 *   hit?: {at: number | null, number: number | null},
 * }} Output
 * @typedef {{
 *   type: "picture", view: string, number: number, kind?: string, data?: string, why?: string,
 * }} Picture
 * @typedef {{
 *   type: "piece", view: string, text: string, start: number, stop: number, total: number,
 * }} Piece
 * @typedef {{
 *   loop: number | null, task: number | null, find: string, around: number | null,
 * }} Subject `around`: the line that is looked at; null: the end
 * @typedef {{bold?: true, dim?: true, italic?: true, underline?: true, strike?: true,
 *   inverse?: true, ink?: Rgb, paper?: Rgb}} Look
 * @typedef {[number, number, number]} Rgb
 * @typedef {{tab: string, loop: number | null, focus?: boolean, trouble?: string | null}} TabOpened
 */

export {};
