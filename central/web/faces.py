"""What a tile of the wall's cameras shows: the newest masked still of one of them, in turn, never as if it were live.

For screens alone: a person looks on the camera's own page, where each look is a line of the audit. A screen looks at all of
them, all day: its line says so once a day, and without it no picture leaves.
"""

from collections.abc import Mapping, Sequence

from aiohttp import web
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import wording
from central.core.access import Permission, allows
from central.core.rotation import Round
from central.core.trail import Line as Written
from central.store import stills, trail
from central.store.stills import Line as Still
from central.web import cameras, evidence
from central.web.page import HALL, USER, Route, facts_of
from common.core.instant import DAY, HOUR, SECOND, from_us, start_of_day

ACT = "still.screen"


class Face(Struct, frozen=True):
    """A still in words. `taken_wall`: in ms, what its age is reckoned from; `is_old`: by more than an hour."""

    address: str
    camera: str
    taken: str
    taken_wall: int
    age: str
    is_old: bool
    mask: str
    wide: int
    high: int


async def of(
    request: web.Request, known: Mapping[str, Sequence[cameras.Line]], turn: Round
) -> dict[str, Face]:
    """Site -> what its tile shows: each turn the next of its cameras of which there is one. Nothing for a person, and in a
    city that has forbidden it (`stills.on_wall`). Writes the day's line of the audit."""
    hall, user = request.app[HALL], request[USER]
    if not (hall.config.stills.on_wall and allows(user.role, Permission.SHOW_STILL)):
        return {}
    now_wall = hall.clock.wall()
    place = now_wall // (SECOND * max(1, turn.every_secs * len(turn.order)))
    made = {}
    async with hall.store.read() as conn:
        for site, lines in known.items():
            if found := await _next(conn, lines, place):
                made[site] = _face(request, *found)
        line = await _line(conn, user.token)
    day_wall = start_of_day(from_us(now_wall, hall.zone).date(), hall.zone)
    if made and (line is None or line.at_wall < day_wall):
        async with hall.store.write() as conn:
            await trail.note(
                conn, now_wall, user.name, ACT, _subject(user.token), "各摄像机最近一张已遮挡的图片，当日轮流"
            )
    return made


async def _next(
    conn: AsyncConnection, lines: Sequence[cameras.Line], place: int
) -> tuple[cameras.Line, Still] | None:
    first = place % len(lines)
    for line in (*lines[first:], *lines[:first]):
        if found := await stills.newest_shown(conn, line.site, line.id):
            return line, found
    return None


def _face(request: web.Request, line: cameras.Line, still: Still) -> Face:
    facts = facts_of(request)
    age = max(0, facts.now_at - still.taken_at)
    return Face(
        address=f"/hall/screen/{still.site}/{still.epoch.hex()}/{still.seq}",
        camera=line.name,
        taken=wording.moment(still.taken_at, facts.zone, facts.now_at),
        taken_wall=(facts.now_wall - age) // 1000,
        age=wording.span(age),
        is_old=age > HOUR,
        mask=still.mask.word,
        wide=still.wide,
        high=still.high,
    )


async def picture(request: web.Request) -> web.Response:
    """The newest of its camera, which is masked, to a screen that has its line of the audit."""
    hall, user = request.app[HALL], request[USER]
    async with hall.store.read() as conn:
        still = await evidence.found(request, conn)
        if not hall.config.stills.on_wall or still != await stills.newest_shown(
            conn, still.site, still.camera
        ):
            raise web.HTTPNotFound(text="大屏上没有这张图片。")
        line = await _line(conn, user.token)
        if (
            line is None or hall.clock.wall() - line.at_wall > DAY + HOUR
        ):  # the turn that began before midnight
            raise web.HTTPForbidden(text="请从大屏的摄像画面查看，并记入审计。")
        return evidence.sent(still, await stills.body(conn, still.site, still.sha256))


def _subject(token: bytes) -> str:
    """Which screen, without what would open it: the digest's beginning."""
    return token.hex()[:12]


async def _line(conn: AsyncConnection, token: bytes) -> Written | None:
    """The newest of this screen."""
    return next(iter(await trail.about(conn, ACT, _subject(token), 1)), None)


ROUTES = [
    Route("GET", r"/hall/screen/{site}/{epoch:[0-9a-f]{16}}/{seq:\d{1,15}}", picture, Permission.SHOW_STILL)
]
