"""A panel with some loops, and cells that keep the kernel busy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import expect

from tests.lab.notebook import Notebook
from tests.lab.panel import LIMIT, Panel

LOOPS: Final = 6
SCENE: Final = f"""
import asyncio, time
import bgwidgets as bgw

async def polite():
    side = asyncio.create_task(asyncio.Event().wait(), name="side")
    await bgw.current().stop_event.wait()

def start():
    bgw.manager.stop_all(0)
    bgw.manager.remove_finished()
    for number in range({LOOPS}):
        bgw.start(polite, name=f"loop-{{number}}")

start()
bgw.panel()
"""
CELLS: Final = {"sleeps": "time.sleep(60)", "spins": "while True: pass"}
BUTTONS: Final = [
    ("Cancel task side", "side", "cancelled"),
    ("Stop event", "loop-5", "finished"),
    ("Stop loop", "loop-4", "stopped"),
    ("Cancel tasks", "loop-3", "cancelled"),
]
"""What to click, and what is to be seen: a table's command, and each button on its loop."""
OpenNotebook = Callable[..., Notebook]


def open_panel(open_notebook: OpenNotebook, **options: str) -> tuple[Notebook, Panel]:
    """The loops and their panel; cell 1 sleeps and cell 2 spins."""
    notebook = open_notebook([SCENE, *CELLS.values()], **options)
    notebook.run(0)
    panel = Panel(notebook, 0)
    panel.wait_for_state(panel.task("side"), "pending")
    return notebook, panel


@contextmanager
def busy(notebook: Notebook, cell: str) -> Iterator[None]:
    """While one of the cells runs, which is interrupted in the end and has run until then."""
    notebook.run(1 + list(CELLS).index(cell), wait=False)
    try:
        yield
        assert notebook.is_running
    finally:
        notebook.interrupt_kernel()
        notebook.wait_idle()


def expect_mark(panel: Panel, text: str) -> None:
    """Until the mark says this."""
    expect(panel.live).to_have_text(text, timeout=LIMIT)


def pause_of_a_user(notebook: Notebook) -> None:
    """Nobody clicks twenty times a second; the panel's budget of messages is theirs again."""
    notebook.page.evaluate("() => new Promise((done) => setTimeout(done, 1200))")


def expect_buttons_to_act(notebook: Notebook, panel: Panel) -> list[float]:
    """Each in turn; the seconds that each took."""
    took = []
    for button, row, state in BUTTONS:
        if row.startswith("loop"):
            panel.select(row)
        pause_of_a_user(notebook)
        took.append(panel.effect_of(button, row, state))
    return took
