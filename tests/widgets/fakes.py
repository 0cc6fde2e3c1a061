"""A manager and a panel that do as they are told, and write down what is asked of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from bgwidgets.commands import AdoptLoop, RemoveFinished
from bgwidgets.exceptions import UnknownLoop, UnknownTask
from bgwidgets.output.log import OutputLog
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    TaskDetail,
    TaskSnapshot,
    TaskWindow,
)
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.protocols import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bgwidgets.commands import Command
    from bgwidgets.snapshots import StopReport, WindowRequest
    from bgwidgets.widgets.protocols import Channel, Message

NOW: Final = 1_700_000_000.0
"""What the kernel's clock shows."""


def loop(number: int, **more: Any) -> LoopSnapshot:
    """A running loop with one pending task."""
    fields: dict[str, Any] = {"id": number, "name": f"loop-{number}", "host": "thread"}
    fields |= {"state": LoopState.RUNNING, "started_at": NOW - 60, "as_of": NOW}
    fields |= {"task_counts": {TaskState.PENDING: 1}}
    return LoopSnapshot(**(fields | more))


def ended_loop(number: int, state: LoopState = LoopState.FINISHED, **more: Any) -> LoopSnapshot:
    """A loop that ended after half a minute."""
    counts = {TaskState.FINISHED: 1}
    return loop(number, state=state, ended_at=NOW - 30, task_counts=counts, **more)


def task(number: int, **more: Any) -> TaskSnapshot:
    """A pending task."""
    fields: dict[str, Any] = {"id": number, "name": f"task-{number}", "coroutine": "fetch"}
    fields |= {"state": TaskState.PENDING, "created_at": NOW - 3}
    return TaskSnapshot(**(fields | more))


def detail(number: int, **more: Any) -> TaskDetail:
    """A pending task that waits for nothing that is known."""
    fields: dict[str, Any] = {"id": number, "name": f"task-{number}", "coroutine": "fetch"}
    fields |= {"state": TaskState.PENDING, "created_at": NOW - 3}
    return TaskDetail(**(fields | more))


