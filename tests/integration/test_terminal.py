"""A site that somebody has taken over writes nothing on the operator's terminal but words, and few of them."""

import asyncio
import json
import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import insert, select, update

import common
from central import judge
from central.ingest import ingest_batches
from central.judge import Moment
from central.opening import open_batch
from central.store import tables as t
from central.store.engine import open_store
from central.welcome import introduce
from common.cli import complain, say, say_json
from common.core import crypto, message
from common.core.act import Act
from common.core.errors import UsageError
from common.core.instant import to_us
from common.core.message import Heartbeat
from common.core.record import Case, Event, Gap, Result
from common.core.state import AlarmKind, Outcome
from tests.integration.serving import OPERATIONS
from tests.keyed import keyed
from tests.sender import SECRETS, SIGN_KEY, Sender, case, draft

ZONE = ZoneInfo("Asia/Shanghai")
NOW = to_us(datetime(2026, 3, 18, 10, tzinfo=ZONE))
ESCAPES = "\x1b[2J\x1b[H\x1b]0;x\x07\x9b2J\u202e\r✓ 没有未处理的告警\x1b[8m"
LINES = "甲\n✓ 没有未处理的告警\n" + "长" * 1_900
COMMANDS = [
    ("alarm", "list"), ("alarm", "list", "--all", "--json"), ("command", "list"), ("command", "list", "--json"),
    ("policy", "list"), ("dead", "list"), ("dead", "list", "--json"), ("verify",), ("verify", "--json"),
    ("doctor", "-v"), ("doctor", "--json"),
]  # fmt: skip
OBEYED = [chr(code) for code in [*range(9), *range(0x0B, 0x20), *range(0x7F, 0xA0)] if chr(code) != "\r"]


def seen(*args: str) -> str:
    r"""What `mingcha` writes on a terminal; \r\n is the terminal's own line end."""
    ours, its = os.openpty()
    with subprocess.Popen(
        [Path(sys.executable).with_name("mingcha"), *args],
        stdin=subprocess.DEVNULL,
        stdout=its,
        stderr=its,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
    ):
        os.close(its)
        said = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            said += part
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def record_of(sender: Sender, kind: str, body: list[object], table: str = "") -> None:
    """Number a record that the product's own encoder would not make."""
    raw = msgspec.msgpack.encode(
        [sender.newest + 1, kind, table, "k" + ESCAPES, 1, "put", None, NOW, NOW, 0, b"", body]
    )
    sender.raws.append(raw)
    sender.chain.append(crypto.chain_next(sender.chain[-1], len(sender.raws), raw))


@pytest.fixture
async def hall(tmp_path: Path) -> tuple[str, Sender]:
    """A hall that has heard everything a hostile box can say, and holds what a careless hall once let in."""
    (tmp_path / "data").mkdir()
    path = tmp_path / "central.toml"
    path.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")
    (tmp_path / "operations.key").write_bytes(OPERATIONS)
    (tmp_path / "operations.key").chmod(0o600)
    store = await open_store(keyed(tmp_path / "data" / "central.db"))
    sender = Sender()
    sender.number(case("1"), case("2", item_name="a" + ESCAPES), draft(Event("x" + ESCAPES), at=NOW))
    sender.number(draft(Gap(1, 1, ESCAPES), at=NOW), draft(Gap(2, 2, LINES), at=NOW))
    sender.number(draft(Gap(3, 3, "clean\nwords"), at=NOW), draft(Event("y", "A" * 150_000), at=NOW))
    sender.number(draft(Result("c1", "doctor", Outcome.DONE, LINES), at=NOW))
    sender.number(draft(Result("c2", "doctor", Outcome.DONE, ESCAPES), at=NOW))
    sender.number(draft(Case(case_key="3" + ESCAPES), at=NOW, key="3"))
    record_of(sender, "kind" + ESCAPES, [])
    record_of(sender, "case", ["4", "\x9b2J", *[None] * 15, "status" + ESCAPES], "case" + ESCAPES)
    sender.number(case("lost"), draft(Gap(13, 13, "clean\nwords"), at=NOW))
    command = {"site": "s01", "act": Act.DOCTOR.value, "args": "{}", "who": "w", "why": "w", "issued_wall": NOW,
               "expires_wall": NOW, "outcome": "waiting", "detail": "", "subject": ""}  # fmt: skip
    policy = {"site": "s01", "version": 1, "bulk_bytes_per_sec": 1_024, "linger_ms": 0, "who": "w", "why": "w",
              "set_wall": NOW, "cameras": b"\x90"}  # fmt: skip
    beat = Heartbeat(
        "c", b"", 0, 0, 0, 0, 0.0, None, "", 0, None, 0.0, "steady", NOW, "1", policy_fault=LINES
    )
    status = {"site": "s01", "online": True, "connection": "c", "since_wall": NOW, "heard_wall": NOW,
              "heartbeat": message.encode(beat)}  # fmt: skip
    alarm = {"site": "s01", "kind": AlarmKind.CLOCK.value, "subject": ESCAPES, "detail": ESCAPES + LINES,
             "raised_wall": NOW}  # fmt: skip
    async with store.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
        )
        box = {
            "site": "s01",
            "generation": 1,
            "sign_key": sender.sign_key,
            "state": "active",
            "created_wall": 0,
        }
        await conn.execute(insert(t.box), [box])
        await conn.execute(insert(t.command), [command | {"id": name} for name in ("c1", "c2", "c3")])
        await conn.execute(insert(t.policy), [policy])
        assert (await introduce(conn, "s01", sender.hello(), NOW)).refused == ""
    async with store.write() as conn:
        world = await judge.load_world(conn, ZONE)
        for payload in (sender.payload(1, 12), sender.payload(14, 14)):
            batch = open_batch("s01", payload, SECRETS, SIGN_KEY)
            await ingest_batches(conn, [batch], world, Moment(NOW, NOW))
        # as a hall of before this rule, or whoever writes in its database
        await conn.execute(insert(t.alarm), [alarm])
        await conn.execute(update(t.site_status).values(**status))
        await conn.execute(update(t.command).where(t.command.c.id == "c3").values(detail=ESCAPES))
        await conn.execute(
            update(t.dead_letter).where(t.dead_letter.c.seq == 2).values(reason=ESCAPES + LINES)
        )
    await store.close()
    return str(path), sender


