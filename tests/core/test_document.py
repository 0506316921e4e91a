"""Documents: every kind can be composed, says no more than its day knows, and four eyes see it."""

import string
from datetime import date, timedelta
from itertools import product
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from central.core.access import Role
from central.core.compose import COURSE, NAMES, Counted, Facts, cite, compose, facts_hash, needed, said
from central.core.document import (
    CODE_LETTERS,
    Act,
    Kind,
    Paragraph,
    decoded,
    encoded,
    number_text,
    read_code,
    refusal,
    verification_code,
)
from central.core.document_forms import FORMS
from common.core.errors import UsageError
from tests.papers import FACTS, ISSUER, SECRET, paper

KINDS = list(Kind)


def test_every_kind_has_one_form_and_a_series_of_its_own() -> None:
    assert set(FORMS) == set(Kind)
    assert len({kind.mark for kind in Kind}) == len({kind.word for kind in Kind}) == len(Kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_asks_only_for_facts_that_have_a_name(kind: Kind) -> None:
    known = {field.name for field in fields(Facts)}
    assert set(needed(FORMS[kind])) <= set(NAMES) <= known
    assert set(COURSE) <= set(NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_composes_from_its_facts_and_leaves_no_place_open(kind: Kind) -> None:
    made = paper(kind)
    text = "".join(made.title) + "".join(block.text for block in made.blocks if isinstance(block, Paragraph))
    for trace in ("{", "None", "\0", "。。"):
        assert trace not in text
    assert made.number == f"云监{kind.mark}〔2026〕18号"
    assert decoded(encoded(made)) == made
    if FORMS[kind].names_law:
        assert "第四十二条" in text
        assert "L42-P" in text
        assert "L42-P" in made.basis


@pytest.mark.parametrize("kind", KINDS)
def test_each_missing_fact_is_named(kind: Kind) -> None:
    empty: dict[str, object] = {field.name: field.default for field in fields(Facts) if not field.required}
    for name in needed(FORMS[kind]):
        if name == "as_of":
            continue
        with pytest.raises(UsageError, match=NAMES[name]):
            paper(kind, replace(FACTS, **{name: empty[name]}))


@pytest.mark.parametrize("kind", [Kind.ORDER, Kind.EXPLAIN, Kind.ACCOUNTABILITY])
def test_a_breach_that_no_clock_shows_is_told_without_one_and_half_a_limit_is_refused(kind: Kind) -> None:
    none = {"accepted": None, "budget": None, "due": None}
    first = paper(kind, replace(FACTS, **none, matter="不予许可未说明理由")).blocks[0]
    assert isinstance(first, Paragraph)
    assert "时限" not in first.text
    assert "（受理编号SQ20260527-2418），" in first.text
    for name in none:
        with pytest.raises(UsageError, match=NAMES[name]):
            paper(kind, replace(FACTS, **{name: None}))


@pytest.mark.parametrize("kind", [kind for kind in Kind if FORMS[kind].names_law])
def test_nothing_is_held_against_anybody_without_rule_and_article(kind: Kind) -> None:
    assert {"rule", "articles"} <= set(needed(FORMS[kind]))
    text = "".join(FORMS[kind].paragraphs)
    assert "{articles}" in text
    assert "{rule}" in text


def test_an_answer_is_never_due_by_a_day_that_can_be_read_both_ways() -> None:
    for form in FORMS.values():
        for text in form.paragraphs:
            for before, name, _, _ in Formatter().parse(text):
                assert before is not None
                if name in {"due", "answer_by"}:
                    after = text.partition("{" + name + "}")[2]
                    assert after.startswith("24时前"), (form.kind, text)


def test_a_document_cannot_speak_of_a_later_day() -> None:
    with pytest.raises(UsageError, match="之后"):
        paper(facts=replace(FACTS, accepted=date(2026, 6, 12)))
    with pytest.raises(UsageError, match="之前"):
        paper(facts=replace(FACTS, answer_by=date(2026, 6, 10)))


def test_the_days_that_were_counted_stand_in_the_attachment_with_their_sum() -> None:
    (attachment,) = paper().attachments
    (table,) = attachment.blocks
    rows = table.rows  # type: ignore[union-attr]
    assert rows[0] == ("2026年5月27日", "不计", "受理当日不计")
    assert rows[1] == ("2026年5月28日至29日", "2", "计入")
    assert rows[-1] == ("合计", "10", "个工作日")
    across = Counted(date(2026, 12, 31), date(2027, 1, 3), 1, "计入")
    made = paper(facts=replace(FACTS, days=(across,))).attachments[0].blocks[0]
    assert made.rows[0][0] == "2026年12月31日至2027年1月3日"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("article", "words"),
    [
        ("行政许可法 42", "《中华人民共和国行政许可法》第四十二条"),
        ("行政许可法 58、59", "《中华人民共和国行政许可法》第五十八条、第五十九条"),
        ("行政许可法 32(一)(二)", "《中华人民共和国行政许可法》第三十二条第（一）、（二）项"),
        ("行政许可法 10", "《中华人民共和国行政许可法》第十条"),
        ("承诺", "承诺"),
    ],
)
def test_articles_are_cited_in_full(article: str, words: str) -> None:
    assert cite(article) == words


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 400))
def test_a_document_of_any_day_frozen_is_the_same_document(day: date, age: int) -> None:
    facts = replace(
        FACTS,
        as_of=FACTS.as_of.replace(day.year, day.month, day.day),
        received=day - timedelta(age),
        accepted=day - timedelta(age),
        answer_by=day + timedelta(age),
    )
    made = paper(facts=facts)
    assert made.day == said(day)
    assert encoded(made) == encoded(paper(facts=facts))
    other = replace(facts, calendar_version=2)
    assert facts_hash(other, ISSUER) != facts_hash(facts, ISSUER)


