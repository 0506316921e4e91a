"""What a wall shows in turn beside the sites: how the cameras stand, and the results that anybody may see. Nobody is named."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from msgspec import Struct

from central.core import published, wording
from central.core.period import parse
from central.core.published import Unit
from central.core.release import ReleaseState
from central.core.rotation import Round, Scene
from central.core.score import Level
from central.store import publications
from central.web import cameras, faces
from central.web.cameras import Line
from central.web.faces import Face
from central.web.page import HALL, facts_of

LINES = 5
"""Cameras that the tile of a site has room for."""
LINES_BELOW = 2
"""The same below a picture; that there are more takes one of them."""
FAULTS = 10
DEPARTMENTS = 16
RELEASES = 60
_ORDER = ("fail", "skip", "ok")


class Watched(Struct, frozen=True):
    """The cameras of one site, faults first; `more`: how many there is no room for; `face`: a picture of one."""

    site: str
    lines: Sequence[Line]
    more: int
    face: Face | None


async def content(request: web.Request, turn: Round) -> dict[str, Any]:
    """What the template of the picture that is shown needs beside the wall's state, read now."""
    if turn.now is Scene.VIDEO:
        return await _video(request, turn)
    return await _score(request) if turn.now is Scene.SCORE else {}


async def _video(request: web.Request, turn: Round) -> dict[str, Any]:
    facts = facts_of(request)
    known = {site: lines for site, *_, lines in await cameras.groups(request)}
    pictures = await faces.of(request, known, turn)
    tiles = []
    state = request.app[HALL].wall.state["s"]
    for site in (site for site in state if known.get(site)):
        lines = sorted(known[site], key=lambda line: _ORDER.index(line.sort))
        face = pictures.get(site)
        room = LINES if face is None else LINES_BELOW if len(lines) <= LINES_BELOW else LINES_BELOW - 1
        tiles.append(Watched(site, lines[:room], len(lines) - room, face))
    every = [line for lines in known.values() for line in lines]
    faults = sorted((line for line in every if line.sort == "fail"), key=lambda line: -line.since_at)
    return {
        "tiles": tiles,
        "bare": [state[site]["name"] for site in state if not known.get(site)],
        "faults": faults[:FAULTS],
        "more": len(faults) - FAULTS,
        "counts": cameras.counted(every),
        "read": wording.clock(facts.now_at, facts.zone),
    }


async def _score(request: web.Request) -> dict[str, Any]:
    """The release that stands of the latest period: what is not public yet stands on no wall."""
    facts = facts_of(request)
    async with request.app[HALL].store.read() as conn:
        rows = [
            row
            for row in await publications.shown(conn, RELEASES)
            if row.state == ReleaseState.RELEASED.value
        ]
        row = max(rows, key=lambda one: (one.period, one.id), default=None)
        files = {} if row is None else await publications.files(conn, row.id)
    units: Sequence[Unit] = published.ranking(files["ranking.json"]).units if files else ()
    departments = [unit for unit in units if unit.level is Level.DEPARTMENT and unit.rank]
    return {
        "release": row,
        "period": "" if row is None else parse(row.period).word,
        "groups": published.grouped(units, Level.SITE),
        "departments": sorted(departments, key=lambda unit: unit.rank)[:DEPARTMENTS],
        "read": wording.clock(facts.now_at, facts.zone),
    }
