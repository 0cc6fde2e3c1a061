// @ts-check
/** What all scripts write to the page with: only what changed, and text only as text. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {Record<string, string>} [attributes]
 * @param {(Node | string)[]} children text is never read as HTML
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, className, attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * The element holds nothing but text. Its node stays: a new one costs more to lay out.
 * @param {HTMLElement} element @param {string} text
 */
export function setText(element, text) {
  const node = element.firstChild;
  if (node === null || node !== element.lastChild || node.nodeType !== Node.TEXT_NODE) {
    if (element.textContent !== text) element.textContent = text;
  } else if (/** @type {Text} */ (node).data !== text) /** @type {Text} */ (node).data = text;
}

/**
 * @param {HTMLElement} element
 * @param {string} name
 * @param {string | null} value null removes it
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

/** @param {HTMLElement} element @param {boolean} hidden */
export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/**
 * A function that asks for one paint in the next animation frame, however often it is called.
 * @param {() => void} paint @param {AbortSignal} signal
 */
export function coalesced(paint, signal) {
  let frame = 0;
  signal.addEventListener("abort", () => cancelAnimationFrame(frame));
  return () => {
    if (signal.aborted) return;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      paint();
    });
  };
}
