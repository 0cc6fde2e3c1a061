"""Every example notebook runs from the top in a fresh kernel: no error, no word on stderr."""

from __future__ import annotations

import itertools
import re
import textwrap
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import matplotlib.image
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from tests.jupyter_dirs import AsyncIpcKernelManager

NOTEBOOKS: Final = Path(__file__).parents[2] / "notebooks"
FIRST: Final = "01_first_loop.ipynb"
CELL_LIMIT: Final = 60

FINAL_STATES: Final[dict[str, tuple[str, str]]] = {
    "01_first_loop.ipynb": (
        "for loop in bgw.manager:\n    print(loop.name, loop.state, sep=': ')",
        (
            "race: finished\n"
            "to stop: stopped\n"
            "to cancel: cancelled\n"
            "divide: finished\n"
            "broken: failed\n"
            "counting: finished\n"
            "in a block: finished\n"
        ),
    ),
    "02_the_seed.ipynb": (
        (
            "for loop in bgw.manager:\n"
            "    tasks = sorted(f'{task.name} {task.state}' for task in loop.tasks)\n"
            "    print(loop.name, loop.state, loop.run_number, ', '.join(tasks), sep=': ')\n"
            "jobs.status()"
        ),
        (
            "run_loop: finished: 4: sprinter cancelled, stopper finished\n"
            "run_loop-2: finished: 1: sprinter cancelled, stopper finished\n"
            "elsewhere: finished: 1: sprinter cancelled, stopper finished\n"
            "Completed jobs:\n3 : <function run_loop at ...>\n4 : <function run_loop at ...>\n\n"
        ),
    ),
    "06_processes_and_dask.ipynb": (
        "for loop in bgw.manager:\n    print(loop.name, loop.host, loop.state, sep=': ')",
        (
            "wild: process: killed\n"
            "rate 0.001: dask: stopped\n"
            "rate 0.01: dask: cancelled\n"
            "rate 0.1: dask: killed\n"
            "rate 1.0: dask: finished\n"
        ),
    ),
    "03_output_and_progress.ipynb": (
        (
            "for loop in bgw.manager:\n"
            "    bars = sum(1 for task in loop.tasks for _ in loop.task_detail(task.id).progress)\n"
            "    print(loop.name, loop.state, bars, [*loop.metrics], [*loop.figures], sep=': ')"
        ),
        (
            "Ada: cancelled: 0: []: []\n"
            "Bob: cancelled: 0: []: []\n"
            "count down: finished: 0: []: []\n"
            "loading: finished: 1: []: []\n"
            "pendulum: finished: 1: ['height']: ['oscillation']\n"
        ),
    ),
    "04_producer_and_plot.ipynb": (
        (
            "walker = next(task for task in job.tasks if task.name == 'walker')\n"
            "steps = job.metrics['height'].count\n"
            "print(job.state, walker.progress.left_open, walker.progress.total)\n"
            "print(steps > 10, walker.progress.done in (steps - 1, steps), job.output.text() == '')"
        ),
        "finished True None\nTrue True True\n",
    ),
    "05_training.ipynb": (
        (
            "bar = training.snapshot().progress\n"
            "print(bar.description, bar.total, bar.left_open, epochs - bar.done in (0, 1))\n"
            "print(training.metrics['loss'].count == epochs, [*training.metrics])\n"
            "print(accuracy(Net.model) > 0.9, loss.lowest < 0.5 * loss.highest)"
        ),
        "training 20000 True True\nTrue ['loss', 'accuracy']\nTrue True\n",
    ),
    "07_windows.ipynb": (
        (
            "print([*bgw.manager] == [job], job.state, window.isVisible())\n"
            "print(job.tasks[0].state, job.snapshot().warnings)"
        ),
        "True finished False\nfinished ()\n",
    ),
}
"""A notebook's name -> a cell to run after its last one, and all that this cell must print."""

SHOWN: Final[dict[str, list[str]]] = {
    "02_the_seed.ipynb": [
        "Background loops",
        "<LoopState.FINISHED: 'finished'>",
        "Completed jobs:\n0 : <function run_loop at ...>\n\n",
        "{}",
        "<LoopState.STOPPED: 'stopped'>",
        "<LoopState.CANCELLED: 'cancelled'>",
        "Dead jobs:\n1 : <function run_loop at ...>\n2 : <function run_loop at ...>\n\n",
        "Flushing 2 Dead jobs.\n",
        "Background loops",
        (
            "run_loop    finished  stop event set: True\n"
            "run_loop-2  running   stop event set: False\n"
        ),
        (
            "Running jobs:\n4 : <function run_loop at ...>\n\n"
            "Completed jobs:\n3 : <function run_loop at ...>\n\n"
        ),
        (
            "StopReport(outcome=<LoopState.FINISHED: 'finished'>, seconds=..., "
            "steps=('stop_event',), unfinished_tasks=(), threads_left=(), notes=())"
        ),
        "{'run_loop': 'finished', 'run_loop-2': 'finished', 'elsewhere': 'finished'}",
    ],
    "03_output_and_progress.ipynb": [
        "Background loops",
        "This cell has its own output.\n",
        "['Ada says 0', 'Ada has said 0 things']",
        "3\n2\n1\ndone\n",
        "20",
        "'pages: 20 of 20'",
        "<LoopState.FINISHED: 'finished'>",
        "400 values, from -0.73 to 1.00\n",
        "a picture of 600 x 250",
        "The file has all of it: True\n",
        (
            "{'Ada': 'cancelled',\n 'Bob': 'cancelled',\n 'count down': 'finished',\n"
            " 'loading': 'finished',\n 'pendulum': 'finished'}"
        ),
    ],
    "04_producer_and_plot.ipynb": [
        "Background loops",
        "a picture of 700 x 250",
        "a picture of 700 x 250",
        "{'walker': 'cancelled', 'painter': 'cancelled', 'walk': 'finished'}",
    ],
    "05_training.ipynb": [
        "Background loops",
        "Stopped early: True\n",
        "Right about ...% of the test points.\nThe loss went from ... down to ....\n",
        "a picture of 400 x 400",
        "{'evaluate': 'cancelled', 'training': 'finished', 'the loop': 'finished'}",
    ],
    "07_windows.ipynb": [
        "Background loops",
        "['tick 0', 'tick 1', 'tick 2']",
        "<LoopState.FINISHED: 'finished'>",
        "{'clock': 'finished'}",
    ],
}
"""A notebook's name -> all that its cells show: also the states that a restart replaces."""


