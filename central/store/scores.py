"""Schemes, runs, results and objections in the tables; everything decided by somebody is in the audit."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, cast

import msgspec
import zstandard
from msgspec import Struct
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import score
from central.core.measure import FAULTS
from central.core.objection import ObjectionState, must_be_another, must_be_open
from central.core.scheme import MINGCHA_100, Scheme
from central.core.scope import EVERYTHING, Scope
from central.core.score import Frame, Level, Score
from central.store import elsewhere, trail
from central.store.dialect import insert_all, insert_new, write_rows
from central.store.score_tables import objection, score_run, score_scheme, score_snapshot, score_unit
from central.store.tables import case
from common.core.errors import UsageError

_scheme_of = msgspec.json.Decoder(Scheme).decode
_score_of = msgspec.json.Decoder(Score).decode
_encode = msgspec.json.Encoder(order="deterministic").encode
PIECE = 256 * 1024
ELSEWHERE = frozenset({"complaint_slow", "clue"})
"""Faults whose key is that of a complaint, a rating or a clue."""


# schemes -----------------------------------------------------------------------------------------------------


async def scheme(conn: AsyncConnection, version: int | None = None) -> Scheme:
    """One version; None: the newest. Raises UsageError where there is none of that number."""
    query = select(score_scheme.c.content).order_by(score_scheme.c.version.desc()).limit(1)
    found = await conn.scalar(query if version is None else query.where(score_scheme.c.version == version))
    if found is not None:
        return _scheme_of(found)
    if version in {None, MINGCHA_100.version}:
        return MINGCHA_100
    raise UsageError(f"没有第 {version} 版评分方案", hint="见  mingcha score scheme")


async def schemes(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """The versions that people have made, newest first."""
    return (await conn.execute(select(score_scheme).order_by(score_scheme.c.version.desc()))).all()


async def scheme_on(conn: AsyncConnection, first: date) -> Scheme:
    """By which a period that begins on `first` is scored: the newest version whose month has come by then."""
    for row in await schemes(conn):
        found = _scheme_of(row.content)
        if found.since <= f"{first:%Y-%m}":
            return found
    return MINGCHA_100


# runs --------------------------------------------------------------------------------------------------------


class Run(Struct, frozen=True, kw_only=True):
    """What is to be kept of a run beside its snapshot."""

    frame: Frame
    follows: int | None
    is_final: bool
    who: str
    why: str
    made_at: int
    made_wall: int
    object_until: date


async def keep(conn: AsyncConnection, run: Run, packed: bytes, digest: str, scores: Iterable[Score]) -> int:
    """A run with its snapshot (`packer`) and every unit's result, audited. -> its number."""
    await conn.execute(insert_new(conn, score_snapshot).values(digest=digest, body=packed))
    values = {
        "period": run.frame.period.name,
        "scheme": run.frame.scheme.version,
        "digest": digest,
        "follows": run.follows,
        "is_final": run.is_final,
        "who": run.who,
        "why": run.why,
        "made_at": run.made_at,
        "made_wall": run.made_wall,
        "object_until": str(run.object_until),
    }
    number = int(await conn.scalar(insert(score_run).values(**values).returning(score_run.c.id)) or 0)
    places: dict[Level, int] = {}
    rows: list[dict[str, Any]] = []
    for one in scores:
        places[one.level] = place = places.get(one.level, 0) + 1
        named = one.level is not Level.ITEM
        rows.append({
            "run": number, "level": one.level.value, "place": place, "site": one.unit[0] if named else "",
            "org": one.unit[1] if one.level is Level.DEPARTMENT else "", "body": _encode(one),
        })  # fmt: skip
    await write_rows(conn, insert_all(score_unit), rows)
    act = "score.final" if run.is_final else "score.run"
    await trail.note(conn, run.made_wall, run.who, act, f"{run.frame.period.name} 第 {number} 次", run.why)
    return number


def packer() -> Any:
    """Packs a snapshot piece by piece, as it is kept: `compress`, at the end `flush`."""
    return zstandard.ZstdCompressor().compressobj()


def unpacked(packed: bytes) -> Iterator[bytes]:
    """Its lines, one by one."""
    rest = b""
    with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        while piece := reader.read(PIECE):
            *whole, rest = (rest + piece).split(b"\n")
            yield from (line + b"\n" for line in whole)


async def snapshot(conn: AsyncConnection, digest: str) -> bytes:
    """The packed snapshot of that name."""
    found = await conn.scalar(select(score_snapshot.c.body).where(score_snapshot.c.digest == digest))
    assert found is not None
    return bytes(found)


async def runs(conn: AsyncConnection, limit: int) -> Sequence[Row[Any]]:
    """Newest first."""
    return (await conn.execute(select(score_run).order_by(score_run.c.id.desc()).limit(limit))).all()


async def run(conn: AsyncConnection, number: int) -> Row[Any]:
    """Raises UsageError where there is none."""
    row = (await conn.execute(select(score_run).where(score_run.c.id == number))).first()
    if row is None:
        raise UsageError(f"没有第 {number} 次评分", hint="编号见  mingcha score list")
    return row


async def newest(conn: AsyncConnection, period: str) -> Row[Any] | None:
    """The run of a period that counts: the final one if there is one, else the newest."""
    query = select(score_run).where(score_run.c.period == period)
    return (await conn.execute(query.order_by(score_run.c.is_final.desc(), score_run.c.id.desc()))).first()


async def units(conn: AsyncConnection, reached: Scope, number: int, level: Level) -> list[Score]:
    """The results of a level that are reached, in order. Whoever is bound to offices sees no site's whole."""
    return [one for _, one in await placed(conn, reached, number, level)]


