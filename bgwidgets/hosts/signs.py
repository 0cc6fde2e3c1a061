"""Whether a run is as it was, told for next to nothing: what has changed says so by itself.

A hundred loops are asked twice a second, mostly in vain. So the state, the stop event, a warning, a
note, a bar, a late beat of the loop: each leaves a new mark when it changes. Where a mark would
cost too much, at the birth of a task and at a print, a number is compared.
"""

from __future__ import annotations

from typing import Final
from weakref import ref

from bgwidgets.observe.ledger import Ledger
from bgwidgets.output.log import OutputLog


class Signs:
    """One run's. Any thread may call everything; nothing blocks."""

    __slots__ = ("__weakref__", "book", "lag_mark", "mark", "output")

    def __init__(self, output: OutputLog) -> None:
        self.output: Final = output
        self.book: Ledger | None = None
        """The run's, from its beginning on."""
        # Marks and no count: of two threads that count, the later may set back the other's count.
        self.mark = object()
        """Another one after each change, but for those of the tasks, the output and the lag."""
        self.lag_mark = object()
        """Another one after each change of the lag that is noticeable."""

    def changed(self) -> None:
        """Something has changed, and can be read by now."""
        self.mark = object()

    def lag_changed(self) -> None:
        """The loop was late, or is no more."""
        self.lag_mark = object()


class Standstill:
    """How things stood at one moment, by their signs. Keeps neither the run nor its loop alive.

    Made before a snapshot is taken: what changes meanwhile ends it.
    """

    __slots__ = ("_book_changes", "_lag_mark", "_mark", "_output_version", "_signs", "_until")

    def __init__(
        self, signs: Signs, mark: object, book_changes: int, lag_mark: object | None, until: float
    ) -> None:
        """`mark` and `lag_mark` are those from before one has found that nothing moves just now;
        without the latter, the lag does not count. After `until`, a `time.monotonic()`, nobody can
        say any more.
        """
        self._signs: Final = ref(signs)
        self._mark: Final = mark
        self._lag_mark: Final = lag_mark
        self._book_changes: Final = book_changes
        self._output_version: Final = signs.output.version
        self._until: Final = until

    def holds(self, now: float) -> bool:
        """Whether all is as it was. Any thread; does not block."""
        signs = self._signs()
        return (
            signs is not None
            and signs.mark is self._mark
            and now < self._until
            and (self._lag_mark is None or signs.lag_mark is self._lag_mark)
            and signs.book is not None
            and signs.book.is_as_at(self._book_changes)
            and signs.output.version == self._output_version
        )
