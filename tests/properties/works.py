"""The work of the loops in these tests: it does as it is told, or as the stop event says."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, StopEvent
from tests.properties.model import Kind
from tests.waiting import LIMIT


class Broken(Exception):
    """What the work raises when it is told to."""


@dataclass
class Word:
    """What one run of a loop's work is told."""

    stop_event: StopEvent | None
    wake: Callable[[], object]
    fails: bool = False

    def obey(self) -> None:
        """When it was woken."""
        if self.fails:
            raise Broken


class Told:
    """Where the work of a loop is told to return or to raise; each run has a word of its own."""

    def __init__(self, *, has_work: bool = True) -> None:
        self.has_work = has_work
        self._word: Word | None = None

    def begin(self, stop_event: StopEvent | None, wake: Callable[[], object]) -> Word:
        """Called first by each run."""
        self._word = Word(stop_event, wake)
        return self._word

    def has_begun(self, job: BackgroundLoop) -> bool:
        """Whether the work of the run that there is now has come to its wait."""
        if not self.has_work or job.host == "adopted":
            return True
        return self._word is not None and self._word.stop_event is job.stop_event

    def tell(self, *, fails: bool) -> None:
        """Have the run that began last return or fail. Of one that has ended, nobody hears it."""
        if (word := self._word) is not None:
            word.fails = fails
            word.wake()


async def waits(told: Told) -> None:
    """Takes no notice of the stop event."""
    event = StopEvent()
    word = told.begin(_stop_event(), event.set)
    await event.wait()
    word.obey()


async def polite(told: Told) -> None:
    """Ends by the stop event."""
    event = _stop_event()
    word = told.begin(event, event.set)
    await event.wait()
    word.obey()


def plain(told: Told) -> None:
    """Is told nothing: it ends by the stop event."""
    event = _stop_event()
    told.begin(event, lambda: None)
    event.wait_sync()


WORKS: dict[Kind, Callable[[Told], Any]] = {
    Kind.WAITS: waits,
    Kind.POLITE: polite,
    Kind.PLAIN: plain,
}


class Owner:
    """Somebody else's thread with its own event loop."""

    def __init__(self, told: Told) -> None:
        self.loop = asyncio.new_event_loop()
        self.event = asyncio.Event()
        self._told = told
        self._runs = threading.Event()
        self._thread = threading.Thread(target=self._run, name="owner", daemon=True)
        self._thread.start()
        assert self._runs.wait(LIMIT)

    def _run(self) -> None:
        main = self.loop.create_task(self._main())
        # When the loop is stopped under its runner, which then does not ask how its task fares.
        main.add_done_callback(lambda main: main.cancelled() or main.exception())
        try:
            self.loop.run_until_complete(main)
        except (Broken, asyncio.CancelledError, RuntimeError):
            return  # What it was told; or it was cancelled, or the loop stopped under its runner.

    async def _main(self) -> None:
        word = self._told.begin(None, self._wake)
        self._runs.set()
        await self.event.wait()
        word.obey()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # It has ended, and is closed.
            self.loop.call_soon_threadsafe(self.event.set)

    def end(self) -> None:
        """Of a loop that nobody has adopted. Nothing is left of it."""
        self._wake()
        self.join()
        self.loop.close()

    def join(self) -> None:
        """Its thread has ended, or is about to."""
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()


async def turns() -> None:
    """What was asked for before this is done, and what follows from it."""
    for _ in range(10):
        await asyncio.sleep(0)


async def for_ever() -> None:
    """Hangs."""
    await asyncio.Event().wait()


async def short(*, fails: bool) -> int:
    """Ends at once."""
    if fails:
        raise Broken
    return 7


def _stop_event() -> StopEvent:
    me = bgw.current()
    assert me is not None
    return me.stop_event
