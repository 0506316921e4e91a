"""From a light that is told to a correction that has been raised: what is known of the case is frozen here.

Read from the outbox and done under the light's own name, so telling it again changes nothing: a light belongs to one
correction. A statutory red joins the correction that the promise's red has opened. A red light of a case that was over before
its site's box first looked belongs to none: it is counted, and nobody is asked to explain what was past before anybody watched.
"""

from datetime import date, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import correction, telling
from central.core import acts, chart, rules, snapshot
from central.core import case as cases
from central.core.chart import Span
from central.core.compose import Counted
from central.core.correction import Event
from central.core.dossier import Note
from central.core.judgement import WithdrawalState
from central.core.limit import Limit, is_former
from central.core.scope import EVERYTHING
from central.core.snapshot import Snapshot
from central.correction import Light as Raising
from central.correction_paper import Desk, Words, stands
from central.store import cases as rows
from central.store import corrections, facts, findings, pages, past, rulings
from central.world import World
from common.core.instant import local_date
from common.core.record import Case
from common.core.state import ClockKind, Light

_NOTES = {
    WithdrawalState.WITHDRAWN.value: Note.LIGHT_WITHDRAWN,
    WithdrawalState.KEPT.value: Note.LIGHT_KEPT,
}
_DECIDED = "mingcha light"


async def take(conn: AsyncConnection, told: Row[Any], world: World, desk: Desk) -> int | None:
    """What follows from a row of the outbox. -> the number of a correction that it has raised."""
    light = Raising(told.site, told.case_key, told.subject, told.cycle, told.event)
    if told.event in _NOTES:
        await _note(conn, light, _NOTES[told.event], desk)
        return None
    row = await pages.one_case(conn, EVERYTHING, light.site, light.case_key)
    if row is None or await corrections.of_light(conn, light.place) is not None:
        return None
    is_red = told.event == Light.RED
    if not is_red and not await _still_yellow(conn, light):
        return None  # decided meanwhile, or red: a reminder comes too late
    if is_red and await _is_past(conn, row, light):
        await corrections.add_light(conn, light.place, corrections.BEFORE)
        return None
    found = await _freeze(conn, row, light, world, desk, is_red=is_red)
    held = await corrections.open_of_case(conn, light.site, light.case_key) if is_red else None
    if held is not None:
        await correction.join(conn, await correction.held(conn, held), light, found, desk)
        await telling.of_light(conn, row, light.place, found, held, world, desk)
        return None
    number = await correction.raise_for(conn, light, row.org, found, found.why, desk)
    if number is not None:
        await telling.of_light(conn, row, light.place, found, number, world, desk)
    if number is not None and not is_red:
        await correction.act(conn, await correction.held(conn, number), Event.NOTIFY, None, Words(), desk)
    return number


async def _note(conn: AsyncConnection, light: Raising, what: Note, desk: Desk) -> None:
    """What a person has decided of a light stands in the dossier of its correction."""
    for event in (Light.RED, Light.YELLOW):
        number = await corrections.of_light(conn, light.place | {"event": event.value})
        if number:
            matter = snapshot.matter_of(light.subject, is_red=event is Light.RED)
            await correction.note(
                conn, await correction.held(conn, number), what, "", f"{matter}（{_DECIDED}）", desk
            )


async def _is_past(conn: AsyncConnection, row: Row[Any], light: Raising) -> bool:
    """Whether the case had been decided before anybody watched, and no version of it says that it was open since.

    The second holds whoever dates a completion back: what was seen open was seen by us.
    """
    contact_at = await facts.first_capture(conn, light.site)
    if not snapshot.is_past(row.finished_at, contact_at):
        return False
    places = await rows.case_places(conn, light.site, light.case_key)
    told = await findings.versions(conn, light.site, dict.fromkeys(places, findings.EVERY))
    bodies = [one.body for versions in told.values() for one in versions]
    return all(isinstance(one, Case) and one.finished_at for one in bodies)


async def _still_yellow(conn: AsyncConnection, light: Raising) -> bool:
    """Of a rule's yellow light nothing can be refuted by time."""
    if not light.cycle:
        return True
    known = await rows.clocks(conn, light.site, [light.case_key])
    row = known.get((light.case_key, light.subject, light.cycle))
    return row is not None and row.light == Light.YELLOW


