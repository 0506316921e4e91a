"""What versions of a row show: T1 to T6, each with its counter-example, in whatever order and number they come."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import observed
from central.core.conduct import needs_history
from central.core.context import Finding, Lit
from central.core.versions import Version, pairs
from common.core.instant import DAY, HOUR, MINUTE, SECOND, from_us
from common.core.record import Case, Cause, Observation, Op, Step
from common.core.state import CaseStatus, ClockKind, FindingCode, Light
from tests.core.lives import (
    ACCEPTED,
    CONTEXT,
    NOON,
    OPEN,
    OVERDUE,
    SEEN,
    ZONE,
    T,
    codes,
    done,
    found,
    text,
    version,
)

# T2 to T6 -------------------------------------------------------------------------------------------------------

TOLD: dict[str, Any] = {
    **ACCEPTED,
    "received_at": text(NOON - 10 * DAY),
    "finished_at": text(NOON - 2 * DAY),
    "status": CaseStatus.DONE,
}
REPORTED = version(1, NOON - 2 * DAY, **TOLD)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"finished_at": text(NOON - 3 * DAY)}, [T.T2]),
        ({"finished_at": text(NOON - 2 * DAY + 30 * SECOND)}, []),
        ({"finished_at": text(NOON - 2 * DAY)[:10]}, []),  # the same day, told less exactly
        ({"accepted_at": text(NOON - 7 * DAY)}, [T.T2]),
        ({"accepted_at": None}, [T.T2]),
        ({"accepted_at": "1900-01-01"}, [T.T2]),
        ({"received_at": text(NOON - 8 * DAY)}, [T.T2]),
        ({"received_at": None}, [T.T2]),
        ({"finished_at": text(NOON - 2 * DAY + MINUTE)}, []),  # exactly what a site is forgiven
        ({"finished_at": text(NOON - 2 * DAY + MINUTE + SECOND)}, [T.T2]),
        ({"finished_at": "9999-12-31"}, [T.T6]),  # many a vendor's "open"
        ({"finished_at": None, "status": CaseStatus.DONE}, [T.T6]),
        ({"finished_at": None, "status": CaseStatus.IN_PROGRESS}, [T.T6]),
        ({"status": CaseStatus.IN_PROGRESS}, [T.T6]),
        ({"applicant": "某公司"}, []),
        (
            {"accepted_at": text(NOON - 7 * DAY), "status": CaseStatus.ACCEPTED},
            [T.T2, T.T6],
        ),
    ],
)
def test_what_was_reported_and_is_changed_or_taken_back(
    fields: dict[str, Any], expected: list[FindingCode]
) -> None:
    assert codes(REPORTED, version(2, NOON, **{**TOLD, **fields})) == expected


def test_the_same_instant_in_another_zone_is_no_change() -> None:
    utc = from_us(NOON - 2 * DAY, ZoneInfo("UTC")).isoformat()
    assert codes(REPORTED, version(2, NOON, **{**TOLD, "finished_at": utc})) == []


LIT = replace(
    CONTEXT,
    lights=[Lit(Light.YELLOW, NOON - DAY, ClockKind.STATUTE), Lit(Light.RED, NOON - HOUR, ClockKind.STATUTE)],
)


WEEK = {"promised": 5, "promised_unit": "workdays"}
SEVEN = {"promised": 7, "promised_unit": "days"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"deadline": text(NOON + DAY)}, {"deadline": text(NOON + 9 * DAY)}),
        ({"deadline": text(NOON + DAY)}, {"deadline": text(NOON + DAY + MINUTE + SECOND)}),
        ({"deadline": text(NOON + DAY)}, {"deadline": None}),
        ({"deadline": text(NOON + DAY)}, {"deadline": "9999-12-31"}),
        ({"deadline": text(NOON + DAY)}, {"invalid": {"deadline": "0000-00-00"}}),
        (WEEK, {"promised": 9, "promised_unit": "workdays"}),
        (WEEK, {"promised": 8, "promised_unit": "days"}),
        (SEVEN, {"promised": 7, "promised_unit": "workdays"}),
        (SEVEN, {"promised": 6, "promised_unit": "workdays"}),
        (SEVEN, {"promised": 8, "promised_unit": "days"}),
        (WEEK, {"promised": None}),
        (WEEK, {"promised": 0, "promised_unit": "workdays"}),
        ({"legal": 20}, {"legal": 30}),
        ({"legal": 20}, {"legal": None}),
    ],
)
def test_a_limit_stretched_or_taken_away_after_a_light(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = version(1, NOON - 2 * DAY, **ACCEPTED, **old), version(2, NOON, **ACCEPTED, **new)
    assert codes(before, after) == []
    assert codes(before, after, context=LIT) == [T.T3]
    shorter = replace(before, version=2, cap_at=NOON, same_until=SEEN)
    assert codes(replace(after, version=1, cap_at=NOON - 2 * DAY), shorter, context=LIT) == []
    later = replace(CONTEXT, lights=[Lit(Light.YELLOW, SEEN, ClockKind.STATUTE)])
    assert codes(before, after, context=later) == []  # the light came when it was stretched already
    off = replace(LIT, clock_err=DAY - MINUTE)
    assert codes(before, after, context=off) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"deadline": text(NOON + DAY)}, {"deadline": text(NOON + DAY + MINUTE)}),  # what a site is forgiven
        (
            {"deadline": text(NOON + DAY)},
            {"invalid": {"deadline": "2026-06-31"}},
        ),  # nobody can read what it says
        (
            {"deadline": text(NOON + DAY), **WEEK, "legal": 20},
            {"status": CaseStatus.DONE},
        ),  # over, nothing runs
        ({"deadline": text(NOON + DAY)}, {"finished_at": text(NOON)}),
        (WEEK, {"promised": 7, "promised_unit": "days"}),  # the same in another unit
        (SEVEN, WEEK),
        (WEEK, {"promised": 5, "promised_unit": "days"}),
        ({"promised": 0, "promised_unit": "workdays"}, WEEK),  # no days are no limit
        ({"legal": -1}, {"legal": None}),
    ],
)
def test_a_limit_that_is_no_longer_is_not_stretched(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = version(1, NOON - 2 * DAY, **ACCEPTED, **old), version(2, NOON, **ACCEPTED, **new)
    assert codes(before, after, context=LIT) == []


def test_a_limit_says_in_which_unit_it_was_and_is_counted() -> None:
    before, after = (
        version(1, NOON - 2 * DAY, **WEEK),
        version(2, NOON, promised=9, promised_unit="days", legal=3),
    )
    assert "承诺时限由 5 个工作日延至 9 天，此前" in found(before, after, context=LIT)[0].words
    gone = version(2, NOON)
    assert "承诺时限由 5 个工作日改为空，此前" in found(before, gone, context=LIT)[0].words


def test_a_deadline_moved_after_it_had_passed_needs_no_light_to_be_known() -> None:
    before = version(1, NOON - 2 * DAY, **ACCEPTED, deadline=text(NOON - DAY))
    item = found(before, version(2, NOON, **ACCEPTED, deadline=text(NOON + DAY)))[0]
    assert (item.code, item.size) == (T.T3, 2 * DAY)
    emptied = found(before, version(2, NOON, **ACCEPTED))[0]
    assert (emptied.code, emptied.size) == (T.T3, None)
    assert emptied.words.startswith("应办结时间由 2026-06-11 12:00 改为空，此前 2026-06-11 12:00 起")


def test_a_row_once_seen_and_gone_is_one_finding_whatever_lies_between() -> None:
    gone = replace(OPEN, version=3, cap_at=NOON, op=Op.DELETE, body=Case(case_key="1"), digest=b"")
    assert codes(OPEN, gone) == [T.T4]
    assert codes(OPEN, version(2, NOON - DAY, **ACCEPTED, org="x"), gone) == [T.T4]
    again = replace(gone, seq=9, cause=Cause.AGAIN)
    assert codes(OPEN, gone, again) == [T.T4]
    assert codes(gone) == []
    assert codes(OPEN, gone, version(4, NOON + DAY, **ACCEPTED)) == [T.T4]


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (NOON - 2 * DAY, NOON - 2 * DAY, [T.T5]),
        (NOON - 2 * DAY, NOON - 3 * DAY, [T.T5]),
        (NOON - 2 * DAY, NOON - 30 * SECOND, []),
        (NOON - HOUR, NOON - HOUR, []),  # two edits within one hour may carry one time
        (NOON - 2 * DAY, NOON - 9 * DAY, []),  # the time of acceptance: the row has no modification time
    ],
)
def test_content_edited_under_a_modification_time_that_stood_still(
    was: int, now: int, expected: list[FindingCode]
) -> None:
    before = version(1, NOON - 2 * DAY, **ACCEPTED, src_at=text(was), org="甲")
    after = version(2, NOON, **ACCEPTED, src_at=text(now), org="乙")
    assert codes(before, after) == expected
    assert codes(before, after, context=replace(CONTEXT, clock_err=4 * DAY)) == []
    assert codes(before, replace(after, src_at=None)) == []


def test_a_change_that_is_a_finding_already_is_not_one_again_for_being_silent() -> None:
    before = replace(REPORTED, src_at=text(NOON - 2 * DAY))
    moved = {**TOLD, "finished_at": text(NOON - 3 * DAY)}
    assert codes(before, version(2, NOON, **moved, src_at=text(NOON - 2 * DAY - HOUR))) == [T.T2]


def test_a_person_replaced_after_it_was_overdue_and_not_before() -> None:
    before, after = version(1, NOON - 2 * DAY, responsible="李"), version(2, NOON, responsible="王")
    assert codes(before, after) == []
    assert codes(before, after, context=LIT) == [T.T6]
    yellow = replace(CONTEXT, lights=[Lit(Light.YELLOW, NOON - DAY, ClockKind.STATUTE)])
    assert codes(before, after, context=yellow) == []
    step = Step(case_key="1", actor="李", due_at=text(NOON - DAY))
    first = version(1, NOON - 2 * DAY, body=step)
    assert codes(first, version(2, NOON, body=Step(case_key="1", actor="王", due_at=step.due_at))) == [T.T6]


def test_what_was_emptied_between_is_held_against_what_was_told_last() -> None:
    """Over, then no state at all, then in progress again; overdue, then nobody's, then somebody else's."""
    told = {**TOLD, "finished_at": None}
    over, blank = version(1, NOON - DAY, **told), version(2, NOON - HOUR, **{**told, "status": None})
    again = version(3, NOON, **{**told, "status": CaseStatus.IN_PROGRESS})
    assert codes(over, blank, again) == [T.T6]
    assert needs_history(pairs([over, blank, again])[-1], ZONE)
    assert codes(over, blank, replace(again, body=replace(again.body, status=CaseStatus.DONE))) == []
    assert codes(over, replace(blank, cause=Cause.MAPPING), again) == [], "by another mapping nobody knows"
    lee, nobody, king = (
        version(n, NOON - (3 - n) * HOUR, responsible=name) for n, name in enumerate(("李", "", "王"), 1)
    )
    assert codes(lee, nobody, king) == []
    assert codes(lee, nobody, king, context=LIT) == [T.T6]
    assert codes(lee, nobody, replace(king, body=replace(king.body, responsible="李")), context=LIT) == []
    assert not needs_history(pairs([lee, nobody])[-1], ZONE), "a first word is told against nothing before it"
    first = [
        replace(nobody, version=1, body=replace(nobody.body, responsible=None)),
        replace(king, version=2),
    ]
    assert not needs_history(pairs(first)[-1], ZONE)


def test_the_person_of_a_closed_case_is_a_correction() -> None:
    closed = replace(REPORTED, body=replace(REPORTED.body, responsible="李"), digest=b"1")
    assert codes(closed, version(2, NOON, **TOLD, responsible="王"), context=LIT) == []


# what is compared -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [Cause.MAPPING, Cause.RESTORED, Cause.AGAIN, Cause.REPLACED])
def test_only_what_the_source_itself_changed_can_be_a_finding(cause: Cause) -> None:
    """P-REC-07"""
    assert codes(OPEN, done(text(NOON - DAY), cause=cause), context=OVERDUE) == []
    gone = replace(OPEN, version=2, cap_at=NOON, op=Op.DELETE, cause=cause)
    assert codes(OPEN, gone) == []


def test_versions_with_something_between_them_are_not_compared() -> None:
    """P-REC-08"""
    far = done(text(NOON - DAY))
    assert codes(OPEN, far, context=OVERDUE) == [T.T1]
    assert codes(OPEN, replace(far, version=3), context=OVERDUE) == []
    assert codes(OPEN, replace(far, generation=2), context=OVERDUE) == []


def test_a_number_that_names_two_contents_proves_nothing() -> None:
    early = done(text(NOON - DAY))
    assert codes(OPEN, early, replace(early, digest=b"other", seq=7), context=OVERDUE) == []


STATUSES = [None, CaseStatus.ACCEPTED, CaseStatus.IN_PROGRESS, CaseStatus.DONE]
TIMES = [None, text(NOON - 9 * DAY), text(NOON - 3 * DAY), "2026-06-10", text(NOON), "9999-12-31"]
CONTENTS = st.builds(
    Case,
    case_key=st.just("1"),
    accepted_at=st.sampled_from(TIMES),
    finished_at=st.sampled_from(TIMES),
    deadline=st.sampled_from(TIMES),
    responsible=st.sampled_from([None, "李", "王"]),
    status=st.sampled_from(STATUSES),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Version]:
    """A row's life: edits, deletions, changes of mapping and repetitions, hours or days apart."""
    at, versions = NOON - 20 * DAY, []
    for number in range(1, draw(st.integers(1, 7)) + 1):
        at += draw(st.integers(1, 4 * DAY))
        op = draw(st.sampled_from([Op.PUT] * 5 + [Op.DELETE])) if number > 1 else Op.PUT
        body = Case(case_key="1") if op is Op.DELETE else draw(CONTENTS)
        cause = draw(st.sampled_from([Cause.SOURCE] * 6 + [Cause.MAPPING, Cause.RESTORED]))
        same = draw(st.sampled_from([None, at - MINUTE]))
        src = draw(st.sampled_from([None, text(at), text(NOON - 9 * DAY - HOUR)]))
        made = version(number, at, body=body, op=op, cause=cause, same_until=same, src_at=src)
        versions.append(made)
    return versions


