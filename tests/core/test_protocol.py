"""PROTOCOL.md against the code: every id has a test, every table is the code's, every vector is reproduced."""

import ast
import hashlib
import importlib
import json
import re
import typing
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct

import common
from agent.core.sync import _INTRODUCE, _PERMANENT, Phase
from common.core import batch, crypto, message, record
from common.core.act import Act
from common.core.batch import Header, Lane
from common.core.camera import Mask, Occasion, Seat, View
from common.core.message import (
    Ack,
    CentralState,
    Command,
    Dial,
    Drawn,
    DrawnSeat,
    Filed,
    Heartbeat,
    Hello,
    Nack,
    Policy,
    Signed,
    State,
    Wanted,
    Watch,
    Welcome,
)
from common.core.record import (
    CameraState,
    Case,
    Checkpoint,
    Event,
    Gap,
    IndexRoot,
    Observation,
    Op,
    Pass,
    Record,
    RecordKind,
    Result,
    Root,
    SeatState,
    Step,
    Still,
)
from common.core.rest import DataKey
from common.core.state import CaseStatus, Outcome, StepKind

ROOT = Path(common.__file__).parent.parent
TEXT = (ROOT / "common/PROTOCOL.md").read_text("utf-8")
VECTORS: dict[str, Any] = json.loads((ROOT / "common/vectors.json").read_text("utf-8"))
BODIES: tuple[type[Struct], ...] = (
    Case,
    Step,
    Observation,
    Pass,
    Gap,
    Event,
    Checkpoint,
    Result,
    IndexRoot,
    CameraState,
    SeatState,
    Still,
)
MESSAGES: tuple[type[Struct], ...] = (
    Hello,
    Welcome,
    Ack,
    Filed,
    Command,
    Policy,
    Watch,
    Dial,
    Heartbeat,
    State,
    CentralState,
)
STRUCTS: tuple[type[Struct], ...] = (
    Record,
    *BODIES,
    Root,
    Header,
    Signed,
    Nack,
    Drawn,
    DrawnSeat,
    Wanted,
    *MESSAGES,
)
IDS = re.findall(r"^- \*\*(P-[A-Z]+-\d\d)\*\*", TEXT, re.MULTILINE)


def table(first: str, second: str) -> list[list[str]]:
    """Cells of the rows of the one table whose head begins with these two words."""
    lines = iter(TEXT.splitlines())
    for line in lines:
        if line.startswith(f"| {first} | {second} |"):
            next(lines)
            rows: list[list[str]] = []
            while (line := next(lines)).startswith("|"):
                rows.append([cell.strip(" `") for cell in line.strip("|").split("|")])
            return rows
    raise AssertionError(first, second)


def block(name: str) -> list[str]:
    return TEXT.split(f"```{name}\n")[1].split("\n```")[0].splitlines()


def source(*places: str) -> str:
    return "\n".join((ROOT / place).read_text("utf-8") for place in places)


# ids -----------------------------------------------------------------------------------------------------------


ELSEWHERE = {
    "P-ACK-01": ("contract/test_store.py", "test_a_transaction_that_fails_leaves_nothing"),
    "P-ACK-06": ("contract/test_store.py", "test_a_batch_that_comes_again_in_any_cut_changes_nothing"),
    "P-CHAIN-04": ("contract/test_store.py", "test_a_rewritten_record_is_a_fork"),
    "P-GAP-03": ("contract/test_store.py", "test_a_declared_gap_lets_the_rest_count"),
    "P-HELLO-03": ("contract/test_store.py", "test_an_older_generation_is_told_that_it_was_replaced"),
    "P-NACK-02": (
        "contract/test_store.py",
        "test_a_record_that_cannot_be_read_is_set_aside_and_the_rest_goes_on",
    ),
    "P-REC-03": ("contract/test_store.py", "test_a_deleted_row_keeps_what_was_seen"),
    "P-REST-03": ("integration/test_buffer.py", "test_a_flipped_bit_is_noticed_quarantined_and_declared"),
}
"""Ids that tests of another subject prove."""


