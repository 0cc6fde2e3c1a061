"""Buttons and table commands act while a cell runs, wherever the kernel lets them.

Without a browser: what JupyterLab writes into a message's header is written here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.kernel.conftest import LIMIT, Kernel
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(700)  # The first run installs the kernels.

PANEL: Final = """
import asyncio, threading, time
import bgwidgets as bgw

async def work():
    asyncio.create_task(asyncio.Event().wait(), name="task")
    await bgw.current().stop_event.wait()

loops = [bgw.start(work, name=f"loop-{number}") for number in range(4)]
panel = bgw.panel(interval=0.2)
table, actions = panel.children[:2]
"""
SUBSHELLS: Final = (
    "sorted(each.name for each in threading.enumerate() if each.name.startswith('subshell-'))"
)
CELLS: Final = {
    "sleeps": "print('began', flush=True)\ntime.sleep(60)",
    "spins": "print('began', flush=True)\nwhile True: pass",
}


class Page:
    """A page that shows the panel of a kernel."""

    def __init__(self, kernel: Kernel, *, names_a_subshell: bool) -> None:
        kernel.run(PANEL)
        self._kernel: Final = kernel
        self._subshell = kernel.create_subshell() if names_a_subshell else None
        self._table: Final[str] = kernel.value("table.model_id")
        self._rows: Final[dict[int, dict[str, Any]]] = {}
        self.loops: Final[list[int]] = kernel.value("[loop.id for loop in loops]")
        self.tell(type="hello", view="page", start=0, stop=12)
        self.wait_for_frame(lambda frame: frame["full"])

    def tell(self, **message: Any) -> None:
        """Send a message through the table of loops."""
        self._kernel.send_to_widget(self._table, message, subshell=self._subshell)

    def click(self, button: str) -> None:
        """Click one of the real buttons, by its attribute."""
        self._kernel.send_to_widget(
            self._buttons[button], {"event": "click"}, subshell=self._subshell
        )

    def learn_the_buttons(self) -> None:
        """Before a cell runs, for they are asked for by running one."""
        names = ["stop_event_button", "stop_loop_button", "cancel_tasks_button"]
        self._buttons: dict[str, str] = {
            name: self._kernel.value(f"panel.{name}.model_id") for name in names
        }

    def wait_for(self, is_it: Callable[[Any], bool]) -> Any:
        """The next message of the table that is so."""

        def take(message: Any) -> bool:
            for place, news in message.get("rows", ()):  # Of a known row what changed comes.
                self._rows[place] = news if "id" in news else self._rows[place] | news
            return is_it(message)

        return self._kernel.next_from_widget(self._table, take)

    def states(self) -> dict[int, str]:
        """The state of each loop, as the page knows it."""
        return {row["id"]: row["state"] for row in self._rows.values()}

    def wait_for_frame(self, is_it: Callable[[Any], bool]) -> Any:
        """The next frame that is so."""
        return self.wait_for(lambda message: message["type"] == "frame" and is_it(message))

    def wait_for_state(self, loop: int, state: str) -> None:
        """Until the page is told that a loop is in this state."""
        deadline = time.monotonic() + LIMIT
        while self.states().get(loop) != state:
            assert time.monotonic() < deadline, f"{self.states()}, and {loop} is not {state}"
            self.wait_for_frame(lambda _: True)

    def wait_for_cell(self) -> int:
        """Until the page is told that a cell runs; the cell's number."""
        is_told = self.wait_for_frame(lambda frame: frame["head"].get("cell") is not None)
        return int(is_told["head"]["cell"])


@pytest.fixture
def open_page(start_kernel: StartKernel) -> Callable[..., tuple[Kernel, Page]]:
    """`open_page("7.4", names_a_subshell=True)`: a kernel and its page."""

    def open_one(ipykernel: str, *, names_a_subshell: bool) -> tuple[Kernel, Page]:
        kernel = start_kernel(ipykernel)
        page = Page(kernel, names_a_subshell=names_a_subshell)
        page.learn_the_buttons()
        return kernel, page

    return open_one


OpenPage = Callable[..., tuple[Kernel, Page]]

