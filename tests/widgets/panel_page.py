"""Work for real loops, and what stands for a page that shows a real panel."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import comm

from bgwidgets.background_loop import current

if TYPE_CHECKING:
    from bgwidgets.widgets.control_panel import ControlPanel

LIMIT: Final = 5.0


async def work() -> None:
    """Lives until it is stopped."""
    await asyncio.Event().wait()


async def polite() -> str:
    """Ends by the stop event."""
    loop = current()
    assert loop is not None
    await loop.stop_event.wait()
    return "done"


async def fail() -> None:
    """Fails at once."""
    raise OSError("gone")


def until(is_so: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Page:
    """Stands for a page: takes what the panel's widgets send, and sends what a page would."""

    def __init__(self, panel: ControlPanel) -> None:
        loops, actions, tasks, details, output, plots, finder, _ = panel.children
        self._widgets = {
            "loops": loops,
            "tasks": tasks,
            "status": actions.children[-1],
            "details": details,
            "output": output,
            "plots": plots,
            "finder": finder,
        }
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.buffers: list[bytes] = []
        """What came beside the messages."""
        self._new = threading.Condition()
        for channel, widget in self._widgets.items():
            widget.send = self._hear_as(channel)

    def _hear_as(self, channel: str) -> Any:
        def hear(content: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
            with self._new:
                self.buffers += buffers
                self.heard.append((channel, content))
                self._new.notify_all()

        return hear

    def send(self, channel: str, **message: Any) -> None:
        """As ipywidgets hands over a page's message."""
        self._widgets[channel]._handle_custom_msg(message, [])

    def send_anything(self, channel: str, content: object, buffers: Sequence[object]) -> None:
        """As ipywidgets hands over what a page's script would not send."""
        self._widgets[channel]._handle_custom_msg(content, buffers)

    def send_raw(self, widget: Any, content: dict[str, Any]) -> None:
        """As a kernel hands over what came for the widget's comm."""
        widget.comm.handle_msg({"content": content, "buffers": []})

    def close_raw(self, widget: Any, data: object) -> None:
        """As a kernel is told that a page has closed the widget's comm."""
        content = {"comm_id": widget.comm.comm_id, "data": data}
        kernels_own: Any = comm.get_comm_manager()
        kernels_own.comm_close(None, "", {"content": content})

    def open_raw(self, widget: Any, target: object = "nobody", data: object = None) -> None:
        """As a kernel is told that a page has opened a comm, by the name of the widget's."""
        content = {"comm_id": widget.comm.comm_id, "target_name": target, "data": data}
        kernels_own: Any = comm.get_comm_manager()
        message = {"content": content, "metadata": {"version": "2.1.0"}, "buffers": []}
        kernels_own.comm_open(None, "", message)

    def open(self) -> None:
        """Show the panel."""
        self.send("loops", type="hello", view="l", start=0, stop=12)
        self.send("tasks", type="hello", view="t", start=0, stop=15)
        self.send("status", type="hello", view="s")

    def wait_for(self, channel: str, is_it: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first message of which this is true, sent already or soon."""

        def found() -> list[dict[str, Any]]:
            return [message for on, message in self.heard if on == channel and is_it(message)]

        with self._new:
            assert self._new.wait_for(found, LIMIT)
        return found()[0]

    def wait_for_words(self, text: str) -> str:
        """What is said in the status line with this text in it; its level."""
        message = self.wait_for("status", lambda message: text in message["text"])
        return str(message["level"])


def panel_threads() -> list[threading.Thread]:
    """The threads of all panels."""
    return [thread for thread in threading.enumerate() if thread.name == "bgwidgets-panel"]
