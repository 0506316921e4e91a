"""A hall that was restored numbers its wishes above what the box has met, on both engines."""

from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import delete, insert

from agent.core.trial import Worked
from agent.pace import Pace
from agent.policy import Keeping
from central.core import wish
from central.core.wish import Standing
from central.store import commands
from central.store import tables as t
from central.store.engine import Store
from common.clock import Clock
from common.core import crypto, message, topics
from common.core.message import Heartbeat
from tests.contract.test_store import store

__all__ = ["store"]
SECRET = b"h" * 32
BEAT = Heartbeat("c1", b"epoch--1", 0, 0, 0, 0, 0.0, None, "", 0, None, 1.0, "steady", 1, "0.1.0")


async def wished(store: Store, rate: int) -> int:
    row = {"site": "s01", "bulk_bytes_per_sec": rate, "linger_ms": 0, "who": "w", "why": "y", "set_wall": 1}
    async with store.write() as conn:
        return await commands.wish(conn, row)


async def sent(store: Store, box: Keeping) -> None:
    """The newest wish goes to the box as the hall sends it."""
    async with store.read() as conn:
        policy = commands.policy_of((await commands.wished(conn))["s01"])
    box.take(message.encode_signed(policy, topics.policy("s01"), SECRET))


async def reported(store: Store, box: Keeping) -> Standing:
    """The box's heartbeat reaches the hall."""
    seen, digest = box.judged
    beat = replace(BEAT, policy_version=box.version, policy_seen=seen, policy_digest=digest)
    row = {"site": "s01", "online": True, "connection": "c1", "since_wall": 1}
    async with store.write() as conn:
        await conn.execute(delete(t.site_status))
        await conn.execute(insert(t.site_status).values(**row, heartbeat=message.encode(beat)))
        policy = commands.policy_of((await commands.wished(conn))["s01"])
    return wish.standing(policy, beat)


async def test_a_restored_halls_wish_takes_effect(store: Store, tmp_path: Path) -> None:
    """P-CFG-03"""
    clock = Clock()
    pace = Pace(clock)
    box = Keeping(tmp_path, "s01", crypto.sign_public(SECRET), pace, clock, Worked)
    for rate in (1024, 2048, 3072):
        await wished(store, rate)
        await sent(store, box)
    assert await reported(store, box) is Standing.USED
    # restored from a backup in which version 1 was the newest, and the box had not reported yet
    async with store.write() as conn:
        await conn.execute(delete(t.policy).where(t.policy.c.version > 1))
        await conn.execute(delete(t.site_status))
    assert await wished(store, 0) == 2
    await sent(store, box)
    assert pace.policy.bulk_bytes_per_sec == 3072  # a number that it has met: passed over
    assert await reported(store, box) is Standing.PASSED
    async with store.write() as conn:
        assert await commands.wish_again(conn, "s01", "why", 2) == 4
    await sent(store, box)
    assert (pace.policy.bulk_bytes_per_sec, box.version) == (0, 4)
    assert await reported(store, box) is Standing.USED
    assert await wished(store, 5120) == 5
    # the same number, other content
    async with store.write() as conn:
        await conn.execute(delete(t.policy).where(t.policy.c.version > 3))
        other = {"site": "s01", "version": 4, "bulk_bytes_per_sec": 9216, "linger_ms": 0}
        other |= {"cameras": b"\x90"}
        await conn.execute(insert(t.policy).values(**other, who="w", why="y", set_wall=1))
    assert await reported(store, box) is Standing.PASSED


async def test_what_was_taken_back_is_reported_as_refused_after_a_restart_too(
    store: Store, tmp_path: Path
) -> None:
    """P-CFG-03"""
    clock = Clock()
    key = crypto.sign_public(SECRET)
    box = Keeping(tmp_path, "s01", key, Pace(clock), clock, Worked)
    await wished(store, 1)  # beyond its bounds
    await sent(store, box)
    assert await reported(store, box) is Standing.REFUSED
    again = Keeping(tmp_path, "s01", key, Pace(clock), clock, Worked)
    assert again.judged == box.judged
    assert await reported(store, again) is Standing.REFUSED
