"""The way to a child process on a Dask worker: through the client, to the actor that keeps it.

Two threads, for nobody in the kernel is to wait for a network: one asks for news again and again,
and one sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol

from bgwidgets.exceptions import UnknownHost
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.child_link import Listener
from bgwidgets.hosts.dask_calls import CallsUnderWay
from bgwidgets.hosts.dask_place import (
    LOOKS_FIRST,
    RoomElsewhere,
    made,
    refuse_to_wait_here,
    what_is_waited_for,
)
from bgwidgets.hosts.dask_start import DaskHost, ask_for_keeper, ask_for_room, cannot_be_there
from bgwidgets.hosts.dask_worker import versions
from bgwidgets.observe.error_text import one_line
from bgwidgets.own_thread import OwnThread

FAILURES: Final = (Exception, asyncio.CancelledError)
"""Whatever a cluster and a network may say: a future is cancelled when its client loses its way."""
TICK: Final = 0.25
"""Seconds between two looks whether an answer has come."""
RETRY: Final = 0.1
"""Seconds after a call that failed, until it is tried again."""
KILL_ANSWERED_WITHIN: Final = 5.0
"""Seconds after a kill in which the worker must answer, or nobody will see what becomes of it."""
LOST_AFTER: Final = 1.0
"""Seconds of failing calls, while the scheduler is there, after which the worker counts as gone."""
TOLD_WITHIN: Final = 0.5
"""Seconds that a call may still wait when the scheduler says that there is no actor any more."""

_THERE: Final = frozenset({"finished", "pending"})
"""What the scheduler may say of an actor that is there, or is still to be made."""


class DaskListener(Listener, Protocol):
    """Who is told of what comes."""

    def broken(self, error: BaseException) -> None:
        """The child could not be started. Called instead of `gone`."""

    def unseen(self, how: str) -> None:
        """The child cannot be reached any more, and why: nobody has seen how it ended, or whether
        it has. Called instead of `gone`.
        """

    def never_began(self) -> None:
        """It was killed or stopped before the work was brought there. Called instead of `gone`."""

    def waits(self, for_what: str | None) -> None:
        """It cannot begin: a sentence says what it waits for. None: it does not wait any more."""

    def dropped(self, size: int) -> None:
        """So many bytes of output, about, were not fetched in time, and are lost."""


class _NeverBegan(Exception):
    """It was killed or stopped first."""


class _Gone(Exception):
    """The worker, or the way to it, is gone for good: nobody sees what becomes of the child."""


class DaskLink:
    """One child on one worker."""

    def __init__(self, listener: DaskListener, name: str, where: DaskHost) -> None:
        """Starts nothing. The threads are named after `name`."""
        self._listener: Final = listener
        self._name: Final = name
        self._where: Final = where
        self._outgoing: Final[queue.SimpleQueue[bytes | None]] = queue.SimpleQueue()
        self._thread: Final = OwnThread(self._run, f"{name}-from-dask")
        self._sender: Final = OwnThread(self._send_all, f"{name}-to-dask")
        self._future: Any = None
        self._room: Any = None
        """The future of the task that holds its resources."""
        self._actor: Any = None
        self._under_way: Final = CallsUnderWay()
        self._pid: int | None = None
        self._waits_for: str | None = None
        """What there must be before the worker can start it."""
        # No events: a signal handler may set them in the middle of that, and nobody waits for them.
        self._is_kill_asked = False
        self._is_withdrawn = False
        self._is_over: Final = free_in_forks(threading.Event())
        self._silence = 0.0
        """Seconds in which one could listen, and the child said nothing."""
        self._unheard = 0.0
        """Since it is to be killed: seconds in which one could listen, and the worker did not
        answer.
        """

    @property
    def pid(self) -> int | None:
        """The child's process id, on its own machine."""
        return self._pid

    def start(self) -> None:
        """Begin: everything else happens in threads."""
        self._thread.start()

    def abandon(self) -> None:
        """The start was broken off: give the child up. Any thread; does not block."""
        self.kill()

    def send(self, frame: bytes) -> None:
        """Send a message. Any thread; does not block."""
        self._outgoing.put(frame)

    def is_listening_here(self) -> bool:
        """Whether it is the calling thread that listens."""
        return threading.current_thread() is self._thread

    def kill(self) -> None:
        """End the child, or give it up before it was started. Any thread; does not block."""
        self._is_kill_asked = True
        self._tell("kill")  # Nobody waits for the answer: `gone` will come.

    def withdraw(self) -> None:
        """Give it up, if it was not started yet. Any thread; does not block."""
        self._is_withdrawn = True

    def expect_end(self) -> None:
        """The child will end by itself now, or is ended soon. In the listening thread."""
        self._tell("expect_end")

    def _tell(self, what: str) -> None:
        """Call a method of the actor that answers nothing. It may not come there: who listens tells
        it again to kill, and sees what becomes of a cluster that is gone.
        """
        if (actor := self._actor) is not None:
            with contextlib.suppress(*FAILURES):
                self._under_way.add(getattr(actor, what)())

    # In the listening thread

    def _run(self) -> None:
        listener = self._listener
        listener.listens()
        tell: Callable[[], None]
        try:
            # An actor finds its client by itself: this one, and not the one that was made last.
            with self._where.client.as_current():
                self._begin()
                tell = partial(listener.gone, self._listen())
        except _NeverBegan:
            tell = listener.never_began
        except _Gone as gone:
            tell = partial(listener.unseen, str(gone))
        except (UnknownHost, ImportError) as error:
            tell = partial(listener.broken, error)
        except FAILURES as error:
            why = f"the Dask cluster did not bring it up ({one_line(error)})"
            tell = partial(listener.unseen, why)
        self._end()
        tell()

    def _end(self) -> None:
        self._is_over.set()
        self._outgoing.put(None)
        self._let_go()

    def _let_go(self) -> None:
        futures = [future for future in (self._room, self._future) if future is not None]
        self._room = self._future = self._actor = None
        if futures:
            with contextlib.suppress(*FAILURES):  # A client that is closed has given up all it had.
                # Not as a coroutine: that complains when its loop just stops, and never runs it.
                self._where.client.loop.add_callback(self._give_up, futures)

    async def _give_up(self, futures: list[Any]) -> None:
        """Have the worker let go of the actor, and of what it holds. Nobody waits for that.

        To release them would not do: an actor holds its own future, in a circle, until the
        kernel's next garbage collection.
        """
        with contextlib.suppress(*FAILURES):
            await self._under_way.settle()
            await self._where.client.cancel(futures, asynchronous=True)

    def _begin(self) -> None:
        actor = self._settled()
        self._pid = self._answer_of(actor.begin(self._name))
        self._actor = actor
        self._sender.start()
        if self._is_kill_asked:
            self._tell("kill")

    def _settled(self) -> Any:
        """The actor, on a worker that has what the loop takes of it."""
        where = self._where
        self._waits_for = what_is_waited_for(where)
        while True:
            try:
                actor = self._made(where)
                if where.resources:
                    self._reserve(actor, where)
            except RoomElsewhere as found:
                self._let_go()
                where = replace(self._where, workers=found.workers)
            else:
                self._waits_for = None
                self._listener.waits(None)
                return actor

    def _made(self, where: DaskHost) -> Any:
        self._future = ask_for_keeper(where)
        try:
            # Its address comes over the network once more, which may never end when a worker dies
            # in between.
            actor = self._result_of(self._on_clients_loop(made(self._where, self._future)))
        except ImportError as error:
            raise cannot_be_there(error, versions()["bgwidgets"]) from None
        self._refuse_other_versions(self._answer_of(actor.versions()))
        return actor

    def _reserve(self, actor: Any, where: DaskHost) -> None:
        """Wait until its resources are there, which Dask has given back when the actor was made."""
        self._room = ask_for_room(where, *self._answer_of(actor.wants_room()))
        while not self._answer_of(actor.has_room()):  # That takes longer than a tick.
            if self._room.status not in _THERE:
                raise RuntimeError(f"its resources could not be held: {self._room.status}")
            self._result_of(self._on_clients_loop(refuse_to_wait_here(self._where, self._room)))

    def _answer_of(self, call: Any) -> Any:
        """What the actor answers to this call."""

        async def answer() -> Any:
            return await call

        coming = self._on_clients_loop(answer())
        try:
            return self._result_of(coming)
        finally:
            coming.cancel()  # It may never come.
            if not call.done():
                self._under_way.add(call)

    def _on_clients_loop(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._where.client.loop.asyncio_loop)
        except RuntimeError:  # That loop is closed.
            coroutine.close()
            raise

    def _refuse_other_versions(self, theirs: dict[str, str]) -> None:
        ours = versions()
        if theirs != ours:
            other = ", ".join(
                f"{name} {theirs.get(name, 'none')} there and {version} here"
                for name, version in ours.items()
                if theirs.get(name) != version
            )
            raise UnknownHost(
                f"the Dask worker and this kernel must have the same versions: {other}."
                " Nothing was started"
            )

    def _result_of(self, coming: Future[Any]) -> Any:
        """What comes of it, however long that takes; but not much longer once it is killed."""
        given_up = 0.0
        while True:
            began = time.monotonic()
            # Not its `result(TICK)`: a TimeoutError may be the worker's own.
            is_there = bool(wait([coming], TICK).done)
            # Not more than was waited for: this process itself may have stood still.
            waited = min(time.monotonic() - began, TICK)
            self._silence += waited
            self._unheard += waited if self._is_kill_asked else 0.0
            if is_there:
                return coming.result(0)
            if self._actor is None and (self._is_kill_asked or self._is_withdrawn):
                raise _NeverBegan  # A child may be there already, but no work: nothing was sent.
            if self._unheard >= KILL_ANSWERED_WITHIN:
                raise _Gone("its Dask worker does not answer")
            self._refuse_closed()
            given_up = given_up + waited if self._is_given_up() else 0.0
            if given_up >= TOLD_WITHIN:
                raise _Gone(self._what_is_gone())  # Not every call that waits is told so.
            if self._waits_for is not None and self._silence >= LOOKS_FIRST:
                self._listener.waits(self._waits_for)
            self._listener.silent(self._silence)

    def _refuse_closed(self) -> None:
        """Raise `_Gone` when the client is closed, or is being closed: what it is asked then is an
        error which it writes on stderr.
        """
        if self._where.client.status in {"closing", "closed"}:
            raise _Gone("the Dask client was closed")

    def _is_given_up(self) -> bool:
        """Whether the scheduler can be heard, and says that there is no actor any more."""
        return self._where.client.status == "running" and self._future.status not in _THERE

    def _listen(self) -> str:
        taken = 0
        failing_since: float | None = None
        while True:
            self._refuse_closed()
            try:
                events = self._answer_of(self._actor.poll(taken))
                self._unheard = 0.0
                if self._is_kill_asked:
                    self._tell("kill")
            except _Gone:
                raise
            except FAILURES as error:
                failing_since = failing_since or time.monotonic()
                self._judge(error, time.monotonic() - failing_since)
                self._is_over.wait(RETRY)
                self._silence += RETRY
                continue
            failing_since = None
            if not events:
                self._listener.silent(self._silence)
            for number, kind, data in events:
                taken = number
                if kind == "gone":
                    return str(data)
                if kind == "frame":
                    self._silence = 0.0
                    self._listener.received(data)
                elif kind == "dropped":
                    self._listener.dropped(int(data))
                else:
                    self._listener.wrote(data, kind)

    def _judge(self, error: BaseException, seconds: float) -> None:
        """A call has failed: raise `_Gone` when there is no hope."""
        self._refuse_closed()
        self._listener.silent(self._silence)
        if self._where.client.status != "running":
            if self._is_kill_asked and seconds >= LOST_AFTER:
                raise _Gone("its Dask scheduler cannot be reached") from error
            return  # It has lost its scheduler, and tries to find it again.
        if self._is_given_up() or seconds >= LOST_AFTER:
            raise _Gone(f"{self._what_is_gone()} ({one_line(error)})") from error

    def _what_is_gone(self) -> str:
        if self._future.status == "cancelled":
            # The scheduler, too, gives up what a client had that it does not hear any more.
            return "its Dask client lost the scheduler, or restarted the cluster"
        return "its Dask worker is gone"

    # In the sending thread

    def _next_frames(self) -> list[bytes]:
        """All that waits, for each call takes its time; none when it is over. Blocks."""
        waiting = [self._outgoing.get()]
        while True:
            try:
                waiting.append(self._outgoing.get_nowait())
            except queue.Empty:
                break
        return [] if None in waiting else [frame for frame in waiting if frame is not None]

    def _send_all(self) -> None:
        number = 0
        while frames := self._next_frames():
            while (actor := self._actor) is not None and not self._has_sent(actor, number, frames):
                self._is_over.wait(RETRY)
            number += len(frames)

    def _has_sent(self, actor: Any, number: int, frames: list[bytes]) -> bool:
        """Send them; False when it has to be tried again, if it is not over."""
        try:
            sent = actor.send(number, frames)
            self._under_way.add(sent)
            while not self._is_over.is_set():
                try:
                    sent.result(TICK)
                except TimeoutError:
                    continue
                return True
        except FAILURES:  # Who listens knows what becomes of it.
            return False
        return False
