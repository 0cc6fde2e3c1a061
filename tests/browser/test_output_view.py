"""The output of a loop in a real browser: what it shows, what it asks for, where it stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import open_stage
from tests.browser.stage import ONE_FRAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from tests.browser.stage import Stage

EVIL: Final = "<img src=x onerror=alert(1)>"
WINDOW: Final = 240
HEAD: Final[dict[str, Any]] = {"first": 0, "dropped": 0, "tasks": [], "hits": None, "name": "race"}
BODY: Final = ".bgw-output-body"
PIXEL: Final = "R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


class Kernel:
    """Plays the kernel for one view: cuts windows out of the lines that it is given."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seq = 0
        self.loop = 7
        self.task: int | None = None

    def tell(self, *, full: bool = False, **fields: Any) -> None:
        """A message with these fields."""
        self.seq = 1 if full else self.seq + 1
        message = {"type": "output", "view": self.stage.page.evaluate("stage.view")}
        message |= {"seq": self.seq, "full": full, "loop": self.loop, "task": self.task}
        self.stage.say(message | fields)

    def lines(self, start: int, stop: int, *, new: int | None = None, **more: Any) -> None:
        """The window of numbered lines, those from `new` on told; of `total` lines in all."""
        total = more.pop("total", stop)
        told: list[Any] = [[number, f"line {number}"] for number in range(start, stop)]
        new = start if new is None else new
        window: dict[str, Any] = {"start": start, "first": start, "last": stop - 1, "gone": []}
        window |= {"follows": more.pop("follows", True)}
        window["lines"] = more.pop("told", [line for line in told if line[0] >= new])
        head = more.pop("head", {}) | {"total": total, "end": total}
        full = self.seq == 0
        self.tell(full=full, window=window, head=(HEAD if full else {}) | head, **more)

    def say(self, *lines: list[Any], **more: Any) -> None:
        """All that there is, as it travels."""
        self.seq = 0
        self.lines(0, len(lines), told=list(lines), **more)


def open_output(stage: Stage, tab: str = "output", *, loop: int | None = 7, **more: Any) -> None:
    """The table says which tab is open."""
    stage.page.evaluate(
        """detail => document.querySelector(".bgw-output")
            .dispatchEvent(new CustomEvent("bgw-tab", { detail }))""",
        {"tab": tab, "loop": loop} | more,
    )
    stage.pass_time(ONE_FRAME)


@pytest.fixture
def output(stage: Stage) -> Stage:
    """The widget with the output of loop 7 open, and what stands for the table beside it."""
    stage.load("output_view")
    stage.mount()
    stage.page.evaluate("""() => {
      const table = document.createElement("div");
      table.className = "bgw-tasks";
      table.addEventListener("bgw-back", () => { table.wasAsked = true; });
      document.querySelector(".bgw-panel").append(table);
    }""")
    open_output(stage)
    return stage


@pytest.fixture
def kernel(output: Stage) -> Kernel:
    return Kernel(output)


@pytest.fixture(scope="module")
def words(browser: Browser) -> Iterator[Stage]:
    """The script, for calls of its pure functions."""
    with open_stage(browser) as stage:
        stage.load("output_view")
        yield stage


def scroll_to(stage: Stage, top: int | str) -> None:
    stage.page.evaluate(
        "([body, top]) => stage.scroll(body, top)",
        [BODY, 10**8 if top == "end" else top],
    )
    stage.pass_time(ONE_FRAME)


def in_sight(stage: Stage) -> list[str]:
    """The lines that are seen."""
    texts: list[str] = stage.find(BODY).evaluate("""body => {
      const { top, bottom } = body.getBoundingClientRect();
      return [...body.querySelectorAll(".bgw-written")].filter((line) => {
        const own = line.getBoundingClientRect();
        return own.top >= top - 1 && own.bottom <= bottom + 1;
      }).map((line) => line.querySelector(".bgw-text").textContent);
    }""")
    return texts


# -- what it asks for


def test_a_tab_that_is_not_open_asks_for_nothing(stage: Stage):
    """And takes no room."""
    stage.load("output_view")
    stage.mount()
    stage.pass_time(9)
    open_output(stage, "chain")
    assert stage.sent() == []
    assert stage.find(".bgw-output").bounding_box() is None


