"""What is published of a run: two implementations agree on every total, and no small cell gets out."""

import csv
import io
import itertools
import json
from decimal import ROUND_HALF_EVEN, localcontext
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import release, score
from central.core.measure import MEASURES
from central.core.release import Released
from central.core.score import Fact, Level, Score
from central.data import recompute
from common.core.errors import RejectedError
from tests.core.test_score import FRAME

_part = st.dictionaries(st.sampled_from(sorted(MEASURES)), st.just(1), max_size=8)
_unit = st.tuples(
    st.sampled_from("abcd"), st.sampled_from(["", "工商", "国土"]), st.integers(1, 40), _part, _part
)


def _facts(units: list[tuple[str, str, int, dict[str, int], dict[str, int]]]) -> list[Fact]:
    """Of each unit some cases, every third with another set of counts."""
    return [
        Fact(site, f"{number}-{place:03}", org=org, item=f"i{place % 2}", n=other if place % 3 == 2 else most)
        for number, (site, org, count, most, other) in enumerate(units)
        for place in range(count)
    ]


def _results(facts: list[Fact]) -> list[Score]:
    tallies = score.tally(facts)
    return [one for level in Level for one in score.scores(FRAME, tallies, level)]


def _made(
    facts: list[Fact], *, merges: bool = False, levels: tuple[Level, ...] = release.PUBLIC_LEVELS
) -> tuple[Released, list[Score], dict[str, bytes]]:
    found = _results(facts)
    public = release.released(FRAME, found, merges=merges, levels=levels)
    return public, found, release.files(public, "六月公告", "0" * 64, b"")


@settings(max_examples=60)
@given(st.lists(_unit, max_size=8))
def test_the_published_script_comes_to_the_same_totals_grades_and_places(units: list[Any]) -> None:
    _, found, files = _made(_facts(units))
    with localcontext() as context:
        context.prec, context.rounding = 28, ROUND_HALF_EVEN
        again = recompute.ranking(json.loads(files["scheme.json"]), json.loads(files["counts.json"]))
    expected = {
        (one.level.value, one.name): (one.total, one.grade, one.rank)
        for one in found
        if one.level is not Level.PERSON
    }
    assert {
        (one["level"], one["name"]): (one["total"], one["grade"], one["rank"]) for one in again
    } == expected


@settings(max_examples=60)
@given(st.lists(_unit, max_size=8), st.booleans())
def test_what_passes_the_check_has_no_small_cell(units: list[Any], merges: bool) -> None:
    facts = _facts(units)
    public, found, files = _made(facts, merges=merges)
    if release.faults(public, "六月公告", {"王明"}, found):
        return
    bases = {"cases", *(row.of for row in FRAME.scheme.indicators)}
    for unit in public.units:
        assert all(count >= 5 for name, count in unit.counts.items() if name in bases)
    shown = json.loads(files["counts.json"])
    assert "city" not in shown
    for name in bases:  # whoever adds up and subtracts, with the city's cases from elsewhere
        totals = [
            sum(unit["counts"].get(name, 0) for unit in shown["units"] if unit["level"] == level)
            for level in ("site", "department", "item")
        ]
        totals += [len(facts)] if name == "cases" else []
        for one, other in itertools.combinations([total for total in totals if total], 2):
            assert not 0 < abs(one - other) < 5, name
        for site in [unit for unit in shown["units"] if unit["level"] == "site"]:
            inside = sum(
                unit["counts"].get(name, 0)
                for unit in shown["units"]
                if unit["level"] == "department" and unit["name"].startswith(f"{site['name']} ")
            )
            assert not inside or not 0 < abs(site["counts"].get(name, 0) - inside) < 5, (site["name"], name)
    assert {unit.level for unit in public.units} <= {Level.SITE, Level.DEPARTMENT, Level.ITEM}


def test_a_base_that_only_a_formula_reads_is_a_cell_too() -> None:
    rows = [replace(row, of="decided") if row.id == "fee" else row for row in FRAME.scheme.indicators]
    frame = replace(FRAME, scheme=replace(FRAME.scheme, indicators=rows))
    facts = [
        Fact("a", f"{place}", n={"decided": 1} | ({"fee_of": 1} if place < 3 else {})) for place in range(9)
    ]
    found = score.scores(frame, score.tally(facts), Level.SITE)
    public = release.released(frame, found, merges=True)
    said = release.faults(public, "六月公告", set(), found)
    assert [fault for fault in said if "的“有收费标准的办结”只有 3 件" in fault] == [
        "甲镇（站点）的“有收费标准的办结”只有 3 件，少于 5 件"
    ]


def _rated(site: str, org: str, cases: int, ratings: int) -> list[Fact]:
    return [
        Fact(
            site, f"{org}{place:02}", org=org, item="x",
            n={"decided": 1} | ({"rating_of": 1, "rating_points": 80} if place < ratings else {}),
        )
        for place in range(cases)
    ]  # fmt: skip


def test_few_ratings_of_one_site_are_not_what_the_city_has_more_than_the_others(tmp_path: Path) -> None:
    facts = [*_rated("a", "", 20, 20), *_rated("b", "", 20, 3)]
    public, found, files = _made(facts, levels=(Level.SITE,))
    assert release.faults(public, "六月公告", set(), found) == []
    said = json.loads(files["counts.json"])
    assert {unit["name"]: unit["counts"].get("rating_of") for unit in said["units"]} == {
        "甲镇": 20,
        "乙镇": None,
    }
    assert "city" not in said, "nor is the whole, 23, anywhere"
    for name, body in files.items():
        (tmp_path / name).write_bytes(body)
    assert recompute.differences(tmp_path)[1] == []


