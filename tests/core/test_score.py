"""Schemes and scores: worked figures, small samples, incomplete data, ties, and what an objection changes."""

import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import period, scheme, score
from central.core.measure import FAULTS, MEASURES
from central.core.scheme import MINGCHA_100, Extra, Grade, Indicator, Scheme
from central.core.score import Fact, Frame, Level, Place, Score
from common.core.errors import RejectedError, UsageError

SITES = [
    Place("a", "甲镇", "township", whole=True, until="2026-07-02 08:00"),
    Place("b", "乙镇", "township", whole=True, until="2026-07-02 08:00"),
    Place("c", "丙街道", "street", whole=True, until="2026-07-02 08:00"),
    Place("d", "丁镇", "township", whole=False, until="2026-06-20 08:00"),
]
FRAME = Frame(period=period.parse("2026-06"), scheme=MINGCHA_100, calendar=1, rules=1, sites=SITES)


def cases(site: str, count: int, late: int = 0, **more: Any) -> list[Fact]:
    """`count` cases, of which the first `late` are over the statutory limit."""
    return [
        Fact(
            site, f"{place:04}", n={"statute_of": 1, **({"statute_late": 1} if place < late else {})}, **more
        )
        for place in range(count)
    ]


def scored(facts: list[Fact], level: Level = Level.SITE, frame: Frame = FRAME) -> dict[str, Score]:
    return {one.name: one for one in score.scores(frame, score.tally(facts), level)}


# schemes -----------------------------------------------------------------------------------------------------


def test_the_default_scheme_is_a_lawful_one() -> None:
    assert scheme.checked(MINGCHA_100) is MINGCHA_100
    assert {row.of for row in MINGCHA_100.indicators} <= set(MEASURES)
    assert scheme.difference(MINGCHA_100, MINGCHA_100) == []


def _changed(**changes: Any) -> Scheme:
    return replace(MINGCHA_100, **changes)


