"""What a cell displayed is told when the cell is run again."""

from __future__ import annotations

import gc
from types import SimpleNamespace
from typing import Any

import pytest

from bgwidgets.widgets.displays import CellRun, Displays, current_cell_run


class Output:
    """Writes down which of its cells were run again."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def replaced(self, cell: str) -> None:
        """Written down."""
        self.told.append(cell)


def test_what_an_earlier_run_of_the_cell_displayed_is_told():
    """All of it, once; what other cells displayed is not."""
    displays, earlier, other, later = Displays(), [Output(), Output()], Output(), Output()
    for output in earlier:
        displays.note(output, CellRun("cell", "first"))
    displays.note(other, CellRun("other cell", "second"))
    assert [output.told for output in [*earlier, other]] == [[], [], []]
    for _ in range(2):
        displays.note(later, CellRun("cell", "third"))
    assert [output.told for output in [*earlier, other, later]] == [["cell"], ["cell"], [], []]


def test_what_it_displays_again_is_not():
    """It is there."""
    displays, output = Displays(), Output()
    displays.note(output, CellRun("cell", "first"))
    displays.note(output, CellRun("cell", "second"))
    assert output.told == []


def test_nothing_is_kept_alive():
    """What is garbage need not be told."""
    displays = Displays()
    displays.note(Output(), CellRun("cell", "first"))
    gc.collect()
    assert len(displays._displayed["cell"]) == 0


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"header": {"msg_id": "m"}, "metadata": {"cellId": "c"}},
            CellRun("c", "m"),
        ),
        ({"header": {"msg_id": "m"}, "metadata": {}}, None),
        ({"header": {}, "metadata": {"cellId": 3}}, None),
        ({}, None),
    ],
)
def test_the_cell_is_known_by_its_frontends_request(
    monkeypatch: pytest.MonkeyPatch, message: Any, expected: CellRun | None
):
    """Where that names it."""
    shell = SimpleNamespace(get_parent=lambda: message)
    monkeypatch.setattr("bgwidgets.widgets.displays.get_ipython", lambda: shell)
    assert current_cell_run() == expected


def test_without_a_kernel_no_cell_is_known(monkeypatch: pytest.MonkeyPatch):
    """In a terminal, and in a script."""
    assert current_cell_run() is None
    monkeypatch.setattr("bgwidgets.widgets.displays.get_ipython", SimpleNamespace)
    assert current_cell_run() is None
