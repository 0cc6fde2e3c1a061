"""A page's messages, checked as from a stranger, become values or an error.

Pure functions. Any page of any browser that has the notebook open can send anything here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from bgwidgets.commands import CancelTasks, InterruptLoop, SetStopEvent, StopLoop
from bgwidgets.widgets.detail_parts import DetailSubject
from bgwidgets.widgets.output_views import OutputSubject, Step
from bgwidgets.widgets.protocols import DETAIL_TABS, Action, DetailTab, Table
from bgwidgets.widgets.requests import (
    LONGEST_FILTER,
    LONGEST_INTERVAL,
    MOST_ROWS,
    MOST_TASKS,
    SHORTEST_INTERVAL,
    Act,
    AdoptFound,
    Alive,
    Bye,
    DetailRequest,
    FilterTasks,
    FinderRequest,
    FindNext,
    Hello,
    InvalidRequest,
    LineHello,
    LineRequest,
    LookForLoops,
    Meant,
    OutputRequest,
    Pause,
    PickRange,
    PickRows,
    PickStates,
    Ping,
    PlotRequest,
    Remove,
    SaveOutput,
    SelectLoop,
    SetInterval,
    ShowDetail,
    ShowOutput,
    ShowPicture,
    ShowPlots,
    ShowRows,
    SortRows,
    TableRequest,
)
from bgwidgets.widgets.rows import LOOP_COLUMNS, STATE_CHIPS, TASK_COLUMNS, Sorting, Window

_LARGEST_NUMBER: Final = 2**53 - 1
"""The largest whole number that JavaScript can name."""


def read_table_request(table: Table, message: object) -> TableRequest:
    """What a page asks for through one of the tables; raises `InvalidRequest`."""
    return _read(_TABLE_FORMS[table], message)


def read_line_request(message: object) -> LineRequest:
    """What a page asks for through the status line; raises `InvalidRequest`."""
    return _read(_LINE_FORMS, message)


def read_finder_request(message: object) -> FinderRequest:
    """What a page asks for through the view of all loops; raises `InvalidRequest`."""
    return _read(_FINDER_FORMS, message)


def read_detail_request(message: object) -> DetailRequest:
    """What a page asks for through the detail tabs; raises `InvalidRequest`."""
    return _read(_DETAIL_FORMS, message)


def read_output_request(message: object) -> OutputRequest:
    """What a page asks for through a view of output; raises `InvalidRequest`."""
    return _read(_OUTPUT_FORMS, message)


def read_plot_request(message: object) -> PlotRequest:
    """What a page asks for through the Plots tab; raises `InvalidRequest`."""
    return _read(_PLOT_FORMS, message)


def check_interval(seconds: object) -> float:
    """The interval as a float; raises a `ValueError` that says which intervals there are."""
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not SHORTEST_INTERVAL <= seconds <= LONGEST_INTERVAL
        or math.isnan(seconds)
    ):
        raise ValueError(
            f"the interval must be between {SHORTEST_INTERVAL:g} and {LONGEST_INTERVAL:g} seconds"
        )
    return float(seconds)


class _Fields:
    """A message's fields, each to be read once by its name and its kind."""

    def __init__(self, message: Mapping[object, object]) -> None:
        self._fields: Final = dict(message)
        self._fields.pop("type", None)

    def read(self, name: str, check: Callable[[object, str], Any]) -> Any:
        if name not in self._fields:
            raise InvalidRequest(f"{name} is missing")
        return check(self._fields.pop(name), name)

    def has(self, name: str) -> bool:
        return name in self._fields

    def end(self) -> None:
        """Call when all was read: what is left nobody asked for."""
        if self._fields:
            raise InvalidRequest("a message has fields that are not known")


def _text(value: object, name: str, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be text")
    if len(value) > longest:
        raise InvalidRequest(f"{name} must not be longer than {longest} characters")
    return value


def _number(value: object, name: str) -> int:
    # True is an int to Python, and 1.0 == 1.
    if type(value) is not int or not 0 <= value <= _LARGEST_NUMBER:
        raise InvalidRequest(f"{name} must be a whole number, not negative and not huge")
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} must be true or false")
    return value


