"""A host whose loop turns in another process: what the kernel has of it.

Messages go there and come back over a link; whatever that is, this here is the same. Nobody waits
for the other process but who asks it something that only it can know, and he not for long: what was
known last is there at once, with its time.
"""

from __future__ import annotations

import concurrent.futures
import logging
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Final
from weakref import ref

from bgwidgets.belonging import enter_loop_thread, leave_loop_thread
from bgwidgets.commands import (
    CancelTasks,
    HostCommand,
    InterruptLoop,
    KillLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.exceptions import (
    CannotInterrupt,
    HostUnresponsive,
    InvalidWork,
    LoopEnded,
)
from bgwidgets.hosts.event_mirror import EventMirror
from bgwidgets.hosts.inherited import left_in_a_fork
from bgwidgets.hosts.last_known import LastKnown
from bgwidgets.hosts.link import Link
from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.hosts.messages import (
    Answer,
    Begin,
    Cleared,
    FromChild,
    Happened,
    KillMe,
    Look,
    Measured,
    Obey,
    Outcome,
    SetEvent,
    Showed,
    Told,
    WantLeftovers,
    Wrote,
    decode,
)
from bgwidgets.hosts.more_work import MoreWork
from bgwidgets.hosts.no_more_files import PROCESS, say_what_to_do
from bgwidgets.hosts.other_clock import OtherClock
from bgwidgets.hosts.outbox import Outbox
from bgwidgets.hosts.protocol import Capabilities, Leftovers, LoopEnd, LoopPlan
from bgwidgets.hosts.questions import Questions, Unanswered
from bgwidgets.hosts.remote_end import RemoteEnd
from bgwidgets.hosts.remote_looks import RemoteLooks
from bgwidgets.hosts.run_state import RunState, refuse_unknown
from bgwidgets.identifiers import reserve_ids
from bgwidgets.observe.notebook_cells import known_cells
from bgwidgets.output.blocks import NOBODY
from bgwidgets.output.reading import Stream
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    TaskDetail,
    TaskWindow,
    WindowRequest,
)
from bgwidgets.states import LoopEvent, LoopState
from bgwidgets.work import Work, WorkKind

COMMAND_LIMIT: Final = 2.0
"""Seconds until a command that may be refused must have been answered."""
LEFTOVERS_LIMIT: Final = 0.1
"""Seconds for what is left when a stop has run out of time: all of that takes at most 3 s."""
UNRESPONSIVE_AFTER: Final = 2.0
"""Seconds without a word."""
UNANSWERED_AFTER: Final = 5.0
"""Seconds without an answer to a question, whatever else it says."""
STARTS_WITHIN: Final = 15.0
"""Seconds that it may take until the first word: Python starts, and imports this package."""
KILL_LIMIT: Final = 1.0
"""Seconds that `kill()` waits for the end that it brings."""
MOST_KNOWN: Final = 10_000
"""Tasks that are named when it cannot be asked any more."""
FRESH: Final = 0.1
"""Seconds: who looks at what is older has it renewed, for the next look."""
LOOKS_AGAIN_AFTER: Final = 1.0
"""Seconds after which that is asked for once more, when nothing has come."""

_ENDS: Final = frozenset({LoopEvent.CLOSED, LoopEvent.HOST_LOST, LoopEvent.KILLED})
_log: Final = logging.getLogger(__name__)


