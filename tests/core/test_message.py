"""The small messages: signed for one topic, grown only at the end, refused in one way."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from common.core import crypto, message, record, topics
from common.core.message import Ack, CentralState, Heartbeat, Hello, Nack, Signed, State, Welcome
from common.core.record import Case, Event, Gap, Observation, Op, Pass, Record, RecordKind, Result, Step
from common.core.state import Outcome
from common.core.text import sound

BOX, HALL = b"b" * 32, b"h" * 32
BOX_KEY, HALL_KEY = crypto.sign_public(BOX), crypto.sign_public(HALL)
HELLO = Hello("s01", 2, b"epoch--1", "c1", "0.1.0", 6, b"h" * 32, 7)
WELCOME = Welcome(b"epoch--1", "c1", 2, [(4, 5)], b"w" * 32, 1000, 1, 2)
ACK = Ack(b"epoch--1", 6, [(9, 12)], [Nack(11, 11, "bad_record", permanent=True)], 1000, 1)
BEAT = Heartbeat("c1", b"epoch--1", 6, 2, 4, 1, 1.5, None, "", 0, None, 1.0, "steady", 1, "0.1.0")
STATE = State("c1", True, b"epoch--1", "0.1.0")
CENTRAL = CentralState(True, "i1")
MESSAGES: list[Struct] = [HELLO, WELCOME, ACK, BEAT, STATE, CENTRAL]
KINDS: list[type[Struct]] = [*map(type, MESSAGES), Signed, Record, Case, Step, Observation, Pass, Gap, Event]


@pytest.mark.parametrize("value", MESSAGES, ids=lambda value: type(value).__name__)
def test_every_message_comes_back_as_it_was_sent(value: Struct) -> None:
    assert message.decode(type(value), message.encode(value)) == value


@given(
    st.integers(-(2**62), 2**62),
    st.text(max_size=2_000).map(sound),
    st.binary(max_size=8),
)
def test_any_values_come_back(number: int, text: str, blob: bytes) -> None:
    beat = msgspec.structs.replace(BEAT, rows=number, source_fault=text, epoch=blob)
    assert message.decode(Heartbeat, message.encode(beat)) == beat


def test_a_signed_message_is_believed_only_from_its_signer_and_on_its_topic() -> None:
    """P-SIGN-01, P-SIGN-02, P-SIGN-04"""
    raw = message.encode_signed(ACK, topics.ack("s01"), HALL)
    assert message.decode_signed(Ack, topics.ack("s01"), HALL_KEY, raw) == ACK
    for topic, key in [
        (topics.ack("s02"), HALL_KEY),
        (topics.welcome("s01"), HALL_KEY),
        (topics.hello("s01"), HALL_KEY),
        (topics.ack("s01"), BOX_KEY),
        (topics.ack("s01"), b"no key"),
    ]:
        with pytest.raises(ValueError, match="does not verify"):
            message.decode_signed(Ack, topic, key, raw)


def test_the_key_that_a_message_names_is_never_the_one_it_is_checked_with() -> None:
    """P-SIGN-04"""
    forged = message.decode(Signed, message.encode_signed(ACK, topics.ack("s01"), BOX))
    named = msgspec.structs.replace(forged, key=crypto.key_id(HALL_KEY))
    with pytest.raises(ValueError, match="does not verify"):
        message.decode_signed(Ack, topics.ack("s01"), HALL_KEY, message.encode(named))


def test_every_flipped_bit_of_a_signed_message_is_noticed() -> None:
    """P-SIGN-01"""
    raw = message.encode_signed(ACK, topics.ack("s01"), HALL)
    told = message.decode(Signed, raw).key.encode()  # for people: not part of what is signed
    spared = range(raw.index(told), raw.index(told) + len(told))
    for place in range(len(raw) * 8):
        if place // 8 in spared:
            continue
        flipped = bytearray(raw)
        flipped[place // 8] ^= 1 << place % 8
        try:
            read = message.decode_signed(Ack, topics.ack("s01"), HALL_KEY, bytes(flipped))
        except ValueError:
            continue
        assert read == ACK, place  # the same bytes in a wider length field


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@given(raw=st.binary(max_size=80))
def test_garbage_is_undecodable_or_a_message_and_nothing_else(kind: type[Struct], raw: bytes) -> None:
    """P-WIRE-05"""
    try:
        assert isinstance(message.decode(kind, raw), kind)
    except msgspec.DecodeError:
        return


@given(st.recursive(st.none() | st.integers() | st.text(max_size=3) | st.binary(max_size=3), st.lists))
def test_well_formed_nonsense_is_undecodable_and_nothing_else(value: Any) -> None:
    """P-WIRE-05"""
    try:
        raw = msgspec.msgpack.encode([value] * 14)
    except OverflowError:
        return
    for kind in KINDS:
        try:
            message.decode(kind, raw)
        except msgspec.DecodeError:
            continue


def test_nesting_without_end_and_bad_utf8_are_undecodable() -> None:
    """P-WIRE-05"""
    deep = message.encode(STATE).replace(b"\x95", b"\x96", 1) + b"\x91" * 50_000 + b"\x90"
    for raw in (deep, message.encode(STATE).replace(b"c1", b"\xff\xff")):
        with pytest.raises(msgspec.DecodeError):
            message.decode(State, raw)
        with pytest.raises(msgspec.DecodeError):
            message.decode_signed(State, "t", BOX_KEY, raw)


@pytest.mark.parametrize("value", MESSAGES, ids=lambda value: type(value).__name__)
def test_items_at_the_end_are_ignored_and_defaults_fill_in(value: Struct) -> None:
    """P-WIRE-02"""
    items = msgspec.msgpack.decode(message.encode(value))
    assert message.decode(type(value), msgspec.msgpack.encode([*items, "new", [1]])) == value
    fields = msgspec.structs.fields(type(value))
    shorter = msgspec.msgpack.encode(items[:-1])
    if fields[-1].required:
        with pytest.raises(msgspec.DecodeError):
            message.decode(type(value), shorter)
    else:
        assert message.decode(type(value), shorter) == value


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_field_with_a_default_is_followed_by_none_without(kind: type[Struct]) -> None:
    """P-WIRE-02"""
    required = [field.required for field in msgspec.structs.fields(kind)]
    assert required == sorted(required, reverse=True)


def test_a_case_of_an_older_and_of_a_newer_site_is_read() -> None:
    """P-WIRE-02, P-REC-04"""
    assert message.decode(Case, msgspec.msgpack.encode(["YW1"])) == Case(case_key="YW1")
    known = msgspec.msgpack.decode(message.encode(Step(case_key="YW1", opinion="同意")))
    assert message.decode(Step, msgspec.msgpack.encode([*known, {"new": 1}])).opinion == "同意"
    with pytest.raises(msgspec.DecodeError):
        message.decode(Case, msgspec.msgpack.encode([]))


def test_what_a_source_does_not_record_is_nil() -> None:
    """P-REC-04"""
    for kind in (Case, Step):
        for field in msgspec.structs.fields(kind):
            if field.name not in {"case_key", "kind"}:
                value = (
                    field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
                )
                assert value in (None, {})


@pytest.mark.parametrize(
    ("place", "word"), [(1, "case "), (1, "photo"), (5, "insert")], ids=["kind", "new kind", "op"]
)
def test_an_unknown_word_makes_a_record_undecodable(place: int, word: str) -> None:
    """P-WIRE-04, P-REC-02, P-REC-03"""
    body = record.encode_body(Case(case_key="YW1"))
    raw = record.encode_record(Record(1, RecordKind.CASE, "case", "1", 1, Op.PUT, None, 1, 1, 1, b"", body))
    items = msgspec.msgpack.decode(raw)
    assert record.decode_record(msgspec.msgpack.encode(items)).kind is RecordKind.CASE
    items[place] = word
    with pytest.raises(msgspec.DecodeError):
        record.decode_record(msgspec.msgpack.encode(items))


def test_an_unknown_status_or_step_kind_makes_a_body_undecodable() -> None:
    """P-WIRE-04, P-REC-05"""
    for kind, body, word in [
        (RecordKind.CASE, Case(case_key="1"), "status"),
        (RecordKind.STEP, Step(case_key="1"), "kind"),
    ]:
        items = msgspec.msgpack.decode(message.encode(body))
        items[type(body).__struct_fields__.index(word)] = "approved?"
        packed = msgspec.Raw(msgspec.msgpack.encode(items))
        with pytest.raises(msgspec.DecodeError):
            record.decode_body(Record(1, kind, "", "", 1, Op.PUT, None, 1, 1, 1, b"", packed))


def test_a_body_of_another_kind_is_undecodable() -> None:
    """P-REC-02"""
    packed = record.encode_body(Gap(1, 2, "damaged"))
    with pytest.raises(msgspec.DecodeError):
        record.decode_body(Record(3, RecordKind.CASE, "", "", 1, Op.PUT, None, 1, 1, 1, b"", packed))


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan"), 1e300])
def test_a_number_that_is_none_is_refused(number: float) -> None:
    """Stored, one such heartbeat would fail every page that reads it."""
    beat = msgspec.structs.replace(BEAT, capture_ok_age_s=number)
    with pytest.raises(msgspec.DecodeError):
        message.decode(Heartbeat, message.encode(beat))


@pytest.mark.parametrize("char", ["\0", "\x07", "\x1b", "\r", "\x7f", "\x85", "\x9b", "\u202e", "\u2066"])
@pytest.mark.parametrize("kind", [Heartbeat, State, Hello], ids=lambda kind: kind.__name__)
def test_a_character_that_a_terminal_obeys_is_refused_in_every_text(kind: type[Struct], char: str) -> None:
    """P-WIRE-03"""
    whole = {Heartbeat: BEAT, State: STATE, Hello: HELLO}[kind]
    texts = [name for name in kind.__struct_fields__ if isinstance(getattr(whole, name), str)]
    assert texts
    for name in texts:
        with pytest.raises(msgspec.DecodeError, match="control character"):
            message.decode(kind, message.encode(msgspec.structs.replace(whole, **{name: f"a{char}b"})))


def test_a_text_deep_in_a_body_is_looked_at_too() -> None:
    """P-WIRE-03"""
    for body in (
        Case(case_key="1", watched={"a\x1b": "b"}),
        Case(case_key="1", watched={"a": "b\x9b"}),
        Pass(1, {"a\x7f": 1}),
        Pass(1, {}, ["\u202e"]),
    ):
        item = Record(
            1, record.kind_of(body), "", "", 1, Op.PUT, None, 1, 1, 1, b"", record.encode_body(body)
        )
        with pytest.raises(msgspec.DecodeError, match="control character"):
            record.decode_body(record.decode_record(record.encode_record(item)))


@pytest.mark.parametrize(
    ("value", "name", "longest"),
    [
        (BEAT, "connection", 200),
        (BEAT, "state", 200),
        (BEAT, "policy_fault", 2_000),
        (STATE, "version", 200),
        (HELLO, "version", 200),
        (Gap(1, 1, "damaged"), "why", 200),
        (Event("a"), "detail", 2_000),
        (Observation("a", "case", "1", ""), "detail", 2_000),
        (Case(case_key="1"), "applicant", 4_000),
        (Step(case_key="1"), "opinion", 4_000),
        (Result("a", "doctor", Outcome.DONE), "detail", 16_000),
    ],
)
def test_a_text_has_a_length(value: Struct, name: str, longest: int) -> None:
    """P-WIRE-06"""
    whole = msgspec.structs.replace(value, **{name: "长" * longest})
    assert message.decode(type(value), message.encode(whole)) == whole
    with pytest.raises(msgspec.DecodeError, match="length"):
        message.decode(
            type(value), message.encode(msgspec.structs.replace(value, **{name: "长" * (longest + 1)}))
        )
