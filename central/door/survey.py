"""调查: one question a page, without a name; what has been answered travels in the form, sealed. Results after the last day."""

import secrets

import msgspec
from aiohttp import web

from central.core import asked, survey
from central.core.asked import Kind
from central.core.survey import Answers, Poll
from central.door import seal
from central.door import store as rows
from central.door.case import TAKEN, Handed, submit
from central.door.limits import RATINGS
from central.door.page import DOOR, address_of, form_of, must_be_ours, render, token_of, with_cookie
from common.core import crypto

MOST = 50


class Filled(msgspec.Struct, frozen=True):
    """A survey while it is being answered."""

    number: int
    answers: Answers = {}


async def _polls(request: web.Request) -> list[Poll]:
    door = request.app[DOOR]
    await door.look()
    async with door.store.read() as conn:
        bodies = await rows.polls(conn, MOST)
    return [msgspec.json.decode(body, type=Poll) for body in bodies]


async def show_list(request: web.Request) -> web.Response:
    found = await _polls(request)
    door = request.app[DOOR]
    today = door.today(await door.look())
    return await render(
        request,
        "surveys.html",
        running=[one for one in found if one.survey.first <= today <= one.survey.last],
        ended=[one for one in found if one.survey.last < today],
    )


async def _poll(request: web.Request) -> Poll:
    number = int(request.match_info["number"])
    one = next((one for one in await _polls(request) if one.number == number), None)
    if one is None:
        raise web.HTTPNotFound(text="没有这个调查，或它已经撤回。请从调查列表进入。")
    return one


async def begin(request: web.Request) -> web.Response:
    """Before its last day the first page of the questions, after it the results."""
    door = request.app[DOOR]
    one = await _poll(request)
    today = door.today(await door.look())
    if one.survey.first <= today <= one.survey.last:
        return await _ask(request, one, Filled(one.number), 0, "")
    method = survey.method(one.results) if one.results is not None else []
    return await render(request, "survey_results.html", one=one, method=method)


async def _ask(
    request: web.Request, one: Poll, filled: Filled, place: int, fault: str, handed: Handed = TAKEN
) -> web.Response:
    door = request.app[DOOR]
    cookie, token = token_of(request)
    nonce = secrets.token_bytes(crypto.NONCE_BYTES)
    response = await render(
        request,
        "survey.html",
        status=400 if fault else handed.status,
        stopped=handed.why,
        one=one,
        place=place,
        question=one.survey.questions[place],
        given=filled.answers.get(place, ()),
        longest=survey.LONGEST_TEXT,
        faults={"answer": fault} if fault else {},
        state=seal.carry(door.key, "survey", nonce, msgspec.json.encode(filled)),
        token=token,
    )
    return with_cookie(request, response, cookie)


async def step(request: web.Request) -> web.Response:
    """One question answered or left out: on, back, or sent."""
    door = request.app[DOOR]
    one = await _poll(request)
    form = await form_of(request)
    must_be_ours(request, form)
    today = door.today(await door.look())
    filled = seal.carried(door.key, "survey", form.get("state", ""), Filled)
    at = form.get("at", "")
    if (
        filled is None
        or filled.number != one.number
        or at not in {str(n) for n in range(len(one.survey.questions))}
    ):
        raise web.HTTPForbidden(text="这一页不完整，没有提交。请从调查列表重新进入。")
    if not one.survey.first <= today <= one.survey.last:
        raise web.HTTPForbidden(text="这个调查已经结束，没有提交。")
    place = int(at)
    given = [value.strip() for value in (await request.post()).getall("answer", []) if isinstance(value, str)]
    chosen = tuple(value.replace("\0", "") for value in given if value)
    fault = survey.answer_fault(one.survey.questions[place], chosen)
    if fault:
        return await _ask(request, one, filled, place, fault)
    filled = Filled(one.number, filled.answers | {place: chosen})
    if form.get("go") == "back":
        return await _ask(request, one, filled, max(0, place - 1), "")
    if place + 1 < len(one.survey.questions):
        return await _ask(request, one, filled, place + 1, "")
    if not any(filled.answers.values()):
        return await _ask(request, one, filled, place, "一题也没有答。请至少答一题")
    handed = await _send(request, filled, str(today), form["token"])
    if handed.why:
        return await _ask(request, one, filled, place, "", handed)
    text = "谢谢您。结果在调查结束后公布。同一个浏览器只收一份，再交一次不会多算。"
    return await render(request, "message.html", head="已收到", text=text)


async def _send(request: web.Request, filled: Filled, day: str, token: str) -> Handed:
    door = request.app[DOOR]
    browser = seal.ref(door.key, "browser", token).hex()
    source = seal.ref(door.key, "source", f"{day}|{address_of(request)}")
    name = f"survey-{filled.number}-{browser}"
    said = asked.Survey(filled.number, filled.answers, source)
    owner = seal.ref(door.key, "survey", name)
    return await submit(request, RATINGS, Kind.SURVEY, name, owner, said)


ROUTES = [
    web.get("/p/surveys", show_list),
    web.get(r"/p/surveys/{number:\d{1,9}}", begin),
    web.post(r"/p/surveys/{number:\d{1,9}}", step),
]
