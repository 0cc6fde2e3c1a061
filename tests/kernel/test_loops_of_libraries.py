"""Loops that libraries and users have started in a kernel: found by their threads' names."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel

StartKernel = Callable[..., Kernel]

THEIRS = ("IO loop", "fsspecIO", "plain-thread", "uvloop-thread")
"""distributed's, fsspec's, and two of the user's own."""
KERNELS = ("Control", "IOPub", "MainThread", "Shell channel")


@pytest.fixture
def kernel(start_kernel: StartKernel) -> Kernel:
    """A kernel in which all of them run."""
    kernel = start_kernel()
    kernel.run(
        """
import asyncio, tempfile, threading
import uvloop
from distributed import Client
from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
from fsspec.implementations.local import LocalFileSystem
import bgwidgets as bgw

files = AsyncFileSystemWrapper(LocalFileSystem(), asynchronous=False)
here = tempfile.mkdtemp()
client = Client(processes=False, dashboard_address=":0", n_workers=1, threads_per_worker=1)

def run_in_a_thread(loop, name):
    runs = threading.Event()
    loop.call_soon(runs.set)
    threading.Thread(target=loop.run_forever, name=name, daemon=True).start()
    assert runs.wait(10)
    return loop

fast = run_in_a_thread(uvloop.new_event_loop(), "uvloop-thread")
plain = run_in_a_thread(asyncio.new_event_loop(), "plain-thread")
"""
    )
    # Both libraries work, so their loops run.
    assert ([], 2) == kernel.value("(files.ls(here), client.submit(lambda: 2).result(30))")
    return kernel


def test_all_are_found_and_none_is_ours(kernel: Kernel):
    """Each once, by its thread's name, running and protected; none is listed by that."""
    found = kernel.value(
        "sorted((loop.name, loop.thread_name, str(loop.state), loop.protected,"
        " loop.belongs_to_kernel) for loop in bgw.discover())"
    )
    assert found == sorted(
        (name, name, "running", True, name in KERNELS) for name in (*THEIRS, *KERNELS)
    )
    assert [] == kernel.value("list(map(str, bgw.manager))")


def test_theirs_can_be_adopted_and_the_kernels_cannot(kernel: Kernel):
    """At first each is protected; whoever says `protected=False` may command it."""
    kernel.run(
        f"""
found = {{loop.name: loop for loop in bgw.discover()}}
theirs = {THEIRS}
reasons = set()
for name in theirs:
    loop = bgw.adopt(found[name])
    for command in (loop.request_stop, loop.stop_loop, loop.cancel_tasks, loop.stop):
        try:
            command()
        except bgw.ProtectedLoop as error:
            reasons.add(str(error).partition(": ")[2])
        else:
            reasons.add(f"{{command}} was not refused")
adopted = {{name: bgw.adopt(found[name], protected=False) for name in theirs}}
lifted = []
for name in set(found) - set(theirs):
    try:
        bgw.adopt(found[name], protected=False)
    except bgw.ProtectedLoop:
        continue
    lifted.append(name)

async def where():
    return threading.current_thread().name, bgw.current().name
"""
    )
    (reason,) = kernel.value("sorted(reasons)")
    assert "it was not started here: adopt it with protected=False" in reason
    assert [] == kernel.value("lifted")
    assert sorted((name, False) for name in THEIRS) == kernel.value(
        "sorted((loop.name, loop.snapshot().protected) for loop in bgw.manager)"
    )
    # Work can be given to each, and the libraries go on to work.
    assert {name: (name, name) for name in THEIRS} == kernel.value(
        "{name: loop.submit(where()).result(10) for name, loop in adopted.items()}"
    )
    assert ([], 3) == kernel.value("(files.ls(here), client.submit(lambda: 3).result(30))")

    kernel.run("for name in ('uvloop-thread', 'plain-thread'): adopted[name].stop_loop()")

    assert ["stopped", "stopped"] == kernel.value(
        "[str(adopted[name].wait(10)) for name in ('uvloop-thread', 'plain-thread')]"
    )
    assert [True, True] == kernel.value("[fast.is_closed(), plain.is_closed()]")
    assert ([], 4) == kernel.value("(files.ls(here), client.submit(lambda: 4).result(30))")
    kernel.run("client.close()")
    assert "" == kernel.stderr()
