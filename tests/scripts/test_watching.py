"""The watch over loops in a process that is suspended, that forks, that ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from tests.scripts.conftest import Ran

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


@posix_only
def test_a_suspended_process_blames_no_one(run_script: Callable[[str], Ran]):
    """Stopped and continued by real signals, while a task is in one of its short steps."""
    ran = run_script(
        """
import asyncio, os, subprocess, threading, time
import bgwidgets as bgw

async def busy():
    while True:
        time.sleep(0.01)
        await asyncio.sleep(0)

job = bgw.start(busy)
pause = threading.Event()
while job.snapshot().lag is None:
    pause.wait(0.01)
me = os.getpid()
subprocess.run(["sh", "-c", f"kill -STOP {me}; sleep 0.7; kill -CONT {me}"], timeout=20)
said = "GIL held by C code or process suspended"
deadline = time.monotonic() + 20
def longest():
    steps = job.snapshot().slow_steps
    return max([step.seconds for step in steps if step.where == said], default=0)

while longest() < 0.5 and time.monotonic() < deadline:
    pause.wait(0.01)
snapshot = job.snapshot()
print(longest() > 0.5, snapshot.blocked)
print([step for step in snapshot.slow_steps if step.task or step.where != said])
job.stop(0)
"""
    )
    assert ("True False\n[]\n", "") == (ran.stdout, ran.stderr)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_watches_its_own_loops(run_script: Callable[[str], Ran]):
    """The parent's thread has not come along, nor have its loops; the parent watches on."""
    ran = run_script(
        """
import asyncio, os, threading, time, warnings
import bgwidgets as bgw

def see_a_block(name):
    gate = threading.Event()
    async def block():
        gate.wait(20)
    job = bgw.start(block, name=name)
    deadline = time.monotonic() + 20
    while not job.snapshot().blocked and time.monotonic() < deadline:
        gate.wait(0.005)
    by = job.snapshot().blocked_by
    gate.set()
    job.wait(20)
    return by

idle = bgw.start(asyncio.sleep, 3600)
before = see_a_block("before")
warnings.simplefilter("ignore")  # of a fork beside threads, from Python 3.12 on
child = os.fork()
if not child:
    os._exit(0 if (see_a_block("in_child") or "").startswith("in_child · script.py:") else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print([words.split(" · ")[0] for words in (before, see_a_block("after"))])
idle.stop(0)
"""
    )
    assert ("0\n['before', 'after']\n", "") == (ran.stdout, ran.stderr)


def test_a_script_ends_under_a_loop_that_is_watched(run_script: Callable[[str], Ran]):
    """Blocked and all; without a word."""
    ran = run_script(
        """
import threading
import bgwidgets as bgw

async def block():
    while True:
        pass

job = bgw.start(block)
while not job.snapshot().blocked:
    threading.Event().wait(0.01)
print(job.snapshot().blocked_by.split(" · ")[0])
"""
    )
    assert ("block\n", "", 0) == (ran.stdout, ran.stderr, ran.exit_code)
    assert ran.seconds < 15
