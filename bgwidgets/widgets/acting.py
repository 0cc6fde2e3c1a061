"""From a click to the command that it stands for, and on to what has come of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bgwidgets.commands import CancelTasks, RemoveFinished, RemoveLoop
from bgwidgets.widgets.command_runner import (
    NO_LOOP,
    CommandRunner,
    PanelCommand,
    command_of,
    put_together,
)
from bgwidgets.widgets.meanings import Meanings
from bgwidgets.widgets.outcomes import Outcomes
from bgwidgets.widgets.protocols import Action, Said, Source
from bgwidgets.widgets.requests import Meant
from bgwidgets.widgets.second_click import WITHIN, SecondClick
from bgwidgets.widgets.selection import can_be_stopped, loop_to_select, unfinished
from bgwidgets.widgets.showing import Showing


class Acting:
    """The commands of one panel. Used by the publisher's thread alone; `now` is the time of a
    monotonic clock. What is returned is for the status line.
    """

    def __init__(self, source: Source, runner: CommandRunner, showing: Showing) -> None:
        self._source: Final = source
        self._runner: Final = runner
        self._showing: Final = showing
        self._meanings: Final = Meanings()
        self._outcomes: Final = Outcomes(showing.known_among)
        self._second_click: Final = SecondClick()
        self._kill_click = SecondClick()
        self._to_kill: tuple[int, ...] = ()

    def expect_click(self, meant: Meant, now: float) -> None:
        """A page has said which loop the click is for that it is about to send."""
        self._meanings.note(meant, now)

    def click(self, action: Action, loop_id: int | None, now: float) -> Said:
        """A click in a page is for the loop that the page shows as selected.

        From Python, when no loop was chosen, it is for the one that is newest now, not when last
        looked at: the loop that was started in the line before; and the next click is for the same,
        until there is a newer one.
        """
        if (meant := self._meanings.take(action, now)) is not None:
            if meant.loop_id is None:
                return NO_LOOP
            is_for_picked = meant.picked and action is Action.CANCEL_TASKS
            return self.act(action, meant.loop_id, now, only_picked=is_for_picked)
        if action is Action.REMOVE_FINISHED:
            return self._runner.run(RemoveFinished())
        if action is Action.STOP_ALL:
            return self._stop_all(now)
        if loop_id is None:
            loops = self._source.snapshots()
            loop = loop_to_select(loops, self._showing.acted_on.among(loops))
            loop_id = loop.id if loop else None
        return NO_LOOP if loop_id is None else self.act(action, loop_id, now)

    def act(self, action: Action, loop_id: int, now: float, *, only_picked: bool = False) -> Said:
        """On the loop, on those that are picked with it, or on its tasks that are picked."""
        picks = self._showing.picks
        targets = picks.targets(loop_id)
        if action is Action.KILL and (question := self._ask_before_kill(targets, now)):
            return question
        tasks = picks.tasks(loop_id) if action is Action.CANCEL_TASKS and len(targets) == 1 else ()
        if only_picked and not tasks:
            # The page does not know yet that they were let go; all tasks are not meant.
            return Said("Those tasks are not selected any more")
        if tasks:
            known = self._showing.known_among(loop_id, tasks)
            return self.cancel(loop_id, tuple(task.id for task in known), now)
        return self.run([command_of(action, target) for target in targets], now)

    def remove(self, loop_id: int, now: float) -> Said:
        """The loop, and those that are picked with it."""
        targets = self._showing.picks.targets(loop_id)
        return self.run([RemoveLoop(target) for target in targets], now)

    def cancel(self, loop_id: int, task_ids: tuple[int, ...], now: float) -> Said:
        """Those of these tasks that have not ended since they were shown. Where the loop does not
        know all of them, none is cancelled, and it says so.
        """
        known = self._showing.known_among(loop_id, task_ids)
        left = unfinished(known)
        if len(known) < len(set(task_ids)):
            left = task_ids
        if not left:
            return Said("That task has ended" if len(task_ids) == 1 else "Those tasks have ended")
        return self.run([CancelTasks(loop_id, left)], now)

    def run(self, commands: Sequence[PanelCommand], now: float) -> Said:
        """All of them, and remember to tell what becomes of it."""
        loops = self._source.snapshots()
        before = {loop.id: loop for loop in loops}
        said = []
        for command in commands:
            if not isinstance(command, RemoveFinished):
                self._showing.acted_on.note(command.loop_id, loops)
            said.append(self._runner.run(command))
            if not said[-1].is_error:
                self._outcomes.asked(command, before, now)
        return put_together(said)

    def _stop_all(self, now: float) -> Said:
        count = sum(map(can_be_stopped, self._source.snapshots()))
        if count == 0:
            return Said("No loop is running")
        if self._second_click.click(now):
            return self._runner.stop_all()
        loops = "the loop" if count == 1 else f"all {count} loops"
        words = f"Click again within {WITHIN:g} s to stop {loops}"
        return Said(words, until=self._second_click.until)

    def _ask_before_kill(self, targets: Sequence[int], now: float) -> Said | None:
        """What is said to a first click; None when it is a second one, and for the same loops."""
        found = [loop for loop in self._source.snapshots() if loop.id in targets]
        living = [loop for loop in found if loop.can_be_killed and not loop.state.has_ended]
        if not living:
            return None  # That is said by whoever refuses it.
        if self._to_kill != tuple(targets):
            self._to_kill, self._kill_click = tuple(targets), SecondClick()
        if self._kill_click.click(now):
            return None
        loops = living[0].name if len(living) == 1 else f"{len(living)} loops"
        words = f"Click again within {WITHIN:g} s to kill {loops}"
        return Said(words, until=self._kill_click.until)

    # -- what is to be told later

    @property
    def waits_for_an_outcome(self) -> bool:
        """Whether something that was asked for has not come about yet."""
        return self._outcomes.is_waiting

    def outcome(self, now: float, *, is_fresh: bool) -> Said | None:
        """What has come about since the last look. With `is_fresh` what is shown is of now, and
        needs no look of its own.
        """
        if is_fresh:
            self._showing.see(self._outcomes.loop_ids)
        loops = self._showing.loops if is_fresh else self._source.snapshots()
        said = self._outcomes.notice(loops, now)
        return put_together(said) if said else None

    def show_what_is_armed(self, now: float) -> None:
        """Which buttons wait for their second click."""
        self._showing.is_armed = self._second_click.is_armed(now)
        self._showing.to_kill = self._to_kill if self._kill_click.is_armed(now) else ()

    def moments(self) -> tuple[float | None, ...]:
        """When there may be something to tell, or a first click is forgotten."""
        return self._second_click.until, self._kill_click.until, self._outcomes.next_look()
