"""What the publisher stands between: the manager behind it and the panel before it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal, Protocol, get_args

from bgwidgets.commands import Command
from bgwidgets.hosts.protocol import Standstill
from bgwidgets.output.log import OutputLog
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    StopReport,
    TaskDetail,
    TaskWindow,
    WindowRequest,
)

Message = Mapping[str, Any]
"""What travels to the page: plain JSON."""
Table = Literal["loops", "tasks"]
TABLES: Final[tuple[Table, ...]] = get_args(Table)
Channel = Table | Literal["status", "finder", "details", "output", "plots"]
"""Which of the panel's widgets it travels to, or came from."""
DetailTab = Literal["chain", "error", "history", "timings"]
"""The tabs beside that of the tasks."""
DETAIL_TABS: Final[tuple[DetailTab, ...]] = get_args(DetailTab)


class Action(StrEnum):
    """The panel's buttons."""

    STOP_EVENT = "stop_event"
    STOP_LOOP = "stop_loop"
    CANCEL_TASKS = "cancel_tasks"
    RESTART = "restart"
    REMOVE_FINISHED = "remove_finished"
    STOP_ALL = "stop_all"
    KILL = "kill"

    @property
    def is_for_a_loop(self) -> bool:
        """Whether it acts on the selected loop, or on those that are picked."""
        return self not in {Action.REMOVE_FINISHED, Action.STOP_ALL}


class Unreachable(Exception):
    """Raised when no page can be told: the kernel's connection is broken, or not to be had."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said in the status line."""

    text: str
    is_error: bool = False
    until: float | None = None
    """When it is no longer true, by the publisher's clock; None: it stays as long as any word."""


@dataclass(frozen=True, slots=True)
class Found:
    """The event loops of this process, and when they were looked for."""

    loops: Sequence[LoopSnapshot]
    listed: Collection[int]
    """The ids of those that the manager has listed."""
    at: float
    cells_thread: int | None = None
    """The native id of the thread in which cells run: of the kernel's loops, a user has tasks on
    that one.
    """


class Watch(Protocol):
    """One observer's looks at all loops, which cost next to nothing where nothing changes."""

    def look(self, closely: Collection[int] | None = None) -> list[LoopSnapshot]:
        """All loops, in the order of their start; of one that has not changed the very snapshot of
        the last time. Lag and its history are true of those looked at closely, or with None of all.
        """

    def window_standstill(self, loop_id: int, window: TaskWindow) -> Standstill | None:
        """What holds as long as this window is true, but for its time. None where nobody knows, or
        it is not: then it is to be asked for again.
        """


class Source(Protocol):
    """What a panel needs of a manager. Any thread; only a restart, an adoption, a look for loops
    and `stop_all` block.
    """

    def snapshots(self) -> list[LoopSnapshot]:
        """All loops, in the order of their start."""

    def watch(self) -> Watch:
        """Somebody is about to look again and again."""

    def task_window(self, loop_id: int, request: WindowRequest) -> TaskWindow:
        """Some of a loop's tasks; raises `UnknownLoop`."""

    def task_detail(self, loop_id: int, task_id: int) -> TaskDetail:
        """One task in detail; raises `UnknownLoop` or `UnknownTask`."""

    def history(self, loop_id: int) -> LoopHistory:
        """What has become of a loop's tasks; raises `UnknownLoop`."""

    def output(self, loop_id: int) -> OutputLog:
        """What a loop has written; raises `UnknownLoop`."""

    def metrics(self, loop_id: int) -> Mapping[str, MetricSnapshot]:
        """What a loop's work has measured, by name; raises `UnknownLoop`."""

    def figures(self, loop_id: int) -> Mapping[str, FigureSnapshot]:
        """What it has plotted; who asks is taken to be looking. Raises `UnknownLoop`."""

    def discover(self) -> list[LoopSnapshot]:
        """All running event loops of this process. Blocks for a fraction of a second."""

    def execute(self, command: Command) -> None:
        """Do what was asked, or raise a `BgwidgetsError`."""

    def stop_all(self, grace: float) -> Sequence[StopReport]:
        """Bring every loop down. Blocks for at most `grace` + 3 seconds."""

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after each change, on any thread; returns what ends that."""


class Face(Protocol):
    """What the feed needs of a panel. Used by the publisher's thread alone."""

    @property
    def interval(self) -> float:
        """Seconds between two looks."""

    @property
    def filter(self) -> str:
        """The text that tasks are filtered by."""

    @property
    def paused(self) -> bool:
        """Whether what is shown stands still."""

    @property
    def selected(self) -> int | None:
        """The loop that the buttons act on."""

    @property
    def chosen(self) -> int | None:
        """The same, when somebody chose it; None when it follows the newest loop."""

    def choose(self, loop_id: int) -> None:
        """Select a loop because the user said so. May raise what an observer raises."""

    def drop_choice(self, loop_id: int) -> None:
        """Forget that this loop was chosen, if it still is: it is gone."""

    def follow(self, loop_id: int | None) -> None:
        """Select a loop that nobody chose. May raise what an observer raises."""

    def set(self, name: Literal["interval", "filter", "paused"], value: float | str | bool) -> None:
        """Set what the page asks for. May raise what an observer raises."""

    def send(self, channel: Channel, message: Message, buffers: Sequence[bytes] = ()) -> None:
        """Send a message to every view of one widget, with bytes beside it."""

    def cells_thread_waits(self) -> bool:
        """Whether the thread of the cells did not come to what it was asked the last time."""

    def put_away(self) -> bool:
        """Nobody remembers the panel: take it off all pages. False when it was just displayed."""

    @property
    def button_changes(self) -> int:
        """Grows with each change of a button, whoever has made it."""

    def is_disabled(self, action: Action) -> bool:
        """Whether a button is disabled."""

    def set_disabled(self, action: Action, *, disabled: bool) -> None:
        """Disable or enable a button, which is a message too. Raises `Unreachable` when it cannot
        be sent, and the button is as it was; else what an observer raises. So do the next two.
        """

    def why(self, action: Action) -> str | None:
        """Why a button does nothing, as it tells who points at it."""

    def set_why(self, action: Action, why: str | None) -> None:
        """Have a button tell why it does nothing, which is a message too; None: what it does."""

    def label(self, action: Action) -> str | None:
        """What is written on a button instead of its own words; None when it is those."""

    def set_label(self, action: Action, label: str | None) -> None:
        """Write something else on a button, which is a message too; None: its own words."""
