"""The thread of a child process that answers the kernel, also while the loop is blocked."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from bgwidgets.hosts.child import ChildHost
from bgwidgets.hosts.crossing import pack, pack_error, unpack
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
MAIL_LIMIT: Final = 1.0
"""Seconds in which the last results must be packed when the loop has ended."""


class ChildControl:
    """Does what the messages say, and answers."""

    def __init__(self, host: ChildHost, tell: Tell, look: Callable[[], None]) -> None:
        """`look` has the kernel told how the loop stands."""
        self._host: Final = host
        self._tell: Final = tell
        self._look: Final = look
        self._metrics: Final = Teller()
        self._figures: Final = Teller()
        self._more: Final[dict[int, Future[Any]]] = {}
        # What imports or pickles the user's things takes its time, and so has a thread of its own.
        self._mail: Final[queue.SimpleQueue[Callable[[], None]]] = queue.SimpleQueue()
        self._is_up: Final = threading.Event()

    def start(self) -> None:
        """Begin to unpack and pack."""
        OwnThread(self._work, "bgwidgets-mail").start()

    def is_up(self) -> None:
        """The loop takes work from now on, or never will. Any thread; does not block."""
        self._is_up.set()

    def finish(self) -> None:
        """Wait until the last results are told."""
        self._is_up.set()
        done = threading.Event()
        self._mail.put(done.set)
        done.wait(MAIL_LIMIT)

    def take(self, message: ToChild) -> None:
        """Do what the message says. In the control thread."""
        match message:
            case Ask(number, RunMore() as more):
                self._mail.put(partial(self._run_more, number, more))
            case Ask(number, question):
                self._answer(number, question)
            case CancelMore(number):
                self._mail.put(partial(self._cancel_more, number))
            case SetEvent(is_set):
                self._host.stop_event.be(is_set=is_set)
                self._host.agent.signs.changed()
                self._look()
            case Look():
                self._look()

    def _answer(self, number: int, question: Question) -> None:
        try:
            answer = Answer(number, self._value(question))
        except Exception as error:  # noqa: BLE001 - who asked gets it
            answer = Answer(number, error=pack_error(error))
        self._tell(answer)

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
            case WantFigures(known):
                return self._figures.news(host.figures(), known)
            case WantLeftovers():
                return host.give_up()
            case Obey(command):
                host.command(command)
                return None
        raise TypeError(f"nobody knows the answer to {question!r}")

    # In the thread for the mail

    def _work(self) -> None:
        while True:
            self._mail.get()()

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
        del self._more[number]
        if future.cancelled():
            self._tell(Answer(number, is_cancelled=True))
            return
        try:
            answer = Answer(number, pack(future.result(), "the result"))
        except BaseException as error:  # noqa: BLE001 - who asked gets it, whatever it is
            answer = Answer(number, pack_error(error))
        self._tell(answer)
