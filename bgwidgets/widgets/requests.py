"""What a page may ask for, and within which bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bgwidgets.commands import CancelTasks, InterruptLoop, SetStopEvent, StopLoop
from bgwidgets.widgets.detail_parts import DetailSubject
from bgwidgets.widgets.output_views import OutputSubject, Step
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.rows import Sorting, Window

MOST_ROWS: Final = 200
"""A window is never larger: no screen shows more rows of 26 pixels."""
MOST_TASKS: Final = 1000
"""In one command, and picked at once."""
LONGEST_FILTER: Final = 200
SHORTEST_INTERVAL: Final = 0.2
LONGEST_INTERVAL: Final = 3600.0


class InvalidRequest(ValueError):
    """Raised when a page's message is not one that its script would send. Nothing was done."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A view of a table that knows nothing yet."""

    view: str
    window: Window


@dataclass(frozen=True, slots=True)
class LineHello:
    """A view of the status line that knows nothing yet."""

    view: str


@dataclass(frozen=True, slots=True)
class Meant:
    """A button is about to be clicked where this loop is selected, None: where none is. `picked`:
    and the button says that it is for tasks that are picked.
    """

    action: Action
    loop_id: int | None
    picked: bool


@dataclass(frozen=True, slots=True)
class Alive:
    """A view is still looked at."""

    view: str


@dataclass(frozen=True, slots=True)
class Ping:
    """A view wants to know whether it is heard while this cell runs."""

    view: str
    cell: int


@dataclass(frozen=True, slots=True)
class Bye:
    """A view is gone. `cleared`: and so is the output that it was in."""

    view: str
    cleared: bool = False


@dataclass(frozen=True, slots=True)
class ShowRows:
    """A view was scrolled."""

    view: str
    window: Window


@dataclass(frozen=True, slots=True)
class SelectLoop:
    """A loop was clicked."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class PickRows:
    """These rows were picked, several at once; none: they were let go. Tasks are of `loop_id`."""

    ids: tuple[int, ...]
    loop_id: int | None = None


@dataclass(frozen=True, slots=True)
class PickRange:
    """All rows of this range were picked. `is_cut`: but for those that are too many.

    `first` and `last` are the rows that the page showed at its ends, as far as it knows them.
    """

    window: Window
    loop_id: int | None = None
    is_cut: bool = False
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A key was pressed that stands for a button, on a loop or on those that are picked. `picked`:
    it is for tasks that are picked, and for no others.
    """

    action: Action
    loop_id: int
    picked: bool = False


@dataclass(frozen=True, slots=True)
class Remove:
    """The key was pressed that takes a loop, or those that are picked, off the list."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class SortRows:
    """A column's head was clicked."""

    sorting: Sorting


@dataclass(frozen=True, slots=True)
class FilterTasks:
    """A filter was typed."""

    text: str


@dataclass(frozen=True, slots=True)
class PickStates:
    """Chips were clicked: only tasks in these states are to be shown, or all."""

    chips: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetInterval:
    """Another interval was chosen."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Pause or Resume was clicked."""

    paused: bool


@dataclass(frozen=True, slots=True)
class LookForLoops:
    """Which event loops run in this kernel?"""


@dataclass(frozen=True, slots=True)
class AdoptFound:
    """One of the loops that were found is to be listed."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class ShowDetail:
    """A view of a detail tab is open, and looked at. Said when it is opened, and then again and
    again, so nothing depends on an earlier message.
    """

    view: str
    subject: DetailSubject
    known: int
    """The number of the last message that it has taken; 0 when it knows nothing."""


@dataclass(frozen=True, slots=True)
class ShowOutput:
    """A view of a loop's output is open, and looked at. Said as `ShowDetail` is."""

    view: str
    subject: OutputSubject
    known: int
    """The number of the last message that it has taken; 0 when it knows nothing."""
    stays: bool = False
    """Whether it goes on with the lines that it has, though it looks at others of them."""


@dataclass(frozen=True, slots=True)
class FindNext:
    """Enter was pressed in the field of what is looked for."""

    view: str
    step: Step


@dataclass(frozen=True, slots=True)
class ShowPicture:
    """A line that is a picture came into sight."""

    view: str
    number: int


@dataclass(frozen=True, slots=True)
class SaveOutput:
    """All that is held is to be copied or downloaded: the piece that begins there."""

    view: str
    start: int


@dataclass(frozen=True, slots=True)
class ShowPlots:
    """A view of the Plots tab is open, and looked at. Said again and again, as above."""

    view: str
    loop_id: int
    known: int
    """The number of the last message that it has taken; 0 when it knows nothing."""


OutputRequest = ShowOutput | FindNext | ShowPicture | SaveOutput | Bye
LineRequest = LineHello | Bye | Meant
PlotRequest = ShowPlots | Bye
DetailRequest = ShowDetail | Bye
FinderRequest = LookForLoops | AdoptFound
TableRequest = (
    Hello
    | Alive
    | Ping
    | Bye
    | ShowRows
    | SelectLoop
    | PickRows
    | PickRange
    | Act
    | Remove
    | SortRows
    | FilterTasks
    | PickStates
    | SetInterval
    | Pause
    | SetStopEvent
    | StopLoop
    | CancelTasks
    | InterruptLoop
)
