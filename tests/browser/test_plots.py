"""What the Plots tab shows in a real browser, and what it asks for."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from tests.browser.stage import ONE_FRAME
from tests.browser.test_task_details import TABLE

if TYPE_CHECKING:
    from tests.browser.stage import Stage

EVIL: Final = "<img src=x onerror=alert(1)>"
COUNT_ADDRESSES: Final = """() => {
  const { createObjectURL, revokeObjectURL } = URL;
  globalThis.addresses = new Set();
  URL.createObjectURL = (blob) => {
    const address = createObjectURL(blob);
    addresses.add(address);
    return address;
  };
  URL.revokeObjectURL = (address) => {
    addresses.delete(address);
    revokeObjectURL(address);
  };
}"""
INK: Final = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0);
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, at) => at % 4 === 3 && data[at] > 0).length;
}"""
"""How much of a canvas is drawn on."""


def png(width: int, height: int) -> bytes:
    """A white picture of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    rows = (b"\0" + b"\xff" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.fixture
def plots(stage: Stage) -> Stage:
    """The widget, with its tab closed, and what stands for the table of tasks beside it."""
    stage.load("plots_view")
    stage.mount()
    stage.page.evaluate(TABLE)
    stage.page.evaluate(COUNT_ADDRESSES)
    return stage


def open_tab(stage: Stage, tab: str = "plots", **more: Any) -> None:
    """The table says which tab is open; the widget's view is known from now on."""
    stage.page.evaluate(
        """detail => document.querySelector(".bgw-plots")
            .dispatchEvent(new CustomEvent("bgw-tab", { detail }))""",
        {"tab": tab, "loop": 7, "task": None} | more,
    )
    stage.pass_time(ONE_FRAME)


def metric(name: str = "loss", *values: float | None, keep: int = 0, **more: Any) -> dict[str, Any]:
    """A value a second, from the first that is not known."""
    known = [value for value in values if value is not None]
    series = {"name": name, "keep": keep, "values": list(values)}
    series |= {"times": [keep + place for place in range(len(values))]}
    series |= {"count": keep + len(values), "last": values[-1] if values else None}
    return series | {"lowest": min(known, default=None), "highest": max(known, default=None)} | more


def figure(name: str = "fit", **more: Any) -> dict[str, Any]:
    return {"name": name, "at": "12:03:41", "error": None, "buffer": 0} | more


def tell(
    stage: Stage,
    metrics: list[dict[str, Any]] | None = None,
    figures: list[dict[str, Any]] | None = None,
    pictures: list[bytes] | None = None,
    *,
    seq: int = 1,
    loop: int = 7,
    **more: Any,
) -> None:
    """The kernel tells what is new: the first message all there is."""
    view = stage.page.evaluate("stage.view")
    message = {"type": "plots", "view": view, "seq": seq, "full": seq == 1, "loop": loop}
    message |= {"listed": True, "gone": [], "gone_figures": []}
    message |= {"metrics": metrics or [], "figures": figures or []}
    stage.say(message | more, pictures or [])


def slider(stage: Stage, name: str = "loss") -> Any:
    return stage.page.get_by_role("slider", name=f"{name} over time")


# -- what it asks for


def test_a_tab_that_is_not_open_asks_for_nothing(plots: Stage):
    """And takes no room; nor does it while another tab is open."""
    plots.pass_time(9)
    for tab in ("tasks", "chain"):
        open_tab(plots, tab)
    assert plots.sent() == []
    assert plots.find(".bgw-plots").bounding_box() is None


def test_a_tab_that_is_opened_asks_at_once_and_goes_on_saying_so(plots: Stage):
    """With the number of the last message that it has heard; closed, it says that, once."""
    open_tab(plots)
    asked = {"type": "show", "loop": 7, "known": 0}
    assert plots.sent() == [asked]
    tell(plots, [metric("loss", 1.0)])
    open_tab(plots)
    plots.pass_time(4)
    assert plots.sent() == [asked | {"known": 1}]
    open_tab(plots, "tasks")
    plots.pass_time(9)
    assert plots.sent() == [{"type": "bye"}]


def test_what_was_missed_is_asked_for(plots: Stage):
    """And what came of it is not shown, for it may fit nothing."""
    open_tab(plots)
    tell(plots, [metric("loss", 1.0, 2.0)])
    plots.sent()
    tell(plots, [metric("loss", 4.0, keep=3)], seq=3)
    assert [message["known"] for message in plots.sent()] == [0]
    assert plots.texts(".bgw-number") == ["2"]


def test_an_answer_to_an_earlier_question_is_not_shown(plots: Stage):
    """Another loop was selected since."""
    open_tab(plots)
    open_tab(plots, loop=8)
    tell(plots, [metric("loss", 1.0)], loop=7)
    assert plots.find(".bgw-chart").count() == 0


