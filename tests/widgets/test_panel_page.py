"""The panel and a page that shows it, with real loops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import bgwidgets as bgw
from bgwidgets.loop_manager import LoopManager
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.control_panel import ControlPanel
from tests.widgets.panel_page import LIMIT, Page, fail, until, work

if TYPE_CHECKING:
    import pytest


def test_a_page_sees_loops_and_tasks(manager: LoopManager, page: Page):
    """As they are, soon after they change."""
    manager.start(work, name="race")

    def has_race(message: dict[str, Any]) -> bool:
        return any(row["name"] == "race" for _, row in message.get("rows", ()))

    page.wait_for("loops", has_race)
    frame = page.wait_for("tasks", has_race)
    assert frame["rows"][0][1]["main"] is True


def test_a_failing_main_task_shows_its_traceback(manager: LoopManager, page: Page):
    """All of it, though the loop has ended, once its tab is open."""
    loop = manager.start(fail)
    page.wait_for("tasks", lambda message: message.get("head", {}).get("has_error"))
    page.send("details", type="show", view="d", loop=loop.id, tab="error", known=0)
    parts = page.wait_for("details", lambda message: "traceback" in message["parts"])["parts"]
    assert parts["traceback"].startswith("Traceback (most recent call last):")
    assert 'raise OSError("gone")' in parts["traceback"]
    assert parts["traceback"].endswith("OSError: gone")
    page.wait_for("loops", lambda message: [
        row for _, row in message.get("rows", ()) if row["note"] == "OSError: gone"
    ])  # fmt: skip


async def train() -> None:
    for value in bgw.progress([3.0, 2.0, 1.0], desc="epoch"):
        bgw.metric("loss", value)
    bgw.figure("fit").gca().plot([1, 2])
    await asyncio.Event().wait()


def test_progress_and_plots_are_those_of_the_real_task(manager: LoopManager, page: Page):
    """The bar in its row; the points, and the picture with its bytes."""
    loop = manager.start(train)
    frame = page.wait_for("tasks", lambda message: message.get("head", {}).get("plots"))
    bar = frame["rows"][0][1]["bar"]
    assert (bar["share"], bar["end"], bar["label"]) == (100, "closed", "epoch")
    page.send("plots", type="show", view="p", loop=loop.id, known=0)
    [series] = page.wait_for("plots", lambda message: message["metrics"])["metrics"]
    assert (series["name"], series["count"], series["last"]) == ("loss", 3, 1)
    assert series["values"][0] == 3  # As there is but an instant between them, some are thinned.
    page.wait_for("plots", lambda message: [1 for each in message["figures"] if each["at"]])
    assert [each[:4] for each in page.buffers] == [b"\x89PNG"]


def test_a_tasks_details_are_those_of_the_real_task(manager: LoopManager, page: Page):
    """Its await chain with the source lines, its loop's history, its timings."""
    loop = manager.start(work, timings=True)
    until(lambda: loop.tasks)
    task = loop.tasks[0].id
    subject = {"type": "show", "view": "d", "loop": loop.id, "task": task, "known": 0}
    page.send("details", **subject, tab="chain")
    parts = page.wait_for("details", lambda message: "frames" in message["parts"])["parts"]
    assert parts["waiting"] == "event"
    [mark] = [frame for frame in parts["frames"] if frame.get("mark")]
    assert (mark["function"], mark["text"]) == ("work", "await asyncio.Event().wait()")
    page.send("details", **subject, tab="timings")
    parts = page.wait_for("details", lambda message: "timings" in message["parts"])["parts"]
    assert parts["timings"]["polls"] == 1
    page.send("details", type="show", view="d", loop=loop.id, tab="history", known=0)
    parts = page.wait_for("details", lambda message: "births" in message["parts"])["parts"]
    assert parts["births"] == 1


def test_a_single_task_is_cancelled_by_its_cross(manager: LoopManager, page: Page):
    """The others go on."""

    async def crowd() -> None:
        await asyncio.gather(*(asyncio.create_task(work(), name=f"t{n}") for n in range(3)),
                             return_exceptions=True)  # fmt: skip

    loop = manager.start(crowd)
    until(lambda: len(loop.tasks) == 4)
    [task] = [task for task in loop.tasks if task.name == "t1"]
    page.send("tasks", type="command", command="cancel_tasks", loop=loop.id, tasks=[task.id])
    until(lambda: loop.snapshot().task_counts[TaskState.CANCELLED] == 1)
    assert loop.snapshot().unfinished_tasks == 3


def test_a_tasks_id_that_is_not_known_is_said(manager: LoopManager, page: Page):
    """As an error; nothing is raised into the kernel."""
    loop = manager.start(work)
    page.send("tasks", type="command", command="cancel_tasks", loop=loop.id, tasks=[10**9])
    assert page.wait_for_words(str(10**9)) == "error"


def test_what_the_page_sets_the_traits_have(panel: ControlPanel, manager: LoopManager, page: Page):
    """To be observed and linked."""
    first, _ = manager.start(work), manager.start(work)
    page.send("loops", type="filter", text="fetch")
    page.send("loops", type="interval", seconds=2)
    page.send("loops", type="select", loop=first.id)
    page.send("loops", type="pause", paused=True)
    until(lambda: panel.paused)
    assert (panel.filter, panel.interval, panel.selected) == ("fetch", 2.0, first.id)


def test_what_python_sets_the_page_shows(panel: ControlPanel, manager: LoopManager, page: Page):
    """Soon, and not at the next interval, which is in an hour."""
    first, _ = manager.start(work), manager.start(work)
    head: dict[str, Any] = {}

    def shows(name: str, value: object) -> Callable[[dict[str, Any]], bool]:
        def look(message: dict[str, Any]) -> bool:
            head.update(message.get("head", {}))
            return bool(head[name] == value)

        return look

    panel.interval = 3600.0
    page.wait_for("loops", shows("interval", 3600))
    panel.filter = "fetch"
    page.wait_for("loops", shows("filter", "fetch"))
    panel.selected = first.id
    page.wait_for("loops", shows("selected", first.id))
    panel.paused = True
    page.wait_for("loops", shows("paused", True))


def test_whatever_is_set_the_panels_thread_is_told(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """It may be asleep for an hour."""
    publisher = Mock()
    with monkeypatch.context() as patch:
        patch.setattr("bgwidgets.widgets.control_panel.Publisher", lambda *_: publisher)
        panel = ControlPanel(manager)
    loop = manager.start(work)
    settings = {"interval": 2.0, "filter": "x", "paused": True, "selected": loop.id}
    for count, (name, value) in enumerate(settings.items(), start=1):
        setattr(panel, name, value)
        assert publisher.setting_changed.call_count == count
    panel.close()
    assert publisher.close.call_count == 1


def test_a_click_on_a_button_comes_as_a_message(manager: LoopManager, panel: ControlPanel):
    """As the page sends it."""
    loop = manager.start(work)
    panel.stop_loop_button._handle_custom_msg({"event": "click"}, [])
    assert loop.wait(LIMIT) is LoopState.STOPPED
