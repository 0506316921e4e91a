"""Fragmented MP4 (ISO/IEC 14496-12), one sample to a fragment, cut by hand: pure bytes in and out.

libavformat's own cutting gives samples without a duration, and a browser's buffer then has a hole for every frame
(cameras.md, trap 3). Here a sample is held back until the next one comes, and lasts until then: the begin of a fragment is
always the sum of all durations before it, whatever the camera's clock does.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

VIDEO_SCALE = 90_000
"""Ticks of the picture in a second."""
VIDEO, SOUND = 1, 2
"""Ids of the tracks."""
_KEY, _OTHER = 0x02000000, 0x01010000
_START = re.compile(b"\0\0\1")
_MATRIX = b"".join(value.to_bytes(4, "big") for value in (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000))
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
SPS, PPS, IDR, DELIMITER = 7, 8, 5, 9


class Picture(Struct, frozen=True):
    """The H.264 stream: its parameter sets, its size in pixels."""

    sps: bytes
    pps: bytes
    wide: int
    high: int

    @property
    def codec(self) -> str:
        """As a browser names it: `avc1.42C01E`."""
        return f"avc1.{self.sps[1:4].hex().upper()}"


class Sound(Struct, frozen=True):
    """The AAC stream; `config`: its AudioSpecificConfig (ISO/IEC 14496-3)."""

    config: bytes
    rate: int
    channels: int

    @property
    def codec(self) -> str:
        return f"mp4a.40.{self.config[0] >> 3}"


def low_complexity(rate: int, channels: int) -> bytes:
    """AudioSpecificConfig of AAC-LC. Raises ValueError for a rate that AAC has no number for."""
    return ((2 << 11) | (_RATES.index(rate) << 7) | (channels << 3)).to_bytes(2, "big")


# access units ------------------------------------------------------------------------------------------------


def units(data: bytes) -> list[bytes]:
    """NAL units of an access unit with start codes (ITU-T H.264, Annex B)."""
    return [part.rstrip(b"\0") for part in _START.split(data)[1:] if part.rstrip(b"\0")]


def units_by_length(data: bytes) -> list[bytes]:
    """The same of one with lengths of four bytes, as files keep them; what is cut off is left out."""
    found, at = [], 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        if 0 < size <= len(data) - at - 4:
            found.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return found


def kind_of(unit: bytes) -> int:
    return unit[0] & 0x1F


def sets_of(parts: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The parameter sets in an access unit, where both are."""
    sps = next((unit for unit in parts if kind_of(unit) == SPS and len(unit) > 3), None)
    pps = next((unit for unit in parts if kind_of(unit) == PPS), None)
    return (sps, pps) if sps and pps else None


def sets_in(config: bytes) -> tuple[bytes, bytes] | None:
    """The parameter sets in an `avcC` record, where it has both."""
    found, at = [], 6
    for _ in range(2):  # the first of each kind; a count of one byte stands between them
        size = int.from_bytes(config[at : at + 2], "big")
        found.append(config[at + 2 : at + 2 + size])
        at += 2 + size + 1
    sps, pps = found
    return (sps, pps) if len(sps) > 3 and pps else None


def sample(parts: Sequence[bytes]) -> bytes:
    """An access unit as a sample: lengths before the units; no delimiter, no parameter sets, which stand in the initialisation."""
    kept = (unit for unit in parts if kind_of(unit) not in {DELIMITER, SPS, PPS})
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


# boxes -------------------------------------------------------------------------------------------------------


