"""A rendered counter scene and what can go wrong with it: one 640 x 360 grey frame after another, from a seed.

Wall with pictures and notices, counter with a number, a clerk who sways, people who walk in, sensor noise, and the
camera's own clock in a black box. Scenes differ by seed in everything but the clock box.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from agent.camera.talk import Box

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
WIDE, HIGH = 640, 360
CLOCK_BOX = Box(0.0, 0.0, 0.34, 0.1)
SEAT = Box(0.4, 0.28, 0.62, 0.72)
"""Where the clerk sits."""


class Hall:
    """One hall before one camera."""

    def __init__(self, seed: int, wall: Grey | None = None) -> None:
        """`wall`: a photograph instead of the rendered wall."""
        self.random = np.random.default_rng(seed)
        self.still = self._wall() if wall is None else self._photograph(wall)
        self._counter()
        self.noise = float(self.random.uniform(1.5, 4.0))
        self.phase = float(self.random.uniform(0, 6))
        self.body = float(self.random.uniform(40, 215))
        self.second = int(self.random.integers(0, 80_000))

    def frame(self, at: int, *, clerk: bool = True, walkers: int = 0, still: Floats | None = None) -> Floats:
        """Before noise and clock; `at` counts key frames, 2 s apart."""
        picture = (self.still if still is None else still).copy()
        if clerk:
            sway = int(9 * math.sin(0.7 * at + self.phase))
            self._person(picture, WIDE // 2 + sway, int(HIGH * 0.4), 30)
        for walker in range(walkers):
            place = int((at * 37 + walker * 251 + self.phase * 50) % (WIDE + 160)) - 80
            self._person(picture, place, int(HIGH * (0.5 + 0.1 * walker)), 34)
        return picture

    def finish(self, picture: Floats, at: int) -> Grey:
        """As the camera gives it: noise of the sensor, then its clock."""
        noisy = picture + self.random.normal(0, self.noise, picture.shape).astype(np.float32)
        return self.stamp(np.clip(noisy, 0, 255).astype(np.uint8), at)

    def stamp(self, picture: Grey, at: int) -> Grey:
        seconds = self.second + 2 * at
        text = f"2026-06-12 {seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        cv2.rectangle(picture, (0, 0), (215, 34), 0, -1)
        cv2.putText(picture, text, (6, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1, cv2.LINE_AA)
        return picture

    def _wall(self) -> Floats:
        shade = self.random.uniform(95, 165)
        slope = np.linspace(self.random.uniform(-30, 0), self.random.uniform(0, 30), WIDE)
        picture = np.tile((shade + slope).astype(np.float32), (HIGH, 1))
        coarse = self.random.normal(0, 10, (HIGH // 20, WIDE // 20)).astype(np.float32)
        picture += cv2.resize(coarse, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)
        for _ in range(int(self.random.integers(18, 34))):
            left, top = int(self.random.integers(0, WIDE - 50)), int(self.random.integers(0, HIGH - 50))
            wide, high = int(self.random.integers(25, 110)), int(self.random.integers(20, 80))
            tone = float(self.random.uniform(30, 230))
            cv2.rectangle(picture, (left, top), (left + wide, top + high), tone, -1)
            for line in range(top + 8, top + high - 4, 9):
                end = left + 6 + int(self.random.uniform(0.4, 0.9) * (wide - 12))
                cv2.line(picture, (left + 6, line), (end, line), 255 - tone, 2)
        return picture

    @staticmethod
    def _photograph(wall: Grey) -> Floats:
        return cv2.resize(wall, (WIDE, HIGH), interpolation=cv2.INTER_AREA).astype(np.float32)

    def _counter(self) -> None:
        cv2.rectangle(self.still, (0, 270), (WIDE, HIGH), float(self.random.uniform(50, 120)), -1)
        for x in range(0, WIDE, int(self.random.integers(38, 80))):
            cv2.line(self.still, (x, 272), (x, HIGH), 30, 2)
        number = f"WINDOW {self.random.integers(1, 20)}"
        sign = np.zeros((HIGH, WIDE), np.uint8)
        cv2.putText(sign, number, (360, 320), cv2.FONT_HERSHEY_SIMPLEX, 1.1, 255, 3, cv2.LINE_AA)
        self.still[sign > 127] = 235

    def _person(self, picture: Floats, x: int, y: int, size: int) -> None:
        cv2.ellipse(picture, (x, y + 3 * size), (2 * size, int(2.2 * size)), 0, 180, 360, self.body, -1)
        cv2.circle(picture, (x, y), size, 0.6 * self.body + 60, -1, cv2.LINE_AA)
        cv2.circle(picture, (x - size // 3, y - size // 5), 3, 20, -1)
        cv2.circle(picture, (x + size // 3, y - size // 5), 3, 20, -1)
        cv2.line(picture, (x, y + size), (x, y + 3 * size), 230, 3)


Damage = Callable[[Hall, int], Grey]
"""(hall, number of the key frame) -> the frame."""


def _plain(hall: Hall, at: int, change: Callable[[Floats], Floats], *, walkers: int = 0) -> Grey:
    return hall.finish(change(hall.frame(at, walkers=walkers)), at)


def _soft(picture: Floats, sigma: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def usual(hall: Hall, at: int) -> Grey:
    return _plain(hall, at, lambda picture: picture)


def _lens(hall: Hall, at: int) -> Grey:
    """Something soft right before the lens."""
    return _plain(hall, at, lambda p: _soft(p, 20) * 0.15 + 55)


def _half(hall: Hall, at: int, share: float = 0.6) -> Grey:
    def change(picture: Floats) -> Floats:
        picture[:, : int(share * WIDE)] = 70
        return picture

    return _plain(hall, at, change)


def _turned(hall: Hall, at: int, right: int, down: int = 0) -> Grey:
    def change(picture: Floats) -> Floats:
        move = np.array([[1, 0, right], [0, 1, down]], np.float32)
        turned = cv2.warpAffine(picture, move, (WIDE, HIGH), borderMode=cv2.BORDER_REFLECT)
        return np.asarray(turned, np.float32)

    return _plain(hall, at, change)


def _frozen(hall: Hall, at: int) -> Grey:
    """The encoder repeats one picture; what differs is a trace of its own coding."""
    if not hasattr(hall, "last"):
        hall.last = usual(hall, at)  # type: ignore[attr-defined]
    repeated: Grey = hall.last.copy()  # type: ignore[attr-defined]
    spots = hall.random.random(repeated.shape) < 0.02
    repeated[spots] ^= 1
    return repeated


def _lamps(hall: Hall, at: int, dimmed: float, added: float = 0.0) -> Grey:
    return _plain(hall, at, lambda p: p * dimmed + added)


def _sun(hall: Hall, at: int) -> Grey:
    """A reflection on the counter that wanders."""

    def change(picture: Floats) -> Floats:
        cv2.ellipse(picture, (120 + 6 * at, 300), (60, 25), 0, 0, 360, 250, -1)
        return picture

    return _plain(hall, at, change)


def _infrared(hall: Hall, at: int) -> Grey:
    """By the camera's own lamps: bright in the middle, dark at the edges, each thing of another brightness than by day, twice the noise;
    and nobody is there."""
    shades = np.random.default_rng(hall.second).uniform(0.25, 1.6, (9, 16)).astype(np.float32)
    x, y = np.meshgrid(np.linspace(-1, 1, WIDE), np.linspace(-1, 1, HIGH))
    beam = np.asarray(1.2 - (np.hypot(x, y) / math.sqrt(2)) ** 1.5, np.float32)
    lit = cv2.resize(shades, (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)
    noise = np.asarray(hall.random.normal(0, 1.7 * hall.noise, lit.shape), np.float32)
    shown = (110 + (hall.frame(at, clerk=False) - 110) * lit) * beam + noise
    return hall.finish(np.asarray(shown, np.float32), at)


def night(hall: Hall, at: int) -> Grey:
    """Two lamps in five are left and nobody is there; the camera makes its picture smooth, so that little of the noise is left."""
    noise, hall.noise = hall.noise, 0.25 * hall.noise
    picture = hall.finish(hall.frame(at, clerk=False) * 0.45, at)
    hall.noise = noise
    return picture


FAULTS: dict[str, tuple[str, Damage]] = {
    "black": ("black", lambda h, t: _lamps(h, t, 0.01, 4)),
    "dark x0.10": ("dark", lambda h, t: _lamps(h, t, 0.10)),
    "dark x0.20": ("dark", lambda h, t: _lamps(h, t, 0.20)),
    "bright x2.2": ("bright", lambda h, t: _lamps(h, t, 2.2, 120)),
    "bright x4": ("bright", lambda h, t: _lamps(h, t, 4.0, 60)),
    "blur 2.5": ("blurred", lambda h, t: _plain(h, t, lambda p: _soft(p, 2.5))),
    "blur 5": ("blurred", lambda h, t: _plain(h, t, lambda p: _soft(p, 5))),
    "lens covered": ("covered", _lens),
    "60 % covered": ("covered", _half),
    "moved 30 px": ("moved", lambda h, t: _turned(h, t, -30)),
    "moved 70 px": ("moved", lambda h, t: _turned(h, t, 66, 24)),
    "moved 140 px": ("moved", lambda h, t: _turned(h, t, -140, -30)),
    "frozen": ("frozen", _frozen),
}
"""Name -> the fault's word, and the damage; pixels are of this 640 x 360 picture."""

