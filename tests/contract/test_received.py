"""What citizens hand in counts from when they sent it: through a hall that was away, and a door that says otherwise."""

import asyncio
import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import select, text, update
from structlog.testing import capture_logs

from central import citizen_clock, public
from central import complaint as receiving
from central.complaint import Words
from central.core import asked, complaint, consult, rating
from central.core.asked import Hurry, Kind, Urge
from central.core.complaint import TOPICS, Event
from central.core.scope import EVERYTHING
from central.door import store as box
from central.door import tables as p
from central.store import complaint_tables as ct
from central.store import complaints, consults, ratings, telling
from central.store import consult_tables as qt
from central.store import rating_tables as rt
from central.store.engine import Store
from central.store.message_tables import message
from central.store.public_tables import case_urge
from central.world import Moment
from common.core.instant import DAY, HOUR, MINUTE, SECOND, start_of_day
from tests.contract.lived import OFFICER, QUESTION, Hall, Still, hand_in, living, prepared
from tests.contract.test_law import Driven
from tests.contract.test_scores import AFTER
from tests.contract.test_store import ZONE, store

__all__ = ["store"]
FRIDAY = date(2026, 4, 3)
FAILS = "CREATE TRIGGER fails BEFORE INSERT ON complaint BEGIN SELECT RAISE(ABORT, 'not today'); END"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("city")
    asyncio.run(prepared(folder))
    return folder


@pytest.fixture
def folder(city: Path, tmp_path: Path) -> Path:
    return shutil.copytree(city, tmp_path / "hall")


def said(number: str) -> asked.Complaint:
    text = "窗口三次退件，没有书面理由。"
    return asked.Complaint(number=number, code="7K3M-9QRT", topic=TOPICS[0], unit="云溪镇", text=text)


async def look(hall: Hall, at: int) -> None:
    """What the hall does at `at`."""
    clock = hall.table.clock
    assert isinstance(clock, Still)
    clock.now = at
    await hall.look()


async def received(hall: Hall, number: str) -> int | None:
    async with hall.store.read() as conn:
        found: int | None = await conn.scalar(
            select(ct.complaint.c.received_at).where(ct.complaint.c.number == number)
        )
    return found


async def test_a_hall_that_was_away_owes_from_the_day_on_which_it_was_sent(folder: Path) -> None:
    """Friday before three days off; the hall is back on Thursday."""
    sent_at, back = AFTER + 8 * HOUR, AFTER + 6 * DAY
    async with living(folder) as hall:
        await look(hall, AFTER)
    async with living(folder) as hall:
        await hand_in(hall, Kind.COMPLAINT, "c1", said("T1"), sent_at)
        await hand_in(hall, Kind.COMPLAINT, "c2", said("T2"), sent_at + DAY)
        for place in range(3):
            await hand_in(hall, Kind.HURRY, f"h{place}", Hurry("T1"), sent_at + place * DAY + 1)
        await hand_in(hall, Kind.URGE, "u1", Urge("s01", "00"), sent_at)
        await hand_in(
            hall, Kind.RATING, "r1", asked.Rating(site="s01", key="00", level=1, text="慢"), sent_at
        )
        await hand_in(hall, Kind.CONSULT, "q1", asked.Consult(QUESTION, "7K3M", "SX1", "要多久"), sent_at)
        await look(hall, back)
        calendar = hall.world.calendar
        async with hall.store.read() as conn:
            first, second = (await conn.execute(select(ct.complaint).order_by(ct.complaint.c.number))).all()
            asks = (await conn.execute(select(qt.consult))).one()
            rated = (await conn.execute(select(rt.rating))).one()
            urged = (await conn.execute(select(case_urge))).one()
            events = await complaints.events(conn, first.id)
            told = list(
                await conn.scalars(select(message.c.made_at).where(message.c.event.like("complaint%")))
            )
    ours = complaints.body_of(first)
    begun_on = complaint.received(FRIDAY, calendar, hall.press.terms)
    assert (ours.clock, ours.reply_clock) == (begun_on.clock, begun_on.reply_clock)
    assert (first.received_at, second.received_at) == (sent_at, sent_at + DAY)
    assert first.due_day == "2026-04-13", (
        "five working days after that Friday: the three days off do not count"
    )
    assert second.due_day == "2026-04-14", "sent on a day off: received on Tuesday"
    assert ours.urged == tuple(FRIDAY + timedelta(days=place) for place in range(3)), (
        "each of the days counts"
    )
    assert [one.day for one in events] == ["2026-04-03", "2026-04-03", "2026-04-04", "2026-04-05"]
    assert consults.body_of(asks) == consult.asked(FRIDAY, calendar)
    assert (asks.received_at, asks.day) == (sent_at, "2026-04-03")
    begun = rating.rated(rating.Level(1), FRIDAY, calendar, can_call=True)
    assert (ratings.body_of(rated), rated.at, rated.day) == (begun, sent_at, "2026-04-03")
    assert (urged.day, urged.at) == ("2026-04-03", sent_at)
    assert set(told) == {back}, "messages are written when the hall is back"


