"""What happens to a kernel with loops in it: a fork, code that is loaded anew, and no more file
descriptors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.kernel.conftest import LIMIT, Kernel

StartKernel = Callable[[], Kernel]

JOBS = """
import asyncio, importlib, os, sys, threading, time
import bgwidgets as bgw

async def polite():
    await bgw.current().stop_event.wait()
    return 7

jobs = [bgw.start(polite, name=f"job-{number}") for number in range(3)]
"""
ALL_OBEY = """
answers = [job.submit(asyncio.sleep(0, 7)).result(10) for job in jobs]
for job in jobs: job.request_stop()
print(answers, [str(job.wait(10)) for job in jobs], [job.result() for job in jobs], end="")
"""
OBEYED = f"{[7] * 3} {['finished'] * 3} {[7] * 3}"


def test_a_fork_in_a_cell_harms_neither_process(start_kernel: StartKernel):
    """The child has no loops but may start its own, and ends at once; the kernel's go on."""
    kernel = start_kernel()
    kernel.run(JOBS)
    written = kernel.run(
        """
import multiprocessing

def in_the_child(results):
    own = bgw.start(asyncio.sleep, 0, 42)
    results.put((len(bgw.manager), own.result(10), bgw.current() is None))

context = multiprocessing.get_context("fork")
results = context.SimpleQueue()
child = context.Process(target=in_the_child, args=(results,))
child.start()
child.join(20)
print(child.exitcode, results.get(), len(bgw.manager), end="")
"""
    )
    assert {"stdout": "0 (1, 42, True) 3", "stderr": ""} == written
    forked = """
child = os.fork()
if child == 0:
    os._exit(len(bgw.manager))
began = time.monotonic()
status = os.waitpid(child, 0)[1]
print(status, time.monotonic() - began < 5, end="")
"""
    assert {"stdout": "0 True", "stderr": ""} == kernel.run(forked)
    assert {"stdout": OBEYED, "stderr": ""} == kernel.run(ALL_OBEY)


def test_what_a_fork_of_a_loops_thread_prints_is_not_lost(start_kernel: StartKernel):
    """It is not the loop's, which is not there, but whoever's the kernel makes of it."""
    kernel = start_kernel()
    kernel.run(JOBS)
    kernel.run(
        """
import multiprocessing

async def work():
    context = multiprocessing.get_context("fork")
    child = context.Process(target=print, args=("from the child",), kwargs={"flush": True})
    child.start()
    await asyncio.to_thread(child.join, 20)

bgw.start(work).wait(20)
"""
    )
    # A kernel's fork sends it to the kernel, which may be done with the cell by then.
    deadline = time.monotonic() + LIMIT
    while not any("from the child" in str(content) for _, content in kernel.shown):
        assert time.monotonic() < deadline
        kernel.run("pass")


def test_a_fork_ends_no_process_of_the_kernels_loops(start_kernel: StartKernel):
    """It has its handle and its link, and they are not its own."""
    kernel = start_kernel()
    kernel.run(JOBS)
    kernel.run("far = bgw.start(polite, host='process')")
    forked = """
child = os.fork()
if child == 0:
    far.request_stop()
    far.stop_loop()
    try:
        far.kill()
    finally:
        os._exit(0)
os.waitpid(child, 0)
print(far.submit_call(asyncio.sleep, 0, 42).result(20), far.state, end="")
far.stop()
"""
    assert {"stdout": "42 running", "stderr": ""} == kernel.run(forked)