def test_it_says_what_it_shows_and_goes_on_saying_so(kernel: Kernel):
    """With the number of the last message that it has heard; closed, it says so."""
    stage = kernel.stage
    asked = {"type": "show", "loop": 7, "known": 0}
    assert stage.sent() == [asked]
    kernel.lines(0, 3)
    stage.pass_time(4)
    assert stage.sent() == [asked | {"known": 1}]
    open_output(stage, "tasks")
    assert stage.sent() == [{"type": "bye"}]
    stage.pass_time(9)
    assert stage.sent() == []


def test_a_missed_message_is_noticed(kernel: Kernel):
    """All is asked for again; what is another loop's is passed over."""
    stage = kernel.stage
    kernel.lines(0, 3)
    stage.sent()
    kernel.seq = 5
    kernel.lines(3, 6)
    assert stage.sent() == [{"type": "show", "loop": 7, "known": 0}]
    assert stage.texts(".bgw-text") == ["line 0", "line 1", "line 2"]
    kernel.loop, kernel.seq = 8, 0
    kernel.lines(0, 1)
    assert len(stage.texts(".bgw-text")) == 3


def test_another_loop_begins_anew(kernel: Kernel):
    """Nothing of the first is left."""
    stage = kernel.stage
    kernel.lines(0, 3)
    open_output(stage, loop=8)
    assert stage.texts(".bgw-text") == []
    assert stage.sent()[-1] == {"type": "show", "loop": 8, "known": 0}


# -- where it is


