"""The last steps of a run. Whoever waits for its end must hear of it, whatever is broken: each step
is taken, whatever became of those before it, and of what failed there is a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Final

from bgwidgets.hosts.protocol import Leftovers, LoopEnd
from bgwidgets.observe.error_text import one_line
from bgwidgets.states import LoopState

NOT_IN_ORDER: Final = "the loop did not end in order"
"""What the notes say of steps that have nothing to do with asyncio's own loop."""
NOT_CLOSED: Final = "the event loop could not be closed"
"""What they say of that one."""


def take_all(
    steps: Iterable[Callable[[], object]], what_failed: str, note: Callable[[str], None]
) -> None:
    """Take these in turn. `note` is told of each that fails `what_failed`, and the error in a line.
    Raises nothing of theirs, be it an interrupt.
    """
    for step in steps:
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - the end comes, whatever is broken
            note(f"{what_failed}: {one_line(error)}")


def what_is_left(find: Callable[[], Leftovers], note: Callable[[str], None]) -> Leftovers:
    """What this finds; when it fails, only that. `note` is told so, too."""
    try:
        return find()
    except BaseException as error:  # noqa: BLE001 - the end comes, whatever is broken
        why = f"what the loop has left could not be found out: {one_line(error)}"
        note(why)
        return Leftovers(notes=(why,))


def report(
    ended: Future[LoopEnd],
    changed: Callable[[], None],
    *,
    state: LoopState,
    ended_at: float,
    result: Any,
    exception: BaseException | None,
    leftovers: Leftovers,
) -> None:
    """Tell those who wait for `ended` how the run ended, and then, whatever became of that, those
    who look. A result is told of one that has finished, an exception of one that has failed.
    """
    end = LoopEnd(
        state=state,
        ended_at=ended_at,
        result=result if state is LoopState.FINISHED else None,
        exception=exception if state is LoopState.FAILED else None,
        leftovers=leftovers,
    )
    try:
        ended.set_result(end)
    finally:
        changed()
