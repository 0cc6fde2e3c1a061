"""The panel: two tables, the buttons between them, and the traits by which Python drives it.

Details take the place of the table of tasks while one of their tabs is open. Below them, folded, is
the view of all event loops in this kernel.
"""

from __future__ import annotations

import itertools
import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

import traitlets

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.widgets.cells import CellWatch
from bgwidgets.widgets.channel import LiveChannel
from bgwidgets.widgets.command_runner import error_in_words
from bgwidgets.widgets.displays import Displays, current_cell_run
from bgwidgets.widgets.loop_finder import LoopFinder
from bgwidgets.widgets.output_view import OutputView
from bgwidgets.widgets.plots_view import PlotsView
from bgwidgets.widgets.pop_out import PopOut
from bgwidgets.widgets.protocols import Action, Channel, Face, Message, Source
from bgwidgets.widgets.publisher import Publisher
from bgwidgets.widgets.request_reading import check_interval
from bgwidgets.widgets.requests import InvalidRequest
from bgwidgets.widgets.selection import Choice, loop_to_select, possible_actions
from bgwidgets.widgets.static_view import moment_of, static_html, static_text
from bgwidgets.widgets.status_line import StatusLine
from bgwidgets.widgets.task_details import TaskDetails
from bgwidgets.widgets.task_table import TaskTable
from bgwidgets.widgets.unchanged_by_pages import PanelButton, PanelColumn, PanelRow

if TYPE_CHECKING:
    import ipywidgets


@dataclass(frozen=True, slots=True)
class _Label:
    """What a button says, and how loudly."""

    text: str
    tooltip: str
    style: str = ""


_LABELS: Final[Mapping[Action, _Label]] = {
    Action.STOP_EVENT: _Label(
        "Stop event", "Set the loop's stop event: its work ends when it looks there", "bgw-strong"
    ),
    Action.STOP_LOOP: _Label("Stop loop", "End the loop now: cancel what is left, and close it"),
    Action.CANCEL_TASKS: _Label(
        "Cancel tasks", "Cancel all unfinished tasks of the loop", "bgw-hard"
    ),
    Action.RESTART: _Label(
        "Restart", "Stop the loop if it runs, and run its work again", "bgw-quiet"
    ),
    Action.REMOVE_FINISHED: _Label(
        "Remove finished", "Take every loop that has ended off the list", "bgw-quiet"
    ),
    Action.STOP_ALL: _Label(
        "Stop all", "Stop every loop, by its stop event if it can be; click twice", "bgw-quiet"
    ),
    # At the end, where it moves no other button when it comes and goes.
    Action.KILL: _Label(
        "Kill", "End the loop's process, whatever it does; click twice", "bgw-hard bgw-kill"
    ),
}


_log: Final = logging.getLogger(__name__)
_DISPLAYS: Final = Displays()
"""Of all panels of this kernel."""


