"""Two sites whose cases, corrections, catalogue and calendar change by chance, for roll-ups to be held against."""

import random
from collections import Counter, defaultdict
from contextlib import suppress
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import insert, select

from central import correction_clock, statistics, ticker
from central.core.correction import Event
from central.core.figure import FIGURES, Dimension
from central.core.item import Item
from central.core.judgement import WithdrawalState
from central.core.scope import EVERYTHING, Scope
from central.ingest import ingest_batches
from central.judge import Moment, World
from central.opening import open_batch
from central.statistics import Asked, asked_of
from central.store import audit, documents, items, law, tallies, withdrawals
from central.store import tables as t
from central.store.engine import Store
from central.tally import Booker
from common.core.errors import RejectedError
from common.core.instant import DAY, HOUR, MINUTE
from common.core.record import Case, Op
from common.core.state import CaseStatus
from tests.contract.test_law import Driven
from tests.contract.test_store import ZONE, at, box_row, welcomed
from tests.correcting import REVIEWER, TO_SIGN, desk, moved
from tests.papers import ISSUER, SECRET
from tests.sender import SECRETS, SIGN_KEY, Sender, draft, passed

ELSEWHERE = ZoneInfo("PRC")
"""The same days by another name: no roll-up is of it, so that every case is counted."""
SITES = ("s01", "s02")
SCOPES = (
    EVERYTHING, Scope(frozenset({"s02"}), None), Scope(None, frozenset({"工商所"})),
    Scope(frozenset({"s01"}), frozenset({"工商所", "国土所"})),
)  # fmt: skip
HAND = "2026-02"
PERIODS = ("2026-01", "2026-02", "2026-03", "2026-Q1", "2026")
START = at("2026-01-08T10:00")
Facts = dict[str, Any]
HELD = 4
"""One record in so many is kept back, and comes later than what was captured after it."""


class Sent(Struct, frozen=True):
    """A record of a site's box: of which case, under which number, what it said."""

    place: tuple[str, str]
    number: int
    version: int
    facts: Facts | None


