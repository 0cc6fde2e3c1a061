"""Runs code in a kernel that a page is using, without the page taking notice.

Silent requests over a connection of our own: no output, no execution count, no history. Plain zmq
and not jupyter_client's own client, which needs an event loop to itself: the synchronous Playwright
keeps one running in this thread.
"""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import zmq
from jupyter_client.session import Session

_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")


class KernelFailure(AssertionError):
    """Raised when the code raised, or the kernel did not answer in time."""


def evaluate(connection_file: Path, code: str, *, limit: float, beside_cell: bool = False) -> str:
    """Run `code`; `str()` of its last line where that is an expression, else an empty text.

    `beside_cell` runs it in a subshell, a thread of its own, so it is answered while a cell runs.
    """
    body, expression = _split(code)
    content = {
        "code": body,
        "silent": True,
        "store_history": False,
        "allow_stdin": False,
        "stop_on_error": False,
        "user_expressions": {"value": f"str({expression})"} if expression else {},
    }
    deadline = time.monotonic() + limit
    with _connection(connection_file) as kernel:
        if not beside_cell:
            reply = kernel.ask("shell", "execute_request", content, deadline)
        else:
            answer = kernel.ask("control", "create_subshell_request", {}, deadline)
            subshell = {"subshell_id": answer["subshell_id"]}
            reply = kernel.ask("shell", "execute_request", content, deadline, **subshell)
            kernel.ask("control", "delete_subshell_request", subshell, deadline)
    if not expression:
        _raise_for(reply)
        return ""
    _raise_for(reply)
    value = reply["user_expressions"]["value"]
    _raise_for(value)
    return str(ast.literal_eval(value["data"]["text/plain"]))


def _split(code: str) -> tuple[str, str]:
    """The statements, and the expression at the end if there is one.

    Top-level `await` is for the statements alone: the kernel evaluates the expression outside of
    any coroutine.
    """
    tree = compile(code, "<python>", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert isinstance(tree, ast.Module)
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return code, ""
    last = tree.body.pop()
    return ast.unparse(tree), ast.unparse(last)


def _raise_for(answer: dict[str, Any]) -> None:
    if answer["status"] == "ok":
        return
    text = "\n".join(answer.get("traceback") or [f"{answer.get('ename')}: {answer.get('evalue')}"])
    raise KernelFailure(f"the kernel answered {answer['status']!r}:\n{_ANSI.sub('', text)}")


class _Connection:
    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], info: dict[str, Any]) -> None:
        self._session = Session(
            key=info["key"].encode(), signature_scheme=info["signature_scheme"], check_pid=False
        )
        self._sockets = {}
        for channel in ("shell", "control"):
            socket = context.socket(zmq.DEALER)
            socket.linger = 0
            # `jupyter_dirs` has chosen sockets in the file system.
            socket.connect(f"ipc://{info['ip']}-{info[f'{channel}_port']}")
            self._sockets[channel] = socket

    def ask(
        self, channel: str, kind: str, content: dict[str, Any], deadline: float, **header: str
    ) -> dict[str, Any]:
        """Send one request and wait for its reply's content."""
        socket = self._sockets[channel]
        message = self._session.msg(kind, content)
        message["header"] |= header
        self._session.send(socket, message)
        while (left := deadline - time.monotonic()) > 0:
            if not socket.poll(int(left * 1000) + 1):
                break
            _, reply = self._session.recv(socket, mode=zmq.NOBLOCK)
            if reply and reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                return dict(reply["content"])
        raise KernelFailure(f"no answer to {kind} in time: the kernel is busy, or gone")


@contextmanager
def _connection(connection_file: Path) -> Iterator[_Connection]:
    """Connected anew for each call: it takes milliseconds, and a restarted kernel needs no care."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        yield _Connection(context, json.loads(connection_file.read_text()))
    finally:
        context.destroy(linger=0)