def _box(name: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (len(body) + 8).to_bytes(4, "big") + name.encode("ascii") + body


def _full(name: str, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(name, bytes([version]) + flags.to_bytes(3, "big"), *parts)


def _u16(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def _u32(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)


def initialisation(picture: Picture, sound: Sound | None = None) -> bytes:
    """What a browser must have before the first fragment."""
    header = _full(
        "mvhd", 0, 0, _u32(0, 0, 1000, 0, 0x10000), _u16(0x100), bytes(10), _MATRIX, bytes(24), _u32(3)
    )
    tracks = [_track(VIDEO, VIDEO_SCALE, _avc1(picture), "vide", (picture.wide, picture.high))]
    extends = [_full("trex", 0, 0, _u32(VIDEO, 1, 0, 0, 0))]
    if sound is not None:
        tracks.append(_track(SOUND, sound.rate, _mp4a(sound), "soun", (0, 0)))
        extends.append(_full("trex", 0, 0, _u32(SOUND, 1, 0, 0, 0)))
    brands = _box("ftyp", b"iso5", _u32(512), b"iso5iso6mp41")
    return brands + _box("moov", header, *tracks, _box("mvex", *extends))


def _track(number: int, scale: int, entry: bytes, handler: str, size: tuple[int, int]) -> bytes:
    is_video = handler == "vide"
    volume = 0 if is_video else 0x100
    head = _full(
        "tkhd", 0, 3, _u32(0, 0, number, 0, 0), bytes(8), _u16(0, 0, volume, 0), _MATRIX,
        _u32(size[0] << 16, size[1] << 16),
    )  # fmt: skip
    media_head = _full("mdhd", 0, 0, _u32(0, 0, scale, 0), _u16(0x55C4, 0))
    kind = _full("hdlr", 0, 0, _u32(0), handler.encode("ascii"), bytes(12), b"mingcha\0")
    own = _full("vmhd", 0, 1, bytes(8)) if is_video else _full("smhd", 0, 0, bytes(4))
    where = _box("dinf", _full("dref", 0, 0, _u32(1), _full("url ", 0, 1)))
    table = _box(
        "stbl",
        _full("stsd", 0, 0, _u32(1), entry),
        _full("stts", 0, 0, _u32(0)),
        _full("stsc", 0, 0, _u32(0)),
        _full("stsz", 0, 0, _u32(0, 0)),
        _full("stco", 0, 0, _u32(0)),
    )
    return _box("trak", head, _box("mdia", media_head, kind, _box("minf", own, where, table)))


def _avc1(picture: Picture) -> bytes:
    sps, pps = picture.sps, picture.pps
    config = _box(
        "avcC", b"\1" + sps[1:4] + b"\xff\xe1" + _u16(len(sps)) + sps + b"\1" + _u16(len(pps)) + pps
    )
    return _box(
        "avc1", bytes(6), _u16(1), bytes(16), _u16(picture.wide, picture.high), _u32(0x480000, 0x480000, 0),
        _u16(1), bytes(32), _u16(24, 0xFFFF), config,
    )  # fmt: skip


def _mp4a(sound: Sound) -> bytes:
    own = b"\x05" + bytes([len(sound.config)]) + sound.config
    decoder = b"\x04" + bytes([13 + len(own)]) + b"\x40\x15" + bytes(11) + own
    described = b"\x03" + bytes([3 + len(decoder) + 3]) + b"\0\1\0" + decoder + b"\x06\x01\x02"
    return _box(
        "mp4a", bytes(6), _u16(1), bytes(8), _u16(sound.channels, 16, 0, 0), _u32(sound.rate << 16),
        _full("esds", 0, 0, described),
    )  # fmt: skip


def _fragment(number: int, track: int, begin: int, held: "_Held", duration: int) -> bytes:
    flags = _KEY if held.is_key else _OTHER
    entry = _u32(duration, len(held.data), flags) + held.shift.to_bytes(4, "big", signed=True)
    size = 8 + 16 + 8 + 16 + 20 + 36
    moof = _box(
        "moof",
        _full("mfhd", 0, 0, _u32(number)),
        _box(
            "traf",
            _full("tfhd", 0, 0x020000, _u32(track)),
            _full("tfdt", 1, 0, begin.to_bytes(8, "big")),
            _full("trun", 1, 0x000F01, _u32(1, size + 8), entry),
        ),
    )
    return moof + _box("mdat", held.data)


# cutting -----------------------------------------------------------------------------------------------------


class _Held(Struct, frozen=True):
    at: int
    data: bytes
    is_key: bool
    shift: int
    tag: int


class Cut(Struct, frozen=True):
    """A finished fragment; `tag`: what was given with its sample."""

    data: bytes
    is_key: bool
    tag: int


class Cutter:
    """Samples of one track -> its fragments, each when the next sample is there."""

    def __init__(self, track: int) -> None:
        self._track = track
        self._number = 0
        self._begin: int | None = None
        self._held: _Held | None = None

    def add(self, at: int, data: bytes, *, is_key: bool = True, shift: int = 0, tag: int = 0) -> Cut | None:
        """`at`: decoding time in ticks of the track, which may stand still or go back; `shift`: by how much it is shown later.
        -> the fragment of the sample before, which lasts one tick at least."""
        held, self._held = self._held, _Held(max(0, at), data, is_key, shift, tag)
        if held is None:
            self._begin = self._held.at
            return None
        assert self._begin is not None
        duration = max(1, self._held.at - self._begin)
        self._number += 1
        made = _fragment(self._number, self._track, self._begin, held, duration)
        self._begin += duration
        return Cut(made, held.is_key, held.tag)
