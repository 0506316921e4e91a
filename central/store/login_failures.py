"""Wrong passwords in a row, of a name at an address: they outlive the program, so that a restart frees no guesser.

Neither stands here to be read: who mistypes writes a password where the name belongs.
"""

from hashlib import sha256

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, Table, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.throttle import Failures, failed, wait_secs
from central.store.dialect import insert_new
from central.store.metadata import metadata

MOST = 10_000
"""Rows that are kept; beyond, the oldest go. Each costs a guesser three answers of a slow hash."""
login_failure = Table(
    "login_failure",
    metadata,
    Column("who", LargeBinary, primary_key=True),  # SHA-256 of name and address
    Column("tries", Integer, nullable=False),
    Column("last_wall", BigInteger, nullable=False),
    Index("ix_login_failure_last", "last_wall"),
)
_it = login_failure.c


def key(name: str, address: str) -> bytes:
    return sha256(f"{address}|{name}".encode("utf-8", "surrogatepass")).digest()


async def count(conn: AsyncConnection, who: bytes, now_wall: int) -> tuple[int, int]:
    """-> (seconds `who` must wait, or 0: then this try counts as a wrong one until it is forgotten; wrong ones with it)."""
    # guesses side by side wait here for each other: none may find the count of before
    await conn.execute(insert_new(conn, login_failure).values(who=who, tries=0, last_wall=now_wall))
    row = (await conn.execute(select(login_failure).where(_it.who == who).with_for_update())).first()
    before = Failures(row.tries, row.last_wall) if row is not None else Failures()
    wait = wait_secs(before, now_wall)
    if wait:
        return wait, before.count
    after = failed(before, now_wall)
    values = {"tries": after.count, "last_wall": after.last_wall}
    await conn.execute(update(login_failure).where(_it.who == who).values(values))
    await _bound(conn)
    return 0, after.count


async def forget(conn: AsyncConnection, who: bytes) -> None:
    """The password was right."""
    await conn.execute(delete(login_failure).where(_it.who == who))


async def _bound(conn: AsyncConnection) -> None:
    if int(await conn.scalar(select(func.count()).select_from(login_failure)) or 0) <= MOST:
        return
    oldest = select(_it.who).order_by(_it.last_wall).limit(MOST // 10)
    await conn.execute(delete(login_failure).where(_it.who.in_(oldest)))
