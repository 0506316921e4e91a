"""Fragments: read back by another reader of MP4, and their times by the boxes themselves."""

import io
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.core import fragment
from agent.core.fragment import Cut, Cutter, Picture, Sound

FPS = 10
RATE = 16_000


def boxes(data: bytes) -> list[tuple[str, bytes]]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8].decode(), data[at + 8 : at + size]))
        at += size
    assert at == len(data)
    return found


def times(cut: Cut) -> tuple[int, int, int]:
    """Begin, duration, size of the one sample."""
    (_, moof), (_, mdat) = boxes(cut.data)
    traf = dict(boxes(dict(boxes(moof))["traf"]))
    trun = traf["trun"]
    assert int.from_bytes(trun[4:8], "big") == 1
    assert int.from_bytes(trun[8:12], "big") == len(cut.data) - len(mdat), "where the data begins"
    size = int.from_bytes(trun[16:20], "big")
    assert size == len(mdat)
    return int.from_bytes(traf["tfdt"][4:12], "big"), int.from_bytes(trun[12:16], "big"), size


@given(st.lists(st.tuples(st.integers(-50_000, 2_000_000), st.binary(min_size=1, max_size=20)), max_size=40))
def test_no_fragment_is_without_duration_and_each_begins_where_the_one_before_ended(
    samples: list[tuple[int, bytes]],
) -> None:
    """P-LIVE-03: whatever the camera's clock does, standing still and going back included (cameras.md, trap 3)."""
    cutter = Cutter(fragment.VIDEO)
    cuts = [cut for at, data in samples if (cut := cutter.add(at, data)) is not None]
    assert len(cuts) == max(0, len(samples) - 1)
    found = [times(cut) for cut in cuts]
    assert all(duration >= 1 for _, duration, _ in found)
    assert all(begin + duration == after for (begin, duration, _), (after, *_) in pairwise(found))
    for (begin, duration, _), (at, _) in zip(found, samples[1:], strict=False):
        assert begin + duration >= at, "never behind the camera's own time"


def made(seconds: int) -> tuple[list[bytes], list[bytes]]:
    """Access units of H.264, frames of AAC."""
    video = av.CodecContext.create("libx264", "w")
    video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
    video.time_base = base = Fraction(1, FPS)
    video.options, video.gop_size = {"tune": "zerolatency", "preset": "ultrafast"}, FPS
    units = []
    for number in range(seconds * FPS):
        frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 10 * number % 255, np.uint8), format="bgr24")
        frame.pts, frame.time_base = number, base
        units += [bytes(packet) for packet in video.encode(frame.reformat(format="yuv420p"))]
    sound = av.CodecContext.create("aac", "w")
    sound.sample_rate, sound.layout, sound.format = RATE, "mono", "fltp"
    pieces = []
    for _ in range(seconds * RATE // 1024):
        heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        heard.sample_rate = RATE
        pieces += [bytes(packet) for packet in sound.encode(heard)]
    return units, pieces


def test_another_reader_finds_every_frame_at_its_time_picture_and_sound() -> None:
    units, pieces = made(2)
    parts = [fragment.units(unit) for unit in units]
    sets = fragment.sets_of(parts[0])
    assert sets is not None
    picture, sound = Picture(*sets, 64, 48), Sound(fragment.low_complexity(RATE, 1), RATE, 1)
    assert picture.codec.startswith("avc1.42C0")
    assert sound.codec == "mp4a.40.2"
    video, audio = Cutter(fragment.VIDEO), Cutter(fragment.SOUND)
    step = fragment.VIDEO_SCALE // FPS
    cuts = [
        video.add(number * step, fragment.sample(unit), is_key=number % FPS == 0)
        for number, unit in enumerate(parts)
    ]
    cuts += [audio.add(1024 * number, piece) for number, piece in enumerate(pieces)]
    file = fragment.initialisation(picture, sound) + b"".join(cut.data for cut in cuts if cut)
    with av.open(io.BytesIO(file), "r") as read:
        frames = [float(frame.time or 0) for frame in read.decode(video=0)]
    with av.open(io.BytesIO(file), "r") as read:
        heard = sum(frame.samples for frame in read.decode(audio=0))
    assert frames == [number / FPS for number in range(2 * FPS - 1)], "the last one is held back"
    assert abs(heard - 1024 * (len(pieces) - 1)) <= 1024
    alone = fragment.initialisation(picture)
    assert b"mp4a" not in alone
    assert b"mp4a" in file


def test_units_are_the_same_however_they_are_parted() -> None:
    units = [b"\x09\xf0", b"\x67\x42\xc0\x1e\x01", b"\x68\x01\x02", b"\x65\x00\x00\x03\x01"]
    by_start = b"".join(b"\0\0\0\1" + unit for unit in units)
    by_length = b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)
    assert fragment.units(by_start) == units == fragment.units_by_length(by_length)
    assert fragment.units_by_length(by_length[:-1]) == units[:-1]
    assert fragment.sample(units) == b"\0\0\0\5" + units[3]
    assert fragment.sets_of(units) == (units[1], units[2])
    assert fragment.sets_of(units[2:]) is None
    config = b"\1\x42\xc0\x1e\xff\xe1\0\5" + units[1] + b"\1\0\3" + units[2]
    assert fragment.sets_in(config) == (units[1], units[2])
    assert fragment.sets_in(config[:9]) is None
