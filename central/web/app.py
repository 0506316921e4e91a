"""The hall's web application: every subject's routes, behind one guard, on one picture of the tables."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from aiohttp import web

from central import factor
from central.config import CentralConfig
from central.relay import Relay
from central.score_run import Runner
from central.store.engine import Store
from central.web import (
    account,
    accounts,
    alarm,
    answers,
    api,
    attendance,
    briefings,
    calendar,
    cameras,
    case,
    cases,
    clues,
    complaints,
    consults,
    correction,
    corrections,
    documents,
    drafts,
    events,
    evidence,
    excerpts,
    export,
    faces,
    find,
    finding,
    fleet,
    forecast,
    forms,
    guard,
    hall,
    inbox,
    insights,
    item_drafts,
    items,
    letters,
    live,
    login,
    maintenance,
    messages,
    notices,
    overview,
    publications,
    queue,
    ratings,
    receipts,
    regions,
    reveal,
    rulings,
    saved_views,
    schemes,
    score_runs,
    scores,
    screen,
    seals,
    site,
    site_doctor,
    sites,
    static_files,
    statistics,
    statutes,
    surveys,
    trail,
    unit,
    unit_complaints,
    verify_document,
    video,
)
from central.web.page import (
    DESCRIBED,
    HALL,
    LARGEST,
    PERMISSIONS,
    TURNS,
    Hall,
    build_id,
    load_assets,
    load_templates,
    register,
)
from common.clock import Clock
from common.core import crypto

LARGEST_POST = 64 * 1024
PLAIN_ADDRESS = web.normalize_path_middleware(append_slash=False, remove_slash=True)  # `/hall/` is `/hall`


def make_app(
    store: Store, config: CentralConfig, clock: Clock, sign_secret: bytes, relay: Relay | None = None
) -> web.Application:
    """The application, ready for a runner; it writes sessions, passwords, accepted alarms and the audit trail.

    `sign_secret`: the hall's raw operations key; `relay`: of a hall that has a broker.
    """
    zone = ZoneInfo(config.legal_zone)
    wall = live.Wall(store, clock, zone)
    assets = load_assets()
    wall.build = build_id(assets)
    app = web.Application(
        middlewares=[guard.headers, guard.errors, PLAIN_ADDRESS, guard.admission],
        client_max_size=LARGEST_POST,
    )
    keys = crypto.sign_public(sign_secret), factor.key_of(sign_secret), sign_secret
    app[HALL] = Hall(store, config, clock, zone, wall, load_templates(), assets, wall.build, *keys)
    app[PERMISSIONS] = {}
    app[DESCRIBED] = []
    app[LARGEST] = {}
    app[TURNS] = WeakValueDictionary()
    app[verify_document.LOOKS] = OrderedDict()
    app[video.RELAY] = relay or Relay(store, config.live, clock, sign_secret)
    app[video.GRANTS] = {}
    app[score_runs.RUNNER] = Runner()
    for subject in (
        alarm,
        finding,
        fleet,
        hall,
        queue,
        messages,
        inbox,
        receipts,
        corrections,
        drafts,
        letters,
        answers,
        seals,
        documents,
        correction,
        complaints,
        consults,
        ratings,
        unit,
        unit_complaints,
        sites,
        site,
        maintenance,
        export,
        find,
        cameras,
        video,
        attendance,
        events,
        evidence,
        faces,
        regions,
        site_doctor,
        cases,
        saved_views,
        case,
        reveal,
        item_drafts,
        items,
        calendar,
        screen,
        rulings,
        clues,
        scores,
        score_runs,
        schemes,
        publications,
        forms,
        notices,
        excerpts,
        statutes,
        surveys,
        statistics,
        insights,
        briefings,
        forecast,
        login,
        account,
        accounts,
        overview,
        api,
        trail,
        verify_document,
        static_files,
    ):
        register(app, subject.ROUTES)
    app.cleanup_ctx.append(_producing)
    app.on_shutdown.append(_close_streams)
    app.on_cleanup.append(_end_run)
    return app


async def _end_run(app: web.Application) -> None:
    await app[score_runs.RUNNER].close()


async def _producing(app: web.Application) -> AsyncIterator[None]:
    async for _ in live.produce(app[HALL].wall):
        yield


async def _close_streams(app: web.Application) -> None:
    app[HALL].wall.close()
    app[video.RELAY].close()
