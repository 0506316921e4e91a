"""Complaints: taken from the door's box, moved on by people and by the clock, told to the complainant.

Who complained, and the text as it was written, are sealed under a key of the hall; what stands plain is redacted. The unit reads
what the hall has written for it (`brief`), which may not name the complainant.
"""

import secrets
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct
from sqlalchemy import Row, delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central import telling as messages
from central.core import asked, callback, complaint, complaint_notes, dossier, naming, wording
from central.core.calendar import Calendar
from central.core.complaint import HEARD, Actor, Complaint, Event, Side, State, Terms
from central.core.complaint_told import TOLD, TOLD_LAST, Account, Happened
from central.door import seal
from central.door.tables import told
from central.store import complaints, trail
from central.store.engine import Store
from central.world import Moment
from common.core import crypto
from common.core.crypto import AT_REST, KEY_BYTES
from common.core.errors import UsageError
from common.core.instant import DAY, HOUR, end_of_day, local_date

log = structlog.get_logger()
PAGE = 50
_LATER = DAY // 2
"""A last day that no notice has published yet is looked at again after so long."""
_UNHEARD = HOUR
"""So long nobody's silence is asked about again where the door's box has not been read."""


class Person(Struct, frozen=True):
    """What is sealed: who complained, the code to follow it, the text as written."""

    name: str
    phone: str
    code: str
    text: str
    files: tuple[str, ...] = ()


class Bench(Struct, frozen=True):
    """What an act rests on. `secret`: the hall's raw operations key; `received_at`: when what a citizen has sent was received (office
    time; None: it is no citizen's act, and is done now).
    """

    now: Moment
    zone: ZoneInfo
    calendar: Calendar
    secret: bytes
    terms: Terms = Terms()
    """Of what is received now."""
    received_at: int | None = None

    @property
    def at(self) -> int:
        """The instant of the act, from which limits run."""
        return self.now.at if self.received_at is None else self.received_at

    @property
    def today(self) -> date:
        """The day of the act."""
        return local_date(self.at, self.zone)


def _seal(secret: bytes, context: str, plain: bytes) -> bytes:
    return crypto.seal(_aead(secret), secrets.token_bytes(crypto.NONCE_BYTES), context.encode(), plain)


def _aead(secret: bytes) -> crypto.Aead:
    key = HKDF(hashes.SHA256(), KEY_BYTES, None, b"MC1 complaint").derive(secret)
    return crypto.cipher(AT_REST, key)


def seal_person(secret: bytes, number: str, person: Person) -> bytes:
    """As `person_of` opens it again from a row with that `number`."""
    return _seal(secret, f"person|{number}", msgspec.json.encode(person))


def person_of(row: Row[Any], secret: bytes) -> Person:
    """Raises DamagedError under another operations key."""
    plain = crypto.unseal(_aead(secret), f"person|{row.number}".encode(), row.sealed)
    return msgspec.json.decode(plain, type=Person)


def file_of(row: Row[Any], file: Row[Any], secret: bytes) -> bytes:
    return crypto.unseal(_aead(secret), f"file|{row.number}|{file.place}".encode(), file.sealed)


# taken --------------------------------------------------------------------------------------------------------


async def take(conn: AsyncConnection, said: asked.Complaint, files: list[bytes], bench: Bench) -> int | None:
    """-> its id; None where it was taken before. What the door has checked is checked again: it is not trusted."""
    one = complaint.received(bench.today, bench.calendar, bench.terms, can_call=bool(said.phone.strip()))
    names = tuple(dossier.file_name(one.name) for one in said.files)
    person = Person(said.name[:60], said.phone[:30], said.code, said.text[: complaint.LONGEST], names)
    number = await complaints.add(
        conn,
        {
            "number": said.number,
            "topic": said.topic if said.topic in complaint.TOPICS else complaint.TOPICS[-1],
            "unit": redacted(said.unit[:80], person),
            "case_no": said.case_no[:60],
            "text": redacted(person.text, person),
            "is_named": bool(person.name),
            "may_publish": said.may_publish,
            "sealed": seal_person(bench.secret, said.number, person),
            "brief": "",
            "answer": "",
            "reply": "",
            "site": "",
            "org": "",
            "entries": 0,
            "told": 0,
            "received_at": bench.at,
            **_standing(one, bench),
        },
    )
    if number is None:
        return None
    row = await complaints.lock(conn, number)
    assert row is not None
    await _move(conn, row, Event.RECEIVE, None, one, "", bench)
    for place, body in enumerate(files, 1):
        kind = dossier.kind_of(body)
        if kind:
            sealed = _seal(bench.secret, f"file|{said.number}|{place}", body)
            about = {"complaint": number, "place": place, "kind": kind, "size": len(body), "sealed": sealed}
            await complaints.add_file(conn, about)
    return number


