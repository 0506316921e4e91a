"""证据: the stills and clips that boxes recorded, each with its picture as far as it is here, its hash, and who has looked.

A picture never stands in a list: each look is a line of the audit, and is written before the first byte leaves.
"""

import json
import secrets
from collections.abc import Mapping

from aiohttp import web
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import wording
from central.core.access import Permission, allows
from central.core.hall import Facts
from central.core.vouched import Vouched
from central.store import cameras, commands, stills, trail, vouching
from central.store.sealed import Unopened
from central.store.stills import Line, Wanted
from central.web.page import HALL, USER, Route, User, facts_of, reached_sites, render
from common.core import media
from common.core.act import Act
from common.core.camera import Mask, Occasion, View
from common.core.instant import MINUTE
from common.core.mask import SPOILT

PAGE = 60
LOOKS = 50
SHORTEST, LONGEST = 4, 200
SAME_LOOK = 10 * MINUTE
"""Who sees the same picture again within it has not looked twice; who gave a reason for a clip that is not masked plays it so
long, because a player asks for it more than once."""
ORDER_LIFE = 10 * MINUTE
NONE = "没有这份证据，请从证据列表进入。"


class Shown(Struct, frozen=True):
    """One still or clip in words. `kind`: 图片, or 短片 with its `lasts`; `state`: of its picture; `sort`: the mark that says it."""

    address: str
    site: str
    site_name: str
    camera: str
    occasion: str
    subject: str
    taken: str
    camera_time: str
    mask: str
    is_plain: bool
    is_here: bool
    sort: str
    state: str
    sha256: str
    size: str
    since: str
    wide: int
    high: int
    kind: str
    lasts: str


class Look(Struct, frozen=True):
    """Somebody has seen it."""

    when: str
    who: str
    what: str
    why: str


def address(line: Line) -> str:
    """Of its page."""
    return f"/hall/evidence/{line.site}/{line.epoch.hex()}/{line.seq}"


def linked(line: Line) -> tuple[str, str]:
    """-> (address, word) of a link to it."""
    return address(line), f"看{_kind(line)}"


def shown(line: Line, name: str, facts: Facts) -> Shown:
    """`name`: of its site."""
    zone, now_at = facts.zone, facts.now_at
    own = "摄像机不报时间" if line.camera_at is None else wording.second(line.camera_at, zone)
    return Shown(
        address=address(line),
        site=line.site,
        site_name=name,
        camera=line.camera,
        occasion=line.occasion.word,
        subject=_subject(line),
        taken=wording.second(line.taken_at, zone),
        camera_time=own,
        mask=line.mask.word,
        is_plain=line.mask is Mask.NONE,
        is_here=line.is_here,
        sort="ok" if line.is_here else "skip",
        state=_state(line),
        sha256=line.sha256.hex(),
        size=f"{max(1, line.size // 1024)} kB",
        since=wording.moment(line.since_at, zone, now_at) if line.since_at else "",
        wide=line.wide,
        high=line.high,
        kind=_kind(line),
        lasts=f"{round(line.millis / 1000)} 秒" if line.millis else "",
    )


def _kind(line: Line) -> str:
    return "短片" if line.millis else "图片"


def _subject(line: Line) -> str:
    if line.occasion is Occasion.FAULT and line.subject in set(View):
        return View(line.subject).word
    return line.subject if line.occasion is Occasion.SEAT else ""


def _state(line: Line) -> str:
    if line.gone_wall is not None:
        return f"已删除：{line.gone_why}"
    if line.held_wall is None:
        return f"{_kind(line)}还在站点，或已被站点放弃"
    return f"{_kind(line)}在此"


def _names(request: web.Request) -> dict[str, str]:
    state = request.app[HALL].wall.state["s"]
    return {site.id: state[site.id]["name"] for site in reached_sites(request)}


