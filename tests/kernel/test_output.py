"""Whose output it is, in real kernels: a loop's goes to its log and to no cell, a cell's to that
cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(700)  # The first run installs the kernels.

BEFORE = """
import asyncio, logging, sys, threading, traceback, warnings
handler = logging.StreamHandler()
log = logging.getLogger("user")
log.addHandler(handler)

import bgwidgets as bgw
from IPython.display import HTML, clear_output, display
LIMIT = 20

def entries(job):
    return [
        (e.text, e.stream, e.task_name) + ((dict(e.data),) if e.data else ())
        for e in job.output.read().entries
    ]
"""


@pytest.fixture(params=IPYKERNELS)
def kernel(request: pytest.FixtureRequest, start_kernel: StartKernel) -> Kernel:
    """One of each version."""
    kernel = start_kernel(request.param)
    kernel.run(BEFORE)
    return kernel


def shown(kernel: Kernel) -> list[tuple[str, Any]]:
    """All that came to any cell since the last call; nothing is left in a buffer."""
    kernel.run("sys.stdout.flush(); sys.stderr.flush()")
    taken, kernel.shown = kernel.shown, []
    return taken


def joined(each: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Neighbours of one task and stream in one: how many there are says nothing."""
    together: list[tuple[Any, ...]] = []
    for text, *whose in each:
        if together and list(together[-1][1:]) == whose:
            together[-1] = (together[-1][0] + text, *whose)
        else:
            together.append((text, *whose))
    return together


def test_two_loops_and_a_cell_at_the_same_time(kernel: Kernel):
    """Coroutines, worker threads, plain functions; in order and byte for byte."""
    written = kernel.run(
        """
together = threading.Barrier(4)

def count(name):
    together.wait(LIMIT)
    for number in range(1000):
        print(name, number)
        print(name, number, file=sys.stderr)

async def coroutine():
    count("coroutine")

async def in_threads():
    await asyncio.to_thread(count, "thread")

jobs = [bgw.start(coroutine), bgw.start(in_threads), bgw.start(count, "plain")]
count("cell")
ends = [str(job.wait(LIMIT)) for job in jobs]
streams = [
    ["".join(e.text for e in job.output.read().entries if e.stream == stream)
     for stream in ("stdout", "stderr")]
    for job in jobs
]
"""
    )
    expected = {
        name: "".join(f"{name} {number}\n" for number in range(1000))
        for name in ("coroutine", "thread", "plain", "cell")
    }
    assert {"stdout": expected["cell"], "stderr": expected["cell"]} == written
    assert ["finished"] * 3 == kernel.value("ends")
    names = ("coroutine", "thread", "plain")
    assert [[expected[name]] * 2 for name in names] == kernel.value("streams")
    # To any cell came what came to this one, and nothing else: in pieces, of both streams in turn.
    assert 2 * len(expected["cell"]) == sum(len(text) for _, text in shown(kernel))


def test_everything_that_a_task_can_write(kernel: Kernel):
    """Prints, logging by a handler that was made before, warnings, tracebacks, what is displayed;
    with the task that wrote it.
    """
    kernel.run(
        """
async def child():
    print("child")

async def work():
    print("print", flush=True)
    await asyncio.to_thread(print, "to_thread")
    await asyncio.get_running_loop().run_in_executor(None, print, "executor")
    log.warning("logged")
    warnings.warn("careful")
    traceback.print_exception(LookupError("lost"))
    display(HTML("<b>bold</b>"))
    await asyncio.create_task(child(), name="child")
    handle = display("one", display_id=True)
    handle.update("two")

job = bgw.start(work, name="main")
job.wait(LIMIT)
"""
    )
    out, err, html, child, two = joined(kernel.value("entries(job)"))
    assert ("print\nto_thread\nexecutor\n", "stdout", "main") == out
    assert err[0].startswith("logged\n")
    assert "UserWarning: careful" in err[0]
    assert err[0].endswith("LookupError: lost\n")
    assert ("stderr", "main") == err[1:]
    assert "<b>bold</b>" == html[3]["text/html"]
    assert ("child\n", "stdout", "child") == child
    assert ("'two'\n", "stdout", "main", {"text/plain": "'two'"}) == two
    assert [] == shown(kernel)


