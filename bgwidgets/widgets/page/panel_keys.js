// @ts-check
/** The panel as a whole: what is pressed in it is for it, and not for the notebook around it. */

const SUPPRESS = "data-lm-suppress-shortcuts"; // JupyterLab's own way to opt out

/**
 * Whether the notebook is to hear a key, although the focus is in the panel: Ctrl S saves it.
 * @param {KeyboardEvent} event
 */
export function isForTheNotebook({ key, ctrlKey, metaKey, altKey }) {
  return (ctrlKey || metaKey || altKey) && key.toLowerCase() !== "a"; // which selects all rows
}

/**
 * Keep the keys, and the focus: where a click meets nothing that could have it, a grid has it. It
 * would be the cell's, to which x and d mean that it is to go.
 * @param {HTMLElement} panel @param {AbortSignal} signal
 */
export function keepKeysAndFocus(panel, signal) {
  const isIn = (/** @type {Event} */ { target }) => panel.contains(/** @type {Node} */ (target));
  panel.tabIndex = -1; // what is clicked and cannot have the focus gives it to the panel
  panel.setAttribute(SUPPRESS, "true");
  // Notebook 7 looks for shortcuts before the panel hears of a key at all, JupyterLab after that.
  window.addEventListener(
    "keydown",
    (event) => {
      if (!isIn(event)) return;
      if (isForTheNotebook(event)) panel.removeAttribute(SUPPRESS);
      else panel.setAttribute(SUPPRESS, "true");
    },
    { capture: true, signal },
  );
  panel.addEventListener(
    "keydown",
    (event) => {
      if (!isForTheNotebook(event)) event.stopPropagation();
    },
    { signal },
  );

  /** @type {Element | null} */
  let pressed = null;
  const focusGrid = () => nearestGrid(panel, pressed)?.focus({ preventScroll: true });
  panel.addEventListener(
    "pointerdown", // of a disabled button no other event tells
    ({ target }) => (pressed = /** @type {Element} */ (target)),
    { capture: true, signal },
  );
  // Not earlier: to move the focus in the midst of it would let go of text that is being marked.
  const release = () => {
    if (document.activeElement === panel) focusGrid();
  };
  for (const end of ["pointerup", "pointercancel"]) window.addEventListener(end, release, { signal });

  // A button that has just been pressed may have nothing to do any more, and lets go of the focus.
  /** @type {EventTarget | null} */
  let focused = null;
  panel.addEventListener("focusin", ({ target }) => (focused = target), { signal });
  const observer = new MutationObserver((changes) => {
    const isFocused = [focused, document.body].includes(document.activeElement);
    const isOut = changes.some(
      ({ target }) => target === focused && /** @type {HTMLButtonElement} */ (target).disabled,
    );
    if (isFocused && isOut) focusGrid();
  });
  observer.observe(panel, { subtree: true, attributeFilter: ["disabled"] });
  signal.addEventListener("abort", () => observer.disconnect());
}

/** @param {Element} panel @param {Element | null} pressed @returns {HTMLElement | null} */
function nearestGrid(panel, pressed) {
  const own = pressed?.closest(".bgw-table")?.querySelector(".bgw-grid:not([hidden])");
  return /** @type {HTMLElement | null} */ (own ?? panel.querySelector(".bgw-loops .bgw-grid"));
}
