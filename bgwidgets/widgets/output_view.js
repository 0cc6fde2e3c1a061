// @ts-check
/**
 * The output of a loop, live: the end of it, or what one has scrolled or searched to.
 *
 * The page holds a window of lines, as the kernel cuts it, and so has the same number of elements
 * however much is written. Where the rest is, there is empty room of about its height. Text is only
 * ever text: colours become spans, pictures come as `<img>` from a Blob, and nothing is HTML.
 *
 * The tab is the table's (task_table.js), which says by the event "bgw-tab" on this widget's element
 * whether it is open; "bgw-back" on the table's element says that the user wants the tasks again. In
 * a window of its own (pop_out.js) there is no table, and `solo` names the loop.
 *
 * Its parts, from the bottom up: page/output_words.js, output_colours.js, output_text.js, output_wire.js,
 * output_lines.js, output_whole.js.
 */

/** @import {Model, Subject, TabOpened, Window} from "./page/output_types.js" */
import { make, setText } from "./page/elements.js";
import { SECOND, formatCount } from "./page/numbers.js";
import { rgbOf } from "./page/output_colours.js";
import { Lines } from "./page/output_lines.js";
import { button } from "./page/output_text.js";
import { Whole, copy, download } from "./page/output_whole.js";
import { CONTACT_LOST_AFTER, Wire } from "./page/output_wire.js";
import { afterBoth, formatLines, nothingKnown } from "./page/output_words.js";
import { ANSWER_WITHIN } from "./page/talk.js";

const SETTLES_IN = 150;
const SAID_FOR = 2 * SECOND;

