"""A way to a Dask scheduler that takes its time, and breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from concurrent.futures import Future

from bgwidgets import LoopManager
from tests.hosts.conftest import LIMIT


class SlowWire:
    """All that comes to its address is carried to the scheduler, and back."""

    def __init__(self, address: str, delay: float = 0.0) -> None:
        """`delay` in seconds, each way."""
        self._target = address.rpartition("/")[2].split(":")
        self._delay = delay
        self._port: Future[int] = Future()
        self._is_cut = False
        self._connections: set[asyncio.Task[None]] = set()
        self._job = LoopManager().start(self._serve, name="wire")

    @property
    def address(self) -> str:
        """Where it begins."""
        return f"tcp://127.0.0.1:{self._port.result(LIMIT)}"

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """Nothing comes through, and whoever tries is turned away; until it is mended."""
        self._is_cut = True
        self._job.submit(self._break_all()).result(LIMIT)
        try:
            yield
        finally:
            self._is_cut = False

    def close(self) -> None:
        """Cut it for good."""
        self._job.stop(0)

    async def _break_all(self) -> None:
        for connection in self._connections:
            connection.cancel()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._port.set_result(server.sockets[0].getsockname()[1])
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.close()
            return
        there, back = await asyncio.open_connection(self._target[0], int(self._target[1]))
        connection = asyncio.ensure_future(self._carry_both(reader, back, there, writer))
        self._connections.add(connection)
        # Cut, it is no error; and asyncio's streams do not expect that a handler is cancelled.
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await connection
        self._connections.discard(connection)
        back.close()
        writer.close()

    async def _carry_both(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        await asyncio.gather(self._carry(reader, back), self._carry(there, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(1 << 16):
            loop.call_later(self._delay, writer.write, data)
        loop.call_later(self._delay, writer.close)
