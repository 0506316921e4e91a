"""The meaning of every figure, held against a naive recount in plain Python that knows none of our code."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import figure, measure, period
from central.core.calendar import Calendar
from central.core.figure import FIGURES, Cube, Dimension, Known
from central.core.figure_groups import GROUPS
from central.core.measure import Added, Limit, Subject
from common.core.errors import UsageError
from common.core.state import ClockKind, Light

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 1, 1)
CALENDAR = Calendar(1, FIRST, [(FIRST + timedelta(days=n)).weekday() < 5 for n in range(365)])
MAY = int(datetime(2026, 5, 30, tzinfo=UTC).timestamp()) * 1_000_000
HOUR = 3_600_000_000
JUNE = period.parse("2026-06")


def subject(**facts: Any) -> Subject:
    plain: dict[str, Any] = {
        "filed_at": None, "accepted_at": None, "finished_at": None, "deleted": False, "is_complete": True,
        "entered_late": False, "limits": [], "rules": [],
    }  # fmt: skip
    return Subject(**{**plain, **facts})


def every(one: Subject) -> set[tuple[str, str, str]]:
    return {(str(a.day), a.measure, a.spared) for a in measure.additions(one, CALENDAR, ZONE)}


def added(one: Subject) -> set[tuple[str, str, str]]:
    """Without the lights by themselves."""
    return {each for each in every(one) if not each[1].startswith(measure.LIT)}


def names(one: Subject) -> set[str]:
    return {name for _, name, spared in added(one) if not spared}


def promise(light: Light, since: int | None = None, kind: ClockKind = ClockKind.PROMISE) -> Limit:
    return Limit(kind, 1, light, since, MAY + 240 * HOUR, date(2026, 5, 30))


def test_the_day_is_that_of_the_legal_zone() -> None:
    """16:00 UTC is midnight in Shanghai, which is how a date without a time stands: the end of its day."""
    at = int(datetime(2026, 5, 31, 16, tzinfo=UTC).timestamp()) * 1_000_000
    assert ("2026-05-31", "decided", "") in added(subject(finished_at=at))
    assert ("2026-05-31", "filed", "") in added(subject(filed_at=at))
    assert ("2026-06-01", "decided", "") in added(subject(finished_at=at + 1))
    assert f"{measure.DAYS}1" in names(subject(accepted_at=at - 72 * HOUR, finished_at=at)), (
        "Thursday to Sunday"
    )


def test_an_earlier_filing_counts_on_the_day_it_ended_while_the_next_one_is_open() -> None:
    former = promise(Light.GREEN, MAY)
    one = subject(limits=[former, Limit(ClockKind.PROMISE, 2, Light.GREEN, None, MAY, date(2026, 6, 1))])
    assert [added for added in added(one) if added[1] == "promise_of"] == [("2026-05-30", "promise_of", "")]


def test_a_limit_counts_once_on_the_day_it_is_settled() -> None:
    red = subject(limits=[promise(Light.RED, MAY)], finished_at=MAY + 900 * HOUR)
    assert {(day, name) for day, name, _ in added(red) if name.startswith("promise")} == {
        ("2026-05-30", "promise_of"),
        ("2026-05-30", "promise_late"),
    }
    assert "promise_of" in names(subject(limits=[promise(Light.GREEN)], finished_at=MAY))
    assert "promise_of" not in names(subject(limits=[promise(Light.GREEN)])), "it is still open"
    assert "promise_of" not in names(subject(limits=[promise(Light.GREY)], finished_at=MAY)), (
        "data is on its way"
    )


def test_the_source_s_own_deadline_counts_where_nothing_was_promised() -> None:
    stated = promise(Light.RED, MAY, ClockKind.STATED)
    assert "promise_late" in names(subject(limits=[stated]))
    both = subject(limits=[stated, promise(Light.GREEN)], finished_at=MAY)
    assert "promise_late" not in names(both)


def test_what_is_contested_is_spared_with_its_reason_and_stays_in_the_count() -> None:
    one = subject(limits=[promise(Light.RED, MAY)], contested={("promise", 1): "申诉中"})
    assert ("2026-05-30", "promise_late", "申诉中") in added(one)
    assert "promise_of" in names(one)
    assert "promise_late" not in names(one)


def test_a_rule_that_needs_a_person_counts_when_one_has_said_so() -> None:
    rules = [("L37", Light.YELLOW)]
    one = subject(finished_at=MAY, rules=rules, is_routed=True)
    assert ("2026-05-30", "route_fault", "待人核实") in added(one)
    held = subject(finished_at=MAY, rules=rules, is_routed=True, confirmed=frozenset({"L37"}))
    assert "route_fault" in names(held)
    unknown = subject(finished_at=MAY, rules=rules, confirmed=frozenset({"L37"}))
    assert "route_fault" not in names(unknown), "of an item without a prescribed procedure nobody can say"


def test_two_rules_of_one_kind_are_one_fault_and_one_unspared_is_enough() -> None:
    rules = [("L32-1", Light.YELLOW), ("L32-3", Light.RED)]
    one = subject(filed_at=MAY, rules=rules, contested={("L32-1", 0): "申诉中"})
    assert [a for a in added(one) if a[1] == "apply_fault"] == [("2026-05-30", "apply_fault", "")]


def test_a_case_is_once_under_the_lamp_of_its_rules_whichever_and_only_by_what_may_be_held_against_it() -> (
    None
):
    rules = [("L38-1", Light.RED), ("L47", Light.RED), ("L42-E", Light.YELLOW), ("W-5", Light.NONE)]
    open_one = subject(filed_at=MAY, rules=rules)
    assert sorted(one[1] for one in added(open_one)) == ["filed", "rule_red", "rule_yellow"]
    spared = subject(
        filed_at=MAY, rules=rules, contested={("L38-1", 0): "申诉中", ("L42-E", 0): "红灯已撤销"}
    )
    assert names(spared) == {"filed", "rule_red"}
    assert ("2026-05-30", "rule_yellow", "红灯已撤销") in added(spared)
    waits = subject(filed_at=MAY, rules=[("S-2", Light.YELLOW)])
    assert ("2026-05-30", "rule_yellow", "待人核实") in added(waits)


def test_a_deleted_case_keeps_its_red_light_and_adds_nothing_else() -> None:
    one = subject(deleted=True, filed_at=MAY, finished_at=MAY, limits=[promise(Light.RED, MAY)])
    assert names(one) == {"red", "promise_of", "promise_late"}


def test_what_is_opened_again_within_thirty_days_counts_on_that_day() -> None:
    ended = date(2026, 5, 1)
    days = [
        (ended, ended + timedelta(days=30)),
        (ended, ended + timedelta(days=31)),
        (ended, date(2026, 6, 1)),
    ]
    assert added(subject(reopened=days[:1])) == {("2026-05-31", "reopened", "")}
    assert added(subject(reopened=days[1:])) == set()
    assert added(subject(reopened=days, deleted=True)) == set(), "one that is gone was not opened again"


def test_evidence_without_a_case_counts_once_a_person_has_looked() -> None:
    facts: dict[str, Any] = {"proof_at": MAY, "rules": [("S-1", Light.YELLOW)]}
    sure = frozenset({"S-1"})
    waits = subject(**facts, is_entered=False)
    assert added(waits) == {("2026-05-30", "unentered", "待人核实"), ("2026-05-30", "concealed", "待人核实")}
    hidden, entered = (subject(**facts, confirmed=sure, is_entered=is_there) for is_there in (False, True))
    assert added(hidden) == {("2026-05-30", "unentered", ""), ("2026-05-30", "concealed", "")}
    assert added(entered) == {("2026-05-30", "unentered", "")}, "entered late it was not hidden"
    taken_back = subject(**facts, contested={("S-1", 0): "核实不属实"})
    assert {spared for *_, spared in added(taken_back)} == {"核实不属实"}
    assert added(subject(proof_at=MAY)) == set(), "a ticket whose case is there says nothing"


def test_each_light_is_told_by_what_it_is_of_and_they_add_up_by_light_and_rule() -> None:
    one = subject(
        filed_at=MAY, limits=[promise(Light.RED, MAY), promise(Light.GREEN, MAY, ClockKind.STATUTE)], yellows=[(MAY, "promise")],
        rules=[("L32-4", Light.RED), ("L40", Light.YELLOW), ("L58", Light.RED), ("S-1", Light.RED)], contested={("L58", 0): "申诉中"},
    )  # fmt: skip
    lit = {(name, spared) for _, name, spared in every(one) if name.startswith(measure.LIT)}
    assert lit == {
        ("lit:red:promise", ""), ("lit:yellow:promise", ""), ("lit:red:L32-4", ""), ("lit:yellow:L40", ""),
        ("lit:red:L58", "申诉中"), ("lit:red:S-1", "待人核实"),
    }  # fmt: skip
    cases: list[tuple[list[Dimension], dict[tuple[str, ...], int]]] = [
        ([Dimension.LIGHT], {("红灯",): 2, ("黄灯",): 2}),
        (
            [Dimension.RULE, Dimension.SITE],
            {("承诺时限", "甲镇"): 2, ("L32-4", "甲镇"): 1, ("L40", "甲镇"): 1},
        ),
    ]
    for by, expected in cases:
        found = figure.cube(by)
        known = Known("甲镇", "乡镇", "工商", "x")
        figure.fold(found, known, measure.additions(one, CALENDAR, ZONE), period.parse("2026"))
        rows, total = figure.table(found, [FIGURES["lit"]], None)
        told = {(row.place[0].split(" ")[0], *row.place[1:]): int(row.values[0] or 0) for row in rows}
        assert told == expected
        assert [*total.values] == [4]


def test_fees_are_of_decided_cases_in_yuan() -> None:
    paid = subject(filed_at=MAY, accepted_at=MAY, finished_at=MAY, charged=12_345)
    open_yet = subject(filed_at=MAY, accepted_at=MAY, charged=100)
    found = figure.cube([])
    for one in (paid, paid, open_yet):
        additions = measure.additions(one, CALENDAR, ZONE)
        figure.fold(found, Known("甲镇", "乡镇", "工商", "x"), additions, period.parse("2026"))
    _, total = figure.table(found, [FIGURES["fee_paid"], FIGURES["fee_yuan"]], None)
    assert [str(value) for value in total.values] == ["2", "246.90"]
    assert figure.change(Decimal("246.90"), Decimal("100.00"), FIGURES["fee_yuan"]) == "+146.9%"


def test_every_addition_has_a_definition() -> None:
    one = subject(
        filed_at=MAY, accepted_at=MAY, finished_at=MAY + HOUR, entered_late=True, is_complete=False, is_listed=True,
        is_routed=True, is_priced=True, limits=[promise(Light.GREEN), promise(Light.RED, MAY), promise(Light.RED, MAY, ClockKind.STATUTE)],
        rules=[(rule, Light.RED) for rule in ("L32-1", "L37", "L58", "L40", "S-1", "S-2", "W-1", "W-2", "W-3", "W-4", "W-5")]
        + [("L42-E", Light.YELLOW)],
        yellows=[(MAY, "promise")], charged=1, corrections=[(MAY, True)], sanctions=[MAY], confirmed=frozenset({"L37", "S-1", "S-2"}), odd=frozenset(measure.HINTS),
        reopened=[(date(2026, 5, 1), date(2026, 5, 2))], proof_at=MAY, is_entered=False,
    )  # fmt: skip
    found = names(one)
    assert {name for name in found if not name.startswith(measure.ASIDE)} <= set(measure.MEASURES)
    silent = set(measure.MEASURES) - found - measure.BESIDE
    assert silent == set(), "each count can come about"
    parts = {each.part for each in FIGURES.values() if each.part}
    assert parts - {measure.LIT, measure.PAID, measure.FEN, f"{measure.STEPS}of"} <= set(measure.MEASURES)
    assert {measure.PAID, measure.FEN} <= found


# the recount -------------------------------------------------------------------------------------------------

_at = st.integers(MAY, MAY + 40 * 24 * HOUR)
_case = st.fixed_dictionaries({
    "site": st.sampled_from(["甲镇", "乙镇"]),
    "org": st.sampled_from(["工商", "国土", "未记录"]),
    "accepted": _at,
    "takes": st.none() | st.integers(0, 500 * HOUR),
    "red_after": st.none() | st.integers(0, 400 * HOUR),
    "spared": st.booleans(),
})  # fmt: skip
_dimensions = st.lists(
    st.sampled_from([Dimension.SITE, Dimension.ORG, Dimension.MONTH, Dimension.DAY]), unique=True, max_size=2
)


def _subject(one: dict[str, Any]) -> Subject:
    red = None if one["red_after"] is None else one["accepted"] + one["red_after"]
    limit = promise(Light.GREEN if red is None else Light.RED, red)
    return subject(
        filed_at=one["accepted"],
        accepted_at=one["accepted"],
        finished_at=None if one["takes"] is None else one["accepted"] + one["takes"],
        limits=[limit],
        contested={("promise", 1): "申诉中"} if one["spared"] else {},
    )


def _folded(cases: list[dict[str, Any]], dimensions: list[Dimension]) -> Cube:
    found = figure.cube(dimensions)
    for one in cases:
        additions = measure.additions(_subject(one), CALENDAR, ZONE)
        figure.fold(found, Known(one["site"], "乡镇", one["org"], "x"), additions, JUNE)
    return found


def _day(at: int) -> str:
    """Shanghai is eight hours ahead, summer and winter."""
    return (datetime(1970, 1, 1) + timedelta(microseconds=at, hours=8)).strftime("%Y-%m-%d")  # noqa: DTZ001


def _done(at: int) -> str:
    """Midnight is the end of the day before."""
    return _day(at - 1)


def _naive(cases: list[dict[str, Any]], dimensions: list[Dimension]) -> dict[tuple[str, ...], dict[str, Any]]:
    """Every case looked at by itself, lists instead of counts, days counted one by one."""
    rows: dict[tuple[str, ...], dict[str, Any]] = {}

    def at(one: dict[str, Any], day: str) -> dict[str, Any]:
        words = {"site": one["site"], "org": one["org"], "month": day[:7], "day": day}
        place = tuple(words[dimension.value] for dimension in dimensions)
        return rows.setdefault(place, {"filed": 0, "decided": 0, "due": 0, "late": 0, "days": []})

    for one in cases:
        accepted = _done(one["accepted"])
        ended = None if one["takes"] is None else _done(one["accepted"] + one["takes"])
        settled = ended if one["red_after"] is None else _day(one["accepted"] + one["red_after"])
        if accepted.startswith("2026-06"):
            at(one, accepted)["filed"] += 1
        if ended and ended.startswith("2026-06"):
            row = at(one, ended)
            row["decided"] += 1
            day, count = date.fromisoformat(accepted), 0
            while str(day) < ended:
                day += timedelta(days=1)
                count += day.weekday() < 5
            row["days"].append(count)
        if settled and settled.startswith("2026-06"):
            at(one, settled)["due"] += 1
            if one["red_after"] is not None:
                at(one, settled)["late"] += not one["spared"]
    return rows


@given(st.lists(_case, max_size=30), _dimensions, st.randoms())
def test_statistics_equal_a_naive_recount(
    cases: list[dict[str, Any]], dimensions: list[Dimension], chance: random.Random
) -> None:
    found = _folded(cases, dimensions)
    expected = _naive(cases, dimensions)
    shown = [
        FIGURES[name] for name in ("filed", "decided", "promise_late", "on_time", "median_days", "p90_days")
    ]
    rows, _ = figure.table(found, shown, None)
    assert {row.place for row in rows} >= set(expected)
    for row in rows:
        naive = expected.get(row.place)
        if naive is None:  # a red light alone
            assert list(row.values[:3]) == [0, 0, 0]
            continue
        days = sorted(naive["days"])
        on_time = None if not naive["due"] else round((naive["due"] - naive["late"]) * 100 / naive["due"], 6)
        assert list(row.values[:3]) == [naive["filed"], naive["decided"], naive["late"]]
        assert (row.values[3] is None) is (on_time is None)
        assert on_time is None or abs(float(row.values[3] or 0) - on_time) <= 0.05001
        middle = days[(len(days) + 1) // 2 - 1] if days else None
        assert row.values[4] == middle
        assert row.values[5] == (days[-(-len(days) * 9 // 10) - 1] if days else None)
    mixed = _folded(chance.sample(cases, len(cases)), dimensions)
    assert (mixed.cells, mixed.whole) == (found.cells, found.whole), (
        "late facts and their order change nothing"
    )


def test_a_comparison_says_how_much_and_of_what() -> None:
    cases = [
        {
            "site": "甲镇",
            "org": "工商",
            "accepted": MAY + 72 * HOUR,
            "takes": None,
            "red_after": None,
            "spared": False,
        }
    ]
    now, before = _folded(cases * 3, [Dimension.SITE]), _folded(cases * 2, [Dimension.SITE])
    (row,), total = figure.table(now, [FIGURES["filed"], FIGURES["on_time"]], before)
    assert [*row.values, *row.before] == [3, None, 2, None]
    assert figure.change(total.values[0], total.before[0], FIGURES["filed"]) == "+50.0%"
    assert figure.change(None, total.before[0], FIGURES["on_time"]) == ""


@pytest.mark.parametrize(
    ("then", "now", "dimension", "expected"),
    [
        ("2025", "2026", Dimension.MONTH, {"2026-02": 1, "2026-03": 2}),
        ("2026-Q1", "2026-Q2", Dimension.MONTH, {"2026-05": 1, "2026-06": 2}),
        ("2026-01", "2026-02", Dimension.DAY, {"2026-02-28": 1}),
        ("2026-01", "2026-02", Dimension.WEEK, {"2026-02-23 起": 3}),
    ],
)
def test_a_time_is_compared_with_the_one_at_its_place_in_the_other_period(
    then: str, now: str, dimension: Dimension, expected: dict[str, int]
) -> None:
    """The 31st of January has none in February: it is in the total alone."""
    days = {"2025": (date(2025, 2, 28), date(2025, 3, 1)), "2026-Q1": (date(2026, 2, 28), date(2026, 3, 1))}
    first, second = days.get(then, (date(2026, 1, 28), date(2026, 1, 31)))
    one, other = period.parse(then), period.parse(now)
    before, today = figure.cube([dimension]), figure.cube([dimension])
    known = Known("甲镇", "乡镇", "工商", "x")
    figure.fold(before, known, [Added(first, "filed"), Added(second, "filed", count=2)], one)
    moved = figure.aligned(before, one, other)
    rows, total = figure.table(today, [FIGURES["filed"]], moved)
    assert {row.place[0]: row.before[0] for row in rows} == expected
    assert [*total.before] == [3]


def test_every_figure_stands_once_under_what_people_look_for() -> None:
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(FIGURES)


def test_of_a_period_that_goes_on_today_is_not_missed() -> None:
    assert period.parse("2026-06").past(date(2026, 6, 9)) == date(2026, 6, 9)
    assert period.parse("2026-06").past(date(2026, 7, 1)) == date(2026, 7, 1)
    assert period.parse("2026-06").past(date(2027, 7, 1)) == date(2026, 7, 1)


def test_the_same_dimension_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="只能用一次"):
        figure.cube([Dimension.SITE, Dimension.SITE])
