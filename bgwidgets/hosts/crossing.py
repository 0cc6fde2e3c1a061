"""Users' values on their way to another process and back: functions, arguments, results, errors.

By cloudpickle, which takes functions of a notebook with what they refer to. What cannot be pickled
is told by its name: the argument, the closure's variable, the global that a function uses.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import io
import time
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, ClassVar, Final

from bgwidgets.exceptions import CannotCross
from bgwidgets.observe.error_text import full_text, one_line

_NO_FILE: Final = "<dynamic-code>"
"""What cloudpickle (seen: 3.1.3) says instead of the file's name; earlier ones say the name."""
_PACKAGE: Final = __name__.partition(".")[0]
DEEPEST: Final = 20
LONGEST_SEARCH: Final = 2.0
"""Seconds in which the culprit is looked for; what was found until then is told."""
LONGEST_REPR: Final = 80


def refuse_without_cloudpickle() -> None:
    """Raise ImportError, and say what to do, where cloudpickle is missing."""
    try:
        import cloudpickle  # noqa: F401 - only to see whether it is there
    except ImportError as error:
        raise ImportError(
            "a loop in another process needs cloudpickle: pip install 'bgwidgets[process]', or"
            " pip install cloudpickle"
        ) from error


def pack(value: Any, what: str = "", names: tuple[str, ...] = ()) -> bytes:
    """The value as bytes. Raises `CannotCross`, which names what it is that cannot be pickled.

    `what` says what the value is ("the result"); of a tuple each item has one of the `names`.
    Blocks for as long as pickling takes.
    """
    try:
        return _dumps(value)
    except Exception as error:
        parts = zip(names, value, strict=True) if names else [(what, value)]
        culprit = _culprit(list(parts), time.monotonic() + LONGEST_SEARCH) or what
        raise CannotCross(
            f"{culprit} cannot be brought to another process: {one_line(error)}"
        ) from error


def unpack(data: bytes) -> Any:
    """What was packed. Raises whatever unpickling raises: an import that fails, say."""
    import cloudpickle

    return cloudpickle.loads(data)


def _dumps(value: Any) -> bytes:
    file = io.BytesIO()
    _pickler_class()(file, protocol=5).dump(value)
    return file.getvalue()


@functools.cache
def _pickler_class() -> Any:
    """cloudpickle's, but that code keeps the name of its file: the notebook's cell, by which its
    lines are found there.
    """
    import cloudpickle

    reduce_code = cloudpickle.Pickler.dispatch_table[CodeType]

    def keep_filename(code: CodeType) -> Any:
        make, args = reduce_code(code)
        return make, tuple(code.co_filename if each == _NO_FILE else each for each in args)

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc] # it ships no types
        dispatch_table: ClassVar[Any] = ChainMap(
            {CodeType: keep_filename}, cloudpickle.Pickler.dispatch_table
        )

    return Pickler


@dataclass(frozen=True, slots=True)
class PackedError:
    """An exception on its way to another process."""

    text: str
    """Its traceback, as Python prints it."""
    line: str
    data: bytes | None
    """The exception itself; None where that cannot be pickled."""
    why_not: str | None = None


class TracebackThere(Exception):
    """The cause of an exception that came from another process: says where it was raised there."""

    def __str__(self) -> str:
        return f"\n\n{self.args[0]}"


def pack_error(error: BaseException) -> PackedError:
    """The exception as it can travel. Never raises."""
    text, line = full_text(error), one_line(error)
    try:
        data = _dumps(error)
        # Many exceptions can be pickled, and not unpickled: their `__init__` wants more.
        if type(unpack(data)) is not type(error):
            return PackedError(text, line, None, "it comes out as something else")
    except BaseException as why:  # noqa: BLE001 - pickling runs the user's code, which may exit
        return PackedError(text, line, None, one_line(why))
    return PackedError(text, line, data)


