"""What a page of a sorted or filtered table costs: forty rows out of a hundred thousand tasks.

They are asked for twice a second, as a panel does, while a ticker of 1 ms runs on the loop. The
first view takes the tasks as they come, and is what the others are compared with. Each round is a
process of its own, which has the views in another order.
"""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.in_a_child import answer, measured_by
from benchmarks.lateness import PERIOD, TICKS, ticker
from benchmarks.measure import Result, rows_of
from benchmarks.peers import PEERS, UNSHOWN, Ours
from benchmarks.sleepers import COUNT, start_sleepers
from bgwidgets.snapshots import WindowRequest

LOOK_EVERY: Final = 0.5
ROWS: Final = 40
AS_THEY_COME: Final = "as they come"
VIEWS: Final = {
    AS_THEY_COME: WindowRequest(stop=ROWS),
    "by name": WindowRequest(sort="name", stop=ROWS),
    "by age": WindowRequest(sort="age", stop=ROWS),
    "by what they wait on": WindowRequest(sort="waiting_on", stop=ROWS),
    "with a text in the name": WindowRequest(filter="ask-99", stop=ROWS),
    "with a text that none has": WindowRequest(filter="nothing of the kind", stop=ROWS),
}
FEWEST: Final = 0.5
"""The part of all pages that must have come in time."""
FIGURES: Final = {
    "processor": "processor time of the kernel in a second, with the ticker",
    "page": "time until one page has come",
    "p99": "99th percentile of the ticker's lateness meanwhile",
    "worst": "its latest tick",
}


def run(rounds: int) -> list[Result]:
    """Four figures, for each view."""
    measured = [measured_by("benchmarks.sorting") for _ in range(rounds)]
    return [
        Result(
            f"sorting: {ROWS} of {COUNT:,} tasks, {what}",
            rounds,
            rows_of(
                {view: [each[view][figure] for each in measured] for view in VIEWS}, AS_THEY_COME
            ),
        )
        for figure, what in FIGURES.items()
    ]


def measure() -> None:
    """In a process of its own, which ends with it."""
    with PEERS[UNSHOWN].opened(LOOK_EVERY) as place:
        if not isinstance(place, Ours):
            raise TypeError("only a loop of ours has pages")
        start_sleepers(place, COUNT)
        views = list(VIEWS)
        random.shuffle(views)
        answer({view: _figures(place, VIEWS[view]) for view in views})


def _figures(place: Ours, view: WindowRequest) -> dict[str, Any]:
    with _asked_for(place, view) as pages:
        began, processor = time.monotonic(), time.process_time()
        late = place.run(ticker())
        took, processor = time.monotonic() - began, time.process_time() - processor
    if len(pages) < FEWEST * TICKS * PERIOD / LOOK_EVERY:
        raise RuntimeError(f"there were only {len(pages)} pages of {view}")
    return {
        "processor": processor / took,
        "page": statistics.median(pages),
        "p99": statistics.quantiles(late, n=100)[98],
        "worst": max(late),
    }


@contextmanager
def _asked_for(place: Ours, view: WindowRequest) -> Iterator[list[float]]:
    """Again and again. How long each page took, when the block has ended."""
    seconds = list[float]()
    is_over = threading.Event()

    def ask_again_and_again() -> None:
        while not is_over.wait(LOOK_EVERY):
            began = time.monotonic()
            window = place.job.window(view)
            seconds.append(time.monotonic() - began)
            if not view.filter and len(window.tasks) != ROWS:
                raise RuntimeError(f"{len(window.tasks)} rows instead of {ROWS}")

    thread = threading.Thread(target=ask_again_and_again)
    thread.start()
    try:
        yield seconds
    finally:
        is_over.set()
        thread.join()


if __name__ == "__main__":
    measure()
