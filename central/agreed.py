"""What a box knows to be in its source against what the hall holds, by one hash for each table (PROTOCOL.md, P-ROOT).

The chain proves that no record is lacking. This proves that box and hall came to the same by them: a row that one of
them takes for there and the other for gone is found here and nowhere else.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.audit import decoded
from central.core.flaw import Finding, What
from central.heads import is_gone
from central.store import audit as rows
from central.store import facts, parked, passes
from central.store.passes import NOWHERE, Place
from common.core import ranges
from common.core.merkle import Rows
from common.core.record import IndexRoot, Record, Root


class Agreed(Struct, frozen=True):
    """At office time `at` the box counted so many rows, and the hall came to the same."""

    at: int
    rows: int


async def compare(conn: AsyncConnection, site: str) -> tuple[Agreed | None, list[Finding]]:
    """The newest root of the site against the rows of that moment; nothing where records of it are still to come."""
    said = await rows.index_root(conn, site)
    if said is None or not await _is_whole(conn, site, *said):
        return None, []
    row, body = said
    numbers = await passes.numbers(conn, site)
    anew = (numbers.get(body.anew.epoch, 0), body.anew.above) if body.anew else NOWHERE
    found = []
    for table in sorted({*body.tables, *await rows.tables(conn, site)}):
        here = await _here(conn, site, table, ((row.epoch_no, body.seq), anew))
        there = body.tables.get(table, Rows().root())
        if here != there:
            detail = f"{table}：{_words(there, here)}"
            found.append(
                Finding(
                    what=What.ROOT,
                    lo=row.seq,
                    hi=row.seq,
                    detail=detail,
                    from_at=row.cap_at,
                    to_at=row.cap_at,
                )
            )
    counted = sum(root.rows for root in body.tables.values())
    return (None if found else Agreed(row.cap_at, counted)), found


def _words(there: Root, here: Root) -> str:
    if there.rows != here.rows:
        return f"站点有 {there.rows:,} 行，本库有 {here.rows:,} 行"
    return f"都是 {there.rows:,} 行，而主键、版本或内容不同"


async def _is_whole(conn: AsyncConnection, site: str, row: Row[Any], body: IndexRoot) -> bool:
    """Whether the hall has read every record that the root rests on."""
    if await facts.has_dead_letters(conn, site) or await parked.any_of(conn, site):
        return False
    if await passes.given_up_after(conn, site, 1):
        return False
    claims = await rows.claims(conn, site)
    held = next((claim.held for cursor, claim in claims if cursor.epoch == row.epoch), ())
    return ranges.upto(list(held)) >= body.seq


async def _here(conn: AsyncConnection, site: str, table: str, places: tuple[tuple[int, int], Place]) -> Root:
    """Over the rows of `table` that were there. `places`: number of epoch and record up to which counts; from where on
    rows were sent anew."""
    upto, anew = places
    found = Rows()
    keys = await rows.keys(conn, site, table)
    for start in range(0, len(keys), rows.PAGE):
        part = keys[start : start + rows.PAGE]
        newest = _newest(await rows.versions(conn, site, table, part), upto)
        for key in part:
            if key in newest:
                rank, item = newest[key]
                if not is_gone(item, rank, anew):
                    found.add(key, item.version, item.digest)
    return found.root()


def _newest(kept: Sequence[Row[Any]], upto: tuple[int, int]) -> dict[str, tuple[Place, Record]]:
    """Key -> rank and record of its newest version at that moment."""
    found: dict[str, tuple[Place, Record]] = {}
    for row in kept:
        item, rank = decoded(row.raw), (row.epoch_no, row.version)
        if item is None or (row.epoch_no, item.seq) > upto:
            continue
        if row.key not in found or found[row.key][0] < rank:
            found[row.key] = rank, item
    return found
