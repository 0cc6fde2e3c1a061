"""IPython's manager of background jobs, repaired: what it starts ends visibly and can be stopped.

Compared with `IPython.lib.backgroundjobs` (seen: IPython 9.18): threads are daemons; every
BaseException ends a job visibly; `remove()` removes from everywhere; it works without a shell; and
the event loops that a job makes are adopted as soon as they run.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import os
import sys
import sysconfig
import threading
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from IPython.lib import backgroundjobs

from bgwidgets.background_loop import BackgroundLoop, wait_for_ends
from bgwidgets.exceptions import BgwidgetsError
from bgwidgets.hosts.finding import Carried, FindLoop
from bgwidgets.loop_manager import LoopManager, default_manager
from bgwidgets.observe.births import LoopBirths, RunnersTask
from bgwidgets.states import LoopState
from bgwidgets.work import Work, WorkKind

CLEAN_UP_LIMIT: Final = 1.0
"""Seconds that the loops of a job which has ended get to come to their end too."""

# The longest first, for packages are installed in a folder of the standard library's.
_LIBRARIES: Final = tuple(
    sorted(
        {sysconfig.get_path(name) + os.sep for name in ("stdlib", "purelib", "platlib")},
        key=len,
        reverse=True,
    )
)

_births: Final = LoopBirths()


class _Repaired:
    """What both kinds of jobs have in common: how they are set up, and how they end."""

    finished: Any
    result: Any
    status: str
    stat_code: int
    call: Callable[[], Any]
    error: BaseException | None
    loops: list[BackgroundLoop]
    """The event loops that it made and ran, as the panel lists them."""
    context: contextvars.Context
    """That of the cell which started it, and in which its output appears."""
    _tb: str | None

    def _init(self) -> None:
        base = backgroundjobs.BackgroundJobBase
        self.num: int | None = None
        self.status, self.stat_code = base.stat_created, base.stat_created_c
        self.finished = False
        self.result = "<BackgroundJob has not completed>"
        self._tb = None
        self.error = None
        self.loops = []
        self.context = contextvars.copy_context()
        threading.Thread.__init__(self, daemon=True)  # type: ignore[arg-type] # mixed into a Thread

    def run(self) -> None:
        """Run the job in its thread, and note how it ended, whatever ended it."""
        base = backgroundjobs.BackgroundJobBase
        self.status, self.stat_code = base.stat_running, base.stat_running_c
        try:
            # In the context of the cell. Without it ipykernel 6 looks up in every print where this
            # thread comes from, by numbers that the system gives out again, and may never end.
            self.result = self.context.run(self.call)
        except BaseException as error:  # noqa: BLE001 - a cancellation or an exit ends a job, too
            self.error = error
            self._tb = traceback.format_exc()
            self.result = "<BackgroundJob died, call jobs.traceback() for details>"
            self.finished = None
            self.status, self.stat_code = base.stat_dead, base.stat_dead_c
        else:
            self.finished = True
            self.status, self.stat_code = base.stat_completed, base.stat_completed_c
        finally:
            _births.unwatch(threading.current_thread())


class _FunctionJob(_Repaired, backgroundjobs.BackgroundJobFunc):
    """A call of a function in a thread."""


class _ExpressionJob(_Repaired, backgroundjobs.BackgroundJobExpr):
    """An expression that is evaluated in a thread."""


class _NativeLoop:
    """A background loop in the list of jobs, which it did not come from."""

    def __init__(self, name: str, state: str) -> None:
        self.num: Final = name
        self._state: Final = state

    def __str__(self) -> str:
        return f"background loop, {self._state}"


class BackgroundJobManager(backgroundjobs.BackgroundJobManager):
    """IPython's `BackgroundJobManager`, with its whole interface, and the panel's.

    >>> jobs = BackgroundJobManager()
    >>> job = jobs.new(run_loop, 400, 41)
    >>> jobs.status()

    The event loops that a job's function makes, also in threads that it starts, are listed in
    `bgwidgets.manager` and in the panel from the moment at which they run, and in `job.loops`.
    """

    def __init__(self, manager: LoopManager = default_manager) -> None:
        super().__init__()
        self._manager: Final = manager

    def new(self, func_or_exp: Any, *args: Any, **kwargs: Any) -> Any:
        """Start a job in a thread of its own: a function and its arguments, or an expression.

        `new(f, 1, 2, kw=dict(three=3))` calls `f(1, 2, three=3)`. `new("f(x)")` evaluates the text
        in the caller's namespace, or in the dicts that are passed. Returns the job; its threads are
        daemons, whatever `daemon=` says. Raises TypeError for anything else.
        """
        if callable(func_or_exp):
            job: Any = _FunctionJob(func_or_exp, *args, **kwargs.get("kw", {}))
        elif isinstance(func_or_exp, str):
            job = _ExpressionJob(func_or_exp, *_namespaces(args, sys._getframe(1)))  # noqa: SLF001 - as IPython's own
        else:
            raise TypeError(
                f"a job is a function or an expression as text, not {type(func_or_exp).__name__}"
            )
        self._start(job, [])
        return job

    def _start(self, job: Any, claims: list[list[Carried]]) -> None:
        """Start a job. Its first loops go to those who have claimed them, the others are new."""
        job.num = self._current_job_id
        self._current_job_id += 1
        self.running.append(job)
        self.all[job.num] = job
        self._watch(job, claims)
        try:
            job.start()
        except BaseException:
            _births.unwatch(job)
            self.all.pop(job.num, None)
            self._running.remove(job)
            raise

    def _watch(self, job: Any, claims: list[list[Carried]]) -> None:
        target = getattr(job, "func", None)
        name = job.expression if target is None else Work(WorkKind.PLAIN_FUNCTION, target).name
        attributes = getattr(target, "__dict__", {})

        def adopt(loop: Any, runners_task: RunnersTask) -> None:
            carried = Carried(loop, dict(attributes), runners_task)
            if claims:
                claims.pop().append(carried)
                return
            # In the job's thread, which must go on whatever comes of this.
            with contextlib.suppress(BgwidgetsError):
                run = _RunOfAJob(job)
                run.loop = self._manager.adopt_at_birth(
                    carried, name=name, run_again=lambda: self._run_again(run)
                )
                job.loops.append(run.loop)

        _births.watch(job, _Watcher(job, adopt))

    def _run_again(self, run: _RunOfAJob) -> FindLoop:
        """Start the same job anew; returns what finds the loop that it then makes."""
        found: list[Carried] = []
        job = run.job
        if isinstance(job, _FunctionJob):
            again: Any = _FunctionJob(job.func, *job.args, **job.kwargs)
        else:
            again = _ExpressionJob(job.expression, job.glob, job.loc)
        again.context = job.context.copy()
        self._start(again, [found])
        if run.loop in job.loops:
            job.loops.remove(run.loop)
            again.loops.append(run.loop)
        run.job = again

        def find() -> Carried | None:
            if not found and again.error is not None:
                raise again.error
            return found[0] if found else None

        return find

    def _update_status(self) -> None:
        for job in self._running:
            # It is gone and could not say so.
            if job.stat_code == self._s_running and not job.is_alive():
                job.status = backgroundjobs.BackgroundJobBase.stat_dead
                job.stat_code = self._s_dead
        super()._update_status()

    def status(self, verbose: int = 0) -> None:
        """Print all jobs, and the background loops beside them, by how they are doing."""
        del verbose  # IPython's own does not look at it either.
        self._update_status()
        native: dict[str, list[_NativeLoop]] = {"Running": [], "Completed": [], "Dead": []}
        for loop in self._manager:
            if not loop.snapshot().adopted:
                native[_group_of(loop.state)].append(_NativeLoop(loop.name, loop.state))
        self._group_report([*self._running, *native["Running"]], "Running")
        self._group_report([*self._completed, *native["Completed"]], "Completed")
        self._group_report([*self._dead, *native["Dead"]], "Dead")
        self._comp_report[:] = []
        self._dead_report[:] = []

    def remove(self, num: int) -> None:
        """Remove a job that has ended, from every list; and its loops from the panel.

        Blocks for a moment while such a loop is being cleaned up, at most a second.
        """
        job = self.all.get(num)
        self._update_status()
        super().remove(num)
        if job is not None and job.stat_code != self._s_running:
            self.all.pop(num, None)
            _take_off([job])

    def flush(self) -> None:
        """Remove all jobs that have ended, as `remove` does."""
        self._update_status()
        ended = [*self._completed, *self._dead]
        super().flush()
        _take_off(ended)


class _Watcher:
    """Hears of the loops of one job."""

    def __init__(self, job: Any, adopt: Callable[[Any, RunnersTask], None]) -> None:
        self._job: Final = job
        self._folder: Final = _package_folder(_file_of(getattr(job, "func", None)))
        self.born: Final = adopt

    def wants(self, file: str) -> bool:
        """Not a library's threads, whose loops are everybody's; unless the job is the library's."""
        folder = _package_folder(file)
        return folder is None or folder == self._folder

    def is_expected(self, error: BaseException) -> bool:
        """What a stop makes a runner raise, in a thread beside the job's own."""
        if isinstance(error, asyncio.CancelledError):
            return bool(self._job.loops)
        is_of_a_stop = isinstance(error, RuntimeError) and "Event loop stopped" in str(error)
        states = {loop.state for loop in self._job.loops}
        return is_of_a_stop and bool(states - {LoopState.STARTING, LoopState.RUNNING})


