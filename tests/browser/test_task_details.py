"""What the detail tabs show in a real browser, and what they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.browser.stage import ONE_FRAME

if TYPE_CHECKING:
    from tests.browser.stage import Stage

EVIL: Final = "<img src=x onerror=alert(1)>"
TABLE: Final = """() => {
  const table = document.createElement("div");
  table.className = "bgw-tasks";
  table.addEventListener("bgw-back", () => { table.wasAsked = true; });
  document.querySelector(".bgw-panel").append(table);
}"""


@pytest.fixture
def details(stage: Stage) -> Stage:
    """The widget, with no tab open, and what stands for the table of tasks beside it."""
    stage.load("task_details")
    stage.mount()
    stage.page.evaluate(TABLE)
    return stage


def open_tab(stage: Stage, tab: str, *, task: int | None = 2, **more: Any) -> None:
    """The table says which tab is open; the widget's view is known from now on."""
    detail = {"tab": tab, "loop": 7, "task": task} | more
    stage.page.evaluate(
        """detail => document.querySelector(".bgw-details")
            .dispatchEvent(new CustomEvent("bgw-tab", { detail }))""",
        detail,
    )
    stage.pass_time(ONE_FRAME)


def tell(stage: Stage, tab: str, parts: dict[str, Any], *, seq: int = 1, of_task: int = 2) -> None:
    """The kernel tells some parts: the first message all of them."""
    view = stage.page.evaluate("stage.view")
    about = {"tab": tab, "loop": 7, "task": None if tab == "history" else of_task}
    message = {"type": "detail", "view": view, "seq": seq, "full": seq == 1, "parts": parts}
    stage.say(message | about)


def about(**more: Any) -> dict[str, Any]:
    task = {"name": "fetch-2", "coroutine": "Client.get", "state": "pending"}
    return task | {"born": "12:03:41", "ended": None} | more


def frame(line: int, **more: Any) -> dict[str, Any]:
    frame = {"function": "fetch", "file": "client.py", "path": "/home/me/client.py"}
    return frame | {"line": line, "text": f"await get({line})"} | more


def link(depth: int, name: str, **more: Any) -> dict[str, Any]:
    link = {"depth": depth, "name": name, "coroutine": "fetch", "waiting": "lock"}
    return link | {"where": "client.py:3 fetch", "repeated": False} | more


def bar(**more: Any) -> dict[str, Any]:
    bar = {"depth": 0, "label": "epoch", "share": 63, "end": "", "count": "63 of 100 it"}
    return bar | {"pace": "88 it/s · 0:31 left", "postfix": "loss=0.3"} | more


