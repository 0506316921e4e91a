"""A table of statistics: the cases that an account reaches, folded by `core/figure.py`. Pages, exports and commands ask here."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import figure, measure, period
from central.core.figure import Cube, Dimension, Figure, Known, Row
from central.core.period import Period
from central.core.scope import Scope
from central.store import law, subjects
from common.core.errors import UsageError
from common.core.instant import start_of_day
from common.core.state import SiteKind

MOST_DIMENSIONS = 3


class Asked(Struct, frozen=True):
    """What is asked for. `versus`: the period it is compared with."""

    period: Period
    dimensions: tuple[Dimension, ...]
    figures: tuple[Figure, ...]
    versus: Period | None = None


class Answer(Struct, frozen=True):
    """The table, with the sites whose data is not whole past the period's end: totals may be too low."""

    asked: Asked
    rows: list[Row]
    total: Row
    lacking: list[str]


async def answer(
    conn: AsyncConnection, reached: Scope, asked: Asked, zone: ZoneInfo, now_at: int, most: int | None = None
) -> Answer:
    """Read in one picture if `conn` was frozen. Raises UsageError where it would be larger than `most` cases, or the table
    longer than anybody reads.
    """
    if most is not None:
        await _must_be_small(conn, reached, asked, zone, most)
    sites = {row.id: (row.name, row.kind) for row in await subjects.sites(conn) if reached.has_site(row.id)}
    now = await _cube(conn, reached, asked, asked.period, sites, zone)
    before = None
    if asked.versus is not None:
        before = await _cube(conn, reached, asked, asked.versus, sites, zone)
    rows, total = figure.table(now, asked.figures, before)
    complete = await subjects.complete(conn)
    until = min(start_of_day(asked.period.until, zone), now_at)
    lacking = [name for site, (name, _) in sites.items() if complete.get(site, 0) < until]
    return Answer(asked, rows, total, lacking)


async def _must_be_small(
    conn: AsyncConnection, reached: Scope, asked: Asked, zone: ZoneInfo, most: int
) -> None:
    for one in (asked.period, asked.versus):
        if one is None:
            continue
        first, until = start_of_day(one.first, zone), start_of_day(one.until, zone)
        cases = await subjects.number(conn, first, until, reached)
        if cases > most:
            raise UsageError(
                f"{one.word}有 {cases:,} 个办件，网页上至多 {most:,} 个",
                hint=f"请选短一些的期间，或在市中心用  mingcha statistics table {one.name}",
            )


async def _cube(
    conn: AsyncConnection,
    reached: Scope,
    asked: Asked,
    of: Period,
    sites: Mapping[str, tuple[str, str]],
    zone: ZoneInfo,
) -> Cube:
    calendar = await law.calendar_if_any(conn)
    assert calendar is not None
    names = await subjects.item_names(conn)
    found = figure.cube(asked.dimensions)
    first, until = start_of_day(of.first, zone), start_of_day(of.until, zone)
    async for known in subjects.of_period(conn, first, until, zone, reached):
        name, kind = sites.get(known.site, (known.site, ""))
        word = SiteKind(kind).word if kind else "未登记"
        place = Known(name, word, known.org or "未记录", names.get(known.item, known.item) or "未记录")
        figure.fold(found, place, measure.additions(known.subject, calendar, zone), of)
    return found


def heading(asked: Asked) -> list[str]:
    """The columns: places, then each figure with its unit, and the comparison beside it."""
    head = [one.word for one in asked.dimensions] or ["范围"]
    for one in asked.figures:
        head.append(f"{one.name}（{one.unit}）")
        if asked.versus is not None:
            head += [f"{asked.versus.word}", "变化"]
    return head


def cells(asked: Asked, row: Row) -> list[str]:
    """One line in the columns of `heading`."""
    found = list(row.place) or ["合计", *[""] * (len(asked.dimensions) - 1)]
    for place, one in enumerate(asked.figures):
        found.append(shown(row.values[place]))
        if asked.versus is not None:
            before = row.before[place] if row.before else None
            found += [shown(before), figure.change(row.values[place], before, one)]
    return found


def shown(value: Decimal | None) -> str:
    """Without a value: a dash, which is not zero."""
    return "–" if value is None else f"{value:,}"


def asked_of(name: str, dimensions: Sequence[str], figures: Sequence[str], versus: str) -> Asked:
    """From the words of an address or command. Raises UsageError for what there is not."""
    wrong = [one for one in dimensions if one not in set(Dimension)]
    wrong += [one for one in figures if one not in figure.FIGURES]
    if wrong or len(dimensions) > MOST_DIMENSIONS or not figures:
        raise UsageError(
            f"看不懂“{'、'.join(wrong) or '维度与指标'}”",
            hint=f"维度至多 {MOST_DIMENSIONS} 个，指标至少一个，名字见  mingcha statistics figures",
        )
    of = period.parse(name)
    other = {"": None, "before": period.before(of), "year": period.before(of, years=1)}
    if versus not in other:
        raise UsageError(f"看不懂对比“{versus}”", hint="before 为上期，year 为上年同期")
    chosen = tuple(figure.FIGURES[one] for one in dict.fromkeys(figures))
    return Asked(of, tuple(Dimension(one) for one in dict.fromkeys(dimensions)), chosen, other[versus])
