"""Tables of a live database whose rows nothing tells apart, no key and no unique columns: read as a whole by one short statement,
and served through an image from then on, as an exported file is.

A row's key is the digest of what is mapped of it, and of equal rows which one it is: rows are a multiset. So an edit is a row less
and a row more of one case (lane/walk.py). Everything else is asked of the source itself.
"""

import asyncio
import threading
import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from agent.core import query
from agent.core.catalogue import CatalogTable
from agent.core.digest import BYTES, plain
from agent.core.mapping import ROW_KEY, Table
from agent.core.query import Query, Row
from agent.source.base import InFlight, SchemaError, Source
from agent.source.image import Image, Sheet

LARGEST = 50_000
"""Rows of a table that may be read so: about a fifth of a second for the source, some tens of megabytes for the box."""
_MAX_INT = 2**63


class Copied(Struct, frozen=True):
    """What reading a table as a whole has brought."""

    rows: int
    is_other: bool
    """Whether it differs from what was served before."""


class _Shelf:
    """The image of one mapped table, if there is one yet."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.image: Image | None = None
        self.began_mono = 0.0


class WholeSource:
    """See base.Source."""

    def __init__(self, source: Source, tables: Sequence[Table]) -> None:
        """`tables`: those of a mapping; the ones that have a key pass by."""
        self._source = source
        self._shelves = {_place(table): _Shelf(table) for table in tables if table.is_whole}
        self._names = {table.mapping.from_ for table in tables if table.is_whole}

    async def copy(self, table: Table) -> Copied:
        """Read `table` anew. Raises UnavailableError, and SchemaError where it is too large as well."""
        shelf = self._shelves[_place(table)]
        began = time.monotonic()
        rows = await self._source.fetch(query.whole(table.copied, LARGEST + 1))
        if len(rows) > LARGEST:
            raise SchemaError(
                f"{table.mapping.from_} 没有唯一字段，又超过 {LARGEST:,} 行，不能整表比对",
                hint="请在 mapping.toml 的 key 写上唯一的字段；没有的话，请厂商加主键，或建一个带唯一字段的视图",
            )
        image, former = await asyncio.to_thread(_loaded, table, rows), shelf.image
        shelf.image, shelf.began_mono = image, began
        if former is not None:
            await asyncio.to_thread(former.close)
        return Copied(len(rows), former is None or former.content != image.content)

    async def open(self) -> None:
        await self._source.open()

    async def close(self) -> None:
        """Images stay: they hold nothing of the vendor's."""
        await self._source.close()

    async def columns(self, table: str) -> list[str]:
        found = await self._source.columns(table)
        return [*found, ROW_KEY] if table in self._names else found

    async def fetch(self, query: Query) -> list[Row]:
        shelf = self._shelves.get((query.table, query.listed))
        if shelf is None:
            return await self._source.fetch(query)
        if shelf.image is None:
            await self.copy(shelf.table)
        assert shelf.image is not None
        return await asyncio.to_thread(shelf.image.fetch, query)

    async def write_allowed(self, table: str, key: str) -> str:
        """Of a key that was made, by the first column that is there."""
        real = key if key != ROW_KEY else (await self._source.columns(table))[0]
        return await self._source.write_allowed(table, real)

    async def catalogue(self) -> list[CatalogTable]:
        return await self._source.catalogue()

    async def explain(self, query: Query) -> str:
        """An image gets the indexes that its queries ask for."""
        is_image = (query.table, query.listed) in self._shelves
        return "" if is_image else await self._source.explain(query)

    async def clock(self) -> int | None:
        return await self._source.clock()

    async def hint(self, table: str) -> str | None:
        """Of what is served."""
        if table not in self._names:
            return await self._source.hint(table)
        return " ".join(shelf.image.content.hex() for shelf in self._of(table) if shelf.image is not None)

    async def in_flight(self, table: str) -> InFlight | None:
        return None if table in self._names else await self._source.in_flight(table)

    async def made(self, table: str) -> str:
        return await self._source.made(table)

    def age_secs(self, table: str) -> float:
        if table not in self._names:
            return self._source.age_secs(table)
        ages = [time.monotonic() - shelf.began_mono for shelf in self._of(table) if shelf.image is not None]
        return max(ages, default=0.0)

    def _of(self, table: str) -> list[_Shelf]:
        return [shelf for (name, _), shelf in self._shelves.items() if name == table]


def _place(table: Table) -> tuple[str, str]:
    """What its queries are known by: several tables of a mapping may read one, each other columns of it."""
    asked = query.by_key(table.select, None, 1)
    return asked.table, asked.listed


def _loaded(table: Table, rows: Sequence[Row]) -> Image:
    """In a thread."""
    image = Image()
    try:
        names = [column.name for column in table.copied.columns]
        image.load(Sheet(names, iter(rows), ""), table.mapping.from_, threading.Event(), _cell)
        image.digest_rows()
    except BaseException:
        image.close()
        raise
    return image


def _cell(value: Any) -> Any:
    """A value as the image keeps it, of which the same text becomes as of the value itself."""
    if isinstance(value, str):
        return value if value.isascii() or _is_sound(value) else value.encode("utf-8", "surrogatepass")
    if value is None or isinstance(value, float):
        return value
    if isinstance(value, BYTES):
        return bytes(value)
    if isinstance(value, Decimal):
        value = int(value) if value == value.to_integral_value() else plain(value).rstrip("0")
    if isinstance(value, int):
        return int(value) if abs(value) < _MAX_INT else str(value)
    return str(value)


def _is_sound(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