def chain(**more: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {"task": about(), "waiting": "sleep, 12 s left", "timeout": None}
    parts |= {"bars": []}
    return parts | {"frames": [frame(3), frame(9)], "waits_for": [], "waited_by": []} | more


def history(**more: Any) -> dict[str, Any]:
    parts: dict[str, Any] = {"loop": "race", "births": 1207}
    parts |= {"ends": {"finished": 776, "failed": 2, "cancelled": 0}, "failures": []}
    return parts | {"warnings": [], "cancellations": [], "slow_steps": [], "notes": []} | more


def failure(number: int, **more: Any) -> dict[str, Any]:
    row = {"at": "12:03:41", "name": f"fetch-{number}", "coroutine": "Client.get"}
    return row | {"error": "KeyError: 1", "traceback": f"Trace {number}"} | more


TIMINGS: Final = {
    "polls": 1204, "busy": 0.5, "scheduled": 0.25, "idle": 1.25, "slowest": 0.0132,
    "slowest_at": "12:03:41", "slowest_where": "race.py:12 sprinter",
    "histogram": [[0.000001, 0], [0.000128, 1200], [0.000256, 0], [0.032768, 3], [None, 1]],
}  # fmt: skip
ALL_TABS: Final[dict[str, dict[str, Any]]] = {
    "chain": chain(),
    "error": {"of": {"kind": "task", "name": "f", "at": None}, "error": "E", "traceback": "T"},
    "history": history(),
    "timings": {"task": about(), "timings": TIMINGS},
}


# -- what it asks for


def test_a_tab_that_is_not_open_asks_for_nothing(details: Stage):
    """And takes no room."""
    details.pass_time(9)
    open_tab(details, "tasks")
    assert details.sent() == []
    assert details.find(".bgw-details").bounding_box() is None


def test_a_tab_that_is_opened_asks_at_once_and_goes_on_saying_so(details: Stage):
    """With the number of the last message that it has heard."""
    open_tab(details, "chain")
    asked = {"type": "show", "loop": 7, "task": 2, "tab": "chain", "known": 0}
    assert details.sent() == [asked]
    tell(details, "chain", chain())
    details.pass_time(4)
    assert details.sent() == [asked | {"known": 1}]


def test_being_told_the_same_again_it_asks_for_nothing(details: Stage):
    """The table says which tab is open each time that it paints."""
    open_tab(details, "chain")
    details.sent()
    open_tab(details, "chain")
    assert details.sent() == []


def test_a_tab_that_is_closed_says_so(details: Stage):
    """Once."""
    open_tab(details, "chain")
    details.sent()
    open_tab(details, "tasks")
    details.pass_time(9)
    assert details.sent() == [{"type": "bye"}]


def test_a_tab_of_another_widget_is_none_of_its_own(details: Stage):
    """Its own place is empty then."""
    open_tab(details, "chain")
    details.sent()
    open_tab(details, "plots")
    assert details.sent() == [{"type": "bye"}]
    assert details.find(".bgw-details").bounding_box() is None


def test_a_history_is_not_of_a_task(details: Stage):
    """Another current task changes nothing of it."""
    open_tab(details, "history")
    assert details.sent() == [{"type": "show", "loop": 7, "tab": "history", "known": 0}]
    open_tab(details, "history", task=3)
    assert details.sent() == []


def test_without_a_loop_there_is_nobody_to_ask(details: Stage):
    """It says so instead."""
    open_tab(details, "history", loop=None)
    assert details.sent() == []
    assert details.texts(".bgw-nothing") == ["No loop selected"]


def test_what_was_missed_is_asked_for(details: Stage):
    """All of it; what came of it is not shown, for it may fit nothing."""
    open_tab(details, "chain")
    tell(details, "chain", chain())
    details.sent()
    tell(details, "chain", {"waiting": "lock"}, seq=3)
    assert [message["known"] for message in details.sent()] == [0]
    assert details.texts(".bgw-waiting") == ["waits on sleep, 12 s left"]


def test_an_answer_to_an_earlier_question_is_not_shown(details: Stage):
    """Nor one for another view."""
    open_tab(details, "chain")
    open_tab(details, "chain", task=3)
    tell(details, "chain", chain(), of_task=2)
    assert details.find(".bgw-item").count() == 0
    tell(details, "chain", chain(), of_task=3)
    assert details.find(".bgw-item").count() == 2


def test_a_kernel_that_does_not_answer_is_waited_for_in_words(details: Stage):
    """Not before a while has passed: most answers come sooner."""
    open_tab(details, "chain")
    details.pass_time(0.3)
    assert details.texts(".bgw-nothing") == []
    details.pass_time(0.3)
    assert details.texts(".bgw-nothing") == ["Asking the kernel…"]
    tell(details, "chain", chain())
    assert details.texts(".bgw-nothing") == []
    details.pass_time(1)
    assert details.find(".bgw-item").count() == 2


def test_it_leaves_nothing_behind(details: Stage):
    """Neither an element nor a listener nor a timer; and says goodbye."""
    open_tab(details, "chain")
    details.sent()
    details.close()
    details.pass_time(9)
    assert details.sent() == [{"type": "bye"}]
    assert details.find(".bgw-details").count() == 0
    assert details.page.evaluate("stage.listeners.size") == 0


def test_a_closed_comm_breaks_nothing(details: Stage):
    """The kernel was restarted; the tables say so."""
    details.page.evaluate("stage.isClosed = true")
    open_tab(details, "chain")
    details.pass_time(9)
    open_tab(details, "tasks")


# -- the keyboard


def test_esc_leads_back_and_no_key_leaks(details: Stage):
    """JupyterLab would take x and b for its own."""
    details.page.evaluate(
        "document.leaked = 0; document.addEventListener('keydown', () => document.leaked++)"
    )
    open_tab(details, "chain", focus=True)
    assert details.page.evaluate("document.activeElement.role") == "tabpanel"
    details.press("b", "x", "Escape")
    assert details.page.evaluate("document.querySelector('.bgw-tasks').wasAsked") is True
    assert details.page.evaluate("document.leaked") == 0
    assert details.attribute(".bgw-details", "data-lm-suppress-shortcuts") == "true"


def test_it_is_scrolled_by_keys(details: Stage):
    """It is a stop of the Tab key, named like its tab, and as high as the grid."""
    open_tab(details, "chain", focus=True)
    tell(details, "chain", chain(frames=[frame(line) for line in range(60)]))
    assert details.attribute(".bgw-detail-body", "aria-label") == "Await chain"
    assert details.find(".bgw-detail-body").evaluate("body => body.offsetHeight") == 25 + 9 * 26
    details.page.keyboard.press("End")
    details.page.wait_for_function("document.querySelector('.bgw-detail-body').scrollTop > 500")


# -- the await chain


def test_a_chain_shows_frames_and_what_is_waited_on(details: Stage):
    """The outermost first; the innermost of the user's own is marked, for ears too."""
    open_tab(details, "chain")
    frames = [frame(3, function="main"), frame(9, mark=True), {"more": 1200}, frame(639)]
    timeout = {"seconds": 9, "function": "main"}
    tell(details, "chain", chain(frames=frames, timeout=timeout))
    assert details.texts(".bgw-detail-head > span") == [
        "fetch-2", "Client.get", "pending · made 12:03:41",
    ]  # fmt: skip
    lines = details.texts(".bgw-list-frames > .bgw-item")
    assert [line.split("\n")[:2] for line in lines[:2]] == [
        ["main", "client.py:3"], ["fetch", "client.py:9"],
    ]  # fmt: skip
    assert lines[2] == "and 1,200 more frames"
    assert "innermost line of your code" in lines[1]
    assert details.find("[data-bgw-mark]").count() == 1
    assert details.texts(".bgw-waiting > span") == [
        "waits on sleep, 12 s left", "timeout of main in 9 s",
    ]  # fmt: skip
    assert details.texts("h4:visible") == []
    assert details.find("[title='/home/me/client.py:3']").count() == 1


def test_the_trees_are_indented(details: Stage):
    """And a task that stands elsewhere says so."""
    open_tab(details, "chain")
    links = [link(0, "a"), link(1, "b", repeated=True), {"depth": 1, "more": 3}, link(0, "c")]
    tell(details, "chain", chain(waits_for=links, waited_by=[link(0, "main")]))
    assert details.texts("h4:visible") == ["Waits for", "Waited for by"]
    items = details.find("[aria-label='Waits for'] > [role=listitem]")
    assert items.evaluate_all("all => all.map(each => each.ariaLevel)") == ["1", "2", "2", "1"]
    lefts = items.evaluate_all(
        """all => all.map(each => {
          const range = document.createRange();
          range.selectNodeContents(each.firstElementChild ?? each);
          return Math.round(range.getBoundingClientRect().left);
        })"""
    )
    assert [left - lefts[0] for left in lefts] == [0, 16, 16, 0]
    assert "as above" in items.nth(1).inner_text()
    assert items.nth(2).inner_text() == "and 3 more"


def test_a_chain_begins_with_the_tasks_bars(details: Stage):
    """The inner ones indented; each says how far it is, for ears too."""
    open_tab(details, "chain")
    inner = bar(depth=1, label="", share=None, count="7,240 rows", pace="", postfix="")
    left = bar(end="left open", share=10)
    tell(details, "chain", chain(bars=[bar(), inner, left, {"more": 2}]))
    assert details.texts("h4:visible") == ["Progress"]
    assert [line.split("\n") for line in details.texts("[aria-label=Progress] > .bgw-item")] == [
        ["epoch", "63 %", "63 of 100 it", "88 it/s · 0:31 left", "loss=0.3"],
        ["7,240 rows"],
        ["epoch", "10 %", "63 of 100 it", "88 it/s · 0:31 left", "loss=0.3"],
        ["and 2 more"],
    ]
    tracks = details.page.get_by_role("progressbar")
    assert tracks.evaluate_all("all => all.map(e => [e.ariaLabel, e.ariaValueNow])") == [
        ["epoch", "63"], ["Progress", None], ["epoch", "10"],
    ]  # fmt: skip
    ends = tracks.evaluate_all("all => all.map(e => e.dataset.end)")
    assert ends == ["", "unknown", "left open"]
    tell(details, "chain", {"bars": []}, seq=2)
    assert details.texts("h4:visible") == []


def test_only_what_changed_is_painted(details: Stage):
    """What the user has selected in the rest stays selected."""
    open_tab(details, "chain")
    tell(details, "chain", chain())
    details.page.evaluate("document.querySelectorAll('.bgw-item').forEach(e => { e.mine = true })")
    tell(details, "chain", {"frames": [frame(3), frame(10)], "waiting": "lock"}, seq=2)
    assert details.texts(".bgw-waiting") == ["waits on lock"]
    assert details.find(".bgw-item").evaluate_all("all => all.map(each => !!each.mine)") == [
        True, False,
    ]  # fmt: skip


def test_a_task_that_ended_waits_for_nothing(details: Stage):
    """And that is said."""
    open_tab(details, "chain")
    ended = about(state="finished", ended="12:04:00")
    tell(details, "chain", chain(task=ended, frames=[], waiting=None))
    assert details.texts(".bgw-waiting") == ["It has ended, and waits for nothing"]
    assert details.texts(".bgw-words") == ["finished · ended 12:04:00"]


def test_nothing_to_show_gives_way_to_what_there_is(details: Stage):
    """And the other way round."""
    open_tab(details, "chain")
    tell(details, "chain", chain())
    gone = dict.fromkeys(chain())
    tell(details, "chain", {"nothing": "Nothing is kept of it"} | gone, seq=2)
    assert details.texts(".bgw-detail-body > *") == ["Nothing is kept of it"]
    tell(details, "chain", {"nothing": None} | chain(), seq=3)
    assert details.find(".bgw-item").count() == 2


# -- the error


def test_an_error_shows_its_traceback(details: Stage):
    """As Python prints it; where none was kept, the error's line, and that there is none."""
    open_tab(details, "error")
    of = {"kind": "task", "name": "fetch-2", "at": "12:03:41"}
    trace = "Traceback\n  File\nKeyError: 1"
    tell(details, "error", {"of": of, "error": "KeyError: 1", "traceback": trace})
    assert details.texts(".bgw-trace:visible") == [trace]
    assert details.texts(".bgw-detail-head") == ["fetch-2\ntask failed 12:03:41"]
    assert details.texts(".bgw-error-line:visible") == []
    tell(details, "error", {"traceback": None}, seq=2)
    assert details.texts(".bgw-error-line:visible") == ["KeyError: 1"]
    assert details.find(".bgw-nothing").inner_text().startswith("Its traceback was not kept")


# -- the history


def test_a_history_lists_each_kind_of_event(details: Stage):
    """Those that there were; the numbers stand above them."""
    open_tab(details, "history")
    slow = {"at": "12:03:40", "seconds": 3.2, "task": None, "where": "model.py:88 fit"}
    cancelled = {"at": "12:03:39", "name": "b", "asked_by": "timeout", "where": "a.py:3 main"}
    warned = {"at": "12:03:42", "text": "a blocks", "advice": "use a thread", "count": 3}
    parts = history(slow_steps=[slow], cancellations=[cancelled, {"more": 7}])
    parts |= {"warnings": [warned | {"where": "a.py:1 f"}]}
    tell(details, "history", parts)
    assert details.texts(".bgw-words") == ["1,207 tasks, 776 finished, 2 failed"]
    assert details.texts("h4:visible") == ["Warnings", "Slow steps", "Cancellations"]
    assert [line.split("\n") for line in details.texts(".bgw-item:visible")] == [
        ["12:03:42", "a blocks (3 times) use a thread"],
        ["12:03:40", "callback", "3.2 s", "model.py:88 fit"],
        ["12:03:39", "b", "by timeout", "a.py:3 main"],
        ["and 7 more"],
    ]
    assert details.texts(".bgw-nothing:visible") == []
    gone: dict[str, Any] = {"warnings": [], "slow_steps": [], "cancellations": []}
    tell(details, "history", gone, seq=2)
    assert details.texts(".bgw-nothing:visible") == [
        "Nothing has failed, was cancelled, held the loop up or is to be warned of"
    ]


def test_a_traceback_is_unfolded_and_stays_so(details: Stage):
    """By click and by keyboard; what happens meanwhile takes neither it nor the focus away."""
    open_tab(details, "history")
    tell(details, "history", history(failures=[failure(1), failure(0, traceback=None)]))
    assert details.find("summary").count() == 1
    assert details.texts("pre:visible") == []
    details.find("summary").focus()
    details.press("Enter")
    assert details.texts("pre:visible") == ["Trace 1"]
    # It has no room any more, but it has been told.
    failures = [failure(2), failure(1, traceback=None), failure(0, traceback=None)]
    tell(details, "history", {"failures": failures}, seq=2)
    assert details.texts("pre:visible") == ["Trace 1"]
    assert details.texts("summary .bgw-link-name") == ["fetch-2", "fetch-1"]
    assert "fetch-1" in details.page.evaluate("document.activeElement.innerText")


# -- the timings


def test_timings_show_where_the_time_went(details: Stage):
    """Figures, their shares, and the steps by their length, from the shortest to the longest."""
    open_tab(details, "timings")
    tell(details, "timings", ALL_TABS["timings"])
    figures = details.texts(".bgw-figure")
    assert [figure.split("\n")[:2] for figure in figures] == [
        ["busy", "0.5 s"], ["scheduled", "0.25 s"], ["idle", "1.3 s"], ["steps", "1,204"],
        ["slowest step", "13 ms"],
    ]  # fmt: skip
    assert "12:03:41 · race.py:12 sprinter" in figures[-1]
    widths = details.find(".bgw-shares > i").evaluate_all("all => all.map(e => e.style.width)")
    assert widths == ["25%", "12.5%", "62.5%"]
    assert [line.split("\n") for line in details.texts(".bgw-item")] == [
        ["under 128 µs", "1,200"], ["under 256 µs", "0"], ["under 33 ms", "3"],
        ["over 33 ms", "1"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.000001, "1 µs"), (0.000999, "999 µs"), (0.0041, "4.1 ms"), (0.05, "50 ms"),
        (0.123, "0.12 s"), (9.96, "10 s"), (12.4, "12 s"), (59.6, "1:00"), (65, "1:05"),
        (3725, "1:02:05"),
    ],
)  # fmt: skip
def test_durations_are_short(details: Stage, seconds: float, words: str):
    """Two figures are enough, in the unit that suits."""
    assert details.call("formatDuration", seconds) == words


