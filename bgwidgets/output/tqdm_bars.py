"""tqdm's bars, caught where they are made on a background loop: no text, but a bar in its row.

The only module that knows of tqdm's inside, as of 4.66 to 4.70: that every bar is made by
`tqdm.std.tqdm.__new__`, is kept in its class's `_instances`, finds its line by `_get_free_pos`, and
prints by `status_printer`, `refresh`, `display`, `moveto` and `clear`; and that all is wiped away
for a line of text in `external_write_mode`. Where that is not so any more, bars stay what they are.
Bars that are made anywhere else are tqdm's own and unchanged.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any, Final, cast
from weakref import WeakSet

from bgwidgets.belonging import current_loop_id
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.output.findings import findings_here
from bgwidgets.output.whose import task_here
from bgwidgets.snapshots import ProgressSnapshot

STD: Final = "tqdm.std"
LONGEST_TEXT: Final = 200
SLOW_AFTER: Final = 1.0
"""Seconds without news after which a bar is asked to tell of each step."""


class _Nowhere:
    """A file for what is not to be written."""

    def write(self, text: str) -> int:
        """It is not written."""
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""


class _NoWidget:
    """What tqdm's notebook bars take for the widgets that they change."""

    def __init__(self) -> None:
        self.children: Final = tuple(
            SimpleNamespace(style=SimpleNamespace(bar_color=None), layout=SimpleNamespace())
            for _ in range(3)
        )
        self.layout: Final = SimpleNamespace()

    def _ipython_display_(self) -> None:
        """Nothing is displayed."""

    def close(self) -> None:
        """There is nothing to be closed."""


class _InTheRow:
    """Comes before the bar's own class: shows it in the row of its task, and writes nothing.

    A bar for which a file of the user's own was named writes there as ever.
    """

    # Apart from the bars in cells and terminals, which count theirs to find their lines. And no
    # thread of tqdm's, which wakes up bars that got slow: who looks does that.
    _instances: Final[WeakSet[Any]] = WeakSet()
    monitor_interval: Final = 0
    _bgw_is_silent = True
    _bgw_place: Any = None
    _bgw_bars: Any = None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if _takes_display(type(self)):
            options["display"] = False
        super().__init__(*arguments, **options)
        bar = cast("Any", self)
        if bar.disable:
            return
        if self._bgw_is_silent:
            bar.fp = _Nowhere()
        if (findings := findings_here()) is not None:
            self._bgw_bars = findings.bars
            self._bgw_place = findings.bars.opened(self, task_here())

    @classmethod
    def _get_free_pos(cls, instance: Any = None) -> int:
        """The first line that is free, among the bars in the same file: no other is to be seen
        there.
        """
        file = getattr(instance, "fp", None)
        there = [bar for bar in cls._instances if bar is not instance and hasattr(bar, "pos")]
        taken: set[int] = {abs(bar.pos) for bar in there if getattr(bar, "fp", None) == file}
        return next(line for line in range(len(taken) + 1) if line not in taken)

    def status_printer(self, file: Any, *arguments: Any) -> Any:
        """What writes the bar into the file, or a notebook's widget: nothing."""
        self._bgw_is_silent = file in (sys.stderr, sys.stdout) or bool(arguments)
        if arguments:  # In a notebook: the total, the description, the width.
            return _NoWidget()
        if self._bgw_is_silent:
            return lambda _: None
        return super().status_printer(file)  # type: ignore[misc] # tqdm's

    def display(self, *arguments: Any, **options: Any) -> Any:
        """Nothing is displayed."""
        if self._bgw_is_silent:
            return True
        return super().display(*arguments, **options)  # type: ignore[misc] # tqdm's

    def refresh(self, *arguments: Any, **options: Any) -> Any:
        """Nothing is displayed, and nobody waits for tqdm's lock."""
        if self._bgw_is_silent:
            return not cast("Any", self).disable
        return super().refresh(*arguments, **options)  # type: ignore[misc] # tqdm's

    def clear(self, *arguments: Any, **options: Any) -> None:
        """There is nothing to be cleared."""
        if not self._bgw_is_silent:
            super().clear(*arguments, **options)  # type: ignore[misc] # tqdm's

    def close(self) -> None:
        """It has ended."""
        self._bgw_close(is_dropped=False)

    def __del__(self) -> None:
        self._bgw_close(is_dropped=True)

    def _bgw_close(self, *, is_dropped: bool) -> None:
        bar = cast("Any", self)
        if getattr(bar, "disable", True):
            return
        place, ended_at = self._bgw_place, time.time()
        super().close()  # type: ignore[misc] # tqdm's
        if place is None:
            return
        self._bgw_place = None
        stays = place.depth == 0 if bar.leave is None else bar.leave
        left_open = place.has_lost_its_task or (
            bar.n != bar.total and (is_dropped or _is_broken_off(bar.total))
        )
        last = self.as_value(depth=place.depth, ended_at=ended_at, left_open=left_open)
        self._bgw_bars.ended(place, last if stays or left_open else None)

    def as_value(
        self, *, depth: int, ended_at: float | None = None, left_open: bool = False
    ) -> ProgressSnapshot | None:
        """How it stands; None before its delay is over. Any thread."""
        bar, now = cast("Any", self), time.time() if ended_at is None else ended_at
        if now < bar.start_t + bar.delay:
            return None
        if ended_at is None and bar.miniters > 1 and now - bar.last_print_t > SLOW_AFTER:
            bar.miniters = 1  # As tqdm's own thread would do, after ten seconds.
        told = _told_by(bar)
        done, total = _plain(told["n"]) or 0, _plain(told["total"])
        seconds = now - bar.start_t
        rate = _plain(told["rate"]) if ended_at is None else None
        if rate is None and seconds > 0:
            rate = (done - (_plain(told["initial"]) or 0)) / seconds
        left = None
        if ended_at is None and total is not None and rate:
            left = max(0.0, (total - done) / rate)
        return ProgressSnapshot(
            description=_text(told["prefix"]).removesuffix(": "),
            done=done,
            total=total,
            unit=_text(told["unit"]),
            unit_scale=_scale(told["unit_scale"]),
            unit_divisor=int(told["unit_divisor"]),
            rate=rate,
            seconds_left=left,
            postfix=_text(told["postfix"]),
            colour=_text(told["colour"]) or None,
            depth=depth,
            started_at=bar.start_t,
            ended_at=ended_at,
            left_open=left_open,
        )


