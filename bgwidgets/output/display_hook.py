"""What `display()` shows on a background loop: to the loop's log, and not to a cell.

IPython is not imported here: a program that has it loaded it long before. What is wrapped is the
publisher that every display goes through, on the one object that the shell has (seen: IPython 8.20
to 9.18, ipykernel 6.31 to 7.4).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any, Final
from weakref import ref

from bgwidgets.output.blocks import Whose
from bgwidgets.output.log import OutputLog
from bgwidgets.output.routed_stream import loop_id_here
from bgwidgets.output.shell import is_in_a_kernel, shell


class DisplayHook:
    """The hooks on the shell's publishers: it has another one while a cell captures its output."""

    def __init__(self, log_here: Callable[[], tuple[OutputLog | None, Whose] | None]) -> None:
        """`log_here`: the log of the calling code and its task, or None outside of all loops."""
        self._log_here: Final = log_here
        self._hooked: Final[list[tuple[ref[Any], dict[str, Any], dict[str, Any]]]] = []
        """Each publisher, weakly, with what it had before and what it has now."""
        self._captures: Final[list[tuple[int | None, Any]]] = []
        """Loops that capture what they display, and their publishers."""

    def install(self, tee: bool | None) -> None:
        """Wrap the publisher of the shell, if there is one and that was not done.

        `tee`: whether the original is called as well; by default it is, but in a Jupyter kernel.
        """
        publisher = _publisher()
        self._hooked[:] = [each for each in self._hooked if each[0]() is not None]
        if publisher is None or any(each[0]() is publisher for each in self._hooked):
            return
        tees = not is_in_a_kernel() if tee is None else tee
        hooks = {
            "publish": self._publish(publisher, tees),
            "clear_output": self._clear(publisher, tees),
        }
        before = {name: vars(publisher).get(name) for name in hooks}
        for name, hook in hooks.items():
            setattr(publisher, name, hook)
        self._hooked.append((ref(publisher), before, hooks))

    def capture(self, publisher: Any, *, on: bool) -> None:
        """What the calling code's loop displays goes to this publisher alone, and then no more."""
        if on:
            self._captures.append((loop_id_here(), publisher))
        else:
            self._captures[:] = [each for each in self._captures if each[1] is not publisher]

    def _capture_here(self) -> Any:
        loop_id = loop_id_here()
        own = [publisher for known, publisher in self._captures if known == loop_id]
        return own[-1] if own and loop_id is not None else None

    def uninstall(self) -> None:
        """Put back what was there before."""
        for weakly, before, hooks in self._hooked:
            publisher = weakly()
            for name, hook in hooks.items():
                if publisher is None or vars(publisher).get(name) is not hook:
                    continue  # Somebody has put something over it, which leads to the original.
                if before[name] is None:
                    delattr(publisher, name)
                else:
                    setattr(publisher, name, before[name])
        self._hooked.clear()

    def _publish(self, publisher: Any, tees: bool) -> Callable[..., Any]:
        original = publisher.publish

        def publish(data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
            if self._captures and (capture := self._capture_here()) is not None:
                return capture.publish(data, *args, **kwargs)
            here = self._log_here()
            if here is None:
                return original(data, *args, **kwargs)
            log, (task_id, task_name) = here
            if log is not None:
                log.show(
                    {kind: _as_text(value) for kind, value in data.items()},
                    task_id=task_id,
                    task_name=task_name,
                    display_id=(kwargs.get("transient") or {}).get("display_id"),
                    update=bool(kwargs.get("update")),
                )
            return original(data, *args, **kwargs) if tees else None

        return publish

    def _clear(self, publisher: Any, tees: bool) -> Callable[..., Any]:
        original = publisher.clear_output

        def clear_output(wait: bool = False) -> Any:
            if self._captures and (capture := self._capture_here()) is not None:
                return capture.clear_output(wait)
            here = self._log_here()
            if here is None:
                return original(wait)
            if here[0] is not None:
                here[0].clear(wait=wait)
            return original(wait) if tees else None

        return clear_output


def _publisher() -> Any:
    publisher = getattr(shell(), "display_pub", None)
    return publisher if hasattr(publisher, "publish") and hasattr(publisher, "__dict__") else None


def _as_text(value: Any) -> Any:
    """Pictures come as bytes, and travel as text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
