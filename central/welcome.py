"""A box introduces its epoch: who is it, may it write, and what of its numbers does the hall hold?

A subscriber does not learn from the broker who published, so the hello is signed by the box's own key: it binds
the epoch to a generation of the site.
"""

import hashlib
from collections import defaultdict, deque
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import noting
from central.core import noted
from central.store import alarms, facts, trail
from common.core import message, ranges, topics
from common.core.instant import DAY
from common.core.message import Hello, Signed
from common.core.ranges import Range

LONGEST_EPOCH = 16
EPOCHS_A_DAY = 100
"""An honest box opens one where its buffer is lost; what is opened is kept for ever and read by every verification."""
REMEMBERED = 64
"""Of one site's hellos: a flapping line says one each five seconds, a broker repeats those of its last minutes."""
_WRITING = {"active", "draining"}


class Introduction(Struct, frozen=True):
    """A hello that was believed. `refused` is empty or the code of PROTOCOL.md."""

    hello: Hello
    upto: int
    ranges: list[tuple[int, int]]
    refused: str
    draining: bool
    upto_hash: bytes


class Heard:
    """The hellos that were believed of late, by their bytes: a connection of its own is named in each, so two are the same
    only where the broker repeats one.
    """

    def __init__(self) -> None:
        self._digests = defaultdict[str, deque[bytes]](lambda: deque(maxlen=REMEMBERED))

    def knows(self, site: str, payload: bytes) -> bool:
        return hashlib.sha256(payload).digest() in self._digests[site]

    def keep(self, site: str, payload: bytes) -> None:
        if not self.knows(site, payload):
            self._digests[site].append(hashlib.sha256(payload).digest())


async def introduce(
    conn: AsyncConnection, site: str, payload: bytes, now_wall: int, *, repeated: bool = False
) -> Introduction:
    """Check a hello and open its epoch. `repeated`: these very bytes were believed before (`Heard`).

    Raises ValueError where the message is not the box's own, or is a repeat of one that the box has left behind since.
    """
    claim = message.decode(Hello, message.decode(Signed, payload).body)
    box = await facts.find_box(conn, site, claim.generation)
    if box is None:
        msg = f"generation {claim.generation} of {site} is not registered"
        raise ValueError(msg)
    hello = message.decode_signed(Hello, topics.hello(site), box.sign_key, payload)
    if not 1 <= len(hello.epoch) <= LONGEST_EPOCH:
        msg = f"an epoch of {len(hello.epoch)} bytes"
        raise ValueError(msg)
    if hello.site != site:
        msg = f"hello of {hello.site} on the topic of {site}"
        raise ValueError(msg)
    row = await facts.cursor(conn, site, hello.epoch)
    held = facts.decode_ranges(row.ranges) if row is not None else []
    upto = ranges.upto(held)
    refused = barred(box)
    if not refused and row is not None and (row.generation != hello.generation or _forked(held, hello)):
        if repeated and row.generation == hello.generation:
            msg = "a hello repeated after more had come of its box"
            raise ValueError(msg)
        refused = "fork"
        await alarms.sound_fork(conn, row, now_wall)
    if not refused and row is None:
        if hello.generation < await facts.newest_generation(conn, site):
            refused = "superseded"
            await alarms.sound_untaken(conn, hello, now_wall)
        elif await facts.opened_after(conn, site, hello.generation, now_wall - DAY) >= EPOCHS_A_DAY:
            msg = f"more than {EPOCHS_A_DAY} epochs in a day"
            raise ValueError(msg)
        else:
            former = await facts.newest_cursor(conn, site)
            if former is not None:
                await noting.reached(conn, site, former.epoch, facts.decode_ranges(former.ranges), now_wall)
            await facts.create_cursor(conn, site, hello.epoch, hello.generation, hello.newest, now_wall)
            place = noted.epoch_name(site, hello.epoch)
            await trail.note(
                conn, now_wall, trail.HALL, noted.EPOCH_OPEN, place, f"第 {hello.generation} 代机器"
            )
    elif not refused:
        await facts.note_newest(conn, site, hello.epoch, hello.newest)
    above = [(r.lo, r.hi) for r in held if r.lo > upto]
    upto_hash = held[0].at if upto else b""
    return Introduction(hello, upto, above, refused, box.state == "draining", upto_hash)


def barred(box: Row[Any]) -> str:
    """Why a registered box may not write; empty if it may."""
    if box.retired_wall is not None:
        return "retired"
    return "" if box.state in _WRITING else str(box.state)


def _forked(held: list[Range], hello: Hello) -> bool:
    """The hall holds numbers the box has not given yet, or another record under its newest number or where it says."""
    if hello.differs_at:
        return True
    top = held[-1] if held else None
    if top is None:
        return False
    return top.hi > hello.newest or (top.hi == hello.newest and bool(top.at) and top.at != hello.head_hash)
