"""Does what was asked of one panel and tells its pages, in the one thread of all panels.

That thread starts with the first panel and ends with the last. An error in one panel does not touch
the others, and one of which much is asked lets them have their turns in between. An observer of a
panel's traits that takes its time holds up all of them: it should hand on what takes longer than a
moment. While nobody looks and nothing happens, the thread sleeps without a limit.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.widgets.busy_cell import Cell
from bgwidgets.widgets.command_runner import CommandRunner
from bgwidgets.widgets.feed import Feed
from bgwidgets.widgets.giving_way import gives_way
from bgwidgets.widgets.items import (
    CellRuns,
    Changed,
    Click,
    Displayed,
    FromDetails,
    FromFinder,
    FromLine,
    FromOutput,
    FromPage,
    FromPlots,
    FromTable,
    Item,
    Refresh,
    Replaced,
    SettingChanged,
)
from bgwidgets.widgets.meanings import MEANT_FOR
from bgwidgets.widgets.protocols import Action, Channel, Face, Said, Source
from bgwidgets.widgets.request_reading import (
    read_detail_request,
    read_finder_request,
    read_line_request,
    read_output_request,
    read_plot_request,
    read_table_request,
)
from bgwidgets.widgets.requests import InvalidRequest, Meant, SelectLoop
from bgwidgets.widgets.shared_thread import NOT_BEFORE_CALLED, SharedThread

_THREAD: Final = SharedThread("bgwidgets-panel")
_AFTER_AN_ERROR: Final = 1.0
"""Seconds until the next try, when the panel could not be refreshed."""
_A_TURN: Final = 0.05
"""Seconds for which one panel does what was asked of it while others wait: at least one thing."""
MOST_WAITING: Final = 2000
"""Things that wait to be done, when no more messages of pages are taken. One may be of 40 kB."""
ROOM_FOR_CLICKS: Final = 100
"""So many more, of clicks alone: when what a page has said of one was taken, so is the click."""


class Publisher:
    """Hands what comes from any thread to the panel's feed, in the thread of all panels.

    `find_face` returns the panel's face, or None when the panel is gone: the publisher does not
    keep its panel alive, but while a request waits that was made of it. Every method may be called
    from any thread, returns at once and never raises; after `close()` nothing happens any more.
    """

    def __init__(
        self,
        source: Source,
        find_face: Callable[[], Face | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_face: Final = find_face
        self._clock: Final = clock
        self._lock: Final = free_in_forks(threading.RLock())
        self._inbox: Final[deque[Item]] = deque()
        self._selection: Item | None = None
        """The last in it by which a page selects a loop."""
        self._turned_away = 0
        """Messages of pages that were too many, and are not answered yet."""
        self._no_clicks_until = 0.0
        """What a page has said of a click was turned away: the click would be for another loop."""
        self._asked: Face | None = None
        """The panel of which something is asked that is not done yet: it must not go before."""
        self._is_closed = False
        self._is_at_rest = False
        self._feed: Final = Feed(source, CommandRunner(source, self._put))
        self._source: Final = source
        self._unsubscribe = source.subscribe(self._source_changed)
        _THREAD.call(self)

    def receive(self, channel: Channel, content: object) -> None:
        """A page sent a message. It is refused when very many things wait to be done."""
        self._put_from_page(_read(channel, content))

    def click(self, action: Action, chosen: int | None) -> None:
        """A button was clicked while `chosen` was the chosen loop.

        A loop that was selected in the page just before is the one that the user means, also when
        this thread did not come to it yet: after a busy cell both arrive at the same time.
        """
        with self._lock:
            match self._selection:
                case FromTable(_, SelectLoop(loop_id)):
                    chosen = loop_id
            is_new = self._keep(Click(action, chosen))
        if is_new:
            _THREAD.call(self)

    def refresh(self) -> None:
        """Look at once."""
        self._put(Refresh())

    def setting_changed(self) -> None:
        """One of the panel's traits was set."""
        self._put(SettingChanged())

    def displayed(self, cell: str | None, *, inside_another: bool) -> None:
        """A cell's code puts the panel onto a page: it is not at rest any more, if it was."""
        with self._lock:
            if self._is_at_rest and not self._is_closed:
                self._is_at_rest = False
                self._unsubscribe = self._source.subscribe(self._source_changed)
        self._put(Displayed(cell, inside_another))

    def replaced(self, cell: str) -> None:
        """A cell that displayed the panel is run again."""
        self._put(Replaced(cell))

    def rest(self) -> bool:
        """The panel is on no page: do what is asked for, but look no more at what happens.

        Refused, with False, when there is something new to be done before.
        """
        with self._lock:
            if self._is_busy or self._is_closed:
                return False
            self._is_at_rest = True
            self._unsubscribe()
            return True

    def cell_runs(self, cell: Cell | None) -> None:
        """Another cell began, or it ended."""
        self._put(CellRuns(cell))

    def refuse(self, error: InvalidRequest) -> None:
        """A page sent what is for none of the channels."""
        self._put_from_page(error)

    def complain(self, words: str) -> None:
        """Something went wrong that users should know of."""
        self._put(Said(words, is_error=True))

    def close(self) -> None:
        """Do what was asked until now, and then nothing any more. Does not wait for that."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            if not self._is_at_rest:
                self._unsubscribe()
        _THREAD.call_member(self)

    def _source_changed(self) -> None:
        self._put(Changed())

    def _put(self, item: Item) -> None:
        # The lock is not held while calling: a finalizer that closes a panel must not wait for it.
        if self._keep(item):
            _THREAD.call(self)

    def _put_from_page(self, item: FromPage | InvalidRequest) -> None:
        with self._lock:
            if len(self._inbox) >= MOST_WAITING:
                # Those that wait have called already.
                self._turned_away += 1
                if _decides_a_click(item):
                    self._no_clicks_until = self._clock() + MEANT_FOR
                return
            is_new = self._keep(item)
        if is_new:
            _THREAD.call(self)

    @property
    def takes_clicks(self) -> bool:
        """Whether a page's click is taken. Python's always is."""
        has_room = len(self._inbox) < MOST_WAITING + ROOM_FOR_CLICKS
        return has_room and self._clock() >= self._no_clicks_until

    @property
    def _is_busy(self) -> bool:
        return bool(self._inbox or self._turned_away)

    def _keep(self, item: Item) -> bool:
        with self._lock:
            if self._is_closed or (self._inbox and _says_the_same(self._inbox[-1], item)):
                return False
            self._inbox.append(item)
            if isinstance(item, FromTable) and isinstance(item.request, SelectLoop):
                self._selection = item
            if self._asked is None and isinstance(item, Click | FromTable):
                self._asked = self._find_face()
            return True

    def take_turn(self) -> float | None:
        """Do what has come, for a moment, and what is due. In the thread of all panels only."""
        is_open = not self._is_closed
        face = self._find_face()
        if face is None:
            self.close()
            return None
        wake_at = self._work(face, is_open=is_open)
        self._let_go_of_face()
        if self._is_busy:
            return 0.0  # After all others that have something to do.
        if wake_at is not None:
            return max(0.0, wake_at - self._clock())
        return NOT_BEFORE_CALLED if is_open and not self._is_at_rest else None

    def _let_go_of_face(self) -> None:
        """Unless more is asked. What goes with it, goes when nobody holds the lock."""
        with self._lock:
            asked = self._asked
            if not self._inbox:
                self._asked = None
        del asked

    def _work(self, face: Face, *, is_open: bool) -> float | None:
        """Take what has come, then tell the pages; a closed panel does what it was asked."""
        try:
            self._take_for_a_moment(face)
            return self._feed.advance(face, self._clock()) if is_open else None
        except BaseException as error:  # noqa: BLE001 - the panel says it, and the thread lives on
            self._feed.report(error)
            return self._clock() + _AFTER_AN_ERROR if is_open else None

    def _take_for_a_moment(self, face: Face) -> None:
        with self._lock:
            count, self._turned_away = self._turned_away, 0
        if count:
            self._feed.turn_away(count)
        enough_at = self._clock() + _A_TURN
        for _ in range(len(self._inbox)):
            with self._lock:
                item = self._inbox.popleft()
                following = self._inbox[0] if self._inbox else None
            try:
                if not gives_way(item, following):
                    self._feed.take(item, face, self._clock())
            finally:
                # Not before: what is clicked meanwhile is for the loop that it selects.
                with self._lock:
                    if item is self._selection:
                        self._selection = None
            if self._clock() >= enough_at:
                return


def _says_the_same(last: Item, item: Item) -> bool:
    """However many changes there are, to look once is enough."""
    return type(last) is type(item) and isinstance(item, Changed | Refresh | SettingChanged)


def _decides_a_click(item: Item) -> bool:
    """Whether it says for which loop a click is that comes after it."""
    match item:
        case FromTable(_, SelectLoop()) | FromLine(Meant()):
            return True
    return False


def _read(channel: Channel, content: object) -> FromPage:
    if channel == "details":
        try:
            return FromDetails(read_detail_request(content))
        except InvalidRequest as error:
            return FromDetails(error)
    if channel == "output":
        try:
            return FromOutput(read_output_request(content))
        except InvalidRequest as error:
            return FromOutput(error)
    if channel == "plots":
        try:
            return FromPlots(read_plot_request(content))
        except InvalidRequest as error:
            return FromPlots(error)
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
