"""How often the offices broke one rule within a span of time, and which offices handle an item: for what is written to them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.judgement import WithdrawalState
from central.core.ruling import Answer
from central.core.scope import Scope
from central.store.scope import of_case
from central.store.tables import case, ruling, site, transition, withdrawal
from common.core.state import ClockKind, Light


def _of_rule(rule: str, first_at: int, until_at: int) -> Select[Any]:
    """Cases that broke a rule whose answers are kept, each once, without those that a person has withdrawn."""
    of, undone = ruling.c, withdrawal.c
    query = select(of.site, of.case_key).where(
        of.rule == rule,
        of.answer == Answer.BROKEN.value,
        of.light.in_([Light.RED.value, Light.YELLOW.value]),
        of.found_at >= first_at,
        of.found_at < until_at,
    )
    mine = and_(undone.site == of.site, undone.case_key == of.case_key, undone.clock == of.rule)
    return _standing(query.outerjoin(withdrawal, mine))


def _of_clocks(kinds: Sequence[ClockKind], first_at: int, until_at: int) -> Select[Any]:
    """The same of a rule that clocks keep: by the instant from which their red light holds."""
    of, undone = transition.c, withdrawal.c
    query = select(of.site, of.case_key).where(
        of.clock.in_([kind.value for kind in kinds]),
        of.after == Light.RED.value,
        of.judged_at >= first_at,  # nothing is judged before it holds: this one has an index
        of.since_at >= first_at,
        of.since_at < until_at,
    )
    mine = and_(
        undone.site == of.site,
        undone.case_key == of.case_key,
        undone.clock == of.clock,
        undone.cycle == of.cycle,
    )
    return _standing(query.outerjoin(withdrawal, mine))


def _standing(query: Select[Any]) -> Select[Any]:
    state = withdrawal.c.state
    return query.where(state.is_(None) | (state != WithdrawalState.WITHDRAWN.value)).distinct()


async def counted(
    conn: AsyncConnection, rule: str, kinds: Sequence[ClockKind], first_at: int, until_at: int
) -> Sequence[Row[Any]]:
    """site, its name, office, item, number of cases: of a rule, or of the clocks that keep it, from `first_at` up to `until_at`."""
    broken = _of_clocks(kinds, first_at, until_at) if kinds else _of_rule(rule, first_at, until_at)
    found = broken.subquery()
    one = case.c
    query = (
        select(
            one.site,
            site.c.name.label("site_name"),
            one.org,
            func.coalesce(one.item_name, "审批事项").label("item"),
            func.count().label("number"),
        )
        .join(found, and_(found.c.site == one.site, found.c.case_key == one.case_key))
        .join(site, site.c.id == one.site)
        .where(one.deleted.is_(False))
        .group_by(one.site, site.c.name, one.org, "item")
        .order_by(one.site, one.org, "item")
    )
    return (await conn.execute(query)).all()


async def lit(
    conn: AsyncConnection, reached: Scope, kinds: Sequence[ClockKind], limit: int
) -> Sequence[Row[Any]]:
    """Cases of a rule that clocks keep, by their red light (a step's own never goes beyond yellow), newest first; columns as
    `central.store.rulings.listed`.
    """
    of, one, undone = transition.c, case.c, withdrawal.c
    worst = or_(
        of.after == Light.RED.value,
        and_(of.clock == ClockKind.STEP.value, of.after == Light.YELLOW.value),
    )
    mine = and_(
        undone.site == of.site,
        undone.case_key == of.case_key,
        undone.clock == of.clock,
        undone.cycle == of.cycle,
    )
    query = (
        select(of.site, of.case_key, of.after.label("light"), of.why, of.judged_at.label("found_at"))
        .add_columns(site.c.name.label("site_name"), one.case_no, one.item_name, one.applicant)
        .add_columns(undone.state.label("withdrawal"), literal(Answer.BROKEN.value).label("answer"))
        .join(site, site.c.id == of.site)
        .join(case, and_(one.site == of.site, one.case_key == of.case_key))
        .outerjoin(withdrawal, mine)
        .where(of.clock.in_([kind.value for kind in kinds]), worst, *of_case(reached, of.site, one.org))
        .order_by(of.judged_at.desc(), of.site, of.case_key)
        .limit(limit)
    )
    return (await conn.execute(query)).all()


async def handlers(conn: AsyncConnection, code: str, since_at: int) -> Sequence[Row[Any]]:
    """site, its name, office of everybody who handled the item since."""
    one = case.c
    query = (
        select(one.site, site.c.name.label("site_name"), one.org)
        .join(site, site.c.id == one.site)
        .where(one.item_code == code, one.filed_at >= since_at, one.deleted.is_(False))
        .where(site.c.retired_wall.is_(None))
        .distinct()
        .order_by(one.site, one.org)
    )
    return (await conn.execute(query)).all()
