"""What a loop's output learns from the run that writes it, and forgets with it."""

from __future__ import annotations

import asyncio
from typing import Any

from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.observe.ledger import Ledger
from bgwidgets.output.log import OutputLog, Whose, only_its_name


def write_down(output: OutputLog, ledger: Ledger, warnings: LoopWarnings) -> None:
    """From now on its tasks have the numbers of this book, and its warnings are this run's."""

    def whose(task: asyncio.Task[Any]) -> Whose:
        return ledger.id_of(task), ledger.name(task)

    output.whose = whose
    output.cannot_write = warnings.output_not_written


def put_away(output: OutputLog) -> None:
    """The run is over: its file is closed, until its threads, or the next run, write more."""
    output.rest()
    output.whose = only_its_name