def test_a_kernel_that_does_not_answer_is_waited_for_in_words(plots: Stage):
    """Not before a while has passed; without a loop there is nobody to ask."""
    open_tab(plots)
    plots.pass_time(0.3)
    assert plots.texts(".bgw-nothing:visible") == []
    plots.pass_time(0.3)
    assert plots.texts(".bgw-nothing:visible") == ["Asking the kernel…"]
    tell(plots)
    assert plots.texts(".bgw-nothing:visible") == ["Nothing was measured or plotted yet"]
    tell(plots, [metric("loss", 1.0)], seq=2)
    assert plots.texts(".bgw-nothing:visible") == []
    tell(plots, seq=3, full=True, listed=False)
    assert plots.texts(".bgw-nothing:visible") == ["That loop is not listed any more"]
    open_tab(plots, loop=None)
    plots.pass_time(0.6)
    assert plots.texts(".bgw-nothing:visible") == ["No loop selected"]


def test_it_leaves_nothing_behind(plots: Stage):
    """Neither an element nor a listener, a timer or a picture; and says goodbye."""
    open_tab(plots)
    tell(plots, [metric("loss", 1.0)], [figure()], [png(4, 4)])
    plots.sent()
    plots.close()
    plots.pass_time(9)
    assert plots.sent() == [{"type": "bye"}]
    assert plots.find(".bgw-plots").count() == 0
    assert plots.page.evaluate("stage.listeners.size") == 0
    assert plots.page.evaluate("addresses.size") == 0


def test_a_closed_comm_breaks_nothing(plots: Stage):
    """The kernel was restarted; the tables say so."""
    plots.page.evaluate("stage.isClosed = true")
    open_tab(plots)
    plots.pass_time(9)
    open_tab(plots, "tasks")


# -- charts


def test_a_chart_shows_the_last_the_lowest_and_the_highest(plots: Stage):
    """Its time is counted from the start of the run."""
    open_tab(plots)
    tell(plots, [metric("loss", 2.31, *[1.0] * 70, 0.3124), metric("rows", 12_041.0)])
    assert plots.texts(".bgw-chart-name") == ["loss", "rows"]
    assert plots.texts(".bgw-number") == ["0.3124", "12,041"]
    scales = plots.texts(".bgw-chart-scale")
    assert [scale.split() for scale in scales] == [["2.31", "0.3124"], ["12,041"]]
    assert [axis.split() for axis in plots.texts(".bgw-chart-axis")] == [["0:00", "1:11"], ["0:00"]]
    assert slider(plots).get_attribute("aria-valuetext") == (
        "last 0.3124, lowest 0.3124, highest 2.31, 72 values"
    )


def test_a_chart_is_drawn_as_sharp_as_the_screen_is(plots: Stage):
    """In its own colour, and drawn anew when there is more to draw."""
    open_tab(plots)
    tell(plots, [metric("loss", 1.0)])
    canvas = plots.find("canvas")
    one = canvas.evaluate(INK)
    tell(plots, [metric("loss", 3.0, 2.0, 5.0, keep=1)], seq=2)
    assert canvas.evaluate(INK) > one > 0
    density = plots.page.evaluate("devicePixelRatio")
    width, wide = canvas.evaluate("canvas => [canvas.width, canvas.clientWidth]")
    assert width == pytest.approx(wide * density, abs=1)


def test_a_chart_follows_the_theme_and_the_width(plots: Stage):
    """Also when no new point comes."""
    open_tab(plots)
    tell(plots, [metric("loss", 1.0, 2.0, 1.5)])
    blue = INK.replace(
        "at % 4 === 3 && data[at] > 0", "at % 4 === 2 && data[at] > 3 * data[at - 2]"
    )
    canvas = plots.find("canvas")
    assert canvas.evaluate(blue) > 0
    plots.page.evaluate("document.body.style.setProperty('--jp-brand-color1', '#c00')")
    plots.pass_time(1.1)
    assert canvas.evaluate(blue) == 0
    before = canvas.evaluate("canvas => canvas.width")
    plots.page.set_viewport_size({"width": 1300, "height": 700})
    plots.page.wait_for_function(
        "before => document.querySelector('canvas').width !== before", arg=before
    )


def test_new_points_are_put_behind_those_that_are_known(plots: Stage):
    """What was thinned is replaced from there on."""
    open_tab(plots)
    tell(plots, [metric("loss", 5.0, 4.0, 3.0)])
    tell(plots, [metric("loss", 1.0, keep=2, lowest=1.0, highest=5.0)], seq=2)
    slider(plots).focus()
    read = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        plots.press(key)
        read.append(slider(plots).get_attribute("aria-valuetext"))
    assert read == ["5 at 0:00", "4 at 0:01", "1 at 0:02", "1 at 0:02"]


