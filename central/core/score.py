"""Scores 绩效评估: a frozen snapshot -> counts of every unit -> points, grade and place. Pure; the same snapshot, the same bytes.

A snapshot is lines of canonical JSON: the frame (period, scheme, versions, sites with how whole they are), then a fact for each
case that counts in the period. Its name is the SHA-256 of these bytes. Decimal arithmetic throughout (`formula.EXACT`), and one
rounding, half up to two places, of each total. The published script does the second half anew, from counts (`central/data`).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from central.core import formula
from central.core.formula import EXACT, Counts, Node
from central.core.measure import NAMED
from central.core.period import Period
from central.core.scheme import CASES, NAMES, Extra, Indicator, Row, Scheme, city_of, faults_of
from common.core.errors import RejectedError

FORMAT = "mingcha-score-1"
CENT, THOUSANDTH, HUNDRED = Decimal("0.01"), Decimal("0.001"), Decimal(100)


class Level(StrEnum):
    """Whom a score is of."""

    SITE = "site"
    DEPARTMENT = "department"
    ITEM = "item"
    PERSON = "person"

    @property
    def word(self) -> str:
        return {"site": "站点", "department": "部门", "item": "事项", "person": "责任人"}[self.value]


class Place(Struct, frozen=True):
    """A site in the frame; `until`: up to when its data was whole, as text; `whole`: that is past the period's end."""

    id: str
    name: str
    kind: str
    whole: bool
    until: str


class Frame(Struct, frozen=True, kw_only=True):
    """What all facts have in common. `granted`: objections that were taken into account, [site, case, measure]."""

    format: str = FORMAT
    period: Period
    scheme: Scheme
    calendar: int
    rules: int
    sites: list[Place]
    items: dict[str, str] = {}
    follows: str = ""
    granted: list[tuple[str, str, str]] = []


class Kind(StrEnum):
    """What a fact is about beside cases; in a snapshot they follow the cases of their site in the order of these words."""

    CLUE = "clue"
    COMPLAINT = "complaint"
    LINE = "line"
    POST = "post"
    RATING = "rating"
    SEAT = "seat"


class Fact(Struct, frozen=True, omit_defaults=True):
    """One case: who answers for it, what it adds to which count, and which faults of it are not counted, with why. `kind`: a
    `Kind` of what is no case; empty: a case.
    """

    site: str
    key: str
    no: str = ""
    org: str = ""
    item: str = ""
    person: str = ""
    n: dict[str, int] = {}
    spared: dict[str, str] = {}
    kind: str = ""

    @property
    def place(self) -> tuple[str, str, str]:
        """Its place in a snapshot, each one's own."""
        return self.site, self.kind, self.key


class Tally(Struct):
    """The counts of one unit; `faults`: measure -> (site, case key, case number)."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    spared: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    sites: set[str] = field(default_factory=set)


Unit = tuple[str, ...]
Tallies = dict[Level, dict[Unit, Tally]]


class Line(Struct, frozen=True, omit_defaults=True):
    """One row of the scheme for one unit. Points as text of a decimal. `why`: it does not apply, and why."""

    id: str
    name: str
    formula: str
    of: int
    weight: str = ""  # with what the rows that do not apply have left over
    value: str = ""  # 0 to 100
    points: str = ""
    faults: dict[str, list[tuple[str, str, str]]] = {}
    why: str = ""


class Score(Struct, frozen=True, kw_only=True):
    """One unit's. `total` None: nothing of it can be scored; `rank` 0: not ranked, `why` says why."""

    level: Level
    unit: list[str]
    name: str
    group: str
    cases: int
    lines: list[Line]
    penalties: list[Line]
    bonuses: list[Line]
    total: Decimal | None
    grade: str
    rank: int
    why: str
    counts: dict[str, int]
    spared: list[tuple[str, str, str, str, str]]


def named(one: Score) -> set[tuple[str, str, str]]:
    """(site, case key, measure) of every fault that its lines name."""
    lines = [*one.lines, *one.penalties, *one.bonuses]
    return {(*case[:2], fault) for line in lines for fault, cases in line.faults.items() for case in cases}


# snapshots ---------------------------------------------------------------------------------------------------

_encode = msgspec.json.Encoder(order="deterministic").encode
_frame_of = msgspec.json.Decoder(Frame).decode
_fact_of = msgspec.json.Decoder(Fact).decode


def encoded(one: Frame | Fact) -> bytes:
    """One line of a snapshot, with its end."""
    return _encode(one) + b"\n"


def read(lines: Iterable[bytes]) -> tuple[Frame, Iterator[Fact]]:
    """A snapshot taken apart. Raises RejectedError where it is none, also later, while the facts are read."""
    rest = iter(lines)
    try:
        frame = _frame_of(next(rest, b""))
    except msgspec.MsgspecError as error:
        raise _no_snapshot() from error
    if frame.format != FORMAT:
        raise _no_snapshot()
    return frame, _facts(rest)


