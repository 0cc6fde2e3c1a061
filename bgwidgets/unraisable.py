"""To tell of an error where there is nobody to raise it to."""

from __future__ import annotations

import contextlib
import sys
import traceback
from types import SimpleNamespace


def tell(error: BaseException, message: str, where: object) -> None:
    """As Python tells of what a finalizer raises: on stderr, unless there is a hook. Any thread."""
    with contextlib.suppress(Exception):  # The hook, or what stands for stderr, is the user's.
        if sys.unraisablehook is sys.__unraisablehook__:  # It takes only what Python has made.
            lines = [f"{message}: {_repr_of(where)}\n", *traceback.format_exception(error)]
            sys.stderr.write("".join(lines))
            return
        sys.unraisablehook(
            SimpleNamespace(
                exc_type=type(error),
                exc_value=error,
                exc_traceback=error.__traceback__,
                err_msg=message,
                object=where,
            )
        )


def _repr_of(where: object) -> str:
    """As Python does: that it cannot be shown is not to keep the error from being told."""
    try:
        return repr(where)
    except BaseException:  # noqa: BLE001 - a user's __repr__ may raise anything
        return "<object repr() failed>"