HARMLESS: dict[str, Damage] = {
    "nothing": usual,
    "nobody": lambda h, t: h.finish(h.frame(t, clerk=False), t),
    "clerk comes and goes": lambda h, t: h.finish(h.frame(t, clerk=t % 20 < 10), t),
    "two walk in": lambda h, t: _plain(h, t, lambda p: p, walkers=2),
    "dimmed x0.6": lambda h, t: _lamps(h, t, 0.6),
    "brighter": lambda h, t: _lamps(h, t, 1.15, 15),
    "reflection": _sun,
    "evening": lambda h, t: _lamps(h, t, max(0.42, 1 - 0.02 * (t % 40))),
    "infrared": _infrared,
    "moved 3 px": lambda h, t: _turned(h, t, 3),
}


def frames(hall: Hall, damage: Damage, first: int, count: int) -> Iterator[Grey]:
    for at in range(first, first + count):
        yield damage(hall, at)


def record(path: Path, hall: Hall, damage: Damage, seconds: int, *, fps: int = 10) -> Path:
    """As H.264 in what the suffix names: one key frame a second, an access unit delimiter before each picture."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
        stream.options = {
            "preset": "ultrafast",
            "x264-params": f"keyint={fps}:min-keyint={fps}:scenecut=0:bframes=0:aud=1:repeat-headers=1",
        }
        for at in range(seconds):
            grey = damage(hall, at)
            for _ in range(fps):
                frame = av.VideoFrame.from_ndarray(grey, format="gray")
                container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path
