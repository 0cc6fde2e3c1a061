"""What stands for the panel where there is no kernel: how things stood when it was displayed.

The HTML goes into the notebook's file, and so into nbconvert's pages and the web
views of repositories: it has no scripts, needs no style sheet, and takes its colours from the page
around it. Everything that a user named is escaped.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopSnapshot,
    MetricSnapshot,
    TaskSnapshot,
    TaskWindow,
    WindowRequest,
)
from bgwidgets.widgets.cleaning import clean
from bgwidgets.widgets.progress_words import bar_in_row
from bgwidgets.widgets.protocols import Source
from bgwidgets.widgets.rows import Sorting, began_of, note, sorted_loops, waiting
from bgwidgets.widgets.selection import loop_to_select

MOST_ROWS: Final = 20
"""Of each table; the file should not grow with the number of tasks."""
LAST_LINES: Final = 20
"""Of the selected loop's output."""
_LONGEST: Final = 120
_LONGEST_LINE: Final = 300
_LOOP_HEADS: Final = ("Loop", "Host", "State", "Tasks", "Age", "Last output")
_TASK_HEADS: Final = ("Task", "State", "Coroutine", "Waiting on", "Age", "Progress")
_METRIC_HEADS: Final = ("Metric", "Last", "Lowest", "Highest", "Values")
_NUMBERS: Final = frozenset({"Tasks", "Age", *_METRIC_HEADS[1:]})
ROOM_FOR_PICTURES: Final = 500_000
"""Bytes: the file should not grow with the figures either."""
_CELL: Final = "padding:2px 12px 2px 0;vertical-align:top"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How things stood."""

    loops: Sequence[LoopSnapshot]
    """Oldest first, as the manager has them."""
    selected: LoopSnapshot | None
    tasks: TaskWindow | None
    """The first of the selected loop's tasks."""
    output: str = ""
    """The last lines that it has written, without colours."""
    metrics: Sequence[MetricSnapshot] = ()
    """What the selected loop's work has measured."""
    figures: Sequence[FigureSnapshot] = ()
    """What it has plotted."""
    at: float


def moment_of(source: Source, selected_id: int | None) -> Moment:
    """How things stand now; the only function here that looks. Raises what the source raises."""
    loops = source.snapshots()
    selected = loop_to_select(loops, selected_id)
    if selected is None:
        return Moment(loops=loops, selected=None, tasks=None, at=time.time())
    metrics = source.metrics(selected.id) if selected.metrics else {}
    figures = source.figures(selected.id) if selected.figures else {}
    return Moment(
        loops=loops,
        selected=selected,
        tasks=source.task_window(selected.id, WindowRequest(stop=MOST_ROWS)),
        metrics=tuple(metrics.values()),
        figures=tuple(figures.values()),
        output=source.output(selected.id).tail(LAST_LINES, colours=False),
        at=time.time(),
    )


def static_html(moment: Moment) -> str:
    """Two tables and the last lines of output, in one element that scrolls when there is too little
    room.
    """
    parts = [f"<p><b>Background loops</b> as of {escape(_date(moment.at))}</p>"]
    parts.append(_table(_LOOP_HEADS, map(_loop_cells, _shown(moment)), len(moment.loops), "loop"))
    if moment.selected is not None and moment.tasks is not None:
        parts.append(f"<p>Tasks of <b>{_text(moment.selected.name)}</b></p>")
        tasks = moment.tasks.tasks[:MOST_ROWS]
        # Where no task has a bar, there is no column for them.
        width = len(_TASK_HEADS) - (all(task.progress is None for task in tasks))
        rows = (_task_cells(task, moment.tasks.as_of)[:width] for task in tasks)
        parts.append(_table(_TASK_HEADS[:width], rows, moment.tasks.total, "task"))
        parts += _plots(moment)
    if moment.selected is not None and moment.output.strip():
        lines = (clean(line, _LONGEST_LINE) for line in moment.output.rstrip().split("\n"))
        text = escape("\n".join(lines))
        parts.append(f"<p>Output of <b>{_text(moment.selected.name)}</b>, its last lines</p>")
        parts.append(f'<pre style="white-space:pre-wrap;overflow-wrap:anywhere">{text}</pre>')
    return f'<div style="overflow-x:auto">{"".join(parts)}</div>'


