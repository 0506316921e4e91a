"""Patterns, bottlenecks and the forecast of a hall: read by `store/decisions.py`, told by the cores. Pages and commands ask here."""

from collections.abc import Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import bottleneck, pattern, workload
from central.core.bottleneck import Line
from central.core.item import ItemKind
from central.core.pattern import Group
from central.core.period import Period
from central.core.scope import Scope
from central.core.workload import Forecast
from central.store import decisions, items, law, subjects
from common.core.errors import UsageError
from common.core.instant import start_of_day


async def patterns(
    conn: AsyncConnection, of: Period, zone: ZoneInfo, reached: Scope, most: int | None = None
) -> list[Group]:
    """The odd patterns among the decisions of a period, in reach. Raises UsageError where it would read more than `most` cases."""
    first_at, until_at = start_of_day(of.first, zone), start_of_day(of.until, zone)
    await _must_be_small(conn, of, (first_at, until_at), reached, most, "odd")
    catalogue = await items.catalogue(conn)
    spot = {
        code
        for code, versions in catalogue.items()
        if any(one.kind is ItemKind.ON_THE_SPOT for one in versions)
    }
    found = pattern.groups(await decisions.of_period(conn, first_at, until_at, zone, reached, spot), zone)
    late = await decisions.entered(conn, first_at, until_at, reached)
    return [*found, *pattern.batches(late, zone)]


async def marks(
    conn: AsyncConnection, of: Period, zone: ZoneInfo, reached: Scope, most: int | None = None
) -> Mapping[tuple[str, str], frozenset[str]]:
    """Case -> the patterns that it is a part of; cases of other periods may be among them. Raises as `patterns`."""
    return pattern.marks(await patterns(conn, of, zone, reached, most))


async def steps(
    conn: AsyncConnection, of: Period, zone: ZoneInfo, reached: Scope, most: int | None = None
) -> list[Line]:
    """Where the working days of the period's decisions went. Raises UsageError where it would read more than `most` cases."""
    first_at, until_at = start_of_day(of.first, zone), start_of_day(of.until, zone)
    await _must_be_small(conn, of, (first_at, until_at), reached, most, "steps")
    calendar = await law.calendar_if_any(conn)
    assert calendar is not None
    names = await subjects.item_names(conn)
    found = bottleneck.stays()
    async for row, state in decisions.steps(conn, first_at, until_at, zone, reached):
        item = row.item_code or row.item_name or ""
        word, no = names.get(item, item) or "未记录", row.case_no or ""
        bottleneck.fold(found, word, row.site, row.case_key, no, bottleneck.went(state, calendar, zone))
    return bottleneck.table(found)


async def _must_be_small(
    conn: AsyncConnection, of: Period, span: tuple[int, int], reached: Scope, most: int | None, command: str
) -> None:
    if most is None or (number := await decisions.number(conn, *span, reached)) <= most:
        return
    raise UsageError(
        f"{of.word}有 {number:,} 个办结件，网页上至多 {most:,} 个",
        hint=f"请选短一些的期间，或在市中心用  mingcha statistics {command} {of.name}",
    )


async def workload_of(
    conn: AsyncConnection, today: date, zone: ZoneInfo, reached: Scope, site: str
) -> Forecast:
    """From the cases that came in before `today`; `site` empty: at all sites in reach."""
    calendar = await law.calendar_if_any(conn)
    assert calendar is not None
    first = today - timedelta(weeks=workload.WEEKS)
    counts = await decisions.filed(
        conn, start_of_day(first, zone), start_of_day(today, zone), zone, reached, site
    )
    return workload.forecast(counts, first, today, calendar)
