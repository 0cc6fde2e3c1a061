"""A plain model of a manager's loops: what each command does to them, and nothing of how.

Everything is frozen. A command is one step, or two where others may come between. What a step may
lead to is a list of worlds, for a work that is asked politely and cancelled at once may end in
either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count, permutations

from bgwidgets import (
    BgwidgetsError,
    CannotRestart,
    DuplicateName,
    LoopEnded,
    LoopState,
    LoopUnfinished,
)

RUNNING = LoopState.RUNNING
FINISHED = LoopState.FINISHED
CANCELLED = LoopState.CANCELLED


class Kind(StrEnum):
    """What a loop's main task does; its value is the name that a loop has by default."""

    WAITS = "waits"
    """Takes no notice of the stop event."""
    POLITE = "polite"
    """Ends by the stop event."""
    PLAIN = "plain"
    """A plain function, which ends by the stop event and by nothing else."""
    EMPTY = "loop"
    """There is no main task."""
    ADOPTED = "owner"
    """Somebody else's loop, whose main task ends by its own event."""


@dataclass(frozen=True)
class Loop:
    """One background loop."""

    name: str
    kind: Kind
    state: LoopState = RUNNING
    run: int = 1
    is_listed: bool = True
    stop_requested: bool = False
    is_cancelling: bool = False
    """A plain function that is cancelled: it has not taken notice yet."""
    hanging: frozenset[str] = frozenset()
    """What was submitted in this run and never ends by itself."""

    @property
    def has_ended(self) -> bool:
        """Whether it takes no more commands."""
        return self.state.has_ended

    def ended(self, state: LoopState) -> Loop:
        """All that it was busy with is cancelled."""
        return replace(self, state=state, hanging=frozenset(), is_cancelling=False)

    def asked(self) -> Loop:
        """Its stop event is set."""
        asked = replace(self, stop_requested=True)
        if self.kind is Kind.WAITS:
            return asked
        return asked.ended(CANCELLED if self.is_cancelling else FINISHED)

    def cancelled(self) -> Loop:
        """All of its tasks are cancelled."""
        let_go = replace(self, hanging=frozenset())
        if self.kind is Kind.EMPTY:
            return let_go
        if self.kind is Kind.PLAIN:
            return replace(let_go, is_cancelling=True)
        return let_go.ended(CANCELLED)

    def brought_down(self) -> list[Loop]:
        """By the whole ladder, in whose first step there was little time or none."""
        if self.has_ended:
            return [self]
        if self.kind is Kind.WAITS:
            return [self.ended(CANCELLED)]
        asked = self.asked()
        if self.kind is Kind.EMPTY or asked.state is CANCELLED:
            return [asked]
        return [asked, self.ended(CANCELLED)]


@dataclass(frozen=True)
class World:
    """All loops that anybody holds, by numbers of the test's own; the latest has the highest."""

    loops: dict[int, Loop] = field(default_factory=dict)

    def listed(self) -> dict[int, Loop]:
        """Those that the manager has."""
        return {key: loop for key, loop in self.loops.items() if loop.is_listed}

    def set(self, key: int, loop: Loop) -> World:
        """Where this loop has become so."""
        return World({**self.loops, key: loop})

    def holder(self, name: str) -> int | None:
        """Who has that name on the list."""
        return next((key for key, loop in self.listed().items() if loop.name == name), None)

    def put_on_list(self, key: int, loop: Loop) -> World | None:
        """In the place of an ended one of its name; None where that one has not ended."""
        holder = self.holder(loop.name)
        world = self
        if holder is not None and holder != key:
            other = self.loops[holder]
            if not other.has_ended:
                return None
            world = world.set(holder, replace(other, is_listed=False))
        return world.set(key, replace(loop, is_listed=True))


Outcome = tuple[World, type[BgwidgetsError] | None]
"""What there is afterwards, and what the caller was told."""