class ControlPanel(PanelColumn):
    """A live view of a manager's loops and of their tasks, with buttons that stop them.

    Display it in a cell, in as many as you like. Its traits can be set, observed and linked; they
    also change when the user changes them in the page, and observers are then called in the
    panels' own thread. So are the commands of its buttons carried out, also for `.click()`, which
    returns at once. All panels share one thread, which ends when the last of them is closed.

    A panel whose every output was cleared (its cell was run again) is put away after 10 seconds:
    nothing of it is left in the kernel but this object, which works on. Displayed again, it is live
    again.

    >>> panel = ControlPanel(manager)
    >>> panel.selected = manager["race"].id
    >>> panel.stop_event_button.click()
    """

    interval = traitlets.Float(0.5, help="Seconds between two refreshes, from 0.2 on.")
    selected = traitlets.Int(
        None,
        allow_none=True,
        help="""The id of the loop that the buttons act on and whose tasks are shown. A loop that
        is set here, or clicked, stays until it is removed. Set None to follow the newest
        unfinished loop again, which it does when nothing was chosen.""",
    )
    filter = traitlets.Unicode(
        help="Show only tasks in whose name, coroutine, state or error this text is."
    )
    paused = traitlets.Bool(help="Whether what is shown stands still. The buttons go on working.")

    # Until there is one: `__del__` closes a panel that was refused half-made, too.
    _publisher: Publisher | None = None
    _is_closed = False
    _asks_itself = False
    """Whether it is ipywidgets, working on this panel, that asks for its name."""
    _is_inside_another = False

    def __init__(self, manager: Source, interval: float = 0.5) -> None:
        self.interval = interval  # First, for it may be refused; then nothing has been made yet.
        loops = manager.snapshots()
        followed = loop_to_select(loops, None)
        possible = possible_actions(followed, loops)
        self._choice: Final = Choice()
        self._source: Final = manager
        self._on_pages: Final = free_in_forks(threading.RLock())
        """Held while the panel comes onto pages or is taken off them."""
        self._buttons: Final = {
            action: _make_button(action, label, disabled=action not in possible)
            for action, label in _LABELS.items()
        }
        self._button_changes: Final = _ButtonChanges(self._buttons.values())
        self._widgets: Final[Mapping[Channel, Any]] = {
            "loops": TaskTable(kind="loops"),
            "tasks": TaskTable(kind="tasks"),
            "details": TaskDetails(),
            "output": OutputView(),
            "plots": PlotsView(),
            "status": StatusLine(),
            "finder": LoopFinder(),
        }
        actions = PanelRow([*self._buttons.values(), self._widgets["status"]])
        actions.add_class("bgw-actions")
        widgets = self._widgets
        tasks, details, output = widgets["tasks"], widgets["details"], widgets["output"]
        self._pop_out: Final = PopOut()
        below = [tasks, details, output, widgets["plots"], widgets["finder"], self._pop_out]
        super().__init__([widgets["loops"], actions, *below])
        self.add_class("bgw-panel")
        self._made_here: Final[list[Any]] = [
            *self._buttons.values(),
            *self._widgets.values(),
            actions,
            self._pop_out,
        ]
        if followed is not None:
            self._choice.follow(partial(setattr, self, "selected", followed.id))
        self._start_publisher()

    @property
    def stop_event_button(self) -> ipywidgets.Button:
        """Sets the selected loop's stop event."""
        return self._buttons[Action.STOP_EVENT]

    @property
    def stop_loop_button(self) -> ipywidgets.Button:
        """Ends the selected loop now."""
        return self._buttons[Action.STOP_LOOP]

    @property
    def cancel_tasks_button(self) -> ipywidgets.Button:
        """Cancels all unfinished tasks of the selected loop."""
        return self._buttons[Action.CANCEL_TASKS]

    @property
    def restart_button(self) -> ipywidgets.Button:
        """Runs the selected loop's work again, after stopping it if it still runs."""
        return self._buttons[Action.RESTART]

    @property
    def remove_finished_button(self) -> ipywidgets.Button:
        """Takes every loop that has ended off the list."""
        return self._buttons[Action.REMOVE_FINISHED]

    @property
    def stop_all_button(self) -> ipywidgets.Button:
        """Stops every loop, at the second click within 3 seconds."""
        return self._buttons[Action.STOP_ALL]

    @property
    def kill_button(self) -> ipywidgets.Button:
        """Ends the selected loop's process, at the second click within 3 seconds. To be seen while
        it can be killed: a thread cannot.
        """
        return self._buttons[Action.KILL]

    def refresh(self) -> None:
        """Look at the loops now, once also while paused. Any thread; does not block."""
        if self._publisher is not None:
            self._publisher.refresh()

    def close(self) -> None:
        """Take the panel off every page, for good. Any thread; does not block.

        A second call does nothing. The loops go on.
        """
        if self._publisher is not None:
            with self._on_pages:
                self._is_closed = True
                self._publisher.close()
                self._disconnect()
                for widget in self._parts:
                    widget.close()
        self._asks_itself = True
        super().close()

    # -- on pages, and off them

    @property
    def _parts(self) -> list[Any]:
        """In an order in which each comes after those that it consists of."""
        parts = self.made_along()
        for widget in self._made_here:
            parts += [*widget.made_along(), widget]
        return parts

    def open(self) -> None:
        """Have the pages know this panel. Whoever displays it need not call it.

        ipywidgets does as soon as a widget is made, and from then on keeps it. A panel waits until
        it is displayed: one that never is, is garbage when nobody holds it.
        """
        if self._publisher is None:
            return
        with self._on_pages:
            if self._is_closed:
                return
            was_put_away = self._pop_out.comm is None
            self._asks_itself = True
            try:
                for part in self._parts:
                    part.open()
                super().open()
            finally:
                self._asks_itself = False
            self._pop_out.panel = super().model_id
            if was_put_away:
                self._connect(self._publisher)

    @property
    def model_id(self) -> str:
        """The widget's name in the pages. A widget that asks for it is about to have the panel in
        it, whether the panel was displayed by itself before or not.
        """
        if self._publisher is not None:
            with self._on_pages:
                if not (self._asks_itself or (self._is_inside_another and self.comm)):
                    self._is_inside_another = True
                    self._show(inside_another=True)
        return str(super().model_id)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        self._show(inside_another=False)
        bundle = super()._repr_mimebundle_(**kwargs)
        try:
            moment = moment_of(self._source, self.selected)
        except Exception:  # noqa: BLE001 - the live view is there all the same
            _log.exception("The panel's static view could not be made")
            return bundle
        # Where there is a kernel, the live view goes before both.
        return {**bundle, "text/plain": static_text(moment), "text/html": static_html(moment)}

    def _show(self, *, inside_another: bool) -> None:
        if self._publisher is None:
            return
        with self._on_pages:
            self.open()
            run = current_cell_run()
            cell = None if run is None else run.cell
            self._publisher.displayed(cell, inside_another=inside_another)
            if run is not None:
                _DISPLAYS.note(self._publisher, run)

    def _put_away(self) -> bool:
        """Leave no trace of it with ipywidgets, until it is displayed again."""
        if self._publisher is None:
            return False
        with self._on_pages:
            if not self._publisher.rest():
                return False
            self._disconnect()
            self._asks_itself = True
            try:
                for widget in (self, *reversed(self._parts)):
                    widget.take_off_pages()
            finally:
                self._asks_itself = self._is_inside_another = False
            return True

    def _keep_names(self) -> None:
        """Hear pages on again, if one of them has taken the names of this panel's widgets."""
        for widget in (self, *self._parts):
            widget.keep_name()

    def _start_publisher(self) -> None:
        # Nothing that the publisher holds leads back to the panel, or it would never be garbage.
        # Once ipywidgets too has let go of it, its `__del__` calls `close`.
        find_panel = weakref.ref(self)
        choice, buttons, widgets = self._choice, self._buttons, self._widgets

        def find_face() -> Face | None:
            panel = find_panel()
            return None if panel is None else _PanelFace(panel, choice, buttons, widgets)

        self._publisher = Publisher(self._source, find_face)
        for part in (self, *self._parts):
            part.refuse = partial(_refuse, weakref.ref(self._publisher))
        for channel, widget in self._widgets.items():
            widget.on_msg(partial(_pass_on, self._publisher, channel))
        for action, button in self._buttons.items():
            button.on_click(partial(_click, self._publisher, self._choice, action))
            button.takes_clicks = partial(_takes_clicks, weakref.ref(self._publisher))
        self._connect(self._publisher)

    def _connect(self, publisher: Publisher) -> None:
        """Have clicks heard while a cell runs, and the publisher told of cells."""
        self._live = LiveChannel(
            [*self._widgets.values(), *self._buttons.values()],
            partial(_say_that_clicks_wait, publisher),
        )
        self._cells = CellWatch(publisher.cell_runs)

    def _disconnect(self) -> None:
        self._cells.close()
        self._live.close()

    # -- traits

    @traitlets.validate("interval")
    def _check_interval(self, proposal: dict[str, Any]) -> float:
        try:
            return check_interval(proposal["value"])
        except ValueError as error:
            raise traitlets.TraitError(f"{error}, not {proposal['value']}") from None

    @traitlets.validate("selected")
    def _check_selected(self, proposal: dict[str, Any]) -> int:
        loop_id = int(proposal["value"])
        is_listed = any(loop.id == loop_id for loop in self._source.snapshots())
        if not is_listed and not self._choice.is_following():
            raise traitlets.TraitError(f"no loop with the id {loop_id} is listed")
        self._choice.take(loop_id)
        return loop_id

    @traitlets.observe("selected")
    def _notice_selected(self, change: dict[str, Any]) -> None:
        # None passes by the check above.
        if change["new"] is None:
            self._choice.take(None)

    @traitlets.observe("interval", "selected", "filter", "paused")
    def _show_settings(self, _change: dict[str, Any]) -> None:
        if self._publisher is not None:
            self._publisher.setting_changed()


