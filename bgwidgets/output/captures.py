"""Streams that somebody puts in the place of `sys.stdout` and `sys.stderr` for a while.

`print` writes to whatever stands there when it is called, in every thread. So a cell that captures
its output (`%%capture`, `redirect_stdout`) would have what loops print meanwhile, and a loop that
redirects its own would have what cells and other loops print. Both go through two classes, whose
`with` is wrapped here: `contextlib.redirect_stdout` (and `redirect_stderr`), and IPython's
`capture_output` (seen: IPython 8.20 to 9.18). What is put there by hand is not heard of.

What a cell puts there is a cell's: it stands behind a stream of ours that is routed as every other.
What a loop puts there is for that loop alone; all others find what was there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, Final, Protocol

from bgwidgets.output.reading import Stream
from bgwidgets.output.shell import shell
from bgwidgets.output.stream_hooks import StandIn

Function = Callable[..., Any]

STREAMS: Final[tuple[Stream, Stream]] = ("stdout", "stderr")
_KEPT_AS: Final = "_of_bgwidgets"
"""The attribute in which a `with` keeps what is over the streams in its block."""


class Cover:
    """A stream of which somebody has put another one in the place."""

    def __init__(self, name: Stream, stream: Any, below: Any, loop_id: int | None) -> None:
        self.name: Final = name
        self.loop_id: Final = loop_id
        """The loop that has put it there, or None."""
        self.stream: Final = stream
        """What they have put there."""
        self.below: Final = below
        """What was there, and will be again."""
        self.layer: Any = None
        """What is there now."""
        self.stand_in: StandIn | None = None
        """The same, or what is in it, if it was a cell that has put it there."""
        self.is_over = False


class ForOneLoop:
    """For the loop that has put it there it is one stream, for all others the one below. Whatever
    is looked up, also `write`, is found there, so that who replaces that finds his own again.
    """

    def __init__(self, loop_here: Callable[[], int | None], cover: Cover, below: Any) -> None:
        vars(self)[_KEPT_AS] = loop_here, cover, below

    def __getattr__(self, name: str) -> Any:
        return getattr(_stream_for_caller(self), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_stream_for_caller(self), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_stream_for_caller(self), name)


def _stream_for_caller(layer: ForOneLoop) -> Any:
    loop_here, cover, below = vars(layer)[_KEPT_AS]
    stream = cover.stream if not cover.is_over and loop_here() == cover.loop_id else below
    return StandIn(None) if stream is None else stream


class Routes(Protocol):
    """Who knows whose output goes where. Called with his lock held."""

    def loop_here(self) -> int | None:
        """The loop to whose output belongs what the calling code writes."""

    def routed(self, cover: Cover) -> StandIn:
        """Something for the place of the stream, which is routed as the one below."""

    def look(self) -> None:
        """See to the streams that are there now."""

    def capture_displays(self, capture: Any, *, on: bool) -> None:
        """What the calling code's loop displays goes to this publisher, and then no more."""


