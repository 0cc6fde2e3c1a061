"""What a start says when the process has no file descriptors left."""

from __future__ import annotations

import errno
from typing import Final

NUMBERS: Final = frozenset({errno.EMFILE, errno.ENFILE})

LOOP: Final = "An event loop takes 3 file descriptors"
PROCESS: Final = "A process takes some file descriptors"
"""What needs them."""


def say_what_to_do(error: BaseException, what: str) -> None:
    """Add to the error, if it is one of these, what takes how many of them. Any thread."""
    if isinstance(error, OSError) and error.errno in NUMBERS:
        error.add_note(
            f"{what}, and this process has no more of them: stop loops, close files, or raise the"
            " limit (resource.setrlimit, ulimit -n). Nothing was started"
        )
