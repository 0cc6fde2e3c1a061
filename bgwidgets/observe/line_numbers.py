"""The line of an instruction, also of one that has none."""

from __future__ import annotations

from types import CodeType, FrameType


def line_in(frame: FrameType) -> int:
    """The line at which a frame is. Any thread; does not block."""
    return line_at(frame.f_code, frame.f_lasti, frame.f_lineno)


def line_at(code: CodeType, instruction: int, line: int | None) -> int:
    """That line; where Python has none, the one of the instruction before it that has.

    Python 3.11 has none for the jump with which a loop begins anew, and that is where a thread lets
    go of the lock when the loop calls nothing: so most loops that compute are seen right there.
    """
    if line is not None:
        return line
    before = code.co_firstlineno
    for start, _, number in code.co_lines():
        if start > instruction:
            break
        before = number or before
    return before
