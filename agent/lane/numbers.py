"""Rows that were given other numbers: looked for before anything of a small table is told as gone or other."""

import asyncio
from collections.abc import Sequence

from agent.core import renumbered, rows
from agent.core.query import Row
from agent.index import Index
from agent.lane.reader import Reader
from common.core.errors import RejectedError


async def moved(reader: Reader, index: Index, off: Sequence[str], page: Sequence[Row]) -> int:
    """Of the rows that the index has under the keys `off`, which are gone or other now, how many stand in `page` under a key under
    which none stood when the last walk ended."""
    table, digest_key = reader.table, reader.capture.digest_key
    read = [(_key_and_digest(row, reader), row) for row in page]
    known = await index.known(table.name, list({*off, *(key for (key, _), _ in read)}))
    proof, there = reader.capture.evidence.proof(table.name), list[Row]()
    since = proof.ended_at or (proof.walked.at if proof.walked is not None else 0)
    for (key, digest), row in read:
        old = known.get(key)
        if old is None or old.gone or old.digest != digest or old.at > since:
            there.append(row)
    former = [
        (_values(reader, key), known[key].digest) for key in off if key in known and not known[key].dirty
    ]
    # Where other rows came in place of all, each is tried under many keys: some seconds that pages and heartbeats do not wait for.
    return await asyncio.to_thread(renumbered.moved, former, there, table, digest_key)


def _key_and_digest(row: Row, reader: Reader) -> tuple[str, bytes]:
    """Empty where it cannot be read: it is nobody's."""
    try:
        item = rows.read(row, reader.table, reader.capture.digest_key)
    except RejectedError:
        return "", b""
    return item.key, item.digest


def _values(reader: Reader, key: str) -> list[Row]:
    try:
        return reader.values(key)
    except ValueError:
        return []  # of another type since: it stands nowhere
