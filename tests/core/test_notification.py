"""The pure part of the messages: texts and their parts, the ladder's instants, hours, digests, who is told, silences, PDUs."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import digest, gateway, ladder, message, pdu, silence
from central.core.access import Role
from central.core.digest import SINGLES, Waiting
from central.core.item import Person
from central.core.ladder import LADDER, Level, Post, Rung
from central.core.message import MOVES, OF_MANY, ONE_PART, Channel, Matter, State
from central.core.recipient import GROUP, Account, contact_fault, dialled, holders, veiled
from central.core.scope import EVERYTHING, Scope
from central.core.silence import Silence
from common.core.errors import ConfigError
from common.core.instant import DAY, HOUR, MINUTE, from_us, to_us
from tests.contract.gateways import read_submit
from tests.core.test_calendar import CALENDAR

ZONE = ZoneInfo("Asia/Shanghai")
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300)


def at(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=ZONE))


# texts --------------------------------------------------------------------------------------------------------


@given(TEXTS)
def test_parts_are_the_text_and_each_fits_a_short_message(text: str) -> None:
    found = message.parts(text)
    assert "".join(found) == text
    most = ONE_PART if len(found) == 1 else OF_MANY
    assert all(message.length(part) <= most for part in found)


@given(TEXTS, st.text("0123456789AB-", max_size=40))
def test_a_text_is_one_short_message_and_keeps_the_tail_and_what_is_asked(item: str, number: str) -> None:
    one = Matter(item=item, case_no=number, what="临近承诺时限", due="6月12日", ask="请按期办结。")
    text = message.text("明察", one)
    assert message.length(text) <= ONE_PART
    assert text.startswith("【明察】")
    assert text.endswith("临近承诺时限，最后一日6月12日。请按期办结。")
    assert f"（尾号{number[-4:]}）" in text or not number
    assert len(number) <= 4 or number in item or number not in text


def test_a_digest_counts_what_it_stands_for() -> None:
    said = message.digest("明察", ["红灯", "黄灯提示", "红灯"])
    assert said == "【明察】您有3条提示：红灯2件，黄灯提示1件。请登录明察，在收件箱逐条查看。"


def test_every_state_has_its_moves_and_what_has_arrived_moves_no_more() -> None:
    assert set(MOVES) == set(State)
    assert MOVES[State.DELIVERED] == frozenset()
    reached = {State.QUEUED}
    while new := {after for state in reached for after in MOVES[state]} - reached:
        reached |= new
    assert reached == set(State)


def test_keys_differ_by_happening_rung_person_and_channel() -> None:
    keys = {
        message.key_of(event, rung, person, channel)
        for event in ("a", "b")
        for rung in (0, 1)
        for person in ("x", "y")
        for channel in Channel
    }
    assert len(keys) == 8 * len(Channel)
    assert {len(key) for key in keys} == {32}


# ladder -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happened", "halves", "reached"),
    [
        ("2026-03-18T10:00", 1, "2026-03-18T12:00"),
        ("2026-03-18T15:00", 1, "2026-03-19T08:00"),
        ("2026-03-18T10:00", 2, "2026-03-19T08:00"),
        ("2026-03-20T15:00", 1, "2026-03-23T08:00"),
        ("2026-03-21T15:00", 1, "2026-03-23T12:00"),
        ("2026-02-13T15:00", 2, "2026-02-14T12:00"),  # a make-up working day
        ("2026-02-14T15:00", 1, "2026-02-24T08:00"),  # the spring festival
        ("2026-03-18T10:00", 6, "2026-03-23T08:00"),
    ],
)
def test_half_working_days(happened: str, halves: int, reached: str) -> None:
    rung = Rung(posts=(), halves=halves)
    assert ladder.reached_at(rung, at(happened), None, CALENDAR, ZONE) == at(reached)


def test_the_due_days_morning_is_told_unless_it_is_over_or_there_is_none() -> None:
    rung = Rung(posts=(), on_due_day=True)
    day = date(2026, 3, 19)
    assert ladder.reached_at(rung, at("2026-03-18T10:00"), day, CALENDAR, ZONE) == at("2026-03-19T09:00")
    assert ladder.reached_at(rung, at("2026-03-19T10:00"), day, CALENDAR, ZONE) is None
    assert ladder.reached_at(rung, at("2026-03-18T10:00"), None, CALENDAR, ZONE) is None


@given(st.integers(at("2026-01-01T00:00"), at("2026-12-31T23:59")))
def test_phones_wake_in_the_hours_of_working_days_alone_and_never_earlier_than_asked(moment: int) -> None:
    found = ladder.may_wake_at(moment, CALENDAR, ZONE)
    local = from_us(found, ZONE)
    assert CALENDAR.is_workday(local.date())
    assert ladder.OPENS <= local.hour < ladder.CLOSES
    assert found >= moment
    assert ladder.may_wake_at(found, CALENDAR, ZONE) == found
    before = from_us(found - MINUTE, ZONE)  # nothing between would have done
    assert found == moment or not (CALENDAR.is_workday(before.date()) and 8 <= before.hour < 20)


def test_a_graver_light_tells_everybody_whom_the_milder_one_tells() -> None:
    def posts(level: Level) -> set[Post]:
        return {post for rung in LADDER[level] for post in rung.posts}

    assert posts(Level.YELLOW) < posts(Level.RED)
    assert posts(Level.URGING) < posts(Level.CIRCULAR)
    assert set(LADDER) == set(Level) - {Level.DIGEST, Level.BRIEFING, Level.TEST}


# digests ------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.booleans(), max_size=12),
    st.integers(0, 6),
    st.none() | st.integers(0, 2 * HOUR),
)
def test_nobody_gets_more_than_three_and_a_digest_an_hour_and_nothing_is_dropped(
    alone: list[bool], singles: int, digest_wall: int | None
) -> None:
    waiting = [Waiting(number, one) for number, one in enumerate(alone)]
    found = digest.plan(waiting, singles, digest_wall, 2 * HOUR)
    assert sorted(found.singly + found.together + found.later) == list(range(len(alone)))
    assert {one.id for one in waiting if one.alone} <= set(found.singly)
    others = [number for number in found.singly if not alone[number]]
    assert not others or singles + len(others) <= SINGLES
    assert not found.together or (len(found.together) > 1 and (digest_wall or 0) + HOUR <= 2 * HOUR)
    assert not found.later or found.later_wall > 2 * HOUR


# people -------------------------------------------------------------------------------------------------------

HERE = Scope(frozenset({"s01"}), None)
ACCOUNTS = [
    Account("chuang", Role.CLERK, HERE, "138 0000 0001"),
    Account("other", Role.CLERK, Scope(frozenset({"s02"}), None), "13800000002"),
    Account("ju", Role.HEAD, Scope(None, frozenset({"民政局"})), "", "ju@city.example"),
    Account("jian", Role.SUPERVISOR, EVERYTHING),
]


def test_who_holds_a_post_for_a_case_is_told_over_what_there_is() -> None:
    persons = [Person("李敏", "13800000009"), Person("周强"), Person("自己", "13800000001")]
    posts = (Post.HANDLER, Post.HEAD, Post.SUPERVISOR, Post.CHAT)
    found = {one.person: dict(one.addresses) for one in holders(posts, "s01", "民政局", ACCOUNTS, persons)}
    assert found == {
        "chuang": {Channel.INBOX: "", Channel.SMS: "13800000001"},
        "ju": {Channel.INBOX: "", Channel.MAIL: "ju@city.example"},
        "jian": {Channel.INBOX: ""},
        "tel:13800000009": {Channel.SMS: "13800000009"},
        GROUP: {Channel.CHAT: ""},
    }
    assert {one.person for one in holders((Post.HEAD,), "s01", None, ACCOUNTS, persons)} == set()


@pytest.mark.parametrize(
    ("phone", "mail", "is_fit"),
    [
        ("138-0000 0001", "a@b.cn", True), ("+8613800000001", "", True), ("", "", True), ("12", "", False),
        ("x", "", False), ("", "a@b", False), ("", "a b@c.cn", False), ("", "a@b@c.cn", False), ("", "a@b.cn\nBcc: x@y.cn", False),
    ],
)  # fmt: skip
def test_numbers_and_mailboxes(phone: str, mail: str, *, is_fit: bool) -> None:
    assert (contact_fault(phone, mail) == "") == is_fit


def test_an_address_is_veiled() -> None:
    assert veiled(dialled("138 0000 0017")) == "138****0017"
    assert veiled("zhang@city.example") == "z***@city.example"
    assert (veiled(""), veiled("12345")) == ("", "****")


# silences -----------------------------------------------------------------------------------------------------


def quiet(**fields: object) -> Silence:
    now = at("2026-03-18T10:00")
    said: dict[str, object] = {
        "site": "s01",
        "person": "",
        "reason": "切换",
        "who": "w",
        "from_at": now,
        "until_at": now + DAY,
    }
    return msgspec.convert(said | fields, Silence)


def test_a_silence_covers_reminders_of_its_site_for_its_time_and_nothing_that_accuses() -> None:
    one, now = quiet(), at("2026-03-18T11:00")
    assert silence.covers(one, Level.YELLOW, "s01", "x", now)
    assert not silence.covers(one, Level.YELLOW, "s02", "x", now)
    assert not silence.covers(one, Level.YELLOW, "s01", "x", now + DAY)
    assert not silence.covers(quiet(person="y"), Level.YELLOW, "s01", "x", now)
    for level in set(Level) - ladder.MILD:
        assert not silence.covers(one, level, "s01", "x", now)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, ""), ({"until_at": at("2026-03-26T00:00")}, ""), ({"until_at": at("2026-03-27T00:00")}, "5 个工作日"),
        ({"until_at": at("2099-01-01T00:00")}, "5 个工作日"), ({"until_at": 0}, "开始之前"), ({"site": ""}, "全部停发"), ({"reason": " "}, "原因"),
    ],
)  # fmt: skip
def test_a_silence_ends_within_five_working_days_and_says_why(fields: dict[str, object], wrong: str) -> None:
    found = silence.fault(quiet(**fields), CALENDAR, ZONE)
    assert wrong in found
    assert bool(wrong) == bool(found)


# PDUs and gateways --------------------------------------------------------------------------------------------


def test_a_submit_is_what_another_implementation_makes() -> None:
    """The vector of node-sms-pdu's documentation, with our request for a report and our validity."""
    (found,) = pdu.submits("09012345678", "こんにちわ", 7)
    theirs = "0001000B819010325476F800080A30533093306B3061308F"
    assert found.hex == theirs.replace("000100", "003100", 1).replace("F800080A", "F80008A90A")
    assert found.length == len(found.hex) // 2 - 1