def functions(path: Path) -> dict[str, str]:
    """Names and docstrings of a test file's functions and state machines."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    return {node.name: ast.get_docstring(node) or "" for node in nodes if isinstance(node, kinds)}


def named_in_tests() -> set[str]:
    found = set(ELSEWHERE)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for text in functions(path).values():
            found |= set(re.findall(r"P-[A-Z]+-\d\d", text))
    return found


def test_every_id_is_given_once_and_has_a_test() -> None:
    assert len(IDS) == len(set(IDS))
    assert set(IDS) - named_in_tests() == set()


def test_what_is_proved_elsewhere_is_there() -> None:
    for place, name in ELSEWHERE.values():
        assert name in functions(ROOT / "tests" / place)


def test_no_test_names_an_id_that_is_not_in_the_protocol() -> None:
    assert named_in_tests() - set(IDS) == set()


def test_every_must_of_the_protocol_has_an_id() -> None:
    for paragraph in re.split(r"\n(?=\n|- |#)", TEXT.split("## 1 ")[1]):
        if "MUST" in paragraph:
            assert re.match(r"- \*\*P-[A-Z]+-\d\d\*\*", paragraph.strip()), paragraph


# tables --------------------------------------------------------------------------------------------------------

TYPES = {
    "int": {"int"},
    "text": {"str"},
    "time text": {"str"},
    "bin": {"bytes"},
    "bool": {"bool"},
    "float": {"float"},
    "array": {"Raw"},
    "array of [lo, hi]": {"list"},
    "array of Nack": {"list"},
    "array of Drawn": {"list"},
    "array of Wanted": {"list"},
    "array of DrawnSeat": {"list"},
    "[left, top, right, bottom]": {"int"},
    "array of [left, top, right, bottom]": {"list"},
    "array of text": {"list"},
    "map text → text": {"dict"},
    "map text → int": {"dict"},
    "map text → Root": {"dict"},
    "map text → float": {"dict"},
    "Anew": {"Anew"},
}


def type_names(hint: Any) -> set[str]:
    """`Int64 | None` -> {int, nil}; a word is text."""
    if typing.get_origin(hint) is typing.Annotated:
        return type_names(typing.get_args(hint)[0])
    if typing.get_origin(hint) is typing.Literal:
        return {"str"}
    if hint is type(None):
        return {"nil"}
    if isinstance(origin := typing.get_origin(hint), type) and origin in {list, dict}:
        return {origin.__name__}
    if args := typing.get_args(hint):
        return set().union(*map(type_names, args))
    return {"str" if issubclass(hint, StrEnum) else hint.__name__}


@pytest.mark.parametrize("kind", STRUCTS, ids=lambda kind: kind.__name__)
def test_every_struct_travels_as_the_array_of_its_table(kind: type[Struct]) -> None:
    """P-WIRE-01, P-REC-01, P-REC-04, P-BATCH-02, P-STATE-01"""
    rows = table("#", kind.__name__)
    assert kind.__struct_config__.array_like
    assert [row[1] for row in rows] == list(kind.__struct_fields__)
    assert [int(row[0]) for row in rows] == list(range(len(rows)))
    hints = typing.get_type_hints(kind, include_extras=True)
    for row in rows:
        text, _, nil = row[2].partition(", nil")
        wanted = TYPES[text] | ({"nil"} if row[2].endswith(", nil") else set())
        assert type_names(hints[row[1]]) == wanted, (kind, row[1], nil)


def test_kinds_ops_lanes_and_states_are_the_words_of_the_code() -> None:
    """P-REC-02, P-REC-03, P-STATE-02"""
    rows = table("kind", "body")
    assert [row[0] for row in rows] == list(RecordKind)
    assert [row[1] for row in rows] == [kind.__name__ for kind in BODIES]
    assert set(re.findall(r"`(\w+)`", TEXT.split("**P-REC-03**")[1].split(".")[0])) == {"op", *Op}
    lane = next(row[3] for row in table("#", "Header") if row[1] == "lane")
    assert re.findall(r"\w+", lane.replace("or", "")) == list(Lane)
    state = next(row[3] for row in table("#", "Heartbeat") if row[1] == "state")
    assert re.findall(r"\w+", state) == list(Phase)


def test_status_and_step_kinds_have_the_chinese_words_of_the_code() -> None:
    """P-REC-05"""
    assert dict(table("status", "中文")) == {item.value: item.word for item in CaseStatus}
    assert dict(table("step kind", "中文")) == {item.value: item.word for item in StepKind}


def test_the_words_of_a_camera_are_those_of_the_code() -> None:
    """P-CAM-01"""
    assert dict(table("view", "中文")) == {item.value: item.word for item in View}
    assert [item for item in View if not item.is_fault] == list(View)[:6]


def test_the_words_of_a_seat_are_those_of_the_code() -> None:
    """P-CAM-02"""
    assert dict(table("seat", "中文")) == {item.value: item.word for item in Seat}


def test_the_words_of_a_still_are_those_of_the_code() -> None:
    """P-CAM-03"""
    assert dict(table("mask", "中文")) == {item.value: item.word for item in Mask}
    assert dict(table("occasion", "中文")) == {item.value: item.word for item in Occasion}


def test_the_words_of_commands_are_those_of_the_code() -> None:
    """P-CMD-04"""
    assert {row[0]: row[2] for row in table("act", "参数")} == {item.value: item.word for item in Act}
    said = next(line for line in TEXT.splitlines() if line.startswith("- **P-CMD-04"))
    outcomes = {item.value for item in Outcome} - {Outcome.WAITING.value}
    assert set(re.findall(r"`([a-z]+)`", said)) - {"outcome"} == outcomes


def test_every_field_of_case_and_step_has_a_chinese_term() -> None:
    for kind in (Case, Step):
        assert all(re.search(r"[\u4e00-\u9fff]", row[3]) for row in table("#", kind.__name__))


def test_the_limits_are_the_constants_of_the_code() -> None:
    """P-LIMIT-01"""
    for _, value, where in table("limit", "value"):
        module, _, name = where.rpartition(".")
        assert float(value.split()[0]) == getattr(importlib.import_module(module), name), where


def test_the_codes_are_those_in_use() -> None:
    """P-NACK-01"""
    rows = table("code", "where")
    listed = {row[0] for row in rows}
    hall = source("central/ingest.py", "central/welcome.py", "central/receive.py")
    used = set(
        re.findall(
            r'(?:_nack\(item, |Nack\(seq, seq, |header\.last, |code [!=]?= |refused = |return )"(\w+)"', hall
        )
    )
    used |= set(re.findall(r'BatchError\("(\w+)"', source("common/core/batch.py") + hall))
    states = source("central/store/tables.py").split('"state", Text')[1].split("#")[1].splitlines()[0]
    used |= {word.strip() for word in states.split("|")} - {"active", "draining"}
    assert used == listed
    assert {row[0] for row in rows if row[2] == "no" and "says hello" in row[3]} == _INTRODUCE
    assert {row[0] for row in rows if row[2] == "yes"} == _PERMANENT | {"bad_record"}


def test_the_words_of_a_gap_are_those_in_use() -> None:
    """P-GAP-01"""
    where = source("agent/buffer.py", "agent/session.py", "agent/salvage.py")
    used = re.findall(r'[gG]ap\(\s*[\w.]+(?: \+ 1)?, \w+, "(\w+)"', where)
    assert {row[0] for row in table("why", "meaning")} == set(used)


# vectors -------------------------------------------------------------------------------------------------------


def raw(path: str) -> bytes:
    """`records.1.body` -> its bytes."""
    value: Any = VECTORS
    *parents, last = path.split(".")
    for name in parents:
        if isinstance(value, list):
            by_kind = [item for item in value if item.get("kind") == name]
            value = by_kind[0] if by_kind else value[int(name) - 1]
        else:
            value = value[name]
    return bytes.fromhex(value.get(f"{last}_hex", value.get(last)))


def build(kind: type[Struct], fields: dict[str, Any]) -> Any:
    """A Struct from JSON fields; bytes are hex there."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return kind(**{name: filled(hints[name], value) for name, value in fields.items()})


