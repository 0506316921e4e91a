"""Every fault and every harmless change, put before the examination of pictures: what was said of each.

`python -m tests.camera.table [seeds [first seed [folder of photographs]]]` prints the table that `benchmarks/RESULTS.md` quotes:
with a folder, each seed has one of its photographs as the hall's wall. The test takes a few seeds.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import cv2
import numpy as np

from agent.camera import picture
from agent.camera.picture import Eye
from agent.core import scene, votes
from agent.core.scene import Features, Verdict
from agent.core.votes import Standing, Watch
from common.core.camera import View
from common.core.instant import SECOND
from tests.camera import clips
from tests.camera.clips import Damage, Grey, Hall

KEY_SECS = 2
"""Between two key frames: GOP 50 at 25 pictures a second."""
LEARNED = 40
SHOWN = 30


class Watched:
    """A camera as the worker keeps it, without worker and camera: key frames in, states out."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.eye = Eye([], clips.CLOCK_BOX)
        self.watch = Watch(Standing(View.UNKNOWN, 0))
        self.at = 0
        self.figures = Features(0, 0, 0, 0)
        self.verdict = Verdict(View.UNKNOWN)

    def show(self, damage: Damage, count: int) -> list[View]:
        """-> the state after each frame."""
        said = []
        for _ in range(count):
            self.at += 1
            figures, pattern = self.eye.look(picture.small(damage(self.hall, self.at)))
            reference = pattern.figures if pattern else None
            verdict = scene.judge(figures, reference, is_closed=False)
            self.figures, self.verdict = figures, verdict
            now = self.at * KEY_SECS * SECOND
            watch = votes.seen(self.watch, verdict, now, now, is_still=scene.is_still(figures, reference))
            self.watch = votes.unsure(self.watch, watch, now) if scene.is_stale(reference) else watch
            if verdict.view in {View.LEARNING, View.OK} and not self.watch.standing.view.is_fault:
                self.eye.learn(figures, pattern)
            said.append(self.watch.standing.view)
        return said


def learned(seed: int, walls: Sequence[Grey] = ()) -> Watched:
    """A camera that knows its view, with a clerk that comes and goes."""
    camera = Watched(Hall(seed, walls[seed % len(walls)] if walls else None))
    camera.show(clips.HARMLESS["clerk comes and goes"], LEARNED)
    return camera


def run(seeds: int, walls: Sequence[Grey] = (), first: int = 0) -> dict[str, Counter[View]]:
    """-> clip -> the last fault that was raised within 60 s (or `ok`), counted over the seeds."""
    said: dict[str, Counter[View]] = {}
    for seed in range(first, first + seeds):
        ready = learned(seed, walls)
        shown = {name: damage for name, (_, damage) in clips.FAULTS.items()} | clips.HARMLESS
        for name, damage in shown.items():
            states = deepcopy_of(ready).show(damage, SHOWN)
            faults = [state for state in states if state.is_fault]
            said.setdefault(name, Counter())[faults[-1] if faults else View.OK] += 1
    return said


def deepcopy_of(ready: Watched) -> Watched:
    """Corners that were detected cannot be copied; patterns are never changed."""
    other = Watched(deepcopy(ready.hall))
    other.eye.patterns = list(ready.eye.patterns)
    other.watch, other.at = ready.watch, ready.at
    return other


def figures(said: dict[str, Counter[View]]) -> tuple[float, float, float]:
    """-> recall (flagged), share rightly named of the flagged, precision (right alarms of all alarms by clip)."""
    flagged = right = faults = false = 0
    for name, states in said.items():
        alarms = sum(count for state, count in states.items() if state.is_fault)
        if name in clips.FAULTS:
            faults += states.total()
            flagged += alarms
            right += states[View(clips.FAULTS[name][0])]
        else:
            false += alarms
    return flagged / faults, right / max(1, flagged), flagged / max(1, flagged + false)


def main() -> None:
    seeds, first, folder = [*sys.argv[1:], *("20", "0", "")[len(sys.argv) - 1 :]][:3]
    files = sorted(Path(folder).iterdir()) if folder else []
    read = [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) for file in files]
    walls = [np.asarray(picture, np.uint8) for picture in read if picture is not None]
    said = run(int(seeds), walls, int(first))
    for name, states in said.items():
        meant = clips.FAULTS[name][0] if name in clips.FAULTS else "ok"
        print(f"{name:22} {meant:9}", "  ".join(f"{view} {count}" for view, count in states.most_common()))
    print("recall {:.1%}, rightly named {:.1%}, precision {:.1%}".format(*figures(said)))


if __name__ == "__main__":
    main()