/** @param {{model: Model, el: HTMLElement, solo?: number}} context */
function render({ model, el, solo }) {
  const lifetime = new AbortController();
  const { signal } = lifetime;
  const wire = new Wire(model, el, signal);
  const lines = new Lines(signal);
  const whole = new Whole(wire, signal);
  const { body } = lines;

  const tasks = make("select", "bgw-task-filter", { "aria-label": "Output of" });
  const allTasks = button("×", { "aria-label": "Show the output of all tasks" });
  const field = make("input", "bgw-find", {
    type: "search",
    placeholder: "Find   /",
    "aria-label": "Find in the output",
    autocomplete: "off",
    maxlength: "200", // what the kernel takes
    spellcheck: "false",
  });
  const hits = make("span", "bgw-hits", { role: "status" });
  const previous = button("↑", { "aria-label": "Previous hit", title: "Previous (Shift Enter)" });
  const next = button("↓", { "aria-label": "Next hit", title: "Next (Enter)" });
  const wrap = button("Wrap", { "aria-pressed": "true", title: "Wrap long lines" });
  const copying = button("Copy", { title: "Copy what is selected, or all" });
  const saving = button("Download", { title: "All that the kernel holds, as a text file" });
  const popOut = button("Pop out", {
    "aria-label": "Pop out the output",
    title: "The output in a window of its own",
  });
  const toEnd = make("button", "bgw-to-end", { type: "button" });
  const nothing = make("p", "bgw-nothing");
  const amount = make("span", "bgw-amount");
  const said = make("span", "bgw-said", { role: "status" });
  const hints = ["/ find", "End follow", ...(solo === undefined ? ["Esc tasks"] : [])];
  const root = make(
    "div",
    "bgw-output",
    { role: solo === undefined ? "tabpanel" : "region", "data-lm-suppress-shortcuts": "true" },
    make(
      "div",
      "bgw-output-bar",
      {},
      make("span", "bgw-group", {}, tasks, allTasks),
      make("span", "bgw-group bgw-finding", {}, field, hits, previous, next),
      make("span", "bgw-group bgw-doing", {}, wrap, copying, saving, popOut),
    ),
    make("div", "bgw-output-place", {}, body, nothing, toEnd),
    make(
      "div",
      "bgw-output-foot",
      {},
      amount,
      said,
      make("span", "bgw-hints", {}, ...hints.map((hint) => make("span", "", {}, hint))),
    ),
  );
  root.hidden = true;
  popOut.classList.add("bgw-output-out");

  /** @type {Subject} */
  let subject = { loop: null, task: null, find: "", around: null };
  let head = nothingKnown();
  let isKnown = false;
  /** Where the end was when it was last in sight. */
  let seenEnd = 0;
  /** @type {number | null} */
  let hitAt = null;
  /** Runs while another window is asked for. */
  let patience = 0;
  /** The line for which a window was asked. @type {number | null | undefined} */
  let askedAround;
  let askedAt = 0;
  let settling = 0;
  let saidUntil = 0;
  /** @type {string | null} */
  let trouble = null;
  let frame = 0;
  /** What has changed by windows that were on their way when what is shown was settled: of no use,
   * but the next one says only what has changed since. @type {Window | null} */
  let late = null;
  /** The loop that was shown last, whose filter is kept while another tab is open.
   * @type {number | null} */
  let lastLoop = null;
  /** The line that another view was left at, and this one begins with. @type {number | null} */
  let leftAt = null;
  const follows = () => subject.around === null;

  /** @param {Partial<Subject>} change */
  function ask(change) {
    subject = { ...subject, ...change };
    wire.show(subject, askedAround === undefined && !follows());
  }

  /** @param {number | null} around */
  function look(around) {
    window.clearTimeout(patience);
    patience = window.setTimeout(() => (patience = 0), ANSWER_WITHIN);
    askedAround = around;
    ask({ around });
    paint();
  }

  /** Follow no more: the lines in sight are here. @param {number} around */
  function stay(around) {
    subject = { ...subject, around };
    askedAround = undefined;
    wire.show(subject, true);
  }

  function follow() {
    look(null);
    lines.goToTheEnd();
  }

  function forget() {
    lines.clear();
    late = null;
    askedAt = Date.now();
    head = nothingKnown();
    isKnown = false;
    hitAt = null;
    lines.found = null;
  }

  /** @param {number | null} task */
  function pickTask(task) {
    const { tasks, name } = head;
    forget();
    head = { ...head, tasks, name }; // what one chooses from does not go away meanwhile
    ask({ task, around: null });
    paint();
  }

  /** @param {string} text */
  function find(text) {
    hitAt = lines.found = null;
    lines.find = text;
    lines.repaint();
    ask({ find: text });
    if (text) step(true);
    paint();
  }

  /** @param {boolean} back */
  function step(back) {
    if (!subject.find) return;
    const last = follows() ? head.end : (lines.anchor?.number ?? 0);
    wire.step(lines.found ?? last, back);
  }

  /** @param {Window} window @param {boolean} isWanted */
  function take(window, isWanted) {
    late = late === null ? window : afterBoth(late, window);
    if (!isWanted) return;
    lines.take(late);
    late = null;
  }

  wire.onOutput = (output) => {
    // It was scrolled just now, and what comes must not undo that.
    if (frame || (follows() && lines.hasLeftTheEnd)) noteScroll();
    const wasAtTheEnd = follows();
    const anchor = wasAtTheEnd ? null : lines.anchor;
    if (output.full) {
      forget();
      isKnown = true;
    }
    head = { ...head, ...output.head };
    if (output.hit) {
      hitAt = output.hit.at;
      lines.found = output.hit.number;
      if (output.hit.number !== null) stay(output.hit.number);
    }
    // What was asked for last may have been asked for too late.
    const isWanted = !output.window || output.window.follows === follows() || output.full;
    if (output.window) {
      window.clearTimeout(patience);
      patience = 0;
      take(output.window, isWanted);
    }
    if (output.open) lines.takeOpen(output.open);
    lines.makeRoom(head, subject.task === null);
    lines.markFound();
    if (output.hit?.number !== null && output.hit) lines.reveal(output.hit.number);
    else if (follows() && wasAtTheEnd) lines.goToTheEnd();
    else if (!(anchor && lines.putBack(anchor)) && output.window && isWanted)
      lines.putBack({ number: nearest(subject.around ?? 0, output.window), offset: 0 });
    if (follows()) seenEnd = head.end;
    else if (output.window) frame ||= requestAnimationFrame(noteScroll); // it may not be enough
    paint();
  };

  /** @param {number} number @param {Window} window */
  function nearest(number, { first, last }) {
    return Math.min(Math.max(number, first ?? 0), last ?? 0);
  }

  function noteScroll() {
    cancelAnimationFrame(frame);
    frame = 0;
    if (root.hidden || !isKnown) return;
    const hasEnd = lines.isAtTheEnd;
    if (follows()) {
      if (hasEnd || lines.count === 0) return;
      seenEnd = head.end;
      const { anchor } = lines;
      if (!anchor) return look(lines.numberInSight(head));
      stay(anchor.number);
      paint();
    } else if (hasEnd) return follow();
    if (patience || !lines.isShort(head)) return;
    const around = lines.anchor?.number ?? lines.numberInSight(head);
    if (around !== askedAround) look(around);
  }

  lines.onTask = pickTask;
  lines.onPicture = (number) => wire.fetchPicture(number);
  wire.onPicture = (picture) => {
    lines.paint(picture);
    if (follows()) lines.goToTheEnd();
  };

  // -- what is said around the lines

  function paint() {
    root.dataset.bgwTags = `${head.tasks.length > 1 || subject.task !== null}`;
    root.classList.toggle("bgw-silent", trouble !== null);
    offerTasks();
    setText(hits, hitWords());
    for (const each of [previous, next]) each.hidden = !subject.find;
    toEnd.hidden = follows() || !isKnown;
    setText(toEnd, `↓ ${newWords()}`);
    setText(amount, amountWords());
    setText(nothing, nothingWords());
    body.setAttribute("aria-label", `Output of ${head.name || "the loop"}`);
    root.setAttribute("aria-label", "Output");
    if (Date.now() >= saidUntil) setText(said, "");
  }

  function hitWords() {
    if (!subject.find || head.hits === null) return "";
    if (head.hits === 0) return "none";
    const at = hitAt === null ? "" : `${formatCount(hitAt + 1)} of `;
    return `${at}${formatLines(head.hits)}`;
  }

  function newWords() {
    const count = head.end - seenEnd;
    if (count <= 0) return "End";
    return subject.task === null ? formatLines(count, "new") : "New lines";
  }

  function amountWords() {
    if (trouble !== null) return trouble;
    if (!isKnown || head.name === null) return "";
    const dropped = head.dropped ? ` · ${formatCount(head.dropped)} dropped` : "";
    return `${formatLines(head.total)}${dropped}`;
  }

  /** What is said where no line is. */
  function nothingWords() {
    if (subject.loop === null) return "No loop selected";
    if (!isKnown) return Date.now() - askedAt > ANSWER_WITHIN ? "Asking the kernel…" : "";
    if (lines.body.querySelector(".bgw-written")) return "";
    return head.name === null ? "That loop is not listed any more" : "Nothing was written yet";
  }

  let offered = "";
  function offerTasks() {
    const named = head.tasks.some(([id]) => id === subject.task);
    /** @type {[number | string, string][]} */
    const own = subject.task === null || named ? [] : [[subject.task, `task ${subject.task}`]];
    const options = [["", "All tasks"], ...head.tasks, ...own];
    const key = JSON.stringify(options);
    if (key !== offered) {
      offered = key;
      tasks.replaceChildren(
        ...options.map(([id, name]) => make("option", "", { value: `${id}` }, `${name}`)),
      );
    }
    tasks.value = `${subject.task ?? ""}`;
    tasks.hidden = head.tasks.length < 2 && subject.task === null;
    allTasks.hidden = subject.task === null;
    tasks.classList.toggle("bgw-picked", subject.task !== null);
  }

  /** @param {string} words */
  function say(words) {
    saidUntil = Date.now() + SAID_FOR;
    setText(said, words);
    window.setTimeout(() => signal.aborted || paint(), SAID_FOR + 10);
  }

  function noteTheme() {
    const style = getComputedStyle(root);
    const [ink, paper] = [rgbOf(style.color), rgbOf(style.backgroundColor)];
    if (!ink || !paper || `${ink}${paper}` === `${lines.theme.ink}${lines.theme.paper}`) return;
    lines.theme = { ink, paper };
    lines.repaint();
  }

  // -- what the user does

  function selected() {
    const selection = body.ownerDocument.getSelection();
    const isHere = selection?.anchorNode && body.contains(selection.anchorNode);
    return isHere ? selection.toString() : "";
  }

  /** @param {HTMLElement} asker @param {string} done @param {(text: string) => unknown} use */
  async function withAll(asker, done, use) {
    const words = asker.textContent ?? "";
    whole.onProgress = (share) => setText(asker, share < 1 ? `${Math.floor(100 * share)} %` : words);
    try {
      await use(await whole.fetch());
      say(done);
    } catch (error) {
      if (!signal.aborted) say(`Not ${done.toLowerCase()}: ${/** @type {Error} */ (error).message}`);
    }
    setText(asker, words);
  }

  /** @param {HTMLElement} element @param {string} event @param {(event: any) => void} handler */
  const on = (element, event, handler) => element.addEventListener(event, handler, { signal });
  on(tasks, "change", () => pickTask(tasks.value === "" ? null : Number(tasks.value)));
  on(allTasks, "click", () => {
    pickTask(null);
    body.focus({ preventScroll: true });
  });
  on(field, "input", () => {
    window.clearTimeout(settling);
    settling = window.setTimeout(() => find(field.value), SETTLES_IN);
  });
  on(previous, "click", () => step(true));
  on(next, "click", () => step(false));
  on(wrap, "click", () => {
    const isOn = wrap.getAttribute("aria-pressed") !== "true";
    const anchor = lines.anchor;
    wrap.setAttribute("aria-pressed", `${isOn}`);
    root.classList.toggle("bgw-unwrapped", !isOn);
    if (follows()) lines.goToTheEnd();
    else if (anchor) lines.putBack({ ...anchor, offset: 0 });
  });
  on(copying, "click", () => {
    const text = selected();
    if (text)
      copy(text, root).then(
        () => say("Copied"),
        (error) => say(`Not copied: ${error.message}`),
      );
    else if (!whole.isFetching) withAll(copying, "Copied", (all) => copy(all, root));
  });
  on(saving, "click", () => {
    if (whole.isFetching) whole.stop();
    else withAll(saving, "Downloaded", (all) => download(head.name || "output", all));
  });
  on(popOut, "click", () => {
    const out = root.closest(".bgw-panel")?.querySelector(".bgw-out");
    const detail = { output: subject.loop, name: head.name };
    out?.dispatchEvent(new CustomEvent("bgw-pop-out", { detail }));
  });
  on(toEnd, "click", () => {
    follow();
    body.focus({ preventScroll: true });
  });
  body.addEventListener("scroll", () => (frame ||= requestAnimationFrame(noteScroll)), {
    signal,
    passive: true,
  });
  on(root, "keydown", (event) => {
    event.stopPropagation(); // no key leaks into the notebook, where it could mean something else
    const { key, target } = event;
    const isFind = (event.ctrlKey || event.metaKey) && !event.altKey && key.toLowerCase() === "f";
    const isTyping = target === field || target === tasks;
    if (isFind || (key === "/" && !isTyping && !event.ctrlKey && !event.metaKey)) {
      event.preventDefault();
      field.focus({ preventScroll: true });
      field.select();
    } else if (key === "Enter" && target === field) {
      event.preventDefault();
      window.clearTimeout(settling);
      if (field.value !== subject.find) find(field.value);
      else step(event.shiftKey);
    } else if (key === "Escape") {
      event.preventDefault();
      if (field.value) {
        window.clearTimeout(settling);
        field.value = "";
        find("");
        body.focus({ preventScroll: true });
      } else if (target === field) body.focus({ preventScroll: true });
      else goBack();
    } else if (key === "End" && target === body) {
      event.preventDefault();
      follow();
    } else if (key === "Home" && target === body) {
      event.preventDefault();
      seenEnd = follows() ? head.end : seenEnd;
      look(head.first);
      body.scrollTop = 0;
    }
  });

  function goBack() {
    const table = root.closest(".bgw-panel")?.querySelector(".bgw-tasks");
    table?.dispatchEvent(new CustomEvent("bgw-back"));
  }

  /** @param {TabOpened} opened */
  function open({ tab, loop, focus, trouble: why = null }) {
    const isOpen = tab === "output";
    const isBack = trouble !== null && why === null;
    trouble = why;
    const shown = isOpen ? loop : null;
    if (shown !== subject.loop || root.hidden === isOpen) {
      root.hidden = !isOpen;
      if (shown !== subject.loop) {
        whole.stop();
        forget();
        const isSame = shown === null || shown === lastLoop;
        const kept = isSame ? subject : { task: null, find: "" };
        if (shown !== null) lastLoop = shown;
        if (!isSame) lines.find = field.value = "";
        askedAround = isSame ? leftAt : null;
        leftAt = null;
        ask({ ...kept, loop: shown, around: askedAround });
      }
      noteTheme();
    } else if (isBack) wire.sayAgain();
    paint();
    if (focus && isOpen) body.focus({ preventScroll: true });
  }
  on(root, "bgw-tab", (event) => open(event.detail));
  on(root, "bgw-leave", (event) => {
    const { task, find: text, around } = subject;
    if (subject.loop !== null) event.detail.place = { loop: subject.loop, task, find: text, around };
  });
  on(root, "bgw-go-on", ({ detail: { place } }) => {
    lastLoop = place.loop;
    lines.find = field.value = place.find;
    const { task, find: text, around } = place;
    if (subject.loop === null) {
      subject = { ...subject, task, find: text };
      leftAt = around;
    } else if (subject.loop === place.loop) {
      if (task !== subject.task) forget();
      askedAround = around;
      ask({ task, find: text, around });
    }
  });

  const themes = new MutationObserver(noteTheme);
  for (const each of [document.body, document.documentElement])
    themes.observe(each, { attributes: true });
  const size = new ResizeObserver(() => follows() && lines.goToTheEnd());
  size.observe(body);
  const checking = window.setInterval(() => {
    if (solo === undefined || wire.isHidden) return;
    const isSilent = Date.now() - wire.heardAt > CONTACT_LOST_AFTER;
    if (isSilent !== (trouble !== null)) {
      trouble = isSilent ? "no contact with the kernel" : null;
      if (!isSilent) wire.sayAgain();
      paint();
    }
  }, SECOND);
  signal.addEventListener("abort", () => {
    themes.disconnect();
    size.disconnect();
    cancelAnimationFrame(frame);
    window.clearInterval(checking);
    for (const timer of [patience, settling]) window.clearTimeout(timer);
    root.remove();
  });
  el.append(root);
  if (solo !== undefined) open({ tab: "output", loop: solo, focus: true });
  return () => lifetime.abort();
}

export default { render };
