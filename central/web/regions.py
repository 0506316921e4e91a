"""区域: seats and privacy zones of one camera, drawn on its newest masked still or set by numbers, and sent to its box as a part
of the signed policy.

Of what the box's own file says of the camera only its seats are known here, and shown: a seat drawn under the same id takes the
place of the file's, and zones drawn here come beside its own.
"""

from collections.abc import Container, Mapping, Sequence

from aiohttp import web
from msgspec import Struct
from multidict import MultiMapping

from central.core import wish, wording
from central.core.access import Permission
from central.store import cameras, commands, pages, seats, stills, trail
from central.web import evidence
from central.web.page import HALL, USER, Route, facts_of, number_of, render
from common.core import order as rules
from common.core.camera import Rect
from common.core.instant import DAY
from common.core.message import MOST_CAMERAS, MOST_DRAWN, Drawn, DrawnSeat, Policy

SHORTEST, LONGEST = 4, 200
_SPARE = 3
"""Rows of either kind that are empty."""
_EDGES = ("left", "top", "right", "bottom")
_BLANK = ("", "", "", "")
NONE = "没有这台摄像机，请从摄像列表进入。"


class Row(Struct, frozen=True):
    """One region in the form. `edges`: thousandths, or empty; `own`: of the box's own file, which counts where there are no others."""

    kind: str
    id: str
    name: str
    edges: tuple[str, str, str, str] = _BLANK
    own: tuple[str, str, str, str] = _BLANK


async def show(request: web.Request) -> web.Response:
    facts, match = facts_of(request), request.match_info
    site, camera = match["site"], match["camera"]
    if not request[USER].scope.has_site(site):
        raise web.HTTPNotFound(text=NONE)
    async with request.app[HALL].store.read() as conn:
        known = (await cameras.since(conn, facts.now_at - DAY, site, camera)).get(site, {}).get(camera)
        newest = await stills.newest_shown(conn, site, camera)
        wished = (await commands.wished(conn)).get(site)
        beat = (await pages.heartbeats(conn, site)).get(site)
        told = await seats.since(conn, facts.now_at - DAY)
        ever = await commands.ever_drawn(conn, site, camera)
    if known is None or not known.view:
        raise web.HTTPNotFound(text=NONE)
    drawn = next((item for item in commands.cameras_of(wished) if item.camera == camera), None)
    watched = {
        place.region: item
        for place, item in sorted(told.items())
        if (place.site, place.camera) == (site, camera) and item.told[-1].hours
    }
    return render(
        request,
        "regions.html",
        site=site,
        camera=camera,
        name=known.name or camera,
        newest=None if newest is None else evidence.shown(newest, "", facts),
        rows=_rows(drawn, watched, ever),
        standing="" if wished is None else wish.words(commands.policy_of(wished), beat),
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _rows(
    drawn: Drawn | None, watched: Mapping[str, seats.Counter], ever: Container[tuple[str, Rect]]
) -> list[Row]:
    """What is drawn, seats that the box has of its own, and empty ones. What was ever drawn here is not of the box's own file,
    though the box says it until it has taken the policy that has it no more."""
    mine = drawn or Drawn("", [], [])
    rows = [Row("seat", item.id, item.name, _words(item.box)) for item in mine.seats]
    own = {row.id for row in rows}
    rows += [
        Row(
            "seat",
            name,
            item.name,
            own=_words(item.box) if item.box and (name, item.box) not in ever else _BLANK,
        )
        for name, item in watched.items()
        if name not in own
    ]
    rows = rows[:MOST_DRAWN]
    rows += [Row("seat", "", "")] * min(_SPARE, MOST_DRAWN - len(rows))
    zones = [Row("zone", "", "", _words(box)) for box in mine.zones]
    return rows + zones + [Row("zone", "", "")] * min(_SPARE, MOST_DRAWN - len(zones))


def _words(box: Rect) -> tuple[str, str, str, str]:
    left, top, right, bottom = map(str, box)
    return left, top, right, bottom


async def draw(request: web.Request) -> web.Response:
    hall, user, match = request.app[HALL], request[USER], request.match_info
    form = await request.post()
    why, site, camera = str(form.get("why", "")).strip(), match["site"], match["camera"]
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明原因，{SHORTEST} 至 {LONGEST} 个字。")
    if not user.scope.has_site(site):
        raise web.HTTPNotFound(text=NONE)
    drawn, now = _drawn(camera, form), hall.clock.wall()
    async with hall.store.write() as conn:
        if not await cameras.is_known(conn, site, camera):
            raise web.HTTPNotFound(text=NONE)
        version = await commands.draw(conn, site, drawn, user.name, why, now)
        policy = commands.policy_of((await commands.wished(conn))[site])
        if len(policy.cameras) > MOST_CAMERAS:
            raise web.HTTPBadRequest(text=f"一个站点至多给 {MOST_CAMERAS} 台摄像机画区域。")
        said = f"第 {version} 版：座位 {len(drawn.seats)}，隐私区域 {len(drawn.zones)}；{why}"
        await trail.note(conn, now, user.name, "policy.draw", f"{site}/{camera}", said)
    raise web.HTTPSeeOther(f"/hall/cameras/{site}/{camera}/regions")


def _drawn(camera: str, form: MultiMapping[object]) -> Drawn:
    """Raises HTTPBadRequest in the words of what is wrong."""
    kinds = [str(value) for value in form.getall("kind", [])]
    ids, names = ([str(value).strip() for value in form.getall(name, [])] for name in ("id", "name"))
    edges = [[str(value).strip() for value in form.getall(name, [])] for name in _EDGES]
    if any(len(column) != len(kinds) for column in (ids, names, *edges)) or len(kinds) > 2 * MOST_DRAWN:
        raise web.HTTPBadRequest(text="提交的区域不完整，请返回刷新后重画。")
    zones, found = list[Rect](), list[DrawnSeat]()
    for kind, number, name, *numbers in zip(kinds, ids, names, *edges, strict=True):
        if not any(numbers):
            continue
        box = _rect(numbers)
        if kind == "zone":
            zones.append(box)
        else:
            found.append(DrawnSeat(number, box, name[:60]))
    drawn = Drawn(camera, zones, found)
    if rules.fault(Policy("x", 1, cameras=[drawn]), "x"):
        raise web.HTTPBadRequest(
            text="座位要有各不相同的编号（字母、数字、减号、下划线），每个区域左小于右、上小于下。"
        )
    return drawn


def _rect(numbers: Sequence[str]) -> Rect:
    """Raises HTTPBadRequest."""
    edges = [number_of(text) for text in numbers]
    left, top, right, bottom = (1001 if edge is None else edge for edge in edges)
    if max(left, top, right, bottom) > 1000:
        raise web.HTTPBadRequest(text="区域的四个数都要填，0 至 1000，是画面宽高的千分之几。")
    return left, top, right, bottom


_PATH = "/hall/cameras/{site}/{camera}/regions"
ROUTES = [
    Route("GET", _PATH, show, Permission.KEEP_BOX),
    Route("POST", _PATH, draw, Permission.KEEP_BOX),
]
