"""Texts of laws go to the public door article by article, each with the letters it is found by; the door picks the edition by the day."""

import asyncio
from typing import Any

import msgspec
from sqlalchemy import insert, select

from central.core import law_text, pinyin
from central.core.law_text import Article
from central.door import tables as door
from central.store import statutes
from central.store.engine import Store

State = tuple[tuple[str, int], ...]
"""Which editions there are: what is published again when it changes."""


async def publish(store: Store, public: Store, before: State | None) -> State:
    """-> what there is now. `before`: as of the last time; the same means nothing to do. An edition never changes."""
    async with store.read() as conn:
        state = await statutes.editions(conn)
    if state == before:
        return state
    async with public.read() as there:
        known = await there.execute(select(door.edition.c.law, door.edition.c.version))
        published = {(row.law, row.version) for row in known}
    for name, version in sorted(set(state) - published):
        async with store.read() as conn:
            row = await statutes.text(conn, name, version)
        articles = law_text.parsed(row.text)
        one = law_text.edition(version, row.since, row.digest, articles)
        rows = await asyncio.to_thread(_rows, name, version, articles)
        async with public.write() as there:
            await there.execute(insert(door.article), rows)
            values = {"law": name, "version": version, "body": msgspec.json.encode(one)}
            await there.execute(insert(door.edition).values(values))
    return state


def _rows(name: str, version: int, articles: list[Article]) -> list[dict[str, Any]]:
    """The letters of a long law take a second."""
    return [_row(name, version, place, article) for place, article in enumerate(articles)]


def _row(name: str, version: int, place: int, article: Article) -> dict[str, Any]:
    text = "\n".join(article.paragraphs)
    return {
        "law": name,
        "version": version,
        "place": place,
        "number": article.number,
        "body": msgspec.json.encode(article),
        "text": f"{article.label} {text}",
        "letters": f"{pinyin.initials(text)} {pinyin.spelled(text)}",
    }
