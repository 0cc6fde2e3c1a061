"""Which buttons are to be enabled or disabled now.

Each of these is a message, so a button is enabled at once and disabled late: one that can be
clicked for a second too long is harmless, and often the next loop needs it again by then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Final

from bgwidgets.widgets.protocols import Action

DISABLED_AFTER: Final = 0.5
"""Seconds for which a button must have been of no use, when somebody sees it."""


class ButtonStates:
    """Remembers since when which button is of no use. Times are of the publisher's clock."""

    def __init__(self) -> None:
        self._useless_since: Final[dict[Action, float]] = {}

    def notice(self, possible: Collection[Action], now: float) -> None:
        """These are of use now, the others are not."""
        for action in Action:
            if action in possible:
                self._useless_since.pop(action, None)
            else:
                self._useless_since.setdefault(action, now)

    def to_enable(self, is_disabled: Callable[[Action], bool]) -> Iterator[Action]:
        """The buttons that are of use, and disabled."""
        for action in Action:
            if action not in self._useless_since and is_disabled(action):
                yield action

    def to_disable(
        self, is_disabled: Callable[[Action], bool], now: float, *, is_watched: bool
    ) -> Iterator[tuple[Action, float]]:
        """The buttons that are of no use, and enabled, and when each may be disabled."""
        for action, since in self._useless_since.items():
            if not is_disabled(action):
                yield action, since + DISABLED_AFTER if is_watched else now
