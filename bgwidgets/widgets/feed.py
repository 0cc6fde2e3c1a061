"""Takes what was asked for, looks at the manager when it is time, and has the pages told.

It has no thread and no clock of its own: the publisher hands it what came and the time, and is told
when to come back. So each of its rules can be tested without waiting for anything.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from functools import partial
from typing import Final, assert_never

from bgwidgets.commands import (
    CancelTasks,
    InterruptLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.widgets.acting import Acting
from bgwidgets.widgets.attendance import Attendance
from bgwidgets.widgets.busy_cell import BusyCell
from bgwidgets.widgets.command_runner import (
    Adopted,
    CommandRunner,
    error_in_words,
)
from bgwidgets.widgets.items import (
    CellRuns,
    Changed,
    Click,
    Displayed,
    FromDetails,
    FromFinder,
    FromLine,
    FromOutput,
    FromPlots,
    FromTable,
    Item,
    Refresh,
    Replaced,
    SettingChanged,
)
from bgwidgets.widgets.mailer import Mailer
from bgwidgets.widgets.protocols import Face, Found, Said, Source, Table
from bgwidgets.widgets.ranges import RangeMoved, rows_of_range
from bgwidgets.widgets.requests import (
    Act,
    AdoptFound,
    Alive,
    Bye,
    DetailRequest,
    FilterTasks,
    FinderRequest,
    FindNext,
    Hello,
    InvalidRequest,
    LineHello,
    LineRequest,
    LookForLoops,
    Meant,
    OutputRequest,
    Pause,
    PickRange,
    PickRows,
    PickStates,
    Ping,
    PlotRequest,
    Remove,
    SaveOutput,
    SelectLoop,
    SetInterval,
    ShowDetail,
    ShowOutput,
    ShowPicture,
    ShowPlots,
    ShowRows,
    SortRows,
    TableRequest,
)
from bgwidgets.widgets.rest import Rest
from bgwidgets.widgets.schedule import CHANGES_APART, LookSchedule
from bgwidgets.widgets.showing import Showing

_log: Final = logging.getLogger(__name__)


class Feed:
    """The rules for one panel. Used by one thread; `now` is the time of a monotonic clock."""

    def __init__(
        self, source: Source, runner: CommandRunner, kernel_time: Callable[[], float] = time.time
    ) -> None:
        self._source: Final = source
        self._runner: Final = runner
        self._showing: Final = Showing(source, kernel_time)
        self._mailer: Final = Mailer(self._showing)
        self._acting: Final = Acting(source, runner, self._showing)
        self._schedule: Final = LookSchedule()
        self._attendance: Final = Attendance()
        self._cell: Final = BusyCell()
        self._rest: Rest | None = None
        """None while there is something to do, or may be."""

    def take(self, item: Item, face: Face, now: float) -> None:
        """Do what was asked for. What goes wrong is said in the status line."""
        self._rest = None
        match item:
            case FromLine(request):
                self._take_from_line(request, now)
            case FromTable(table, request):
                self._take_from_table(table, request, face, now)
            case FromFinder(request):
                self._take_from_finder(request, now)
            case FromDetails(request):
                self._take_from_details(request, now)
            case FromOutput(request):
                self._take_from_output(request, now)
            case FromPlots(request):
                self._take_from_plots(request, now)
            case InvalidRequest():
                self._refuse(item)
            case Found():
                self._mailer.show_found(item)
            case Adopted(loop_id):
                self._mailer.expect_answers(now)
                self._select(loop_id, face)
                self._look_for_effect(now)
            case Click(action, loop_id):
                self._mailer.expect_answers(now)
                self._mailer.say(self._acting.click(action, loop_id, now))
                self._look_for_effect(now)
            case Said():
                self._mailer.say(item)
                self._look_for_effect(now)
            case Changed():
                if not self._showing.is_held:
                    # Nobody watches a panel in a notebook that is closed, say, and there may be
                    # many of them.
                    apart = CHANGES_APART if self._mailer.is_watched else face.interval
                    self._schedule.something_changed(now, apart)
            case Refresh():
                self._mailer.expect_answers(now)
                self._look(now)
            case Displayed(cell, inside_another):
                self._attendance.displayed(cell, inside_another=inside_another)
                if not self._showing.is_held:
                    self._look(now)
            case Replaced(cell):
                self._attendance.replaced(cell, now)
            case CellRuns(cell):
                self._cell.take(cell, now)
                self._mailer.cell_runs(now, running=cell is not None)
            case SettingChanged():
                pass  # That `advance` is called next is all that it takes.

    def turn_away(self, count: int) -> None:
        """Answer so many messages of pages that came when too much was waiting to be done."""
        self._rest = None
        self._mailer.refuse("more at once than is taken", count)

    def advance(self, face: Face, now: float) -> float | None:
        """Do what is due; says when to come back if nothing happens until then."""
        if (wake_at := self._stay_at_rest(face, now)) is not None:
            return wake_at
        self._rest = None
        forgotten_at = self._put_away_if_forgotten(face, now)
        self._pause_or_resume(face, now)
        due_at = self._next_look(face)
        if due_at is not None and due_at <= now:
            self._look(now)
            if self._mailer.is_watched:
                self._cell.thread_waits(waits=face.cells_thread_waits())
        self._try(lambda: self._showing.settle_selection(face), "Selecting a loop failed")
        self._tell_outcomes(now)
        self._acting.show_what_is_armed(now)
        self._showing.kernel = self._cell.told(now)
        all_moments = [
            self._mailer.send_what_is_due(face, now),
            *self._acting.moments(),
            forgotten_at,
            self._cell.next_change(now),
        ]
        moments = [moment for moment in all_moments if moment is not None]
        if self._mailer.has_told_all:
            self._rest = self._rest_until(min(moments, default=math.inf), face)
        if (next_look := self._next_look(face)) is not None:
            moments.append(next_look)
        return min(moments, default=None)

    # -- while nothing changes

    def _rest_until(self, moment: float, face: Face) -> Rest | None:
        """What is to stay as it is until then, now that all is told; None where something goes on,
        or is looked at that tells of no change.
        """
        mailer, showing = self._mailer, self._showing
        if showing.is_held or not mailer.is_watched or not mailer.are_only_tables_shown:
            return None
        if self._acting.waits_for_an_outcome or self._schedule.is_soon_wanted:
            return None
        shown = showing.shown([view.window for view in mailer.views["tasks"]])
        if shown is None:
            return None
        interval = face.interval
        look_at = self._schedule.next_look(interval)
        if look_at is None:
            return None
        return Rest(moment, look_at, interval, shown, showing.kernel, face.button_changes)

    def _stay_at_rest(self, face: Face, now: float) -> float | None:
        """Look, if that is due; when to come back, or None: there may be something to tell."""
        rest = self._rest
        if rest is None or now >= rest.until:
            return None
        if now >= rest.look_at:
            self._schedule.looked(now)
            rest.look_at = now + rest.interval
            self._try(self._showing.look_again, "Looking at the loops failed")
            self._cell.thread_waits(waits=face.cells_thread_waits())
            if (
                self._mailer.has_words
                or self._cell.told(now) != rest.kernel
                or not self._showing.is_as_it_was(rest.shown)
            ):
                return None
        if face.button_changes != rest.button_changes:
            return None
        return min(rest.look_at, rest.until)

    def report(self, error: BaseException) -> None:
        """Say that the panel itself is broken; the log has the whole of it."""
        self._rest = None
        _log.error("The panel could not be refreshed", exc_info=error)
        words = f"The panel could not be refreshed: {error_in_words(error)}"
        self._mailer.say(Said(words, is_error=True))

    def _put_away_if_forgotten(self, face: Face, now: float) -> float | None:
        """When that will be, if nobody comes back."""
        forgotten_at = self._attendance.forgotten_at()
        if forgotten_at is None or forgotten_at > now:
            return forgotten_at
        if face.put_away():
            self._attendance.put_away()
            self._cell.forget()
            self._mailer.cell_runs(now, running=False)
        return None

    # -- looks

    def _next_look(self, face: Face) -> float | None:
        if self._showing.is_held:
            return None
        return self._schedule.next_look(face.interval if self._mailer.is_watched else None)

    def _look_for_effect(self, now: float) -> None:
        if not self._showing.is_held:
            self._schedule.command_given(now)

    def _look(self, now: float) -> None:
        self._schedule.looked(now)
        self._try(self._showing.look, "Looking at the loops failed")

    def _pause_or_resume(self, face: Face, now: float) -> None:
        if face.paused is self._showing.is_held:
            return
        self._schedule.looked(now)
        if face.paused:
            self._try(lambda: self._showing.hold(face), "Looking at the loops failed")
        else:
            self._try(self._showing.let_go, "Looking at the loops failed")

    def _tell_outcomes(self, now: float) -> None:
        """Also while what is shown stands still: the buttons go on working."""
        if not self._acting.waits_for_an_outcome:
            return
        is_fresh = self._mailer.is_watched and not self._showing.is_held
        if (said := self._acting.outcome(now, is_fresh=is_fresh)) is not None:
            self._mailer.say(said)

    # -- requests

    def _take_from_line(self, request: LineRequest | InvalidRequest, now: float) -> None:
        match request:
            case Meant():
                self._acting.expect_click(request, now)
            case LineHello(view):
                self._mailer.greet_line(view)
            case Bye(view):
                self._mailer.forget_line(view)
            case InvalidRequest():
                self._refuse(request)

    def _take_from_finder(self, request: FinderRequest | InvalidRequest, now: float) -> None:
        match request:
            case LookForLoops():
                self._runner.look()
            case AdoptFound(loop_id):
                self._mailer.expect_answers(now)
                self._runner.look(adopt=loop_id)
            case InvalidRequest():
                self._refuse(request)

    def _take_from_details(self, request: DetailRequest | InvalidRequest, now: float) -> None:
        match request:
            case ShowDetail(view, subject, known):
                self._mailer.detail_views.show(view, subject, known, now)
            case Bye(view):
                self._mailer.detail_views.forget(view)
            case InvalidRequest():
                self._refuse(request)

    def _take_from_output(self, request: OutputRequest | InvalidRequest, now: float) -> None:
        views = self._mailer.output_views
        match request:
            case ShowOutput(view, subject, known, stays):
                self._mailer.show_output(view, subject, known, now, stays=stays)
            case FindNext(view, step):
                views.find_next(view, step)
            case ShowPicture(view, number):
                views.show_picture(view, number)
            case SaveOutput(view, start):
                views.save(view, start)
            case Bye(view):
                views.forget(view)
            case InvalidRequest():
                self._refuse(request)

    def _take_from_plots(self, request: PlotRequest | InvalidRequest, now: float) -> None:
        match request:
            case ShowPlots(view, loop_id, known):
                self._mailer.plot_views.show(view, loop_id, known, now)
            case Bye(view):
                self._mailer.plot_views.forget(view)
            case InvalidRequest():
                self._refuse(request)

    def _take_from_table(
        self, table: Table, request: TableRequest | InvalidRequest, face: Face, now: float
    ) -> None:
        views = self._mailer.views[table]
        match request:
            case Hello(view) | Alive(view) | ShowRows(view):
                self._attendance.seen(f"{table} {view}", now)
            case Bye(view, cleared):
                self._attendance.left(f"{table} {view}", now, cleared=cleared)
        match request:
            case Hello(view, window):
                self._mailer.greet_table(table, view, window, now)
                return
            case Alive(view):
                views.heard(view, now)
                return
            case Ping(view, cell):
                # Of a cell that has ended since, there is nothing to say: it was heard too late.
                if cell == self._cell.number:
                    self._mailer.answer_ping(table, view, cell)
                return
            case ShowRows(view, window):
                views.move(view, window, now)
                return
            case Bye(view):
                views.forget(view)
                return
            case InvalidRequest():
                self._refuse(request)
                return
        self._mailer.expect_answers(now)
        match request:
            case SortRows(sorting):
                self._showing.sorting[table] = sorting
            case SelectLoop(loop_id):
                self._select(loop_id, face)
            case PickRows(ids, loop_id):
                self._pick(table, ids, loop_id, face)
            case PickRange():
                self._pick_range(table, request, face)
            case Act(action, loop_id, picked):
                self._mailer.say(self._acting.act(action, loop_id, now, only_picked=picked))
                self._look_for_effect(now)
            case Remove(loop_id):
                self._mailer.say(self._acting.remove(loop_id, now))
                self._look_for_effect(now)
            case FilterTasks(text):
                self._try(lambda: face.set("filter", text), "Filtering failed")
            case PickStates(chips):
                self._showing.chips = chips
            case SetInterval(seconds):
                self._try(lambda: face.set("interval", seconds), "Setting the interval failed")
            case Pause(paused):
                self._try(lambda: face.set("paused", paused), "Pausing failed")
            case CancelTasks(loop_id, task_ids) if task_ids:
                self._mailer.say(self._acting.cancel(loop_id, task_ids, now))
                self._look_for_effect(now)
            case SetStopEvent() | StopLoop() | CancelTasks() | InterruptLoop():
                self._mailer.say(self._acting.run([request], now))
                self._look_for_effect(now)
            case _:
                assert_never(request)

    def _refuse(self, error: InvalidRequest) -> None:
        self._mailer.refuse(str(error))

    def _select(self, loop_id: int, face: Face) -> None:
        def choose() -> None:
            try:
                face.choose(loop_id)
            except Exception:
                if is_listed():  # Otherwise it was removed in this moment.
                    raise

        def is_listed() -> bool:
            return any(loop.id == loop_id for loop in self._source.snapshots())

        if is_listed():
            self._try(choose, "Selecting a loop failed")
        if not is_listed():
            self._mailer.say(Said("That loop is not listed any more", is_error=True))

    def _pick(self, table: Table, ids: tuple[int, ...], loop_id: int | None, face: Face) -> None:
        """Whoever picks tasks has chosen their loop: it stays selected, whatever is started."""
        if table == "tasks" and loop_id not in (None, face.selected):
            return  # The page does not know yet that another loop is selected.
        self._showing.picks.take(table, ids, face.selected)
        if table == "tasks" and ids and face.selected is not None:
            self._select(face.selected, face)

    def _pick_range(self, table: Table, asked: PickRange, face: Face) -> None:
        contents = partial(self._showing.contents, table, face)
        try:
            ids, is_cut = rows_of_range(asked, contents)
        except RangeMoved:
            self._pick(table, (), asked.loop_id, face)
            self._mailer.say(
                Said("The rows have moved meanwhile: select them again", is_error=True)
            )
            return
        self._pick(table, ids, asked.loop_id, face)
        if is_cut:
            self._mailer.say(Said(f"Only the first {len(ids):,} of them are selected"))

    def _try(self, step: Callable[[], None], words: str) -> None:
        """Run what may run a user's code: the observer of a trait, the manager's loops.

        BaseException, for a CancelledError or a SystemExit in there is no reason to end this
        thread, which nobody would notice but the panel's users.
        """
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - said why above
            _log.exception("%s", words)
            self._mailer.say(Said(f"{words}: {error_in_words(error)}", is_error=True))
