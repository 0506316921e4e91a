"""`/dev/ui`: every component of the hall's pages in every state, on a page that exists in tests alone (interface.md 3.10).

`make screens ONLY=/dev/ui` photographs it by day, by night and without colours.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

from aiohttp import web

from central.web.page import load_assets, load_templates

PATH = "/dev/ui"
_TEMPLATE = Path(__file__).with_name("gallery.html")
_NAMES = ("拟稿", "签发", "签收", "整改", "销号")


def _tile(red: int, yellow: int, grey: int, ruled: int) -> dict[str, int]:
    return {"red": red, "yellow": yellow, "grey": grey, "ruled_red": ruled, "ruled_yellow": ruled}


def _marks(done: int) -> list[SimpleNamespace]:
    """The line of five with `done` steps behind it."""
    places = ["past"] * done + ["now"] + ["next"] * 5
    return [
        SimpleNamespace(place=place, word=word, when="6月12日" if place == "past" else "")
        for word, place in zip(_NAMES, places, strict=False)
    ]


def _sheet(number: str) -> SimpleNamespace:
    table = SimpleNamespace(
        head=("日期", "计入", "原因"), rows=(("6月11日", "是", "工作日"), ("6月13日", "否", "周六"))
    )
    lines = ("你单位办理的尾号 0412 的办件已超过承诺时限。", table, "请于 5 个工作日内书面说明。")
    told = {
        "letterhead": "某市政务服务监督办公室",
        "number": number,
        "title": "督办通知书",
        "addressee": "云溪镇便民服务中心",
    }
    return SimpleNamespace(**told, lines=lines, signed_by="某市政务服务监督办公室", day="2026年6月12日")


def _paper(number: str, *, is_spoiled: bool, has_files: bool) -> SimpleNamespace:
    told = {"number": number, "kind": "督办通知书", "day": "6月12日", "code": "7K2M-9QXD"}
    return SimpleNamespace(**told, is_spoiled=is_spoiled, has_files=has_files, sheet=_sheet(number))


def _entry(
    what: str, state: str, *, number: str = "", reason: str = "", files: bool = False
) -> SimpleNamespace:
    told = {
        "what": what,
        "state": state,
        "when": "6月12日 14:32",
        "who": "监督员",
        "number": number,
        "reason": reason,
    }
    return SimpleNamespace(**told, files=[("说明.pdf", "ab12")] if files else [])


def _told(turn: str, due: str, left: str) -> SimpleNamespace:
    return SimpleNamespace(turn=turn, due=due, left=left)


def values() -> dict[str, object]:
    """What the page shows, by the names in the template."""
    day = SimpleNamespace(
        name="6月12日",
        bar=[("ok", 330, 300), ("fail", 630, 60), ("skip", 690, 100)],
        faults=[(630, 60, "f1", "15:07 至 16:32 画面全黑")],
        marks=[(640, "/hall/evidence/1", "15:21 留存画面")],
    )
    answer = {"when": "6月15日 9:02", "who": "中心负责人", "reason": "窗口当日停电，次日已办结。"}
    return {
        "build": "", "instants": {}, "address": PATH, "user": None,
        "state": {"s": {}, "k": {"partial": {"text": "2 个站点的数据不完整，合计只含已到达的部分。"}}},
        "tiles": [_tile(0, 0, 0, 0), _tile(1, 2, 3, 1), _tile(128, 64, 1024, 16)],
        "bands": [("l26e14", "到目前全部实时到达"), ("l10d6m4e20", "断线一段，部分补齐"), ("g8l12m20", "维护后断线"), ("e40", "还没有数据")],
        "bar": day.bar, "day": day,
        "lines": [_marks(done) for done in (0, 2, 5)],
        "dues": [
            (_told("轮到站点说明", "6月17日", "还剩 3 个工作日"), SimpleNamespace(level=0)),
            (_told("轮到监督员", "6月10日", "已超 2 个工作日"), SimpleNamespace(level=2)),
            (_told("轮到签发人", "–", ""), SimpleNamespace(level=0)),
        ],
        "entries": [
            _entry("发现", ""),
            _entry("签发督办通知书", "已签发", number="某督〔2026〕3号"),
            _entry("退回", "待补充", reason="说明没有写明原因。", files=True),
        ],
        "answers": [
            SimpleNamespace(number=number, **answer, files=[("照片.jpg", "cd34")] if number > 1 else [])
            for number in (1, 2)
        ],
        "papers": [
            _paper("某督〔2026〕2号", is_spoiled=True, has_files=True),
            _paper("某督〔2026〕3号", is_spoiled=False, has_files=False),
            _paper("某督〔2026〕4号", is_spoiled=False, has_files=True),
        ],
    }  # fmt: skip


def page() -> str:
    """The whole page as HTML."""
    return load_templates().from_string(_TEMPLATE.read_text("utf-8")).render(values())


@asynccontextmanager
async def served() -> AsyncIterator[str]:
    """-> its address, on a server of its own."""
    assets = load_assets()

    async def show(_: web.Request) -> web.Response:
        return web.Response(text=page(), content_type="text/html")

    async def style(request: web.Request) -> web.Response:
        found = assets[request.match_info["name"]]
        return web.Response(body=found.body, content_type=found.kind.partition(";")[0])

    app = web.Application()
    app.add_routes([web.get(PATH, show), web.get("/static/{name}", style)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    finally:
        await runner.cleanup()
