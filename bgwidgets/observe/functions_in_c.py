"""What a loop calls that has no frame: a function in C, given to the loop itself.

Where such a function is called by a line of Python, that line tells of it. But of
`loop.call_soon(time.sleep, 1)` there is only the loop's own code to be seen.
"""

from __future__ import annotations

import functools
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Final

from bgwidgets.observe.asyncio_internals import callback_run_in, is_task
from bgwidgets.observe.names import name_of_type

IN_C: Final = "a function in C"
"""What is said where no more is known, as on uvloop, which has no frames."""
_DEEPEST: Final = 10
"""Partials around one function."""


def function_in_c(thread: int) -> str | None:
    """What the loop calls in its thread, where it has no frame: "time.sleep". None when that is
    written in Python, and has returned or not yet begun.

    Any thread; does not block. No code of a user's is run.
    """
    callback = callback_run_in(thread)
    for _ in range(_DEEPEST):
        if type(callback) is not functools.partial:
            break
        callback = callback.func
    if type(callback) in (FunctionType, MethodType):
        return None
    if type(callback) is type:
        return name_of_type(callback)
    if type(callback) is not BuiltinFunctionType or is_task(callback.__self__):
        return IN_C  # Also a task's step, of which its own name tells.
    owner, name = callback.__self__, callback.__name__
    if owner is None or type(owner) is ModuleType:
        module = callback.__module__
        return f"{module}.{name}" if type(module) is str and module != "builtins" else name
    return f"{name_of_type(owner if type(owner) is type else type(owner))}.{name}"
