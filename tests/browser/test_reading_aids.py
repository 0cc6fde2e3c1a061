"""Every part of the panel, in JupyterLab's light and dark theme, as axe-core judges it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.browser.stage import NOW, bar, loop_row, loops_head, task_row, tasks_head
from tests.browser.test_loop_finder import found
from tests.browser.test_loop_finder import row as found_row
from tests.browser.test_output_view import Kernel, open_output
from tests.browser.test_plots import figure, metric, png
from tests.browser.test_plots import open_tab as open_plots
from tests.browser.test_plots import tell as tell_plots
from tests.browser.test_pop_out import mount, pop_out
from tests.browser.test_task_details import TIMINGS, about, chain, failure, history, link, tell
from tests.browser.test_task_details import bar as bar_line
from tests.browser.test_task_details import open_tab as open_details
from tests.reading_aids import expect_no_violations, theme_variables

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.stage import Stage

LOOPS: Final = [
    loop_row(1, bar=bar(label="epoch 3"), note="loss 0.3"),
    loop_row(2, state="failed", ended=NOW - 5, note="KeyError: 1"),
    loop_row(3, blocked_since=NOW - 4, note="In[1]:3", lag=4.0),
    loop_row(4, stop_requested=True, protected=True),
    loop_row(5, unresponsive=True),
    loop_row(6, state="cancelled", ended=NOW - 5),
]
TASKS: Final = [
    task_row(1, main=True, bar=bar()),
    task_row(8, bar=bar(None, "7,240", " it · 88 it/s")),
    task_row(9, bar=bar(63, "63 %", ", left open", end="left open")),
    *(
        task_row(number, state=state, error="KeyError: 1" if state == "failed" else None)
        for number, state in enumerate(
            ["running", "cancelling", "finished", "failed", "cancelled"], 2
        )
    ),
]
DETAILS: Final = {
    "chain": chain(
        bars=[bar_line(), bar_line(depth=1, share=None, label="")],
        waits_for=[link(0, "a"), link(1, "b")],
        waited_by=[link(0, "c")],
        timeout=3,
    ),
    "error": {
        "of": {"kind": "task", "name": "fetch", "at": "12:03:41"},
        "error": "KeyError: 1",
        "traceback": "Traceback ...\nKeyError: 1",
    },
    "history": history(
        failures=[failure(1)],
        warnings=[
            {"at": "12:03", "text": "not awaited", "advice": "await it", "where": "a:3", "count": 2}
        ],
        cancellations=[{"at": "12:03", "name": "fetch", "asked_by": "stopper", "where": "a:4"}],
        slow_steps=[{"at": "12:03", "seconds": 0.25, "task": "train", "where": "a:5"}],
    ),
    "timings": {"task": about(), "timings": TIMINGS},
}


@pytest.fixture(params=["light", "dark"])
def themed(request: pytest.FixtureRequest, stage: Stage) -> Stage:
    """A stage with this theme's variables, whatever is loaded on it then."""
    css = theme_variables(request.param)
    load = stage.load

    def load_themed(asset: str) -> None:
        load(asset)  # type: ignore[arg-type]
        stage.page.add_style_tag(content=css)

    stage.load = load_themed  # type: ignore[method-assign]
    return stage


def judge(stage: Stage, page: Page | None = None, scope: str | None = ".bgw-panel") -> None:
    """Ask axe-core, which takes turns by timers: the clock goes on meanwhile."""
    stage.page.clock.resume()
    expect_no_violations(page or stage.page, scope)
    stage.page.clock.pause_at(stage.page.evaluate("Date.now()") / 1000 + 1)


def mount_loops(stage: Stage) -> None:
    stage.load("task_table")
    stage.mount("loops")
    stage.frame(LOOPS, head=loops_head(failed=1, cell=3, picked=[1, 2]))


def mount_tasks(stage: Stage) -> None:
    stage.load("task_table")
    stage.mount("tasks")
    head = tasks_head(
        has_error=True, timings=True, plots=True, chips=["running", "failed"], picked=[4, 5]
    )
    stage.frame(TASKS, head=head)


def test_the_table_of_loops(themed: Stage):
    """Every state, several selected, one under the pointer; then paused, then without contact."""
    mount_loops(themed)
    themed.pass_time(1.6)
    expect(themed.find(".bgw-live")).to_be_visible()
    judge(themed)
    themed.find(".bgw-row").nth(1).hover()
    themed.say({"type": "beat"})
    themed.click(".bgw-pause")
    judge(themed)
    themed.pass_time(10)
    expect(themed.find(".bgw-contact")).not_to_be_empty()
    judge(themed)


