"""One site: why its data is as it is, when it is whole again, what its box says, what is lit there."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row

from central.core import band, site, wording
from central.core.access import Permission
from central.core.band import Arrived, Coverage
from central.core.conditions import conditions
from central.core.hall import Facts, SiteFacts
from central.core.maintenance import Window
from central.core.site import REFUSED, LinkWords, Signals
from central.store import alarms, commands, findings, maintenance, pages, parked, wall
from central.store.findings import Filter
from central.web import box, events
from central.web import maintenance as upkeep
from central.web.listing import DEMANDS, address, line
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from common.core.instant import DAY, from_us, start_of_day
from common.core.message import Heartbeat, Policy
from common.core.state import AlarmKind, ClockKind, FindingCode, Light, SiteKind

EARLIER_DAYS = 5
LIT_ROWS = 12
CHANGE_ROWS = 8
EVENT_ROWS = 8
LETTER_ROWS = 3


class Found(Struct, frozen=True):
    """What the tables say of the site beside what the wall knows."""

    kind: str
    beat: Heartbeat | None
    dead: int
    parked: int
    letters: Sequence[Row[Any]]
    alarms: Sequence[Row[Any]]
    findings: dict[str, int]
    lit: Sequence[Row[Any]]
    changes: Sequence[Row[Any]]
    ruled: Sequence[Row[Any]]
    events: Sequence[Row[Any]]
    arrived: Mapping[int, Arrived]
    wished: Policy | None
    planned: tuple[Window, ...]
    upkeep: upkeep.Shown


class Strip(Struct, frozen=True):
    """One day of the arrival week."""

    name: str
    runs: str
    label: str
    share: str


async def show_site(request: web.Request) -> web.Response:
    facts, site_id = facts_of(request), request.match_info["site"]
    item = next((item for item in reached_sites(request) if item.id == site_id), None)
    if item is None:
        raise web.HTTPNotFound(text="没有这个站点，请从站点列表进入。")
    found = await _find(request, item, facts)
    return render(
        request,
        "site.html",
        site=item.id,
        kind=found.kind,
        said=_sentence(item, facts, found),
        week=_week(item, found, facts),
        box=box.lines(found.beat, found.dead, found.wished),
        beat=found.beat,
        heard=_heard(item, facts),
        conditions=conditions(item.signals, facts.now_wall, facts.now_at),
        figures=_figures(item, found.beat, facts),
        alarms=[_alarm(row, facts) for row in found.alarms],
        findings=[(code, found.findings[code]) for code in FindingCode if code in found.findings],
        letters=[_letter(row, facts) for row in found.letters],
        lit=[line(row, facts) for row in found.lit],
        changes=_changes(found, facts),
        events=[events.said(row, facts) for row in found.events],
        upkeep=found.upkeep,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def _find(request: web.Request, item: SiteFacts, facts: Facts) -> Found:
    reached = request[USER].scope
    first_at = start_of_day(_today(facts) - timedelta(days=4 * EARLIER_DAYS), facts.zone)
    async with request.app[HALL].store.read() as conn:
        wish = (await commands.wished(conn)).get(item.id)
        dead, letters = await pages.dead_letters(conn, item.id, LETTER_ROWS)
        return Found(
            kind=SiteKind((await pages.kinds(conn))[item.id]).word,
            beat=(await pages.heartbeats(conn, item.id)).get(item.id),
            dead=dead,
            parked=(await parked.counts(conn)).get(item.id, 0),
            letters=letters,
            alarms=await alarms.listed(conn, item.id),
            findings=await findings.count(conn, reached, Filter(site=item.id)),
            lit=await pages.site_lit(conn, reached, item.id, LIT_ROWS),
            changes=await pages.site_changes(conn, reached, item.id, CHANGE_ROWS),
            ruled=await pages.site_ruled(conn, reached, item.id, CHANGE_ROWS),
            events=await pages.site_events(conn, item.id, EVENT_ROWS),
            arrived=(await wall.arrivals(conn, first_at, facts.now_at + DAY, item.id))[item.id],
            wished=None if wish is None else commands.policy_of(wish),
            planned=(await maintenance.windows(conn, first_at, facts.now_at + DAY, item.id))[item.id],
            upkeep=await upkeep.shown(conn, item.id, facts),
        )


def _today(facts: Facts) -> date:
    return from_us(facts.now_at, facts.zone).date()


def _words(item: SiteFacts, facts: Facts) -> LinkWords:
    link = site.derive(item.signals, facts.now_wall, facts.now_at)
    return site.describe(link, item.signals, item.backlog, facts.now_wall, facts.zone)


def _sentence(item: SiteFacts, facts: Facts, found: Found) -> str:
    until = item.complete_until
    moment = wording.moment(until, facts.zone, facts.now_at) if until else ""
    return site.explain(
        _words(item, facts),
        item.signals.source_fault or item.signals.agent_fault,
        moment,
        found.dead,
        found.parked,
    )


def _halt(signals: Signals) -> str:
    """Why it does not collect, or is not taken in."""
    refused = REFUSED if signals.refused else ""
    return signals.source_fault or signals.agent_fault or refused or f"缓存已用 {signals.room_percent:.0f}%"


def _heard(item: SiteFacts, facts: Facts) -> str:
    heard = item.signals.heard_wall
    return "" if heard is None else wording.ago(facts.now_wall - heard)


def _week(item: SiteFacts, found: Found, facts: Facts) -> list[Strip]:
    """Today and the working days before it, newest first."""
    today = _today(facts)
    before = [today - timedelta(days=back) for back in range(1, 4 * EARLIER_DAYS)]
    works = facts.slow.workday
    earlier = [day for day in before if works.get(day, day.weekday() < 5)][:EARLIER_DAYS]
    return [_strip(day, item, found, facts) for day in (today, *earlier)]


def _strip(day: date, item: SiteFacts, found: Found, facts: Facts) -> Strip:
    link = _words(item, facts).link
    coverage = Coverage(item.first_at, item.complete_until, item.signals.left, link, found.planned)
    letters = band.cells(found.arrived, coverage, band.opening(day, facts.zone), facts.now_at)
    share = band.share(letters)
    name = "今天" if day == _today(facts) else wording.day_and_weekday(day)
    label = f"{wording.day(day)} 8至18时数据到达：{band.sentence(letters)}"
    return Strip(name, band.runs(letters), label, "" if share is None else f"{share}%")


def _figures(item: SiteFacts, beat: Heartbeat | None, facts: Facts) -> list[tuple[str, str, str]]:
    """What the box says and what the hall reckons by itself: (figure, box, hall); empty before the first word."""
    if beat is None:
        return []
    clock = "还没有比对" if beat.offset_ms is None else wording.offset(beat.offset_ms, beat.offset_err_ms)
    return [
        ("待传", f"{wording.number(beat.rows)} 条", f"{wording.number(item.signals.left)} 条"),
        ("已收到", f"第 {wording.number(beat.upto)} 条", f"第 {wording.number(item.held_upto)} 条"),
        ("时钟", from_us(beat.at_wall, facts.zone).strftime("%m-%d %H:%M:%S"), clock),
    ]


def _alarm(row: Row[Any], facts: Facts) -> dict[str, object]:
    kind = AlarmKind(row.kind)
    return {
        "id": row.id,
        "word": kind.word,
        "heals": kind.heals,
        "detail": row.detail,
        "age": wording.ago(facts.now_wall - row.raised_wall),
    }


def _letter(row: Row[Any], facts: Facts) -> dict[str, str]:
    return {
        "seq": wording.number(row.seq),
        "reason": row.reason,
        "age": wording.ago(facts.now_wall - row.at_wall),
    }


def _changes(found: Found, facts: Facts) -> list[dict[str, object]]:
    """Lights of clocks and of rules, by when they were found, newest first."""
    told = [(row.judged_at, _change(row, facts)) for row in found.changes]
    told += [(row.found_at, _ruled(row, facts)) for row in found.ruled]
    told.sort(key=lambda one: one[0], reverse=True)
    return [said for _, said in told[:CHANGE_ROWS]]


def _change(row: Row[Any], facts: Facts) -> dict[str, object]:
    return _case(row) | {
        "since": wording.full(row.since_at, facts.zone, facts.now_at),
        "judged": wording.full(row.judged_at, facts.zone, facts.now_at),
        "light": Light(row.after),
        "rule": "",
        "what": ClockKind(row.clock).word,
        "late": bool(row.late),
    }


def _ruled(row: Row[Any], facts: Facts) -> dict[str, object]:
    return _case(row) | {
        "since": wording.full(row.found_at, facts.zone, facts.now_at),
        "light": Light(row.light),
        "rule": row.rule,
        "late": False,
        "what": DEMANDS.get(row.rule, ""),
    }


def _case(row: Row[Any]) -> dict[str, object]:
    return {
        "href": address(row.site, row.case_key) if row.case_no or row.item_name else "",
        "item": row.item_name or "办件",
        "tail": wording.tail(row.case_no),
    }


ROUTES = [Route("GET", "/hall/sites/{site}", show_site, Permission.VIEW_SITE)]
