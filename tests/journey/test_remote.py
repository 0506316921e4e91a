"""The hall tells a box what to do, and what it wishes of it: signed, once, answered, and taken back where it does harm."""

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from agent.switch import Off, Switch
from central import site_doctor
from central.config import load as load_central
from central.store import commands
from central.store import tables as t
from central.store.engine import look
from common.clock import Clock
from common.core import message, topics
from common.core.errors import UnavailableError
from common.core.message import Command, Heartbeat
from tests.integration.links import ingest
from tests.journey.scene import Place, command, events, finds, scene, until
from tests.journey.together import together

pytestmark = pytest.mark.service


async def told(place: Place, *args: str) -> None:
    code, out, err = await command("mingcha", *args, "--config", str(place.hall.config))
    assert code == 0, err
    assert out


async def listed(place: Place) -> list[dict[str, Any]]:
    where = "--config", str(place.hall.config)
    return list(json.loads((await command("mingcha", "command", "list", "--json", *where))[1]))


async def ended(place: Place, count: int) -> list[dict[str, Any]]:
    async def all_of_them() -> list[dict[str, Any]]:
        rows = await listed(place)
        return rows if len([row for row in rows if row["outcome"] != "waiting"]) >= count else []

    return list(await until("the box has answered", all_of_them))


@together
async def test_commands_reach_a_box_once_even_if_it_was_away_and_its_answers_come_as_records() -> None:
    """P-CMD-03"""
    async with scene() as place:
        await place.settled()
        await told(place, "command", "send", "s01", "doctor", "--why", "例行检查")
        (row,) = await ended(place, 1)
        assert (row["outcome"], row["detail"].splitlines()[0][:2]) == ("done", "ok")
        await place.stop(place.agent)
        await told(place, "command", "send", "s01", "resync", "--why", "核对")
        await told(place, "command", "send", "s01", "pause", "--minutes", "30", "--why", "线路忙")
        await asyncio.sleep(2)
        assert [row["outcome"] for row in await listed(place)].count("waiting") == 2
        await place.start(place.agent)
        rows = await ended(place, 3)
        assert {row["outcome"] for row in rows} == {"done"}
        box = await until("the hall sees the pause", lambda: beat(place, "暂停补传"))
        assert "按市中心指令暂停补传" in box.agent_notice
        await place.stop(place.hall)
        place.office.receive(3)
        await place.start(place.hall)
        await told(place, "command", "send", "s01", "resume", "--why", "线路空了")
        await place.settled()
        await ended(place, 4)
        assert len(events(place.agent, "command.answered")) == 4, "none once more after a new welcome"
        code, _, err = await command(
            "mingcha", "command", "send", "s99", "doctor", "--why", "错", "--config", str(place.hall.config)
        )
        assert (code != 0, "没有站点 s99" in err) == (True, True)


@together
async def test_the_hall_asks_a_boxs_doctor_and_says_what_is_otherwise_than_when_it_was_well() -> None:
    async with scene() as place:
        await place.settled()
        asked = ("doctor", "--site", "s01", "--config", str(place.hall.config))
        code, out, err = await command("mingcha", *asked)
        assert (code, out.splitlines()[0][:6], err) == (0, "✓ 一切正常", "")
        assert "相比" not in out, "there is nothing to compare"
        Switch(place.agent.folder / "data").turn_off(Off(Clock().wall(), "王工", "厂商升级"))
        await finds(place.agent, "E-SRC-05")
        code, out, _ = await command("mingcha", *asked)
        local = (await command("mingcha-agent", "doctor", "--config", str(place.agent.config)))[1]
        assert code == 1
        assert "采集已由 王工 暂停：厂商升级" in out
        fault = next(line for line in local.splitlines() if "E-SRC-05" in line)
        assert fault in out, "the same words as at the box"
        compared = out.partition("）相比：\n")[2]
        assert "  数据源.采集开关：正常 → 注意" in compared, "beside what was not known yet when it was well"
        code, out, _ = await command("mingcha", *asked, "--json")
        said = json.loads(out)
        assert (code, said["verdict"], said["site"]) == (1, "attention", "s01")
        assert said["last_good"] <= said["at"]
        assert {item["id"] for item in said["checks"]} >= {"E-SYS-01", "E-SRC-10"}
        code, _, err = await command("mingcha", "doctor", "--site", "s99", *asked[3:])
        assert (code != 0, "没有站点 s99" in err) == (True, True)
        await place.stop(place.agent)
        with pytest.raises(UnavailableError, match="没有应答"):
            await site_doctor.ask(load_central(place.hall.config), "s01", wait_secs=1)
        await place.start(place.agent)


