"""The status line in a real browser, with the test in the kernel's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.stage import Stage

INFO = {"type": "info", "text": "race · run 1"}


def said(text: str, level: str = "info") -> dict[str, str]:
    return {"type": "said", "level": level, "text": text}


def test_it_says_hello_and_bye(line: Stage):
    """And after that it says and hears nothing."""
    assert line.sent() == [{"type": "hello"}]
    line.say(said("done"))
    line.close()
    assert line.sent() == [{"type": "bye"}]
    assert line.page.evaluate("stage.listeners.size") == 0
    assert line.find(".bgw-status").count() == 0


def test_it_tells_what_is_selected(line: Stage):
    """In full as a tooltip too, for it may be cut off."""
    line.say(INFO)
    assert line.texts(".bgw-status") == ["race · run 1"]
    assert line.attribute(".bgw-status", "title") == "race · run 1"


def test_what_was_said_stays_for_eight_seconds(line: Stage):
    """Then what is selected shows again, as it is by then."""
    line.say(INFO)
    line.say(said("Stop event set"))
    line.say(INFO | {"text": "race · run 2"})
    line.pass_time(7.9)
    assert line.texts(".bgw-status") == ["Stop event set"]
    line.pass_time(0.2)
    assert line.texts(".bgw-status") == ["race · run 2"]


def test_each_word_has_its_full_time(line: Stage):
    """The first one's eight seconds do not end the second."""
    line.say(said("one"))
    line.pass_time(5)
    line.say(said("two"))
    line.pass_time(5)
    assert line.texts(".bgw-status") == ["two"]


def test_what_is_true_for_a_while_only_goes_then(line: Stage):
    """As that a second click will do it: afterwards that is a first one again."""
    line.say(INFO)
    line.say(said("Click again within 3 s to stop all 3 loops") | {"seconds": 2.9})
    line.pass_time(2.8)
    assert line.texts(".bgw-status") == ["Click again within 3 s to stop all 3 loops"]
    line.pass_time(0.2)
    assert line.texts(".bgw-status") == ["race · run 1"]


def test_an_error_stays_until_the_next_word(line: Stage):
    """Nobody should miss it by looking away."""
    line.say(INFO)
    line.say(said("race is protected", "error"))
    line.pass_time(3600)
    line.say(INFO | {"text": "train · run 1"})
    assert line.texts(".bgw-status") == ["race is protected"]
    line.say(said("Stop event set"))
    line.pass_time(9)
    assert line.texts(".bgw-status") == ["train · run 1"]


def test_an_error_outlives_the_word_before_it(line: Stage):
    """The timer of what was said earlier does not take it away."""
    line.say(said("Stop event set"))
    line.say(said("race is protected", "error"))
    line.pass_time(9)
    assert line.texts(".bgw-status") == ["race is protected"]


def test_levels_differ_in_colour(line: Stage):
    """An error is not in the colour of the rest."""
    colours = []
    for message in (INFO, said("done"), said("no", "error")):
        line.say(message)
        colours.append(line.find(".bgw-status").evaluate("line => getComputedStyle(line).color"))
    assert len(set(colours)) == 3


def test_text_is_never_html(line: Stage):
    """A loop's name may be anything."""
    line.say(INFO | {"text": "<img src=x onerror=alert(1)>"})
    assert line.texts(".bgw-status") == ["<img src=x onerror=alert(1)>"]
    assert line.find(".bgw-status img").count() == 0


def test_a_word_without_an_end_is_broken(line: Stage):
    """It goes over both lines, and does not run out of them."""
    line.say(said("x" * 300))
    widths = line.find(".bgw-status").evaluate("each => [each.scrollWidth, each.clientWidth]")
    assert widths[0] <= widths[1]


@pytest.mark.parametrize("width", [160, 220, 400])
@pytest.mark.parametrize(
    "name", ["a-name-of-two-to-be-read", "\u540d" * 24, "a b\nc\td " * 3, "x" * 99]
)
def test_no_name_of_what_is_selected_goes_over_two_lines(line: Stage, name: str, width: int):
    """One that is too long is cut off there; the title has it whole."""
    text = f"{name} · run 1 · started 12:03:41 · thread {name}"
    line.find(".bgw-status").evaluate("(line, width) => (line.style.width = `${width}px`)", width)
    line.say(INFO | {"text": text})
    box = line.find(".bgw-status").bounding_box()
    assert box is not None
    assert box["height"] <= 26
    assert box["width"] == width
    lines = """
        parts => parts.map((part) => {
          const range = document.createRange();
          range.selectNodeContents(part);
          return new Set([...range.getClientRects()].map(({ y }) => y)).size;
        })
    """
    assert line.find(".bgw-status-part").evaluate_all(lines) == [1, 1, 1, 1]
    assert line.attribute(".bgw-status", "title") == text