MANY_MESSAGES: Final = 50
LIVE: Final = [("7.4", True), ("7.4", False), ("7.3", True)]
"""The kernels, and whether the page names a subshell, with which clicks are heard at once."""
WAITING: Final = [("7.3", False), ("6.31", False)]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("ipykernel", "names_a_subshell"), LIVE)
def test_every_button_and_a_table_command_act_at_once(
    open_page: OpenPage, ipykernel: str, names_a_subshell: bool, cell: str
):
    """The cell goes on; the page is told of the effect and that it is heard."""
    kernel, page = open_page(ipykernel, names_a_subshell=names_a_subshell)
    first, second, third, fourth = page.loops
    kernel.begin(CELLS[cell])

    # Heard, after the publisher's thread has told the page so much.
    number = page.wait_for_cell()
    page.tell(type="ping", view="page", cell=number)
    pong = page.wait_for(lambda message: message["type"] == "pong")
    assert {"type": "pong", "cell": number, "views": ["page"]} == pong

    # The newest that is unfinished is selected, when none was chosen.
    page.click("stop_event_button")
    page.wait_for_state(fourth, "finished")
    page.tell(type="select", loop=third)
    page.click("stop_loop_button")
    page.wait_for_state(third, "stopped")
    page.tell(type="select", loop=second)
    page.click("cancel_tasks_button")
    page.wait_for_state(second, "cancelled")
    page.tell(type="command", command="stop_event", loop=first)
    page.wait_for_state(first, "finished")

    kernel.interrupt()
    page.wait_for_frame(lambda frame: frame["head"].get("cell", 0) is None)
    assert "" == kernel.stderr()


@pytest.mark.parametrize(("ipykernel", "names_a_subshell"), WAITING)
def test_where_the_kernel_does_not_hear_them_they_act_after_the_cell(
    open_page: OpenPage, ipykernel: str, names_a_subshell: bool
):
    """The picture goes on; no ping is answered, and none of the last cell's later on."""
    kernel, page = open_page(ipykernel, names_a_subshell=names_a_subshell)
    kernel.begin(CELLS["sleeps"])
    number = page.wait_for_cell()

    page.tell(type="ping", view="page", cell=number)
    page.click("stop_loop_button")

    heard = [page.wait_for(lambda _: True) for _ in range(3)]
    assert {"running"} == set(page.states().values())
    kernel.interrupt()
    while "stopped" not in page.states().values():
        heard.append(page.wait_for(lambda _: True))
    assert "pong" not in [message["type"] for message in heard]
    assert "" == kernel.stderr()


def test_there_is_one_subshell_for_all_panels(start_kernel: StartKernel):
    """From the first message on, for later panels too; comms of other widgets are as they were."""
    kernel = start_kernel("7.4")
    kernel.run(PANEL + "import ipywidgets\nother = ipywidgets.Button()\nmore = bgw.panel()")
    assert [] == kernel.value(SUBSHELLS)
    for table in kernel.value("[each.children[0].model_id for each in (panel, more)]"):
        say_hello(kernel, table)
    [subshell] = kernel.value(SUBSHELLS)
    assert [] == kernel.value("[name for name in vars(other.comm) if 'subshell_for' in name]")

    kernel.run("comm = more.stop_event_button.comm\npanel.close()\nmore.close()")
    assert [] == kernel.value("[name for name in vars(comm) if 'subshell_for' in name]")

    kernel.run("panel = bgw.panel(); table = panel.children[0]")
    say_hello(kernel, kernel.value("table.model_id"))
    assert [subshell] == kernel.value(SUBSHELLS)
    assert "" == kernel.stderr()


def say_hello(kernel: Kernel, table: str) -> None:
    """A page opens a table, and is answered."""
    kernel.send_to_widget(table, {"type": "hello", "view": "page", "start": 0, "stop": 12})
    kernel.next_from_widget(table, lambda message: message["type"] == "frame")


