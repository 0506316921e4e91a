"""Reads for `mingcha verify`: facts page by page, in one picture of the database."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, and_, exists, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.audit import Claim, Entry, decoded
from central.core.epochs import Witness
from central.core.noted import Noted
from central.store import facts, parked
from central.store.dialect import among
from central.store.tables import box, case, dead_letter, ingest_cursor, record, row_head, site
from common.core import batch
from common.core.ranges import Range
from common.core.record import SCHEMA, Body, Checkpoint, Gap, IndexRoot, RecordKind, decode_body
from common.core.state import LetterState

PAGE = 1_000
_ROWS = (RecordKind.CASE.value, RecordKind.STEP.value)
COLUMNS = ("kind", "tbl", "key", "version", "cap_at", "cap_wall", "digest")


async def freeze(conn: AsyncConnection) -> None:
    """All that `conn` reads from now on is of one instant, while the hall goes on writing."""
    one = (
        "BEGIN"
        if conn.dialect.name == "sqlite"
        else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
    )
    await conn.execute(text(one))


async def sites(conn: AsyncConnection) -> dict[str, str]:
    """Id -> name, and every id under which there are facts of no registered site."""
    names = {
        row.id: row.name
        for row in await conn.execute(select(site.c.id, site.c.name).order_by(site.c.position))
    }
    for table in (ingest_cursor, record):
        for row in await conn.execute(select(table.c.site).distinct()):
            names.setdefault(row.site, row.site)
    return names


async def claims(conn: AsyncConnection, site_id: str) -> list[tuple[Row[Any], Claim]]:
    """The site's epochs in order, each with its cursor; the key is empty where no box is registered for it."""
    query = (
        select(ingest_cursor, box.c.sign_key)
        .outerjoin(
            box, and_(box.c.site == ingest_cursor.c.site, box.c.generation == ingest_cursor.c.generation)
        )
        .where(ingest_cursor.c.site == site_id)
        .order_by(ingest_cursor.c.epoch_no)
    )
    cursors = (await conn.execute(query)).all()
    said = [item.body for item in await testimonies(conn, site_id)]
    return [
        (
            row,
            Claim(
                site=site_id,
                epoch=row.epoch,
                sign_key=row.sign_key or b"",
                held=_held(row.ranges),
                newest=row.newest,
                witnesses=[item for item in said if item.epoch == row.epoch],
                is_ended=row is not cursors[-1],
            ),
        )
        for row in cursors
    ]


async def generations(conn: AsyncConnection, site_id: str) -> list[int]:
    """Of the boxes that were registered for the site."""
    return list(await conn.scalars(select(box.c.generation).where(box.c.site == site_id)))


async def testimonies(conn: AsyncConnection, site_id: str) -> list[Witness]:
    """Checkpoints of former epochs, in order of numbers in each epoch."""
    query = select(record.c.epoch, record.c.raw).order_by(record.c.epoch, record.c.seq)
    query = query.where(record.c.site == site_id, record.c.kind == RecordKind.CHECKPOINT.value)
    return [
        Witness(row.epoch, body)
        for row in await conn.execute(query)
        if isinstance(body := _body(row.raw), Checkpoint) and body.epoch
    ]


def _body(raw: bytes) -> Body | None:
    """None for what cannot be read: `Audit` says so."""
    item = decoded(raw)
    try:
        return None if item is None else decode_body(item)
    except msgspec.MsgspecError:
        return None


def _held(raw: bytes) -> list[Range]:
    """Nothing where it cannot be read: then every record is one too many."""
    try:
        return facts.decode_ranges(raw)
    except msgspec.MsgspecError:
        return []


async def strays(conn: AsyncConnection, site_id: str) -> list[bytes]:
    """Epochs of which there are records and no cursor."""
    known = exists().where(ingest_cursor.c.site == record.c.site, ingest_cursor.c.epoch == record.c.epoch)
    query = select(record.c.epoch).where(record.c.site == site_id, ~known).distinct()
    return [row.epoch for row in await conn.execute(query)]


