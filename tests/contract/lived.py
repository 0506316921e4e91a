"""A hall and its door as they live over the files of a folder: everything that citizens send and that is made public, to the end.

Each act is done by what is found, so that another life goes on where one ended.
"""

import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

from msgspec import Struct
from sqlalchemy import insert

from central import (
    briefing,
    complaint,
    complaint_paper,
    consult,
    document,
    drafted,
    drafting,
    judge,
    public,
    publishing,
    rating,
    scoring,
    survey,
)
from central.complaint import Bench, Words
from central.config import CentralConfig, PublicConfig
from central.core import asked
from central.core import consult as consult_core
from central.core import rating as rating_core
from central.core import survey as survey_core
from central.core.access import Permission, Role
from central.core.asked import Attached, Kind, Said
from central.core.blank import Kind as FileKind
from central.core.blank import Paper
from central.core.complaint import TOPICS, Actor, Event, State
from central.core.document import Kind as DocumentKind
from central.core.item import Item
from central.core.objection import ObjectionState
from central.core.release import ReleaseState
from central.core.scheme import MINGCHA_100
from central.core.scope import EVERYTHING
from central.correction_paper import Desk
from central.door import seal
from central.door import store as box
from central.scoring import Sender
from central.store import (
    audit,
    blanks,
    briefings,
    bulletins,
    complaints,
    consults,
    documents,
    drafts,
    excerpts,
    items,
    publications,
    ratings,
    scope,
    scores,
    surveys,
    telling,
)
from central.store import tables as t
from central.store.engine import Store, open_store
from central.world import Moment, World
from common.core import crypto
from common.core.instant import HOUR
from common.mqtt import MqttConfig
from tests import halls
from tests.contract.test_briefings import MONTH
from tests.contract.test_documents import drawn
from tests.contract.test_law import Driven
from tests.contract.test_scores import AFTER, LAST, MARCH, _case
from tests.contract.test_store import ZONE, at, box_row, sent
from tests.correcting import desk
from tests.files import office, pdf
from tests.keyed import keyed
from tests.papers import ISSUER, SECRET
from tests.sender import passed

KEY = seal.key_of(SECRET)
WIRE = bytes(range(100, 132))
FINAL = Sender("b", "期满定稿", at("2026-04-14T09:00"), 2)
NUMBER, QUESTION, WHO = "T260403-ABCDEF", "Z260403-ABCDEF", "欧阳明珠"
PNG = b"\x89PNG\r\n\x1a\n" + os.urandom(300_000)
FORM = office("word")
"""Packed once: it bears the time."""
ORG = "市场监管所"
OFFICER, SECOND = Actor("收", Role.COMPLAINTS), Actor("监", Role.SUPERVISOR)
UNIT = Actor("clerk", Role.CLERK, frozenset({"s01"}))
ACTS: dict[tuple[State, int], tuple[Event, Actor, Words]] = {
    (State.RECEIVED, 1): (Event.ACCEPT, OFFICER, Words()),
    (State.ACCEPTED, 1): (Event.ASSIGN, OFFICER, Words("反映三次退件，没有书面理由", "s01", ORG)),
    (State.ASSIGNED, 1): (Event.ANSWER, UNIT, Words("已查，确有退件，已向窗口重申")),
    (State.ANSWERED, 1): (Event.REPLY, OFFICER, Words("窗口已经改正，请您再去办理")),
    (State.ACCEPTED, 2): (Event.REPLY, SECOND, Words("已责成退还材料并当场受理")),
}


class Still(Driven):
    """Its wall clock stands too, so that what is published bears one time."""

    def wall(self) -> int:
        return self.now


class Hall(Struct):
    """One life of a hall over the files of a folder, and the door's store."""

    store: Store
    press: public.Press
    world: World
    table: Desk

    @property
    def bench(self) -> Bench:
        return Bench(Moment(AFTER, AFTER), ZONE, self.world.calendar, SECRET)

    async def look(self) -> None:
        self.press.beat_wall = self.press.guides_wall = 0
        await public.look_once(self.press, self.world, self.table.clock)