_ROWS = MINGCHA_100.indicators


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (_changed(indicators=[]), "1 至 40 行"),
        (_changed(indicators=[*_ROWS, _ROWS[0]]), "编号重复"),
        (_changed(indicators=_ROWS[1:]), "权重之和是 86"),
        (_changed(indicators=[replace(_ROWS[0], formula="late / of"), *_ROWS[1:]]), "法定时限合规：公式"),
        (_changed(indicators=[replace(_ROWS[0], of="salary"), *_ROWS[1:]]), "不是计数项"),
        (_changed(indicators=[replace(_ROWS[0], words=""), *_ROWS[1:]]), "没有写明算法"),
        (_changed(indicators=[replace(_ROWS[0], weight=Decimal("NaN")), *_ROWS[1:]]), "权重或上限"),
        (_changed(indicators=[replace(_ROWS[0], id="a b"), *_ROWS[1:]]), "编号"),
        (_changed(bonuses=[replace(MINGCHA_100.bonuses[0], needs={"x": Decimal(9)})]), "没有的指标"),
        (_changed(grades=[Grade("好", Decimal(60))]), "等次"),
        (_changed(min_cases=0), "范围"),
        (_changed(shrink=Decimal("NaN")), "收缩是 NaN"),
        (_changed(shrink=Decimal("1E-9999999")), "收缩是 1E-9999999"),
        (_changed(most=Decimal("sNaN")), "满分是 sNaN"),
        (
            _changed(grades=[Grade("好", Decimal("Infinity")), Grade("差", Decimal(0))]),
            "好 的起分是 Infinity",
        ),
        (
            _changed(bonuses=[replace(MINGCHA_100.bonuses[0], needs={"data": Decimal("NaN")})]),
            "条件 data 是 NaN",
        ),
        (
            _changed(bonuses=[replace(MINGCHA_100.bonuses[0], most=Decimal("1E+9999999"))]),
            r"上限是 1E\+9999999",
        ),
    ],
)
def test_a_wrong_scheme_is_refused_with_words(wrong: Scheme, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        scheme.checked(wrong)


def test_a_difference_names_what_changed() -> None:
    rows = [replace(_ROWS[0], weight=Decimal(12)), replace(_ROWS[1], weight=Decimal(12)), *_ROWS[2:]]
    found = scheme.difference(MINGCHA_100, _changed(indicators=rows))
    assert [(one.row, one.field, one.before, one.after, one.moved) for one in found] == [
        ("指标 法定时限合规", "权重", "14", "12", "−2"),
        ("指标 承诺时限合规", "权重", "10", "12", "+2"),
    ]
    assert found[0].words == "指标 法定时限合规的权重：由“14”改为“12”（−2）"
    gone = scheme.difference(MINGCHA_100, _changed(bonuses=[], since="2026-08"))
    assert {(one.row, one.after) for one in gone} == {("加分 提前办结", "")}
    assert "加分 提前办结的条件：删去“data ≥ 90”" in [one.words for one in gone]


def test_every_fault_is_named_at_its_field() -> None:
    wrong = _changed(
        indicators=[replace(_ROWS[0], formula="a.b", weight=Decimal(13)), replace(_ROWS[1], of="salary"), *_ROWS[2:]],
        min_cases=0, since="2026-13",
    )  # fmt: skip
    assert [one.field for one in scheme.faults(wrong)] == [
        "indicators-0-formula",
        "indicators-1-of",
        "weights",
        "min_cases",
        "since",
    ]


# points ------------------------------------------------------------------------------------------------------


def test_the_worked_figures_of_the_design() -> None:
    """supervision.md 3.12: N = 200, L = 2, city 0.5 % -> s = 97.10, contribution 13.594 of a full scheme."""
    full = [
        Fact("a", f"x{place}", n={row.of: 1}) for row in _ROWS for place in range(5) if row.of != "statute_of"
    ]
    others = [replace(one, site="b", key=f"{one.key}b") for one in cases("b", 800, 3)]
    found = scored([*cases("a", 200, 2), *full, *others])["甲镇"]
    statute = next(line for line in found.lines if line.id == "statute")
    assert (statute.weight, statute.value, statute.points) == ("14.000", "97.100", "13.594")
    assert statute.faults == {"statute_late": [("a", "0000", ""), ("a", "0001", "")]}


def test_a_row_without_cases_does_not_apply_and_its_weight_is_spread() -> None:
    found = scored(cases("a", 10))["甲镇"]
    assert [(line.id, line.weight) for line in found.lines if not line.why] == [("statute", "100.000")]
    assert {line.why for line in found.lines if line.why} == {"不适用：无数据"}
    assert (found.total, found.grade, found.rank) == (Decimal("100.00"), "优秀", 1)


def test_few_cases_are_shown_and_not_ranked() -> None:
    found = scored([*cases("a", 4, 4), *cases("b", 9)])
    assert (found["甲镇"].rank, found["甲镇"].grade, found["甲镇"].why) == (
        0,
        "",
        "只有 4 件，少于 5 件，不参与排名",
    )
    assert found["乙镇"].rank == 1


def test_incomplete_data_is_named_and_takes_no_point() -> None:
    found = scored([*cases("d", 50, 1), *cases("a", 50, 1)])
    assert (found["丁镇"].why, found["丁镇"].rank) == ("数据不全（丁镇），暂不排名", 0)
    assert found["丁镇"].total == found["甲镇"].total
    assert found["甲镇"].rank == 1


def test_equal_totals_share_a_place_and_unlike_sites_are_no_peers() -> None:
    found = scored([*cases("a", 20, 1), *cases("b", 20, 1), *cases("c", 20, 9)])
    assert [found[name].rank for name in ("甲镇", "乙镇", "丙街道")] == [1, 1, 1]
    assert found["丙街道"].group == "街道"


def test_a_bonus_asks_for_true_data_and_a_penalty_has_its_bound() -> None:
    def one(**n: int) -> Score:
        return scored([Fact("a", str(place), n={"decided": 1, "early": 1, **n}) for place in range(9)])[
            "甲镇"
        ]

    assert (one().bonuses[0].points, one().total) == ("3.000", Decimal("103.00"))
    assert one(entered_late=1).bonuses[0].why == "不计：数据真实完整及时未达到 90"
    assert one(sanction=1).penalties[0].points == "50.000"
    assert len(one(sanction=1).penalties[0].faults["sanction"]) == 9


def test_what_was_opened_again_takes_the_bonus_away() -> None:
    def one(**n: int) -> Score:
        facts = [Fact("a", str(place), n={"decided": 1, "early": 1}) for place in range(9)]
        return scored([*facts, Fact("a", "x", n={"filed": 1, **n})])["甲镇"]

    assert one().bonuses[0].points == "3.000"
    assert (one(reopened=1).bonuses[0].points, one(reopened=1).total) == ("0.000", Decimal("100.00"))
    assert one(reopened=1).bonuses[0].faults == {"reopened": [("a", "x", "")]}


def test_three_yellow_lights_in_a_row_cost_one_point_and_a_hidden_case_five() -> None:
    done = [Fact("a", str(place), no=f"受{place}", person="王明", n={"decided": 1}) for place in range(9)]
    row = Fact("a", "3", no="受1、受2、受3", person="王明", n={"yellow_row": 1}, kind=score.Kind.POST.value)
    hidden = Fact("a", "y", n={"unentered": 1, "concealed": 1})
    clean, yellow, both = (scored([*done, *more])["甲镇"] for more in ([], [row], [hidden, row]))
    assert (clean.total, yellow.total) == (Decimal("100.00"), Decimal("99.00"))
    assert yellow.cases == clean.cases, "a row is no case"
    assert yellow.penalties[1].faults == {"yellow_row": [("a", "3", "受1、受2、受3")]}
    assert both.penalties[2].points == "5.000"
    assert scored([*done, row], Level.PERSON)["甲镇 王明"].total == Decimal("99.00")
    # 9 decided, 10 of the city's rate 1/9: (1 + 10/9) / 19 = 1/9 of the last 25
    data = next(line for line in both.lines if line.id == "data")
    assert data.value == "97.222"
    assert data.faults == {"unentered": [("a", "y", "")]}


def test_a_score_is_of_sites_offices_items_and_persons() -> None:
    facts = cases("a", 9, 1, org="工商所", item="x1", person="王明") + cases("b", 9, item="x1")
    frame = replace(FRAME, items={"x1": "个体登记"})
    assert set(scored(facts, Level.DEPARTMENT, frame)) == {"甲镇 工商所"}
    assert set(scored(facts, Level.PERSON, frame)) == {"甲镇 王明"}
    assert scored(facts, Level.ITEM, frame)["个体登记"].cases == 18


# snapshots ---------------------------------------------------------------------------------------------------

_n = st.dictionaries(st.sampled_from(sorted(scheme.NAMES)), st.integers(1, 3), max_size=6)
_keys = st.tuples(st.sampled_from("abcd"), st.integers(0, 30).map("{:03}".format))
_facts = st.dictionaries(
    _keys, st.tuples(st.sampled_from(["", "工商", "国土"]), st.sampled_from(["", "x1"]), _n), max_size=25
).map(lambda found: [Fact(*key, org=org, item=item, n=n) for key, (org, item, n) in sorted(found.items())])


def _all(facts: list[Fact]) -> list[Score]:
    tallies = score.tally(facts)
    return [one for level in Level for one in score.scores(FRAME, tallies, level)]


@given(_facts)
def test_the_same_snapshot_the_same_scores_and_bytes(facts: list[Fact]) -> None:
    lines = [score.encoded(FRAME), *(score.encoded(fact) for fact in facts)]
    frame, read = score.read(lines)
    again = list(read)
    assert (frame, again) == (FRAME, facts)
    assert [score.encoded(frame), *(score.encoded(fact) for fact in again)] == lines
    mixed = random.Random(1).sample(facts, len(facts))
    shown = [(one.name, one.total, one.rank, one.why) for one in _all(mixed)]
    assert shown == [(one.name, one.total, one.rank, one.why) for one in _all(facts)]


@given(_facts, st.data())
def test_an_objection_granted_changes_exactly_the_lines_it_should(
    facts: list[Fact], data: st.DataObject
) -> None:
    able = [(fact, name) for fact in facts for name in sorted(FAULTS & fact.n.keys())]
    if not able:
        return
    fact, measure = data.draw(st.sampled_from(able))
    preview = score.granted(score.tally(facts), fact, measure, "情况属实")
    again = [score.spare(one, measure, "情况属实") if one is fact else one for one in facts]
    for level in Level:
        assert score.scores(FRAME, preview, level) == score.scores(FRAME, score.tally(again), level)
    before, after = score.tally(facts), score.tally(again)
    touched = set(score.units_of(fact))
    for level in Level:
        for unit, one in before[level].items():
            other = after[level][unit]
            moved = {name for name in MEASURES if one.counts[name] != other.counts[name]}
            assert moved == ({measure} if (level, unit) in touched else set())
            assert (one.faults == other.faults) is ((level, unit) not in touched)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"{}\n"],
        [score.encoded(replace(FRAME, format="other"))],
        [score.encoded(FRAME), b"nonsense\n"],
        [score.encoded(FRAME), *[score.encoded(Fact("a", "1", n={"decided": 1}))] * 2],
        [score.encoded(FRAME), score.encoded(Fact("a", "1", n={"salary": 1}))],
        [score.encoded(FRAME), score.encoded(Fact("a", "1", n={"decided": -1}))],
    ],
)
def test_what_is_no_snapshot_is_refused(lines: list[bytes]) -> None:
    def everything() -> list[Fact]:
        return list(score.read(lines)[1])

    with pytest.raises(RejectedError):
        everything()


@pytest.mark.parametrize(
    ("text", "word", "last", "before"),
    [
        ("2026-06", "2026 年 6 月", "2026-06-30", "2026-05"),
        ("2026-01", "2026 年 1 月", "2026-01-31", "2025-12"),
        ("2026-Q1", "2026 年第 1 季度", "2026-03-31", "2025-Q4"),
        ("2026-H2", "2026 年下半年", "2026-12-31", "2026-H1"),
        ("2026", "2026 年", "2026-12-31", "2025"),
    ],
)
def test_periods(text: str, word: str, last: str, before: str) -> None:
    one = period.parse(text)
    assert (one.word, str(one.last), period.before(one).name) == (word, last, before)
    assert period.before(one, years=1).name == text.replace("2026", "2025")


@pytest.mark.parametrize("text", ["", "2026-13", "2026-Q5", "2026-6", "26-06", "2026-06-01"])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(UsageError):
        period.parse(text)


def test_an_extra_row_needs_its_words() -> None:
    extra = Extra("x", "扣", "sanction", Decimal(5), "x")
    with pytest.raises(UsageError, match="没有写明算法"):
        scheme.checked(_changed(penalties=[extra]))
    assert isinstance(_ROWS[0], Indicator)
