"""Comms that no page closes or takes over: the only place with a private name of the comm package's
and with ipywidgets' own list of all widgets.

A page may say that it has closed a widget. The kernel then takes the widget's comm off its list
and hears no page there any more: none of those that show the widget, and none that will, for it
keeps its name. So it does when a page opens a comm under the widget's name: that one takes the
place of ours in the list. JupyterLab itself never does either; a script in a page may.

What was closed is opened again at once. It is off that page alone: a page that is loaded again
finds it. What was taken over is not told of; it is taken back when somebody looks (`take_back`). If
the page named a target that nobody has registered, the kernel closes the page's comm, under our
name: all pages then take the widget off, and find it when they are loaded again.

This leans on the order of steps in two methods (seen: comm 0.2.0 to 0.2.3, with ipykernel 6.31 to
7.4). `CommManager.comm_close` marks our comm as closed, takes it off the list, and then calls who
listens. `BaseComm.close` does nothing for a comm that is marked; else it marks it, tells the pages,
and takes off the list whatever is there by its name, or raises KeyError when nothing is.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Final

import comm
from ipywidgets.widgets.widget import Widget, _instances

from bgwidgets.fork_locks import free_in_forks

_CLOSED: Final = "_closed"
"""Of a comm: whether it was closed, by whatever side. One that was, closes no second time."""


class StaysOpen:
    """One widget's comm, which stays open until the kernel closes it.

    Every method may be called from any thread, and none blocks. Pages' messages may come in any
    thread of the kernel's. A comm of another kind, in another kernel, is left as it is.
    """

    def __init__(self, widget: Widget, refuse: Callable[[str], None]) -> None:
        """`refuse` is told of each time that a page has closed it, or taken its name."""
        own: Any = widget.comm
        self._widget: Final = widget
        self._own: Final = own
        self._refuse: Final = refuse
        self._lock: Final = free_in_forks(threading.RLock())
        """Held while it is listed, so that one that was let go is listed no more."""
        self._is_let_go = False
        is_known = hasattr(own, _CLOSED) and hasattr(own, "on_close")
        self._is_known: Final = is_known and hasattr(comm.get_comm_manager(), "comms")
        if self._is_known:
            own.on_close(self._open_again)

    def let_go(self) -> None:
        """Close it, for good. A second call does nothing."""
        if not self._is_known:
            return
        with self._lock:
            if self._is_let_go:
                return
            self._is_let_go = True
            self._silence_others()
        # A page may have closed it just now: the other pages are told all the same.
        setattr(self._own, _CLOSED, False)
        # Or it does so in the midst of this.
        with contextlib.suppress(KeyError):
            self._own.close()

    def take_back(self) -> None:
        """Have its name again, if a page has opened something by it."""
        if not self._is_known:
            return
        with self._lock:
            # One that is closed was not taken over: who closed it, or hears of that, goes on.
            if self._is_let_go or getattr(self._own, _CLOSED) or self._is_listed():
                return
            self._silence_others()
            self._list()
        self._refuse("the names of a panel's widgets are not for a page to take")

    def _open_again(self, _message: object) -> None:
        with self._lock:
            if self._is_let_go:
                return
            # Without a word to the pages, which know it by that name.
            setattr(self._own, _CLOSED, False)
            self._list()
        self._refuse("nothing of a panel is for a page to close")

    def _is_listed(self) -> bool:
        name = self._own.comm_id
        listed = comm.get_comm_manager().comms.get(name)
        return listed is self._own and _instances.get(name, self._widget) is self._widget

    def _list(self) -> None:
        comm.get_comm_manager().register_comm(self._own)
        _instances[self._own.comm_id] = self._widget

    def _silence_others(self) -> None:
        """What a page has opened by this name closes itself one day, which would close this."""
        name = self._own.comm_id
        listed, widget = comm.get_comm_manager().comms.get(name), _instances.get(name)
        if listed is not None and listed is not self._own:
            setattr(listed, _CLOSED, True)
        if widget is not None and widget is not self._widget:
            # To ipywidgets, that is a widget that was closed.
            widget.comm = None