def test_an_empty_panel(themed: Stage):
    """With the words that say so."""
    themed.load("task_table")
    themed.mount("loops")
    themed.frame([], head=loops_head(loops=0, tasks=0, selected=None))
    judge(themed)


def test_the_table_of_tasks_and_its_tabs(themed: Stage):
    """Every state, the tabs and the chips, pressed and not."""
    mount_tasks(themed)
    themed.click(".bgw-row >> nth=0")
    judge(themed)
    themed.click(".bgw-tab-error")
    judge(themed)


def test_the_list_of_keys(themed: Stage):
    """A dialog with a name; what it covers need not be read."""
    mount_tasks(themed)
    themed.find(".bgw-grid").focus()
    themed.press("?")
    expect(themed.page.get_by_role("dialog", name="Keys")).to_be_visible()
    judge(themed, scope=".bgw-help")


def lose_contact(stage: Stage) -> None:
    """As the table marks the panel then."""
    lost = "panel => panel.insertAdjacentHTML('beforeend', '<div class=bgw-lost></div>')"
    stage.find(".bgw-panel").evaluate(lost)


@pytest.mark.parametrize("tab", DETAILS)
def test_the_details(themed: Stage, tab: str):
    """Each tab with all that it can show, folded and unfolded; and when the kernel is gone."""
    themed.load("task_details")
    themed.mount()
    open_details(themed, tab)
    tell(themed, tab, DETAILS[tab])
    judge(themed)
    for summary in themed.find("summary").all():
        summary.click()
    judge(themed)
    lose_contact(themed)
    judge(themed)


def test_the_output(themed: Stage):
    """Two tasks, colours, stderr; with what is looked for, picked, scrolled up; when lost, too."""
    themed.load("output_view")
    themed.mount()
    open_output(themed)
    kernel = Kernel(themed)
    colours = [f"\x1b[{code}mcolour {code}\x1b[0m" for code in (30, 33, 37, 93, 97, 41, 43, 7, 2)]
    tasks = [[1, "one"], [2, "two"]]
    told = [[0, " ".join(colours), 1, "one"], [1, "bad", 2, "two", 1]]
    more = [[number, f"line {number}", 1, "one"] for number in range(2, 50)]
    kernel.say(*told, *more, head={"tasks": tasks, "dropped": 5})
    judge(themed)
    themed.find(".bgw-find").fill("a")
    themed.pass_time(0.2)
    kernel.tell(head={"hits": 2}, hit={"at": 1, "number": 1})
    expect(themed.find(".bgw-to-end")).to_be_visible()
    judge(themed)
    lose_contact(themed)
    judge(themed)


def test_the_plots(themed: Stage):
    """Charts and figures, drawn and not; a value that is read by the keyboard; when lost, too."""
    themed.load("plots_view")
    themed.mount()
    open_plots(themed)
    told = [figure(), figure("other", buffer=None, error="ValueError: no data")]
    tell_plots(themed, [metric("loss", 2.0, None, 1.0), metric("rows", 12.0)], told, [png(64, 48)])
    judge(themed)
    themed.find(".bgw-chart-plot").first.focus()
    themed.press("ArrowLeft")
    themed.click("img")
    judge(themed)
    lose_contact(themed)
    judge(themed)


@pytest.mark.parametrize("level", ["info", "error"])
def test_the_status_line(themed: Stage, level: str):
    """What a command did, well or not."""
    themed.load("status_line")
    themed.mount()
    themed.say({"type": "info", "text": "race · run 1", "why": True})
    judge(themed)
    themed.say({"type": "said", "level": level, "text": "Stop event set"})
    judge(themed)


def test_the_view_of_all_loops(themed: Stage):
    """Folded and unfolded."""
    themed.load("loop_finder")
    themed.mount()
    judge(themed)
    themed.click(".bgw-finder-toggle")
    rows = [found_row(2, "fsspecIO", "adopt"), found_row(3, "Main", "watch"), found_row(4, "race")]
    themed.say(found(*rows, found_row(5, "Control", "kernel")))
    judge(themed)


def test_the_window_of_its_own(themed: Stage):
    """All of it, for its page is ours; and what is in the cell meanwhile."""
    mount(themed)
    window = pop_out(themed)
    themed.frame(LOOPS, head=loops_head())
    judge(themed, window, None)
    judge(themed, scope=".bgw-out")