def unpack_error(packed: PackedError) -> BaseException:
    """The original exception, whose cause shows the traceback; else a `CannotCross`. Never raises.

    As `concurrent.futures` does it.
    """
    error: BaseException | None = None
    why_not = packed.why_not
    if packed.data is not None:
        try:
            error = unpack(packed.data)
        except BaseException as why:  # noqa: BLE001 - unpickling runs the user's code, which may exit
            why_not = one_line(why)
    if not isinstance(error, BaseException):
        error = CannotCross(f"{packed.line} (the exception itself cannot be pickled: {why_not})")
    error.__cause__ = TracebackThere(packed.text)
    return error


# Who is to blame

Named = tuple[str, Any]


def _culprit(parts: list[Named], deadline: float) -> str | None:
    """What cannot be pickled of these, in words: the innermost thing that has a name."""
    found: Named | None = None
    seen: set[int] = set()
    for _ in range(DEEPEST):
        bad = _first_bad(parts, seen, deadline)
        if bad is None:
            break
        found = bad
        seen.add(id(bad[1]))
        parts = list(_parts_of(*bad))
    if found is None:
        return None
    where, value = found
    return f"{where}, {_described(value)},"


def _first_bad(parts: list[Named], seen: set[int], deadline: float) -> Named | None:
    for where, value in parts:
        if id(value) in seen or time.monotonic() > deadline:
            continue
        try:
            _dumps(value)
        except Exception:  # noqa: BLE001 - that is what is looked for
            return where, value
    return None


def _parts_of(where: str, value: Any) -> Iterator[Named]:
    if isinstance(value, functools.partial):
        yield where, value.func
        for number, each in enumerate(value.args, 1):
            yield f"argument {number} of the partial in {where}", each
        for name, each in value.keywords.items():
            yield f"argument {name!r} of the partial in {where}", each
    elif isinstance(value, MethodType):
        yield where, value.__func__
        yield f"the object of the method {value.__name__}", value.__self__
    elif isinstance(value, FunctionType):
        yield from _parts_of_function(value)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield f"{where}[{_short(key)}]", each
    elif isinstance(value, (list, tuple)):
        for number, each in enumerate(value):
            yield f"{where}[{number}]", each
    elif isinstance(value, (set, frozenset)):
        for each in value:
            yield f"an item of {where}", each
    elif not isinstance(value, (ModuleType, type)) and not _is_ours(value):
        for name, each in getattr(value, "__dict__", {}).items():
            yield f"{where}.{name}", each


def _is_ours(value: Any) -> bool:
    """What is ours says itself why it cannot be pickled; of its parts nobody knows anything."""
    return type(value).__module__.partition(".")[0] == _PACKAGE


def _parts_of_function(function: FunctionType) -> Iterator[Named]:
    name = f"{function.__qualname__}()"
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for variable, cell in cells:
        try:
            yield f"the variable {variable!r} in the closure of {name}", cell.cell_contents
        except ValueError:  # It is not set yet.
            continue
    for number, default in enumerate(function.__defaults__ or (), 1):
        yield f"default {number} of {name}", default
    for variable, default in (function.__kwdefaults__ or {}).items():
        yield f"the default of {variable!r} of {name}", default
    for variable in _globals_used(function.__code__):
        if variable in function.__globals__ and not hasattr(builtins, variable):
            yield f"the global {variable!r} that {name} uses", function.__globals__[variable]
    yield from ((f"{name}.{key}", each) for key, each in function.__dict__.items())


def _globals_used(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield from _globals_used(constant)


def _described(value: Any) -> str:
    kind = type(value)
    name = (
        kind.__qualname__
        if kind.__module__ in {"builtins", "__main__"}
        else (f"{kind.__module__}.{kind.__qualname__}")
    )
    article = "an" if name[0].lower() in "aeiou" else "a"
    return f"{article} {name}"


def _short(key: object) -> str:
    try:
        text = repr(key)
    except Exception:  # noqa: BLE001 - a user's repr
        text = "?"
    return text if len(text) <= LONGEST_REPR else f"{text[:LONGEST_REPR]}…"
