"""Whether a run is as it was, told for next to nothing: what has changed says so by itself.

A hundred loops are asked twice a second, mostly in vain. So the state, the stop event, a warning, a
note, a bar, a late beat of the loop: each leaves a new mark when it changes, and says so. Where
that would cost too much, at the birth of a task and at a print, a number is compared: by who looks
closely at each look, and by the loop itself at each of its beats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from weakref import ref

from bgwidgets.observe.ledger import BookChanges, Ledger
from bgwidgets.output.log import OutputLog


class Signs:
    """One run's. Any thread may call everything; nothing blocks."""

    __slots__ = (
        "__weakref__",
        "_book",
        "_book_changes",
        "_output_version",
        "_stirred",
        "book_changes",
        "lag_mark",
        "mark",
        "output",
    )

    def __init__(self, output: OutputLog, stirred: Callable[[], None] = lambda: None) -> None:
        """`stirred` is called after each change but of the lag, on any thread; of the tasks and the
        output after a beat of the loop. It must return at once.
        """
        self._stirred: Final = stirred
        self._book: Ledger | None = None
        self.book_changes: BookChanges | None = None
        self._book_changes: int | None = None
        self._output_version = -1
        """As they were at the last beat."""
        self.output: Final = output
        # Marks and no count: of two threads that count, the later may set back the other's count.
        self.mark = object()
        """Another one after each change, but for those of the tasks, the output and the lag."""
        self.lag_mark = object()
        """Another one after each change of the lag that is noticeable."""
        output.stirred = self.changed

    def begin(self, book: Ledger) -> None:
        """The run has this book from now on."""
        self._book, self.book_changes = book, book.changes

    def changed(self) -> None:
        """Something has changed, and can be read by now."""
        self.mark = object()
        self._stirred()

    def beat(self) -> None:
        """See whether something has changed that does not say so. In the loop's thread."""
        self.output.all_ask_first()  # Or a task that has ended would be held by its pen.
        book, seen = self._book, self._book_changes
        version = self.output.version
        if book is None or (
            seen is not None and book.changes.none_since(seen) and version == self._output_version
        ):
            return
        self._book_changes, self._output_version = book.settled_at(), version
        self.changed()

    def lag_changed(self) -> None:
        """The loop was late, or is no more."""
        self.lag_mark = object()


class Standstill:
    """How things stood at one moment, by their signs. Keeps neither the run nor its loop alive.

    Made before a snapshot is taken: what changes meanwhile ends it.
    """

    __slots__ = (
        "_book_changes",
        "_lag_mark",
        "_mark",
        "_output_version",
        "_signs",
        "_until",
        "is_told",
    )

    def __init__(
        self,
        signs: Signs,
        *,
        mark: object,
        book_changes: int,
        lag_mark: object | None,
        until: float,
        is_told: bool,
    ) -> None:
        """`mark` and `lag_mark` are those from before one has found that nothing moves just now;
        without the latter, the lag does not count. After `until`, a `time.monotonic()`, nobody can
        say any more. `is_told`: the loop beats.
        """
        self.is_told: Final = is_told
        self._signs: Final = ref(signs)
        self._mark: Final = mark
        self._lag_mark: Final = lag_mark
        self._book_changes: Final = book_changes
        output = signs.output
        self._output_version: Final = output.version if output.has_pens else None
        """None: whatever is written leaves a mark, or comes with a pen, which does."""
        self._until: Final = until

    def holds(self, now: float) -> bool:
        """Whether all is as it was. Any thread; does not block."""
        signs = self._signs()
        return (
            signs is not None
            and signs.mark is self._mark
            and now < self._until
            and (self._lag_mark is None or signs.lag_mark is self._lag_mark)
            and signs.book_changes is not None
            and signs.book_changes.none_since(self._book_changes)
            and (self._output_version is None or signs.output.version == self._output_version)
        )
