"""A record nobody can read: named, looked at with a reason, repaired or given up; the site is whole again."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import select, update

from central import judge
from central.ingest import ingest_batches
from central.judge import Moment
from central.opening import open_batch
from central.store import tables as t
from central.store.cases import complete_until
from central.welcome import introduce
from common.clock import Clock
from common.core import crypto, record
from common.core.instant import SECOND
from tests import services
from tests.journey.scene import Place, command, doctor, events, scene
from tests.journey.together import together
from tests.sender import SECRETS, SIGN_KEY, Sender, case, passed

pytestmark = pytest.mark.service

NOW = Clock().office()


@together
async def test_dead_letters_are_repaired_and_given_up_on_sqlite() -> None:
    async with scene(start=False) as place:
        await repaired_and_given_up(place)


@together
async def test_dead_letters_are_repaired_and_given_up_on_postgresql() -> None:
    async with (
        services.postgresql(durable=False) as database,
        scene(start=False, database=database.url(await database.create_database())) as place,
    ):
        await repaired_and_given_up(place)


@together
async def test_what_is_of_a_newer_schema_waits_for_the_upgrade_and_is_taken_in_at_the_start() -> None:
    async with scene(start=False) as place:
        made = Sender()
        made.number(case("1", at=NOW), case("3", at=NOW), case("2", at=NOW))
        await taken(place, made, 1, 1)
        await taken(place, made, 2, 2, schema=2)
        await taken(place, made, 3, 3, schema=2)
        hall = await doctor(place.hall)
        assert hall.detail("E-HALL-13") == "s01 2 条"
        await place.stop(place.hall)
        store = await place.hall.store()
        async with store.write() as conn:
            await conn.execute(update(t.parked_batch).values(schema=1))
            first = t.parked_batch.c.first == 2
            await conn.execute(update(t.parked_batch).where(first).values(raws=b"\xc1", at_wall=0))
        await store.close()
        await place.start(place.hall)
        assert events(place.hall, "batch.unparked")[0]["records"] == 1
        assert len(events(place.hall, "batch.unreadable")) == 1, "it holds up nobody"
        assert (await doctor(place.hall)).detail("E-HALL-13") == "s01 1 条"
        assert set(await place.hall_rows()) == {("case", "1"), ("case", "2")}
        await parked_given_up(place, f"s01/{made.epoch.hex()}")


async def parked_given_up(place: Place, epoch: str) -> None:
    """What no upgrade will ever read: listed, given up with a reason, kept as evidence."""
    name = f"{epoch}/2-2"
    code, out, _ = await dead(place, "list", "--json")
    assert (code, [(line["name"], line["state"]) for line in json.loads(out)]) == (0, [(name, "parked")])
    assert "等升级" in (await dead(place, "list"))[1]
    for wrong in (f"{epoch}/1-1", f"{epoch}/3", f"{epoch}/x", "s01", f"{epoch}/5-99999999999999999999"):
        code, _, err = await dead(place, "drop", wrong, "--why", "试")
        assert (code, "mingcha dead" in err) == (64, True), wrong
    store = await place.hall.store()
    async with store.write() as conn:
        first = t.parked_batch.c.first == 2
        await conn.execute(update(t.parked_batch).where(first).values(raws=msgspec.msgpack.encode([b"\xc1"])))
    await store.close()
    code, out, _ = await dead(place, "drop", epoch, "--why", "该站点没有升级过")
    assert (code, out.strip()) == (0, f"{epoch} 已放弃，原文保留")
    code, out, _ = await dead(place, "list", "--json")
    assert [(line["name"], line["state"]) for line in json.loads(out)] == [(f"{epoch}/2", "dropped")]
    assert "E-HALL-13" not in (await doctor(place.hall)).faults
    assert (await dead(place, "drop", name, "--why", "再试"))[0] == 64


def sender() -> Sender:
    """A status nobody knows, an array that is no record, and a pass above both."""
    made = Sender()
    made.number(case("1", at=NOW, status="accepted", applicant="王小明"))
    known = record.encode_record(msgspec.structs.replace(case("2", at=NOW, applicant="李小红"), seq=2))
    items = msgspec.msgpack.decode(known)
    items[11][17] = "exploded"
    for raw in (msgspec.msgpack.encode(items), b"\xc1"):
        made.raws.append(raw)
        made.chain.append(crypto.chain_next(made.chain[-1], made.newest, raw))
    made.number(passed(NOW - 10 * SECOND, tables=("case",), mapped=("case",)))
    made.sign()
    return made


async def taken(place: Place, made: Sender, first: int, last: int, schema: int = 1) -> int | None:
    """-> up to when the site is whole."""
    store = await place.hall.store()
    async with store.write() as conn:
        await conn.execute(update(t.box).values(sign_key=made.sign_key))
        world = await judge.load_world(conn, ZoneInfo("Asia/Shanghai"))
        assert (await introduce(conn, "s01", made.hello(), NOW)).refused == ""
        payload = made.payload(first, last, schema=schema)
        await ingest_batches(conn, [open_batch("s01", payload, SECRETS, SIGN_KEY)], world, Moment(NOW, NOW))
        until = await complete_until(conn, "s01")
    await store.close()
    return until


async def dead(place: Place, *args: str) -> tuple[int, str, str]:
    return await command("mingcha", "dead", *args, "--config", str(place.hall.config))


async def repaired_and_given_up(place: Place) -> None:
    made = sender()
    assert await taken(place, made, 1, made.newest) is None, "nobody knows what they said"
    hall = await doctor(place.hall)
    assert "E-HALL-12" in hall.faults
    assert hall.checks["E-HALL-12"]["remedy"] == "请执行  mingcha dead list"
    code, out, _ = await dead(place, "list", "--json")
    letters = json.loads(out)
    assert (code, [letter["state"] for letter in letters]) == (0, ["open", "open"])
    second, third = (letter["name"] for letter in letters)
    assert second == f"s01/{made.epoch.hex()}/2"
    await looked_at(place, second, third)
    await repaired(place, second)
    code, out, _ = await dead(place, "drop", f"{third[:-2]}/1-900", "--why", "厂商确认是空行")
    assert (code, out.strip()) == (0, f"{third[:-2]}/1-900 已放弃，原文保留")
    code, _, err = await dead(place, "drop", third, "--why", "再试")
    assert (code, "已放弃" in err) == (64, True)
    made.number(passed(NOW - 5 * SECOND, tables=("case",), mapped=("case",)))
    assert await taken(place, made, made.newest, made.newest) == NOW - 5 * SECOND
    assert "E-HALL-12" not in (await doctor(place.hall)).faults
    await held_to_account(place)


async def looked_at(place: Place, second: str, third: str) -> None:
    code, out, _ = await dead(place, "show", second)
    assert (code, "李小红" in out, "李**" in out, "exploded" in out) == (0, False, True, False)
    assert (await dead(place, "show", third))[1].strip() == "读不出的 1 字节"
    assert (await dead(place, "show", second, "--full"))[0] == 64, "a look needs a reason"
    for wrong in ("s01/00/2", "x"):
        code, _, err = await dead(place, "show", wrong)
        assert (code, "mingcha dead list" in err) == (64, True)
    code, _, err = await dead(place, "reinject", second, "--why", "试")
    assert (code, "仍然读不出" in err) == (64, True)


async def repaired(place: Place, name: str) -> None:
    code, out, _ = await dead(place, "show", name, "--full", "--why", "工单 12")
    assert (code, "李小红" in out) == (0, True)
    file = Path(place.hall.config).with_name("letter.json")
    for wrong in ("{", "[]", out.replace("[2,", "[3,", 1)):
        file.write_text(wrong, "utf-8")
        assert (await dead(place, "reinject", name, "--file", str(file), "--why", "试"))[0] == 64
    file.write_text(out.replace("exploded", "accepted"), "utf-8")
    code, out, _ = await dead(place, "reinject", name, "--file", str(file), "--why", "工单 12：状态写错")
    assert (code, out.strip()) == (0, f"{name} 已计入")
    code, _, err = await dead(place, "reinject", name, "--why", "再试")
    assert (code, "已修复计入" in err) == (64, True)


async def held_to_account(place: Place) -> None:
    """The case is there, every act is on record, and verify names both letters and accuses nobody."""
    store = await place.hall.store()
    async with store.read() as conn:
        cases = {row.case_key: row.applicant for row in await conn.execute(select(t.case))}
        query = select(t.audit_line).where(t.audit_line.c.act.startswith("dead."))
        acts = [(row.act, row.why) for row in await conn.execute(query.order_by(t.audit_line.c.id))]
    await store.close()
    assert cases == {"1": "王小明", "2": "李小红"}
    assert acts == [
        ("dead.came", "2-3"),
        ("dead.show", "工单 12"),
        ("dead.reinject", "工单 12：状态写错"),
        ("dead.drop", "厂商确认是空行"),
    ]
    code, out, _ = await command("mingcha", "verify", "--json", "--config", str(place.hall.config))
    findings = json.loads(out)["sites"][0]["epochs"][0]["findings"]
    assert (code, [(item["what"], item["lo"], item["detail"]) for item in findings]) == (
        1,
        [("dead", 2, "已修复计入"), ("dead", 3, "已放弃")],
    )


@together
async def test_a_hall_older_than_the_boxs_dictionary_takes_the_records_without_it() -> None:
    async with scene(start=False) as place:
        await place.stop(place.hall)
        place.hall.armed = ["tests.older"]
        await place.start(place.hall, place.agent)
        await place.settled()
        refused = events(place.hall, "batch.refused")
        assert {line["code"] for line in refused} == {"unknown_dict"}
        before = len(refused)
        place.office.receive(10)
        await place.settled()
        assert len(events(place.hall, "batch.refused")) == before, "once it knows, the box does not try again"
        assert await place.twice() == []
