"""All facts judged anew from the records alone, beside the lights and red transitions that the hall keeps.

Nothing is written: what differs is listed. Lights are a function of the records (`core/judgement.py`), so two halls, or one
hall and its rebuild, that hold the same records and law come to the same digest.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import articles, judgement, lamp
from central.core.judgement import Bench, Judged, Look, WithdrawalState
from central.core.portion import MOST_ROWS
from central.core.ruling import Answer, Subject
from central.store import cases, past, rulings, withdrawals
from central.world import World
from common.core.state import ClockKind, Light

_CHUNK = 300
Place = tuple[str, str, int]
"""(case key, kind, cycle) of a clock of one site."""


class Differs(Struct, frozen=True):
    """One clock: what is kept, and what the records say."""

    site: str
    case_key: str
    clock: str
    kept: str
    rebuilt: str


class Report(Struct):
    """`rules`: rules that are broken; `waits`: clocks that the ticker has not come to yet; `proposed`: red ones whose withdrawal waits for a person."""

    cases: int = 0
    clocks: int = 0
    reds: int = 0
    rules: int = 0
    waits: int = 0
    proposed: int = 0
    differs: list[Differs] = []
    digest: str = ""


async def examine(conn: AsyncConnection, world: World, now_at: int) -> Report:
    """Replay every case. One picture of the database: nothing moves meanwhile."""
    report, sha = Report(), hashlib.sha256()
    for site in await cases.sites(conn):
        until = await cases.complete_until(conn, site)
        async for keys in cases.chunks(conn, site, _CHUNK):
            held = await past.replayed(conn, site, keys)
            kept = await cases.clocks(conn, site, keys)
            reds = await cases.reds(conn, site, keys)
            given = await withdrawals.of_cases(conn, site, keys)
            ruled = await rulings.of_cases(conn, site, keys)
            for key in keys:
                rows = held.get(key, {})
                if not rows or len(rows) > MOST_ROWS:
                    continue  # it is not judged (办件过大)
                report.cases += 1
                bench = _bench(key, world, given, until, now_at)
                look = judgement.look(key, rows, bench)
                if look.needs_proof:
                    look = judgement.prove(look, await past.proven(conn, site, rows), bench)
                found = {
                    (key, one.verdict.limit.kind.value, one.verdict.limit.cycle): one
                    for one in judgement.judged(look, bench)
                }
                lines = _compare(site, key, found, kept, reds, given, now_at, report)
                lines += _rules(site, look, found, world, until, ruled, report)
                for line in lines:
                    sha.update(msgspec.msgpack.encode(line))
    report.digest = sha.hexdigest()
    return report


def _bench(key: str, world: World, given: Mapping[Place, Row[Any]], until: int | None, now_at: int) -> Bench:
    """As if nothing had been judged before; what people have withdrawn stays so."""
    withdrawn = {
        (ClockKind(place[1]), place[2])
        for place, row in given.items()
        if place[0] == key and place[2] and row.state == WithdrawalState.WITHDRAWN
    }
    return Bench(world.law, lambda *_: Light.NONE, withdrawn, until, now_at)


def _compare(
    site: str,
    key: str,
    found: Mapping[Place, Judged],
    kept: Mapping[Place, Row[Any]],
    reds: Mapping[Place, Row[Any]],
    given: Mapping[Place, Row[Any]],
    now_at: int,
    report: Report,
) -> list[tuple[Any, ...]]:
    """-> the lines of the digest, in order; what differs is noted in `report`."""
    own = {place: row for place, row in kept.items() if place[0] == key}
    lines = []
    for place in sorted({*found, *own}):
        row, one = own.get(place), found.get(place)
        if row is not None and row.due_at is None and one is None:
            row = None  # it brings the case to the ticker, and says nothing
        if row is not None and row.next_check_at is not None and row.next_check_at <= now_at:
            report.waits += 1
            continue
        report.clocks += 1
        now = _said(one)
        before = ("none",) if row is None else _kept(row, reds.get(place))
        lines.append((site, *place, *now))
        report.reds += now[0] == Light.RED
        if now == before:
            continue
        state = given[place].state if place in given else None
        if before[0] == Light.RED and state in {WithdrawalState.PROPOSED, WithdrawalState.KEPT}:
            report.proposed += 1
            continue
        report.differs.append(Differs(site, key, place[1], _words(before), _words(now)))
    return lines


def _rules(
    site: str,
    look: Look,
    found: Mapping[Place, Judged],
    world: World,
    until: int | None,
    ruled: Mapping[tuple[str, str], Row[Any]],
    report: Report,
) -> list[tuple[Any, ...]]:
    """What is broken by the records as they are must have been found; what was found and is mended stays, as dated."""
    if look.state.deleted:
        return []
    verdicts = [one.verdict for one in found.values()]
    pack = world.pack_of(look.state)
    subject = Subject(look.state, look.item, verdicts, world.calendar_of(look.state), world.zone, until, pack)
    seen_at = max((one[-1].seen for one in look.rows.values()), default=0)
    lines = []
    for one in articles.ask_kept(subject):
        if one.said.answer is not Answer.BROKEN:
            continue
        light, _ = lamp.proven(one.said, seen_at, until)
        lines.append((site, look.key, one.rule.id, light.value))
        row = ruled.get((look.key, one.rule.id))
        if (
            row is None
            or row.answer != Answer.BROKEN
            or (row.light == Light.GREY and light is not Light.GREY)
        ):
            before = ("none",) if row is None else (row.answer, row.light)
            now = (one.said.answer.value, light.value)
            report.differs.append(Differs(site, look.key, one.rule.id, _words(before), _words(now)))
    report.rules += len(lines)
    return lines


def _said(one: Judged | None) -> tuple[Any, ...]:
    if one is None:
        return ("none",)
    verdict = one.verdict
    reason = (verdict.limit.due_at, verdict.why) if verdict.light is Light.RED else ()
    return (verdict.light.value, verdict.since_at, one.yellowed_at, *reason)


def _kept(row: Row[Any], red: Row[Any] | None) -> tuple[Any, ...]:
    reason = (row.due_at, "" if red is None else red.why) if row.light == Light.RED else ()
    return (row.light, row.since_at, row.yellowed_at, *reason)


def _words(said: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in said)
