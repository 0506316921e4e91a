"""好差评: the token of a case, or the code at a window; five levels and a word if one likes. Nobody has to."""

from datetime import date

import msgspec
from aiohttp import web

from central.core import asked, rating
from central.core.asked import Kind
from central.core.rating import Level, Ticket
from central.door import lookup, seal
from central.door.case import ANSWER_AFTER, TAKEN, Handed, submit, wait_until
from central.door.limits import QUERIES, RATINGS
from central.door.page import (
    DOOR,
    Door,
    address_of,
    form_of,
    is_big,
    must_be_ours,
    render,
    spend,
    token_of,
    with_cookie,
)

LONGEST = 40
UNKNOWN = "没有这个评价码，或已经评价过，或过了 {days} 天的评价期。请核对；有问题请打 {helpline}。"
RATED = "这件事已经评价过。每件事只评一次，评价不能改；还有话说，可以投诉或打 {helpline}。"


class Opened(msgspec.Struct, frozen=True):
    """What a code opens. `lookup`: under which a rating of it waits."""

    ticket: Ticket
    code: str
    owner: bytes


async def ask(request: web.Request) -> web.Response:
    await request.app[DOOR].look()
    return await render(request, "rate_ask.html", code="", faults={})


async def to_code(request: web.Request) -> web.Response:
    """The code that somebody has typed becomes an address, as the printed one has it."""
    form = await form_of(request)
    code = seal.letters_of(form.get("code", "")[:LONGEST])
    if not code:
        return await render(request, "rate_ask.html", status=400, code="", faults={"code": "请填写评价码"})
    raise web.HTTPSeeOther(f"/p/rate/{seal.grouped(code)}" + "?big=1" * is_big(request))


async def show(request: web.Request) -> web.Response:
    found = await _opened(request)
    if isinstance(found, web.Response):
        return found
    return await _form(request, found, {}, 0, "", "")


async def _form(
    request: web.Request,
    found: Opened,
    faults: dict[str, str],
    level: int,
    text: str,
    phone: str,
    handed: Handed = TAKEN,
) -> web.Response:
    cookie, token = token_of(request)
    response = await render(
        request,
        "rate.html",
        status=400 if faults else handed.status,
        stopped=handed.why,
        one=found.ticket,
        code=found.code,
        levels=list(Level),
        level=level,
        text=text,
        phone=phone,
        longest=rating.LONGEST,
        mend_days=rating.MEND_DAYS,
        faults=faults,
        token=token,
    )
    return with_cookie(request, response, cookie)


async def _opened(request: web.Request) -> Opened | web.Response:
    """Unknown, used up and too late get one answer, and none before its time."""
    door = request.app[DOOR]
    begun = door.clock.mono()
    shown = await door.look()
    spend(request, QUERIES)
    code = seal.letters_of(request.match_info["code"][:LONGEST])
    found, waits = await _find(door, code, door.today(shown))
    await wait_until(door, begun + ANSWER_AFTER)
    if found is not None and not waits:
        return found
    text = RATED if waits else UNKNOWN
    text = text.format(days=rating.RATE_WITHIN_DAYS, helpline=door.config.helpline)
    return await render(request, "message.html", status=404, head="不能评价", text=text)


async def _find(door: Door, code: str, today: date) -> tuple[Opened | None, bool]:
    """-> what it opens, and whether a rating of that case waits for the hall already."""
    at = seal.place(door.key, seal.RATE, code, "")
    opened = await lookup.opened(door, at)
    if not opened:
        return None, False
    owner, plain = opened[0]
    ticket = msgspec.json.decode(plain, type=Ticket)
    waits = bool(ticket.key) and await lookup.waits(door, owner)
    if ticket.until is not None and today > ticket.until:
        return None, False
    return Opened(ticket, seal.grouped(code), owner), waits


async def rate(request: web.Request) -> web.Response:
    """Once of a case; at a window once a day of a browser, and more of one line are marked by the hall."""
    door = request.app[DOOR]
    form = await form_of(request)
    must_be_ours(request, form)
    found = await _opened(request)
    if isinstance(found, web.Response):
        return found
    level, text, phone = form.get("level", ""), form.get("text", ""), form.get("phone", "")[:30]
    faults = {} if level in {str(one.value) for one in Level} else {"level": "请选择一个等级"}
    if len(text) > rating.LONGEST:
        faults["text"] = f"最多 {rating.LONGEST} 个字，现在 {len(text)} 个字"
    if faults:
        return await _form(request, found, faults, int(level) if not faults.get("level") else 0, text, phone)
    one, shown = found.ticket, await door.look()
    day = str(door.today(shown))
    said = asked.Rating(
        site=one.site,
        key=one.key,
        window=one.window,
        level=int(level),
        text=text,
        phone="" if one.key else phone,
        source=seal.ref(door.key, "source", f"{day}|{address_of(request)}"),
    )
    by = "" if one.key else f"-{day}-{seal.ref(door.key, 'browser', form['token']).hex()}"
    name = f"rate-{found.owner.hex()}{by}"
    handed = await submit(request, RATINGS, Kind.RATING, name, found.owner, said)
    if handed.why:
        return await _form(request, found, {}, said.level, text, phone, handed)
    if not handed.is_first:
        text = (
            "今天已经收到您对这个窗口的评价，一天一次。"
            if by
            else RATED.format(helpline=door.config.helpline)
        )
        return await render(request, "message.html", head="已经评价过", text=text)
    text = "谢谢您的评价。"
    if Level(int(level)).is_bad:
        text = f"对不起，让您不满意了。办理单位须在 {rating.MEND_DAYS} 个工作日内整改"
        text += "，之后工作人员会给您打电话回访。" if one.key or phone else "。您没有留电话，我们不能回访您。"
    return await render(request, "message.html", head="收到您的评价", text=text)


ROUTES = [
    web.get("/p/rate", ask),
    web.post("/p/rate", to_code),
    web.get("/p/rate/{code}", show),
    web.post("/p/rate/{code}", rate),
]
