"""A line that goes back over itself is shown as a terminal shows it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bgwidgets.output.terminal import as_shown, shortened, without_colours


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("plain", "plain"),
        ("10%\r20%\r100%", "100%"),
        ("long line\rshort", "shortline"),
        ("ends with one\r", "ends with one"),
        ("\rbegins with one", "begins with one"),
        ("abc\b\bX", "aXc"),
        ("\b\b\bstays", "stays"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("old text\r\x1b[Knew", "new"),
        ("old text\x1b[2K\rnew", "new"),
        ("\x1b[32mgreen\x1b[0m\rG", "G\x1b[32mreen\x1b[0m"),
        ("a\x1b[3Cb", "a   b"),
        ("abc\x1b[2Dx", "axc"),
        ("abcdef\x1b[3Gx", "abxdef"),
        ("up\x1b[A and away", "up and away"),
        ("\x1b]0;a title\x07text\r", "text"),
        ("日本\rab", "ab本"),
        ("日本\ra", "a 本"),
        ("ab本\r日", "日本"),
        ("日本\b\bx", "日x "),
        ("日本\b日", "日 日"),
        ("e\u0301x\rb", "bx"),
        ("日e\u0301\bx\x1b[K", "日x"),
        ("日\bx", " x"),
        ("日\u0301x\b\x1b[0my", "日\u0301y"),
    ],
)
def test_a_line_is_shown_as_in_a_terminal(written: str, shown: str):
    assert shown == as_shown(written)


TEXTS = st.text(alphabet=st.sampled_from("ab\r\b\x1b[31mK0"), max_size=30) | st.lists(
    st.sampled_from(
        ["ab", "日", "\u0301", "\r", "\b", "\x1b[31m", "\x1b[0m", "\x1b[K", "xyz", "\x1b[2C"]
    )
).map("".join)


@given(
    st.lists(
        st.sampled_from(
            ["ab", "日", "e\u0301", "\r", "\b", "\x1b[31m", "\x1b[0m", "\x1b[K", "\x1b[1K", "xyz"]
        )
    ),
    TEXTS,
)
@example(parts=["日", "\b", "\x1b[K", "\r"], more="0")  # Half of a wide one is erased.
@example(parts=["日", "\r", "\x1b[1K"], more="")
def test_what_is_left_out_of_an_unfinished_line_was_overwritten(parts: list[str], more: str):
    """Whatever is added to it later, it looks the same as if nothing had been left out."""
    line = "".join(parts)
    whole, short = as_shown(line + more), as_shown(shortened(line) + more)
    assert without_colours(whole) == without_colours(short)


@pytest.mark.parametrize(
    ("on", "off"), [("32", "39"), ("0;32", "0"), ("38;5;12", ""), ("1", "22"), ("48;2;1;2;3", "49")]
)
def test_a_coloured_bar_stays_as_short_as_it_looks(on: str, off: str):
    """However it ends its colours, and if it does not."""
    end = f"\x1b[{off}m" if off else ""
    line = ""
    for percent in range(1_000):
        line = shortened(f"{line}\r\x1b[{on}m{percent}%{end}")
    assert len(line) < 40
    assert without_colours(as_shown(line)) == "999%"
    assert as_shown(line).startswith(f"\x1b[{on.removeprefix('0;')}m999%")


def test_what_is_on_is_switched_on_at_once():
    """Several codes in one, of which later ones take the place of earlier ones."""
    line = "\x1b[31m\x1b[1m\x1b[4ma\x1b[24m\x1b[32mb\x1b[mc\r"
    assert as_shown(line) == "\x1b[31;1;4ma\x1b[0m\x1b[1;32mb\x1b[0mc"


def test_colours_can_be_taken_out():
    assert "red and bold" == without_colours("\x1b[31mred\x1b[0m and \x1b[1;4mbold\x1b[m")
