"""Which tasks on the kernel's loop are the user's."""

from __future__ import annotations

import asyncio
import types
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from bgwidgets.observe.kernels_own import is_users


async def of_a_cell() -> None:
    """Code that does not come from a package of the kernel's."""


@types.coroutine
def of_an_older_kind() -> Any:
    """A coroutine that is a generator."""
    yield


def test_a_users_coroutine_is_known_by_where_its_code_comes_from():
    """What a cell defines, and what it takes from asyncio or any library."""
    for coroutine in (of_a_cell(), asyncio.sleep(0)):
        assert is_users(coroutine)
        coroutine.close()
    assert is_users(of_an_older_kind())


def test_the_kernels_coroutines_are_not_the_users():
    """Those that run cells and pass messages; and one that does not say where it comes from."""
    coroutine = InteractiveShell.run_cell_async(None, "")  # type: ignore[arg-type]
    assert not is_users(coroutine)
    coroutine.close()
    assert not is_users(object())
