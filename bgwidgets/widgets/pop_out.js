// @ts-check
/**
 * The panel in a browser window of its own.
 *
 * What is shown there is one more view of the panel, and not the cell's, moved: the notebook's page
 * is often hidden meanwhile, and a browser slows the timers of a hidden page down and never lets it
 * paint. So the parts' scripts are loaded once more, by the window, whose timers, animation frames
 * and `document` they then use as if they knew of no other. Their models stay in the page, and with
 * them the talk with the kernel, which is not slowed down. Moving would also take elements away from
 * JupyterLab's layout, which fails when it wants to remove them and does not find them.
 *
 * Meanwhile the cell's own view is hidden and silent ("bgw-away"), and hears "bgw-seen" when it is
 * shown again. The button is the table's (task_table.js), which tells of a click by the event
 * "bgw-pop-out" on this widget's element.
 *
 * The output of a loop (output_view.js) can have a window alone, by the same event, and the panel
 * stays in its cell then.
 */

import { sayInPanel } from "./page/saying.js";

/**
 * A part's model, as ipywidgets has it: the parts are told nothing else by anywidget.
 * @typedef {{
 *   get: (name: string) => any, on: Function, off: Function, send: (message: object) => void,
 * }} Model
 * @typedef {Model & {widget_manager: {
 *   get_model: (id: string) => Promise<Model>,
 *   create_view: (model: Model) => Promise<{el: HTMLElement, remove: () => void}>,
 * }}} OwnModel
 * @typedef {{
 *   render: (context: {model: Model, el: HTMLElement, home: Home, solo?: number}) => () => void,
 * }} Part
 * @typedef {{el: HTMLElement, isGone: () => boolean}} Home as the tables know it
 * @typedef {Window & {bgwParts?: Part[]}} Opened
 * @typedef {{output: number, name: string}} Alone the output of this loop, and the loop's name
 */

const BLOCKED = "The browser blocked the window: allow pop-ups for this page, then try again";
const OUTPUT_HEIGHT = 480; // px
const ROOM_BELOW = 80; // px: the view of all loops may be unfolded, or one more loop come

/** The variables of the theme that a style sheet reads. @param {string} css */
export function themeVariables(css) {
  return [...new Set(css.match(/--jp-[\w-]+/g))];
}

/** A box and all that is in it, from the outside in. @param {Model} model @returns {Model[]} */
function withChildren(model) {
  return [model, ...(model.get("children") ?? []).flatMap(withChildren)];
}

/**
 * Load modules in a window, as its own.
 * @param {Opened} opened @param {string[]} sources @returns {Promise<Map<string, Part>>}
 */
async function loadParts(opened, sources) {
  const address = (/** @type {string} */ source) =>
    URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const addresses = sources.map(address);
  const names = sources.map((_, at) => `part${at}`);
  const imports = names.map((name, at) => `import ${name} from "${addresses[at]}";`);
  const all = address(`${imports.join("\n")}\nwindow.bgwParts = [${names.join(", ")}];`);
  const script = opened.document.createElement("script");
  script.type = "module";
  script.src = all;
  try {
    await new Promise((resolve, reject) => {
      script.addEventListener("load", resolve);
      script.addEventListener("error", () => reject(new Error("its scripts did not load")));
      opened.document.head.append(script);
    });
  } finally {
    for (const each of [all, ...addresses]) URL.revokeObjectURL(each);
  }
  const parts = opened.bgwParts ?? [];
  return new Map(sources.map((source, at) => [source, parts[at]]));
}

/**
 * Give a window the page's theme, also when that changes.
 * @param {Opened} opened @param {string} css @param {AbortSignal} signal
 */
function followTheme(opened, css, signal) {
  const { style } = opened.document.documentElement;
  const names = themeVariables(css);
  const copy = () => {
    const here = getComputedStyle(document.body);
    for (const name of names) style.setProperty(name, here.getPropertyValue(name));
    style.colorScheme = document.body.dataset.jpThemeLight === "false" ? "dark" : "light";
  };
  const observer = new MutationObserver(copy);
  observer.observe(document.body, { attributes: true });
  signal.addEventListener("abort", () => observer.disconnect());
  copy();
}

/**
 * Show a panel, or a loop's output alone, in an empty window until the signal comes.
 * @param {Opened} opened @param {OwnModel} own @param {Home} home @param {AbortSignal} signal
 * @param {Alone | null} alone
 */
async function show(opened, own, home, signal, alone) {
  const manager = own.widget_manager;
  /** @param {() => void} clean */
  const atTheEnd = (clean) =>
    signal.aborted ? clean() : signal.addEventListener("abort", () => clean());
  const panel = await manager.get_model(own.get("panel"));
  const isOutput = (/** @type {Model} */ model) =>
    String(model.get("_anywidget_id")).endsWith(".OutputView");
  const all = withChildren(panel);
  const isOwn = (/** @type {Model} */ model) => model.get("_esm") === own.get("_esm");
  const models = alone ? all.filter((model) => isOutput(model) || isOwn(model)) : all;
  const texts = (/** @type {string} */ name) => [
    ...new Set(models.map((model) => model.get(name)).filter(Boolean)),
  ];
  const root = opened.document.documentElement;
  opened.document.title = `${alone ? `Output of ${alone.name}` : "Loops"} · ${document.title}`;
  root.lang = "en";
  root.className = "bgw-window";
  const style = opened.document.createElement("style");
  style.textContent = texts("_css").join("\n");
  opened.document.head.append(style);
  if (signal.aborted) return;
  followTheme(opened, style.textContent, signal);
  const parts = await loadParts(opened, texts("_esm"));

  /** @param {Model} model @param {HTMLElement} parent */
  async function add(model, parent) {
    const source = model.get("_esm");
    if (signal.aborted || source === own.get("_esm")) return;
    const part = parts.get(source);
    const children = model.get("children");
    const view = part || children ? null : await manager.create_view(model);
    const el = view?.el ?? opened.document.createElement("div");
    // The view would set them once it is displayed, as JupyterLab's layout says, which is not asked.
    el.classList.add("jupyter-widgets", ...(model.get("_dom_classes") ?? []));
    parent.append(el);
    if (view) atTheEnd(() => view.remove());
    if (alone) el.classList.add("bgw-alone");
    const solo = alone ? { solo: alone.output } : {};
    if (part) atTheEnd(part.render({ model, el, home, ...solo }));
    for (const child of children ?? []) await add(child, el);
  }

  const main = opened.document.createElement("main");
  opened.document.body.append(main);
  for (const model of alone ? models : [panel]) await add(model, main);
}