def test_a_value_is_read_under_the_pointer(plots: Stage):
    """The nearest one that there is; away from the chart it is the last again."""
    open_tab(plots)
    tell(plots, [metric("loss", 5.0, None, 3.0, 2.0)])
    box = plots.find("canvas").bounding_box()
    assert box is not None
    middle = box["y"] + 20
    seen = []
    for share in (0, 0.28, 0.5, 0.99):
        plots.page.mouse.move(box["x"] + share * box["width"], middle)
        plots.pass_time(ONE_FRAME)
        seen.append(plots.texts(".bgw-chart-head"))
    assert [head[0].split("\n") for head in seen] == [
        ["loss", "at 0:00", "5"], ["loss", "at 0:00", "5"], ["loss", "at 0:02", "3"],
        ["loss", "at 0:03", "2"],
    ]  # fmt: skip
    plots.page.mouse.move(box["x"], box["y"] + 300)
    plots.pass_time(ONE_FRAME)
    assert plots.texts(".bgw-chart-head")[0].split() == ["loss", "2"]


def test_a_value_is_read_by_keys_and_none_leaks(plots: Stage):
    """Past the gaps; Esc lets go of it, and then leads back to the tasks."""
    plots.page.evaluate(
        "document.leaked = 0; document.addEventListener('keydown', () => document.leaked++)"
    )
    open_tab(plots)
    tell(plots, [metric("loss", 5.0, None, 3.0, 2.0)])
    slider(plots).focus()
    read = []
    for key in ("ArrowLeft", "ArrowLeft", "ArrowLeft", "End", "b", "Escape"):
        plots.press(key)
        read.append(slider(plots).get_attribute("aria-valuetext"))
    last = "last 2, lowest 2, highest 5, 4 values"
    assert read == ["2 at 0:03", "3 at 0:02", "5 at 0:00", "2 at 0:03", "2 at 0:03", last]
    assert not plots.page.evaluate("document.querySelector('.bgw-tasks').wasAsked")
    plots.press("Escape")
    assert plots.page.evaluate("document.querySelector('.bgw-tasks').wasAsked") is True
    assert plots.page.evaluate("document.leaked") == 0
    assert plots.attribute(".bgw-plots", "data-lm-suppress-shortcuts") == "true"


def test_what_never_was_a_number_has_no_line(plots: Stage):
    """Nor does a chart without a point break anything."""
    open_tab(plots)
    tell(plots, [metric("nan", None, None), metric("none")])
    assert plots.texts(".bgw-number") == ["none", "none"]
    slider(plots, "nan").focus()
    plots.press("ArrowLeft", "Home")
    slider(plots, "none").focus()
    plots.press("ArrowLeft", "Home")
    plots.find("canvas").first.hover()
    plots.pass_time(ONE_FRAME)
    assert slider(plots, "nan").get_attribute("aria-valuetext").startswith("last none")


def test_a_chart_that_is_known_stays(plots: Stage):
    """In its place, with its focus; one that is gone goes."""
    open_tab(plots)
    tell(plots, [metric("a", 1.0), metric("b", 1.0)])
    slider(plots, "b").focus()
    tell(plots, [metric("b", 2.0, keep=1), metric("c", 2.0)], seq=2, gone=["a"])
    assert plots.texts(".bgw-chart-name") == ["b", "c"]
    assert plots.page.evaluate("document.activeElement.ariaLabel") == "b over time"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "none"), (0, "0"), (0.31239, "0.3124"), (-2.5, "-2.5"), (12.3456, "12.35"),
        (1204.4, "1,204"), (1_234_567, "1,234,567"), (12_345_678, "1.23e7"), (0.00001, "1e-5"),
        (0.00012345, "0.0001234"),
    ],
)  # fmt: skip
def test_values_are_short(plots: Stage, value: float | None, words: str):
    """Four digits that count."""
    assert plots.call("formatValue", value) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0:00"), (61.9, "1:01"), (3725, "1:02:05"), (183_600, "2d 3h")],
)
def test_times_are_said_as_in_the_tables(plots: Stage, seconds: float, words: str):
    """Since the start of the run."""
    assert plots.call("formatTime", seconds) == words


def test_lines_are_parted_by_gaps(plots: Stage):
    """Within the box, with room for the line's own width."""
    box = {"width": 106, "height": 56}
    lines = plots.call("linesOf", [0, 5, 10, 20], [1, 3, None, 2], 1, 3, box)
    assert lines == [[[3, 53], [28, 3]], [[103, 28]]]
    assert plots.call("linesOf", [4], [7], 7, 7, box) == [[[53, 28]]]
    assert plots.call("linesOf", [], [], 0, 0, box) == []


# -- figures