async def _freeze(
    conn: AsyncConnection, row: Row[Any], light: Raising, world: World, desk: Desk, *, is_red: bool
) -> Snapshot:
    now_at = desk.clock.office()
    state = await _filing(conn, light, world, now_at, desk)
    lit = await _lit(conn, light)
    limit = _limit(state, light, world, now_at, await rows.complete_until(conn, light.site))
    accepted = acts.day(state.accepted, desk.zone)
    is_whole = limit is not None and light.subject in snapshot.WHOLE
    rule, articles, demand = snapshot.rule_of(light.subject)
    return Snapshot(
        site_name=row.site_name,
        unit=row.org or row.site_name,
        item=row.item_name or "审批事项",
        case_no=row.case_no,
        subject=light.subject,
        is_red=is_red,
        matter=snapshot.matter_of(light.subject, is_red=is_red),
        rule=rule,
        rule_version=world.pack_of(state).version,
        articles=articles,
        demand=demand,
        liability=snapshot.liability_of(rule),
        calendar_version=world.calendar.version,
        received=acts.day(state.facts.received_at, desk.zone),
        accepted=accepted if is_whole else None,
        budget=_budget(light, limit) if is_whole and limit is not None else None,
        due=local_date(limit.due_at - 1, desk.zone) if is_whole and limit is not None else None,
        days=await _days(conn, limit, desk) if is_whole and limit is not None else (),
        last=local_date(limit.due_at - 1, desk.zone) if limit is not None else None,
        state=stands(row, lit.get("since_at", 0), desk.zone),
        **lit,
    )


async def _filing(
    conn: AsyncConnection, light: Raising, world: World, now_at: int, desk: Desk
) -> cases.CaseState:
    """The case in that filing of it which the light is about."""
    state = (await rows.states(conn, light.site, [light.case_key], desk.zone, now_at))[light.case_key]
    if not is_former(light.subject, light.cycle, state):
        return state
    earlier = await past.former(conn, light.site, light.case_key, world.law, now_at)
    return next((one for one in earlier if one.cycle == light.cycle), state)


async def _lit(conn: AsyncConnection, light: Raising) -> dict[str, Any]:
    """Why, since when and when judged, of the transition or the broken rule."""
    if not light.cycle:
        ruled = (await rulings.of_cases(conn, light.site, [light.case_key])).get(
            (light.case_key, light.subject)
        )
        if ruled is None:
            return {}
        return {"why": ruled.why, "since_at": ruled.found_at, "judged_at": ruled.found_at}
    for change in await pages.transitions(conn, light.site, light.case_key):
        if (change.clock, change.cycle, change.after) == (light.subject, light.cycle, light.event):
            return {
                "why": change.why,
                "since_at": change.since_at,
                "judged_at": change.judged_at,
                "is_late": bool(change.late),
            }
    return {}


def _limit(
    state: cases.CaseState, light: Raising, world: World, now_at: int, until: int | None
) -> Limit | None:
    verdicts = rules.verdicts(
        state,
        world.item_of(state),
        world.calendar,
        lambda *_: Light.NONE,
        until,
        now_at,
        world.zone,
        world.pack_of(state),
    )
    wanted = light.subject, light.cycle
    return next((one.limit for one in verdicts if (one.limit.kind, one.limit.cycle) == wanted), None)


def _budget(light: Raising, limit: Limit) -> str:
    if light.subject == ClockKind.STATED:
        return "业务系统载明应办结时间"
    return f"{ClockKind(light.subject).word}{limit.budget.replace(' ', '')}"


async def _days(conn: AsyncConnection, limit: Limit, desk: Desk) -> tuple[Counted, ...]:
    """From acceptance to the last day, as the clock counts them."""
    if limit.start is None:
        return ()
    due = local_date(limit.due_at - 1, desk.zone)
    span = Span(start=limit.start, yellow=due, due=due, until=due, beyond=Light.NONE)
    last = due + timedelta(days=1)
    known = await pages.calendar_days(conn, str(limit.start), str(last), desk.calendar.version)
    known |= desk.calendar.guessed(last)
    return snapshot.runs(chart.days(span, date.max, known, limit.stops))