# -- without contact, and in another window


def test_a_tab_that_is_opened_without_contact_says_why_it_is_empty(details: Stage):
    """In the table's words, and not that the kernel was asked; it is asked when it is there."""
    open_tab(details, "chain", trouble="kernel gone")
    assert details.texts(".bgw-detail-body") == ["kernel gone"]
    details.pass_time(2)
    assert details.texts(".bgw-detail-body") == ["kernel gone"]
    details.sent()
    open_tab(details, "chain", trouble=None)
    assert [message["type"] for message in details.sent()] == ["show"]
    tell(details, "chain", chain())
    assert details.texts(".bgw-detail-name") == ["fetch-2"]


def test_what_is_shown_stays_without_contact(details: Stage):
    """It may be read."""
    open_tab(details, "chain")
    tell(details, "chain", chain())
    open_tab(details, "chain", trouble="kernel restarted")
    assert details.texts(".bgw-detail-name") == ["fetch-2"]
    open_tab(details, "chain", task=3, trouble="kernel restarted")
    assert details.texts(".bgw-detail-body") == ["kernel restarted"]


def test_another_view_goes_on_where_this_one_was_scrolled_to(details: Stage):
    """As soon as there is something to scroll."""
    long = chain(frames=[frame(number) for number in range(40)])
    go_on = """() => document.querySelector(".bgw-details")
      .dispatchEvent(new CustomEvent("bgw-go-on", { detail: { place: 120 } }))"""
    details.page.evaluate(go_on)
    open_tab(details, "chain")
    tell(details, "chain", long)
    leave = """() => {
      const leave = new CustomEvent("bgw-leave", { detail: {} });
      document.querySelector(".bgw-details").dispatchEvent(leave);
      return leave.detail.place;
    }"""
    assert details.page.evaluate(leave) == 120


