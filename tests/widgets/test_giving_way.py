"""What need not be done any more, for the same page has asked for something else since."""

from __future__ import annotations

import pytest

from bgwidgets.widgets.giving_way import gives_way
from bgwidgets.widgets.items import Changed, FromTable, Item
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.requests import Act, FilterTasks, InvalidRequest, PickRange, PickRows
from bgwidgets.widgets.rows import Window

A_RANGE = FromTable("tasks", PickRange(Window(0, 100), loop_id=1))
ANOTHER = FromTable("tasks", PickRange(Window(500, 600), loop_id=1))
SOME_ROWS = FromTable("tasks", PickRows((7, 8), loop_id=1))


@pytest.mark.parametrize("following", [ANOTHER, SOME_ROWS])
def test_a_range_gives_way_to_the_next_pick(following: Item):
    """Of the same table, and of the same loop's tasks."""
    assert gives_way(A_RANGE, following)


@pytest.mark.parametrize(
    "following",
    [
        None,
        Changed(),
        FromTable("tasks", Act(Action.CANCEL_TASKS, 1, picked=True)),
        FromTable("tasks", FilterTasks("x")),
        FromTable("tasks", InvalidRequest("no range")),
        FromTable("loops", PickRange(Window(0, 100), loop_id=1)),
        FromTable("tasks", PickRange(Window(0, 100), loop_id=2)),
        FromTable("tasks", PickRows((7, 8), loop_id=2)),
        FromTable("tasks", PickRows((), loop_id=1)),
    ],
)
def test_it_gives_way_to_nothing_else(following: Item | None):
    """A command is for what was picked before it; what is of another loop may come to nothing; and
    a loop whose tasks were picked is chosen, also when they are let go.
    """
    assert not gives_way(A_RANGE, following)


@pytest.mark.parametrize(
    "item",
    [SOME_ROWS, FromTable("tasks", FilterTasks("x")), FromTable("tasks", Act(Action.KILL, 1))],
)
def test_nothing_else_gives_way(item: Item):
    """It costs little, or does something."""
    assert not gives_way(item, ANOTHER)
