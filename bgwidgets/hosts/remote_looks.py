"""Looks at the tasks of a loop in another process: what only that process can know.

Who looks waits, and not for long. Of a process that hangs, one look waits for nothing, and that for
a tenth of a second; all that follow show at once what was known last. Of one that is slow, or far
away, the answer that came too late for one look is there for the next.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final

from bgwidgets.hosts.last_known import LastKnown
from bgwidgets.hosts.messages import (
    Question,
    WantDetail,
    WantFigures,
    WantHistory,
    WantMetrics,
    WantWindow,
)
from bgwidgets.hosts.questions import Questions, Unanswered, Waiting
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    MetricSnapshot,
    TaskDetail,
    TaskWindow,
    WindowRequest,
)

ANSWER_LIMIT: Final = 0.3
"""Seconds for what is asked while somebody waits; a fraction of a millisecond is usual."""
FOR_EACH_TASK: Final = 0.0001
"""Seconds that an answer may take longer for each task in it, and a fifth of that for each task
that there is.
"""
RECENT: Final = 1.5
"""Seconds in which the last answer to the same question is nearly as good as a new one,"""
BRIEFLY: Final = 0.1
"""so that one waits no longer than this: others are looked at after this one. And so long for each
sign of life of a process that takes its time.
"""
SIGN_AFTER: Final = 0.02
"""Seconds without an answer, after which it is asked for a sign of life."""
MOST_ASIDE: Final = 4
"""Questions to a slow process that are open at the same time."""
KEPT_UP_EVERY: Final = 1.0
"""Seconds between two questions that nobody has asked, after what is to be known of a loop should
it be gone without a word.
"""
KEPT_UP_AT_FIRST: Final = 0.05
"""And between the first two of a run; from one to the next it is doubled."""
FIRST_ROWS: Final = WindowRequest()
MOST_ENDED: Final = 1_000
"""Of the ended tasks as many are listed."""


class RemoteLooks:
    """Those at one run of one loop. Any thread may call everything."""

    def __init__(
        self,
        loop_name: str,
        known: LastKnown,
        questions: Questions,
        can_be_asked: Callable[[], bool],
        ask_for_sign: Callable[[], None],
    ) -> None:
        """`can_be_asked` says whether it makes sense for the calling thread to wait. What comes
        after `ask_for_sign`, whatever it is, is told by `heard`.
        """
        self._loop_name: Final = loop_name
        self._known: Final = known
        self._questions: Final = questions
        self._can_be_asked: Final = can_be_asked
        self._ask_for_sign: Final = ask_for_sign
        self._signs = 0
        self._answered_at: Final[dict[object, float]] = {}
        self._is_slow = False
        """The last answer did not come in time."""
        self._has_news = False
        """It has told something new since its tasks and findings were asked for unasked."""
        self._kept_up_at = 0.0
        self._keeps_up_every = 0.0
        self._keeping_up: Future[Any] | None = None
        self._aside = 0
        """Questions that are open, and for whose answers nobody waits."""

    def heard(self) -> None:
        """The process has said something. In the listening thread."""
        self._signs += 1

    def told(self, *, is_news: bool) -> None:
        """It has told how it stands, and whether that is new. Now and then its first tasks, metrics
        and figures are asked for, so that they are known when it is gone, though nobody has looked.
        In the listening thread; does not wait.
        """
        self._has_news = self._has_news or is_news
        now = time.monotonic()
        is_answered = self._keeping_up is None or self._keeping_up.done()
        if not self._has_news or not is_answered or now - self._kept_up_at < self._keeps_up_every:
            return
        self._has_news, self._kept_up_at = False, now
        # A young loop makes its tasks just now, and may hold its lock right after.
        self._keeps_up_every = min(2 * self._keeps_up_every or KEPT_UP_AT_FIRST, KEPT_UP_EVERY)
        known, last = self._known, Future[Any]()
        self._questions.put(
            WantWindow(FIRST_ROWS), Future(), partial(known.keep_window, FIRST_ROWS)
        )
        self._questions.put(WantMetrics(known.metrics_answer), Future(), known.keep_metrics)
        self._keeping_up = last
        figures = WantFigures(known.figures_answer, is_look=False)
        self._questions.put(figures, last, known.keep_figures)

    def task_window(self, request: WindowRequest) -> TaskWindow:
        """Some of the loop's tasks; as known last, when there is no answer."""
        tasks = self._known.snapshot.unfinished_tasks + MOST_ENDED
        shown = max(0, min(request.stop, tasks) - max(0, request.start))
        limit = ANSWER_LIMIT + FOR_EACH_TASK * (shown + tasks / 5)
        keep = partial(self._known.keep_window, request)
        with contextlib.suppress(Unanswered):
            window: TaskWindow = self._ask(WantWindow(request), keep, limit)
            return window
        return self._known.window(request)

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail; as known last, when there is no answer. Raises `UnknownTask`."""
        keep = partial(self._known.keep_detail, task_id)
        with contextlib.suppress(Unanswered):
            detail: TaskDetail = self._ask(WantDetail(task_id), keep)
            return detail
        return self._known.detail(self._loop_name, task_id)

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks; as known last, when there is no answer."""
        with contextlib.suppress(Unanswered):
            self._ask(WantHistory(), self._known.keep_history)
        return self._known.history

    def metrics(self) -> dict[str, MetricSnapshot]:
        """What the work has measured; as known last, when there is no answer."""
        with contextlib.suppress(Unanswered):
            self._ask(WantMetrics(self._known.metrics_answer), self._known.keep_metrics)
        return self._known.metrics

    def figures(self) -> dict[str, FigureSnapshot]:
        """What the work has plotted; as known last, when there is no answer."""
        with contextlib.suppress(Unanswered):
            self._ask(WantFigures(self._known.figures_answer), self._known.keep_figures)
        return self._known.figures

    def ask_patiently(self, question: Question, limit: float) -> Any:
        """The answer; for what has to be known, however slow it is. Raises `Unanswered`."""
        if not self._can_be_asked():
            raise Unanswered
        return self._questions.ask(question, limit, lambda _: None)

    def _ask(
        self, question: Question, keep: Callable[[Any], None], limit: float = ANSWER_LIMIT
    ) -> Any:
        if not self._can_be_asked():
            raise Unanswered
        if self._is_slow:
            self._ask_aside(question, keep, limit)
            raise Unanswered
        if self._was_answered(question):
            limit = min(limit, BRIEFLY)

        def keep_it(answer: Any) -> None:
            keep(answer)
            self._note_answer(question)

        waiting = Waiting()
        self._questions.put(question, waiting, keep_it)
        if not self._comes_in_time(waiting, limit):
            self._is_slow = True
            raise Unanswered
        return waiting.result()

    def _comes_in_time(self, waiting: Waiting, limit: float) -> bool:
        """Wait for an answer, as long as the process shows that it lives; at most `limit` seconds.

        A long list takes a process its time, which is not to be spent on one that is dead.
        """
        until = time.monotonic() + limit
        if waiting.comes(min(SIGN_AFTER, limit)):
            return not waiting.is_in_vain
        pause = BRIEFLY - SIGN_AFTER
        while (left := until - time.monotonic()) > 0:
            signs = self._signs
            self._ask_for_sign()
            if waiting.comes(min(pause, left)):
                return not waiting.is_in_vain
            if signs == self._signs:
                return False
        return False

    def _was_answered(self, question: Question) -> bool:
        at = self._answered_at.get(_what(question))
        return at is not None and time.monotonic() - at < RECENT

    def _note_answer(self, question: Question) -> None:
        """In the listening thread."""
        now = time.monotonic()
        for what, at in list(self._answered_at.items()):
            if now - at >= RECENT:
                del self._answered_at[what]
        self._answered_at[_what(question)] = now

    def _ask_aside(self, question: Question, keep: Callable[[Any], None], limit: float) -> None:
        if self._aside >= MOST_ASIDE:
            return
        self._aside += 1
        began = time.monotonic()

        def answered(answer: Future[Any]) -> None:
            self._aside -= 1
            if answer.exception() is None:
                self._is_slow = time.monotonic() - began > limit

        future: Future[Any] = Future()
        future.add_done_callback(answered)
        self._questions.put(question, future, keep)


def _what(question: Question) -> object:
    """The same for the same question, whatever is known already."""
    return type(question) if isinstance(question, WantMetrics | WantFigures) else question
