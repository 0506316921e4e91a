"""Answers to documents: which are asked for, and how one stands by the day."""

from datetime import date

import pytest
from msgspec.structs import replace

from central.core import answer
from central.core.answer import Standing
from central.core.document import Kind
from central.core.dossier import File
from tests.papers import FACTS

LAST = date(2026, 6, 18)
FACTS_ASKED = replace(FACTS, answer_by=LAST, due=date(2026, 6, 16))


def test_only_what_its_form_asks_for_has_a_day() -> None:
    asked = {kind: answer.last_day(kind, FACTS_ASKED) for kind in Kind}
    assert {kind: day for kind, day in asked.items() if day is not None} == {
        Kind.PROPOSAL: LAST,
        Kind.DISPLAY: LAST,
        Kind.ONE_TIME: date(2026, 6, 16),
    }


@pytest.mark.parametrize(
    ("last", "first", "today", "is_void", "expected"),
    [
        (LAST, None, LAST, False, Standing.OWED),
        (LAST, None, date(2026, 6, 19), False, Standing.OVERDUE),
        (LAST, None, date(2026, 6, 19), True, Standing.UNASKED),
        (LAST, LAST, date(2026, 7, 1), False, Standing.ANSWERED),
        (LAST, date(2026, 6, 19), date(2026, 7, 1), True, Standing.LATE),
        (None, None, date(2026, 7, 1), False, Standing.UNASKED),
        (None, LAST, date(2026, 7, 1), False, Standing.ANSWERED),
    ],
)
def test_the_named_day_counts_whole_and_a_late_answer_says_so(
    last: date | None, first: date | None, today: date, is_void: bool, expected: Standing
) -> None:
    assert answer.standing(last, first, today, is_void=is_void) is expected


def test_what_is_no_answer_says_why() -> None:
    scan = (File("a.pdf", b"%PDF-1.7"),)
    assert answer.fault("已经办理", (), 0, on_paper=False) == ""
    assert answer.fault("已经办理", scan, 9, on_paper=True) == ""
    assert "最多答复 10 次" in answer.fault("已经办理", scan, 10, on_paper=False)
    assert "扫描件" in answer.fault("已经办理", (), 0, on_paper=True)
    assert "不是 PDF" in answer.fault("已经办理", (File("a.pdf", b"MZ"),), 0, on_paper=False)
