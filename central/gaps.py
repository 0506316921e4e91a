"""What a box declares as lost counts as held, so that it holds back nothing behind it (PROTOCOL.md section 13).

A batch may declare thousands: they are closed together, in one pass over what is held, and people are told of runs.
"""

from collections import defaultdict
from typing import Any

import structlog
from msgspec.structs import replace
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import noting
from central.judge import Moment
from central.store import alarms, facts, passes
from common.core import ranges
from common.core.ranges import Range
from common.core.record import Gap, Record

log = structlog.get_logger()

MOST_ALARMS = 20
"""Of one transaction and cause: what is above is one alarm more."""


async def close(
    conn: AsyncConnection,
    cursor: Row[Any],
    held: list[Range],
    gap_at: int,
    declared: list[tuple[Record, Gap]],
    now: Moment,
) -> tuple[list[Range], int]:
    """`held` and `gap_at` of `cursor`'s epoch after the gaps that records of it have `declared`."""
    own: list[tuple[Record, Gap]] = []
    ended: dict[bytes, list[tuple[Record, Gap]]] = defaultdict(list)
    for item, gap in declared:
        if gap.epoch and gap.lo >= 1:
            ended[gap.epoch].append((item, gap))
        elif not gap.epoch and 1 <= gap.lo <= gap.hi < item.seq:
            own.append((item, gap))
    for found in ended.values():
        await _end(conn, cursor, found, now)
    own = [(item, gap) for item, gap in own if ranges.missing(held, gap.lo, gap.hi)]
    if not own:  # what is held already is not lost
        return held, gap_at
    spans = [(gap.lo, gap.hi) for _, gap in own]
    lacking = [run for lo, hi in ranges.union(spans) for run in ranges.missing(held, lo, hi)]
    await noting.lost(conn, cursor.site, cursor.epoch, lacking, now.wall)
    filled = ranges.fill_most(held, spans)
    if any(ranges.missing(filled, lo, hi) for lo, hi in spans):
        _log(cursor, [gap for _, gap in own], "scattered")
    await passes.drop(conn, cursor.site, cursor.epoch, max(item.seq for item, _ in own))
    await _tell(conn, cursor, [gap for _, gap in own], now)
    return filled, max(gap_at, *(min(item.cap_at, now.at) for item, _ in own))


async def _tell(conn: AsyncConnection, cursor: Row[Any], declared: list[Gap], now: Moment) -> None:
    """One line of the log, and alarms by cause and by runs of numbers."""
    _log(cursor, declared, declared[0].why)
    by_cause: dict[str, list[Gap]] = defaultdict(list)
    for gap in declared:
        by_cause[alarms.cause(gap)].append(gap)
    for found in by_cause.values():
        runs = ranges.union([(gap.lo, gap.hi) for gap in found])
        told = runs[:MOST_ALARMS] + ([(runs[MOST_ALARMS][0], runs[-1][1])] if len(runs) > MOST_ALARMS else [])
        for lo, hi in told:
            await alarms.sound_gap(conn, cursor, replace(found[0], lo=lo), hi, now.wall)


def _log(cursor: Row[Any], declared: list[Gap], why: str) -> None:
    lo, hi = min(gap.lo for gap in declared), max(gap.hi for gap in declared)
    log.warning("site.gap", site=cursor.site, lo=lo, hi=hi, gaps=len(declared), why=why)


async def _end(
    conn: AsyncConnection, cursor: Row[Any], declared: list[tuple[Record, Gap]], now: Moment
) -> None:
    """Nothing more comes of a former epoch of this box (P-GAP-06); of another's it may not say so."""
    gaps = [gap for _, gap in declared]
    gap = min(gaps, key=lambda one: one.lo)
    row = await facts.cursor(conn, cursor.site, gap.epoch)
    if row is None or row.generation != cursor.generation or gap.epoch == cursor.epoch:
        return
    _log(cursor, gaps, gap.why)
    held, hi = facts.decode_ranges(row.ranges), max(row.newest, *(one.hi for one in gaps))
    if gap.lo <= hi:
        await noting.lost(conn, row.site, row.epoch, ranges.missing(held, gap.lo, hi), now.wall)
        held = ranges.fill(held, [(gap.lo, hi)])
    await alarms.sound_gap(conn, row, gap, hi, now.wall)
    await passes.drop(conn, cursor.site, gap.epoch, hi + 1)
    at = max(row.gap_at, *(min(item.cap_at, now.at) for item, _ in declared))
    moved = {"upto": ranges.upto(held), "newest": hi, "gap_at": at}
    await facts.move_cursor(conn, row, held, moved, now.wall)