def test_a_screen_reader_is_told_politely(line: Stage):
    """It is a status, not an alarm."""
    assert line.page.get_by_role("status").count() == 1
    assert line.attribute(".bgw-status", "aria-live") == "polite"


def test_a_closed_connection_is_no_error(line: Stage):
    """After a kernel's restart the comm throws, and the cleanup goes through all the same."""
    line.page.evaluate("stage.isClosed = true")
    line.close()
    assert line.find(".bgw-status").count() == 0


def test_when_narrow_only_what_was_said_is_shown(line: Stage):
    """The table shows what is selected; the outcome of a command shows nowhere else."""
    line.page.set_viewport_size({"width": 620, "height": 700})
    line.page.add_style_tag(content=".bgw-panel { container-type: inline-size }")
    line.say(INFO)
    assert line.texts(".bgw-status:visible") == []
    line.say(said("Stop event set"))
    assert line.texts(".bgw-status:visible") == ["Stop event set"]


@pytest.mark.parametrize(("width", "side"), [(780, "left"), (980, "left"), (1180, "right")])
def test_an_error_has_a_line_of_its_own_where_the_buttons_leave_little_room(
    line: Stage, width: int, side: str
):
    """It stands below them there, and begins where they do."""
    line.page.set_viewport_size({"width": width + 40, "height": 700})
    line.page.add_style_tag(
        content=f".bgw-panel {{ container-type: inline-size; width: {width}px }}"
    )
    line.say(said("blocked is blocked by blocked · In[1]:26 block, so it cannot obey", "error"))
    status = line.find(".bgw-status")
    assert side == status.evaluate("line => getComputedStyle(line).textAlign")


WHY = {"type": "info", "text": "MainThread · protected: it is the notebook's own", "why": True}


def test_why_a_button_is_grey_is_shown_when_narrow_too(line: Stage):
    """Until another loop is selected, of which there is nothing to say that the table does not."""
    line.page.set_viewport_size({"width": 620, "height": 700})
    line.page.add_style_tag(content=".bgw-panel { container-type: inline-size }")
    line.say(WHY)
    assert line.texts(".bgw-status:visible") == [WHY["text"]]
    line.say(INFO)
    assert line.texts(".bgw-status:visible") == []


def test_why_a_button_is_grey_gives_way_to_what_is_said(line: Stage):
    """And comes back, as any other word on what is selected."""
    line.say(WHY)
    line.say(said("Stop event set"))
    assert line.texts(".bgw-status") == ["Stop event set"]
    line.say(WHY | {"text": "later"})
    assert line.texts(".bgw-status") == ["Stop event set"]
    line.pass_time(8.1)
    assert line.texts(".bgw-status") == ["later"]


PANEL = """
el => {
  const panel = document.createElement("div");
  panel.className = "bgw-panel";
  panel.innerHTML = `<div class="bgw-loops"></div><div class="bgw-actions">
    <button class="bgw-button bgw-does-stop_loop">Stop loop</button>
    <button class="bgw-does-cancel_tasks bgw-hard">Cancel 2 tasks</button>
    <button class="bgw-does-stop_all">Stop all</button>
    <button class="bgw-does-restart" disabled>Restart</button></div>`;
  el.replaceWith(panel);
  panel.querySelector(".bgw-actions").append(el);
}
"""


def test_before_a_click_it_tells_what_the_page_shows(line: Stage):
    """The loop that is selected there, and whether the button is for tasks that are; where nothing
    is known yet, and of a button that does nothing or is for all loops, it tells nothing.
    """
    line.find(".bgw-status").evaluate(f"line => ({PANEL})(line.parentElement)")
    line.say(INFO)
    line.sent()
    line.find("text=Stop loop").click()
    assert line.sent() == []
    show = "(loops, id) => loops.setAttribute('data-bgw-selected', id)"
    line.find(".bgw-loops").evaluate(show, "7")
    line.find("text=Stop loop").click()
    line.find("text=Cancel 2 tasks").click()
    line.find("text=Restart").click(force=True)
    line.find("text=Stop all").click()
    assert line.sent() == [
        {"type": "meant", "action": "stop_loop", "loop": 7, "picked": False},
        {"type": "meant", "action": "cancel_tasks", "loop": 7, "picked": True},
    ]
    line.find(".bgw-loops").evaluate(show, "")
    line.find("text=Stop loop").click()
    assert line.sent() == [{"type": "meant", "action": "stop_loop", "loop": None, "picked": False}]
