"""公告: announcements, what was made public and taken back, and a feed of both (Atom, RFC 4287) with checksums."""

from datetime import date
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import hdrs, web
from msgspec import Struct

from central.core import bulletin as bulletins
from central.core import published
from central.core.bulletin import Bulletin
from central.core.published import File, Published
from central.door import store as rows
from central.door.page import DOOR, Shown, build_of, render
from common.core.instant import from_us, start_of_day

MOST = 100
"""Lines of the record on the page."""
MOST_ENTRIES = 30
_UTC = ZoneInfo("UTC")
GONE = "没有这件公告。请从公告列表进入。"


async def show_list(request: web.Request) -> web.Response:
    shown = await request.app[DOOR].look()
    return await render(
        request,
        "notices.html",
        standing=bulletins.newest(shown.bulletins, MOST),
        notices=published.notices(shown.releases, shown.bulletins)[:MOST],
    )


async def _one(request: web.Request) -> Bulletin:
    shown, number = await request.app[DOOR].look(), int(request.match_info["number"])
    one = next((one for one in shown.bulletins if one.number == number), None)
    if one is None:
        raise web.HTTPNotFound(text=GONE)
    return one


async def _texts(request: web.Request, numbers: list[int]) -> dict[int, str]:
    async with request.app[DOOR].store.read() as conn:
        return await rows.bulletin_texts(conn, numbers)


async def show_one(request: web.Request) -> web.Response:
    """Of one that was taken back, the record."""
    one = await _one(request)
    text = (await _texts(request, [one.number])).get(one.number, "")
    status = 410 if one.withdrawn else 200
    paragraphs = bulletins.paragraphs(text)
    return await render(request, "notice.html", status=status, one=one, paragraphs=paragraphs)


async def download(request: web.Request) -> web.Response:
    """The bytes that the checksum is of."""
    one = await _one(request)
    text = (await _texts(request, [one.number])).get(one.number, "")
    if one.withdrawn is not None or not text:
        raise web.HTTPNotFound(text="这件公告已经撤回。")
    body = bulletins.file_of(one.title, text)
    response = web.Response(body=body, content_type="text/plain", charset="utf-8")
    response.headers[hdrs.CONTENT_DISPOSITION] = f'attachment; filename="notice-{one.number}.txt"'
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    return response


# the feed -----------------------------------------------------------------------------------------------------


class Entry(Struct, frozen=True, kw_only=True):
    """What a reader of the feed gets. `id` stays; `updated` moves when it is taken back."""

    id: str
    path: str
    title: str
    published: str
    updated: str
    lines: list[str]
    place: str = ""
    files: tuple[File, ...] = ()


async def feed(request: web.Request) -> web.Response:
    """Newest first; what was taken back stays, with its reason, under the same id."""
    door = request.app[DOOR]
    shown = await door.look()
    entries = await _of_bulletins(request, shown) + await _of_releases(request, shown)
    entries = sorted(entries, key=lambda one: one.updated, reverse=True)[:MOST_ENTRIES]
    text = door.templates.get_template("feed.xml").render(
        config=door.config,
        base=f"{'https' if door.config.secure_cookie else 'http'}://{request.host}",
        authority=door.config.hosts[0],
        updated=entries[0].updated if entries else _instant(shown.beat.at),
        entries=entries,
    )
    response = web.Response(text=text, content_type="application/atom+xml", charset="utf-8")
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"
    response.headers[hdrs.ETAG] = f'"{build_of(text.encode())}"'
    response.enable_compression()
    return response


def _instant(us: int) -> str:
    return from_us(us, _UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


async def _of_bulletins(request: web.Request, shown: Shown) -> list[Entry]:
    newest = sorted(shown.bulletins, key=lambda one: one.wall, reverse=True)[:MOST_ENTRIES]
    texts = await _texts(request, [one.number for one in newest])
    return [
        Entry(
            id=f"notice/{one.number}",
            path=f"/p/notices/{one.number}",
            title=f"已撤回：{one.title}" if one.withdrawn else one.title,
            published=_instant(one.wall),
            updated=_instant(one.withdrawn_wall or one.wall),
            lines=[f"撤回的原因：{one.reason}"]
            if one.withdrawn
            else [*bulletins.paragraphs(texts.get(one.number, "")), f"SHA-256 {one.digest}"],
        )
        for one in newest
    ]


async def _of_releases(request: web.Request, shown: Shown) -> list[Entry]:
    door = request.app[DOOR]

    def at(day: date) -> str:
        return _instant(start_of_day(day, door.zone))

    found = []
    for head in shown.releases[:MOST_ENTRIES]:
        files: tuple[File, ...] = ()
        if head.withdrawn is None:
            async with door.store.read() as conn:
                body = await rows.release(conn, head.number)
            files = msgspec.json.decode(body, type=Published).files if body else ()
        found.append(
            Entry(
                id=f"scores/{head.number}",
                path=f"/p/scores/{head.period}",
                title=f"已撤回：{head.title}" if head.withdrawn else head.title,
                published=at(head.day),
                updated=at(head.withdrawn or head.day),
                lines=[f"撤回的原因：{head.reason}"]
                if head.withdrawn
                else [head.word, *(f"SHA-256 {one.digest} {one.name}" for one in files if one.digest)],
                place=f"/p/scores/files/{head.number}/",
                files=files,
            )
        )
    return found


ROUTES = [
    web.get("/p/notices", show_list),
    web.get(r"/p/notices/{number:\d{1,9}}", show_one),
    web.get(r"/p/notices/files/{number:\d{1,9}}.txt", download),
]
FEED = [web.get("/p/feed.xml", feed)]
"""Not among the files that are shown while everything is down: it says where things are, and there they are not."""
