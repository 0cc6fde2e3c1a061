"""The figures of one run of a loop: each by its name, and the picture that was drawn of it last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bgwidgets.belonging import enter_context
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.output.drawing_thread import drawing_thread
from bgwidgets.plain_text import plain_text
from bgwidgets.snapshots import FigureSnapshot

if TYPE_CHECKING:
    from bgwidgets.output.live_figure import LiveFigure

MOST_FIGURES: Final = 20
"""Of one loop: each is a picture that is drawn again and again."""
NEXT_AFTER: Final = 0.5
"""Seconds from one picture of a figure to the next."""
SETTLED_AFTER: Final = 0.05
"""Seconds without a change after which a figure is taken to be whole."""
IMPATIENT_AFTER: Final = 0.5
"""Seconds after which a fifth of that has to do: something changes the figure all the time."""
TIRED_AFTER: Final = 2.0
"""Seconds after which it is drawn as it happens to be."""
AGAIN_AFTER: Final = 0.01
"""Seconds after which one tries again to copy a figure that was being changed."""
LONGEST_ERROR: Final = 400
DRAWING_LIMIT: Final = 3.0
"""Seconds that one waits for the last pictures of a loop that has ended."""
LOOKED_AT_FOR: Final = 10.0
"""Seconds after a look in which somebody is taken to be looking."""


class Sketch:
    """One figure, and its picture. When it is drawn, and from what."""

    def __init__(
        self,
        name: str,
        loop_id: int,
        tell_of_error: Callable[[str, str], None],
    ) -> None:
        self._tell_of_error: Final = tell_of_error
        self._context: Final = copy_context()
        """What matplotlib prints while it draws is the loop's."""
        self._context.run(enter_context, loop_id)
        self.figure: LiveFigure | None = None
        """None when it will not be drawn again."""
        self._dirty_since: float | None = None
        self._snapshot = FigureSnapshot(name=name)
        self._next_at = 0.0
        self._looked_at = 0.0
        self._is_over = False

    # From any thread

    def begin(self, figure_arguments: dict[str, Any]) -> LiveFigure:
        """Make the figure; what there is of it from the beginning is not worth a picture."""
        self.figure = live_figure(self._changed, figure_arguments)
        self._dirty_since = None
        return self.figure

    def _changed(self) -> None:
        if self._dirty_since is None:
            self._dirty_since = time.monotonic()
            drawing_thread.wake()

    @property
    def drawn(self) -> FigureSnapshot:
        """As it was drawn last. For who wants to have it, and does not look at it: it is not drawn
        for that.
        """
        return self._snapshot

    def look(self) -> FigureSnapshot:
        """The last picture; somebody looks, so it will be kept up to date. Does not block."""
        self._looked_at = time.monotonic()
        if self._dirty_since is not None:
            drawing_thread.wake()
        return self._snapshot

    def close(self) -> None:
        """The run is over: the last picture is to be drawn, and that is all."""
        self._is_over = True
        drawing_thread.wake()

    # In the drawing thread

    @property
    def is_done(self) -> bool:
        """Whether it will not be drawn again."""
        return self._is_over and self._dirty_since is None

    def due_at(self, now: float) -> float | None:
        """When it is to be drawn (`time.monotonic()`); None: not before something happens."""
        since, figure = self._dirty_since, self.figure
        if since is None or figure is None:
            return None
        if self._is_over:
            return self._next_at if self._next_at < now + AGAIN_AFTER else now
        if self._snapshot.version and now - self._looked_at > LOOKED_AT_FOR:
            return None
        changed_at = figure.changed_at
        if figure.whole_at >= changed_at:
            settled_at = changed_at
        else:
            settled_at = min(
                changed_at + SETTLED_AFTER,
                max(changed_at + SETTLED_AFTER / 5, since + IMPATIENT_AFTER),
                since + TIRED_AFTER,
            )
        return max(settled_at, self._next_at)

    def draw(self) -> None:
        """Draw it now, or try again soon. Blocks for as long as matplotlib takes."""
        self._context.run(self._draw)
        if self.is_done:
            self.figure = None  # With all that was plotted.

    def _draw(self) -> None:
        figure, since, begun = self.figure, self._dirty_since, time.monotonic()
        if figure is None or since is None:
            return
        is_tired = begun - since > TIRED_AFTER
        # Before the copy: a change that comes after this is to be seen the next time.
        self._dirty_since = None
        try:
            copy = figure.copied(may_be_torn=is_tired, in_spite_of_lock=is_tired and self._is_over)
            if copy is None:
                self._dirty_since = since
                self._next_at = begun + AGAIN_AFTER
                return
            png = copy.as_png()
        except BaseException as error:  # noqa: BLE001 - SystemExit, too: the loop is warned of it
            self._failed(error)
        else:
            self._snapshot = replace(
                self._snapshot,
                png=png,
                version=self._snapshot.version + 1,
                drawn_at=time.time(),
                error=None,
            )
        self._next_at = begun + NEXT_AFTER

    def _failed(self, error: BaseException) -> None:
        said = " ".join(str(error).split())[:LONGEST_ERROR]
        text = f"{type(error).__name__}: {said}" if said else type(error).__name__
        self._snapshot = replace(self._snapshot, error=text)
        self._tell_of_error(self._snapshot.name, text)


