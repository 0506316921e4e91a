"""A complaint and the case it is about: proposed by number, telephone, item and day; linked by an officer, never by itself.

The telephone is looked for only where somebody who may know who complained has given a reason. What it has found is shown to nobody
else, linked or not: a case has an applicant. Nothing of a link goes to the unit, on paper or to the complainant.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import linked
from central.core.linked import By
from central.core.scope import Scope
from central.store import items, linkable, trail
from central.store.sealed import PHONE, plain_form
from common.core.errors import UsageError
from common.core.instant import end_of_day, local_date

MOST = 10
"""Of each way."""
SHORTEST_PHONE = 7


class Proposal(Struct, frozen=True):
    """A case without its applicant. `bys`: the ways in which it was found, the plainest first."""

    case: Row[Any]
    bys: tuple[By, ...]
    same_unit: bool

    @property
    def why(self) -> str:
        return "；".join([*(by.word for by in self.bys), *(["单位相同"] if self.same_unit else [])])


async def proposals(
    conn: AsyncConnection, row: Row[Any], reached: Scope, zone: ZoneInfo, phone: str = ""
) -> list[Proposal]:
    """For the complaint of `row`. `phone`: its sender's, where the asker may know it; the more ways the sooner, then the same unit."""
    found: dict[By, Sequence[Row[Any]]] = {}
    if row.case_no:
        found[By.NUMBER] = await linkable.by_number(conn, reached, row.case_no, MOST)
    found[By.ITEM] = await _by_item(conn, row, reached, zone)
    if len(plain_form(PHONE, phone)) >= SHORTEST_PHONE:
        found[By.PHONE] = await linkable.by_phone(conn, reached, phone, MOST)
    cases = {(case.site, case.case_key): case for some in found.values() for case in some}
    ways: dict[tuple[str, str], list[By]] = {key: [] for key in cases}
    for by, some in found.items():
        for case in some:
            ways[case.site, case.case_key].append(by)
    made = [
        Proposal(case, tuple(ways[key]), linked.is_unit(row.unit, (case.org, case.site_name)))
        for key, case in cases.items()
    ]
    return sorted(made, key=lambda one: (-len(one.bys), not one.same_unit, -one.case.filed_at))


async def _by_item(
    conn: AsyncConnection, row: Row[Any], reached: Scope, zone: ZoneInfo
) -> Sequence[Row[Any]]:
    catalogue = await items.catalogue(conn)
    names = {code: [item.name for item in versions] for code, versions in catalogue.items()}
    codes = linked.items_named(row.text, names)
    if not codes:
        return []
    spans = [
        (end_of_day(span.first - timedelta(days=1), zone), end_of_day(span.last, zone))
        for span in linked.days_meant(row.text, local_date(row.received_at, zone))
    ]
    called = sorted({name for code in codes for name in names[code]})
    return await linkable.by_item(conn, reached, codes, called, spans, MOST)


async def link(
    conn: AsyncConnection,
    row: Row[Any],
    chosen: tuple[str, str],
    offered: list[Proposal],
    who: str,
    wall: int,
) -> None:
    """Link the locked `row` with one of `offered`, with its line of the audit. Raises UsageError for any other."""
    one = next((one for one in offered if (one.case.site, one.case.case_key) == chosen), None)
    if one is None:
        raise UsageError("这件办件不在建议之列，没有关联", hint="请返回投诉页，从建议的办件里选")
    await linkable.link(conn, row.id, *chosen, one.bys[0].value)
    said = f"{one.case.site_name} {one.case.case_no or one.case.case_key}：{one.why}"
    await trail.note(conn, wall, who, "complaint.link", row.number, said)


async def unlink(conn: AsyncConnection, row: Row[Any], who: str, wall: int) -> None:
    """From whatever the locked `row` is linked with."""
    await linkable.link(conn, row.id, "", "", "")
    await trail.note(conn, wall, who, "complaint.link", row.number, "取消关联")


async def shown(conn: AsyncConnection, row: Row[Any], reached: Scope, *, sees: bool) -> Row[Any] | None:
    """The linked case. `sees`: whether the asker may know who complained."""
    if not row.case_key or (row.case_by == By.PHONE and not sees):
        return None
    return await linkable.linked(conn, reached, row.case_site, row.case_key)
