"""摄像: how each camera of the sites in reach stands, and one camera's findings on a time bar, with its newest still."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Row

from central.core import camera as cameras_core
from central.core import wording
from central.core.access import Permission
from central.core.camera import Stretch
from central.core.hall import Facts, SiteFacts
from central.store import cameras, commands, stills
from central.store.cameras import Camera
from central.store.stills import Line as StillLine
from central.store.stills import Wanted
from central.web import evidence
from central.web.page import HALL, Route, facts_of, reached_sites, render
from common.core.act import Act
from common.core.camera import Occasion, View
from common.core.instant import DAY, local_date, start_of_day
from common.core.state import Link, Outcome

DAYS = 7
SPAN = 90
"""Days that can be chosen."""
_ORDERS = 5
_PICTURES = 4
"""Links of one finding."""
MOST = 200
"""Findings of a camera on its page."""


class Line(Struct, frozen=True):
    """One camera in the list. `place`: its site's name; `sort`: the mark that says it."""

    site: str
    place: str
    id: str
    name: str
    sort: str
    word: str
    since_at: int
    since: str
    lasts: str
    note: str
    clock: str
    bar: Sequence[tuple[str, int, int]]
    faults: str


class Finding(Struct, frozen=True):
    """One fault of one camera, begin to end."""

    word: str
    remedy: str
    detail: str
    begin: str
    end: str
    lasts: str
    is_open: bool
    anchor: str
    pictures: Sequence[tuple[str, str]]  # (address, word) of what was taken of it


class Day(Struct, frozen=True):
    """One day's bar. `address`: of its own page; `faults`: (left, width, anchor, words), `marks`: (left, address, words) of what was
    taken on it, both in thousandths of the day."""

    name: str
    address: str
    bar: Sequence[tuple[str, int, int]]
    faults: Sequence[tuple[int, int, str, str]]
    marks: Sequence[tuple[int, str, str]]


class Order(Struct, frozen=True):
    """A still or clip that somebody wanted; `picture`: address of its page, once it is recorded; `kind`: which."""

    when: str
    who: str
    why: str
    outcome: str
    detail: str
    picture: str
    kind: str


async def groups(request: web.Request) -> list[tuple[str, str, str, str, list[Line]]]:
    """Site, its name, its link, that in words, its cameras: of those that the account reaches and that have any. Sites with a fault
    come first."""
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        found = await cameras.since(conn, facts.now_at - DAY)
    made = []
    for site in reached_sites(request):
        state = request.app[HALL].wall.state["s"][site.id]
        there = _there(found.get(site.id, {}))
        lines = [_line(site, name, item, facts) for name, item in there.items()]
        if lines:
            made.append((site.id, state["name"], state["link"], state["state"], lines))
    return sorted(made, key=lambda one: all(line.sort != "fail" for line in one[-1]))


def counted(lines: Sequence[Line]) -> list[tuple[str, str, int]]:
    """Mark, its word, how many cameras have it."""
    sorts = [line.sort for line in lines]
    return [(sort, word, sorts.count(sort)) for sort, word in _SORTS]


