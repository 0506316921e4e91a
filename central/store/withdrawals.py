"""Red lights that the facts of today do not show: the proposal to withdraw one, and what a person decided."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.judgement import WithdrawalState
from central.core.lamp import UNCONFIRMED
from central.core.scope import Scope
from central.store import outbox, tallies, trail
from central.store.dialect import among, insert_new, replace_row, write_rows
from central.store.law_tables import LIT
from central.store.scope import of_case
from central.store.tables import case, clock, ruling, site, transition, withdrawal
from common.core.errors import UsageError
from common.core.state import Light

Place = tuple[str, str, int]
"""(case key, kind, cycle) of a clock of one site."""


async def of_cases(conn: AsyncConnection, site_id: str, keys: Sequence[str]) -> dict[Place, Row[Any]]:
    query = among(conn, select(withdrawal).where(withdrawal.c.site == site_id), withdrawal.c.case_key, keys)
    return {(row.case_key, row.clock, row.cycle): row for row in await conn.execute(query)}


async def put(conn: AsyncConnection, rows: list[dict[str, Any]]) -> None:
    await write_rows(conn, replace_row(conn, withdrawal), rows)


async def listed(
    conn: AsyncConnection, reached: Scope, limit: int, *, decided_too: bool = False
) -> Sequence[Row[Any]]:
    """Proposals with site, case number, item and the reason of the light or the broken rule, newest first."""
    mine = (case.c.site == withdrawal.c.site) & (case.c.case_key == withdrawal.c.case_key)
    lit = (
        (transition.c.site == withdrawal.c.site)
        & (transition.c.case_key == withdrawal.c.case_key)
        & (transition.c.clock == withdrawal.c.clock)
        & (transition.c.cycle == withdrawal.c.cycle)
        & (transition.c.after == Light.RED)
    )
    ruled = (
        (ruling.c.site == withdrawal.c.site)
        & (ruling.c.case_key == withdrawal.c.case_key)
        & (ruling.c.rule == withdrawal.c.clock)
    )
    query = (
        select(withdrawal, site.c.name.label("site_name"), case.c.case_no, case.c.item_name, case.c.applicant)
        .add_columns(func.coalesce(transition.c.why, ruling.c.why).label("red_why"))
        .join(site, site.c.id == withdrawal.c.site)
        .outerjoin(case, mine)
        .outerjoin(transition, lit)
        .outerjoin(ruling, ruled)
        .order_by(withdrawal.c.proposed_wall.desc(), withdrawal.c.site, withdrawal.c.case_key)
        .limit(limit)
    )
    query = query.where(*of_case(reached, withdrawal.c.site, case.c.org))
    waits = withdrawal.c.state == WithdrawalState.PROPOSED.value
    return (await conn.execute(query if decided_too else query.where(waits))).all()


async def decide(
    conn: AsyncConnection,
    place: tuple[str, str, str, int],
    state: WithdrawalState,
    who: str,
    why: str,
    wall: int,
) -> None:
    """`who` withdraws the light, or keeps it; audited. `place`: site, case key, kind, cycle.

    The clock is judged anew at the next tick. Raises UsageError where nothing is proposed.
    """
    site_id, key, kind, cycle = place
    change = withdrawal.c
    mine = change.site == site_id, change.case_key == key, change.clock == kind, change.cycle == cycle
    values = {"state": state.value, "decided_by": who, "decided_why": why, "decided_wall": wall}
    waits = change.state == WithdrawalState.PROPOSED.value
    result = await conn.execute(update(withdrawal).where(*mine, waits).values(**values))
    if not result.rowcount:
        raise UsageError(
            f"{site_id}/{key}/{kind}/{cycle} 没有待认定的撤销提议，或已经认定",
            hint="见  mingcha light list --all",
        )
    await _settled(conn, place, state, wall)
    await trail.note(conn, wall, who, f"light.{state.value}", f"{site_id}/{key}/{kind}/{cycle}", why)


CHECKED = "须有人核实"
SAID = {WithdrawalState.KEPT: "confirmed", WithdrawalState.WITHDRAWN: "rejected"}
"""What a person says of a broken rule that is held against nobody before."""


async def examine(
    conn: AsyncConnection, reached: Scope, place: tuple[str, str, str], state: WithdrawalState, who: str, why: str, wall: int,
    home: frozenset[str] = frozenset(),
) -> None:  # fmt: skip
    """`who` has looked at a broken rule that needs a person (`Rule.confirm`), and says that it was broken (`KEPT`) or not; audited.
    `place`: site, case key, rule. `home`: the offices and site that `who` belongs to, of which nothing is judged.

    Raises UsageError where it is not theirs, no such rule is broken, or somebody has said it already.
    """
    site_id, key, rule = place
    mine = (case.c.site == ruling.c.site) & (case.c.case_key == ruling.c.case_key)
    query = select(case.c.org, ruling.c.found_at).join(case, mine).where(
        ruling.c.site == site_id, ruling.c.case_key == key, ruling.c.rule == rule, ruling.c.rule.in_(UNCONFIRMED), LIT,
        *of_case(reached, ruling.c.site, case.c.org),
    )  # fmt: skip
    row = (await conn.execute(query)).first()
    if row is None:
        raise UsageError(f"{rule} 没有这件待核实的", hint="请回到规则页刷新")
    if {site_id, row.org} & home:
        raise UsageError("不能核实本单位的办件", hint="请由不属于该单位的人办理")
    said = {"state": state.value, "decided_by": who, "decided_why": why, "decided_wall": wall}
    whole = {"site": site_id, "case_key": key, "clock": rule, "cycle": 0, "reason": CHECKED}
    whole |= {"proposed_at": row.found_at, "proposed_wall": wall, **said}
    if not (await conn.execute(insert_new(conn, withdrawal).values(**whole))).rowcount:
        change = withdrawal.c
        held = change.site == site_id, change.case_key == key, change.clock == rule, change.cycle == 0
        undecided = change.state.in_([WithdrawalState.PROPOSED.value, WithdrawalState.LAPSED.value])
        if not (await conn.execute(update(withdrawal).where(*held, undecided).values(**said))).rowcount:
            raise UsageError("这一件已由他人核实", hint="请回到规则页刷新")
    await _settled(conn, (site_id, key, rule, 0), state, wall)
    await trail.note(conn, wall, who, f"rule.{SAID[state]}", f"{site_id}/{key}/{rule}", why)


async def _settled(
    conn: AsyncConnection, place: tuple[str, str, str, int], state: WithdrawalState, wall: int
) -> None:
    """The case is judged and counted anew, and whoever keeps its dossier hears of it."""
    site_id, key, kind, cycle = place
    own = [clock.c.site == site_id, clock.c.case_key == key]
    if cycle:
        own += [clock.c.kind == kind, clock.c.cycle == cycle]
    else:  # a rule has no clock of its own: the case's look is the next of any, or when the site's data moves on
        ruled = ruling.c.site == site_id, ruling.c.case_key == key, ruling.c.rule == kind
        await conn.execute(update(ruling).where(*ruled).values(needs_until=0))
    await conn.execute(update(clock).where(*own).values(next_check_at=0))
    await tallies.mark(conn, [(site_id, key)])
    await outbox.add(conn, [outbox.line(site_id, key, kind, cycle, state.value, wall)])
