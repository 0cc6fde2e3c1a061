"""Who is compared, each behind the same small adapter: an event loop that turns in a thread.

A peer is open only while it is its turn, and when it is closed none of its threads is left. So
nothing of one peer runs while another is measured.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from bgwidgets import LoopManager

if TYPE_CHECKING:
    from benchmarks.page import Page
    from bgwidgets import BackgroundLoop, TaskWindow
    from bgwidgets.snapshots import WindowRequest

T = TypeVar("T")
LoopFactory = Callable[[], asyncio.AbstractEventLoop]

LIMIT: Final = 600.0
"""Seconds after which something hangs: a hundred thousand tasks of a slow peer may take minutes."""
ENDS_IN: Final = 10.0
"""Seconds that the threads of a peer which was closed have to end; ours linger for half a one."""
ROWS: Final = 40
"""How many tasks a look at a loop shows."""


class Place(Protocol):
    """An open peer."""

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it as a task on the loop, and wait for its result."""

    def look(self) -> int | None:
        """Take a snapshot of the loop and its tasks, in the calling thread; how many tasks it saw.
        None when there is nothing that could be asked, or somebody else asks.
        """

    @property
    def shown(self) -> Shown | None:
        """What has become of the panel that shows the loop, if there is one."""


class Bare:
    """A loop in a thread of its own, as one would write it by hand. Nobody looks at it."""

    shown = None

    def __init__(self, loop_factory: LoopFactory) -> None:
        self.loop: Final = loop_factory()
        self._thread: Final = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """By asyncio's own means."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(LIMIT)

    def look(self) -> int | None:
        """There is nothing to ask."""
        return None

    def close(self) -> None:
        """Stop the loop; whoever measures has left no task on it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(LIMIT)
        self.loop.close()


class Monitored(Bare):
    """A bare loop with aiomonitor, which is given each task by its hook."""

    def __init__(self, loop_factory: LoopFactory) -> None:
        super().__init__(loop_factory)
        from aiomonitor import Monitor

        # Whatever ports are free.
        self._monitor: Any = Monitor(
            self.loop, hook_task_factory=True, console_enabled=False, termui_port=0, webui_port=0
        )
        self.run(self._in_the_loop(self._monitor.start))

    def look(self) -> int:
        """What its web page asks for."""
        return len(self._monitor.format_running_task_list("", persistent=False))

    def close(self) -> None:
        """Its threads too."""
        self.run(self._in_the_loop(self._monitor.close))
        super().close()

    async def _in_the_loop(self, call: Callable[[], None]) -> None:
        call()


class Counted(LoopManager):
    """A manager that counts how often it is asked for tasks, as a panel asks it."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def task_window(self, loop_id: int, request: WindowRequest) -> TaskWindow:
        """Counted."""
        self.looks += 1
        return super().task_window(loop_id, request)


@dataclass(frozen=True)
class Shown:
    """How often a panel looked at a loop's tasks, and how often a page saw another value."""

    _source: Counted
    _page: Page

    @property
    def looks(self) -> int:
        """So far."""
        return self._source.looks

    @property
    def changes(self) -> int:
        """Frames until now in which a cell has changed."""
        return self._page.changes


class Ours:
    """A loop of ours, which a panel shows, or nobody looks at but by `look`."""

    def __init__(self, job: BackgroundLoop, shown: Shown | None = None) -> None:
        self.job: Final = job
        self.shown: Final = shown

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """As users do."""
        result: T = self.job.submit(coroutine).result(LIMIT)
        return result

    def look(self) -> int | None:
        """What a panel asks for, when there is none."""
        if self.shown is not None:
            return None
        self.job.snapshot()
        return self.job.task_window(start=0, stop=ROWS).total


@contextmanager
def _bare(loop_factory: LoopFactory, kind: type[Bare] = Bare) -> Iterator[Place]:
    place = kind(loop_factory)
    yield place
    place.close()


@contextmanager
def _ours(loop_factory: LoopFactory, interval: float | None) -> Iterator[Place]:
    manager = Counted()
    with ExitStack() as stack:
        job = manager.start(name="measured", loop_factory=loop_factory)
        stack.callback(_end, job)
        if interval is None:
            yield Ours(job)
        else:
            # Only now: whoever is measured without a panel does not load the widgets.
            from benchmarks.page import Page
            from bgwidgets.widgets.control_panel import ControlPanel

            page = stack.enter_context(Page())
            panel = ControlPanel(manager, interval)
            stack.callback(panel.close)
            page.open(panel)
            yield Ours(job, Shown(manager, page))


def _end(job: BackgroundLoop) -> None:
    job.stop_loop()
    job.wait(LIMIT)
    job.remove()


def _new_uvloop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


@dataclass(frozen=True)
class Peer:
    """How to open one. The number is the panel's interval in seconds, for whoever has one."""

    name: str
    opener: Callable[[float], AbstractContextManager[Place]]
    needs: tuple[str, ...] = ()
    """Modules that are not ours."""

    @property
    def missing(self) -> list[str]:
        """Modules without which it cannot be measured."""
        return [module for module in self.needs if importlib.util.find_spec(module) is None]

    @property
    def is_ours(self) -> bool:
        """Whether its loop is one of this package."""
        return self.name.startswith("bgwidgets")

    @contextmanager
    def opened(self, interval: float) -> Iterator[Place]:
        """Return when all threads that it started have ended."""
        before = set(threading.enumerate())
        with self.opener(interval) as place:
            yield place
        deadline = time.monotonic() + ENDS_IN
        started = [thread for thread in threading.enumerate() if thread not in before]
        for thread in started:
            thread.join(max(0.0, deadline - time.monotonic()))
        if left := [thread.name for thread in started if thread.is_alive()]:
            raise RuntimeError(f"{self.name} left threads behind: {', '.join(left)}")


def _opens(opener: Callable[[], AbstractContextManager[Place]]) -> Callable[[float], Any]:
    return lambda _interval: opener()


BARE: Final = "bare asyncio"
OURS: Final = "bgwidgets, panel open"
UNSHOWN: Final = "bgwidgets, no panel"
UVLOOP: Final = "uvloop"
OURS_ON_UVLOOP: Final = "bgwidgets on uvloop, panel open"

PEERS: Final = {
    peer.name: peer
    for peer in (
        Peer(BARE, _opens(partial(_bare, asyncio.new_event_loop))),
        # The same once more: how far its ratio is from 1 says how far the others' can be trusted.
        Peer("bare asyncio again", _opens(partial(_bare, asyncio.new_event_loop))),
        Peer(OURS, partial(_ours, asyncio.new_event_loop)),
        Peer(UNSHOWN, _opens(partial(_ours, asyncio.new_event_loop, None))),
        Peer(
            "aiomonitor, hooked",
            _opens(partial(_bare, asyncio.new_event_loop, Monitored)),
            ("aiomonitor",),
        ),
        Peer(UVLOOP, _opens(partial(_bare, _new_uvloop)), ("uvloop",)),
        Peer(OURS_ON_UVLOOP, partial(_ours, _new_uvloop), ("uvloop",)),
    )
}


def installed() -> tuple[list[Peer], list[str]]:
    """The peers that can be measured, and a line for each of the others."""
    asked = list(PEERS.values())
    notes = [not_measured(peer.name, peer.missing) for peer in asked if peer.missing]
    return [peer for peer in asked if not peer.missing], notes


def not_measured(name: str, missing: Sequence[str]) -> str:
    """What is said instead of a figure."""
    return f"{name}: not measured, for {', '.join(missing)} is not installed (`make bench` does it)"
