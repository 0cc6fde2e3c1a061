"""What a kernel and the child process of one of its loops say to each other: plain frozen values.

They are pickled, for the child is ours. Users' own values are in them as bytes (see `crossing`), so
one that cannot be unpickled breaks no message.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bgwidgets.commands import HostCommand
from bgwidgets.hosts.crossing import PackedError
from bgwidgets.hosts.news import News
from bgwidgets.hosts.protocol import Leftovers
from bgwidgets.observe.notebook_cells import Cell
from bgwidgets.output.reading import Stream
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    TaskDetail,
    TaskSnapshot,
    WindowRequest,
)
from bgwidgets.states import LoopEvent, LoopState
from bgwidgets.work import WorkKind

# To the child


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first message: what to run."""

    loop_id: int
    name: str
    run_number: int
    kind: WorkKind
    work_name: str
    qualified_name: str
    parcel: bytes
    """The function, its arguments and the loop's factory."""
    nested: bool
    timings: bool
    first_id: int
    """The first of the numbers that the child gives to its tasks."""
    cells: tuple[Cell, ...]
    """The notebook's, so that tracebacks have their lines there, too."""
    host: str
    """The kind of host, as its snapshots tell it."""


@dataclass(frozen=True, slots=True)
class Look:
    """Tell how the loop stands."""


@dataclass(frozen=True, slots=True)
class WantWindow:
    """Answer with a `TaskWindow`."""

    request: WindowRequest


@dataclass(frozen=True, slots=True)
class WantDetail:
    """Answer with a `TaskDetail`."""

    task_id: int


@dataclass(frozen=True, slots=True)
class WantHistory:
    """Answer with a `LoopHistory`."""


@dataclass(frozen=True, slots=True)
class WantMetrics:
    """Answer with the `News` of the metrics, if there are any."""

    known: int
    """The number of the last answer that is known; 0: none is."""


@dataclass(frozen=True, slots=True)
class WantFigures:
    """The same for the figures."""

    known: int
    is_look: bool = True
    """Whether somebody looks at them: they are drawn for that."""


@dataclass(frozen=True, slots=True)
class WantLeftovers:
    """The stop has run out of time: fail the futures, and answer with what is left."""


@dataclass(frozen=True, slots=True)
class Obey:
    """Do what a command asks for."""

    command: HostCommand


@dataclass(frozen=True, slots=True)
class RunMore:
    """Run one more coroutine; answer with what it returned, packed, or with its `PackedError`: both
    are the user's, and so not unpacked by who listens.
    """

    parcel: bytes
    name: str | None


@dataclass(frozen=True, slots=True)
class CancelMore:
    """Cancel the coroutine that came with that request."""

    number: int


@dataclass(frozen=True, slots=True)
class SetEvent:
    """The stop event is set, or not set, from now on. Both ways."""

    is_set: bool
    number: int
    """Of the change, as in `event_mirror`."""


Question = (
    WantWindow
    | WantDetail
    | WantHistory
    | WantMetrics
    | WantFigures
    | WantLeftovers
    | Obey
    | RunMore
)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question, and the number by which its answer will be known."""

    number: int
    question: Question


# From the child


@dataclass(frozen=True, slots=True)
class Answer:
    """Of question `number`."""

    number: int
    value: Any = None
    error: PackedError | None = None
    """One of our own: why there is no answer."""
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Happened:
    """Something has happened to the loop, as far as its state is concerned."""

    event: LoopEvent


@dataclass(frozen=True, slots=True)
class Told:
    """How the loop stands; None: as the last time, but for lags of under a millisecond."""

    snapshot: LoopSnapshot | None
    as_of: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of what the work has written."""

    text: str
    stream: Stream
    place: str
    """Where an unfinished line belongs: which thread has written it."""
    task_id: int | None
    task_name: str | None


@dataclass(frozen=True, slots=True)
class Wrote:
    """What the work has written, in order."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Showed:
    """Something that the work has displayed: the arguments of `OutputLog.show`."""

    data: Mapping[str, Any]
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cleared:
    """The work has cleared its output."""

    wait: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """What the work has measured, unasked: its process ends now, without a word of its loop."""

    metrics: News | None


@dataclass(frozen=True, slots=True)
class KillMe:
    """The work asks for its own end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is kept of a run that has ended."""

    snapshot: LoopSnapshot
    rows: tuple[TaskSnapshot, ...]
    details: Mapping[int, TaskDetail]
    history: LoopHistory
    metrics: Mapping[str, MetricSnapshot]
    figures: Mapping[str, FigureSnapshot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The loop is closed; the process will end now."""

    state: LoopState
    ended_at: float
    result: bytes | None
    error: PackedError | None
    leftovers: Leftovers
    record: Record | None
    """None where something in it could not be pickled; the notes say so."""


ToChild = Begin | Look | Ask | Obey | CancelMore | SetEvent
FromChild = (
    Answer | Happened | Told | Wrote | Showed | Cleared | Measured | SetEvent | KillMe | Outcome
)


class FrameKind(bytes, Enum):
    """What must be known of a message by those who only pass it on: the first byte of its frame."""

    OUTPUT = b"o"
    STANDS = b"s"
    """How the loop stands, which all that comes later replaces;"""
    STANDS_STILL = b"t"
    """and that nothing of it has changed."""
    OTHER = b"."


def kind_of(frame: bytes) -> FrameKind:
    """The kind of the message in a frame. Unpickles nothing."""
    return FrameKind(frame[:1])


def encode(message: ToChild | FromChild) -> bytes:
    """The message as a frame."""
    match message:
        case Wrote() | Showed() | Cleared():
            kind = FrameKind.OUTPUT
        case Told(snapshot):
            kind = FrameKind.STANDS_STILL if snapshot is None else FrameKind.STANDS
        case _:
            kind = FrameKind.OTHER
    file = io.BytesIO()  # A message may be long, and so is copied as little as can be.
    file.write(kind)
    pickle.dump(message, file, 5)
    return file.getvalue()


def decode(frame: bytes) -> Any:
    """The message in a frame, which must come from a process of ours."""
    return pickle.loads(memoryview(frame)[1:])  # noqa: S301 - from a child of ours, or from who started us
