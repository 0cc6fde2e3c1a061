"""A script that forgot to stop its loops ends at once, and without a word."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scripts.conftest import Ran

RunScript = Callable[[str], Ran]

AT_ONCE = 1.0
"""Seconds that a script may take longer than one that only imports the package. Half a second is
for loops that do not let go."""

IMPORTS = "import asyncio, threading, time\nimport bgwidgets as bgw\n"

FORGOTTEN = {
    "a running coroutine": """
        async def work():
            await asyncio.Event().wait()
        bgw.start(work)
        """,
    "ten empty loops": """
        for _ in range(10):
            bgw.start()
        """,
    "a loop in a process": """
        async def work():
            await asyncio.Event().wait()
        bgw.start(work, host="process")
        """,
    "a plain function that sleeps": """
        bgw.start(time.sleep, 1000)
        """,
    "a worker thread that is stuck": """
        is_stuck = threading.Event()
        def sleep():
            is_stuck.set()
            time.sleep(1000)
        async def work():
            await asyncio.to_thread(sleep)
        bgw.start(work)
        is_stuck.wait(10)
        """,
    "a loop that is blocked": """
        is_blocked = threading.Event()
        async def work():
            is_blocked.set()
            time.sleep(1000)
        bgw.start(work)
        is_blocked.wait(10)
        """,
    "a task that swallows its cancellation": """
        is_on = threading.Event()
        async def work():
            while True:
                try:
                    is_on.set()
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass
        bgw.start(work)
        is_on.wait(10)
        """,
    "submitted coroutines": """
        loop = bgw.start()
        futures = [loop.submit(asyncio.sleep(1000)) for _ in range(100)]
        """,
    "a panel": """
        bgw.start()
        panel = bgw.panel()
        """,
}


@pytest.mark.parametrize("forgotten", FORGOTTEN)
def test_a_script_that_forgot_its_loops_ends_at_once(run_script: RunScript, forgotten: str):
    """Whatever they do; with exit code 0 and an empty stderr."""
    code = "\n".join(line.removeprefix("        ") for line in FORGOTTEN[forgotten].splitlines())
    bare = run_script(IMPORTS + ("import ipywidgets, anywidget" if "panel" in code else ""))

    ran = run_script(IMPORTS + code + "\nprint('last line')")

    assert ("last line\n", "", 0) == (ran.stdout, ran.stderr, ran.exit_code)
    assert ran.seconds < bare.seconds + AT_ONCE


@pytest.mark.parametrize("is_let_go", [True, False])
def test_what_goes_on_past_all_errors_is_left_alone(run_script: RunScript, is_let_go: bool):
    """The interpreter would close it when it takes everything apart, and never return: seen where
    no other thread is there, so this is without loops of ours.
    """
    ran = run_script(
        "import asyncio, gc, threading\n"
        "from bgwidgets.hosts.never_ended import never_ended\n"
        f"is_let_go = {is_let_go}"
        """
class Owner: pass
async def work():
    while True:
        try:
            await asyncio.sleep(1000)
        except:
            pass
owner, loop = Owner(), asyncio.new_event_loop()
task = loop.create_task(work())
loop.run_until_complete(asyncio.sleep(0))
task._log_destroy_pending = False
loop.close()
never_ended.hold([task], loop, owner)
closer = next(each for each in threading.enumerate() if each.name == "bgwidgets-closer")
del task, loop
if is_let_go:
    del owner
    gc.collect()
    closer.join(10)
print("last line", closer.is_alive())
"""
    )
    assert (f"last line {not is_let_go}\n", "", 0) == (ran.stdout, ran.stderr, ran.exit_code)


def test_tasks_may_clean_up_when_the_script_ends(run_script: RunScript):
    """Their `finally` runs, while the interpreter still works."""
    ran = run_script(
        IMPORTS
        + """
is_on = threading.Event()
async def work():
    try:
        is_on.set()
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)
        print("cleaned up", flush=True)
bgw.start(work)
is_on.wait(10)
print("last line", flush=True)
"""
    )
    assert ("last line\ncleaned up\n", "", 0) == (ran.stdout, ran.stderr, ran.exit_code)


def test_all_managers_loops_have_the_same_little_time(run_script: RunScript):
    """Also those of a manager that nobody holds; one that does not end takes no other's time."""
    ran = run_script(
        IMPORTS
        + """
async def swallow():
    while True:
        try:
            is_on.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            pass

async def work():
    try:
        is_on.set()
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)
        print("cleaned up", flush=True)

for each in [swallow] * 5 + [work]:
    is_on = threading.Event()
    bgw.LoopManager().start(each)
    is_on.wait(10)
print("last line", flush=True)
"""
    )
    assert ("last line\ncleaned up\n", "", 0) == (ran.stdout, ran.stderr, ran.exit_code)
    assert ran.seconds < run_script(IMPORTS).seconds + AT_ONCE


def test_a_script_that_raises_ends_like_any_other(run_script: RunScript):
    """Its own traceback is all that is said."""
    ran = run_script(IMPORTS + "bgw.start()\nraise SystemExit('the script gave up')")
    assert ("", "the script gave up\n", 1) == (ran.stdout, ran.stderr, ran.exit_code)