def _facts(lines: Iterator[bytes]) -> Iterator[Fact]:
    last = ("", "", "")
    for line in lines:
        try:
            fact = _fact_of(line)
        except msgspec.MsgspecError as error:
            raise _no_snapshot() from error
        if fact.place <= last or set(fact.n) - NAMES or min(fact.n.values(), default=1) < 1:
            raise _no_snapshot()
        last = fact.place
        yield fact


def _no_snapshot() -> RejectedError:
    return RejectedError("不是本软件的评分快照，或已被改动", hint="请取  mingcha score export  给出的文件")


def spare(fact: Fact, measure: str, why: str) -> Fact:
    """The fact without one fault: an objection was granted."""
    if measure not in fact.n:
        return fact
    rest = {name: count for name, count in fact.n.items() if name != measure}
    return replace(fact, n=rest, spared=fact.spared | {measure: why})


# counts ------------------------------------------------------------------------------------------------------


def units_of(fact: Fact) -> list[tuple[Level, Unit]]:
    """To whom a case belongs; what the source does not name has no score."""
    found: list[tuple[Level, Unit]] = [(Level.SITE, (fact.site,))]
    if fact.org:
        found.append((Level.DEPARTMENT, (fact.site, fact.org)))
    if fact.item:
        found.append((Level.ITEM, (fact.item,)))
    if fact.person:
        found.append((Level.PERSON, (fact.site, fact.person)))
    return found


def tally(facts: Iterable[Fact]) -> Tallies:
    """One pass; of each case, what is counted and which faults it has."""
    found = no_tallies()
    for fact in facts:
        count(found, fact)
    return found


def no_tallies() -> Tallies:
    return {level: defaultdict(Tally) for level in Level}


def count(tallies: Tallies, fact: Fact) -> None:
    """Add one case to the counts of its units."""
    name = fact.site, fact.key, fact.no
    for level, unit in units_of(fact):
        one = tallies[level][unit]
        one.counts[CASES] += not fact.kind
        one.counts.update(fact.n)
        one.sites.add(fact.site)
        one.spared += [(*name, measure, why) for measure, why in fact.spared.items()]
        for measure in NAMED & fact.n.keys():
            one.faults.setdefault(measure, []).append(name)


def granted(tallies: Tallies, fact: Fact, measure: str, why: str) -> Tallies:
    """The counts if the objection to one fault of one case is granted: the other units' are the very same objects."""
    if measure not in fact.n:
        return tallies
    found = {level: dict(units) for level, units in tallies.items()}
    name = fact.site, fact.key, fact.no
    for level, unit in units_of(fact):
        old = found[level][unit]
        counts, faults = Counter(old.counts), dict(old.faults)
        counts[measure] -= fact.n[measure]
        faults[measure] = [one for one in faults.get(measure, []) if one != name]
        faults = {key: names for key, names in faults.items() if names}
        spared = [*old.spared, (*name, measure, why)]
        found[level][unit] = Tally(+counts, faults, spared, set(old.sites))
    return found


# points ------------------------------------------------------------------------------------------------------


class _Row(Struct, frozen=True):
    row: Row
    node: Node
    faults: list[str]


def scores(frame: Frame, tallies: Tallies, level: Level) -> list[Score]:
    """Every unit of a level: by group, the ranked ones first and best first."""
    scheme = frame.scheme
    every: list[Row] = [*scheme.indicators, *scheme.penalties, *scheme.bonuses]
    sites = [one.counts for one in tallies[Level.SITE].values()]
    city = {row.id: city_of(row, sites) for row in every}
    rows = {row.id: _Row(row, formula.parse(row.formula, NAMES), faults_of(row)) for row in every}
    places = {place.id: place for place in frame.sites}
    found = [
        _score(frame, level, unit, one, city, rows, places) for unit, one in sorted(tallies[level].items())
    ]
    return _ranked(found)


