"""The tabs above the table of tasks, which open the details that another widget shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.browser.stage import MANY, ONE_FRAME, task_row, tasks_head, window_of_tasks

if TYPE_CHECKING:
    from tests.browser.stage import Stage

WITH_ALL: Final = tasks_head(has_error=True, timings=True, plots=True)
ALL: Final = ["Tasks 2", "Output", "Await chain", "Error", "Plots", "History", "Timings"]
DETAILS: Final = """() => {
  const details = document.createElement("div");
  details.className = "bgw-details";
  details.tabIndex = -1;
  details.addEventListener("bgw-tab", ({ detail }) => {
    details.heard = detail;
    if (detail.focus) details.focus();
  });
  document.querySelector(".bgw-panel").append(details);
}"""


@pytest.fixture
def tasks(tasks: Stage) -> Stage:
    """The table of loop 7's tasks with all its tabs, and what stands for the details beside it."""
    tasks.page.evaluate(DETAILS)
    tasks.frame({}, total=2, head=WITH_ALL)
    return tasks


def heard(stage: Stage) -> Any:
    """What the details were told last."""
    told = stage.page.evaluate("document.querySelector('.bgw-details').heard")
    return told["tab"], told["loop"], told["task"]


def focused(stage: Stage) -> str:
    """The class of what has the focus."""
    return str(stage.page.evaluate("document.activeElement.className")).split(" ")[0]


def selected(stage: Stage) -> list[str]:
    """The tabs that are said to be open."""
    return stage.texts(".bgw-tab[aria-selected=true]")


def test_a_tab_is_there_when_there_is_something_to_show(tasks: Stage):
    """No error, no timings, nothing plotted: no tabs that would say so."""
    assert tasks.texts(".bgw-tab:visible") == ALL
    tasks.frame({}, total=2, head={"has_error": False})
    assert tasks.texts(".bgw-tab:visible") == [
        "Tasks 2",
        "Output",
        "Await chain",
        "Plots",
        "History",
        "Timings",
    ]
    tasks.frame({}, total=2, head={"timings": False, "plots": False})
    assert tasks.texts(".bgw-tab:visible") == ["Tasks 2", "Output", "Await chain", "History"]


def test_a_tab_opens_the_details_in_the_grids_place(tasks: Stage):
    """Of the current task and its loop; the tab of the tasks brings the grid back."""
    tasks.click("[data-bgw-id='2']")
    assert heard(tasks) == ("tasks", 7, 2)
    tasks.click(".bgw-tab-chain")
    assert (heard(tasks), selected(tasks)) == (("chain", 7, 2), ["Await chain"])
    assert not tasks.find(".bgw-grid").is_visible()
    assert not tasks.find(".bgw-foot").is_visible()
    tasks.click(".bgw-tab-tasks")
    assert (heard(tasks), selected(tasks)) == (("tasks", 7, 2), ["Tasks 2"])
    assert tasks.find(".bgw-grid").is_visible()
    assert tasks.find(".bgw-foot").is_visible()


def test_without_a_current_task_none_is_made_up(tasks: Stage):
    """The details say what to do then."""
    tasks.click(".bgw-tab-chain")
    assert heard(tasks) == ("chain", 7, None)


def test_whoever_shows_plots_is_told_too(tasks: Stage):
    """Each widget knows by that whether a tab of its own is open."""
    tasks.page.evaluate(
        """() => {
          const plots = document.createElement("div");
          plots.className = "bgw-plots";
          plots.addEventListener("bgw-tab", ({ detail }) => { plots.heard = detail; });
          document.querySelector(".bgw-panel").append(plots);
        }"""
    )
    tasks.click(".bgw-tab-plots")
    assert heard(tasks) == ("plots", 7, None)
    told = tasks.page.evaluate("document.querySelector('.bgw-plots').heard")
    assert (told["tab"], told["loop"]) == ("plots", 7)


def test_a_widget_that_comes_later_is_told_too(tasks: Stage):
    """The two are made in whatever order."""
    tasks.click(".bgw-tab-history")
    tasks.page.evaluate("document.querySelector('.bgw-details').remove()")
    tasks.page.evaluate(DETAILS)
    tasks.pass_time(1.1)
    assert heard(tasks) == ("history", 7, None)


def test_enter_opens_the_await_chain(tasks: Stage):
    """The focus goes along; of a failed task, Enter opens the error."""
    tasks.find(".bgw-grid").focus()
    tasks.press("Enter")
    assert heard(tasks) == ("tasks", 7, None)
    tasks.press("ArrowDown", "Enter")
    assert (heard(tasks), focused(tasks)) == (("chain", 7, 1), "bgw-details")
    tasks.page.evaluate("document.querySelector('.bgw-tasks').dispatchEvent(new Event('bgw-back'))")
    tasks.frame({0: task_row(1, state="failed")}, total=2, head={"has_error": False})
    tasks.press("Enter")
    assert (heard(tasks), selected(tasks)) == (("error", 7, 1), ["Error"])


def test_enter_on_a_header_sorts(tasks: Stage):
    """And opens nothing."""
    tasks.click("[data-bgw-id='2']")
    tasks.find(".bgw-head .bgw-col-age .bgw-sort").focus()
    tasks.press("Enter")
    assert heard(tasks) == ("tasks", 7, 2)


def test_a_double_click_opens_what_enter_does(tasks: Stage):
    """On the row that it hits."""
    tasks.page.dblclick("[data-bgw-id='2'] .bgw-col-name")
    assert heard(tasks) == ("chain", 7, 2)


