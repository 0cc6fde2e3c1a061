// @ts-check
/** What the tables of the panel are told by the kernel. */

/**
 * @typedef {{
 *   on: Function, off: Function, get: (name: string) => any, send: (message: object) => void,
 *   widget_manager?: any,
 * }} Model
 * @typedef {"pending" | "running" | "cancelling" | "finished" | "failed" | "cancelled" | "lost"
 * } TaskState
 * @typedef {Record<TaskState, number>} Counts
 * @typedef {{
 *   share: number | null, end: "" | "closed" | "left open", far: string, rest: string,
 *   label: string, tone?: string, colour?: string,
 * }} Bar how far something is: in whole per cents, or null where nobody knows of how many; and in
 *   words, of which the `rest` goes where there is little room
 * @typedef {{
 *   id: number, name: string, host: string, state: string, stop_requested: boolean,
 *   unresponsive: boolean | number, blocked_since: number | null, protected: boolean,
 *   unfinished: number, total: number, counts: Counts,
 *   lag: number | null, spark: string,
 *   started: number | null, ended: number | null, note: string | null,
 *   bar: Bar | null,
 * }} LoopRow of an unresponsive loop in another process: since when nothing was heard of it
 * @typedef {{
 *   id: number, name: string, main: boolean, state: TaskState, coroutine: string,
 *   waiting: string | null, created: number | null, ended: number | null, error: string | null,
 *   bar: Bar | null,
 * }} TaskRow
 * @typedef {LoopRow | TaskRow} Row
 * @typedef {{start: number, stop: number}} Range
 * @typedef {{
 *   type: "frame", view: string, seq: number, full: boolean, start: number, total: number,
 *   rows: [number, any][], head?: Record<string, any>,
 * }} Frame
 */

export {};
