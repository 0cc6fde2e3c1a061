"""How `contextlib` and IPython capture, and how something else is captured with than they would.

The only module that knows their private names. Where these are not there, a capture is left alone.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any, Final, Protocol

from bgwidgets.output.covers import Cover
from bgwidgets.output.reading import Stream
from bgwidgets.output.shell import shell

Function = Callable[..., Any]

STREAMS: Final[tuple[Stream, Stream]] = ("stdout", "stderr")


class Way(Protocol):
    """How one of the classes does it: the names in it that are nobody else's business."""

    @property
    def own(self) -> Any:
        """The one that is entered or left."""

    @property
    def is_known(self) -> bool:
        """Whether it is as it was when this was written."""

    def streams(self) -> dict[Stream, Any]:
        """What it will put into `sys`."""

    def displays_for_a_loop(self) -> Any:
        """A publisher that keeps what is displayed; None if that is not asked for."""

    def enter(self, enter: Function, covers: dict[Stream, Cover], displays: Any) -> Any:
        """Enter it, with the layers of these covers in `sys`, never its streams."""

    def will_leave(self, shall_be_there: Callable[[Stream, Any], Any]) -> None:
        """What it puts back is what this says of what it has found."""


class Redirect:
    """`contextlib.redirect_stdout` and `redirect_stderr` (seen: Python 3.11 to 3.14)."""

    def __init__(self, name: Stream, own: Any) -> None:
        self._name: Final = name
        self.own: Final = own

    @property
    def is_known(self) -> bool:
        """As `Way`."""
        return all(name in vars(self.own) for name in ("_new_target", "_old_targets"))

    def streams(self) -> dict[Stream, Any]:
        """As `Way`."""
        return {self._name: vars(self.own)["_new_target"]}

    def displays_for_a_loop(self) -> None:
        """It has to do with streams alone."""

    def enter(self, enter: Function, covers: dict[Stream, Cover], _: Any) -> Any:
        """As `Way`."""
        target = vars(self.own)["_new_target"]
        for cover in covers.values():
            vars(self.own)["_new_target"] = cover.layer
        try:
            enter()
        finally:
            vars(self.own)["_new_target"] = target
        return target

    def will_leave(self, shall_be_there: Callable[[Stream, Any], Any]) -> None:
        """As `Way`."""
        found = vars(self.own)["_old_targets"]
        if found:
            found[-1] = shall_be_there(self._name, found[-1])


class CaptureOutput:
    """IPython's `capture_output` (seen: IPython 8.20 to 9.18).

    What a loop displays is kept without another publisher in the shell: while that has one, the
    kernel cannot begin a cell.
    """

    def __init__(self, own: Any) -> None:
        self.own: Final = own
        displaypub = sys.modules.get("IPython.core.displaypub")
        self._publisher: Final = getattr(displaypub, "CapturingDisplayPublisher", None)

    @property
    def is_known(self) -> bool:
        """As `Way`."""
        return self._publisher is not None and {*STREAMS, "display"} <= vars(self.own).keys()

    def streams(self) -> dict[Stream, Any]:
        """As `Way`."""
        return {name: io.StringIO() for name in STREAMS if vars(self.own)[name]}

    def displays_for_a_loop(self) -> Any:
        """As `Way`."""
        wanted = vars(self.own)["display"] and shell() is not None
        return self._publisher() if wanted and self._publisher is not None else None

    def enter(self, enter: Function, covers: dict[Stream, Cover], displays: Any) -> Any:
        """As `Way`."""
        own = vars(self.own)
        wanted = {name: own[name] for name in (*STREAMS, "display")}
        own.update(dict.fromkeys(STREAMS, False))
        if displays is not None:
            own.update(display=False, shell=None)
        try:
            result = enter()
        finally:
            own.update(wanted)
        for name, cover in covers.items():
            setattr(result, f"_{name}", cover.stream)
            setattr(sys, name, cover.layer)
        if displays is not None:
            result._outputs = displays.outputs  # noqa: SLF001
        return result

    def will_leave(self, shall_be_there: Callable[[Stream, Any], Any]) -> None:
        """As `Way`."""
        for name in STREAMS:
            found = f"sys_{name}"
            if found in vars(self.own):
                vars(self.own)[found] = shall_be_there(name, vars(self.own)[found])
