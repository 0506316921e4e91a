"""The doctor of one site's box: its last run with the ids and words of the terminal, what changed, earlier runs, ask again."""

from typing import Any
from urllib.parse import quote

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncConnection

from central import site_doctor
from central.core import wording
from central.core.access import Permission
from central.core.hall import Facts
from central.site_doctor import Run
from central.store import commands
from central.web.page import HALL, USER, Route, facts_of, reached_sites, render
from common import health
from common.core.act import Act
from common.core.instant import from_us
from common.core.state import DoctorVerdict
from common.health import Status

EARLIER = 10
_ORDER = [Status.FAIL, Status.WARN, Status.SKIP, Status.OK]
_WHY = "页面：现在体检"


def _site(request: web.Request) -> str:
    """Raises HTTPNotFound for one that the account does not reach."""
    site = request.match_info["site"]
    if site not in {item.id for item in reached_sites(request)}:
        raise web.HTTPNotFound(text="没有这个站点，请从站点列表进入。")
    return site


async def show(request: web.Request) -> web.Response:
    site, facts = _site(request), facts_of(request)
    hall = request.app[HALL]
    async with hall.store.read() as conn:
        runs = await site_doctor.runs(conn, site)
        waiting = await _waits(conn, site)
    return render(
        request,
        "doctor.html",
        site=site,
        name=hall.wall.state["s"][site]["name"],
        waiting=waiting,
        run=_run(runs, facts) if runs else None,
        earlier=[_head(run, facts) for run in runs[1 : 1 + EARLIER]],
    )


async def _waits(conn: AsyncConnection, site: str) -> bool:
    return any(row.site == site and row.act == Act.DOCTOR for row in await commands.waiting(conn))


def _head(run: Run, facts: Facts) -> dict[str, Any]:
    return {
        "when": f"{from_us(run.at_wall, facts.zone):%m-%d %H:%M}",
        "age": wording.ago(facts.now_wall - run.at_wall),
        "verdict": run.verdict,
        "sentence": run.sentence,
    }


def _run(runs: list[Run], facts: Facts) -> dict[str, Any]:
    """The newest; its findings worst first, and against the newest one in which nothing was wrong."""
    run = runs[0]
    good = site_doctor.last_good(runs, run.at_wall)
    is_well = run.verdict is DoctorVerdict.OK
    return _head(run, facts) | {
        "findings": sorted(run.findings, key=lambda item: _ORDER.index(item.status)),
        "good": _head(good, facts) if good and not is_well else None,
        "changed": health.difference(run.findings, good.findings) if good and not is_well else [],
    }


async def ask(request: web.Request) -> web.Response:
    """Asked once; the answer comes within seconds where the box is there."""
    site, hall = _site(request), request.app[HALL]
    async with hall.store.write() as conn:
        if not await _waits(conn, site):
            await site_doctor.order(conn, site, request[USER].name, _WHY)
    raise web.HTTPSeeOther(f"/hall/sites/{quote(site, safe='')}/doctor")


ROUTES = [
    Route("GET", "/hall/sites/{site}/doctor", show, Permission.KEEP_BOX),
    Route("POST", "/hall/sites/{site}/doctor", ask, Permission.KEEP_BOX),
]
