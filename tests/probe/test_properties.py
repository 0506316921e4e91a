"""Whatever a catalogue and its rows say, the draft is TOML, and shows no value as it is."""

import tomllib
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.core.catalogue import CatalogColumn, CatalogTable
from agent.core.mapping import SourceConfig
from agent.core.probe import charset, draft, links, names, words
from agent.core.probe.guess import SURE
from agent.core.probe.render import rendered
from agent.core.probe.sampled import Sampled, sampled
from common.core.mask import masked
from common.core.state import CaseStatus, StepKind

_NAMES = st.sampled_from(
    ["SLSJ", "BJSJ", "SQR", "SLBH", "ZT", "XGSJ", "id", "status", "受理时间", "申请人", "办件编号", "end_time", "XH", "HJMC",
     "opinion", "phone", "applyNo", "kind"]
)  # fmt: skip
_COMMENTS = st.one_of(
    st.just(""), st.sampled_from(["状态（0已收件 1已办结）", "受理时间"]), st.text(max_size=30)
)
_SECRETS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "Zs", "Cc")), min_size=7, max_size=40
).filter(lambda text: any(char.isalnum() for char in text[4:]))
_VALUES = st.one_of(
    st.none(),
    st.integers(-(10**15), 10**15),
    _SECRETS,
    _SECRETS.map(lambda text: text.encode("gb18030")),
    st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001
    st.sampled_from(["0000-00-00", "已办结", "2026-06-12 08:30:00", "20260612", "1900-01-01", "13900001234"]),
)


@st.composite
def seen_tables(draw: st.DrawFn) -> list[Sampled]:
    """Tables with names that vendors use, texts that nobody expects, and any values."""
    made = []
    for number in range(draw(st.integers(0, 3))):
        columns = draw(st.lists(_NAMES, min_size=1, max_size=8, unique=True))
        rows = draw(st.lists(st.tuples(*[_VALUES] * len(columns)), max_size=6)) * draw(
            st.sampled_from([1, 8])
        )
        listed = tuple(CatalogColumn(name, draw(st.text(max_size=8)), draw(_COMMENTS)) for name in columns)
        keys = ((columns[0],),) if draw(st.booleans()) else ()
        table = CatalogTable(f"表{number}", listed, draw(_COMMENTS), keys=keys)
        made.append(sampled(table, columns, rows, whole=draw(st.booleans())))
    return made


def drafted(tables: list[Sampled]) -> str:
    case = draft.case_table(tables)
    shares = {
        one.table.name: {
            (pair.column, pair.target): links.share(pair, case) for pair in links.pairs(one, case)
        }
        for one in tables
        if case is not None and one is not case
    }
    return rendered(SourceConfig("sqlite", path="a.db"), draft.drafted(case, tables, shares))


@given(seen_tables())
@settings(max_examples=100, deadline=None)
def test_any_catalogue_gives_valid_toml_without_its_values(tables: list[Sampled]) -> None:
    text = drafted(tables)
    assert tomllib.loads(text)["version"] == 1
    told = {value for one in tables for profile in one.profiles.values() for value in profile.texts if value}
    own = drafted([])  # a value may be a word of the file itself: version
    plain = {
        value
        for value in told
        if len(value) > 6 and value not in own and not words.canonical("status", value)
    }
    nobodys = {
        profile.sentinel[:10] for one in tables for profile in one.profiles.values()
    }  # 1900-01-01: none
    shown = [value for value in plain - nobodys if value in text and masked(value) != value]
    assert shown == []


@given(seen_tables())
@settings(max_examples=50, deadline=None)
def test_a_case_table_whose_values_are_anything_still_gives_toml(tables: list[Sampled]) -> None:
    """Forced into the role: what no scoring would choose must not break the text either."""
    for case in tables:
        shares: dict[str, dict[tuple[str, str], float]] = {
            one.table.name: {(pair.column, pair.target): 1.0 for pair in links.pairs(one, case)}
            for one in tables
            if one is not case
        }
        made = draft.drafted(case, tables, shares)
        tomllib.loads(rendered(SourceConfig("sqlite", path="a.db"), made))