def test_a_figure_is_a_picture_with_its_name(plots: Stage):
    """It is whole in sight, and in its own size when it is clicked."""
    open_tab(plots)
    tell(plots, [], [figure()], [png(640, 480)])
    picture = plots.page.get_by_role("img", name="Figure fit")
    picture.wait_for()
    plots.page.wait_for_function("document.querySelector('img').complete")
    assert plots.texts("figcaption") == ["fit\ndrawn 12:03:41"]
    small = picture.bounding_box()
    assert small is not None
    assert small["height"] <= 212
    assert small["width"] / small["height"] == pytest.approx(640 / 480, rel=0.02)
    button = plots.page.get_by_role("button", name="Figure fit")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    expect(button).to_have_attribute("aria-expanded", "true")
    large = picture.bounding_box()
    assert large is not None
    assert (large["width"], large["height"]) == (640, 480)


def test_a_new_picture_takes_the_place_of_the_last(plots: Stage):
    """Of which nothing stays in the page's memory."""
    open_tab(plots)
    tell(plots, [], [figure()], [png(8, 8)])
    for seq in range(2, 8):
        tell(plots, [], [figure(at=f"12:03:{seq}")], [png(8 + seq, 8)], seq=seq)
        plots.page.wait_for_function(
            "width => document.querySelector('img').naturalWidth === width", arg=8 + seq
        )
    plots.page.wait_for_function("addresses.size === 1")
    assert plots.find("img").count() == 1
    tell(plots, seq=8, gone_figures=["fit"])
    assert plots.find("img").count() == 0
    assert plots.page.evaluate("addresses.size") == 0


def test_each_figure_has_its_own_bytes(plots: Stage):
    """By the number that it names."""
    open_tab(plots)
    tell(plots, [], [figure("b", buffer=1), figure("a")], [png(10, 8), png(20, 8)])
    plots.page.wait_for_function("[...document.images].every((image) => image.naturalWidth)")
    assert plots.find("img").evaluate_all("all => all.map(e => e.naturalWidth)") == [20, 10]


def test_a_figure_that_could_not_be_drawn_says_why(plots: Stage):
    """The last picture of it stays; before the first there is none."""
    open_tab(plots)
    tell(plots, [], [figure(buffer=None, at=None, error="ValueError: no data")])
    assert plots.texts(".bgw-plot-error:visible") == ["ValueError: no data"]
    assert plots.find("img:visible").count() == 0
    tell(plots, [], [figure()], [png(8, 8)], seq=2)
    assert plots.texts(".bgw-plot-error:visible") == []
    tell(plots, [], [figure(buffer=None, error="KeyError: 1")], seq=3)
    assert plots.texts(".bgw-plot-error:visible") == ["KeyError: 1"]
    assert plots.find("img:visible").count() == 1
    tell(plots, [], [figure("other", buffer=None, at=None)], seq=4)
    assert plots.texts("figcaption")[1] == "other\nnot drawn yet"


# -- all of it


def test_it_is_as_high_as_the_grid(plots: Stage):
    """So nothing jumps when its tab is opened; it is scrolled by keys."""
    open_tab(plots, focus=True)
    tell(plots, [metric(f"metric-{number}", 1.0, 2.0) for number in range(30)])
    assert plots.page.evaluate("document.activeElement.role") == "tabpanel"
    assert plots.find(".bgw-plots-body").evaluate("body => body.offsetHeight") == 25 + 9 * 26
    plots.page.keyboard.press("End")
    plots.page.wait_for_function("document.querySelector('.bgw-plots-body').scrollTop > 300")


@pytest.mark.parametrize("width", [300, 480, 1000])
def test_nothing_sticks_out(plots: Stage, width: int):
    """Whatever the width, and however long a name is."""
    plots.page.set_viewport_size({"width": width, "height": 700})
    long = "a_rather_long_name_that_somebody_chose_for_it" * 3
    open_tab(plots)
    tell(
        plots,
        [metric(long, -1.23456e-12, 1.23456e12), metric("b", 1.0)],
        [figure(long), figure("wide", buffer=None, error=long)],
        [png(2000, 300)],
    )
    plots.page.wait_for_function("document.querySelector('img').complete")
    wide = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.className)"
    containers = ".bgw-plots, .bgw-plots-body, .bgw-charts, .bgw-chart, .bgw-chart-head, .bgw-plot"
    assert plots.find(containers).evaluate_all(wide) == []


def test_the_users_text_is_never_html(plots: Stage):
    """Neither a metric's name nor a figure's, nor its error."""
    open_tab(plots)
    tell(plots, [metric(EVIL, 1.0)], [figure(EVIL, buffer=None, at=EVIL, error=EVIL)])
    assert plots.find(".bgw-plots-body").inner_text().count(EVIL) == 4
    assert plots.find("img:visible").count() == 0