def filled(hint: Any, value: Any) -> Any:
    """The same of one field, however deep."""
    if typing.get_origin(hint) is typing.Annotated and isinstance(value, dict):
        return filled(typing.get_args(hint)[0], value)
    args = typing.get_args(hint)
    structs = [item for item in args or (hint,) if isinstance(item, type) and issubclass(item, Struct)]
    if hint is bytes:
        return bytes.fromhex(value)
    if structs and typing.get_origin(hint) is dict:
        return {name: build(structs[0], item) for name, item in value.items()}
    if structs and isinstance(value, dict):
        return build(structs[0], value)
    return msgspec.convert(value, hint)


def listed_vectors() -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in block("vectors"):
        if line.startswith(" "):
            found[name] += line.strip()
        else:
            name = line
            found[name] = ""
    return found


BODY_OF = {kind.value: body for kind, body in zip(RecordKind, BODIES, strict=True)}
ROWS = [(key, version, bytes.fromhex(digest)) for key, version, digest in VECTORS["root"]["rows"]]
KEYS = {name: bytes.fromhex(value) for name, value in VECTORS["keys"].items()}
RAWS = [bytes.fromhex(item["record_hex"]) for item in VECTORS["records"]]


def test_the_protocol_prints_every_vector_as_it_is_in_the_file() -> None:
    """P-VEC-01"""
    listed = listed_vectors()
    assert {name: raw(name).hex() for name in listed} == listed
    assert len(listed) == json.dumps(VECTORS).count("_hex") + len(KEYS) - 1  # digest.data is an input