@dataclass(frozen=True, slots=True)
class _PanelFace:
    """The panel as the publisher's thread deals with it."""

    _panel: ControlPanel
    _choice: Choice
    _buttons: Mapping[Action, PanelButton]
    _widgets: Mapping[Channel, Any]

    @property
    def interval(self) -> float:
        return self._panel.interval

    @property
    def filter(self) -> str:
        return self._panel.filter

    @property
    def paused(self) -> bool:
        return self._panel.paused

    @property
    def selected(self) -> int | None:
        return self._panel.selected

    @property
    def chosen(self) -> int | None:
        return self._choice.loop_id

    def choose(self, loop_id: int) -> None:
        self._panel.selected = loop_id

    def drop_choice(self, loop_id: int) -> None:
        self._choice.drop(loop_id)

    def follow(self, loop_id: int | None) -> None:
        self._choice.follow(partial(setattr, self._panel, "selected", loop_id))

    def set(self, name: Literal["interval", "filter", "paused"], value: float | str | bool) -> None:
        setattr(self._panel, name, value)

    def cells_thread_waits(self) -> bool:
        return self._panel._cells.waits()  # noqa: SLF001 - its own other side

    def put_away(self) -> bool:
        return self._panel._put_away()  # noqa: SLF001 - its own other side

    def send(self, channel: Channel, message: Message, buffers: Sequence[bytes] = ()) -> None:
        # Views are told something each second: none is left unheard for longer.
        self._panel._keep_names()  # noqa: SLF001 - its own other side
        self._widgets[channel].send(message, list(buffers))

    @property
    def button_changes(self) -> int:
        return self._panel._button_changes.count  # noqa: SLF001 - its own other side

    def is_disabled(self, action: Action) -> bool:
        return bool(self._buttons[action].disabled)

    def set_disabled(self, action: Action, *, disabled: bool) -> None:
        self._buttons[action].change("disabled", disabled)

    def why(self, action: Action) -> str | None:
        tooltip = str(self._buttons[action].tooltip)
        return None if tooltip == _LABELS[action].tooltip else tooltip

    def set_why(self, action: Action, why: str | None) -> None:
        self._buttons[action].change("tooltip", why or _LABELS[action].tooltip)

    def label(self, action: Action) -> str | None:
        text = str(self._buttons[action].description)
        return None if text == _LABELS[action].text else text

    def set_label(self, action: Action, label: str | None) -> None:
        self._buttons[action].change("description", label or _LABELS[action].text)