def _file_of(function: Any) -> str:
    return str(getattr(getattr(function, "__code__", None), "co_filename", ""))


def _package_folder(file: str) -> str | None:
    """The folder of the installed package, or of the standard library, that a file belongs to."""
    for folder in _LIBRARIES:
        if file.startswith(folder):
            return folder + Path(file[len(folder) :]).parts[0]
    return None


class _RunOfAJob:
    """Which job runs a loop now: a restart of the loop is a new job."""

    def __init__(self, job: Any) -> None:
        self.job = job
        self.loop: BackgroundLoop | None = None


def _take_off(jobs: Iterable[Any]) -> None:
    loops = [loop for job in jobs for loop in job.loops]
    wait_for_ends(loops, CLEAN_UP_LIMIT)
    for loop in loops:
        # It may have been started again, or removed by somebody else.
        with contextlib.suppress(BgwidgetsError):
            loop.remove()


def _group_of(state: Any) -> str:
    if not state.has_ended:
        return "Running"
    return "Completed" if state in {"finished", "stopped"} else "Dead"


def _namespaces(args: tuple[Any, ...], caller: Any) -> tuple[Any, Any]:
    if not args:
        return caller.f_globals, caller.f_locals
    if len(args) > 2:
        raise ValueError("an expression takes at most two arguments: its globals and its locals")
    return args[0], args[-1]
