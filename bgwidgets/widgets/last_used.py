"""Things that are kept for whoever asks for them again, by what was asked: only so many.

Used by the publisher's thread alone.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

KeyT = TypeVar("KeyT")
ValueT = TypeVar("ValueT")


class LastUsed(Generic[KeyT, ValueT]):
    """At most so many; the one that nobody has asked for for longest gives way."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._kept: Final[dict[KeyT, ValueT]] = {}
        """In the order in which they were used."""

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: KeyT) -> bool:
        return key in self._kept

    def __getitem__(self, key: KeyT) -> ValueT:
        value = self._kept[key] = self._kept.pop(key)
        return value

    def __setitem__(self, key: KeyT, value: ValueT) -> None:
        self._kept.pop(key, None)
        self._kept[key] = value
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def get(self, key: KeyT) -> ValueT | None:
        """None when it is not kept."""
        return None if key not in self._kept else self[key]

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
