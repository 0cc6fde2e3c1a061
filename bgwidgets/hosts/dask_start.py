"""What is asked of a Dask cluster for one loop: an actor on one of its workers.

It is asked by texts, which every Python can run. What goes there by its name is imported by the
scheduler, and by the worker while it reads what its scheduler says: without this package there the
connection breaks, and one worker after the other is lost.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from bgwidgets.exceptions import UnknownHost

_MAKE: Final = '''
def make():
    """Whatever Python runs this, it says what is missing."""
    import sys
    import distributed
    try:
        from bgwidgets.hosts.dask_worker import ChildKeeper
    except Exception as error:
        raise ImportError(
            "the Dask worker %s, with Python %d.%d, cannot import bgwidgets (%s: %s)"
            % (distributed.get_worker().address, *sys.version_info[:2], type(error).__name__, error)
        ) from None
    return ChildKeeper()
'''


@dataclass(frozen=True, slots=True, eq=False)
class DaskHost:
    """Where on a Dask cluster a loop is to run: `start(f, host=DaskHost(client, workers=...))`."""

    client: Any
    """A `distributed.Client`, which has its own security: TLS and the like."""
    workers: Any = None
    """A worker's address or name, or several; None: wherever the scheduler wants it."""
    resources: Mapping[str, float] | None = None
    """What the loop takes of a worker's until it has ended: {"GPU": 1}."""


def ask_for_keeper(where: DaskHost) -> Any:
    """The future of an actor, a `dask_worker.ChildKeeper`, on a worker that will do."""
    run = ("exec(text) or make()", {"text": _MAKE})
    return _ask(where, "ChildKeeper", *run, actor=True, workers=where.workers)


def ask_for_room(where: DaskHost, worker: str, name: str) -> Any:
    """The future of the task that holds the resources on this worker, for the room of this name."""
    run = ("exec('from bgwidgets.hosts.dask_room import hold') or hold(name)", {"name": name})
    # Before another loop's actor, which would have to wait as well.
    return _ask(where, "bgwidgets-resources", *run, workers=[worker], priority=1)


def _ask(where: DaskHost, kind: str, expression: str, names: dict[str, str], **options: Any) -> Any:
    """The future of what the expression gives there; it is never run again by itself."""
    return where.client.submit(
        eval,
        expression,
        names,
        key=f"{kind}-{uuid.uuid4()}",
        pure=False,
        retries=0,
        resources=dict(where.resources) if where.resources else None,
        **options,
    )


def cannot_be_there(error: ImportError, version: str) -> UnknownHost:
    """What is said when no keeper can be made there; `version` is this package's here."""
    return UnknownHost(
        f"{error}: install it in that Python, in the version of this kernel:"
        f" pip install 'bgwidgets[dask]=={version}'. Nothing was started"
    )