def facts(items: list[Finding]) -> list[tuple[FindingCode, int, int | None, str]]:
    return [(item.code, item.pair.after.version, item.size, item.words) for item in items]


@given(histories(), st.randoms(use_true_random=False))
def test_any_order_and_repetition_gives_the_same_findings_each_once(
    versions: list[Version], chance: Any
) -> None:
    told = facts(found(*versions, context=LIT))
    again = [
        replace(item, seq=50 + item.seq, epoch_no=2, epoch=b"f")  # salvaged into another epoch
        for item in versions
        if chance.random() < 0.5
    ]
    mixed = versions + again + versions[:2]
    chance.shuffle(mixed)
    assert facts(found(*mixed, context=LIT)) == told
    assert len({item[:2] for item in told}) == len(told)


@given(CONTENTS, st.lists(st.integers(1, DAY), max_size=5))
def test_a_row_that_does_not_change_shows_nothing(body: Case, pauses: list[int]) -> None:
    at, versions = NOON, []
    for number, pause in enumerate([0, *pauses], 1):
        at += pause
        versions.append(version(number, at, body=body))
    assert found(*versions, context=LIT) == []


@given(st.lists(st.integers(2 * MINUTE, 30 * DAY), min_size=3, max_size=3), st.integers(1, 90))
def test_an_honest_life_shows_nothing(pauses: list[int], seconds: int) -> None:
    """Accepted, handed on, finished, each seen within seconds, its time of modification kept."""
    at = NOON
    times = [at := at + pause for pause in pauses]
    accepted, passed, ended = (text(one) for one in times)
    lives = [
        version(1, times[0] + seconds * SECOND, accepted_at=accepted, src_at=accepted),
        version(
            2, times[1] + seconds * SECOND, accepted_at=accepted, status=CaseStatus.IN_PROGRESS, src_at=passed
        ),
        version(
            3,
            times[2] + seconds * SECOND,
            accepted_at=accepted,
            finished_at=ended,
            status=CaseStatus.DONE,
            src_at=ended,
        ),
    ]
    assert found(*lives, context=LIT) == []


