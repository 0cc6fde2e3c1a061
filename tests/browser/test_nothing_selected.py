"""Keys that are for a row where none is selected: the status line says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.stage import loops_head, task_row, tasks_head

if TYPE_CHECKING:
    from tests.browser.stage import Stage


def hear_what_is_said(stage: Stage) -> None:
    """Put a status line into the panel that keeps what it is told."""
    stage.page.evaluate(
        """() => {
          const line = Object.assign(document.createElement("div"), { className: "bgw-status" });
          globalThis.said = [];
          line.addEventListener("bgw-said", ({ detail }) => said.push([detail.level, detail.text]));
          document.querySelector(".bgw-panel").append(line);
        }"""
    )


@pytest.mark.parametrize("key", ["c", "Delete", "Enter"])
def test_a_key_for_a_task_says_that_none_is_selected(tasks: Stage, key: str):
    """With one row shown it looks as if it were the one: "/", a filter, Enter, c. One that is
    selected and filtered away is not meant, and that is said too.
    """
    hear_what_is_said(tasks)
    said = "said.splice(0)"
    tasks.frame([task_row(2)], head=tasks_head(filter="task-2", filtered=True))
    tasks.find(".bgw-grid").focus()
    tasks.press(key)
    assert tasks.page.evaluate(said) == [["info", "No task is selected"]]
    tasks.press("ArrowDown", key)
    assert tasks.page.evaluate(said) == []
    if key == "Enter":
        tasks.press("Escape")
        tasks.click(".bgw-tab-tasks")
        tasks.find(".bgw-grid").focus()
    tasks.sent()
    tasks.frame([task_row(1)], head=tasks_head(filter="task-1", filtered=True))
    tasks.press(key)
    assert tasks.page.evaluate(said) == [["info", "The selected task is not in sight"]]
    tasks.frame([], head=tasks_head(loop=None))
    tasks.press(key)
    assert tasks.page.evaluate(said) == [["info", "No loop is selected"]]
    assert tasks.sent() == []


@pytest.mark.parametrize("key", ["e", "s", "c", "r", "x"])
def test_a_key_for_a_loop_says_that_none_is_selected(loops: Stage, key: str):
    """As in an empty panel."""
    hear_what_is_said(loops)
    loops.frame([], head=loops_head(loops=0, tasks=0, selected=None))
    loops.find(".bgw-grid").focus()
    loops.press(key)
    assert loops.page.evaluate("said") == [["info", "No loop is selected"]]
    assert loops.sent() == []


@pytest.mark.parametrize("table", ["loops", "tasks"])
@pytest.mark.parametrize("key", ["e", "c"])
def test_before_anything_is_known_a_key_says_nothing(
    script: Stage, table: Literal["loops", "tasks"], key: str
):
    """There may well be a loop."""
    script.mount(table)
    hear_what_is_said(script)
    script.find(".bgw-grid").focus()
    script.press(key)
    assert script.page.evaluate("said") == []
