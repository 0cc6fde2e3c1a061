"""What a loop's output learns from the run that writes it."""

from __future__ import annotations

import asyncio
from typing import Any

from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.observe.asyncio_internals import tasks_now
from bgwidgets.observe.ledger import Ledger
from bgwidgets.output.blocks import Whose
from bgwidgets.output.log import OutputLog


def write_down(
    output: OutputLog, loop: asyncio.AbstractEventLoop, ledger: Ledger, warnings: LoopWarnings
) -> None:
    """From now on its tasks have the numbers of this book, and its warnings are this run's."""

    def whose(task: asyncio.Task[Any]) -> Whose:
        return ledger.id_of(task), ledger.name(task)

    output.cannot_write = warnings.output_not_written
    output.can_write = warnings.output_written
    output.begin(tasks_now(), loop, whose)
