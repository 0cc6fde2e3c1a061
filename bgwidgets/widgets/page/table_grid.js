// @ts-check
/** A virtual, accessible table: only the rows in sight exist. */

/** @import {Range} from "./table_types.js" */
import { make, setAttribute, setHidden, setText } from "./elements.js";
import { MOST_PICKED } from "./table_parts.js";
import { ROW_HEIGHT, indexAfterKey, scrollTopShowing, windowAt } from "./table_window.js";

/**
 * A column builds its cell once for each row element and returns what writes a row into it.
 * @typedef {(row: any, now: number) => void} CellPainter
 * @typedef {{
 *   name: string, title: string, sort?: string, label?: string,
 *   build: (cell: HTMLElement) => CellPainter,
 * }} Column
 * @typedef {{element: HTMLElement, painters: CellPainter[], index: number, row: any}} Line
 * @typedef {{
 *   rows: Map<number, any>, total: number, now: number, currentId: number | null,
 *   picked: number[], sort: [string, boolean] | undefined, empty: string,
 * }} Contents
 * @typedef {{
 *   sorted: (column: string, descending: boolean) => void,
 *   moved: (row: any) => void,
 *   scrolled: () => void,
 *   picked: (ids: number[]) => void,
 *   pickedRange: (range: Range, ids: number[], ends: {first?: number, last?: number}) => void,
 *   buttonPressed?: (row: any) => void,
 * }} GridHandlers
 */

