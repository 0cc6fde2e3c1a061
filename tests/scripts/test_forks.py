"""A process that forks while its loops run: the child begins anew, whatever was going on."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bgwidgets
from tests.scripts.conftest import Ran

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

RunScript = Callable[[str], Ran]

HELD_WHILE_IT_FORKS = """
import asyncio, os, signal, threading, time, warnings
import bgwidgets as bgw
from bgwidgets.observe.watchdog import watchdog

warnings.simplefilter("ignore")  # of a fork beside threads, from Python 3.12 on
job = bgw.start(name="of both")
is_held, let_go = threading.Event(), threading.Event()

def fork_beside(lock, in_the_child):
    '''Fork while another thread holds the lock; what the child finds wrong.'''
    def hold():
        with lock:
            is_held.set()
            let_go.wait(20)
    holder = threading.Thread(target=hold)
    holder.start()
    is_held.wait(20)
    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(20)
        os.write(writes, repr(in_the_child()).encode())
        os._exit(0)
    let_go.set()
    os.close(writes)
    print(os.fdopen(reads).read(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    holder.join()
"""


def test_a_forked_child_has_a_manager_of_its_own(run_script: RunScript):
    """Its list is empty, whoever had it locked, and nobody of the parent's is told of its loops."""
    ran = run_script(
        HELD_WHILE_IT_FORKS
        + """
told = []
bgw.manager.subscribe(lambda: told.append(os.getpid()))

def in_the_child():
    listed = len(bgw.manager)
    own = bgw.start(asyncio.sleep, 0, 42, name="of both")
    return listed, own.result(10), os.getpid() in told

fork_beside(bgw.manager._guard, in_the_child)
print(len(bgw.manager), job.stop(0).outcome, os.getpid() in told)
"""
    )
    assert ("(0, 42, False) 0\n1 finished True\n", "") == (ran.stdout, ran.stderr)


def test_a_forked_child_watches_none_of_the_parents_loops(run_script: RunScript):
    """Whoever had the watch locked; it is late for nothing, and ends with the child's last loop."""
    ran = run_script(
        HELD_WHILE_IT_FORKS
        + """
def watches():
    return any(thread.name == "bgwidgets-watchdog" for thread in threading.enumerate())

def in_the_child():
    late = watchdog.overslept(time.monotonic() + 60)
    own = bgw.start()
    is_watched = come_to_be(True)
    own.stop(0)
    return late, is_watched, come_to_be(False)

def come_to_be(watched):
    deadline = time.monotonic() + 10
    while watches() is not watched and time.monotonic() < deadline:
        time.sleep(0.01)
    return watches() is watched

assert come_to_be(True)
fork_beside(watchdog._guard, in_the_child)
job.stop(0)
"""
    )
    assert ("(0.0, True, True) 0\n", "") == (ran.stdout, ran.stderr)


def test_a_forked_child_stops_its_own_loops_when_it_ends(run_script: RunScript):
    """Not its parent's, which are not there; so it ends at once."""
    ran = run_script(
        """
import asyncio, os, sys, threading, time, warnings
import bgwidgets as bgw

async def work(whose):
    try:
        is_on.set()
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.01)
        os.write(1, f"{whose} cleaned up, ".encode())

is_on = threading.Event()
bgw.start(work, "the parent's")
assert is_on.wait(10)
warnings.simplefilter("ignore")  # of a fork beside threads, from Python 3.12 on
began = time.monotonic()
child = os.fork()
if not child:
    is_on.clear()
    bgw.start(work, "the child's")
    assert is_on.wait(10)
    sys.exit()
os.waitpid(child, 0)
os.write(1, f"{time.monotonic() - began < 5}, ".encode())
"""
    )
    assert ("the child's cleaned up, True, the parent's cleaned up, ", "") == (
        ran.stdout,
        ran.stderr,
    )


def test_a_forked_child_gives_no_work_to_the_parents_loops(run_script: RunScript):
    """Nobody would do it, so it is refused. The parent's go on."""
    ran = run_script(
        HELD_WHILE_IT_FORKS
        + """
beyond = bgw.start(name="in a process", host="process")
beyond.submit_call(asyncio.sleep, 0).result(20)

def refused(submit):
    try:
        submit(asyncio.sleep, 0)
    except bgw.LoopEnded as error:
        return "a fork" in str(error)

def in_the_child():
    return [
        refused(lambda function, *args: job.submit(function(*args))),
        refused(job.submit_call),
        refused(beyond.submit_call),
    ]

fork_beside(job._run.host._agent._submissions._guard, in_the_child)
futures = job.submit(asyncio.sleep(0, 1)), beyond.submit_call(asyncio.sleep, 0, 2)
print(*(future.result(20) for future in futures))
"""
    )
    assert ("[True, True, True] 0\n1 2\n", "") == (ran.stdout, ran.stderr)


HOLDS_EVERYTHING = """
import contextlib
from bgwidgets import fork_locks

class Everything(contextlib.ExitStack):
    '''All locks that are known to be free in a fork, and those of some futures.'''

    def __init__(self, *futures):
        super().__init__()
        self.futures = futures

    def __enter__(self):
        locks = [getattr(each, "_cond", each) for each in fork_locks._locks]
        for future in self.futures:
            locks += [future._condition, future._telling]
        for lock in locks:
            assert lock.acquire(timeout=5)
            self.callback(lock.release)
"""


@pytest.mark.parametrize("host", ["thread", "process"])
def test_a_forked_child_waits_for_no_thread_that_did_not_come_along(
    run_script: RunScript, host: str
):
    """Whatever it asks of an inherited handle, and whatever others were in the midst of."""
    ran = run_script(
        HELD_WHILE_IT_FORKS
        + HOLDS_EVERYTHING
        + f"""
async def shows():
    bgw.metric("loss", 1)
    print("a line")
    await asyncio.Event().wait()

far = bgw.start(shows, name="far", host={host!r})
near = bgw.start(asyncio.Event().wait(), name="near")
pending = far.submit_call(asyncio.sleep, 60)
deadline = time.monotonic() + 20
while not (far.metrics and far.output.text().endswith("\\n")):
    assert time.monotonic() < deadline
"""
        + """
def in_the_child():
    began = time.monotonic()
    looks = far.snapshot(), far.tasks, far.history(), far.metrics, far.figures
    text = far.output.text()
    for each in far.request_stop, far.cancel_tasks, far.stop_loop:
        each()
    report = far.stop(0.1)
    took = time.monotonic() - began
    try:
        pending.result(5)
    except bgw.LoopEnded:
        answer = "told that it ended"
    try:
        far.result(5)
    except bgw.LoopEnded as error:
        given_up = "given up" in str(error)
    own = bgw.start(asyncio.sleep, 0, 42)
    left = report.threads_left, report.notes
    return text, report.outcome.has_ended, left, took < 4, answer, given_up, own.result(10)

fork_beside(Everything(pending), in_the_child)
print(*(each.stop(5).outcome for each in (far, near)))
"""
    )
    note = "the loop runs in the process that this one is a fork of: it can be stopped there only"
    in_the_child = ("a line\n", False, ((), (note,)), True, "told that it ended", True, 42)
    told = ran.stdout.removeprefix("a line\n")  # As a terminal shows what threads print.
    assert (f"{in_the_child!r} 0\ncancelled cancelled\n", "") == (told, ran.stderr)


def test_a_thread_that_forks_while_it_holds_a_lock_goes_on_holding_it(run_script: RunScript):
    """As a signal handler does, or a `__del__`, that comes in between."""
    ran = run_script(
        """
import os, signal, threading
from bgwidgets.fork_locks import free_in_forks

lock = free_in_forks(threading.RLock())
with lock:
    child = os.fork()
    if not child:
        signal.alarm(20)
        others = []
        other = threading.Thread(target=lambda: others.append(lock.acquire(blocking=False)))
        other.start()
        other.join()
if not child:
    os._exit(others == [False] and lock.acquire(blocking=False) and 7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    )
    assert ("7\n", "") == (ran.stdout, ran.stderr)


def test_what_cannot_be_set_free_spoils_nothing_else(run_script: RunScript):
    """What is wrong is told, as Python tells of what goes wrong in a fork."""
    ran = run_script(
        """
import os, signal, threading
from bgwidgets.fork_locks import call_in_forks, free_in_forks

class Broken:
    def _at_fork_reinit(self):
        raise OSError("a lock that is broken")

def fails():
    raise ValueError("a call that fails")

def is_called():
    called.append(True)

called = []
broken = [free_in_forks(Broken()) for _ in range(5)]
locks = [free_in_forks(threading.Lock()) for _ in range(5)]
call_in_forks(fails)
call_in_forks(is_called)
is_held, let_go = threading.Event(), threading.Event()

def hold():
    for lock in locks:
        lock.acquire()
    is_held.set()
    let_go.wait(20)

holder = threading.Thread(target=hold)
holder.start()
is_held.wait(20)
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(7 if called and all(lock.acquire(blocking=False) for lock in locks) else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
let_go.set()
holder.join()
"""
    )
    assert "7\n" == ran.stdout
    assert 5 == ran.stderr.count("OSError: a lock that is broken")
    assert 1 == ran.stderr.count("ValueError: a call that fails")


@pytest.mark.parametrize("who", ["another thread", "the same thread"])
def test_a_forked_child_hears_a_ctrl_c_that_its_parent_would_hear_later(
    run_script: RunScript, who: str
):
    """The parent hears it at the end of what it is in the midst of. So does a child that was forked
    by the same thread, for that comes to this end there, too.
    """
    ran = run_script(
        f"""
import os, signal, threading, warnings
from bgwidgets.output.undisturbed import undisturbed

warnings.simplefilter("ignore")  # of a fork beside threads, from Python 3.12 on
before = signal.getsignal(signal.SIGINT)
told = []

def fork():
    child = os.fork()
    if not child:
        signal.alarm(20)
        try:
            os.kill(os.getpid(), signal.SIGINT)
            if {who != "another thread"}:
                return
            threading.Event().wait(10)
        except KeyboardInterrupt:
            os._exit(7 if signal.getsignal(signal.SIGINT) is before else 1)
        os._exit(2)
    told.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

def step():
    if {who == "another thread"}:
        forks = threading.Thread(target=fork)
        forks.start()
        forks.join()
    else:
        fork()

try:
    undisturbed(lambda: undisturbed(step))
except KeyboardInterrupt:
    os._exit(8 if signal.getsignal(signal.SIGINT) is before else 1)
print(*told)
"""
    )
    assert ("7\n" if who == "another thread" else "8\n", "") == (ran.stdout, ran.stderr)


FREE_OTHERWISE = {
    "fork_locks.py": "it is what frees them",
    "hosts/adopted.py": "an event of the very thread that waits for it",
    "hosts/child_control.py": "in a child process, that of a loop",
    "hosts/child_reporter.py": "in a child process, that of a loop",
    "hosts/claim.py": "nobody ever waits for it",
    "hosts/dask_inbox.py": "on a Dask worker",
    "hosts/dask_room.py": "on a Dask worker",
    "hosts/finding.py": "an event of the very thread that waits for it",
    "hosts/submissions.py": "that of each future is freed by its gate",
    "output/undisturbed.py": "an event of the very thread that waits for it",
    "observe/thread_frames.py": "the thread that forks has it",
}


def test_no_lock_is_forgotten():
    """Each lock of this package is free in a fork, or there is a reason why it need not be."""
    top = Path(bgwidgets.__file__).parent
    forgotten = {
        path.relative_to(top).as_posix()
        for path in top.rglob("*.py")
        if any(_locks_not_freed(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert forgotten <= FREE_OTHERWISE.keys()


def _locks_not_freed(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        call = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if call in {f"threading.{kind}" for kind in ("Lock", "RLock", "Condition", "Event")}:
            yield call
        if call != "free_in_forks":
            yield from _locks_not_freed(node)
