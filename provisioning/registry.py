"""Sites, tokens, boxes and certificates in the hall's database. Each function is part of its caller's transaction."""

import asyncio
import fcntl
from pathlib import Path
from typing import IO

from msgspec import Struct
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables as t
from central.store import trail
from common.core.errors import UsageError
from common.core.state import SiteKind
from common.core.text import one_line
from provisioning import broker
from provisioning.core import enrolment
from provisioning.core.enrolment import Granted, Held, Site, Token
from provisioning.core.identity import Box
from provisioning.core.renewal import Issued
from provisioning.files import belong

LONGEST_NAME = 60
TURN_SECS = 0.02
"""Between two looks at whose turn it is to write the ACL."""


class Leaf(Struct, frozen=True):
    """A certificate as it is registered. `key`: SHA-256 of its public key; `serial` in hexadecimal."""

    box: Box
    serial: str
    key: bytes
    issued_wall: int
    ends_wall: int


async def find_site(conn: AsyncConnection, site: str) -> Site | None:
    """Locked to the end of the transaction where the engine locks rows: two boxes cannot both become the next."""
    row = (await conn.execute(select(t.site).where(t.site.c.id == site).with_for_update())).first()
    if row is None:
        return None
    keys = {
        leaf.generation: leaf.key
        for leaf in await conn.execute(
            select(t.certificate).where(t.certificate.c.site == site).order_by(t.certificate.c.issued_wall)
        )
    }
    rows = await conn.execute(select(t.box).where(t.box.c.site == site).order_by(t.box.c.generation))
    boxes = [Held(Box(site, row.generation, row.state), keys.get(row.generation, b"")) for row in rows]
    return Site(site, row.retired_wall is not None, tuple(boxes))


async def must_find(conn: AsyncConnection, site: str) -> Site:
    """Raises UsageError that names the sites there are."""
    found = await find_site(conn, site)
    if found is None:
        known = "、".join(
            [row.id for row in await conn.execute(select(t.site.c.id).order_by(t.site.c.position))]
        )
        raise UsageError(
            f"没有站点 {site}", hint=f"站点：{known}" if known else "新增站点：mingcha site add 名称"
        )
    return found


async def name_of(conn: AsyncConnection, site: str) -> str:
    return str(await conn.scalar(select(t.site.c.name).where(t.site.c.id == site)))


async def add_site(conn: AsyncConnection, name: str, kind: SiteKind, site: str = "") -> str:
    """-> its id, the next number if none is given. Raises UsageError where name or id is taken or unusable."""
    if not name or name != one_line(name, LONGEST_NAME):
        raise UsageError(
            f"不能用作站点名称：{one_line(name, LONGEST_NAME)!r}",
            hint=f"名称写成一行，不空，前后没有空格，至多 {LONGEST_NAME} 个字",
        )
    rows = (await conn.execute(select(t.site))).all()
    if any(row.name == name for row in rows):
        taken = next(row.id for row in rows if row.name == name)
        raise UsageError(
            f"站点 {name} 已存在，编号 {taken}", hint=f"要再印一次命令：mingcha site reissue {taken}"
        )
    site = site or enrolment.next_id([row.id for row in rows])
    Box(site, 1)
    if any(row.id == site for row in rows):
        raise UsageError(f"站点编号 {site} 已被使用", hint="换一个编号，或不写 --id 由程序编号")
    place = max((row.position for row in rows), default=-1) + 1
    await conn.execute(insert(t.site).values(id=site, name=name, kind=kind, position=place))
    return site


async def add_token(
    conn: AsyncConnection, digest: bytes, site: str, who: str, now_wall: int, life: int = enrolment.TOKEN_LIFE
) -> None:
    """A new command for the site, good for `life`; earlier ones that nobody used are void from now on."""
    await void_tokens(conn, site, now_wall)
    await conn.execute(
        insert(t.enrol_token).values(
            hash=digest,
            site=site,
            created_by=who,
            created_wall=now_wall,
            expires_wall=now_wall + life,
            claimed_key=b"",
        )
    )


async def void_tokens(conn: AsyncConnection, site: str, now_wall: int) -> None:
    unused = (
        t.enrol_token.c.site == site,
        t.enrol_token.c.claimed_key == b"",
        t.enrol_token.c.voided_wall.is_(None),
    )
    await conn.execute(update(t.enrol_token).where(*unused).values(voided_wall=now_wall))


async def find_token(conn: AsyncConnection, digest: bytes) -> Token | None:
    row = (await conn.execute(select(t.enrol_token).where(t.enrol_token.c.hash == digest))).first()
    if row is None:
        return None
    return Token(row.site, row.expires_wall, row.claimed_key, is_void=row.voided_wall is not None)


