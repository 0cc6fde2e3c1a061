"""Comms that no page closes: the only place with a private name of the comm package's.

A page may say that it has closed a widget. The kernel then takes the widget's comm off its list
(seen: comm 0.2.3, with ipykernel 6.31 to 7.4) and hears no page there any more: none of those that
show the widget, and none that will, for it keeps its name. JupyterLab itself never says that; a
script in a page may. It takes the widget off that page alone: a page that is loaded again finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import comm

_CLOSED: Final = "_closed"
"""Of a comm: whether it was closed, by whatever side. One that was, closes no second time."""


class StaysOpen:
    """One widget's comm, which stays open until the kernel closes it.

    Pages' messages may come in any thread of the kernel's, and any may close it; nothing blocks. A
    comm of another kind, in another kernel, is left as it is.
    """

    def __init__(self, own: Any, refuse: Callable[[], None]) -> None:
        """`refuse` is called for each time that a page has closed it."""
        self._own: Final = own
        self._refuse: Final = refuse
        self._is_let_go = False
        self._is_known: Final = hasattr(own, _CLOSED) and hasattr(own, "on_close")
        if self._is_known:
            own.on_close(self._open_again)

    def let_go(self) -> None:
        """The kernel has closed it: that stands."""
        self._is_let_go = True
        if self._is_known:
            self._own.on_close(None)
            # A page may have closed it at the same time, which was undone.
            self._own.close()

    def _open_again(self, _message: object) -> None:
        # Without a word to the pages, which know it by that name.
        setattr(self._own, _CLOSED, False)
        comm.get_comm_manager().register_comm(self._own)
        if self._is_let_go:
            self._own.close()
        else:
            self._refuse()
