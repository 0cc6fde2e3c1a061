"""What goes from a loop to everyone else: frozen values that say how things stood at one moment.

They hold plain data only, so they cross a pipe or Dask as they cross a thread. Times are seconds
as of `time.time()`, ids are never used twice in a kernel, and what is not known is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, get_args

from bgwidgets.plain_text import plain_text
from bgwidgets.states import LoopState, TaskState

SortKey = Literal["", "name", "state", "coroutine", "waiting_on", "age", "created_at"]
SORT_KEYS: Final[tuple[str, ...]] = get_args(SortKey)
"""What tasks can be sorted by; the empty key is the order in which rows keep their place:
unfinished tasks, the oldest first, then the ended, the latest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressSnapshot:
    """One progress bar: how far something is, as tqdm knows it."""

    description: str = ""
    done: float = 0
    """How many of `total`, in the bar's own unit; `initial` ones included."""
    total: float | None = None
    """None where nobody knows how many there will be."""
    unit: str = "it"
    unit_scale: float | bool = False
    """True: numbers are to be shown with k, M, G; a number: multiplied by that, too."""
    unit_divisor: int = 1000
    """1000, or 1024 for k, M, G of bytes."""
    rate: float | None = None
    """Per second, of late; over the whole time once it has ended."""
    seconds_left: float | None = None
    postfix: str = ""
    """What the code has to say beside the bar: "loss=0.3"."""
    colour: str | None = None
    """As tqdm takes it: "green", "#00ff00"."""
    depth: int = 0
    """In how many open bars of the same task it was opened."""
    started_at: float
    ended_at: float | None = None
    left_open: bool = False
    """It ended early: by an exception, a `break`, or because nobody closed it before the end of its
    task."""

    @property
    def fraction(self) -> float | None:
        """From 0 to 1; None where the total is not known."""
        if not self.total:
            return None
        return min(1.0, max(0.0, self.done / self.total))


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSnapshot:
    """What `metric(name, ...)` was told of one name in this run of a loop.

    Of many points those are kept that a chart needs: of each of at most 500 equal stretches of time
    the lowest and the highest.
    """

    name: str
    times: tuple[float, ...] = ()
    """When, in order: by the time of the day as it is now. Where that was set meanwhile, they all
    go along with it, so that a chart never runs backwards.
    """
    values: tuple[float | None, ...] = ()
    """One for each time. None is a gap: what was told there was not a number, or infinite."""
    count: int = 0
    """How many values there were, gaps included."""
    last: float | None = None
    """The last; None when that is a gap."""
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureSnapshot:
    """A figure as it was drawn last. In a notebook it is shown as the picture that it is."""

    name: str
    png: bytes | None = field(default=None, repr=False)
    """The picture; None before it was drawn for the first time."""
    version: int = 0
    """How often it was drawn."""
    drawn_at: float | None = None
    error: str | None = None
    """Why it could not be drawn the last time, in one line."""

    def _repr_png_(self) -> bytes | None:
        return self.png


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSnapshot:
    """One task at one moment."""

    id: int
    name: str
    coroutine: str
    """The qualified name of the coroutine or function that it runs."""
    state: TaskState
    created_at: float | None
    """To within a tenth of a second; exact with `timings=True`. None where it is not known: of one
    that was born before anybody watched, or while no thread could."""
    ended_at: float | None = None
    """The same. None also of one that has not ended; which of the two, its state tells."""
    waiting_on: str | None = None
    """What it waits for, in words: "sleep, 12 s left", "queue get", "task fetch-3"; "unknown" when
    that cannot be seen, None when it does not wait."""
    where: str | None = None
    """The innermost line of the user's own code: "race.py:12 sprinter"; where there is none, a
    package's, else asyncio's."""
    progress: ProgressSnapshot | None = None
    """The outermost of its open progress bars; else the outermost that ended last."""
    error: str | None = None
    """Why it failed, in one line. Just after that only the type, where the text is the user's code
    to make; for long where the loop is blocked."""
    is_main: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitFrame:
    """One suspended function in a task's await chain."""

    function: str
    """Its qualified name: "Client.fetch"."""
    file: str
    """The file's short name, or the notebook's cell: "client.py", "In[3]"."""
    path: str
    """The file as Python knows it."""
    line: int
    source_line: str = ""
    """The text of that line; empty where there is none to be read."""
    timeout: float | None = None
    """Seconds until the `asyncio.timeout` or `wait_for` runs out that this function is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLink:
    """A task that another one waits for or is waited for by, and what is behind it in turn."""

    id: int | None
    """None for a task that no loop of ours lists."""
    name: str
    coroutine: str
    waiting_on: str | None = None
    where: str | None = None
    is_repeated: bool = False
    """It stands elsewhere in the tree too, and what is behind it there only: in a circle, say."""
    links: tuple[TaskLink, ...] = ()
    left_out: int = 0
    """How many more there are than `links`, where the tree would grow too deep or too wide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskTimings:
    """How one task has spent its time since it was made, in seconds.

    `busy`, `scheduled` and `idle` together are its age. A step in which an eager task was made
    holds the first step of that one, too: it kept the loop from turning as well.
    """

    polls: int
    """How many steps it has taken. A step is what it runs from one wait to the next."""
    busy: float
    """In its steps, while the loop did not turn."""
    scheduled: float
    """Ready for its next step, while the loop did something else."""
    idle: float
    """Waiting for something."""
    slowest_step: float = 0.0
    """How long its longest step took, of those that have ended."""
    slowest_step_at: float | None = None
    """When that one began, as of `time.time()`."""
    slowest_step_where: str | None = None
    """The user's line at which that one ended, to wait: "race.py:12 sprinter". None of the task's
    last step, and of one under a millisecond."""
    histogram: tuple[tuple[float | None, int], ...] = ()
    """How many steps took less than so many seconds, and not less than the bound before. The bounds
    are always the same; the last is None: those that took longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDetail:
    """All that can be said of one task. Of one that has ended, nothing that it waits for."""

    id: int | None
    name: str
    coroutine: str
    state: TaskState | None = None
    created_at: float | None = None
    """As of its `TaskSnapshot`; and this one, too."""
    ended_at: float | None = None
    error: str | None = None
    """Why it failed, in one line."""
    traceback: str | None = None
    """As Python prints it, of the last tasks that failed; None when too many did at the same
    time."""
    timings: TaskTimings | None = None
    """None unless the loop was started with `timings=True`."""
    progress: tuple[ProgressSnapshot, ...] = ()
    """Its progress bars: the open ones, the outermost first; then the last that ended, the
    outermost first, and of these the latest."""
    waiting_on: str | None = None
    where: str | None = None
    chain: tuple[AwaitFrame, ...] = ()
    """The whole await chain, the outermost first."""
    frames_left_out: int = 0
    """How many there are in the middle of a very long chain, which `chain` does without."""
    waits_for: tuple[TaskLink, ...] = ()
    """The tasks that it waits for, with those that they wait for, and so on."""
    waits_for_left_out: int = 0
    waited_by: tuple[TaskLink, ...] = ()
    """The tasks that wait for it, with those that wait for them, and so on."""
    waited_by_left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowStep:
    """A moment in which one task, or one callback, kept its loop from turning.

    It is seen from outside, by a look every 25 to 50 ms, so begin and length are known to about
    25 ms: of steps of 0.075 to 0.125 seconds some are told of, and others not.
    """

    at: float
    """When it began."""
    seconds: float
    """How long it took, to about 0.025 seconds."""
    task: str | None = None
    """The task's name; None for a callback, and where nobody is to blame."""
    where: str | None = None
    """The user's line, and what it calls: "model.py:88 fit · time.sleep"; of a function in C that
    the loop itself calls only its name, if that is known."""


