"""What the work calls to show what it has found: `metric()` and `figure()`."""

from __future__ import annotations

import threading
import warnings
from math import inf
from typing import TYPE_CHECKING, Any, Final

from bgwidgets.belonging import current_loop_id, loop_id_of_thread, stop_event_of_worker
from bgwidgets.output.clock import now
from bgwidgets.output.figures import live_figure
from bgwidgets.output.findings import findings_of
from bgwidgets.output.series import CHUNK, Series

if TYPE_CHECKING:
    from bgwidgets.output.live_figure import LiveFigure


class _Here(threading.local):
    series: dict[str, Series] = {}  # noqa: RUF012 - never written to, only replaced
    """By name, of the run to which the thread belongs; empty until that was found out."""


_here: Final = _Here()
_said_already: Final[set[str]] = set()
"""Of which calls it was said that they were made outside of any loop."""


def metric(name: str, value: Any, *, loop: Any = None) -> None:
    """Add a value to a metric of the loop to which the calling code belongs, for its chart.

    `value` is a number, or what `float()` makes one of. One that is not finite leaves a gap. `loop`
    says whose it is, for code that belongs to no loop: a `BackgroundLoop`. `job.metrics` has what
    came of it.

    Any thread; does not block, and takes a third of a microsecond. Raises TypeError for what is no
    number, ValueError for more than 100 names. Outside of any loop it warns once.
    """
    if type(value) is not float:
        value = _number(name, value)
    if loop is None:
        try:
            series = _here.series.get(name)
        except TypeError:  # It cannot even be looked for.
            series = None
    else:
        series = None
    if series is None:
        series = _find_series(name, loop)
        if series is None:
            return
    numbers = series.numbers
    numbers.extend((now(), value))
    if len(numbers) >= CHUNK:
        series.settle()


def figure(name: str, *, loop: Any = None, **figure_arguments: Any) -> LiveFigure:
    """The matplotlib figure of that name, shown by the loop to which the calling code belongs.

    It is made at the first call, with `figure_arguments` (figsize, layout, ...), and is the same
    ever after. It is never pyplot's. Change it in whatever thread: its picture is drawn from a
    copy, in a thread for that, at most twice a second while somebody looks, and once more at the
    end. A copy is made when the figure was not changed for a moment, or after
    `figure.canvas.draw_idle()`; never within a `with figure:` block, which is what to use where a
    change takes long. `job.figures` has the pictures. `loop` is as for `metric()`.

    Any thread; blocks for as long as matplotlib takes to be imported. Raises ImportError where that
    is missing, ValueError for more than 20 names. Outside of any loop it warns once, and the figure
    is shown nowhere.
    """
    loop_id = current_loop_id() if loop is None else _id_of(loop)
    findings = findings_of(loop_id)
    if findings is not None:
        return findings.figures.figure(name, figure_arguments)
    if loop_id is None:
        _say_outside("figure(name)")
    return live_figure(lambda: None, figure_arguments)


def forget_thread() -> None:
    """The calling thread may belong to another loop from now on."""
    _here.series = {}


def _number(name: object, value: Any) -> float:
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError(f"metric({name!r}, ...) takes a number, not the text {value!r}")
    try:
        return float(value)
    except OverflowError:  # An int that no float can hold.
        return inf
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"metric({name!r}, ...) takes a number, not {type(value).__name__}: {error}"
        ) from None


def _find_series(name: str, loop: Any) -> Series | None:
    loop_id = current_loop_id() if loop is None else _id_of(loop)
    findings = findings_of(loop_id)
    if findings is None:
        if loop_id is None:
            _say_outside("metric(name, value)")
        return None
    series = findings.metrics.series(name)
    if loop is None and (
        loop_id_of_thread() == loop_id or stop_event_of_worker(loop_id or 0) is not None
    ):
        _here.series = findings.metrics.at_hand
    return series


def _id_of(loop: Any) -> int:
    loop_id = getattr(loop, "id", None)
    if not isinstance(loop_id, int):
        raise TypeError(f"loop= takes what start() returned, not {type(loop).__name__}")
    return loop_id


def _say_outside(call: str) -> None:
    if call in _said_already:
        return
    _said_already.add(call)
    warnings.warn(
        f"{call} was called outside of any background loop, so it is shown nowhere: call it in the"
        f" work that you start, or say whose it is: {call[:-1]}, loop=job)",
        RuntimeWarning,
        stacklevel=4 if call.startswith("metric") else 3,
    )