# observations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "detail", "finding", "words"),
    [
        ("source_restored", '{"pages":4,"rows":812}', T.T7, "数据源重建：4 页，812 行"),
        (
            "source_restored",
            '{"known":120,"gone":6,"tables":{"case":{"known":40,"gone":2},"step":{"known":80,"gone":4}}}',
            T.T7,
            "数据源重建：原有 120 行，少了 6 行；其中 case 原有 40 行，少了 2 行；其中 step 原有 80 行，少了 4 行",
        ),
        ("source_restored", '{"gone":6,"tables":["case"]}', T.T7, "数据源重建：少了 6 行，tables ['case']"),
        (
            "bulk_edit",
            '{"rows":90,"minute":"2026-06-12T14:31"}',
            T.T7,
            "批量修改：90 行，2026-06-12T14:31 这一分钟",
        ),
        ("clock_jump", '{"seconds":-3600}', T.T7, "数据源时钟跳变：-3600 秒"),
        ("clock_jump", "", T.T7, "数据源时钟跳变"),
        ("number_missing", "", T.NOTICE, "编号缺号：17，一直没有出现；可能是录入后撤销，也可能是删除"),
        ("column_new", "", T.NOTICE, "业务库新增字段：17，尚未映射，不采集；请站点技术员决定是否映射"),
        ("moon_phase", "满月", T.NOTICE, "moon_phase：满月"),
        ("moon_phase", '{"of":"7"}', T.NOTICE, "moon_phase：of 7"),
        ("moon_phase", "[1]", T.NOTICE, "moon_phase：[1]"),
    ],
)
def test_what_a_box_observed_is_a_finding_or_a_notice_and_never_an_error(
    code: str, detail: str, finding: FindingCode, words: str
) -> None:
    """P-OBS-01, P-OBS-02, P-OBS-03"""
    said = Observation(code, "case", "17", detail)
    assert (observed.code_of(said), observed.words_of(said)) == (finding, words)
