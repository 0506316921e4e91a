"""Which cameras of this worker are sent live now: what the agent says last, and nothing else."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from agent.camera import talk
from agent.camera.base import Camera
from agent.camera.film import Film, Order
from agent.camera.shown import Sight
from agent.camera.talk import Films, Given
from common.clock import Clock
from common.core.errors import ConfigError
from common.core.live import Frame, Kind, Shown

if TYPE_CHECKING:
    from agent.camera.outward import Outward, Way

NO_ROOM = "站点给现场画面的带宽已用完（站点 agent.toml 的 [live] kbps）"


class Source:
    """A camera that can be sent. `camera` makes another connection to it."""

    def __init__(self, given: Given, camera: Callable[[], Camera], sight: Callable[[], Sight]) -> None:
        self.given, self.camera, self.sight = given, camera, sight


class Projector:
    """`show` is called in one thread, with all that is to be sent from now on."""

    def __init__(self, sources: Mapping[str, Source], clock: Clock) -> None:
        self._sources, self._clock = sources, clock
        self._outward: Outward | None = None
        self.seen = 0
        """Most films at once until now: what they took is not all given back."""
        self._running: dict[tuple[str, bool], tuple[talk.Film, Way, Film | None]] = {}
        """By camera, and whether it is plain: the two are looked at beside each other. None: there is no room, and that is said."""

    def show(self, said: Films) -> None:
        """Films that go on are left alone, whatever their share of the line is now; one of which anything else has changed, or that
        broke, begins anew."""
        wanted = {(item.camera, item.plain): item for item in said.films if item.camera in self._sources}
        for name, (order, way, film) in list(self._running.items()):
            item = wanted.get(name)
            if item is not None and _goes_on(order, item) and (film is None or not film.is_over):
                if film is not None:
                    film.kbps = item.kbps
            else:
                if film is not None:
                    film.stop()
                self._opened().close(way)
                del self._running[name]
        for name, item in wanted.items():
            if name not in self._running:
                with suppress(
                    ConfigError
                ):  # without certificates nothing goes out, and the examination goes on
                    self._running[name] = self._begin(item, said)
                self.seen = max(self.seen, len(self._running))
            if name in self._running:
                self._opened().hold(self._running[name][1], is_held=said.is_held)

    def _opened(self) -> "Outward":
        if self._outward is None:  # 20 MB that a box does without of which nobody looks at anything
            from agent.camera.outward import Outward

            self._outward = Outward()
        return self._outward

    def _begin(self, item: talk.Film, said: Films) -> "tuple[talk.Film, Way, Film | None]":
        source = self._sources[item.camera]
        if item.kbps == 0:
            way = self._opened().open(item, said)
            at_ms = (self._clock.wall() + said.offset) // 1000
            way.put(Frame(Kind.STATE, at_ms, msgspec.json.encode(Shown(fault=item.fault or NO_ROOM))))
            return item, way, None
        order = Order(item.kbps, said.offset, item.plain, source.given.type == "file")
        promised: Future[Way | None] = Future()
        film = Film(source.camera, source.sight, order, lambda frame: _put(promised, frame), self._clock)
        film.start()  # the first look of all has the camera opened while the way out is loaded
        try:
            way = self._opened().open(item, said)
        except BaseException:
            film.stop()
            promised.set_result(None)
            raise
        way.film = film
        promised.set_result(way)
        return item, way, film


def _put(promised: "Future[Way | None]", frame: Frame) -> None:
    """Waits for the way; where none could be opened, the film ends and nobody sees it."""
    way = promised.result()
    if way is not None:
        way.put(frame)


def _goes_on(before: talk.Film, now: talk.Film) -> bool:
    """The same film, with another share of the line at most; without any it is another one."""
    return replace(before, kbps=now.kbps) == now and (before.kbps > 0) == (now.kbps > 0)