class Figures:
    """All figures of one run. Any thread may call everything; nothing blocks for long."""

    def __init__(
        self,
        loop_id: int,
        tell_of_error: Callable[[str, str], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell_of_error` is called with a figure's name and why it could not be drawn; `changed`
        when there is one more. Both must return at once.
        """
        self._loop_id: Final = loop_id
        self._tell_of_error: Final = tell_of_error
        self._changed: Final = changed
        self._guard: Final = free_in_forks(threading.Lock())
        self._sketches: Final[dict[str, Sketch]] = {}
        self._is_over = False

    def __len__(self) -> int:
        return len(self._sketches)

    def figure(self, name: Any, figure_arguments: dict[str, Any]) -> LiveFigure:
        """The figure of that name, which is made when there is none.

        Raises ValueError when there are too many. After the end of the run nobody draws it.
        """
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"a figure's name is a text, not {name!r}: figure('loss')")
        name = plain_text(name)
        with self._guard:
            known = self._sketches.get(name)
            if known is not None and (figure := known.figure) is not None:
                return figure
            if self._is_over:
                return live_figure(lambda: None, figure_arguments)
            if len(self._sketches) >= MOST_FIGURES:
                raise ValueError(
                    f"{name!r} would be one figure more than the {MOST_FIGURES} that a loop can"
                    " have: draw again in one that there is"
                )
            sketch = Sketch(name, self._loop_id, self._tell_of_error)
            figure = sketch.begin(figure_arguments)
            self._sketches[name] = sketch
            drawing_thread.add(sketch)
        self._changed()
        return figure

    def drawn(self) -> dict[str, FigureSnapshot]:
        """As they were drawn last, whoever looks at them."""
        return {name: sketch.drawn for name, sketch in list(self._sketches.items())}

    def look(self) -> dict[str, FigureSnapshot]:
        """The last picture of each, by name."""
        return {name: sketch.look() for name, sketch in list(self._sketches.items())}

    def close(self) -> None:
        """The run is over: the last pictures are drawn, and that is all."""
        with self._guard:
            self._is_over = True
            sketches = list(self._sketches.values())
        for sketch in sketches:
            sketch.close()

    def wait_until_drawn(self, limit: float) -> None:
        """Wait, after `close()`, for the last pictures; at most `limit` seconds. Blocks."""
        until = time.monotonic() + limit
        for sketch in list(self._sketches.values()):
            while drawing_thread.has(sketch) and time.monotonic() < until:
                time.sleep(AGAIN_AFTER)


def live_figure(changed: Callable[[], None], figure_arguments: dict[str, Any]) -> LiveFigure:
    """A new one. Raises ImportError, and says what to do, where matplotlib is missing."""
    try:
        from bgwidgets.output.live_figure import LiveFigure
    except ImportError as error:
        raise ImportError(
            "figure() needs matplotlib: pip install 'bgwidgets[plot]', or pip install matplotlib"
        ) from error
    return LiveFigure(changed, **figure_arguments)
