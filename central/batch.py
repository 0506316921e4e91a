"""One order for several red lights 并案督办: of one unit and one day, drafted, reviewed and issued together.

What follows the order is done one by one: each light is explained, judged and closed by itself, in its own dossier, whose entry
names the one document.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import correction, telling
from central import correction_paper as papers
from central.core.correction import Actor, Event, State, refusal
from central.core.document import Kind
from central.correction_paper import Desk, Words
from central.store import corrections
from common.core.errors import RejectedError, UsageError
from common.core.instant import local_date

MOST = 20
"""Lights of one order; its table stays on two pages."""
TOGETHER = frozenset({Event.REVIEW, Event.SEND_BACK, Event.ISSUE})
_HINT = "没有执行。请刷新后再看"


def key(row: Row[Any], zone: ZoneInfo) -> tuple[str, str, str, date]:
    """What lights of one order have in common: the unit, wherever another bears the same name, and the day."""
    return row.site, row.org or "", row.unit, local_date(row.raised_at, zone)


def groups(rows: Iterable[Row[Any]], zone: ZoneInfo) -> list[list[Row[Any]]]:
    """Red ones that wait for a draft and may share one, at least two, at most `MOST` each."""
    found: dict[tuple[str, str, str, date], list[Row[Any]]] = defaultdict(list)
    for row in rows:
        if row.is_red and row.state == State.RAISED and not row.batch:
            found[key(row, zone)].append(row)
    return [group[:MOST] for group in found.values() if len(group) > 1]


async def draft(
    conn: AsyncConnection, rows: Sequence[Row[Any]], actor: Actor, words: Words, desk: Desk
) -> int:
    """Draft one order for the locked `rows`. -> number of the first. Raises RejectedError, UsageError as `correction.act` does."""
    if not 2 <= len(rows) <= MOST:
        raise UsageError(f"并案督办须有 2 至 {MOST} 件", hint="没有执行。请重新勾选")
    if len({key(row, desk.zone) for row in rows}) > 1:
        raise UsageError("只能把同一单位、同一天亮的红灯并案", hint=_HINT)
    if any(row.batch or row.state != State.RAISED for row in rows):
        raise RejectedError("其中有的刚刚已经拟稿", hint=_HINT)
    for row in rows:
        await correction.act(conn, row, Event.DRAFT, actor, words, desk)
    await corrections.set_batch(conn, [row.id for row in rows], rows[0].id)
    return int(rows[0].id)


async def act(
    conn: AsyncConnection, row: Row[Any], event: Event, actor: Actor, words: Words, desk: Desk
) -> None:
    """`event` on the locked `row`, and on all that were drafted with it while they share their order. Raises as `correction.act`."""
    rows = [row]
    if row.batch and event in TOGETHER:
        rows = list(await corrections.of_batch(conn, row.batch, row.state, held=True))
    if len(rows) == 1:
        await correction.act(conn, row, event, actor, words, desk)
    elif event is Event.ISSUE:
        await _issue(conn, rows, actor, words, desk)
    else:
        for one in rows:
            await correction.act(conn, one, event, actor, words, desk)
    if row.batch and event is Event.SEND_BACK:
        await corrections.set_batch(conn, [one.id for one in rows], 0)


async def _issue(
    conn: AsyncConnection, rows: Sequence[Row[Any]], actor: Actor, words: Words, desk: Desk
) -> None:
    for one in rows:
        why = refusal(corrections.body_of(one), Event.ISSUE, actor)
        if why:
            raise RejectedError(why, hint="请由有权限的另一人办理，或先完成前一步")
    code = await papers.issue_together(conn, rows, actor, words, desk)
    for one in rows:
        await correction.act(conn, one, Event.ISSUE, actor, words, desk, code)
    first = await correction.held(conn, rows[0].id)
    await telling.of_paper(conn, first, Kind.ORDER, first.entries, first.due_day, desk)
