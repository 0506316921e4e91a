"""What the sources of cases said when: every version of the rows that move a limit, and since when it may have stood there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Row, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import case as cases
from central.core import past as core
from central.core.past import Law, Saying, moves
from central.core.versions import Version
from central.store import findings, passes
from central.store.dialect import among
from central.store.findings import EVERY, Place
from central.store.passes import NOWHERE
from central.store.sealed import Unopened
from central.store.tables import ingest_cursor, record, row_head
from common.core.record import Case, Cause, Op, Pass, Step, decode_body, decode_record

_CASE = msgspec.msgpack.Decoder(Case)
_STEP = msgspec.msgpack.Decoder(Step)
_PASSES = 20
"""So many passes before a version are asked whether they looked at its table."""
Held = dict[str, dict[Place, list[Saying]]]
"""Case key -> the versions of each of its rows, oldest first."""


async def held(conn: AsyncConnection, site: str, keys: Sequence[str]) -> Held:
    """What these cases' rows said, as far as it can move a limit; of the others what they say now.

    Without knowing since when (`proven` tells it): each counts as said ever since. A case of which a row does not open is not
    among them: nobody knows what it says.
    """
    head = row_head.c
    query = select(head.case_key, head.tbl, head.key, head.kind, head.deleted, head.body)
    query = query.add_columns(head.epoch_no, head.version, head.cap_at).where(head.site == site)
    found: Held = defaultdict(dict)
    several: dict[Place, str] = {}
    spoilt: set[str] = set()
    for row in await conn.execute(among(conn, query, head.case_key, keys)):
        if isinstance(row.body, Unopened):
            spoilt.add(row.case_key)
            continue
        body = (_CASE if row.kind == "case" else _STEP).decode(row.body)
        place = row.tbl, row.key
        newest = cases.Row(row.tbl, row.key, row.deleted, body)
        found[row.case_key][place] = [Saying(newest, None, row.cap_at)]
        if moves(body) and (row.version > 1 or row.epoch_no > 1):
            several[place] = row.case_key
    for place, versions in (await _versions(conn, site, several)).items():
        rows = found[several[place]]
        rows[place] = _sayings(versions, dict.fromkeys(versions, None), rows[place][-1])
    return {key: rows for key, rows in found.items() if key not in spoilt}


async def replayed(conn: AsyncConnection, site: str, keys: Sequence[str]) -> Held:
    """What these cases' rows said, as `held`, but from the records alone: nothing derived speaks."""
    head = row_head.c
    query = select(head.case_key, head.tbl, head.key).where(head.site == site)
    owners = {
        (row.tbl, row.key): row.case_key
        for row in await conn.execute(among(conn, query, head.case_key, keys))
    }
    anew = await passes.anew_of(conn, site)
    found: Held = defaultdict(dict)
    for place, versions in (await _versions(conn, site, owners)).items():
        newest = max(versions)
        last = versions[newest]
        told = Saying(cases.Row(*place, last.op is Op.DELETE, last.body), None, last.cap_at)
        sayings = _sayings(versions, dict.fromkeys(versions, None), told, keep=True)
        is_gone = last.op is Op.DELETE or newest <= anew.get(place[0], NOWHERE)
        sayings[-1] = replace(sayings[-1], row=replace(sayings[-1].row, deleted=is_gone))
        found[owners[place]][place] = sayings
    return found


async def former(
    conn: AsyncConnection, site: str, key: str, law: Law, now_at: int
) -> Sequence[cases.CaseState]:
    """The case as each earlier filing of it ended."""
    rows = (await held(conn, site, [key])).get(key)
    return core.former(key, rows, law, now_at) if rows else []


async def proven(
    conn: AsyncConnection, site: str, rows: dict[Place, list[Saying]]
) -> dict[Place, list[Saying]]:
    """The rows of one case, each version with the instant after which its source came to say so."""
    wanted = [place for place, sayings in rows.items() if moves(sayings[-1].row.body)]
    cursors = await _cursors(conn, site)
    found = dict(rows)
    for place, versions in (await _versions(conn, site, wanted)).items():
        since = {rank: await _since(conn, site, one, cursors) for rank, one in versions.items()}
        found[place] = _sayings(versions, since, rows[place][-1])
    return found


async def _versions(
    conn: AsyncConnection, site: str, places: Iterable[Place]
) -> dict[Place, dict[tuple[int, int], Version]]:
    """Row -> (epoch number, version) -> what it said, in the order in which they count."""
    told = await findings.versions(conn, site, dict.fromkeys(places, EVERY))
    found: dict[Place, dict[tuple[int, int], Version]] = {}
    for place, versions in told.items():
        ranked = sorted(versions, key=lambda one: (one.epoch_no, one.version, -one.seq))
        found[place] = {
            (one.epoch_no, one.version): one for one in ranked
        }  # of one told again, what was told first
    return found


def _sayings(
    versions: dict[tuple[int, int], Version],
    since: dict[tuple[int, int], int | None],
    newest: Saying,
    *,
    keep: bool = False,
) -> list[Saying]:
    """`newest`: the row as it is now, which the last version takes over unless it is to `keep` its own."""
    found: list[Saying] = []
    body: Case | Step | None = None
    for rank, one in versions.items():
        if one.body.case_key != newest.row.body.case_key:
            continue  # it spoke of another case then
        is_gone = one.op is Op.DELETE
        body = body if is_gone and body is not None else one.body  # what was seen last stays
        row = cases.Row(one.table, one.key, is_gone, body)
        found.append(Saying(row, since[rank], one.cap_at, one.cause is Cause.MAPPING))
    if not found:
        return [newest]
    if not keep:
        found[-1] = replace(found[-1], row=newest.row)
    return found


async def _cursors(conn: AsyncConnection, site: str) -> Sequence[Row[Any]]:
    """The site's epochs, newest first."""
    query = select(ingest_cursor).where(ingest_cursor.c.site == site)
    return (await conn.execute(query.order_by(ingest_cursor.c.epoch_no.desc()))).all()


async def _since(conn: AsyncConnection, site: str, one: Version, cursors: Sequence[Row[Any]]) -> int | None:
    """The newest pass before `one` that looked at its table: what `one` says was not in the source then.

    None where no pass says so, and for what was sent again because its record had been lost: nobody knows since when.
    """
    if one.cause is Cause.AGAIN:
        return None
    for row in cursors:
        is_own = row.epoch == one.epoch
        if row.epoch_no > one.epoch_no or (not is_own and row.epoch_no == one.epoch_no):
            continue
        # Of a former epoch only what the hall took for whole: what it lost may be what `one` says.
        last, after = (one.seq - 1, 0) if is_own else (row.upto, row.gap_at)
        at = await _passed(conn, site, one.table, row.epoch, last, after)
        if at is not None:
            return min(at, one.cap_at)
    return None


async def _passed(
    conn: AsyncConnection, site: str, table: str, epoch: bytes, last: int, after: int
) -> int | None:
    """When the newest pass over `table` up to the number `last` began, as completeness reckons it."""
    mine = record.c.site == site, record.c.epoch == epoch, record.c.seq <= last
    query = select(record.c.raw, record.c.received_at).where(*mine, record.c.kind == literal_column("'pass'"))
    for row in await conn.execute(query.order_by(record.c.seq.desc()).limit(_PASSES)):
        body = None if isinstance(row.raw, Unopened) else decode_body(decode_record(row.raw))
        if isinstance(body, Pass) and body.clock_err >= 0 and table in body.tables:
            began = min(body.started_at - body.clock_err, row.received_at)
            return int(began) if began > after else None
    return None
