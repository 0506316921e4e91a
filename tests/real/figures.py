"""Figures of the real logs counted twice: by the hall, and here, from the CSV's own text and the published calendar alone."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncConnection

from central import judge, scoring, ticker
from central.core import chart
from central.core.period import Period, parse
from central.core.scheme import MINGCHA_100
from central.core.scope import EVERYTHING
from central.core.score import Level
from central.statistics import answer, asked_of
from central.store import audit
from central.store.engine import Store
from tests.law.histories import DATA
from tests.law.year import Driven
from tests.real.logs import LoggedCase
from tests.real.test_findings import NOW, ZONE, deliver, told
from tests.sender import passed

Sites = dict[str, list[LoggedCase]]
Values = dict[str, Decimal | None]
FIGURES = (
    "filed", "decided", "promise_late", "on_time", "statute_late", "lawful", "mean_days", "median_days", "p90_days",
)  # fmt: skip
COUNTS = ("filed", "decided", "promise_of", "promise_late", "statute_of", "statute_late")
_LEGAL_DAYS = 20
"""What the law gives where nobody has said otherwise (行政许可法 42)."""
_EXCEPTIONS = json.loads(DATA.read_bytes())["exceptions"]
_CITY, _LEAST = 10, 5
"""Cases of the city's that a rate is mixed with; below so many an indicator does not apply (supervision.md 3.12)."""


async def load(store: Store, sites: Sites) -> None:
    """Everything that the logs tell, and that the sites' tables are whole up to now; what is due is judged once that is known."""
    for site, cases in sites.items():
        whole = passed(NOW.at)
        await deliver(store, site, [*(one for case in cases for one in told(case)), whole])
    async with store.write() as conn:
        world = await judge.load_world(conn, ZONE)
    await ticker.tick_once(store, world, Driven(NOW.at))


async def differing(store: Store, sites: Sites, name: str) -> list[str]:
    """What statistics, chart and score of a period say otherwise than the naive count; each in a sentence."""
    of = parse(name)
    naive = {site: values(cases, of) for site, cases in sites.items()}
    every = values([case for cases in sites.values() for case in cases], of)
    async with store.read() as conn:
        await audit.freeze(conn)
        found = await _statistics(conn, name, naive, every)
        return found + await _score(conn, of, naive, every)


async def _statistics(
    conn: AsyncConnection, name: str, naive: Mapping[str, Values], every: Values
) -> list[str]:
    asked = asked_of(name, ["site"], FIGURES, "")
    table = await answer(conn, EVERYTHING, asked, ZONE, NOW.at)
    said = {row.place[0]: dict(zip(FIGURES, row.values, strict=True)) for row in table.rows}
    wanted = {site: one for site, one in naive.items() if any(one.values())} | {"合计": every}
    said["合计"] = dict(zip(FIGURES, table.total.values, strict=True))
    found = [f"sites {sorted(said)} and not {sorted(wanted)}"] if said.keys() != wanted.keys() else []
    found += [
        f"{name} {site} {figure}: {said[site][figure]} and not {wanted[site][figure]}"
        for site in said.keys() & wanted.keys()
        for figure in FIGURES
        if said[site][figure] != wanted[site][figure]
    ]
    bars = dict(chart.bars([(row.place[0], row.values[0]) for row in table.rows]))
    top = max((one["filed"] or Decimal(0) for one in naive.values()), default=Decimal(0))
    for site, width in bars.items():
        filed = naive[site]["filed"] or Decimal(0)
        if top and abs(Decimal(width) - filed * 100 / top) > Decimal("0.05"):
            found.append(f"{name} {site}: a bar of {width} for {filed} of {top}")
    return found + [f"{name}: {site} is said not to be whole" for site in table.lacking]


