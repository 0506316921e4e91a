"""摄像: how each camera of the sites in reach stands, and one camera's findings on a time bar. No picture yet."""

from collections.abc import Mapping, Sequence

from aiohttp import web
from msgspec import Struct

from central.core import camera as cameras_core
from central.core import wording
from central.core.access import Permission
from central.core.camera import Stretch
from central.core.hall import Facts
from central.store import cameras
from central.store.cameras import Camera
from central.web.page import HALL, Route, facts_of, reached_sites, render
from common.core.camera import View
from common.core.instant import DAY
from common.core.state import Link

DAYS = 7
MOST = 200
"""Findings of a camera on its page."""


class Line(Struct, frozen=True):
    """One camera in the list. `sort`: the mark that says it."""

    site: str
    id: str
    name: str
    sort: str
    word: str
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


async def show_cameras(request: web.Request) -> web.Response:
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        found = await cameras.since(conn, facts.now_at - DAY)
    groups = []
    for site in reached_sites(request):
        state = request.app[HALL].wall.state["s"][site.id]
        lines = [_line(site.id, name, item, facts) for name, item in _there(found.get(site.id, {})).items()]
        if lines:
            groups.append((site.id, state["name"], state["link"], state["state"], lines))
    every = [line.sort for *_, lines in groups for line in lines]
    return render(
        request,
        "cameras.html",
        groups=groups,
        counts=[(sort, word, every.count(sort)) for sort, word in _SORTS],
        cut_off=_CUT_OFF,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def show_camera(request: web.Request) -> web.Response:
    facts, site_id, camera_id = facts_of(request), request.match_info["site"], request.match_info["camera"]
    site = next((item for item in reached_sites(request) if item.id == site_id), None)
    from_at = facts.now_at - DAYS * DAY
    found: Camera | None = None
    if site is not None:
        async with request.app[HALL].store.read() as conn:
            said = await cameras.since(conn, from_at, site_id, camera_id)
        found = said.get(site_id, {}).get(camera_id)
    if found is None or not found.view:
        raise web.HTTPNotFound(text="没有这台摄像机，请从摄像列表进入。")
    every = cameras_core.stretches(found.view)
    both = [*every, *cameras_core.stretches(found.clock)]
    faults = sorted(
        (item for item in both if item.heard.view.is_fault), key=lambda item: -item.heard.since_at
    )
    return render(
        request,
        "camera.html",
        site=site_id,
        line=_line(site_id, camera_id, found, facts),
        days=_days(every, facts),
        findings=[_finding(item, facts) for item in faults[:MOST]],
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


def _line(site: str, name: str, found: Camera, facts: Facts) -> Line:
    every = cameras_core.stretches(found.view)
    now = every[-1].heard
    clock = found.clock
    day_at = facts.now_at - DAY
    faults = [item for item in every if item.heard.view.is_fault and (item.until_at or day_at + 1) > day_at]
    return Line(
        site=site,
        id=name,
        name=found.name or name,
        sort=cameras_core.sort_of(now.view),
        word=cameras_core.said(now),
        since=wording.moment(now.since_at, facts.zone, facts.now_at),
        lasts=wording.span(facts.now_at - now.since_at),
        note=now.detail,
        clock=clock[-1].detail if clock and clock[-1].view.is_fault else "",
        bar=cameras_core.bar(every, day_at, facts.now_at),
        faults=f"{len(faults)} 次" if faults else "没有",
    )


def _days(every: Sequence[Stretch], facts: Facts) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """The last seven times 24 hours, the newest first."""
    ends = [facts.now_at - back * DAY for back in range(DAYS)]
    return [
        (wording.moment(end - DAY, facts.zone, facts.now_at), cameras_core.bar(every, end - DAY, end))
        for end in ends
    ]


def _finding(item: Stretch, facts: Facts) -> Finding:
    heard, until_at = item.heard, item.until_at
    end = facts.now_at if until_at is None else until_at
    return Finding(
        word=cameras_core.said(heard),
        remedy=heard.view.remedy if until_at is None else "",
        detail=heard.detail,
        begin=wording.moment(heard.since_at, facts.zone, facts.now_at),
        end="" if until_at is None else wording.moment(until_at, facts.zone, facts.now_at),
        lasts=wording.span(end - heard.since_at),
    )


ROUTES = [
    Route("GET", "/hall/cameras", show_cameras, Permission.VIEW_SITE),
    Route("GET", "/hall/cameras/{site}/{camera}", show_camera, Permission.VIEW_SITE),
]
