"""Reads what says whether a still stands in what its box has signed (`core/vouched.py`)."""

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.audit import decoded
from central.core.vouched import Vouched, vouched
from central.store.stills import Line
from central.store.tables import box, dead_letter, ingest_cursor, record
from common.core.record import Body, Checkpoint, RecordKind, Still, decode_body

_NEAR = 8
"""Checkpoints on either side that are looked at: one is numbered a little later than what it signs."""
_MOST = 5_000
"""Records between two signatures; a box signs every thousand."""


async def of(conn: AsyncConnection, line: Line) -> Vouched:
    """Of its record, and of what was written beside it."""
    site, epoch, seq = line.site, line.epoch, line.seq
    owner = ingest_cursor.join(
        box, (box.c.site == ingest_cursor.c.site) & (box.c.generation == ingest_cursor.c.generation)
    )
    mine = ingest_cursor.c.site == site, ingest_cursor.c.epoch == epoch
    sign_key = await conn.scalar(select(box.c.sign_key).select_from(owner).where(*mine))
    if sign_key is None:
        return Vouched.UNCLEAR
    before = await _checkpoint(conn, site, epoch, seq, later=False)
    after = await _checkpoint(conn, site, epoch, seq, later=True)
    from_seq, to_seq = (before.seq if before else 0), (after.seq if after else seq)
    if to_seq - from_seq > _MOST:
        return Vouched.UNCLEAR
    raws = dict[int, bytes]()
    for table in (record, dead_letter):  # what came as a letter is in the chain as it came
        row = table.c
        within = row.site == site, row.epoch == epoch, row.seq > from_seq, row.seq <= to_seq
        raws |= {item.seq: item.raw for item in await conn.execute(select(row.seq, row.raw).where(*within))}
    body = _body(raws.get(seq, b""))
    if not isinstance(body, Still) or not _says(body, line):
        return Vouched.BROKEN
    return vouched(site, epoch, sign_key, before, after, sorted(raws.items()))


def _says(body: Still, line: Line) -> bool:
    names = Still.__struct_fields__
    return all(getattr(body, name) == getattr(line, name) for name in names)


async def _checkpoint(
    conn: AsyncConnection, site: str, epoch: bytes, seq: int, *, later: bool
) -> Checkpoint | None:
    """The nearest of the epoch that signs `seq`, or what is before it."""
    row = record.c
    query = select(row.raw).where(
        row.site == site, row.epoch == epoch, row.kind == RecordKind.CHECKPOINT.value
    )
    query = query.where(row.seq > seq if later else row.seq <= seq)
    query = query.order_by(row.seq if later else row.seq.desc()).limit(_NEAR)
    for raw in await conn.scalars(query):
        body = _body(raw)
        if isinstance(body, Checkpoint) and not body.epoch and (body.seq >= seq) is later:
            return body
    return None


def _body(raw: bytes) -> Body | None:
    """None for what cannot be read."""
    item = decoded(raw)
    try:
        return None if item is None else decode_body(item)
    except msgspec.MsgspecError:
        return None