def test_it_follows_the_end(kernel: Kernel):
    """However much comes, the page holds a window of it."""
    stage = kernel.stage
    kernel.lines(0, WINDOW)
    for end, new in ((300, 240), (100_000, 99_760), (200_000, 199_760)):
        kernel.lines(end - WINDOW, end, new=new, head={"dropped": end // 2})
        assert stage.find(".bgw-written").count() <= WINDOW
        assert in_sight(stage)[-1] == f"line {end - 1}"
    assert stage.find(".bgw-to-end").is_hidden()
    assert stage.texts(".bgw-amount") == ["200,000 lines · 100,000 dropped"]


def test_scrolled_up_it_stays_and_says_what_is_new(kernel: Kernel):
    """A button leads back to the end, as does End."""
    stage = kernel.stage
    kernel.lines(0, 200)
    stage.sent()
    scroll_to(stage, 1000)
    before = in_sight(stage)
    [asked] = stage.sent()
    assert (asked["type"], asked["stays"]) == ("show", True)
    assert before[0] in {f"line {asked['around'] + 1}", f"line {asked['around']}"}
    kernel.tell(head={"total": 212, "end": 212})
    assert in_sight(stage) == before
    assert stage.texts(".bgw-to-end") == ["↓ 12 new lines"]
    stage.click(".bgw-to-end")
    assert stage.sent()[-1] == {"type": "show", "loop": 7, "known": 2}
    kernel.lines(0, 212, new=200)
    assert in_sight(stage)[-1] == "line 211"
    scroll_to(stage, 500)
    stage.find(BODY).focus()
    stage.press("End")
    assert stage.sent()[-1] == {"type": "show", "loop": 7, "known": 3}
    assert in_sight(stage)[-1] == "line 211"


def test_in_a_flood_what_is_read_stays(kernel: Kernel):
    """Though the kernel has it no more, and so nothing before it can be had."""
    stage = kernel.stage
    kernel.lines(760, 1000)
    scroll_to(stage, 17 * 790)
    before = in_sight(stage)
    stage.sent()
    kernel.tell(head={"total": 5000, "first": 900_000, "end": 905_000, "dropped": 900_000})
    assert in_sight(stage) == before
    scroll_to(stage, stage.find(BODY).evaluate("body => body.scrollTop") + 17 * 25)
    assert stage.sent() == []
    scroll_to(stage, 0)
    assert stage.texts(".bgw-dropped") == ["… 900,000 lines dropped"]
    assert in_sight(stage)[0] == "line 760"
    assert stage.sent() == []
    assert stage.texts(".bgw-to-end") == ["↓ 904,000 new lines"]


def test_older_lines_come_as_one_scrolls(kernel: Kernel):
    """Nothing jumps when they do; the room that is empty is as high as they will be."""
    stage = kernel.stage
    kernel.lines(760, 1000)
    height = stage.find(BODY).evaluate("body => body.scrollHeight")
    assert abs(height - 1000 * 17) < 40
    scroll_to(stage, 17 * 770)
    before = in_sight(stage)
    around = stage.sent()[-1]["around"]
    assert around in {769, 770}
    lines = [[number, f"line {number}"] for number in range(670, 760)]
    kernel.lines(670, 910, total=1000, told=lines, follows=False)
    assert in_sight(stage) == before
    assert stage.find(".bgw-written").count() == WINDOW
    scroll_to(stage, 17 * 100)
    around = stage.sent()[-1]["around"]
    assert abs(around - 100) <= 2
    kernel.lines(0, 240, total=1000, follows=False)
    assert f"line {around}" in in_sight(stage)[:2]


def test_what_comes_just_when_one_scrolls_does_not_undo_that(kernel: Kernel):
    """The page hears of a scroll a frame later than it is done."""
    stage = kernel.stage
    kernel.lines(0, 200)
    stage.find(BODY).evaluate("""body => {
      const { say } = stage;
      stage.say = (...message) => {
        stage.say = say;
        body.scrollTop -= 500;
        say.apply(stage, message);
      };
    }""")
    kernel.lines(1, 201, new=200)
    assert "line 200" not in in_sight(stage)
    kernel.tell(head={"total": 212, "end": 212})
    assert ["↓ 12 new lines"] == stage.texts(".bgw-to-end")


def test_what_was_on_its_way_does_not_move_what_one_has_scrolled_to(kernel: Kernel):
    """However many messages a kernel sends that has much to do and hears of it late; and then all
    that changed meanwhile is known.
    """
    stage = kernel.stage
    kernel.lines(0, 240)
    scroll_to(stage, 1000)
    seen, texts = in_sight(stage), stage.texts(".bgw-text")
    for end in range(241, 300):
        kernel.lines(end - 240, end, new=end - 1)
        assert stage.texts(".bgw-text") == texts
    assert in_sight(stage) == seen
    assert stage.texts(".bgw-to-end") == ["↓ 59 new lines"]
    stage.click(".bgw-to-end")
    kernel.lines(60, 300, new=299)
    assert stage.texts(".bgw-text") == [f"line {number}" for number in range(60, 300)]


@pytest.mark.parametrize(
    "later",
    [
        {"first": 1, "last": 4, "gone": [2], "lines": [[4, "e"]]},
        {"first": 0, "last": 4, "gone": [], "lines": [[0, "a"], [3, "D"], [4, "e"]]},
        {"first": 6, "last": 7, "gone": [], "lines": [[6, "g"], [7, "h"]]},
        {"first": None, "last": None, "gone": [], "lines": []},
    ],
    ids=["moved on", "back", "far away", "cleared"],
)
def test_two_windows_put_together_change_what_both_do(kernel: Kernel, later: dict[str, Any]):
    """One after the other."""
    stage = kernel.stage
    start = [[0, "a"], [1, "b"], [2, "c"]]
    earlier = {"first": 1, "last": 3, "gone": [1], "lines": [[3, "d"]]}
    windows = [{"start": 0, "follows": True} | each for each in (earlier, later)]
    kernel.say(*start)
    for window in windows:
        kernel.tell(window=window)
    one_by_one = stage.texts(".bgw-text")
    kernel.say(*start)
    kernel.tell(window=stage.call("afterBoth", *windows))
    assert stage.texts(".bgw-text") == one_by_one


def test_to_scroll_down_to_the_end_is_to_follow_it_again(kernel: Kernel):
    """As in a terminal."""
    stage = kernel.stage
    kernel.lines(0, 200)
    scroll_to(stage, 100)
    assert "around" in stage.sent()[-1]
    scroll_to(stage, "end")
    assert stage.sent()[-1] == {"type": "show", "loop": 7, "known": 1}


def test_what_was_dropped_is_said_where_it_was(kernel: Kernel):
    """Before the first line that is held."""
    stage = kernel.stage
    kernel.lines(0, 100, head={"dropped": 1_234_567})
    scroll_to(stage, 0)
    assert stage.texts(".bgw-dropped") == ["… 1,234,567 lines dropped"]


def test_what_was_replaced_is_taken_away(kernel: Kernel):
    """An update of something displayed."""
    stage = kernel.stage
    kernel.say([0, "a"], [1, "b"], [2, "c"])
    window = {"start": 0, "first": 0, "last": 3, "gone": [1], "follows": True, "lines": [[3, "B"]]}
    kernel.tell(window=window, head={"total": 3, "end": 4})
    assert stage.texts(".bgw-text") == ["a", "c", "B"]


# -- what a line shows


def test_the_users_text_is_never_html(kernel: Kernel):
    """Nor a name."""
    stage = kernel.stage
    tasks = [[1, EVIL], [2, "two"]]
    kernel.say([0, EVIL, 1, EVIL], [1, f"\x1b[31m{EVIL}", 2, "two", 1], head={"tasks": tasks})
    assert stage.texts(".bgw-text") == [EVIL, EVIL]
    assert stage.texts(".bgw-whose") == [EVIL, "two"]
    assert stage.find(".bgw-output img").count() == 0


def test_a_line_that_grows(kernel: Kernel):
    """Stands at the end until it has one."""
    stage = kernel.stage
    kernel.say([0, "a"], open=[[-1, "50 %"]])
    assert stage.texts(".bgw-text") == ["a", "50 %"]
    kernel.tell(open=[[-1, "60 %"]])
    assert stage.texts(".bgw-text") == ["a", "60 %"]
    kernel.lines(0, 2, told=[[1, "100 %"]], open=[])
    assert stage.texts(".bgw-text") == ["a", "100 %"]


def test_stderr_is_another_colour_and_has_a_bar(kernel: Kernel):
    """Who hears it hears the word."""
    stage = kernel.stage
    kernel.say([0, "good"], [1, "bad", None, None, 1])
    lines = stage.find(".bgw-written")
    colours = [lines.nth(at).evaluate("line => getComputedStyle(line).color") for at in (0, 1)]
    assert colours[0] != colours[1]
    bar = "line => getComputedStyle(line, '::before').borderLeftWidth"
    assert lines.nth(1).evaluate(bar) == "3px"
    assert lines.nth(1).text_content() == "stderr: bad"


def test_a_task_is_named_where_it_begins_to_write(kernel: Kernel):
    """Its name picks it; the cross and the list lead back."""
    stage = kernel.stage
    lines = [[0, "a", 1, "one"], [1, "b", 1, "one"], [2, "c", 2, "two"], [3, "d", 1, "one"]]
    kernel.say(*lines, head={"tasks": [[1, "one"], [2, "two"]]})
    assert stage.texts(".bgw-whose:visible") == ["one", "two", "one"]
    stage.sent()
    stage.click(".bgw-whose:visible >> nth=1")
    assert stage.sent()[-1] == {"type": "show", "loop": 7, "task": 2, "known": 0}
    kernel.task = 2
    kernel.say([2, "c", 2, "two"], head={"tasks": [[1, "one"], [2, "two"]]})
    assert stage.texts(".bgw-text") == ["c"]
    assert stage.find(".bgw-task-filter").input_value() == "2"
    stage.page.get_by_role("button", name="Show the output of all tasks").click()
    assert stage.sent()[-1] == {"type": "show", "loop": 7, "known": 0}
    stage.find(".bgw-task-filter").select_option("1")
    assert stage.sent()[-1]["task"] == 1


def test_of_one_task_alone_no_name_is_shown(kernel: Kernel):
    """It would say nothing."""
    kernel.say([0, "a", 1, "main"], head={"tasks": [[1, "main"]]})
    assert kernel.stage.texts(".bgw-whose:visible") == []
    assert not kernel.stage.find(".bgw-task-filter").is_visible()


def test_a_picture_comes_when_it_is_seen(kernel: Kernel):
    """By its address in the page's memory, with its text for who cannot see it."""
    stage = kernel.stage
    kernel.say([0, "<Figure>", None, None, None, "image/png"])
    stage.page.wait_for_function("stage.sent.some(({ type }) => type === 'picture')")
    assert stage.sent()[-1] == {"type": "picture", "number": 0}
    view = stage.page.evaluate("stage.view")
    picture = {"type": "picture", "view": view, "number": 0}
    stage.say(picture | {"kind": "image/gif", "data": PIXEL})
    image = stage.find(".bgw-text > img")
    assert image.get_attribute("alt") == "<Figure>"
    assert str(image.get_attribute("src")).startswith("blob:")
    image.evaluate("image => image.decode()")
    stage.say(picture | {"why": "too large"})
    assert stage.texts(".bgw-text") == ["<Figure> (too large)"]


def test_a_drawing_runs_no_script(kernel: Kernel):
    """It is a picture, and no part of the page."""
    stage = kernel.stage
    kernel.say([0, "<Figure>", None, None, None, "image/svg+xml"])
    script = "<script>top.ran=1</script>"
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{script}</svg>"
    view = stage.page.evaluate("stage.view")
    stage.say({"type": "picture", "view": view, "number": 0, "kind": "image/svg+xml", "data": svg})
    stage.find(".bgw-text > img").evaluate("image => image.decode()")
    assert stage.page.evaluate("window.ran === undefined")


def test_long_lines_are_wrapped_or_not(kernel: Kernel):
    """As one likes."""
    stage = kernel.stage
    kernel.say([0, "word " * 200])
    assert stage.find(".bgw-written").bounding_box()["height"] > 30  # type: ignore[index]
    stage.page.get_by_role("button", name="Wrap").click()
    assert stage.find(".bgw-written").bounding_box()["height"] < 20  # type: ignore[index]
    assert stage.page.get_by_role("button", name="Wrap").get_attribute("aria-pressed") == "false"


# -- colours and words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [("plain", {})]),
        ("\x1b[1;31mred\x1b[0m not", [("red", {"bold": True, "ink": [231, 92, 88]}), (" not", {})]),
        ("\x1b[38;5;196mx", [("x", {"ink": [255, 0, 0]})]),
        ("\x1b[38;5;244mx", [("x", {"ink": [128, 128, 128]})]),
        ("\x1b[38;2;1;2;3;4mx", [("x", {"ink": [1, 2, 3], "underline": True})]),
        ("\x1b[38:2::1:2:3mx", [("x", {"ink": [1, 2, 3]})]),
        ("\x1b[48;5;21m\x1b[7mx\x1b[27;49my", [
            ("x", {"paper": [0, 0, 255], "inverse": True}), ("y", {}),
        ]),
        ("\x1b[1;2;3;9ma\x1b[22;23;29mb", [
            ("a", {"bold": True, "dim": True, "italic": True, "strike": True}), ("b", {}),
        ]),
        ("\x1b[91ma\x1b[39mb", [("a", {"ink": [255, 116, 112]}), ("b", {})]),
        ("\x1b[38;5;999ma\x1b[38;2;1ma\x1b[38ma", [("a", {}), ("a", {}), ("a", {})]),
        ("\x1b[31ma\x1b[mb", [("a", {"ink": [231, 92, 88]}), ("b", {})]),
    ],
)  # fmt: skip
def test_colours_are_understood(words: Stage, text: str, expected: list[tuple[str, Any]]):
    """The 16, the 256, and all; whatever is not understood does nothing."""
    parts = words.call("partsOf", text)
    assert [(part["text"], part["look"]) for part in parts] == expected