def _view(value: object, name: str) -> str:
    if not re.fullmatch("[a-z0-9]{1,40}", _text(value, name, 40)):
        raise InvalidRequest(f"{name} must be a view's name")
    return str(value)


def _filter(value: object, name: str) -> str:
    return _text(value, name, LONGEST_FILTER)


def _chips(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(chip, str) and chip in STATE_CHIPS for chip in value
    ):
        raise InvalidRequest(f"{name} must be a list of {', '.join(STATE_CHIPS)}")
    return tuple(chip for chip in STATE_CHIPS if chip in value)


def _interval(value: object, name: str) -> float:
    try:
        return check_interval(value)
    except ValueError as error:
        raise InvalidRequest(f"{name}: {error}") from None


def _task_ids(value: object, name: str) -> tuple[int, ...]:
    # No ids at all would mean every task, which is asked for by leaving them out.
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_TASKS:
        raise InvalidRequest(f"{name} must be a list of 1 to {MOST_TASKS} task ids")
    return tuple(_number(task_id, name) for task_id in value)


def _picked(value: object, name: str) -> tuple[int, ...]:
    return () if value == [] else tuple(dict.fromkeys(_task_ids(value, name)))


def _picked_range(fields: _Fields) -> PickRange:
    start, stop = fields.read("start", _number), fields.read("stop", _number)
    if stop <= start:
        raise InvalidRequest("stop must be greater than start")
    most = start + MOST_TASKS
    is_cut = stop > most
    first = fields.read("first", _number) if fields.has("first") else None
    last = fields.read("last", _number) if fields.has("last") else None
    return PickRange(
        Window(start, min(stop, most)),
        _of_loop(fields),
        is_cut=is_cut,
        first=first,
        last=None if is_cut else last,
    )


def _of_loop(fields: _Fields) -> int | None:
    return fields.read("loop", _number) if fields.has("loop") else None


def _number_or_none(value: object, name: str) -> int | None:
    return None if value is None else _number(value, name)


def _action(value: object, name: str) -> Action:
    kind = _text(value, name, 40)
    if kind not in set(Action) or not Action(kind).is_for_a_loop:
        raise InvalidRequest("this action is not known")
    return Action(kind)


def _act(fields: _Fields) -> Act | Remove:
    kind = fields.read("action", lambda value, name: _text(value, name, 40))
    loop_id = fields.read("loop", _number)
    if kind == "remove":
        return Remove(loop_id)
    return Act(
        _action(kind, "action"), loop_id, fields.has("picked") and fields.read("picked", _flag)
    )


def _window(fields: _Fields) -> Window:
    start, stop = fields.read("start", _number), fields.read("stop", _number)
    if stop <= start:
        raise InvalidRequest("stop must be greater than start")
    return Window(start, min(stop, start + MOST_ROWS))


def _detail_tab(value: object, name: str) -> DetailTab:
    for tab in DETAIL_TABS:
        if value == tab:
            return tab
    raise InvalidRequest(f"{name} must be one of {', '.join(DETAIL_TABS)}")


def _show_detail(fields: _Fields) -> ShowDetail:
    subject = DetailSubject(
        loop_id=fields.read("loop", _number),
        task_id=fields.read("task", _number) if fields.has("task") else None,
        tab=fields.read("tab", _detail_tab),
    )
    return ShowDetail(fields.read("view", _view), subject, fields.read("known", _number))


def _show_output(fields: _Fields) -> ShowOutput:
    subject = OutputSubject(
        loop_id=fields.read("loop", _number),
        task_id=fields.read("task", _number) if fields.has("task") else None,
        find=fields.read("find", _filter) if fields.has("find") else "",
        around=fields.read("around", _number) if fields.has("around") else None,
    )
    return ShowOutput(
        fields.read("view", _view),
        subject,
        fields.read("known", _number),
        stays=fields.has("stays") and fields.read("stays", _flag),
    )


def _command(fields: _Fields) -> SetStopEvent | StopLoop | CancelTasks | InterruptLoop:
    kind = fields.read("command", lambda value, name: _text(value, name, 40))
    loop_id = fields.read("loop", _number)
    if kind == "stop_event":
        return SetStopEvent(loop_id)
    if kind == "stop_loop":
        return StopLoop(loop_id)
    if kind == "interrupt":
        return InterruptLoop(loop_id)
    if kind == "cancel_tasks":
        return CancelTasks(
            loop_id, fields.read("tasks", _task_ids) if fields.has("tasks") else None
        )
    raise InvalidRequest("this command is not known")


