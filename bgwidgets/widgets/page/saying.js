// @ts-check
/** What one part of the page has to say, in the panel's status line (status_line.js). */

export const NO_LOOP = "No loop is selected"; // as the kernel says it

/**
 * @param {Element} part of a panel, or the panel
 * @param {string} text @param {"info" | "error"} [level]
 */
export function sayInPanel(part, text, level = "info") {
  const said = new CustomEvent("bgw-said", { detail: { level, text } });
  part.closest(".bgw-panel")?.querySelector(".bgw-status")?.dispatchEvent(said);
}