async def _score(conn: AsyncConnection, of: Period, naive: Mapping[str, Values], every: Values) -> list[str]:
    """The counts that a run rests on, and the points of 承诺时限合规: 100·(on time), mixed with ten cases of the city's."""
    taken = await scoring.provisional(conn, of, MINGCHA_100, ZONE, NOW.at)
    found = []
    city = _share(every)
    for one in taken.scores():
        if one.level is not Level.SITE:
            continue
        wanted = naive[one.unit[0]]
        found += [
            f"{of.name} {one.name} {part}: {one.counts.get(part, 0)} scored and not {wanted[part]}"
            for part in COUNTS
            if one.counts.get(part, 0) != wanted[part]
        ]
        (line,) = [line for line in one.lines if line.id == "promise"]
        number, late = int(wanted["promise_of"] or 0), int(wanted["promise_late"] or 0)
        if number < _LEAST:
            found += [f"{of.name} {one.name}: scored on {number} cases"] if line.value else []
            continue
        assert city is not None
        points = 100 * (1 - (late + _CITY * city) / (number + _CITY))
        if abs(Fraction(line.value) - points) > Fraction(1, 200):
            found.append(f"{of.name} {one.name}: {line.value} points and not {float(points)}")
    return found


def _share(one: Values) -> Fraction | None:
    number = int(one["promise_of"] or 0)
    return Fraction(int(one["promise_late"] or 0), number) if number else None


# naive -------------------------------------------------------------------------------------------------------


def values(cases: Iterable[LoggedCase], of: Period) -> Values:
    """Of the cases' own texts: `FIGURES` and `COUNTS`, as the definitions beside them say."""
    counts, days = dict.fromkeys(COUNTS, 0), []
    for case in cases:
        accepted, finished = case.values["accepted_at"], case.values["finished_at"]
        counts["filed"] += _lies(_day(accepted), of)
        if finished and _lies(_day(finished), of):
            counts["decided"] += 1
            if _last(accepted) <= _last(finished):
                days.append(_working_days(_day(accepted), _day(finished)))
        planned = case.values["planned_end_at"]
        limits = {"statute": _legal(_day(accepted))}
        if planned:
            limits["promise"] = _last(planned)
        for name, until in limits.items():
            is_late = not finished or _last(finished) > until
            settled = until.astimezone(ZONE).date() if is_late else _day(finished)
            counts[f"{name}_of"] += _lies(settled, of)
            counts[f"{name}_late"] += is_late and _lies(settled, of)
    days.sort()
    return {name: Decimal(count) for name, count in counts.items()} | {
        "on_time": _in_time(counts["promise_of"], counts["promise_late"]),
        "lawful": _in_time(counts["statute_of"], counts["statute_late"]),
        "mean_days": _tenth(Fraction(sum(days), len(days))) if days else None,
        "median_days": _rank(days, 50),
        "p90_days": _rank(days, 90),
    }


def _legal(accepted: date) -> datetime:
    """The end of the last day of the law's limit."""
    day, left = accepted, _LEGAL_DAYS
    while left:
        day += timedelta(days=1)
        left -= _works(day)
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=ZONE)


def _in_time(number: int, late: int) -> Decimal | None:
    return _tenth(Fraction((number - late) * 100, number)) if number else None


def _lies(day: date, of: Period) -> bool:
    return of.first <= day < of.until


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def _last(text: str) -> datetime:
    """The last instant that it names: midnight names the whole day."""
    moment = datetime.fromisoformat(text)
    if text[11:19] != "00:00:00":
        return moment
    return datetime.combine(moment.date() + timedelta(days=1), moment.time(), tzinfo=ZONE)


def _working_days(after: date, until: date) -> int:
    """Walked day by day."""
    return sum(_works(after + timedelta(days=ahead)) for ahead in range(1, (until - after).days + 1))


def _works(day: date) -> bool:
    said = _EXCEPTIONS.get(str(day.year), {}).get(f"{day:%m-%d}")
    return said == "work" if said else day.weekday() < 5


def _rank(days: list[int], percent: int) -> Decimal | None:
    return Decimal(days[-(-len(days) * percent // 100) - 1]) if days else None


def _tenth(value: Fraction) -> Decimal:
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return exact.quantize(Decimal("0.1"), ROUND_HALF_UP)