@together
async def test_the_hall_suspends_a_sites_capture_with_a_reason_and_ends_it() -> None:
    """P-CMD-05"""
    async with scene() as place:
        await place.settled()
        before = await place.hall_rows()
        await told(place, "command", "send", "s01", "suspend", "--minutes", "30", "--why", "厂商升级")
        (row,) = await ended(place, 1)
        assert row["outcome"] == "done"
        await until("the box rests", lambda: events(place.agent, "capture.paused"))
        await place.stop(place.agent)
        await place.start(place.agent)
        place.office.receive(3)
        await until("it rests after a start too", lambda: len(events(place.agent, "capture.paused")) == 2)
        box = await finds(place.agent, "E-SRC-05")
        assert "采集已由 市中心 暂停，至 " in box.detail("E-SRC-05")
        assert box.detail("E-SRC-05").endswith("：厂商升级")
        assert await place.hall_rows() == before
        await told(place, "command", "send", "s01", "collect", "--why", "升级已完")
        await place.settled()


@together
async def test_what_somebody_else_has_signed_is_not_carried_out() -> None:
    """P-CMD-01: whoever may publish there, a broker too."""
    async with scene() as place:
        await place.settled()
        await place.stop(place.hall)
        async with ingest(place.broker, 5) as link:
            order = Command("ab" * 16, "s01", "rotate", {}, 0, 1 << 60, 1)
            forged = message.encode_signed(order, topics.command("s01"), b"f" * 32)
            await link.publish(topics.command("s01"), forged)
        await until("it is ignored", lambda: events(place.agent, "message.ignored"))
        assert not events(place.agent, "command.answered")
        await place.start(place.hall)
        await place.settled()


async def wish(place: Place, bulk_bytes_per_sec: int) -> None:
    """What no command lets through."""
    store = await place.hall.store()
    row = {"site": "s01", "bulk_bytes_per_sec": bulk_bytes_per_sec, "linger_ms": 0}
    async with store.write() as conn:
        await commands.wish(conn, {**row, "who": "-", "why": "-", "set_wall": 0})
    await store.close()


async def beat(place: Place, notice: str) -> Heartbeat | None:
    async with look(load_central(place.hall.config).database_url) as conn:
        raw = await conn.scalar(select(t.site_status.c.heartbeat))
    found = message.decode(Heartbeat, raw) if raw else None
    return found if found and notice in found.agent_notice else None


@together
async def test_a_restored_hall_numbers_its_wish_above_what_the_box_has_met() -> None:
    """P-CFG-03"""
    async with scene() as place:
        await place.settled()
        where = "--config", str(place.hall.config)

        async def lists(said: str) -> bool:
            return said in (await command("mingcha", "policy", "list", *where))[1]

        for rate in ("4096", "8192"):
            await told(place, "policy", "set", "s01", "--bulk-bytes-per-sec", rate, "--why", "线路窄")
        await until("the box uses it", lambda: lists("站点在用第 2 版"))
        await place.stop(place.hall)
        store = await place.hall.store()
        async with store.write() as conn:
            await conn.execute(delete(t.policy))
            await conn.execute(update(t.site_status).values(heartbeat=None))
        await store.close()
        await told(place, "policy", "set", "s01", "--bulk-bytes-per-sec", "0", "--why", "线路换了")
        assert await lists("第 1 版\t补传 不限")
        await place.start(place.hall)
        await until("it takes effect", lambda: lists("站点在用第 3 版"))
        assert await lists("s01\t第 3 版\t补传 不限")


@together
async def test_a_policy_is_tried_kept_and_used_after_a_restart() -> None:
    """P-CFG-02"""
    async with scene() as place:
        await place.settled()
        await told(place, "policy", "set", "s01", "--bulk-bytes-per-sec", "4096", "--why", "线路窄")
        await until("it is tried", lambda: events(place.agent, "policy.tried"))
        place.office.receive(3)
        await until("it has proven itself", lambda: events(place.agent, "policy.kept"))
        await place.stop(place.agent)
        await place.start(place.agent)
        where = "--config", str(place.hall.config)

        async def reported() -> bool:
            return "站点在用第 1 版" in (await command("mingcha", "policy", "list", *where))[1]

        await until("the box reports it", reported)
        assert len(events(place.agent, "policy.tried")) == 1
        wrong = "policy", "set", "s01", "--bulk-bytes-per-sec", "1", "--why", "写错了"
        code, _, err = await command("mingcha", *wrong, *where)
        assert (code != 0, "bulk_bytes_per_sec 应为" in err) == (True, True)
        await wish(place, bulk_bytes_per_sec=1)
        await until("it is refused", lambda: events(place.agent, "policy.refused"))

        async def says_why() -> bool:
            return "bulk_bytes_per_sec 应为" in (await command("mingcha", "policy", "list", *where))[1]

        await until("the hall is told why", says_why)
        await place.settled()
        assert (await finds(place.agent)).code == 0
