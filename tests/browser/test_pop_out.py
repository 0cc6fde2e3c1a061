"""The panel in a window of its own; the test is in the kernel's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from tests.browser.stage import ONE_FRAME, WIDGETS, loop_row, loops_head

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.stage import Stage

MOUNT: Final = """
([esm, css, table, tableCss, output, outputCss]) => {
  const has = (values) => ({ get: (name) => values[name] });
  const loops = { ...stage.model("loops"), ...has({ kind: "loops", _esm: table, _css: tableCss }) };
  const button = has({ _dom_classes: ["bgw-button"] });
  const own = has({ _esm: esm, _css: css, panel: "the panel" });
  const id = "bgwidgets.widgets.output_view.OutputView";
  const written = has({ _anywidget_id: id, _esm: output, _css: outputCss });
  const outputs = { ...stage.model(), ...written };
  const panel = has({ children: [loops, button, outputs, own], _dom_classes: ["bgw-panel"] });
  document.body.className = "jp-MainAreaWidget";
  stage.clicks = 0;
  stage.isViewGone = false;
  const create_view = async () => {
    const el = document.createElement("button");
    el.textContent = "Stop event";
    el.className = "jupyter-button";
    el.addEventListener("click", () => stage.clicks++);
    return { el, remove: () => (stage.isViewGone = true) };
  };
  const get_model = async (id) => (id === "the panel" ? panel : null);
  const model = { ...own, widget_manager: { get_model, create_view } };
  document.querySelector(".bgw-panel").classList.add("jupyter-widgets");
  document.querySelector(".bgw-panel").insertAdjacentHTML(
    "beforeend",
    "<p><span class=bgw-status></span></p><div id=part>in the cell</div>",
  );
  document.querySelector(".bgw-status").addEventListener("bgw-said", (event) => {
    event.target.textContent = `${event.detail.level}: ${event.detail.text}`;
  });
  stage.seen = 0;
  document.querySelector("#part").addEventListener("bgw-seen", () => stage.seen++);
  const el = document.querySelector("#widget");
  stage.cleanup = stage.module.default.render({ model, el });
}
"""
ASK: Final = "document.querySelector('.bgw-out').dispatchEvent(new CustomEvent('bgw-pop-out'))"
"""What the table's button does."""


def source(name: str) -> str:
    return script_of(str(WIDGETS / name))


def mount(stage: Stage, table: str = "") -> None:
    stage.load("pop_out")
    stage.page.evaluate(
        MOUNT,
        [
            source("pop_out.js"),
            style_of(str(WIDGETS / "pop_out.py")),
            table or source("task_table.js"),
            style_of(str(WIDGETS / "task_table.py")),
            source("output_view.js"),
            style_of(str(WIDGETS / "output_view.py")),
        ],
    )


def pop_out(stage: Stage) -> Page:
    with stage.page.expect_popup() as opened:
        stage.page.evaluate(ASK)
    window = opened.value
    window.on("pageerror", lambda error: stage.problems.append(str(error)))
    window.on("console", lambda message: stage.problems.append(message.text))
    window.locator(".bgw-button").wait_for()
    return window


@pytest.fixture
def ready(stage: Stage) -> Stage:
    """The panel in the page, and no window yet."""
    mount(stage)
    return stage


def test_the_window_shows_what_comes_and_takes_clicks(ready: Stage):
    """By its own clock and frames; what was in the cell gives its place to a word about that."""
    window = pop_out(ready)

    assert {"type": "hello", "start": 0, "stop": 8} in ready.sent()
    ready.frame([loop_row(1), loop_row(2)], head=loops_head())
    expect(window.locator(".bgw-row")).to_have_count(2)
    window.locator(".bgw-row").nth(1).click()
    assert {"type": "select", "loop": 2} in ready.sent()
    window.locator(".bgw-button").click()
    assert ready.page.evaluate("stage.clicks") == 1
    expect(window.locator(".bgw-pop-out")).to_be_hidden()
    expect(ready.find("#part")).to_be_hidden()
    expect(ready.find(".bgw-out")).to_have_text("The panel is in a window of its ownBring it back")
    assert ready.page.evaluate("stage.seen") == 0


