"""From what has happened to the messages that tell it: written in the transaction of the happening itself.

So there is never one without the other, and each message is there once, under its key, however often the happening is told.
All rungs of the ladder are written down at once; a later one is asked again when it is due (`dispatch.py`).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import item as catalogue
from central.core import ladder, message, wording
from central.core.correction import Event, Step
from central.core.document import Kind
from central.core.item import Person
from central.core.ladder import Level, Rung
from central.core.message import Matter
from central.core.recipient import Recipient, holders
from central.core.snapshot import Snapshot
from central.correction_paper import Desk
from central.store import corrections, ladders, messages, recipients
from central.world import World
from common.core.instant import local_date
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
    known = await recipients.accounts(conn)
    rows: list[dict[str, Any]] = []
    _, rungs = await ladders.current(conn)
    for place, rung in enumerate(rungs[told.level]):
        at = ladder.reached_at(rung, desk.clock.office(), told.due, desk.calendar, desk.zone)
        if at is None:
            continue
        for one in holders(rung.posts, told.site, told.org, known, told.persons):
            rows += lines(told, place, rung, one, at, desk)
    await messages.add(conn, rows)


def lines(
    told: Happening, place: int, rung: Rung, one: Recipient, at: int, desk: Desk
) -> list[dict[str, Any]]:
    """A row for each channel of one person."""
    now_at, now_wall = desk.clock.office(), desk.clock.wall()
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
            "made_at": now_at,
            "made_wall": now_wall,
            "changed_at": now_at,
            "changed_wall": now_wall,
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
    day = local_date(row.accepted_at, desk.zone) if row.accepted_at is not None else None
    version = catalogue.pinned(world.items.get(row.item_code or "", ()), day)
    happening = Happening(
        event="light/" + "/".join(str(value) for value in place.values()),
        level=level,
        matter=_matter(found, found.matter, _ASKS[level], found.due),
        site=place["site"],
        org=row.org,
        case_key=place["case_key"],
        subject=place["subject"],
        cycle=place["cycle"],
        correction=number,
        due=found.due,
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
    Kind.URGING: Level.URGING,
    Kind.RECTIFICATION: Level.ORDER,
    Kind.ACCOUNTABILITY: Level.ORDER,
    Kind.APPEAL: Level.ORDER,
    Kind.CLOSING: Level.ORDER,
    Kind.CIRCULAR: Level.CIRCULAR,
}
"""What is told when a document of a correction has been signed; a reminder's own has been told as the light."""


TOLD = frozenset(_OF_PAPER)
"""Kinds of which somebody is told."""


async def of_paper(
    conn: AsyncConnection, row: Row[Any], kind: Kind, entry: int, due_day: str | None, desk: Desk
) -> None:
    """A document of correction `row` has its number, by entry `entry` of the dossier."""
    if kind in _OF_PAPER:
        due = date.fromisoformat(due_day) if due_day and kind is not Kind.CLOSING else None
        await tell(conn, _of(row, _OF_PAPER[kind], f"已出具{kind.word}", entry, due), desk)


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
    return lines(told, 0, Rung(posts=(), alone=True), one, at, desk)


def silent(site: str, name: str, since_at: int, until: str, desk: Desk) -> Happening:
    """A site is cut off: of each person at most one message for the day on which it began."""
    day = local_date(since_at, desk.zone)
    matter = Matter(site=name, what="站点断线", until=until, ask="补齐后自动补发提示。请检查线路与站点机器。")
    return Happening(event=f"silent/{site}/{day}", level=Level.SILENT, matter=matter, site=site)
