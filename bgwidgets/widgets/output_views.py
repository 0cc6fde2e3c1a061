"""What each open view of a loop's output has been told, and so what it must be told next.

A view that follows the end is told what is new in its window; one that was scrolled up keeps what
it has, and only hears how much there is by now. A page that shows no output has no view here, and
costs nothing. Used by the publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from bgwidgets.widgets.cleaning import sendable
from bgwidgets.widgets.output_text import Line, OutputText, head_of, picture_of
from bgwidgets.widgets.protocols import Message
from bgwidgets.widgets.views import FORGOTTEN_AFTER, MOST_VIEWS

_NOTHING: Final = -1
"""No line's number."""
PIECE: Final = 96_000
"""Characters of a piece of what is downloaded: the server takes a million bytes a second."""
ON_ITS_WAY: Final = 3.0
"""Seconds in which a page may not have heard yet what it was told. A page that misses a message
notices that by itself."""
MOST_SAVED: Final = 200_000_000
"""Characters of what is downloaded; a log may be allowed to hold as much as its user likes."""
LARGEST_PICTURE: Final = 700_000
"""Characters, as it travels."""


@dataclass(frozen=True, slots=True)
class OutputSubject:
    """What a view shows."""

    loop_id: int
    task_id: int | None = None
    """Only what this task wrote."""
    find: str = ""
    around: int | None = None
    """The number of the line that is looked at; None: the end, and then what comes."""


@dataclass(frozen=True, slots=True)
class Step:
    """To the next line that has what is looked for, or back to the one before."""

    number: int
    back: bool


@dataclass(frozen=True, slots=True)
class OutputNews:
    """What a view is to be told."""

    subject: OutputSubject
    window: tuple[int, list[Line]] | None
    """The place of its first line, and the lines; None: what it has stays."""
    open_lines: list[list[Any]]
    head: Mapping[str, Any]
    hit: Mapping[str, Any] | None
    """The place of a line among those that have what is looked for, and its number."""
    shown: tuple[OutputText, str | None]
    """What it knows then."""


class OutputView:
    """One page's view of a loop's output."""

    def __init__(self, name: str, subject: OutputSubject) -> None:
        self.name: Final = name
        self.seen_at = 0.0
        self.turn = 0
        """When it was told last, in the numbers of `View.turn`."""
        self.picture: int | None = None
        """The number of the line whose picture it waits for."""
        self.saves_from: int | None = None
        """From where on it waits for the next piece of the whole text."""
        self.saved: str | None = None
        """The whole, as it was when the first piece was asked for."""
        self._step: Step | None = None
        self.begin_anew(subject)

    def begin_anew(self, subject: OutputSubject) -> None:
        """It knows nothing, or nothing that can be trusted."""
        self.subject = subject
        self.seq = 0
        """The number of the last message, from 1 on."""
        self.told_at = float("-inf")
        self._awaits_lines = True
        self._asked_around = subject.around
        """The line for which it asked last."""
        self._numbers: frozenset[int] = frozenset()
        self._open_lines: list[list[Any]] = []
        self._head: Mapping[str, Any] = {}
        self._shown: tuple[OutputText | None, str | None] = (None, "")

    def trusts(self, known: int, now: float) -> bool:
        """Whether the page has all that was told, or the rest of it is still on its way."""
        if known == self.seq:
            return True
        return 0 < known < self.seq and now < self.told_at + ON_ITS_WAY

    @property
    def awaits_lines(self) -> bool:
        """Whether it shows nothing yet, or was scrolled to what it does not have."""
        return self._awaits_lines or self._step is not None

    def look_at(self, subject: OutputSubject, *, stays: bool) -> None:
        """It was scrolled, or looks for something. If it `stays`, it has the lines in sight."""
        self._awaits_lines |= not stays and subject.around != self._asked_around
        self._asked_around = _NOTHING if stays else subject.around
        self.subject = subject
        self._shown = (None, "")

    def find_next(self, step: Step) -> None:
        """It is to be led to the next hit."""
        self._step = step
        self._shown = (None, "")

    def news(self, text: OutputText, name: str | None) -> OutputNews | None:
        """What it does not know; None when it knows all. `name` is the loop's; None: it is gone."""
        if self._shown == (text, name):
            return None
        subject, hit = self.subject, None
        if self._step is not None and subject.find:
            hits = text.hits(subject.find)
            at = text.next_hit(subject.find, self._step.number, back=self._step.back)
            hit = {"at": at, "number": None if at is None else hits[at]}
            if hit["number"] is not None:
                subject = replace(subject, around=hit["number"])
        window = None
        if self._awaits_lines or subject.around is None or subject != self.subject:
            window = text.window(subject.around)
            if not self._awaits_lines and {line.number for line in window[1]} == self._numbers:
                window = None
        open_lines = [line.told() for line in text.open_lines()]
        head = {
            key: value
            for key, value in {**head_of(text, subject.find), "name": name}.items()
            if key not in self._head or self._head[key] != value
        }
        if window is None and not head and open_lines == self._open_lines and hit is None:
            self._shown = (text, name)
            return None
        return OutputNews(subject, window, open_lines, head, hit, (text, name))

    def message(self, news: OutputNews, turn: int, now: float) -> Message:
        """The message that tells it; what was told is known from now on."""
        is_full = self.seq == 0
        self.seq += 1
        self.turn, self.told_at = turn, now
        if news.hit is not None:
            self._asked_around = _NOTHING
        self.subject, self._step, self._awaits_lines = news.subject, None, False
        self._shown = news.shown
        message: dict[str, Any] = {
            "type": "output",
            "view": self.name,
            "seq": self.seq,
            "full": is_full,
            "loop": news.subject.loop_id,
            "task": news.subject.task_id,
        }
        if news.head:
            message["head"] = news.head
            self._head = {**self._head, **news.head}
        if is_full or news.open_lines != self._open_lines:
            message["open"] = self._open_lines = news.open_lines
        if news.hit is not None:
            message["hit"] = news.hit
        if news.window is not None:
            start, lines = news.window
            numbers = frozenset(line.number for line in lines)
            kept = numbers & self._numbers
            message["window"] = {
                "start": start,
                "first": lines[0].number if lines else None,
                "last": lines[-1].number if lines else None,
                "follows": news.subject.around is None,
                # Those between that are not there any more: what was displayed was replaced.
                "gone": _between(self._numbers - numbers, lines),
                "lines": [line.told() for line in lines if line.number not in kept],
            }
            self._numbers = numbers
        return message

    def picture_message(self, text: OutputText) -> Message:
        """The picture that it waits for, or why it does not come."""
        number, self.picture = self.picture, None
        entry = None if number is None else text.entry(number)
        kind = None if entry is None else picture_of(entry)
        data = "" if entry is None or entry.data is None else str(entry.data.get(kind or "", ""))
        why = None
        if not data:
            why = "The picture is not held any more"
        elif len(data) > LARGEST_PICTURE:
            why = f"The picture is too large to be shown here: {len(data):,} characters"
        fields = {"why": why} if why else {"kind": kind, "data": data}
        return {"type": "picture", "view": self.name, "number": number, **fields}

    def piece(self, whole: Callable[[], str]) -> Message:
        """The next piece of the whole; `whole` gives all of it as it is now."""
        start, self.saves_from = self.saves_from or 0, None
        if start == 0 or self.saved is None:
            self.saved = sendable(whole(), longest=MOST_SAVED)
        piece = self.saved[start : start + PIECE]
        stop, total = start + len(piece), len(self.saved)
        if stop >= total:
            self.saved = None
        return {
            "type": "piece",
            "view": self.name,
            "text": piece,
            "start": start,
            "stop": stop,
            "total": total,
        }


