"""What runs in a child process that carries one loop: this is where it begins, and where it ends.

It loads the standard library, this package without its widgets, and what the work needs.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import logging
import os
import socket
import sys
from collections.abc import Iterator
from typing import Final, NoReturn

from bgwidgets.background_loop import BackgroundLoop
from bgwidgets.exceptions import CannotRestart, LoopUnfinished
from bgwidgets.hosts import resource_tracker
from bgwidgets.hosts.child import ChildHost
from bgwidgets.hosts.child_control import ChildControl
from bgwidgets.hosts.child_lifetime import end_at_once, end_in_order, end_with_parent
from bgwidgets.hosts.child_reporter import ChildReporter, OutputTeller
from bgwidgets.hosts.delivery import Delivery
from bgwidgets.hosts.event_mirror import EventMirror
from bgwidgets.hosts.frames import FrameReader, FrameSender
from bgwidgets.hosts.last_words import LAST_WORDS_LIMIT, say_before_the_end
from bgwidgets.hosts.messages import (
    Begin,
    FromChild,
    Happened,
    KillMe,
    Measured,
    SetEvent,
    decode,
    encode,
)
from bgwidgets.hosts.news import Teller
from bgwidgets.hosts.outcome import in_short, outcome
from bgwidgets.hosts.protocol import LoopPlan
from bgwidgets.identifiers import go_on_from
from bgwidgets.observe.error_text import one_line
from bgwidgets.observe.notebook_cells import know_cells
from bgwidgets.output.log import OutputLog
from bgwidgets.output.router import router
from bgwidgets.own_thread import OwnThread
from bgwidgets.states import LoopEvent

MOST_WAITING: Final = 16_000_000
"""Bytes of output that may wait for a kernel that does not read; then a print waits for it, too."""
_CHUNK: Final = 1 << 18
_log: Final = logging.getLogger(__name__)
_UP: Final = {LoopEvent.STARTED, LoopEvent.CLOSED, LoopEvent.HOST_LOST}


def run(fd: int, parent: int) -> NoReturn:
    """Carry the loop that is described at the other end of the socket `fd`, and end.

    The process `parent` has that end. In the main thread of a process that was started for this.
    """
    end_with_parent(parent)
    resource_tracker.keep_out_of_the_group()
    faulthandler.enable()  # The stack of a crash comes to the loop's output.
    os.set_inheritable(fd, False)
    for stream in (sys.stdout, sys.stderr):
        # What a thread of the work's own prints is seen at once, as in a terminal.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    Child(socket.socket(fileno=fd)).run()
    end_in_order()


class Child:
    """This process, as far as its loop is concerned."""

    def __init__(self, sock: socket.socket) -> None:
        self._pid: Final = os.getpid()
        self._sender: Final = FrameSender(sock, "bgwidgets-to-kernel")
        self._frames: Final = _frames(sock)
        begin = decode(next(self._frames))
        if not isinstance(begin, Begin):
            raise TypeError(f"the first message was {type(begin).__name__}")
        go_on_from(begin.first_id)
        know_cells(begin.cells)
        router.install(tee=False)
        log = OutputLog()
        log.reporter = OutputTeller(self._tell_patiently)
        delivery = Delivery(begin)
        plan = LoopPlan(
            loop_id=begin.loop_id,
            name=begin.name,
            work=delivery.as_work(),
            run_number=begin.run_number,
            loop_factory=delivery.new_loop,
            nested=begin.nested,
            timings=begin.timings,
            changed=self._changed,
            happened=self._happened,
            output=log,
        )
        mirror = EventMirror(self._event_changed, is_kernels=False)
        host = ChildHost(
            plan,
            delivery,
            kind=begin.host,
            stop_event=mirror.event,
            ask_for_end=self._ask_for_end,
        )
        self._agent: Final = host.agent
        self._reporter: Final = ChildReporter(host.agent, log, self._tell)
        self._control: Final = ChildControl(host, mirror, self._tell, self._reporter.look)
        self.loop: Final = BackgroundLoop(
            plan,
            lambda _: host,
            put_on_list=_refuse_restart,
            take_off_list=_refuse_removal,
        )
        """What `current()` gives to the work."""

    def run(self) -> None:
        """Run the loop to its end, and send home what came of it."""
        say_before_the_end(self._say_last_words_in_time)
        self._sender.start()
        self._control.start()
        self._reporter.start()
        OwnThread(self._listen, "bgwidgets-control").start()
        self.loop.begin()
        self._control.finish()
        last = outcome(self._agent)
        self._reporter.tell_output()
        try:
            self._tell(last)
        except Exception as error:  # noqa: BLE001 - a result that is there is not to be lost
            self._tell(in_short(last, error))
        self._sender.flush()  # The kernel may stand still for hours; if it ends, so does this.

    def _say_last_words_in_time(self) -> None:
        try:
            self._say_last_words()
        finally:
            self._sender.flush(LAST_WORDS_LIMIT)

    def _say_last_words(self) -> None:
        """Each by itself: what cannot be told keeps nothing else back."""
        for say in (self._reporter.tell_output, self._tell_metrics):
            try:
                say()
            except Exception as error:  # noqa: BLE001 - as of a value that cannot be pickled
                with contextlib.suppress(OSError):  # The work may have closed it.
                    line = f"bgwidgets: not all of its last words were told: {one_line(error)}\n"
                    os.write(2, line.encode())

    def _tell_metrics(self) -> None:
        metrics = self._agent.findings.metrics.as_values()
        self._tell(Measured(Teller().news(metrics, 0)))

    def _ask_for_end(self) -> None:
        try:
            self._say_last_words()
        finally:
            self._tell(KillMe())

    def _listen(self) -> None:
        try:
            for frame in self._frames:
                self._take(frame)
        except BaseException as error:  # noqa: BLE001 - what cannot hear must not go on
            os.write(2, f"bgwidgets: the kernel cannot be heard: {one_line(error)}\n".encode())
        end_at_once()  # The kernel is gone, or as good as that.

    def _take(self, frame: bytes) -> None:
        try:
            self._control.take(decode(frame))
        except BaseException:  # noqa: BLE001 - one message is not to end all that follow
            _log.exception("a message from the kernel could not be taken")

    def _changed(self) -> None:
        self._reporter.look()

    def _event_changed(self, message: SetEvent) -> None:
        self._agent.signs.changed()
        self._tell(message)

    def _happened(self, event: LoopEvent) -> None:
        self._tell(Happened(event))
        if event in _UP:
            self._control.is_up()

    def _tell(self, message: FromChild) -> None:
        self._send(message)

    def _tell_patiently(self, message: FromChild) -> None:
        self._send(message, most_waiting=MOST_WAITING)

    def _send(self, message: FromChild, *, most_waiting: int | None = None) -> None:
        if os.getpid() == self._pid:  # A fork has the socket, too, and is not the loop.
            self._sender.put(encode(message), most_waiting=most_waiting)


def _frames(sock: socket.socket) -> Iterator[bytes]:
    reader = FrameReader()
    while True:
        try:
            data = sock.recv(_CHUNK)
        except OSError:
            return
        if not data:
            return
        yield from reader.feed(data)


def _refuse_restart(loop: BackgroundLoop, renew: object) -> object:
    del renew
    raise CannotRestart(f"{loop.name!r} can be restarted only from where it was started")


def _refuse_removal(loop: BackgroundLoop) -> None:
    raise LoopUnfinished(f"{loop.name!r} is {loop.state}, and this is its own process")