@pytest.mark.parametrize("paper", [[255, 255, 255], [17, 17, 17], [120, 120, 120]])
def test_every_colour_can_be_read(words: Stage, paper: list[int]):
    """By AA, on any background; one that can be read stays as it is."""
    levels = (0, 95, 175, 255)
    for ink in [[r, g, b] for r in levels for g in levels for b in levels]:
        shown = words.call("readable", ink, paper)
        before = words.call("contrast", ink, paper)
        assert words.call("contrast", shown, paper) >= 4.5 or paper == [120, 120, 120]
        assert before < 4.6 or shown == ink


def test_what_is_not_seen_is_shown(words: Stage):
    """Control characters; tabs and all else stay."""
    assert words.call("visible", "a\tb\x00\x1b\x7f\x9bé") == "a\tb\\x00\\x1b\\x7f\\x9bé"


def test_hits_are_found_whatever_their_letters(words: Stage):
    """What is looked for is no pattern."""
    assert words.call("hitsIn", "an Error: a.b error", "ERROR") == [[3, 8], [14, 19]]
    assert words.call("hitsIn", "axb a.b", "a.b") == [[4, 7]]
    assert words.call("hitsIn", "a", "") == []


# -- looking for something


def test_what_is_looked_for_is_marked_and_led_to(kernel: Kernel):
    """Also across colours; Enter leads on, Shift and Enter back, Esc ends it."""
    stage = kernel.stage
    kernel.say([0, "an er\x1b[31mror\x1b[0m here"], [1, "nothing"], [2, "error"])
    stage.find(BODY).focus()
    stage.sent()
    stage.press("/")
    stage.page.keyboard.type("error")
    stage.pass_time(0.2)
    assert stage.sent() == [
        {"type": "show", "loop": 7, "find": "error", "known": 1},
        {"type": "step", "number": 3, "back": True},
    ]
    kernel.tell(head={"hits": 2}, hit={"at": 1, "number": 2})
    assert stage.texts("mark") == ["er", "ror", "error"]
    assert stage.texts(".bgw-hits") == ["2 of 2 lines"]
    assert stage.attribute(".bgw-hit", "data-bgw-number") == "2"
    stage.press("Shift+Enter")
    assert stage.sent()[-1] == {"type": "step", "number": 2, "back": True}
    stage.press("Enter")
    assert stage.sent()[-1] == {"type": "step", "number": 2, "back": False}
    stage.press("Escape")
    assert stage.texts("mark") == []
    assert stage.page.evaluate("document.activeElement.className") == "bgw-output-body"
    stage.press("Control+f")
    assert stage.page.evaluate("document.activeElement.className") == "bgw-find"


