"""Clicks that arrive while a cell runs: the only place with ipykernel's private names.

What a page sends to a widget is handled in the thread of the cells, so while a cell runs it waits,
unless the kernel hands it to a subshell, which is a thread beside that one.

ipykernel 6 (seen: 6.31) has no subshells: clicks wait for the cell's end, and nothing is done here.

ipykernel 7.0 to 7.3 (seen: 7.3) goes by the page, which names a subshell unless the user's setting
`commsOverSubshells` forbids it. Nothing need be done, and without the setting nothing can be.

ipykernel 7.4 (seen: 7.4.0) goes by the comm, which names the subshell that published on it last. A
panel is made in a cell and told by a thread, so that is the thread of the cells, whatever the page
asks. Here a panel's comms are made to name another. It could be the page's (remedy A), and is one
of our own (remedy B), which is good for three things more: it is there also when the page names
none; nobody's slow handler of another widget holds up our clicks; and there is one for all panels,
where each page that is reloaded leaves one behind. It stays until the kernel's end: of a message
that is on its way when its subshell is ended ipykernel complains on stderr, and nobody can know
that none is.

`benchmarks/click.py` measures it in JupyterLab, while a cell sleeps and while it spins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

_ROUTE: Final = "_reply_subshell_for"
"""The comm's method that names a subshell for what has come, called in the thread of the shell
channel with the message's data and the subshell that the page named. From 7.4.0 on."""


class LiveChannel:
    """Has what pages send to some widgets handled beside the cells, as far as this kernel can.

    Other widgets are left alone. What goes wrong is told to `complain`, on whatever thread it went
    wrong, and only once; clicks then take the way that they take without all this. Every method may
    be called from any thread, returns at once and never raises.
    """

    def __init__(self, widgets: Iterable[Any], complain: Callable[[Exception], None]) -> None:
        self._complain: Final = complain
        self._comms: Final[list[Any]] = []
        self._has_complained = False
        try:
            for widget in widgets:
                self._redirect(widget.comm)
        except Exception as error:  # noqa: BLE001 - the panel says it, and works without
            self.close()
            self._say(error)

    def close(self) -> None:
        """Give the comms back. A second call does nothing."""
        while self._comms:
            vars(self._comms.pop()).pop(_ROUTE, None)

    def _redirect(self, comm: Any) -> None:
        if not hasattr(type(comm), _ROUTE) or not _has_subshells(comm.kernel):
            return
        setattr(comm, _ROUTE, partial(self._route, comm.kernel))
        self._comms.append(comm)

    def _route(self, kernel: Any, _data: object, named_by_page: str | None) -> str | None:
        try:
            return _SUBSHELL.of(kernel)
        except Exception as error:  # noqa: BLE001 - or the click would be lost, with a word in a log
            self._say(error)
            return named_by_page

    def _say(self, error: Exception) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._complain(error)


def _has_subshells(kernel: Any) -> bool:
    """Not one that lives in its client's process, for instance."""
    manager = getattr(getattr(kernel, "shell_channel_thread", None), "manager", None)
    return all(hasattr(manager, name) for name in ("_create_subshell", "list_subshell"))


class _OwnSubshell:
    """The one subshell of all panels: there from their first message on.

    Subshells are made in the thread of the shell channel alone, and that is where a comm is asked
    for one. So the first message makes it, and nobody ever waits for that.
    """

    def __init__(self) -> None:
        self._made: str | None = None
        """Its id."""

    def of(self, kernel: Any) -> str:
        """Its id; made when it is not there, also after somebody else has ended it. In the shell
        channel's thread only. Raises what ipykernel raises.
        """
        manager = kernel.shell_channel_thread.manager
        if self._made is None or self._made not in manager.list_subshell():
            self._made = str(manager._create_subshell())  # noqa: SLF001 - see above
        return self._made


_SUBSHELL: Final = _OwnSubshell()
