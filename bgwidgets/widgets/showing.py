"""What the panel shows: the selected loop, each table seen through a view's window, the details.

Used by the publisher's thread alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple

from bgwidgets.hosts.protocol import Standstill
from bgwidgets.output.reading import OutputReading
from bgwidgets.snapshots import LoopSnapshot, TaskSnapshot, TaskWindow, WindowRequest
from bgwidgets.widgets.busy_cell import KernelState
from bgwidgets.widgets.cleaning import clean
from bgwidgets.widgets.detail_parts import (
    NO_SUCH_LOOP,
    NO_SUCH_TASK,
    NO_TASK,
    DetailSubject,
    Parts,
    chain_parts,
    error_parts,
    history_parts,
    timings_parts,
)
from bgwidgets.widgets.kept_rows import KeptRows
from bgwidgets.widgets.last_used import LastUsed
from bgwidgets.widgets.looks import Looks
from bgwidgets.widgets.loop_views import LoopViews
from bgwidgets.widgets.output_text import OutputText
from bgwidgets.widgets.output_views import OutputSubject
from bgwidgets.widgets.picks import Picks
from bgwidgets.widgets.plot_views import Plots
from bgwidgets.widgets.protocols import TABLES, Action, Face, Source, Table
from bgwidgets.widgets.rows import (
    STATE_CHIPS,
    TASK_COLUMNS,
    Contents,
    Sorting,
    Window,
    task_row,
    tasks_head,
)
from bgwidgets.widgets.selection import (
    LastActedOn,
    about,
    can_be_stopped,
    loop_to_select,
    possible_actions,
    unfinished,
    why_impossible,
    why_limited,
)
from bgwidgets.widgets.views import MOST_VIEWS

_NO_OUTPUT: Final = OutputReading(
    entries=(), open_lines=(), after=0, dropped=0, is_cleared=False, version=0
)


class _TasksView(NamedTuple):
    """How the tasks are looked at."""

    sorting: Sorting
    filter: str
    chips: tuple[str, ...]
    picked: tuple[int, ...]
    paused: bool

    def request(self, window: Window) -> WindowRequest:
        """What is asked of the loop for one window."""
        return WindowRequest(
            sort=TASK_COLUMNS[self.sorting.column] if self.sorting.column else "",
            descending=self.sorting.descending,
            filter=self.filter,
            states=tuple(state for chip in self.chips for state in STATE_CHIPS[chip]),
            start=window.start,
            stop=window.stop,
        )


class _TaskContents(NamedTuple):
    loop: LoopSnapshot | None
    view: _TasksView
    request: WindowRequest
    tasks: TaskWindow | None
    contents: Contents


class Shown(NamedTuple):
    """What tables show, and how that could be told to be what it was."""

    changes: int
    tasks: tuple[tuple[_TaskContents, Standstill | None], ...]


def _are_same(one: TaskWindow | None, other: TaskWindow | None) -> bool:
    """Whether they show the same, whenever that was."""
    if one is other or one is None or other is None:
        return one is other
    return (one.total, one.start, one.tasks) == (other.total, other.start, other.tasks)


class Showing:
    """The last look at the manager, in the order and through the filter that the user chose."""

    def __init__(self, source: Source, kernel_time: Callable[[], float]) -> None:
        self._looks: Final = Looks(source, kernel_time)
        self.sorting: Final[dict[Table, Sorting]] = dict.fromkeys(TABLES, Sorting())
        self.chips: tuple[str, ...] = ()
        """The states that tasks are picked by, as the page calls them."""
        self.picks: Final = Picks()
        self.acted_on: Final = LastActedOn()
        self.is_armed = False
        """Whether one more click stops all loops."""
        self.to_kill: tuple[int, ...] = ()
        """The loops that one more click kills."""
        self._loop_views: Final = LoopViews(self._looks)
        self._task_rows: Final = KeptRows(task_row)
        self._task_contents: Final = LastUsed[Window, _TaskContents](MOST_VIEWS)
        self._settled: object = None
        """How things stood when the selection needed no change."""
        self._possible: tuple[object, int | None, frozenset[Action]] = ((), None, frozenset())
        """For which loops, and which of them selected, these were found possible."""
        self._texts = LastUsed[tuple[int, int | None], OutputText](MOST_VIEWS)
        self._texts_shown = LastUsed[tuple[int, int | None], OutputText](MOST_VIEWS)
        """Those that were shown since the last look: the others are forgotten."""
        self.kernel = KernelState()
        """Whether a cell runs, also while the rest stands still."""

    @property
    def loops(self) -> Sequence[LoopSnapshot]:
        """All loops, oldest first."""
        return self._looks.loops

    def known_among(self, loop_id: int, task_ids: Sequence[int]) -> Sequence[TaskSnapshot]:
        """Those of these tasks that are still known, as they are now, also in a pause."""
        return self._looks.among(loop_id, task_ids)

    def see(self, loop_ids: Collection[int]) -> None:
        """Have these loops as they are now, whether a table shows them or not."""
        self._looks.show_closely(loop_ids)

    @property
    def now(self) -> float:
        """The kernel's time, which stands still too."""
        return self._looks.now

    @property
    def is_held(self) -> bool:
        """Whether it stands still."""
        return self._looks.is_held

    def look_again(self) -> None:
        """Look anew where nothing was asked for since `shown`, for which all was told."""
        self._looks.take_again()

    def look(self) -> None:
        """Look anew, once also while it stands still."""
        self._texts, self._texts_shown = self._texts_shown, LastUsed(MOST_VIEWS)
        self._looks.take()
        if (loop_id := self.picks.of_loop) is not None:
            picked = self._looks.among(loop_id, self.picks.tasks(loop_id))
            self.picks.unfinished = len(unfinished(picked))

    def shown(self, windows: Collection[Window]) -> Shown | None:
        """What is shown, now that each view was asked for, of the tasks in these windows; None
        where something may change without a look at the tables.
        """
        tasks = [self._task_contents.get(window) for window in windows]
        known = [each for each in tasks if each is not None]
        if len(known) < len(tasks) or self.picks.of_loop is not None:
            return None
        changes = self._looks.changes
        self._looks.rest()
        return Shown(changes, tuple((each, self._standstill(each)) for each in known))

    def _standstill(self, shown: _TaskContents) -> Standstill | None:
        """What holds as long as this is what there is to show; None: it must be looked at."""
        if shown.loop is None or shown.tasks is None:
            return None
        return self._looks.standstill(shown.loop.id, shown.tasks)

    def is_as_it_was(self, shown: Shown) -> bool:
        """Whether another look has found nothing else, when nothing else was asked for either."""
        looks = self._looks
        if looks.changes != shown.changes:
            return False
        now = time.monotonic()
        for (loop, _, request, tasks, _), standstill in shown.tasks:
            if standstill is not None and standstill.holds(now):
                continue
            if loop is not None and not _are_same(tasks, looks.tasks(loop.id, request)):
                return False
        return True

    def hold(self, face: Face) -> None:
        """Look once more, and then stand still."""
        self._looks.hold()
        # A copy of what can be scrolled to is made now, and not when somebody scrolls.
        self.contents("tasks", face, Window(0, 1))

    def let_go(self) -> None:
        """Show live again."""
        self._looks.let_go()

    def controls_depend_on(self, face: Face) -> object:
        """The same for as long as the buttons and what is said of the selected loop are."""
        return (
            self._looks.changes,
            face.selected,
            self.picks.state,
            self.is_armed,
            self.to_kill,
        )

    def settle_selection(self, face: Face) -> None:
        """Select what is to be selected now. Raises what an observer of `selected` raises."""
        before = self._selection_depends_on(face)
        if before == self._settled:
            return
        self._settle_selection(face)
        self._settled = before if self._selection_depends_on(face) == before else None

    def _selection_depends_on(self, face: Face) -> object:
        return (
            self._looks.changes,
            face.chosen,
            face.selected,
            face.filter,
            self.chips,
            self.picks.state,
            self.acted_on.state,
        )

    def _settle_selection(self, face: Face) -> None:
        chosen = face.chosen
        if chosen is not None and self._listed(chosen) is None:
            # It may have been started and chosen after the last look, or it was removed.
            self._looks.take()
        stays = self.acted_on.among(self.loops) if chosen is None else chosen
        loop = loop_to_select(self.loops, stays)
        loop_id = loop.id if loop else None
        self.picks.notice(self._looks.by_id, loop_id)
        self.picks.look_through((face.filter, self.chips))
        if chosen is not None and chosen != loop_id:
            face.drop_choice(chosen)
        if face.selected != loop_id:
            face.follow(loop_id)

    def selected_loop(self, face: Face) -> LoopSnapshot | None:
        """The selected loop as it was last seen."""
        return self._listed(face.selected)

    def about(self, face: Face) -> str:
        """What the status line says of the selected loop."""
        if (count := len(self.picks.loops)) > 1:
            return f"{count} loops selected"
        return about(self.selected_loop(face))

    def label(self, face: Face, action: Action) -> str | None:
        """What is written on a button now; None: its own words."""
        if action is Action.CANCEL_TASKS and self.picks.tasks(face.selected):
            count = self.picks.unfinished
            return "Cancel 1 task" if count == 1 else f"Cancel {count} tasks"
        if action is Action.STOP_ALL and self.is_armed:
            return f"Sure? Stop {sum(map(can_be_stopped, self.loops))}"
        if action is Action.KILL and face.selected in self.to_kill:
            return "Sure? Kill" if len(self.to_kill) == 1 else f"Sure? Kill {len(self.to_kill)}"
        return None

    def tells_why(self, face: Face) -> bool:
        """Whether that is why some buttons are grey, which no table shows."""
        return why_limited(self.selected_loop(face)) is not None

    def possible_actions(self, face: Face) -> frozenset[Action]:
        """The buttons that would do something now."""
        loops, selected, possible = self._possible
        if loops is not self.loops or selected != face.selected:
            possible = possible_actions(self.selected_loop(face), self.loops)
            self._possible = (self.loops, face.selected, possible)
        return possible

    def why_impossible(self, face: Face, action: Action) -> str | None:
        """Why this button does nothing now, where there is something to say."""
        return why_impossible(action, self.selected_loop(face))

    def contents(self, table: Table, face: Face, window: Window) -> Contents:
        """What a view with this window shows."""
        if table == "loops":
            return self._loop_views.contents(
                self.sorting["loops"],
                window,
                selected=face.selected,
                filter_text=face.filter,
                picked=self.picks.loops,
                interval=face.interval,
                paused=face.paused,
                kernel=self.kernel,
            )
        return self._tasks_contents(face, window)

    def _tasks_contents(self, face: Face, window: Window) -> Contents:
        """The very same as before when nothing in it has changed."""
        if (selected := face.selected) is not None:
            self.see((selected,))
        loop = self._listed(selected)
        view = _TasksView(
            self.sorting["tasks"],
            face.filter,
            self.chips,
            self.picks.tasks(selected),
            face.paused,
        )
        made = self._task_contents.get(window)
        request = made.request if made and made.view == view else view.request(window)
        tasks = None if loop is None else self._looks.tasks(loop.id, request)
        if made and made.loop is loop and made.view == view and _are_same(made.tasks, tasks):
            return made.contents
        contents = self._make_task_contents(loop, view, tasks)
        self._task_contents[window] = _TaskContents(loop, view, request, tasks, contents)
        return contents

    def _make_task_contents(
        self, loop: LoopSnapshot | None, view: _TasksView, tasks: TaskWindow | None
    ) -> Contents:
        head = tasks_head(
            loop,
            view.sorting,
            filter_text=view.filter,
            chips=view.chips,
            picked=view.picked,
            paused=view.paused,
        )
        if tasks is None:
            return Contents(head=head)
        rows = [self._task_rows.row(task) for task in tasks.tasks]
        return Contents(head=head, start=tasks.start, total=tasks.total, rows=rows)

    def details(self, subject: DetailSubject) -> Parts:
        """What a detail tab shows."""
        loop = self._listed(subject.loop_id)
        if loop is None:
            return NO_SUCH_LOOP
        now = self._looks.taken_at
        if subject.tab == "history":
            history = self._looks.history(loop.id)
            return NO_SUCH_LOOP if history is None else history_parts(loop, history, now)
        task = None
        if subject.task_id is not None:
            task = self._looks.task_detail(loop.id, subject.task_id)
        if subject.tab == "error":
            return error_parts(loop, task, now)
        if task is None:
            return NO_TASK if subject.task_id is None else NO_SUCH_TASK
        return chain_parts(task, now) if subject.tab == "chain" else timings_parts(task, now)

    def output(self, subject: OutputSubject) -> tuple[OutputText, str | None]:
        """What a view of output shows, and its loop's name; None when that is gone.

        The very same text as before when nothing was written since.
        """
        loop = self._listed(subject.loop_id)
        reading = None if loop is None else self._looks.output(subject.loop_id)
        reading = reading or _NO_OUTPUT
        key = (subject.loop_id, subject.task_id)
        text = self._texts.get(key)
        if text is None or text.reading is not reading:
            text = OutputText(reading, subject.task_id)
        self._texts[key] = self._texts_shown[key] = text
        return text, None if loop is None else clean(loop.name)

    def whole_output(self, loop_id: int) -> str:
        """All that is held of what a loop has written, as a text."""
        return self._looks.whole_output(loop_id)

    def plots(self, loop_id: int) -> Plots | None:
        """What the Plots tab shows; None when the loop is not listed."""
        loop = self._listed(loop_id)
        return None if loop is None else self._looks.plots(loop)

    def _listed(self, loop_id: int | None) -> LoopSnapshot | None:
        return None if loop_id is None else self._looks.by_id.get(loop_id)
