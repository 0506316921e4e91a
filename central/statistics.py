"""A table of statistics: the cases that an account reaches, folded by `core/figure.py`. Pages, exports and commands ask here."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from central import insight, tally
from central.core import bottleneck, figure, measure, period
from central.core.calendar import Calendar
from central.core.figure import OWN, Cube, Dimension, Figure, Known, Row
from central.core.measure import BESIDE, DAYS, HINTS, STEPS, Added
from central.core.period import Period
from central.core.scope import Scope
from central.core.spreadsheet import Cell
from central.store import decisions, elsewhere, items, law, subjects, tallies
from common.core.errors import UsageError
from common.core.instant import day_ending, local_date, start_of_day
from common.core.state import SiteKind

MOST_DIMENSIONS = 3
MOST_UNSERVED = 20_000
"""Cases of a question that no roll-up serves (items and persons at once), on a page."""


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
    """Read in one picture: `conn` was frozen. Raises UsageError where it would be larger than `most` cases, or the table
    longer than anybody reads.
    """
    calendar = await law.calendar_if_any(conn)
    if calendar is None:
        raise UsageError("还没有工作日历，统计不出来", hint="请先用  mingcha calendar import  导入")
    served = tallies.is_served(asked.dimensions)
    picture = await tally.picture(conn, zone, calendar) if served else None
    if most is not None and picture is None:
        await _must_be_small(conn, reached, asked, zone, most if served else min(most, MOST_UNSERVED))
    sites = {row.id: (row.name, row.kind) for row in await subjects.sites(conn) if reached.has_site(row.id)}
    asking = _Asking(conn, reached, asked, sites, zone, now_at, calendar, picture, most)
    now = await asking.cube(asked.period)
    before = None
    if asked.versus is not None:
        before = figure.aligned(await asking.cube(asked.versus), asked.versus, asked.period)
    rows, total = figure.table(now, asked.figures, before)
    complete = await subjects.complete(conn)
    until = start_of_day(asked.period.past(local_date(now_at, zone)), zone)
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


class _Asking(Struct, frozen=True):
    """One question in one picture of the tables. `picture`: what the roll-ups are worth; None: the period's cases are counted."""

    conn: AsyncConnection
    reached: Scope
    asked: Asked
    sites: Mapping[str, tuple[str, str]]
    zone: ZoneInfo
    now_at: int
    calendar: Calendar
    picture: tally.Picture | None
    most: int | None

    async def cube(self, of: Period) -> Cube:
        found = figure.cube(self.asked.dimensions)
        wanted = {name for one in self.asked.figures for name in (one.part, one.whole)}
        if self.picture is not None:
            names = self.picture.items
            await self._roll(self.picture, found, of, wanted)
        else:
            names = await subjects.item_names(self.conn)
            await self._recount(found, of, names)
        if any(one.part.startswith(STEPS) or one.days_of.startswith(STEPS) for one in self.asked.figures):
            await self._steps(found, of, names)
        if wanted & {*HINTS}:
            await self._hint(found, of, names)
        beside = BESIDE & wanted
        for other in await elsewhere.of_period(
            self.conn, of, self.calendar, self.zone, self.now_at, self.reached, beside
        ):
            item = names.get(other.item, other.item)
            place = self._place(
                other.site, other.org or "不分部门", item or "不分事项", other.person, "不分渠道"
            )
            figure.fold(found, place, (added for added in other.additions if added.measure in beside), of)
        return found

    def _place(self, site: str, org: str, item: str, person: str, channel: str) -> Known:
        name, kind = self.sites.get(site, (site, ""))
        word = SiteKind(kind).word if kind else "未登记"
        return Known(name, word, org, item, f"{name} {person or '未记录'}", channel)

    def _of_case(
        self, site: str, org: str, item: str, who: tuple[str, str], names: Mapping[str, str]
    ) -> Known:
        return self._place(
            site, org or "未记录", names.get(item, item) or "未记录", who[0], who[1] or "未记录"
        )

    async def _roll(self, picture: tally.Picture, found: Cube, of: Period, wanted: set[str]) -> None:
        """A sum at a time, whose day stands for those that it is the sum of."""
        if any(one.percent for one in self.asked.figures):
            wanted = wanted | {DAYS}
        cells = await picture.cells(self.conn, of, self.asked.dimensions, wanted, self.reached)
        for (day, site, org, item, person, channel, name), count in cells.items():
            place = self._of_case(site, org, item, (person, channel), picture.items)
            figure.fold(found, place, [Added(date.fromisoformat(day), name, count=count)], of)

    async def _recount(self, found: Cube, of: Period, names: Mapping[str, str]) -> None:
        first, until = start_of_day(of.first, self.zone), start_of_day(of.until, self.zone)
        async for one in subjects.of_period(self.conn, first, until, self.zone, self.reached):
            place = self._of_case(one.site, one.org, one.item, (one.person, one.channel), names)
            figure.fold(found, place, measure.additions(one.subject, self.calendar, self.zone), of)

    async def _steps(self, found: Cube, of: Period, names: Mapping[str, str]) -> None:
        """What the steps of decided cases add: read from the source's rows, which no roll-up knows."""
        first, until = start_of_day(of.first, self.zone), start_of_day(of.until, self.zone)
        if self.most is not None:
            number = await decisions.number(self.conn, first, until, self.reached)
            if number > MOST_UNSERVED:
                raise UsageError(
                    f"{of.word}有 {number:,} 个办结件，网页上的环节至多 {MOST_UNSERVED:,} 个",
                    hint=f"请选短一些的期间，或在市中心用  mingcha statistics table {of.name}",
                )
        async for row, state in decisions.steps(self.conn, first, until, self.zone, self.reached):
            day, who = day_ending(row.finished_at, self.zone), (row.responsible or "", row.channel or "")
            place = self._of_case(row.site, row.org or "", row.item_code or row.item_name or "", who, names)
            for one in bottleneck.went(state, self.calendar, self.zone):
                figure.fold(found, replace(place, step=one.step), bottleneck.additions(one, day), of)

    async def _hint(self, found: Cube, of: Period, names: Mapping[str, str]) -> None:
        """What a case adds because of its neighbours: no roll-up knows it."""
        odd = await insight.marks(self.conn, of, self.zone, self.reached, self.most)
        catalogue = await items.catalogue(self.conn)
        async for one in subjects.of_cases(self.conn, odd, catalogue, self.zone):
            subject = replace(one.subject, odd=odd[one.site, one.key])
            added = measure.additions(subject, self.calendar, self.zone)
            place = self._of_case(one.site, one.org, one.item, (one.person, one.channel), names)
            figure.fold(found, place, (each for each in added if each.measure in HINTS), of)


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
    return [one if isinstance(one, str) else shown(one) for one in typed(asked, row)]


def typed(asked: Asked, row: Row) -> list[Cell]:
    """The same for a file: its figures are numbers, which a spreadsheet can reckon with."""
    found: list[Cell] = [*row.place] or ["合计", *[""] * (len(asked.dimensions) - 1)]
    for place, one in enumerate(asked.figures):
        now = row.values[place]
        found.append(shown(None) if now is None else now)
        if asked.versus is not None:
            before = row.before[place] if row.before else None
            found += [shown(None) if before is None else before, figure.change(now, before, one)]
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
    by = tuple(Dimension(one) for one in dict.fromkeys(dimensions))
    for one in by:
        own = OWN.get(one)
        plain = (
            []
            if own is None
            else [each.name for each in chosen if not (each.part or each.days_of).startswith(own)]
        )
        if plain:
            hint = "按灯、按时限与规则分时，指标只选“亮灯”；按环节分时，只选环节的指标"
            raise UsageError(f"“{plain[0]}”不能按{one.word}分", hint=hint)
    return Asked(of, by, chosen, other[versus])
