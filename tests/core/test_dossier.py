"""The dossier of a correction: whatever was done can be folded again, and what was changed shows in the chain."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from central.core import chart, dossier, snapshot
from central.core import clock as clocks
from central.core.articles import RULES
from central.core.calendar import Calendar, build
from central.core.chart import Span
from central.core.compose import compose
from central.core.correction import DAYS, ENDS, Correction, Event, State, applied, raised, step_of
from central.core.document import Kind
from central.core.document_forms import FORMS
from central.core.dossier import STAGES, Entry, File, Note, Stage
from central.core.snapshot import Asked
from common.core.errors import RejectedError
from common.core.state import ClockKind, Light
from tests.core.test_calendar import CALENDAR
from tests.correcting import SNAPSHOT
from tests.model.test_correction import ACTORS, UNIT, moves
from tests.papers import ISSUER

DAY = date(2026, 3, 2)


def walked(data: st.DataObject, *, is_red: bool) -> tuple[Correction, list[Entry]]:
    """Some way of the possible, written down."""
    one, day = raised(UNIT, DAY, is_red=is_red), DAY
    blank: dict[str, Any] = {"at": 0, "wall": 0, "calendar": CALENDAR.version}
    entries = [
        Entry(
            number=1,
            day=day,
            who="",
            role="",
            event=Note.RAISE.value,
            before="raised",
            after="raised",
            **blank,
        )
    ]
    for number in range(2, 2 + data.draw(st.integers(0, 12))):
        ways = moves(one)
        if not ways:
            break
        day += timedelta(days=data.draw(st.integers(0, 4)))
        event, actor = data.draw(st.sampled_from(ways))
        before, one = one, applied(one, event, actor, day, CALENDAR)
        who, role = (actor.person, actor.role.value) if actor else ("", "")
        entries.append(
            Entry(
                number=number, day=day, who=who, role=role, event=event.value,
                before=before.state.value, after=one.state.value, **blank,
            )
        )  # fmt: skip
    return one, entries


def calendar_of(_: int) -> Calendar:
    return CALENDAR


@given(st.booleans(), st.data())
def test_every_way_can_be_folded_again(is_red: bool, data: st.DataObject) -> None:
    one, entries = walked(data, is_red=is_red)
    assert dossier.refold(UNIT, entries, calendar_of, is_red=is_red) == one
    wrong = replace(entries[-1], after=State.ACKNOWLEDGED.value)
    if one.state is not State.ACKNOWLEDGED:
        with pytest.raises(RejectedError):
            dossier.refold(UNIT, [*entries[:-1], wrong], calendar_of, is_red=is_red)
    with pytest.raises(RejectedError):
        dossier.refold(UNIT, [], calendar_of, is_red=is_red)


@given(st.data())
def test_a_chain_shows_what_was_changed_taken_out_or_moved(data: st.DataObject) -> None:
    _, entries = walked(data, is_red=True)

    def end(start: bytes, chosen: list[Entry]) -> bytes:
        for entry in chosen:
            start = dossier.chained(start, entry)
        return start

    start = snapshot.digest(snapshot.encoded(SNAPSHOT))
    whole = end(start, entries)
    place = data.draw(st.integers(0, len(entries) - 1))
    changed = replace(entries[place], reason="另说")
    assert end(start, [*entries[:place], changed, *entries[place + 1 :]]) != whole
    assert end(start, entries[:place] + entries[place + 1 :]) != whole
    other = snapshot.encoded(replace(SNAPSHOT, unit="另一单位"))
    assert end(snapshot.digest(other), entries) != whole
    assert snapshot.decoded(snapshot.encoded(SNAPSHOT)) == SNAPSHOT


@given(st.booleans(), st.data())
def test_where_it_stands_is_said_for_every_state(is_red: bool, data: st.DataObject) -> None:
    one, _ = walked(data, is_red=is_red)
    assert bool(dossier.turn(one)) is (one.state not in ENDS)
    if is_red and one.state not in ENDS:
        assert dossier.stage(one) in set(Stage)
    due = dossier.next_due(one, CALENDAR)
    assert (due is None) is (one.clock is None and one.account is None)
    if due is not None:
        assert dossier.lapsed(one, due, CALENDAR) is None
        event = dossier.lapsed(one, due + timedelta(days=1), CALENDAR)
        assert event in {Event.LAPSE, Event.ACCOUNT_LAPSE, None}
        # a reminder has a stage whose day may pass before anybody was told
        if event is None:
            assert step_of(one.state, Event.LAPSE) is None


def test_a_day_that_no_notice_has_published_accuses_nobody() -> None:
    from central.core.calendar import CalendarData

    short = build(9, CalendarData(date(2026, 1, 1), date(2026, 3, 3), {}))
    one = replace(raised(UNIT, DAY, is_red=True), clock=clocks.begin(DAY, 5))
    due = dossier.next_due(one, short)
    assert due == date(2026, 3, 9)
    assert dossier.lapsed(one, date(2026, 4, 1), short) is None
    assert dossier.lapsed(one, date(2026, 4, 1), CALENDAR) is Event.LAPSE


def test_received_early_nobody_answers_before_the_day_the_order_names() -> None:
    supervisor, second, chief, unit = ACTORS[1], ACTORS[2], ACTORS[3], ACTORS[6]
    one = raised(UNIT, DAY, is_red=True)
    for event, actor in ((Event.DRAFT, supervisor), (Event.REVIEW, second), (Event.ISSUE, chief)):
        one = applied(one, event, actor, DAY, CALENDAR)
    named = CALENDAR.nth(DAY, DAYS[State.ISSUED] + DAYS[State.SERVED])
    for late in range(12):
        day = DAY + timedelta(days=late)
        served = applied(one, Event.RECEIVE, unit, day, CALENDAR)
        due = dossier.next_due(served, CALENDAR)
        assert due is not None
        assert due >= named
        assert due == named or day > CALENDAR.nth(DAY, DAYS[State.ISSUED])


@pytest.mark.parametrize("subject", [*ClockKind, *(rule.id for rule in RULES)])
def test_every_light_has_a_rule_an_article_and_a_liability(subject: str) -> None:
    rule, articles, demand = snapshot.rule_of(subject)
    assert rule
    assert all(
        one.startswith("行政许可法") or one in {"该事项公布的办理承诺", "电子监察规则"} for one in articles
    ), articles
    assert demand
    assert snapshot.liability_of(rule)
    for is_red in (True, False):
        assert len(snapshot.matter_of(subject, is_red=is_red)) > 3


@pytest.mark.parametrize("kind", [Kind.WARNING, Kind.ORDER, Kind.EXPLAIN, Kind.URGING, Kind.RECTIFICATION, Kind.ACCOUNTABILITY,
                                  Kind.CLOSING, Kind.APPEAL, Kind.CIRCULAR])  # fmt: skip
def test_every_document_of_the_table_finds_its_facts(kind: Kind) -> None:
    from datetime import datetime

    asked = Asked(
        as_of=datetime(2026, 3, 12, 9, 0),  # noqa: DTZ001  local time of the legal zone
        state="仍未办结",
        answer_by=date(2026, 3, 18),
        earlier="云监督〔2026〕1号",
        reason="没有正当理由",
        result="维持",
        measures=("立即办结",),
    )
    for found in (SNAPSHOT, replace(SNAPSHOT, case_no=None, received=None)):
        made = compose(FORMS[kind], snapshot.facts(found, kind, asked), ISSUER, 2026, 1, "code")
        assert "{" not in str(made.blocks)
        assert made.addressee == SNAPSHOT.unit


def test_what_people_have_to_say_is_asked_of_every_act() -> None:
    for event in Event:
        said = dossier.fault(event, "已核实，情况属实", ("立即办结",))
        assert said == ""
        assert bool(dossier.fault(event, "好", ("立即办结",))) is (event not in dossier.UNSAID)
        assert bool(dossier.fault(event, "已核实，情况属实", ())) is (event in dossier.MEASURED)
        assert dossier.fault(event, "长" * (dossier.LONGEST + 1), ("立即办结",))
        assert dossier.word(event.value) == event.word
    assert set(STAGES) == set(State) - ENDS - {State.NOTIFIED, State.ACKNOWLEDGED, State.APPEALED}


def test_what_is_attached_is_what_its_first_bytes_say_and_its_name_leads_nowhere() -> None:
    pdf, picture = File("a.pdf", b"%PDF-1.7"), File("b.jpg", b"\xff\xd8\xff\xe0")
    assert dossier.file_fault(Event.EXPLAIN, [pdf, picture]) == ""
    assert dossier.file_fault(Event.REVIEW, []) == ""
    for event, files, why in (
        (Event.REVIEW, [pdf], "不带附件"),
        (Event.EXPLAIN, [pdf] * 6, "最多 5 个"),
        (Event.APPEAL, [File("c.pdf", b"MZ")], "不是 PDF"),
        (Event.RECTIFY, [File("d.pdf", b"%PDF-" + bytes(dossier.LARGEST_FILE))], "超过 3 MB"),
    ):
        assert why in dossier.file_fault(event, files)
    named = {"..\\..\\x.pdf": "x.pdf", "/etc/a.png": "a.png", "停\n机.pdf": "停机.pdf", "/": "附件"}
    assert {name: dossier.file_name(name) for name in named} == named
    for name, kind, saved in (
        ("停机公告.PDF", "pdf", "停机公告.PDF"),
        ("a.jpeg", "jpg", "a.jpeg"),
        ("说明.hta", "pdf", "说明.hta.pdf"),
        ("照片", "png", "照片.png"),
        ("a.pdf", "jpg", "a.pdf.jpg"),
    ):
        assert dossier.saved_name(name, kind) == saved
    assert dossier.copies_fault(["市政务服务中心"]) == ""
    assert dossier.copies_fault(["一"] * 11)
    assert dossier.copies_fault(["长" * 41])
    assert dossier.fault(Event.UPHOLD, "没有正当理由", ["长" * 201])


def test_the_days_of_a_limit_are_told_as_runs() -> None:
    due = date(2026, 3, 10)
    span = Span(start=date(2026, 3, 3), yellow=due, due=due, until=due, beyond=Light.NONE)
    days = chart.days(
        span, date.max, {date(2026, 3, 7): (False, "周末"), date(2026, 3, 8): (False, "周末")}, []
    )
    runs = snapshot.runs(days)
    assert [(run.first.day, run.last.day, run.workdays, run.why) for run in runs] == [
        (3, 3, 0, "当日不计"),
        (4, 6, 3, "计入"),
        (7, 8, 0, "周末不计"),
        (9, 10, 2, "计入"),
    ]
