"""评分 begun on the page: for a period that is over, in the background, one at a time; how far it is."""

from typing import Any

from aiohttp import hdrs, web

from central import scoring
from central.core import period
from central.core.access import Permission
from central.score_run import Runner, Told, Wanted
from central.scoring import Sender
from central.store import trail
from central.web.page import HALL, USER, Route, facts_of, must_reach_all
from common.core.errors import UsageError

RUNNER = web.AppKey("runner", Runner)
SHORTEST, LONGEST = 4, 200
PLACE = "/hall/scores/running"


def shown(request: web.Request) -> dict[str, Any] | None:
    """The run that goes on, or the one that came to nothing last; None: neither."""
    runner = request.app[RUNNER]
    last = runner.last
    if last is None or not (runner.is_running or last.told.fault):
        return None
    told = last.told
    return {
        "word": period.parse(last.period).word,
        "who": last.who,
        "done": told.done,
        "total": told.total,
        "fault": "" if runner.is_running else told.fault.rstrip("。"),
        "address": PLACE,
    }


async def show_progress(request: web.Request) -> web.Response:
    """For the page that shows it: cases read, cases in all, whether it is over."""
    runner = request.app[RUNNER]
    told = runner.last.told if runner.last is not None else Told()
    body = {"done": told.done, "total": told.total, "over": not runner.is_running}
    return web.json_response(body, headers={"Cache-Control": "no-store"})


async def begin(request: web.Request) -> web.Response:
    form, hall, facts = await request.post(), request.app[HALL], facts_of(request)
    must_reach_all(request, "评分")
    who, why = request[USER].name, str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明原因，{SHORTEST} 至 {LONGEST} 个字。")
    try:
        of = period.parse(str(form.get("period", "")))
        wall = hall.clock.wall()
        async with hall.store.write() as conn:
            await scoring.must_be_due(conn, of, facts.zone, facts.now_at)
            await trail.note(conn, wall, who, "score.begin", of.name, why)
            sender = Sender(who, why, facts.now_at, wall)
            request.app[RUNNER].begin(Wanted(hall.config.database_url, facts.zone.key, of.name, sender))
    except UsageError as error:
        raise web.HTTPBadRequest(text=f"{error}。{error.hint}。") from error
    raise web.HTTPSeeOther("/hall/scores")


ROUTES = [
    Route(hdrs.METH_POST, "/hall/scores/run", begin, Permission.RUN_SCORE),
    Route(hdrs.METH_GET, PLACE, show_progress, Permission.VIEW_SCORE),
]