async def unit(conn: AsyncConnection, reached: Scope, number: int, level: Level, place: int) -> Score | None:
    """One of them; None where it does not exist or is not reached."""
    found = await placed(conn, reached, number, level, place)
    return found[0][1] if found else None


async def placed(
    conn: AsyncConnection, reached: Scope, number: int, level: Level, place: int | None = None
) -> list[tuple[int, Score]]:
    """The same, or one of them, each with its place in the list."""
    unit = score_unit.c
    query = select(unit.place, unit.body).where(unit.run == number, unit.level == level.value)
    if place is not None:
        query = query.where(unit.place == place)
    if reached.sites is not None:
        query = query.where(unit.site.in_(sorted(reached.sites)))
    if reached.orgs is not None:
        query = query.where(unit.org.in_(sorted(reached.orgs)))
    return [(row.place, _score_of(row.body)) for row in await conn.execute(query.order_by(unit.place))]


async def number_of(conn: AsyncConnection, site: str, key: str, measure: str) -> str:
    """What people call that which a fault names: the number of a case, else its key."""
    if measure in ELSEWHERE:
        return elsewhere.called(key)
    query = select(case.c.case_no).where(case.c.site == site, case.c.case_key == key)
    return cast("str | None", await conn.scalar(query)) or key


# objections --------------------------------------------------------------------------------------------------


class Fault(Struct, frozen=True):
    """What is objected to."""

    run: int
    site: str
    case_key: str
    measure: str


async def object_to(conn: AsyncConnection, fault: Fault, today: date, who: str, why: str, wall: int) -> int:
    """-> the objection's number. Raises UsageError outside the window, for what is no fault, or where somebody has objected already."""
    row = await run(conn, fault.run)
    if fault.measure not in FAULTS:
        raise UsageError(f"“{fault.measure}”不是可以提异议的项", hint="见  mingcha score measures")
    must_be_open(today, date.fromisoformat(row.object_until), is_final=row.is_final)
    sites = await units(conn, EVERYTHING, fault.run, Level.SITE)
    if not any((fault.site, fault.case_key, fault.measure) in score.named(one) for one in sites):
        said = f"第 {fault.run} 次评分没有因 {fault.site}/{fault.case_key} 的“{fault.measure}”扣分"
        raise UsageError(said, hint=f"逐项依据见  mingcha score show {fault.run} --unit 单位")
    values = {**msgspec.structs.asdict(fault), "state": ObjectionState.WAITING.value}
    values |= {"who": who, "why": why, "made_wall": wall}
    try:
        async with conn.begin_nested():
            number = await conn.scalar(insert(objection).values(**values).returning(objection.c.id))
    except IntegrityError as error:
        raise UsageError("这一件已有人提出异议", hint=f"见  mingcha score objections {fault.run}") from error
    await trail.note(conn, wall, who, "score.object", f"{row.period} {fault.site}/{fault.case_key}", why)
    return int(number or 0)


async def objections(conn: AsyncConnection, number: int) -> Sequence[Row[Any]]:
    """Those to one run, oldest first."""
    return (
        await conn.execute(select(objection).where(objection.c.run == number).order_by(objection.c.id))
    ).all()


async def waiting(conn: AsyncConnection, number: int) -> int:
    """How many objections to a run nobody has decided."""
    mine = objection.c.run == number, objection.c.state == ObjectionState.WAITING.value
    return int(await conn.scalar(select(func.count()).select_from(objection).where(*mine)) or 0)


async def objection_of(conn: AsyncConnection, number: int) -> Row[Any]:
    """Raises UsageError where there is none."""
    row = (await conn.execute(select(objection).where(objection.c.id == number))).first()
    if row is None:
        raise UsageError(f"没有异议 {number}", hint="编号见  mingcha score objections")
    return row


async def offices_of(conn: AsyncConnection, row: Row[Any]) -> set[str]:
    """Those that an objection is about."""
    if row.measure in ELSEWHERE:
        return await elsewhere.offices(conn, row.site, row.case_key)
    mine = case.c.site == row.site, case.c.case_key == row.case_key
    return {await conn.scalar(select(case.c.org).where(*mine)) or ""}


async def is_reached(conn: AsyncConnection, reached: Scope, row: Row[Any]) -> bool:
    """Whether an objection is about something in reach."""
    if not reached.has_site(row.site):
        return False
    return reached.orgs is None or bool(await offices_of(conn, row) & reached.orgs)


async def decide(
    conn: AsyncConnection, number: int, to: ObjectionState, who: str, why: str, wall: int,
    home: frozenset[str] = frozenset(),
) -> None:  # fmt: skip
    """`who` grants or refuses; audited. `home`: the offices and site that `who` belongs to, of which nothing is judged.

    Raises UsageError where it is not theirs, or decided already.
    """
    row = await objection_of(conn, number)
    must_be_another(row.who, who)
    if (await offices_of(conn, row) | {row.site}) & home:
        raise UsageError("不能认定本单位的异议", hint="请由不属于该单位的人办理")
    mine = objection.c.id == number, objection.c.state == ObjectionState.WAITING.value
    values = {"state": to.value, "decided_by": who, "decided_why": why, "decided_wall": wall}
    if not (await conn.execute(update(objection).where(*mine).values(**values))).rowcount:
        raise UsageError(f"异议 {number} 已经认定", hint=f"见  mingcha score objections {row.run}")
    await trail.note(conn, wall, who, f"score.{to.value}", f"异议 {number} {row.site}/{row.case_key}", why)
