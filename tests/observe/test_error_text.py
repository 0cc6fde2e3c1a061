"""Exceptions as text, also those that are broken themselves."""

from __future__ import annotations

from typing import Any

import pytest

from bgwidgets.observe.error_text import (
    LONGEST_LINE,
    LONGEST_TEXT,
    at_a_glance,
    full_text,
    has_plain_traceback,
    one_line,
)
from tests.hostile_errors import HOSTILE_ERRORS, NAMES


class BrokenText(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        """Fail."""
        raise RuntimeError("no text today")


class NotAText(Exception):
    """Says something that is no text."""

    def __str__(self) -> str:
        """Return nonsense."""
        return 42  # type: ignore[return-value] # noqa: PLE0307 - on purpose


class BrokenNotes(Exception):
    """Printing it fails."""

    @property
    def __notes__(self) -> list[str]:  # type: ignore[override] # so that it can fail
        """Fail."""
        raise KeyError("no notes today")


def raised(error: BaseException) -> BaseException:
    try:
        raise error  # noqa: TRY301 - that is all there is
    except BaseException as caught:  # noqa: BLE001 - to have its traceback
        return caught


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("a number is needed"), "ValueError: a number is needed"),
        (KeyError("a"), "KeyError: 'a'"),
        (ValueError(), "ValueError"),
        (ValueError("two\nlines\n\n  and   blanks\t"), "ValueError: two lines and blanks"),
        (ValueError("\n"), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit: 3"),
        (BrokenText(), "BrokenText: (its text cannot be shown)"),
        (NotAText(), "NotAText: (its text cannot be shown)"),
        (
            ExceptionGroup("two", [ValueError("a"), KeyError("b")]),
            "ExceptionGroup: two (2 sub-exceptions)",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_one_line(error: BaseException, expected: str):
    assert expected == one_line(error)


@pytest.mark.parametrize("length", [LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1, 10_000_000])
def test_one_line_is_never_longer_than_that(length: int):
    """What is cut off is replaced by one character."""
    error = ValueError("x" * (length - len("ValueError: ")))
    line = one_line(error)
    assert min(length, LONGEST_LINE) == len(line)
    assert line.endswith("…" if length > LONGEST_LINE else "x")


def test_full_text_is_what_python_prints():
    """With the lines that led there, and the cause."""
    error = ValueError("second")
    error.__cause__ = raised(KeyError("first"))
    text = full_text(raised(error))
    assert text.startswith("Traceback (most recent call last):\n")
    assert "in raised" in text
    assert "KeyError: 'first'" in text
    assert "The above exception was the direct cause of the following exception:" in text
    assert text.endswith("\nValueError: second")


@pytest.mark.parametrize("error", [BrokenText(), NotAText(), BrokenNotes("a")])
def test_full_text_of_what_is_broken(error: BaseException):
    """The lines that led there, and at least its type at the end."""
    lines = full_text(raised(error)).splitlines()
    assert "Traceback (most recent call last):" == lines[0]
    assert any("in raised" in line for line in lines)
    assert any(type(error).__name__ in line for line in lines[-2:])


@pytest.mark.parametrize(
    ("kind", "name"), list(zip(HOSTILE_ERRORS, NAMES, strict=True)), ids=list(NAMES)
)
def test_what_tells_nothing_of_itself(kind: type[Exception], name: str):
    """Its class's own name, its text, and the lines that led there."""
    error = raised(kind("its text"))
    assert f"{name}: its text" == one_line(error)
    lines = full_text(error).splitlines()
    assert any("in raised" in line for line in lines)
    assert f"{name}: its text" in lines[-1]


class Own(Exception):
    """Without anything of its own."""


def linked(error: BaseException) -> BaseException:
    outer = ValueError("outer")
    outer.__context__ = error
    return outer


def noted(note: Any) -> BaseException:
    error = ValueError("its text")
    error.__notes__ = [note]
    return error


@pytest.mark.parametrize(
    ("error", "is_plain", "has_a_plain_traceback"),
    [
        (ValueError("a", 1, None), True, True),
        (KeyError("a"), True, True),
        (Own("its text"), True, True),
        (Own(), True, True),
        (linked(Own("inner")), True, True),
        (noted("a note"), True, True),
        (linked(BrokenText()), True, False),
        (noted(BrokenText()), True, False),
        (NameError("a"), False, False),
        (ValueError(BrokenText()), False, False),
        (BrokenText(), False, False),
        (BrokenNotes("a"), False, False),
        (OSError(2, "no such file"), False, False),
        (ExceptionGroup("two", [BrokenText()]), False, False),
    ],
    ids=lambda value: "" if isinstance(value, bool) else type(value).__name__,
)
def test_what_needs_none_of_the_users_code(
    error: BaseException, is_plain: bool, has_a_plain_traceback: bool
):
    """Any thread may make its text, and its traceback; of all others it has the type."""
    glance = at_a_glance(error)
    assert is_plain == (glance == one_line(error))
    assert one_line(error).startswith(glance)
    assert has_a_plain_traceback == has_plain_traceback(error)


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_no_glance_asks_for_what_the_class_has_of_its_own(number: int):
    """Neither raises; a class that only hides its name has nothing else of its own."""
    error = HOSTILE_ERRORS[number]("its text")
    assert at_a_glance(error).startswith(NAMES[number])
    is_plain = NAMES[number] in {"NoName", "NoClass"}
    assert (is_plain, is_plain) == (": " in at_a_glance(error), has_plain_traceback(error))


def test_full_text_is_bounded():
    """The beginning and the end are kept."""
    text = full_text(raised(ValueError("first" + "x" * 1_000_000 + "last")))
    assert len(text) <= LONGEST_TEXT + 10
    assert text.startswith("Traceback")
    assert text.endswith("xlast")
    assert "\n  […]\n" in text


def test_full_text_of_a_deep_recursion():
    """Python itself shortens that."""

    def recurse() -> None:
        recurse()

    try:
        recurse()
    except RecursionError as error:
        text = full_text(error)
    assert "RecursionError: maximum recursion depth exceeded" in text.splitlines()[-1]
    assert len(text) < LONGEST_TEXT


def test_nothing_of_it_is_changed():
    """Looking at an error neither adds to its traceback nor mutes it."""
    error = raised(ValueError("a"))
    before = (error.args, error.__traceback__, error.__context__)
    one_line(error)
    full_text(error)
    assert before == (error.args, error.__traceback__, error.__context__)