def test_a_hit_elsewhere_is_shown(kernel: Kernel):
    """With the lines around it; following ends there."""
    stage = kernel.stage
    kernel.lines(760, 1000)
    stage.find(".bgw-find").fill("line 50")
    stage.pass_time(0.2)
    lines = [[number, f"line {number}"] for number in range(408, 648)]
    hit = {"at": 3, "number": 508}
    kernel.lines(408, 648, total=1000, told=lines, follows=False, head={"hits": 11}, hit=hit)
    assert "line 508" in in_sight(stage)
    assert stage.find(".bgw-to-end").is_visible()


def test_nothing_found_is_said(kernel: Kernel):
    """In a word."""
    stage = kernel.stage
    kernel.lines(0, 3)
    stage.find(".bgw-find").fill("zebra")
    stage.pass_time(0.2)
    kernel.tell(head={"hits": 0}, hit={"at": None, "number": None})
    assert stage.texts(".bgw-hits") == ["none"]


# -- taking it away


def test_all_of_it_is_downloaded_in_pieces(kernel: Kernel):
    """Piece after piece; the button says how far it is."""
    stage = kernel.stage
    kernel.lines(0, 3)
    view = stage.page.evaluate("stage.view")
    stage.sent()
    button = stage.page.get_by_title("All that the kernel holds, as a text file")
    button.click()
    assert stage.sent() == [{"type": "save", "start": 0}]
    piece = {"type": "piece", "view": view, "total": 8}
    stage.say(piece | {"text": "é𝄞\n", "start": 0, "stop": 3})
    assert button.text_content() == "37 %"
    assert stage.sent() == [{"type": "save", "start": 3}]
    with stage.page.expect_download() as taken:
        stage.say(piece | {"text": "ab\nc\n", "start": 3, "stop": 8})
    assert taken.value.suggested_filename == "race.txt"
    assert taken.value.path().read_text() == "é𝄞\nab\nc\n"
    assert stage.texts(".bgw-said") == ["Downloaded"]
    assert button.text_content() == "Download"


