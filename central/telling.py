"""From what has happened to the messages that tell it: written in the transaction of the happening itself.

So there is never one without the other, and each message is there once, under its key, however often the happening is told.
All rungs of the ladder are written down at once; a later one is asked again when it is due (`dispatch.py`).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import item as catalogue
from central.core import ladder, message, wording
from central.core.calendar import Calendar
from central.core.complaint import Complaint
from central.core.complaint_notes import Note
from central.core.correction import Event, Step
from central.core.document import Kind
from central.core.item import Person
from central.core.ladder import Level, Post, Rung
from central.core.message import Matter
from central.core.rating import Rating
from central.core.recipient import Recipient, holders
from central.core.snapshot import Snapshot
from central.correction_paper import Desk
from central.store import corrections, documents, ladders, messages, recipients
from central.world import Moment, World
from common.core.instant import day_ending, local_date
from common.core.text import one_line

MARK = "明察"
"""How every message begins."""
_ASKS = {
    Level.YELLOW: "请按期办结。",
    Level.RED: "请登录明察查看。",
    Level.ORDER: "请登录明察查收。",
    Level.URGING: "请立即登录明察办理。",
    Level.CIRCULAR: "请登录明察查看。",
    Level.OWN: "请登录明察办理。",
    Level.RATING: "请登录明察整改并报结果。",
}


class Happening(Struct, frozen=True, kw_only=True):
    """Something that people are to hear of. `event`: its name for ever; the same name is told once."""

    event: str
    level: Level
    matter: Matter
    site: str = ""
    org: str | None = None
    case_key: str | None = None
    subject: str | None = None
    cycle: int | None = None
    correction: int | None = None
    due: date | None = None
    persons: Sequence[Person] = ()


async def tell(conn: AsyncConnection, told: Happening, desk: Desk) -> None:
    """Write the messages of every rung."""
    await tell_at(conn, told, _now(desk), desk.calendar, desk.zone)


def _now(desk: Desk) -> Moment:
    return Moment(desk.clock.office(), desk.clock.wall())


async def tell_at(
    conn: AsyncConnection, told: Happening, now: Moment, calendar: Calendar, zone: ZoneInfo
) -> None:
    """Of what happened at `now`."""
    known = await recipients.accounts(conn)
    rows: list[dict[str, Any]] = []
    _, rungs = await ladders.current(conn)
    for place, rung in enumerate(rungs[told.level]):
        at = ladder.reached_at(rung, now.at, told.due, calendar, zone)
        if at is None:
            continue
        for one in holders(rung.posts, told.site, told.org, known, told.persons):
            rows += lines(told, place, rung, one, at, now)
    await messages.add(conn, rows)


async def has_login(conn: AsyncConnection, site: str, org: str | None) -> bool:
    """Whether somebody of the office could receive a document in the console."""
    known = await recipients.accounts(conn)
    return bool(holders((Post.HANDLER, Post.HEAD), site, org, known, ()))


def lines(
    told: Happening, place: int, rung: Rung, one: Recipient, at: int, now: Moment
) -> list[dict[str, Any]]:
    """A row for each channel of one person."""
    return [
        {
            "key": message.key_of(told.event, place, one.person, channel),
            "event": told.event,
            "rung": place,
            "level": told.level.value,
            "channel": channel.value,
            "person": one.person,
            "name": one.name,
            "address": address,
            "site": told.site,
            "case_key": told.case_key,
            "subject": told.subject,
            "cycle": told.cycle,
            "correction": told.correction,
            "title": one_line(f"{told.level.word}：{told.matter.item or told.matter.site}", 100),
            "text": message.text(MARK, told.matter),
            "alone": rung.alone,
            "send_at": at,
            "made_at": now.at,
            "made_wall": now.wall,
            "changed_at": now.at,
            "changed_wall": now.wall,
        }
        for channel, address in one.addresses
    ]


# lights -------------------------------------------------------------------------------------------------------


async def of_light(
    conn: AsyncConnection,
    row: Row[Any],
    place: dict[str, Any],
    found: Snapshot,
    number: int,
    world: World,
    desk: Desk,
) -> None:
    """A light has been taken into correction `number`. `row`: the case; `place`: the light's own name."""
    level = Level.RED if found.is_red else Level.YELLOW
    day = day_ending(row.accepted_at, desk.zone) if row.accepted_at is not None else None
    version = catalogue.pinned(world.items.get(row.item_code or "", ()), day)
    happening = Happening(
        event="light/" + "/".join(str(value) for value in place.values()),
        level=level,
        matter=_matter(found, found.matter, _ASKS[level], found.last),
        site=place["site"],
        org=row.org,
        case_key=place["case_key"],
        subject=place["subject"],
        cycle=place["cycle"],
        correction=number,
        due=found.last,
        persons=version.persons if version is not None else (),
    )
    await tell(conn, happening, desk)


def _matter(found: Snapshot, what: str, ask: str, due: date | None) -> Matter:
    return Matter(
        site=found.site_name,
        item=found.item,
        case_no=found.case_no or "",
        what=what,
        due=wording.day(due) if due is not None else "",
        ask=ask,
    )


# documents ----------------------------------------------------------------------------------------------------