class Story:
    """What happens to two sites, drawn by `seed`. `told`: (site, key) -> version and facts that the hall has of it; None: deleted."""

    def __init__(self, store: Store, world: World, seed: int) -> None:
        self.store, self.world, self.chance = store, world, random.Random(seed)
        self.senders = {site: Sender(site) for site in SITES}
        self.held_back: list[Sent] = []
        self.made: dict[tuple[str, str], tuple[int, Facts]] = {}
        self.told: dict[tuple[str, str], tuple[int, Facts | None]] = {}
        self.now, self.versions = START, 1
        self.booker = Booker(store, ZONE)

    async def begin(self) -> None:
        async with self.store.write() as conn:
            await conn.execute(
                insert(t.site), [{"id": "s02", "name": "青峪镇", "kind": "street", "position": 1}]
            )
            await conn.execute(insert(t.box), [box_row(1) | {"site": "s02"}])
            await documents.set_issuer(conn, ISSUER, "w", "设置", 0)
            assert await tallies.begin(conn, ZONE.key, "1")
            assert not await tallies.begin(conn, ZONE.key, "1")
        for sender in self.senders.values():
            assert await welcomed(self.store, sender) == ""

    async def go_on(self, *, refiled: bool) -> None:
        deeds = [
            self.file, self.file, self.finish, self.finish, self.move, self.delete, self.catch_up, self.look, self.look, self.act,
            self.decide, self.catalogue, self.notice, self.book, self.book,
        ]  # fmt: skip
        self.now += self.chance.randrange(1, 60) * HOUR
        await self.chance.choice([*deeds, self.file_again] if refiled else deeds)()

    # what sites do

    def spelt(self, from_at: int) -> str:
        """An instant between then and now, often near midnight, in one of the spellings of sources."""
        moment = datetime.fromtimestamp(self.chance.randint(from_at, self.now) / 1e6, ZONE)
        near = moment.replace(hour=self.chance.choice((0, 9, 23)), minute=30, second=0, microsecond=0)
        near = near if from_at <= near.timestamp() * 1e6 <= self.now else moment
        return self.chance.choice((near.isoformat(), near.astimezone(ZoneInfo("UTC")).isoformat()))

    async def file(self) -> None:
        for _ in range(self.chance.randrange(1, 5)):
            facts = {
                "item_code": self.chance.choice(("SX1", "SX2", None)), "item_name": self.chance.choice(("食品经营许可", "食品许可（新）", None)),
                "org": self.chance.choice(("工商所", "国土所", None)), "accepted_at": self.spelt(self.now - 25 * DAY), "legal": 5,
                "promised": 3, "responsible": self.chance.choice(("王明", "李红", None)), "status": CaseStatus.ACCEPTED,
                "channel": self.chance.choice(("窗口", "网上", None)),
            }  # fmt: skip
            await self.tell((self.chance.choice(SITES), f"k{len(self.made)}"), facts)

    async def finish(self) -> None:
        """Or say otherwise when it was finished, and how."""
        if self.made:
            place, (_, facts) = self._one()
            how = self.chance.choice(
                ({"outcome": "准予"}, {"outcome": "不予许可", "reason": "材料不齐"}, {"outcome": None})
            )
            ended = self.spelt(_at(facts["accepted_at"]))
            await self.tell(place, facts | how | {"finished_at": ended, "status": CaseStatus.DONE})

    async def move(self) -> None:
        if self.made:
            place, (_, facts) = self._one()
            more = self.chance.choice(
                ({"org": "工商所"}, {"org": "国土所"}, {"item_name": "改了名的事项"}, {"item_code": "SX2"})
            )
            await self.tell(place, facts | more)

    async def file_again(self) -> None:
        """Or it was never over."""
        if self.made:
            place, (_, facts) = self._one()
            again = {"accepted_at": self.spelt(self.now - 5 * DAY)} if self.chance.randrange(2) else {}
            await self.tell(
                place, facts | again | {"finished_at": None, "outcome": None, "status": CaseStatus.ACCEPTED}
            )

    async def delete(self) -> None:
        if self.made:
            await self.tell(self._one()[0], None)

    def _one(self) -> tuple[tuple[str, str], tuple[int, Facts]]:
        return self.chance.choice(sorted(self.made.items(), key=lambda one: one[0]))

    async def tell(self, place: tuple[str, str], facts: Facts | None) -> None:
        site, key = place
        version, before = self.made.get(place, (0, {}))
        self.made[place] = (version + 1, before if facts is None else facts)
        op = Op.PUT if facts else Op.DELETE
        body = Case(case_key=key, case_no=f"SL{key}", **self.made[place][1])
        self.senders[site].number(draft(body, key=key, version=version + 1, op=op, at=self.now))
        one = Sent(place, self.senders[site].newest, version + 1, facts)
        if self.chance.randrange(HELD):
            await self._arrive(one)
        else:
            self.held_back.append(one)

    async def catch_up(self) -> None:
        """What was held back comes in any order; both sites are whole up to now."""
        self.chance.shuffle(self.held_back)
        late, self.held_back = self.held_back, []
        for one in late:
            await self._arrive(one)
        for site, sender in self.senders.items():
            sender.number(passed(self.now - MINUTE))
            await self._arrive(Sent((site, ""), sender.newest, 0, None))

    async def _arrive(self, one: Sent) -> None:
        site = one.place[0]
        opened = [open_batch(site, self.senders[site].payload(one.number, one.number), SECRETS, SIGN_KEY)]
        async with self.store.write() as conn:
            await ingest_batches(conn, opened, self.world, Moment(self.now, self.now))
        if self.told.get(one.place, (0, None))[0] < one.version:
            self.told[one.place] = (one.version, one.facts)

    # what the hall and its people do

    async def look(self) -> None:
        await ticker.tick_once(self.store, self.world, Driven(self.now))
        await correction_clock.look_once(self.store, self.world, Driven(self.now), SECRET, set())

    async def act(self) -> None:
        async with self.store.read() as conn:
            numbers = list(await conn.scalars(select(t.correction.c.id).where(t.correction.c.is_open)))
        if numbers:
            move = self.chance.choice([*TO_SIGN, (Event.SEND_BACK, REVIEWER)])
            with suppress(RejectedError):
                await moved(
                    self.store, self.chance.choice(numbers), desk(Driven(self.now), self.world.calendar), move
                )

    async def decide(self) -> None:
        proposed = select(t.withdrawal).where(t.withdrawal.c.state == WithdrawalState.PROPOSED.value)
        async with self.store.write() as conn:
            for row in (await conn.execute(proposed)).all():
                state = self.chance.choice((WithdrawalState.WITHDRAWN, WithdrawalState.KEPT))
                place = row.site, row.case_key, row.clock, row.cycle
                await withdrawals.decide(conn, place, state, "w", "已核实", self.now)

    async def catalogue(self) -> None:
        since = date.fromisoformat(_day(self.spelt(self.now - 30 * DAY)))
        await self.list(self.chance.choice(("SX1", "SX2")), since)

    async def list(self, code: str, since: date) -> None:
        self.versions += 1
        item = Item(code, "食品经营许可", 20, 10, version=self.versions, valid_from=since)
        async with self.store.write() as conn:
            await items.add(conn, [item], "w", "改", 0)

    async def notice(self, number: int = 1) -> None:
        """So many working days of the first weeks turn out to be none, or the other way about."""
        async with self.store.write() as conn:
            days = [
                (date.fromisoformat(row.day), bool(row.workday), row.reason)
                for row in await law.year(conn, 2026)
            ]
            for place in self.chance.sample(range(75), number):
                days[place] = (days[place][0], not days[place][1], "更正")
            await law.add_year(conn, days, "更正", "w", "更正", self.now, 0)

    async def book(self) -> None:
        await self.booker.turn(self.chance.choice((1, 3, 200)))

    # what must be

    async def is_told_alike(self) -> None:
        chance = self.chance
        by = chance.sample([one.value for one in Dimension if one is not Dimension.STEP], chance.randrange(4))
        versus = chance.choice(("", "before"))
        figures = ["lit"] if {"light", "rule"} & {*by} else chance.sample(sorted(FIGURES), 8)
        wanted = asked_of(chance.choice(PERIODS), by, figures, versus)
        await self._alike(wanted, chance.choice(SCOPES))

    async def is_all_told_alike(self) -> None:
        await self._alike(asked_of("2026", ["org", "item"], sorted(FIGURES), ""), EVERYTHING)
        await self._alike(asked_of("2026", ["person", "channel", "week"], sorted(FIGURES), ""), EVERYTHING)
        await self._alike(asked_of("2026", ["rule", "light", "month"], ["lit"], ""), EVERYTHING)

    async def _alike(self, wanted: Asked, reached: Scope) -> None:
        async with self.store.read() as conn:
            await audit.freeze(conn)
            rolled = await statistics.answer(conn, reached, wanted, ZONE, self.now)
            counted = await statistics.answer(conn, reached, wanted, ELSEWHERE, self.now)
        assert (rolled.rows, rolled.total) == (counted.rows, counted.total)

    async def is_told_as_counted_by_hand(self) -> None:
        """Volumes and mean days by office, from what the sites said and the newest calendar's rows alone."""
        wanted = asked_of(HAND, ["org"], ["filed", "decided", "mean_days"], "")
        async with self.store.read() as conn:
            await audit.freeze(conn)
            found = await statistics.answer(conn, EVERYTHING, wanted, ZONE, self.now)
            newest = await law.newest(conn)
            rows = await conn.execute(select(t.calendar_day).where(t.calendar_day.c.version == newest))
            works = {row.day for row in rows if row.workday}
        filed, decided = Counter[str](), Counter[str]()
        spent = defaultdict[str, list[int]](list)
        for _, facts in self.told.values():
            if facts is None:
                continue
            org, began, ended = (
                facts["org"] or "未记录",
                _day(facts["accepted_at"]),
                _day(facts.get("finished_at")),
            )
            filed[org] += began.startswith(HAND)
            if ended.startswith(HAND):
                decided[org] += 1
                spent[org].append(sum(began < day <= ended for day in works))
        said = {row.place[0]: (int(row.values[0] or 0), int(row.values[1] or 0)) for row in found.rows}
        assert {org: two for org, two in said.items() if any(two)} == {
            org: (filed[org], decided[org]) for org in {*filed, *decided} if filed[org] or decided[org]
        }
        for row in found.rows:
            if days := spent[row.place[0]]:
                assert row.values[2] is not None
                assert abs(float(row.values[2]) - sum(days) / len(days)) <= _ROUNDED, row.place


_ROUNDED = 0.0500001


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1e6)


def _day(text: str | None) -> str:
    return "" if text is None else str(datetime.fromisoformat(text).astimezone(ZONE).date())


async def booked(story: Story) -> None:
    while await story.booker.turn():
        pass


async def kept_bytes(store: Store) -> list[list[Any]]:
    """Every byte of it, in order."""
    found = []
    async with store.read() as conn:
        for table in (t.tally_case, t.tally_day, t.tally_hand, t.tally_item):
            rows = await conn.execute(select(table))
            found.append(sorted(tuple(row) for row in rows))
    return found
