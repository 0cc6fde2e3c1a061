"""A panel that was on a page and is forgotten is put away, and comes back when displayed."""

from __future__ import annotations

import pytest

from bgwidgets.commands import StopLoop
from bgwidgets.widgets.attendance import FORGOTTEN_AFTER
from bgwidgets.widgets.items import Displayed, Replaced
from bgwidgets.widgets.protocols import TABLES, Action
from tests.widgets.bench import Bench, start


@pytest.fixture
def shown(bench: Bench) -> Bench:
    """A panel on a page."""
    start(bench, 1)
    bench.give(Displayed("cell", inside_another=False))
    bench.open_page()
    return bench


def close_page(bench: Bench, *, cleared: bool) -> None:
    """All views go."""
    for table in TABLES:
        bench.page(table, type="bye", view=f"{table}1", cleared=cleared)
    bench.line(type="bye", view="line1")


def test_a_panel_whose_cell_was_run_again_is_put_away(shown: Bench):
    """After a while, once."""
    close_page(shown, cleared=True)
    shown.pass_time(FORGOTTEN_AFTER - 0.1)
    assert shown.face.put_away_asked == 0
    shown.pass_time(0.2)
    assert shown.face.put_away_asked == 1
    shown.pass_time(3600)
    assert shown.face.put_away_asked == 1
    assert shown.feed.advance(shown.face, shown.now) is None


def test_so_is_one_that_no_page_had_time_to_show(bench: Bench):
    """The kernel knows that the cell was run again."""
    start(bench, 1)
    bench.give(Displayed("cell", inside_another=False))
    bench.give(Replaced("cell"))
    bench.pass_time(FORGOTTEN_AFTER)
    assert bench.face.put_away_asked == 1


def test_one_that_was_displayed_at_the_last_moment_is_not(shown: Bench):
    """The panel knows before the feed does."""
    shown.face.can_be_put_away = False
    close_page(shown, cleared=True)
    shown.now += FORGOTTEN_AFTER
    shown.feed.advance(shown.face, shown.now)
    assert shown.face.put_away_asked == 1
    shown.give(Displayed("cell", inside_another=False))
    shown.pass_time(3600)
    assert shown.face.put_away_asked == 1


def test_a_page_that_fell_silent_finds_its_panel(shown: Bench):
    """However long it slept."""
    shown.pass_time(3 * 24 * 3600)
    assert shown.face.put_away_asked == 0


def test_so_does_a_notebook_that_was_closed(shown: Bench):
    """Its views say bye, and that nothing was cleared."""
    close_page(shown, cleared=False)
    shown.pass_time(3600)
    assert shown.face.put_away_asked == 0


def test_a_click_from_python_is_done_all_the_same(shown: Bench):
    """The object works on."""
    close_page(shown, cleared=True)
    shown.pass_time(FORGOTTEN_AFTER)
    shown.click(Action.STOP_LOOP)
    assert [command.loop_id for command in shown.source.executed] == [1]  # type: ignore[union-attr]
    assert isinstance(shown.source.executed[0], StopLoop)


def test_displayed_again_it_shows_how_things_stand(shown: Bench):
    """And is put away again as the first time."""
    close_page(shown, cleared=True)
    shown.pass_time(FORGOTTEN_AFTER)
    shown.take()
    start(shown, 1, 2)
    shown.give(Displayed("cell", inside_another=False))
    shown.open_page()
    [frame] = shown.frames("loops")
    assert frame["total"] == 2
    close_page(shown, cleared=True)
    shown.pass_time(FORGOTTEN_AFTER)
    assert shown.face.put_away_asked == 2
