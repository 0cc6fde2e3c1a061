"""Puts beside every event loop of this process what runs beside every loop of ours."""

from __future__ import annotations

import asyncio
import functools
from typing import Any, Final
from weakref import WeakKeyDictionary

from bgwidgets.hosts.liveness import Liveness
from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.observe.ledger import Ledger

WATCHES: Final = ("nothing", "ledger", "everything")
"""What a run of the tests may have beside its loops; everything is the ledger, the warnings and
the heartbeat, with the thread that looks at all loops.
"""


class Watch:
    """What was watched. It is not held beyond its loop, which would be a difference by itself."""

    def __init__(self) -> None:
        self.loops = 0
        self.tasks = 0
        self._ledgers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Ledger]] = (
            WeakKeyDictionary()
        )

    def begin(self, watch: str) -> None:
        """Watch the loops that are made from now on."""
        if watch == "nothing":
            return
        loops: Any = asyncio.BaseEventLoop
        loops.__init__ = self._with_a_ledger(loops.__init__)
        loops.close = self._closing_its_ledger(loops.close)
        if watch == "everything":
            # The thread that looks at all loops ends half a second after the last one, for which
            # many of the tests would wait: they count threads. So here is one more that lasts.
            Liveness("beside the tests", LoopWarnings(0)).begin(asyncio.new_event_loop())
            loops.run_forever = self._with_all_else(loops.run_forever)
        _keep_ours_out_of_the_script()

    def _with_a_ledger(self, original: Any) -> Any:
        @functools.wraps(original)
        def __init__(loop: Any, *args: Any, **options: Any) -> None:  # noqa: N807
            original(loop, *args, **options)
            # The loop itself holds it, by its `create_task`.
            self._ledgers[loop] = Ledger(loop)
            self.loops += 1

        return __init__

    def _closing_its_ledger(self, original: Any) -> Any:
        @functools.wraps(original)
        def close(loop: Any) -> None:
            original(loop)
            ledger = self._ledgers.pop(loop, None)
            if ledger is not None:
                ledger.close()
                self.tasks += ledger.history().births

        return close

    def _with_all_else(self, original: Any) -> Any:
        @functools.wraps(original)
        def run_forever(loop: Any) -> None:
            # A call that asyncio is about to refuse.
            if loop.is_closed() or loop.is_running() or asyncio._get_running_loop() is not None:
                original(loop)
                return
            warnings = LoopWarnings(self.loops)
            liveness = Liveness("under test", warnings)
            if (ledger := self._ledgers.get(loop)) is not None:
                warnings.begin(loop, ledger)
            liveness.begin(loop)
            try:
                original(loop)
            finally:
                liveness.end()
                warnings.at_the_end(())
                warnings.end(warnings)

        return run_forever


def _keep_ours_out_of_the_script() -> None:
    """The clock of CPython's `TestLoop` is a script: it lists every timer that the test is going
    to set, and one more ends it. Of ours it is not told; they are set all the same.
    """
    from test.test_asyncio.utils import TestLoop  # type: ignore[import-not-found]

    scripted = TestLoop.call_at

    @functools.wraps(scripted)
    def call_at(loop: Any, when: float, callback: Any, *args: Any, **options: Any) -> Any:
        if str(callback.__module__).startswith("bgwidgets."):
            return asyncio.BaseEventLoop.call_at(loop, when, callback, *args, **options)
        return scripted(loop, when, callback, *args, **options)

    TestLoop.call_at = call_at