def redacted(text: str, person: Person) -> str:
    """Free text without name, telephone and identity numbers of whoever complains."""
    shown = wording.redact(text, person.name)
    digits = "".join(char for char in person.phone if char.isdigit())
    for known in {person.phone.strip(), digits} - {""}:
        shown = shown.replace(known, "***")
    return shown


def _standing(one: Complaint, bench: Bench) -> dict[str, Any]:
    """The columns that follow from the state."""
    last, check_day = complaint.work_due(one, bench.calendar), complaint.check_day(one, bench.calendar)
    check = end_of_day(check_day, bench.zone) if check_day is not None else None
    return {
        "body": msgspec.json.encode(one, order="deterministic"),
        "state": one.state.value,
        "level": one.level,
        "is_open": one.state not in complaint.ENDS,
        "due_day": str(last) if last is not None else None,
        "next_check_at": check,
    }


async def _move(
    conn: AsyncConnection,
    row: Row[Any],
    event: Event,
    actor: Actor | None,
    one: Complaint,
    reason: str,
    bench: Bench,
    **values: Any,
) -> None:
    """Append `event` to the locked `row`, which stands as `one` after it, and write the messages of it: one transaction."""
    entry = _event(bench, event, actor, one, reason)
    await complaints.write(conn, row, entry, **_standing(one, bench), **values)
    for note in complaint_notes.notes(one, event, bench.calendar):
        happening = messages.of_complaint(row, one, row.entries + 1, note)
        await messages.tell_at(conn, happening, bench.now, bench.calendar, bench.zone)


def _event(bench: Bench, event: Event, actor: Actor | None, after: Complaint, reason: str) -> dict[str, Any]:
    return {
        "at": bench.at,
        "day": str(bench.today),
        "who": actor.person if actor else "",
        "role": actor.role.value if actor else "",
        "event": event.value,
        "after": after.state.value,
        "level": after.level,
        "site": after.site,
        "org": after.org,
        "reason": reason,
    }


# moved on -----------------------------------------------------------------------------------------------------


class Words(Struct, frozen=True):
    """What goes with an act. `text`: reason, brief, answer or reply; `site`, `org`: to whom it is assigned."""

    text: str = ""
    site: str = ""
    org: str = ""


_COLUMNS = {Event.ASSIGN: "brief", Event.ANSWER: "answer", Event.REPLY: "reply"}
_SPOKEN = {Event.REFUSE, Event.EXTEND, Event.SUPERVISE, *_COLUMNS, *HEARD}
"""Acts that need words of some length."""
_READ_BY_UNIT = {Event.ASSIGN, Event.SUPERVISE}
"""Whose words may not tell who complained."""


async def act(
    conn: AsyncConnection, row: Row[Any], event: Event, actor: Actor, words: Words, bench: Bench
) -> None:
    """One act of a person, with its line of the audit. `row` is locked. Raises RejectedError, UsageError."""
    side = Side.UNIT if event is Event.ANSWER else Side.HALL
    one = complaint.applied(complaints.body_of(row), event, actor, side, bench.today, bench.calendar)
    _refuse_words(row, event, words, bench)
    values: dict[str, Any] = {}
    if event in _COLUMNS:
        values[_COLUMNS[event]] = words.text
    if event is Event.ASSIGN:
        one = msgspec.structs.replace(one, site=words.site, org=words.org)
        values |= {"site": words.site, "org": words.org, "answer": ""}
    text = words.text
    if event in HEARD:  # what somebody said by telephone may tell who it was
        text = redacted(text, person_of(row, bench.secret))
    if event is Event.HEARD_UNSOLVED:
        values |= {"site": one.site, "org": one.org}
    await _move(conn, row, event, actor, one, text, bench, **values)
    await trail.note(conn, bench.now.wall, actor.person, "complaint.act", row.number, event.word)


def _refuse_words(row: Row[Any], event: Event, words: Words, bench: Bench) -> None:
    fault = complaint.text_fault(words.text) if event in _SPOKEN else ""
    if fault:
        raise UsageError(f"{event.word}：{fault}", hint="请写清楚后再提交")
    if event is Event.ASSIGN and not (words.site and words.org):
        raise UsageError("交办须写明站点和承办单位", hint="请选择后再提交")
    if event in _READ_BY_UNIT:
        person = person_of(row, bench.secret)
        if naming.tells_who(words.text, person.name, person.phone):
            raise UsageError(
                f"{event.word}内容写出了投诉人的姓名或电话，不能发给单位",
                hint="请改写，只写事情，不写是谁投诉的",
            )