# -- all tabs


@pytest.mark.parametrize("width", [480, 1000])
@pytest.mark.parametrize("tab", ALL_TABS)
def test_nothing_sticks_out(details: Stage, tab: str, width: int):
    """Whatever the width; only a traceback is scrolled sideways."""
    details.page.set_viewport_size({"width": width, "height": 700})
    parts = dict(ALL_TABS[tab])
    long = "a_rather_long_name_that_somebody_chose_for_it" * 3
    if tab == "chain":
        parts |= chain(frames=[frame(3, function=long, file=f"{long}.py", text=long, mark=True)],
                       waits_for=[link(9, long, where=long)], task=about(name=long),
                       bars=[bar(label=long, count=long, pace=long, postfix=long)])  # fmt: skip
    if tab == "history":
        parts |= history(loop=long, failures=[failure(1, name=long, error=long)],
                         warnings=[{"at": "12:03", "text": long, "advice": long, "where": None,
                                    "count": 1}], notes=[{"text": long}])  # fmt: skip
    open_tab(details, tab)
    tell(details, tab, parts)
    wide = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.className)"
    containers = ".bgw-details, .bgw-detail-body, .bgw-list, .bgw-item, .bgw-waiting, .bgw-figures"
    assert details.find(containers).evaluate_all(wide) == []