async def test_nothing_a_site_said_moves_the_cursor_or_makes_lines_of_its_own(
    hall: tuple[str, Sender],
) -> None:
    path, sender = hall
    letters = [("dead", "show", f"s01/{sender.epoch.hex()}/{seq}") for seq in (2, 11, 12)]
    for args in [*COMMANDS, *letters]:
        said = await asyncio.to_thread(seen, *args, "--config", path)
        assert said.strip(), args
        assert not [char for char in said if char in OBEYED or char == "\r"], (args, said)
        assert not {"\u202e", "\x9b"} & set(said), args
        if "--json" in args:
            json.loads(said)
        elif args[0] != "doctor":
            assert "\n✓ 没有" not in said, (args, said)
            assert max(map(len, said.splitlines())) < 1_500, args


async def test_a_gap_is_told_in_the_halls_own_words(hall: tuple[str, Sender]) -> None:
    """P-GAP-01"""
    path, _ = hall
    said = await asyncio.to_thread(seen, "alarm", "list", "--config", path)
    assert "第 13 条不会再来，站点程序没有说明市中心认得的原因" in said
    assert "clean" not in said


async def test_texts_that_may_not_travel_are_dead_letters(hall: tuple[str, Sender]) -> None:
    """P-WIRE-03, P-WIRE-06"""
    path, _ = hall
    store = await open_store(keyed(Path(path).parent / "data" / "central.db"))
    async with store.read() as conn:
        dead = (await conn.execute(select(t.dead_letter.c.seq).order_by(t.dead_letter.c.seq))).scalars().all()
    await store.close()
    assert list(dead) == [2, 3, 4, 5, 7, 9, 10, 11, 12]


def test_what_a_command_prints_obeys_nobody_whatever_it_quotes(capfd: pytest.CaptureFixture[str]) -> None:
    """Errors quote files, drivers and arguments; lines of our own layout stay."""
    say("甲\n乙\t\x07\x9b2J\u202e")
    say_json('"\x7f\x9b\u202e甲"')
    complain(UsageError("丙\x9b", hint="丁\x07"))
    out, err = capfd.readouterr()
    assert out == '甲\n乙\t\ufffd\ufffd2J\ufffd\n"\\u007f\\u009b\\u202e甲"\n'
    assert err == "✕ 丙\ufffd\n  处理：丁\ufffd\n"


def test_nothing_is_printed_beside_it() -> None:
    root = Path(common.__file__).parents[1]
    files = [path for part in ("agent", "central", "common") for path in (root / part).rglob("*.py")]
    found = [
        path.relative_to(root)
        for path in files
        if re.search(r"click\.s?echo\(|\bprint\(", path.read_text("utf-8"))
    ]
    assert found == [Path("common/cli.py")]
