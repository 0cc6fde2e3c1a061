"""The one thread of a panel: it does what was asked for and tells the pages.

A panel has a thread of its own, so that a slow observer of one panel holds up no other, and so that
it ends with its panel. While nobody looks and nothing happens, it sleeps without a limit.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from bgwidgets.widgets.command_runner import CommandRunner
from bgwidgets.widgets.feed import (
    CellRuns,
    Changed,
    Click,
    Feed,
    FromDetails,
    FromFinder,
    FromLine,
    FromPage,
    FromTable,
    Item,
    Refresh,
    SettingChanged,
)
from bgwidgets.widgets.protocols import Action, Channel, Face, Said, Source
from bgwidgets.widgets.requests import (
    InvalidRequest,
    SelectLoop,
    read_detail_request,
    read_finder_request,
    read_line_request,
    read_table_request,
)

_AFTER_AN_ERROR: Final = 1.0
"""Seconds until the next try, when the panel could not be refreshed."""


class Publisher:
    """Hands what comes from any thread to the panel's feed, in one thread of its own.

    `find_face` returns the panel's face, or None when the panel is gone: the publisher does not
    keep its panel alive. Every method may be called from any thread, returns at once and never
    raises; after `close()` nothing happens any more.
    """

    def __init__(
        self,
        source: Source,
        find_face: Callable[[], Face | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_face: Final = find_face
        self._clock: Final = clock
        self._condition: Final = threading.Condition()
        self._inbox: Final[deque[Item]] = deque()
        self._is_closed = False
        self._feed: Final = Feed(source, CommandRunner(source, self._put))
        self._unsubscribe: Final = source.subscribe(self._source_changed)
        self._thread: Final = threading.Thread(
            target=self._run, name="bgwidgets-panel", daemon=True
        )
        self._thread.start()

    def receive(self, channel: Channel, content: object) -> None:
        """A page sent a message."""
        self._put(_read(channel, content))

    def click(self, action: Action, chosen: int | None) -> None:
        """A button was clicked while `chosen` was the chosen loop.

        A loop that was selected in the page just before is the one that the user means, also when
        this thread did not come to it yet: after a busy cell both arrive at the same time.
        """
        with self._condition:
            for item in reversed(self._inbox):
                match item:
                    case FromTable(_, SelectLoop(loop_id)):
                        chosen = loop_id
                        break
            self._put(Click(action, chosen))

    def refresh(self) -> None:
        """Look at once."""
        self._put(Refresh())

    def setting_changed(self) -> None:
        """One of the panel's traits was set."""
        self._put(SettingChanged())

    def cell_runs(self, number: int | None) -> None:
        """Another cell began, or it ended."""
        self._put(CellRuns(number))

    def complain(self, words: str) -> None:
        """Something went wrong that users should know of."""
        self._put(Said(words, is_error=True))

    def close(self) -> None:
        """End the thread when it has done what it was asked until now. Does not wait for that."""
        with self._condition:
            if self._is_closed:
                return
            self._is_closed = True
            self._condition.notify_all()
        self._unsubscribe()

    def _source_changed(self) -> None:
        self._put(Changed())

    def _put(self, item: Item) -> None:
        with self._condition:
            if self._is_closed or (self._inbox and _says_the_same(self._inbox[-1], item)):
                return
            self._inbox.append(item)
            self._condition.notify_all()

    def _run(self) -> None:
        wake_at: float | None = self._clock()
        is_open = True
        while is_open:
            is_open = self._wait(wake_at)
            face = self._find_face()
            if face is None:
                self.close()
                return
            wake_at = self._work(face, is_open=is_open)
            del face  # Or the panel would live as long as this thread sleeps.

    def _wait(self, wake_at: float | None) -> bool:
        """Sleep until something comes or it is time; False when the panel was closed."""
        with self._condition:
            seconds = None if wake_at is None else max(0.0, wake_at - self._clock())
            self._condition.wait_for(lambda: self._inbox or self._is_closed, seconds)
            return not self._is_closed

    def _work(self, face: Face, *, is_open: bool) -> float | None:
        """Take all that has come, then tell the pages; a closed panel does what it was asked."""
        try:
            for _ in range(len(self._inbox)):
                with self._condition:
                    item = self._inbox.popleft()
                self._feed.take(item, face, self._clock())
            return self._feed.advance(face, self._clock()) if is_open else None
        except BaseException as error:  # noqa: BLE001 - the panel says it, and the thread lives on
            self._feed.report(error)
            return self._clock() + _AFTER_AN_ERROR


def _says_the_same(last: Item, item: Item) -> bool:
    """However many changes there are, to look once is enough."""
    return type(last) is type(item) and isinstance(item, Changed | Refresh | SettingChanged)


def _read(channel: Channel, content: object) -> FromPage:
    if channel == "details":
        try:
            return FromDetails(read_detail_request(content))
        except InvalidRequest as error:
            return FromDetails(error)
    if channel == "finder":
        try:
            return FromFinder(read_finder_request(content))
        except InvalidRequest as error:
            return FromFinder(error)
    if channel == "status":
        try:
            return FromLine(read_line_request(content))
        except InvalidRequest as error:
            return FromLine(error)
    try:
        return FromTable(channel, read_table_request(channel, content))
    except InvalidRequest as error:
        return FromTable(channel, error)
