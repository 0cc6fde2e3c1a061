"""The hosts by name: the only place that knows which there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bgwidgets.exceptions import UnknownHost
from bgwidgets.hosts.protocol import Host, LoopPlan
from bgwidgets.hosts.thread import ThreadHost

HostFactory = Callable[[LoopPlan], Host]

_HOSTS: Final[Mapping[str, HostFactory]] = {ThreadHost.kind: ThreadHost}


def host_factory(host: object) -> HostFactory:
    """What makes hosts of this kind. Raises `UnknownHost`."""
    if isinstance(host, str) and host in _HOSTS:
        return _HOSTS[host]
    raise UnknownHost(f"there is no host {host!r}: choose one of {', '.join(map(repr, _HOSTS))}")