@asynccontextmanager
async def living(folder: Path) -> AsyncIterator[Hall]:
    store = await open_store(keyed(folder / "central.db"))
    config = CentralConfig(mqtt=MqttConfig(host="x"), public=PublicConfig(enabled=True, folder=folder))
    try:
        published = await public.open_as_hall(config, store, KEY)
        try:
            async with store.write() as conn:
                world = await judge.load_world(conn, ZONE)
                await telling.set_door(conn, is_open=True)
            press = public.Press(store, published, SECRET, WIRE)
            yield Hall(store, press, world, desk(Still(AFTER), world.calendar))
        finally:
            await published.close()
    finally:
        await store.close()


async def prepared(folder: Path) -> None:
    """A city's first site with a month behind it, and everybody who has to be told."""
    await halls.empty(folder)
    store = await open_store(keyed(folder / "central.db"))
    posts = (Role.COMPLAINTS, Role.CLERK, Role.HEAD, Role.SUPERVISOR, Role.CHIEF)
    fixed = {"password": "!", "must_change": False, "disabled": False, "created_wall": 0}
    async with store.write() as conn:
        await conn.execute(insert(t.site).values(id="s01", name="云溪镇", kind="township", position=0))
        await conn.execute(insert(t.box), [box_row(1)])
        await conn.execute(
            insert(t.user), [fixed | {"name": role.value, "role": role.value} for role in posts]
        )
        for role in (Role.CLERK, Role.HEAD):
            await scope.give(conn, role.value, ["s01"], [])
        await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
        await items.add(conn, [Item("SX1", "食品经营许可", 20, 10)], "w", "test", 0)
        world = await judge.load_world(conn, ZONE)
    ends = {3: "2026-03-20", 4: "2026-04-01"}
    cases = [_case(n, "2026-03-02", ends.get(n, "2026-03-05"), phone="13912345678") for n in range(12)]
    await sent(store, world, [*cases, passed(AFTER - HOUR)], now=AFTER)
    await store.close()


# what is done -------------------------------------------------------------------------------------------------


async def hand_in(hall: Hall, kind: Kind, name: str, what: Said, sent_at: int = AFTER) -> None:
    """As the door does; whoever does not know whether it came sends it again."""
    header = asked.header(kind, name, sent_at)
    sealed = crypto.seal_batch(crypto.wire_public(WIRE), header, asked.encoded(what))
    row = {"id": name, "kind": kind.value, "lookup": name.encode(), "sealed": sealed, "sent_at": sent_at}
    async with hall.press.public.write() as conn:
        await box.hand_in(conn, row)


async def citizens(hall: Hall) -> None:
    """Everybody sends once more what was sent in another life."""
    file = crypto.seal_batch(crypto.wire_public(WIRE), asked.file_header("c1", "f1"), PNG)
    async with hall.press.public.write() as conn:
        await box.forget(conn, "c1", "f1")
        await box.keep(
            conn, {"id": "f1", "draft": "c1", "size": len(PNG), "sealed": file, "made_wall": AFTER}
        )
    said = asked.Complaint(
        number=NUMBER, code="7K3M-9QRT", topic=TOPICS[0], unit="云溪镇便民服务中心", name=WHO, phone="13812345678", may_publish=True,
        text=f"本人{WHO}，窗口三次退件。", files=(Attached("f1", "窗口.png", len(PNG)),),
    )  # fmt: skip
    await hand_in(hall, Kind.COMPLAINT, "c1", said)
    await hand_in(hall, Kind.RATING, "r1", asked.Rating(site="s01", key="00", level=1, text="等了一上午"))
    await hand_in(hall, Kind.CONSULT, "q1", asked.Consult(QUESTION, "7K3M-9QRT", "SX1", "没有门面可以申请吗"))
    await hand_in(hall, Kind.SURVEY, "s1", asked.Survey(1, {0: ("耐心",)}, b"line"))