def test_a_subshell_that_somebody_else_ended_is_made_again(start_kernel: StartKernel):
    """A client may end any subshell."""
    kernel = start_kernel("7.4")
    page = Page(kernel, names_a_subshell=False)
    [name] = kernel.value(SUBSHELLS)
    message = kernel.client.session.msg(
        "delete_subshell_request", {"subshell_id": name.removeprefix("subshell-")}
    )
    kernel.client.control_channel.send(message)
    assert "ok" == kernel.client.get_control_msg(timeout=10)["content"]["status"]

    page.tell(type="hello", view="page", start=0, stop=12)

    page.wait_for_frame(lambda frame: frame["full"])
    assert name not in kernel.value(SUBSHELLS)


def test_messages_that_are_under_way_when_the_last_panel_closes_are_no_error(
    start_kernel: StartKernel,
):
    """Many are, behind a click whose handler takes its time, which holds up neither the closing
    nor the next cell.
    """
    kernel = start_kernel("7.4")
    page = Page(kernel, names_a_subshell=False)
    kernel.run(
        "go_on, began = threading.Event(), threading.Event()\n"
        "panel.stop_loop_button.on_click(lambda _: (began.set(), go_on.wait(60)))"
    )
    page.learn_the_buttons()
    page.click("stop_loop_button")
    kernel.run("assert began.wait(10)")
    for _ in range(MANY_MESSAGES):
        page.tell(type="alive", view="page")
    closed = kernel.value("table.model_id")

    kernel.run("panel.close()")

    kernel.run("go_on.set()")
    [subshell] = kernel.value(SUBSHELLS)
    kernel.run("panel = bgw.panel(); table = panel.children[0]")
    say_hello(kernel, kernel.value("table.model_id"))  # Behind those many: all were handled.
    assert [subshell] == kernel.value(SUBSHELLS)
    # What ipykernel says of a message to any widget that is closed, and no more.
    assert {f"No such comm: {closed}"} >= set(kernel.stderr().splitlines())


BROKEN: Final = """
from ipykernel.subshell_manager import SubshellManager

def refuse(*_):
    raise RuntimeError("no more threads")

SubshellManager._create_subshell = refuse
"""


def test_a_kernel_that_gives_no_subshell_takes_the_pages(start_kernel: StartKernel):
    """And the panel says what went wrong: once, and nothing else is different."""
    kernel = start_kernel("7.4")
    subshell = kernel.create_subshell()
    kernel.run(PANEL + BROKEN)
    status = kernel.value("actions.children[-1].model_id")
    table = kernel.value("table.model_id")
    kernel.begin(CELLS["sleeps"])

    hello = {"type": "hello", "view": "page"}
    kernel.send_to_widget(table, hello | {"start": 0, "stop": 12}, subshell=subshell)
    kernel.send_to_widget(status, hello, subshell=subshell)

    said = kernel.next_from_widget(status, lambda message: message["type"] == "said")
    assert "error" == said["level"]
    assert "Clicks may wait for a cell that runs: RuntimeError: no more threads" == said["text"]
    kernel.interrupt()


@pytest.mark.parametrize("ipykernel", IPYKERNELS)
def test_the_page_knows_which_cell_runs(start_kernel: StartKernel, ipykernel: str):
    """Also one that made the panel; a cell within a cell is a part of it; a task that a cell left
    behind is none.
    """
    kernel = start_kernel(ipykernel)
    kernel.run(
        """
import asyncio, threading
from bgwidgets.widgets.cells import CellWatch
told = []
async def later():
    watch = CellWatch(told.append)
    watch.close()
    return list(told)
task = asyncio.get_running_loop().create_task(later())
"""
    )
    kernel.run("at_once = await task")
    assert [] == kernel.value("at_once")
    kernel.run("watch = CellWatch(told.append); first = list(told)")
    assert [1, None] == kernel.value("[len(first), told[-1]]")
    kernel.run("told.clear()\nget_ipython().run_cell('within = list(told)')\nafter = list(told)")
    assert [[], [], [None]] == kernel.value("[within, after, told]")
    kernel.run("told.clear(); import time; before = time.time()")
    kernel.run("moment = told[-1].began_at")
    assert kernel.value("first[0].began_at is None and before <= moment <= time.time()")
    kernel.run("told.clear(); watch.close(); watch.close()")
    kernel.run("pass")
    assert [] == kernel.value("told")
