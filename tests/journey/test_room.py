"""The buffer's room and its keys, with real processes: reading stops in time and goes on by itself, and a master key is
changed, lost and found again without a pause and without a loss."""

import os

import pytest

from agent import master
from agent.core.quota import Level
from tests.journey.scene import Place, command, events, finds, scene, until
from tests.journey.together import together

pytestmark = pytest.mark.service


def configure(place: Place, lines: str) -> None:
    with place.agent.config.open("a", encoding="utf-8") as file:
        file.write(f"[buffer]\n{lines}\n")


async def run(place: Place, *args: str) -> tuple[int, str, str]:
    return await command("mingcha-agent", *args, "--config", str(place.agent.config))


@together
async def test_a_box_that_has_used_its_room_stops_reading_and_goes_on_when_the_hall_takes_it() -> None:
    """And all of it under the national algorithms."""
    async with scene(start=False) as place:
        configure(place, 'max_mb = 1\nprofile = "sm"')
        await place.start()
        await place.settled()
        await place.stop(place.hall)
        for _ in range(8):
            place.office.receive(1000)

        def level() -> Level | None:
            status = place.agent.status()
            return status.level if status else None

        await until("reading stops", lambda: level() is Level.STOP)
        box = await finds(place.agent, "E-BUF-02", "E-SYNC-06")
        assert (box.code, box.verdict) == (3, "not_collecting")
        assert "停止读取数据源，位置不动" in box.detail("E-BUF-02")
        assert 1 <= len(events(place.agent, "buffer.full")) <= 2
        status = place.agent.status()
        assert status is not None
        assert 0.95 * status.room <= status.bytes <= 1.3 * status.room, "a page of a thousand rows over"
        code, out, _ = await run(place, "buffer", "check")
        assert code == 0
        assert "条完好" in out
        assert "SM4GCM" in (await run(place, "buffer", "show"))[1]
        await place.start(place.hall)
        await place.settled()
        assert events(place.agent, "buffer.recovered")
        assert (await finds(place.agent)).code == 0
        assert await place.twice() == []


@together
async def test_a_master_key_is_changed_while_everything_runs() -> None:
    async with scene() as place:
        await place.settled()
        await place.stop(place.hall)
        place.office.receive(50)
        await until("rows wait", lambda: place.agent.waiting() >= 100)
        key = place.agent.folder / "master.key"
        old = key.read_bytes()
        pid = place.agent._pid
        code, out, err = await run(place, "key", "change")
        assert (code, err) == (0, "")
        assert "已全部改用新密钥，旧密钥已删除" in out
        assert key.read_bytes() != old
        assert not master.former(key).exists()
        data = place.agent.folder / "data"
        assert all(old not in file.read_bytes() for file in data.iterdir())
        code, out, _ = await run(place, "buffer", "show")
        assert master.load(key, data / "buffer.db").id in out
        place.office.receive(5)
        await place.stop(place.agent)
        code, out, _ = await run(place, "key", "change")
        assert code == 0
        assert "采集程序没有在运行" in out
        assert master.former(key).exists()
        code, _, err = await run(place, "key", "change")
        assert (code, "上一次更换还没有完成" in err) == (78, True)
        await place.start(place.hall, place.agent)
        await until("the old one is gone", lambda: not master.former(key).exists())
        await place.settled()
        assert not events(place.agent, "buffer.replaced")
        assert place.agent._pid != pid
        assert await place.twice() == []


@together
async def test_a_lost_master_key_is_said_and_everything_goes_on_without_it() -> None:
    async with scene() as place:
        await place.settled()
        await place.stop(place.hall)
        place.office.receive(50)
        await until("rows wait", lambda: place.agent.waiting() >= 100)
        await place.stop(place.agent)
        key = place.agent.folder / "master.key"
        away = key.rename(key.with_name("away.key"))
        place.office.receive(5)
        await place.start(place.hall, place.agent)
        await place.settled()
        assert events(place.agent, "key.lost")
        assert len(events(place.agent, "buffer.replaced")) == 1
        box = await finds(place.agent, "E-ID-07")
        assert box.detail("E-ID-07") == "缓存主密钥丢失，暂用临时密钥"
        stand_in = place.agent.folder / "data" / "stand-in.key"
        assert stand_in.stat().st_mode & 0o777 == 0o600
        code, out, _ = await run(place, "buffer", "check")
        assert code == 1
        assert "主密钥打不开" in out
        code, out, _ = await run(place, "buffer", "salvage")
        assert "打不开，已搁置：没有能打开它的主密钥" in out
        await place.stop(place.agent)
        await place.start(place.agent)
        assert len(events(place.agent, "buffer.replaced")) == 1, "the stand-in is kept"
        away.rename(key)
        await until("the stand-in is gone", lambda: not stand_in.exists())
        assert (await finds(place.agent)).code == 0
        code, out, _ = await run(place, "buffer", "check")
        assert (code, out.count("条完好")) == (0, 2), "what the lost key had sealed can be opened again"
        code, out, _ = await run(place, "buffer", "salvage")
        assert "损坏或曾打不开，已搁置：读得出" in out
        assert "办件 5" in out
        assert (await run(place, "buffer", "quarantine"))[:2] == (0, "✓ 没有被隔离的\n")
        place.office.receive(5)
        await place.settled()
        key.write_bytes(os.urandom(5))
        box = await finds(place.agent, "E-ID-07")
        assert "应为 32 字节" in box.detail("E-ID-07")
        await place.happened("key", "lost", "back")
        assert await place.twice() == []
