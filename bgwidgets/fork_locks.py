"""Locks that are free in a fork of this process, whoever held them when it was made.

A fork has only the thread that made it. What another thread held stays locked there for ever, and
whoever asks an inherited loop for anything, or stops it, would wait for a thread that did not come
along. What such a lock guards is a copy of what that thread was in the midst of; it is good enough
to look at, and to be told that it ends.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from types import MethodType
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from bgwidgets.unraisable import tell

L = TypeVar("L")

_locks: Final[WeakSet[Any]] = WeakSet()
_calls: Final[WeakKeyDictionary[Any, Callable[[Any], None]]] = WeakKeyDictionary()
"""By the object whose method it is, or by the function itself. In the order in which they came."""


def free_in_forks(lock: L) -> L:
    """The same: a lock, a condition, an event or a future, which will be free in each fork.

    A reentrant lock that is held by the very thread that forks stays its own: it goes on there.
    Any thread; nothing is kept alive.
    """
    _locks.add(_lock_of(lock))
    return lock


def call_in_forks(call: Callable[[], None]) -> None:
    """Have this called in each fork, at once, when the locks are free: one method of an object, for
    as long as that lives, or a function. Any thread.
    """
    if isinstance(call, MethodType):
        _calls[call.__self__] = call.__func__
    else:
        _calls[call] = lambda function: function()


def set_free(lock: object) -> None:
    """Free it now, in a fork: for one of the many that are not worth being known before."""
    # Private names of the standard library, which has them for its own locks: seen in 3.11 to 3.13.
    renew = getattr(_lock_of(lock), "_at_fork_reinit", None)
    is_own = getattr(_lock_of(lock), "_is_owned", None)
    if renew is not None and not (is_own is not None and is_own()):
        renew()


def _lock_of(lock: object) -> object:
    return getattr(lock, "_condition", lock) if isinstance(lock, Future) else lock


def _begin_anew() -> None:
    """All of it, whatever goes wrong with one."""
    steps = [partial(set_free, lock) for lock in list(_locks)]
    steps += [partial(call, owner) for owner, call in list(_calls.items())]
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            tell(error, "Exception ignored in a fork, which begins anew", step)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
