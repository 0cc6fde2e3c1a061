"""The thread of a child process that answers the kernel, also while the loop is blocked."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from bgwidgets.commands import StopLoop
from bgwidgets.exceptions import LoopEnded
from bgwidgets.hosts.child import ChildHost
from bgwidgets.hosts.crossing import pack, pack_error, unpack
from bgwidgets.hosts.event_mirror import EventMirror
from bgwidgets.hosts.messages import (
    Answer,
    Ask,
    CancelMore,
    FromChild,
    Look,
    Obey,
    Question,
    RunMore,
    SetEvent,
    ToChild,
    WantDetail,
    WantFigures,
    WantHistory,
    WantLeftovers,
    WantMetrics,
    WantWindow,
)
from bgwidgets.hosts.news import Teller
from bgwidgets.own_thread import OwnThread

Tell = Callable[[FromChild], None]
_log: Final = logging.getLogger(__name__)
MAIL_LIMIT: Final = 1.0
"""Seconds for what was submitted last and has not begun, when the loop has ended; where it was
stopped, for all results that are left."""


class ChildControl:
    """Does what the messages say, and answers."""

    def __init__(
        self, host: ChildHost, mirror: EventMirror, tell: Tell, look: Callable[[], None]
    ) -> None:
        """`look` has the kernel told how the loop stands."""
        self._host: Final = host
        self._mirror: Final = mirror
        self._tell: Final = tell
        self._look: Final = look
        self._metrics: Final = Teller()
        self._figures: Final = Teller()
        self._more: Final[dict[int, Future[Any]]] = {}
        # What imports or pickles the user's things takes its time, and so has a thread of its own.
        self._mail: Final[queue.SimpleQueue[Callable[[], None]]] = queue.SimpleQueue()
        self._is_up: Final = threading.Event()
        self._is_over: Final = threading.Event()
        """The loop has ended: a stop is for the packing of its results."""
        self._is_stopped: Final = threading.Event()
        self._may_end: Final = threading.Event()
        """All results are told, or nobody waits for the rest."""

    def start(self) -> None:
        """Begin to unpack and pack."""
        OwnThread(self._work, "bgwidgets-mail").start()

    def is_up(self) -> None:
        """The loop takes work from now on, or never will. Any thread; does not block."""
        self._is_up.set()

    def finish(self) -> None:
        """Wait until the last results are told, for as long as it takes to pack them; where the
        loop was stopped, for a second, and when it is, no longer. Who waits for one that is left
        is told so.
        """
        self._is_over.set()
        self._is_up.set()
        self._mail.put(self._may_end.set)
        is_patient = self._more and not self._is_stopped.is_set()
        self._may_end.wait(None if is_patient else MAIL_LIMIT)
        for number, future in list(self._more.items()):
            if future.done():
                error = LoopEnded(
                    "this coroutine has ended, and its loop was stopped before the result was"
                    " pickled"
                )
                self._tell(Answer(number, pack_error(error)))

    def take(self, message: ToChild) -> None:
        """Do what the message says. In the control thread."""
        match message:
            case Ask(number, RunMore() as more):
                self._mail.put(partial(self._run_more, number, more))
            case Ask(number, question):
                self._answer(number, question)
            case CancelMore(number):
                if (future := self._more.get(number)) is not None:
                    future.cancel()
                else:  # It is being unpacked, or waits for that.
                    self._mail.put(partial(self._cancel_more, number))
            case SetEvent():
                self._mirror.take(message)
                self._host.agent.signs.changed()
                self._look()
            case Look():
                self._look()

    def _answer(self, number: int, question: Question) -> None:
        try:
            self._tell(Answer(number, self._value(question)))
        except Exception as error:  # noqa: BLE001 - who asked gets it, be it that of the pickling
            self._tell(Answer(number, error=pack_error(error)))

    def _value(self, question: Question) -> object:
        host = self._host
        match question:
            case WantWindow(request):
                return host.task_window(request)
            case WantDetail(task_id):
                return host.task_detail(task_id)
            case WantHistory():
                return host.history()
            case WantMetrics(known):
                return self._metrics.news(host.metrics(), known)
            case WantFigures(known, is_look):
                figures = host.figures() if is_look else host.agent.findings.figures.drawn()
                return self._figures.news(figures, known)
            case WantLeftovers():
                return host.give_up()
            case Obey(command):
                if isinstance(command, StopLoop):
                    self._is_stopped.set()  # First: `finish` looks at the two in turn.
                    if self._is_over.is_set():
                        self._may_end.set()
                host.command(command)
                return None
        raise TypeError(f"nobody knows the answer to {question!r}")

    # In the thread for the mail

    def _work(self) -> None:
        while True:
            call = self._mail.get()
            try:
                call()
            except BaseException:  # noqa: BLE001 - one is not to end all that follow
                _log.exception("a message about a submitted coroutine could not be taken")
            del call

    def _run_more(self, number: int, more: RunMore) -> None:
        self._is_up.wait()
        try:
            function, args, kwargs = unpack(more.parcel)
            future = self._host.submit(function(*args, **kwargs), more.name)
        except BaseException as error:  # noqa: BLE001 - who asked gets it, whatever it is
            self._tell(Answer(number, pack_error(error)))
            return
        self._more[number] = future
        future.add_done_callback(lambda future: self._mail.put(partial(self._done, number, future)))

    def _cancel_more(self, number: int) -> None:
        if (future := self._more.get(number)) is not None:
            future.cancel()

    def _done(self, number: int, future: Future[Any]) -> None:
        self._tell(_answer(number, future))
        del self._more[number]


def _answer(number: int, future: Future[Any]) -> Answer:
    if future.cancelled():
        return Answer(number, is_cancelled=True)
    try:
        return Answer(number, pack(future.result(), "the result"))
    except BaseException as error:  # noqa: BLE001 - who asked gets it, whatever it is
        return Answer(number, pack_error(error))