def _told_by(bar: Any) -> dict[str, Any]:
    """All that tqdm says of it."""
    try:
        return cast("dict[str, Any]", bar.format_dict)
    except TypeError:  # It was closed amid this, and has no average speed any more.
        return cast("dict[str, Any]", bar.format_dict)


def _is_broken_off(total: object) -> bool:
    """Whether a bar that is closed now, and not full, is closed by an exception or a `break`."""
    why = sys.exc_info()[1]
    # Of an unknown total, work that is done within an `except` may well be complete.
    return isinstance(why, GeneratorExit) or (why is not None and total is not None)


def _takes_display(kind: type) -> bool:
    """Whether its `__init__` is that of tqdm's notebook bars, which display a widget."""
    after_ours = kind.__mro__[kind.__mro__.index(_InTheRow) + 1 :]
    owner = next(each for each in after_ours if "__init__" in vars(each))
    return owner.__module__ == "tqdm.notebook"


def _plain(number: Any) -> float | None:
    """As an int or a float, whatever kind of number it is; None for what is none."""
    if number is None or type(number) is int:
        return number
    try:
        plain = float(number)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(plain):
        return None
    return int(plain) if plain.is_integer() and not isinstance(number, float) else plain


def _scale(scale: Any) -> float | bool:
    return scale if isinstance(scale, bool) else _plain(scale) or False


def _text(text: object) -> str:
    return "" if text is None else str(text)[:LONGEST_TEXT]


def _in_the_row(kind: type) -> type:
    """The class that stands in for this one on a background loop."""
    if issubclass(kind, _InTheRow):
        return kind
    known: type
    for known in kind.__subclasses__():
        if known.__bases__ == (_InTheRow, kind):
            return known
    return type(kind.__name__, (_InTheRow, kind), {"__module__": kind.__module__})


