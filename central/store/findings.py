"""Findings and late entries: what the comparison of versions reads and writes, and what people do about it."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.context import Lit, Tolerance
from central.core.scope import Scope
from central.core.versions import Version
from central.store import tallies, trail
from central.store.dialect import among, insert_new, replace_row, write_rows
from central.store.scope import of_case, of_site
from central.store.sealed import Unopened
from central.store.tables import (
    case,
    finding,
    ingest_cursor,
    kept_time,
    late_entry,
    record,
    row_head,
    site,
    site_pass,
    tolerance,
    transition,
)
from common.core.errors import UsageError
from common.core.record import Case, Pass, Record, RecordKind, Step, decode_body, decode_record
from common.core.state import ClockKind, FindingState, Light

Place = tuple[str, str]
"""(table, key) of a source row."""
Window = tuple[int, int]
"""The first and last version of a row that are wanted."""
EVERY: Window = (0, (1 << 31) - 1)
_CHUNK = 400
_REACH = 20_000
"""How far from a record, in numbers, a pass may lie and still speak for its clock."""
_PASSES = 20
# What is stored has been checked when it was taken in (`wire.decode`); to do it again costs more than the rest.
_RECORD = msgspec.msgpack.Decoder(Record)
_CASE = msgspec.msgpack.Decoder(Case)
_STEP = msgspec.msgpack.Decoder(Step)
_ROWS = (RecordKind.CASE.value, RecordKind.STEP.value)
_MINE = (case.c.site == finding.c.site) & (case.c.case_key == finding.c.case_key)


class Filter(Struct, frozen=True, kw_only=True):
    """Which findings a list shows; empty fields do not restrict."""

    site: str = ""
    code: str = ""
    case_key: str = ""
    decided_too: bool = False


class Near(Struct, frozen=True):
    """What the passes around a record say: how wrong the clock may be, and when its table was last walked before."""

    clock_err: int | None
    absent_until: int | None


# what is compared -----------------------------------------------------------------------------------------------


async def versions(
    conn: AsyncConnection, site_id: str, wanted: Mapping[Place, Window]
) -> dict[Place, list[Version]]:
    """Row -> the versions that the hall holds of it and that open, each as often as it was told; those of its window."""
    found: dict[Place, list[Version]] = defaultdict(list)
    tables: dict[str, list[str]] = defaultdict(list)
    for table, key in wanted:
        tables[table].append(key)
    for table, keys in tables.items():
        for start in range(0, len(keys), _CHUNK):
            part = keys[start : start + _CHUNK]
            low, high = (edge(wanted[table, key][at] for key in part) for at, edge in ((0, min), (1, max)))
            query = (
                select(record.c.epoch, record.c.seq, record.c.raw, record.c.key, record.c.version)
                .add_columns(ingest_cursor.c.epoch_no, ingest_cursor.c.generation)
                .join(
                    ingest_cursor,
                    (ingest_cursor.c.site == record.c.site) & (ingest_cursor.c.epoch == record.c.epoch),
                )
                .where(record.c.site == site_id, record.c.tbl == table, record.c.kind.in_(_ROWS))
                .where(record.c.version.between(low, high))
            )
            for row in await conn.execute(among(conn, query, record.c.key, part)):
                first, last = wanted[table, row.key]
                if first <= row.version <= last and not isinstance(row.raw, Unopened):
                    found[table, row.key].append(_version(row))
    return found


def _version(row: Row[Any]) -> Version:
    item = _RECORD.decode(row.raw)
    body = (_CASE if item.kind is RecordKind.CASE else _STEP).decode(item.body)
    return Version(
        table=item.table,
        key=item.key,
        generation=row.generation,
        version=item.version,
        epoch_no=row.epoch_no,
        epoch=row.epoch,
        seq=row.seq,
        op=item.op,
        cause=item.cause,
        digest=item.digest,
        src_at=item.src_at,
        cap_at=item.cap_at,
        same_until=item.same_until,
        body=body,
    )


async def has_parts(conn: AsyncConnection, site_id: str) -> bool:
    """Whether the site states the facts of a case in more than one table."""
    query = select(row_head.c.key).where(row_head.c.site == site_id)
    return (
        await conn.execute(query.where(row_head.c.tbl.between("case.", "case/")).limit(1))
    ).first() is not None


async def parts_after(conn: AsyncConnection, site_id: str, epoch: bytes, seq: int) -> set[str]:
    """Cases of whose parts a first version is held with a number not far above `seq`."""
    mine = record.c.site == site_id, record.c.epoch == epoch, record.c.version == 1
    query = (
        select(row_head.c.case_key)
        .join(
            record,
            (record.c.site == row_head.c.site)
            & (record.c.tbl == row_head.c.tbl)
            & (record.c.key == row_head.c.key),
        )
        .where(*mine, record.c.tbl.between("case.", "case/"), record.c.seq.between(seq + 1, seq + _REACH))
    )
    return set(await conn.scalars(query))


async def rows_of_cases(
    conn: AsyncConnection, site_id: str, keys: Sequence[str], kind: RecordKind | None = None
) -> Sequence[Row[Any]]:
    """(tbl, key, case_key, version) of the rows of these cases."""
    head = row_head.c
    query = select(head.tbl, head.key, head.case_key, head.version).where(head.site == site_id)
    query = query.where(head.kind == kind.value) if kind else query
    return (await conn.execute(among(conn, query, head.case_key, keys))).all()


async def with_history(conn: AsyncConnection, site_id: str) -> AsyncIterator[list[Place]]:
    """Rows of a site of which there is more than one version, some at a time."""
    head = row_head.c
    query = select(head.tbl, head.key).where(head.site == site_id, head.version > 1)
    last: Place = ("", "")
    while True:
        beyond = (head.tbl > last[0]) | ((head.tbl == last[0]) & (head.key > last[1]))
        page = await conn.execute(query.where(beyond).order_by(head.tbl, head.key).limit(_CHUNK))
        places = [(row.tbl, row.key) for row in page]
        if not places:
            return
        yield places
        last = places[-1]


async def cases_in_parts(conn: AsyncConnection, site_id: str) -> AsyncIterator[list[str]]:
    """Cases of a site that a table besides the main one states facts of, some at a time."""
    head = row_head.c
    query = select(head.case_key).distinct()
    query = query.where(head.site == site_id, head.tbl.between("case.", "case/"))
    last = ""
    while True:
        keys = list(
            await conn.scalars(query.where(head.case_key > last).order_by(head.case_key).limit(_CHUNK))
        )
        if not keys:
            return
        yield keys
        last = keys[-1]


async def lights(conn: AsyncConnection, site_id: str, keys: Sequence[str]) -> dict[str, list[Lit]]:
    """Case key -> its yellow and red lights."""
    change = transition.c
    query = select(change.case_key, change.after, change.since_at, change.clock).where(change.site == site_id)
    query = query.where(change.after.in_([Light.YELLOW.value, Light.RED.value]))
    found: dict[str, list[Lit]] = defaultdict(list)
    for row in await conn.execute(among(conn, query, change.case_key, keys)):
        found[row.case_key].append(Lit(Light(row.after), row.since_at, ClockKind(row.clock)))
    return found


async def near(conn: AsyncConnection, item: Version, site_id: str) -> Near:
    """What the passes of the same epoch around `item` say."""
    mine = record.c.site == site_id, record.c.epoch == item.epoch, record.c.kind == RecordKind.PASS.value
    low, high = item.seq - _REACH, item.seq + _REACH
    below = select(record.c.raw).where(*mine, record.c.seq.between(low, item.seq - 1))
    above = select(record.c.raw).where(*mine, record.c.seq.between(item.seq + 1, high))
    errors: list[int] = []
    absent: int | None = None
    for row in await conn.execute(below.order_by(record.c.seq.desc()).limit(_PASSES)):
        body = None if isinstance(row.raw, Unopened) else decode_body(decode_record(row.raw))
        if isinstance(body, Pass) and body.clock_err >= 0:
            errors += [] if errors else [body.clock_err]
            if item.table in body.tables:
                absent = body.started_at - body.clock_err
                break
    for row in await conn.execute(above.order_by(record.c.seq).limit(1)):
        body = None if isinstance(row.raw, Unopened) else decode_body(decode_record(row.raw))
        errors += [body.clock_err] if isinstance(body, Pass) and body.clock_err >= 0 else []
    # A record from the hall's future says by itself how far the box's clock is ahead.
    query = select(record.c.cap_wall - record.c.received_wall).where(*mine[:2], record.c.seq == item.seq)
    ahead = max(0, int(await conn.scalar(query) or 0))
    return Near(max([*errors, ahead]) if errors or ahead else None, absent)


async def absent_until(conn: AsyncConnection, site_id: str) -> dict[str, int]:
    """Table -> up to when it is whole: a row that comes now was not in the source then."""
    query = select(site_pass.c.tbl, site_pass.c.complete_until).where(site_pass.c.site == site_id)
    return {row.tbl: row.complete_until for row in await conn.execute(query)}


# what is found --------------------------------------------------------------------------------------------------


async def of_rows(
    conn: AsyncConnection, site_id: str, places: Sequence[Place]
) -> dict[tuple[str, str, str, str], Row[Any]]:
    """(code, table, key, place) -> the finding, of these rows."""
    found: dict[tuple[str, str, str, str], Row[Any]] = {}
    tables: dict[str, list[str]] = defaultdict(list)
    for table, key in places:
        tables[table].append(key)
    for table, keys in tables.items():
        query = select(finding).where(finding.c.site == site_id, finding.c.tbl == table)
        for start in range(0, len(keys), _CHUNK):
            part = among(conn, query, finding.c.key, keys[start : start + _CHUNK])
            found |= {(row.code, row.tbl, row.key, row.place): row for row in await conn.execute(part)}
    return found


async def add(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """A finding is told once: the same one again changes nothing."""
    await write_rows(conn, insert_new(conn, finding), rows)


async def put_right(conn: AsyncConnection, number: int, values: dict[str, Any]) -> None:
    """What versions that came later say of a finding."""
    await conn.execute(update(finding).where(finding.c.id == number).values(**values))


async def kept(conn: AsyncConnection, site_id: str, moved: Collection[str]) -> set[str]:
    """Tables whose modification time is known to move with a change; `moved`: seen to do so just now.

    Silent edits that were found in such a table before it was known are open from now on.
    """
    known = set(await conn.scalars(select(kept_time.c.tbl).where(kept_time.c.site == site_id)))
    fresh = sorted(set(moved) - known)
    if fresh:
        await write_rows(
            conn, insert_new(conn, kept_time), [{"site": site_id, "tbl": name} for name in fresh]
        )
        waits = finding.c.site == site_id, finding.c.tbl.in_(fresh), finding.c.state == FindingState.UNPROVEN
        await conn.execute(update(finding).where(*waits).values(state=FindingState.OPEN.value))
    return known | set(fresh)


async def add_late(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    """A field of a row is late once, by what was seen first."""
    await write_rows(conn, insert_new(conn, late_entry), rows)
    await tallies.mark(conn, {(row["site"], row["case_key"]) for row in rows})


# what people see and do -----------------------------------------------------------------------------------------


async def listed(
    conn: AsyncConnection, reached: Scope, wanted: Filter, limit: int, below: int | None = None
) -> Sequence[Row[Any]]:
    """Findings with their site's name and their case's number and item, newest first; from under `below` on."""
    query = (
        select(finding, site.c.name.label("site_name"), case.c.case_no, case.c.item_name, case.c.applicant)
        .join(site, site.c.id == finding.c.site)
        .outerjoin(case, _MINE)
        .where(*_restricted(reached, wanted))
        .order_by(finding.c.id.desc())
        .limit(limit)
    )
    query = query if below is None else query.where(finding.c.id < below)
    return (await conn.execute(query)).all()


def _restricted(reached: Scope, wanted: Filter) -> list[ColumnElement[bool]]:
    pairs = (
        (wanted.site, finding.c.site),
        (wanted.code, finding.c.code),
        (wanted.case_key, finding.c.case_key),
    )
    found = [column == value for value, column in pairs if value]
    found += of_case(reached, finding.c.site, case.c.org)
    return found if wanted.decided_too else [*found, finding.c.state == FindingState.OPEN.value]


async def waiting(conn: AsyncConnection, site_id: str) -> set[int]:
    """Findings of a site that nobody has decided about and that stand."""
    query = select(finding.c.id).where(finding.c.site == site_id)
    return set(await conn.scalars(query.where(finding.c.state == FindingState.OPEN.value)))


async def count(conn: AsyncConnection, reached: Scope, wanted: Filter) -> dict[str, int]:
    """Code -> how many."""
    query = select(finding.c.code, func.count().label("number")).select_from(finding.outerjoin(case, _MINE))
    query = query.where(*_restricted(reached, wanted))
    return {row.code: row.number for row in await conn.execute(query.group_by(finding.c.code))}


async def evidence(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> dict[tuple[str, bytes, int], bytes]:
    """(site, epoch, seq) -> the record as it was chained, of both versions of these findings."""
    wanted: dict[tuple[str, bytes], set[int]] = defaultdict(set)
    for row in rows:
        wanted[row.site, row.after_epoch].add(row.after_seq)
        if row.before_epoch is not None:
            wanted[row.site, row.before_epoch].add(row.before_seq)
    found: dict[tuple[str, bytes, int], bytes] = {}
    for (site_id, epoch), numbers in wanted.items():
        query = select(record.c.seq, record.c.raw).where(record.c.site == site_id, record.c.epoch == epoch)
        for row in await conn.execute(query.where(record.c.seq.in_(sorted(numbers)))):
            found[site_id, epoch, row.seq] = row.raw
    return found


async def explain(
    conn: AsyncConnection, reached: Scope, number: int, who: str, why: str, now_wall: int
) -> Row[Any]:
    """`who` has looked into it and says what it was; audited. -> the finding.

    Raises UsageError where there is none that waits.
    """
    is_open = finding.c.id == number, finding.c.state == FindingState.OPEN.value
    within = of_case(reached, finding.c.site, case.c.org)
    query = select(finding).outerjoin(case, _MINE).where(*is_open, *within)
    row = (await conn.execute(query)).first()
    if row is None:
        raise UsageError(f"没有待核实的疑点 {number}", hint="编号见  mingcha finding list")
    values = {"state": FindingState.EXPLAINED.value, "decided_by": who, "decided_why": why}
    await conn.execute(update(finding).where(*is_open).values(**values, decided_wall=now_wall))
    await trail.note(conn, now_wall, who, "finding.explain", f"{row.site}/{row.code}/{row.id}", why)
    return row


class Lateness(Struct, frozen=True):
    """Entries of one site that were made late."""

    number: int
    median: int
    most: int


async def lateness(conn: AsyncConnection, reached: Scope) -> dict[str, Lateness]:
    """Site -> how many entries were made later than it is forgiven, and how late; sizes in microseconds."""
    late, found = late_entry.c, {}
    sites = select(late.site).distinct().where(*of_site(reached, late.site)).order_by(late.site)
    for name in (await conn.scalars(sites)).all():
        mine = late.site == name, late.size > (await tolerance_of(conn, name)).late
        number, most = (await conn.execute(select(func.count(), func.max(late.size)).where(*mine))).one()
        if number:
            middle = select(late.size).where(*mine).order_by(late.size).offset(number // 2).limit(1)
            found[name] = Lateness(number, int(await conn.scalar(middle) or 0), most)
    return found


# tolerances -----------------------------------------------------------------------------------------------------


async def tolerances(conn: AsyncConnection) -> dict[str, Row[Any]]:
    """Site -> what it is forgiven, where it is not the defaults."""
    return {row.site: row for row in await conn.execute(select(tolerance))}


async def tolerance_of(conn: AsyncConnection, site_id: str) -> Tolerance:
    row = (await conn.execute(select(tolerance).where(tolerance.c.site == site_id))).first()
    return Tolerance(row.backdate, row.change, row.silent, row.late) if row else Tolerance()


async def set_tolerance(
    conn: AsyncConnection, site_id: str, wanted: Tolerance, who: str, why: str, now_wall: int
) -> None:
    """What stands is to be judged anew (`central.conduct.rejudge`). Audited."""
    row = {"site": site_id, **msgspec.structs.asdict(wanted), "who": who, "why": why, "set_wall": now_wall}
    await conn.execute(replace_row(conn, tolerance), [row])
    text = " ".join(f"{name}={value // 60_000_000}" for name, value in msgspec.structs.asdict(wanted).items())
    await trail.note(conn, now_wall, who, "tolerance.set", f"{site_id} {text}", why)
