"""Stills and clips: a row for each that a box recorded, as it was said; and the pictures, sealed, as far as they came and are kept.

What was said stays for ever. A picture goes by age or room, and its line then says when and why; its hash is in the record.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Row,
    Select,
    Table,
    Text,
    and_,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store.dialect import insert_new, write_rows
from central.store.metadata import metadata
from central.store.sealed import Sealed
from common.core.camera import Mask, Occasion
from common.core.record import Record, Still

still = Table(
    "still",
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("camera", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),  # of the picture as it left the site
    Column("size", BigInteger, nullable=False),
    Column("taken_at", BigInteger, nullable=False),  # office time
    Column("camera_at", BigInteger),  # by the camera's own clock
    Column("mask", Text, nullable=False),  # common.core.camera.Mask
    Column("occasion", Text, nullable=False),  # common.core.camera.Occasion
    Column("subject", Text, nullable=False),
    Column("since_at", BigInteger, nullable=False),
    Column("wide", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("millis", BigInteger, nullable=False),  # of a clip; 0: a picture
    PrimaryKeyConstraint("site", "epoch", "seq"),
    Index("ix_still_camera", "site", "camera", "taken_at"),
    Index("ix_still_sha256", "site", "sha256"),
    Index("ix_still_taken", "taken_at"),
)

still_picture = Table(
    "still_picture",
    metadata,
    Column("site", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("body", Sealed("still_picture.body")),  # None: it has gone
    Column("held_wall", BigInteger, nullable=False),
    Column("gone_wall", BigInteger),
    Column("gone_why", Text, nullable=False),
    PrimaryKeyConstraint("site", "sha256"),
    Index(
        "ix_still_picture_held",
        "site",
        "held_wall",
        sqlite_where=text("gone_wall IS NULL"),
        postgresql_where=text("gone_wall IS NULL"),
    ),
)


class Line(Struct, frozen=True, kw_only=True):
    """One still, or a clip of `millis`. `held_wall`: when its picture came, None: it has not; `gone_wall`, `gone_why`: when it went again."""

    site: str
    epoch: bytes
    seq: int
    camera: str
    sha256: bytes
    size: int
    taken_at: int
    camera_at: int | None
    mask: Mask
    occasion: Occasion
    subject: str
    since_at: int
    wide: int
    high: int
    millis: int
    held_wall: int | None
    gone_wall: int | None
    gone_why: str

    @property
    def is_here(self) -> bool:
        return self.held_wall is not None and self.gone_wall is None


class Wanted(Struct, frozen=True):
    """Which are asked for; empty: all. `sites`: in reach."""

    sites: tuple[str, ...]
    site: str = ""
    camera: str = ""
    occasion: str = ""
    below_at: int = 0  # taken before that; 0: no bound


async def add(conn: AsyncConnection, said: Iterable[tuple[bytes, str, Record, Still]]) -> None:
    """(epoch, site, record, body): a number that is there already stays as it is."""
    rows = [
        {
            "site": site,
            "epoch": epoch,
            "seq": item.seq,
            "camera": body.camera,
            "sha256": body.sha256,
            "size": body.size,
            "taken_at": body.taken_at,
            "camera_at": body.camera_at,
            "mask": body.mask.value,
            "occasion": body.occasion.value,
            "subject": body.subject,
            "since_at": body.since_at,
            "wide": body.wide,
            "high": body.high,
            "millis": body.millis,
        }
        for epoch, site, item, body in said
    ]
    await write_rows(conn, insert_new(conn, still), rows)


async def is_named(conn: AsyncConnection, site: str, sha256: bytes, size: int) -> bool:
    """A record of the site names this picture, of this size."""
    row = still.c
    query = select(row.seq).where(row.site == site, row.sha256 == sha256, row.size == size).limit(1)
    return await conn.scalar(query) is not None


async def is_held(conn: AsyncConnection, site: str, sha256: bytes) -> bool:
    """It is here, or was: it is not taken in again."""
    row = still_picture.c
    return await conn.scalar(select(row.size).where(row.site == site, row.sha256 == sha256)) is not None


async def hold(conn: AsyncConnection, site: str, sha256: bytes, body: bytes, now_wall: int) -> None:
    values = {"site": site, "sha256": sha256, "size": len(body), "body": body, "held_wall": now_wall}
    await conn.execute(insert(still_picture).values(**values, gone_why=""))


async def room(conn: AsyncConnection) -> dict[str, tuple[int, int]]:
    """Site -> (pictures that are here, their bytes)."""
    row = still_picture.c
    query = select(row.site, func.count().label("count"), func.sum(row.size).label("bytes"))
    found = await conn.execute(query.where(row.gone_wall.is_(None)).group_by(row.site))
    return {item.site: (int(item._mapping["count"]), int(item._mapping["bytes"])) for item in found}  # noqa: SLF001


async def oldest(conn: AsyncConnection, site: str, limit: int) -> Sequence[Row[Any]]:
    """(sha256, size, held_wall) of those that are here, oldest first."""
    row = still_picture.c
    query = select(row.sha256, row.size, row.held_wall).where(row.site == site, row.gone_wall.is_(None))
    return (await conn.execute(query.order_by(row.held_wall, row.sha256).limit(limit))).all()


async def drop(conn: AsyncConnection, site: str, sha256: bytes, why: str, now_wall: int) -> None:
    """The picture goes; that it was here, and why it went, stays."""
    row = still_picture.c
    mine = row.site == site, row.sha256 == sha256, row.gone_wall.is_(None)
    await conn.execute(update(still_picture).where(*mine).values(body=None, gone_wall=now_wall, gone_why=why))


async def listed(conn: AsyncConnection, wanted: Wanted, limit: int) -> list[Line]:
    """Newest first."""
    row = still.c
    sites = [item for item in wanted.sites if not wanted.site or item == wanted.site]
    query = _lines().where(row.site.in_(sites))
    if wanted.camera:
        query = query.where(row.camera == wanted.camera)
    if wanted.occasion:
        query = query.where(row.occasion == wanted.occasion)
    if wanted.below_at:
        query = query.where(row.taken_at < wanted.below_at)
    found = await conn.execute(query.order_by(row.taken_at.desc(), row.seq.desc()).limit(limit))
    return [_line(item) for item in found]


async def ordered(conn: AsyncConnection, site: str, numbers: Sequence[str]) -> dict[str, Line]:
    """What was taken by these commands, by their numbers."""
    row = still.c
    wanted = row.site == site, row.occasion == Occasion.ORDER.value, row.subject.in_(numbers)
    return {item.subject: _line(item) for item in await conn.execute(_lines().where(*wanted))}


async def find(conn: AsyncConnection, site: str, epoch: bytes, seq: int) -> Line | None:
    row = still.c
    found = await conn.execute(_lines().where(row.site == site, row.epoch == epoch, row.seq == seq))
    item = found.first()
    return None if item is None else _line(item)


async def newest_shown(conn: AsyncConnection, site: str, camera: str) -> Line | None:
    """The newest masked picture of a camera that is here; no clip."""
    row = still.c
    query = _lines().where(row.site == site, row.camera == camera, row.mask != Mask.NONE.value)
    query = query.where(row.millis == 0)
    query = query.where(still_picture.c.body.is_not(None), still_picture.c.gone_wall.is_(None))
    item = (await conn.execute(query.order_by(row.taken_at.desc()).limit(1))).first()
    return None if item is None else _line(item)


async def body(conn: AsyncConnection, site: str, sha256: bytes) -> bytes | None:
    """The picture; `Unopened` where no key opens it, None where it is not here."""
    row = still_picture.c
    found = await conn.scalar(select(row.body).where(row.site == site, row.sha256 == sha256))
    return cast("bytes | None", found)


def _lines() -> "Select[Any]":
    picture = still_picture.c
    joined = still.outerjoin(
        still_picture, and_(picture.site == still.c.site, picture.sha256 == still.c.sha256)
    )
    return select(still, picture.held_wall, picture.gone_wall, picture.gone_why).select_from(joined)


def _line(row: Any) -> Line:
    values = {name: getattr(row, name) for name in Line.__struct_fields__}
    values |= {"mask": Mask(row.mask), "occasion": Occasion(row.occasion), "gone_why": row.gone_why or ""}
    return Line(**values)
