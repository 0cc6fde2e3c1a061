"""A log as lines: counted, searched, picked by their task, seen through a window."""

from __future__ import annotations

import json

from bgwidgets.output.log import OutputLog
from bgwidgets.widgets.output_text import (
    LEAD,
    LONGEST_LINE,
    MOST_OPEN,
    ROOM_FOR_LINES,
    ROOM_FOR_OPEN_LINES,
    WINDOW,
    OutputText,
    head_of,
)

PNG = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}


def text_of(log: OutputLog, task: int | None = None) -> OutputText:
    return OutputText(log.read(), task)


def numbered(count: int, log: OutputLog | None = None) -> OutputLog:
    """A log of so many lines."""
    log = log or OutputLog()
    for number in range(count):
        log.write(f"line {number}\n")
    return log


def shown(text: OutputText, around: int | None = None) -> list[str]:
    return [line.text for line in text.window(around)[1]]


def test_the_window_is_at_the_end():
    """A window full, however many lines there are."""
    text = text_of(numbered(1000))
    start, lines = text.window(None)
    assert (start, len(lines)) == (1000 - WINDOW, WINDOW)
    assert (lines[0].text, lines[-1].text) == (f"line {1000 - WINDOW}", "line 999")
    assert [line.number for line in lines] == list(range(1000 - WINDOW, 1000))


def test_a_window_around_a_line_has_lines_on_both_sides():
    """Of a line that is gone, it is around what comes next; of one to come, at the end."""
    text = text_of(numbered(1000))
    start, lines = text.window(500)
    assert (start, lines[LEAD].text, len(lines)) == (400, "line 500", WINDOW)
    assert text.window(5)[0] == 0
    assert text.window(10**9)[1][-1].text == "line 999"


def test_what_was_dropped_changes_no_number():
    """The page keeps what it has, and knows how much is gone."""
    log = numbered(20_000, OutputLog(max_bytes=50_000))
    text = text_of(log)
    head = head_of(text, "")
    assert head["dropped"] == log.dropped == head["first"] > 0
    assert head["first"] + head["total"] == head["end"] == 20_000
    assert text.window(0)[1][0].text == f"line {log.dropped}"


def test_an_empty_log_has_no_lines():
    """And nothing to be found."""
    text = text_of(OutputLog())
    assert (text.window(None), text.window(7), text.total, text.hits("x")) == (
        (0, []),
        (0, []),
        0,
        (),
    )
    assert text.next_hit("x", 0, back=False) is None


def test_a_message_has_room_for_it():
    """Of very long lines there are fewer, those around the one that is looked at."""
    log = OutputLog()
    for number in range(300):
        log.write(f"{number:04} {'é' * 1000}\n")
    text = text_of(log)
    for around, expected in [(None, "0299"), (150, "0150")]:
        lines = text.window(around)[1]
        size = len(json.dumps([line.told() for line in lines], ensure_ascii=False).encode())
        assert ROOM_FOR_LINES / 2 < size < ROOM_FOR_LINES + 200
        assert expected in [line.text[:4] for line in lines]
    assert text.window(150)[1][-1].number > 155


def test_of_a_huge_line_the_beginning_is_shown():
    """And how much more there is: it would freeze the page."""
    log = OutputLog()
    log.write("x" * 50_000 + "\n")
    [line] = text_of(log).window(None)[1]
    assert line.text == f"{'x' * LONGEST_LINE}… 46,000 characters more"


def test_what_no_json_can_carry_is_replaced():
    """Half of a character, as a broken file name has."""
    log = OutputLog()
    log.write("a\udc80b\n")
    assert shown(text_of(log)) == ["a?b"]


def test_only_what_one_task_wrote():
    """Its lines keep their numbers."""
    log = OutputLog()
    for number in range(6):
        task = 11 + number % 2
        log.write(f"{number}\n", task_id=task, task_name=f"task-{task}")
    text = text_of(log, 12)
    assert [(line.number, line.text) for line in text.window(None)[1]] == [
        (1, "1"), (3, "3"), (5, "5"),
    ]  # fmt: skip
    assert (text.total, text.end) == (3, 6)
    assert text.window(4)[0] == 0
    assert list(text.tasks) == [(12, "task-12"), (11, "task-11")]