async def show_list(request: web.Request) -> web.Response:
    facts, names, query = facts_of(request), _names(request), request.query
    site, occasion, before = query.get("site", ""), query.get("occasion", ""), query.get("before", "")
    if (site and site not in names) or (occasion and occasion not in set(Occasion)):
        raise web.HTTPNotFound(text="没有这样的证据，请从证据列表重新选择。")
    below_at = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 0
    wanted = Wanted(tuple(names), site, "", occasion, below_at)
    async with request.app[HALL].store.read() as conn:
        listed = await stills.listed(conn, wanted, PAGE + 1)
    lines = [shown(item, names[item.site], facts) for item in listed[:PAGE]]
    return render(
        request,
        "evidence.html",
        lines=lines,
        sites=sorted(names.items(), key=lambda item: item[1]),
        occasions=[(item.value, item.word) for item in Occasion],
        site=site,
        occasion=occasion,
        earlier=listed[PAGE - 1].taken_at if len(listed) > PAGE else 0,
        keep_days=request.app[HALL].config.stills.keep_days,
        checked=wording.clock(facts.now_at, facts.zone),
    )


async def found(request: web.Request, conn: AsyncConnection) -> Line:
    """What the address names, in reach. Raises HTTPNotFound."""
    match = request.match_info
    line = None
    if request[USER].scope.has_site(match["site"]):
        line = await stills.find(conn, match["site"], bytes.fromhex(match["epoch"]), int(match["seq"]))
    if line is None:
        raise web.HTTPNotFound(text=NONE)
    return line


async def show_one(request: web.Request) -> web.Response:
    facts, hall, user = facts_of(request), request.app[HALL], request[USER]
    async with hall.store.read() as conn:
        line = await found(request, conn)
        chain = await vouching.of(conn, line)
        body = await stills.body(conn, line.site, line.sha256) if line.is_here else None
        subject = _audited(line)
        looked = [
            (item, word)
            for act, word in (("still.show", "看过"), ("still.reveal", "看过未遮挡的"))
            for item in await trail.about(conn, act, subject, LOOKS)
        ]
        is_open = await _is_revealed(conn, line, user, hall.clock.wall())
    looked.sort(key=lambda item: -item[0].id)
    return render(
        request,
        "still.html",
        item=shown(line, _names(request).get(line.site, line.site), facts),
        chain=chain.word,
        chain_sort={Vouched.SIGNED: "ok", Vouched.BROKEN: "fail"}.get(chain, "skip"),
        hash_word=_hash_word(line, body),
        hash_sort="skip" if body is None else "ok" if _is_same(line, body) else "fail",
        looks=[
            Look(wording.moment(item.at_wall, facts.zone, facts.now_wall), item.who, word, item.why)
            for item, word in looked[:LOOKS]
        ],
        may_show=body is not None and _is_same(line, body) and (line.mask is not Mask.NONE or is_open),
        may_reveal=body is not None and line.mask is Mask.NONE,
        checked=wording.clock(facts.now_at, facts.zone),
    )


def _is_same(line: Line, body: bytes) -> bool:
    return not isinstance(body, Unopened) and media.digest(body) == line.sha256


def _hash_word(line: Line, body: bytes | None) -> str:
    if body is None:
        return f"{_kind(line)}不在，只有记录中的指纹"
    return f"{_kind(line)}与记录中的指纹{'一致' if _is_same(line, body) else '不符，不作证据'}"


def _audited(line: Line) -> str:
    return f"{line.site}/{line.epoch.hex()}/{line.seq}"


async def _is_revealed(conn: AsyncConnection, line: Line, user: User, now_wall: int) -> bool:
    """A clip that is not masked, and who looks has just given a reason for it."""
    if not line.millis or line.mask is not Mask.NONE or not allows(user.role, Permission.UNMASK_STILL):
        return False
    given = await trail.about(conn, "still.reveal", _audited(line), LOOKS)
    return any(item.who == user.name and now_wall - item.at_wall <= SAME_LOOK for item in given)


async def picture(request: web.Request) -> web.Response:
    """One that is masked, for the page of the still or of its camera; or a clip for which its looker has given a reason."""
    hall, user = request.app[HALL], request[USER]
    async with hall.store.write() as conn:  # the line first: what is shown was written down
        line = await found(request, conn)
        now, subject = hall.clock.wall(), _audited(line)
        is_masked = line.mask is not Mask.NONE
        if not is_masked and not await _is_revealed(conn, line, user, now):
            raise web.HTTPForbidden(text="这份证据未遮挡，须写明原因才能查看。请从它自己的页面查看。")
        body = await stills.body(conn, line.site, line.sha256)
        if is_masked and body is not None and _is_same(line, body):
            last = [
                item
                for item in await trail.about(conn, "still.show", subject, LOOKS)
                if item.who == user.name
            ]
            if not last or now - last[0].at_wall > SAME_LOOK:
                await trail.note(conn, now, user.name, "still.show", subject, line.mask.word)
    return sent(line, body)