def test_what_offices_and_items_leave_of_their_sites_is_refused_and_sites_alone_are_not() -> None:
    facts = [*_rated("a", "国土", 20, 3), *_rated("a", "工商", 20, 20)]
    public, found, _ = _made(facts)
    said = release.faults(public, "六月公告", set(), found)
    assert said == [
        "各站点的“评价”与各部门相差 3 件，少于 5 件",
        "各部门的“评价”与各事项相差 3 件，少于 5 件",
        "甲镇的“评价”与其各部门相差 3 件，少于 5 件",
    ]
    for levels in ((Level.SITE,), (Level.SITE, Level.ITEM)):
        public, found, _ = _made(facts, levels=levels)
        assert {unit.level for unit in public.units} == set(levels)
        assert release.faults(public, "六月公告", set(), found) == []


def test_of_the_city_too_nothing_is_shown_that_rests_on_few_cases() -> None:
    facts = [
        Fact("a", f"{place}", n={"decided": 1} | ({"rating_of": 1} if place < 3 else {}))
        for place in range(9)
    ]
    public, found, _ = _made(facts)
    assert "rating_of" not in public.units[0].counts
    assert release.faults(public, "六月公告", set(), found) == []


def test_two_items_of_one_name_are_computed_anew_each_for_itself(tmp_path: Path) -> None:
    frame = replace(FRAME, items={"x": "食品经营许可", "y": "食品经营许可"})
    facts = [
        Fact("a", f"{place:02}", item="xy"[place % 2], n={"decided": 1} | ({"disordered": 1} if place == 3 else {}))
        for place in range(20)
    ]  # fmt: skip
    tallies = score.tally(facts)
    found = score.scores(frame, tallies, Level.ITEM)
    sites = score.scores(frame, tallies, Level.SITE)
    assert found[0].total != found[1].total
    public = release.released(frame, [*sites, *found], merges=False)
    for name, body in release.files(public, "六月公告", "0" * 64, b"").items():
        (tmp_path / name).write_bytes(body)
    assert recompute.differences(tmp_path)[1] == []
    ranking = json.loads((tmp_path / "ranking.json").read_text("utf-8"))
    ranking["units"].reverse()
    ranking["units"][0]["name"] = "别的"
    (tmp_path / "ranking.json").write_text(json.dumps(ranking), "utf-8")
    assert recompute.differences(tmp_path)[1] == ["公布的单位与计数的单位不同"]


def test_the_packet_for_the_press_is_the_files_and_says_the_results() -> None:
    facts = [Fact("a", f"{place}", n={"decided": 1}) for place in range(9)] + [
        Fact("b", "1", n={"decided": 1})
    ]
    _, found, files = _made(facts)
    body = release.packet(files, "2026-06")
    assert body == release.packet(dict(reversed(files.items())), "2026-06")
    with ZipFile(io.BytesIO(body)) as packed:
        assert {name: packed.read(f"2026-06/{name}") for name in files} == files
        assert len(packed.namelist()) == len(files)
    (best,) = [one for one in found if one.level is Level.SITE and one.rank]
    said = files["README.txt"].decode()
    assert f"{best.group}第 1 名：{best.name}，{best.total} 分，{best.grade}。" in said
    assert "只有 1 件，少于 5 件，不参与排名。" in said


def test_the_method_says_which_rows_need_more_cases() -> None:
    scheme = FRAME.scheme
    assert any("某项不足 5 件或没有数据的不适用" in line for line in release.method(scheme))
    rows = [replace(scheme.indicators[0], min_of=20), *scheme.indicators[1:]]
    said = release.method(replace(scheme, indicators=rows))
    assert any("某项不足 5 件（法定时限合规为 20 件）或没有数据的不适用" in line for line in said)


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("经办人 13912345678", "号码"),
        ("证件 11010119900307123X", "号码"),
        ("人民路12号的办件", "住址"),
        ("王明的办件", "人名"),
    ],
)
def test_a_title_with_personal_data_is_refused(title: str, words: str) -> None:
    public, found, _ = _made([Fact("a", f"{place}", n={"decided": 1}) for place in range(9)])
    (fault,) = release.faults(public, title, {"王明", "王"}, found)
    assert words in fault


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "＝1+1", " =1+1", '"=1+1"', "\r=1", "|calc"])
def test_a_unit_s_name_is_no_formula(name: str) -> None:
    frame = replace(FRAME, items={"x": name})
    tallies = score.tally([Fact("a", f"{place}", item="x", n={"decided": 1}) for place in range(9)])
    public = release.released(frame, score.scores(frame, tallies, Level.ITEM), merges=False)
    body = release.files(public, "六月公告", "0" * 64, b"")["ranking.csv"].decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(body)))[1][2] == f"'{' '.join(name.splitlines())}"


def test_a_changed_a_missing_and_an_added_file_are_told() -> None:
    _, _, files = _made([Fact("a", f"{place}", n={"decided": 1}) for place in range(9)])
    release.check_sums(files)
    for changed in (
        files | {"ranking.csv": b"x"},
        {name: body for name, body in files.items() if name != "ranking.csv"},
        files | {"more.csv": b"x"},
        {name: body for name, body in files.items() if name != "SHA256SUMS"},
    ):
        with pytest.raises(RejectedError):
            release.check_sums(changed)
