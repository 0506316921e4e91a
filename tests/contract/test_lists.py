"""Lists of cases: each is read along an index, on both databases, however many cases there are."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import delete, event, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.scope import EVERYTHING
from central.store import tables as t
from central.store.engine import Store
from central.store.pages import Filter, Place, list_cases
from tests.contract.test_store import store

__all__ = ["store"]

CASES, SITES = 4000, 18
FAR = 10**17
WANTED = {
    "the open ones": (Filter(), "ix_case_nearest"),
    "an item's": (Filter(item="低保"), "ix_case_nearest"),
    "all": (Filter(closed_too=True), "ix_case_filed"),
    "all of a site": (Filter(site="s03", closed_too=True), "ix_case_site_filed"),
    "an end": (Filter(no="60001234"), "ix_case_tail"),
    "an end among all": (Filter(no="01234", closed_too=True), "ix_case_tail"),
    "a number": (Filter(no="370220261234", is_whole_no=True, closed_too=True), "ix_case_no"),
}


def _case(number: int, chance: Random) -> dict[str, Any]:
    return {
        "site": f"s{number % SITES + 1:02}", "case_key": f"{number}", "case_no": f"370226{number:06}", "item_name": "低保" if number % 7 else "城建",
        "open": number % 3 == 0, "deleted": False, "light": "green", "due_at": None if number % 5 == 0 else chance.randrange(FAR),
        "filed_at": chance.randrange(FAR), "rev": 1,
    }  # fmt: skip


async def _filled(store: Store) -> list[dict[str, Any]]:
    chance = Random(5)
    made = [_case(number, chance) for number in range(CASES)]
    made[77]["case_no"] = "34"  # shorter than what is looked up
    made[78]["case_no"] = None
    async with store.write() as conn:
        sites = [
            {"id": f"s{n + 1:02}", "name": f"站{n}", "kind": "township", "position": n} for n in range(SITES)
        ]
        await conn.execute(delete(t.site))
        await conn.execute(insert(t.site), sites)
        await conn.execute(insert(t.case), made)
        await conn.exec_driver_sql("ANALYZE")
    return made


async def _asked(conn: AsyncConnection, wanted: Filter, after: Place | None) -> tuple[Sequence[Any], str]:
    """What the list holds, and the database's plan of its statement."""
    said: list[tuple[str, Any]] = []
    event.listen(
        conn.sync_connection,
        "before_cursor_execute",
        lambda _c, _u, sql, values, *_: said.append((sql, values)),
    )
    found = await list_cases(conn, EVERYTHING, wanted, after, 50)
    word = "EXPLAIN QUERY PLAN " if conn.dialect.name == "sqlite" else "EXPLAIN "
    statement, values = said[0]
    plan = (await conn.exec_driver_sql(word + statement, values)).all()
    return found, "\n".join(str(row[-1]) for row in plan)


def _by_hand(made: list[dict[str, Any]], wanted: Filter) -> list[str]:
    def fits(one: dict[str, Any]) -> bool:
        number = one["case_no"] or ""
        same = number == wanted.no if wanted.is_whole_no else number.endswith(wanted.no)
        return same and wanted.item in one["item_name"] and one["site"].startswith(wanted.site)

    kept = [one for one in made if fits(one) and (wanted.closed_too or one["open"])]
    key = "filed_at" if wanted.closed_too else "due_at"
    kept.sort(key=lambda one: (one[key] or FAR, one["site"], one["case_key"]), reverse=wanted.closed_too)
    return [one["case_key"] for one in kept]


@pytest.mark.parametrize("name", WANTED)
async def test_a_list_is_read_along_an_index(store: Store, name: str) -> None:
    """And holds what it is to hold, on its first page and on the second."""
    wanted, index = WANTED[name]
    made = await _filled(store)
    truth = _by_hand(made, wanted)
    async with store.read() as conn:
        if conn.dialect.name == "postgresql":  # so few rows fit into a page: it would read them all
            await conn.exec_driver_sql("SET LOCAL enable_seqscan = off")
            await conn.exec_driver_sql(f"SET LOCAL enable_sort = {'on' if wanted.no else 'off'}")
        first, plan = await _asked(conn, wanted, None)
        assert [row.case_key for row in first] == truth[:50]
        assert index in plan
        if len(truth) > 50:
            last = first[-1]
            second, plan = await _asked(conn, wanted, Place(last.at, last.site, last.case_key))
            assert [row.case_key for row in second] == truth[50:100]
            assert index in plan
            assert "TEMP B-TREE FOR ORDER BY" not in plan
            assert "Sort" not in plan
