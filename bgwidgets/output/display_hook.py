"""What `display()` shows on a background loop: to the loop's log, and not to a cell.

IPython is not imported here: a program that has it loaded it long before. What is wrapped is the
publisher that every display goes through, on the one object that the shell has (seen: IPython 8.20
to 9.18, ipykernel 6.31 to 7.4).
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from bgwidgets.output.log import OutputLog, Whose


class DisplayHook:
    """The hooks on the shell's publisher."""

    def __init__(self, log_here: Callable[[], tuple[OutputLog | None, Whose] | None]) -> None:
        """`log_here`: the log of the calling code and its task, or None outside of all loops."""
        self._log_here: Final = log_here
        self._publisher: Any = None
        self._before: dict[str, Any] = {}
        self._hooks: dict[str, Callable[..., Any]] = {}

    def install(self, tee: bool | None) -> None:
        """Wrap the publisher of the shell, if there is one and that was not done.

        `tee`: whether the original is called as well; by default it is, but in a Jupyter kernel.
        """
        publisher = _publisher()
        if publisher is None or publisher is self._publisher:
            return
        self.uninstall()
        self._publisher = publisher
        tees = not hasattr(publisher, "pub_socket") if tee is None else tee
        self._hooks = {
            "publish": self._publish(publisher, tees),
            "clear_output": self._clear(publisher, tees),
        }
        self._before = {name: vars(publisher).get(name) for name in self._hooks}
        for name, hook in self._hooks.items():
            setattr(publisher, name, hook)

    def uninstall(self) -> None:
        """Put back what was there before."""
        publisher, self._publisher = self._publisher, None
        for name, hook in self._hooks.items():
            if vars(publisher).get(name) is not hook:
                continue  # Somebody has put something over it, which leads to the original.
            if self._before[name] is None:
                delattr(publisher, name)
            else:
                setattr(publisher, name, self._before[name])
        self._hooks = {}

    def _publish(self, publisher: Any, tees: bool) -> Callable[..., Any]:
        original = publisher.publish

        def publish(data: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
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
            here = self._log_here()
            if here is None:
                return original(wait)
            if here[0] is not None:
                here[0].clear(wait=wait)
            return original(wait) if tees else None

        return clear_output


def _publisher() -> Any:
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    publisher = getattr(shell, "display_pub", None)
    return publisher if hasattr(publisher, "publish") and hasattr(publisher, "__dict__") else None


def _as_text(value: Any) -> Any:
    """Pictures come as bytes, and travel as text."""
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
