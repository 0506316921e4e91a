"""What the demonstration's cameras see: two rendered halls as recordings, a minute of work and a minute of the other.

Nobody in them exists. The first has a counter whose clerk is away at the beginning of each round, long enough for the box to
learn the empty seat; before the second somebody holds something at the end of each round.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from msgspec import Struct

WIDE, HIGH = 960, 540
FPS = 5
BARE = ".h264"
PART_SECS = 40
"""Of each of the two scenes that a recording is made of."""
_SEAT_X = 400
SEAT = (0.345, 0.27, 0.495, 0.585)
"""Of the first: left, top, right, bottom in shares of the picture."""
_KEY_SECS = 1
_NOISE = 2.0

_WALL, _FLOOR, _COUNTER, _TOP = (196, 212, 218), (150, 160, 168), (92, 62, 38), (150, 118, 84)
_SIGN, _WHITE, _DARK, _PAPER = (150, 84, 22), (250, 250, 250), (46, 42, 40), (178, 182, 186)
"""Blue, green, red."""
_PEOPLE = (
    ((84, 60, 40), (120, 150, 205), (30, 26, 24)),
    ((60, 90, 140), (140, 172, 218), (24, 24, 30)),
    ((96, 110, 60), (110, 140, 190), (60, 60, 66)),
)
"""Coat, skin, hair."""


class Recording(Struct, frozen=True):
    """What a camera sees. `rounds`: how often the first scene is played, and then the second."""

    file: str
    first: str
    second: str
    rounds: tuple[int, int]


COUNTER = Recording("counter.mkv", "vacant", "clerk", (1, 6))
HALL = Recording("hall.mkv", "people", "covered", (5, 1))


class Camera(Struct, frozen=True):
    """One camera of the demonstration. `seat`: the counter at which somebody is to sit; empty: none. `has_sound`: by RTSP, where there is
    a server for it."""

    site: str
    id: str
    name: str
    shows: Recording
    seat: str = ""
    has_sound: bool = False


CAMERAS = (
    Camera("s01", "c1", "窗口", COUNTER, seat="二号窗口"),
    Camera("s01", "c2", "大厅", HALL, has_sound=True),
    Camera("s16", "c1", "办税大厅", HALL),
)


def render(folder: Path) -> tuple[Camera, ...]:
    """Write the recordings. -> the cameras: none where the packages of cameras are not installed."""
    try:
        import av
        import cv2
        import numpy as np
    except ImportError:
        return ()
    folder.mkdir()
    brush = _Brush(av, cv2, np)
    for item in (COUNTER, HALL):
        brush.record(folder / item.file, item)
    return CAMERAS


class _Brush:
    """Draws and encodes, with packages that only a box with cameras has."""

    def __init__(self, av: Any, cv2: Any, np: Any) -> None:
        self._av, self._cv2, self._np = av, cv2, np
        self._random = np.random.default_rng(7)
        grain = [self._random.normal(0, _NOISE, (HIGH, WIDE)) for _ in range(8)]
        self._noise = [np.repeat(item.astype(np.int16)[:, :, None], 3, axis=2) for item in grain]
        self._bare = {True: self._hall(windows=3, is_near=True), False: self._hall(windows=6, is_near=False)}
        self._scenes: dict[str, Callable[[float], Any]] = {
            "vacant": lambda at: self._passing(self._bare[True].copy(), at, 1),
            "clerk": self._clerk,
            "people": lambda at: self._passing(self._bare[False].copy(), at, 3),
            "covered": self._covered,
        }

    def record(self, path: Path, item: Recording) -> None:
        """Each scene is encoded once; the rounds repeat its packets. As a file that a player opens, and bare, as a camera sends it."""
        parts = [self._encoded(item.first), self._encoded(item.second)]
        with path.with_suffix(BARE).open("wb") as bare:
            for part, rounds in zip(parts, item.rounds, strict=True):
                bare.write(b"".join(raw for raw, _ in part) * rounds)
        with self._av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
            number = 0
            for part, rounds in zip(parts, item.rounds, strict=True):
                for raw, is_key in part * rounds:
                    packet = self._av.Packet(raw)
                    packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, FPS), is_key
                    packet.pts = packet.dts = number
                    packet.duration = 1
                    container.mux(packet)
                    number += 1

    def _encoded(self, scene: str) -> list[tuple[bytes, bool]]:
        codec = self._av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = WIDE, HIGH, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS)
        key = FPS * _KEY_SECS
        codec.options = {
            "preset": "ultrafast",
            "crf": "29",
            "x264-params": f"keyint={key}:min-keyint={key}:scenecut=0:bframes=0:repeat-headers=1:aud=1",
        }
        found = []
        for number in range(PART_SECS * FPS):
            noise = self._noise[(number + number // key) % len(self._noise)]  # two key frames alike: frozen
            picture = self._cv2.add(self._scenes[scene](number / FPS), noise, dtype=self._cv2.CV_8U)
            frame = self._av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame = frame.reformat(format="yuv420p")
            frame.pts = number
            found += [(bytes(packet), packet.is_keyframe) for packet in codec.encode(frame)]
        return found + [(bytes(packet), packet.is_keyframe) for packet in codec.encode(None)]

    # scenes -------------------------------------------------------------------------------------------------

    def _hall(self, *, windows: int, is_near: bool) -> Any:
        cv2, np = self._cv2, self._np
        slope = np.linspace(0.86, 1.04, WIDE)[None, :, None]
        picture = np.repeat(np.array(_WALL) * slope, HIGH, axis=0).astype(np.uint8)
        top = 330 if is_near else 250
        picture[top + 150 :] = _FLOOR
        for x in range(-WIDE, 2 * WIDE, 120):  # tiles
            cv2.line(
                picture,
                (WIDE // 2 + x // 4, top + 150),
                (WIDE // 2 + x, HIGH),
                (128, 138, 146),
                1,
                cv2.LINE_AA,
            )
        for y in range(top + 165, HIGH, 26):
            cv2.line(picture, (0, y), (WIDE, y), (128, 138, 146), 1)
        cv2.rectangle(picture, (0, top), (WIDE, top + 150), _COUNTER, -1)
        cv2.rectangle(picture, (0, top - 12), (WIDE, top + 8), _TOP, -1)
        step = WIDE // windows
        for window in range(windows):
            left = window * step
            cv2.rectangle(picture, (left + 20, 24), (left + step - 20, 78), _SIGN, -1)
            cv2.putText(
                picture,
                f"{window + 1}",
                (left + step // 2 - 14, 66),
                cv2.FONT_HERSHEY_SIMPLEX,
                1.3,
                _WHITE,
                3,
                cv2.LINE_AA,
            )
            cv2.rectangle(picture, (left + 20, 96), (left + step - 20, top - 12), (176, 190, 196), 2)
            cv2.rectangle(picture, (left + 26, top + 40), (left + step - 26, top + 120), (110, 78, 50), 2)
            cv2.rectangle(picture, (left + step - 96, top - 74), (left + step - 36, top - 30), _DARK, -1)
            cv2.rectangle(
                picture, (left + step - 90, top - 68), (left + step - 42, top - 36), (190, 150, 90), -1
            )
            cv2.line(picture, (left, 0), (left, top), (140, 150, 156), 3)
        cv2.circle(picture, (WIDE - 60, 130), 30, _WHITE, -1, cv2.LINE_AA)
        cv2.circle(picture, (WIDE - 60, 130), 30, _DARK, 2, cv2.LINE_AA)
        cv2.line(picture, (WIDE - 60, 130), (WIDE - 60, 110), _DARK, 3)
        cv2.line(picture, (WIDE - 60, 130), (WIDE - 44, 138), _DARK, 2)
        if is_near:  # the clerk's chair
            cv2.rectangle(picture, (_SEAT_X - 56, 200), (_SEAT_X + 56, 318), (70, 66, 62), -1)
            cv2.rectangle(picture, (_SEAT_X - 46, 210), (_SEAT_X + 46, 300), (92, 88, 84), 3)
        return picture

    def _person(self, picture: Any, x: int, y: int, size: int, number: int) -> None:
        cv2 = self._cv2
        coat, skin, hair = _PEOPLE[number % len(_PEOPLE)]
        cv2.ellipse(
            picture, (x, y + 3 * size), (int(1.7 * size), int(2.1 * size)), 0, 180, 360, coat, -1, cv2.LINE_AA
        )
        cv2.rectangle(
            picture, (x - int(1.7 * size), y + 3 * size), (x + int(1.7 * size), y + 5 * size), coat, -1
        )
        cv2.rectangle(
            picture, (x - size // 3, y + size // 2), (x + size // 3, y + size + size // 3), skin, -1
        )
        cv2.ellipse(picture, (x, y), (int(0.8 * size), size), 0, 0, 360, skin, -1, cv2.LINE_AA)
        cv2.ellipse(
            picture,
            (x, y - size // 4),
            (int(0.86 * size), int(0.85 * size)),
            0,
            180,
            360,
            hair,
            -1,
            cv2.LINE_AA,
        )

    def _clerk(self, at: float) -> Any:
        picture = self._bare[True].copy()
        counter = picture[318:].copy()
        x = _SEAT_X + int(7 * math.sin(1.1 * at)) + int(4 * math.sin(2.7 * at))
        self._person(picture, x, 190 + int(2 * math.sin(1.7 * at)), 34, 0)
        picture[318:] = counter
        return self._passing(picture, at, 1)

    def _passing(self, picture: Any, at: float, people: int) -> Any:
        """Visitors before the counter, from edge to edge; away from the seat for the most time."""
        for number in range(people):
            place = (at * (34 + 9 * number) + number * 410) % (2.2 * WIDE) - 120
            self._person(picture, int(place), 360 + 26 * number, 40, number + 1)
        return picture

    def _covered(self, at: float) -> Any:
        """A hand with a sheet of paper, which comes at once and goes at the end."""
        picture = self._passing(self._bare[False].copy(), at, 3)
        share = min(1.0, at / 1.5, (PART_SECS - at) / 1.5)
        edge = int(0.78 * WIDE * share)
        picture[:, :edge] = _PAPER
        return picture