def run(notebook: nbformat.NotebookNode, kernel_name: str, folder: Path) -> nbformat.NotebookNode:
    """Run all cells in a fresh kernel that works in `folder`; a cell that raises raises here."""
    client = NotebookClient(
        notebook,
        kernel_name=kernel_name,
        kernel_manager_class=AsyncIpcKernelManager,
        timeout=CELL_LIMIT,
        resources={"metadata": {"path": str(folder)}},
    )
    return client.execute()


def outputs(notebook: nbformat.NotebookNode) -> list[tuple[int, Any]]:
    """Each output with its cell's number."""
    return [
        (number, output)
        for number, cell in enumerate(notebook.cells)
        for output in cell.get("outputs", [])
    ]


def stderr(notebook: nbformat.NotebookNode) -> list[tuple[int, str]]:
    """What was written to stderr, by cell: a warning that a reader would see too."""
    return [
        (number, output.text)
        for number, output in outputs(notebook)
        if output.output_type == "stream" and output.name == "stderr"
    ]


def as_text(output: Any) -> str:
    """What a reader sees of it, without addresses and measured numbers; a panel is only named."""
    if output.output_type == "stream":
        text = str(output.text)
    elif "image/png" in output.data:
        text = picture(output.data["image/png"])
    elif "application/vnd.jupyter.widget-view+json" in output.data:
        text = str(output.data["text/plain"]).partition(" as of ")[0]
    else:
        text = str(output.data["text/plain"])
    unknown = (
        r"0x[0-9a-f]+|(?<=seconds=)[\d.e-]+|\d+(?=%)|(?<=went from )\d\.\d\d|(?<=down to )\d\.\d\d"
    )
    return re.sub(unknown, "...", text)


def texts_of(cell: nbformat.NotebookNode) -> Iterator[str]:
    """What a reader sees below it. A kernel may send what is printed in several pieces."""
    for name, some in itertools.groupby(
        cell.get("outputs", []), lambda output: output.get("name") or id(output)
    ):
        texts = [as_text(output) for output in some]
        yield "".join(texts) if isinstance(name, str) else texts[0]


def picture(png: str) -> str:
    """Its size. One on which nothing was drawn is a failure."""
    pixels = matplotlib.image.imread(BytesIO(b64decode(png)))
    assert len(np.unique(pixels)) > 10, "an empty picture"
    height, width, _ = pixels.shape
    return f"a picture of {width} x {height}"


def test_the_notebook_that_make_demo_opens_is_there():
    assert (NOTEBOOKS / FIRST).is_file()


def test_every_final_state_belongs_to_a_notebook():
    """A notebook that was renamed must not lose its check in silence."""
    named = FINAL_STATES.keys() | SHOWN.keys()
    assert set() == named - {path.name for path in NOTEBOOKS.glob("*.ipynb")}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_runs_from_top_to_bottom(path: Path, kernel_name: str):
    """No cell raises, nothing goes to stderr, and the loops are left as the notebook says."""
    notebook = nbformat.read(path, as_version=4)
    check, expected = FINAL_STATES.get(path.name, ("", ""))
    notebook.cells.append(nbformat.v4.new_code_cell(check))

    ran = run(notebook, kernel_name, NOTEBOOKS)

    assert [] == stderr(ran)
    checked = ran.cells.pop()
    assert expected == "".join(as_text(output) for output in checked.outputs)
    texts = [text for cell in ran.cells for text in texts_of(cell)]
    assert SHOWN.get(path.name, texts) == texts


def test_who_stops_the_training_early_waits_for_nothing(kernel_name: str):
    """Long before it is good enough: the cell that would have clicked goes on at once."""
    notebook = nbformat.read(NOTEBOOKS / "05_training.ipynb", as_version=4)
    number = next(n for n, cell in enumerate(notebook.cells) if "button.click()" in cell.source)
    early = """
    while not training.metrics.get("accuracy"): time.sleep(0.01)
    panel.stop_event_button.click()
    print(training.wait(10))
    """
    notebook.cells.insert(number, nbformat.v4.new_code_cell(textwrap.dedent(early)))

    ran = run(notebook, kernel_name, NOTEBOOKS)

    assert [] == stderr(ran)
    assert ["finished\n"] == [*texts_of(ran.cells[number])]
    assert ["Stopped early: True\n"] == [*texts_of(ran.cells[number + 1])]


def test_a_cell_that_warns_is_noticed(kernel_name: str, tmp_path: Path):
    """The check above can fail: a warning in a cell is found, with the number of the cell."""
    cells = [
        nbformat.v4.new_code_cell(source)
        for source in ("1", "import warnings; warnings.warn('old')")
    ]

    found = stderr(run(nbformat.v4.new_notebook(cells=cells), kernel_name, tmp_path))

    assert [1] == [number for number, _ in found]
    assert "UserWarning: old" in found[0][1]