async def go_on(hall: Hall) -> None:
    """Do what is not done yet, an act to a transaction, as pages and loops do."""
    await survey_out(hall)
    await posted(hall)
    await hall.look()
    await citizens(hall)
    await hall.look()
    await complained(hall)
    await excerpted(hall)
    await rated(hall)
    await consulted(hall)
    await scored(hall)
    await briefed(hall)
    await signed(hall)
    await document.finish_all(hall.store, drawn, SECRET)
    await hall.look()


async def survey_out(hall: Hall) -> None:
    asks = survey_core.parsed("窗口的人耐心吗\n耐心\n不耐心")
    body = survey_core.Survey(
        title="办事环境", intro="不记名", questions=asks, first=date(2026, 4, 1), last=date(2026, 4, 30)
    )
    async with hall.store.write() as conn:
        if await surveys.one(conn, 1) is None:
            await survey.draft(conn, body, "publisher", AFTER)
    async with hall.store.write() as conn:
        row = await surveys.one(conn, 1)
        assert row is not None
        if row.state == "draft":
            await survey.decide(
                conn, 1, survey_core.Event.RELEASE, "releaser", "核对无误", AFTER, hall.table.today
            )


async def posted(hall: Hall) -> None:
    """A form with its sample, an announcement."""
    files = [(FORM, FileKind.DOCX), (pdf(), FileKind.PDF)]
    form, sample = ((Paper(kind, len(body), hashlib.sha256(body).hexdigest()), body) for body, kind in files)
    async with hall.store.write() as conn:
        if await blanks.one(conn, 1) is None:
            await blanks.draft(conn, ("SX1", 1), "申请书", (form, sample), "a", AFTER)
    async with hall.store.write() as conn:
        if await bulletins.one(conn, 1) is None:
            await bulletins.draft(conn, "放假公告", "国庆节放假一天。\n照常值班。", "a", AFTER)
    for table in (blanks, bulletins):
        async with hall.store.write() as conn:
            row = await table.one(conn, 1)
            assert row is not None
            if row.state == ReleaseState.DRAFT.value:
                await table.move(conn, row, ReleaseState.RELEASED, "b", "核对无误", AFTER)


async def complained(hall: Hall) -> None:
    """To the end: not solved, one level up, solved."""
    while True:
        async with hall.store.read() as conn:
            row = await complaints.one(conn, EVERYTHING, 1)
        assert row is not None
        if row.state == State.CLOSED:
            return
        if row.state == State.REPLIED:
            solved = row.level == 2
            said = asked.Verdict(NUMBER, row.level, solved, "" if solved else "又去还是退件")
            await hand_in(hall, Kind.VERDICT, f"verdict-{NUMBER}-{row.level}", said)
            await hall.look()
            continue
        what, actor, words = ACTS[State(row.state), row.level]
        async with hall.store.write() as conn:
            locked = await complaints.lock(conn, 1)
            assert locked is not None
            await complaint.act(conn, locked, what, actor, words, hall.bench)
            await complaint_paper.draft_after(conn, locked, what, actor.person, hall.table)


async def excerpted(hall: Hall) -> None:
    """Its reply made public by two persons."""
    async with hall.store.write() as conn:
        row = await complaints.lock(conn, 1)
        assert row is not None
        if not await excerpts.of(conn, row.id):
            await excerpts.draft(conn, row, "窗口三次退件，没有书面理由。", row.reply, "a", AFTER)
    async with hall.store.write() as conn:
        (one,) = await excerpts.of(conn, 1)
        if one.state == ReleaseState.DRAFT.value:
            await excerpts.move(conn, one, ReleaseState.RELEASED, "b", "核对无误", AFTER)


