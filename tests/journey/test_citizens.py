"""Days pass for complaints, consultations and ratings, whatever becomes of the public database."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import select, update

from central import citizen_clock, complaint, consult, judge, public, rating
from central.citizen_clock import Heard
from central.complaint import Bench, Words
from central.core import asked
from central.core.access import Role
from central.core.asked import Kind
from central.core.complaint import TOPICS, Actor, Event
from central.correction_clock import Skipped
from central.door import tables as p
from central.store import complaint_tables, complaints, consult_tables, rating_tables, ratings
from central.store.engine import Store
from central.world import Moment
from common.clock import Clock
from common.core.instant import DAY, HOUR
from provisioning.core.identity import Box
from tests.contract import lived
from tests.contract.test_law import Driven
from tests.contract.test_scores import AFTER
from tests.contract.test_store import ZONE, at
from tests.papers import SECRET
from tests.processes import hall
from tests.services import Mosquitto

ASKED, NOW = at("2026-03-02T10:00"), at("2026-04-27T10:00")
NUMBER, CODE = "T260302-ABCDEF", "7K3M-9QRT"
OFFICER = Actor("收", Role.COMPLAINTS)
COMPLAINT = asked.Complaint(
    number=NUMBER, code=CODE, topic=TOPICS[0], unit="云溪镇", text="窗口三次退件，没有书面理由。"
)
EVENTS = (
    complaint_tables.complaint_event.c,
    consult_tables.consult_event.c,
    rating_tables.rating_event.c,
)


async def bench_at(store: Store, now_at: int) -> Bench:
    async with store.read() as conn:
        world = await judge.load_world(conn, ZONE)
    return Bench(Moment(now_at, now_at), ZONE, world.calendar, SECRET)


async def events(store: Store) -> list[list[str]]:
    """Of complaints, consultations and ratings."""
    async with store.read() as conn:
        return [list(await conn.scalars(select(one.event).order_by(one.number))) for one in EVENTS]


@pytest.mark.service
async def test_a_hall_without_its_public_database_still_notes_what_has_passed(mosquitto: Mosquitto) -> None:
    extra = (
        '[public]\nenabled = true\nfolder = "/proc/nowhere"\n'
        f"[clock]\ndemo_office_at = {NOW}\ndemo_start_wall = {Clock().wall()}"
    )
    async with hall(mosquitto, [Box("s01", 1)], extra=extra) as running:
        store = await running.store()
        try:
            bench = await bench_at(store, ASKED)
            async with store.write() as conn:
                await complaint.take(conn, COMPLAINT, [], bench)
                question = asked.Consult("Z260302-ABCDEF", CODE, "", "没有门面可以申请吗")
                await consult.take(conn, question, bench)
                await ratings.add_window(conn, CODE, "s01", "3 号", "云溪镇便民服务中心")
                await rating.take(conn, "r1", asked.Rating(site="s01", window="3 号", level=1), bench)
            async with asyncio.timeout(60):
                while not all("lapse" in found for found in await events(store)):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
        finally:
            await store.close()
        assert "public.unavailable" in running.log


async def test_nobodys_silence_closes_before_the_box_is_read(tmp_path: Path) -> None:
    """The hall was down while the complainant said that it is not solved."""
    await lived.prepared(tmp_path)
    async with lived.living(tmp_path) as here:
        bench = await bench_at(here.store, AFTER)
        async with here.store.write() as conn:
            number = await complaint.take(conn, COMPLAINT, [], bench)
            assert number is not None
            for event, text in ((Event.ACCEPT, ""), (Event.REPLY, "窗口已经改正，请您再去办理。")):
                row = await complaints.lock(conn, number)
                assert row is not None
                await complaint.act(conn, row, event, OFFICER, Words(text), bench)
        late = replace(bench, now=Moment(AFTER + 30 * DAY, AFTER + 30 * DAY))
        for heard in (0, AFTER + 3 * DAY):
            assert await citizen_clock.look_once(here.store, late, Heard(heard), set()) == 0
        verdict = asked.Verdict(NUMBER, 1, False, "又去还是退件")
        await lived.hand_in(here, Kind.VERDICT, "v1", verdict, late.now.at - DAY)
        await public.look_once(here.press, here.world, Driven(late.now.at))
        assert here.press.heard.at == late.now.at - asked.SLACK
        later = replace(late, now=Moment(late.now.at + 2 * HOUR, 0))
        await citizen_clock.look_once(here.store, later, here.press.heard, set())
        assert (await events(here.store))[0] == ["receive", "accept", "reply", "unsolved"]


async def test_silence_closes_once_the_box_is_read(tmp_path: Path) -> None:
    await lived.prepared(tmp_path)
    async with lived.living(tmp_path) as here:
        bench = await bench_at(here.store, AFTER)
        async with here.store.write() as conn:
            number = await complaint.take(conn, COMPLAINT, [], bench)
            assert number is not None
            for event, text in ((Event.ACCEPT, ""), (Event.REPLY, "窗口已经改正，请您再去办理。")):
                row = await complaints.lock(conn, number)
                assert row is not None
                await complaint.act(conn, row, event, OFFICER, Words(text), bench)
        late = replace(bench, now=Moment(AFTER + 30 * DAY, AFTER + 30 * DAY))
        await public.look_once(here.press, here.world, Driven(late.now.at))
        assert await citizen_clock.look_once(here.store, late, here.press.heard, set()) == 1
        assert (await events(here.store))[0][-1] == "settle"


async def test_one_that_cannot_be_moved_holds_up_no_other(tmp_path: Path) -> None:
    await lived.prepared(tmp_path)
    async with lived.living(tmp_path) as here:
        bench = await bench_at(here.store, ASKED)
        async with here.store.write() as conn:
            for place in "AB":
                await complaint.take(conn, replace(COMPLAINT, number=f"T260302-{place}"), [], bench)
            broken = update(complaint_tables.complaint).where(complaint_tables.complaint.c.id == 1)
            await conn.execute(broken.values(body=b"?"))
        late = replace(bench, now=Moment(NOW, NOW))
        skipped: Skipped = set()
        for done in (1, 0):
            assert await citizen_clock.look_once(here.store, late, Heard(), skipped) == done
        assert skipped == {("complaint", 1)}
        async with here.store.read() as conn:
            line = complaint_tables.complaint_event.c
            late_ones = select(line.complaint).where(line.event == "lapse")
            assert list(await conn.scalars(late_ones)) == [2]


async def test_what_a_taken_over_door_hands_in_ends_nothing_and_holds_up_nobody(tmp_path: Path) -> None:
    await lived.prepared(tmp_path)
    async with lived.living(tmp_path) as here:
        await lived.hand_in(here, Kind.SURVEY, "s1", asked.Survey(2**80, {0: ("耐心",)}, b"line"))
        await lived.hand_in(here, Kind.VERDICT, "v1", asked.Verdict("?", 2**80, False, "又去还是退件"))
        await lived.hand_in(here, Kind.COMPLAINT, "z1", COMPLAINT)
        for _ in range(2):
            await here.look()
        assert (await events(here.store))[0] == ["receive"]
        assert here.press.skipped == {("inbox", "s1")}
        async with here.press.public.read() as conn:
            assert list(await conn.scalars(select(p.inbox.c.id))) == ["s1"], "to be looked into"