async def test_what_the_door_says_of_the_past_or_the_future_is_bounded(folder: Path) -> None:
    """Of a door that was taken over, whose box has been empty once a hall was there."""
    async with living(folder) as hall:
        await look(hall, AFTER)
    async with living(folder) as hall:
        await hand_in(hall, Kind.COMPLAINT, "c1", said("T1"), AFTER - 30 * DAY)
        await hand_in(hall, Kind.COMPLAINT, "c2", said("T2"), AFTER + 30 * DAY)
        await hand_in(hall, Kind.COMPLAINT, "c3", said("T3"), AFTER + HOUR)
        async with hall.press.public.write() as conn:
            await conn.execute(update(p.inbox).where(p.inbox.c.id == "c3").values(sent_at=AFTER + 1))
        with capture_logs() as logs:
            await look(hall, AFTER + DAY)
        found = [await received(hall, number) for number in ("T1", "T2", "T3")]
    assert found == [AFTER - MINUTE, AFTER + DAY, None]
    names = sorted(line["event"] for line in logs if line["event"].startswith("inbox"))
    assert names == ["inbox.misdated", "inbox.misdated", "inbox.refused"]


async def test_the_time_of_a_demonstration_flies_between_two_beats(folder: Path) -> None:
    """Five seconds of a night are eight hours: the door lies that far behind, and nobody has been at it."""
    async with living(folder) as hall:
        hall.press.slack = 9 * HOUR
        await look(hall, AFTER)
        await hand_in(hall, Kind.COMPLAINT, "c1", said("T1"), AFTER - 8 * HOUR)
        with capture_logs() as logs:
            await look(hall, AFTER + HOUR)
        assert await received(hall, "T1") == AFTER - 8 * HOUR
    assert not [line for line in logs if line["event"] == "inbox.misdated"]


async def test_what_could_not_be_taken_keeps_its_day_until_it_is(folder: Path) -> None:
    """The hall sees it, fails, and takes it after its next start."""
    async with living(folder) as hall:
        await look(hall, AFTER)
        await hand_in(hall, Kind.COMPLAINT, "c1", said("T1"), AFTER + HOUR)
        async with hall.store.write() as conn:
            await conn.execute(text(FAILS))
        await look(hall, AFTER + 2 * HOUR)
        assert hall.press.skipped
        await look(hall, AFTER + DAY)
        async with hall.store.write() as conn:
            await conn.execute(text("DROP TRIGGER fails"))
    async with living(folder) as hall:
        await look(hall, AFTER + 2 * DAY)
        assert await received(hall, "T1") == AFTER + HOUR


async def replied(hall: Hall, phone: str) -> None:
    """A complaint that is answered on Friday."""
    said_so = replace(said("T1"), name="欧阳明珠", phone=phone)
    async with hall.store.write() as conn:
        await receiving.take(conn, said_so, [], hall.bench)
        for event in (Event.ACCEPT, Event.REPLY):
            row = await complaints.lock(conn, 1)
            assert row is not None
            await receiving.act(conn, row, event, OFFICER, Words("窗口已经改正，请您再去办理。"), hall.bench)


async def passed(hall: Hall, at: int) -> list[str]:
    """The clock's look at `at`. -> what has become of the complaint since its answer."""
    bench = replace(hall.bench, now=Moment(at, at))
    await citizen_clock.look_once(hall.store, bench, hall.press.heard, set())
    async with hall.store.read() as conn:
        return [f"{one.event} {one.day}" for one in await complaints.events(conn, 1)][3:]


