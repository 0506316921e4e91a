"""在岗: how each watched counter stands, and the absences that a person is to confirm or reject before any counts."""

from collections.abc import Mapping, Sequence

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import attendance, wording
from central.core import camera as cameras_core
from central.core.access import Permission
from central.core.attendance import Absence, Ruling, Stretch
from central.core.calendar import Calendar
from central.core.hall import Facts, SiteFacts
from central.store import law, seats, stills, tickets
from central.store.seats import Counter, Place, Ruled
from central.store.stills import Line as StillLine
from central.store.stills import Wanted
from central.web import evidence
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from common.core.camera import Occasion, Seat
from common.core.errors import UsageError
from common.core.instant import DAY, MINUTE, local_date, start_of_day
from common.core.state import Link

DAYS = 7
SHORTEST, LONGEST = 4, 400
MOST = 200
"""Absences of either kind on the page."""
NONE = "没有这段无人，或已由他人核实，或后到的记录改变了起止。请回到在岗页刷新。"
_CUT_OFF = {Link.OFFLINE, Link.STOPPED, Link.NEVER, Link.RETIRED}
_SORTS = {Seat.ATTENDED: "ok", Seat.UNATTENDED: "fail", Seat.UNKNOWN: "skip"}


class Line(Struct, frozen=True):
    """One counter now."""

    name: str
    place: Place
    sort: str
    word: str
    note: str
    since: str
    bar: Sequence[tuple[str, int, int]]
    hours: str


class Proposal(Struct, frozen=True):
    """One absence; `ruled`: what was said of it, empty while nobody has."""

    address: str
    site: str
    name: str
    day: str
    begin: str
    end: str
    lasts: str
    note: str
    trust: str
    sort: str
    ruled: str
    place: Place
    absence: Absence
    waited: str = ""
    """How many waited meanwhile; empty: nobody has recorded a queue."""
    pictures: Sequence[tuple[str, str]] = ()
    """(address, word) of the still and the clip that were taken of it."""

    @property
    def begin_at(self) -> int:
        return self.absence.begin_at