class RemoteHost:
    """One run of a loop in another process. The methods are those of `protocol.Host`."""

    capabilities: Final = Capabilities(can_be_killed=True)

    def __init__(
        self,
        plan: LoopPlan,
        *,
        kind: str,
        parcel: Callable[[], bytes],
        connect: Callable[[RemoteHost, str], Link],
        kill_advice: str = "kill() ends its process at once",
    ) -> None:
        """`parcel` gives the work, packed, and `connect` the way to the other process, which tells
        this host what comes. `kill_advice` says what `kill()` does when all else is in vain.
        """
        self.kind: Final = kind
        self._outbox: Final = Outbox()
        self._mirror: Final = EventMirror(self._outbox.send, is_kernels=True)
        self.stop_event: Final = self._mirror.event
        self._plan: Final = plan
        self._parcel: Final = parcel
        self._connect: Final = connect
        self._kill_advice: Final = kill_advice
        self._run_state: Final = RunState(plan.changed)
        self._known: Final = LastKnown(
            LoopSnapshot(
                id=plan.loop_id,
                name=plan.name,
                host=kind,
                state=LoopState.STARTING,
                run_number=plan.run_number,
                timings=plan.timings,
                as_of=time.time(),
            )
        )
        self._clock: Final = OtherClock(self._known.as_of)
        self._questions: Final = Questions(self._outbox.send)
        self._looks: Final = RemoteLooks(
            plan.name,
            self._known,
            self._questions,
            self._can_be_asked,
            lambda: self._outbox.send(Look()),
        )
        self._warnings: Final = LoopWarnings(plan.loop_id)
        """Of what goes wrong on this side."""
        self._more_work: Final = MoreWork(
            plan.loop_id, plan.name, self._questions, self._outbox.send, self._warnings.lost
        )
        self._is_starting = False
        self._is_unresponsive = False
        self._output_dropped = 0
        self._waits_for: str | None = None
        self._looks_since: float | None = None
        self._end: Final = RemoteEnd(
            plan, self._run_state, self._known, self.stop_event, self._let_go
        )

    @property
    def loop_id(self) -> int:
        """The loop whose run this is."""
        return self._plan.loop_id

    @property
    def state(self) -> LoopState:
        """The loop's state, as far as it is known here."""
        return self._run_state.state

    @property
    def ended(self) -> Future[LoopEnd]:
        """Resolves exactly once, when the process has ended."""
        return self._end.future

    def start(self) -> None:
        """Start the process; returns at once, while the loop is `starting`.

        Raises `InvalidWork` for what cannot be brought there, or what keeps the process from being
        started; then nothing was started.
        """
        self._is_starting = True
        link: Link | None = None
        try:
            begin = self._begin(self._parcel())
            link = self._connect(self, f"bgw-{self._plan.name}")
            self._outbox.open(link, begin)
            link.start()
        except BaseException as error:
            say_what_to_do(error, PROCESS)
            if link is not None:
                link.abandon()
            self._end.failed_to_start(error)
            raise
        if self._end.is_kill_asked:
            link.kill()

    def _begin(self, parcel: bytes) -> Begin:
        work = self._plan.work
        self._plan.output.cannot_write = self._warnings.output_not_written
        self._plan.output.can_write = self._warnings.output_written
        return Begin(
            loop_id=self._plan.loop_id,
            name=self._plan.name,
            run_number=self._plan.run_number,
            kind=work.kind,
            work_name=work.name,
            qualified_name=work.qualified_name,
            parcel=parcel,
            nested=self._plan.nested,
            timings=self._plan.timings,
            first_id=reserve_ids(),
            cells=known_cells(),
            host=self.kind,
        )

    def abandon(self, error: BaseException) -> None:
        """Its start was broken off, by this error: end what there is of it."""
        if (link := self._outbox.link) is not None:
            link.abandon()
        self._end.failed_to_start(error)

    # What is known

    def snapshot(self) -> LoopSnapshot:
        """How the loop stands, as it was told last. Waits for nobody."""
        self._have_it_renewed()
        known, state = self._known.snapshot, self._run_state.state
        is_over = state.has_ended
        is_asked = state in {LoopState.STARTING, LoopState.RUNNING} and self.stop_event.is_set()
        return replace(
            known,
            state=state,
            unresponsive=None if is_over else self._is_unresponsive,
            can_be_killed=self.capabilities.can_be_killed,
            blocked=None if is_over else known.blocked,
            stop_requested=known.stop_requested or is_asked,
            pid=self._outbox.link.pid if self._outbox.link is not None else None,
            ended_at=self._end.at,
            error=self._end.error_text or known.error,
            error_line=self._end.error_line or known.error_line,
            notes=(*known.notes, *self._waits(), *self._lost_output(), *self._end.notes),
            warnings=(*known.warnings, *self._warnings.kept.all()),
            last_output=self._plan.output.last_line,
            as_of=time.time() if is_over else self._known.as_of,
        )

    def _waits(self) -> tuple[str, ...]:
        if self._waits_for is None or self._run_state.state is not LoopState.STARTING:
            return ()
        return (self._waits_for,)

    def _lost_output(self) -> tuple[str, ...]:
        return (_dropped(self._output_dropped),) if self._output_dropped else ()

    def _have_it_renewed(self) -> None:
        now = time.monotonic()
        since = self._looks_since
        is_old = time.time() - self._known.as_of > FRESH
        if is_old and (since is None or now - since > LOOKS_AGAIN_AFTER):
            self._looks_since = now
            self._outbox.send(Look())

    def standstill(self, *, closely: bool) -> AsTold:
        """As `Host.standstill`. How closely one looks is all one."""
        del closely
        return AsTold(self)

    def stamp(self) -> object:
        """What is the same as long as nothing else was told."""
        return (
            self._run_state.state,
            self._known.changes,
            self._is_unresponsive,
            self.stop_event.is_set(),
            self._plan.run_number,
            self._plan.output.version,
            len(self._end.notes),
            self._output_dropped,
            self._waits_for,
            self._warnings.kept.changes,
            self._end.at,
        )

    def task_window(self, request: WindowRequest) -> TaskWindow:
        """Some of the loop's tasks; as known last, when there is no answer."""
        return self._looks.task_window(request)

    def window_standstill(self, window: TaskWindow) -> None:
        """As `Host.window_standstill`: it is asked, and answers."""

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail; as known last, when there is no answer. Raises `UnknownTask`."""
        return self._looks.task_detail(task_id)

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks; as known last, when there is no answer."""
        return self._looks.history()

    def metrics(self) -> dict[str, MetricSnapshot]:
        """What the work has measured; as known last, when there is no answer."""
        return self._looks.metrics()

    def figures(self) -> dict[str, FigureSnapshot]:
        """What the work has plotted; as known last, when there is no answer."""
        return self._looks.figures()

    def wait_until_drawn(self, limit: float) -> None:
        """Nothing: the last pictures come with the end."""

    def _can_be_asked(self) -> bool:
        """Whether it makes sense for the calling thread to wait for an answer."""
        link = self._outbox.link
        return not (
            link is None
            or link.is_listening_here()
            or self._known.heard_at is None
            or self._is_unresponsive
            or self._run_state.state.has_ended
        )

    # What it is asked

    def command(self, command: HostCommand) -> None:
        """Ask for something. Raises `UnknownTask`, `CannotInterrupt` or `HostUnresponsive`."""
        if self._run_state.state.has_ended:
            return
        if isinstance(command, SetStopEvent):
            self.stop_event.set()
            self._plan.changed()
            return
        if isinstance(command, KillLoop):
            self._kill()
            return
        if isinstance(command, StopLoop):
            self._run_state.happened(LoopEvent.STOP_ASKED)
        if not isinstance(command, InterruptLoop) and not (
            isinstance(command, CancelTasks) and command.task_ids
        ):
            self._questions.put(Obey(command))
            if isinstance(command, StopLoop) and self._outbox.link is not None:
                self._outbox.link.withdraw()
            return
        if self._known.heard_at is None:
            self._refuse_early(command)
        link = self._outbox.link
        if link is not None and link.is_listening_here():
            self._questions.put(Obey(command))  # Who would wait is who would hear the answer.
            return
        if self._is_unresponsive:
            raise HostUnresponsive(
                f"{self._plan.name!r} does not answer, so it was not asked, and nothing was done:"
                f" {self._kill_advice}"
            )
        try:
            self._looks.ask_patiently(Obey(command), COMMAND_LIMIT)
        except Unanswered:
            if self.ended.done():
                return
            raise HostUnresponsive(
                f"{self._plan.name!r} does not answer, so nobody knows whether it was done:"
                f" {self._kill_advice}"
            ) from None

    def _refuse_early(self, command: HostCommand) -> None:
        """It has no tasks yet."""
        if isinstance(command, CancelTasks):
            refuse_unknown(self._plan.name, None, command.task_ids or ())
        raise CannotInterrupt(
            f"{self._plan.name!r} is {self._run_state.state}, and no task blocks it"
        )

    def submit(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> Future[Any]:
        """Refused: a coroutine object lives where it was made. Closes it."""
        del name
        function = getattr(coroutine, "__name__", "f")
        coroutine.close()
        raise InvalidWork(
            f"a coroutine object cannot be brought to another process, where {self._plan.name!r}"
            f" runs: give it the function, job.submit_call({function}, ...)"
        )

    def submit_call(self, call: Work, name: str | None) -> Future[Any]:
        """Run what a coroutine function makes. Raises `LoopEnded` or `InvalidWork`."""
        if self._run_state.state not in {LoopState.STARTING, LoopState.RUNNING}:
            raise LoopEnded(
                f"{self._plan.name!r} takes no more work: it has ended or is stopping."
                " Start another loop, or restart this one"
            )
        return self._more_work.submit(call, name)

    def give_up(self) -> Leftovers:
        """Fail the loop's futures, and say what it is busy with."""
        note = self._kill_advice
        self._more_work.fail_the_rest()
        if (ended := self._end.left(note)) is not None:
            return ended
        if self._more_work.is_inherited:
            return left_in_a_fork(self._unfinished_as_known())
        try:
            left: Leftovers = self._looks.ask_patiently(WantLeftovers(), LEFTOVERS_LIMIT)
        except Unanswered:
            thread = self._known.snapshot.thread_name
            counts = self._known.snapshot.task_counts
            count = sum(count for state, count in counts.items() if not state.has_ended)
            return Leftovers(
                unfinished_tasks=self._unfinished_as_known(),
                threads_left=() if thread is None else (thread,),
                notes=(
                    "its process does not answer",
                    f"when it answered last, {count} of its tasks were unfinished",
                    note,
                ),
            )
        return replace(left, notes=(*left.notes, note))

    def _unfinished_as_known(self) -> tuple[str, ...]:
        known = self._known.window(WindowRequest(stop=MOST_KNOWN)).tasks
        has_main = self._plan.work.kind is not WorkKind.NOTHING
        if not known and has_main and self._known.none_has_ended:
            return (self._plan.name,)  # Nobody need ask what the main task is called.
        return tuple(row.name for row in known if not row.state.has_ended)

    def kill(self) -> None:
        """End the process, whatever it does. Blocks until it is gone, at most 1 s."""
        link = self._kill()
        if link is not None and not link.is_listening_here():
            concurrent.futures.wait([self.ended], KILL_LIMIT)

    def _kill(self) -> Link | None:
        """The link to what will end soon; None: it is being started, and is killed then."""
        self._end.is_kill_asked = True
        link = self._outbox.link
        if link is not None:
            link.kill()
        elif not self._is_starting:
            self._end.gone("it was never started")
        return link

    def _let_go(self) -> None:
        self._questions.close()
        self._more_work.finish()

    # What comes, in the listening thread

    def listens(self) -> None:
        """The calling thread belongs to the loop from now on: callbacks that run in it must not
        wait for the loop.
        """
        enter_loop_thread(self._plan.loop_id)
        if self._run_state.state is LoopState.STOPPING and self._outbox.link is not None:
            self._outbox.link.withdraw()  # It was stopped before there was a link.

    def received(self, frame: bytes) -> None:
        """A message from the other process."""
        was_unresponsive = self._is_unresponsive
        self._looks.heard()
        self._more_work.look()
        try:
            is_news = self._take(self._clock.ours(decode(frame)))
        except BaseException:  # noqa: BLE001 - one message is not to end all that follow
            _log.exception("a message of %r could not be taken", self._plan.name)
            is_news = False
        self._is_unresponsive = self._questions.overdue() >= UNANSWERED_AFTER
        if was_unresponsive != self._is_unresponsive or is_news:
            self._plan.changed()

    def _take(self, message: FromChild) -> bool:
        """Whether it is to be seen at once."""
        match message:
            case Told():
                self._looks_since = None
                is_first = self._known.heard_at is None
                self._looks.told(is_news=self._known.told(message))
                return is_first
            case Answer():
                self._questions.answered(message)
            case Happened(event):
                if event not in _ENDS:
                    self._run_state.happened(event)
            case SetEvent():
                return self._mirror.take(message)
            case Wrote(pieces):
                log = self._plan.output
                for piece in pieces:
                    place = ((self, piece.place), piece.stream)
                    log.add(piece.text, place, (piece.task_id, piece.task_name))
            case Showed(data, options):
                self._plan.output.show(data, **options)
            case Cleared(wait):
                self._plan.output.clear(wait=wait)
            case Measured(metrics):
                self._known.keep_metrics(metrics)
            case KillMe():
                self._kill()
            case Outcome():
                self._end.outcome = message
                if message.record is not None:
                    self._known.ended(message.record)
                if self._outbox.link is not None:
                    self._outbox.link.expect_end()
        return False

    def wrote(self, text: str, stream: Stream) -> None:
        """What came through the process's file descriptors 1 and 2."""
        self._plan.output.add(text, ((self, "descriptor"), stream), NOBODY)

    def waits(self, for_what: str | None) -> None:
        """It cannot begin: a sentence says what it waits for."""
        if for_what != self._waits_for:
            self._waits_for = for_what
            self._plan.changed()

    def dropped(self, size: int) -> None:
        """So many bytes of output, about, are lost on their way, as nobody could fetch them."""
        text = f"… {_dropped(size)}\n"
        self._plan.output.add(text, ((self, "dropped"), "stderr"), NOBODY)
        self._output_dropped += size
        self._plan.changed()

    def silent(self, seconds: float) -> None:
        """It has said nothing for so long, or does not answer."""
        self._more_work.look()
        limit = STARTS_WITHIN if self._known.heard_at is None else UNRESPONSIVE_AFTER
        is_overdue = self._questions.overdue() >= UNANSWERED_AFTER
        if (seconds >= limit or is_overdue) and not self._is_unresponsive:
            self._is_unresponsive = True
            self._questions.doubt()
            self._plan.changed()

    def broken(self, error: BaseException) -> None:
        """The other process could not be started."""
        self._end.failed_to_start(error)
        leave_loop_thread(self._plan.loop_id)

    def never_began(self) -> None:
        """It was killed or stopped before the work was brought to the other process."""
        self._end.never_began()
        leave_loop_thread(self._plan.loop_id)

    def unseen(self, how: str) -> None:
        """The other process cannot be reached any more."""
        self._end.unseen(how)
        leave_loop_thread(self._plan.loop_id)

    def gone(self, how: str) -> None:
        """The other process has ended."""
        self._end.gone(how)
        leave_loop_thread(self._plan.loop_id)


class AsTold:
    """What is known of a loop somewhere else is what it was. Does not keep its host alive."""

    __slots__ = ("_find_host", "_stamp")

    is_told: Final = False

    def __init__(self, host: RemoteHost) -> None:
        self._find_host: Final = ref(host)
        self._stamp: Final = host.stamp()

    def holds(self, _now: float) -> bool:
        """As `Standstill.holds`."""
        host = self._find_host()
        return host is not None and host.stamp() == self._stamp


def _dropped(size: int) -> str:
    return f"about {size:,} bytes of output dropped: they could not be fetched in time"
