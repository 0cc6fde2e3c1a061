"""A page's messages are data, whoever sends them: what is malformed is answered with an error, and
nothing else comes of it.
"""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle
from typing import Any, Final

import comm
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ipywidgets import Layout
from ipywidgets.widgets.widget import _instances

from bgwidgets.loop_manager import LoopManager
from bgwidgets.states import LoopState
from bgwidgets.widgets import request_reading
from bgwidgets.widgets.control_panel import ControlPanel
from bgwidgets.widgets.protocols import DETAIL_TABS
from bgwidgets.widgets.publisher import MOST_WAITING, ROOM_FOR_CLICKS
from bgwidgets.widgets.rows import LOOP_COLUMNS, STATE_CHIPS, TASK_COLUMNS
from bgwidgets.widgets.unchanged_by_pages import _Unchanged
from tests.widgets.panel_page import LIMIT, Page, until, work

MESSAGES: Final = 10_000
LOOP: Final = 2**40
"""Stands for the id of a loop."""
A_CLICK: Final = {"data": {"method": "custom", "content": {"event": "click"}}}
TABLE: Final[list[dict[str, Any]]] = [
    {"type": "hello", "view": "v", "start": 0, "stop": 9},
    {"type": "alive", "view": "v"},
    {"type": "ping", "view": "v", "cell": 1},
    {"type": "bye", "view": "v", "cleared": True},
    {"type": "window", "view": "v", "start": 0, "stop": 9},
    {"type": "select", "loop": LOOP},
    {"type": "pick", "ids": [1], "loop": LOOP},
    {"type": "pick_range", "start": 0, "stop": 9, "loop": LOOP, "first": 1, "last": 2},
    {"type": "act", "action": "stop_loop", "loop": LOOP, "picked": True},
    {"type": "act", "action": "restart", "loop": LOOP},
    {"type": "act", "action": "remove", "loop": LOOP},
    {"type": "sort", "column": "name", "descending": True},
    {"type": "filter", "text": ""},
    {"type": "chips", "chips": []},
    {"type": "interval", "seconds": 1},
    {"type": "pause", "paused": True},
    {"type": "command", "command": "stop_event", "loop": LOOP},
    {"type": "command", "command": "stop_loop", "loop": LOOP},
    {"type": "command", "command": "cancel_tasks", "loop": LOOP, "tasks": [1]},
    {"type": "command", "command": "interrupt", "loop": LOOP},
]
FORMS: Final[dict[str, list[dict[str, Any]]]] = {
    "loops": TABLE,
    "tasks": TABLE,
    "status": [
        {"type": "hello", "view": "v"},
        {"type": "meant", "action": "stop_loop", "loop": LOOP, "picked": True},
        {"type": "bye", "view": "v"},
    ],
    "finder": [{"type": "look"}, {"type": "adopt", "loop": LOOP}],
    "details": [
        {"type": "show", "view": "v", "loop": LOOP, "task": 1, "tab": "chain", "known": 0},
        {"type": "bye", "view": "v"},
    ],
    "output": [
        {"type": "show", "view": "v", "loop": LOOP, "task": 1, "find": "x", "around": 1,
         "stays": True, "known": 0},
        {"type": "step", "view": "v", "number": 1, "back": True},
        {"type": "picture", "view": "v", "number": 1},
        {"type": "save", "view": "v", "start": 0},
        {"type": "bye", "view": "v"},
    ],
    "plots": [
        {"type": "show", "view": "v", "loop": LOOP, "known": 0},
        {"type": "bye", "view": "v"},
    ],
}  # fmt: skip
"""What the scripts send, through each of the panel's widgets."""
MAY_BE_MISSING: Final = {"task", "tasks", "find", "around", "stays", "cleared", "first", "last"}
MAY_BE_MISSING_IN: Final = {"act": {"picked"}, "pick": {"loop"}, "pick_range": {"loop"}}
NUMBERS: Final = {
    *("start", "stop", "loop", "known", "task", "around", "cell", "number", "first", "last")
}
FLAGS: Final = {"descending", "paused", "back", "stays", "picked", "cleared"}
WORDS: Final[dict[str, set[str]]] = {
    "column": {*LOOP_COLUMNS, *TASK_COLUMNS},
    "tab": set(DETAIL_TABS),
    "action": {"stop_event", "stop_loop", "cancel_tasks", "restart", "remove"},
    "command": {"stop_event", "stop_loop", "cancel_tasks", "interrupt"},
}


