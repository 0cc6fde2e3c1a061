"""Somebody who reads an example notebook in JupyterLab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from tests.lab.live import OpenNotebook
from tests.lab.notebook import Notebook
from tests.lab.panel import Panel

NOTEBOOKS: Final = Path(__file__).parents[2] / "notebooks"
WATCH_STDERR: Final = """
import io, logging, threading
stderr_of_threads = io.StringIO()
threading.excepthook = lambda args: stderr_of_threads.write(repr(args))
logging.basicConfig(stream=stderr_of_threads, level=logging.WARNING)
"""


class Reader:
    """Goes through a notebook's code cells from the top, and clicks in between."""

    def __init__(self, open_notebook: OpenNotebook, name: str) -> None:
        self._cells: Final = [
            "".join(cell["source"])
            for cell in json.loads((NOTEBOOKS / name).read_text())["cells"]
            if cell["cell_type"] == "code"
        ]
        self._next = 0
        self.notebook: Final[Notebook] = open_notebook(self._cells)
        self.notebook.python(WATCH_STDERR)

    def run_to(self, code: str) -> int:
        """Run the cells up to the next one that holds this code; returns its number."""
        for number in range(self._next, len(self._cells)):
            self.notebook.run(number)
            if code in self._cells[number]:
                self._next = number + 1
                return number
        raise AssertionError(f"no cell holds {code!r} from cell {self._next} on")

    def reads(self, code: str) -> str:
        """Run the cells up to the next one that holds this code; returns what it shows."""
        return self.notebook.output_text(self.run_to(code))

    def run_to_panel(self) -> Panel:
        """Run the cells up to the next panel."""
        return Panel(self.notebook, self.run_to("bgw.panel()"))

    def run_to_the_end(self) -> str:
        """Run the cells that are left; returns what the last one shows."""
        for number in range(self._next, len(self._cells)):
            self.notebook.run(number)
        return self.notebook.output_text(len(self._cells) - 1)

    def expect_quiet(self) -> None:
        """No cell raised or wrote to stderr, no thread broke, and the page has no error."""
        assert [] == [
            output
            for cell in self.notebook.outputs()
            for output in cell
            if output["output_type"] == "error" or output.get("name") == "stderr"
        ]
        assert "" == self.notebook.python("stderr_of_threads.getvalue()")
        assert [] == self.notebook.console_errors
