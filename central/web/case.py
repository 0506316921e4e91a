"""One case: did it follow the rule. Its facts, its clocks day by day, its steps against them, its lights, its rows."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import articles, case_paper, cycle, rules, wording
from central.core import case as cases
from central.core.access import Permission, allows
from central.core.case import CaseState
from central.core.case_paper import Ground
from central.core.correction import State
from central.core.hall import Facts
from central.core.item import Item
from central.core.limit import Limit, is_former
from central.core.limits import limits
from central.core.rules import Verdict
from central.core.ruling import Result, Subject
from central.core.trail import Line
from central.judge import World
from central.store import cases as rows
from central.store import corrections, findings, items, law, packs, pages, past, telling, trail, withdrawals
from central.store.findings import Filter
from central.web import case_clock, case_story, finding, letters
from central.web.case_clock import Calendar
from central.web.listing import address, left
from central.web.page import HALL, USER, Route, User, facts_of, render
from central.web.reveal import REASONS
from common.core.state import Light

AMBIGUOUS = 2
MOST_FINDINGS = 50
MOST_LOOKS = 20


class Found(Struct, frozen=True):
    """Everything the tables say of the case."""

    row: Row[Any]
    state: CaseState
    filings: int
    clocks: list[Row[Any]]
    limits: list[Limit]  # those of earlier filings last
    rules: list[Result]
    item: Item | None
    calendar: Calendar
    complete_until: int | None
    transitions: Sequence[Row[Any]]
    withdrawals: dict[tuple[str, str, int], Row[Any]]
    versions: Sequence[Row[Any]]
    findings: list[finding.View]
    looked: list[Line]
    corrections: Sequence[Row[Any]]
    urges: Sequence[Row[Any]]
    is_before: bool  # over, and late, before the site was first looked at
    grounds: list[Ground]
    letters: list[tuple[str, str, str]]
    issuers: list[tuple[str, str]]


async def find_case(request: web.Request) -> web.Response:
    """A number leads to its case; where several sites use it, to the list of them."""
    number = request.match_info["no"].replace("\0", "")
    async with request.app[HALL].store.read() as conn:
        found = await pages.find_by_no(conn, request[USER].scope, number, AMBIGUOUS)
    if not found:
        raise web.HTTPNotFound(text=f"没有编号为“{number}”的办件。请核对编号，或从办件列表查找。")
    if len(found) == AMBIGUOUS:
        raise web.HTTPSeeOther(f"/hall/cases?{urlencode({'no': number, 'state': 'all'})}")
    raise web.HTTPSeeOther(address(found[0].site, found[0].case_key))


async def show_case(request: web.Request) -> web.Response:
    facts = facts_of(request)
    site, key = (request.match_info[name].replace("\0", "") for name in ("site", "key"))
    async with request.app[HALL].store.read() as conn:
        found = await _find(conn, request[USER], site, key, facts)
    if found is None:
        raise web.HTTPNotFound(text="没有这个办件。请从办件列表查找。")
    row, state = found.row, found.state
    lit = {
        (change.clock, change.cycle): change.why for change in found.transitions if change.after == Light.RED
    }
    return render(
        request,
        "case.html",
        row=row,
        light=Light(row.light),
        left=left(row, facts),
        applicant=wording.mask(state.facts.applicant or row.applicant) or "–",
        terms=case_story.terms(state, row, facts),
        clocks=[
            case_clock.view(
                clock,
                found.limits,
                state,
                found.calendar,
                found.complete_until,
                lit,
                facts,
                found.filings,
            )
            for clock in found.clocks
        ],
        events=case_story.events(state, found.clocks, found.filings, facts),
        transitions=[
            case_story.transition(change, found.withdrawals, found.filings, facts)
            for change in found.transitions
        ],
        versions=[case_story.version(version, facts) for version in found.versions],
        findings=found.findings,
        looked=[
            (one.who, wording.full(one.at_wall, facts.zone, facts.now_wall), one.why) for one in found.looked
        ],
        reasons=REASONS,
        rules=found.rules,
        item=found.item,
        urges=[wording.full(one.at, facts.zone, facts.now_at) for one in found.urges],
        is_before=found.is_before,
        grounds=[one for one in found.grounds if letters.may_draft(request[USER], one.kind)],
        letters=found.letters,
        issuers=found.issuers,
        corrections=[(one.id, State(one.state).word, one.unit) for one in found.corrections],
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def _find(conn: AsyncConnection, user: User, site: str, key: str, facts: Facts) -> Found | None:
    row = await pages.one_case(conn, user.scope, site, key)
    if row is None:
        return None
    source = (await rows.source_rows(conn, site, [key])).get(key, [])
    state = cases.fold(key, source, facts.zone)
    calendar = await law.calendar_if_any(conn)
    now = cases.as_of(cycle.within(state, cycle.read(row.reopened), facts.zone), facts.now_at, facts.zone)
    until = await rows.complete_until(conn, site)
    verdicts: list[Verdict] = []
    former: list[Limit] = []
    answers: list[Result] = []
    grounds: list[Ground] = []
    item = None
    kept = (await rows.clocks(conn, site, [key])).values()
    clocks = sorted((one for one in kept if one.due_at is not None), key=lambda clock: clock.due_at)
    decided = [
        clock.calendar_version
        for clock in clocks
        if clock.stopped and not is_former(clock.kind, clock.cycle, now)
    ]
    if calendar is not None and decided and min(decided) != calendar.version:
        calendar = await law.calendar_of(conn, min(decided))  # it was judged by that one, and stays so
    if calendar is not None:
        world = World(facts.zone, calendar, await items.catalogue(conn), packs=await packs.every(conn))
        item = world.item_of(now)
        lights = {(clock.kind, clock.cycle): Light(clock.light) for clock in clocks}
        verdicts = rules.verdicts(
            now,
            item,
            calendar,
            lambda kind, cycle: lights.get((kind, cycle), Light.NONE),
            until,
            facts.now_at,
            facts.zone,
            world.pack_of(now),
        )
        earlier_filings = await past.former(conn, site, key, world.law, facts.now_at) if row.reopened else []
        for earlier in earlier_filings:
            asked = limits(earlier, world.item_of(earlier), calendar, facts.zone, world.pack_of(earlier))
            former += [one for one in asked if not one.end.open]
        subject = Subject(now, item, verdicts, calendar, facts.zone, until, world.pack_of(now))
        answers = articles.ask_all(subject)
        grounds = case_paper.grounds(subject, facts.now_at)
    first, last = case_clock.reach(clocks, state, facts)
    days: Calendar = {}
    if calendar is not None:
        known = await pages.calendar_days(conn, first, last, calendar.version)
        days = known | calendar.guessed(date.fromisoformat(last))
    of_case = Filter(site=site, case_key=key, decided_too=True)
    rights = Permission.VIEW_FINDING, Permission.REVEAL_PERSON, Permission.VIEW_CORRECTION
    may, sees, corrects = (allows(user.role, right) for right in rights)
    doubts = await findings.listed(conn, user.scope, of_case, MOST_FINDINGS) if may else []
    return Found(
        row=row,
        state=state,
        filings=now.cycle,
        clocks=clocks,
        limits=[*(one.limit for one in verdicts), *former],
        rules=answers,
        item=item,
        calendar=days,
        complete_until=until,
        transitions=await pages.transitions(conn, site, key),
        withdrawals=await withdrawals.of_cases(conn, site, [key]),
        versions=await pages.versions(conn, site, key),
        findings=await finding.views(conn, doubts, facts),
        looked=await trail.about(conn, "case.reveal", f"{site}/{key}", MOST_LOOKS) if sees else [],
        corrections=await corrections.about_case(conn, site, key) if corrects else [],
        urges=await telling.urges(conn, site, key),
        is_before=await corrections.is_before(conn, site, key),
        grounds=grounds,
        letters=await letters.about(conn, "case", site, key) if corrects else [],
        issuers=await letters.issuers(conn) if corrects else [],
    )


ROUTES = [
    Route("GET", "/hall/cases/{no}", find_case, Permission.VIEW_CASE),
    Route("GET", "/hall/cases/{site}/{key:.+}", show_case, Permission.VIEW_CASE),
]
