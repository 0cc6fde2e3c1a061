"""Start asyncio work in the background, see every loop and task, stop any of them cleanly.

    import bgwidgets as bgw

    job = bgw.start(race, 400, 2000)    # a coroutine function and its arguments
    bgw.panel()                         # the dashboard, in a notebook's cell

Importing this loads the standard library only; ipywidgets is loaded by `panel()`, IPython by
`BackgroundJobManager`, tqdm by `progress`, matplotlib by `figure()`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bgwidgets.background_loop import BackgroundLoop, current
from bgwidgets.exceptions import (
    BgwidgetsError,
    CannotCross,
    CannotInterrupt,
    CannotKillThread,
    CannotRestart,
    DuplicateName,
    HostUnresponsive,
    InvalidWork,
    LoopEnded,
    LoopInterrupted,
    LoopUnfinished,
    NoStopEvent,
    ProtectedLoop,
    UnknownHost,
    UnknownLoop,
    UnknownTask,
    WouldDeadlock,
)
from bgwidgets.hosts.dask_start import DaskHost
from bgwidgets.loop_manager import LoopManager
from bgwidgets.loop_manager import default_manager as manager
from bgwidgets.output.log import OutputLog
from bgwidgets.output.reading import OutputEntry, OutputReading
from bgwidgets.output.telling import figure, metric
from bgwidgets.snapshots import (
    AwaitFrame,
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    LoopWarning,
    MetricSnapshot,
    ProgressSnapshot,
    SlowStep,
    StopReport,
    TaskCancellation,
    TaskDetail,
    TaskFailure,
    TaskLink,
    TaskSnapshot,
    TaskTimings,
    TaskWindow,
    WarningKind,
)
from bgwidgets.states import LoopState, TaskState
from bgwidgets.stop_event import StopEvent

if TYPE_CHECKING:
    from bgwidgets.ipython.jobs import BackgroundJobManager
    from bgwidgets.widgets.control_panel import ControlPanel

    progress: type[Any]

__version__ = "0.1.0.dev0"

__all__ = [
    "AwaitFrame",
    "BackgroundJobManager",
    "BackgroundLoop",
    "BgwidgetsError",
    "CannotCross",
    "CannotInterrupt",
    "CannotKillThread",
    "CannotRestart",
    "ControlPanel",
    "DaskHost",
    "DuplicateName",
    "FigureSnapshot",
    "HostUnresponsive",
    "InvalidWork",
    "LoopEnded",
    "LoopHistory",
    "LoopInterrupted",
    "LoopManager",
    "LoopSnapshot",
    "LoopState",
    "LoopUnfinished",
    "LoopWarning",
    "MetricSnapshot",
    "NoStopEvent",
    "OutputEntry",
    "OutputLog",
    "OutputReading",
    "ProgressSnapshot",
    "ProtectedLoop",
    "SlowStep",
    "StopEvent",
    "StopReport",
    "TaskCancellation",
    "TaskDetail",
    "TaskFailure",
    "TaskLink",
    "TaskSnapshot",
    "TaskState",
    "TaskTimings",
    "TaskWindow",
    "UnknownHost",
    "UnknownLoop",
    "UnknownTask",
    "WarningKind",
    "WouldDeadlock",
    "adopt",
    "current",
    "discover",
    "enable_nesting",
    "figure",
    "manager",
    "metric",
    "panel",
    "progress",
    "start",
]

start = manager.start
adopt = manager.adopt
discover = manager.discover


def panel(manager: LoopManager = manager, interval: float = 0.5) -> ControlPanel:
    """The dashboard: display it in a cell, and it refreshes itself every `interval` seconds.

    Any thread; does not block. Several may show the same loops. Needs ipywidgets.
    """
    from bgwidgets.widgets.control_panel import ControlPanel

    return ControlPanel(manager, interval=interval)


def enable_nesting(loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Let a loop that runs already run again, at a price that every loop of the process pays.

    For the loop of the calling thread, the notebook's own in a cell, or for the one that is given.
    With nest_asyncio, which makes tasks 1.5 to 1.8 times slower in all loops. Background loops do
    not need it: a cell may call `job.result()`. Does not block. Raises `InvalidWork` when there is
    no loop to nest.
    """
    from bgwidgets.ipython import nesting

    nesting.enable_nesting(loop)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> Any:
    if name == "BackgroundJobManager":
        from bgwidgets.ipython.jobs import BackgroundJobManager

        return BackgroundJobManager
    if name == "ControlPanel":
        from bgwidgets.widgets.control_panel import ControlPanel

        return ControlPanel
    if name == "progress":
        from bgwidgets.output.tqdm_bars import progress_class

        # Only now, and the same class ever after.
        return globals().setdefault(name, progress_class())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