_OF_PAPER = {
    Kind.ORDER: Level.ORDER,
    Kind.EXPLAIN: Level.ORDER,
    Kind.URGING: Level.URGING,
    Kind.RECTIFICATION: Level.ORDER,
    Kind.ACCOUNTABILITY: Level.ORDER,
    Kind.APPEAL: Level.ORDER,
    Kind.CLOSING: Level.ORDER,
    Kind.CIRCULAR: Level.CIRCULAR,
}
"""What is told when a document of a correction has been signed; a reminder's own has been told as the light."""


LETTERS = frozenset({Kind.PROPOSAL, Kind.ONE_TIME, Kind.DEEMED_ACCEPTED, Kind.DEEMED_RENEWED, Kind.DISPLAY})
"""What an office is written without a correction."""
TOLD = frozenset(_OF_PAPER) | LETTERS
"""Kinds of which somebody is told."""


async def of_paper(
    conn: AsyncConnection, row: Row[Any], kind: Kind, entry: int, due_day: str | None, desk: Desk
) -> None:
    """A document of correction `row` has its number, by entry `entry` of the dossier."""
    if kind in _OF_PAPER:
        due = date.fromisoformat(due_day) if due_day and kind is not Kind.CLOSING else None
        await tell(conn, _of(row, _OF_PAPER[kind], f"已出具{kind.word}", entry, due), desk)


async def of_letter(conn: AsyncConnection, draft: Row[Any], code: str, desk: Desk) -> None:
    """A document to the office of `draft` has been issued under `code`; it stands on the page of the office."""
    row = await documents.find(conn, code)
    assert row is not None, code
    told = Happening(
        event=f"{messages.LETTER}{code}",
        level=Level.ORDER,
        matter=Matter(what=f"{row.title}（{row.number_text}）已印发", ask=_ASKS[Level.ORDER]),
        site=draft.site,
        org=draft.org,
    )
    await tell(conn, told, desk)


def overdue_event(code: str) -> str:
    """The name under which people were told that nobody has answered the letter `code`."""
    return f"{messages.LETTER}{code}{messages.OVERDUE}"


async def of_unanswered(conn: AsyncConnection, letter: Row[Any], desk: Desk) -> None:
    """The day until which a document wanted to hear of its office has passed without an answer."""
    told = Happening(
        event=overdue_event(letter.code),
        level=Level.URGING,
        matter=Matter(
            what=f"{letter.title}（{letter.number_text}）逾期未答复",
            due=wording.day(date.fromisoformat(letter.answer_by)),
            ask=_ASKS[Level.URGING],
        ),
        site=letter.site,
        org=letter.org,
    )
    await tell(conn, told, desk)


async def of_lapse(conn: AsyncConnection, row: Row[Any], step: Step, entry: int, desk: Desk) -> None:
    """A day of correction `row` has passed. The document that urges waits for a signature; the reminder does not."""
    if not row.is_red or step.event not in {Event.LAPSE, Event.ACCOUNT_LAPSE}:
        return
    if step.document is None:
        await tell(
            conn, _of(row, Level.OWN, f"的纠错{row.id}号{step.before.word}后逾期未办", entry, None), desk
        )
    else:
        await tell(conn, _of(row, Level.URGING, "的督办逾期未答复", entry, None), desk)


def _of(row: Row[Any], level: Level, what: str, entry: int, due: date | None) -> Happening:
    found = corrections.snapshot_of(row)
    return Happening(
        event=f"correction/{row.id}/{entry}",
        level=level,
        matter=_matter(found, what, _ASKS[level], due),
        site=row.site,
        org=row.org,
        case_key=row.case_key,
        correction=row.id,
    )


def to_one(told: Happening, one: Recipient, at: int, desk: Desk) -> list[dict[str, Any]]:
    """The messages of a happening that is told to a single person, outside the ladder's rungs."""
    return lines(told, 0, Rung(posts=(), alone=True), one, at, _now(desk))


def silent(site: str, name: str, since_at: int, until: str, desk: Desk) -> Happening:
    """A site is cut off: of each person at most one message for the day on which it began."""
    day = local_date(since_at, desk.zone)
    matter = Matter(site=name, what="站点断线", until=until, ask="补齐后自动补发提示。请检查线路与站点机器。")
    return Happening(event=f"silent/{site}/{day}", level=Level.SILENT, matter=matter, site=site)


def of_rating(row: Row[Any], one: Rating, due: date | None) -> Happening:
    """A bad rating, or one that was not mended, is its office's to mend. Nothing of who rated, nor of what was written, is in it."""
    again = "回访没有改好，须由部门负责人整改" if one.level_up else f"收到差评（{one.level.word}）"
    last = wording.day(due) if due is not None else ""
    matter = Matter(item=row.item or row.window, what=again, due=last, ask=_ASKS[Level.RATING])
    return Happening(
        event=f"rating/{row.id}/{one.rounds}",
        level=Level.RATING,
        matter=matter,
        site=row.site,
        org=row.org,
        due=due,
    )


def of_complaint(row: Row[Any], one: Complaint, entry: int, note: Note) -> Happening:
    """What is told of entry `entry` of a complaint, which stands as `one`. Its unit hears of no number: that is the complainant's."""
    return Happening(
        event=f"complaint/{row.id}/{entry}/{note.level.value}",
        level=note.level,
        matter=Matter(
            item=row.topic,
            case_no="" if note.is_to_unit else row.number,
            what=note.what,
            due=wording.day(note.last) if note.last is not None else "",
            ask=note.ask,
        ),
        site=one.site if note.is_to_unit else "",
        org=one.org if note.is_to_unit else None,
        due=note.last,
    )