@pytest.mark.parametrize(("days", "late"), [(4, []), (5, ["call_lapse 2026-04-08"])])
async def test_who_has_said_whether_it_is_solved_is_not_called_any_more(
    folder: Path, days: int, late: list[str]
) -> None:
    """To be called on the Tuesday after three days off; the hall is away until Friday, and its clock looks before the box is read."""
    back = AFTER + 7 * DAY
    async with living(folder) as hall:
        await look(hall, AFTER)
        await replied(hall, "13912345678")
    async with living(folder) as hall:
        await hand_in(hall, Kind.VERDICT, "v1", asked.Verdict("T1", 1, True, ""), AFTER + days * DAY)
        assert await passed(hall, back) == []
        await look(hall, back)
        assert await passed(hall, back + 2 * HOUR) == [*late, f"solved {FRIDAY + timedelta(days)}"]


async def test_nobodys_silence_closes_while_a_verdict_lies_in_the_box(folder: Path) -> None:
    """It was sent in the last second, lay in the box a little later, and could not be taken until the next start."""
    midnight = start_of_day(date(2026, 4, 21), ZONE)
    async with living(folder) as hall:
        await replied(hall, "")
        async with hall.store.write() as conn:
            await conn.execute(
                text(FAILS.replace("complaint BEGIN", "complaint_event WHEN NEW.event = 'unsolved' BEGIN"))
            )
        await look(hall, midnight + 10 * SECOND)
        assert await passed(hall, midnight + 11 * SECOND) == []
        verdict = asked.Verdict("T1", 1, False, "又去还是退件")
        await hand_in(hall, Kind.VERDICT, "v1", verdict, midnight - SECOND)
        for later in (HOUR, 2 * HOUR):
            await look(hall, midnight + later)
            assert await passed(hall, midnight + later) == []
        assert hall.press.skipped
        async with hall.store.write() as conn:
            await conn.execute(text("DROP TRIGGER fails"))
    async with living(folder) as hall:
        await look(hall, midnight + DAY)
        assert await passed(hall, midnight + DAY) == ["unsolved 2026-04-20"]


async def test_nothing_waits_until_a_whole_city_is_published(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes many looks; who hands in meanwhile is taken, and told, while most of its cases are still to be published."""
    monkeypatch.setattr(public, "PAGE", 1)
    clock = Going(AFTER)
    async with living(folder) as hall:
        assert await public.look_once(hall.press, hall.world, clock, public.BEAT_EVERY) == 1
        await hand_in(hall, Kind.COMPLAINT, "c1", said("T1"), AFTER)
        before = clock.now
        assert await public.look_once(hall.press, hall.world, clock, public.BEAT_EVERY) == 1
        assert hall.press.heard.at == before - asked.SLACK
        async with hall.store.read() as conn:
            row = await complaints.one(conn, EVERYTHING, 1)
            assert await telling.waiting(conn, 9)
        assert row is not None
        assert row.told == row.entries
        async with hall.press.public.read() as conn:
            beat = await box.beat(conn)
        assert beat is not None
        assert beat.at == before


class Going(Driven):
    """Six seconds pass whenever somebody asks."""

    def wall(self) -> int:
        self.now += 6 * SECOND
        return self.now


async def test_when_the_box_was_last_empty_only_goes_on(store: Store) -> None:
    """Through a door that was closed and opened again, and a clock that was put back."""
    async with store.write() as conn:
        await telling.set_emptied(conn, 5)
        assert await telling.emptied_at(conn) == 0, "there is no door yet"
        await telling.set_door(conn, is_open=True)
        for at in (9, 7):
            await telling.set_emptied(conn, at)
        await telling.set_door(conn, is_open=False)
        await telling.set_door(conn, is_open=True)
        assert await telling.emptied_at(conn) == 9


INSTANTS = st.integers(0, 1 << 50)


@given(INSTANTS, INSTANTS, INSTANTS)
def test_the_door_is_believed_between_the_last_empty_box_and_now(sent: int, emptied: int, now: int) -> None:
    found = asked.received_at(sent, emptied, now)
    assert found <= now
    assert found >= min(emptied - asked.SLACK, now)
    if emptied <= sent <= now:
        assert found == sent
