"""What a draft says as of today: figures are counted anew, dates and states read anew, and people's words stay as they were written."""

from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import briefing, case_paper, circular, drafting, unit_paper
from central.core.case_paper import KINDS
from central.core.compose import Facts
from central.core.document import Kind, parts_of
from central.correction_paper import Desk


async def today(conn: AsyncConnection, row: Row[Any], desk: Desk) -> Facts:
    """`row`: of the draft; `conn` was frozen. Raises UsageError where there is no reason for it any more."""
    kind, kept, parts = Kind(row.kind), drafting.facts_of(row), parts_of(row.subject)
    if kind is Kind.BRIEFING:
        return await briefing.today(conn, row.subject, row.period, desk)
    if row.period:
        return drafting.with_figures(kept, await circular.count(conn, row.period, desk))
    if kind in KINDS:
        _, site, key = parts
        return await case_paper.facts(conn, site, key, kind, desk)
    if kind in {Kind.DISPLAY, Kind.PROPOSAL}:
        return await unit_paper.today(conn, kind, parts, kept, desk)
    return kept
