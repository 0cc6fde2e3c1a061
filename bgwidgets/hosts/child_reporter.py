"""How a child process keeps the kernel informed: what changes is told, and what was written.

A thread of its own, so that it is told also while the loop is blocked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from bgwidgets.hosts.agent import Agent
from bgwidgets.hosts.messages import Cleared, FromChild, Piece, Showed, Told, Wrote
from bgwidgets.hosts.signs import Standstill
from bgwidgets.output.blocks import Place, Whose
from bgwidgets.output.log import OutputLog
from bgwidgets.own_thread import OwnThread
from bgwidgets.reentrant_event import ReentrantEvent

BEAT: Final = 0.5
"""Seconds after which it is said that nothing has changed; at once to who asks."""
LOOKS_EVERY: Final = 0.25
"""Seconds after which one looks whether something has changed, or was written."""
IN_TALK: Final = 0.05
"""The same while the work writes something every second."""

Tell = Callable[[FromChild], None]
_log: Final = logging.getLogger(__name__)


class OutputTeller:
    """Passes on what comes into a log. Under the log's lock."""

    def __init__(self, tell: Tell) -> None:
        """`tell` may block, so that work which writes faster than the kernel reads has to wait."""
        self._tell: Final = tell

    def wrote(self, text: str, place: Place, whose: Whose) -> None:
        """A piece of text."""
        who, stream = place
        name = f"{who.name} {who.ident}" if isinstance(who, threading.Thread) else str(who)
        self._tell(Wrote((Piece(text, stream, name, *whose),)))

    def showed(self, data: Mapping[str, Any], **options: Any) -> None:
        """Something that was displayed."""
        self._tell(Showed(dict(data), options))

    def cleared(self, *, wait: bool) -> None:
        """The log was cleared."""
        self._tell(Cleared(wait))


class ChildReporter:
    """The one who looks at the loop again and again, and tells what is new."""

    def __init__(self, agent: Agent, log: OutputLog, tell: Tell) -> None:
        self._agent: Final = agent
        self._log: Final = log
        self._tell: Final = tell
        self._wake: Final = ReentrantEvent()
        self._is_wanted = True
        self._standstill: Standstill | None = None
        """None: when it was told last, something was moving, or it was not told yet."""
        self._told_at = 0.0
        self._version = 0
        self._wrote_at = 0.0
        self._has_complained = False
        self._thread: Final = OwnThread(self._run, "bgwidgets-reporter")

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def look(self) -> None:
        """Somebody wants to know, or something has changed. Any thread; does not block."""
        self._is_wanted = True
        self._wake.set()

    def tell_output(self) -> None:
        """What was written and is not told is told now. Any thread."""
        version = self._log.version
        if version != self._version:
            self._version, self._wrote_at = version, time.monotonic()
            self._log.gather()

    def _run(self) -> None:
        while True:
            self._look_once()
            is_in_talk = time.monotonic() - self._wrote_at < 1.0
            self._wake.wait(IN_TALK if is_in_talk else LOOKS_EVERY)
            self._wake.clear()

    def _look_once(self) -> None:
        try:
            self.tell_output()
            self._tell_news()
        except Exception:  # noqa: BLE001 - one look is not to end all that follow
            self._standstill = None  # Not told: the next one is new.
            if not self._has_complained:  # It may be the same every time.
                _log.exception("how the loop stands could not be told")
            self._has_complained = True

    def _tell_news(self) -> None:
        now = time.monotonic()
        is_wanted, self._is_wanted = self._is_wanted, False
        known = self._standstill
        is_known = known is not None and known.holds(now)
        if not is_known:
            # Before the snapshot: it may only be too old.
            self._standstill = self._agent.standstill(closely=True)
        goes_on_moving = known is None and self._standstill is None
        is_due = is_wanted or now - self._told_at >= LOOKS_EVERY
        if not is_known and (is_due or not goes_on_moving):
            self._told_at = now
            self._tell(Told(self._agent.snapshot(), time.time()))
        elif is_wanted or now - self._told_at >= BEAT:
            self._told_at = now
            self._tell(Told(None, time.time()))
