// @ts-check
/** What a loop or a task is called where it has no name to be seen. */

export const NO_NAME = "(no name)";

/** @param {string} name */
export function called(name) {
  return name.trim() ? name : NO_NAME;
}
