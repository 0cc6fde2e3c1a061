"""nest_asyncio: applied by us, by the user before or after us, or never."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scripts.conftest import Ran

RunScript = Callable[[str], Ran]

RACE = """
async def runner():
    await asyncio.sleep(3600)

async def race():
    side = asyncio.create_task(runner(), name="runner")
    await asyncio.sleep(0)
    await bgw.current().stop_event.wait()

def ends():
    ended = []
    for stop in ("request_stop", "stop_loop", "cancel_tasks"):
        job = bgw.start(race)
        while len(job.tasks) < 2: pass
        getattr(job, stop)()
        ended.append(str(job.wait(10)))
        ended.append([str(task.state) for task in job.tasks if task.name == "runner"][0])
    return ended

async def answer():
    return 42
"""
EXPECTED = ["finished", "cancelled", "stopped", "cancelled", "cancelled", "cancelled"]


@pytest.mark.parametrize(
    "preamble",
    [
        pytest.param("import asyncio, bgwidgets as bgw", id="never"),
        pytest.param(
            "import asyncio, nest_asyncio\nloop = asyncio.new_event_loop()\n"
            "nest_asyncio.apply(loop)\nloop.close()\n"
            "import bgwidgets as bgw",
            id="before",
        ),
        pytest.param(
            "import asyncio, bgwidgets as bgw, nest_asyncio\nbgw.start().stop(10)\n"
            "loop = asyncio.new_event_loop()\nnest_asyncio.apply(loop)\nloop.close()",
            id="after",
        ),
    ],
)
def test_the_three_stops_work_with_and_without_it(run_script: RunScript, preamble: str):
    """Nothing of ours depends on when it was applied, or whether."""
    ran = run_script(
        preamble + RACE + "print(ends(), bgw.start(answer).result(10))\n"
        "job = bgw.start()\nprint(job.submit(answer()).result(10), job.stop(10).outcome)\n"
    )
    assert (f"{EXPECTED} 42\n42 finished\n", "") == (ran.stdout, ran.stderr)


def test_a_running_loop_can_run_again(run_script: RunScript):
    """`run_until_complete` inside of a coroutine; a background loop works beside it."""
    ran = run_script(
        "import asyncio, sys, bgwidgets as bgw"
        + RACE
        + """
async def main():
    assert "nest_asyncio" not in sys.modules
    bgw.enable_nesting()
    bgw.enable_nesting()
    loop = asyncio.get_running_loop()
    print(loop.run_until_complete(answer()), bgw.start(answer).result(10))

asyncio.run(main())
print(ends())
"""
    )
    assert (f"42 42\n{EXPECTED}\n", "") == (ran.stdout, ran.stderr)


def test_what_cannot_be_nested_is_refused(run_script: RunScript):
    """No loop at all, and one in C."""
    ran = run_script(
        """
import bgwidgets as bgw, uvloop
for arguments in ((), (uvloop.new_event_loop(),)):
    try:
        bgw.enable_nesting(*arguments)
    except bgw.InvalidWork as error:
        print(error)
"""
    )
    lines = ran.stdout.splitlines()
    assert ("", 2) == (ran.stderr, len(lines))
    assert "pass the loop" in lines[0]
    assert "cannot be nested" in lines[1]
