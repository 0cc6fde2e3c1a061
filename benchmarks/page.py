"""Stands for a page that shows a panel: what its widgets send is made ready to travel, and read.

The widgets are real, and so is the session that turns each message into signed JSON, as a kernel
does in the thread that sends it. Only the socket and the browser are missing.
"""

from __future__ import annotations

import threading
import time
from typing import Any, Final, Self

import comm
from comm.base_comm import BaseComm
from jupyter_client.session import Session

LIMIT: Final = 30.0
ALIVE_EVERY: Final = 4.0
"""Seconds between two signs of life of a page that is looked at."""
LOOP_ROWS: Final = 12
TASK_ROWS: Final = 40
VIEWS: Final = {"l": "loops", "t": "tasks"}
"""The tables that are looked at, by the names that their views have in the messages."""


class Page:
    """Give it a panel that was made inside of `with Page() as page`, and have it opened."""

    def __init__(self) -> None:
        self._session: Final = Session(key=b"signed, as every kernel's messages are")
        self._heard: Final = threading.Condition()
        self._known: Final[dict[tuple[str, int], dict[str, Any]]] = {}
        self._says: dict[str, BaseComm] = {}
        self._alive_at = 0.0
        self._original = comm.create_comm
        self.messages = 0
        """How many have come, of whatever kind."""
        self.bytes = 0
        """How long they were."""
        self.frames = 0
        """How many have come of a table's rows."""
        self.changes = 0
        """How many of them showed another value in a cell that had been there before."""

    def __enter__(self) -> Self:
        page = self

        class PagesComm(BaseComm):
            def publish_msg(self, msg_type: str, data: Any = None, *_: Any, **more: Any) -> None:
                page._publish(msg_type, self.comm_id, data or {}, more.get("metadata"))

        comm.create_comm = PagesComm
        return self

    def __exit__(self, *_: object) -> None:
        comm.create_comm = self._original

    def open(self, panel: Any) -> None:
        """Show both of its tables and its status line. Returns when rows have come."""
        loops, actions, tasks, *_ = panel.children
        status = actions.children[-1]
        self._says = {"loops": loops.comm, "tasks": tasks.comm, "status": status.comm}
        self._alive_at = time.monotonic()
        self._say("loops", type="hello", view="l", start=0, stop=LOOP_ROWS)
        self._say("tasks", type="hello", view="t", start=0, stop=TASK_ROWS)
        self._say("status", type="hello", view="s")
        with self._heard:
            if not self._heard.wait_for(lambda: self._known, LIMIT):
                raise TimeoutError("the panel showed nothing: is its publisher running?")

    def _say(self, channel: str, **content: Any) -> None:
        data = {"method": "custom", "content": content}
        self._says[channel].handle_msg({"content": {"data": data}, "buffers": []})

    def _publish(self, msg_type: str, comm_id: str, data: Any, metadata: Any) -> None:
        """In the thread that sends."""
        content = {"data": data, "comm_id": comm_id}
        message = self._session.msg(msg_type, content=content, metadata=metadata)
        self.bytes += sum(map(len, self._session.serialize(message)))
        self.messages += 1
        shown = data.get("content") if data.get("method") == "custom" else None
        if shown is not None and shown.get("type") == "frame":
            self._take(shown)
        if time.monotonic() > self._alive_at + ALIVE_EVERY and self._says:
            self._alive_at = time.monotonic()
            for view, table in VIEWS.items():
                self._say(table, type="alive", view=view)

    def _take(self, frame: dict[str, Any]) -> None:
        with self._heard:
            self.frames += 1
            is_changed = False
            for place, row in frame["rows"]:  # Of a row that is known, maybe a part.
                known = self._known.setdefault((frame["view"], place), {})
                is_changed = is_changed or any(
                    name in known and known[name] != value for name, value in row.items()
                )
                known.update(row)
            self.changes += is_changed
            self._heard.notify_all()
