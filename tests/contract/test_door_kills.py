"""A hall killed at any point of what citizens hand in and what is made public goes on as if it had not been; one whose disk is full, too.

From a complaint with its attachment, a rating, a question and a survey's answer to the last of their messages, papers and published rows;
from a score through an objection to the released files; a form, an announcement, a briefing. Files of both databases are copied
before every statement that writes and before every commit: what a SIGKILL there leaves on the disk.
"""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from central.door import tables as p
from central.store import (
    complaint_tables,
    consult_tables,
    posted_tables,
    rating_tables,
    score_tables,
    survey_tables,
)
from central.store import tables as t
from common.core.errors import UnavailableError
from tests.contract.lived import Hall, citizens, go_on, living, posted, prepared, scored, survey_out
from tests.copied import Camera
from tests.full import full

EVERY = 13
"""One in so many of the copies lives on; each costs a second."""

# what is there ------------------------------------------------------------------------------------------------

_CT, _RT, _ST = complaint_tables, rating_tables, score_tables
_DOC, _TOLD, _LINE = t.document.c, t.message.c, t.audit_line.c
HELD: dict[str, tuple[Any, ...]] = {
    "complaints": (_CT.complaint.c.number, _CT.complaint.c.state, _CT.complaint.c.level, _CT.complaint.c.reply),
    "complaint events": (_CT.complaint_event.c.number, _CT.complaint_event.c.event, _CT.complaint_event.c.reason),
    "complaint files": (_CT.complaint_file.c.complaint, _CT.complaint_file.c.place, _CT.complaint_file.c.size),
    "ratings": (_RT.rating.c.number, _RT.rating.c.state, _RT.rating.c.text, _RT.rating.c.flags),
    "rating events": (_RT.rating_event.c.number, _RT.rating_event.c.event, _RT.rating_event.c.reason),
    "consults": (consult_tables.consult.c.number, consult_tables.consult.c.state, consult_tables.consult.c.reply),
    "consult events": (consult_tables.consult_event.c.number, consult_tables.consult_event.c.event),
    "survey answers": (survey_tables.survey_answer.c.number, survey_tables.survey_answer.c.body),
    "forms": (posted_tables.blank.c.id, posted_tables.blank.c.state, posted_tables.blank.c.form),
    "form files": (posted_tables.blank_file.c.digest, posted_tables.blank_file.c.body),
    "announcements": (posted_tables.bulletin.c.id, posted_tables.bulletin.c.state, posted_tables.bulletin.c.text),
    "excerpts": (posted_tables.excerpt.c.id, posted_tables.excerpt.c.state, posted_tables.excerpt.c.text),
    "runs": (_ST.score_run.c.id, _ST.score_run.c.digest, _ST.score_run.c.is_final, _ST.score_run.c.follows),
    "objections": (_ST.objection.c.id, _ST.objection.c.state, _ST.objection.c.decided_by),
    "publications": (_ST.publication.c.id, _ST.publication.c.state, _ST.publication.c.title),
    "publication files": (_ST.publication_file.c.name, _ST.publication_file.c.body),
    "documents": (_DOC.number_text, _DOC.subject, _DOC.paper, _DOC.pdf, _DOC.docx),
    "numbers": (t.document_series.c.kind, t.document_series.c.last),
    "drafts": (t.document_draft.c.id, t.document_draft.c.kind, t.document_draft.c.subject),
    "messages": (_TOLD.event, _TOLD.rung, _TOLD.channel, _TOLD.person, _TOLD.text),
    "audit": (_LINE.who, _LINE.act, _LINE.subject),
}  # fmt: skip
SHOWN: dict[str, tuple[Any, ...]] = {
    "told": (p.told.c.lookup, p.told.c.ref),
    "inbox": (p.inbox.c.id,),
    "uploads": (p.upload.c.id,),
    "guides": (p.guide.c.code, p.guide.c.body),
    "results": (p.release.c.number, p.release.c.head, p.release.c.body),
    "result files": (p.release_file.c.name, p.release_file.c.body),
    "answers": (p.answer.c.number, p.answer.c.body),
    "excerpts told": (p.excerpt.c.number, p.excerpt.c.body),
    "polls": (p.poll.c.number, p.poll.c.body),
    "blanks": (p.blank.c.number, p.blank.c.body),
    "blank files": (p.blank_file.c.digest, p.blank_file.c.body),
    "bulletins": (p.bulletin.c.number, p.bulletin.c.head, p.bulletin.c.text),
}


async def picture(hall: Hall) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is to be there once."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for store, wanted in ((hall.store, HELD), (hall.press.public, SHOWN)):
        async with store.read() as conn:
            for name, columns in wanted.items():
                found[name] = sorted(tuple(row) for row in await conn.execute(select(*columns)))
    return found


async def test_killed_at_any_point_what_citizens_sent_and_what_is_public_is_there_once(
    tmp_path: Path,
) -> None:
    (tmp_path / "hall").mkdir()
    (tmp_path / "copies").mkdir()
    await prepared(tmp_path / "hall")
    async with living(tmp_path / "hall") as hall:
        camera = Camera(tmp_path / "hall", tmp_path / "copies", hall.store, hall.press.public)
        await go_on(hall)
        camera.take()
        whole = await picture(hall)
    once = (
        "complaints",
        "complaint files",
        "excerpts",
        "excerpts told",
        "publications",
        "objections",
        "survey answers",
        "consults",
        "ratings",
    )
    assert [len(whole[name]) for name in once] == [1] * len(once)
    assert {number for _, number in whole["numbers"]} == {1}
    assert (len(whole["messages"]), whole["inbox"], whole["uploads"]) == (12, [], [])
    assert camera.points > 300
    assert len(camera.copies) > 60, "an act to a transaction"
    for place in camera.copies[::EVERY]:
        async with living(place) as again:
            await go_on(again)
            now = await picture(again)
        assert {name: now[name] for name in whole if now[name] != whole[name]} == {}, place.name


async def test_a_full_disk_keeps_the_complaint_in_the_box_and_what_is_public_whole(tmp_path: Path) -> None:
    """The hall says that it waits; with room again the same look takes and publishes all of it, once."""
    await prepared(tmp_path)
    async with living(tmp_path) as hall:
        await survey_out(hall)
        await hall.look()
        await citizens(hall)
        async with full(hall.store):
            with pytest.raises(UnavailableError, match="full"):
                await hall.look()
            now = await picture(hall)
            assert (now["complaints"], now["complaint files"], now["messages"]) == ([], [], [])
            assert ("c1",) in now["inbox"]
            assert now["uploads"] == [("f1",)]
        await hall.look()
        now = await picture(hall)
        assert [len(now[name]) for name in ("complaints", "complaint files", "inbox", "uploads")] == [
            1,
            1,
            0,
            0,
        ]
        await posted(hall)
        await scored(hall)
        before = now
        async with full(hall.press.public):
            with pytest.raises(UnavailableError, match="full"):
                await hall.look()
            now = await picture(hall)
            assert {name: now[name] for name in SHOWN if now[name] != before[name]} == {}
        await hall.look()
        now = await picture(hall)
        assert [len(now[name]) for name in ("results", "result files", "blanks", "blank files")] == [
            1,
            7,
            1,
            2,
        ]