@given(st.text())
def test_a_masked_value_is_short_one_line_and_tells_at_most_a_third(text: str) -> None:
    shown = masked(text)
    assert len(shown) <= 20
    assert not any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 for char in shown)
    if len(text.strip()) > 6:
        kept = sum(char.isalnum() for char in shown)
        letters = sum(char.isalnum() for char in text)
        assert kept <= max(3, letters // 2, 7 if text.lstrip()[:2] in {"19", "20"} else 0)


def test_masks_of_what_offices_hold() -> None:
    assert masked("王小明") == "王*"
    assert masked("13912345678") == "139********"
    assert masked("37990219800101123X") == "379***************"
    assert masked("2026-06-12 08:30:00") == "2026-06-** **:**:**"
    assert masked("9") == "9"
    assert masked("云溪镇鑫源商贸有限公司") == "云**"


@given(st.text(), st.text())
def test_names_are_read_without_a_fault_and_confidence_is_a_share(name: str, comment: str) -> None:
    for role in ("case", "step"):
        found = names.named(role, name, comment)
        assert all(0 < one.confidence <= 1 and one.reason for one in found)


@given(st.sampled_from(["status", "kind"]), st.text())
def test_a_word_is_canonical_or_unknown(field: str, word: str) -> None:
    known: Any = CaseStatus if field == "status" else StepKind
    said = words.canonical(field, word)
    assert said == "" or said in set(known)


def test_words_with_two_meanings_stay_unknown() -> None:
    for word in ("退件", "补正", "终止", "退回", "作废", "REJECTED", "PENDING", "CANCELLED"):
        assert words.canonical("status", word) == "", word


def test_a_comment_explains_codes() -> None:
    assert words.legend("状态（0已收件 1已受理 9已办结）") == {"0": "已收件", "1": "已受理", "9": "已办结"}
    assert words.legend("办件状态：S收件 A受理") == {"S": "收件", "A": "受理"}
    assert words.legend("状态 0-收件,1-受理;2:办结") == {"0": "收件", "1": "受理", "2": "办结"}
    assert words.legend("受理时间") == {}


_NAMES_OF_PEOPLE = ["行政审批", "王小明", "受理窗口", "龙泉镇卫生所", "张喆", "不予许可"]


def test_charset_is_told_from_what_was_stored() -> None:
    assert charset.scored([name.encode() for name in _NAMES_OF_PEOPLE]).charset == ""
    assert charset.scored([name.encode("gb18030") for name in _NAMES_OF_PEOPLE]).charset == "gb18030"
    latin = [name.encode("gb18030").decode("latin-1") for name in _NAMES_OF_PEOPLE]
    assert charset.scored(latin).charset == "gb18030"
    assert charset.scored([name.encode().decode("latin-1") for name in _NAMES_OF_PEOPLE]).charset == "utf-8"
    assert charset.scored(_NAMES_OF_PEOPLE).charset == ""
    assert charset.scored([*_NAMES_OF_PEOPLE, "王??"]).lost == 1
    assert charset.scored(["Smith", "Jones"]).confidence <= 0.5, "nothing to tell by"


@pytest.mark.parametrize(
    ("role", "name", "field", "sure"),
    [
        ("step", "LRSJ", "recorded_at", True),
        ("step", "录入时间", "recorded_at", True),
        ("case", "录入时间", "created", True),
        ("step", "due_at", "due_at", True),
        ("step", "planned_at", "due_at", False),
        ("step", "happened_at", "finished_at", False),
        ("step", "限期时间", "due_at", True),
    ],
)
def test_what_a_role_has_a_field_for_is_that_and_a_plan_is_no_limit(
    role: str, name: str, field: str, sure: bool
) -> None:
    found = names.named(role, name)
    assert [item.field for item in found] == [field]
    assert (found[0].confidence >= SURE) is sure