async def judge(conn: AsyncConnection, said: asked.Verdict, bench: Bench) -> bool:
    """The complainant's verdict, if it is still asked for. -> whether it counted."""
    row = await complaints.lock_numbered(conn, said.number)
    if row is None or row.level != said.round:
        return False
    event = Event.SOLVED if said.solved else Event.UNSOLVED
    before = complaints.body_of(row)
    if complaint.refusal(before, event, None, Side.COMPLAINANT):
        return False
    if (
        complaint.passed(before, bench.today, bench.calendar) is Event.CALL_LAPSE
    ):  # and the clock has not come to it yet
        before = complaint.applied(before, Event.CALL_LAPSE, None, Side.CLOCK, bench.today, bench.calendar)
        await _move(conn, row, Event.CALL_LAPSE, None, before, "", bench)
        row = await complaints.lock(conn, row.id)
        assert row is not None
    one = complaint.applied(before, event, None, Side.COMPLAINANT, bench.today, bench.calendar)
    reason = redacted(said.reason[: complaint.LONGEST_WORDS], person_of(row, bench.secret))
    values = {"site": "", "org": ""} if event is Event.UNSOLVED else {}
    await _move(conn, row, event, None, one, reason, bench, **values)
    return True


async def urge(conn: AsyncConnection, said: asked.Hurry, bench: Bench) -> bool:
    """The complainant asks to hurry; once a day counts. -> whether it counted."""
    row = await complaints.lock_numbered(conn, said.number)
    if row is None:
        return False
    before = complaints.body_of(row)
    if bench.today in before.urged or complaint.refusal(before, Event.URGE, None, Side.COMPLAINANT):
        return False
    one = complaint.applied(before, Event.URGE, None, Side.COMPLAINANT, bench.today, bench.calendar)
    await _move(conn, row, Event.URGE, None, one, "", bench)
    return True


async def pass_day(conn: AsyncConnection, number: int, bench: Bench, heard: date) -> bool:
    """A last day has passed: it is noted for good, or a complaint without a verdict is closed. `heard`: the day until which all that
    complainants have handed in has been taken; a verdict of a later one may wait yet, after which nobody need be called.
    """
    row = await complaints.lock(conn, number)
    assert row is not None
    before = complaints.body_of(row)
    event = complaint.passed(before, bench.today, bench.calendar)
    if event in {Event.SETTLE, Event.CALL_LAPSE} and complaint.passed(before, heard, bench.calendar) is None:
        await complaints.set_check(conn, number, bench.now.at + _UNHEARD)
        return False
    if event is None:
        values = _standing(before, bench)
        if values["next_check_at"] is not None and values["next_check_at"] <= bench.now.at:
            values["next_check_at"] = bench.now.at + _LATER
        await complaints.set_standing(conn, number, values)
        return False
    one = complaint.applied(before, event, None, Side.CLOCK, bench.today, bench.calendar)
    await _move(conn, row, event, None, one, "", bench)
    log.info("complaint.lapsed", number=number)
    return True


# told ---------------------------------------------------------------------------------------------------------


async def publish(store: Store, public: Store, key: bytes, bench: Bench) -> None:
    """Those that have moved since they were told, to whoever complained. `key`: the door's."""
    async with store.read() as conn:
        rows = await complaints.untold(conn, PAGE)
        found = [(row, await account(conn, row, bench.calendar)) for row in rows]
    for row, one in found:
        owner = seal.ref(key, seal.COMPLAINT, row.number)
        at = seal.place(key, seal.COMPLAINT, row.number, person_of(row, bench.secret).code)
        said = seal.closed(at, owner, secrets.token_bytes(crypto.NONCE_BYTES), msgspec.json.encode(one))
        async with public.write() as there:
            await there.execute(delete(told).where(told.c.ref == owner))
            await there.execute(insert(told).values(lookup=at.lookup, ref=owner, sealed=said))
        async with store.write() as conn:
            await complaints.told(conn, row.id, row.entries)


async def account(conn: AsyncConnection, row: Row[Any], calendar: Calendar) -> Account:
    """What the complainant reads; no name of anybody in the hall."""
    entries = await complaints.events(conn, row.id)
    one = complaints.body_of(row)
    replies = tuple(
        Happened(date.fromisoformat(one.day), one.reason) for one in entries if one.event == Event.REPLY
    )
    shown = row.reply if row.state in {State.REPLIED, State.CLOSED} else ""
    refused = next((entry.reason for entry in entries if entry.event == Event.REFUSE), "")
    return Account(
        number=row.number,
        topic=row.topic,
        unit=row.unit,
        state=State(row.state),
        level=row.level,
        due=complaint.due(one, calendar),
        reply=shown,
        earlier=replies[:-1] if shown else replies,
        refused=refused,
        happened=tuple(Happened(date.fromisoformat(entry.day), _told(entry)) for entry in entries),
        is_late=bool(one.lapsed),
        call_by=callback.due(complaint.owed(one), calendar),
    )


def _told(entry: Row[Any]) -> str:
    """An extension goes with its reason."""
    if entry.event == Event.HEARD_UNSOLVED and entry.after == State.CLOSED:
        return TOLD_LAST
    said = TOLD[Event(entry.event)]
    return f"{said}：{entry.reason}" if entry.event == Event.EXTEND else said
