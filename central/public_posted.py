"""Forms, announcements and replies to complaints go to the public door as they were released; what was taken back leaves, an announcement
with its reason.
"""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, delete, insert, select

from central.core import pinyin, wording
from central.core.blank import Blank, Paper
from central.core.bulletin import Bulletin, digest_of
from central.core.excerpt import Excerpt
from central.core.release import ReleaseState
from central.door import tables as door
from central.store import blanks, bulletins, excerpts
from central.store.engine import Store
from common.core.instant import local_date

MOST = 2_000
"""Ours: forms, announcements, and replies, that are shown."""
State = tuple[tuple[tuple[int, str], ...], ...]
"""Which forms, announcements and replies there are, each with its state: what is published again when it changes."""


async def publish(store: Store, public: Store, zone: ZoneInfo, before: State | None) -> State:
    """-> what there is now. `before`: as of the last time; the same means nothing to do."""
    async with store.read() as conn:
        forms, notices = await blanks.shown(conn, MOST), await bulletins.shown(conn, MOST)
        replies = await excerpts.shown(conn, MOST)
        state = tuple(tuple((row.id, row.state) for row in rows) for rows in (forms, notices, replies))
        if state == before:
            return state
        papers = await blanks.papers(conn, [digest for row in forms for digest in (row.form, row.sample)])
    known = await _published(public)
    for digest in sorted(set(papers) - known):  # one at a time, and before the page that names it
        async with store.read() as conn:
            body = await blanks.body(conn, digest)
        async with public.write() as there:
            await there.execute(insert(door.blank_file).values(digest=digest, body=body))
    made = [_blank(row, papers, zone) for row in forms]
    blank_rows = [{"number": one.number, "body": msgspec.json.encode(one)} for one in made]
    async with public.write() as there:
        for table, rows in (
            (door.blank, blank_rows),
            (door.bulletin, [_told(row, zone) for row in notices]),
            (door.excerpt, [_excerpt(row, zone) for row in replies]),
        ):
            await there.execute(delete(table))
            if rows:
                await there.execute(insert(table), rows)
        for digest in known - set(papers):
            await there.execute(delete(door.blank_file).where(door.blank_file.c.digest == digest))
    return state


async def _published(public: Store) -> set[str]:
    async with public.read() as there:
        return set(await there.scalars(select(door.blank_file.c.digest)))


def _blank(row: Row[Any], papers: dict[str, Paper], zone: ZoneInfo) -> Blank:
    return Blank(
        number=row.id,
        item=row.item,
        version=row.version,
        name=row.name,
        day=local_date(row.decided_wall, zone),
        form=papers[row.form],
        sample=papers[row.sample],
    )


def _excerpt(row: Row[Any], zone: ZoneInfo) -> dict[str, Any]:
    day = local_date(row.decided_wall, zone)
    one = Excerpt(number=row.id, topic=row.topic, text=row.text, reply=row.reply, day=day)
    return {"number": row.id, "body": msgspec.json.encode(one)}


def _told(row: Row[Any], zone: ZoneInfo) -> dict[str, Any]:
    """Of an announcement that was taken back, no word of its text."""
    gone = row.state == ReleaseState.WITHDRAWN.value
    head = Bulletin(
        number=row.id,
        title=row.title,
        day=local_date(row.decided_wall, zone),
        wall=row.decided_wall,
        digest="" if gone else digest_of(row.title, row.text),
        withdrawn=local_date(row.withdrawn_wall, zone) if gone else None,
        withdrawn_wall=row.withdrawn_wall if gone else 0,
        reason=wording.redact(row.withdrawn_why, None) if gone else "",
        letters=f"{pinyin.initials(row.title)} {pinyin.spelled(row.title)}",
    )
    return {"number": row.id, "head": msgspec.json.encode(head), "text": "" if gone else row.text}
