"""A matplotlib figure that others may look at while it is being changed.

The only module that imports matplotlib, and never pyplot. What is drawn is a copy, which is made in
a few milliseconds: the picture itself takes a multiple of that, and nobody has to wait for it.
"""

from __future__ import annotations

import copy
import itertools
import pickle
import threading
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, Self, cast

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bgwidgets.fork_locks import free_in_forks

_ticks: Final = itertools.count(1)
OUR_ATTRIBUTES: Final = ("_bgw_lock", "_bgw_changed", "changes", "changed_at", "whole_at")
"""They are not the picture's."""


class LiveFigure(Figure):
    """A figure whose picture is drawn elsewhere, from copies.

    `with figure:` keeps others from copying it half changed; who enters waits for a copy that is
    being made, a few milliseconds. Without it, a copy is made when nothing was changed for a
    moment.
    """

    def __init__(self, changed: Callable[[], None], **figure_arguments: Any) -> None:
        """`changed` is called after each change, in the thread that made it."""
        self._bgw_lock = free_in_forks(threading.RLock())
        self._bgw_changed = changed
        self.changes = 0
        """Another number after each change."""
        self.changed_at = 0.0
        self.whole_at = 0.0
        """When somebody said that it is whole; both as of `time.monotonic()`."""
        super().__init__(**figure_arguments)
        _Canvas(self)
        self.stale_callback = _became_stale

    def __enter__(self) -> Self:
        self._bgw_lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._bgw_lock.release()
        self.is_whole()

    def is_whole(self) -> None:
        """What there is now is to be shown. Any thread; does not block."""
        self.note_change()
        self.whole_at = self.changed_at

    def note_change(self) -> None:
        """It is not any more what it was. Any thread; does not block."""
        self.changed_at = time.monotonic()
        self.changes = next(_ticks)
        self._bgw_changed()

    def draw(self, renderer: Any) -> None:
        """As ever; not while it is being copied."""
        with self._bgw_lock:
            super().draw(renderer)

    def savefig(self, *arguments: Any, **options: Any) -> None:
        """As ever; not while it is being copied, for it changes the figure for a moment."""
        with self._bgw_lock:
            super().savefig(*arguments, **options)

    def __getstate__(self) -> dict[str, Any]:
        state = cast("dict[str, Any]", super().__getstate__())
        return {name: value for name, value in state.items() if name not in OUR_ATTRIBUTES}

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        # A copy is a plain figure, which nobody watches.
        return object.__new__, (Figure,), self.__getstate__()

    def copied(self, *, may_be_torn: bool = False, in_spite_of_lock: bool = False) -> Copy | None:
        """What is to be drawn. None when it changed meanwhile, or somebody is in its `with`.

        Any thread; does not block. Raises whatever keeps the figure from being copied.
        """
        has_lock = self._bgw_lock.acquire(blocking=False)
        if not (has_lock or in_spite_of_lock):
            return None
        before = self.changes
        try:
            made = _copy_of(self)
        except Exception:
            if self.changes == before or may_be_torn:
                raise
            return None
        else:
            return made if self.changes == before or may_be_torn else None
        finally:
            if has_lock:
                self._bgw_lock.release()


class _Canvas(FigureCanvasAgg):
    """On which one draws only who asks for it: `draw_idle()` says that the figure is whole."""

    def draw_idle(self, *_: Any, **__: Any) -> None:
        """Have it drawn elsewhere."""
        if isinstance(self.figure, LiveFigure):
            self.figure.is_whole()


class Copy:
    """A figure that nobody changes."""

    def __init__(self, make: Callable[[], Figure]) -> None:
        self._make: Final = make

    def as_png(self) -> bytes:
        """Draw it. Blocks for as long as matplotlib takes."""
        figure, buffer = self._make(), BytesIO()
        FigureCanvasAgg(figure).print_png(buffer)  # type: ignore[no-untyped-call] # matplotlib's
        return buffer.getvalue()


def _copy_of(figure: Figure) -> Copy:
    try:
        pickled = pickle.dumps(figure)
    except (pickle.PicklingError, AttributeError, TypeError):  # A lambda in a formatter, say.
        made = copy.deepcopy(figure)
        return Copy(lambda: made)
    return Copy(lambda: pickle.loads(pickled))  # noqa: S301 - our own


def _became_stale(figure: Any, is_stale: bool) -> None:
    if is_stale:
        figure.note_change()