def test_a_logger_writes_to_where_it_is_called(kernel: Kernel):
    """One that has looked up `sys.stdout.write` once and for all, as structlog's does, in a cell or
    on a loop; also while IPython listens to what the cell writes.
    """
    kernel.run("bgw.start(lambda: None).wait(LIMIT)")  # Before that, nothing of ours is there.
    kernel.run(
        """
class Logger:
    def __init__(self):
        self._write = sys.stdout.write
    def say(self, text):
        self._write(text + "\\n")

go, done = threading.Semaphore(0), threading.Semaphore(0)
of_the_cell, of_the_job = Logger(), []

def work():
    of_the_job.append(Logger())
    while True:
        done.release()
        go.acquire(timeout=LIMIT)
        if bgw.current().stop_event.is_set():
            return
        of_the_cell.say("job")
        of_the_job[0].say("job")

job = bgw.start(work)
done.acquire(timeout=LIMIT)
"""
    )
    for number in range(3):
        written = kernel.run(
            f"""
of_the_cell.say("cell {number}")
go.release(); done.acquire(timeout=LIMIT)
of_the_job[0].say("cell {number}")
"""
        )
        assert {"stdout": 2 * f"cell {number}\n", "stderr": ""} == written
    kernel.run("job.request_stop(); go.release(); job.wait(LIMIT)")
    assert 6 * "job\n" == kernel.value("job.output.text()")


def test_what_a_job_displays_by_the_handle_of_a_cell_is_the_jobs(kernel: Kernel):
    """And takes its own place, the next time."""
    kernel.run("handle = display('of the cell', display_id=True)")
    shown(kernel)
    kernel.run(
        """
def work():
    for percent in (10, 20):
        handle.update(percent)

job = bgw.start(work)
job.wait(LIMIT)
"""
    )
    assert [] == shown(kernel)
    assert "20\n" == kernel.value("job.output.text()")


def test_a_loop_clears_its_own_output_and_no_cells(kernel: Kernel):
    """With `clear_output`, as a cell does."""
    kernel.run(
        """
async def clears():
    print("old")
    clear_output()
    print("new")

job = bgw.start(clears)
job.wait(LIMIT)
"""
    )
    assert "new\n" == kernel.value("job.output.text()")
    assert [] == shown(kernel)


def test_tracebacks_that_nobody_catches(kernel: Kernel):
    """A callback's, by the loop's handler of exceptions."""
    kernel.run(
        """
async def breaks():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)

job = bgw.start(breaks)
job.wait(LIMIT)
"""
    )
    assert "ZeroDivisionError: division by zero\n" == kernel.value("job.output.tail(1)")
    assert [] == shown(kernel)


def test_an_adopted_loop_and_what_one_loop_submits_to_another(kernel: Kernel):
    """Each to the loop that it runs on."""
    kernel.run(
        """
begun, go = threading.Event(), threading.Event()
loops = []

async def says(what):
    print(what)

async def work():
    loops.append(asyncio.get_running_loop())
    begun.set()
    await asyncio.to_thread(go.wait, LIMIT)
    print("coroutine")
    await asyncio.to_thread(print, "to_thread")
    await asyncio.get_running_loop().run_in_executor(None, print, "executor")

threading.Thread(target=asyncio.run, args=(work(),), daemon=True).start()
begun.wait(LIMIT)
adopted = bgw.adopt(loops[0], name="adopted", protected=False)
while not adopted.tasks: pass
adopted.submit(says("submitted")).result(LIMIT)

async def submits():
    print("here")
    await asyncio.wrap_future(adopted.submit(says("from the other")))

other = bgw.start(submits)
other.wait(LIMIT)
go.set()
adopted.wait(LIMIT)
"""
    )
    assert "submitted\nfrom the other\ncoroutine\nto_thread\nexecutor\n" == kernel.value(
        "adopted.output.text()"
    )
    assert "here\n" == kernel.value("other.output.text()")
    assert [] == shown(kernel)


