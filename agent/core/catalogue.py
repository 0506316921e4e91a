"""What a database says of itself: tables, columns, keys and indexes that the account may read."""

from collections import defaultdict
from collections.abc import Iterable

from msgspec import Struct


class CatalogColumn(Struct, frozen=True):
    """`type` as the engine writes it, lower case; `comment`: the vendor's own words, empty where there are none."""

    name: str
    type: str
    comment: str = ""
    nullable: bool = True


class CatalogTable(Struct, frozen=True):
    """One table or view."""

    name: str
    """As a mapping's `from` takes it; with its schema where that is not the account's own."""
    columns: tuple[CatalogColumn, ...]
    comment: str = ""
    view: bool = False
    keys: tuple[tuple[str, ...], ...] = ()
    """Column sets the engine keeps unique and not null, the primary key first."""
    indexed: tuple[str, ...] = ()
    """Columns that an index begins with."""
    rows: int | None = None
    """The engine's own estimate; None: it has none."""


class Index(Struct, frozen=True):
    """A key or index of `table` over `columns`, in their order."""

    table: str
    columns: tuple[str, ...]
    unique: bool = False
    primary: bool = False


def assembled(
    tables: Iterable[CatalogTable], columns: Iterable[tuple[str, CatalogColumn]], indexes: Iterable[Index]
) -> list[CatalogTable]:
    """Tables without columns, columns by table and indexes -> whole tables. One that shows no column is forbidden, or a view
    of what is no longer there.

    A unique index over a column that may be null is no key: two rows without a value do not disturb it.
    """
    by_table: dict[str, list[CatalogColumn]] = defaultdict(list)
    for name, column in columns:
        by_table[name].append(column)
    kept: dict[str, list[Index]] = defaultdict(list)
    for index in indexes:
        kept[index.table].append(index)
    return [
        CatalogTable(
            name=table.name,
            columns=tuple(by_table[table.name]),
            comment=table.comment,
            view=table.view,
            keys=_keys(by_table[table.name], kept[table.name]),
            indexed=tuple(dict.fromkeys(index.columns[0] for index in kept[table.name])),
            rows=table.rows,
        )
        for table in tables
    ]


def _keys(columns: list[CatalogColumn], indexes: list[Index]) -> tuple[tuple[str, ...], ...]:
    never_null = {column.name for column in columns if not column.nullable}
    good = [
        index for index in indexes if index.primary or (index.unique and set(index.columns) <= never_null)
    ]
    good.sort(key=lambda index: (not index.primary, len(index.columns)))
    return tuple(dict.fromkeys(index.columns for index in good))
