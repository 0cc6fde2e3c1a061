"""A Dask cluster for tests: a scheduler, nannies and workers, each a process."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed

from tests.processes import StartedProcesses

STARTS_WITHIN = 60.0
ROOT = Path(__file__).parents[2]


@dataclass
class Cluster:
    """A scheduler and two workers with their nannies."""

    address: str
    scheduler: subprocess.Popen[str]
    workers: subprocess.Popen[str]


def start_cluster(
    processes: StartedProcesses, folder: Path, *, without_package: str | None = None
) -> Cluster:
    """`without_package` lacks it: "scheduler" or "workers"."""

    def options(who: str) -> dict[str, Any]:
        path = {"PYTHONPATH": str(without(folder) if who == without_package else ROOT)}
        return {"env": os.environ | processes.environment | path, "cwd": folder, "text": True}

    scheduler = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"),
            *("--port", "0", "--no-dashboard", "--scheduler-file", "scheduler.json"),
        ],
        stderr=subprocess.DEVNULL,
        **options("scheduler"),
    )
    file = folder / "scheduler.json"
    until_slowly(lambda: file.exists() and file.stat().st_size)
    workers = subprocess.Popen(
        [
            *(sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file)),
            *("--nworkers", "2", "--nthreads", "1", "--no-dashboard", "--resources", "ROOM=5"),
            # Also the time in which a nanny's worker must have started, on a busy machine.
            *("--death-timeout", str(STARTS_WITHIN)),
        ],
        stderr=subprocess.DEVNULL,
        **options("workers"),
    )
    try:
        with distributed.Client(scheduler_file=str(file), set_as_default=False) as client:
            client.wait_for_workers(2, timeout=STARTS_WITHIN)
            return Cluster(client.scheduler.address, scheduler, workers)
    except BaseException:
        end_cluster(Cluster("", scheduler, workers))
        raise


@contextlib.contextmanager
def running_cluster(processes: StartedProcesses, folder: Path) -> Iterator[Cluster]:
    cluster = start_cluster(processes, folder)
    yield cluster
    end_cluster(cluster)


@contextlib.contextmanager
def client_of(cluster: Cluster) -> Iterator[distributed.Client]:
    """That for `host="dask"`, as soon as both workers are there."""
    with distributed.Client(cluster.address, set_as_default=True) as client:
        client.wait_for_workers(2, timeout=STARTS_WITHIN)
        yield client


def without(folder: Path) -> Path:
    """For a PYTHONPATH: this package is not there, though it is installed."""
    package = folder / "nothing" / "bgwidgets"
    package.mkdir(parents=True)
    missing = "raise ModuleNotFoundError(\"No module named 'bgwidgets'\", name='bgwidgets')\n"
    (package / "__init__.py").write_text(missing)
    return package.parent


def until_slowly(find: Any) -> None:
    deadline = time.monotonic() + STARTS_WITHIN
    while not find():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def end_cluster(cluster: Cluster) -> None:
    for process in (cluster.workers, cluster.scheduler):
        process.terminate()
    for process in (cluster.workers, cluster.scheduler):
        process.wait(STARTS_WITHIN)


def kill_cluster(cluster: Cluster) -> None:
    """Where a worker was killed: a nanny that is to end while it starts another hangs for ever
    (distributed 2026.8, with and without this package).
    """
    for process in (cluster.workers, cluster.scheduler):
        process.kill()
        process.wait(STARTS_WITHIN)
