"""法律法规: their force on the day, their text where the hall has it, article by article, and the items that rest on each."""

from collections.abc import Sequence

import msgspec
from aiohttp import web
from msgspec import Struct

from central.core import guide as guides
from central.core import law_text
from central.core.guide import Cited, Law
from central.core.law_text import Article, Edition
from central.door import store as rows
from central.door.page import DOOR, Shown, render

MOST_FOUND, MOST_READ = 20, 200
FEWEST_LETTERS = 3
"""Of pinyin: fewer stand in every article."""
AROUND = 24
"""Characters shown before and after what was found."""
GONE = "没有这部法律法规，或没有它的全文。请从法律法规重新找。"


class Place(Struct, frozen=True):
    """Where an article is: its number, and the first of its page."""

    number: int
    page: int


class Found(Struct, frozen=True):
    """An article that somebody looked for."""

    law: str
    page: int
    article: Article
    snippet: str


def _edition(request: web.Request, shown: Shown, name: str) -> Edition | None:
    return law_text.in_force(shown.editions.get(name, ()), request.app[DOOR].today(shown))


def of_basis(request: web.Request, shown: Shown, basis: str) -> list[tuple[str, list[Place]]]:
    """The laws that a legal basis names, each with those articles of which there is a text."""
    found = []
    for name, articles in guides.cited(basis):
        one = _edition(request, shown, name)
        numbers = sorted(law_text.cited(articles)) if one is not None else []
        found.append((name, [Place(number, one.page_of(number)) for number in numbers if one is not None]))
    return found


def named(asked: str, shown: Shown) -> list[Law]:
    ranked = [(guides.rank(asked, name, letters), name) for name, (_, letters) in shown.laws.items()]
    return [shown.laws[name][0] for rank, name in sorted((r, n) for r, n in ranked if r is not None)]


async def found(request: web.Request, shown: Shown, asked: str) -> list[Found]:
    """Articles of texts in force that hold all of what was asked for, in characters or in letters."""
    words = asked.lower().split()
    by_letters = all(word.isascii() and word.isalnum() for word in words)
    if not words or (by_letters and min(map(len, words)) < FEWEST_LETTERS) or not shown.editions:
        return []
    async with request.app[DOOR].store.read() as conn:
        lines = await rows.articles_with(conn, words, by_letters=by_letters, limit=MOST_READ)
    answers: list[Found] = []
    for row in lines:
        one = _edition(request, shown, row.law)
        if one is not None and one.version == row.version and row.law in shown.laws:
            article = msgspec.json.decode(row.body, type=Article)
            snippet = _snippet(article.paragraphs, words)
            answers.append(Found(row.law, one.page_of(article.number), article, snippet))
    return answers[:MOST_FOUND]


def _snippet(paragraphs: Sequence[str], words: Sequence[str]) -> str:
    text = " ".join(paragraphs)
    at = max(0, text.lower().find(words[0]) - AROUND)
    shown = text[at : at + 2 * AROUND + len(words[0])]
    return f"{'…' if at else ''}{shown}{'…' if at + len(shown) < len(text) else ''}"


async def show_list(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    shown = await door.look()
    laws = [law for law, _ in shown.laws.values()]
    return await render(request, "laws.html", laws=laws, today=door.today(shown), texts=shown.editions)


def _named(request: web.Request, shown: Shown) -> Law:
    known = shown.laws.get(request.match_info["name"])
    if known is None:
        raise web.HTTPNotFound(text=GONE)
    return known[0]


async def show_one(request: web.Request) -> web.Response:
    door = request.app[DOOR]
    shown = await door.look()
    law, today = _named(request, shown), door.today(shown)
    one = _edition(request, shown, law.name)
    coming = [each for each in shown.editions.get(law.name, ()) if each.since > today]
    return await render(
        request,
        "law.html",
        law=law,
        today=today,
        edition=one,
        parts=_parts(one) if one is not None else [],
        coming=min(coming, key=lambda each: each.since, default=None),
    )


def _parts(one: Edition) -> Sequence[tuple[str, int]]:
    """Chapters; of a text without any, its pages."""
    return one.chapters or [
        ("全文" if place == one.starts[0] else f"第 {place} 条起", place) for place in one.starts
    ]


async def show_text(request: web.Request) -> web.Response:
    """The page on which an article stands, each article with the items that name it."""
    door = request.app[DOOR]
    shown = await door.look()
    law = _named(request, shown)
    one = _edition(request, shown, law.name)
    if one is None:
        raise web.HTTPNotFound(text=GONE)
    first = one.page_of(int(request.match_info["article"]))
    place = one.starts.index(first)
    after = one.starts[place + 1] if place + 1 < len(one.starts) else None
    async with door.store.read() as conn:
        bodies = await rows.articles(conn, law.name, one.version, first, after)
    if not bodies:
        raise web.HTTPNotFound(text=GONE)
    items: dict[int, list[Cited]] = {}
    for item in law.items:
        for number in law_text.cited(item.articles):
            items.setdefault(number, []).append(item)
    return await render(
        request,
        "law_text.html",
        law=law,
        today=door.today(shown),
        edition=one,
        articles=[msgspec.json.decode(body, type=Article) for body in bodies],
        items=items,
        before=one.starts[place - 1] if place else None,
        after=after,
    )


ROUTES = [
    web.get("/p/laws", show_list),
    web.get("/p/laws/{name}", show_one),
    web.get(r"/p/laws/{name}/{article:\d{1,5}}", show_text),
]
