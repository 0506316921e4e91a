"""The item catalogue: every version of every entry, only ever added to."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.item import Item
from central.store import anew, tallies
from central.store.case_tables import case
from central.store.tables import item_version
from common.core.errors import ConfigError
from common.core.mask import SPOILT

_decoder = msgspec.json.Decoder(Item)
Catalogue = dict[str, tuple[Item, ...]]


def decode(row: Row[Any]) -> Item:
    """The item in a row's `content`. Raises ConfigError where it does not open: without it no case of the item is judged."""
    try:
        return _decoder.decode(row.content)
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"事项 {row.code} 的内容{SPOILT}", hint="请执行  mingcha verify  查看还有哪些，并从备份恢复"
        ) from error


async def catalogue(conn: AsyncConnection) -> Catalogue:
    """Item code -> its versions, oldest first. Raises ConfigError as `decode` does."""
    query = select(item_version.c.code, item_version.c.content)
    found: dict[str, list[Item]] = defaultdict(list)
    for row in await conn.execute(query.order_by(item_version.c.code, item_version.c.version)):
        found[row.code].append(decode(row))
    return {code: tuple(versions) for code, versions in found.items()}


async def size(conn: AsyncConnection) -> int:
    """How many versions there are: another figure means that there are new ones."""
    return int(await conn.scalar(select(func.count()).select_from(item_version)) or 0)


async def history(conn: AsyncConnection, code: str) -> Sequence[Row[Any]]:
    """The versions of one item with who entered them and why, newest first."""
    query = select(item_version).where(item_version.c.code == code)
    return (await conn.execute(query.order_by(item_version.c.version.desc()))).all()


async def add(conn: AsyncConnection, items: Sequence[Item], who: str, why: str, wall: int) -> None:
    """Add these versions as they are numbered; open cases of the items are judged anew."""
    rows = [
        {
            "code": item.code,
            "version": item.version,
            "valid_from": str(item.valid_from) if item.valid_from else None,
            "content": msgspec.json.encode(item).decode(),
            "who": who,
            "why": why,
            "made_wall": wall,
        }
        for item in items
    ]
    if rows:
        await conn.execute(insert(item_version), rows)
        codes = sorted({item.code for item in items})
        await anew.mark(conn, codes)
        await tallies.mark_where(conn, case.c.item_code.in_(codes))
