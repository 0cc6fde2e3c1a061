"""The process of `multiprocessing` that removes the shared memory which nobody else has removed.

It does so as soon as all who could are gone, and then ends by itself. In the process group of a
loop it would be killed with them, and the memory would stay until the machine is started again: so
it leaves that group.

All names of it are private, seen on CPython 3.11 to 3.13. Where one is missing, it is left as it
is.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace
from typing import Any, Final

_MODULE: Final = "multiprocessing.resource_tracker"


_started: Final[list[subprocess.Popen[bytes]]] = []
"""Kept: others wait for them."""


def keep_out_of_the_group() -> None:
    """Have it leave this process's group, when there is one. Before any is started."""
    sys.meta_path.insert(0, _WhenImported())


def end_now() -> None:
    """Have it remove now what is there, if there is one. Blocks until that is done."""
    module = sys.modules.get(_MODULE)
    stop = getattr(getattr(module, "_resource_tracker", None), "_stop", None)
    if stop is not None:
        with contextlib.suppress(Exception):  # It is being ended anyhow.
            stop()


class _WhenImported(MetaPathFinder):
    """Most loops need it never, so it is not imported for this."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        if fullname != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _change(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign] # of this one only
        return spec


def _change(module: Any) -> None:
    util = getattr(module, "util", None)
    if hasattr(util, "spawnv_passfds"):
        module.util = SimpleNamespace(**(vars(util) | {"spawnv_passfds": _start_outside}))


def _start_outside(path: Any, args: Sequence[Any], fds: Sequence[int]) -> int:
    """As `multiprocessing.util.spawnv_passfds`, but in a session of its own."""
    process = subprocess.Popen(
        args, executable=path, pass_fds=fds, start_new_session=True, restore_signals=False
    )
    _started.append(process)
    return process.pid