async def gaps(conn: AsyncConnection, claim: Claim) -> list[Gap]:
    """What the box declares as lost of the epoch: in it, or in a later one, then up to its end."""
    query = select(record.c.epoch, record.c.seq, record.c.raw).where(
        record.c.site == claim.site, record.c.kind == RecordKind.GAP.value
    )
    found = []
    for row in await conn.execute(query):
        body = _body(row.raw)
        if not isinstance(body, Gap):
            continue
        if body.epoch == claim.epoch != row.epoch and body.lo >= 1:
            found.append(msgspec.structs.replace(body, hi=max(body.hi, claim.newest)))
        elif not body.epoch and row.epoch == claim.epoch and 1 <= body.lo <= body.hi < row.seq:
            found.append(body)
    return found


async def entries(conn: AsyncConnection, claim: Claim, noted: Noted) -> AsyncIterator[list[Entry]]:
    """Records and dead letters of the epoch in order of numbers, a page at a time. `noted`: what the audit says of them."""
    after, more = 0, True
    waiting = {
        seq: Entry(seq, raw, None, parked=True, vouched=vouched)
        for row in await parked.of_epoch(conn, claim.site, claim.epoch)
        for seq, raw, vouched in _parked(claim, row)
    }
    kept = record.c
    query = (
        select(kept.seq, kept.raw, kept.received_at, *(kept[name] for name in COLUMNS))
        .order_by(kept.seq)
        .limit(PAGE)
    )
    query = query.where(kept.site == claim.site, kept.epoch == claim.epoch)
    letter = dead_letter.c
    letters = select(letter.seq, letter.raw, letter.state)
    letters = letters.where(letter.site == claim.site, letter.epoch == claim.epoch)
    while more:
        rows = (await conn.execute(query.where(kept.seq > after))).all()
        more = len(rows) == PAGE
        bounds = (letter.seq <= rows[-1].seq,) if more else ()
        dead = {row.seq: row for row in await conn.execute(letters.where(letter.seq > after, *bounds))}
        found = [_entry(claim, row, dead.pop(row.seq, None), noted) for row in rows]
        found += [_letter(claim, row, noted) for row in dead.values()]
        found += [waiting.pop(seq) for seq in list(waiting) if not more or seq <= rows[-1].seq]
        after = rows[-1].seq if rows else after
        yield sorted(found, key=lambda entry: entry.seq)


def _entry(claim: Claim, row: Row[Any], letter: Row[Any] | None, noted: Noted) -> Entry:
    columns = {name: row._mapping[name] for name in COLUMNS}  # noqa: SLF001
    if letter is None:
        return Entry(row.seq, row.raw, columns, row.received_at)
    said = _letter(claim, letter, noted)
    return msgspec.structs.replace(said, columns=columns, received_at=row.received_at, repaired=row.raw)


def _letter(claim: Claim, row: Row[Any], noted: Noted) -> Entry:
    state = LetterState(row.state)
    vouched = noted.vouches(claim.site, claim.epoch, row.seq, state)
    return Entry(row.seq, row.raw, None, letter=state, vouched=vouched)


def _parked(claim: Claim, row: Row[Any]) -> list[tuple[int, bytes, bool]]:
    """(number, bytes, whether it waits by right): the box has signed that it sent it in a schema that is not read here."""
    said = batch.claimed(row.claim, claim.sign_key)
    found = parked.records(row)
    if said is None or (said.site, said.epoch, said.schema) != (claim.site, claim.epoch, row.schema):
        return [(seq, raw, False) for seq, raw in found]
    return [
        (
            seq,
            raw,
            said.first <= seq <= said.last and (said.schema != SCHEMA or _body(raw) is None),
        )
        for seq, raw in found
    ]


async def heads(conn: AsyncConnection, site_id: str) -> AsyncIterator[Sequence[Row[Any]]]:
    """The newest version of every source row of the site, a page at a time."""
    for name in await tables(conn, site_id):
        query = select(row_head).where(row_head.c.site == site_id, row_head.c.tbl == name)
        async for page in _pages(conn, query.order_by(row_head.c.key).limit(PAGE), row_head.c.key):
            yield page