/** A table that holds elements only for the rows in sight, and moves through all of them. */
export class Grid {
  element;
  // Not counted: this module is loaded once for each table, and a page may hold several panels.
  #id = `bgw-grid-${Math.random().toString(36).slice(2)}`;
  #rowsInSight;
  #columns;
  #handlers;
  /** @type {Map<string, HTMLElement>} */
  #headers = new Map();
  #body = make("div", "bgw-rows", { role: "rowgroup" });
  #empty = make("div", "bgw-empty");
  /** @type {Line[]} */
  #lines = [];
  /** @type {Contents} */
  #contents = {
    rows: new Map(),
    total: 0,
    now: 0,
    currentId: null,
    picked: [],
    sort: undefined,
    empty: "",
  };
  #currentIndex = -1;
  /** The row where a range began that is being picked, and its place. @type {[number, number] | null} */
  #anchor = null;
  /** A row that was moved to and has not come from the kernel yet. @type {number | null} */
  #awaited = null;
  /** The row that was under the pointer when it went down. @type {number | null} */
  #pressedId = null;
  /** Where it was last scrolled to: while it is hidden, it does not know. */
  #top = 0;
  /** Where it is to be scrolled to as soon as it can be. @type {number | null} */
  #wantedTop = null;

  /**
   * @param {string} label
   * @param {Column[]} columns
   * @param {number} rowsInSight
   * @param {GridHandlers} handlers
   * @param {AbortSignal} signal
   */
  constructor(label, columns, rowsInSight, handlers, signal) {
    this.#columns = columns;
    this.#rowsInSight = rowsInSight;
    this.#handlers = handlers;
    this.element = make(
      "div",
      "bgw-grid",
      {
        role: "grid",
        tabindex: "0",
        "aria-label": label,
        "aria-multiselectable": "true",
        "aria-colcount": `${columns.length}`,
      },
      make("div", "bgw-head", { role: "rowgroup" }, this.#buildHeader()),
      this.#body,
      this.#empty,
    );
    const noteScroll = () => {
      this.#top = this.element.scrollTop;
      handlers.scrolled();
    };
    this.element.addEventListener("scroll", noteScroll, { signal, passive: true });
    this.element.addEventListener("keydown", (event) => this.#pressKey(event), { signal });
    this.#body.addEventListener("mousedown", (event) => this.#press(event), { signal });
    this.#body.addEventListener("click", (event) => this.#click(event), { signal });
  }

  /** The rows in sight and a few more, as it is scrolled when it was last looked at. */
  get window() {
    return windowAt(this.#top, this.#rowsInSight);
  }

  /**
   * Look where it is scrolled to: to be called before anything is written into the page, for in the
   * midst of that the browser would have to lay out all of it, and later once more. Where it is
   * hidden it does not know.
   */
  look() {
    if (!this.element.hidden) this.#top = this.element.scrollTop;
  }

  /** Where it is scrolled to, in pixels; it goes there once it has rows and is not hidden. */
  get top() {
    return this.#wantedTop ?? this.#top;
  }

  set top(top) {
    this.#wantedTop = top;
  }

  /** @returns {any} the current row, when it is at hand */
  get currentRow() {
    return this.#contents.rows.get(this.#currentIndex) ?? null;
  }

  /** @param {Contents} contents */
  paint(contents) {
    this.#contents = contents;
    this.#findCurrent();
    this.#paintHeader();
    this.#paintRows();
    setAttribute(this.element, "aria-rowcount", `${contents.total + 1}`);
    setText(this.#empty, contents.total ? "" : contents.empty);
    setHidden(this.#empty, contents.total > 0);
    if (this.#wantedTop !== null && contents.total > 0 && this.element.clientHeight > 0) {
      this.#scrollTo(this.#wantedTop);
      this.#wantedTop = null;
    }
    this.#goToAwaited();
  }

  /** Other rows are coming, to which no place of these means anything: from the first one on. */
  forget() {
    this.#currentIndex = -1;
    this.#anchor = null;
    this.#awaited = null;
    this.#scrollTo(0);
  }

  /** @param {number} top */
  #scrollTo(top) {
    this.element.scrollTop = top;
    this.look(); // it goes no further than there are rows
  }

  /** Rows move when they are sorted anew: the current one is known by its id. */
  #findCurrent() {
    const { rows, currentId } = this.#contents;
    this.#currentIndex = Math.min(this.#currentIndex, this.#contents.total - 1);
    for (const [index, row] of rows) if (row.id === currentId) this.#currentIndex = index;
  }

  #buildHeader() {
    const header = make("div", "bgw-line", { role: "row", "aria-rowindex": "1" });
    this.#columns.forEach(({ name, title, sort, label }, at) => {
      const cell = make("div", `bgw-cell bgw-col-${name}`, {
        role: "columnheader",
        "aria-colindex": `${at + 1}`,
      });
      if (label) cell.append(make("span", "bgw-unseen", {}, label));
      if (sort) {
        const button = make("button", "bgw-sort", { type: "button" }, title);
        button.onclick = () => this.#sortBy(sort);
        cell.append(button);
        this.#headers.set(sort, cell);
      } else cell.append(title);
      header.append(cell);
    });
    return header;
  }

  /** @param {string} column */
  #sortBy(column) {
    const [active, descending] = this.#contents.sort ?? ["", false];
    this.#handlers.sorted(column, column === active && !descending);
  }

  #paintHeader() {
    const [active, descending] = this.#contents.sort ?? ["", false];
    const direction = descending ? "descending" : "ascending";
    for (const [column, cell] of this.#headers)
      setAttribute(cell, "aria-sort", column === active ? direction : "none");
  }

  #paintRows() {
    const { rows, total } = this.#contents;
    const height = `${total * ROW_HEIGHT}px`;
    if (this.#body.style.height !== height) this.#body.style.height = height;
    const { start, stop } = this.window;
    let used = 0;
    for (let index = start; index < Math.min(stop, total); index++)
      if (rows.has(index)) this.#paintLine(used++, index);
    for (const line of this.#lines.splice(used)) line.element.remove();
    const current = this.#lines.find(({ row }) => row.id === this.#contents.currentId);
    setAttribute(this.element, "aria-activedescendant", current?.element.id ?? null);
  }

  /** @param {number} at which of the row elements @param {number} index which row */
  #paintLine(at, index) {
    const line = (this.#lines[at] ??= this.#buildLine(at));
    const row = this.#contents.rows.get(index);
    if (line.index !== index) {
      line.index = index;
      line.element.style.transform = `translateY(${index * ROW_HEIGHT}px)`;
      line.element.setAttribute("aria-rowindex", `${index + 2}`);
    }
    line.row = row;
    setAttribute(line.element, "data-bgw-id", `${row.id}`);
    setAttribute(line.element, "data-bgw-state", row.state);
    const { currentId, picked } = this.#contents;
    const isCurrent = row.id === currentId;
    const isSelected = picked.length ? picked.includes(row.id) : isCurrent;
    setAttribute(line.element, "aria-selected", `${isSelected}`);
    setAttribute(line.element, "data-bgw-current", isCurrent ? "" : null);
    for (const paintCell of line.painters) paintCell(row, this.#contents.now);
  }

  /** @param {number} at @returns {Line} */
  #buildLine(at) {
    const element = make("div", "bgw-line bgw-row", { role: "row", id: `${this.#id}-${at}` });
    const painters = this.#columns.map(({ name, build }, column) => {
      const cell = make("div", `bgw-cell bgw-col-${name}`, {
        role: "gridcell",
        "aria-colindex": `${column + 1}`,
      });
      element.append(cell);
      return build(cell);
    });
    this.#body.append(element);
    return { element, painters, index: -1, row: null };
  }

  /** @param {Event} event */
  #lineAt({ target }) {
    return this.#lines.find(({ element }) => element.contains(/** @type {Node} */ (target)));
  }

  /** @param {MouseEvent} event */
  #press(event) {
    this.#pressedId = this.#lineAt(event)?.row.id ?? null;
    if (!isOnButton(event) && !event.shiftKey) return;
    // A button that vanishes with its task would take the focus along, and keys would go astray;
    // and with Shift the page would select text.
    event.preventDefault();
    this.element.focus({ preventScroll: true });
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const line = this.#lineAt(event);
    if (!line) return;
    // The table may have moved between press and release: nobody's task is cancelled by accident.
    const byPointer = event.detail > 0;
    if (byPointer && line.row.id !== this.#pressedId) return;
    if (isOnButton(event)) this.#handlers.buttonPressed?.(line.row);
    else if (event.shiftKey) this.#extendTo(line.index);
    else if (event.ctrlKey || event.metaKey) this.#toggle(line);
    else this.#goTo(line.index);
  }

  /** @param {KeyboardEvent} event */
  #pressKey(event) {
    const { total } = this.#contents;
    if ((event.ctrlKey || event.metaKey) && event.key === "a" && total > 0) {
      event.preventDefault();
      this.#pickRange(0, total - 1);
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target !== this.element) return;
    if (event.key === "Escape") this.#letGo();
    const index = indexAfterKey(event.key, this.#currentIndex, total, this.#rowsInSight - 1);
    if (index === null) return;
    event.preventDefault();
    if (event.shiftKey) this.#extendTo(index);
    else this.#goTo(index);
  }

  /** Another row is the current one, and it alone is selected. @param {number} index */
  #goTo(index) {
    this.#letGo();
    this.#moveTo(index);
  }

  #letGo() {
    this.#anchor = null;
    if (this.#contents.picked.length) this.#handlers.picked([]);
  }

  /** @param {Line} line */
  #toggle({ row, index }) {
    const { picked, currentId } = this.#contents;
    const before = picked.length || currentId === null ? picked : [currentId];
    const others = before.filter((id) => id !== row.id);
    if (others.length === before.length && before.length >= MOST_PICKED) return;
    this.#handlers.picked(others.length < before.length ? others : [...before, row.id]);
    this.#moveTo(index);
    this.#anchor = [row.id, index];
  }

  /** @param {number} index */
  #extendTo(index) {
    const from = Math.max(0, this.#currentIndex);
    const anchor = this.#anchor ?? [this.#contents.rows.get(from)?.id ?? -1, from];
    // Rows move: it is known by its id, as long as it is at hand.
    for (const [place, row] of this.#contents.rows) if (row.id === anchor[0]) anchor[1] = place;
    this.#pickRange(Math.min(anchor[1], index), Math.max(anchor[1], index), anchor);
    this.#moveTo(index);
    this.#anchor = anchor;
  }

  /**
   * Rows may have moved in the kernel since they were shown, so they are named where all are at
   * hand. Of a longer range the kernel knows them, by those at its ends; until it says so, those at
   * hand are shown.
   * @param {number} first @param {number} last
   * @param {[number, number]} [known] a row's id and its place, of one that may not be at hand
   */
  #pickRange(first, last, [knownId, knownAt] = [-1, -1]) {
    const ids = [...this.#contents.rows]
      .filter(([index]) => index >= first && index <= last)
      .map(([, row]) => row.id);
    if (ids.length === last - first + 1 && ids.length <= MOST_PICKED) this.#handlers.picked(ids);
    else {
      const idAt = (/** @type {number} */ place) =>
        this.#contents.rows.get(place)?.id ??
        (place === knownAt && knownId >= 0 ? knownId : undefined);
      const isAll = first === 0 && last === this.#contents.total - 1;
      const ends = isAll ? {} : { first: idAt(first), last: idAt(last) };
      this.#handlers.pickedRange({ start: first, stop: last + 1 }, ids, ends);
    }
  }

  /** @param {number} index */
  #moveTo(index) {
    this.#currentIndex = index;
    this.#awaited = index;
    this.look();
    const scrollTop = scrollTopShowing(index, this.#top, this.#rowsInSight);
    if (scrollTop !== this.#top) this.#scrollTo(scrollTop);
    this.#goToAwaited();
  }

  #goToAwaited() {
    const row = this.#awaited === null ? undefined : this.#contents.rows.get(this.#awaited);
    if (!row) return;
    this.#awaited = null;
    this.#handlers.moved(row);
  }
}

/** @param {Event} event */
function isOnButton({ target }) {
  return /** @type {Element} */ (target).closest("button") !== null;
}