@pytest.mark.parametrize("way", ["close", "button", "panel"])
def test_it_comes_back(ready: Stage, way: str):
    """When the window is closed, when the cell's button is clicked, when the panel goes."""
    window = pop_out(ready)
    ready.sent()

    if way == "close":
        window.close()
    else:
        with window.expect_event("close"):
            if way == "button":
                ready.find("text=Bring it back").click()
            else:
                ready.close()

    expect(ready.find("#part")).to_be_visible()
    assert ready.page.evaluate("[stage.seen, stage.isViewGone]") == [1, True]
    assert ready.page.evaluate("stage.listeners.size") == 0
    # The panel has left the notebook only when it left the cell.
    assert ready.sent() == [{"type": "bye"} | ({"cleared": True} if way == "panel" else {})]


def test_the_window_goes_on_where_the_cell_was(ready: Stage):
    """And the cell where the window was."""
    ready.page.evaluate("""() => {
      const table = document.createElement("div");
      table.className = "bgw-loops";
      table.addEventListener("bgw-leave", ({ detail }) => (detail.place = 52));
      table.addEventListener("bgw-go-on", ({ detail }) => (stage.place = detail.place));
      document.querySelector(".bgw-panel").append(table);
    }""")
    window = pop_out(ready)
    ready.frame([loop_row(number) for number in range(30)], head=loops_head())
    window.wait_for_function("document.querySelector('.bgw-grid').scrollTop === 52")
    window.evaluate("""() => new Promise((resolve) => {
      const grid = document.querySelector(".bgw-grid");
      grid.addEventListener("scroll", () => resolve(), { once: true }); // after the table's own
      grid.scrollTop = 78;
    })""")
    window.close()
    ready.page.wait_for_function("stage.place === 78")


def test_the_output_of_a_loop_has_a_window_alone(ready: Stage):
    """Beside the panel, which stays; one for each loop, and it goes with the panel."""
    ask = """document.querySelector(".bgw-out").dispatchEvent(
        new CustomEvent("bgw-pop-out", { detail: { output: 7, name: "race" } }))"""
    with ready.page.expect_popup() as opened:
        ready.page.evaluate(ask)
    window = opened.value
    window.on("pageerror", lambda error: ready.problems.append(str(error)))
    window.locator(".bgw-output-body").wait_for()

    assert ready.sent() == [{"type": "show", "loop": 7, "known": 0}]
    expect(ready.find("#part")).to_be_visible()
    expect(window.locator(".bgw-grid, .bgw-button")).to_have_count(0)
    expect(window.get_by_text("Pop out")).to_be_hidden()
    assert window.title().startswith("Output of race ·")
    head = {"total": 1, "first": 0, "end": 1, "dropped": 0, "tasks": [], "hits": None}
    lines = {"start": 0, "first": 0, "last": 0, "gone": [], "follows": True, "lines": [[0, "a"]]}
    message = {"type": "output", "view": ready.page.evaluate("stage.view"), "seq": 1, "full": True}
    message |= {"loop": 7, "task": None, "head": head | {"name": "race"}, "window": lines}
    ready.say(message)
    expect(window.locator(".bgw-text")).to_have_text("a")
    room = window.evaluate("innerHeight") - window.locator("main").bounding_box()["height"]  # type: ignore[index]
    assert room == 0

    ready.page.evaluate(ask)
    assert len(ready.page.context.pages) == 2
    with window.expect_event("close"):
        ready.close()
    assert ready.page.evaluate("stage.listeners.size") == 0


def test_the_users_text_is_never_html_there(ready: Stage):
    """In the window's own document, nor in its title."""
    evil = "<img src=x onerror=console.error('ran')>"
    ready.page.evaluate("title => (document.title = title)", evil)
    window = pop_out(ready)
    ready.frame([loop_row(1, name=evil, host=evil, note=evil)], head=loops_head())
    expect(window.locator(".bgw-row .bgw-col-name")).to_have_text(evil)
    expect(window.locator(".bgw-row .bgw-col-note")).to_have_text(evil)
    assert window.title() == f"Loops · {evil}"
    assert window.locator("img").count() == 0


