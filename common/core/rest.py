"""Records at rest on a box: packed with the dictionary, then sealed one by one under a data key.

One record damaged is one record lost, and nothing is ever returned that was not stored: the chain value is sealed
with the record, because a wrong one would make the hall refuse all that follows. Packing comes first: sealed bytes do
not shrink.
"""

from common.core import crypto, pack
from common.core.batch import MAX_PLAIN
from common.core.crypto import DamagedError

BUFFER_FORMAT = 1
"""Of the buffer that this code writes. A release reads its own and the one before, and what the one after it writes: what is
new in a format is added behind what was there (a field at the end, a table beside), and may be ignored."""


class DataKey:
    """A data key at work. Made once per key and used in one thread; what is sealed with it names its `number`."""

    def __init__(self, number: int, key: bytes, alg: str, dictionary: str) -> None:
        """`alg` and `dictionary` stand beside the wrapped key. Raises DamagedError for one that is not known here."""
        self.number = number
        try:
            self._packer = pack.Packer(dictionary)
        except pack.PackError as error:
            raise DamagedError(str(error)) from error
        self._cipher = crypto.cipher(alg, key)

    def seal(self, place: tuple[str, bytes, int], nonce: bytes, chain: bytes, record: bytes) -> bytes:
        """`place` is (site, epoch, seq), `nonce` 12 fresh random bytes, `chain` the value at `seq`. -> what is stored."""
        plain = chain + self._packer.pack_bare(record)
        return crypto.seal(self._cipher, nonce, crypto.record_context(*place, self.number), plain)

    def open(self, place: tuple[str, bytes, int], sealed: bytes) -> tuple[bytes, bytes]:
        """Inverse of `seal`. -> (chain, record).

        Raises DamagedError for another key or place, and for any flipped bit.
        """
        plain = crypto.unseal(self._cipher, crypto.record_context(*place, self.number), sealed)
        chain, packed = plain[: crypto.CHAIN_BYTES], plain[crypto.CHAIN_BYTES :]
        try:
            return chain, self._packer.unpack_bare(packed, MAX_PLAIN)
        except pack.PackError as error:
            raise DamagedError(str(error)) from error