async def versions(
    conn: AsyncConnection, site_id: str, table: str, keys: Sequence[str]
) -> Sequence[Row[Any]]:
    """Every record of these rows with its `epoch_no`."""
    query = (
        select(record.c.key, record.c.version, record.c.raw, ingest_cursor.c.epoch_no)
        .join(
            ingest_cursor,
            and_(ingest_cursor.c.site == record.c.site, ingest_cursor.c.epoch == record.c.epoch),
        )
        .where(record.c.site == site_id, record.c.tbl == table, record.c.kind.in_(_ROWS))
    )
    return (await conn.execute(among(conn, query, record.c.key, keys))).all()


async def index_root(conn: AsyncConnection, site_id: str) -> tuple[Row[Any], IndexRoot] | None:
    """The newest that a box of the site has stated, with its `epoch_no` and number; None: none, or gaps were declared
    since, so that what it rests on is not all here."""
    said = (RecordKind.INDEX_ROOT.value, RecordKind.GAP.value)
    query = (
        select(record.c.seq, record.c.cap_at, record.c.raw, record.c.epoch, ingest_cursor.c.epoch_no)
        .join(
            ingest_cursor,
            and_(ingest_cursor.c.site == record.c.site, ingest_cursor.c.epoch == record.c.epoch),
        )
        .where(record.c.site == site_id, record.c.kind.in_(said))
        .order_by(ingest_cursor.c.epoch_no.desc(), record.c.seq.desc())
    )
    newest = (await conn.execute(query.limit(1))).first()
    body = _body(newest.raw) if newest is not None else None
    return (newest, body) if newest is not None and isinstance(body, IndexRoot) else None


async def keys(conn: AsyncConnection, site_id: str, table: str) -> list[str]:
    """Of every row there ever was, in the order of their UTF-8 bytes, whatever the database's collation is."""
    query = select(row_head.c.key).where(row_head.c.site == site_id, row_head.c.tbl == table)
    return sorted(row.key for row in await conn.execute(query))


async def tables(conn: AsyncConnection, site_id: str) -> list[str]:
    query = select(row_head.c.tbl).where(row_head.c.site == site_id).distinct()
    return sorted(row.tbl for row in await conn.execute(query))


async def headless(conn: AsyncConnection, site_id: str, limit: int) -> Sequence[Row[Any]]:
    """Source rows that records speak of and that have no current version."""
    head = exists().where(
        row_head.c.site == record.c.site, row_head.c.tbl == record.c.tbl, row_head.c.key == record.c.key
    )
    query = select(record.c.seq, record.c.tbl, record.c.key, record.c.cap_at)
    query = query.where(record.c.site == site_id, record.c.kind.in_(_ROWS), ~head)
    return (await conn.execute(query.order_by(record.c.seq).limit(limit))).all()


async def cases(conn: AsyncConnection, site_id: str) -> AsyncIterator[Sequence[Row[Any]]]:
    """The site's cases, a page at a time."""
    query = select(case).where(case.c.site == site_id).order_by(case.c.case_key).limit(PAGE)
    async for page in _pages(conn, query, case.c.case_key):
        yield page


async def caseless(conn: AsyncConnection, site_id: str, limit: int) -> Sequence[Row[Any]]:
    """Rows whose case does not exist."""
    known = exists().where(case.c.site == row_head.c.site, case.c.case_key == row_head.c.case_key)
    query = select(row_head.c.case_key).where(row_head.c.site == site_id, ~known).distinct()
    return (await conn.execute(query.limit(limit))).all()


async def _pages(conn: AsyncConnection, query: Any, key: Any) -> AsyncIterator[Sequence[Row[Any]]]:
    after: str | None = None
    while True:
        page = query if after is None else query.where(key > after)
        rows = (await conn.execute(page)).all()
        if not rows:
            return
        yield rows
        after = rows[-1]._mapping[key.name]  # noqa: SLF001
