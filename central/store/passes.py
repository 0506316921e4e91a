"""Passes: up to when each table of a site is whole, and from where on its rows were sent anew.

A pass waits until its number and every lower one is held. A box that lost its index cannot name the rows that went
meanwhile; its walk sends every row that is there, and what was not sent again is gone (PROTOCOL.md, P-PASS-02).
"""

from collections import defaultdict
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import insert_new, replace_row, upsert, write_rows
from central.store.tables import anew, dead_letter, ingest_cursor, pending_pass, row_head, site_pass
from common.core.record import Anew
from common.core.state import LetterState

Place = tuple[int, int]
"""(number of an epoch, version): the rank of a version among all of its row."""
NOWHERE: Place = (0, 0)
_names = msgspec.msgpack.Decoder(list[str])
_anew = msgspec.msgpack.Decoder(Anew | None)


class Settled(Struct, frozen=True):
    """What settled passes brought: whether completeness moved, and the cases of rows that are gone."""

    moved: bool = False
    cases: frozenset[str] = frozenset()


async def add(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, insert_new(conn, pending_pass), rows)


async def drop(conn: AsyncConnection, site: str, epoch: bytes, below: int) -> None:
    """Passes below a declared gap prove nothing any more: what the gap held is read again later."""
    await conn.execute(
        delete(pending_pass).where(
            pending_pass.c.site == site, pending_pass.c.epoch == epoch, pending_pass.c.seq < below
        )
    )


async def settle(conn: AsyncConnection, site: str, epoch: bytes, upto: int, gap_at: int) -> Settled:
    """Passes whose record and every lower number are held count.

    One that began when the epoch's newest gap was not declared yet (`gap_at`) proves nothing. A table that left
    the mapping no longer counts.
    """
    due = pending_pass.c.site == site, pending_pass.c.epoch == epoch, pending_pass.c.seq <= upto
    rows = (await conn.execute(select(pending_pass).where(*due).order_by(pending_pass.c.seq))).all()
    if not rows:
        return Settled()
    until: dict[str, int] = {}
    said: dict[str, set[Anew]] = defaultdict(set)
    for row in rows:
        if row.started_at <= gap_at:
            continue
        place = _anew.decode(row.anew)
        for name in _names.decode(row.tables):
            until[name] = max(until.get(name, 0), row.started_at)
            if place is not None:
                said[name].add(place)
    statement = upsert(conn, site_pass, _whole_until, _is_later)
    values = [{"site": site, "tbl": name, "complete_until": at} for name, at in until.items()]
    await write_rows(conn, statement, values)
    await conn.execute(delete(pending_pass).where(*due))
    left = await _drop_unmapped(conn, site, _names.decode(rows[-1].mapped), rows[-1].started_at)
    cases = await _begin_anew(conn, site, said)
    return Settled(bool(values) or left, frozenset(cases))


def _whole_until(new: Any) -> dict[str, Any]:
    return {"complete_until": new.complete_until}


def _is_later(new: Any) -> ColumnElement[bool]:
    later: ColumnElement[bool] = new.complete_until > site_pass.c.complete_until
    return later


async def _drop_unmapped(conn: AsyncConnection, site: str, mapped: list[str], since: int) -> bool:
    """Forget tables that a mapping in force since `since` does not name. -> whether there were any.

    One that was whole later than that is of a newer mapping: a replaced box may deliver its backlog afterwards.
    """
    gone = (
        site_pass.c.site == site,
        site_pass.c.tbl.not_in(mapped),
        site_pass.c.complete_until < since,
    )
    return bool(mapped) and (await conn.execute(delete(site_pass).where(*gone))).rowcount > 0


async def anew_of(conn: AsyncConnection, site: str) -> dict[str, Place]:
    """Table -> the place from which on its rows were sent anew; none that is not above it is in the source."""
    rows = await conn.execute(select(anew).where(anew.c.site == site))
    return {row.tbl: (row.epoch_no, row.above) for row in rows}


async def given_up_after(conn: AsyncConnection, site: str, epoch_no: int) -> bool:
    """A record of this epoch or a later one was given up unread: perhaps it was what sent a row again."""
    query = select(dead_letter.c.seq).join(
        ingest_cursor,
        and_(ingest_cursor.c.site == dead_letter.c.site, ingest_cursor.c.epoch == dead_letter.c.epoch),
    )
    query = query.where(
        dead_letter.c.site == site,
        dead_letter.c.state == LetterState.DROPPED.value,
        ingest_cursor.c.epoch_no >= epoch_no,
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def _begin_anew(conn: AsyncConnection, site: str, said: dict[str, set[Anew]]) -> set[str]:
    """Rows that were not sent again are gone. -> their cases."""
    known = await anew_of(conn, site) if said else {}
    epochs = await numbers(conn, site) if said else {}
    cases: set[str] = set()
    for name, items in said.items():
        number, above = place = max((epochs.get(item.epoch, 0), item.above) for item in items)
        if not number or place <= known.get(name, NOWHERE) or await given_up_after(conn, site, number):
            continue  # 0: an epoch the hall never heard of
        row = {"site": site, "tbl": name, "epoch_no": number, "above": above}
        await write_rows(conn, replace_row(conn, anew), [row])
        gone = row_head.c.site == site, row_head.c.tbl == name, ~row_head.c.deleted, _not_above(place)
        cases |= {found.case_key for found in await conn.execute(select(row_head.c.case_key).where(*gone))}
        await conn.execute(update(row_head).where(*gone).values(deleted=True))
    return cases


async def numbers(conn: AsyncConnection, site: str) -> dict[bytes, int]:
    """Epoch -> its number among those of the site."""
    query = select(ingest_cursor.c.epoch, ingest_cursor.c.epoch_no).where(ingest_cursor.c.site == site)
    return {row.epoch: row.epoch_no for row in await conn.execute(query)}


def _not_above(place: Place) -> ColumnElement[bool]:
    number, above = place
    return or_(row_head.c.epoch_no < number, and_(row_head.c.epoch_no == number, row_head.c.version <= above))
