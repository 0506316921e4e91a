"""`/p/verify`: is this official document genuine? For anybody who holds one; says nothing that stands only inside it."""

from collections import OrderedDict
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row

from central.core import throttle
from central.core.access import Permission
from central.core.compose import said
from central.core.document import Kind, decoded, read_code
from central.core.document_forms import FORMS
from central.core.throttle import Allowance
from central.document import is_signed
from central.store import documents
from central.web.page import HALL, Route, address_of, render
from common.core.instant import local_date

REMEMBERED = 10_000
LONGEST = 60
LOOKS = web.AppKey("looks", OrderedDict[str, Allowance])


class View(Struct, frozen=True):
    """What anybody may know of a document. `fault`: why it is not to be relied on, or empty."""

    kind: str
    number: str
    issuer: str
    title: str
    day: str
    file: str
    copy: str
    fault: str


async def ask(request: web.Request) -> web.Response:
    """The form; a code that was typed in leads to its own address."""
    text = request.query.get("code", "")[:LONGEST]
    code = read_code(text)
    if code is not None:
        raise web.HTTPSeeOther(f"/p/verify/{code}")
    fault = "核验码是 16 位数字和字母，印在文书首页左下角。请核对后重新输入。" if text else ""
    return render(request, "verify.html", code=text, fault=fault, view=None)


async def show(request: web.Request) -> web.Response:
    """-> 404 for whatever is not a document's code, in the same words."""
    _hold_back(request)
    hall = request.app[HALL]
    text = request.match_info["code"][:LONGEST]
    code = read_code(text)
    async with hall.store.read() as conn:
        row = await documents.find(conn, code) if code else None
    if row is None:
        fault = "没有这个核验码的文书。请对照文书首页左下角重新输入；仍查不到的，请与发文机关核实。"
        return render(request, "verify.html", status=404, code=text, fault=fault, view=None)
    return render(request, "verify.html", code=code, fault="", view=_view(row, hall.sign_key, hall.zone))


def _view(row: Row[Any], sign_key: bytes, zone: ZoneInfo) -> View:
    paper = decoded(row.paper)
    return View(
        kind=Kind(row.kind).word,
        number=row.number_text,
        issuer=paper.signed_by,
        title="" if FORMS[paper.kind].to_person else row.title,
        day=paper.day,
        file=row.pdf.hex() if row.pdf else "",
        copy=row.docx.hex() if row.docx else "",
        fault=_fault(row, sign_key, zone),
    )


def _fault(row: Row[Any], sign_key: bytes, zone: ZoneInfo) -> str:
    if row.spoiled_wall:
        return f"这份文书已于{said(local_date(row.spoiled_wall, zone))}作废，不再有效。"
    if row.pdf is None:
        return "这份文书刚刚签发，文件正在生成，请一分钟后再核对。"
    return "" if is_signed(row, sign_key) else "保存的内容与签名不符，请与发文机关核实后再使用。"


def _hold_back(request: web.Request) -> None:
    """So many looks a minute from one address, wrong or right; codes cannot be guessed, this is for the database."""
    looks, key = request.app[LOOKS], address_of(request)
    now_mono = request.app[HALL].clock.mono()
    left = throttle.spend(looks.get(key), now_mono)
    if left is None:
        raise web.HTTPTooManyRequests(text="核对得太频繁，请一分钟后再试。")
    looks[key] = left
    looks.move_to_end(key)
    if len(looks) > REMEMBERED:
        looks.popitem(last=False)


ROUTES = [
    Route("GET", "/p/verify", ask, Permission.PUBLIC),
    Route("GET", "/p/verify/{code}", show, Permission.PUBLIC),
]