def test_it_can_leave_again_and_has_one_window(ready: Stage):
    """However often it is asked for."""
    pop_out(ready).close()
    expect(ready.find("#part")).to_be_visible()
    window = pop_out(ready)
    ready.page.evaluate(ASK)
    assert len(ready.page.context.pages) == 2
    window.close()


def test_the_window_goes_with_the_page(ready: Stage):
    """Nobody would tell it anything any more."""
    window = pop_out(ready)
    with window.expect_event("close"):
        ready.page.goto("about:blank")


def test_a_blocked_window_is_told(ready: Stage):
    """In the line beside the buttons; the panel stays where it is."""
    ready.page.evaluate("window.open = () => null")
    ready.page.evaluate(ASK)
    expect(ready.find(".bgw-status")).to_contain_text("error: The browser blocked the window")
    expect(ready.find("#part")).to_be_visible()


def test_a_window_that_cannot_be_filled_is_closed_and_told(stage: Stage):
    """The panel is back at once."""
    mount(stage, table="export default {render() { throw new Error('no table') }}")
    with stage.page.expect_popup() as opened:
        stage.page.evaluate(ASK)
    expect(stage.find(".bgw-status")).to_have_text("error: The window was closed again: no table")
    expect(stage.find("#part")).to_be_visible()
    if not opened.value.is_closed():  # The driver may hear of it a moment later.
        opened.value.wait_for_event("close")


def test_it_has_the_colours_of_the_page(ready: Stage):
    """Also when they change."""
    window = pop_out(ready)
    with_theme = """([colour, isLight]) => {
      document.body.style.setProperty("--jp-layout-color1", colour);
      document.body.dataset.jpThemeLight = isLight;
    }"""
    body = window.locator("body")
    for colour, is_light, scheme in [
        ("rgb(17, 17, 17)", "false", "dark"),
        ("rgb(255, 255, 255)", "true", "light"),
    ]:
        ready.page.evaluate(with_theme, [colour, is_light])
        expect(body).to_have_css("background-color", colour)
        expect(body).to_have_css("color-scheme", scheme)


def test_no_key_leaks_from_its_place_in_the_cell(ready: Stage):
    """JupyterLab would cut the cell at an x."""
    pop_out(ready)
    ready.page.evaluate("document.addEventListener('keydown', () => console.error('leaked'))")
    ready.find("text=Bring it back").focus()
    ready.press("x")


def test_the_tables_button_asks_for_it(loops: Stage):
    """By an event on the element of the widget that does it."""
    loops.page.evaluate("""() => {
      document.querySelector(".bgw-panel").insertAdjacentHTML("beforeend", "<i class=bgw-out></i>");
      const out = document.querySelector(".bgw-out");
      out.addEventListener("bgw-pop-out", () => (stage.isAsked = true));
    }""")
    loops.page.get_by_role("button", name="Pop out").click()
    assert loops.page.evaluate("stage.isAsked")


def test_a_table_that_is_away_is_silent_until_it_is_seen(loops: Stage):
    """So the kernel tells it nothing; then all."""
    panel = "document.querySelector('.bgw-panel')"
    loops.page.evaluate(f"{panel}.classList.add('bgw-away')")
    loops.pass_time(30)
    assert loops.sent() == []
    expect(loops.find(".bgw-contact")).to_be_empty()

    loops.page.evaluate(f"{panel}.classList.remove('bgw-away')")
    loops.page.evaluate("document.querySelector('#widget').dispatchEvent(new Event('bgw-seen'))")
    loops.pass_time(ONE_FRAME)
    assert loops.sent() == [{"type": "hello", "start": 0, "stop": 8}]


def test_the_status_line_says_what_the_page_has_to_say(line: Stage):
    """Beside what the kernel says."""
    line.page.evaluate("""() => document.querySelector(".bgw-status").dispatchEvent(
      new CustomEvent("bgw-said", { detail: { level: "error", text: "blocked" } }))""")
    assert line.texts(".bgw-status") == ["blocked"]
    assert line.attribute(".bgw-status", "data-level") == "error"
