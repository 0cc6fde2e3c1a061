// @ts-check
/** What the detail tabs are told by the kernel. */

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {"chain" | "error" | "history" | "timings"} DetailTab
 * @typedef {{tab: DetailTab | "tasks", loop: number | null, task: number | null}} Subject
 * @typedef {Omit<Subject, "tab"> & {tab: string, focus?: boolean, trouble?: string | null}} TabOpened
 *   `trouble`: why there is no contact with the kernel
 * @typedef {{
 *   type: "detail", view: string, seq: number, full: boolean, tab: DetailTab,
 *   loop: number, task: number | null, parts: Record<string, any>,
 * }} Detail
 *
 * @typedef {{more: number}} More how many rows did not fit
 * @typedef {{
 *   name: string, coroutine: string, state: string | null, born: string | null,
 *   ended: string | null,
 * }} About
 * @typedef {{
 *   depth: number, label: string, share: number | null, end: "" | "closed" | "left open",
 *   count: string, pace: string, postfix: string, tone?: string, colour?: string,
 * }} Bar
 * @typedef {{
 *   function: string, file: string, path: string, line: number, text: string, mark?: true,
 * }} ChainFrame
 * @typedef {{
 *   depth: number, name: string, coroutine: string, waiting: string | null,
 *   where: string | null, repeated: boolean,
 * }} Link
 * @typedef {{
 *   at: string, name: string, coroutine: string, error: string, traceback: string | null,
 * }} Failure
 * @typedef {{
 *   at: string, text: string, advice: string, where: string | null, count: number,
 * }} Warning
 * @typedef {{at: string, name: string, asked_by: string, where: string | null}} Cancellation
 * @typedef {{at: string, seconds: number, task: string | null, where: string | null}} SlowStep
 * @typedef {{
 *   polls: number, busy: number, scheduled: number, idle: number, slowest: number,
 *   slowest_at: string | null, slowest_where: string | null,
 *   histogram: [number | null, number][],
 * }} Timings
 */

export {};
