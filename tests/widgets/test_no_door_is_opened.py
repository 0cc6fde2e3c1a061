"""What the panel is made of evaluates nothing, unpickles nothing, listens on no port, and writes no
text of the user's as HTML. Read from its sources, so it holds for whatever a page may send.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

WIDGETS: Final = Path(__file__).parents[2] / "bgwidgets" / "widgets"
MODULES: Final = sorted(WIDGETS.glob("*.py"))
SCRIPTS: Final = sorted(WIDGETS.rglob("*.js"))
FORBIDDEN_MODULES: Final = {
    # What turns bytes into objects or text into code,
    "cloudpickle", "code", "codeop", "copyreg", "ctypes", "dill", "importlib", "marshal", "pickle",
    "runpy", "shelve", "yaml",
    # what talks to others,
    "asyncio", "http", "multiprocessing", "requests", "socket", "socketserver", "ssl", "tornado",
    "urllib", "websockets", "xmlrpc", "zmq",
    # and what runs programs.
    "os", "pty", "shutil", "subprocess",
}  # fmt: skip
HARMLESS: Final = {"asyncio": {"AbstractEventLoop", "get_running_loop"}}
"""What may be taken from them all the same: whether a loop turns."""
FORBIDDEN_CALLS: Final = {"__import__", "breakpoint", "compile", "eval", "exec", "open"}
FORBIDDEN_METHODS: Final = {"run_cell", "run_line_magic", "system", "unpickle"}
FORBIDDEN_IN_SCRIPTS: Final = re.compile(
    r"(?:inner|outer)HTML|insertAdjacentHTML|setHTML|parseHTML|document\.write|DOMParser|srcdoc"
    r"|createContextualFragment|\beval\b|\bFunction\s*\(|javascript:|\bimport\s*\("
    r"|set(?:Timeout|Interval)\(\s*[\"'`]|setAttribute\(\s*[\"'`]on"
    r"|XMLHttpRequest|WebSocket|EventSource|sendBeacon|(?<![\w.#])fetch\([^)]|https?://(?!www\.w3\.org)"
)


def imported(tree: ast.AST) -> Iterator[str]:
    """The packages that a module imports, also inside of its functions; not what is harmless."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            if not names <= HARMLESS.get(node.module or "", set()):
                yield (node.module or "").partition(".")[0]


def called(tree: ast.AST) -> Iterator[str]:
    """The names of what a module calls."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute) and node.func.attr in FORBIDDEN_METHODS:
                yield node.func.attr


def test_there_is_something_to_read():
    """All that follows would hold of nothing, too."""
    assert len(MODULES) > 30
    assert len(SCRIPTS) >= 30


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_evaluates_unpickles_and_opens_nothing(path: Path):
    """Whatever it is given."""
    tree = ast.parse(path.read_text())
    assert set() == FORBIDDEN_MODULES & set(imported(tree))
    assert set() == (FORBIDDEN_CALLS | FORBIDDEN_METHODS) & set(called(tree))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_makes_no_html_and_no_code_of_text(path: Path):
    """And asks no server for anything."""
    assert [] == FORBIDDEN_IN_SCRIPTS.findall(path.read_text())


@pytest.mark.parametrize(
    "line",
    [
        "a.innerHTML = b", "a.insertAdjacentHTML('x', b)", "eval(b)", "new Function(b)",
        "setTimeout('b', 1)", "fetch('x')", "new WebSocket(b)", "a.setAttribute('onclick', b)",
        "import('x')",
    ],
)  # fmt: skip
def test_such_lines_would_be_found(line: str):
    """The check sees what it is there for."""
    assert FORBIDDEN_IN_SCRIPTS.search(line)


def test_such_modules_would_be_found():
    """In whatever way they are used."""
    tree = ast.parse("def f():\n    from pickle import loads\n    return eval(loads(b''))")
    assert {"pickle"} == FORBIDDEN_MODULES & set(imported(tree))
    assert {"eval"} == FORBIDDEN_CALLS & set(called(tree))
