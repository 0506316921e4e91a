"""A clip of a rendered hall, from the packets of a file: hidden in every frame, small enough for one message, or not made at all."""

import io
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from agent.camera import clip, picture
from agent.camera.base import KeyFrame, Stream
from agent.camera.clip import Bench, Clip, ClipError, Gop, Ring
from agent.camera.file import FileCamera
from agent.camera.picture import Colour, Eye, Grey, Pattern
from agent.camera.talk import Box
from agent.camera.veil import Cells, Veil
from agent.core import scene
from common.core.camera import Mask
from common.core.instant import SECOND
from tests.camera import clips
from tests.camera.clips import CLOCK_BOX, HIGH, SEAT, WIDE, Hall

ZONE = Box(0.7, 0.8, 0.9, 0.95)
SECS, FPS = 14, 5


class Shown:
    """A file as its watcher sees it: a ring of what came, a veil that has looked, a reference."""

    def __init__(self, folder: Path, *, frames: int = scene.FULL) -> None:
        hall = Hall(3)
        self.eye = Eye([], CLOCK_BOX)
        for at in range(frames):
            figures, pattern = self.eye.look(picture.small(clips.HARMLESS["nobody"](hall, at)))
            self.eye.learn(figures, pattern)
        path = clips.record(folder / "walk.mkv", hall, clips.HARMLESS["two walk in"], SECS, fps=FPS)
        self.camera = FileCamera(path, is_paced=False)
        self.stream = self.camera.open()
        self.veil = Veil([ZONE], [SEAT], CLOCK_BOX, Mask.PEOPLE)
        self.ring = Ring()
        assert self.camera._media is not None
        for number, frame in enumerate(self.camera._media.frames()):
            self.look(frame, number * SECOND)

    def look(self, frame: KeyFrame, mono: int) -> None:
        figures, pattern = self.eye.look(frame.grey)
        self.veil.look(frame.grey, pattern, mono + 1)
        known = pattern is not None and scene.is_known(figures, pattern.figures)
        self.ring.judged(frame.gop, mono + 1, pattern, is_known=known, wanted_mono=0)

    def made(self, gops: list[Gop] | None = None, *, plain: bool = False) -> Clip:
        found = self.ring.since(0) if gops is None else gops
        return Bench().make(found, self.stream, self.veil.for_clip(), plain=plain)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return Shown(tmp_path_factory.mktemp("clip"))


def frames(mp4: bytes) -> list[tuple[float, Colour]]:
    found: Any
    with av.open(io.BytesIO(mp4)) as found:
        assert [stream.type for stream in found.streams] == ["video"]
        return [(frame.time or 0.0, frame.to_ndarray(format="bgr24")) for frame in found.decode(video=0)]


def test_a_clip_shows_its_seconds_and_nobody_in_any_of_its_frames(shown: Shown) -> None:
    """C13: beside each frame the same one of the plain clip."""
    masked, plain = shown.made(), shown.made(plain=True)
    assert (masked.mask, plain.mask) == (Mask.PEOPLE, Mask.NONE)
    assert (masked.wide, masked.high) == (WIDE, HIGH)
    assert masked.mp4[4:8] == b"ftyp"
    assert 0 < masked.mp4.find(b"moov") < masked.mp4.find(b"mdat"), "a browser plays it while it comes"
    assert len(masked.mp4) <= clip.MOST_BYTES
    assert len(plain.mp4) <= clip.MOST_BYTES
    seen, bare = frames(masked.mp4), frames(plain.mp4)
    assert abs(masked.millis / 1000 - (SECS - 1)) < 0.5
    assert [at for at, _ in seen] == [at for at, _ in bare]
    assert np.ptp(np.diff([at for at, _ in seen])) < 0.01
    assert len(seen) >= (SECS - 2) * FPS
    rows, columns = slice(int(0.81 * HIGH), int(0.94 * HIGH)), slice(int(0.71 * WIDE), int(0.89 * WIDE))
    for (_, hidden), (_, naked) in zip(seen, bare, strict=True):
        assert np.ptp(hidden[rows, columns]) < 40, "the drawn zone is filled"
        seat = (
            slice(int(SEAT.top * HIGH), int(SEAT.bottom * HIGH)),
            slice(int(SEAT.left * WIDE), int(SEAT.right * WIDE)),
        )
        assert _detail(hidden[seat]) < 0.35 * _detail(naked[seat])


def _detail(part: Colour) -> float:
    """What fine structure there is: a face has it, blocks of sixteen pixels have none but their edges."""
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    return float(np.median(np.abs(cv2.Laplacian(grey, cv2.CV_64F))) + 0.1)


