"""What stands for the panel where there is no kernel, as a browser shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bgwidgets.snapshots import TaskWindow
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.static_view import Moment, static_html
from tests.widgets.fakes import NOW, ended_loop, loop, task

if TYPE_CHECKING:
    from tests.browser.stage import Stage

EVIL: Final = "<img src=x onerror=console.error('ran')>"


def test_the_users_text_is_never_html(stage: Stage):
    """Names and errors of loops and tasks show letter by letter."""
    running = loop(1, name=EVIL, host=EVIL, last_output=EVIL)
    failed = ended_loop(2, LoopState.FAILED, name=EVIL, error_line=EVIL)
    tasks = (
        task(101, name=EVIL, coroutine=EVIL, waiting_on=EVIL, where=EVIL),
        task(102, name=EVIL, state=TaskState.FAILED, error=EVIL, ended_at=NOW),
    )
    window = TaskWindow(tasks=tasks, start=0, total=2, as_of=NOW)
    moment = Moment(loops=[running, failed], selected=running, tasks=window, at=NOW)
    stage.page.set_content(static_html(moment))
    assert stage.find("img").count() == 0
    assert (
        stage.find(
            "tr",
        ).count()
        == 6
    )
    assert stage.find("body").inner_text().count(EVIL) >= 10