def test_the_public_keys_their_ids_and_the_wrapped_key_are_derived() -> None:
    """P-VEC-01, P-SIGN-03, P-REST-02"""
    for name in ("box", "hall"):
        assert crypto.sign_public(KEYS[f"{name}_sign_secret"]) == KEYS[f"{name}_sign_public"]
        assert crypto.key_id(KEYS[f"{name}_sign_public"]) == KEYS[f"{name}_sign_id"].hex()
    assert crypto.wire_public(KEYS["wire_secret"]) == KEYS["wire_public"]
    assert crypto.key_id(KEYS["wire_public"]) == KEYS["wire_id"].hex()
    assert crypto.wrap(KEYS["kek"], KEYS["dek"]) == KEYS["dek_wrapped"]
    assert crypto.unwrap(KEYS["kek"], KEYS["dek_wrapped"]) == KEYS["dek"]


@pytest.mark.parametrize("item", VECTORS["records"], ids=lambda item: item["record"]["kind"])
def test_every_kind_of_record_has_exactly_these_bytes(item: dict[str, Any]) -> None:
    """P-VEC-01, P-REC-01, P-REC-04"""
    body = build(BODY_OF[item["record"]["kind"]], item["body"])
    packed = record.encode_body(body)
    assert bytes(packed).hex() == item["body_hex"]
    assert record.encode_record(with_body(item["record"], packed)).hex() == item["record_hex"]
    read = record.decode_record(bytes.fromhex(item["record_hex"]))
    assert record.decode_body(read) == body
    assert record.kind_of(body) is read.kind


def with_body(fields: dict[str, Any], packed: msgspec.Raw) -> Record:
    digest = bytes.fromhex(fields["digest"])
    words = {"kind": RecordKind(fields["kind"]), "op": Op(fields["op"])}
    return Record(**{**fields, **words, "digest": digest, "body": packed})


def test_the_chain_has_exactly_these_values() -> None:
    """P-VEC-01, P-CHAIN-01, P-CHAIN-02"""
    epoch = VECTORS["epoch"]
    value = crypto.chain_start(epoch["site"], bytes.fromhex(epoch["epoch"]), KEYS["box_sign_public"])
    assert value == raw("epoch.chain_start")
    for seq, item in enumerate(VECTORS["records"], 1):
        value = crypto.chain_next(value, seq, RAWS[seq - 1])
        assert value.hex() == item["chain_hex"]


def test_the_front_of_a_batch_has_exactly_these_bytes_and_the_recorded_sealing_opens() -> None:
    """P-VEC-01, P-BATCH-01, P-BATCH-02, P-BATCH-04"""
    header = build(Header, VECTORS["batch"]["header"])
    head = message.encode(header)
    assert b"MC1" + len(head).to_bytes(2, "big") + head == raw("batch.front")
    assert msgspec.msgpack.encode(RAWS) == raw("batch.plain")
    payload = raw("batch.payload")
    assert payload.startswith(raw("batch.front"))
    secrets, end = {header.key: KEYS["wire_secret"]}, len(raw("batch.front"))
    assert batch.decode(payload, secrets, KEYS["box_sign_public"]) == (header, RAWS)
    again = batch.encode(header, RAWS, KEYS["wire_public"], KEYS["box_sign_secret"])
    assert again.startswith(raw("batch.front"))
    assert len(again) - len(crypto_plain(again)) == end + 64 + 32 + 16


