"""Whether a counter is attended, on rendered scenes: what the seat's region was said to be ten minutes later.

`python -m tests.camera.table` prints the table of twenty halls behind that of the faults; the test takes two.
"""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy

import cv2
import numpy as np

from agent.camera import picture, seats
from agent.camera.talk import Given
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


def _light(picture: Floats, at: int, *, gain: float, step: float = 0.0) -> Floats:
    return np.asarray(np.clip(picture * gain + step, 0, 255), np.float32)


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
    "empty": ("unattended", _empty),
    "empty, people pass": ("unattended", lambda hall, at: hall.frame(at, clerk=False, walkers=2)),
    "empty, lights x0.6": ("unattended", lambda hall, at: _light(_empty(hall, at), at, gain=0.6)),
    "empty, brighter": ("unattended", lambda hall, at: _light(_empty(hall, at), at, gain=1.15, step=15)),
    "empty, a monitor came": ("unattended", lambda hall, at: _screen(hall, at, clerk=False)),
    "coat on the chair": ("unattended", _coat),
    "lens covered": ("unknown", lambda hall, at: _there(hall, at) * 0.02 + 60),
    "black": ("unknown", lambda hall, at: _there(hall, at) * 0.0 + 3),
}
LIMITS: dict[str, tuple[str, Scene]] = {
    "clerk who does not move": ("attended", _numb),
    "queue before empty seat": ("unattended", _queue),
}
"""What this way of looking cannot tell, printed and not asserted."""


class Sitting(table.Watched):
    """A camera with one seat: as the worker keeps it."""

    def __init__(self, hall: Hall) -> None:
        super().__init__(hall)
        standing = Standing(View.UNKNOWN, 0)
        given = Given("c", "file", "", "", "", None, [], standing, standing, {"w1": clips.SEAT}, {}, {})
        self.region = seats.regions(given, 0)["w1"]

    def sit(self, shown: Scene, count: int) -> list[State]:
        """-> the seat's state after each frame."""
        said = []

        def damage(hall: Hall, at: int) -> Grey:
            self.last = picture.small(hall.finish(shown(hall, at), at))
            return self.last

        for _ in range(count):
            self.show(damage, 1)
            now = self.at * KEY_SECS * SECOND
            is_sound = self.verdict.view is self.watch.standing.view is View.OK
            self.region.look(self.last, self.figures.mean, now, now, is_sound=is_sound)
            said.append(self.region.watch.state)
        return said


def ready(seed: int) -> Sitting:
    """It knows its view, and its seat as it is when nobody is there."""
    camera = Sitting(Hall(seed))
    camera.show(clips.HARMLESS["clerk comes and goes"], table.LEARNED)
    camera.sit(_empty, 2)
    camera.region.learn()
    camera.sit(_empty, 30)
    return camera


def word(state: State) -> str:
    return f"{state.seat.value}{' (object)' if state.object else ''}"


def run(seeds: int, shown: int = SHOWN) -> dict[str, Counter[str]]:
    """-> scene -> what the seat was said to be at its end, counted over the seeds."""
    said: dict[str, Counter[str]] = {}
    for seed in range(seeds):
        camera = ready(seed)
        for name, (_, what) in (SCENES | LIMITS).items():
            other = Sitting(deepcopy(camera.hall))
            other.eye.patterns, other.watch, other.at = list(camera.eye.patterns), camera.watch, camera.at
            other.region = deepcopy(camera.region)
            said.setdefault(name, Counter())[word(other.sit(what, shown)[-1])] += 1
    return said


def wrong(said: dict[str, Counter[str]]) -> tuple[int, int, int]:
    """-> of `SCENES`: how many there were, said to be the other thing, not decided."""
    every = other = undecided = 0
    for name, (truth, _) in SCENES.items():
        for word_, count in said[name].items():
            every += count
            if word_.split()[0] != truth:
                doubt = word_ == Seat.UNKNOWN.value
                undecided += count * doubt
                other += count * (not doubt)
    return every, other, undecided


def main(seeds: int) -> None:
    said = run(seeds)
    for name, states in said.items():
        truth = (SCENES | LIMITS)[name][0]
        print(f"{name:26} {truth:11}", "  ".join(f"{view} {count}" for view, count in states.most_common()))
    print("{} scenes, {} said to be the other thing, {} undecided".format(*wrong(said)))