@given(st.text("0123456789", min_size=5, max_size=15), st.booleans(), TEXTS.filter(bool), st.integers(0, 300))
def test_parts_of_a_submit_are_read_back_by_another_hand(
    digits: str, abroad: bool, text: str, ref: int
) -> None:
    number = ("+" if abroad else "") + digits
    found = [read_submit(bytes.fromhex(part.hex)) for part in pdu.submits(number, text, ref)]
    assert {one for one, _ in found} == {number}
    assert "".join(said for _, said in found) == text


@given(st.text(max_size=80))
def test_what_is_no_report_is_none(text: str) -> None:
    found = pdu.report(text)
    assert found is None or 0 <= found.status <= 255


@given(st.dictionaries(st.sampled_from(["to", "text", "key"]), TEXTS), TEXTS)
def test_a_template_takes_values_as_they_are_and_keeps_its_shape(values: dict[str, str], other: str) -> None:
    template = {"a": ["{to}", 1, {"b": "x{text}y{unknown}{"}], "c": True}
    found = gateway.filled(template, values)
    to, text = values.get("to", "{to}"), values.get("text", "{text}")
    assert found == {"a": [to, 1, {"b": f"x{text}y{{unknown}}{{"}], "c": True}
    assert gateway.at({"a": [{"b": other}]}, "a.0.b") == other
    with pytest.raises(ConfigError, match="不是 JSON"):
        gateway.parsed("{to}", "x")


def test_places_of_an_answer_and_signatures() -> None:
    answer = {"code": 0, "ok": True, "data": {"list": [{"id": "m1"}, {"id": "m2"}]}}
    assert [gateway.at(answer, path) for path in ("code", "ok", "data.list.1.id", "data.list.9.id", "x.y", "data")] == [
        "0", "true", "m2", "", "", "",
    ]  # fmt: skip
    assert len(gateway.list_at(answer, "data.list")) == 2
    assert gateway.list_at({"id": 1}, "") == [{"id": 1}]
    assert gateway.list_at("x", "a.b") == []
    values = {"secret": "key", "at": "1"}
    assert gateway.signed("md5", "{secret}{at}", values) == "c2add694bf942dc77b376592d9c862cd"
    # RFC 4231, case 2
    hmac = gateway.signed("hmac-sha256", "what do ya want for nothing?", {"secret": "Jefe"})
    assert hmac == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert gateway.signed("", "x", values) == ""
