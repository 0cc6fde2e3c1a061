"""What was last seen of the manager; it stands still while the panel is paused.

Used by the publisher's thread alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from bgwidgets.exceptions import UnknownLoop, UnknownTask
from bgwidgets.hosts.protocol import Standstill
from bgwidgets.output.reading import OutputReading
from bgwidgets.snapshots import (
    LoopHistory,
    LoopSnapshot,
    TaskDetail,
    TaskSnapshot,
    TaskWindow,
    WindowRequest,
)
from bgwidgets.widgets.last_used import LastUsed
from bgwidgets.widgets.plot_views import Plots
from bgwidgets.widgets.protocols import Source
from bgwidgets.widgets.sorted_windows import SortedWindows, is_dear
from bgwidgets.widgets.views import MOST_VIEWS

KEPT_TASKS: Final = 1000
"""Tasks that are copied when the panel is paused: some sixty screens to scroll through."""
KEPT_FURTHER_DOWN: Final = 4000
"""Tasks below them that stay as they were scrolled to: more than all views show."""


class Looks:
    """The last look at all loops, and at those of their tasks that were asked for since."""

    def __init__(self, source: Source, kernel_time: Callable[[], float]) -> None:
        self._source: Final = source
        self._kernel_time: Final = kernel_time
        self.taken_at = 0.0
        """The kernel's time of the last look."""
        # The next look a page may put off for an hour, and a pause for ever: so no more of each are
        # kept than there are views.
        self._windows: Final = LastUsed[tuple[int, WindowRequest], TaskWindow](MOST_VIEWS)
        self._sorted: Final = SortedWindows(self._ask, kernel_time)
        self._kept_first: tuple[tuple[int, WindowRequest], KeptTasks] | None = None
        """The copy that was made at the pause: it stays, whatever else is asked for."""
        self._kept: Final = LastUsed[tuple[int, WindowRequest], KeptTasks](MOST_VIEWS - 1)
        """Those that were made since."""
        self._details: Final = LastUsed[tuple[int, int], TaskDetail | None](MOST_VIEWS)
        self._histories: Final[dict[int, LoopHistory | None]] = {}
        self._outputs: Final[dict[int, OutputReading | None]] = {}
        self._outputs_before: Mapping[int, OutputReading | None] = {}
        """Of the look before: where nothing was written since, it is still true."""
        self._plots: Final[dict[int, Plots | None]] = {}
        self.is_held = False
        self._watch: Final = source.watch()
        self._closely: set[int] = set()
        self._shown: set[int] = set()
        """The loops shown since the last look; at the next they are looked at closely again."""
        self.loops: Sequence[LoopSnapshot] = ()
        """The very same list as before when no loop has changed."""
        self.changes = 0
        """Grows whenever it is another one."""
        self.by_id: Mapping[int, LoopSnapshot] = {}

    def take(self) -> None:
        """Look anew."""
        self._windows.clear()
        self._kept_first = None
        self._kept.clear()
        self._details.clear()
        self._histories.clear()
        self._outputs_before = dict(self._outputs)
        self._outputs.clear()
        self._plots.clear()
        self.taken_at = self._kernel_time()
        self._look_at_what_is_shown()
        self._look()

    def _look(self) -> None:
        # In a pause any of them may come to be shown, and must not be looked at by then.
        loops = self._watch.look(None if self.is_held else self._closely)
        if loops is not self.loops and loops != self.loops:
            self.loops = loops
            self.changes += 1
            self.by_id = {loop.id: loop for loop in loops}

    def rest(self) -> None:
        """All that is shown was just asked for: it alone is looked at closely from now on."""
        self._look_at_what_is_shown()

    def _look_at_what_is_shown(self) -> None:
        # Where nothing was asked for since the last time, it is what it was.
        if self._shown:
            self._closely, self._shown = self._shown, set()

    def take_again(self) -> None:
        """Look anew where nothing else is shown than was after the last look, and only tables."""
        self._windows.clear()
        self.taken_at = self._kernel_time()
        self._look()

    def show_closely(self, loop_ids: Collection[int]) -> None:
        """These are going to be shown: have them as they are now, or were at the pause."""
        self._shown.update(loop_ids)
        if not (self.is_held or self._closely.issuperset(loop_ids)):
            self._closely.update(loop_ids)
            self._look()

    def hold(self) -> None:
        """Look once more, and then let nothing change until the next `take`."""
        self.is_held = True
        self.take()

    def let_go(self) -> None:
        """Look live again."""
        self.is_held = False
        self.take()

    @property
    def now(self) -> float:
        """The kernel's time; while nothing changes, it is that of the last look."""
        return self.taken_at if self.is_held else self._kernel_time()

    def tasks(self, loop_id: int, request: WindowRequest) -> TaskWindow:
        """Some of a loop's tasks, the same until the next look; none when the loop is gone.

        Very many that are sorted may be the same for a second. What nobody asked for while many
        others were asked for is looked at anew, also in a pause, but for what was asked for first.
        """
        if self.is_held:
            return self._kept_tasks(loop_id, request).window(request.start, request.stop)
        key = (loop_id, request)
        if key not in self._windows:
            loop = self.by_id.get(loop_id)
            is_one = loop is not None and is_dear(request, loop.unfinished_tasks)
            ask = self._sorted.window if is_one else self._ask
            self._windows[key] = ask(loop_id, request)
        return self._windows[key]

    def standstill(self, loop_id: int, window: TaskWindow) -> Standstill | None:
        """What holds as long as this is what `tasks` would say; None where nobody knows."""
        return self._watch.window_standstill(loop_id, window)

    def among(self, loop_id: int, ids: Sequence[int]) -> Sequence[TaskSnapshot]:
        """Those of these tasks that are still known, as they are now, also in a pause."""
        request = WindowRequest(ids=tuple(ids), stop=len(ids))
        return self._ask(loop_id, request).tasks

    def task_detail(self, loop_id: int, task_id: int) -> TaskDetail | None:
        """One task in detail, the same until the next look; None when it is not known any more.

        In a pause it is as it was when it was first asked for: at the pause, if its tab was open;
        and as it is then, if many others were asked for since.
        """
        key = (loop_id, task_id)
        if key not in self._details:
            try:
                self._details[key] = self._source.task_detail(loop_id, task_id)
            except (UnknownLoop, UnknownTask):
                self._details[key] = None
        return self._details[key]

    def history(self, loop_id: int) -> LoopHistory | None:
        """What has become of a loop's tasks, as above; None when the loop is gone."""
        if loop_id not in self._histories:
            try:
                self._histories[loop_id] = self._source.history(loop_id)
            except UnknownLoop:
                self._histories[loop_id] = None
        return self._histories[loop_id]

    def output(self, loop_id: int) -> OutputReading | None:
        """All that is held of what a loop has written, as above: the very same reading as before
        when nothing was written since. None when the loop is gone.
        """
        if loop_id not in self._outputs:
            try:
                log = self._source.output(loop_id)
            except UnknownLoop:
                self._outputs[loop_id] = None
            else:
                before = self._outputs_before.get(loop_id)
                is_true = before is not None and before.version == log.version
                self._outputs[loop_id] = before if is_true else log.read()
        return self._outputs[loop_id]

    def whole_output(self, loop_id: int) -> str:
        """All that is held of it as a text, without colours; as it is now, also in a pause."""
        try:
            return self._source.output(loop_id).text(colours=False)
        except UnknownLoop:
            return ""

    def plots(self, loop: LoopSnapshot) -> Plots | None:
        """What a loop's work has measured and plotted, as above; None when the loop is gone."""
        if loop.id not in self._plots:
            try:
                self._plots[loop.id] = Plots(
                    began=loop.started_at or 0.0,
                    metrics=self._source.metrics(loop.id),
                    figures=self._source.figures(loop.id),
                )
            except UnknownLoop:
                self._plots[loop.id] = None
        return self._plots[loop.id]

    def _kept_tasks(self, loop_id: int, request: WindowRequest) -> KeptTasks:
        """One copy for each loop, order and filter that is looked at during the pause. One that
        comes back after many others is copied anew, but for the first: it is what was shown when
        the pause began.
        """

        def ask(start: int, stop: int) -> TaskWindow:
            return self._ask(loop_id, replace(request, start=start, stop=stop))

        key = (loop_id, replace(request, start=0, stop=0))
        if self._kept_first is None:
            self._kept_first = (key, KeptTasks(ask))
        first_key, first = self._kept_first
        if key == first_key:
            return first
        if key not in self._kept:
            self._kept[key] = KeptTasks(ask)
        return self._kept[key]

    def _ask(self, loop_id: int, request: WindowRequest) -> TaskWindow:
        try:
            return self._source.task_window(loop_id, request)
        except UnknownLoop:
            # It was removed since; the manager has called, and the next look will know.
            return TaskWindow(tasks=(), start=0, total=0, as_of=0.0)


