"""The words of enums, and the errors: each says what it is."""

from __future__ import annotations

import ast
import inspect
import itertools
from enum import Enum, StrEnum
from types import ModuleType

import pytest

from bgwidgets import exceptions, states, work
from bgwidgets.states import LoopEvent, LoopState, TaskState
from bgwidgets.work import WorkKind

WORDS: dict[type[StrEnum], str] = {
    LoopState: "starting running stopping finished stopped cancelled failed killed lost",
    TaskState: "pending running cancelling finished failed cancelled lost",
}
ENUMS = [
    (LoopState, states),
    (TaskState, states),
    (LoopEvent, states),
    (WorkKind, work),
]
ERRORS = [
    error
    for _, error in inspect.getmembers(exceptions, inspect.isclass)
    if error is not exceptions.LoopInterrupted  # which no call of ours raises
]


@pytest.mark.parametrize("enum", WORDS)
def test_each_member_equals_its_word(enum: type[StrEnum]):
    """So a user may compare with a plain string, and print it."""
    assert WORDS[enum].split() == list(enum)
    for member in enum:
        assert member.name == member.value.upper()
        assert str(member) == f"{member}" == member.value


@pytest.mark.parametrize(("enum", "module"), ENUMS)
def test_each_member_has_a_docstring(enum: type[Enum], module: ModuleType):
    """The string that follows it in the source, as editors and documentation tools read it."""
    tree = ast.parse(inspect.getsource(module))
    (body,) = (
        node.body
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == enum.__name__
    )
    documented = {
        target.id
        for member, after in itertools.pairwise(body)
        if isinstance(member, ast.Assign) and isinstance(after, ast.Expr)
        for target in member.targets
        if isinstance(target, ast.Name) and isinstance(ast.literal_eval(after.value), str)
    }
    assert {member.name for member in enum} == documented


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_is_one_of_ours(error: type[Exception]):
    """One `except BgwidgetsError` catches them all."""
    assert issubclass(error, exceptions.BgwidgetsError)


@pytest.mark.parametrize("error", [error for error in ERRORS if error.__subclasses__() == []])
def test_every_error_says_when_it_is_raised(error: type[Exception]):
    assert "Raised" == (error.__doc__ or "").split()[0]


def test_an_interruption_passes_except_exception():
    """So it ends a task that goes on after every error."""
    assert not issubclass(exceptions.LoopInterrupted, Exception)


def test_the_tree_in_the_modules_docstring_is_the_tree():
    """With each error's other parent, by which code that does not know us catches it."""
    drawn = {}
    for line in (exceptions.__doc__ or "").splitlines():
        if line.startswith(("├── ", "└── ")):
            name, _, parent = line[4:].partition(" (")
            drawn[name] = parent.partition(")")[0]
    real = {
        error.__name__: error.__bases__[1].__name__
        for error in ERRORS
        if error is not exceptions.BgwidgetsError
    }
    assert real == drawn
