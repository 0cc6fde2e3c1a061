"""The loops of one manager, which hypothesis has do anything in any order, beside their model."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, ClassVar, Literal, get_args

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bgwidgets import BackgroundLoop, BgwidgetsError, LoopEnded, LoopManager, LoopState
from bgwidgets.widgets.control_panel import ControlPanel
from tests.properties.model import (
    CancelOne,
    CancelTasks,
    Command,
    Fail,
    Kind,
    Loop,
    Remove,
    RemoveFinished,
    RequestStop,
    Restart,
    Return,
    Start,
    Stop,
    StopAll,
    StopLoop,
    SubmitHanging,
    SubmitShort,
    World,
    alone,
    in_any_order,
)
from tests.properties.works import WORKS, Broken, Owner, Told, for_ever, short, turns
from tests.waiting import LIMIT, until
from tests.widgets.panel_page import Page

MOST_UNFINISHED = 8
MOST_LISTED = 12
MOST_GONE = 3
"""Loops that are held though they are not listed any more."""
MOST_PANELS = 2
By = Literal["call", "page", "button"]
"""How a loop is told: from Python, by a message of a page, by a button of a panel."""
ON_A_LOOP = (RequestStop, StopLoop, CancelTasks, Fail, Return, Stop, Restart, Remove)
IN_THE_PANEL: dict[type[Command], str] = {
    RequestStop: "stop_event",
    StopLoop: "stop_loop",
    CancelTasks: "cancel_tasks",
}
Asked = tuple[Command, By]

on_a_loop = st.sampled_from(ON_A_LOOP)
which = st.integers(0, 11)
names = st.sampled_from([None, "a", "b", "c"])
kinds = st.sampled_from(Kind)


class Loops(RuleBasedStateMachine):
    """Whatever is asked, what there is then is what the model says.

    What cannot be done is passed over in the rules themselves: by a precondition hypothesis would
    draw other things in a second run, for threads never do the same twice.
    """

    steps: ClassVar = 0
    """Of all machines together: what was done, and not passed over."""

    def __init__(self) -> None:
        super().__init__()
        self.manager = LoopManager()
        self.world = World()
        self.handles: dict[int, BackgroundLoop] = {}
        self.told: dict[int, Told] = {}
        self.owners: dict[int, Owner] = {}
        self.futures: dict[str, tuple[int, Future[Any]]] = {}
        """What was submitted and hangs, by its label, with the loop's key."""
        self.panels: list[tuple[ControlPanel, Page]] = []
        self.numbers = count(1)
        self.has_looked = False

    # What may be done

    @initialize(kind=kinds)
    def start_the_first(self, kind: Kind) -> None:
        """There is something to command."""
        self.do(self.start_of(kind, None, replaces=False), "call")

    @rule(kind=kinds, name=names, replaces=st.booleans())
    def start(self, kind: Kind, name: str | None, replaces: bool) -> None:
        """Start or adopt."""
        if not self.has_room():
            return
        self.do(self.start_of(kind, name, replaces), "call")

    @rule(kind=on_a_loop, index=which, by=st.sampled_from(get_args(By)))
    def ask(self, kind: type[Command], index: int, by: By) -> None:
        """Ask something of one loop."""
        if not self.world.loops:
            return
        command = kind(self.key(index))
        self.do(command, self.possible(command, by))

    @rule(index=which)
    def submit_what_hangs(self, index: int) -> None:
        """It ends when it is cancelled, by whomever."""
        if not self.world.loops:
            return
        self.do(SubmitHanging(self.key(index), f"hangs-{next(self.numbers)}"), "call")

    @rule(index=which, fails=st.booleans())
    def submit_what_ends(self, index: int, fails: bool) -> None:
        """Its result comes, or its error."""
        if not self.world.loops:
            return
        self.do(SubmitShort(self.key(index), fails), "call")

    @rule(index=which, by_future=st.booleans())
    def cancel_one(self, index: int, by_future: bool) -> None:
        """One task of many."""
        if not self.hanging():
            return
        hanging = self.hanging()
        key, label = hanging[index % len(hanging)]
        self.do(CancelOne(key, label, by_future), "call")

    @rule()
    def remove_finished(self) -> None:
        """All that have ended are taken off the list."""
        if self.listed_that(has_ended=True) < 2:
            return
        self.do(RemoveFinished(0), "call")

    @rule()
    def stop_all(self) -> None:
        """All are brought down."""
        if self.listed_that(has_ended=False) < 3:
            return
        self.do(StopAll(0), "call")

    @rule()
    def open_panel(self) -> None:
        """On a page."""
        if len(self.panels) == MOST_PANELS:
            return
        self.steps_done(1)
        self.show_panel()

    def show_panel(self) -> None:
        """Make it, and open its page."""
        panel = ControlPanel(self.manager)
        page = Page(panel)
        self.panels.append((panel, page))
        page.open()

    @rule(index=which)
    def close_panel(self, index: int) -> None:
        """The loops do not notice."""
        if not self.panels:
            return
        self.steps_done(1)
        self.panels.pop(index % len(self.panels))[0].close()

    @rule(index=which)
    def look_at_a_panel(self, index: int) -> None:
        """It shows what is listed, and what has become of it. A panel tells at most ten things a
        second, so to look again and again would take most of the time.
        """
        if not self.panels or self.has_looked:
            return
        self.steps_done(1)
        self.has_looked = True
        _, page = self.panels[index % len(self.panels)]
        view = f"v{next(self.numbers)}"
        page.heard.clear()
        page.send("loops", type="hello", view=view, start=0, stop=100)
        listed = self.world.listed()
        expected = sorted((loop.name, str(loop.state)) for loop in listed.values())
        shown: dict[int, tuple[str, str]] = {}

        def shows(message: dict[str, Any]) -> bool:
            if message.get("view") != view:
                return False
            if message["full"]:
                shown.clear()
            for place, row in message["rows"]:
                name, state = shown.get(place, ("", ""))
                shown[place] = row.get("name", name), row.get("state", state)
            for place in [place for place in shown if place >= message["total"]]:
                del shown[place]
            return sorted(shown.values()) == expected

        page.wait_for("loops", shows)
        page.send("loops", type="bye", view=view)

    @rule(
        asks=st.lists(
            st.tuples(
                on_a_loop | st.sampled_from([Start, SubmitHanging, SubmitShort, RemoveFinished]),
                which,
            ),
            min_size=2,
            max_size=3,
        ),
        kind=kinds,
        name=names,
        replaces=st.booleans(),
        panel=st.sampled_from(["open", "close", None]),
        all_on=st.none() | which,
    )
    def at_once(
        self,
        asks: Sequence[tuple[type[Command], int]],
        kind: Kind,
        name: str | None,
        replaces: bool,
        panel: str | None,
        all_on: int | None,
    ) -> None:
        """Several commands in threads of their own, often all on one loop; a panel may be opened or
        closed meanwhile.
        """
        if not self.world.loops:
            return
        commands: list[Command] = []
        for what, drawn in asks:
            index = drawn if all_on is None else all_on
            if what is Start:
                if self.has_room():
                    commands.append(self.start_of(kind, name, replaces))
            elif what is RemoveFinished:
                commands.append(RemoveFinished(0))
            elif what is SubmitShort:
                commands.append(SubmitShort(self.key(index), fails=drawn % 2 == 1))
            elif what is SubmitHanging:
                label = f"hangs-{next(self.numbers)}"
                commands.append(SubmitHanging(self.key(index), label))
            else:
                commands.append(what(self.key(index)))
        commands = self.without_early_cancels(commands)
        calls: list[Callable[[], object]] = [
            partial(self.obey_among_others, command) for command in commands
        ]
        if panel == "open" and len(self.panels) < MOST_PANELS:
            calls.append(self.show_panel)
        elif panel == "close" and self.panels:
            calls.append(self.panels.pop(0)[0].close)
        self.steps_done(len(commands))
        run_at_once(calls)
        self.settle(in_any_order(self.world, commands))
        for future in self.take_done():
            assert future.cancelled() or isinstance(future.exception(), LoopEnded)

    # What must be so

    @invariant()
    def the_list_is_true(self) -> None:
        """By number, by name, and in the order of the starts."""
        listed = self.world.listed()
        loops = list(self.manager)
        assert len(self.manager) == len(loops) == len(listed)
        assert sorted(loop.id for loop in loops) == [loop.id for loop in loops]
        for key, loop in listed.items():
            assert self.manager[loop.name] is self.handles[key]
            assert loop.name in self.manager
        for key in self.world.loops.keys() - listed.keys():
            assert self.handles[key] not in self.manager

    @invariant()
    def counts_are_true(self) -> None:
        """Of unfinished tasks; what has ended has none."""
        for key, loop in self.world.loops.items():
            has_main = not loop.has_ended and loop.kind is not Kind.EMPTY
            expected = has_main + len(loop.hanging)
            until(partial(self.has_unfinished, key, expected))

    def teardown(self) -> None:
        """Nothing stays behind, and nobody waits any longer."""
        for panel, _ in self.panels:
            panel.close()
        self.manager.stop_all(0)
        for handle in self.handles.values():
            assert handle.wait(LIMIT).has_ended
        for owner in self.owners.values():
            owner.join()
        waiting = [future for _, future in self.futures.values() if not future.done()]
        assert waiting == []
        super().teardown()

    # How it is done

    def do(self, command: Command, by: By) -> None:
        """One command, and nothing else meanwhile."""
        self.steps_done(1)
        outcomes = alone(self.world, command)
        error = self.obey(command, by)
        if by == "call":
            expected = {expected for _, expected in outcomes}
            assert error in expected, (command, error, expected)
            outcomes = [(world, told) for world, told in outcomes if told is error]
        self.settle([world for world, _ in outcomes])
        assert [True] * len(done := self.take_done()) == [each.cancelled() for each in done]

    def obey(self, command: Command, by: By) -> type[BgwidgetsError] | None:
        """Do it, in whatever thread; how it was refused."""
        if by != "call":
            self.by_panel(command, by)
            return None
        try:
            self.call(command)
        except BgwidgetsError as error:
            return type(error)
        return None

    def obey_among_others(self, command: Command) -> None:
        """Do it; what was submitted may be cancelled before it has ended."""
        with suppress(concurrent.futures.CancelledError):
            self.obey(command, "call")

    def call(self, command: Command) -> None:
        """From Python."""
        match command:
            case Start():
                self.begin(command)
            case RemoveFinished():
                self.manager.remove_finished()
            case StopAll():
                self.manager.stop_all(0)
            case Fail() | Return():
                self.told[command.key].tell(fails=isinstance(command, Fail))
            case _:
                self.call_on(self.handles[command.key], command)

    def call_on(self, handle: BackgroundLoop, command: Command) -> None:
        """One of the handle's methods."""
        match command:
            case RequestStop():
                handle.request_stop()
            case StopLoop():
                handle.stop_loop()
            case CancelTasks():
                handle.cancel_tasks()
            case Stop():
                handle.stop(0)
            case Restart():
                handle.restart(0)
            case Remove():
                handle.remove()
            case SubmitHanging(label=label):
                self.futures[label] = command.key, handle.submit(for_ever(), name=label)
            case SubmitShort(fails=fails):
                error = handle.submit(short(fails=fails)).exception(LIMIT)
                assert isinstance(error, Broken if fails else type(None)), error
            case CancelOne(label=label, by_future=True):
                self.futures[label][1].cancel()
            case CancelOne(label=label):
                (task,) = [task for task in handle.tasks if task.name == label]
                handle.cancel_tasks(task.id)
            case _:
                raise AssertionError(command)

    def by_panel(self, command: Command, by: By) -> None:
        """From a page; returns when the panel has done it."""
        panel, page = self.panels[0]
        loop_id, kind = self.handles[command.key].id, type(command)
        if by == "button":
            panel.selected = loop_id
            getattr(panel, f"{IN_THE_PANEL[kind]}_button").click()
        elif kind is Remove:
            page.send("loops", type="act", action="remove", loop=loop_id)
        else:
            page.send("tasks", type="command", command=IN_THE_PANEL[kind], loop=loop_id)
        # A panel does in order what it is asked.
        text = f"filter {next(self.numbers)}"
        page.send("tasks", type="filter", text=text)
        until(lambda: panel.filter == text)

    def begin(self, command: Start) -> None:
        """Start or adopt a loop, and hold it."""
        told = Told(has_work=command.kind is not Kind.EMPTY)
        if command.kind is Kind.ADOPTED:
            owner = Owner(told)
            try:
                job = self.manager.adopt(
                    owner.loop, stop_event=owner.event, name=command.name, protected=False
                )
            except BgwidgetsError:
                owner.end()
                raise
            self.owners[command.key] = owner
        else:
            work = WORKS.get(command.kind)
            arguments = () if work is None else (told,)
            job = self.manager.start(work, *arguments, name=command.name, replace=command.replaces)
        self.told[command.key] = told
        self.handles[command.key] = job

    # What there is then

    def settle(self, expected: Sequence[World]) -> None:
        """Wait until what there is is one of the worlds that may be, which it then is."""
        for key, handle in list(self.handles.items()):
            self.calm(self.told[key], handle)
        found: list[World] = []

        def is_expected() -> bool:
            view = self.view()
            found[:] = [world for world in expected if view_of(world) == view]
            return bool(found)

        try:
            until(is_expected)
        except AssertionError:
            wanted = "\n".join(str(view_of(world)) for world in expected)
            raise AssertionError(f"there is\n{self.view()}\nand not\n{wanted}") from None
        self.world = found[0]
        self.let_go_of_old_ones()

    def calm(self, told: Told, handle: BackgroundLoop) -> None:
        """Wait until nothing that was asked of the loop is still to be done."""
        until(lambda: handle.state is not LoopState.STARTING)
        if handle.state is LoopState.RUNNING:
            with suppress(LoopEnded, concurrent.futures.CancelledError):
                handle.submit(turns()).result(LIMIT)
        if handle.state is LoopState.STOPPING:
            handle.wait(LIMIT)
        until(lambda: handle.state.has_ended or told.has_begun(handle))

    def view(self) -> dict[int, object]:
        """What there is, in the words of `view_of`."""
        listed = list(self.manager)
        return {
            key: self.view_of_one(key, handle, is_listed=handle in listed)
            for key, handle in self.handles.items()
        }

    def view_of_one(self, key: int, handle: BackgroundLoop, *, is_listed: bool) -> object:
        """A loop."""
        snapshot = handle.snapshot()
        hanging = {
            label
            for label, (owner, future) in list(self.futures.items())
            if owner == key and not future.done()
        }
        asked = snapshot.stop_requested and not snapshot.state.has_ended
        return handle.name, str(snapshot.state), handle.run_number, is_listed, asked, hanging

    def has_unfinished(self, key: int, expected: int) -> bool:
        """Whether the loop says that it has so many unfinished tasks."""
        return self.handles[key].snapshot().unfinished_tasks == expected

    def take_done(self) -> list[Future[Any]]:
        """The futures of what hangs no more."""
        labels = [label for label, (_, future) in self.futures.items() if future.done()]
        return [self.futures.pop(label)[1] for label in labels]

    def let_go_of_old_ones(self) -> None:
        """Nobody holds all that there ever was."""
        gone = [key for key, loop in self.world.loops.items() if not loop.is_listed]
        for key in sorted(gone)[:-MOST_GONE]:
            self.world = World({k: loop for k, loop in self.world.loops.items() if k != key})
            del self.handles[key], self.told[key]

    def steps_done(self, number: int) -> None:
        """Count them."""
        Loops.steps += number

    # Which commands can be given

    def has_room(self) -> bool:
        """For one more loop."""
        unfinished = self.listed_that(has_ended=False)
        return unfinished < MOST_UNFINISHED and len(self.world.listed()) < MOST_LISTED

    def listed_that(self, *, has_ended: bool) -> int:
        """How many have ended, or have not."""
        return sum(loop.has_ended is has_ended for loop in self.world.listed().values())

    def key(self, index: int) -> int:
        """Of one of the loops."""
        keys = sorted(self.world.loops)
        return keys[index % len(keys)]

    def hanging(self) -> list[tuple[int, str]]:
        """What was submitted and has not ended."""
        loops = self.world.loops.items()
        return sorted((key, label) for key, loop in loops for label in loop.hanging)

    def start_of(self, kind: Kind, name: str | None, replaces: bool) -> Start:
        """Nothing is replaced by what is adopted."""
        return Start(next(self.numbers), kind, name, replaces and kind is not Kind.ADOPTED)

    def possible(self, command: Command, by: By) -> By:
        """In the panel, if there is one, and it has that."""
        in_the_panel = type(command) in IN_THE_PANEL
        is_listed = self.world.loops[command.key].is_listed
        if by == "button" and self.panels and in_the_panel and is_listed:
            return by
        if by == "page" and self.panels and (in_the_panel or isinstance(command, Remove)):
            return by
        return "call"

    def without_early_cancels(self, commands: Sequence[Command]) -> list[Command]:
        """A plain function that has not begun is cancelled at once, which nobody can foresee."""
        begin = {command.key for command in commands if isinstance(command, Restart)}
        return [
            command
            for command in commands
            if not isinstance(command, CancelTasks)
            or command.key not in begin
            or self.world.loops[command.key].kind is not Kind.PLAIN
        ]


def view_of(world: World) -> dict[int, object]:
    """What is seen of a world from outside."""
    return {key: view_of_loop(loop) for key, loop in world.loops.items()}


def view_of_loop(loop: Loop) -> object:
    """A loop."""
    asked = loop.stop_requested and not loop.has_ended
    return loop.name, str(loop.state), loop.run, loop.is_listed, asked, set(loop.hanging)


def run_at_once(calls: Sequence[Callable[[], object]]) -> None:
    """Each in a thread of its own, as nearly at the same moment as can be. None may hang."""
    barrier = threading.Barrier(len(calls))
    errors: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        try:
            barrier.wait(LIMIT)
            call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test fails with it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,), daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
