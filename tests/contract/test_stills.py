"""Stills at the hall, over both databases: taken only by their record, sealed, held against the chain, let go with a line."""

import os
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text, update

from central import still_clock
from central.config import StillsConfig
from central.core.vouched import Vouched
from central.filing import Filing
from central.judge import World
from central.store import stills, trail, vouching
from central.store import tables as t
from central.store.engine import Store
from central.store.stills import Line, Wanted
from common.clock import Clock
from common.core import crypto, media
from common.core.camera import Mask, Occasion
from common.core.instant import DAY
from common.core.record import Event, Still
from tests.contract.test_store import NOW, store, taken, welcomed, world
from tests.sender import SECRETS, WIRE_KEY, Sender, draft

__all__ = ["store", "world"]
JPEG = b"\xff\xd8" + os.urandom(3_000) + b"\xff\xd9"
HALL_SECRET = b"h" * 32


def still(body: bytes = JPEG, **other: Any) -> Still:
    made = Still(
        "c1", media.digest(body), len(body), NOW, Mask.PEOPLE, Occasion.FAULT, "covered", NOW, NOW + 5
    )
    return msgspec.structs.replace(made, **other)


async def recorded(store: Store, world: World, *bodies: Still) -> Sender:
    """Between two signatures of the box."""
    sender = Sender()
    sender.number(draft(Event("agent.started")))
    sender.sign()
    sender.number(*(draft(body, at=NOW) for body in bodies))
    sender.sign()
    assert await welcomed(store, sender) == ""
    await taken(store, world, sender.payload())
    return sender


def filing(store: Store) -> Filing:
    return Filing(store, SECRETS, HALL_SECRET, Clock())


async def offered(store: Store, body: bytes = JPEG, site: str = "s01") -> str:
    filed = await filing(store).file(site, media.encode(site, body, WIRE_KEY, crypto.WIRE))
    assert filed is not None
    assert filed.sha256 == media.digest(body)
    return filed.code


async def lines(store: Store) -> list[Line]:
    async with store.read() as conn:
        return await stills.listed(conn, Wanted(("s01",)), 10)


async def vouch(store: Store) -> Vouched:
    (line,) = await lines(store)
    async with store.read() as conn:
        return await vouching.of(conn, line)


async def test_a_picture_is_taken_only_where_a_record_of_its_site_names_it(
    store: Store, world: World
) -> None:
    """P-MEDIA-02"""
    assert await offered(store) == "unknown"
    await recorded(store, world, still(), still(b"another", size=99))
    assert await offered(store, site="s02") == "unknown"
    assert await offered(store, b"another") == "unknown", "not of the size that was recorded"
    assert [line.is_here for line in await lines(store)] == [False, False]
    assert [await offered(store) for _ in range(2)] == ["held", "held"]
    raw = media.encode("s01", JPEG, WIRE_KEY, crypto.WIRE)
    filed = await filing(store).file("s02", raw)
    assert filed is not None
    assert filed.code == "refused", "it is bound to its site"
    filed = await filing(store).file("s01", raw[:-9] + bytes(9))
    assert filed is not None
    assert filed.code == "refused"
    for nothing in (b"", b"\xff" * 50, raw + bytes(media.MOST)):
        assert await filing(store).file("s01", nothing) is None
    async with store.read() as conn:
        assert await stills.body(conn, "s01", media.digest(JPEG)) == JPEG
        kept = (await conn.execute(text("SELECT body FROM still_picture"))).scalars().all()
    assert len(kept) == 1
    assert JPEG[:40] not in bytes(kept[0]), "sealed at rest"


async def test_the_chain_vouches_for_a_still_and_whatever_is_changed_shows(
    store: Store, world: World
) -> None:
    """C14"""
    sender = await recorded(store, world, still())
    assert await vouch(store) is Vouched.SIGNED
    row, kept = t.still, t.record
    changes: list[Any] = [
        update(row).values(sha256=b"x" * 32),
        update(row).values(taken_at=NOW - 1),
        update(row).values(mask="none"),
        update(row).values(millis=9),
        update(row).values(camera_at=None),
    ]
    changes += [
        update(kept).where(kept.c.seq == seq).values(raw=_flipped(sender.raws[seq - 1], place))
        for seq in (3, 4)
        for place in (len(sender.raws[seq - 1]) // 2, -1)
    ]
    for change in changes:
        async with store.write() as conn:
            before = (await conn.execute(select(row))).one(), (await conn.execute(select(kept))).all()
            await conn.execute(change)
        assert await vouch(store) in {Vouched.BROKEN, Vouched.WAITING}, change
        async with store.write() as conn:
            await conn.execute(update(row).values(**before[0]._mapping))
            for old in before[1]:
                await conn.execute(update(kept).where(kept.c.seq == old.seq).values(raw=old.raw))
        assert await vouch(store) is Vouched.SIGNED
    async with store.write() as conn:
        await conn.execute(kept.delete().where(kept.c.seq == 4))
    assert await vouch(store) is Vouched.WAITING, "no signature behind it any more"


def _flipped(raw: bytes, place: int) -> bytes:
    made = bytearray(raw)
    made[place] ^= 1
    return bytes(made)


async def test_a_number_that_is_missing_before_it_leaves_it_unclear(store: Store, world: World) -> None:
    await recorded(store, world, still(), still(b"2"))
    async with store.write() as conn:
        await conn.execute(t.record.delete().where(t.record.c.seq == 3))
        await conn.execute(t.still.delete().where(t.still.c.seq == 3))
    assert await vouch(store) is Vouched.UNCLEAR


async def test_pictures_go_by_age_and_by_room_and_what_was_said_stays(store: Store, world: World) -> None:
    """P-MEDIA-02"""
    bodies = [bytes([number]) * (400 << 10) for number in range(4)]
    await recorded(store, world, *(still(body) for body in bodies))
    now = Clock().wall()
    async with store.write() as conn:
        for number, body in enumerate(bodies):
            await stills.hold(conn, "s01", media.digest(body), body, now - (40 - number) * DAY)
    assert await still_clock.once(store, StillsConfig(keep_days=39, site_mb=1), now) == 2
    found = {line.sha256: line for line in await lines(store)}
    ends = [found[media.digest(body)].gone_why for body in bodies]
    assert ends == ["保存满 39 天", "超出本站点的 1 MB", "", ""]
    assert await still_clock.once(store, StillsConfig(keep_days=39, site_mb=1), now) == 0
    async with store.read() as conn:
        assert await stills.body(conn, "s01", media.digest(bodies[0])) is None
        noted = await trail.listed(conn, trail.Wanted(act="still.drop"), 9)
    assert [(line.who, line.subject) for line in reversed(noted)] == [
        ("mingcha", f"s01/{media.digest(body).hex()}") for body in bodies[:2]
    ]
    async with store.read() as conn:
        assert await stills.is_held(conn, "s01", media.digest(bodies[0])), "it is not taken in again"


def test_a_picture_that_is_too_large_is_no_message() -> None:
    with pytest.raises(ValueError, match="bytes"):
        media.name_of(media.encode("s01", bytes(media.MOST), WIRE_KEY, crypto.WIRE))