class WarningKind(StrEnum):
    """What a loop can be warned of."""

    BLOCKED = "blocked"
    """A call that does not return keeps the loop from turning."""
    NEVER_YIELDS = "never yields"
    """A task's own asynchronous code runs on and on, and lets no other task have its turn."""
    SWALLOWED_CANCELLED_ERROR = "swallowed CancelledError"
    """A task was cancelled and went on, or ended as if nothing had been."""
    EXCEPTION_NEVER_RETRIEVED = "exception never retrieved"
    """A task failed, and is gone without anybody having asked why."""
    PENDING_AT_STOP = "pending at stop"
    """A task had not ended when its loop did."""
    COROUTINE_NEVER_AWAITED = "coroutine never awaited"
    """A coroutine function was called, and nothing has run."""
    THREADS_LEFT_BEHIND = "executor threads left behind"
    """A worker thread still runs a function of a loop that has ended."""
    OUTPUT_NOT_WRITTEN = "output not written"
    """The file to which a loop's output goes as well cannot be written any more."""
    FIGURE_NOT_DRAWN = "figure not drawn"
    """matplotlib could not draw one of the loop's figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopWarning:
    """Something that is probably wrong with the code on a loop, and what to do about it."""

    kind: WarningKind
    text: str
    """What happened, in one line, with the names."""
    advice: str
    """What to do, in one line."""
    at: float
    """When it happened last."""
    task: str | None = None
    """The task's name; None where it is not about a task."""
    where: str | None = None
    """The user's line: "race.py:12 sprinter"."""
    count: int = 1
    """How often the same has happened: of one kind, and in the same code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSnapshot:
    """One background loop at one moment."""

    id: int
    name: str
    host: str
    state: LoopState
    blocked: bool | None = None
    """Whether the loop does not turn, because a task or a callback does not return."""
    unresponsive: bool | None = None
    can_be_killed: bool = False
    """Whether `kill()` can end what carries it: a process, but no thread."""
    stop_requested: bool = False
    protected: bool = False
    why_protected: str | None = None
    """Why commands are refused, while they are."""
    belongs_to_kernel: bool = False
    """Whether the Jupyter kernel lives by it: then it stays protected, whoever adopts it."""
    adopted: bool = False
    why_no_stop_event: str | None = None
    """Why setting the stop event would do nothing; None while nothing speaks against it."""
    thread_name: str | None = None
    native_thread_id: int | None = None
    pid: int | None = None
    run_number: int = 1
    started_at: float | None = None
    ended_at: float | None = None
    task_counts: Mapping[TaskState, int] = field(default_factory=dict)
    """How many tasks are in each state. The ended are counted since the start, all of them."""
    lag: float | None = None
    """Seconds by which the loop runs late."""
    blocked_for: float | None = None
    """Seconds since a blocked loop has last turned, as far as it is to blame."""
    blocked_by: str | None = None
    """The task and the user's line that block it: "sprinter · race.py:12 spin"."""
    lag_history: tuple[float | None, ...] = ()
    """The longest lag in each of the last 60 seconds, the oldest first."""
    slow_steps: tuple[SlowStep, ...] = ()
    """The last steps that took over 0.1 seconds, the oldest first."""
    warnings: tuple[LoopWarning, ...] = ()
    """The last 20 that differ, the one that happened last at the end."""
    tasks_that_swallow: int = 0
    """How many unfinished tasks go on although they were cancelled a second ago or more."""
    notes: tuple[str, ...] = ()
    """What else is to be said of this run: "interrupted at 14:02:31 in ..."."""
    timings: bool = False
    """Whether the times of its tasks' steps are taken: see `TaskDetail.timings`."""
    error: str | None = None
    """The traceback that ended it, as text."""
    error_line: str | None = None
    """The error that ended it, in one line: its type and what it says."""
    last_output: str | None = None
    """The last line that it wrote and that is not blank."""
    progress: ProgressSnapshot | None = None
    """The progress bar that has been open for longest; else the outermost that ended last."""
    open_bars: int = 0
    """How many progress bars are open, of all tasks."""
    metrics: int = 0
    """How many names `metric()` was told of."""
    figures: int = 0
    """How many figures there are."""
    as_of: float

    @property
    def unfinished_tasks(self) -> int:
        """How many tasks have not ended."""
        return sum(count for state, count in self.task_counts.items() if not state.has_ended)

    @property
    def total_tasks(self) -> int:
        """How many tasks there have been."""
        return sum(self.task_counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFailure:
    """Why one task failed."""

    id: int | None = None
    """By which `task_detail()` knows it, for as long as it is among the last that ended."""
    name: str
    coroutine: str
    at: float
    """When, to within a tenth of a second; or when it was found out, where that is not known."""
    error: str
    """In one line."""
    traceback: str | None = None
    """As Python prints it; None when too many failed at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCancellation:
    """That one task was to be cancelled, and who wanted it."""

    name: str
    coroutine: str
    at: float
    asked_by: str
    """"task sprinter", "thread MainThread", "button Cancel tasks", "parent race", "timeout"."""
    where: str | None = None
    """The line that asked: "race.py:12 main". Where asyncio did, the line that it did it for: where
    the parent awaits, or where the code is that has the timeout or the task group. None where there
    is no such line: a button was clicked, the loop has ended, or `cancel` itself was what the loop
    or a thread was given to call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopHistory:
    """What has become of a loop's tasks."""

    births: int
    """How many there have been."""
    ends: Mapping[TaskState, int]
    """How many ended in which state."""
    failures: tuple[TaskFailure, ...] = ()
    """The last 50, latest first."""
    cancellations: tuple[TaskCancellation, ...] = ()
    """The last 50, latest first. Of tasks that are made by a factory of the user's own, or among
    many short ones, nobody knows who else but a command had them cancelled: those that are found
    to be so are here as `asked_by` "unknown", with the time when that was. Of a storm of short
    tasks, only those that are also listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRequest:
    """Which tasks of a loop are asked for."""

    sort: SortKey = ""
    descending: bool = False
    filter: str = ""
    """Keep tasks whose name, coroutine, state or error holds this text, in whatever case."""
    states: tuple[TaskState, ...] = ()
    """Keep tasks in one of these states; of none, in whatever state."""
    ids: tuple[int, ...] = ()
    """Keep these tasks, of which some may not be known any more; of none, all."""
    start: int = 0
    stop: int = 100

    def __post_init__(self) -> None:
        object.__setattr__(self, "filter", plain_text(self.filter))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskWindow:
    """The tasks that were asked for, and how many there are in all."""

    tasks: tuple[TaskSnapshot, ...]
    start: int
    """The place of the first of `tasks` among all that match."""
    total: int
    """How many match the filter."""
    as_of: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReport:
    """What `stop()` did, what it took, and what is left."""

    outcome: LoopState
    seconds: float
    steps: tuple[str, ...]
    """The steps that were needed, in order: "stop_event", "cancel_tasks", "stop_loop"."""
    unfinished_tasks: tuple[str, ...] = ()
    """Names of tasks that did not end."""
    threads_left: tuple[str, ...] = ()
    """Names of threads that still run the loop's work."""
    notes: tuple[str, ...] = ()
