"""Bytes per record at rest and on the wire, against plain JSON of the same records.

The records are those of the demonstration's four vendors, of people and weeks the dictionary has not seen. JSON has the
names of the fields and leaves out what the source does not record. At rest is the closed file of the real buffer.
"""

import tempfile
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from agent.buffer import Buffer
from agent.epoch import Sealing
from benchmarks.figure import Figure, line
from common.clock import Clock
from common.core import batch, crypto, pack
from common.core.batch import Header, Lane
from common.core.record import Record, RecordKind, decode_body, encode_record
from tests.corpus import records
from tests.sender import WIRE_KEY

SEED, END, HOURS = 77, date(2027, 9, 17), 20
BATCH = 500


async def measure() -> AsyncIterator[Figure]:
    sites = [
        [item for item in site if item.kind in {RecordKind.CASE, RecordKind.STEP}]
        for site in records(SEED, END, HOURS)
    ]
    flat = [item for site in sites for item in site]
    json = "plain JSON", sum(len(msgspec.json.encode(_named(item))) for item in flat) / len(flat)
    stored, chain = await _at_rest(flat)
    yield line("bytes_at_rest", stored - chain, "B/record", json, 1)
    yield line("bytes_at_rest_with_chain", stored, "B/record", json, 1)
    for name in (pack.NEWEST, ""):
        word = "" if name else "_without_dictionary"
        yield line(f"bytes_wire_bulk{word}", _on_wire(sites, BATCH, name), "B/record", json, 1)
        yield line(f"bytes_wire_10{word}", _on_wire(sites, 10, name), "B/record", json, 1)
        yield line(f"bytes_wire_live_single{word}", _on_wire(sites, 1, name), "B/record", json, 1)
        packer = pack.Packer(name)
        alone = sum(len(packer.pack(encode_record(item))) for item in flat) / len(flat)
        yield line(f"bytes_packed_single{word}", alone, "B/record", json, 1)


def _named(item: Record) -> dict[str, Any]:
    """A record as JSON by names; msgspec writes bytes as base64."""
    found = {name: getattr(item, name) for name in item.__struct_fields__}
    return found | {"body": _filled(decode_body(item))}


def _filled(body: Any) -> dict[str, Any]:
    values = {name: getattr(body, name) for name in body.__struct_fields__}
    return {name: value for name, value in values.items() if value is not None and value != {}}


async def _at_rest(flat: list[Record]) -> tuple[float, float]:
    """-> (bytes of the file per record, of which chain values)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "buffer.db"
        buffer = await Buffer.open(
            path, seal=Sealing([bytes(32)]), site="s01", sign_key=bytes(32), clock=Clock()
        )
        for start in range(0, len(flat), BATCH):
            await buffer.append(flat[start : start + BATCH])
        await buffer.close()
        return path.stat().st_size / len(flat), crypto.CHAIN_BYTES


def _on_wire(sites: list[list[Record]], size: int, dictionary: str) -> float:
    total = count = 0
    for site in sites:
        raws = [encode_record(item) for item in site]
        for start in range(0, len(raws), size):
            part = raws[start : start + size]
            header = Header(
                "s01", b"epoch--1", Lane.BULK, start + 1, start + len(part), 1, crypto.key_id(WIRE_KEY),
                crypto.WIRE, "zstd", bytes(range(32)), bytes(range(32)), 1 << 50, dictionary,
            )  # fmt: skip
            total += len(batch.encode(header, part, WIRE_KEY, bytes(32)))
            count += len(part)
    return total / count
