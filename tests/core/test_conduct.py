"""What versions of a row show: T1 to T6, each with its counter-example, in whatever order and number they come."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import conduct, observed
from central.core.conduct import Context, Finding, Lit, Tolerance
from central.core.versions import Pair, Version, pairs
from common.core.instant import DAY, HOUR, MINUTE, SECOND, from_us, parse_when
from common.core.record import Case, Cause, Observation, Op, Step
from common.core.state import CaseStatus, FindingCode, Light

ZONE = ZoneInfo("Asia/Shanghai")
NOON = parse_when("2026-06-12T12:00", ZONE)
T = FindingCode
CONTEXT = Context(ZONE)


def text(at: int) -> str:
    return from_us(at, ZONE).isoformat()


def version(number: int, at: int, **fields: Any) -> Version:
    """`fields`: of the version or of the case it states; seen unchanged until a minute before the next one."""
    own = {name: fields.pop(name) for name in list(fields) if name in Version.__struct_fields__}
    body = own.pop("body", None) or Case(case_key="1", **fields)
    made = Version(
        table="case" if isinstance(body, Case) else "step",
        key="1",
        generation=1,
        version=number,
        epoch_no=1,
        epoch=b"e",
        seq=number,
        op=Op.PUT,
        cause=Cause.SOURCE,
        digest=repr((body, own.get("src_at"))).encode(),
        src_at=None,
        cap_at=at,
        same_until=at - MINUTE if number > 1 else None,
        body=body,
    )
    return replace(made, **own)


def found(*versions: Version, context: Context = CONTEXT) -> list[Finding]:
    return [item for pair in pairs(versions) for item in conduct.compare(pair, context)]


def codes(*versions: Version, context: Context = CONTEXT) -> list[FindingCode]:
    return [item.code for item in found(*versions, context=context)]


OPEN = version(1, NOON - 9 * DAY, accepted_at=text(NOON - 9 * DAY), status=CaseStatus.IN_PROGRESS)
ACCEPTED = {"accepted_at": text(NOON - 9 * DAY)}


def done(stated: str | None, **fields: Any) -> Version:
    return version(2, NOON, **{**ACCEPTED, "finished_at": stated, "status": CaseStatus.DONE, **fields})


# T1 -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "accused"),
    [
        (text(NOON - 2 * MINUTE), False),
        (text(NOON - MINUTE - HOUR), False),  # exactly what a site is forgiven
        (text(NOON - MINUTE - HOUR - SECOND), True),
        (text(NOON - 5 * DAY), True),
        ("2026-06-12", False),  # a date is the end of its day
        ("2026-06-11", True),
        ("2026-06-12T00:00:00+08:00", False),  # midnight to the second is a date in a column of moments
        ("2026-06-11T00:00:00+08:00", True),
        ("9999-12-31", False),
        (text(NOON + 5 * DAY), False),
        (None, False),
    ],
)
def test_a_completion_before_the_last_look_that_saw_it_open_is_back_dated(
    stated: str | None, *, accused: bool
) -> None:
    assert codes(OPEN, done(stated)) == ([T.T1] if accused else [])


def test_a_back_dated_completion_says_when_it_was_seen_open_and_by_how_much_it_lies() -> None:
    item = found(OPEN, done(text(NOON - DAY)))[0]
    assert (item.still_at, item.size) == (NOON - MINUTE, DAY - MINUTE)
    assert "2026-06-11 12:00" in item.words
    assert "2026-06-12 11:59" in item.words


def test_what_the_clock_may_be_off_and_what_the_site_is_forgiven_accuse_nobody() -> None:
    late = done(text(NOON - 5 * HOUR))
    assert codes(OPEN, late) == [T.T1]
    assert codes(OPEN, late, context=replace(CONTEXT, clock_err=4 * HOUR)) == []
    forgiving = replace(CONTEXT, tolerance=Tolerance(backdate=6 * HOUR))
    assert codes(OPEN, late, context=forgiving) == []


def test_without_a_last_look_the_capture_of_the_version_before_is_the_evidence() -> None:
    late = done(text(NOON - 10 * DAY), same_until=None)
    assert codes(OPEN, late) == [T.T1]
    assert codes(OPEN, done(text(NOON - 8 * DAY), same_until=None)) == []


def test_a_time_filled_in_after_the_status_said_done_contradicts_nothing() -> None:
    ended = version(1, NOON - DAY, **ACCEPTED, status=CaseStatus.DONE)
    assert codes(ended, done(text(NOON - 3 * DAY))) == []


def test_a_planned_completion_that_becomes_the_real_one_is_no_change() -> None:
    planned = version(1, NOON - 9 * DAY, **ACCEPTED, finished_at=text(NOON + 20 * DAY))
    assert codes(planned, done(text(NOON - 2 * MINUTE))) == []
    assert codes(planned, done(text(NOON - DAY))) == [T.T1]


def part(number: int, at: int, stated: str, **own: Any) -> Version:
    body = Case(case_key="1", finished_at=stated)
    return version(number, at, body=body, table="case.result", key="r", **own)


def test_a_completion_in_a_table_of_its_own_is_held_against_the_time_before_its_row_was_there() -> None:
    result = part(1, NOON, text(NOON - 2 * DAY))
    known = replace(CONTEXT, others=[OPEN], absent_until=NOON - MINUTE)
    assert codes(result, context=known) == [T.T1]
    assert codes(replace(result, same_until=NOON - MINUTE), context=replace(CONTEXT, others=[OPEN])) == [T.T1]
    assert codes(part(1, NOON, text(NOON - 2 * MINUTE)), context=known) == []
    assert codes(result, context=replace(known, others=[])) == []  # nobody had seen the case open
    assert codes(result, context=replace(known, absent_until=None)) == []


def test_a_completion_that_another_table_had_told_in_time_is_a_copy() -> None:
    early = part(1, NOON - 2 * DAY, text(NOON - 2 * DAY - MINUTE))
    copied = done(text(NOON - 2 * DAY - MINUTE))
    assert codes(OPEN, copied) == [T.T1]
    assert codes(OPEN, copied, context=replace(CONTEXT, others=[early])) == []
    same_round = replace(early, cap_at=NOON, same_until=NOON - MINUTE)
    assert codes(OPEN, copied, context=replace(CONTEXT, others=[same_round])) == [T.T1]
    assert codes(same_round, context=replace(CONTEXT, others=[OPEN, copied])) == []  # one event, one finding


# T2 to T6 -------------------------------------------------------------------------------------------------------

REPORTED = version(1, NOON - 2 * DAY, **ACCEPTED, finished_at=text(NOON - 2 * DAY), status=CaseStatus.DONE)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"finished_at": text(NOON - 3 * DAY)}, [T.T2]),
        ({"finished_at": text(NOON - 2 * DAY + 30 * SECOND)}, []),
        ({"finished_at": text(NOON - 2 * DAY)[:10]}, []),  # the same day, told less exactly
        ({"accepted_at": text(NOON - 7 * DAY)}, [T.T2]),
        ({"accepted_at": None}, [T.T2]),
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
    said = {**ACCEPTED, "finished_at": text(NOON - 2 * DAY), "status": CaseStatus.DONE, **fields}
    assert codes(REPORTED, version(2, NOON, **said)) == expected


def test_the_same_instant_in_another_zone_is_no_change() -> None:
    utc = from_us(NOON - 2 * DAY, ZoneInfo("UTC")).isoformat()
    assert codes(REPORTED, done(utc)) == []


LIT = replace(CONTEXT, lights=[Lit(Light.YELLOW, NOON - DAY), Lit(Light.RED, NOON - HOUR)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"deadline": text(NOON + DAY)}, {"deadline": text(NOON + 9 * DAY)}),
        ({"promised": 5, "promised_unit": "workdays"}, {"promised": 9, "promised_unit": "workdays"}),
        ({"legal": 20}, {"legal": 30}),
    ],
)
def test_a_limit_stretched_after_a_light(old: dict[str, Any], new: dict[str, Any]) -> None:
    before, after = version(1, NOON - 2 * DAY, **ACCEPTED, **old), version(2, NOON, **ACCEPTED, **new)
    assert codes(before, after) == []
    assert codes(before, after, context=LIT) == [T.T3]
    shorter = replace(before, version=2, cap_at=NOON, same_until=NOON - MINUTE)
    assert codes(replace(after, version=1, cap_at=NOON - 2 * DAY), shorter, context=LIT) == []
    later = replace(CONTEXT, lights=[Lit(Light.YELLOW, NOON)])
    assert codes(before, after, context=later) == []  # the light came when it was stretched already


def test_a_deadline_moved_after_it_had_passed_needs_no_light_to_be_known() -> None:
    before = version(1, NOON - 2 * DAY, **ACCEPTED, deadline=text(NOON - DAY))
    item = found(before, version(2, NOON, **ACCEPTED, deadline=text(NOON + DAY)))[0]
    assert (item.code, item.size) == (T.T3, 2 * DAY)


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
    assert codes(before, replace(after, src_at=None)) == []


def test_a_change_that_is_a_finding_already_is_not_one_again_for_being_silent() -> None:
    before = replace(REPORTED, src_at=text(NOON - 2 * DAY))
    assert codes(before, done(text(NOON - 3 * DAY), src_at=text(NOON - 2 * DAY - HOUR))) == [T.T2]


def test_a_person_replaced_after_it_was_overdue_and_not_before() -> None:
    before, after = version(1, NOON - 2 * DAY, responsible="李"), version(2, NOON, responsible="王")
    assert codes(before, after) == []
    assert codes(before, after, context=LIT) == [T.T6]
    yellow = replace(CONTEXT, lights=[Lit(Light.YELLOW, NOON - DAY)])
    assert codes(before, after, context=yellow) == []
    step = Step(case_key="1", actor="李", due_at=text(NOON - DAY))
    first = version(1, NOON - 2 * DAY, body=step)
    assert codes(first, version(2, NOON, body=Step(case_key="1", actor="王", due_at=step.due_at))) == [T.T6]


def test_the_person_of_a_closed_case_is_a_correction() -> None:
    closed = replace(REPORTED, body=replace(REPORTED.body, responsible="李"), digest=b"1")
    assert codes(closed, done(text(NOON - 2 * DAY), responsible="王"), context=LIT) == []


# what is compared -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [Cause.MAPPING, Cause.RESTORED, Cause.AGAIN])
def test_only_what_the_source_itself_changed_can_be_a_finding(cause: Cause) -> None:
    """P-REC-07"""
    assert codes(OPEN, done(text(NOON - DAY), cause=cause)) == []
    gone = replace(OPEN, version=2, cap_at=NOON, op=Op.DELETE, cause=cause)
    assert codes(OPEN, gone) == []


def test_versions_with_something_between_them_are_not_compared() -> None:
    """P-REC-08"""
    far = done(text(NOON - DAY))
    assert codes(OPEN, replace(far, version=3)) == []
    assert codes(OPEN, replace(far, generation=2)) == []


def test_a_number_that_names_two_contents_proves_nothing() -> None:
    late = done(text(NOON - DAY))
    assert codes(OPEN, late, replace(late, digest=b"other", seq=7)) == []


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


# lateness -------------------------------------------------------------------------------------------------------


def test_an_entry_made_late_has_a_size_and_is_no_finding() -> None:
    step = version(1, NOON, body=Step(case_key="1", finished_at=text(NOON - 3 * DAY)))
    known = replace(CONTEXT, absent_until=NOON - MINUTE)
    late = conduct.lateness(Pair(None, step), known)
    assert late is not None
    assert late.size == 3 * DAY - MINUTE
    assert codes(step, context=known) == []
    assert (
        conduct.lateness(Pair(None, step), CONTEXT) is None
    )  # a first load: nobody knows when it was entered


def test_the_source_s_own_recording_time_comes_first() -> None:
    body = Step(case_key="1", finished_at=text(NOON - 9 * DAY), recorded_at=text(NOON - 4 * DAY))
    late = conduct.lateness(Pair(None, version(1, NOON, body=body)), CONTEXT)
    assert late is not None
    assert late.size == 5 * DAY
    assert (
        conduct.lateness(Pair(None, version(1, NOON, body=replace(body, recorded_at=None))), CONTEXT) is None
    )
    promptly = replace(body, recorded_at=text(NOON - 9 * DAY + HOUR))
    assert conduct.lateness(Pair(None, version(1, NOON, body=promptly)), CONTEXT) is None


def test_a_step_finished_late_is_late_and_a_step_changed_is_changed() -> None:
    planned = version(1, NOON - 9 * DAY, body=Step(case_key="1", step_name="审查"))
    told = version(2, NOON, body=Step(case_key="1", step_name="审查", finished_at=text(NOON - 3 * DAY)))
    assert codes(planned, told) == []
    late = conduct.lateness(Pair(planned, told), CONTEXT)
    assert late is not None
    assert late.size == 3 * DAY - MINUTE
    moved = version(3, NOON + DAY, body=Step(case_key="1", finished_at=text(NOON - 8 * DAY)))
    assert codes(planned, told, moved) == [T.T2]
    assert conduct.lateness(Pair(told, moved), CONTEXT) is None


# observations ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "detail", "finding", "words"),
    [
        ("source_restored", '{"pages":4,"rows":812}', T.T7, "数据源重建：4 页，812 行"),
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
