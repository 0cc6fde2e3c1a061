"""What is in the place of a standard stream while somebody captures or redirects it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bgwidgets.output.reading import Stream
from bgwidgets.output.stream_hooks import StandIn

_KNOWS: Final = "_of_bgwidgets"
"""An attribute, which no stream has."""


class Cover:
    """A stream of which somebody has put another one in the place."""

    def __init__(self, name: Stream, stream: Any, below: Any, loop_id: int | None) -> None:
        self.name: Final = name
        self.loop_id: Final = loop_id
        """The loop that has put it there, or None."""
        self.stream: Final = stream
        """What they have put there."""
        self.before: Final = below
        """What was there."""
        self.below: Any = below
        """The same, or what was below that when it is over: what will be there again."""
        self.layer: Any = None
        """What is there now."""
        self.stand_in: StandIn | None = None
        """The same, or what is in it, if it was a cell that has put it there."""
        self.is_over = False


class ForOneLoop:
    """For the loop that has put it there it is one stream, for all others the one below. Whatever
    is looked up, also `write`, is found there, so that who replaces that finds his own again.
    """

    def __init__(self, loop_here: Callable[[], int | None], cover: Cover, below: Any) -> None:
        vars(self)[_KNOWS] = loop_here, cover, below

    def __getattr__(self, name: str) -> Any:
        return getattr(_stream_for_caller(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_stream_for_caller(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_stream_for_caller(self), name)


def _stream_for_caller(layer: ForOneLoop) -> Any:
    loop_here, cover, below = vars(layer)[_KNOWS]
    stream = cover.stream if not cover.is_over and loop_here() == cover.loop_id else below
    return StandIn(None) if stream is None else stream


def lead_to(layer: ForOneLoop, below: Any) -> None:
    """What there was for all others is over, and this is below it."""
    loop_here, cover, _ = vars(layer)[_KNOWS]
    vars(layer)[_KNOWS] = loop_here, cover, below


def stream_below(layer: ForOneLoop) -> Any:
    """What there is for all others."""
    return vars(layer)[_KNOWS][2]
