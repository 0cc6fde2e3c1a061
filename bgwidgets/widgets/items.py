"""What other threads hand to the publisher: what pages have sent, and what has happened."""

from __future__ import annotations

from dataclasses import dataclass

from bgwidgets.widgets.busy_cell import Cell
from bgwidgets.widgets.command_runner import Report
from bgwidgets.widgets.protocols import Action, Table
from bgwidgets.widgets.requests import (
    DetailRequest,
    FinderRequest,
    InvalidRequest,
    LineRequest,
    OutputRequest,
    PlotRequest,
    TableRequest,
)


@dataclass(frozen=True, slots=True)
class FromTable:
    """A page's message through a table, understood or not."""

    table: Table
    request: TableRequest | InvalidRequest


@dataclass(frozen=True, slots=True)
class FromLine:
    """A page's message through the status line, understood or not."""

    request: LineRequest | InvalidRequest


@dataclass(frozen=True, slots=True)
class Click:
    """A button was clicked while `loop_id` was chosen, or while none was."""

    action: Action
    loop_id: int | None


class Changed:
    """A loop was added, removed or changed its state."""


class Refresh:
    """Somebody wants to see how things stand, also while the panel is paused."""


@dataclass(frozen=True, slots=True)
class Displayed:
    """The panel is about to be on a page, by itself or inside another widget."""

    cell: str | None
    inside_another: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """A cell that displayed the panel is run again."""

    cell: str


@dataclass(frozen=True, slots=True)
class CellRuns:
    """Another cell began; None: it ended."""

    cell: Cell | None


class SettingChanged:
    """A trait was set. They are read anew each time, so which one it was need not be said."""


@dataclass(frozen=True, slots=True)
class FromFinder:
    """A page's message through the view of all loops, understood or not."""

    request: FinderRequest | InvalidRequest


@dataclass(frozen=True, slots=True)
class FromDetails:
    """A page's message through the detail tabs, understood or not."""

    request: DetailRequest | InvalidRequest


@dataclass(frozen=True, slots=True)
class FromOutput:
    """A page's message through a view of output, understood or not."""

    request: OutputRequest | InvalidRequest


@dataclass(frozen=True, slots=True)
class FromPlots:
    """A page's message through the Plots tab, understood or not."""

    request: PlotRequest | InvalidRequest


FromPage = FromTable | FromLine | FromFinder | FromDetails | FromOutput | FromPlots
Item = (
    FromPage
    | InvalidRequest
    | Click
    | Report
    | Changed
    | Refresh
    | SettingChanged
    | CellRuns
    | Displayed
    | Replaced
)
"""What other threads hand to the publisher."""
