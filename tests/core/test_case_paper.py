"""What may be written about a case, day by day: while the five days run, once they are over, once a licence has expired."""

from datetime import date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from central.core import case, rules
from central.core.case_paper import Ground, facts, grounds
from central.core.compose import compose
from central.core.document import Kind, about, parts_of
from central.core.document_forms import FORMS
from central.core.opinion import MARK
from central.core.ruling import Subject
from common.core.record import Step
from common.core.state import CaseStatus, Light, StepKind
from tests.core.test_articles import PUBLIC, step
from tests.core.test_rules import CALENDAR, ZONE, at, folded
from tests.papers import ISSUER

MONDAY: dict[str, Any] = {"received_at": "2026-03-02T10:00"}
"""The five days end with 2026-03-09."""
DONE: dict[str, Any] = {"accepted_at": "2026-03-02", "finished_at": "2026-03-10", "status": CaseStatus.DONE}


def looked(now: str, *steps: Step, until: str = "", **told: Any) -> tuple[Subject, list[Ground]]:
    now_at = at(now)
    whole = at(until) if until else now_at
    state = case.as_of(folded(*steps, **told), now_at, ZONE)
    verdicts = rules.verdicts(state, PUBLIC, CALENDAR, lambda *_: Light.NONE, whole, now_at, ZONE)
    subject = Subject(state, PUBLIC, verdicts, CALENDAR, ZONE, whole)
    return subject, grounds(subject, now_at)


@pytest.mark.parametrize(
    ("now", "kinds"),
    [
        ("2026-03-04T10:00", [Kind.ONE_TIME]),
        ("2026-03-09T23:59", [Kind.ONE_TIME]),
        ("2026-03-10T00:01", [Kind.DEEMED_ACCEPTED]),
    ],
)
def test_silence_is_warned_of_and_then_named(now: str, kinds: list[Kind]) -> None:
    assert [one.kind for one in looked(now, **MONDAY)[1]] == kinds


def test_silence_is_not_named_while_its_proof_is_on_its_way() -> None:
    assert looked("2026-03-11T10:00", until="2026-03-09T12:00", **MONDAY)[1] == []


def test_deemed_acceptance_runs_from_the_receipt_and_says_what_came_too_late() -> None:
    (silent,) = looked("2026-03-11T10:00", **MONDAY)[1]
    assert (silent.received, silent.budget, silent.due) == (
        date(2026, 3, 2),
        "承诺时限10个工作日",
        date(2026, 3, 16),
    )
    assert silent.state == "已满五个工作日，没有受理，也没有告知补正"
    (late,) = looked("2026-03-12T10:00", accepted_at="2026-03-11", **MONDAY)[1]
    assert late.state.startswith("2026年3月11日才受理")
    (asked,) = looked("2026-03-12T10:00", step(StepKind.SUPPLEMENT, "2026-03-11"), **MONDAY)[1]
    assert asked.state.startswith("2026年3月11日才告知补正")


@pytest.mark.parametrize(
    "told",
    [
        MONDAY | {"accepted_at": "2026-03-03"},
        DONE | MONDAY,
        MONDAY | {"status": CaseStatus.REFUSED_ACCEPTANCE, "finished_at": "2026-03-03"},
        {},
    ],
)
def test_what_was_said_in_time_or_is_over_gives_no_reason(told: dict[str, Any]) -> None:
    assert looked("2026-03-12T10:00", **told)[1] == []


def test_a_renewal_counts_as_granted_after_the_last_day_of_the_licence() -> None:
    renew = step(StepKind.RENEW, due_at="2026-03-20", asked_at="2026-01-05")
    told = MONDAY | {"accepted_at": "2026-03-03"}
    assert looked("2026-03-20T23:00", renew, **told)[1] == []
    assert looked("2026-03-21T10:00", renew, until="2026-03-20T12:00", **told)[1] == []
    (one,) = looked("2026-03-21T10:00", renew, **told)[1]
    assert (one.kind, one.due, one.received) == (Kind.DEEMED_RENEWED, date(2026, 3, 20), date(2026, 3, 2))
    late = replace(renew, asked_at="2026-03-02")
    assert looked("2026-03-21T10:00", late, **told)[1] == [], (
        "applied for less than 30 working days before (L50)"
    )


@pytest.mark.parametrize("now", ["2026-03-04T10:00", "2026-03-11T10:00"])
def test_a_form_finds_all_its_facts(now: str) -> None:
    subject, (one,) = looked(now, **MONDAY)
    moment = datetime.fromisoformat(now)
    made = compose(
        FORMS[one.kind],
        facts(one, subject, ("云溪镇", "食品经营许可", None), moment, MARK),
        ISSUER,
        2026,
        1,
        "code",
    )
    words = str(made.blocks)
    assert "{" not in words
    assert "规则第 1 版（未经法律审核）" in str(made)
    assert "《中华人民共和国行政许可法》第三十二条第（四）项" in words
    assert "未编号" in words
    bare = replace(one, received=None)
    with pytest.raises(Exception, match="收件日期"):
        compose(
            FORMS[one.kind], facts(bare, subject, ("云溪镇", None, None), moment, ""), ISSUER, 2026, 1, "c"
        )


def test_a_subject_is_read_as_it_was_written() -> None:
    parts = ["case", "s01", "a/b 第1号%2F", ""]
    assert parts_of(about(*parts)) == parts