@dataclass(frozen=True)
class Command:
    """Something that is done to a loop."""

    key: int

    def steps(self) -> list[Command]:
        """Between which something else may happen."""
        return [self]

    def outcomes(self, world: World) -> list[Outcome]:
        """Of one step."""
        loop = world.loops[self.key]
        if loop.has_ended:
            return [(world, None)]
        return [(world.set(self.key, after), None) for after in self.effect(loop)]

    def effect(self, loop: Loop) -> list[Loop]:
        """On a loop that has not ended."""
        raise NotImplementedError


class RequestStop(Command):
    """`request_stop()`."""

    def effect(self, loop: Loop) -> list[Loop]:
        """As above."""
        return [loop.asked()]


class StopLoop(Command):
    """`stop_loop()`."""

    def effect(self, loop: Loop) -> list[Loop]:
        """As above."""
        return [loop.ended(LoopState.STOPPED)]


class CancelTasks(Command):
    """`cancel_tasks()`."""

    def effect(self, loop: Loop) -> list[Loop]:
        """As above."""
        return [loop.cancelled()]


class Fail(Command):
    """Its work raises."""

    def effect(self, loop: Loop) -> list[Loop]:
        """As above."""
        takes_no_word = loop.kind in {Kind.PLAIN, Kind.EMPTY}
        return [loop if takes_no_word else loop.ended(LoopState.FAILED)]


class Return(Command):
    """Its work returns."""

    def effect(self, loop: Loop) -> list[Loop]:
        """As above."""
        takes_no_word = loop.kind in {Kind.PLAIN, Kind.EMPTY}
        return [loop if takes_no_word else loop.ended(FINISHED)]


class Stop(Command):
    """`stop(0)`."""

    def effect(self, loop: Loop) -> list[Loop]:
        """As above."""
        return loop.brought_down()


class RunAgain(Command):
    """The second step of a restart."""

    def outcomes(self, world: World) -> list[Outcome]:
        """The name may have been taken meanwhile."""
        loop = world.loops[self.key]
        anew = Loop(loop.name, loop.kind, run=loop.run + 1)
        after = world.put_on_list(self.key, anew)
        return [(world, DuplicateName) if after is None else (after, None)]


class Restart(Command):
    """`restart(0)`."""

    def steps(self) -> list[Command]:
        """It may have ended, and not run again yet."""
        return [StopBefore(self.key), RunAgain(self.key)]


class StopBefore(Command):
    """The first step of a restart."""

    def outcomes(self, world: World) -> list[Outcome]:
        """What is not ours cannot be run again, so it is not stopped."""
        loop = world.loops[self.key]
        if loop.kind is Kind.ADOPTED:
            return [(world, CannotRestart)]
        return [(world.set(self.key, after), None) for after in loop.brought_down()]


class Remove(Command):
    """`remove()`."""

    def outcomes(self, world: World) -> list[Outcome]:
        """Refused until it has ended; twice is once."""
        loop = world.loops[self.key]
        if not loop.has_ended:
            return [(world, LoopUnfinished)]
        return [(world.set(self.key, replace(loop, is_listed=False)), None)]


@dataclass(frozen=True)
class SubmitHanging(Command):
    """`submit()` of what never ends by itself."""

    label: str

    def outcomes(self, world: World) -> list[Outcome]:
        """Refused when the loop has ended."""
        loop = world.loops[self.key]
        if loop.has_ended:
            return [(world, LoopEnded)]
        return [(world.set(self.key, replace(loop, hanging=loop.hanging | {self.label})), None)]


@dataclass(frozen=True)
class SubmitShort(Command):
    """`submit()` of what ends at once: well, or with an error."""

    fails: bool

    def outcomes(self, world: World) -> list[Outcome]:
        """Refused when the loop has ended."""
        return [(world, LoopEnded if world.loops[self.key].has_ended else None)]


@dataclass(frozen=True)
class CancelOne(Command):
    """One of the things that hang is cancelled: by its id, or by its future."""

    label: str
    by_future: bool

    def outcomes(self, world: World) -> list[Outcome]:
        """The rest goes on."""
        loop = world.loops[self.key]
        return [(world.set(self.key, replace(loop, hanging=loop.hanging - {self.label})), None)]