async def rated(hall: Hall) -> None:
    acts = {
        "mending": (rating_core.Event.MEND, Permission.ANSWER_RATING, UNIT, "已向窗口重申"),
        "mended": (rating_core.Event.CONTENT, Permission.WORK_RATING, Actor("c", Role.CENTRE), "本人认可"),
    }
    for _ in acts:
        async with hall.store.write() as conn:
            row = await ratings.lock(conn, 1)
            assert row is not None
            if row.state in acts:
                what, may, actor, words = acts[row.state]
                await rating.act(conn, row, what, may, actor, words, hall.bench)


async def consulted(hall: Hall) -> None:
    told = consult.Words("固定场所是条件之一，请带租赁合同", "没有门面可以申请吗")
    acts = {
        "asked": (consult_core.Event.ANSWER, Permission.WORK_CONSULT, "c"),
        "answered": (consult_core.Event.DRAFT, Permission.WORK_CONSULT, "c"),
        "drafted": (consult_core.Event.RELEASE, Permission.RELEASE_PUBLICATION, "r"),
    }
    for _ in acts:
        async with hall.store.write() as conn:
            row = await consults.lock(conn, 1)
            assert row is not None
            if row.state in acts:
                what, may, who = acts[row.state]
                await consult.act(conn, row, what, may, who, told, hall.bench)


async def scored(hall: Hall) -> None:
    """A month, an objection granted, the final result, its release."""
    store = hall.store
    async with store.read() as conn:
        await audit.freeze(conn)
        first = await scores.newest(conn, MARCH.name)
        made = None if first is not None else await scoring.provisional(conn, MARCH, MINGCHA_100, ZONE, AFTER)
    if made is not None:
        async with store.write() as conn:
            await scoring.keep_provisional(conn, made, Sender("a", "月评", AFTER, AFTER), ZONE)
    async with store.write() as conn:
        if not await scores.objections(conn, 1):
            fault = scores.Fault(1, "s01", "03", "promise_late")
            await scores.object_to(conn, fault, LAST, "unit", "系统故障期间无法办结", 3)
    async with store.write() as conn:
        (mine,) = await scores.objections(conn, 1)
        if mine.state == ObjectionState.WAITING.value:
            await scores.decide(conn, mine.id, ObjectionState.GRANTED, "b", "情况属实", 4)
    async with store.write() as conn:
        newest = await scores.newest(conn, MARCH.name)
        assert newest is not None
        number = newest.id if newest.is_final else await scoring.finish(conn, newest.id, FINAL, ZONE)
    async with store.write() as conn:
        if not await publications.listed(conn, 9):
            await publishing.draft(conn, number, "三月评分", FINAL, merges=False)
    async with store.write() as conn:
        (made_public,) = await publications.listed(conn, 9)
        if made_public.state == ReleaseState.DRAFT.value:
            await publications.decide(conn, made_public.id, ReleaseState.RELEASED, "c", "同意", AFTER)


async def briefed(hall: Hall) -> None:
    async with hall.store.write() as conn:
        if not await briefings.plans(conn):
            number = await briefing.make(
                conn, MONTH, "jian", desk(Still(at("2026-03-18T10:00")), hall.world.calendar)
            )
            await briefings.subscribe(conn, number, "supervisor", wanted=True)
    await briefing.look_once(hall.store, hall.table)


async def signed(hall: Hall) -> None:
    """Everything that waits for a signature, by another person."""
    async with hall.store.read() as conn:
        waiting = list(await drafts.waiting(conn))
    for row in sorted(waiting, key=lambda one: one.id):
        async with hall.store.read() as conn:
            await audit.freeze(conn)
            said = await drafted.today(conn, row, hall.table)
        async with hall.store.write() as conn:
            _, code = await drafting.sign(conn, row.id, 0, "ling", Role.CHIEF, said, hall.table)
            if row.kind == DocumentKind.BRIEFING:
                await briefing.tell(conn, row.subject, code, hall.table)