def test_the_notebooks_own_tasks_write_to_their_cells(kernel: Kernel):
    """Also when their loop is listed, and a background loop runs."""
    written = kernel.run(
        """
job = bgw.start()
own = bgw.adopt(asyncio.get_running_loop(), name="notebook")

async def says():
    print("a task of the notebook's")
    await asyncio.sleep(0)

await asyncio.create_task(says())
print("the cell")
job.stop(0)
"""
    )
    assert "a task of the notebook's\nthe cell\n" == written["stdout"]


def test_a_librarys_bar_is_the_tasks_progress_and_reaches_no_cell(kernel: Kernel):
    """It is tqdm's, for notebooks: from a coroutine, a worker thread and a plain function. No text,
    and no widget of it; one in a cell is the cell's as ever.
    """
    kernel.run(
        """
from tqdm.auto import tqdm
from ipywidgets.widgets.widget import _instances

def count(number, name):
    for _ in tqdm(range(number), desc=name):
        pass

async def work():
    for _ in tqdm(range(3), desc="outer"):
        with tqdm(total=2, desc="inner", leave=False) as bar:
            await asyncio.sleep(0)
            bar.update(2)
    await asyncio.to_thread(count, 4, "thread")

def bars(job):
    return [(bar.description, bar.done) for bar in job.task_detail(job.tasks[0].id).progress]

before = len(_instances)
jobs = [bgw.start(work), bgw.start(count, 5, "plain")]
ends = [str(job.wait(LIMIT)) for job in jobs]
"""
    )
    assert ["finished"] * 2 == kernel.value("ends")
    assert [[("thread", 4), ("outer", 3)], [("plain", 5)]] == kernel.value("[*map(bars, jobs)]")
    assert ["", ""] == kernel.value("[job.output.text() for job in jobs]")
    assert kernel.value("len(_instances) == before")
    assert [] == shown(kernel)
    kernel.run("count(6, 'cell')")
    assert "cell" in str(shown(kernel))
    assert [("thread", 4), ("outer", 3)] == kernel.value("bars(jobs[0])")


def test_following_a_job_in_a_cell(kernel: Kernel):
    """Until it ends; what it displayed is displayed."""
    written = kernel.run(
        """
async def work():
    for number in range(3):
        print("step", number)
        await asyncio.sleep(0.15)
    display(HTML("<i>done</i>"))
    print("end", file=sys.stderr)

bgw.start(work).follow()
print("after")
"""
    )
    assert {"stdout": "step 0\nstep 1\nstep 2\nafter\n", "stderr": "end\n"} == written
    displayed = [data for kind, data in shown(kernel) if kind == "display_data"]
    assert ["<i>done</i>"] == [data["text/html"] for data in displayed]


def test_the_stop_button_detaches_and_the_job_goes_on(kernel: Kernel):
    """And the cell ends as if it had come to its end."""
    kernel.run("job = bgw.start(); job.output.write('began\\n')")
    kernel.begin("job.follow(); after = True")
    kernel.interrupt()
    assert ["running", True] == kernel.value("[str(job.state), after]")
    kernel.run("job.stop(0)")


CAPTURED = """
from IPython.utils.capture import capture_output

go, done = threading.Semaphore(0), threading.Semaphore(0)

async def work():
    while True:
        await asyncio.to_thread(go.acquire)
        print("job")
        print("job", file=sys.stderr)
        display(HTML("<b>job</b>"))
        done.release()

def let_it_print():
    go.release()
    assert done.acquire(timeout=LIMIT)

def kinds(job):
    return [next(iter(e.data), None) and "html" if e.data else e.stream
            for e in job.output.read().entries]
"""


