"""What the boxes said of their counters: a row for each change, as it was said; and what people said of absences."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.attendance import Absence, Ruling, Told
from central.store import trail
from central.store.dialect import insert_new, write_rows
from central.store.metadata import metadata
from central.store.sealed import SealedText
from common.core.camera import Rect, Seat
from common.core.errors import UsageError
from common.core.instant import MINUTE, SECOND
from common.core.record import Record, SeatState

seat_state = Table(
    "seat_state",
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("camera", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("seat", Text, nullable=False),  # common.core.camera.Seat
    Column("since_at", BigInteger, nullable=False),  # office time
    Column("cap_at", BigInteger, nullable=False),  # when it was said: later of the same time counts
    Column("object", Boolean, nullable=False),
    Column("hours", LargeBinary, nullable=False),  # MessagePack: minutes of a working day, from and until
    Column("away_secs", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sure", BigInteger, nullable=False),  # of a hundred; 0: not said
    Column("box", LargeBinary),  # MessagePack: the region in thousandths of the picture; NULL: not said
    PrimaryKeyConstraint("site", "epoch", "seq"),
    Index("ix_seat_state_said", "site", "camera", "region", "cap_at"),
)

absence_ruling = Table(
    "absence_ruling",
    metadata,
    Column("site", Text, nullable=False),
    Column("camera", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column(
        "begin_at", BigInteger, nullable=False
    ),  # of the absence, with `end_at`: another one is not ruled on
    Column("end_at", BigInteger, nullable=False),
    Column("ruling", Text, nullable=False),  # central.core.attendance.Ruling
    Column("who", Text, nullable=False),
    Column("why", SealedText("absence_ruling.why"), nullable=False),
    Column("ruled_wall", BigInteger, nullable=False),
    PrimaryKeyConstraint("site", "camera", "region", "begin_at", "end_at"),
)
_hours = msgspec.msgpack.Decoder(tuple[tuple[int, int], ...])
_rect = msgspec.msgpack.Decoder(Rect)


class Place(Struct, frozen=True, order=True):
    """One counter."""

    site: str
    camera: str
    region: str


class Counter(Struct):
    """What was said of it, in the order in which it was said; `name` as its box calls it, `box` where it lies now."""

    name: str = ""
    box: Rect | None = None
    told: list[Told] = []


class Ruled(Struct, frozen=True):
    """Of one absence."""

    ruling: Ruling
    who: str
    why: str
    ruled_wall: int


async def add(conn: AsyncConnection, said: Iterable[tuple[bytes, str, Record, SeatState]]) -> None:
    """(epoch, site, record, body): a number that is there already stays as it is."""
    rows = [
        {
            "site": site,
            "epoch": epoch,
            "seq": item.seq,
            "camera": body.camera,
            "region": body.region,
            "seat": body.seat.value,
            "since_at": body.since_at,
            "cap_at": item.cap_at,
            "object": body.object,
            "hours": msgspec.msgpack.encode(body.hours),
            "away_secs": body.away_secs,
            "detail": body.detail,
            "name": body.name,
            "sure": body.sure,
            "box": None if body.box is None else msgspec.msgpack.encode(body.box),
        }
        for epoch, site, item, body in said
    ]
    await write_rows(conn, insert_new(conn, seat_state), rows)


async def since(conn: AsyncConnection, from_at: int, place: Place | None = None) -> Mapping[Place, Counter]:
    """What was said since `from_at`, and before that the last word that still held then."""
    row = seat_state.c
    newer = seat_state.alias("newer")
    later = select(newer.c.seq).where(
        newer.c.site == row.site,
        newer.c.camera == row.camera,
        newer.c.region == row.region,
        newer.c.cap_at > row.cap_at,
        newer.c.cap_at <= from_at,
    )
    query = select(seat_state).where((row.cap_at > from_at) | ~later.exists())
    if place is not None:
        query = query.where(row.site == place.site, row.camera == place.camera, row.region == place.region)
    found: dict[Place, Counter] = defaultdict(Counter)
    for item in await conn.execute(query.order_by(row.site, row.camera, row.region, row.cap_at, row.seq)):
        one = found[Place(item.site, item.camera, item.region)]
        one.name = item.name
        one.box = None if item.box is None else _rect.decode(item.box)
        one.told.append(_told(item))
    return found


def _told(row: Any) -> Told:
    hours, away_us = _hours.decode(row.hours), row.away_secs * SECOND
    return Told(Seat(row.seat), row.since_at, row.object, hours, away_us, row.detail, row.sure)


async def rulings(conn: AsyncConnection, from_at: int) -> Mapping[tuple[Place, int, int], Ruled]:
    """By counter, begin and end of the absence, of those that end after `from_at`."""
    query = select(absence_ruling).where(absence_ruling.c.end_at > from_at)
    return {
        (Place(row.site, row.camera, row.region), row.begin_at, row.end_at): Ruled(
            Ruling(row.ruling), row.who, row.why, row.ruled_wall
        )
        for row in await conn.execute(query)
    }


async def rule(conn: AsyncConnection, place: Place, absence: Absence, said: Ruled) -> None:
    """Once and for all, and in the trail. Raises UsageError where somebody has said so before."""
    values = {
        "site": place.site,
        "camera": place.camera,
        "region": place.region,
        "begin_at": absence.begin_at,
        "end_at": absence.end_at,
        "ruling": said.ruling.value,
        "who": said.who,
        "why": said.why,
        "ruled_wall": said.ruled_wall,
    }
    done = await conn.execute(insert_new(conn, absence_ruling).values(**values))
    if done.rowcount != 1:
        raise UsageError("这段无人已由他人核实", hint="请刷新在岗页")
    minutes = (absence.end_at - absence.begin_at) // MINUTE
    subject = f"{place.site}/{place.camera}/{place.region}/{absence.begin_at}"
    act = f"absence.{said.ruling.value}"
    await trail.note(conn, said.ruled_wall, said.who, act, subject, f"{minutes} 分钟：{said.why}")