def test_a_kernel_that_does_not_answer_is_told_of(kernel: Kernel):
    """It does not wait for ever."""
    stage = kernel.stage
    kernel.lines(0, 3)
    stage.page.get_by_text("Download").click()
    stage.pass_time(10.1)
    assert stage.texts(".bgw-said") == ["Not downloaded: no answer from the kernel"]


def test_what_is_selected_is_copied_and_no_more(kernel: Kernel):
    """Without the names before the lines; with nothing selected, all."""
    stage = kernel.stage
    stage.page.evaluate("""() => Object.defineProperty(navigator, "clipboard",
        { value: { writeText: async (text) => { stage.copied = text; } } })""")
    lines = [[0, "one", 1, "a"], [1, "two", 2, "b", 1], [2, "three", 1, "a"]]
    kernel.say(*lines, head={"tasks": [[1, "a"], [2, "b"]]})
    stage.page.evaluate("""() => {
      const texts = document.querySelectorAll(".bgw-text");
      getSelection().setBaseAndExtent(texts[0], 0, texts[1], 1);
    }""")
    stage.page.get_by_text("Copy").click()
    expect(stage.find(".bgw-said")).to_have_text("Copied")
    assert stage.page.evaluate("stage.copied") == "one\ntwo"
    stage.page.evaluate("getSelection().removeAllRanges()")
    stage.sent()
    stage.page.get_by_text("Copy", exact=True).click()
    assert stage.sent() == [{"type": "save", "start": 0}]


