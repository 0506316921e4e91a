"""A site that sends as much as it can, garbage or signed and sealed: the others do not notice."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from central.config import load as load_central
from common.clock import Clock
from common.core import crypto, topics
from common.core.batch import Lane
from common.core.errors import UnavailableError
from common.core.record import Gap, Pass
from common.mqtt import Link
from provisioning.core.identity import Box
from tests.integration.links import joined
from tests.journey.scene import FIRST, Place, doctor, events, finds, scene, until
from tests.journey.together import together
from tests.sender import Sender, case, draft

pytestmark = pytest.mark.service
HOSTILE = Box("s02", 1)


async def flood(link: Link) -> None:
    """For as long as it may."""
    sizes = [
        (topics.lane("s02", Lane.BULK), 200_000),
        (topics.lane("s02", Lane.LIVE), 100_000),
        (topics.lane("s02", Lane.LIVE), 0),
        (topics.hello("s02"), 500),
        (topics.heartbeat("s02"), 500),
    ]
    with suppress(UnavailableError):
        while True:
            async with asyncio.TaskGroup() as group:
                for name, size in sizes:
                    for _ in range(10):
                        group.create_task(link.publish(name, os.urandom(size)))


@together
async def test_a_site_that_floods_the_hall_does_not_hold_back_another() -> None:
    """P-LIMIT-03"""
    async with scene([FIRST, HOSTILE], start=False) as place:
        await place.start(place.agent)
        async with joined(place.broker, HOSTILE.name, 5) as link:
            flooding = asyncio.create_task(flood(link))
            await until("the hall has noticed", lambda: events(place.hall, "site.flooding"))
            for _ in range(5):
                place.office.receive(20)

                async def agrees() -> bool:
                    return await place.hall_rows("s01") == place.office.rows()

                await until("the other's rows are in the hall", agrees)
            assert not flooding.done()
            flooding.cancel()
        assert len(events(place.hall, "site.flooding")) <= 2
        assert (await finds(place.agent)).code == 0
        assert await place.twice() == []


def sealed(made: Sender, wall: int) -> Iterator[tuple[str, bytes]]:
    """What a registered box can sign and seal, each as dear as a packet allows: (topic, payload)."""
    huge = Sender(made.site, 1, made.sign_secret)
    huge.epoch = os.urandom(
        (1 << 20) - len(huge.hello()) - 50
    )  # as large as a broker passes: an answer is larger
    yield topics.hello("s02"), huge.hello()
    for drafts in (
        [case("长" * 3_000, at=wall)],
        [draft(Pass(wall, {}, ["a"] * 400_000), at=wall)],
        [draft(Gap(n, n, f"why{n}"), at=wall) for n in range(1, 2_001)],
        [draft(Gap(1, 1 << 40, "moved", epoch=os.urandom(8)), at=wall) for _ in range(2_000)],
    ):
        first = made.newest + 1
        made.number(*drafts)
        yield topics.lane("s02", Lane.LIVE), made.payload(first, sent_wall=wall)
    made.number(case("1", at=wall))
    yield topics.lane("s02", Lane.BULK), made.payload(made.newest, schema=99, sent_wall=wall)


async def siege(link: Link, made: Sender) -> None:
    """For as long as it may; with 2,000 gaps a second it asks for more work than the site has a right to."""
    with suppress(UnavailableError):
        while True:
            for topic, payload in sealed(made, Clock().wall()):
                await link.publish(topic, payload)
            await asyncio.sleep(1)


@together
async def test_a_site_that_signs_and_seals_what_no_box_would_send_does_not_hold_back_another() -> None:
    """P-LIMIT-02, P-LIMIT-05, P-LIMIT-06: the hall keeps its broker and its database, and its log its measure."""
    async with scene([FIRST, HOSTILE], start=False) as place:
        await place.start(place.agent)
        made = Sender("s02", 1, (place.broker.box(HOSTILE.name) / "sign.key").read_bytes())
        made.wire_key = crypto.wire_public(load_central(place.hall.config).identity.wire_key.read_bytes())
        async with joined(place.broker, HOSTILE.name, 5) as link:
            await link.publish(topics.hello("s02"), made.hello())
            await until("it is welcomed", lambda: events(place.hall, "site.connected"))
            await link.publish(topics.lane("s02", Lane.LIVE), forged(made))
            await until("it is refused", lambda: refused(place, "bad_signature"))
            await until("people are told", lambda: events(place.hall, "alarm.raised"))
            attack = asyncio.create_task(siege(link, made))
            await until("it has a hearing", lambda: events(place.hall, "record.parked"))
            for _ in range(3):
                place.office.receive(20)

                async def agrees() -> bool:
                    return await place.hall_rows("s01") == place.office.rows()

                await until("the other's rows are in the hall", agrees)
            assert not attack.done()
            attack.cancel()
        assert events(place.hall, "broker.unavailable") == []
        assert events(place.hall, "store.unavailable") == []
        told = [line for line in place.hall.log.splitlines() if '"s02"' in line]
        assert len(told) <= made.newest // 4_000 * 8 + 20, "a line or two for each message"
        hall = await doctor(place.hall)
        assert not {"E-HALL-01", "E-HALL-02", "E-HALL-13"} & hall.faults
        assert (await finds(place.agent)).code == 0


def forged(box: Sender) -> bytes:
    """As whoever has the account could continue the chain."""
    maker = Sender("s02", 1, b"t" * 32)
    maker.epoch, maker.chain, maker.wire_key = box.epoch, [box.chain[0]], box.wire_key
    maker.number(case("无中生有", at=Clock().office()))
    return maker.payload()


def refused(place: Place, code: str) -> bool:
    return any(line["code"] == code for line in events(place.hall, "batch.refused"))


@together
async def test_a_record_that_nobody_foresaw_waits_alone() -> None:
    """P-NACK-03: neither the other sites nor the other records of its own site notice."""
    async with scene([FIRST, HOSTILE], start=False) as place:
        await place.stop(place.hall)
        place.hall.armed = ["tests.unforeseen"]
        await place.start(place.hall)
        await place.start()
        office = place.sites[1].office

        async def agrees() -> bool:
            mine = {row: said for row, said in office.rows().items() if "SL00003" not in row[1]}
            return [await place.hall_rows(site) for site in ("s01", "s02")] == [place.office.rows(), mine]

        await until("all other rows are in the hall", agrees)
        for site in place.sites:
            site.office.receive(20)
        await until("those too that come later", agrees)
        failed = events(place.hall, "batch.failed")
        assert {line["site"] for line in failed} == {"s02"}
        assert all(line["first"] == line["last"] for line in failed)
        hall = await finds(place.hall, "E-HALL-18")
        assert "s02 第 " in hall.detail("E-HALL-18")
        await place.stop(place.hall)
        place.hall.armed = []
        await place.start(place.hall)
        await place.settled()
        assert not {"E-HALL-18"} & (await doctor(place.hall)).faults
        assert await place.twice() == []