def test_where_any_key_frame_is_not_known_everything_is_hidden(shown: Shown) -> None:
    gops = shown.ring.since(0)
    doubt = [
        gop if place != 5 else Gop(gop.packets, gop.from_mono, gop.to_mono, gop.bytes, gop.pattern, False)
        for place, gop in enumerate(gops)
    ]
    made = shown.made(doubt)
    assert made.mask is Mask.ALL
    for _, hidden in frames(made.mp4)[:: 2 * FPS]:
        assert _detail(hidden) < 3


class Torn(Veil):
    """Fails at its twelfth frame."""

    def over(
        self, picture: Colour, *, is_sound: bool, plain: bool = False, also: Cells | None = None
    ) -> tuple[Colour, Mask]:
        if len(self._seen) > 24:
            raise ValueError("torn")
        return super().over(picture, is_sound=is_sound, plain=plain, also=also)


class Blind(Veil):
    """Sees nothing at first, so that it hides all: one clip is never hidden in two ways."""

    looks = 0

    def look(self, grey: Grey, pattern: Pattern | None, mono: int) -> None:
        self.looks += 1
        if self.looks > 9:
            super().look(grey, pattern, mono)


def test_where_one_frame_cannot_be_hidden_there_is_no_clip_and_the_reason_is_said(shown: Shown) -> None:
    """C13"""
    bench, gops = Bench(), shown.ring.since(0)
    torn = Torn([], [], None, Mask.PEOPLE)
    torn._seen = shown.veil.for_clip()._seen
    with pytest.raises(ClipError, match="画面处理不了"):
        bench.make(gops, shown.stream, torn, plain=False)
    other = Blind([], [], None, Mask.PEOPLE)
    with pytest.raises(ClipError, match="遮挡不了"):
        bench.make(gops, shown.stream, other, plain=False)
    with pytest.raises(ClipError, match="没有足够的画面"):
        bench.make([], shown.stream, other, plain=False)
    garbage = [
        Gop([av.Packet(b"\xff" * 900)], gop.from_mono, gop.to_mono, 900, gop.pattern, True) for gop in gops
    ]
    with pytest.raises(ClipError, match=r"没有足够的画面|处理不了"):
        bench.make(garbage, shown.stream, shown.veil.for_clip(), plain=False)
    assert bench.since == 0.0
    assert shown.made().mask is Mask.PEOPLE, "the next one is made"


def test_a_ring_keeps_what_a_clip_may_want_and_never_more_than_its_room() -> None:
    ring = Ring()

    def judged(second: int, size: int, wanted: int | None = None) -> list[Gop]:
        wanted_mono = None if wanted is None else wanted * SECOND
        packets = [av.Packet(bytes(size))]
        ring.judged(packets, (second + 1) * SECOND, None, is_known=True, wanted_mono=wanted_mono)
        return ring.since(0)

    for second in range(48):
        gops = judged(second, 1000)
    assert (gops[0].from_mono, gops[-1].to_mono) == (42 * SECOND, 48 * SECOND), (
        "no more than a clip begins with"
    )
    for second in range(48, 54):
        gops = judged(second, 1000, wanted=48)
    assert (gops[0].from_mono, gops[-1].to_mono) == (42 * SECOND, 54 * SECOND), "a clip that is wanted, whole"
    for second in range(54, 80):
        gops = judged(second, 1000, wanted=48)
    assert len(gops) == clip.MOST_SECS, "however long one waits"
    for second in range(80, 90):
        judged(second, 3 << 20, wanted=80)
    assert sum(gop.bytes for gop in ring.since(0)) <= 12 << 20
    ring.forget()
    assert ring.since(0) == []


def test_noise_in_every_pixel_still_fits_one_message(tmp_path: Path) -> None:
    random = np.random.default_rng(5)

    def noise(_hall: Hall, _at: int) -> Any:
        return random.integers(0, 256, (HIGH, WIDE), np.uint8)

    path = clips.record(tmp_path / "noise.mkv", Hall(1), noise, 8, fps=FPS)
    camera = FileCamera(path, is_paced=False)
    ring, stream = Ring(), camera.open()
    assert isinstance(stream, Stream)
    assert camera._media is not None
    for number, frame in enumerate(camera._media.frames()):
        ring.judged(frame.gop, (number + 1) * SECOND, None, is_known=True, wanted_mono=0)
    made = Bench().make(ring.since(0), stream, Veil([], [], None, Mask.PEOPLE), plain=True)
    assert clip.MOST_BYTES // 4 < len(made.mp4) <= clip.MOST_BYTES