async def show_cameras(request: web.Request) -> web.Response:
    facts, found = facts_of(request), await groups(request)
    return render(
        request,
        "cameras.html",
        groups=found,
        counts=counted([line for *_, lines in found for line in lines]),
        cut_off=_CUT_OFF,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_camera(request: web.Request) -> web.Response:
    facts, site_id, camera_id = facts_of(request), request.match_info["site"], request.match_info["camera"]
    site = next((item for item in reached_sites(request) if item.id == site_id), None)
    chosen = _chosen(request, facts)
    days = (
        [chosen]
        if chosen
        else [local_date(facts.now_at, facts.zone) - timedelta(days=n) for n in range(DAYS)]
    )
    from_at, to_at = start_of_day(days[-1], facts.zone), start_of_day(days[0] + timedelta(days=1), facts.zone)
    found: Camera | None = None
    taken, newest = list[StillLine](), None
    ordered: Sequence[Row[Any]] = []
    if site is not None:
        async with request.app[HALL].store.read() as conn:
            said = await cameras.since(conn, from_at, site_id, camera_id)
            wanted = Wanted((site_id,), camera=camera_id, below_at=to_at)
            taken = await stills.listed(conn, wanted, MOST)
            newest = await stills.newest_shown(conn, site_id, camera_id)
            ordered = await commands.of(conn, site_id, Act.STILL.value, camera_id, _ORDERS)
            given = await stills.ordered(conn, site_id, [row.id for row in ordered])
        found = said.get(site_id, {}).get(camera_id)
    if site is None or found is None or not found.view:
        raise web.HTTPNotFound(text="没有这台摄像机，请从摄像列表进入。")
    every = cameras_core.stretches(found.view)
    is_cut_off = request.app[HALL].wall.state["s"][site_id]["link"] in _CUT_OFF
    known_at = min(site.complete_until or facts.now_at, facts.now_at) if is_cut_off else facts.now_at
    both = [*cameras_core.findings(every), *cameras_core.findings(cameras_core.stretches(found.clock))]
    faults = [
        item
        for item in sorted(both, key=lambda item: -item.heard.since_at)
        if item.heard.since_at < to_at and (item.until_at or to_at) > from_at
    ][:MOST]
    lines = [_finding(item, taken, facts, known_at, f"f{place}") for place, item in enumerate(faults)]
    return render(
        request,
        "camera.html",
        site=site_id,
        line=_line(site, camera_id, found, facts),
        chosen="" if chosen is None else wording.day_and_weekday(chosen),
        around=_around(chosen, facts),
        days=[_day(day, every, faults, taken, facts, f"/hall/cameras/{site_id}/{camera_id}") for day in days],
        findings=lines,
        camera=camera_id,
        newest=None if newest is None else evidence.shown(newest, "", facts),
        age="" if newest is None else wording.span(facts.now_at - newest.taken_at),
        orders=[_order(item, given, facts) for item in ordered],
        cut_off=_CUT_OFF,
        checked=wording.clock(facts.now_at, facts.zone),
    )


_SORTS = (("ok", "正常"), ("fail", "故障"), ("skip", "不能判断"))
_CUT_OFF = {Link.OFFLINE, Link.STOPPED, Link.NEVER, Link.RETIRED}
"""A site in one of these says nothing of its cameras: what is shown is what it said last."""


def _there(found: Mapping[str, Camera]) -> dict[str, Camera]:
    """Those that their box still has."""
    return {
        name: item
        for name, item in sorted(found.items())
        if item.view and item.view[-1].view is not View.REMOVED
    }


def _line(site: SiteFacts, name: str, found: Camera, facts: Facts) -> Line:
    every = cameras_core.stretches(found.view)
    now, whole = every[-1].heard, cameras_core.findings(every)
    since_at = whole[-1].heard.since_at if now.view.is_fault else now.since_at
    clock = found.clock
    day_at = facts.now_at - DAY
    both = [*every, *cameras_core.stretches(clock)]
    faults = [item for item in both if item.heard.view.is_fault and (item.until_at or day_at + 1) > day_at]
    return Line(
        site=site.id,
        place=site.name,
        id=name,
        name=found.name or name,
        sort=cameras_core.sort_of(now.view),
        word=cameras_core.said(now),
        since_at=since_at,
        since=wording.moment(since_at, facts.zone, facts.now_at),
        lasts=wording.span(facts.now_at - since_at),
        note=now.detail,
        clock=clock[-1].detail if clock and clock[-1].view.is_fault else "",
        bar=cameras_core.bar(every, day_at, facts.now_at),
        faults=f"{len(faults)} 次" if faults else "没有",
    )


def _chosen(request: web.Request, facts: Facts) -> date | None:
    """The day that is asked for; None: the last week."""
    text = request.query.get("day", "")
    if not text:
        return None
    today = local_date(facts.now_at, facts.zone)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = today + timedelta(days=1)
    if not timedelta() <= today - day <= timedelta(days=SPAN):
        raise web.HTTPNotFound(text=f"只能看最近 {SPAN} 天中的一天，请从摄像机页选择。")
    return day


def _around(chosen: date | None, facts: Facts) -> tuple[str, str]:
    """The day before and the day after the chosen one, as they are asked for; empty where there is none."""
    if chosen is None:
        return "", ""
    today = local_date(facts.now_at, facts.zone)
    before, after = chosen - timedelta(days=1), chosen + timedelta(days=1)
    return (
        "" if today - before > timedelta(days=SPAN) else before.isoformat(),
        "" if after > today else after.isoformat(),
    )


def _day(
    day: date,
    every: Sequence[Stretch],
    faults: Sequence[cameras_core.Finding],
    taken: Sequence[StillLine],
    facts: Facts,
    address: str,
) -> Day:
    begin_at, end_at = (start_of_day(day + timedelta(days=n), facts.zone) for n in (0, 1))
    until_at = min(end_at, facts.now_at)
    seen = [item for item in every if item.heard.since_at < until_at]
    spans = [
        (place, item.heard, max(item.heard.since_at, begin_at), min(item.until_at or until_at, until_at))
        for place, item in enumerate(faults)
        if item.heard.since_at < until_at and (item.until_at or until_at) > begin_at
    ]

    def left(at: int) -> int:
        return cameras_core.place(at, begin_at, end_at)

    return Day(
        name=wording.day_and_weekday(day),
        address=f"{address}?day={day.isoformat()}",
        bar=cameras_core.bar([_ended(item, until_at) for item in seen], begin_at, end_at),
        faults=[
            (left(start), max(8, left(end) - left(start)), f"f{place}", cameras_core.said(heard))
            for place, heard, start, end in spans
        ],
        marks=[
            (
                min(left(item.taken_at), cameras_core.WIDTH - 6),
                evidence.address(item),
                f"{wording.clock(item.taken_at, facts.zone)} {item.occasion.word}，{evidence.linked(item)[1]}",
            )
            for item in taken
            if begin_at <= item.taken_at < end_at
        ],
    )


def _ended(item: Stretch, until_at: int) -> Stretch:
    """What lasts is drawn up to now and no further."""
    return replace(item, until_at=until_at) if item.until_at is None else item


def _finding(
    item: cameras_core.Finding, taken: Sequence[StillLine], facts: Facts, known_at: int, anchor: str
) -> Finding:
    """`known_at`: what came later nobody knows."""
    heard, until_at, zone, now_at = item.heard, item.until_at, facts.zone, facts.now_at
    lasts = wording.span(max(0, (known_at if until_at is None else until_at) - heard.since_at))
    is_open = until_at is None
    if until_at is None:
        end = (
            "还没有" if known_at == now_at else f"不明，{wording.moment(known_at, zone, now_at)} 断开前还没有"
        )
    else:
        end = wording.moment(until_at, zone, now_at)
        end = end if item.is_end_known else f"不明，{end} 后没有人看"
    is_sure = item.is_end_known and (not is_open or known_at == now_at)
    blind = f"其间 {wording.span(item.blind_us)}没有人看" if item.blind_us else ""
    return Finding(
        word=cameras_core.said(heard),
        remedy=heard.view.remedy if is_open else "",
        detail="；".join(part for part in (heard.detail, blind) if part),
        begin=wording.moment(heard.since_at, zone, now_at),
        end=end,
        lasts=lasts if is_sure else f"至少 {lasts}",
        is_open=is_open,
        anchor=anchor,
        pictures=[
            evidence.linked(one)
            for one in taken
            if one.occasion is Occasion.FAULT
            and one.subject == heard.view.value
            and heard.since_at <= one.since_at <= (until_at or now_at)
        ][:_PICTURES],
    )


def _order(row: Row[Any], given: Mapping[str, StillLine], facts: Facts) -> Order:
    outcome, mine = Outcome(row.outcome), given.get(row.id)
    return Order(
        when=wording.moment(row.issued_wall, facts.zone, facts.now_wall),
        who=row.who,
        why=row.why,
        outcome=outcome.word,
        detail="" if outcome is Outcome.DONE else row.detail,
        picture=evidence.address(mine) if mine else "",
        kind="短片" if "clip" in json.loads(row.args) else "图片",
    )


ROUTES = [
    Route("GET", "/hall/cameras", show_cameras, Permission.VIEW_SITE),
    Route("GET", "/hall/cameras/{site}/{camera}", show_camera, Permission.VIEW_SITE),
]
