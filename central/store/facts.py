"""What arrives: cursors, records, the newest version of each source row, arrivals, dead letters."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dead import OPEN
from central.store.dialect import among, insert_all, insert_new, replace_row, upsert, write_rows
from central.store.tables import (
    arrival,
    box,
    dead_letter,
    ingest_cursor,
    record,
    row_head,
    site,
)
from common.core.ranges import Range

_CHUNK = 400
_ranges = msgspec.msgpack.Decoder(list[Range])


def decode_ranges(raw: bytes) -> list[Range]:
    return _ranges.decode(raw)


async def find_box(conn: AsyncConnection, site_id: str, generation: int) -> Row[Any] | None:
    """The box with its site's `retired_wall`."""
    query = (
        select(box, site.c.retired_wall)
        .join(site, site.c.id == box.c.site)
        .where(box.c.site == site_id, box.c.generation == generation)
    )
    return (await conn.execute(query)).first()


async def newest_generation(conn: AsyncConnection, site_id: str) -> int:
    query = select(func.coalesce(func.max(box.c.generation), 0)).where(box.c.site == site_id)
    return int((await conn.execute(query)).scalar_one())


async def cursor(conn: AsyncConnection, site_id: str, epoch: bytes) -> Row[Any] | None:
    """The cursor row, locked to the end of the transaction where the engine locks rows."""
    query = (
        select(ingest_cursor)
        .where(ingest_cursor.c.site == site_id, ingest_cursor.c.epoch == epoch)
        .with_for_update()
    )
    return (await conn.execute(query)).first()


async def newest_cursor(conn: AsyncConnection, site_id: str) -> Row[Any] | None:
    """Of the epoch that began last."""
    query = select(ingest_cursor).where(ingest_cursor.c.site == site_id)
    return (await conn.execute(query.order_by(ingest_cursor.c.epoch_no.desc()).limit(1))).first()


async def create_cursor(
    conn: AsyncConnection, site_id: str, epoch: bytes, generation: int, newest: int, now_wall: int
) -> None:
    """A new epoch gets the site's next epoch number: its versions beat those of earlier epochs."""
    query = select(func.coalesce(func.max(ingest_cursor.c.epoch_no), 0)).where(
        ingest_cursor.c.site == site_id
    )
    number = (await conn.execute(query)).scalar_one() + 1
    await conn.execute(
        insert(ingest_cursor).values(
            site=site_id,
            epoch=epoch,
            epoch_no=number,
            generation=generation,
            upto=0,
            ranges=msgspec.msgpack.encode([]),
            newest=newest,
            gap_at=0,
            ver=0,
            opened_wall=now_wall,
            updated_wall=now_wall,
        )
    )


async def opened_after(conn: AsyncConnection, site_id: str, generation: int, wall: int) -> int:
    """How many epochs the box has opened since."""
    query = select(func.count()).where(
        ingest_cursor.c.site == site_id,
        ingest_cursor.c.generation == generation,
        ingest_cursor.c.opened_wall > wall,
    )
    return int((await conn.execute(query)).scalar_one())


async def sign_keys(conn: AsyncConnection, epochs: Sequence[bytes]) -> dict[tuple[str, bytes], bytes]:
    """(site, epoch) -> the raw public key of the box that has opened it."""
    query = select(ingest_cursor.c.site, ingest_cursor.c.epoch, box.c.sign_key).join(
        box, and_(box.c.site == ingest_cursor.c.site, box.c.generation == ingest_cursor.c.generation)
    )
    rows = await conn.execute(query.where(ingest_cursor.c.epoch.in_(epochs)))
    return {(row.site, row.epoch): row.sign_key for row in rows}


async def note_newest(conn: AsyncConnection, site_id: str, epoch: bytes, newest: int) -> None:
    await conn.execute(
        update(ingest_cursor)
        .where(
            ingest_cursor.c.site == site_id, ingest_cursor.c.epoch == epoch, ingest_cursor.c.newest < newest
        )
        .values(newest=newest)
    )


async def move_cursor(
    conn: AsyncConnection, row: Row[Any], held: list[Range], moved: dict[str, int], now_wall: int
) -> bool:
    """Compare-and-swap; `moved`: new values of `upto`, `newest`, `gap_at`. -> False if another worker was first."""
    result = await conn.execute(
        update(ingest_cursor)
        .where(
            ingest_cursor.c.site == row.site,
            ingest_cursor.c.epoch == row.epoch,
            ingest_cursor.c.ver == row.ver,
        )
        .values(
            ranges=msgspec.msgpack.encode(held),
            ver=row.ver + 1,
            updated_wall=now_wall,
            **moved,
        )
    )
    return result.rowcount == 1


async def add_records(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, insert_all(record), rows)


async def add_dead_letters(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, insert_new(conn, dead_letter), rows)


async def heads(
    conn: AsyncConnection, site_id: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Row[Any]]:
    """Current heads of (table, key) pairs."""
    found: dict[tuple[str, str], Row[Any]] = {}
    by_table: dict[str, list[str]] = defaultdict(list)
    for table, key in keys:
        by_table[table].append(key)
    for table, wanted in by_table.items():
        query = select(row_head).where(row_head.c.site == site_id, row_head.c.tbl == table)
        for start in range(0, len(wanted), _CHUNK):
            rows = await conn.execute(among(conn, query, row_head.c.key, wanted[start : start + _CHUNK]))
            found |= {(row.tbl, row.key): row for row in rows}
    return found


async def put_heads(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, replace_row(conn, row_head, keep=("first_seen_at",)), rows)


async def has_dead_letters(conn: AsyncConnection, site_id: str) -> bool:
    """Something this site sent could not be read: nobody knows what it said, and nobody has decided yet."""
    query = select(dead_letter.c.seq).where(dead_letter.c.site == site_id, OPEN).limit(1)
    return (await conn.execute(query)).first() is not None


async def first_capture(conn: AsyncConnection, site_id: str) -> int | None:
    """Start of the quarter hour in which anything of the site was first captured, office time; None: nothing yet."""
    found: int | None = await conn.scalar(
        select(func.min(arrival.c.slot_at)).where(arrival.c.site == site_id)
    )
    return found


async def count_arrivals(conn: AsyncConnection, rows: Iterable[dict[str, Any]]) -> None:
    await write_rows(conn, upsert(conn, arrival, _counted), list(rows))


def _counted(new: Any) -> dict[str, Any]:
    return {"live": arrival.c.live + new.live, "late": arrival.c.late + new.late}


async def dead_letter_counts(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """(site, reason, count), most first."""
    number = func.count().label("number")
    query = select(dead_letter.c.site, dead_letter.c.reason, number).where(OPEN)
    query = query.group_by(dead_letter.c.site, dead_letter.c.reason)
    return (await conn.execute(query.order_by(number.desc()))).all()
