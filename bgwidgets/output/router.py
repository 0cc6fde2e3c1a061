"""Whose output it is: what is written to the standard streams goes to the loop of who writes.

The streams stay the objects that they are, so that a logging handler which holds one is heard, too;
their `write` leads to where the calling thread belongs. In a kernel that is
all: the output of loops goes to no cell. Elsewhere it is seen where it was ever seen, and the
loop's log has it as well.

Only what Python code writes comes here: not what C code or another process writes to the file
descriptors, nor what goes to `sys.stdout.buffer`.
"""

from __future__ import annotations

import sys
import threading
from typing import Final
from weakref import WeakValueDictionary, ref

from bgwidgets.belonging import on_move
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.output.blocks import Whose
from bgwidgets.output.capture_ways import STREAMS
from bgwidgets.output.captures import Captures
from bgwidgets.output.covers import Cover
from bgwidgets.output.display_hook import DisplayHook
from bgwidgets.output.log import OutputLog
from bgwidgets.output.routed_stream import RoutedStream, loop_id_here, whose_it_is
from bgwidgets.output.shell import CellEnds, is_in_a_kernel
from bgwidgets.output.stream_hooks import StandIn
from bgwidgets.output.whose import task_here

FEW: Final = 100


class Router:
    """The one who stands between the streams and the logs of this process."""

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        # Weak: a loop that was removed, and that nobody holds any more, has no log. What its
        # abandoned threads still write goes nowhere, and least of all to a cell.
        self._logs: Final[WeakValueDictionary[int, OutputLog]] = WeakValueDictionary()
        # Weak: a stream that is hooked keeps its hook, and no hook shall keep a stream.
        self._hooked: Final[list[ref[RoutedStream]]] = []
        self._stand_ins: Final[list[ref[RoutedStream]]] = []
        """The same, of what cells capture with."""
        self._many = FEW
        """Of so many of these it is looked which are there no more."""
        self._displays: Final = DisplayHook(self._log_here)
        self._captures: Final = Captures(self._guard, self)
        self._cells: Final = CellEnds(self.look)
        self._is_wanted = True
        self._tee: bool | None = None
        on_move(self._moved)

    def register(self, loop_id: int, log: OutputLog) -> None:
        """The output of that loop goes to this log. Any thread; does not block."""
        self._logs[loop_id] = log

    def install(self, *, tee: bool | None = None) -> None:
        """Route what loops write, also to streams that have come since. Any thread.

        `tee`: whether it is also to be seen where it would be without us; by default it is, but in
        a Jupyter kernel.
        """
        with self._guard:
            if tee != self._tee:
                self._put_back()
            self._is_wanted, self._tee = True, tee
            self.look()

    def uninstall(self) -> None:
        """Put everything back as it was; nothing is routed until `install()`. Any thread."""
        with self._guard:
            self._is_wanted = False
            self._put_back()

    def look(self) -> None:
        """See to the streams that are there now. At each start of a loop, and at the end of each
        cell: somebody may have replaced them.
        """
        with self._guard:
            if not self._is_wanted:
                return
            for each in self._streams():
                if not each.is_in_place:
                    each.put_back()
            self._hooked[:] = [ref(each) for each in self._streams() if each.is_in_place]
            for name in STREAMS:
                stream = self._captures.below(getattr(sys, name, None))
                if stream is None or self._routed_stream(stream) is not None:
                    continue
                tees = self._is_teed(stream)
                self._hooked.append(ref(RoutedStream(name, stream, self._logs.get, tees=tees)))
            self._displays.install(self._tee)
            self._captures.install()
            self._cells.install()

    # For the captures

    def loop_here(self) -> int | None:
        """The loop to whose output belongs what the calling code writes."""
        return loop_id_here()

    def routed(self, cover: Cover) -> StandIn:
        """Something for the place of what a cell captures with, routed as what was there. What is
        written to that by its own name stays there, whoever writes it.
        """
        below = self._captures.below(cover.below)
        known = self._routed_stream(below)
        tees = self._is_teed(below) if known is None else known.tees
        stand_in = StandIn(cover.stream)
        if len(self._stand_ins) > self._many:  # Who captures in a loop shall not wait for it.
            self._stand_ins[:] = [each for each in self._stand_ins if each() is not None]
            self._many = 2 * len(self._stand_ins) + FEW
        routed = RoutedStream(cover.name, stand_in, self._logs.get, tees=tees)
        self._stand_ins.append(ref(routed))
        return stand_in

    def capture_displays(self, capture: object, *, on: bool) -> None:
        """What the calling code's loop displays goes to this publisher, and then no more."""
        self._displays.capture(capture, on=on)

    def _streams(self) -> list[RoutedStream]:
        return _living(self._hooked)

    def _routed_stream(self, stream: object) -> RoutedStream | None:
        ways = vars(stream).get("ways_of_bgwidgets") if isinstance(stream, StandIn) else None
        if isinstance(ways, RoutedStream) and ways.is_in_place:
            return ways
        return next((each for each in self._streams() if each.stream is stream), None)

    def _put_back(self) -> None:
        for stream in (*self._streams(), *_living(self._stand_ins)):
            stream.put_back()
        self._captures.uninstall()
        self._cells.uninstall()
        self._hooked.clear()
        self._stand_ins.clear()
        for log in list(self._logs.values()):
            log.moved()
        self._displays.uninstall()

    def _is_teed(self, stream: object) -> bool:
        if self._tee is not None:
            return self._tee
        # The stream of a Jupyter kernel, which sends it to a page: there it would come to a cell.
        # So would what a cell captures there.
        return not hasattr(stream, "pub_thread") and not is_in_a_kernel()

    def _moved(self, loop_id: int) -> None:
        """The calling thread has come to this loop, or somebody else says that one has left it."""
        for stream in (*self._streams(), *_living(self._stand_ins)):
            stream.forget_thread()
        if (log := self._logs.get(loop_id)) is not None:
            log.moved()

    def _log_here(self) -> tuple[OutputLog | None, Whose] | None:
        """The log of the calling code, None if it is gone; and its task. None outside of loops."""
        loop_id = loop_id_here() if self._is_wanted else None
        if loop_id is None:
            return None
        log = self._logs.get(loop_id)
        return log, whose_it_is(log, task_here())

    def shows_here(self) -> bool:
        """Whether what loops write is seen where the calling code's own output is."""
        routed = self._routed_stream(self._captures.below(sys.stdout))
        return routed is not None and routed.tees


def _living(streams: list[ref[RoutedStream]]) -> list[RoutedStream]:
    return [stream for each in streams if (stream := each()) is not None]


router: Final = Router()
"""This process's."""
