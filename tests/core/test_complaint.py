"""The complaint's table: who may move it on, until when, and how it ends; and the draft of one."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import complaint, complaint_notes, complaint_told, draft, naming
from central.core.access import Role
from central.core.asked import Attached
from central.core.calendar import Calendar
from central.core.complaint import (
    ENDS,
    HEARD,
    LEVELS,
    STEPS,
    TOP,
    WATCHERS,
    Actor,
    Complaint,
    Event,
    Side,
    State,
)
from central.core.draft import Draft, Part
from central.core.ladder import Level
from central.core.similar import Brief, similar
from common.core.errors import RejectedError

FIRST = date(2026, 1, 1)
CALENDAR = Calendar(1, FIRST, [(FIRST + timedelta(days=n)).weekday() < 5 for n in range(365)])
FRIDAY, SATURDAY = date(2026, 6, 12), date(2026, 6, 13)
PLACES = frozenset({"s02", "市监所"})
PEOPLE = [
    Actor("收", Role.COMPLAINTS),
    Actor("监", Role.SUPERVISOR),
    Actor("领", Role.CHIEF),
    Actor("窗", Role.CLERK, PLACES),
    Actor("别", Role.HEAD, frozenset({"s03"})),
    Actor("自", Role.COMPLAINTS, PLACES),
    Actor("访", Role.COMPLAINTS),
    Actor("督", Role.CHIEF, PLACES),
    None,
]


def moved(one: Complaint, event: Event, actor: Actor | None, side: Side, day: date = FRIDAY) -> Complaint:
    found = complaint.applied(one, event, actor, side, day, CALENDAR)
    if event is Event.ASSIGN:
        return Complaint(
            **{n: getattr(found, n) for n in Complaint.__struct_fields__} | {"site": "s02", "org": "市监所"}
        )
    return found


def test_a_filing_on_a_day_off_counts_from_the_next_working_day() -> None:
    for day in (SATURDAY, SATURDAY + timedelta(days=1), date(2026, 6, 15)):
        one = complaint.received(day, CALENDAR)
        assert complaint.due(one, CALENDAR) == date(2026, 6, 22)
        assert complaint.due(moved(one, Event.ACCEPT, PEOPLE[0], Side.HALL), CALENDAR) == date(2026, 7, 6)
    assert complaint.due(complaint.received(FRIDAY, CALENDAR), CALENDAR) == date(2026, 6, 19)


def test_a_complaint_keeps_the_terms_that_it_was_received_under() -> None:
    """At every level: whoever sets others later moves no day that somebody was told."""
    one = complaint.received(FRIDAY, CALENDAR, complaint.Terms(2, 4))
    assert complaint.due(one, CALENDAR) == date(2026, 6, 16)
    one = moved(one, Event.ACCEPT, PEOPLE[0], Side.HALL)
    assert complaint.due(one, CALENDAR) == date(2026, 6, 18)
    one = moved(one, Event.REPLY, PEOPLE[0], Side.HALL)
    one = moved(one, Event.UNSOLVED, None, Side.COMPLAINANT, date(2026, 6, 18))
    assert (one.level, complaint.due(one, CALENDAR)) == (2, date(2026, 6, 24))


@given(st.data())
def test_whatever_happens_it_ends_in_turn_and_nobody_judges_the_own_unit(data: st.DataObject) -> None:
    one, day = complaint.received(FRIDAY, CALENDAR, can_call=data.draw(st.booleans())), FRIDAY
    for _ in range(data.draw(st.integers(1, 25))):
        ways = [
            (event, actor, side)
            for event in {step.event for step in STEPS if step.before is one.state}
            for actor in PEOPLE
            for side in Side
            if not complaint.refusal(one, event, actor, side)
        ]
        assert bool(ways) is (one.state not in ENDS), "every state but the last has a way on"
        if not ways:
            break
        event, actor, side = data.draw(st.sampled_from(sorted(ways, key=repr)))
        day = min(day + timedelta(days=data.draw(st.integers(0, 9))), date(2026, 10, 30))
        if event is Event.EXTEND and not complaint.may_extend(one, day, CALENDAR):
            continue
        if event is Event.SUPERVISE and day in one.supervised:
            continue
        if event is Event.UNREACHED and one.calls and day in one.calls.tries:
            continue
        if event is Event.CALL_LAPSE and complaint.owed(one) is None:
            continue
        before, one = one, moved(one, event, actor, side, day)
        assert set(before.lapsed) <= set(one.lapsed), "what has passed stays a fact"
        rises = event in {Event.UNSOLVED, Event.HEARD_UNSOLVED} and before.level < TOP
        assert one.level - before.level == rises
        assert 1 <= one.level <= TOP
        if side is Side.HALL:
            assert actor is not None
            if event is Event.SUPERVISE:
                assert actor.role in set(WATCHERS) - {LEVELS[before.level]}
                assert one == msgspec.structs.replace(before, supervised=(*before.supervised, day))
            else:
                assert actor.role is (Role.COMPLAINTS if event in HEARD else LEVELS[before.level])
            assert event not in HEARD or actor.person != before.repliers[-1], "who answers does not call"
            assert not actor.places & {before.site, before.org} - {""}
        if event is Event.REPLY:
            assert len(set(one.repliers)) == len(one.repliers)
    assert (one.clock is None) is (one.state in ENDS)


def test_every_state_and_event_has_words_and_the_citizen_hears_of_each() -> None:
    assert {step.before for step in STEPS} | ENDS == set(State)
    assert {step.event for step in STEPS} | {Event.RECEIVE} == set(Event) == set(complaint_told.TOLD)
    assert all(one.word for one in (*State, *Event))


def test_a_passed_day_is_noted_once_and_silence_after_a_reply_closes() -> None:
    one = complaint.received(FRIDAY, CALENDAR)
    assert complaint.passed(one, date(2026, 6, 19), CALENDAR) is None
    assert complaint.passed(one, date(2026, 6, 20), CALENDAR) is Event.LAPSE
    late = moved(one, Event.LAPSE, None, Side.CLOCK, date(2026, 6, 20))
    assert (late.lapsed, complaint.passed(late, date(2026, 7, 1), CALENDAR)) == ((date(2026, 6, 19),), None)
    accepted = moved(late, Event.ACCEPT, PEOPLE[0], Side.HALL, date(2026, 6, 22))
    assert complaint.passed(accepted, date(2026, 7, 4), CALENDAR) is Event.LAPSE
    replied = moved(accepted, Event.REPLY, PEOPLE[0], Side.HALL, date(2026, 6, 26))
    assert complaint.due(replied, CALENDAR) == date(2026, 7, 10)
    assert complaint.passed(replied, date(2026, 7, 11), CALENDAR) is Event.SETTLE
    beyond = complaint.received(date(2026, 12, 29), CALENDAR)
    assert complaint.passed(beyond, date(2027, 6, 1), CALENDAR) is None, "no notice has published that day"


def test_the_last_level_is_not_reopened() -> None:
    one = complaint.received(FRIDAY, CALENDAR)
    for level in range(1, TOP + 1):
        worker = next(one for one in PEOPLE if one and one.role is LEVELS[level])
        one = moved(one, Event.ACCEPT, worker, Side.HALL) if level == 1 else one
        one = moved(one, Event.REPLY, worker, Side.HALL)
        if level < TOP:
            one = moved(one, Event.UNSOLVED, None, Side.COMPLAINANT)
    with pytest.raises(RejectedError, match="最高一级"):
        moved(one, Event.UNSOLVED, None, Side.COMPLAINANT)
    assert moved(one, Event.SOLVED, None, Side.COMPLAINANT).state is State.CLOSED


def waits(level: int, state: State) -> Complaint:
    """At that level, for the officer or for the unit."""
    one = msgspec.structs.replace(complaint.received(FRIDAY, CALENDAR), level=level)
    if state is State.RECEIVED:
        return one
    one = msgspec.structs.replace(one, state=State.ACCEPTED, clock=one.reply_clock)
    worker = next(one for one in PEOPLE if one and one.role is LEVELS[level] and not one.places)
    if state is not State.ACCEPTED:
        one = moved(one, Event.ASSIGN, worker, Side.HALL)
    return moved(one, Event.ANSWER, PEOPLE[3], Side.UNIT) if state is State.ANSWERED else one


WAITING = (State.RECEIVED, State.ACCEPTED, State.ASSIGNED, State.ANSWERED)


@pytest.mark.parametrize("level", range(1, TOP + 1))
@pytest.mark.parametrize("state", WAITING)
def test_who_watches_and_does_not_work_it_tells_whose_turn_it_is_to_make_haste(
    level: int, state: State
) -> None:
    one = waits(level, state)
    may = {actor.role for actor in PEOPLE if actor and not refused(one, actor)}
    assert may == set(WATCHERS) - {LEVELS[level]}
    for actor in PEOPLE:
        if actor and not refused(one, actor):
            after = moved(one, Event.SUPERVISE, actor, Side.HALL)
            assert (after.state, after.clock, after.supervised) == (state, one.clock, (FRIDAY,))
    (note,) = complaint_notes.notes(one, Event.SUPERVISE, CALENDAR)
    officer = Level.COMPLAINED if level == 1 else Level.RISEN
    assert note.level is (Level.COMPLAINT if state is State.ASSIGNED else officer)
    assert note.what == "：监察人员督办"
    assert note.last == complaint.due(one, CALENDAR)


def refused(one: Complaint, actor: Actor | None, side: Side = Side.HALL) -> str:
    return complaint.refusal(one, Event.SUPERVISE, actor, side)


def test_nobody_watches_over_the_own_unit_and_nothing_that_waits_for_the_complainant() -> None:
    supervisor, own = PEOPLE[1], Actor("属", Role.SUPERVISOR, PLACES)
    given = waits(1, State.ASSIGNED)
    assert "本单位" in refused(given, own)
    assert refused(given, supervisor, Side.UNIT)
    assert refused(given, None, Side.COMPLAINANT)
    assert refused(waits(2, State.ASSIGNED), supervisor) == "第 2 级由监察领导督办"
    assert refused(given, PEOPLE[0]) == "第 1 级由监察员或监察领导督办"
    for level in range(1, TOP + 1):
        assert "不能督办" in refused(answered(level), PEOPLE[2])


def test_it_counts_once_a_day() -> None:
    one = moved(waits(1, State.ASSIGNED), Event.SUPERVISE, PEOPLE[1], Side.HALL)
    for actor in (PEOPLE[1], PEOPLE[2]):
        with pytest.raises(RejectedError, match="今天已经督办过"):
            moved(one, Event.SUPERVISE, actor, Side.HALL)
    again = moved(one, Event.SUPERVISE, PEOPLE[2], Side.HALL, SATURDAY)
    assert again.supervised == (FRIDAY, SATURDAY)


def answered(level: int = 1) -> Complaint:
    """On a Friday, at that level, of somebody who left a telephone."""
    one = moved(complaint.received(FRIDAY, CALENDAR, can_call=True), Event.ACCEPT, PEOPLE[0], Side.HALL)
    for rung in range(1, level + 1):
        worker = next(one for one in PEOPLE if one and one.role is LEVELS[rung])
        one = moved(one, Event.REPLY, worker, Side.HALL)
        one = moved(one, Event.UNSOLVED, None, Side.COMPLAINANT) if rung < level else one
    return one


CALLER = next(one for one in PEOPLE if one and one.person == "访")


def test_who_was_answered_is_called_by_the_next_working_day_and_silence_does_not_close_before() -> None:
    one = answered()
    assert complaint.work_due(one, CALENDAR) == date(2026, 6, 15)
    assert complaint.due(one, CALENDAR) == date(2026, 6, 26), "so long the complainant may judge"
    assert complaint.passed(one, date(2026, 6, 15), CALENDAR) is None
    assert complaint.passed(one, date(2026, 6, 16), CALENDAR) is Event.CALL_LAPSE
    late = moved(one, Event.CALL_LAPSE, None, Side.CLOCK, date(2026, 6, 16))
    assert late.calls is not None
    assert (late.calls.lapsed, late.lapsed) == ((date(2026, 6, 15),), ())
    assert complaint.check_day(late, CALENDAR) is None
    assert complaint.passed(late, date(2026, 8, 1), CALENDAR) is None, "it is not closed without a call"
    assert moved(late, Event.HEARD_SOLVED, CALLER, Side.HALL).was_solved is True


def test_three_tries_on_three_days_and_then_the_complainants_days_run_out() -> None:
    one, days = answered(), [date(2026, 6, 15), date(2026, 6, 16), date(2026, 6, 17)]
    for place, day in enumerate(days):
        one = moved(one, Event.UNREACHED, CALLER, Side.HALL, day)
        if place < 2:
            with pytest.raises(RejectedError, match="今天已经"):
                moved(one, Event.UNREACHED, CALLER, Side.HALL, day)
            assert complaint.work_due(one, CALENDAR) == days[place + 1]
    assert one.calls is not None
    assert (one.calls.tries, complaint.owed(one)) == (tuple(days), None)
    with pytest.raises(RejectedError, match="不再回访"):
        moved(one, Event.HEARD_SOLVED, CALLER, Side.HALL)
    assert complaint.check_day(one, CALENDAR) == date(2026, 6, 26)
    assert complaint.passed(one, date(2026, 6, 27), CALENDAR) is Event.SETTLE


@pytest.mark.parametrize("level", range(1, TOP + 1))
def test_what_somebody_says_by_telephone_counts_as_what_is_said_on_the_page(level: int) -> None:
    one = answered(level)
    told = moved(one, Event.HEARD_UNSOLVED, CALLER, Side.HALL, date(2026, 6, 15))
    if level < TOP:
        page = moved(one, Event.UNSOLVED, None, Side.COMPLAINANT, date(2026, 6, 15))
        assert told == page
        assert (told.level, told.state, told.calls) == (level + 1, State.ACCEPTED, None)
    else:
        assert (told.level, told.state, told.was_solved, told.clock) == (TOP, State.CLOSED, False, None)
    worker = next(one for one in PEOPLE if one and one.role is LEVELS[level])
    for who in (worker, PEOPLE[3]):
        with pytest.raises(RejectedError):
            moved(one, Event.HEARD_SOLVED, who, Side.HALL)
    quiet = msgspec.structs.replace(one, calls=None)
    with pytest.raises(RejectedError, match="没有留电话"):
        moved(quiet, Event.HEARD_SOLVED, CALLER, Side.HALL)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("窗口无故退件", False),
        ("欧阳修反映退件", True),
        ("电话 139-1234-5678 的群众反映", True),
        ("尾号 2345678", True),
        ("欧阳 修反映退件", True),
        ("电话１３９１２３４５６７８", True),
        ("6月12日 窗口 5678", False),
    ],
)
def test_a_brief_that_tells_who_complained_is_known(text: str, expected: bool) -> None:
    assert naming.tells_who(text, "欧阳修", "139 1234 5678") is expected
    assert not naming.tells_who(text, "", "")


def test_a_draft_asks_for_what_is_missing_step_by_step() -> None:
    one = Draft(id="a", until_wall=0, day=FRIDAY)
    assert draft.unfinished(one) is Part.WHAT
    one = draft.filled(one, Part.WHAT, {"topic": complaint.TOPICS[1], "unit": "市监窗口", "x": "y"})
    assert draft.unfinished(one) is Part.TEXT
    one = draft.filled(one, Part.TEXT, {"text": "太短"})
    assert "10 至 2000" in draft.faults(one, Part.TEXT)["text"]
    one = draft.filled(one, Part.TEXT, {"text": "窗口说系统坏了，一周没有受理。"})
    named = draft.filled(one, Part.WHO, {"named": "yes", "name": "王", "phone": "12"})
    assert set(draft.faults(named, Part.WHO)) == {"name", "phone"}
    hidden = draft.filled(one, Part.WHO, {"named": "no", "name": "王小明", "phone": "13900000000"})
    assert draft.unfinished(hidden) is None
    sent = draft.handed_in(hidden, "T1", "C1")
    assert (sent.name, sent.phone, sent.files) == ("", "", ())
    kept = Draft(id="a", until_wall=0, day=FRIDAY, files=(Attached("f", "a.jpg", 3),))
    assert draft.handed_in(kept, "T1", "C1").files == kept.files


def test_an_extension_counts_once_at_a_level_and_only_before_the_day_has_passed() -> None:
    one = moved(complaint.received(FRIDAY, CALENDAR), Event.ACCEPT, PEOPLE[0], Side.HALL)
    last = complaint.due(one, CALENDAR)
    assert last == date(2026, 7, 3)
    with pytest.raises(RejectedError, match="期限已过"):
        moved(one, Event.EXTEND, PEOPLE[0], Side.HALL, date(2026, 7, 4))
    longer = moved(one, Event.EXTEND, PEOPLE[0], Side.HALL, last)
    assert complaint.due(longer, CALENDAR) == date(2026, 7, 17)
    with pytest.raises(RejectedError, match="延期过一次"):
        moved(longer, Event.EXTEND, PEOPLE[0], Side.HALL, last)
    higher = moved(moved(longer, Event.REPLY, PEOPLE[0], Side.HALL), Event.UNSOLVED, None, Side.COMPLAINANT)
    assert moved(higher, Event.EXTEND, PEOPLE[1], Side.HALL).is_extended


def test_what_may_be_the_same_is_suggested_and_the_reason_said() -> None:
    text = "窗口三次退回申请材料，没有给书面理由，让再补一份租赁合同"
    one = Brief(1, "T1", "不受理", "石桥镇窗口", "3702-1", text)
    others = [
        one,
        Brief(2, "T2", "态度不好", "别处", "3702 1", "完全不同的一件事情"),
        Brief(3, "T3", "态度不好", "别处", "", text[:-4]),
        Brief(
            4,
            "T4",
            "不受理",
            "石桥镇 窗口",
            "",
            "窗口三次退回申请材料，要求先去别的部门盖章再来，一天跑了四趟",
        ),
        Brief(5, "T5", "不受理", "石桥镇窗口", "", "排队两小时没有叫号"),
    ]
    assert [line.brief.id for line in similar(one, others)] == [2, 3, 4]
    assert similar(one, others)[0].why == "同一办件编号"
    assert similar(Brief(9, "T9", "", "", "", ""), others) == []