class Captures:
    """The wraps, and what is over the streams at this moment."""

    def __init__(self, guard: Any, routes: Routes) -> None:
        """`guard` is held while something changes."""
        self._guard: Final = guard
        self._routes: Final = routes
        self._covers: list[Cover] = []
        self._undo: Final[list[Callable[[], None]]] = []
        self._wrapped: Final[dict[type, object]] = {}

    def install(self) -> None:
        """Wrap what is to be wrapped, and was not. With the guard held."""
        self._wrap(redirect_stdout, ("stdout",))
        self._wrap(redirect_stderr, ("stderr",))
        ipythons = getattr(sys.modules.get("IPython.utils.capture"), "capture_output", None)
        if isinstance(ipythons, type):
            self._wrap(ipythons, STREAMS)

    def uninstall(self) -> None:
        """Everything is as it would be without us. With the guard held."""
        for undo in self._undo:
            undo()
        self._undo.clear()
        self._wrapped.clear()
        for name in STREAMS:
            while (cover := self._cover_that_is(getattr(sys, name, None))) is not None:
                setattr(sys, name, cover.stream)
        for cover in self._covers:
            cover.is_over = True
        self._covers.clear()

    def below(self, stream: Any) -> Any:
        """What is there for those who have not redirected anything on a loop."""
        while isinstance(stream, ForOneLoop):
            stream = vars(stream)[_KEPT_AS][2]
        return stream

    def _wrap(self, kind: type, names: tuple[Stream, ...]) -> None:
        if kind in self._wrapped:
            return
        enter, leave = kind.__enter__, kind.__exit__  # type: ignore[attr-defined]
        this_wrap = self._wrapped[kind] = object()

        def entering(own: Any) -> Any:
            is_on = self._wrapped.get(kind) is this_wrap
            return self._entered(own, names, enter) if is_on else enter(own)

        def leaving(own: Any, *error: Any) -> Any:
            is_on = self._wrapped.get(kind) is this_wrap
            return self._left(own, names, leave, error) if is_on else leave(own, *error)

        for name, ours in (("__enter__", entering), ("__exit__", leaving)):
            self._undo.append(_replaced(kind, name, ours))

    def _entered(self, own: Any, names: tuple[Stream, ...], enter: Function) -> Any:
        with self._guard:
            displays = _Displays()
            before = {name: getattr(sys, name, None) for name in names}
            result = enter(own)
            loop_id = self._routes.loop_here()
            covers = [
                self._covered(name, below, loop_id)
                for name, below in before.items()
                if getattr(sys, name, None) is not below
            ]
            capture = None
            if loop_id is None:
                self._routes.look()
            elif (capture := displays.taken_back()) is not None:
                self._routes.capture_displays(capture, on=True)
            vars(own).setdefault(_KEPT_AS, []).append((covers, capture))
        return result

    def _left(self, own: Any, names: tuple[Stream, ...], leave: Function, error: Any) -> Any:
        with self._guard:
            covers, capture = (vars(own).get(_KEPT_AS) or [([], None)]).pop()
            displays = _Displays()
            on_top = {name: getattr(sys, name, None) for name in names}
            try:
                return leave(own, *error)
            finally:
                if capture is not None:
                    displays.taken_back()
                    self._routes.capture_displays(capture, on=False)
                for cover in covers:
                    cover.is_over = True
                for name, stream in on_top.items():
                    self._uncover(name, stream)
                self._forget_what_is_over()
                self._routes.look()

    def _covered(self, name: Stream, below: Any, loop_id: int | None) -> Cover:
        cover = Cover(name, getattr(sys, name, None), below, loop_id)
        if loop_id is None:
            cover.layer = cover.stand_in = self._routes.routed(cover)
            for loops in self._of_loops_in(below):  # Loops that redirect go on with that.
                cover.layer = self._for_one_loop(loops, cover.layer)
        else:
            cover.layer = self._for_one_loop(cover, below)
        setattr(sys, name, cover.layer)
        self._covers.append(cover)
        return cover

    def _for_one_loop(self, cover: Cover, below: Any) -> ForOneLoop:
        return ForOneLoop(self._routes.loop_here, cover, below)

    def _of_loops_in(self, stream: Any) -> list[Cover]:
        found: list[Cover] = []
        while (cover := self._cover_that_is(stream)) is not None:
            if cover.loop_id is not None and not cover.is_over:
                found.append(cover)
            stream = cover.below
        return found[::-1]

    def _uncover(self, name: Stream, on_top: Any) -> None:
        """What somebody else has put over it stays, until they end: they lie not always one within
        the other, as a cell's and a loop's.
        """
        top = self._cover_that_is(on_top)
        if top is not None and not top.is_over:
            setattr(sys, name, on_top)
            self._lead_past_what_is_over(top)
        while (cover := self._cover_that_is(getattr(sys, name, None))) and cover.is_over:
            setattr(sys, name, cover.below)

    def _forget_what_is_over(self) -> None:
        kept: set[Cover] = set()
        for cover in self._covers:
            under: Cover | None = None if cover.is_over else cover
            while under is not None:
                kept.add(under)
                under = self._cover_that_is(under.below)
        self._covers = [cover for cover in self._covers if cover in kept]

    def _lead_past_what_is_over(self, cover: Cover | None) -> None:
        while cover is not None:
            if cover.is_over and cover.stand_in is not None:
                cover.stand_in.leads_to = cover.below
            cover = self._cover_that_is(cover.below)

    def _cover_that_is(self, stream: Any) -> Cover | None:
        return next((cover for cover in self._covers if cover.layer is stream), None)


class _Displays:
    """What IPython shows things with, as it was at one moment.

    What a loop captures goes past it: while somebody has another one there, the kernel cannot begin
    a cell.
    """

    def __init__(self) -> None:
        self._shell: Final = shell()
        self._publisher: Final = getattr(self._shell, "display_pub", None)
        self._hook: Final = sys.displayhook

    def taken_back(self) -> Any:
        """As it was again. Returns the publisher that was there meanwhile, None if none was."""
        publisher = getattr(self._shell, "display_pub", None)
        if self._shell is None or publisher is self._publisher:
            return None
        self._shell.display_pub = self._publisher
        sys.displayhook = self._hook
        return publisher


def _replaced(kind: type, name: str, ours: Function) -> Callable[[], None]:
    """Put it there. Returns how it is taken out; where somebody has wrapped it, it stays."""
    is_its_own, before = name in vars(kind), getattr(kind, name)
    setattr(kind, name, ours)

    def undo() -> None:
        if vars(kind).get(name) is not ours:
            return
        if is_its_own:
            setattr(kind, name, before)
        else:
            delattr(kind, name)

    return undo