def may_be_right(field: str, value: object) -> bool:
    """Whether a script might send it, as far as one can say without the rest of the message."""
    if field in NUMBERS:
        return type(value) is int and 0 <= value < 2**53
    if field in FLAGS:
        return type(value) is bool
    if field == "seconds":
        return type(value) in {int, float} and 0.2 <= value <= 3600  # type: ignore[operator] # said
    if field in {"ids", "tasks", "chips"}:
        items = value if isinstance(value, list) else [None]
        kind = "start" if field != "chips" else ""
        return all(may_be_right(kind, item) or item in [*STATE_CHIPS] for item in items)
    if not isinstance(value, str):
        return False
    if field in WORDS:
        return value in WORDS[field]
    if field == "view":
        return re.fullmatch("[a-z0-9]{1,40}", value) is not None
    return field in {"text", "find"} and len(value) <= 200


def deep(depth: int) -> list[Any]:
    """A list in a list in a list ..."""
    inner: list[Any] = []
    for _ in range(depth):
        inner = [inner]
    return inner


LONG: Final = "x" * 2_000_000
CODE: Final = "__import__('os').abort()"
MARKUP: Final = "<img src=x onerror=alert(1)>"
PICKLED: Final = b"cos\nabort\n(tR."
EVIL: Final[dict[str, Any]] = {
    "text": LONG,
    "code": CODE,
    "markup": MARKUP,
    "pickled": PICKLED,
    "memory": memoryview(PICKLED),
    "one too large": 2**53,
    "huge": 10**4000,
    "negative": -1,
    "nan": float("nan"),
    "infinite": float("inf"),
    "fraction": -0.5,
    "deep": deep(5000),
    "deep inside": {"a": deep(5000)},
}
"""By names, for hypothesis asks for a value's text, which something deep does not have."""
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=3)
    | st.binary(max_size=8)
    | st.sampled_from(list(EVIL)).map(lambda name: EVIL[name])
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def malformed(form: dict[str, Any], some: Iterator[Any], name: str) -> Iterator[object]:
    """What comes of a right message by one fault: another value, a field too few, one too many."""
    may_be_missing = MAY_BE_MISSING | MAY_BE_MISSING_IN.get(form["type"], set())
    for field in form:
        value = next(some)
        is_none = value is None and (form["type"], field) == ("meant", "loop")
        if not is_none and not may_be_right(field, value):
            yield form | {field: value}
        if field not in may_be_missing:
            yield {key: value for key, value in form.items() if key != field}
    yield form | {f"{name}!": next(some)}
    if not isinstance(value := next(some), dict):
        yield value
    yield [form]


FORMS_READ: Final[dict[str, Mapping[str, Callable[[Any], object]]]] = {
    "loops": request_reading._TABLE_FORMS["loops"],
    "tasks": request_reading._TABLE_FORMS["tasks"],
    "status": request_reading._LINE_FORMS,
    "finder": request_reading._FINDER_FORMS,
    "details": request_reading._DETAIL_FORMS,
    "output": request_reading._OUTPUT_FORMS,
    "plots": request_reading._PLOT_FORMS,
}


class Asked(request_reading._Fields):
    """A message's fields, and which of them the panel asks for."""

    def __init__(self, message: Mapping[Any, Any]) -> None:
        super().__init__(message)
        self.names: set[str] = set()

    def read(self, name: str, check: Callable[[object, str], Any]) -> Any:
        """One that has to be there."""
        self.names.add(name)
        return super().read(name, check)

    def has(self, name: str) -> bool:
        """One that may be there."""
        self.names.add(name)
        return super().has(name)


@pytest.mark.parametrize("channel", FORMS_READ)
def test_every_message_and_every_field_that_there_is_is_tried(channel: str):
    """Or this file would know what the panel could be sent once."""
    tried: dict[str, set[str]] = {}
    asked: dict[str, set[str]] = {}
    for form in FORMS[channel]:
        kind = form["type"]
        fields = Asked(form)
        FORMS_READ[channel][kind](fields)
        asked.setdefault(kind, set()).update(fields.names)
        tried.setdefault(kind, set()).update(form.keys() - {"type"})
    assert FORMS.keys() == FORMS_READ.keys()
    assert FORMS_READ[channel].keys() == tried.keys()
    assert asked == tried