def test_the_signature_under_a_batch_has_exactly_these_bytes() -> None:
    """P-VEC-01, P-BATCH-15"""
    payload, end = raw("batch.payload"), len(raw("batch.front"))
    said = b"MC1 batch|" + payload[:end] + hashlib.sha256(payload[end + 64 :]).digest()
    assert crypto.sign(KEYS["box_sign_secret"], said) == payload[end : end + 64] == raw("batch.signature")


def test_the_sealing_with_sm_algorithms_has_exactly_these_bytes() -> None:
    """P-VEC-01, P-BATCH-13"""
    front, sealed = raw("batch.front"), raw("batch.sm_sealed")
    assert crypto.seal_sm(KEYS["digest_key"], KEYS["wire_public"], front, RAWS[3]) == sealed
    assert crypto.unseal_batch(KEYS["wire_secret"], front, sealed, crypto.WIRE_SM) == RAWS[3]
    assert [row[0] for row in table("alg", "`sealed`")] == list(crypto.WIRE_ALGS)


def crypto_plain(payload: bytes) -> bytes:
    """The compressed records inside a payload."""
    end = len(raw("batch.front"))
    return crypto.unseal_batch(KEYS["wire_secret"], payload[:end], payload[end + 64 :])


def test_the_header_taken_apart_is_the_front_of_the_vector() -> None:
    parts = [line.split() for line in block("bytes")]
    assert "".join(part[0] for part in parts) == raw("batch.front").hex()
    assert [part[1] for part in parts if len(part) == 2][1:] == list(Header.__struct_fields__)


def test_the_root_over_these_rows_is_this() -> None:
    """P-VEC-01, P-ROOT-01"""
    leaf = msgspec.msgpack.encode([list(row) for row in sorted(ROWS, key=lambda row: row[0].encode())])
    assert hashlib.sha256(b"\0" + leaf).hexdigest() == VECTORS["root"]["hash_hex"]
    (body,) = [item["body"] for item in VECTORS["records"] if item["record"]["kind"] == "index_root"]
    assert body["tables"] == {"case": {"rows": len(ROWS), "hash": VECTORS["root"]["hash_hex"]}}


@pytest.mark.parametrize("item", VECTORS["messages"], ids=lambda item: item["kind"])
def test_every_message_has_exactly_these_bytes_and_signature(item: dict[str, Any]) -> None:
    """P-VEC-01, P-SIGN-01, P-STATE-01"""
    kind = next(kind for kind in MESSAGES if kind.__name__ == item["kind"])
    value = build(kind, item["fields"])
    assert message.encode(value).hex() == item["body_hex"]
    assert message.decode(kind, bytes.fromhex(item["body_hex"])) == value
    if "signer" not in item:
        return
    signer = item["signer"]
    signed = message.encode_signed(value, item["topic"], KEYS[f"{signer}_sign_secret"])
    assert signed.hex() == item["signed_hex"]
    assert message.decode_signed(kind, item["topic"], KEYS[f"{signer}_sign_public"], signed) == value
    outer = message.decode(Signed, signed)
    assert (outer.body.hex(), outer.key) == (item["body_hex"], KEYS[f"{signer}_sign_id"].hex())
    assert crypto.verify(
        KEYS[f"{signer}_sign_public"], item["topic"].encode() + b"\0" + outer.body, outer.signature
    )


def test_a_sealed_record_at_rest_and_a_digest_have_exactly_these_bytes() -> None:
    """P-VEC-01, P-REST-01, P-REC-06"""
    rest, epoch = VECTORS["at_rest"], VECTORS["epoch"]
    context = crypto.record_context(epoch["site"], bytes.fromhex(epoch["epoch"]), rest["seq"], rest["dek_no"])
    assert context.decode() == rest["context"]
    packed, nonce, link = raw("at_rest.packed"), bytes.fromhex(rest["nonce"]), raw("records.1.chain")
    for alg in crypto.AT_REST_ALGS:
        key = KEYS["dek"][: crypto.key_bytes(alg)]
        sealed = crypto.seal(crypto.cipher(alg, key), nonce, context, link + packed)
        assert sealed == raw(f"at_rest.{alg}")
        place = (epoch["site"], bytes.fromhex(epoch["epoch"]), rest["seq"])
        assert DataKey(rest["dek_no"], key, alg, rest["dict"]).open(place, sealed) == (link, RAWS[0])
    assert crypto.keyed_digest(KEYS["digest_key"], raw("digest.data")) == raw("digest.digest")