def test_the_way_back_leads_to_the_row(tasks: Stage):
    """By what Esc in the details says, and by Esc among the tabs."""
    tasks.click("[data-bgw-id='2']")
    for leave in ("event", "key"):
        tasks.click(".bgw-tab-chain")
        if leave == "key":
            tasks.press("Escape")
        else:
            tasks.page.evaluate(
                "document.querySelector('.bgw-tasks').dispatchEvent(new Event('bgw-back'))"
            )
            tasks.pass_time(0.04)
        assert (heard(tasks), focused(tasks)) == (("tasks", 7, 2), "bgw-grid")
        assert tasks.attribute("[data-bgw-id='2']", "aria-selected") == "true"


def test_arrows_move_along_the_tabs(tasks: Stage):
    """As in any row of tabs: round the ends, past what is not there, one stop for the Tab key."""
    tasks.frame({}, total=2, head={"has_error": False, "plots": False})
    tasks.find(".bgw-tab-tasks").focus()
    order = []
    for key in (*["ArrowRight"] * 5, "ArrowLeft", "Home", "End"):
        tasks.press(key)
        assert focused(tasks) == "bgw-tab"
        assert tasks.page.evaluate("document.activeElement.ariaSelected") == "true"
        order.append(heard(tasks)[0])
    assert order[:5] == ["output", "chain", "history", "timings", "tasks"]
    assert order[5:] == ["timings", "tasks", "timings"]
    assert tasks.find(".bgw-tab[tabindex='0']").count() == 1


def test_an_error_that_is_gone_leads_back_to_the_tasks(tasks: Stage):
    """Another loop was selected, say, which has none."""
    tasks.click(".bgw-tab-error")
    tasks.frame([task_row(5)], head=tasks_head(loop=8))
    assert (heard(tasks), selected(tasks)) == (("tasks", 8, None), ["Tasks 2"])
    assert tasks.find(".bgw-grid").is_visible()


def test_the_rows_stay_those_that_were_in_sight(tasks: Stage):
    """A hidden grid does not ask for others, and is as it was when it comes back."""
    rows = {place: task_row(place) for place in range(35, 56)}
    tasks.frame([], total=100, head=WITH_ALL)
    tasks.scroll(26 * 41)
    tasks.frame(list(rows.values()), start=35, total=100, head=WITH_ALL)
    tasks.click("[data-bgw-id='42']")
    tasks.sent()
    tasks.click(".bgw-tab-chain")
    tasks.pass_time(2)
    assert [message for message in tasks.sent() if message["type"] == "window"] == []
    tasks.press("Escape")
    assert tasks.find(".bgw-grid").evaluate("grid => grid.scrollTop") == 26 * 41
    assert tasks.attribute(".bgw-row[aria-selected='true']", "data-bgw-id") == "42"


def test_the_details_are_told_why_nobody_can_be_asked(tasks: Stage):
    """In the words that the header of the loops has for it; no more when there is contact again."""
    trouble = "document.querySelector('.bgw-details').heard.trouble"
    assert tasks.page.evaluate(trouble) is None
    tasks.pass_time(4)
    assert tasks.page.evaluate(trouble) == "no contact with the kernel"
    tasks.say({"type": "beat"})
    assert tasks.page.evaluate(trouble) is None


LEAVE: Final = """() => {
  const leave = new CustomEvent("bgw-leave", { detail: {} });
  document.querySelector(".bgw-tasks").dispatchEvent(leave);
  return leave.detail.place;
}"""
GO_ON: Final = """place => document.querySelector(".bgw-tasks")
  .dispatchEvent(new CustomEvent("bgw-go-on", { detail: { place } }))"""


def test_another_view_goes_on_where_this_one_was_left(tasks: Stage):
    """At its rows, with its current task and its tab, as soon as it knows the tasks."""
    tasks.frame(window_of_tasks(0, 15), total=MANY, head=WITH_ALL)
    tasks.scroll(2600)
    tasks.frame(window_of_tasks(94, 115), total=MANY, start=94, head=WITH_ALL)
    tasks.click("[data-bgw-id='102']")
    tasks.click(".bgw-tab-chain")
    place = tasks.page.evaluate(LEAVE)
    tasks.close()

    tasks.page.evaluate("stage.view = null")
    tasks.mount("tasks")
    tasks.page.evaluate(GO_ON, place)
    tasks.pass_time(ONE_FRAME)
    assert selected(tasks) == ["Tasks"]
    tasks.frame(window_of_tasks(0, 15), total=MANY, head=WITH_ALL)

    assert (heard(tasks), selected(tasks)) == (("chain", 7, 102), ["Await chain"])
    tasks.click(".bgw-tab-tasks")
    tasks.pass_time(ONE_FRAME)
    assert tasks.find(".bgw-grid").evaluate("grid => grid.scrollTop") == 2600
    assert {"type": "window", "start": 98, "stop": 111} in tasks.sent()


def test_a_place_among_another_loops_tasks_is_none(tasks: Stage):
    """Somebody selected another loop meanwhile."""
    place = {"loop": 8, "task": None, "tab": "chain", "top": 26}
    tasks.page.evaluate(GO_ON, place)
    tasks.frame({}, total=2)
    assert selected(tasks) == ["Tasks 2"]


def test_o_opens_the_output(tasks: Stage):
    """From a row of the tasks; the focus goes along."""
    tasks.click("[data-bgw-id='2']")
    tasks.press("o")
    assert (heard(tasks), selected(tasks)) == (("output", 7, 2), ["Output"])
    assert focused(tasks) == "bgw-details"
