"""A feed on the bench: no thread, and a clock that moves when the test says so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.command_runner import CommandRunner
from bgwidgets.widgets.feed import Feed
from bgwidgets.widgets.items import Click, FromDetails, FromLine, FromOutput, FromPlots, FromTable
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.request_reading import (
    read_detail_request,
    read_line_request,
    read_output_request,
    read_plot_request,
    read_table_request,
)
from tests.widgets.fakes import NOW, FakeFace, FakeSource, loop, task

if TYPE_CHECKING:
    from bgwidgets.widgets.command_runner import Report
    from bgwidgets.widgets.items import Item
    from bgwidgets.widgets.protocols import Channel, Message, Table


class Sent(NamedTuple):
    """A message, and when it was sent."""

    at: float
    channel: Channel
    message: Message


@dataclass
class Bench:
    """Plays the page and the clock."""

    source: FakeSource = field(default_factory=FakeSource)
    face: FakeFace = field(default_factory=FakeFace)
    now: float = 0.0
    log: list[Sent] = field(default_factory=list)
    """Everything that was sent."""

    def __post_init__(self) -> None:
        self.reported: list[Report] = []
        self.feed = Feed(
            self.source,
            CommandRunner(self.source, self.reported.append),
            kernel_time=lambda: NOW + self.now,
        )
        self.face.was_sent = lambda: self._log(*self.face.sent[-1])
        self._read = 0
        self._rows: dict[tuple[str, int], Message] = {}

    def _log(self, channel: Channel, message: Message) -> None:
        """As the page has it then: with whole rows, also where only their news were sent."""
        if message["type"] == "frame":
            view = str(message["view"])
            rows = [[place, self._whole(view, place, news)] for place, news in message["rows"]]
            message = {**message, "rows": rows}
        self.log.append(Sent(self.now, channel, message))

    def _whole(self, view: str, place: int, news: Message) -> Message:
        row = news if "id" in news else {**self._rows[view, place], **news}
        self._rows[view, place] = row
        return row

    # -- what happens

    def give(self, item: Item) -> None:
        """Hand something to the feed, and let it do what is due."""
        self.feed.take(item, self.face, self.now)
        self.pass_time(0)

    def page(self, table: Table, **message: Any) -> None:
        """A page sends a message through a table."""
        self.give(FromTable(table, read_table_request(table, message)))

    def line(self, **message: Any) -> None:
        """A page sends a message through the status line."""
        self.give(FromLine(read_line_request(message)))

    def details(self, **message: Any) -> None:
        """A page sends a message through the detail tabs."""
        self.give(FromDetails(read_detail_request(message)))

    def output(self, **message: Any) -> None:
        """A page sends a message through a view of output."""
        self.give(FromOutput(read_output_request(message)))

    def plots(self, **message: Any) -> None:
        """A page sends a message through the Plots tab."""
        self.give(FromPlots(read_plot_request(message)))

    def open_page(self, *, loops: str = "loops1", tasks: str = "tasks1") -> None:
        """A page shows the panel."""
        self.page("loops", type="hello", view=loops, start=0, stop=12)
        self.page("tasks", type="hello", view=tasks, start=0, stop=15)
        self.line(type="hello", view="line1")

    def stay_alive(self, seconds: float, *, loops: str = "loops1", tasks: str = "tasks1") -> None:
        """Time passes while the page is looked at."""
        for _ in range(int(seconds)):
            self.page("loops", type="alive", view=loops)
            self.page("tasks", type="alive", view=tasks)
            self.pass_time(1)

    def click(self, action: Action) -> None:
        """A button is clicked."""
        self.give(Click(action, self.face.chosen))

    def pass_time(self, seconds: float) -> None:
        """Let the feed do all that is due until then, at the moments that it names itself."""
        end = self.now + seconds
        while True:
            wake_at = self.feed.advance(self.face, self.now)
            if wake_at is None or wake_at > end:
                break
            assert wake_at > self.now  # else the thread would spin
            self.now = wake_at
        self.now = end

    # -- what was sent since the last time

    def take(self) -> list[tuple[Channel, Message]]:
        """Everything."""
        new = [(channel, message) for _, channel, message in self.log[self._read :]]
        self._read = len(self.log)
        return new

    def frames(self, table: Table) -> list[Message]:
        """The frames for one table; all else is passed over."""
        return [
            message
            for channel, message in self.take()
            if channel == table and message["type"] == "frame"
        ]

    def plotted(self) -> list[Message]:
        """What Plots tabs were told; all else is passed over."""
        return [message for channel, message in self.take() if channel == "plots"]

    def told(self) -> list[Message]:
        """What detail tabs were told; all else is passed over."""
        return [message for channel, message in self.take() if channel == "details"]

    def outputs(self) -> list[Message]:
        """What views of output were told, but for beats; all else is passed over."""
        return [
            message
            for channel, message in self.take()
            if channel == "output" and message["type"] != "beat"
        ]

    def said(self) -> list[tuple[str, str]]:
        """What was said in the status line, with its level; all else is passed over."""
        return [
            (message["level"], message["text"])
            for _, message in self.take()
            if message["type"] == "said"
        ]

    def buttons(self) -> dict[Action, bool]:
        """The buttons that were enabled (True) or disabled; all else is passed over."""
        return {
            message["action"]: not message["disabled"]
            for _, message in self.take()
            if message["type"] == "button"
        }

    def most_in_a_second(self) -> int:
        """The largest number of messages in any second, whatever its beginning."""
        moments = [sent.at for sent in self.log]
        return max((sum(begin <= at < begin + 1 for at in moments) for begin in moments), default=0)


PROMPT: Final = 0.05
"""Seconds within which a page is to be answered."""


def names(frame: Any) -> list[str]:
    """The names in the rows of a frame."""
    return [row["name"] for _, row in frame["rows"]]


def start(bench: Bench, *numbers: int) -> None:
    """Loops are running, with one task each, and the buttons are as they should be."""
    bench.source.loops = [loop(number) for number in numbers]
    bench.source.tasks = {number: [task(100 + number)] for number in numbers}
    useless = {Action.REMOVE_FINISHED, Action.KILL}
    bench.face.disabled = {action: action in useless for action in Action}


def storm(bench: Bench, step: int) -> None:
    """Everything is different from the last time."""
    counts = {TaskState.PENDING: step}
    state = LoopState.RUNNING if step % 3 else LoopState.STOPPED
    output = f"line {step}"
    bench.source.loops = [
        loop(number, state=state, task_counts=counts, last_output=output, run_number=step)
        for number in range(1, 10)
    ]
    bench.source.tasks = {
        number: [task(each, name=f"{step}") for each in range(50)] for number in range(1, 10)
    }
