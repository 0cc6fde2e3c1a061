"""One fault on one loop, ended in one way: what must be true then."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_client.session import json_packer

from bgwidgets import ControlPanel, LoopManager
from bgwidgets.snapshots import StopReport
from tests.faults.ends import GRACE, PATIENT, STOP_TAKES, Way, click
from tests.faults.faults import BEGUN, FAULTS, GIL_HELD_FOR, GO, Fault, How, for_ever
from tests.faults.kinds import Kind, Place, Subject, set_up
from tests.waiting import until
from tests.widgets.panel_page import Page

SOON = 2.0
"""Seconds that a future takes at most, when its loop has been stopped."""
MOST_LOOPS = 50
"""As many rows the page has; it shows those of all scenarios."""
LONGEST_MESSAGE = 50_000
"""Bytes to a page, whatever a task is called."""
LONGEST_STEP = 0.6
"""Seconds that the machine may keep anything from running, beside what is promised."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What goes wrong where, and what is done about it."""

    kind: Kind
    fault_name: str
    place: Place
    way: Way
    fault: Fault = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fault", FAULTS[self.fault_name])

    def __str__(self) -> str:
        return f"{self.fault_name}:{self.place}:{self.way.name}"

    @property
    def held(self) -> float:
        """Seconds for which C code may hold the lock of this interpreter, so that nothing can be
        done: its own, and that of another one that is played beside it.
        """
        holds = self.fault.for_ever is not None and not self.kind.has_a_process
        return 2 * GIL_HELD_FOR if holds else 0.0

    @classmethod
    def read(cls, kind: Kind, text: str) -> Scenario:
        """The one that is written so."""
        fault, place, way = text.split(":")
        return cls(kind, fault, Place(place), Way[way])

    def run(self, manager: LoopManager, folder: Path, client: Any = None) -> None:
        """Play it, and look whether all promises are kept."""
        panel = ControlPanel(manager, interval=0.2)
        page = Page(panel)
        page.open()
        page.send("loops", type="hello", view="l", start=0, stop=MOST_LOOPS)
        try:
            path = str(folder / f"{self.fault_name}-{self.place}-{self.way.name}")
            subject = set_up(manager, self.kind, self.place, self.fault, path, client)
            self._play(subject, panel, page, path)
            self._panel_lives(manager, panel, page)
        finally:
            panel.close()

    def _play(self, subject: Subject, panel: ControlPanel, page: Page, path: str) -> None:
        job = subject.job
        Path(path + GO).touch()
        until(Path(path + BEGUN).exists)
        self._has_come_about(subject)
        shows(page, job.id)
        click(self.way, job, panel, page)
        if ends_alone := self._ends_by_the_button_alone():
            job.wait(STOP_TAKES + LONGEST_STEP + self.held)
        began = time.monotonic()
        grace = PATIENT if self._gives_way() else GRACE
        report = job.stop(grace)  # It comes last in any case.
        assert not (ends_alone and report.steps), f"{report}, though it had ended"
        took = time.monotonic() - began
        assert took < grace + STOP_TAKES + LONGEST_STEP + self.held, f"stop() took {took:.2f} s"
        self._is_true(subject, report)
        for future in subject.futures:
            resolved(future, self.fault.error)
        self._result_is_told(subject, report)
        if not report.outcome.has_ended:
            self._given_up(subject)

    def _ends_by_the_button_alone(self) -> bool:
        """The one that ends a loop, whatever its tasks do; but for what blocks it."""
        return self.way is Way.STOP_LOOP and self._outcomes() != {"stopping"}

    def _has_come_about(self, subject: Subject) -> None:
        """What fails by itself has failed; what blocks has been found out."""
        job, fault = subject.job, self.fault
        if fault.how is How.FAILS and self.place is Place.MAIN:
            job.wait(5)
        elif fault.how is How.FAILS:
            until(lambda: self.kind is Kind.ADOPTED or subject.futures[0].done())
        elif fault.how is How.BLOCKS:
            until(lambda: job.snapshot().blocked)

    def _gives_way(self) -> bool:
        calm = self.fault.how in {How.CALM, How.FAILS} and self.fault.for_ever is None
        return calm and self.place is Place.OTHER

    def _is_true(self, subject: Subject, report: StopReport) -> None:
        job = subject.job
        assert report.outcome in self._outcomes(), f"{report}, not {self._outcomes()}"
        assert job.state == report.outcome
        if not report.outcome.has_ended:
            assert not subject.has_gone()
            assert report.threads_left, report
            assert report.notes, report
            is_named = subject.fault_name in report.unfinished_tasks
            assert is_named or self._cannot_be_asked(report), report
            return
        until(subject.has_gone)
        stubborn = self.fault.how is How.STUBBORN
        assert stubborn == (subject.fault_name in report.unfinished_tasks), report
        if self.fault.leaves_a_thread and not self.kind.has_a_process:
            assert report.threads_left, report
        elif self.fault.leaves_a_thread:
            assert "ended with its process" in "; ".join(report.notes), report
        else:
            assert () == report.threads_left

    def _cannot_be_asked(self, report: StopReport) -> bool:
        """The process of which C code holds the lock: what was known last is told, and said to be
        so.
        """
        is_held = self.fault.for_ever is not None and self.kind.has_a_process
        return is_held and "when it answered last" in "; ".join(report.notes)

    def _outcomes(self) -> set[str]:
        fault, way, place = self.fault, self.way, self.place
        if fault.how is How.BLOCKS or (fault.for_ever is not None and self.kind.has_a_process):
            return {"stopping"}
        if fault.how is How.FAILS and place is Place.MAIN:
            return {"failed"}
        if fault.throws_out and self.kind is Kind.ADOPTED:
            # Cancelled where the click comes before it is seen that nobody runs it any more.
            is_cancelled = way is Way.CANCEL_TASKS and place is Place.MAIN
            return {"stopped", "cancelled"} if is_cancelled else {"stopped"}
        asked = "finished" if place is Place.OTHER else "cancelled"
        told = {
            Way.STOP_EVENT: asked,
            Way.STOP: asked,
            Way.STOP_LOOP: "stopped",
            Way.CANCEL_TASKS: "cancelled",
        }[way]
        if fault.how in {How.STUBBORN, How.STUBBORN_ONCE}:
            # The ladder goes down to its end, where there is need to. Of somebody else's loop we do
            # not wait for the tasks before it ends.
            if fault.how is How.STUBBORN_ONCE:
                return {told, "stopped"}
            goes_on = self.kind is not Kind.ADOPTED or place is Place.MAIN
            return {"stopped"} if goes_on else {told}
        return {told}

    def _result_is_told(self, subject: Subject, report: StopReport) -> None:
        """At once, whatever it is."""
        told = outcome_of(partial(subject.job.result, SOON))
        if report.outcome == "failed":
            assert self.fault.error == told
        else:
            assert told == ("" if report.outcome == "finished" else "LoopEnded")

    def _given_up(self, subject: Subject) -> None:
        """A process can be killed, and a thread cannot."""
        job = subject.job
        if self.kind.has_a_process:
            job.kill()
            assert "killed" == job.wait(SOON)
            until(subject.has_gone)

    def _panel_lives(self, manager: LoopManager, panel: ControlPanel, page: Page) -> None:
        probe = manager.start(for_ever, name=f"probe-{self}")
        shows(page, probe.id)
        panel.selected = probe.id
        panel.stop_loop_button.click()
        assert "stopped" == probe.wait(SOON + self.held)
        probe.remove()
        # Whatever a task is called, the kernel can pack it.
        for _, message in page.heard:
            assert len(json_packer(message)) < LONGEST_MESSAGE


def shows(page: Page, loop_id: int) -> None:
    """The page comes to have a row of this loop."""

    def has_row(message: dict[str, Any]) -> bool:
        return message["type"] == "frame" and any(
            row.get("id") == loop_id for _, row in message["rows"]
        )

    page.wait_for("loops", has_row)


def resolved(future: Future[Any], but: str) -> None:
    """With a result, as cancelled, with `LoopEnded` or with that other error; and soon."""
    told = outcome_of(partial(future.result, SOON))
    assert told in {"", "CancelledError", "LoopEnded", but}, "somebody would wait for ever"


def outcome_of(ask: Callable[[], object]) -> str:
    """The type of the error, if there is one."""
    try:
        ask()
    except BaseException as error:  # noqa: BLE001 - of whatever kind
        return type(error).__name__
    return ""
