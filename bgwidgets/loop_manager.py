"""The collection of this process's background loops: starts them, finds them, brings them down."""

from __future__ import annotations

import asyncio
import itertools
import logging
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sized
from functools import cache, partial
from typing import Any, Final, TypeVar

from bgwidgets.adoption import NOT_OURS, FoundLoops, check_adoption
from bgwidgets.background_loop import BackgroundLoop, host_of, stop_together, wait_for_ends
from bgwidgets.commands import (
    AdoptLoop,
    Command,
    RemoveFinished,
    RemoveLoop,
    RestartLoop,
)
from bgwidgets.exceptions import (
    DuplicateName,
    InvalidWork,
    LoopUnfinished,
    ProtectedLoop,
    UnknownLoop,
)
from bgwidgets.fork_locks import call_in_forks, free_in_forks
from bgwidgets.hosts.adopted import AdoptedHost
from bgwidgets.hosts.finding import Carried, FindLoop
from bgwidgets.hosts.interpreter_exit import call_before_exit
from bgwidgets.hosts.protocol import LoopPlan
from bgwidgets.hosts.registry import HostFactory, host_factory
from bgwidgets.identifiers import new_id
from bgwidgets.loop_watch import LoopWatch
from bgwidgets.observe.weak_by_identity import WeakByIdentity
from bgwidgets.output.log import OutputLog
from bgwidgets.plain_text import plain_text
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    StopReport,
    TaskDetail,
    TaskWindow,
    WindowRequest,
)
from bgwidgets.work import Work, WorkKind, check_work

REPLACE_GRACE: Final = 2.0
"""Seconds that a loop which is replaced gets to end by its stop event."""
REPLACE_ATTEMPTS: Final = 20
"""How many others may start a loop of the same name at the same moment."""
EXIT_LIMIT: Final = 0.3
"""Seconds that all loops together get to clean up when the interpreter ends."""

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)