async def show(request: web.Request) -> web.Response:
    facts = facts_of(request)
    from_at = _from_at(facts)
    async with request.app[HALL].store.read() as conn:
        calendar = await law.calendar_if_any(conn)
        found = await seats.since(conn, from_at)
        ruled = await seats.rulings(conn, from_at)
        wanted = Wanted(tuple(item.id for item in reached_sites(request)), occasion=Occasion.SEAT.value)
        taken = await stills.listed(conn, wanted, MOST)
    groups, proposals = [], list[Proposal]()
    for site in reached_sites(request):
        mine = {place: item for place, item in sorted(found.items()) if place.site == site.id}
        if calendar is None or not mine:
            continue
        state = request.app[HALL].wall.state["s"][site.id]
        watched = {place: item for place, item in mine.items() if item.told[-1].hours}
        lines = [_line(place, item, calendar, facts) for place, item in watched.items()]
        if lines:
            groups.append((site.id, state["name"], state["link"], state["state"], lines))
        for place, item in mine.items():
            proposals += _proposals(place, item, (site, state["name"]), calendar, facts, ruled)
    proposals = [replace(item, pictures=_pictures(item, taken)) for item in proposals]
    proposals.sort(key=lambda item: -item.begin_at)
    waiting = [item for item in proposals if not item.ruled]
    shown = await _waited(request, waiting[:MOST], facts)
    return render(
        request,
        "attendance.html",
        groups=groups,
        waiting=shown,
        waiting_count=len(waiting),
        ruled=[item for item in proposals if item.ruled][:MOST],
        confirmed=sum(item.sort == "fail" for item in proposals),
        days=DAYS,
        cut_off=_CUT_OFF,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _pictures(item: Proposal, taken: Sequence[StillLine]) -> list[tuple[str, str]]:
    place, absence = item.place, item.absence
    return [
        evidence.linked(one)
        for one in taken
        if (one.site, one.camera, one.subject) == (place.site, place.camera, place.region)
        and absence.begin_at <= one.taken_at < absence.end_at
    ]


async def _waited(request: web.Request, found: Sequence[Proposal], facts: Facts) -> list[Proposal]:
    """With the queue of its day (S-5: somebody is there while people wait)."""
    days: dict[tuple[str, int], Sequence[attendance.Ticket]] = {}
    said = []
    async with request.app[HALL].store.read() as conn:
        for item in found:
            day_at = start_of_day(local_date(item.begin_at, facts.zone), facts.zone)
            key = item.place.site, day_at
            if key not in days:
                days[key] = await tickets.of_day(conn, *key)
            number = attendance.waiting(item.absence, item.name, days[key])
            words = "" if number is None else f"其间 {number} 人等候" if number else "其间无人等候"
            said.append(replace(item, waited=words))
    return said


async def rule(request: web.Request) -> web.Response:
    form = await request.post()
    why, said = str(form.get("why", "")).strip(), str(form.get("ruling", ""))
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明核实的结果，{SHORTEST} 至 {LONGEST} 个字。")
    if said not in set(Ruling):
        raise web.HTTPBadRequest(text="请选“确认脱岗”或“不是脱岗”。")
    match, hall, user = request.match_info, request.app[HALL], request[USER]
    place = Place(match["site"], match["camera"], match["region"])
    site = next((item for item in reached_sites(request) if item.id == place.site), None)
    if site is None:
        raise web.HTTPNotFound(text=NONE)
    try:
        async with hall.store.write() as conn:
            absence = await _found(conn, place, int(match["begin"]), site, facts_of(request))
            if absence is None:
                raise web.HTTPNotFound(text=NONE)
            await seats.rule(conn, place, absence, Ruled(Ruling(said), user.name, why, hall.clock.wall()))
    except UsageError as error:
        raise web.HTTPNotFound(text=NONE) from error
    raise web.HTTPSeeOther("/hall/attendance")


async def _found(
    conn: AsyncConnection, place: Place, begin_at: int, site: SiteFacts, facts: Facts
) -> Absence | None:
    """The absence of the newest look at the tables that begins then and is over."""
    calendar = await law.calendar_if_any(conn)
    said = (await seats.since(conn, _from_at(facts), place)).get(place)
    if calendar is None or said is None:
        return None
    every = _absences(attendance.stretches(said.told), site, calendar, facts)
    return next((item for item in every if item.begin_at == begin_at and item.is_over), None)


def _from_at(facts: Facts) -> int:
    """A midnight, so that no absence is cut by it and its begin stays what it is."""
    return start_of_day(local_date(facts.now_at - (DAYS - 1) * DAY, facts.zone), facts.zone)


def _absences(found: Sequence[Stretch], site: SiteFacts, calendar: Calendar, facts: Facts) -> list[Absence]:
    """As far as the site's records are complete: what a silent site may still say is not guessed."""
    known_until = min(site.complete_until or 0, facts.now_at)
    return attendance.absences(found, _from_at(facts), known_until, calendar, facts.zone)


def _line(place: Place, found: Counter, calendar: Calendar, facts: Facts) -> Line:
    every = attendance.stretches(found.told)
    told, zone, now_at = every[-1].told, facts.zone, facts.now_at
    is_open = attendance.is_open(now_at, told.hours, calendar, zone)
    today = local_date(now_at, zone)
    begins = [begin for begin, _ in told.hours]
    ends = [end for _, end in told.hours]
    left = start_of_day(today, zone) + min(begins) * MINUTE
    right = start_of_day(today, zone) + max(ends) * MINUTE
    spans = [
        (_SORTS[item.told.seat], max(item.told.since_at, opens), min(until, closes))
        for item in every
        for opens, closes in attendance.openings(now_at, now_at, told.hours, calendar, zone)
        if (until := now_at if item.until_at is None else item.until_at) > opens
    ]
    note = "放着不动的东西" if told.object and told.seat is Seat.UNATTENDED else told.detail
    return Line(
        name=found.name or place.region,
        place=place,
        sort=_SORTS[told.seat] if is_open else "skip",
        word=told.seat.word if is_open else "非上班时间",
        note=note if is_open else "",
        since=wording.moment(told.since_at, zone, now_at) if is_open else "",
        bar=cameras_core.drawn(spans, left, right),
        hours="、".join(f"{_time(begin)}–{_time(end)}" for begin, end in told.hours),
    )


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _proposals(
    place: Place,
    found: Counter,
    at: tuple[SiteFacts, str],
    calendar: Calendar,
    facts: Facts,
    ruled: Mapping[tuple[Place, int, int], Ruled],
) -> list[Proposal]:
    site, site_name = at
    every = _absences(attendance.stretches(found.told), site, calendar, facts)
    return [_proposal(place, found.name or place.region, site_name, item, facts, ruled) for item in every]


def _proposal(
    place: Place,
    name: str,
    site_name: str,
    item: Absence,
    facts: Facts,
    ruled: Mapping[tuple[Place, int, int], Ruled],
) -> Proposal:
    said = ruled.get((place, item.begin_at, item.end_at))
    zone = facts.zone
    return Proposal(
        address=f"{place.site}/{place.camera}/{place.region}/{item.begin_at}" if item.is_over else "",
        site=site_name,
        name=name,
        day=wording.day_and_weekday(local_date(item.begin_at, zone)),
        begin=wording.clock(item.begin_at, zone)[:5],
        end=wording.clock(item.end_at, zone)[:5] if item.is_over else "还没有",
        lasts=wording.span(item.end_at - item.begin_at),
        note="，".join(_notes(item)),
        trust=item.trust,
        sort="" if said is None else "fail" if said.ruling is Ruling.CONFIRMED else "skip",
        ruled="" if said is None else f"{said.ruling.word} · {said.who}：{said.why}",
        place=place,
        absence=item,
    )


def _notes(item: Absence) -> list[str]:
    thing = ["座位上有放着不动的东西"] if item.object else []
    return thing if item.is_end_seen else [*thing, "此后无法判断，实际结束不明"]


ROUTES = [
    Route("GET", "/hall/attendance", show, Permission.VIEW_FINDING),
    Route(
        "POST",
        r"/hall/attendance/{site}/{camera}/{region}/{begin:\d{1,17}}",
        rule,
        Permission.EXPLAIN_FINDING,
    ),
]