@dataclass(frozen=True)
class RemoveFinished(Command):
    """`remove_finished()`."""

    def outcomes(self, world: World) -> list[Outcome]:
        """All at the same moment."""
        after = {
            key: replace(loop, is_listed=loop.is_listed and not loop.has_ended)
            for key, loop in world.loops.items()
        }
        return [(World(after), None)]


@dataclass(frozen=True)
class StopAll(Command):
    """`stop_all(0)`."""

    def outcomes(self, world: World) -> list[Outcome]:
        """Each as by `stop(0)`."""
        worlds = [world]
        for key, loop in world.listed().items():
            worlds = [each.set(key, after) for each in worlds for after in loop.brought_down()]
        return [(each, None) for each in worlds]


@dataclass(frozen=True)
class Start(Command):
    """`start()`; under the name of its work, where none is given."""

    kind: Kind
    name: str | None
    replaces: bool = False

    def steps(self) -> list[Command]:
        """What is to be replaced may have ended, and not be replaced yet."""
        return [BringDown(self.key, self.wanted), self] if self.replaces else [self]

    @property
    def wanted(self) -> str:
        """The name that it asks for."""
        return self.kind if self.name is None else self.name

    def outcomes(self, world: World) -> list[Outcome]:
        """Once more brought down, where somebody was faster."""
        name, befores = self.wanted, [world]
        if self.replaces:
            befores = [before for before, _ in BringDown(self.key, name).outcomes(world)]
        elif self.name is None:
            name = free_name(world, name)
        outcomes: list[Outcome] = []
        for before in befores:
            after = before.put_on_list(self.key, Loop(name, self.kind))
            outcomes.append((before, DuplicateName) if after is None else (after, None))
        return outcomes


@dataclass(frozen=True)
class BringDown(Command):
    """The first step of a start that replaces."""

    name: str

    def outcomes(self, world: World) -> list[Outcome]:
        """Whoever has the name is brought down."""
        holder = world.holder(self.name)
        if holder is None:
            return [(world, None)]
        ends = world.loops[holder].brought_down()
        return [(world.set(holder, after), None) for after in ends]


def free_name(world: World, wanted: str) -> str:
    """The first of "race", "race-2", ... that no listed loop has."""
    if world.holder(wanted) is None:
        return wanted
    names = (f"{wanted}-{number}" for number in count(2))
    return next(name for name in names if world.holder(name) is None)


def in_any_order(world: World, commands: Sequence[Command]) -> list[World]:
    """All that commands may lead to which are given at the same time."""
    return unique(
        end
        for order in orders([command.steps() for command in commands])
        for end in ends(world, order)
    )


def orders(all_steps: Sequence[Sequence[Command]]) -> Iterator[list[Command]]:
    """The steps of several commands in every order in which each command's own stay in order."""
    whose = [number for number, steps in enumerate(all_steps) for _ in steps]
    for order in set(permutations(whose)):
        remaining = [iter(steps) for steps in all_steps]
        yield [next(remaining[number]) for number in order]


def ends(world: World, steps: Sequence[Command]) -> list[World]:
    """All that these steps may lead to, in this order. What is refused goes no further."""
    worlds: list[tuple[World, frozenset[int]]] = [(world, frozenset())]
    for step in steps:
        after = []
        for each, refused in worlds:
            if step.key in refused and isinstance(step, RunAgain):
                after.append((each, refused))
                continue
            for outcome, error in step.outcomes(each):
                is_refused = error is not None and isinstance(step, StopBefore)
                after.append((outcome, refused | {step.key} if is_refused else refused))
        worlds = after
    return [each for each, _ in worlds]


def alone(world: World, command: Command) -> list[Outcome]:
    """All that one command may lead to when nothing else happens."""
    *first, last = command.steps()
    befores = [world]
    for step in first:
        outcomes = [outcome for before in befores for outcome in step.outcomes(before)]
        if any(error for _, error in outcomes):
            return outcomes
        befores = [after for after, _ in outcomes]
    return [outcome for before in befores for outcome in last.outcomes(before)]


def unique(worlds: Iterator[World]) -> list[World]:
    """Each once."""
    seen: list[World] = []
    for world in worlds:
        if world not in seen:
            seen.append(world)
    return seen