def test_what_a_cell_captures_is_the_cells_alone(kernel: Kernel):
    """By `%%capture`, `capture_output` and `redirect_stdout`: prints, stderr and what is displayed;
    a job's go to its own output, also when it was started there, as the first of all.
    """
    kernel.run(CAPTURED)
    kernel.run(
        """%%capture kept
job = bgw.start(work)
let_it_print()
print("cell"); print("cell", file=sys.stderr); display(HTML("<i>cell</i>"))
"""
    )
    assert [] == shown(kernel)
    kernel.run("let_it_print()")
    kernel.run("%%capture again\nlet_it_print()\nprint('again')")
    kernel.run(
        """
import contextlib, io
with capture_output() as third, contextlib.redirect_stdout(io.StringIO()) as fourth:
    let_it_print()
    print("fourth"); display("third")
let_it_print()
"""
    )
    assert [] == shown(kernel)
    assert ["cell\n", "cell\n", "<i>cell</i>"] == kernel.value(
        "[kept.stdout, kept.stderr, kept.outputs[0].data['text/html']]"
    )
    assert [1, "again\n", "", []] == kernel.value(
        "[len(kept.outputs), again.stdout, again.stderr, again.outputs]"
    )
    assert ["", "fourth\n", "'third'"] == kernel.value(
        "[third.stdout, fourth.getvalue(), third.outputs[0].data['text/plain']]"
    )
    assert 5 * ["stdout", "stderr", "html"] == kernel.value("kinds(job)")
    kernel.run("go.release(); job.stop(0)")


def test_what_a_job_captures_is_the_jobs_alone(kernel: Kernel):
    """Cells go on meanwhile, and so do other jobs, also when it ends in another order."""
    kernel.run(CAPTURED)
    kernel.run(
        """
end = threading.Event()
begun = threading.Event()

def captures():
    with capture_output() as kept:
        print("mine"); display(HTML("<b>mine</b>"))
        begun.set()
        end.wait(LIMIT)
        print("more", file=sys.stderr); display(HTML("<b>more</b>"))
    print("after"); display("after")
    return kept

before = sys.stdout, sys.stderr, get_ipython().display_pub
job = bgw.start(captures)
other = bgw.start(work)
assert begun.wait(LIMIT)
print("cell")
"""
    )
    assert [("stream", "cell\n")] == shown(kernel)
    kernel.run(
        "display(HTML('<i>cell</i>')); let_it_print()\n"
        "results_are_the_cells = sys.displayhook is get_ipython().displayhook"
    )
    assert ["display_data"] == [kind for kind, _ in shown(kernel)]
    assert kernel.value("results_are_the_cells")
    kernel.run("%%capture cells\nend.set(); kept = job.result(LIMIT); print('captured')")
    kernel.run("let_it_print()")
    assert [] == shown(kernel)
    assert ["mine\n", "more\n", 2] == kernel.value("[kept.stdout, kept.stderr, len(kept.outputs)]")
    assert ["captured\n", "after\n'after'\n"] == kernel.value("[cells.stdout, job.output.text()]")
    assert 2 * ["stdout", "stderr", "html"] == kernel.value("kinds(other)")
    now = "sys.stdout, sys.stderr, get_ipython().display_pub"
    assert [True] * 3 == kernel.value(f"[one is two for one, two in zip(before, ({now}))]")
    kernel.run("go.release(); other.stop(0)")


def test_uninstall_puts_everything_back(kernel: Kernel):
    """Streams and publisher; and what a loop prints goes to a cell again."""
    kernel.run(
        """
publisher = get_ipython().display_pub
import contextlib
from IPython.utils.capture import capture_output
captures = (contextlib.redirect_stdout, contextlib.redirect_stderr, capture_output)
def hooked():
    streams = [id(type(each)) for each in (sys.stdout, sys.stderr)]
    streams += [id(each.__enter__) for each in captures] + [id(each.__exit__) for each in captures]
    streams += [len(get_ipython().events.callbacks["post_run_cell"])]
    return streams, [name for name in ("publish", "clear_output") if name in vars(publisher)]

before = hooked()
job = bgw.start()
routed = hooked()
bgw.output.uninstall()
after = hooked()
"""
    )
    assert [True, False, ["publish", "clear_output"]] == kernel.value(
        "[before == after, before[0] == routed[0], routed[1]]"
    )
    kernel.run("async def says(): print('hello')\njob.submit(says()).result(LIMIT)")
    assert [("stream", "hello\n")] == shown(kernel)
    kernel.run("bgw.output.install(); job.submit(says()).result(LIMIT)")
    assert [] == shown(kernel)
    assert "hello\n" == kernel.value("job.output.text()")
    kernel.run("job.stop(0)")
