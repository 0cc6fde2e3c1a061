"""The seed's cells, with the lines restored that its text had lost; and a few of the tests' own.

Three things differ: the waits are shorter, what the cells import but never use is left out, and the
manager of jobs may be ours.
"""

from __future__ import annotations

from typing import Final

CELL_1: Final = """
import os
import time
import asyncio
import nest_asyncio
"""
OURS: Final = "from bgwidgets import BackgroundJobManager"
IPYTHONS: Final = "from IPython.lib.backgroundjobs import BackgroundJobManager"

CELL_2: Final = "nest_asyncio.apply()"

CELL_3: Final = """
async def sprinter(num_sprinter=200, b_print=False):
    i = 0
    if b_print:
        print("sprinter: num_sprinter: ", num_sprinter)
    print('sprinter :', i)
    while i < num_sprinter:
        i += 1
        if i%20 == 0:
            print('sprinter :', i)
        await asyncio.sleep(0.02)
    print("sprint finished: ", i)

async def stopper(stop_event, num_stopper=21, b_print=False):
    if b_print:
        print("stopper: num_stopper: ", num_stopper)
    for i in range(num_stopper):
        if i%20 == 0:
            print("stopper : ", i)
        if stop_event.is_set():
            break
        await asyncio.sleep(0.02)
    stop_event.set()
    await asyncio.sleep(0.01)
"""

CELL_4: Final = """
def run_loop(num_sprinter=400, num_stopper=21, b_print=True):
    if b_print:
        print("run_loop: num_sprinter: ", num_sprinter)
        print("run_loop: num_stopper: ", num_stopper)

    async_loop = asyncio.new_event_loop()
    run_loop.loop = async_loop
    asyncio.set_event_loop(async_loop)

    run_loop.task1 = async_loop.create_task(sprinter(num_sprinter, b_print))
    stop_event = asyncio.Event()
    run_loop.stopx = stop_event
    run_loop.task2 = async_loop.create_task(stopper(stop_event, num_stopper, b_print))
    async_loop.run_until_complete(run_loop.task2)
"""


def cell_5(num_stopper: int = 2000) -> str:
    """Start it; by itself it ends after so many steps of a fiftieth of a second."""
    return f"""
num_sprinter = 5000
num_stopper = {num_stopper}

a = run_loop
jobs = BackgroundJobManager()
out = jobs.new(a, num_sprinter, num_stopper)
"""


AROUND: Final = """
import contextlib
import gc
import io
import threading
import bgwidgets as bgw
import IPython.display

panel = bgw.panel(interval=0.2)
# One that no cell shows is put away ten seconds after its last view has left.
IPython.display.display(panel)
LIMIT = 10

def until(is_so, what):
    deadline = time.monotonic() + LIMIT
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(what() if callable(what) else what)
        time.sleep(0.01)

class OfThisThread(io.TextIOBase):
    # The jobs print what they like in the meantime, and go on to.
    def __init__(self):
        self.text, self.thread, self.others = "", threading.get_ident(), sys.stdout

    def write(self, text):
        if threading.get_ident() != self.thread:
            return self.others.write(text)
        self.text += text
        return len(text)

def printed(function, *args):
    with contextlib.redirect_stdout(OfThisThread()) as own:
        function(*args)
    return own.text

def found(number=1):
    # The loop of the job that was just started, when it is listed: `number` are.
    if isinstance(jobs, bgw.BackgroundJobManager):
        until(lambda: len(bgw.manager) == number, f"{len(bgw.manager)} loops, not {number}")
    else:
        bgw.adopt(run_loop)
    return list(bgw.manager)[-1]

def with_both_tasks(loop):
    # And both of them have come to their first await.
    until(
        lambda: ["sleep", "sleep"]
        == [str(t.waiting_on)[:5] for t in loop.tasks if not t.state.has_ended],
        lambda: f"{loop}: {loop.tasks}",
    )
    return loop

def click(button, loop):
    panel.selected = loop.id
    until(lambda: not getattr(panel, button).disabled, f"{button} stays disabled")
    getattr(panel, button).click()

def ended(loop, job):
    # How the loop ended, and its tasks, by name; it must be closed, and the thread gone.
    loop.wait(LIMIT)
    job.join(LIMIT)
    left = [] if job.is_alive() else asyncio.all_tasks(a.loop)
    return (
        str(loop.state),
        sorted((task.name, str(task.state)) for task in loop.tasks),
        (job.is_alive(), a.loop.is_closed(), len(left)),
    )

gc.collect()
gc.freeze()  # What is there now stays, and need not be looked at after each scene.
"""
