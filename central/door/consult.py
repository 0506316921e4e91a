"""咨询: what others have asked, a question of one's own without a name, and its answer by number and code."""

import secrets
from datetime import date

import msgspec
from aiohttp import web

from central.core import asked, consult, told
from central.core import guide as guides
from central.core.asked import Kind
from central.core.consult import Account, Answer
from central.door import lookup, paging, seal
from central.door import store as rows
from central.door.case import ANSWER_AFTER, LONGEST, submit, wait_until
from central.door.complain import last_day, receipt
from central.door.limits import COMPLAINTS, NUMBER, QUERIES
from central.door.page import DOOR, Door, Shown, form_of, must_be_ours, render, spend, token_of, with_cookie
from common.core import crypto

READ = 2_000
UNKNOWN = "没有查到。请核对编号和查询码，都在提交后的回执上。还查不到，请打 {helpline}。"


class Begun(msgspec.Struct, frozen=True):
    """A question while it is being written: the id of what will be handed in, and the day."""

    id: str
    day: date


async def show_answers(request: web.Request) -> web.Response:
    """What was asked before, by words in question, answer or item."""
    door = request.app[DOOR]
    await door.look()
    wanted = request.query.get("q", "").replace("\0", "").strip()[:LONGEST]
    found = await answers(door, wanted)
    return await render(
        request,
        "consult.html",
        asked=wanted,
        number=len(found),
        page=paging.page(request, found, lambda one: len(one.question) + len(one.answer)),
        answer_days=consult.ANSWER_DAYS,
    )


async def answers(door: Door, wanted: str) -> list[Answer]:
    """Those made public with all the words of `wanted` in question, answer or item; of no words all."""
    async with door.store.read() as conn:
        bodies = await rows.answers(conn, READ)
    found = [msgspec.json.decode(body, type=Answer) for body in bodies]
    words = wanted.lower().split()
    return [
        one
        for one in found
        if all(word in f"{one.item} {one.question} {one.answer}".lower() for word in words)
    ]


async def begin(request: web.Request) -> web.Response:
    shown = await request.app[DOOR].look()
    item = _item(shown, request.query.get("item", ""))
    return await _form(request, Begun(secrets.token_hex(16), request.app[DOOR].today(shown)), item, "", {})


def _item(shown: Shown, code: str) -> str:
    return code if code in shown.guides else ""


async def _form(
    request: web.Request,
    draft: Begun,
    item: str,
    text: str,
    faults: dict[str, str],
    *,
    status: int = 200,
    stopped: str = "",
) -> web.Response:
    door = request.app[DOOR]
    shown = await door.look()
    today = door.today(shown)
    named = [guides.current(one.guide, today) for one in shown.guides.values()]
    cookie, token = token_of(request)
    state = seal.carry(
        door.key, "consult", secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(draft)
    )
    response = await render(
        request,
        "consult_ask.html",
        status=400 if faults else status,
        stopped=stopped,
        state=state,
        token=token,
        item=item,
        items=sorted((one.name, one.code) for one in named if one is not None),
        text=text,
        longest=consult.LONGEST,
        answer_days=consult.ANSWER_DAYS,
        faults=faults,
    )
    return with_cookie(request, response, cookie)


async def send(request: web.Request) -> web.Response:
    """The same form sent twice is one question, with one number and code."""
    door = request.app[DOOR]
    shown = await door.look()
    form = await form_of(request)
    must_be_ours(request, form)
    draft = seal.carried(door.key, "consult", form.get("state", ""), Begun)
    if draft is None:
        raise web.HTTPForbidden(text="这一页不完整，没有提交。请重新填写。")
    text, item = form.get("text", ""), _item(shown, form.get("item", ""))
    if not consult.SHORTEST <= len(text) <= consult.LONGEST:
        fault = f"请写 {consult.SHORTEST} 至 {consult.LONGEST} 个字，现在 {len(text)} 个字"
        return await _form(request, draft, item, text, {"text": fault})
    today = door.today(shown)
    number, code = receipt(door, "Z", draft.id, draft.day)
    at = seal.place(door.key, seal.CONSULT, number, code)
    said = asked.Consult(number, code, item, text)
    handed = await submit(request, COMPLAINTS, Kind.CONSULT, draft.id, at.lookup, said)
    if handed.why:
        return await _form(request, draft, item, text, {}, status=handed.status, stopped=handed.why)
    by = last_day(today, consult.ANSWER_DAYS, shown.workdays)
    return await render(request, "consult_receipt.html", number=number, code=code, by=by)


async def ask_follow(request: web.Request) -> web.Response:
    await request.app[DOOR].look()
    return await render(request, "consult_follow.html", number="", faults={}, one=None)


async def follow(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    begun = door.clock.mono()
    shown = await door.look()
    form = await form_of(request)
    number, code = form.get("number", "")[:LONGEST], form.get("code", "")[:LONGEST]
    faults = {} if seal.plain(number) else {"number": "请填写咨询编号"}
    faults |= {} if seal.plain(code) else {"code": "请填写查询码"}
    if faults:
        return await render(
            request, "consult_follow.html", status=400, number=number, faults=faults, one=None
        )
    spend(request, QUERIES)
    spend(request, NUMBER, f"consult|{seal.plain(number)}")
    at = seal.place(door.key, seal.CONSULT, number, code)
    opened = await lookup.opened(door, at)
    waits = await lookup.waits(door, at.lookup)
    await wait_until(door, begun + ANSWER_AFTER)
    if not opened and waits:
        text = "您的咨询已经收到，正在转给市中心。请过几分钟再查。"
        return await render(request, "message.html", head="已收到", text=text)
    if not opened:
        faults = {"number": UNKNOWN.format(helpline=door.config.helpline)}
        return await render(
            request, "consult_follow.html", status=404, number=number, faults=faults, one=None
        )
    today = door.today(shown)
    return await render(
        request,
        "consult_follow.html",
        number=number,
        faults={},
        one=msgspec.json.decode(opened[0][1], type=Account),
        day=lambda value: told.said_day(value, today),
    )


ROUTES = [
    web.get("/p/consult", show_answers),
    web.get("/p/consult/ask", begin),
    web.post("/p/consult/ask", send),
    web.get("/p/consult/follow", ask_follow),
    web.post("/p/consult/follow", follow),
]
