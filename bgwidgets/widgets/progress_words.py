"""How far a progress bar is, as its row and the details say it.

Pure functions. What is said is as exact as somebody looks at it, in whole per cents and seconds: a
bar that moves a thousand times a second is then told anew once or twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from bgwidgets.snapshots import ProgressSnapshot
from bgwidgets.widgets.cleaning import clean

Bar = dict[str, Any]
"""Plain JSON, by the names that the page's scripts know."""

LONGEST_LABEL: Final = 80
LONGEST_POSTFIX: Final = 120
LONGEST_UNIT: Final = 12
_SHORT_UNIT: Final = 3
_PREFIXES: Final = ("", "k", "M", "G", "T", "P", "E")
_FULL: Final = 100
_A_MINUTE: Final = 60
_A_DAY: Final = 86_400
_ROUGH_FROM: Final = 10 * 3600
"""Seconds of which the minutes are enough."""
_THEME_COLOURS: Final = {"green": "ok", "yellow": "warn", "red": "bad"}
_HEX_COLOUR: Final = re.compile("#[0-9a-fA-F]{6}")


def bar_in_row(bar: ProgressSnapshot | None, others: int = 0) -> Bar | None:
    """A bar beside which there is room for a few words; `others`: how many more are open."""
    if bar is None:
        return None
    label = clean(bar.description.strip(" :"), LONGEST_LABEL)
    if others > 0:
        more = f"{others} more {'bar' if others == 1 else 'bars'}"
        label = f"{label}, and {more}" if label else f"one of {others + 1} bars"
    far, rest = _row_words(bar)
    return {
        "share": _share(bar),
        "end": _end(bar),
        "far": far,
        "rest": rest,
        "label": label,
        **_colour(bar),
    }


def bar_lines(bars: Sequence[ProgressSnapshot]) -> list[Bar]:
    """All bars of a task, with all that there is to say of each."""
    return [
        {
            "depth": 0 if bar.ended_at is not None else bar.depth,
            "label": clean(bar.description.strip(" :"), LONGEST_LABEL),
            "share": _share(bar),
            "end": _end(bar),
            "count": _count(bar),
            "pace": _pace(bar),
            "postfix": clean(bar.postfix, LONGEST_POSTFIX),
            **_colour(bar),
        }
        for bar in bars
    ]


def _share(bar: ProgressSnapshot) -> int | None:
    """Whole per cents; a hundred only when it is all. A bar that was closed without a total has
    come to its end.
    """
    if bar.fraction is not None:
        return math.floor(_FULL * bar.fraction)
    return _FULL if bar.ended_at is not None and not bar.left_open else None


def _end(bar: ProgressSnapshot) -> str:
    """How it ended; empty while it is open."""
    if bar.ended_at is None:
        return ""
    return "left open" if bar.left_open else "closed"


def _row_words(bar: ProgressSnapshot) -> tuple[str, str]:
    """How far it is, for which there is always room; and the rest of it."""
    share = _share(bar)
    if bar.fraction is None:
        far = _scaled(bar, bar.done)
        rest = _amount(bar, bar.done).removeprefix(far)
    else:
        far, rest = f"{share} %", ""
    if bar.ended_at is None:
        # The unit stands before it: when it is long, once is enough.
        unit = _unit(bar) if len(_unit(bar)) <= _SHORT_UNIT else ""
        beside = _rate(bar, unit) if bar.fraction is None else _left(bar)
        return far, f"{rest} · {beside}" if beside else rest
    if bar.left_open:
        return far, f"{rest}, left open"
    if share == _FULL:
        return far, f"{rest} in {duration(bar.ended_at - bar.started_at)}"
    return far, f"{rest}, ended"


def _count(bar: ProgressSnapshot) -> str:
    """As in "6,300 of 10,000 it", and how it ended."""
    done = _amount(bar, bar.done)
    if bar.total:
        done = f"{_scaled(bar, bar.done)} of {_amount(bar, bar.total)}"
    return f"{done}, left open" if bar.left_open else done


def _pace(bar: ProgressSnapshot) -> str:
    took = _left(bar)
    if bar.ended_at is not None:
        took = f"in {duration(bar.ended_at - bar.started_at)}"
    return " · ".join(part for part in (_rate(bar, _unit(bar)), took) if part)


def _left(bar: ProgressSnapshot) -> str:
    return "" if bar.seconds_left is None else f"{duration(bar.seconds_left)} left"


def _rate(bar: ProgressSnapshot, unit: str) -> str:
    """As in "88 it/s"; of what takes longer, "2.5 s/it"."""
    if not bar.rate or not math.isfinite(bar.rate):
        return ""
    if bar.rate < 1 and not bar.unit_scale:
        return f"{_short(1 / bar.rate)} s/{unit}" if unit else f"{_short(1 / bar.rate)} s each"
    rate = float(f"{bar.rate:.2g}") if bar.rate < _FULL else round(bar.rate)
    return f"{_with_unit(bar, rate, unit)}/s"


def _amount(bar: ProgressSnapshot, number: float) -> str:
    """As in "7,240 it"; with a scale "7.24k it", "1.5MB"."""
    return _with_unit(bar, number, _unit(bar))


def _with_unit(bar: ProgressSnapshot, number: float, unit: str) -> str:
    space = "" if bar.unit_scale is True and unit == "B" else " "
    return f"{_scaled(bar, number)}{space}{unit}".rstrip()


def _scaled(bar: ProgressSnapshot, number: float) -> str:
    if not math.isfinite(number):
        return f"{number}"
    if bar.unit_scale is not True:
        if bar.unit_scale:
            number *= bar.unit_scale
        return f"{number:,.0f}" if number == int(number) else f"{float(f'{number:.6g}'):,}"
    place = 0
    while abs(number) >= bar.unit_divisor and place < len(_PREFIXES) - 1:
        number /= bar.unit_divisor
        place += 1
    return f"{_short(number)}{_PREFIXES[place]}"


def _short(number: float) -> str:
    """Three digits: "1.53", "15.3", "153"."""
    return f"{number:.3g}" if abs(number) < _FULL else f"{number:.0f}"


def _unit(bar: ProgressSnapshot) -> str:
    return clean(bar.unit.strip(), LONGEST_UNIT)


def duration(seconds: float) -> str:
    """As in "0:31", "1:02:05", "2d 3h", like the tables."""
    if not math.isfinite(seconds):
        return "∞"
    whole = max(0, math.ceil(seconds) if seconds < 1 else round(seconds))
    if whole >= _A_DAY:
        return f"{whole // _A_DAY:,}d {whole % _A_DAY // 3600}h"
    hours, minutes, rest = whole // 3600, whole // _A_MINUTE % _A_MINUTE, whole % _A_MINUTE
    if whole >= _ROUGH_FROM:
        return f"{hours} h {minutes:02} min"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _colour(bar: ProgressSnapshot) -> Bar:
    """That which the code asked for, if it is one: the theme's where that has one of the kind."""
    asked = (bar.colour or "").strip().lower()
    if asked in _THEME_COLOURS:
        return {"tone": _THEME_COLOURS[asked]}
    return {"colour": asked} if _HEX_COLOUR.fullmatch(asked) else {}
