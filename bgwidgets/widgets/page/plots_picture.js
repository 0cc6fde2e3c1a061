// @ts-check
/** A figure of matplotlib, as a picture. */

/** @import {Figure} from "./plots_types.js" */
import { make, setText } from "./elements.js";
import { SECOND } from "./numbers.js";

export const LOOK_AGAIN_EVERY = SECOND; // whether the theme, or the screen's density, is another one

/** One figure as it was drawn last. */
export class Picture {
  element;
  #image;
  #button;
  #at = make("span", "bgw-soft");
  #error = make("p", "bgw-plot-error");
  /** The pictures that the page holds: the one that is shown, and its successor. @type {string[]} */
  #addresses = [];

  /** @param {string} name @param {AbortSignal} signal */
  constructor(name, signal) {
    this.#image = make("img", "", { alt: `Figure ${name}` });
    this.#button = make(
      "button",
      "bgw-plot-large",
      { type: "button", "aria-expanded": "false", title: "In full size" },
      this.#image,
    );
    this.#button.hidden = true;
    this.element = make(
      "figure",
      "bgw-plot",
      { role: "listitem" },
      this.#button,
      make(
        "figcaption",
        "",
        {},
        make("span", "bgw-chart-name", { title: name }, name),
        this.#at,
      ),
      this.#error,
    );
    this.#button.addEventListener("click", () => this.#enlarge(), { signal });
    // Only now the last one may go: until then it is what is seen.
    for (const event of ["load", "error"])
      this.#image.addEventListener(event, () => this.#revoke(1), { signal });
  }

  /** @param {Figure} figure @param {DataView | null} png */
  take({ at, error }, png) {
    if (png) {
      const bytes = new Blob([/** @type {BlobPart} */ (png)], { type: "image/png" });
      const address = URL.createObjectURL(bytes);
      this.#addresses.push(address);
      this.#image.src = address;
      this.#button.hidden = false;
    }
    setText(this.#at, at ? `drawn ${at}` : error ? "" : "not drawn yet");
    setText(this.#error, error ?? "");
    this.#error.hidden = !error;
  }

  remove() {
    this.#revoke(0);
    this.element.remove();
  }

  /** @param {number} kept how many of the last stay */
  #revoke(kept) {
    for (const address of this.#addresses.splice(0, Math.max(0, this.#addresses.length - kept)))
      URL.revokeObjectURL(address);
  }

  #enlarge() {
    const isLarge = this.#button.getAttribute("aria-expanded") !== "true";
    this.#button.setAttribute("aria-expanded", `${isLarge}`);
    this.#button.title = isLarge ? "Small again" : "In full size";
    this.element.classList.toggle("bgw-large", isLarge);
  }
}
