"""What stands for a panel where there is no kernel."""

from __future__ import annotations

import time
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import nbformat
from nbconvert import HTMLExporter

from bgwidgets.loop_manager import LoopManager
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopSnapshot,
    MetricSnapshot,
    ProgressSnapshot,
    TaskSnapshot,
    TaskWindow,
)
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.control_panel import ControlPanel
from bgwidgets.widgets.static_view import (
    MOST_ROWS,
    ROOM_FOR_PICTURES,
    Moment,
    static_html,
    static_text,
)
from tests.widgets.fakes import NOW, FakeSource, ended_loop, loop, task
from tests.widgets.panel_page import fail, until, work

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

EVIL = "<img src=x onerror=alert(1)>"
WIDGET = "application/vnd.jupyter.widget-view+json"


class Cells(HTMLParser):
    """The text of each table's rows, and every tag that there is."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._is_in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """A row, a cell of it, or something else."""
        assert [name for name, _ in attrs] in ([], ["style"], ["style", "alt", "src"])
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        self._is_in_cell = tag in {"td", "th"}
        if self._is_in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, _tag: str) -> None:
        """What comes between cells is none."""
        self._is_in_cell = False

    def handle_data(self, data: str) -> None:
        """Of the cell."""
        if self._is_in_cell:
            self.rows[-1][-1] += data


def moment(
    loops: Sequence[LoopSnapshot], *tasks: TaskSnapshot, total: int | None = None, **more: Any
) -> Moment:
    """With the last loop selected."""
    total = len(tasks) if total is None else total
    window = TaskWindow(tasks=tasks, start=0, total=total, as_of=NOW)
    selected = loops[-1] if loops else None
    return Moment(loops=loops, selected=selected, tasks=window, at=NOW, **more)


def test_it_shows_loops_and_the_tasks_of_the_selected_one():
    """As the panel does, as of a time that is said."""
    failed = ended_loop(1, LoopState.FAILED, error_line="OSError: gone")
    html = static_html(
        moment(
            [failed, loop(2, stop_requested=True)],
            task(7, waiting_on="sleep, 1 s", where="race.py:12 sprinter"),
            task(8, state=TaskState.FAILED, error="ValueError: no", ended_at=NOW),
        )
    )
    assert Cells(html).rows == [
        ["Loop", "Host", "State", "Tasks", "Age", "Last output"],
        ["loop-2", "thread", "stop asked", "1 of 1", "1:00", ""],
        ["loop-1", "thread", "failed", "0 of 1", "0:30", "OSError: gone"],
        ["Task", "State", "Coroutine", "Waiting on", "Age"],
        ["task-7", "pending", "fetch", "sleep, 1 s · race.py:12", "0:03"],
        ["task-8", "failed", "fetch", "ValueError: no", "0:03"],
    ]
    assert time.strftime("as of %Y-%m-%d %H:%M:%S", time.localtime(NOW)) in html
    assert "Tasks of <b>loop-2</b>" in html


def test_a_bar_is_said_in_words():
    """In a column that is there when any task has one."""
    bar = ProgressSnapshot(done=63, total=100, started_at=NOW - 41, seconds_left=31)
    rows = Cells(static_html(moment([loop(1)], task(7, progress=bar), task(8)))).rows
    assert [row[5:] for row in rows[-3:]] == [["Progress"], ["63 % · 0:31 left"], [""]]


def test_what_was_measured_and_plotted_is_there():
    """The numbers as text, the pictures in the file itself, as far as they are not too many."""
    loss = MetricSnapshot(name="loss", count=1204, last=0.31239, lowest=None, highest=2.0)
    figures = [
        FigureSnapshot(name="fit", png=b"a picture"),
        FigureSnapshot(name="huge", png=bytes(ROOM_FOR_PICTURES)),
        FigureSnapshot(name="not drawn"),
    ]
    html = static_html(moment([loop(1)], task(7), metrics=[loss], figures=figures))
    assert Cells(html).rows[-2:] == [
        ["Metric", "Last", "Lowest", "Highest", "Values"],
        ["loss", "0.3124", "", "2", "1,204"],
    ]
    assert html.count("<img ") == 1
    assert 'alt="Figure fit" src="data:image/png;base64,YSBwaWN0dXJl"' in html


def test_it_is_short_however_many_there_are():
    """The first twenty of each, and how many are left out."""
    loops = [loop(number) for number in range(25)]
    tasks = [task(number) for number in range(30)]
    html = static_html(moment(loops, *tasks, total=100_000))
    assert len(Cells(html).rows) == 2 * (1 + MOST_ROWS)
    assert "and 5 loops more" in html
    assert "and 99,980 tasks more" in html


def test_the_last_lines_of_output_stand_below():
    """As text, however long they are; what cannot be seen is an escape."""
    output = f"one\n{EVIL}\n\x00{'x' * 1000}\n"
    html = static_html(replace(moment([loop(1)]), output=output))
    shown = html[html.index("<pre") : html.index("</pre>")]
    lines = shown.split(">", 1)[1].split("\n")
    assert lines[:2] == ["one", "&lt;img src=x onerror=alert(1)&gt;"]
    assert (lines[2][:5], len(lines[2])) == (r"\x00x", 300)
    assert "Output of <b>loop-1</b>" in html
    assert "<pre" not in static_html(moment([loop(1)]))


def test_an_empty_one_says_so():
    """It is no error to have started nothing yet."""
    assert "no loops" in static_html(moment([]))
    assert static_text(moment([])).endswith("no loops")


def test_the_users_text_is_never_html():
    """Wherever it stands; and there is no script, no image and no link of ours either."""
    source = [loop(1, name=EVIL, host=EVIL, error_line=EVIL)]
    shown = task(1, name=EVIL, coroutine=EVIL, waiting_on=EVIL, where=EVIL)
    measured = MetricSnapshot(name=EVIL)
    told = replace(moment(source, shown, metrics=[measured]), output=EVIL)
    cells = Cells(static_html(told))
    assert cells.tags == {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "pre"}
    assert [cells.rows[1][0], cells.rows[1][1], cells.rows[1][5]] == [EVIL] * 3
    assert (cells.rows[3][0], cells.rows[5][0]) == (EVIL, EVIL)
    drawn = FigureSnapshot(name=f'"{EVIL}', png=b"a picture")
    html = static_html(moment(source, shown, figures=[drawn]))
    assert html.count("<img ") == 1
    assert 'alt="Figure &quot;&lt;img' in html


def test_a_terminal_shows_a_line_for_each_loop():
    """In columns."""
    loops = [ended_loop(1, LoopState.FAILED), loop(20)]
    assert static_text(moment(loops)).splitlines()[1:] == [
        "  loop-20  thread  running  1 of 1",
        "  loop-1   thread  failed   0 of 1",
    ]


# -- in the panel


def test_the_panel_is_displayed_with_it(panel: ControlPanel, manager: LoopManager):
    """Beside the live view, which a page with a kernel prefers."""
    loop = manager.start(work, name=EVIL)
    until(lambda: loop.tasks)
    loop.output.write("".join(f"line {number}\n" for number in range(100)))
    bundle = panel._repr_mimebundle_()
    assert "line 99" in bundle["text/html"]
    assert "line 79" not in bundle["text/html"]
    assert bundle[WIDGET]["model_id"] == panel.model_id
    assert [row[0] for row in Cells(bundle["text/html"]).rows][:2] == ["Loop", EVIL]
    assert EVIL in bundle["text/plain"]


def test_a_panel_is_displayed_though_it_cannot_be_made(caplog: pytest.LogCaptureFixture):
    """The log says why."""

    class Broken(FakeSource):
        is_broken = False

        def snapshots(self) -> list[LoopSnapshot]:
            """At first."""
            if self.is_broken:
                raise RuntimeError("no snapshots")
            return super().snapshots()

    source = Broken()
    panel = ControlPanel(source)
    source.is_broken = True
    try:
        assert panel._repr_mimebundle_().keys() == {"text/plain", WIDGET}
    finally:
        panel.close()
    assert "RuntimeError: no snapshots" in caplog.text


def test_nbconvert_shows_it(panel: ControlPanel, manager: LoopManager):
    """Names are text there too."""
    manager.start(fail, name=EVIL).wait(5)
    output = nbformat.v4.new_output("display_data", panel._repr_mimebundle_())
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("p", outputs=[output])])
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert "Background loops" in html
    assert "OSError: gone" in html
    assert EVIL not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