class Listener:
    """Beside the panel: what it refuses, and what it does."""

    def __init__(
        self, panel: ControlPanel, manager: LoopManager, patch: pytest.MonkeyPatch
    ) -> None:
        assert panel._publisher is not None
        self._panel = panel
        self._numbers = count()
        self.refused = 0
        self.done: list[object] = []
        feed = panel._publisher._feed
        refuse = feed._refuse

        def note(error: Any) -> None:
            self.refused += 1
            refuse(error)

        patch.setattr(feed, "_refuse", note)
        for name in ("execute", "stop_all", "adopt", "discover"):
            patch.setattr(manager, name, partial(self._note, name))

    def _note(self, name: str, *arguments: object) -> None:
        self.done.append((name, arguments))

    def wait(self, page: Page) -> None:
        """Until the panel has done all that it was sent: it does that in order."""
        text = f"filter {next(self._numbers)}"
        page.send("tasks", type="filter", text=text)
        until(lambda: self._panel.filter == text)


def all_refused(
    listener: Listener, page: Page, rounds: int, send: Callable[[Iterator[Any], str], int]
) -> int:
    """How many messages are sent in so many rounds, each with other values; all are refused."""
    sent = 0

    @settings(
        max_examples=rounds,
        derandomize=True,
        database=None,
        deadline=None,
        # What fails is a message, and the assertion names it.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(some=st.lists(values, min_size=30, max_size=40), name=st.text(max_size=5))
    def one_round(some: list[Any], name: str) -> None:
        nonlocal sent
        listener.refused = 0
        count_of_this = send(cycle(some), name)
        listener.wait(page)
        sent += count_of_this
        assert listener.refused == count_of_this

    one_round()
    return sent


def test_what_is_malformed_is_answered_with_an_error_and_nothing_else(
    manager: LoopManager,
    panel: ControlPanel,
    page: Page,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """Ten thousand times: unknown commands, wrong types, huge ids and texts, deep nesting, NaN,
    bytes.
    """
    caplog.set_level(logging.WARNING)
    jobs = [manager.start(work) for _ in range(3)]
    listener = Listener(panel, manager, monkeypatch)
    until(lambda: panel.selected == jobs[-1].id)
    before = {name: getattr(panel, name) for name in ("interval", "paused", "selected")}

    def send(some: Iterator[Any], name: str) -> int:
        count_of_this = 0
        for channel, forms in FORMS.items():
            for form in forms:
                for message in malformed(form, some, name):
                    page.send_anything(channel, message, [PICKLED, memoryview(PICKLED)])
                    count_of_this += 1
        return count_of_this

    assert all_refused(listener, page, 60, send) >= MESSAGES
    assert listener.done == []
    assert [job.state for job in jobs] == [LoopState.RUNNING] * 3
    assert [job.submit(asyncio.sleep(0, 7)).result(5) for job in jobs] == [7] * 3
    assert before == {name: getattr(panel, name) for name in before}
    assert page.wait_for_words("The page sent what it should not") == "error"
    said = [message for on, message in page.heard if on == "status" and message["type"] == "said"]
    assert {message["level"] for message in said} == {"error"}
    assert [] == [text for text in (CODE, MARKUP) if text in str(said)]
    assert [] == caplog.records
    assert panel._publisher is not None


def raw_malformed(widget: Any, some: Iterator[Any]) -> Iterator[object]:
    """What a page could send to the comm of any widget, and no script of a panel's does."""
    # Random values are in no widget's form, but for the channels', that are tried above.
    yield next(some)
    yield {}
    yield {"method": next(some)}
    yield {"method": [next(some)], "state": {}}
    yield {"method": "update"}
    yield {"method": "update", "state": next(some), "buffer_paths": next(some)}
    yield {"method": "update", "state": {}, "buffer_paths": [["_esm"]]}
    for trait in widget.keys:
        yield {"method": "update", "state": {trait: next(some)}}
        yield {"method": "update", "state": {trait: getattr(widget, trait)}}
    yield {"method": "custom"}
    yield {"method": "custom", "content": next(some)}
    yield {"method": "custom", "content": [{"event": "click"}]}
    yield {"method": "custom", "content": {"event": "click", "more": next(some)}}
    yield {"method": "custom", "content": {"event": ["click"]}}


def test_no_page_changes_a_widget_whatever_it_sends_to_it(
    manager: LoopManager,
    panel: ControlPanel,
    page: Page,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """Below the messages of our own scripts: to the comm of each widget, with the right names of
    its traits. Nothing is raised there, for the kernel would show it.
    """
    caplog.set_level(logging.WARNING)
    manager.start(work)
    listener = Listener(panel, manager, monkeypatch)
    until(lambda: not panel.stop_all_button.disabled)
    widgets = [panel, *panel._parts]
    panel.open()
    listener.wait(page)
    before = [widget.get_state() for widget in widgets]
    kernels_own: Any = comm.get_comm_manager()
    monkeypatch.setitem(kernels_own.targets, "anybody", lambda *_: None)
    # The panel's thread does it too, and would be in the midst of it when it is counted.
    monkeypatch.setattr(panel, "_keep_names", lambda: None)

    def send(some: Iterator[Any], _name: str) -> int:
        count_of_this = 0
        for widget in widgets:
            for data in raw_malformed(widget, some):
                page.send_raw(widget, {"data": data, "comm_id": "any"})
                count_of_this += 1
            page.send_raw(widget, {"comm_id": "any"})
            page.close_raw(widget, next(some))
            page.open_raw(widget, "anybody", next(some))
            widget.keep_name()
            count_of_this += 3
        return count_of_this

    assert all_refused(listener, page, 10, send) >= MESSAGES
    assert listener.done == []
    assert before == [widget.get_state() for widget in widgets]
    assert page.wait_for_words("is for a page to change") == "error"
    assert [] == caplog.records


@contextmanager
def held_up(panel: ControlPanel, page: Page) -> Iterator[None]:
    """The thread of all panels, as by an observer that takes its time."""
    is_held, may_go_on = threading.Event(), threading.Event()

    def hold_up(_change: object) -> None:
        is_held.set()
        assert may_go_on.wait(LIMIT)

    panel.observe(hold_up, "filter")
    page.send("loops", type="filter", text="x")
    assert is_held.wait(LIMIT)
    try:
        yield
    finally:
        may_go_on.set()


def test_more_than_thousands_of_clicks_at_once_are_refused_with_an_answer(
    panel: ControlPanel, page: Page
):
    """A page may send them while the panels' thread is held up. Python's clicks are all done."""
    publisher = panel._publisher
    assert publisher is not None
    panel.open()
    page.open()
    most = MOST_WAITING + ROOM_FOR_CLICKS
    with held_up(panel, page):
        for _ in range(most + 10):
            page.send_raw(panel.stop_loop_button, A_CLICK)
        waiting = len(publisher._inbox)
        panel.stop_event_button.click()
        assert (waiting, len(publisher._inbox)) == (most, most + 1)
    assert page.wait_for_words("more at once than is taken") == "error"
    until(lambda: not publisher._inbox)


def test_a_click_of_which_the_page_said_in_vain_what_it_is_for_is_refused(
    panel: ControlPanel, page: Page, manager: LoopManager
):
    """It would be for the loop that was chosen before; also when there is room again by then."""
    publisher = panel._publisher
    assert publisher is not None
    panel.open()
    page.open()
    before, meant = manager.start(name="before"), manager.start(name="meant")
    panel.selected = before.id
    with held_up(panel, page):
        for _ in range(MOST_WAITING):
            page.send("loops", type="find", text="x")
        page.send("loops", type="select", loop=meant.id)
    until(lambda: not publisher._inbox)
    page.send_raw(panel.stop_loop_button, A_CLICK)
    assert page.wait_for_words("so soon after too many") == "error"
    assert (LoopState.RUNNING, LoopState.RUNNING) == (before.state, meant.state)


def test_what_a_page_closes_stays_open_for_all(
    panel: ControlPanel, page: Page, caplog: pytest.LogCaptureFixture
):
    """However often, and also after the panel was put away and displayed again."""
    open_comms = comm.get_comm_manager().comms
    for _ in range(2):
        panel.open()
        parts = [panel, *panel._parts]
        own = {widget.comm.comm_id: widget.comm for widget in parts}
        for _ in range(3):
            page.heard.clear()
            for widget in parts:
                page.close_raw(widget, {})
            assert page.wait_for_words("for a page to close") == "error"
        assert own == {name: open_comms.get(name) for name in own}
        assert panel._put_away()
        assert [] == [name for name in own if name in open_comms]
    assert [] == caplog.records


def test_a_panel_that_is_closed_leaves_no_comm_whatever_pages_close(
    panel: ControlPanel, page: Page
):
    """Before it, and in the midst of it: whoever is first, and in whatever thread."""
    panel.open()
    parts = [panel, *panel._parts]
    names = {widget.comm.comm_id for widget in parts}
    for widget in parts:
        page.close_raw(widget, {})
    at_once, late = panel.stop_event_button, panel.stop_loop_button

    def both_at_once(own: Any = at_once.comm) -> None:
        del own.close  # From now on as ever.
        # The kernel has found it closed already, and then the page's is undone.
        page.close_raw(at_once, {})

    at_once.comm.close = both_at_once
    undo = late.comm._close_callback
    panel.close()
    undo({})
    assert set() == names & comm.get_comm_manager().comms.keys()


def test_every_widget_of_a_panel_is_one_that_no_page_changes(panel: ControlPanel):
    """Or a widget that is added one day would be open to it."""
    before = set(_instances)
    panel.open()
    made = [_instances[name] for name in _instances.keys() - before] + panel._parts
    assert len(made) > 20
    assert [] == [type(each).__name__ for each in made if not isinstance(each, _Unchanged)]


@pytest.mark.parametrize("trait", ["layout", "style"])
def test_nor_what_is_given_in_the_place_of_one_of_them(panel: ControlPanel, page: Page, trait: str):
    """As ipywidgets takes it: fields, of which it makes a widget."""
    panel.open()
    button = panel.stop_event_button
    field = {"layout": "width", "style": "button_color"}[trait]
    setattr(button, trait, {field: "red"})
    made = getattr(button, trait)
    page.send_raw(made, {"data": {"method": "update", "state": {field: "blue"}}})
    page.send_raw(made, {"data": {"method": "update", "state": {field: 5}}})
    assert page.wait_for_words("is for a page to change") == "error"
    assert getattr(made, field) == "red"


def test_a_layout_of_the_users_own_is_taken_as_it_is(panel: ControlPanel):
    """It may be that of other widgets, too."""
    own = Layout(width="3px")
    panel.layout = own
    assert panel.layout is own


def test_what_pages_of_ours_send_is_taken(manager: LoopManager, panel: ControlPanel, page: Page):
    """A click, a script's message, and the question how a widget stands, when a page is loaded."""
    panel.open()
    job = manager.start(work)
    until(lambda: panel.selected == job.id)
    button = panel.stop_event_button
    page.send_raw(button, {"data": {"method": "custom", "content": {"event": "click"}}})
    until(job.stop_event.is_set)
    message = {"type": "filter", "text": "x"}
    page.send_raw(panel.children[2], {"data": {"method": "custom", "content": message}})
    until(lambda: panel.filter == "x")
    told: list[object] = []
    button.send_state = lambda *_: told.append(button.get_state())
    page.send_raw(button, {"data": {"method": "request_state"}})
    assert [True] == [state["description"] == "Stop event" for state in told]  # type: ignore[index] # a state


def test_python_changes_widgets_as_ever(panel: ControlPanel):
    """And pages are told."""
    panel.open()
    button = panel.stop_event_button
    told: list[str] = []

    def send_state(key: str) -> None:
        told.append(key)

    button.send_state = send_state
    button.description, button.disabled = "Enough", not button.disabled
    assert ["description", "disabled"] == told


FOR_A_LOOP: Final = [
    # Of what is for picked tasks alone, none are picked there.
    {field: value for field, value in form.items() if field != "picked"}
    for form in TABLE
    if form["type"] in {"select", "act", "command"}
]


@pytest.mark.parametrize("form", FOR_A_LOOP, ids=lambda form: "-".join(map(str, form.values())))
def test_what_the_panel_does_not_list_is_out_of_reach(
    manager: LoopManager, page: Page, form: dict[str, Any]
):
    """A page names the id of a loop that another manager has."""
    ours, others = manager.start(work), LoopManager()
    theirs = others.start(work)
    try:
        page.heard.clear()
        page.send("loops", **form | {"loop": theirs.id})
        said = page.wait_for("status", lambda message: message["type"] == "said")
        if form.get("action") == "restart":  # That goes on in a thread of its own.
            said = page.wait_for("status", lambda message: message.get("level") == "error")
        assert said["level"] == "error"
        assert [LoopState.RUNNING] * 2 == [ours.state, theirs.state]
        assert (1, False) == (theirs.run_number, theirs.stop_event.is_set())
    finally:
        others.stop_all(0)


def test_a_task_of_another_loop_is_out_of_reach(manager: LoopManager, page: Page):
    """Neither is cancelled."""
    one, other = manager.start(work), manager.start(work)
    until(lambda: one.tasks and other.tasks)
    tasks = [one.tasks[0].id, other.tasks[0].id]
    page.send("tasks", type="command", command="cancel_tasks", loop=one.id, tasks=tasks)
    assert page.wait_for_words("has no task") == "error"
    assert [LoopState.RUNNING] * 2 == [one.state, other.state]


def test_what_was_not_found_is_not_adopted(manager: LoopManager, page: Page):
    """The page cannot name an event loop that it was not shown."""
    page.send("finder", type="adopt", loop=LOOP)
    page.wait_for("status", lambda message: message.get("level") == "error")
    page.wait_for("finder", lambda message: message["type"] == "found")
    assert list(manager) == []
