"""Values that lie under a former data key, sealed anew under the present one; and the blind index made anew.

Nothing is kept of how far it has come: each value tells by itself which key has sealed it, so that a second run after an
end of any kind goes on by passing over what is done.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import (
    ColumnClause,
    LargeBinary,
    Table,
    TableClause,
    and_,
    bindparam,
    column,
    func,
    select,
    table,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import case as folding
from central.core.case import CaseState
from central.store import cases, key
from central.store.engine import Store
from central.store.sealed import KEY, NAME, PERSON, PHONE, Ring, Sealed
from central.store.tables import case, message, metadata
from common.core.mask import SPOILT

PAGE = 500
"""Rows of one transaction."""


class Count(Struct):
    """Values of one column: under the present key already, sealed anew, not to be opened by any key."""

    done: int = 0
    renewed: int = 0
    spoilt: int = 0

    def add(self, other: "Count") -> None:
        self.done += other.done
        self.renewed += other.renewed
        self.spoilt += other.spoilt

    @property
    def numbers(self) -> tuple[int, int, int]:
        return self.done, self.renewed, self.spoilt


_TOLD = update(message).where(message.c.id == bindparam("of_id"))
_TOLD = _TOLD.values(
    key_index=bindparam("by_key"), person_index=bindparam("by_person"), ref_index=bindparam("by_ref")
)
_TOKENS = (
    update(case)
    .where(case.c.site == bindparam("of_site"), case.c.case_key == bindparam("of_key"))
    .values(name_index=bindparam("by_name"), phone_index=bindparam("by_phone"))
)


def places() -> dict[Table, list[str]]:
    """Table -> its sealed columns."""
    found = {
        one: [each.name for each in one.columns if isinstance(each.type, Sealed)]
        for one in metadata.sorted_tables
    }
    return {one: names for one, names in found.items() if names}


async def rows_of(store: Store, one: Table) -> int:
    async with store.read() as conn:
        return int(await conn.scalar(select(func.count()).select_from(one)) or 0)


async def renew(
    store: Store, ring: Ring, one: Table, names: Sequence[str]
) -> AsyncIterator[tuple[int, dict[str, Count]]]:
    """Column by column of each row, a page in a transaction. -> (rows of the page, what was found in it)."""
    raw, keys = _as_it_lies(one, names)
    renewers = {name: ring.renewer(f"{one.name}.{name}".encode()) for name in names}
    change = update(raw).where(and_(*(each == bindparam(f"key_{each.name}") for each in keys)))
    change = change.values({name: bindparam(f"new_{name}", type_=LargeBinary) for name in names})
    after: tuple[Any, ...] | None = None
    while True:
        query = select(raw).order_by(*keys).limit(PAGE)
        if after is not None:
            query = query.where(
                tuple_(*keys)
                > tuple_(
                    *(bindparam(None, value, each.type) for value, each in zip(after, keys, strict=True))
                )
            )
        found = {name: Count() for name in names}
        async with store.write() as conn:  # nobody writes a row between our look and our change
            page = (await conn.execute(query.with_for_update())).all()
            changed = [new for row in page if (new := _renewed(dict(row._mapping), renewers, found))]  # noqa: SLF001
            if changed:
                bound = [
                    {f"key_{each.name}": new[each.name] for each in keys}
                    | {f"new_{name}": new[name] for name in names}
                    for new in changed
                ]
                await conn.execute(change, bound)
        if not page:
            return
        after = tuple(page[-1]._mapping[each.name] for each in keys)  # noqa: SLF001
        yield len(page), found


def _as_it_lies(one: Table, names: Sequence[str]) -> tuple[TableClause, list[ColumnClause[Any]]]:
    """The table with its sealed values as bytes, and its key's columns."""
    keys: list[ColumnClause[Any]] = [column(each.name, each.type) for each in one.primary_key]
    raw = table(one.name, *keys, *(column(name, LargeBinary) for name in names))
    return raw, keys


def _renewed(
    row: dict[str, Any], renewers: Mapping[str, Any], found: dict[str, Count]
) -> dict[str, Any] | None:
    """The row with its values under the present key; None where nothing of it changes."""
    new = dict(row)
    for name, renewer in renewers.items():
        kept = row[name]
        if kept is None:
            continue
        made = renewer(bytes(kept)) if isinstance(kept, bytes | memoryview) else None
        if made is None:
            found[name].spoilt += 1
        elif made == kept:
            found[name].done += 1
        else:
            found[name].renewed += 1
            new[name] = made
    return new if new != row else None


async def index_anew(conn: AsyncConnection, ring: Ring, zone: ZoneInfo, now_wall: int) -> AsyncIterator[int]:
    """Every token under the present key, and from this transaction on things are looked up by it. -> cases so far.

    `ring`: one whose index is the present key's; the connection's own still has the other.
    """
    number = 0
    for site in await cases.sites(conn):
        after = ""
        while keys := await cases.keys_from(conn, site, after, PAGE):
            rows = await cases.source_rows(conn, site, keys)
            states = [folding.fold(one, rows.get(one, []), zone) for one in keys]
            await conn.execute(_TOKENS, [_tokens(site, ring, state) for state in states])
            after, number = keys[-1], number + len(keys)
            yield number
    await _messages_anew(conn, ring)
    await conn.run_sync(key.index_by, ring.ids[0], now_wall)


async def _messages_anew(conn: AsyncConnection, ring: Ring) -> None:
    """One whose key or recipient does not open is found by nobody any more; its token stays one of a kind."""
    after = 0
    one = message.c
    while True:
        query = (
            select(one.id, one.key, one.person, one.ref).where(one.id > after).order_by(one.id).limit(PAGE)
        )
        rows = (await conn.execute(query)).all()
        if not rows:
            return
        whole = [row for row in rows if SPOILT not in {row.key, row.person, row.ref}]
        tokens = [
            {
                "of_id": row.id,
                "by_key": ring.token(KEY, row.key),
                "by_person": ring.token(PERSON, row.person),
                "by_ref": ring.token(KEY, row.ref),
            }
            for row in whole
        ]
        if tokens:
            await conn.execute(_TOLD, tokens)
        after = rows[-1].id


def _tokens(site: str, ring: Ring, state: CaseState) -> dict[str, Any]:
    """Of a case whose content does not open: nothing finds it any more."""
    name, phone = state.facts.applicant, state.facts.phone
    spoilt = name == SPOILT
    return {
        "of_site": site,
        "of_key": state.facts.case_key,
        "by_name": None if spoilt or name is None else ring.token(NAME, name),
        "by_phone": None if spoilt or phone is None else ring.token(PHONE, phone),
    }