class KeptTasks:
    """A loop's tasks as they stood at one moment, to be scrolled through.

    Copying a hundred thousand would stop everything for a while. So the first thousand are as they
    were; a row further down is as it is when it is first scrolled to, and then stands still too,
    until thousands of others were scrolled to.
    """

    def __init__(self, ask: Callable[[int, int], TaskWindow]) -> None:
        self._ask: Final = ask
        first = ask(0, KEPT_TASKS)
        self._total: Final = first.total
        self._as_of: Final = first.as_of
        self._first: Final[dict[int, TaskSnapshot]] = dict(enumerate(first.tasks, first.start))
        self._further_down: Final = LastUsed[int, TaskSnapshot](KEPT_FURTHER_DOWN)

    def window(self, start: int, stop: int) -> TaskWindow:
        """The tasks of some places."""
        places = range(min(start, self._total), min(stop, self._total))
        if any(self._at(place) is None for place in places):
            later = self._ask(places.start, places.stop)
            for place, task in enumerate(later.tasks, later.start):
                if self._at(place) is None:
                    self._further_down[place] = task
        tasks = []
        for place in places:
            if (task_there := self._at(place)) is None:
                break
            tasks.append(task_there)
        return TaskWindow(
            tasks=tuple(tasks), start=places.start, total=self._total, as_of=self._as_of
        )

    def _at(self, place: int) -> TaskSnapshot | None:
        return self._first.get(place) or self._further_down.get(place)