def test_loops_go_on_when_the_package_is_loaded_anew(start_kernel: StartKernel):
    """`importlib.reload` of the package changes nothing for whoever holds a loop or a panel."""
    kernel = start_kernel()
    kernel.run(JOBS)
    kernel.run("panel = bgw.panel()\nbefore = bgw.manager")
    written = kernel.run(
        "importlib.reload(bgw)\n"
        "print(bgw.manager is before, [bgw.manager[job.name] is job for job in jobs],"
        " all(isinstance(job, bgw.BackgroundLoop) for job in jobs), end='')"
    )
    assert {"stdout": f"True {[True] * 3} True", "stderr": ""} == written
    assert {"stdout": OBEYED, "stderr": ""} == kernel.run(ALL_OBEY)
    assert {"stdout": "finished", "stderr": ""} == kernel.run(
        "panel.selected = (last := bgw.start(polite)).id\n"
        "panel.stop_event_button.click()\n"
        "print(last.wait(10), end='')"
    )


def test_autoreload_brings_new_code_with_the_next_run(start_kernel: StartKernel, tmp_path: Path):
    """What runs goes on with the code that it began with, and stays under control."""
    module = tmp_path / "users_module.py"
    code = (
        "import bgwidgets as bgw\n"
        "async def work():\n"
        "    await bgw.current().stop_event.wait()\n"
        "    return {answer}\n"
    )
    module.write_text(code.format(answer=1))
    kernel = start_kernel()
    kernel.run(JOBS)
    kernel.run("%load_ext autoreload\n%autoreload 2")
    kernel.run(f"sys.path.insert(0, {str(tmp_path)!r})\nimport users_module")
    kernel.run("job = bgw.start(users_module.work)\njob.submit(asyncio.sleep(0)).result(10)")
    module.write_text(code.format(answer="1 + 1"))  # Of another length: files have coarse times.

    written = kernel.run("job.request_stop()\nprint(job.result(10), end='')")
    assert {"stdout": "1", "stderr": ""} == written
    written = kernel.run("job.restart()\njob.request_stop()\nprint(job.result(10), end='')")
    assert {"stdout": "2", "stderr": ""} == written
    assert {"stdout": OBEYED, "stderr": ""} == kernel.run(ALL_OBEY)


def test_a_kernel_without_file_descriptors_keeps_its_loops(start_kernel: StartKernel):
    """To start one more is an error that says what to do; nothing is left half started, and with
    descriptors it works again.
    """
    kernel = start_kernel()
    kernel.run(JOBS)
    written = kernel.run(
        """
import gc, resource

def count():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))

# IPython's own thread would say that it cannot open its history.
get_ipython().history_manager.save_thread.stop()
used = count()
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
errors, answers, names, filling = [], [], [], []
resource.setrlimit(resource.RLIMIT_NOFILE, (used + 20, hard))
try:
    while True:
        filling.append(os.open("/dev/null", os.O_RDONLY))
except OSError:
    pass
# None is left; then one, of the three that a loop takes.
for _ in range(2):
    for host in ("thread", "process"):
        try:
            bgw.start(polite, name="one more", host=host)
        except OSError as error:
            notes = " ".join(getattr(error, "__notes__", ()))
            errors.append((error.strerror, "stop loops" in notes))
    answers += [job.submit(asyncio.sleep(0, 7)).result(10) for job in jobs]
    names += [loop.name for loop in bgw.manager]
    os.close(filling.pop())
while filling:
    os.close(filling.pop())
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
"""
    )
    assert {"stdout": "", "stderr": ""} == written
    says_what_to_do = ("Too many open files", True)
    errors = kernel.value("errors")
    assert 4 == len(errors)
    assert [says_what_to_do] * 4 == errors
    assert ([7] * 6, ["job-0", "job-1", "job-2"] * 2) == kernel.value("(answers, names)")
    # The kernel itself may have closed one meanwhile.
    assert kernel.value("count() - used") <= 0
    ours = "sorted(each.name for each in threading.enumerate() if each.name.startswith('bgw-'))"
    assert ["bgw-job-0", "bgw-job-1", "bgw-job-2"] == kernel.value(ours)
    again = "one = bgw.start(polite, name='one more')\none.request_stop()\nprint(one.result(10))"
    assert {"stdout": "7\n", "stderr": ""} == kernel.run(again)
    assert {"stdout": OBEYED, "stderr": ""} == kernel.run(ALL_OBEY)