def _sort(columns: frozenset[str]) -> Callable[[_Fields], SortRows]:
    def column(value: object, name: str) -> str:
        if not isinstance(value, str) or value not in columns:
            raise InvalidRequest(f"{name} must be one of {', '.join(sorted(columns))}")
        return value

    return lambda fields: SortRows(
        Sorting(fields.read("column", column), fields.read("descending", _flag))
    )


RequestT = TypeVar("RequestT")
_Forms = Mapping[str, Callable[[_Fields], RequestT]]
"""For each type of message, what reads the rest of it."""


def _read(forms: _Forms[RequestT], message: object) -> RequestT:
    if not isinstance(message, dict):
        raise InvalidRequest("a message must be an object")
    form = forms.get(_text(message.get("type"), "type", 40))
    if form is None:
        raise InvalidRequest("a message of this type is not known here")
    fields = _Fields(message)
    request = form(fields)
    fields.end()
    return request


def _table_forms(columns: frozenset[str]) -> _Forms[TableRequest]:
    return {
        "hello": lambda fields: Hello(fields.read("view", _view), _window(fields)),
        "alive": lambda fields: Alive(fields.read("view", _view)),
        "ping": lambda fields: Ping(fields.read("view", _view), fields.read("cell", _number)),
        "bye": lambda fields: Bye(
            fields.read("view", _view), fields.has("cleared") and fields.read("cleared", _flag)
        ),
        "window": lambda fields: ShowRows(fields.read("view", _view), _window(fields)),
        "select": lambda fields: SelectLoop(fields.read("loop", _number)),
        "pick": lambda fields: PickRows(fields.read("ids", _picked), _of_loop(fields)),
        "pick_range": _picked_range,
        "act": _act,
        "sort": _sort(columns),
        "filter": lambda fields: FilterTasks(fields.read("text", _filter)),
        "chips": lambda fields: PickStates(fields.read("chips", _chips)),
        "interval": lambda fields: SetInterval(fields.read("seconds", _interval)),
        "pause": lambda fields: Pause(fields.read("paused", _flag)),
        "command": _command,
    }


_TABLE_FORMS: Final[Mapping[Table, _Forms[TableRequest]]] = {
    "loops": _table_forms(LOOP_COLUMNS),
    "tasks": _table_forms(frozenset(TASK_COLUMNS)),
}
_LINE_FORMS: Final[_Forms[LineRequest]] = {
    "hello": lambda fields: LineHello(fields.read("view", _view)),
    "bye": lambda fields: Bye(fields.read("view", _view)),
    "meant": lambda fields: Meant(
        fields.read("action", _action),
        fields.read("loop", _number_or_none),
        fields.read("picked", _flag),
    ),
}
_FINDER_FORMS: Final[_Forms[FinderRequest]] = {
    "look": lambda _: LookForLoops(),
    "adopt": lambda fields: AdoptFound(fields.read("loop", _number)),
}
_OUTPUT_FORMS: Final[_Forms[OutputRequest]] = {
    "show": _show_output,
    "step": lambda fields: FindNext(
        fields.read("view", _view),
        Step(fields.read("number", _number), fields.read("back", _flag)),
    ),
    "picture": lambda fields: ShowPicture(
        fields.read("view", _view), fields.read("number", _number)
    ),
    "save": lambda fields: SaveOutput(fields.read("view", _view), fields.read("start", _number)),
    "bye": lambda fields: Bye(fields.read("view", _view)),
}
_DETAIL_FORMS: Final[_Forms[DetailRequest]] = {
    "show": _show_detail,
    "bye": lambda fields: Bye(fields.read("view", _view)),
}
_PLOT_FORMS: Final[_Forms[PlotRequest]] = {
    "show": lambda fields: ShowPlots(
        fields.read("view", _view), fields.read("loop", _number), fields.read("known", _number)
    ),
    "bye": lambda fields: Bye(fields.read("view", _view)),
}
