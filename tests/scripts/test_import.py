"""What `import bgwidgets` loads, and which names it gives."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import bgwidgets
from tests.scripts.conftest import Ran

PUBLIC = {
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
}
NOT_FOR_MODULES = {"panel", "manager", "progress", "metric", "figure", "adopt", "discover"} | {
    "current"
}


def submodules() -> list[str]:
    return [module.name for module in pkgutil.walk_packages(bgwidgets.__path__, "bgwidgets.")]


def test_the_public_names_are_these():
    """Each is there, and `dir()` shows it."""
    assert PUBLIC == set(bgwidgets.__all__)
    for name in PUBLIC:
        assert getattr(bgwidgets, name) is not None
    assert PUBLIC | {"__version__"} == set(dir(bgwidgets))


def test_a_name_that_is_not_there_is_an_attribute_error():
    """As of any module."""
    assert not hasattr(bgwidgets, "no_such_name")


def test_no_submodule_takes_the_place_of_a_public_name():
    """A submodule becomes an attribute of its package the moment it is imported."""
    for name in submodules():
        importlib.import_module(name)
    modules = [name for name in PUBLIC if isinstance(getattr(bgwidgets, name), types.ModuleType)]
    assert [] == modules
    assert set() == {name.rsplit(".", 1)[-1] for name in submodules()} & NOT_FOR_MODULES


def test_every_public_thing_has_a_docstring():
    """Classes, functions, and the public methods of classes."""
    bare = []
    for name in PUBLIC - {"manager"}:
        thing = getattr(bgwidgets, name)
        members = vars(thing).items() if inspect.isclass(thing) else ()
        bare += [
            f"{name}.{member}"
            for member, value in members
            if not member.startswith("_")
            and (inspect.isfunction(value) or isinstance(value, property))
            and not inspect.getdoc(value)
        ]
        if not inspect.getdoc(thing):
            bare.append(name)
    assert [] == bare


def test_the_import_loads_the_standard_library_only():
    """In an interpreter that has nothing else."""
    root = Path(bgwidgets.__file__).parents[1]
    code = (
        f"import sys; sys.path.insert(0, {str(root)!r}); import bgwidgets;"
        "foreign = {name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names);"
        "print(sorted(name for name in foreign if not name.startswith('__')))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "['bgwidgets']\n" == done.stdout


def test_a_loop_needs_no_jupyter(run_script: Callable[[str], Ran]):
    """Start, look, stop: neither IPython nor ipywidgets is loaded by that."""
    ran = run_script(
        """
import asyncio, sys
import bgwidgets as bgw
job = bgw.start(asyncio.sleep, 3600)
job.submit(asyncio.sleep(0)).result(10)
print([task.waiting_on for task in job.tasks if task.is_main], job.stop(0).outcome)
print({"IPython", "ipywidgets", "anywidget", "traitlets", "ipykernel"} & set(sys.modules))
"""
    )
    assert ("['sleep, 60 min left'] cancelled\nset()\n", "") == (ran.stdout, ran.stderr)


def test_the_import_needs_no_fork(run_script: Callable[[str], Ran]):
    """Some systems have none; a process host says there what it needs, when one is asked for."""
    ran = run_script(
        "import os\ndel os.fork, os.register_at_fork\n"
        "import bgwidgets as bgw\nprint(bgw.start(max, 6, 7).result(10))"
    )
    assert ("7\n", "") == (ran.stdout, ran.stderr)


def test_the_package_is_typed():
    """Type checkers look at its annotations only when this file is there."""
    assert (Path(bgwidgets.__file__).parent / "py.typed").is_file()
