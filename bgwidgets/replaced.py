"""Functions of others that are wrapped for a time, and then are as they were."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Final

Function = Callable[..., Any]


class Replaced:
    """What was wrapped, and how to undo it. The caller sees to it that one thread is here."""

    def __init__(self) -> None:
        self._undo: Final[list[Callable[[], None]]] = []
        self._ours: Final[set[Function]] = set()

    def replace(self, owner: Any, name: str, wrap: Callable[[Function], Function]) -> None:
        """Put a wrap in the place of `owner.name`; what is one of ours already is left alone."""
        original = getattr(owner, name)
        if original in self._ours:
            return
        is_its_own = name in vars(owner)
        ours = functools.wraps(original)(wrap(original))
        setattr(owner, name, ours)
        self._ours.add(ours)

        def undo() -> None:
            # Where somebody else has wrapped ours meanwhile, it stays, and passes every call on.
            self._ours.discard(ours)
            if vars(owner).get(name) is not ours:
                return
            if is_its_own:
                setattr(owner, name, original)
            else:
                delattr(owner, name)

        self._undo.append(undo)

    def undo(self) -> None:
        """All is as it was."""
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()