class _AfterImport(importlib.abc.MetaPathFinder):
    """Calls `then` with a module as soon as it has been imported."""

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self._name: Final = name
        self._then: Final = then

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """What the other finders find, with one more thing to do when it is loaded."""
        if fullname != self._name:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        specs = (finder.find_spec(fullname, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and (loader := cast("Any", spec.loader)) is not None:
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                self._then(module)

            loader.exec_module = exec_module
        return spec


class TqdmCatcher:
    """Whether bars on background loops are caught. Any thread may call everything."""

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        self._is_wanted = True
        self._after_import: _AfterImport | None = None
        self._put_back: Callable[[], None] | None = None

    def install(self) -> None:
        """Catch them from now on. Imports nothing: tqdm is changed as soon as others import it."""
        with self._guard:
            self._is_wanted = True
            self.look()

    def look(self) -> None:
        """Catch them, unless somebody has called `uninstall()`. At each start of a loop."""
        if self._is_installed():
            return
        with self._guard:
            if not self._is_wanted or self._is_installed():
                return
            if STD in sys.modules:
                # Waits for the thread that is about to import it, if there is one.
                self._put_back = _catch_in(importlib.import_module(STD))
            else:
                self._after_import = _AfterImport(STD, self._imported)
                sys.meta_path.insert(0, self._after_import)

    def uninstall(self) -> None:
        """Put everything back, until `install()`. Bars that are there stay as they are."""
        with self._guard:
            self._is_wanted = False
            self._look_out_no_more()
            if self._put_back is not None:
                self._put_back()
            self._put_back = None

    def _is_installed(self) -> bool:
        return self._put_back is not None or self._after_import is not None

    def _imported(self, module: ModuleType) -> None:
        with self._guard:
            if self._after_import is not None:
                self._put_back = _catch_in(module)
                self._look_out_no_more()

    def _look_out_no_more(self) -> None:
        if self._after_import in sys.meta_path:
            sys.meta_path.remove(self._after_import)
        self._after_import = None


def _catch_in(std: ModuleType) -> Callable[[], None]:
    """Have bars that are made on a background loop be of another class; returns the way back."""
    tqdm = std.tqdm
    ours: dict[str, Any] = {"__new__": _made(vars(tqdm)["__new__"].__func__)}
    if isinstance(mode := vars(tqdm).get("external_write_mode"), classmethod):
        ours["external_write_mode"] = _among_own_bars(cast("Any", mode).__func__)
    before = {name: vars(tqdm)[name] for name in ours}
    for name, function in ours.items():
        setattr(tqdm, name, function)

    def put_back() -> None:
        for name, function in ours.items():
            if vars(tqdm)[name] is function:  # Or others have changed it since, and hold ours.
                setattr(tqdm, name, before[name])

    return put_back


def _made(make: Callable[..., Any]) -> Any:
    """`__new__`."""

    def made(kind: type, *arguments: Any, **options: Any) -> Any:
        if current_loop_id() is None:
            return make(kind, *arguments, **options)
        # Of a subclass of its own class, so that Python calls the right `__init__`.
        return make(_in_the_row(kind), *arguments, **options)

    return staticmethod(made)


def _among_own_bars(make_room: Callable[..., Any]) -> Any:
    """`external_write_mode`: in it, `tqdm.write` and `logging_redirect_tqdm` write a line.

    Bars are wiped away for that, and drawn again by the calling thread. On a loop it has to do with
    the loop's own, of which only those with a file of their own are drawn at all.
    """

    def external_write_mode(
        kind: type, file: Any = None, nolock: bool = False
    ) -> AbstractContextManager[Any]:
        if current_loop_id() is None:
            return make_room(kind, file=file, nolock=nolock)  # type: ignore[no-any-return]
        if file in (None, sys.stdout, sys.stderr):
            return nullcontext()
        return make_room(_in_the_row(kind), file=file, nolock=nolock)  # type: ignore[no-any-return]

    return classmethod(external_write_mode)


tqdm_catcher: Final = TqdmCatcher()
"""This process's."""


def progress_class() -> type:
    """What `bgwidgets.progress` is: tqdm's class for wherever one is, by that name."""
    tqdm_catcher.look()
    tqdm = importlib.import_module("tqdm.auto").tqdm
    return type("progress", (tqdm,), {"__doc__": PROGRESS_DOC, "__module__": "bgwidgets"})


PROGRESS_DOC: Final = """tqdm, in every way; on a background loop it draws no text.

There it is a bar with rate and time left in the row of the task that made it, in the panel, in
`job.tasks` and in `job.snapshot().progress`. In a cell or a script it is `tqdm.auto.tqdm`, of which
it is a subclass: `for item in progress(items)`, `async for`, `with progress(total=n) as bar:
bar.update()`, `progress.gather(...)`, `progress.as_completed(...)`, `progress.pandas()`.

Any thread; does not block. A bar that was not closed ends with its task.
"""
