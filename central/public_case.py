"""One case as its applicant is told of it: masked, without opinions, and without the names of the hall's people."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from central import rating
from central.core import case as cases
from central.core import wording
from central.core.case import CaseState
from central.core.correction import Correction, State
from central.core.limit import is_former
from central.core.rating import Ticket
from central.core.told import OWED, WATCHED, Passed, Standing, Told, Watched
from central.door import seal
from central.store import cases as rows
from central.store import corrections, tables
from central.world import Moment, World
from common.core.instant import day_ending
from common.core.state import CaseStatus, ClockKind, Light, StepKind

MOST_STEPS = 60
_DECISION = {ClockKind.STATUTE: 2, ClockKind.PROMISE: 1, ClockKind.STATED: 0}
"""Clocks that a citizen waits for; of several red ones the graver speaks."""
_CLOSED = {CaseStatus.REFUSED_ACCEPTANCE: Standing.REFUSED, CaseStatus.WITHDRAWN: Standing.WITHDRAWN}
_LIT = {
    Light.RED: Standing.OVER,
    Light.GREY: Standing.UNKNOWN,
    Light.YELLOW: Standing.NEAR,
    Light.PAUSED: Standing.PAUSED,
}


class Public(msgspec.Struct, frozen=True):
    """What is published of a case, the half of its key that the telephone is, and what there is to rate."""

    tail: str
    told: Told
    ticket: Ticket | None


async def tell(conn: AsyncConnection, site: str, key: str, world: World, now: Moment) -> Public | None:
    """None where nobody could ask for it: it has no number, no telephone, or is gone."""
    state = (await rows.states(conn, site, [key], world.zone, now.at)).get(key)
    if state is None:
        return None
    number, tail = state.facts.case_no or "", seal.tail_of(state.facts.phone)
    if not state.seen or state.deleted or not number or not tail:
        return None
    row = (
        await conn.execute(
            select(tables.case, tables.site.c.name.label("place"))
            .join(tables.site, tables.site.c.id == tables.case.c.site)
            .where(tables.case.c.site == site, tables.case.c.case_key == key)
        )
    ).one_or_none()
    if row is None:
        return None
    clocks = list((await rows.clocks(conn, site, [key])).values())
    until = await rows.complete_until(conn, site)
    watched, owed, owed_by = await _supervision(conn, state, site, key)
    clock = _leading([one for one in clocks if not is_former(one.kind, one.cycle, state)], row.light)
    standing = _standing(state, clock)
    zone = world.zone
    item = world.item_of(state)
    promised = item is not None and clock is not None and clock.kind == ClockKind.PROMISE
    told = Told(
        site=site,
        key=key,
        number=number,
        item=row.item_name or (item.name if item else "") or "事项未填",
        item_code=row.item_code or "",
        place=row.place,
        office=state.facts.org or row.org or "",
        applicant=wording.mask(row.applicant),
        standing=standing,
        received=_day(state.received_at, zone),
        accepted=_day(state.accepted_at, zone),
        finished=_day(state.finished_at, zone),
        outcome=wording.redact(state.facts.outcome, state.facts.applicant),
        limit=ClockKind(clock.kind) if clock is not None else None,
        limit_days=item.promised_days if promised and item else None,
        due=wording.due_day(clock.due_at, zone) if clock is not None and clock.due_at else None,
        provisional=bool(clock.provisional) if clock is not None else False,
        pause=_pause(state) if standing is Standing.PAUSED else "",
        whole_until=wording.full(until, zone, now.at) if standing is Standing.UNKNOWN and until else "",
        steps=_steps(state, zone),
        watched=watched,
        owed=owed if standing in {Standing.OVER, Standing.DONE} else "",
        owed_by=owed_by,
    )
    return Public(tail, told, await rating.ticket_of(conn, row, row.place, told.finished))


def _day(at: int | None, zone: ZoneInfo) -> date | None:
    return day_ending(at, zone) if at is not None else None


def _leading(clocks: Sequence[Row[Any]], light: str) -> Row[Any] | None:
    """The clock that the sentence speaks of: the graver of those that show the case's light, else the nearest."""
    mine = [one for one in clocks if one.kind in _DECISION and one.due_at]
    lit = [one for one in mine if one.light == Light.RED]
    if lit:
        return max(lit, key=lambda one: _DECISION[ClockKind(one.kind)])
    shown = [one for one in mine if one.light == light] or mine
    waits = [one for one in clocks if one.kind == ClockKind.SUPPLEMENT and one.due_at]
    return min(shown or waits, key=lambda one: one.due_at, default=None)


def _standing(state: CaseState, clock: Row[Any] | None) -> Standing:
    if not state.open:
        return _CLOSED.get(state.facts.status, Standing.DONE) if state.facts.status else Standing.DONE
    light = Light(clock.light) if clock is not None and clock.kind in _DECISION else Light.NONE
    if light in _LIT:
        return _LIT[light]
    begun = state.accepted_at is not None or (clock is not None and clock.kind in _DECISION)
    return Standing.OPEN if begun else Standing.RECEIVED


def _pause(state: CaseState) -> str:
    """What the clock stands still for."""
    for step in reversed(state.steps):
        if step.kind is StepKind.PAUSE and step.procedure is not None:
            return step.procedure.word
    return ""


def _steps(state: CaseState, zone: ZoneInfo) -> tuple[Passed, ...]:
    """What has happened, in order; opinions and names of clerks stay inside."""
    found = []
    if state.received_at is not None and state.received_at != state.accepted_at:
        found.append(Passed("收件", _day(state.received_at, zone), done=True))
    if state.accepted is not None and not any(step.kind is StepKind.ACCEPT for step in state.steps):
        found.append(Passed("受理", _day(state.accepted_at, zone), done=True))
    for step in state.steps[:MOST_STEPS]:
        name = wording.redact(step.step_name, state.facts.applicant) or step.kind.word
        ended = cases.instant(step.finished_at, zone)
        began = cases.instant(step.started_at, zone)
        found.append(Passed(name, _day(ended or began, zone), done=ended is not None, office=step.org or ""))
    if state.finished_at is not None:
        found.append(Passed("办结", _day(state.finished_at, zone), done=True))
    return tuple(found)


async def _supervision(
    conn: AsyncConnection, state: CaseState, site: str, key: str
) -> tuple[tuple[Watched, ...], str, date | None]:
    """What the supervision of the case has done, and who must do what by when; what is of an earlier filing says so."""
    told: list[Watched] = []
    owed, owed_by = "", None
    for row in reversed(await corrections.about_case(conn, site, key)):
        if not row.is_red:
            continue
        entries = await corrections.entries(conn, row.id)
        of = "前一次申请：" if is_former(row.subject, row.cycle, state) else ""
        told += [Watched(entry.day, of + WATCHED[entry.event]) for entry in entries if entry.event in WATCHED]
        one: Correction = corrections.body_of(row)
        if row.is_open and one.state in OWED:
            owed = OWED[State(one.state)]
            owed_by = date.fromisoformat(row.due_day) if row.due_day else None
    return tuple(told), owed, owed_by


def place_of(key: bytes, public: Public) -> seal.Place:
    return seal.place(key, seal.CASE, public.told.number, public.tail)
