"""Sends what the pages do not know yet: the most urgent first, at most ten messages a second.

What there is no room for waits, and is by then what is true by then: nothing is queued but the
latest words for the status line. Used by the publisher's thread alone.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal

from bgwidgets.widgets.budget import MOST, ByteBudget, MessageBudget
from bgwidgets.widgets.button_states import ButtonStates
from bgwidgets.widgets.cleaning import clean
from bgwidgets.widgets.command_runner import error_in_words, put_together
from bgwidgets.widgets.detail_parts import Parts
from bgwidgets.widgets.detail_views import DetailView, DetailViews
from bgwidgets.widgets.output_views import OutputNews, OutputSubject, OutputView, OutputViews
from bgwidgets.widgets.plot_views import News, PlotView, PlotViews
from bgwidgets.widgets.protocols import (
    TABLES,
    Action,
    Channel,
    Face,
    Found,
    Message,
    Said,
    Table,
    Unreachable,
)
from bgwidgets.widgets.refusals import Refusals
from bgwidgets.widgets.rows import Contents, Window, found_message
from bgwidgets.widgets.showing import Showing
from bgwidgets.widgets.views import MOST_VIEWS, Frame, TableViews, View

_log: Final = logging.getLogger(__name__)

FOR_DETAILS: Final = 7
FOR_NEWS: Final = 7
FOR_NEWS_AMID_CLICKS: Final = 5
"""Which message of a second the less urgent may be: the rest is for words, and for what a click
changes in the table of loops. Whoever clicks once may click again."""
CLICKS_EXPECTED: Final = 2.0
"""Seconds after a request in which another may follow."""
ANSWERS: Final = 2
"""Frames that a request is answered by: the first look after it may come before its effect."""
BEAT_AFTER: Final = 1.0
BEAT_OVERDUE_AFTER: Final = 1.6
"""Seconds without a message to a table; after 2.5 the page says that contact is lost."""
MOST_LINES: Final = 100
"""Views of the status line that are kept in mind."""
LONGEST_SAID: Final = 500


@dataclass(frozen=True, slots=True)
class _Letter:
    """A message that may be sent, if it is not more than the `most`th of a second."""

    most: int
    send: Callable[[], None]
    not_before: float = float("-inf")
    tells_nothing: bool = False
    """A sign of life."""


class Mailer:
    """The views of one panel, and what each was told."""

    def __init__(self, showing: Showing) -> None:
        self._showing: Final = showing
        self._budget: Final = MessageBudget()
        self.views: Final[dict[Table, TableViews]] = {table: TableViews() for table in TABLES}
        self.detail_views: Final = DetailViews()
        self.output_views: Final = OutputViews()
        self.plot_views: Final = PlotViews()
        self._byte_budget: Final = ByteBudget()
        self._lines: Final[set[str]] = set()
        """The views of the status line, which do not say that they are alive."""
        self._unreached: Final[set[Action | Literal["a view"]]] = set()
        """What could not be told of the last time. The log hears of it once."""
        self.has_told_all = False
        """Whether the last time there was nothing to tell, not even later, but a sign of life."""
        self._turns: Final = itertools.count(1)
        self._told_at: Final[dict[Channel, float]] = {}
        self._told_about: str | None = ""
        self._to_say: Said | None = None
        self._refusals: Final = Refusals()
        self._to_show: Found | None = None
        self._last_said: Said | None = None
        self._complained = ""
        self._pinged: Final[dict[Table, set[str]]] = {table: set() for table in TABLES}
        """The views that asked whether they are heard while this cell runs."""
        self._pinged_in: int | None = None
        self._cell_since: float | None = None
        self._requested_at = float("-inf")
        self._button_states: Final = ButtonStates()
        self._all_told_of: object = None
        """How things stood when the buttons and the status line needed no letter."""

    @property
    def _all_views(self) -> list[TableViews | DetailViews | OutputViews | PlotViews]:
        return [*self.views.values(), self.detail_views, self.output_views, self.plot_views]

    @property
    def has_words(self) -> bool:
        """Whether something is to be said in the status line."""
        return self._to_say is not None or self._refusals.are_waiting

    @property
    def are_only_tables_shown(self) -> bool:
        """Whether nobody looks at anything else."""
        others = [*self.detail_views, *self.output_views, *self.plot_views]
        return not others

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks at one of the tables, or at output in a window of its own."""
        return any(len(views) > 0 for views in self._told_views.values())

    @property
    def _told_views(self) -> dict[Channel, TableViews | OutputViews]:
        """Those that hear a word each second."""
        told: dict[Channel, TableViews | OutputViews] = {"output": self.output_views}
        for table in TABLES:
            told[table] = self.views[table]
        return told

    def expect_answers(self, now: float) -> None:
        """A user did something and waits to see it."""
        self._requested_at = now
        for views in self.views.values():
            for view in views:
                view.answers_owed = ANSWERS

    def greet_table(self, table: Table, view: str, window: Window, now: float) -> None:
        """A view of a table is new, or trusts nothing that it knows."""
        if not len(self.views[table]):
            self._told_at[table] = now  # What was told before, nobody that is there has heard.
        self.views[table].greet(view, window, now)

    def show_output(
        self, view: str, subject: OutputSubject, known: int, now: float, *, stays: bool
    ) -> None:
        """A view of output is open, and what it shows."""
        if not len(self.output_views):
            self._told_at["output"] = now
        self.output_views.show(view, subject, known, now, stays=stays)

    def greet_line(self, view: str) -> None:
        """A view of the status line is new: it knows nothing."""
        if len(self._lines) < MOST_LINES:
            self._lines.add(view)
        self._told_about = None
        self._last_said = None

    def forget_line(self, view: str) -> None:
        """A view of the status line is gone."""
        self._lines.discard(view)

    def say(self, said: Said) -> None:
        """Show it in the status line. An error that is not shown yet does not give way to news, and
        another one stands beside it.

        An error that stands there is not sent again, for it may come at each look.
        """
        stands_there = self._to_say is None and said == self._last_said
        if said.is_error and stands_there:
            return
        waiting = self._to_say
        if waiting is None or not waiting.is_error:
            self._to_say = said
        elif said.is_error and said.text not in waiting.text:
            both = put_together([waiting, said])
            self._to_say = replace(both, text=both.text[:LONGEST_SAID])

    def refuse(self, reason: str, count: int = 1) -> None:
        """Answer a page's message that nothing is done of, or so many: every time."""
        self._refusals.add(reason, count)

    def show_found(self, found: Found) -> None:
        """Show all event loops of this kernel in their own view."""
        self._to_show = found

    def answer_ping(self, table: Table, view: str, cell: int) -> None:
        """A view was heard while this cell runs, and is to know it."""
        self._pinged_in = cell
        if len(self._pinged[table]) < MOST_VIEWS:
            self._pinged[table].add(view)

    def cell_runs(self, now: float, *, running: bool) -> None:
        """Another cell runs, or none.

        An earlier one has ended: who was not answered while it ran need not be any more. While one
        runs, a page may be there that cannot be heard, so silence then counts for nothing.
        """
        for pinged in self._pinged.values():
            pinged.clear()
        if self._cell_since is not None:
            for views in self._all_views:
                views.excuse(now - self._cell_since, now)
        self._cell_since = now if running else None

    def send_what_is_due(self, face: Face, now: float) -> float | None:
        """Send what there is to send and room for; when to come back, if nothing happens."""
        moments = []
        if self._cell_since is None:
            for views in self._all_views:
                views.forget_silent(now)
        self.has_told_all = True
        for letter in self._letters(face, now):
            free_at = max(self._budget.free_at(now, letter.most), letter.not_before)
            if free_at > now or not letter.tells_nothing:
                self.has_told_all = False
            if free_at > now:
                moments.append(free_at)
            else:
                self._budget.spend(now)
                try:
                    letter.send()
                except Exception as error:  # noqa: BLE001 - see `_complain`
                    self._complain(error)
        for table, views in self._told_views.items():
            if len(views):
                moments.append(self._told_at.get(table, now) + BEAT_AFTER)
        if self._cell_since is None:
            silent_at = [views.next_to_forget() for views in self._all_views]
            moments += [moment for moment in silent_at if moment is not None]
        # A beat that is due and found no room counts by the moment when there is some.
        return min((moment for moment in moments if moment > now), default=None)

    def _letters(self, face: Face, now: float) -> Iterator[_Letter]:
        """All that might be sent, the most urgent first.

        Each is made when its turn comes, so it knows what was sent before it.
        """
        is_amid_clicks = now < self._requested_at + CLICKS_EXPECTED
        for_news = FOR_NEWS_AMID_CLICKS if is_amid_clicks else FOR_NEWS
        if self.has_words:
            yield _Letter(MOST, partial(self._send_words, face, now))
        if self._to_show is not None:
            yield _Letter(MOST, partial(self._send_found, face, now, self._to_show))
        for table, pinged in self._pinged.items():
            if pinged:
                yield _Letter(MOST, partial(self._send_pong, face, now, table))
        yield from self._questions(face, now)
        yield from self._beats(face, now, BEAT_OVERDUE_AFTER)
        yield from self._frames(face, now, for_news)
        yield from self._plots(face, now, for_news)
        shown = self._showing.controls_depend_on(face)
        state = (shown, face.button_changes, self._told_about, bool(self._lines))
        if state != self._all_told_of:
            self._all_told_of = state
            for letter in self._controls(face, now, for_news, is_amid_clicks=is_amid_clicks):
                self._all_told_of = None
                yield letter
        yield from self._beats(face, now, BEAT_AFTER)

    def _controls(
        self, face: Face, now: float, for_news: int, *, is_amid_clicks: bool
    ) -> Iterator[_Letter]:
        """For the buttons and the status line."""
        self._button_states.notice(self._showing.possible_actions(face), now)
        for action in self._button_states.to_enable(face.is_disabled):
            enable = partial(face.set_disabled, action, disabled=False)
            send = partial(self._change_button, action, enable)
            yield _Letter(MOST if is_amid_clicks else for_news, send)
        about = clean(self._showing.about(face))
        if about != self._told_about and self._lines:
            send = partial(self._send_about, face, now, about, self._showing.tells_why(face))
            yield _Letter(FOR_DETAILS if is_amid_clicks else for_news, send)
        for action, moment in self._button_states.to_disable(
            face.is_disabled, now, is_watched=self.is_watched
        ):
            disable = partial(face.set_disabled, action, disabled=True)
            send = partial(self._change_button, action, disable)
            yield _Letter(for_news, send, not_before=moment)
        for action in Action:
            label = self._showing.label(face, action)
            if label != face.label(action):
                write = partial(face.set_label, action, label)
                yield _Letter(MOST, partial(self._change_button, action, write))
        for action in Action:
            why = self._showing.why_impossible(face, action)
            if why != face.why(action) and (why is None or face.is_disabled(action)):
                tell_why = partial(face.set_why, action, why)
                yield _Letter(for_news, partial(self._change_button, action, tell_why))

    def _questions(self, face: Face, now: float) -> Iterator[_Letter]:
        for table, views in self.views.items():
            question = views.question_to_stranger()
            if question is not None:
                yield _Letter(MOST, partial(self._post, face, now, table, question))

    def _beats(self, face: Face, now: float, after: float) -> Iterator[_Letter]:
        """Late ones come before everything else, or the page would say that contact is lost."""
        for table, views in self._told_views.items():
            if len(views) and now >= self._told_at.get(table, now) + after:
                send = partial(self._post, face, now, table, {"type": "beat"})
                yield _Letter(MOST, send, tells_nothing=True)

    def _frames(self, face: Face, now: float, for_news: int) -> Iterator[_Letter]:
        """A frame for each view that does not know all; among equals, pages take turns, and so do
        a page's table and its detail tab.
        """
        in_tables = [
            (
                self._most_for(table, view, now, for_news),
                view.turn,
                partial(self._frame, table, view),
            )
            for table, views in self.views.items()
            for view in views
        ]
        in_tabs = [
            (FOR_DETAILS if view.awaits_all else for_news, view.turn, partial(self._detail, view))
            for view in self.detail_views
        ]
        in_outputs = [
            (FOR_DETAILS if view.awaits_lines else for_news, view.turn, partial(self._output, view))
            for view in self.output_views
        ]
        all_views = in_tables + in_tabs + in_outputs
        for most, _, letter_of in sorted(all_views, key=lambda each: (-each[0], each[1])):
            try:
                send = letter_of(face, now)
            except Exception as error:  # noqa: BLE001 - see `_complain`
                self._complain(error)
                continue
            if send is not None:
                yield _Letter(most, send)
        for view in self.output_views:
            for large in self._large(view, face, now):
                yield _Letter(for_news, large, not_before=self._byte_budget.free_at)

    def _plots(self, face: Face, now: float, for_news: int) -> Iterator[_Letter]:
        """For each open Plots tab; they take turns too."""
        for view in sorted(self.plot_views, key=lambda each: each.turn):
            try:
                news = view.news(self._showing.plots(view.subject))
            except Exception as error:  # noqa: BLE001 - see `_complain`
                self._complain(error)
                continue
            if news is not None:
                yield _Letter(
                    FOR_DETAILS if view.awaits_all else for_news,
                    partial(self._send_plots, face, now, view, news),
                    not_before=max(view.next_at, self._byte_budget.free_at),
                )

    def _frame(self, table: Table, view: View, face: Face, now: float) -> Callable[[], None] | None:
        contents = self._showing.contents(table, face, view.window)
        frame = view.next_frame(contents)
        if frame is None:
            return None
        return partial(self._send_frame, face, now, table, view, frame, contents)

    def _detail(self, view: DetailView, face: Face, now: float) -> Callable[[], None] | None:
        parts = self._showing.details(view.subject)
        changes = view.changes(parts)
        if changes is None:
            return None
        return partial(self._send_detail, face, now, view, changes, parts)

    def _output(self, view: OutputView, face: Face, now: float) -> Callable[[], None] | None:
        news = view.news(*self._showing.output(view.subject))
        if news is None:
            return None
        return partial(self._send_output, face, now, view, news)

    def _large(self, view: OutputView, face: Face, now: float) -> Iterator[Callable[[], None]]:
        if view.picture is not None:
            yield partial(self._send_picture, face, now, view)
        if view.saves_from is not None:
            yield partial(self._send_piece, face, now, view)

    def _most_for(self, table: Table, view: View, now: float, for_news: int) -> int:
        """What a click changes shows in the table of loops first: in the tasks it is a detail."""
        most = FOR_DETAILS if view.awaits_rows else for_news
        if view.answers_owed and now < self._requested_at + CLICKS_EXPECTED:
            most = max(most, MOST if table == "loops" else FOR_DETAILS)
        return most

    def _complain(self, error: Exception) -> None:
        """Say that one view cannot be told, and tell the others: what it shows may be the user's,
        and raise whatever it is asked. The log has the whole of it, once.
        """
        words = f"The panel could not be refreshed: {error_in_words(error)}"
        if words != self._complained:
            _log.error("A view of the panel could not be refreshed", exc_info=error)
        self._complained = words
        self.say(Said(words, is_error=True))

    # -- what sends a letter

    def _send_words(self, face: Face, now: float) -> None:
        words = [self._to_say] if self._to_say is not None else []
        if self._refusals.are_waiting:
            words.append(self._refusals.take())
        said = put_together(words)
        self._to_say, self._last_said = None, said
        level = "error" if said.is_error else "info"
        text = clean(said.text, longest=LONGEST_SAID)
        left = {} if said.until is None else {"seconds": round(max(0.0, said.until - now), 3)}
        self._post(face, now, "status", {"type": "said", "level": level, "text": text, **left})

    def _send_pong(self, face: Face, now: float, table: Table) -> None:
        views = sorted(self._pinged[table])
        self._pinged[table].clear()
        self._post(face, now, table, {"type": "pong", "cell": self._pinged_in, "views": views})

    def _send_found(self, face: Face, now: float, found: Found) -> None:
        self._to_show = None
        clock = time.strftime("%H:%M:%S", time.localtime(found.at))
        self._post(face, now, "finder", found_message(found, clock))

    def _send_about(self, face: Face, now: float, about: str, tells_why: bool) -> None:
        self._told_about = about
        self._post(face, now, "status", {"type": "info", "text": about, "why": tells_why})

    def _send_frame(
        self, face: Face, now: float, table: Table, view: View, frame: Frame, contents: Contents
    ) -> None:
        message = view.message(frame, contents, next(self._turns), self._showing.now)
        self._post(face, now, table, message)

    def _send_detail(
        self, face: Face, now: float, view: DetailView, changes: Parts, parts: Parts
    ) -> None:
        self._post(face, now, "details", view.message(changes, parts, next(self._turns)))

    def _send_output(self, face: Face, now: float, view: OutputView, news: OutputNews) -> None:
        self._post(face, now, "output", view.message(news, next(self._turns), now))

    def _send_picture(self, face: Face, now: float, view: OutputView) -> None:
        message = view.picture_message(self._showing.output(view.subject)[0])
        self._post_large(face, now, message, len(message.get("data", "")))

    def _send_piece(self, face: Face, now: float, view: OutputView) -> None:
        message = view.piece(partial(self._showing.whole_output, view.subject.loop_id))
        self._post_large(face, now, message, len(message["text"].encode()))

    def _post_large(self, face: Face, now: float, message: Message, size: int) -> None:
        self._byte_budget.spend(now, size)
        self._post(face, now, "output", message)

    def _send_plots(self, face: Face, now: float, view: PlotView, news: News) -> None:
        self._byte_budget.spend(now, news.size)
        message = view.message(news, next(self._turns), now)
        self._post(face, now, "plots", message, news.pictures)

    def _change_button(self, action: Action, change: Callable[[], None]) -> None:
        try:
            change()
        except Unreachable:
            self._note_unreached(action)
        except BaseException:  # noqa: BLE001 - an observer's CancelledError ends no thread of ours
            _log.exception("An observer of the panel's button %s failed", action.value)
        else:
            self._unreached.discard(action)

    def _post(
        self,
        face: Face,
        now: float,
        channel: Channel,
        message: Message,
        buffers: Sequence[bytes] = (),
    ) -> None:
        self._told_at[channel] = now
        try:
            face.send(channel, message, buffers)
        except Exception:  # noqa: BLE001 - nor does a broken connection
            self._note_unreached("a view")
            # Whoever is still there will notice the silence and say hello.
            if channel == "details":
                self.detail_views.forget_all()
            elif channel == "output":
                self.output_views.forget_all()
            elif channel == "plots":
                self.plot_views.forget_all()
            elif channel in self.views:
                self.views[channel].forget_all()
        else:
            self._unreached.discard("a view")

    def _note_unreached(self, what: Action | Literal["a view"]) -> None:
        if not self._unreached:
            _log.exception("The panel cannot reach its pages")
        self._unreached.add(what)
