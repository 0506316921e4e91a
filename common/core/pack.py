"""zstd with a dictionary trained on believable records: a record alone becomes as small as inside a batch.

A dictionary is named `schema.edition` and never changed: what was packed with it may wait for years. A new one gets
a new name, and every name stays in `SHIPPED`. They are made by `python -m tests.docs.dictionary`.
"""

import functools
import hashlib
from importlib import resources

import zstandard

SHIPPED = {
    "1.1": "3a747bba1fa3498044bcc8fd1afd27a37dc49bcaeefb4148cf7a160ee6f9fee5",
    "1.2": "70e37ce1540869e23f1fa30f72d03a12f9ba17a69bdbe1510ca990b8934b5947",
}
"""Every dictionary ever shipped, by its name, with the SHA-256 of its bytes."""
NEWEST = "1.2"
"""What is packed with from now on."""
LEVEL = 9
_MAGIC = b"\x28\xb5\x2f\xfd"


class PackError(ValueError):
    """The bytes are no frame, not of this dictionary, or larger than allowed."""


class TooLargeError(PackError):
    """The frame declares more than the limit."""


@functools.cache
def _load(name: str) -> zstandard.ZstdCompressionDict:
    """Package data, read once like code. Raises PackError for a name that was never shipped."""
    if name not in SHIPPED:
        raise PackError(f"no dictionary {name}")
    raw = (resources.files("common") / "dictionaries" / f"{name}.zdict").read_bytes()
    if hashlib.sha256(raw).hexdigest() != SHIPPED[name]:
        raise PackError(f"dictionary {name} is damaged")
    found = zstandard.ZstdCompressionDict(raw, zstandard.DICT_TYPE_FULLDICT)
    found.precompute_compress(level=LEVEL)
    return found


class Packer:
    """Packs and unpacks with one dictionary. To be made once and used in one thread: zstd keeps its tables in it."""

    def __init__(self, dictionary: str = NEWEST) -> None:
        """`dictionary` is a name of `SHIPPED`, or empty for none. Raises PackError for another."""
        found = _load(dictionary) if dictionary else None
        self._compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=found, write_dict_id=False)
        self._decompressor = zstandard.ZstdDecompressor(dict_data=found)

    def pack(self, plain: bytes) -> bytes:
        """-> one frame that declares its size and no dictionary: who opens it is told the name beside it."""
        return self._compressor.compress(plain)

    def unpack(self, packed: bytes, limit: int) -> bytes:
        """Inverse of `pack`. Raises TooLargeError, PackError.

        zstd allocates whatever size a frame declares: the declaration is checked first. One that declares none is
        given `limit` bytes at most.
        """
        try:
            if zstandard.frame_content_size(packed) > limit:
                raise TooLargeError("the frame declares too much")
            return self._decompressor.decompress(packed, max_output_size=limit, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise PackError(str(error)) from error

    def pack_bare(self, plain: bytes) -> bytes:
        """`pack` without the four bytes that are the same in every frame, for what is stored by the million."""
        return self.pack(plain)[len(_MAGIC) :]

    def unpack_bare(self, packed: bytes, limit: int) -> bytes:
        """Inverse of `pack_bare`. Raises TooLargeError, PackError."""
        return self.unpack(_MAGIC + packed, limit)
