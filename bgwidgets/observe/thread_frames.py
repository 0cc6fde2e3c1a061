"""Where all threads are in their code, as plain data.

Whoever holds a frame when its function returns is the last to hold that function's variables: what
is the user's there comes to its end in his thread, with its `__del__`. So no frame is held here
from one step of Python to the next, between which other threads may run: all is read in one step
of C code.

Up to Python 3.11 `sys._current_frames()` holds a lock of the interpreter that a new thread needs as
well, and its allocations may set off a collection, which runs finalizers: Python code, that may
lose its turn. A thread that is made in this moment waits for that lock while it holds the GIL, and
the whole process stands still, for ever. Seen: 3.11.7. From 3.12 on the collector never comes
between two steps of C code.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate, chain, compress, repeat, takewhile
from operator import attrgetter, call, is_not, methodcaller
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple, TypeVar

COLLECTS_AMID_C_CODE: Final = sys.version_info < (3, 12)
DEEPEST: Final = 5_000
"""Frames; what is further out than this is not looked at."""

T = TypeVar("T")

Place = tuple[CodeType, int]
"""A function's code, and the instruction at which it is."""


class Stack(NamedTuple):
    """What a thread was in at one moment."""

    thread: int
    places: list[Place]
    """The innermost first; at least that one."""


_guard: Final = threading.RLock()
"""Held from where the collector is switched off to where it is on again: two threads at a time
could leave it off. Reentrant, for a signal handler may come here too."""
if COLLECTS_AMID_C_CODE and hasattr(os, "register_at_fork"):
    # A child would have it held for ever by a thread that did not come along, and no collector.
    os.register_at_fork(
        before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_guard.release
    )

_place_of: Final = attrgetter("f_code", "f_lasti")
_is_one: Final = partial(is_not, None)
_OUTWARDS: Final = ("f_back",) * DEEPEST


def stacks_of(threads: Iterable[int], deepest: int = DEEPEST) -> dict[int, Stack]:
    """The stacks of those of these threads that there are. Any thread; does not block."""
    numbers = list(threads)
    with _without_collector():
        all_places = list(_places_lazily(numbers, deepest))
    return {
        number: Stack(number, places)
        for number, places in zip(numbers, all_places, strict=True)
        if places
    }


def stack_with(thread: int, besides: Iterator[T]) -> tuple[Stack | None, list[T]]:
    """A thread's stack, and what is got `besides`: of the same moment, if all of that is written in
    C. Any thread; does not block.
    """
    with _without_collector():
        both: list[Any] = list(chain(_places_lazily([thread], DEEPEST), map(list, (besides,))))
    places, got = both
    return Stack(thread, places) if places else None, got


def places_of_other_threads() -> dict[int, Place]:
    """Where each thread but the caller's is, innermost. Any thread; does not block."""
    with _without_collector():
        places = dict(_innermost_lazily())
    places.pop(threading.get_ident(), None)
    return places


def variable_in(thread: int, codes: Container[CodeType], name: str) -> object:
    """A variable of a thread's innermost function, if that has one of these codes; else None."""
    with _without_collector():
        return next(_variable_lazily([thread], codes, name), None)


# Each of these gives something that takes the frames only when it is asked. By `list` or `next`,
# it is all done at once, and no frame is left.


def _taken_lazily() -> Iterator[dict[int, FrameType]]:
    return map(call, (sys._current_frames,))  # noqa: SLF001 - documented, for all its underscore


def _innermost_lazily() -> Iterator[tuple[int, Place]]:
    # They are taken twice, but nothing has happened in between.
    frames: Any = chain.from_iterable(map(dict.values, _taken_lazily()))
    return zip(chain.from_iterable(_taken_lazily()), map(_place_of, frames), strict=True)


def _frames_lazily(threads: list[int]) -> Iterator[FrameType | None]:
    taken: Any = map(repeat, _taken_lazily())
    return map(dict.get, chain.from_iterable(taken), threads)


def _places_lazily(threads: list[int], deepest: int) -> Iterator[list[Place]]:
    and_outwards: Any = map(chain, zip(_frames_lazily(threads)), repeat(_OUTWARDS[1:deepest]))
    frames: Any = map(takewhile, repeat(_is_one), map(accumulate, and_outwards, repeat(getattr)))
    return map(list, map(map, repeat(_place_of), frames))


def _variable_lazily(threads: list[int], codes: Container[CodeType], name: str) -> Iterator[object]:
    code_of, variables_of = attrgetter("f_code"), attrgetter("f_locals")
    are_meant = map(codes.__contains__, map(code_of, filter(_is_one, _frames_lazily(threads))))
    frames = compress(filter(_is_one, _frames_lazily(threads)), are_meant)
    return map(methodcaller("get", name), map(variables_of, frames))


@contextmanager
def _without_collector() -> Iterator[None]:
    if not COLLECTS_AMID_C_CODE:
        yield
        return
    with _guard:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()
