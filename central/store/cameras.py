"""What the boxes said of their cameras: a row for each change, as it was said."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

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

from central.core.camera import Heard
from central.store.dialect import insert_new, write_rows
from central.store.metadata import metadata
from common.core.camera import Aspect, View
from common.core.record import CameraState, Record

camera_state = Table(
    "camera_state",
    metadata,
    Column("site", Text, nullable=False),
    Column("epoch", LargeBinary, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("camera", Text, nullable=False),
    Column("aspect", Text, nullable=False),  # common.core.camera.Aspect
    Column("view", Text, nullable=False),  # common.core.camera.View
    Column("since_at", BigInteger, nullable=False),  # office time
    Column("cap_at", BigInteger, nullable=False),  # when it was said: later of the same time counts
    Column("alt", Text, nullable=False),
    Column("certain", Boolean, nullable=False),
    Column("votes", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    Column("name", Text, nullable=False),
    PrimaryKeyConstraint("site", "epoch", "seq"),
    Index("ix_camera_state_said", "site", "camera", "aspect", "cap_at"),
)


class Camera(Struct):
    """What was said of one camera, in the order in which it was said; `name` as its box calls it."""

    name: str = ""
    view: list[Heard] = []
    clock: list[Heard] = []


async def add(conn: AsyncConnection, said: Iterable[tuple[bytes, str, Record, CameraState]]) -> None:
    """(epoch, site, record, body): a number that is there already stays as it is."""
    rows = [
        {
            "site": site,
            "epoch": epoch,
            "seq": item.seq,
            "camera": body.camera,
            "aspect": body.aspect.value,
            "view": body.view.value,
            "since_at": body.since_at,
            "cap_at": item.cap_at,
            "alt": body.alt.value if body.alt else "",
            "certain": body.certain,
            "votes": body.votes,
            "detail": body.detail,
            "name": body.name,
        }
        for epoch, site, item, body in said
    ]
    await write_rows(conn, insert_new(conn, camera_state), rows)


async def is_known(conn: AsyncConnection, site: str, camera: str) -> bool:
    """Its box has said something of it."""
    row = camera_state.c
    query = select(row.seq).where(row.site == site, row.camera == camera).limit(1)
    return await conn.scalar(query) is not None


async def since(
    conn: AsyncConnection, from_at: int, site: str | None = None, camera: str | None = None
) -> Mapping[str, Mapping[str, Camera]]:
    """Site -> camera -> what was said of it since `from_at`, and before that the last word that still held then."""
    row = camera_state.c
    newer = camera_state.alias("newer")
    later = select(newer.c.seq).where(
        newer.c.site == row.site,
        newer.c.camera == row.camera,
        newer.c.aspect == row.aspect,
        newer.c.cap_at > row.cap_at,
        newer.c.cap_at <= from_at,
    )
    query = select(camera_state).where((row.cap_at > from_at) | ~later.exists())
    if site is not None:
        query = query.where(row.site == site)
    if camera is not None:
        query = query.where(row.camera == camera)
    found: dict[str, dict[str, Camera]] = defaultdict(lambda: defaultdict(Camera))
    for item in await conn.execute(query.order_by(row.site, row.camera, row.cap_at, row.seq)):
        one = found[item.site][item.camera]
        one.name = item.name
        (one.clock if item.aspect == Aspect.CLOCK.value else one.view).append(_heard(item))
    return found


def _heard(row: Any) -> Heard:
    alt = View(row.alt) if row.alt else None
    return Heard(View(row.view), row.since_at, alt, row.certain, row.votes, row.detail)
