"""The errors of bgwidgets. Each message says what to do.

BgwidgetsError
├── InvalidWork (TypeError)      what was given to run cannot be run
├── UnknownHost (ValueError)     no host goes by that name
├── DuplicateName (ValueError)   the name is held by an unfinished loop
├── UnknownLoop (LookupError)    no such loop is listed
├── UnknownTask (LookupError)    the loop has no such task
├── LoopEnded (RuntimeError)     the loop has ended, or ended without a result
├── LoopUnfinished (RuntimeError) only an ended loop can be removed
├── NoStopEvent (RuntimeError)   an adopted loop has no stop event that is known
├── ProtectedLoop (RuntimeError) stopping it would take the kernel or a library down
├── WouldDeadlock (RuntimeError) the call would wait for itself
├── CannotRestart (RuntimeError) the work cannot be run a second time
├── CannotInterrupt (RuntimeError) no task blocks the loop, or it is not ours to interrupt
├── CannotKillThread (RuntimeError) only a process can be killed
├── CannotCross (TypeError)      a value cannot be brought from one process to another
└── HostUnresponsive (TimeoutError) what carries the loop does not answer in time

LoopInterrupted (BaseException)  is no error of a call: `interrupt()` raises it in the task
"""

from __future__ import annotations


class BgwidgetsError(Exception):
    """What all errors have in common that tell a user what cannot be done."""


class InvalidWork(BgwidgetsError, TypeError):
    """Raised when what was given to `start()` or `submit()` cannot be run. Nothing was started."""


class UnknownHost(BgwidgetsError, ValueError):
    """Raised when `start()` is told a host that does not exist, or not on this system.

    Nothing was started.
    """


class DuplicateName(BgwidgetsError, ValueError):
    """Raised when a name is asked for that an unfinished loop has. Nothing was started."""


class UnknownLoop(BgwidgetsError, LookupError):
    """Raised when the manager lists no loop of that name or id."""


class UnknownTask(BgwidgetsError, LookupError):
    """Raised when a command names a task id that this loop does not know. Nothing was done."""


class LoopEnded(BgwidgetsError, RuntimeError):
    """Raised when a loop takes no more work, or ended in a way that leaves no result."""


class LoopUnfinished(BgwidgetsError, RuntimeError):
    """Raised when a loop is to be removed that has not ended."""


class NoStopEvent(BgwidgetsError, RuntimeError):
    """Raised when the stop event of an adopted loop is to be set, and none is known."""


class ProtectedLoop(BgwidgetsError, RuntimeError):
    """Raised when a command would take the kernel or somebody else's library down."""


class WouldDeadlock(BgwidgetsError, RuntimeError):
    """Raised when a call from inside a loop's own thread would wait for that thread."""


class CannotRestart(BgwidgetsError, RuntimeError):
    """Raised when a loop's work cannot be run again."""


class CannotInterrupt(BgwidgetsError, RuntimeError):
    """Raised by `interrupt()` when no task blocks the loop, or the loop was started elsewhere.

    Nothing was done.
    """


class CannotKillThread(BgwidgetsError, RuntimeError):
    """Raised by `kill()` on a loop in a thread, which nothing can end from outside."""


class CannotCross(BgwidgetsError, TypeError):
    """Raised when a value cannot be brought from one process to another.

    By `result()` and `exception()`, when it is what the work returned or raised; it names what it
    is of it that cannot be pickled.
    """


class HostUnresponsive(BgwidgetsError, TimeoutError):
    """Raised when what carries the loop does not answer in time. What was asked may still be done,
    unless the message says that nothing was: then it was known not to answer, and was not asked.

    `kill()` ends it.
    """


class LoopInterrupted(BaseException):
    """Raised in the task that blocks a loop, wherever it is, by `BackgroundLoop.interrupt()`.

    Like KeyboardInterrupt it passes `except Exception`; unlike it, it ends this task alone.
    """
