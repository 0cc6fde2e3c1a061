"""Each view is told what it does not know."""

from __future__ import annotations

from typing import Any

from bgwidgets.widgets.rows import Contents, Window
from bgwidgets.widgets.views import FORGOTTEN_AFTER, MOST_VIEWS, TableViews, View

WINDOW = Window(0, 15)


def table(*rows: str, start: int = 0, total: int | None = None, **head: Any) -> Contents:
    total = start + len(rows) if total is None else total
    rows_now = [{"id": ord(row[0]), "name": row} for row in rows]
    return Contents(head=head, start=start, total=total, rows=rows_now)


def told(view: View, contents: Contents) -> Any:
    """What the view is sent, without its name; None when nothing is."""
    frame = view.next_frame(contents)
    if frame is None:
        return None
    message = dict(view.message(frame, contents, turn=1, kernel_time=9.0))
    assert (message.pop("type"), message.pop("view")) == ("frame", "v")
    return message


def test_a_new_view_is_told_everything():
    """All rows of its window, and the whole head."""
    view = View("v", WINDOW, 0.0)
    assert told(view, table("a", "b", total=40, paused=False)) == {
        "seq": 1,
        "full": True,
        "start": 0,
        "total": 40,
        "rows": [[0, {"id": 97, "name": "a"}], [1, {"id": 98, "name": "b"}]],
        "head": {"paused": False, "now": 9.0},
    }


def test_then_only_what_changed():
    """The rows that differ, and the parts of the head that do; the next number."""
    view = View("v", WINDOW, 0.0)
    told(view, table("a", "b", paused=False, loops=1))
    assert told(view, table("a", "c", paused=True, loops=1)) == {
        "seq": 2,
        "full": False,
        "start": 0,
        "total": 2,
        "rows": [[1, {"id": 99, "name": "c"}]],
        "head": {"paused": True, "now": 9.0},
    }


def test_of_a_row_that_is_shown_only_what_changed():
    """Without its id: so the page knows that it keeps the rest."""
    view = View("v", WINDOW, 0.0)
    told(view, table("a", "b"))
    assert [[1, {"name": "b, later"}]] == told(view, table("a", "b, later"))["rows"]


def test_nothing_changed_is_nothing_told():
    """The clock alone is no news."""
    view = View("v", WINDOW, 0.0)
    told(view, table("a", paused=False))
    assert told(view, table("a", paused=False)) is None


def test_an_empty_table_is_told_too():
    """Once, so that the page may say that it is empty."""
    view = View("v", WINDOW, 0.0)
    assert told(view, table())["full"] is True
    assert told(view, table()) is None


def test_a_row_less_is_told_by_the_total():
    """And a row that comes back is told anew, for the page has dropped it."""
    view = View("v", WINDOW, 0.0)
    told(view, table("a", "b"))
    shorter = told(view, table("a"))
    assert (shorter["total"], shorter["rows"], shorter["full"]) == (1, [], False)
    assert told(view, table("a", "b"))["rows"] == [[1, {"id": 98, "name": "b"}]]


def test_a_scrolled_view_is_told_all_rows_but_not_the_head_again():
    """A traceback in the head does not travel with each movement."""
    view = View("v", WINDOW, 0.0)
    told(view, table("a", error="Traceback"))
    view.move(Window(50, 65))
    scrolled = told(view, table("x", start=50, error="Traceback"))
    assert (scrolled["full"], scrolled["rows"]) == (True, [[50, {"id": 120, "name": "x"}]])
    assert scrolled["head"] == {"now": 9.0}


def test_who_says_hello_again_is_told_everything_again():
    """It may have lost a frame."""
    view = View("v", WINDOW, 0.0)
    told(view, table("a", paused=False))
    view.greet(WINDOW)
    again = told(view, table("a", paused=False))
    assert (again["full"], again["head"]) == (True, {"paused": False, "now": 9.0})


def test_silent_views_are_forgotten():
    """Each by its own silence."""
    views = TableViews()
    views.greet("one", WINDOW, 0.0)
    views.greet("two", WINDOW, 0.0)
    views.heard("two", 5.0)
    assert views.next_to_forget() == FORGOTTEN_AFTER
    views.forget_silent(FORGOTTEN_AFTER)
    assert [view.name for view in views] == ["two"]
    assert views.next_to_forget() == 5 + FORGOTTEN_AFTER


def test_a_flood_of_views_pushes_out_the_silent():
    """A stranger's thousand names cost no more than a few."""
    views = TableViews()
    views.greet("mine", WINDOW, 1.0)
    for number in range(1000):
        views.greet(f"v{number}", WINDOW, 0.0)
        views.heard(f"w{number}", 0.0)
    assert len(views) == MOST_VIEWS
    assert "mine" in [view.name for view in views]


def test_a_stranger_is_asked_to_say_hello():
    """By a frame that it must take for a gap; each is asked once."""
    views = TableViews()
    views.heard("who", 0.0)
    question = views.question_to_stranger()
    assert question is not None
    assert (question["view"], question["seq"], question["full"]) == ("who", 0, False)
    assert views.question_to_stranger() is None


def test_of_a_flood_of_strangers_a_few_are_asked():
    """Whatever names a page thinks of. Who is not asked now, speaks again."""
    views = TableViews()
    for number in range(1000):
        views.heard(f"v{number}", 0.0)
    asked = list(iter(views.question_to_stranger, None))
    assert len(asked) == MOST_VIEWS
