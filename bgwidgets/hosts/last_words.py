"""Time for last words: `os._exit` and `os.abort` end a process only when it has said them.

Work that ends its process by itself has often said why just before it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

from bgwidgets.own_thread import OwnThread

LAST_WORDS_LIMIT: Final = 1.0
"""Seconds for them in all, whoever holds them up: a kernel that stands still, or another thread."""


def say_before_the_end(say: Callable[[], None]) -> None:
    """From now on call `say` before this process ends by itself. Its forks end as ever.

    `say` may raise and may block: it ends all the same.
    """
    for name in ("_exit", "abort"):
        end = getattr(os, name)
        says_first = _saying_first(say, end)
        # Also where it is defined: there it is looked up by who unpickles it, which is by its name,
        # so that a process that this one starts gets the real one.
        for module in (os, sys.modules[end.__module__]):
            setattr(module, name, says_first)


def _saying_first(say: Callable[[], None], end: Callable[..., NoReturn]) -> Callable[..., NoReturn]:
    pid = os.getpid()

    @functools.wraps(end)
    def says_first(*args: Any, **kwargs: Any) -> NoReturn:
        def end_all_the_same() -> None:
            time.sleep(LAST_WORDS_LIMIT)
            with contextlib.suppress(Exception):  # As of wrong arguments: who called it is told.
                end(*args, **kwargs)

        try:
            if os.getpid() == pid:
                with contextlib.suppress(RuntimeError):  # None can be had: then there is no limit.
                    OwnThread(end_all_the_same, "bgwidgets-end").start()
                with contextlib.suppress(Exception):
                    say()
        finally:
            end(*args, **kwargs)

    return says_first
