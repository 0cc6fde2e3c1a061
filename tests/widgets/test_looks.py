"""What was seen of the manager stands still while the panel is paused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from bgwidgets.snapshots import WindowRequest
from bgwidgets.states import TaskState
from bgwidgets.widgets.looks import KEPT_FURTHER_DOWN, KEPT_TASKS, Looks
from bgwidgets.widgets.sorted_windows import VERY_MANY
from bgwidgets.widgets.views import MOST_VIEWS
from tests.widgets.fakes import FakeSource, detail, loop, task

REQUEST = WindowRequest(start=0, stop=15)


@pytest.fixture
def source() -> FakeSource:
    """One loop with thirty tasks."""
    return FakeSource([loop(1)], {1: [task(number) for number in range(100, 130)]})


@pytest.fixture
def clock() -> Iterator[int]:
    """Seconds that pass whenever somebody looks at it."""
    return itertools.count(100)


@pytest.fixture
def looks(source: FakeSource, clock: Iterator[int]) -> Looks:
    """After the first look."""
    looks = Looks(source, lambda: next(clock))
    looks.take()
    return looks


def ids(looks: Looks, start: int, stop: int, **more: Any) -> list[int]:
    request = WindowRequest(start=start, stop=stop, **more)
    return [each.id for each in looks.tasks(1, request).tasks]


def test_the_same_window_is_asked_for_once_a_look(looks: Looks, source: FakeSource):
    """Two pages that show the same cost no more than one."""
    looks.tasks(1, REQUEST)
    looks.tasks(1, REQUEST)
    assert source.requests == [(1, REQUEST)]
    looks.take()
    looks.tasks(1, REQUEST)
    assert len(source.requests) == 2


def test_a_loop_that_was_removed_has_no_tasks(looks: Looks):
    """It may go between two looks."""
    assert looks.tasks(99, REQUEST).total == 0


def test_a_pause_shows_what_was(looks: Looks, source: FakeSource):
    """Loops and tasks both, wherever one scrolls to."""
    looks.hold()
    assert ids(looks, 0, 3) == [100, 101, 102]
    source.loops = []
    source.tasks = {}
    assert [each.id for each in looks.loops] == [1]
    assert ids(looks, 27, 40) == [127, 128, 129]
    assert looks.tasks(1, REQUEST).total == 30


def test_a_pause_begins_with_a_fresh_look(looks: Looks, source: FakeSource):
    """What stands still is not half a second old, and loops and tasks are of one moment."""
    source.loops = [loop(1), loop(2)]
    looks.hold()
    assert [each.id for each in looks.loops] == [1, 2]


def test_time_stands_still_in_a_pause(looks: Looks):
    """At the moment from which everything else is; `take` is another such moment."""
    assert looks.now < looks.now
    looks.hold()
    held_at = looks.now
    assert looks.now == held_at
    looks.take()
    assert looks.now == held_at + 1
    looks.let_go()
    assert looks.now < looks.now


def test_rows_far_down_come_when_they_are_scrolled_to(looks: Looks, source: FakeSource):
    """And stand still from then on; copying a hundred thousand would take too long."""
    source.tasks[1] = [task(number) for number in range(KEPT_TASKS + 100)]
    looks.hold()
    assert ids(looks, 0, 1) == [0]
    source.tasks[1] = [task(number) for number in range(5000, 5000 + KEPT_TASKS + 50)]
    border = KEPT_TASKS - 1
    assert ids(looks, border, border + 3) == [border, 5000 + KEPT_TASKS, 5001 + KEPT_TASKS]
    source.tasks[1] = []
    assert ids(looks, border, border + 3) == [border, 5000 + KEPT_TASKS, 5001 + KEPT_TASKS]
    assert ids(looks, KEPT_TASKS + 50, KEPT_TASKS + 60) == []
    assert looks.tasks(1, REQUEST).total == KEPT_TASKS + 100


def test_another_order_or_filter_is_looked_at_anew_in_a_pause(looks: Looks, source: FakeSource):
    """It was not seen before; then it stands still as well."""
    looks.hold()
    assert ids(looks, 0, 1) == [100]
    source.tasks[1] = [task(7)]
    assert ids(looks, 0, 1, filter="x") == [7]
    source.tasks[1] = [task(8)]
    assert ids(looks, 0, 1, filter="x") == [7]
    assert ids(looks, 0, 1) == [100]


def test_a_filter_that_returns_after_many_others_is_looked_at_anew(
    looks: Looks, source: FakeSource
):
    """A pause has no end, and a page may think of ever more filters. What goes on being shown
    stands still.
    """
    looks.hold()
    assert ids(looks, 0, 1) == ids(looks, 0, 1, filter="first") == [100]
    source.tasks[1] = [task(7)]
    for number in range(MOST_VIEWS):
        ids(looks, 0, 1, filter=f"{number}")
        assert ids(looks, 0, 1) == [100]
    assert ids(looks, 0, 1, filter="first") == [7]


def test_what_was_shown_at_the_pause_returns_as_it_was(looks: Looks, source: FakeSource):
    """However many filters were tried in between: the field is cleared, and it is there again."""
    looks.hold()
    assert ids(looks, 0, 2) == [100, 101]
    source.tasks[1] = [task(7)]
    for number in range(3 * MOST_VIEWS):
        ids(looks, 0, 1, filter=f"{number}")
    assert ids(looks, 0, 2) == [100, 101]
    looks.take()
    assert ids(looks, 0, 2) == [7]


@pytest.mark.parametrize("is_held", [True, False])
def test_what_is_kept_until_the_next_look_is_bounded(
    looks: Looks, source: FakeSource, is_held: bool
):
    """Copies of the tasks, windows of them, and details: a page may put that look off."""
    source.details = {number: detail(number) for number in range(1000)}
    if is_held:
        looks.hold()
    for number in range(1000):
        ids(looks, number, number + 1, filter=f"{number}")
        looks.task_detail(1, number)
    kept = [len(each) for each in (looks._kept, looks._windows, looks._details)]
    assert kept == ([MOST_VIEWS - 1, 0, MOST_VIEWS] if is_held else [0, MOST_VIEWS, MOST_VIEWS])


def test_a_detail_that_is_shown_stays_while_others_are_asked_for(looks: Looks, source: FakeSource):
    """One that nobody shows any more is asked for anew, after many others."""
    source.details = {number: detail(number) for number in range(100, 130)}
    looks.hold()
    for number in range(100, 130):
        looks.task_detail(1, 100)
        looks.task_detail(1, number)
    assert source.asked_details == list(range(100, 130))
    looks.task_detail(1, 101)
    assert source.asked_details[-1] == 101


def test_of_rows_far_down_only_the_last_thousands_stand_still(looks: Looks, source: FakeSource):
    """However many tasks there are, and one scrolls through. The first ones stay as they were."""
    count = KEPT_TASKS + 3 * KEPT_FURTHER_DOWN
    source.tasks[1] = [task(number) for number in range(count)]
    looks.hold()
    for start in range(0, count, 100):
        ids(looks, start, start + 100)
    source.tasks[1] = [task(number + count) for number in range(count)]
    assert ids(looks, 0, 1) == [0]
    lowest = count - KEPT_FURTHER_DOWN
    assert ids(looks, lowest, count) == list(range(lowest, count))
    assert ids(looks, KEPT_TASKS, KEPT_TASKS + 1) == [KEPT_TASKS + count]


def test_a_look_in_a_pause_is_of_everything(looks: Looks, source: FakeSource):
    """Also of the tasks that were copied; then they stand still again."""
    looks.hold()
    assert ids(looks, 0, 1) == [100]
    source.tasks[1] = [task(7)]
    looks.take()
    assert ids(looks, 0, 1) == [7]
    source.tasks[1] = [task(8)]
    assert ids(looks, 0, 1) == [7]


def test_after_a_pause_things_are_as_they_are(looks: Looks, source: FakeSource):
    """Nothing of the copy is left."""
    looks.hold()
    looks.tasks(1, REQUEST)
    source.tasks[1] = [task(7)]
    looks.let_go()
    assert ids(looks, 0, 15) == [7]


@pytest.fixture
def many() -> FakeSource:
    """A loop with so many tasks that sorting them takes a while."""
    counts = {TaskState.PENDING: VERY_MANY}
    return FakeSource([loop(1, task_counts=counts)], {1: [task(number) for number in range(1000)]})


def test_very_many_tasks_are_sorted_once_a_second(many: FakeSource):
    """However often the panel is refreshed; what is shown is a second old at most."""
    now = [100.0]
    looks = Looks(many, lambda: now[0])
    for _ in range(50):
        now[0] += 0.1
        looks.take()
        ids(looks, 300, 315, sort="name")
    assert 5 <= len(many.requests) <= 6


@pytest.mark.parametrize("way", [{"filter": "a"}, {"states": (TaskState.FAILED,)}])
def test_so_they_are_filtered(many: FakeSource, way: dict[str, Any]):
    """All of them are looked at for that, too."""
    looks = Looks(many, lambda: 100.0)
    for _ in range(3):
        looks.take()
        ids(looks, 0, 15, **way)
    assert len(many.requests) == 1


def test_a_little_scrolling_among_them_asks_for_nothing(many: FakeSource):
    """And shows the rows that are there; far scrolling and another order ask at once."""
    looks = Looks(many, lambda: 100.0)
    looks.take()
    assert ids(looks, 300, 315, sort="name") == list(range(300, 315))
    assert ids(looks, 340, 355, sort="name") == list(range(340, 355))
    assert ids(looks, 0, 15, sort="name") != []
    assert ids(looks, 995, 1010, sort="name") == list(range(995, 1000))
    assert len(many.requests) == 3
    ids(looks, 300, 315, sort="age")
    assert len(many.requests) == 4


def test_in_their_own_order_they_are_looked_at_each_time(many: FakeSource):
    """That costs nothing; nor does sorting few."""
    looks = Looks(many, lambda: 100.0)
    for _ in range(3):
        looks.take()
        ids(looks, 0, 15)
    assert len(many.requests) == 3