def test_the_users_text_is_never_html(details: Stage):
    """Not in any tab."""
    task = about(name=EVIL, coroutine=EVIL, state=EVIL)
    frames = [frame(1, function=EVIL, file=EVIL, path=EVIL, text=EVIL)]
    bars = [bar(label=EVIL, count=EVIL, pace=EVIL, postfix=EVIL, tone=EVIL, colour=EVIL)]
    links = [link(0, EVIL, coroutine=EVIL, waiting=EVIL, where=EVIL)]
    event = {"at": EVIL, "name": EVIL, "asked_by": EVIL, "where": EVIL, "task": EVIL, "seconds": 1}
    event |= {"text": EVIL, "advice": EVIL, "count": 1}
    failures = [failure(1, name=EVIL, error=EVIL, coroutine=EVIL, traceback=EVIL)]
    evil = {
        "chain": chain(task=task, waiting=EVIL, frames=frames, waits_for=links, waited_by=links,
                       bars=bars,
                       timeout={"seconds": 1, "function": EVIL}),
        "error": {"of": {"kind": EVIL, "name": EVIL, "at": EVIL}, "error": EVIL, "traceback": EVIL},
        "history": history(loop=EVIL, failures=failures, cancellations=[event], slow_steps=[event],
                           warnings=[event],
                           notes=[{"text": EVIL}]),
        "timings": {"task": task, "timings": TIMINGS | {"slowest_where": EVIL}},
    }  # fmt: skip
    for tab, parts in evil.items():
        open_tab(details, tab)
        tell(details, tab, parts)
        assert EVIL in details.find(".bgw-detail-body").inner_text()
        assert details.find("img").count() == 0
