"""What the README shows runs as it stands there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import bgwidgets as bgw
from tests.scripts.conftest import Ran

README = Path(__file__).parents[2] / "README.md"


def python_blocks() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.DOTALL | re.MULTILINE)


def test_the_examples_run_from_top_to_bottom(run_script: Callable[[str], Ran]):
    """In one script, in their order, without a word on stderr."""
    ran = run_script("\n".join(python_blocks()) + "\nprint(report.outcome, *report.steps)\n")

    assert "" == ran.stderr
    assert [
        "running ['counting']",
        "True finished",
        "3",
        "2",
        "1",
        r"'3\n2\n1\n'",
        "101 True",
        "2 process finished",
        "finished",
        "finished stop_event",
    ] == ran.stdout.splitlines()


def test_every_public_name_is_explained():
    """Each stands in the README."""
    text = README.read_text()
    assert [] == [name for name in bgw.__all__ if f"`{name}" not in text]


NOT_FOR_USERS = {"adopt_at_birth", "begin", "command", "execute", "pictures", "watch", "window"}
"""By these the parts of the package talk to each other."""


@pytest.mark.parametrize(
    "kind", [bgw.BackgroundLoop, bgw.LoopManager, bgw.StopEvent], ids=lambda kind: kind.__name__
)
def test_every_method_is_explained(kind: type):
    """Under its own name, as a user would look for it."""
    words = set(re.findall(r"\w+", README.read_text()))
    public = {name for name in vars(kind) if not name.startswith("_")}
    assert set() == public - words - NOT_FOR_USERS


VALUES: list[Any] = [value for name in bgw.__all__ if is_dataclass(value := getattr(bgw, name))]
LIST_OF_FIELDS = re.compile(r"`(\w+(?:, \w+)*)`")


def fields_of(kind: type) -> set[str]:
    known = {field.name for field in fields(kind)}
    return known | {name for name, value in vars(kind).items() if isinstance(value, property)}


def row_of(kind: type) -> str:
    (row,) = re.findall(rf"^\| `{kind.__name__}` \|(.*)$", README.read_text(), re.MULTILINE)
    return str(row)


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_every_field_is_explained(kind: type):
    """In the value's own row of the table."""
    assert set() == fields_of(kind) - set(re.findall(r"\w+", row_of(kind)))


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_no_field_stands_in_the_row_of_another(kind: type):
    """What a row lists can be asked of that value."""
    listed = {name for names in LIST_OF_FIELDS.findall(row_of(kind)) for name in names.split(", ")}
    of_others = set[str]().union(*(fields_of(each) for each in VALUES)) - fields_of(kind)
    assert set() == listed & of_others


def test_every_error_says_what_to_do():
    """In a row of its own: when it is raised, and what to do."""
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (.*)\|$", README.read_text(), re.MULTILINE)
    advice = {name: text.strip() for name, text in rows}
    errors = {
        name
        for name in bgw.__all__
        if inspect.isclass(getattr(bgw, name)) and issubclass(getattr(bgw, name), Exception)
    }
    without = {name for name in errors if not advice.get(name)}
    assert {"BgwidgetsError"} == without  # the base of all


@pytest.mark.parametrize("state", bgw.LoopState)
def test_every_state_of_a_loop_is_explained(state: bgw.LoopState):
    """As a word of ours, in backquotes or in a table's cell, and not only in passing."""
    assert re.search(rf"(`{state}`|\| {state} \|)", README.read_text())


@pytest.mark.parametrize("kind", bgw.WarningKind)
def test_every_warning_says_what_to_do(kind: bgw.WarningKind):
    """In a row of its own."""
    assert re.search(rf"^\| {kind} \| .+ \| .+ \|$", README.read_text(), re.MULTILINE)


def test_the_files_that_it_links_to_are_there():
    """Pictures and notebooks."""
    links = re.findall(r"\]\((?!https?://)([^)#]+)", README.read_text())
    assert links != []
    assert [] == [link for link in links if not (README.parent / link).is_file()]


def test_the_make_targets_that_it_names_are_there():
    """`make help` is not the only one who knows them."""
    makefile = (README.parent / "Makefile").read_text()
    named = set(re.findall(r"`make (\w+)`|^make (\w+)", README.read_text(), re.MULTILINE))
    targets = {one or other for one, other in named}
    assert {"demo", "test"} <= targets
    assert [] == [target for target in targets if f"\n{target}:" not in makefile]
