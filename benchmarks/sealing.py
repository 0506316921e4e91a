"""What sealing costs: a record at rest and a batch of 30 KB, per algorithm, against the library's own bare AES-256-GCM.

The peer encrypts the same bytes with nothing around: no key agreement, no compression, no context. Compressing is
measured by itself against zlib of the same records.
"""

import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import cycle
from statistics import median

from benchmarks.figure import Figure, line
from common.core import crypto, pack
from common.core.record import encode_record
from common.core.rest import DataKey
from tests.corpus import FOUR, records

PLACE = ("s01", b"epoch--1", 7)
NONCE = bytes(12)
BIG = bytes(range(256)) * 120
RUNS, TIMES = 7, 1_000


async def measure() -> AsyncIterator[Figure]:
    raws = [encode_record(item) for item in records(77, date(2027, 9, 17), 0, FOUR[:1])[0]][:TIMES]
    packer = pack.Packer()
    yield line("pack_record", _cost(packer.pack, raws), "µs", ("zlib", _cost(zlib.compress, raws)), RUNS)
    packed = [packer.pack_bare(raw) for raw in raws]
    least = "bare AES-256-GCM of the packed record", _cost(_encryption(crypto.AT_REST), packed)
    for alg in crypto.AT_REST_ALGS:
        key = DataKey(1, bytes(crypto.key_bytes(alg)), alg, pack.NEWEST)
        seal, opening = partial(key.seal, PLACE, NONCE, bytes(crypto.CHAIN_BYTES)), partial(key.open, PLACE)
        yield line(f"encrypt_record_{alg}", _cost(_encryption(alg), packed), "µs", least, RUNS)
        yield line(f"seal_record_{alg}", _cost(seal, raws), "µs", least, RUNS)
        yield line(f"open_record_{alg}", _cost(opening, [seal(raw) for raw in raws]), "µs", least, RUNS)
    for figure in _batches():
        yield figure


def _batches() -> Iterator[Figure]:
    least = "bare AES-256-GCM of 30 KB", _cost(_encryption(crypto.AT_REST), [BIG])
    for alg in crypto.AT_REST_ALGS:
        yield line(f"encrypt_30_kb_{alg}", _cost(_encryption(alg), [BIG]), "µs", least, RUNS)
    secret = bytes(range(32))
    seal = partial(crypto.seal_batch, crypto.wire_public(secret), b"front")
    opening = partial(crypto.unseal_batch, secret, b"front")
    yield line("seal_batch_30_kb", _cost(seal, [BIG]), "µs", least, RUNS)
    yield line("open_batch_30_kb", _cost(opening, [seal(BIG)]), "µs", least, RUNS)


def _encryption(alg: str) -> Callable[[bytes], bytes]:
    """The cipher with nothing around."""
    aead = crypto.cipher(alg, bytes(crypto.key_bytes(alg)))
    return lambda data: aead.encrypt(NONCE, data, b"")


def _cost(work: Callable[[bytes], object], inputs: Sequence[bytes]) -> float:
    """Median of `RUNS`: microseconds per call."""
    return median(_once(work, inputs) for _ in range(RUNS))


def _once(work: Callable[[bytes], object], inputs: Sequence[bytes]) -> float:
    source = cycle(inputs)
    began = time.perf_counter()
    for _ in range(TIMES):
        work(next(source))
    return (time.perf_counter() - began) / TIMES * 1e6