def _between(numbers: frozenset[int], lines: list[Line]) -> list[int]:
    if not lines:
        return []
    return sorted(n for n in numbers if lines[0].number < n < lines[-1].number)


class OutputViews:
    """All views of output that are open."""

    def __init__(self) -> None:
        self._views: Final[dict[str, OutputView]] = {}

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[OutputView]:
        return iter(self._views.values())

    def show(
        self, name: str, subject: OutputSubject, known: int, now: float, *, stays: bool = False
    ) -> None:
        """A view is open. One that shows another loop or task now, or has missed a message, is told
        all; one that `stays` at the lines that it has is told no others.
        """
        view = self._views.get(name)
        if view is None:
            if len(self._views) >= MOST_VIEWS:
                del self._views[min(self, key=lambda each: each.seen_at).name]
            view = self._views[name] = OutputView(name, subject)
        elif not view.trusts(known, now) or _whose(view.subject) != _whose(subject):
            view.begin_anew(subject)
        else:
            view.look_at(subject, stays=stays)
        view.seen_at = now

    def find_next(self, name: str, step: Step) -> None:
        """A view is to be led to the next hit."""
        if (view := self._views.get(name)) is not None:
            view.find_next(step)

    def show_picture(self, name: str, number: int) -> None:
        """A view wants the picture that one of its lines stands for."""
        if (view := self._views.get(name)) is not None:
            view.picture = number

    def save(self, name: str, start: int) -> None:
        """A view wants all of it, and has it up to there."""
        if (view := self._views.get(name)) is not None:
            view.saves_from = start

    def forget(self, name: str) -> None:
        """A view was closed."""
        self._views.pop(name, None)

    def forget_all(self) -> None:
        """None of them can be reached; whoever is there will say what it shows."""
        self._views.clear()

    def forget_silent(self, now: float) -> None:
        """Forget the views that nobody looks at any more."""
        for view in list(self):
            if now >= view.seen_at + FORGOTTEN_AFTER:
                del self._views[view.name]

    def excuse(self, seconds: float, now: float) -> None:
        """For so long until now none of them could be heard: that silence does not count."""
        for view in self:
            view.seen_at = min(now, view.seen_at + seconds)

    def next_to_forget(self) -> float | None:
        """When the next one will have been silent for too long."""
        return min((view.seen_at + FORGOTTEN_AFTER for view in self), default=None)


def _whose(subject: OutputSubject) -> tuple[int, int | None]:
    return subject.loop_id, subject.task_id