async def burn(conn: AsyncConnection, digest: bytes, granted: Granted, now_wall: int) -> None:
    """The token belongs to this key alone."""
    unburnt = (t.enrol_token.c.hash == digest, t.enrol_token.c.claimed_key == b"")
    values = {"claimed_key": granted.token.key, "claimed_wall": now_wall}
    await conn.execute(update(t.enrol_token).where(*unburnt).values(**values))


async def write_boxes(
    conn: AsyncConnection, before: tuple[Held, ...], after: tuple[Held, ...], new: dict[str, object]
) -> None:
    """States that changed; a box that is not there yet gets the columns `new` besides."""
    known = {held.box.generation: held.box.state for held in before}
    for held in after:
        box = held.box
        which = (t.box.c.site == box.site, t.box.c.generation == box.generation)
        if box.generation not in known:
            row = {"site": box.site, "generation": box.generation, "state": box.state}
            await conn.execute(insert(t.box).values(**row, **new))
        elif known[box.generation] != box.state:
            await conn.execute(update(t.box).where(*which).values(state=box.state))


async def issued(conn: AsyncConnection, serial: str) -> tuple[Held, Issued, Issued] | None:
    """Whose certificate that is, it, and the newest one of the same box. The site is locked as by `find_site`."""
    leaf = t.certificate.c
    row = (await conn.execute(select(t.certificate).where(leaf.serial == serial))).first()
    site = None if row is None else await find_site(conn, row.site)
    if row is None or site is None:
        return None
    own = (leaf.site == row.site, leaf.generation == row.generation)
    newest = (
        await conn.execute(select(t.certificate).where(*own).order_by(leaf.issued_wall.desc()).limit(1))
    ).one()
    held = next(held for held in site.boxes if held.box.generation == row.generation)
    return held, Issued(row.serial, row.key), Issued(newest.serial, newest.key)


async def add_leaf(conn: AsyncConnection, leaf: Leaf) -> None:
    values = {
        "serial": leaf.serial,
        "site": leaf.box.site,
        "generation": leaf.box.generation,
        "key": leaf.key,
    }
    times = {"issued_wall": leaf.issued_wall, "ends_wall": leaf.ends_wall}
    await conn.execute(insert(t.certificate).values(**values, **times))


async def retire(conn: AsyncConnection, site: str, who: str, why: str, now_wall: int) -> None:
    """No box of it is listened to any more; its history stays. Raises UsageError for an unknown site."""
    found = await must_find(conn, site)
    await write_boxes(conn, found.boxes, enrolment.retire(found).boxes, {})
    await void_tokens(conn, site, now_wall)
    unretired = (t.site.c.id == site, t.site.c.retired_wall.is_(None))
    await conn.execute(update(t.site).where(*unretired).values(retired_wall=now_wall))
    await trail.note(conn, now_wall, who, "site.retire", site, why)


async def revoke(
    conn: AsyncConnection, site: str, generation: int, who: str, why: str, now_wall: int
) -> None:
    """One box of it is out at once. Raises UsageError for an unknown site or box."""
    found = await must_find(conn, site)
    await write_boxes(conn, found.boxes, enrolment.revoke(found, generation).boxes, {})
    await trail.note(conn, now_wall, who, "site.revoke", f"{site}.{generation}", why)


async def end_draining(conn: AsyncConnection, now_wall: int) -> list[str]:
    """Replaced boxes whose time is over become superseded. -> their names."""
    rows = (await conn.execute(select(t.box))).all()
    since = {(row.site, row.generation): row.created_wall for row in rows}
    ended = []
    for name in dict.fromkeys(row.site for row in rows if row.state == "draining"):
        found = await must_find(conn, name)
        mine = {generation: wall for (site, generation), wall in since.items() if site == name}
        after = enrolment.drained(found, mine, now_wall)
        await write_boxes(conn, found.boxes, after.boxes, {})
        pairs = zip(found.boxes, after.boxes, strict=True)
        ended += [new.box.name for old, new in pairs if new.box.state != old.box.state]
    return ended


async def publish(conn: AsyncConnection, folder: Path) -> str:
    """Write the broker's ACL in `folder` as the database has it now, one process at a time. -> its hash."""
    with (folder / ".acl.lock").open("a") as lock:
        belong(lock.fileno(), folder)
        while not _took(lock):  # noqa: ASYNC110
            await asyncio.sleep(TURN_SECS)  # a process may have it too: nothing here could be told of its end
        rows = await conn.execute(select(t.box).order_by(t.box.c.site, t.box.c.generation))
        broker.write_acl(folder, [Box(row.site, row.generation, row.state) for row in rows])
        return broker.acl_hash(folder)


def _took(lock: IO[str]) -> bool:
    """Never waited for: whoever has it may be a coroutine of this very loop, which then could not go on."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