async def reveal(request: web.Request) -> web.Response:
    """One that is not masked: the picture itself is the answer, and is kept by no browser; a clip plays on its own page."""
    hall, user = request.app[HALL], request[USER]
    why = _why(await request.post())
    async with hall.store.write() as conn:
        line = await found(request, conn)
        body = await stills.body(conn, line.site, line.sha256)
        if body is not None and _is_same(line, body):
            await trail.note(conn, hall.clock.wall(), user.name, "still.reveal", _audited(line), why)
    answer = sent(line, body)
    if line.millis:
        raise web.HTTPSeeOther(address(line))
    return answer


def sent(line: Line, body: bytes | None) -> web.Response:
    """The picture as it was recorded and no other; kept by no browser."""
    if body is None:
        raise web.HTTPNotFound(text=f"{_kind(line)}不在这里：还没有送到，或已到期删除。")
    if not _is_same(line, body):
        raise web.HTTPConflict(
            text=f"{SPOILT}：{_kind(line)}与记录中的指纹不符。请运维人员执行 mingcha verify。"
        )
    kind = "video/mp4" if line.millis else "image/jpeg"
    return web.Response(body=body, content_type=kind, headers={"Cache-Control": "no-store"})


def _why(form: Mapping[str, object]) -> str:
    why = str(form.get("why", "")).strip()
    if not SHORTEST <= len(why) <= LONGEST:
        raise web.HTTPBadRequest(text=f"请写明原因，{SHORTEST} 至 {LONGEST} 个字。")
    return why


async def order(request: web.Request) -> web.Response:
    """Have a still or a clip taken: a signed command, which the box carries out once."""
    hall, user, match = request.app[HALL], request[USER], request.match_info
    form = await request.post()
    why, plain, clip = _why(form), form.get("plain") == "1", form.get("clip") == "1"
    if plain and not allows(user.role, Permission.UNMASK_STILL):
        raise web.HTTPForbidden(text="取未遮挡的图片与短片由监察领导办理。")
    if not user.scope.has_site(match["site"]):
        raise web.HTTPNotFound(text="没有这台摄像机，请从摄像列表进入。")
    now, number = hall.clock.wall(), secrets.token_hex(16)
    back = web.HTTPSeeOther(f"/hall/cameras/{match['site']}/{match['camera']}#stills")
    row = {
        "id": number,
        "site": match["site"],
        "act": Act.STILL.value,
        "args": json.dumps({name: 1 for name, given in (("plain", plain), ("clip", clip)) if given}),
        "subject": match["camera"],
        "who": user.name,
        "why": why,
        "issued_wall": now,
        "expires_wall": now + ORDER_LIFE,
    }
    async with hall.store.write() as conn:
        if not await cameras.is_known(conn, match["site"], match["camera"]):
            raise web.HTTPNotFound(text="没有这台摄像机，请从摄像列表进入。")
        said = f"{'未遮挡' * plain}{'短片' * clip}：{why}" if plain or clip else why
        subject = f"{match['site']}/{match['camera']}/{number}"
        await trail.note(conn, now, user.name, f"command.{Act.STILL.value}", subject, said)
        if await commands.is_asked(
            conn, row
        ):  # behind the line of the audit, for which another would have waited
            raise back
        await commands.add(conn, row)
    raise back


_ONE = r"/hall/evidence/{site}/{epoch:[0-9a-f]{16}}/{seq:\d{1,15}}"
ROUTES = [
    Route("GET", "/hall/evidence", show_list, Permission.VIEW_STILL),
    Route("GET", _ONE, show_one, Permission.VIEW_STILL),
    Route("GET", _ONE + "/picture", picture, Permission.VIEW_STILL),
    Route("POST", _ONE + "/reveal", reveal, Permission.UNMASK_STILL),
    Route("POST", "/hall/cameras/{site}/{camera}/still", order, Permission.ORDER_STILL),
]
