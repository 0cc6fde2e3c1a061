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
from functools import partial
from typing import Any, Final, Protocol

from bgwidgets.output.capture_ways import STREAMS, CaptureOutput, Redirect, Way
from bgwidgets.output.covers import Cover, ForOneLoop, lead_to, stream_below
from bgwidgets.output.reading import Stream
from bgwidgets.output.stream_hooks import StandIn
from bgwidgets.replaced import Function, Replaced

_KEPT_AS: Final = "_of_bgwidgets"
"""The attribute in which a `with` keeps what is over the streams in its block."""


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
        self._replaced: Final = Replaced()
        self._wrapped: Final[dict[type, object]] = {}

    def install(self) -> None:
        """Wrap what is to be wrapped, and was not. With the guard held."""
        self._wrap(redirect_stdout, partial(Redirect, "stdout"))
        self._wrap(redirect_stderr, partial(Redirect, "stderr"))
        ipythons = getattr(sys.modules.get("IPython.utils.capture"), "capture_output", None)
        if isinstance(ipythons, type):
            self._wrap(ipythons, CaptureOutput)

    def uninstall(self) -> None:
        """Everything is as it would be without us. With the guard held."""
        self._replaced.undo()
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
            stream = stream_below(stream)
        return stream

    def _wrap(self, kind: type, way: Callable[[Any], Way]) -> None:
        if kind in self._wrapped:
            return
        this_wrap = self._wrapped[kind] = object()

        def is_on(own: Any) -> bool:
            return self._wrapped.get(kind) is this_wrap and way(own).is_known

        def wrap_enter(enter: Function) -> Function:
            def entering(own: Any) -> Any:
                enter_own = partial(enter, own)
                return self._entered(way(own), enter_own) if is_on(own) else enter_own()

            return entering

        def wrap_leave(leave: Function) -> Function:
            def leaving(own: Any, *error: Any) -> Any:
                leave_own = partial(leave, own, *error)
                return self._left(way(own), leave_own) if is_on(own) else leave_own()

            return leaving

        self._replaced.replace(kind, "__enter__", wrap_enter)
        self._replaced.replace(kind, "__exit__", wrap_leave)

    def _entered(self, way: Way, enter: Function) -> Any:
        with self._guard:
            loop_id = self._routes.loop_here()
            # What stands in sys is ours from the first moment: others print meanwhile.
            covers = [
                self._covered(name, stream, loop_id)
                for name, stream in way.streams().items()
                if stream is not getattr(sys, name, None)
            ]
            capture = None if loop_id is None else way.displays_for_a_loop()
            result = way.enter(enter, {cover.name: cover for cover in covers}, capture)
            self._covers += covers
            if loop_id is None:
                self._routes.look()
            elif capture is not None:
                self._routes.capture_displays(capture, on=True)
            vars(way.own).setdefault(_KEPT_AS, []).append((covers, capture))
        return result

    def _left(self, way: Way, leave: Function) -> Any:
        with self._guard:
            covers, capture = (vars(way.own).get(_KEPT_AS) or [([], None)]).pop()
            if capture is not None:
                self._routes.capture_displays(capture, on=False)
            for cover in covers:
                cover.is_over = True
            way.will_leave(self._what_shall_be_there)
            try:
                return leave()
            finally:
                self._forget_what_is_over()
                self._routes.look()

    def _covered(self, name: Stream, stream: Any, loop_id: int | None) -> Cover:
        below = getattr(sys, name, None)
        cover = Cover(name, stream, below, loop_id)
        if loop_id is None:
            cover.layer = cover.stand_in = self._routes.routed(cover)
            for loops in self._of_loops_in(below):  # Loops that redirect go on with that.
                cover.layer = self._for_one_loop(loops, cover.layer)
        else:
            cover.layer = self._for_one_loop(cover, below)
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

    def _what_shall_be_there(self, name: Stream, before: Any) -> Any:
        """When somebody ends who has found what was there `before`. What another one has put over
        it stays, until that one ends: they lie not always one within the other, as a cell's and a
        loop's.
        """
        on_top = getattr(sys, name, None)
        top = self._cover_that_is(on_top)
        if top is not None and not top.is_over:
            self._lead_past_what_is_over(top)
            return on_top
        while (cover := self._cover_that_is(before)) is not None and cover.is_over:
            before = cover.below
        return before

    def _forget_what_is_over(self) -> None:
        """So that as many lie upon each other as there are, and not as there have ever been.

        Who ends later finds what was there before him: that is kept, to tell what is below it.
        """
        for cover in self._covers:
            self._skip_what_is_over(cover)
        kept: set[Cover | None] = set()
        for cover in self._covers:
            if not cover.is_over:
                kept |= {cover, self._cover_that_is(cover.before)}
        self._covers = [cover for cover in self._covers if cover in kept]

    def _skip_what_is_over(self, cover: Cover) -> None:
        below = cover.below
        while (under := self._cover_that_is(below)) is not None and under.is_over:
            below = under.below
        if below is not cover.below:
            cover.below = below
            if cover.loop_id is not None:
                lead_to(cover.layer, below)

    def _lead_past_what_is_over(self, cover: Cover | None) -> None:
        while cover is not None:
            if cover.is_over and cover.stand_in is not None:
                cover.stand_in.leads_to = cover.below
            cover = self._cover_that_is(cover.below)

    def _cover_that_is(self, stream: Any) -> Cover | None:
        return next((cover for cover in self._covers if cover.layer is stream), None)