@dataclass
class FakeSource:
    """A manager whose loops are what the test says."""

    loops: list[LoopSnapshot] = field(default_factory=list)
    tasks: dict[int, list[TaskSnapshot]] = field(default_factory=dict)
    executed: list[Command] = field(default_factory=list)
    requests: list[tuple[int, WindowRequest]] = field(default_factory=list)
    """The windows of tasks that were asked for."""
    details: dict[int, TaskDetail] = field(default_factory=dict)
    histories: dict[int, LoopHistory] = field(default_factory=dict)
    outputs: dict[int, OutputLog] = field(default_factory=dict)
    asked_outputs: list[int] = field(default_factory=list)
    """The loops whose output was asked for."""
    asked_details: list[int] = field(default_factory=list)
    """The tasks whose details, and the loops whose histories were asked for."""
    measured: dict[int, dict[str, MetricSnapshot]] = field(default_factory=dict)
    plotted: dict[int, dict[str, FigureSnapshot]] = field(default_factory=dict)
    asked_plots: list[int] = field(default_factory=list)
    """The loops of which the metrics and figures were asked for."""
    others: list[LoopSnapshot] = field(default_factory=list)
    """Event loops of this process that are not the manager's."""
    looks: int = 0
    subscribers: list[Callable[[], None]] = field(default_factory=list)
    error: Exception | None = None
    """What every command raises."""
    graces: list[float] = field(default_factory=list)
    """Of each time that all were to be stopped."""
    stop_reports: list[StopReport] = field(default_factory=list)
    """What came of it."""

    def snapshots(self) -> list[LoopSnapshot]:
        """What the test says; counted."""
        self.looks += 1
        return list(self.loops)

    def watch(self) -> FakeSource:
        """It looks by itself."""
        return self

    def look(self, _closely: object = None) -> list[LoopSnapshot]:
        """As `snapshots`."""
        return self.snapshots()

    def task_window(self, loop_id: int, request: WindowRequest) -> TaskWindow:
        """A part of the loop's tasks, in their order."""
        self.requests.append((loop_id, request))
        if all(listed.id != loop_id for listed in self.loops):
            raise UnknownLoop(f"there is no loop {loop_id}")
        tasks = self.tasks.get(loop_id, [])
        if request.ids:
            tasks = [task for task in tasks if task.id in request.ids]
        shown = tuple(tasks[request.start : request.stop])
        return TaskWindow(tasks=shown, start=request.start, total=len(tasks), as_of=NOW)

    def window_standstill(self, _loop_id: int, _window: TaskWindow) -> None:
        """Nobody knows: it is to be asked for again."""

    def task_detail(self, loop_id: int, task_id: int) -> TaskDetail:
        """What the test says."""
        self.asked_details.append(task_id)
        if task_id not in self.details:
            raise UnknownTask(f"loop {loop_id} has no task {task_id}")
        return self.details[task_id]

    def history(self, loop_id: int) -> LoopHistory:
        """What the test says."""
        self.asked_details.append(loop_id)
        if loop_id not in self.histories:
            raise UnknownLoop(f"there is no loop {loop_id}")
        return self.histories[loop_id]

    def output(self, loop_id: int) -> OutputLog:
        """What the test wrote."""
        self.asked_outputs.append(loop_id)
        if all(listed.id != loop_id for listed in self.loops):
            raise UnknownLoop(f"there is no loop {loop_id}")
        return self.outputs.setdefault(loop_id, OutputLog())

    def metrics(self, loop_id: int) -> dict[str, MetricSnapshot]:
        """What the test says."""
        self.asked_plots.append(loop_id)
        if loop_id not in self.measured:
            raise UnknownLoop(f"there is no loop {loop_id}")
        return dict(self.measured[loop_id])

    def figures(self, loop_id: int) -> dict[str, FigureSnapshot]:
        """What the test says."""
        return dict(self.plotted.get(loop_id, {}))

    def discover(self) -> list[LoopSnapshot]:
        """The loops, and what else the test says."""
        return [*self.loops, *self.others]

    def execute(self, command: Command) -> None:
        """Written down; only removing and adopting is done."""
        self.executed.append(command)
        if self.error is not None:
            raise self.error
        if command == RemoveFinished():
            self.loops = [listed for listed in self.loops if not listed.state.has_ended]
        if isinstance(command, AdoptLoop):
            adopted = [other for other in self.others if other.id == command.loop_id]
            self.others = [other for other in self.others if other.id != command.loop_id]
            self.loops += [replace(other, protected=False, adopted=True) for other in adopted]

    def stop_all(self, grace: float) -> list[StopReport]:
        """All at once, but for those that the test says do not end."""
        self.graces.append(grace)
        if self.error is not None:
            raise self.error
        return self.stop_reports

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Called back by `change`."""
        self.subscribers.append(callback)
        return lambda: self.subscribers.remove(callback)

    def change(self, *loops: LoopSnapshot) -> None:
        """Have other loops, and tell everybody."""
        self.loops = list(loops)
        for callback in self.subscribers:
            callback()


@dataclass
class FakeFace:
    """A panel without widgets, which writes down what is sent."""

    interval: float = 0.5
    filter: str = ""
    paused: bool = False
    selected: int | None = None
    chosen: int | None = None
    sent: list[tuple[Channel, Message]] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)
    """What was sent beside them."""
    disabled: dict[Action, bool] = field(default_factory=lambda: dict.fromkeys(Action, True))
    reasons: dict[Action, str | None] = field(default_factory=dict)
    labels: dict[Action, str | None] = field(default_factory=dict)
    put_away_asked: int = 0
    is_held_up: bool = False
    cells_asked: int = 0
    can_be_put_away: bool = True
    observer: Callable[[str], None] = lambda _: None
    """Called with the name of each setting that changes."""
    was_sent: Callable[[], None] = lambda: None
    """Called after each message."""

    def choose(self, loop_id: int) -> None:
        """A choice, as the trait of a real panel takes it."""
        self.chosen = loop_id
        self.follow(loop_id)

    def drop_choice(self, loop_id: int) -> None:
        """Only what was chosen can be dropped."""
        assert self.chosen == loop_id
        self.chosen = None

    def follow(self, loop_id: int | None) -> None:
        """No choice."""
        self.selected = loop_id
        self.observer("selected")

    def set(self, name: str, value: object) -> None:
        """As a trait is set."""
        setattr(self, name, value)
        self.observer(name)

    def cells_thread_waits(self) -> bool:
        """What the test says; counted."""
        self.cells_asked += 1
        return self.is_held_up

    def put_away(self) -> bool:
        """Counted; refused while the test says so."""
        self.put_away_asked += 1
        return self.can_be_put_away

    def send(self, channel: Channel, message: Message, buffers: Sequence[bytes] = ()) -> None:
        """Written down."""
        self.pictures += buffers
        self.sent.append((channel, message))
        self.was_sent()

    @property
    def button_changes(self) -> int:
        """Another number after each change, also of a test's."""
        buttons = (self.disabled, self.reasons, self.labels)
        return hash(tuple(tuple(each.items()) for each in buttons))

    def is_disabled(self, action: Action) -> bool:
        """As a real button."""
        return self.disabled[action]

    def why(self, action: Action) -> str | None:
        """As a real button's tooltip."""
        return self.reasons.get(action)

    def set_why(self, action: Action, why: str | None) -> None:
        """Written down with what is sent, for it is a message too."""
        self.reasons[action] = why
        self.sent.append(("status", {"type": "why", "action": action, "why": why}))
        self.was_sent()

    def label(self, action: Action) -> str | None:
        """As what is written on a real button."""
        return self.labels.get(action)

    def set_label(self, action: Action, label: str | None) -> None:
        """Written down with what is sent, for it is a message too."""
        self.labels[action] = label
        self.sent.append(("status", {"type": "label", "action": action, "label": label}))
        self.was_sent()

    def set_disabled(self, action: Action, *, disabled: bool) -> None:
        """Written down with what is sent, for it is a message too."""
        self.disabled[action] = disabled
        self.sent.append(("status", {"type": "button", "action": action, "disabled": disabled}))
        self.was_sent()