/** The parts that know where they are scrolled to, and which of their tabs is open. */
const WITH_A_PLACE = [".bgw-loops", ".bgw-tasks", ".bgw-details", ".bgw-output"];

/** Where each of them is. @param {ParentNode} view @returns {[string, any][]} */
function placesIn(view) {
  return WITH_A_PLACE.flatMap((part) => {
    const leave = new CustomEvent("bgw-leave", { detail: {} });
    view.querySelector(part)?.dispatchEvent(leave);
    return "place" in leave.detail ? [[part, leave.detail.place]] : [];
  });
}

/** A view goes on where another one was left. @param {ParentNode} view @param {[string, any][]} places */
function goOn(view, places) {
  for (const [part, place] of places)
    view.querySelector(part)?.dispatchEvent(new CustomEvent("bgw-go-on", { detail: { place } }));
}

/** @param {{model: OwnModel, el: HTMLElement}} context */
function render({ model, el }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  // No key leaks into the notebook, where x cuts a cell and b inserts one.
  const root = document.createElement("div");
  root.className = "bgw-out";
  root.setAttribute("data-lm-suppress-shortcuts", "true");
  root.hidden = true;
  const back = document.createElement("button");
  back.type = "button";
  back.textContent = "Bring it back";
  root.append("The panel is in a window of its own", back);
  /** The window goes with it, and only then has the panel left the notebook. @type {Home} */
  const home = { el, isGone: () => lifetime.signal.aborted };
  /** While there is a window. @type {{opened: Window, end: AbortController} | null} */
  let visit = null;
  /** The windows of loops' outputs. @type {Map<number, Window>} */
  const outputs = new Map();

  function open() {
    const panel = el.closest(".bgw-panel");
    if (visit || !panel) return;
    const { width, height } = panel.getBoundingClientRect();
    const size = `width=${Math.round(width)},height=${Math.round(height) + ROOM_BELOW}`;
    const opened = window.open("", "", `popup,${size}`);
    if (!opened) {
      sayInPanel(panel, BLOCKED, "error");
      return;
    }
    const end = new AbortController();
    const { signal } = end;
    visit = { opened, end };
    signal.addEventListener("abort", () => {
      root.hidden = true;
      panel.classList.remove("bgw-away");
      for (const part of panel.children) part.dispatchEvent(new Event("bgw-seen"));
      goOn(panel, placesIn(opened.document));
    });
    const places = placesIn(panel); // what is hidden does not know
    panel.classList.add("bgw-away");
    root.hidden = false;
    opened.addEventListener("pagehide", close, { signal });
    show(opened, model, home, signal, null)
      .then(() => signal.aborted || goOn(opened.document, places))
      .catch((error) => {
        if (signal.aborted) return; // it was closed before it was furnished
        close();
        sayInPanel(panel, `The window was closed again: ${error.message}`, "error");
      });
  }

  /** @param {Alone} alone */
  function openOutput(alone) {
    const panel = el.closest(".bgw-panel");
    const known = outputs.get(alone.output);
    if (known) known.focus();
    if (known || !panel) return;
    const width = Math.round(panel.getBoundingClientRect().width);
    const opened = window.open("", "", `popup,width=${width},height=${OUTPUT_HEIGHT}`);
    if (!opened) {
      sayInPanel(panel, BLOCKED, "error");
      return;
    }
    const end = new AbortController();
    const closeIt = () => {
      outputs.delete(alone.output);
      end.abort();
      opened.close();
    };
    outputs.set(alone.output, opened);
    opened.addEventListener("pagehide", closeIt, { signal: end.signal });
    signal.addEventListener("abort", closeIt, { signal: end.signal });
    window.addEventListener("pagehide", closeIt, { signal: end.signal });
    show(opened, model, home, end.signal, alone).catch((error) => {
      if (end.signal.aborted) return;
      closeIt();
      sayInPanel(panel, `The window was closed again: ${error.message}`, "error");
    });
  }

  function close() {
    const { opened, end } = visit ?? {};
    visit = null;
    end?.abort();
    opened?.close();
  }

  root.addEventListener(
    "bgw-pop-out",
    (event) => {
      const { detail } = /** @type {CustomEvent<Alone | null>} */ (event);
      if (detail) openOutput(detail);
      else open();
    },
    { signal },
  );
  root.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
  back.addEventListener(
    "click",
    () => {
      close();
      // The button that had the focus is gone.
      const button = el.closest(".bgw-panel")?.querySelector(".bgw-pop-out");
      /** @type {HTMLElement | null | undefined} */ (button)?.focus({ preventScroll: true });
    },
    { signal },
  );
  window.addEventListener("pagehide", close, { signal });
  el.append(root);
  signal.addEventListener("abort", () => {
    close();
    root.remove();
  });
  return () => lifetime.abort();
}

export default { render };
