"""A page that holds one widget, with the test in the kernel's place."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Locator, Page

WIDGETS: Final = Path(__file__).parents[2] / "bgwidgets" / "widgets"
STAGE: Final = Path(__file__).with_name("stage.js")
NOW: Final = 1_700_000_000.0
"""The time on the page's clock, which stands still unless the test moves it."""
ONE_FRAME: Final = 0.04
"""Seconds in which the page paints, and paints what that paint asked for."""

Message = dict[str, Any]
Asset = Literal[
    "task_table",
    "task_details",
    "output_view",
    "plots_view",
    "status_line",
    "loop_finder",
    "pop_out",
]


@dataclass
class Stage:
    """One widget in a page: what it sends is collected, the kernel's part is the test's."""

    page: Page
    problems: list[str] = field(default_factory=list)
    """Errors of the page and of its console."""
    _seq: int = 0

    def __post_init__(self) -> None:
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: self.problems.append(message.text))
        self.page.set_default_timeout(5000)
        self.page.clock.install(time=NOW - 1)
        self.page.clock.pause_at(NOW)

    def load(self, asset: Asset) -> None:
        """Load a widget's script and style, and show nothing yet."""
        style = style_of(str(WIDGETS / f"{asset}.py"))
        self.page.set_content(f"<style>{style}</style><div class=bgw-panel><div id=widget></div>")
        self.page.evaluate(STAGE.read_text())
        self.page.evaluate("source => stage.load(source)", script_of(str(WIDGETS / f"{asset}.py")))

    def mount(self, kind: Literal["loops", "tasks"] | None = None) -> None:
        """Render the widget."""
        self.page.evaluate("kind => stage.mount(kind)", kind)

    def close(self) -> None:
        """Run the cleanup that render returned."""
        self.page.evaluate("stage.cleanup()")

    def call(self, function: str, *arguments: object) -> Any:
        """Call one of the script's named exports."""
        return self.page.evaluate(
            "([name, args]) => stage.module[name](...args)", [function, list(arguments)]
        )

    def sent(self) -> list[Message]:
        """What the widget sent since the last time, without the view's random name."""
        messages: list[Message] = self.page.evaluate("stage.takeSent()")
        for message in messages:
            if "view" in message:
                assert re.fullmatch("[a-z0-9]{1,40}", message.pop("view"))
        return messages

    def say(self, message: Message, buffers: Sequence[bytes] = ()) -> None:
        """Send a message to the widget, with bytes beside it, and let it paint."""
        told = [message, [list(each) for each in buffers]]
        self.page.evaluate("([message, buffers]) => stage.say(message, buffers)", told)
        self.pass_time(ONE_FRAME)

    def frame(
        self, rows: list[Message] | dict[int, Message], *, total: int | None = None, **more: Any
    ) -> None:
        """Send a frame; a list of rows is a full one, a dict holds the rows that changed."""
        self._seq += 1
        full = isinstance(rows, list)
        start = more.get("start", 0)
        numbered = list(enumerate(rows, start)) if isinstance(rows, list) else list(rows.items())
        total = len(rows) if total is None else total
        frame = {"type": "frame", "seq": self._seq, "full": full, "start": start}
        self.say(frame | {"total": total, "rows": numbered} | more)

    def pass_time(self, seconds: float) -> None:
        """Move the page's clock."""
        self.page.clock.run_for(round(seconds * 1000))

    def stay_in_contact(self, seconds: float) -> None:
        """Move the page's clock, with the kernel's word at least each second."""
        while seconds > 0:
            self.page.clock.run_for(round(min(1.0, seconds) * 1000))
            self.page.evaluate("stage.say({ type: 'beat' })")
            seconds -= 1

    def scroll(self, top: int) -> None:
        """Scroll the grid and let it paint."""
        self.page.evaluate("top => stage.scroll('.bgw-grid', top)", top)
        self.pass_time(ONE_FRAME)

    def press(self, *keys: str) -> None:
        """Press keys on whatever has the focus, and let the page paint."""
        for key in keys:
            self.page.keyboard.press(key)
        self.pass_time(ONE_FRAME)

    def click(self, selector: str) -> None:
        """Click and let the page paint."""
        self.page.click(selector)
        self.pass_time(ONE_FRAME)

    def find(self, selector: str) -> Locator:
        """The elements that match."""
        return self.page.locator(selector)

    def texts(self, selector: str) -> list[str]:
        """The visible text of each element that matches."""
        return self.find(selector).all_inner_texts()

    def attribute(self, selector: str, name: str) -> str | None:
        """One element's attribute."""
        return self.find(selector).get_attribute(name)


NO_COUNTS: Final = dict.fromkeys(
    ("pending", "running", "cancelling", "finished", "failed", "cancelled"), 0
)


def loop_row(number: int, **more: Any) -> Message:
    """A running loop's row."""
    row = {"id": number, "name": f"loop-{number}", "host": "thread", "state": "running"}
    row |= {"stop_requested": False, "unresponsive": False, "protected": False}
    row |= {"unfinished": 2, "total": 2, "note": "", "blocked_since": None}
    row |= {"lag": 0.0, "spark": "0000", "bar": None}
    return row | {"counts": NO_COUNTS | {"pending": 2}, "started": NOW - 65, "ended": None} | more


def task_row(number: int, **more: Any) -> Message:
    """A pending task's row."""
    row = {"id": number, "name": f"task-{number}", "main": False, "state": "pending"}
    row |= {"coroutine": "fetch", "waiting": "sleep, 1 s", "created": NOW - 3}
    return row | {"ended": None, "error": None, "bar": None} | more


def bar(
    share: int | None = 63, far: str = "63 %", rest: str = " · 0:31 left", **more: Any
) -> Message:
    """An open progress bar."""
    return {"share": share, "end": "", "far": far, "rest": rest, "label": ""} | more


def loops_head(**more: Any) -> Message:
    """The head of a panel of two loops."""
    head = {"now": NOW, "loops": 2, "tasks": 4, "failed": 0, "counts": {}, "loop_counts": {}}
    head |= {"selected": 1, "picked": []}
    head |= {"sort": ["name", False], "filter": "", "interval": 0.5, "paused": False}
    return head | {"cell": None, "kernel": None, "busy_since": None} | more


def full_head(**more: Any) -> Message:
    """Of more loops and tasks, in more states, than the bar has room for."""
    words = ["running", "starting", "blocked", "unresponsive", "stopping", "failed", "cancelled"]
    counts = {"pending": 100_205, "running": 12, "cancelling": 310, "finished": 9_000}
    head = {"loops": 108, "tasks": 109_527, "failed": 1_002, "counts": counts}
    head |= {"loop_counts": dict.fromkeys(words, 12), "kernel": "busy", "busy_since": NOW - 9_000}
    return head | more


def tasks_head(**more: Any) -> Message:
    """The head of loop 7's tasks."""
    head = {"now": NOW, "loop": 7, "loop_name": "race", "loop_ended": None, "unfinished": 2}
    head |= {
        "counts": NO_COUNTS,
        "sort": ["name", False],
        "filter": "",
        "filtered": False,
        "chips": [],
        "picked": [],
    }
    return head | {"has_error": False, "timings": False, "plots": False, "paused": False} | more


MANY: Final = 100_000
"""More tasks than a page could hold elements for."""


def window_of_tasks(start: int, stop: int) -> list[Message]:
    """The rows of some of many tasks."""
    return [task_row(number) for number in range(start, stop)]