@given(st.sampled_from(KINDS), st.integers(2000, 2999), st.integers(1, 99_999))
def test_a_number_reads_as_the_standard_writes_it(kind: Kind, year: int, number: int) -> None:
    assert number_text("云监", kind, year, number) == f"云监{kind.mark}〔{year}〕{number}号"


@given(st.text(max_size=20), st.text(max_size=20), st.data())
def test_a_code_is_read_as_people_type_it(number: str, facts: str, data: st.DataObject) -> None:
    code = verification_code(SECRET, number, facts)
    assert code == verification_code(SECRET, number, facts)
    assert len(code.replace("-", "")) == CODE_LETTERS
    typed = code.lower().replace("-", data.draw(st.sampled_from(["", " ", "-", "—", "－"])))
    typed = typed.replace("0", data.draw(st.sampled_from("0oO"))).replace(
        "1", data.draw(st.sampled_from("1ilIL"))
    )
    assert read_code(typed) == code
    assert verification_code(bytes(32), number, facts) != code
    assert verification_code(SECRET, number + "x", facts) != code


@given(st.text(string.printable, max_size=30))
def test_what_is_no_code_is_none(text: str) -> None:
    read = read_code(text)
    assert read is None or read_code(read) == read


@pytest.mark.parametrize("act", list(Act))
def test_nobody_signs_what_they_drafted(act: Act) -> None:
    before = {Act.SIGN: Act.DRAFT}.get(act)
    for form, role in product(FORMS.values(), Role):
        assert form.may(act), "somebody can do each act"
        if role not in form.may(act):
            assert refusal(form, act, "a", role, dict.fromkeys(Act, "b"))
        elif before is None:
            assert not refusal(form, act, "a", role, {})
        else:
            assert refusal(form, act, "a", role, {})
            assert refusal(form, act, "a", role, {before: "a"})
            assert not refusal(form, act, "a", role, {before: "b"})


def test_a_name_with_braces_is_no_place_of_the_form() -> None:
    facts = replace(FACTS, item="食品{case_no}许可", case_no="{0}")
    assert "食品{case_no}许可" in compose(FORMS[Kind.ORDER], facts, ISSUER, 2026, 1, "c").title[0]
