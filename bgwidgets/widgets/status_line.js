// @ts-check
/** The line beside the panel's buttons: what is selected, and for a while what a command did. */

import { make } from "./page/elements.js";
import { SECOND } from "./page/numbers.js";

/**
 * @typedef {{on: Function, off: Function, send: (message: object) => void}} Model
 * @typedef {{type: "info", text: string, why?: boolean}} Info `why`: why some buttons are grey
 * @typedef {{type: "said", level: "info" | "error", text: string, seconds?: number}} Said `seconds`:
 *   for how long it is true, where that is known
 * @typedef {{text: string, level: "about" | "why" | "info" | "error"}} Line
 */

const FOR_ALL = ["remove_finished", "stop_all"]; // whichever loop is selected
const SAID_STAYS = 8; // seconds; an error stays until something else is said

/** "race · run 1": a name is not broken over two lines, which look like two. @param {string} text */
function inParts(text) {
  const parts = text.split(/(?<= ·) /);
  return parts.flatMap((part) => [make("span", "bgw-status-part", {}, part), " "]).slice(0, -1);
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const view = Math.random().toString(36).slice(2) || "0";
  const lifetime = new AbortController();
  const line = document.createElement("div");
  line.className = "bgw-status";
  line.setAttribute("role", "status");
  line.setAttribute("aria-live", "polite");
  let about = "";
  /** @type {"about" | "why"} */
  let level = "about";
  let stay = 0;

  /** @param {Line} shown */
  function show({ text, level }) {
    line.replaceChildren(...(level === "about" ? inParts(text) : [text]));
    line.title = text;
    line.dataset.level = level;
  }

  const showAbout = () => {
    stay = 0;
    show({ text: about, level });
  };

  // What ipywidgets sends of a click on a button does not say what the page showed: that goes before
  // it. The box of the buttons is there with the first word.
  let isHeard = false;
  const hearClicks = () => {
    const box = /** @type {HTMLElement | null} */ (line.closest(".bgw-actions"));
    if (isHeard || !box) return;
    isHeard = true;
    const tell = (/** @type {Event} */ { target }) => {
      const button = /** @type {Element} */ (target).closest("button");
      const action = /\bbgw-does-(\w+)/.exec(button?.className ?? "")?.[1];
      if (!button || button.disabled || !action || FOR_ALL.includes(action)) return;
      const loops = box.closest(".bgw-panel")?.querySelector(".bgw-loops");
      const shown = /** @type {HTMLElement | null | undefined} */ (loops)?.dataset.bgwSelected;
      if (shown === undefined) return;
      const loop = shown === "" ? null : Number(shown);
      send("meant", { action, loop, picked: /^Cancel \d/.test(button.textContent ?? "") });
    };
    box.addEventListener("click", tell, { capture: true, signal: lifetime.signal });
  };

  /** @param {Info | Said} message */
  function hear(message) {
    hearClicks();
    if (message.type === "info") {
      const isShown = line.dataset.level === level;
      about = message.text;
      level = message.why ? "why" : "about";
      if (isShown) showAbout();
    } else if (message.type === "said") {
      window.clearTimeout(stay);
      show(message);
      const seconds = message.seconds ?? SAID_STAYS;
      if (message.level === "info") stay = window.setTimeout(showAbout, seconds * SECOND);
    }
  }

  /** @param {string} type @param {object} [more] */
  function send(type, more = { view }) {
    try {
      model.send({ type, ...more });
    } catch {
      // The kernel was restarted and the comm is closed: there is nobody to tell.
    }
  }

  showAbout();
  el.append(line);
  model.on("msg:custom", hear);
  line.addEventListener(
    "bgw-said", // by another part of the page
    (event) => hear({ type: "said", .../** @type {CustomEvent} */ (event).detail }),
    { signal: lifetime.signal },
  );
  lifetime.signal.addEventListener("abort", () => {
    window.clearTimeout(stay);
    model.off("msg:custom", hear);
    send("bye");
    line.remove();
  });
  send("hello");
  return () => lifetime.abort();
}

export default { render };