def _plots(moment: Moment) -> Iterable[str]:
    if moment.metrics:
        rows = map(_metric_cells, moment.metrics[:MOST_ROWS])
        yield _table(_METRIC_HEADS, rows, len(moment.metrics), "metric")
    room = ROOM_FOR_PICTURES
    for figure in moment.figures:
        if figure.png is None or len(figure.png) > room:
            continue
        room -= len(figure.png)
        name, data = _text(figure.name), b64encode(figure.png).decode()
        yield f"<p>{name}</p>"
        yield f'<img style="max-width:100%" alt="Figure {name}" src="data:image/png;base64,{data}">'


def static_text(moment: Moment) -> str:
    """The same for a terminal, a line for each loop."""
    lines = [f"Background loops as of {_date(moment.at)}"]
    rows = [_loop_cells(loop)[:4] for loop in _shown(moment)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        lines.append(f"  {'  '.join(cells)}".rstrip())
    if rest := _left_out(len(rows), len(moment.loops), "loop"):
        lines.append(f"  {rest}")
    return "\n".join(lines)


def _shown(moment: Moment) -> list[LoopSnapshot]:
    return sorted_loops(moment.loops, Sorting())[:MOST_ROWS]


def _loop_cells(loop: LoopSnapshot) -> list[str]:
    state = "stop asked" if loop.stop_requested and loop.state == "running" else loop.state.value
    tasks = f"{loop.unfinished_tasks:,} of {loop.total_tasks:,}"
    age = _age(loop.started_at, loop.ended_at, loop.as_of)
    texts = [loop.name, loop.host, state, tasks, age, note(loop)]
    return [clean(text, _LONGEST) for text in texts]


def _task_cells(task: TaskSnapshot, now: float) -> list[str]:
    why = task.error or waiting(task) or ""
    age = _age(began_of(task), task.ended_at, now)
    bar = bar_in_row(task.progress)
    far = bar["far"] + bar["rest"] if bar else ""
    texts = [task.name, task.state.value, task.coroutine, why, age, far]
    return [clean(text, _LONGEST) for text in texts]


def _metric_cells(metric: MetricSnapshot) -> list[str]:
    numbers = (metric.last, metric.lowest, metric.highest)
    words = ["" if number is None else f"{number:.4g}" for number in numbers]
    return [clean(metric.name, _LONGEST), *words, f"{metric.count:,}"]


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], total: int, noun: str) -> str:
    sides = [f"{_CELL};text-align:{'right' if head in _NUMBERS else 'left'}" for head in heads]
    first = "".join(
        f'<th style="{side}">{head}</th>' for side, head in zip(sides, heads, strict=True)
    )
    lines = [
        "".join(
            f'<td style="{side}">{escape(cell)}</td>' for side, cell in zip(sides, row, strict=True)
        )
        for row in rows
    ]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    rest = _left_out(len(lines), total, noun)
    table = f"<table><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>"
    return table + (f"<p>{rest}</p>" if rest else "")


def _left_out(shown: int, total: int, noun: str) -> str:
    if total == 0:
        return f"no {noun}s"
    left = total - shown
    return f"and {left:,} {noun if left == 1 else f'{noun}s'} more" if left > 0 else ""


def _text(text: str) -> str:
    return escape(clean(text, _LONGEST))


def _date(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def _age(began: float | None, ended: float | None, now: float) -> str:
    """As the tables of the panel say it: "0:03", "1:02:05", "2d 3h"; empty when not known."""
    if began is None:
        return ""
    seconds = max(0, int((now if ended is None else ended) - began))
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{days}d {hour}h"
    return f"{hour}:{minute:02}:{second:02}" if hour else f"{minute}:{second:02}"
