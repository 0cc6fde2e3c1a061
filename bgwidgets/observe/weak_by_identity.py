"""What is kept of things for as long as they live, whatever they are equal to.

`WeakKeyDictionary` compares its keys, also one with itself, and a task's class may have an `__eq__`
of the user's that raises, or that says yes to any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar
from weakref import ReferenceType, ref

K = TypeVar("K")
V = TypeVar("V")


class WeakByIdentity(Generic[K, V]):
    """A dictionary by identity that holds no key alive. Any thread; nothing blocks."""

    def __init__(self) -> None:
        self._kept: Final[dict[int, tuple[ReferenceType[K], V]]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: K) -> bool:
        return id(key) in self._kept

    def get(self, key: K) -> V | None:
        """What is kept of it; None when that is nothing."""
        found = self._kept.get(id(key))
        return None if found is None else found[1]

    def __setitem__(self, key: K, value: V) -> None:
        number = id(key)
        self._kept[number] = ref(key, self._forgets(number)), value

    def pop(self, key: K) -> V | None:
        """The same, and from now on nothing."""
        found = self._kept.pop(id(key), None)
        return None if found is None else found[1]

    def clear(self) -> None:
        """Nothing is kept of anything."""
        self._kept.clear()

    def keys(self) -> list[K]:
        """Those that live."""
        return [key for each, _ in list(self._kept.values()) if (key := each()) is not None]

    def _forgets(self, number: int) -> Callable[[ReferenceType[K]], None]:
        kept = self._kept

        def forget(dead: ReferenceType[K]) -> None:
            found = kept.get(number)
            if found is not None and found[0] is dead:  # And not the next thing of that number.
                del kept[number]

        return forget