class LoopManager(Iterable[BackgroundLoop], Sized):
    """The background loops of this process, in the order of their start.

    A `collections.abc.Collection`, which it is by its methods and not by name, for that would make
    type checkers forbid `"race" in manager`: `len(manager)`, `for loop in manager`,
    `manager["race"]`, `"race" in manager`. Every method may be called from any thread.
    """

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        self._loops: Final[dict[int, BackgroundLoop]] = {}
        self._subscribers: Final[dict[object, Callable[[], None]]] = {}
        self._changes: Final = itertools.count(1)
        self._last_change = 0
        """Another number after each change, whichever of several threads is the last to set it."""
        self._watches: tuple[weakref.ref[LoopWatch], ...] = ()
        self._found: Final = FoundLoops()
        call_in_forks(self._forget)

    # The collection

    def __len__(self) -> int:
        return len(self._loops)

    def __iter__(self) -> Iterator[BackgroundLoop]:
        with self._guard:
            return iter([self._loops[loop_id] for loop_id in sorted(self._loops)])

    def __contains__(self, loop_or_name: object) -> bool:
        return any(loop is loop_or_name or loop.name == loop_or_name for loop in self)

    def __getitem__(self, name: str) -> BackgroundLoop:
        """The loop of that name. Raises `UnknownLoop`."""
        for loop in self:
            if loop.name == name:
                return loop
        names = ", ".join(repr(loop.name) for loop in self) or "none"
        raise UnknownLoop(f"no loop is called {name!r}; there are: {names}")

    def __repr__(self) -> str:
        return (
            f"<LoopManager: {', '.join(f'{loop.name} {loop.state}' for loop in self) or 'empty'}>"
        )

    # Starting and stopping

    def start(
        self,
        work: Any = None,
        /,
        *args: Any,
        name: str | None = None,
        host: Any = "thread",
        replace: bool = False,
        nested: bool = False,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
        timings: bool = False,
        **kwargs: Any,
    ) -> BackgroundLoop:
        """Start work on an event loop of its own, in the background.

        Args:
            work: A coroutine function or a coroutine object becomes the loop's main task: when it
                ends, what is left is cancelled and the loop closes. A plain function runs in a
                worker thread of the loop, as the main task; if it returns a coroutine, that is
                awaited on the loop. None: an empty loop that lives until its stop event is set or
                it is stopped.
            args: The work's arguments.
            name: What to call the loop. A name that an unfinished loop has is `DuplicateName`, an
                ended loop of that name is replaced. By default the function's name, then "race-2".
            host: Where to run it: "thread"; "process", a child process of this one, which can be
                killed; "dask", a `distributed.Client` or a `DaskHost`, a child process of a Dask
                worker. What goes to a process and comes back is pickled, with cloudpickle.
            replace: Stop an unfinished loop of that name first, so that running a cell again leaves
                no orphan.
            nested: Let code on this loop call `run_until_complete` and `asyncio.run` again, as sync
                libraries do that hide their coroutines. Other loops pay nothing for it. Only for
                asyncio's own event loops, and not for many at the same time: at most 50 runs may
                be nested in each other. A nested run is not cut short by a timeout around it, nor
                when only the task that waits for it is cancelled. `asyncio.run` must be looked up
                on the module at the call: what `from asyncio import run` imported before is the
                original. `asyncio.Runner`, which makes a loop of its own, is refused as ever.
            loop_factory: Makes the event loop, `uvloop.new_event_loop` say. It is called in the
                loop's own thread.
            timings: Take the time of every step of every task: `job.task_detail(id).timings` says
                how often a task ran, how long it was busy, ready or waiting, and which step was the
                slowest. It costs each step about a microsecond, and other loops nothing. Only for
                asyncio's own event loops.
            kwargs: The work's keyword arguments. For one that is named like an option of `start`
                use `functools.partial`.

        Returns when the loop is running; blocks until then (under a millisecond), and with
        `replace` for as long as the stop takes, at most 5 seconds. A loop in another process is
        `starting` when this returns, some milliseconds after the work was pickled. Raises
        `InvalidWork`, `DuplicateName` or `UnknownHost`, ImportError where cloudpickle is missing,
        or what broke the start; then nothing was started, and a coroutine object was closed.

        """
        checked = check_work(work, args, kwargs)
        made: list[BackgroundLoop] = []
        try:
            name = _check_options(name, loop_factory)
            make_loop = loop_factory or asyncio.new_event_loop
            make_host = host_factory(host, checked, make_loop)
            wanted = checked.name if name is None else name

            def list_one() -> tuple[BackgroundLoop, list[BackgroundLoop]]:
                with self._guard:
                    loop_id = new_id()
                    plan = LoopPlan(
                        loop_id=loop_id,
                        name=self._free_name(wanted) if name is None and not replace else wanted,
                        work=checked,
                        loop_factory=make_loop,
                        nested=nested,
                        timings=timings,
                        changed=self._changed,
                        stirred=partial(_stir, weakref.ref(self), loop_id),
                    )
                    loop = BackgroundLoop(
                        plan,
                        make_host,
                        put_on_list=self._put_on_list,
                        take_off_list=self._take_off_list,
                    )
                    made.append(loop)
                    return loop, self._put_on_list(loop)

            loop, replaced = self._replacing(wanted, list_one) if replace else list_one()
            self._begin(loop, replaced)
        except BaseException as error:
            checked.discard()
            for loop in made:
                self._take_back(loop, error)
            raise
        else:
            return loop

    def _take_back(self, loop: BackgroundLoop, error: BaseException) -> None:
        """Its start was broken off. If it is still listed, a Ctrl-C came before it began."""
        with self._guard:
            if self._loops.pop(loop.id, None) is None:
                return
        host_of(loop).abandon(error)
        self._changed()

    def adopt(
        self,
        target: Any,
        *,
        stop_event: asyncio.Event | None = None,
        name: str | None = None,
        protected: bool | None = None,
    ) -> BackgroundLoop:
        """List an event loop that was started elsewhere, and command it like one of ours.

        Args:
            target: An event loop that runs in some thread; a function that carries its loop as an
                attribute, which may appear up to 5 seconds later; or a snapshot from `discover()`.
            stop_event: The `asyncio.Event` by which its work ends. By default the one beside the
                loop among the function's attributes, or else the only one among the arguments of
                the loop's tasks.
            name: What to call it; by default the function's or the thread's name.
            protected: True refuses every command. A snapshot from `discover()` stays protected
                unless this is False; the kernel's own loops stay so in any case. Of these, the
                tasks that you made there are listed, and can be cancelled one by one.

        Returns at once: the loop is `starting` until it is found running, and `failed` when it is
        not. When its runner has gone, what it left is cancelled and it is closed, unless it is
        protected. Raises
        `InvalidWork`, `UnknownLoop`, `DuplicateName` or `ProtectedLoop`; then nothing was adopted.

        """
        name = _check_options(name, None)
        if stop_event is not None and not isinstance(stop_event, asyncio.Event):
            raise InvalidWork(f"stop_event is an asyncio.Event, not {type(stop_event).__name__}")
        if isinstance(target, LoopSnapshot) and (listed := self._unended(target.id)) is not None:
            return _adopted_again(listed, stop_event, name, protected)
        adoption = check_adoption(target, protected, self._found)
        for loop_id in (adoption.own_id, adoption.found_id):
            if (listed := self._unended(loop_id)) is not None:
                return _adopted_again(listed, stop_event, name, protected)

        def make_host(plan: LoopPlan) -> AdoptedHost:
            return AdoptedHost(
                plan,
                adoption.find_loop,
                stop_event=stop_event,
                why_protected=adoption.why_protected,
                is_kernels=adoption.is_kernels,
            )

        wanted = adoption.name if name is None else name
        # The id that it has in `discover()`, unless an earlier adoption is still listed by that.
        loop_id = None if adoption.found_id in self._loops else adoption.found_id
        return self._adopt(make_host, wanted, is_given=bool(name), loop_id=loop_id)

    def _unended(self, loop_id: int | None) -> BackgroundLoop | None:
        loop = self._loops.get(loop_id or 0)
        return None if loop is None or loop.state.has_ended else loop

    def adopt_at_birth(
        self, found: Carried, *, name: str, run_again: Callable[[], FindLoop]
    ) -> BackgroundLoop:
        """List a loop that the calling thread is about to run, and return at once.

        A restart calls `run_again`, which starts over what made the loop, and returns what finds
        the new one.
        """
        first: list[Carried] = [found]

        def make_host(plan: LoopPlan) -> AdoptedHost:
            if first:
                return AdoptedHost(plan, lambda: found, about_to_run=first.pop())
            return AdoptedHost(plan, run_again())

        work = Work(WorkKind.PLAIN_FUNCTION, run_again)
        return self._adopt(make_host, name, is_given=False, work=work)

    def _adopt(
        self,
        make_host: HostFactory,
        name: str,
        *,
        is_given: bool,
        work: Work = Work(WorkKind.ELSEWHERE),  # noqa: B008 - frozen
        loop_id: int | None = None,
    ) -> BackgroundLoop:
        with self._guard:
            plan = LoopPlan(
                loop_id=new_id() if loop_id is None else loop_id,
                name=name if is_given else self._free_name(name),
                work=work,
                changed=self._changed,
            )
            loop = BackgroundLoop(
                plan, make_host, put_on_list=self._put_on_list, take_off_list=self._take_off_list
            )
            replaced = self._put_on_list(loop)
        self._begin(loop, replaced)
        return loop

    def discover(self) -> list[LoopSnapshot]:
        """Every event loop that runs in this process, ours or not, known by its thread's name.

        Those that are not ours are protected: `adopt()` one to command it. Any thread; blocks for
        a fraction of a second, so it is done on demand and never at a refresh.
        """
        ours = [snapshot for snapshot in self.snapshots() if not snapshot.state.has_ended]
        listed = {snapshot.id for snapshot in ours}
        found = [snapshot for _, snapshot in self._found.look() if snapshot.id not in listed]
        return [*ours, *found]

    def _replacing(self, name: str, list_one: Callable[[], T]) -> T:
        """List a loop in the place of another; once more when somebody else was faster."""
        for _ in range(REPLACE_ATTEMPTS - 1):
            self._bring_down(name)
            try:
                return list_one()
            except DuplicateName:
                continue
        self._bring_down(name)
        return list_one()

    def _begin(self, loop: BackgroundLoop, replaced: list[BackgroundLoop]) -> None:
        try:
            loop.begin()
        except BaseException:
            with self._guard:
                self._loops.pop(loop.id, None)
                self._loops.update({old.id: old for old in replaced})
            self._changed()
            raise

    def _put_on_list(
        self, loop: BackgroundLoop, renew: Callable[[], None] = lambda: None
    ) -> list[BackgroundLoop]:
        """List a loop that is about to run; returns the ended ones that it takes the place of.

        `renew` makes it one that has not ended, before anybody could take it off for that. Raises
        `DuplicateName`, and does nothing, when another one of its name has not ended.
        """
        with self._guard:
            others = [other for other in self if other.name == loop.name and other is not loop]
            for other in others:
                if not other.state.has_ended:
                    raise DuplicateName(
                        f"a loop named {loop.name!r} is {other.state}: choose another name, stop"
                        " that loop first, or start with replace=True"
                    )
            _watch_process_for(self)
            renew()
            for other in others:
                self._loops.pop(other.id)
            self._loops[loop.id] = loop
        self._changed()
        return others

    def _bring_down(self, name: str) -> None:
        for loop in self:
            if loop.name != name or loop.state.has_ended:
                continue
            report = loop.stop(REPLACE_GRACE)
            if not report.outcome.has_ended:
                raise DuplicateName(
                    f"the loop named {name!r} could not be brought down to be replaced:"
                    f" {'; '.join(report.notes)}. Start under another name"
                )

    def _free_name(self, wanted: str) -> str:
        """The name itself, else the first of "race-2", "race-3" that no listed loop has."""
        used = {loop.name for loop in self}
        numbered = (f"{wanted}-{number}" for number in itertools.count(2))
        return next(name for name in itertools.chain([wanted], numbered) if name not in used)

    def stop_all(self, grace: float = 2.0) -> list[StopReport]:
        """Bring every loop down, all at once; a report for each that was unfinished.

        Protected loops are left alone.

        Blocks for at most `grace` + 3 seconds. Raises `WouldDeadlock` in a loop's own thread.
        """
        return stop_together([loop for loop in self if _can_be_stopped(loop)], grace)

    def remove_finished(self) -> None:
        """Take every ended loop off the list."""
        with self._guard:
            ended = [loop for loop in self if loop.state.has_ended]
            for loop in ended:
                self._loops.pop(loop.id, None)
        if ended:
            self._changed()

    def _take_off_list(self, loop: BackgroundLoop) -> None:
        with self._guard:
            if not loop.state.has_ended:
                raise LoopUnfinished(f"{loop.name!r} is {loop.state}: stop it before you remove it")
            self._loops.pop(loop.id, None)
        self._changed()

    # Commands down, snapshots up

    def execute(self, command: Command) -> None:
        """Do what a command asks for. Raises `UnknownLoop`, or what the command raises.

        Returns at once, but for `RestartLoop`, which blocks for at most 5 seconds, `AdoptLoop`,
        which may for a fraction of one, and, of a loop in another process, `InterruptLoop` and
        `CancelTasks` with ids, which wait at most 2 seconds for the answer. An adopted loop obeys,
        but for one of the kernel's.
        """
        if isinstance(command, RemoveFinished):
            self.remove_finished()
        elif isinstance(command, RemoveLoop):
            self._loop(command.loop_id).remove()
        elif isinstance(command, RestartLoop):
            self._loop(command.loop_id).restart()
        elif isinstance(command, AdoptLoop):
            self._adopt_found(command.loop_id)
        else:
            self._loop(command.loop_id).command(command)

    def _adopt_found(self, loop_id: int) -> None:
        found = self._found.snapshot(loop_id)
        self.adopt(found, protected=None if found.belongs_to_kernel else False)

    def snapshots(self) -> list[LoopSnapshot]:
        """How every loop stands, in the order of their start."""
        return [loop.snapshot() for loop in self]

    def watch(self) -> LoopWatch:
        """For who looks at all loops again and again, and wants that to cost little."""
        watch = LoopWatch(lambda: list(self._loops.values()), lambda: self._last_change)
        with self._guard:
            living = [find for find in self._watches if find() is not None]
            self._watches = (*living, weakref.ref(watch))
        return watch

    def task_window(self, loop_id: int, request: WindowRequest) -> TaskWindow:
        """Some of a loop's tasks. Raises `UnknownLoop`."""
        return self._loop(loop_id).window(request)

    def task_detail(self, loop_id: int, task_id: int) -> TaskDetail:
        """One task in detail, as by `BackgroundLoop.task_detail()`. Raises `UnknownLoop` or
        `UnknownTask`.
        """
        return self._loop(loop_id).task_detail(task_id)

    def history(self, loop_id: int) -> LoopHistory:
        """What has become of a loop's tasks, as by `BackgroundLoop.history()`. Raises
        `UnknownLoop`.
        """
        return self._loop(loop_id).history()

    def output(self, loop_id: int) -> OutputLog:
        """What a loop has written: `BackgroundLoop.output`. Raises `UnknownLoop`."""
        return self._loop(loop_id).output

    def metrics(self, loop_id: int) -> dict[str, MetricSnapshot]:
        """What a loop's work has measured, as in `BackgroundLoop.metrics`. Raises `UnknownLoop`."""
        return self._loop(loop_id).metrics

    def figures(self, loop_id: int) -> dict[str, FigureSnapshot]:
        """What a loop's work has plotted, as in `BackgroundLoop.figures`, without waiting for the
        last pictures. Raises `UnknownLoop`.
        """
        return self._loop(loop_id).pictures()

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called whenever a loop is added, removed, or changes its state.

        It is called on any thread and must return at once. Returns what ends the subscription.
        """
        subscription = object()
        self._subscribers[subscription] = callback

        def unsubscribe() -> None:
            self._subscribers.pop(subscription, None)

        return unsubscribe

    def _loop(self, loop_id: int) -> BackgroundLoop:
        loop = self._loops.get(loop_id)
        if loop is None:
            raise UnknownLoop(f"there is no loop {loop_id} any more: it was removed")
        return loop

    def _changed(self) -> None:
        self._last_change = next(self._changes)
        for subscription, callback in list(self._subscribers.items()):
            try:
                callback()
            except BaseException:  # noqa: BLE001 - a broken observer is shown and dropped
                self._subscribers.pop(subscription, None)
                _log.exception("a subscriber to the loops' changes raised, and was dropped")

    def _stirred(self, loop_id: int) -> None:
        for find in self._watches:
            if (watch := find()) is not None:
                watch.stirred(loop_id)

    def _forget(self) -> None:
        """In a child process after a fork: no loop and no panel has come along."""
        self._loops.clear()
        self._subscribers.clear()


def _stir(find: weakref.ref[LoopManager], loop_id: int) -> None:
    """Weakly: what a run has left for ever must not keep all other loops."""
    if (manager := find()) is not None:
        manager._stirred(loop_id)  # noqa: SLF001 - its own


def _can_be_stopped(loop: BackgroundLoop) -> bool:
    snapshot = loop.snapshot()
    return not snapshot.state.has_ended and not snapshot.protected


def _adopted_again(
    loop: BackgroundLoop, stop_event: asyncio.Event | None, name: str | None, protected: bool | None
) -> BackgroundLoop:
    """What is listed already is not listed twice; what is said of it now, it takes over."""
    host = host_of(loop)
    if name is not None and name != loop.name:
        raise InvalidWork(f"this loop is listed already, as {loop.name!r}: leave name= out")
    if not isinstance(host, AdoptedHost):
        if stop_event is not None or protected:
            raise InvalidWork(
                f"{loop.name!r} was started here: it has a stop event of its own, and is not to be"
                " protected"
            )
        return loop
    if protected is False and loop.snapshot().belongs_to_kernel:
        raise ProtectedLoop(f"this loop stays protected: {loop.snapshot().why_protected}")
    if protected is not None:
        host.protect(NOT_OURS if protected else None)
    if stop_event is not None:
        host.name_stop_event(stop_event)
    return loop


def _check_options(name: object, loop_factory: object) -> str | None:
    """The name, as a plain text."""
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise InvalidWork(f"a loop's name is a text that is not empty, not {name!r}")
    if loop_factory is not None and not callable(loop_factory):
        raise InvalidWork(
            "loop_factory is a function that makes an event loop, as uvloop.new_event_loop, not"
            f" {loop_factory!r}"
        )
    return plain_text(name)


# The end of the interpreter, and its forks. What is registered for these is kept for as long as it
# runs, and with it would be every manager: so it is registered once, and knows them weakly. A
# manager whose loops run does not go: they tell it of their changes.

_managers: Final[WeakByIdentity[LoopManager, None]] = WeakByIdentity()
"""Those that have listed loops."""


def _watch_process_for(manager: LoopManager) -> None:
    _watch_process()
    _managers[manager] = None


@cache
def _watch_process() -> None:
    call_before_exit(_stop_all_at_exit)


def _stop_all_at_exit() -> None:
    """Let tasks clean up, but never hold up the exit: the threads are daemons.

    Adopted loops are their owners' affair. A fork of this process has none of its threads, and has
    forgotten its loops.
    """
    managers = _managers.keys()
    loops = [loop for each in managers for loop in each if not loop.snapshot().adopted]
    for loop in loops:
        loop.stop_loop()
    wait_for_ends(loops, EXIT_LIMIT)


default_manager: Final = LoopManager()
"""The kernel's own manager: `bgwidgets.manager`."""