def _score(
    frame: Frame, level: Level, unit: Unit, one: Tally, city: Mapping[str, Mapping[str, int]],
    rows: Mapping[str, _Row], places: Mapping[str, Place],
) -> Score:  # fmt: skip
    scheme = frame.scheme
    counts = {name: Counts(one.counts, known, scheme.shrink) for name, known in city.items()}
    values = {
        row.id: max(Decimal(0), min(HUNDRED, formula.value(rows[row.id].node, counts[row.id])))
        for row in scheme.indicators
        if one.counts[row.of] >= row.min_of
    }
    whole = sum((row.weight for row in scheme.indicators if row.id in values), Decimal(0))
    lines, total = [], Decimal(0)
    for row in scheme.indicators:
        line, points = _line(rows[row.id], one, values, whole)
        lines.append(line)
        total = EXACT.add(total, points)
    taken, off = _extras(scheme.penalties, rows, one, counts, values)
    given, on = _extras(scheme.bonuses, rows, one, counts, values)
    total = EXACT.add(EXACT.subtract(total, off), on)
    shown = max(Decimal(0), min(scheme.most, total)).quantize(CENT, ROUND_HALF_UP) if values else None
    why = _unranked(frame, one, places, is_scored=bool(values))
    grade = next((grade.name for grade in scheme.grades if shown is not None and shown >= grade.least), "")
    return Score(
        level=level, unit=list(unit), name=_name(level, unit, frame, places), group=_group(level, unit, frame, places),
        cases=one.counts[CASES], lines=lines, penalties=taken, bonuses=given, total=shown, grade="" if why else grade,
        rank=0, why=why, counts=dict(sorted((+one.counts).items())), spared=sorted(one.spared),
    )  # fmt: skip


def _line(known: _Row, one: Tally, values: Mapping[str, Decimal], whole: Decimal) -> tuple[Line, Decimal]:
    row = known.row
    assert isinstance(row, Indicator)
    of = one.counts[row.of]
    if row.id not in values:
        lacks = f"只有 {of} 件，少于 {row.min_of} 件" if of else "无数据"
        none = Line(row.id, row.name, row.formula, of, why=f"不适用：{lacks}", faults=_named(known, one))
        return none, Decimal(0)
    weight = EXACT.divide(EXACT.multiply(row.weight, HUNDRED), whole)
    points = EXACT.divide(EXACT.multiply(values[row.id], weight), HUNDRED)
    shown = (_shown(weight), _shown(values[row.id]), _shown(points))
    return Line(row.id, row.name, row.formula, of, *shown, _named(known, one)), points


def _extras(
    extras: Sequence[Extra],
    rows: Mapping[str, _Row],
    one: Tally,
    counts: Mapping[str, Counts],
    values: Mapping[str, Decimal],
) -> tuple[list[Line], Decimal]:
    found, total = [], Decimal(0)
    for extra in extras:
        known = rows[extra.id]
        lacks = [name for name, least in extra.needs.items() if values.get(name, Decimal(0)) < least]
        if lacks:
            names = "、".join(rows[name].row.name for name in lacks)
            found.append(
                Line(
                    extra.id, extra.name, extra.formula, 0, why=f"不计：{names}未达到 {extra.needs[lacks[0]]}"
                )
            )
            continue
        points = max(Decimal(0), min(extra.most, formula.value(known.node, counts[extra.id])))
        total = EXACT.add(total, points)
        found.append(
            Line(extra.id, extra.name, extra.formula, 0, points=_shown(points), faults=_named(known, one))
        )
    return found, total


def _named(known: _Row, one: Tally) -> dict[str, list[tuple[str, str, str]]]:
    return {name: one.faults[name] for name in known.faults if name in one.faults}


def _shown(value: Decimal) -> str:
    return str(value.quantize(THOUSANDTH, ROUND_HALF_UP))


def _unranked(frame: Frame, one: Tally, places: Mapping[str, Place], *, is_scored: bool) -> str:
    """Why a unit has no place: never a reason to take points off."""
    lacking = [places[site].name for site in sorted(one.sites) if site in places and not places[site].whole]
    if lacking:
        return f"数据不全（{'、'.join(lacking)}），暂不排名"
    if one.counts[CASES] < frame.scheme.min_cases:
        return f"只有 {one.counts[CASES]} 件，少于 {frame.scheme.min_cases} 件，不参与排名"
    return "" if is_scored else "没有可评分的指标，不参与排名"


def _name(level: Level, unit: Unit, frame: Frame, places: Mapping[str, Place]) -> str:
    if level is Level.ITEM:
        return frame.items.get(unit[0], unit[0])
    site = places[unit[0]].name if unit[0] in places else unit[0]
    return site if level is Level.SITE else f"{site} {unit[1]}"


def _group(level: Level, unit: Unit, frame: Frame, places: Mapping[str, Place]) -> str:
    """The peers: units of unlike sites are not ranked against each other."""
    if level is Level.ITEM:
        return "全市"
    kind = places[unit[0]].kind if unit[0] in places else ""
    return frame.scheme.groups.get(kind, kind or "其他")


def _ranked(found: list[Score]) -> list[Score]:
    """Equal totals have one place, and the next one counts them (1, 1, 3)."""
    ranked: list[Score] = []
    for group in sorted({one.group for one in found}):
        mine = [one for one in found if one.group == group]
        able = sorted(
            (one for one in mine if not one.why), key=lambda one: (-(one.total or 0), one.name, one.unit)
        )
        totals = [one.total for one in able]
        ranked += [replace(one, rank=totals.index(one.total) + 1) for one in able]
        ranked += [one for one in mine if one.why]
    return ranked