class _ButtonChanges:
    """Counts the changes of buttons, which anybody may make, in any thread."""

    def __init__(self, buttons: Iterable[ipywidgets.Button]) -> None:
        self._numbers: Final = itertools.count(1)
        self.count = 0
        for button in buttons:
            button.observe(self._note, ["disabled", "description", "tooltip"])

    def _note(self, _change: object) -> None:
        self.count = next(self._numbers)


def _make_button(action: Action, label: _Label, *, disabled: bool) -> PanelButton:
    button = PanelButton(description=label.text, tooltip=label.tooltip, disabled=disabled)
    button.add_class("bgw-button")
    button.add_class(f"bgw-does-{action.value}")  # status_line.js reads it
    if label.style:
        for name in label.style.split():
            button.add_class(name)
    return button


def _pass_on(
    publisher: Publisher, channel: Channel, _widget: object, content: object, _buffers: object
) -> None:
    """A page sent a message. May come in a thread of the kernel's, so nothing is done here."""
    publisher.receive(channel, content)


def _refuse(find_publisher: Callable[[], Publisher | None], why: str) -> None:
    """May be called in a thread of the kernel's too."""
    if (publisher := find_publisher()) is not None:
        publisher.refuse(InvalidRequest(why))


def _takes_clicks(find_publisher: Callable[[], Publisher | None]) -> bool:
    """May be called in a thread of the kernel's too."""
    return (publisher := find_publisher()) is None or publisher.takes_clicks


def _say_that_clicks_wait(publisher: Publisher, error: Exception) -> None:
    """May be called in a thread of the kernel's too."""
    publisher.complain(f"Clicks may wait for a cell that runs: {error_in_words(error)}")


def _click(publisher: Publisher, choice: Choice, action: Action, _button: object) -> None:
    """A button was clicked. May come in a thread of the kernel's, so nothing is done here."""
    publisher.click(action, choice.loop_id)
