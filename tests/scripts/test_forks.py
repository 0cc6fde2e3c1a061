"""A process that forks while its loops run: the child begins anew, whatever was going on."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

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
