"""Whether a counter is attended, on rendered scenes: what each of five regions was said to be ten minutes later.

`python -m tests.camera.seats [halls [first seed]]` prints the confusion table that `benchmarks/RESULTS.md` quotes; the test takes one hall.
"""

import sys
from collections import Counter
from collections.abc import Callable, Collection
from copy import deepcopy

import cv2
import numpy as np

from agent.camera import picture, seats
from agent.camera.talk import Box, Given
from agent.core import seat
from agent.core.seat import State
from agent.core.votes import Standing
from common.core.camera import Seat, View
from common.core.instant import SECOND
from tests.camera import clips, table
from tests.camera.clips import HIGH, WIDE, Floats, Grey, Hall

KEY_SECS = 5
SHOWN = 10 * 60 // KEY_SECS
Scene = Callable[[Hall, int], Floats]


def _coat(hall: Hall, at: int, *, clerk: bool = False) -> Floats:
    """Left over the chair; whoever passes behind it does not change it."""
    bare = hall.still.copy()
    cv2.ellipse(bare, (WIDE // 2 + 6, int(HIGH * 0.62)), (52, 70), 0, 0, 360, 255 - hall.body, -1)
    cv2.line(bare, (WIDE // 2 - 30, 180), (WIDE // 2 + 40, 270), hall.body, 5)
    return hall.frame(at, clerk=clerk, still=bare)


def _screen(hall: Hall, at: int, *, clerk: bool) -> Floats:
    """A monitor that hides the lower third of the seat, before and after."""
    found = hall.frame(at, clerk=clerk)
    cv2.rectangle(found, (250, 205), (390, 262), 35, -1)
    cv2.rectangle(found, (258, 212), (382, 254), 120, -1)
    return found


def _queue(hall: Hall, at: int) -> Floats:
    """Someone stands right before the counter for all the time, and hides an empty seat."""
    found = hall.frame(at, clerk=False)
    x = WIDE // 2 + 12 + at % 5
    cv2.ellipse(found, (x, 300), (88, 170), 0, 180, 360, 70, -1)
    return found


def _numb(hall: Hall, at: int) -> Floats:
    """A clerk who moves nothing at all after the first half minute."""
    return hall.frame(min(at, 46))


def _customer(hall: Hall, at: int, *, clerk: bool) -> Floats:
    """Somebody leans on the counter before the seat and hides the lower half of it."""
    found = hall.frame(at, clerk=clerk)
    cv2.ellipse(found, (WIDE // 2 + 20 + at % 7, 330), (70, 140), 0, 180, 360, 60, -1)
    return found


def _bag(hall: Hall, at: int, *, clerk: bool) -> Floats:
    bare = hall.still.copy()
    cv2.rectangle(bare, (WIDE // 2 - 40, 190), (WIDE // 2 + 30, 258), 255 - hall.body, -1)
    return hall.frame(at, clerk=clerk, still=bare)


def _sun(hall: Hall, at: int, *, clerk: bool) -> Floats:
    """A patch of sunlight that wanders over wall and seat."""
    found = hall.frame(at, clerk=clerk)
    patch = np.zeros((HIGH, WIDE), np.float32)
    cv2.ellipse(patch, (150 + 3 * (at % 120), 170), (90, 60), 0, 0, 360, 1, -1)
    return np.asarray(np.clip(found + 35 * patch, 0, 255), np.float32)


def _daylight(hall: Hall, at: int, *, clerk: bool) -> Floats:
    """It grows by a quarter from left to right and back, in ten minutes."""
    slope = np.linspace(0.4, 1.0, WIDE, dtype=np.float32)
    return np.asarray(
        np.clip(hall.frame(at, clerk=clerk) * (1 + 0.2 * slope * abs(at % 120 - 60) / 60), 0, 255), np.float32
    )


def _light(picture: Floats, at: int, *, gain: float, step: float = 0.0) -> Floats:
    return np.asarray(np.clip(picture * gain + step, 0, 255), np.float32)


def _passing(shown: Callable[[Hall, int], Floats], hall: Hall, at: int) -> Floats:
    """Two people walk through it."""
    people = hall.frame(at, clerk=False, walkers=2)
    return np.asarray(np.where(people != hall.still, people, shown(hall, at)), np.float32)


def _empty(hall: Hall, at: int) -> Floats:
    return hall.frame(at, clerk=False)


def _there(hall: Hall, at: int) -> Floats:
    return hall.frame(at)


SCENES: dict[str, tuple[str, Scene]] = {
    "clerk": ("attended", _there),
    "clerk, people pass": ("attended", lambda hall, at: hall.frame(at, walkers=2)),
    "clerk, lights x0.6": ("attended", lambda hall, at: _light(_there(hall, at), at, gain=0.6)),
    "clerk, brighter": ("attended", lambda hall, at: _light(_there(hall, at), at, gain=1.15, step=15)),
    "clerk behind a monitor": ("attended", lambda hall, at: _screen(hall, at, clerk=True)),
    "clerk and a coat": ("attended", lambda hall, at: _coat(hall, at, clerk=True)),
    "clerk and a bag": ("attended", lambda hall, at: _bag(hall, at, clerk=True)),
    "clerk, a customer before": ("attended", lambda hall, at: _customer(hall, at, clerk=True)),
    "clerk, daylight grows": ("attended", lambda hall, at: _daylight(hall, at, clerk=True)),
    "clerk, sun wanders": ("attended", lambda hall, at: _sun(hall, at, clerk=True)),
    "empty": ("unattended", _empty),
    "empty, people pass": ("unattended", lambda hall, at: hall.frame(at, clerk=False, walkers=2)),
    "empty, lights x0.6": ("unattended", lambda hall, at: _light(_empty(hall, at), at, gain=0.6)),
    "empty, brighter": ("unattended", lambda hall, at: _light(_empty(hall, at), at, gain=1.15, step=15)),
    "empty, a monitor came": ("unattended", lambda hall, at: _screen(hall, at, clerk=False)),
    "empty, daylight grows": ("unattended", lambda hall, at: _daylight(hall, at, clerk=False)),
    "empty, sun wanders": ("unattended", lambda hall, at: _sun(hall, at, clerk=False)),
    "coat on the chair": ("unattended", _coat),
    "coat, lights x0.6": ("unattended", lambda hall, at: _light(_coat(hall, at), at, gain=0.6)),
    "bag on the counter": ("unattended", lambda hall, at: _bag(hall, at, clerk=False)),
    "lens covered": ("unknown", lambda hall, at: _there(hall, at) * 0.02 + 60),
    "black": ("unknown", lambda hall, at: _there(hall, at) * 0.0 + 3),
    "clerk, a light not learned": ("unknown", lambda hall, at: _light(_there(hall, at), at, gain=0.42)),
    "empty, a light not learned": ("unknown", lambda hall, at: _light(_empty(hall, at), at, gain=0.42)),
}
LIMITS: dict[str, tuple[str, Scene]] = {
    "clerk who does not move": ("attended", _numb),
    "queue before empty seat": ("unattended", _queue),
    "empty, a customer before": ("unattended", lambda hall, at: _customer(hall, at, clerk=False)),
    "coat, people pass before it": ("unattended", lambda hall, at: _passing(_coat, hall, at)),
}
"""What this way of looking cannot tell, printed and not asserted."""


REGIONS = {
    "as it is to be drawn": clips.SEAT,
    "head and chest alone": Box(0.45, 0.32, 0.57, 0.60),
    "much too wide": Box(0.32, 0.20, 0.70, 0.74),
    "half a seat aside": Box(0.50, 0.28, 0.72, 0.72),
}
BESIDE = "the empty seat beside"
"""Nobody ever sits there: whoever sits at the other one is not to be seen in it."""


class Sitting(table.Watched):
    """A camera with five seats, as the worker keeps them: four ways to draw one, and the one beside it."""

    def __init__(self, hall: Hall) -> None:
        super().__init__(hall)
        standing = Standing(View.UNKNOWN, 0)
        boxes = REGIONS | {BESIDE: Box(0.72, 0.28, 0.94, 0.72)}
        self.regions = seats.regions(
            Given("c", "file", "", "", "", None, [], standing, standing, boxes, {}, {}), 0
        )

    def sit(self, shown: Scene, count: int) -> dict[str, State]:
        """-> each seat's state after the last frame."""

        def damage(hall: Hall, at: int) -> Grey:
            self.last = picture.small(hall.finish(shown(hall, at), at))
            return self.last

        for _ in range(count):
            self.show(damage, 1)
            now = self.at * KEY_SECS * SECOND
            is_sound = self.verdict.view is self.watch.standing.view is View.OK
            for region in self.regions.values():
                region.look(self.last, self.figures.mean, now, now, is_sound=is_sound)
        return {name: region.watch.state for name, region in self.regions.items()}


def ready(seed: int) -> Sitting:
    """It knows its view, and its seats as they are when nobody is there."""
    camera = Sitting(Hall(seed))
    camera.show(clips.HARMLESS["clerk comes and goes"], table.LEARNED)
    camera.sit(_empty, 2)
    for region in camera.regions.values():
        region.learn()
    camera.sit(_empty, 30)
    return camera


def word(state: State) -> str:
    return f"{state.seat.value}{_WHY.get(state.sure, '')}"


_WHY = {seat.LIES: " (object)", seat.WAVERS: " (wavers)"}


Said = dict[tuple[str, str], Counter[str]]
"""(scene, region) -> what the seat was said to be at its end, counted over the halls."""


def run(halls: int, shown: int = SHOWN, scenes: Collection[str] = (), first: int = 0) -> Said:
    """`scenes`: their names; none: all; `first`: seed of the first hall."""
    said: Said = {}
    for seed in range(first, first + halls):
        camera = ready(seed)
        for name, (_, what) in (SCENES | LIMITS).items():
            if scenes and name not in scenes:
                continue
            other = Sitting(deepcopy(camera.hall))
            other.eye.patterns, other.watch, other.at = list(camera.eye.patterns), camera.watch, camera.at
            other.regions = deepcopy(camera.regions)
            for region, state in other.sit(what, shown).items():
                said.setdefault((name, region), Counter())[word(state)] += 1
    return said


def truth(scene: str, region: str) -> str:
    found = (SCENES | LIMITS)[scene][0]
    return Seat.UNATTENDED.value if region == BESIDE and found == Seat.ATTENDED.value else found


def wrong(said: Said) -> list[tuple[str, str, str]]:
    """(scene, region, what it was said to be) of `SCENES`, wherever that is the opposite of the truth, or a word where none is due."""
    return [
        (scene, region, state)
        for (scene, region), states in said.items()
        for state in states
        if scene in SCENES and state.split()[0] not in {truth(scene, region), Seat.UNKNOWN.value}
    ]


def right(said: Said) -> dict[str, tuple[int, int]]:
    """Of each word for "nobody is there": how often it was right, of how often it was said, limits and misdrawn regions with it."""
    found: dict[str, tuple[int, int]] = {}
    for (scene, region), states in said.items():
        for state, count in states.items():
            if state.startswith(Seat.UNATTENDED.value):
                good, every = found.get(state, (0, 0))
                is_right = truth(scene, region) == Seat.UNATTENDED.value
                found[state] = good + count * is_right, every + count
    return found


def main(halls: int, first: int) -> None:
    said = run(halls, first=first)
    for (scene, region), states in said.items():
        counted = "  ".join(f"{state} {count}" for state, count in states.most_common())
        print(f"{scene:27} {region:22} {truth(scene, region):11} {counted}")
    print("truth, said, of the scenes:")
    table_ = Counter[tuple[str, str]]()
    for (scene, region), states in said.items():
        if scene in SCENES:
            for state, count in states.items():
                table_[truth(scene, region), state] += count
    for (true, state), count in sorted(table_.items()):
        print(f"{true:11} {state:22} {count}")
    print("nobody is there, and how often that is right, limits too:")
    for state, (good, every) in sorted(right(said).items()):
        print(f"{state:22} {good} of {every}, {good / every:.0%}")


if __name__ == "__main__":
    main(*(int(text) for text in [*sys.argv[1:], *("10", "0")[len(sys.argv) - 1 :]][:2]))
