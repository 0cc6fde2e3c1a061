"""A loop's warnings, without a loop: counted, bounded, taken back."""

from __future__ import annotations

import threading
from collections.abc import Callable

from bgwidgets.observe.warnings_kept import ADVICE, LONGEST_LINE, WARNINGS_KEPT, Told, WarningsKept
from bgwidgets.snapshots import WarningKind

BLOCKED, LOST = WarningKind.BLOCKED, WarningKind.EXCEPTION_NEVER_RETRIEVED


def say(text: str) -> Callable[[], Told]:
    return lambda: Told(text)


def counts(kept: WarningsKept) -> dict[str, int]:
    """By what each says."""
    return {warning.text: warning.count for warning in kept.all()}


def test_each_kind_has_its_advice():
    """In one line."""
    assert set(WarningKind) == set(ADVICE)
    assert all(advice and len(advice.splitlines()) == 1 for advice in ADVICE.values())


def test_the_same_in_the_same_code_is_counted():
    """Its text is made once. Another kind, or other code, is another warning."""
    kept = WarningsKept()
    made: list[str] = []

    def text() -> Told:
        made.append("made")
        return Told("first")

    for _ in range(1_000):
        kept.add(BLOCKED, "fit", text)
    kept.add(BLOCKED, "fetch", say("second"))
    kept.add(LOST, "fit", say("third"))
    assert {"first": 1_000, "second": 1, "third": 1} == counts(kept)
    assert ["made"] == made


def test_what_happened_last_stands_at_the_end():
    """And what happened first is the first to go."""
    kept = WarningsKept()
    for number in range(WARNINGS_KEPT):
        kept.add(BLOCKED, str(number), say(str(number)))
    kept.add(BLOCKED, "0", say("again"))
    kept.add(BLOCKED, "new", say("new"))
    texts = [warning.text for warning in kept.all()]
    assert [*map(str, range(2, WARNINGS_KEPT)), "0", "new"] == texts


def test_a_kind_that_floods_takes_no_others_place():
    """Each has places of its own."""
    kept = WarningsKept()
    kept.add(LOST, "fit", say("lost"))
    for number in range(WARNINGS_KEPT + 1):
        kept.add(BLOCKED, str(number), say(str(number)))
    texts = [warning.text for warning in kept.all()]
    assert ["lost", *map(str, range(1, WARNINGS_KEPT + 1))] == texts


def test_what_turns_out_to_be_something_else_is_taken_back():
    """Once; what never was is not missed."""
    kept = WarningsKept()
    for _ in range(2):
        kept.add(BLOCKED, "fit", say("text"))
    kept.take_back(BLOCKED, "fit")
    assert {"text": 1} == counts(kept)
    kept.take_back(BLOCKED, "fit")
    kept.take_back(BLOCKED, "fit")
    assert {} == counts(kept)


def test_a_text_is_one_line_of_bounded_length():
    kept = WarningsKept()
    kept.add(BLOCKED, "fit", say("many\nlines " * 1_000))
    (warning,) = kept.all()
    assert "many lines many" in warning.text
    assert LONGEST_LINE == len(warning.text)
    assert warning.text.endswith("…")


def test_what_is_told_while_a_text_is_made_is_counted():
    """A finalizer may run anywhere, also here."""
    kept = WarningsKept()

    def text() -> Told:
        kept.add(BLOCKED, "fit", say("inner"))
        return Told("outer")

    kept.add(BLOCKED, "fit", text)
    assert [2] == list(counts(kept).values())


def test_many_threads_may_tell_at_once():
    """None is lost."""
    kept = WarningsKept()

    def tell() -> None:
        for _ in range(500):
            kept.add(BLOCKED, "fit", say("text"))

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {"text": 2_000} == counts(kept)