def test_it_asks_for_a_window_of_its_own(kernel: Kernel):
    """By an event on the element of the widget that opens it."""
    stage = kernel.stage
    kernel.lines(0, 3)
    stage.page.evaluate("""() => {
      document.querySelector(".bgw-panel").insertAdjacentHTML("beforeend", "<i class=bgw-out></i>");
      const out = document.querySelector(".bgw-out");
      out.addEventListener("bgw-pop-out", ({ detail }) => (stage.asked = detail));
    }""")
    stage.page.get_by_role("button", name="Pop out").click()
    assert stage.page.evaluate("stage.asked") == {"output": 7, "name": "race"}


# -- keys and reading aids


def test_no_key_leaks_and_esc_leads_back(kernel: Kernel):
    """JupyterLab would cut the cell at an x."""
    stage = kernel.stage
    kernel.lines(0, 3)
    stage.page.evaluate("document.addEventListener('keydown', () => console.error('leaked'))")
    stage.find(BODY).focus()
    stage.press("x", "a", "Control+f", "x", "Escape", "Escape")
    assert stage.page.evaluate("document.querySelector('.bgw-tasks').wasAsked")


def test_home_leads_to_the_first_line_that_is_held(kernel: Kernel):
    """Wherever that is."""
    stage = kernel.stage
    kernel.lines(760, 1000, head={"first": 300})
    stage.find(BODY).focus()
    stage.press("Home")
    assert stage.sent()[-1]["around"] == 300


def test_without_contact_it_says_why(kernel: Kernel):
    """The table knows."""
    stage = kernel.stage
    kernel.lines(0, 3)
    open_output(stage, trouble="kernel gone")
    assert stage.texts(".bgw-amount") == ["kernel gone"]
    stage.sent()
    open_output(stage, trouble=None)
    assert stage.texts(".bgw-amount") == ["3 lines"]
    assert [message["type"] for message in stage.sent()] == ["show"]


def test_a_log_with_nothing_in_it_says_so(kernel: Kernel):
    """So does one whose loop is gone."""
    stage = kernel.stage
    window: dict[str, Any] = {
        "start": 0,
        "first": None,
        "last": None,
        "gone": [],
        "follows": True,
        "lines": [],
    }
    kernel.tell(full=True, window=window, head=HEAD | {"total": 0, "end": 0}, open=[])
    assert stage.texts(".bgw-nothing") == ["Nothing was written yet"]
    kernel.tell(head={"name": None})
    assert stage.texts(".bgw-nothing") == ["That loop is not listed any more"]


def test_a_kernel_that_takes_its_time_is_told_of(output: Stage):
    """As is that there is no loop."""
    assert output.texts(".bgw-nothing") == [""]
    output.pass_time(1)
    open_output(output)
    assert output.texts(".bgw-nothing") == ["Asking the kernel…"]
    open_output(output, loop=None)
    assert output.texts(".bgw-nothing") == ["No loop selected"]
    assert output.sent()[-1] == {"type": "bye"}


def test_another_window_goes_on_where_it_was_left(kernel: Kernel):
    """With what is looked for, and at which line."""
    stage = kernel.stage
    kernel.lines(0, 200)
    stage.find(".bgw-find").fill("line")
    stage.pass_time(0.2)
    kernel.tell(head={"hits": 200}, hit={"at": 150, "number": 150})
    stage.sent()
    place = stage.page.evaluate("""() => {
      const leave = new CustomEvent("bgw-leave", { detail: {} });
      document.querySelector(".bgw-output").dispatchEvent(leave);
      return leave.detail.place;
    }""")
    assert place == {"loop": 7, "task": None, "find": "line", "around": 150}
    stage.page.evaluate(
        """place => document.querySelector(".bgw-output").dispatchEvent(
            new CustomEvent("bgw-go-on", { detail: { place } }))""",
        place | {"find": "other", "task": 3},
    )
    asked = {"type": "show", "loop": 7, "task": 3, "find": "other", "around": 150}
    assert [message | {"known": 0} for message in stage.sent()][-1].items() >= asked.items()
    assert stage.find(".bgw-find").input_value() == "other"


def test_it_leaves_nothing_behind(kernel: Kernel):
    """No listener, no timer that asks."""
    stage = kernel.stage
    kernel.lines(0, 3)
    stage.sent()
    stage.close()
    stage.pass_time(9)
    assert stage.sent() == [{"type": "bye"}]
    assert stage.page.evaluate("stage.listeners.size") == 0
