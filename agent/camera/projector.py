"""Which cameras of this worker are sent live now: what the agent says last, and nothing else."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.camera import talk
from agent.camera.base import Camera
from agent.camera.film import Film, Order
from agent.camera.shown import Sight
from agent.camera.talk import Films, Given
from common.clock import Clock
from common.core.errors import ConfigError

if TYPE_CHECKING:
    from agent.camera.outward import Outward, Way


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
        self._running: dict[tuple[str, bool], tuple[talk.Film, Way, Film]] = {}
        """By camera, and whether it is plain: the two are looked at beside each other."""

    def show(self, said: Films) -> None:
        """Films that go on are left alone; one of which something has changed, or that broke, begins anew."""
        wanted = {(item.camera, item.plain): item for item in said.films if item.camera in self._sources}
        for name, (order, way, film) in list(self._running.items()):
            if wanted.get(name) != order or film.is_over:
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

    def _begin(self, item: talk.Film, said: Films) -> "tuple[talk.Film, Way, Film]":
        source = self._sources[item.camera]
        way = self._opened().open(item, said)
        order = Order(item.kbps, said.offset, item.plain, source.given.type == "file")
        way.film = Film(source.camera, source.sight, order, way.put, self._clock)
        way.film.start()
        return item, way, way.film