def test_a_line_tells_whose_it_is_and_what():
    """What it is not takes no room."""
    log = OutputLog()
    log.write("plain\n")
    log.write("bad\n", stream="stderr", task_id=7, task_name="fetch")
    log.show(PNG, task_id=7, task_name="fetch")
    assert [line.told() for line in text_of(log).window(None)[1]] == [
        [0, "plain"],
        [1, "bad", 7, "fetch", 1],
        [2, "<Figure>", 7, "fetch", None, "image/png"],
    ]


def test_a_picture_is_one_line_and_other_things_are_their_text():
    """HTML is not to be trusted, so its text is shown."""
    log = OutputLog()
    log.show({"image/svg+xml": "<svg/>", "text/plain": "one\ntwo"})
    log.show({"text/html": "<script>", "text/plain": "   a\n0  1"})
    text = text_of(log)
    lines = text.window(None)[1]
    assert [(line.text, line.picture) for line in lines] == [
        ("one\ntwo", "image/svg+xml"), ("   a", None), ("0  1", None),
    ]  # fmt: skip
    assert text.total == 3
    entry = text.entry(lines[0].number)
    assert entry is not None
    assert entry.data == {"image/svg+xml": "<svg/>", "text/plain": "one\ntwo"}
    assert text.entry(99) is None


def test_unfinished_lines_stand_apart():
    """The ones that were begun last, and only the picked task's."""
    log = OutputLog()
    log.write("whole\nhalf", task_id=1, task_name="a")
    text = text_of(log)
    assert (shown(text), [line.text for line in text.open_lines()]) == (["whole"], ["half"])
    assert text.open_lines()[0].number < 0
    assert text_of(log, 2).open_lines() == []
    assert len(text.open_lines()) <= MOST_OPEN


def test_unfinished_lines_leave_room_in_a_message():
    """Of several that are long, the ones that were begun last."""
    log = OutputLog()
    for thread in range(MOST_OPEN):
        log.add(f"{thread}{'x' * 1_000}", (thread, "stdout"), (None, None))
    told = text_of(log).open_lines()
    assert ["7", "8", "9"] == [line.text[0] for line in told]
    assert len(json.dumps([line.told() for line in told])) <= ROOM_FOR_OPEN_LINES


def test_colours_go_on_until_they_are_switched_off():
    """On the next lines, and in the next piece of the same task; a window may begin there."""
    log = OutputLog()
    log.write("\x1b[31mred\nstill\n", task_id=1)
    log.write("other\n", task_id=2)
    log.write("not any more\x1b[0m plain\nplain\n", task_id=2)
    log.write("\x1b[1mbold\n", task_id=3)
    log.write("bold too\x1b[0m\n", task_id=3)
    assert shown(text_of(log)) == [
        "\x1b[31mred",
        "\x1b[31mstill",
        "other",
        "not any more\x1b[0m plain",
        "plain",
        "\x1b[1mbold",
        "\x1b[1mbold too\x1b[0m",
    ]
    assert shown(text_of(log, 3)) == ["\x1b[1mbold", "\x1b[1mbold too\x1b[0m"]


def test_lines_are_found_whatever_their_letters():
    """Colours in the middle of a word do not hide it; of a picked task only its own are found."""
    log = OutputLog()
    for number in range(500):
        log.write(f"line {number}\n", task_id=number % 2)
    log.write("An Er\x1b[31mror\n", task_id=1)
    text = text_of(log)
    assert list(text.hits("LINE 49")) == [49, *range(490, 500)]
    assert list(text.hits("error")) == [500]
    assert text.hits("") == ()
    assert list(text_of(log, 0).hits("line 49")) == [490, 492, 494, 496, 498]


def test_it_is_led_from_hit_to_hit_and_round():
    """From a line that is none, too."""
    log = OutputLog()
    log.write("a\nb\na\nb\na\n")
    text = text_of(log)
    forth = [text.next_hit("a", number, back=False) for number in (0, 1, 2, 4)]
    back = [text.next_hit("a", number, back=True) for number in (0, 1, 2, 5)]
    assert (forth, back) == ([1, 1, 2, 0], [2, 0, 0, 2])
