"""The widgets that a panel consists of: no page changes them, and none closes them.

What a page sends as an `update` ipywidgets sets as a trait, which may be a widget's script, that
every other page then runs, or its children. No script of a panel ever sends one, nor does a view of
ipywidgets' own that is in it: so all of them are refused. What is neither that, nor a message for
the widget, nor a request for its state, ipywidgets would raise in the kernel (seen: 8.1).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any, Final

import anywidget
import ipywidgets
import traitlets
from ipywidgets.widgets.trait_types import InstanceDict

from bgwidgets.widgets.protocols import Unreachable
from bgwidgets.widgets.stays_open import StaysOpen

_A_CLICK: Final = {"event": "click"}


class _Unchanged(ipywidgets.Widget):
    """One of them. Pages' messages may come in any thread of the kernel's."""

    refuse: Callable[[str], None] | None = None
    """Is told what was wrong with a message of a page; nothing of it was done. Until the widget is
    closed, ipywidgets keeps what this holds.
    """
    _stays_open: StaysOpen | None = None

    @traitlets.observe("comm")
    def _keep_comm_open(self, change: dict[str, Any]) -> None:
        if self._stays_open is not None:
            self._stays_open.let_go()
        self._stays_open = None if change["new"] is None else StaysOpen(self, self._tell)

    def open(self) -> None:
        """As ever; and have its name again, if a page has taken it."""
        super().open()
        self.keep_name()

    def get_state(self, *args: Any, **kwargs: Any) -> Any:
        """As ever. A page that is loaded asks for it, and then speaks to the widget by its name."""
        self.keep_name()
        return super().get_state(*args, **kwargs)

    def keep_name(self) -> None:
        """Take the name back that a page has taken, if one has. Any thread; does not block."""
        if self._stays_open is not None:
            self._stays_open.take_back()

    def close(self) -> None:
        """As ever, also when a page closes it at the same time."""
        if self._stays_open is not None:
            self._stays_open.let_go()
        super().close()

    def take_off_pages(self) -> None:
        """Close it, until it is opened again: then it is displayed as before, by the same name."""
        _Unchanged.close(self)
        # A widget that is closed is displayed as text, which this one need not stay.
        self.__dict__.pop("_repr_mimebundle_", None)

    def _handle_msg(self, msg: Any) -> None:
        """In the place of ipywidgets' own, which takes a page's message for what it should be."""
        data = msg["content"].get("data")
        method = data.get("method") if isinstance(data, dict) else None
        if method == "request_state":
            self.send_state()
        elif method == "custom" and self._takes(data.get("content")):
            self._handle_custom_msg(data.get("content"), msg.get("buffers", []))
        else:
            self._tell(_why_not(method))

    def _tell(self, why: str) -> None:
        if self.refuse is not None:
            self.refuse(why)

    def _takes(self, content: object) -> bool:
        """Whether this is for those who listen to the widget."""
        del content
        return False


class _Layout(_Unchanged, ipywidgets.Layout):
    """How a part of a panel is laid out."""


class _ButtonStyle(_Unchanged, ipywidgets.ButtonStyle):
    """How a button of a panel looks."""


class _Made(InstanceDict):
    """A widget that belongs to another one, which may be given as a dict, and is unchanged as well.

    It is closed when another one takes its place. One that is given as a widget is the user's own:
    pages may change it as ever, and it stays.
    """

    def __init__(self, kind: type[ipywidgets.Widget], unchanged: type[_Unchanged]) -> None:
        super().__init__(kind)
        self._unchanged: Final = unchanged
        self.tag(sync=True, **ipywidgets.widget_serialization)

    def validate(self, obj: Any, value: Any) -> Any:
        """In the place of ipywidgets' own, which makes a widget of its own of a dict."""
        if isinstance(value, dict):
            value = self._make(obj, value)
        return super().validate(obj, value)

    def set(self, obj: Any, value: Any) -> None:
        """In the place of traitlets' own, which knows nothing of what widgets leave behind."""
        before = getattr(obj, self.name) if obj.trait_has_value(self.name) else None
        super().set(obj, value)
        if isinstance(before, _Unchanged) and before is not getattr(obj, self.name):
            before.close()

    def make_dynamic_default(self) -> Any:
        """What it is when nothing was given."""
        return self._unchanged()

    def _make(self, owner: _Unchanged, fields: dict[str, Any]) -> _Unchanged:
        made = self._unchanged(**fields)
        made.refuse = owner.refuse
        return made


class _InPage(_Unchanged, ipywidgets.DOMWidget):
    layout = _Made(ipywidgets.Layout, _Layout)

    def made_along(self) -> list[_Unchanged]:
        """What was made along with it, or in the place of that: what comes and goes with it."""
        return [self.layout] if isinstance(self.layout, _Unchanged) else []


class PanelButton(_InPage, ipywidgets.Button):
    """A button: what a page may do is to click it."""

    takes_clicks: Callable[[], bool] | None = None
    """Says whether a page's click is taken; Python's always is."""

    style = _Made(ipywidgets.ButtonStyle, _ButtonStyle)

    def made_along(self) -> list[_Unchanged]:
        """The same, and its style."""
        style = [self.style] if isinstance(self.style, _Unchanged) else []
        return [*style, *super().made_along()]

    def change(self, name: str, value: object) -> None:
        """Set a trait. Raises `Unreachable` when no page could be told, and it is what it was."""
        before = getattr(self, name)
        try:
            setattr(self, name, value)
        except Unreachable:
            # The trait was set, and nobody would tell of it later.
            with contextlib.suppress(Unreachable):
                setattr(self, name, before)
            raise

    def _send(self, msg: Any, buffers: Any = None) -> None:
        """As ipywidgets does before it calls observers, whose errors are told from this one."""
        try:
            super()._send(msg, buffers)
        except Exception as error:
            raise Unreachable(str(error)) from error

    def _takes(self, content: object) -> bool:
        is_click = isinstance(content, dict) and content == _A_CLICK
        return is_click and (self.takes_clicks is None or self.takes_clicks())


class PanelRow(_InPage, ipywidgets.HBox):
    """Widgets side by side."""


class PanelColumn(_InPage, ipywidgets.VBox):
    """Widgets one below the other."""


class PanelPart(_InPage, anywidget.AnyWidget):
    """A widget with a script of ours. Who listens to it checks what its pages send."""

    def _takes(self, content: object) -> bool:
        del content
        return True


def _why_not(method: object) -> str:
    if method == "update":
        return "nothing of a panel's widgets is for a page to change"
    if method == "custom":
        return "this widget takes no such message, or none so soon after too many"
    return "a message of this method is not known"
