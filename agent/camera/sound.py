"""The sound of a live picture: AAC passes, whatever else a camera sends is made AAC, so that a browser plays it."""

from collections.abc import Iterator
from typing import Any

import av
import av.error
from msgspec import Struct

from agent.core import fragment

RATE, SAMPLES, BITS = 16_000, 1024, 32_000
"""Hertz and bits a second of what is made here; samples of one AAC frame."""


class Piece(Struct, frozen=True):
    """One AAC frame."""

    data: bytes
    samples: int


class Voice:
    """`stream`: the camera's, of PyAV. Raises ValueError where nobody can decode it."""

    def __init__(self, stream: Any) -> None:
        codec = stream.codec_context
        if codec is None:
            raise ValueError("a sound of no known coding")
        config = bytes(codec.extradata or b"")
        self._encoder: Any = None
        if codec.name == "aac" and len(config) >= 2 and codec.channels in {1, 2}:
            self.sound = fragment.Sound(config, codec.sample_rate, codec.channels)
            return
        self._encoder = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = RATE, "mono", "fltp"
        self._encoder.bit_rate = BITS
        self._resampler = av.AudioResampler("fltp", "mono", RATE, SAMPLES)
        self.sound = fragment.Sound(fragment.low_complexity(RATE, 1), RATE, 1)

    def pieces(self, packet: Any) -> Iterator[Piece]:
        """Of one packet of the stream; nothing of one that is damaged."""
        if self._encoder is None:
            yield Piece(bytes(packet), SAMPLES)
            return
        try:
            for frame in packet.decode():
                frame.pts = None
                for part in self._resampler.resample(frame):
                    part.pts = None
                    yield from (Piece(bytes(made), SAMPLES) for made in self._encoder.encode(part))
        except (av.error.InvalidDataError, av.error.ArgumentError):
            return
