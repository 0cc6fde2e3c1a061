"""A file's short name; for a notebook's cell the number that the notebook shows."""

from __future__ import annotations

import sys
import types
from typing import Any

import pytest
from IPython.core.compilerop import CachingCompiler

from bgwidgets.observe.await_chain import file_label

KERNEL_CELL = "/tmp/ipykernel_4711/2468013579.py"  # noqa: S108 - as ipykernel calls it
TERMINAL_CELL = "<ipython-input-3-1f0d3a7c>"


class Shell:
    """As much of IPython's shell as names a cell."""

    def __init__(self, cells: dict[str, str]) -> None:
        self.compile = self
        self._cells = cells

    def format_code_name(self, name: str) -> tuple[str, str] | None:
        """As IPython's compiler has it."""
        label = self._cells.get(name)
        return ("Cell", label) if label else None


@pytest.fixture
def ipython(monkeypatch: pytest.MonkeyPatch) -> Any:
    """IPython as far as it matters; whether the real one is loaded or not."""
    module = types.ModuleType("IPython")
    module.get_ipython = lambda: None  # type: ignore[attr-defined] # made here
    monkeypatch.setitem(sys.modules, "IPython", module)
    return module


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("/home/user/work/race.py", "race.py"),
        ("race.py", "race.py"),
        ("C:\\Users\\user\\race.py", "race.py"),
        ("<string>", "<string>"),
        ("<stdin>", "<stdin>"),
        ("/home/user/ipykernel_1/race.py", "race.py"),
        ("/home/user/2468013579.py", "2468013579.py"),
    ],
)
def test_a_file(filename: str, expected: str):
    assert expected == file_label(filename)


@pytest.mark.parametrize(
    "filename", [KERNEL_CELL, TERMINAL_CELL, "C:\\Temp\\ipykernel_4711\\2468013579.py"]
)
def test_a_cell(ipython: Any, filename: str):
    """As the notebook itself calls it."""
    shell = Shell({filename: "In[3]"})
    ipython.get_ipython = lambda: shell
    assert "In[3]" == file_label(filename)


@pytest.mark.parametrize("filename", [KERNEL_CELL, TERMINAL_CELL])
def test_a_cell_that_ipython_does_not_know(ipython: Any, filename: str):
    """Of an earlier kernel, say."""
    shell = Shell({})
    ipython.get_ipython = lambda: shell
    assert "cell" == file_label(filename)


def test_a_cell_without_a_shell(ipython: Any):
    """IPython is loaded, as a library only."""
    assert ipython.get_ipython() is None
    assert "cell" == file_label(KERNEL_CELL)


def test_a_cell_without_ipython(monkeypatch: pytest.MonkeyPatch):
    """Nor is it loaded for this."""
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert "cell" == file_label(KERNEL_CELL)
    assert "IPython" not in sys.modules


def test_a_cell_while_ipython_is_being_imported(monkeypatch: pytest.MonkeyPatch):
    """By another thread: the module is there, and empty."""
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    assert "cell" == file_label(KERNEL_CELL)


def test_ipythons_own_compiler_names_cells(ipython: Any):
    """The real one, so that a change of its shows here."""
    compiler = CachingCompiler()
    filename = compiler.cache("await race()", 7)
    ipython.get_ipython = lambda: types.SimpleNamespace(compile=compiler)
    assert "In[7]" == file_label(filename)
