"""Who is whom: certificates of another city, a box that another has replaced. The others go on undisturbed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from central.store import tables as t
from common.clock import Clock
from provisioning import pki
from provisioning.core.identity import INGEST, Box
from provisioning.pki import box_subject, create_ca, keep_node
from tests import services
from tests.journey.scene import FIRST, SQLITE_MAPPING, Place, events, finds, scene, until
from tests.journey.together import together
from tests.processes import Agent, register

pytestmark = pytest.mark.service


def foreign_ca(folder: Path) -> pki.Authority:
    """The authority of another city."""
    return create_ca(folder / "elsewhere", Clock().wall())


@together
async def test_a_box_certified_elsewhere_is_told_so_and_the_hall_does_not_mind() -> None:
    async with scene(start=False) as place:
        node = place.agent.folder / "node.pem"
        right = node.read_bytes()
        node.unlink()
        keep_node(node, foreign_ca(place.broker.folder), box_subject(FIRST), Clock().wall())
        await place.start()
        await until("all rows are buffered", lambda: place.agent.waiting() >= len(place.office.rows()))
        await until("the box has said so", lambda: events(place.agent, "hall.unavailable"))
        box, hall = await asyncio.gather(finds(place.agent, "E-ID-03"), finds(place.hall, "E-HALL-11"))
        assert (box.code, hall.code) == (2, 1)
        assert "它们属于两个市中心" in box.detail("E-ID-03")
        node.write_bytes(right)
        await place.settled()
        assert (await finds(place.agent)).code == 0


@together
async def test_a_box_whose_key_fits_no_certificate_collects_and_delivers_with_the_right_one_by_itself() -> (
    None
):
    async with scene() as place:
        await place.settled()
        node = place.agent.folder / "node.pem"
        right = node.read_bytes()
        chain = right.partition(b"-----BEGIN CERTIFICATE-----")
        for wrong, check in ((pki.new_node_key() + chain[1] + chain[2], "E-ID-02"), (chain[1], "E-ID-01")):
            node.write_bytes(wrong)
            await place.stop(place.broker)
            await place.start(place.broker)
            place.office.receive(3)
            await until("it keeps what it reads", place.agent.waiting)
            box = await finds(place.agent, check)
            assert (box.code, box.verdict) == (4, "no_identity")

        def is_said() -> bool:
            said = place.agent.status()
            return said is not None and "读不了本机证书" in said.link_fault

        await until("it says so itself", is_said)
        node.write_bytes(right)
        await place.settled()
        assert not events(place.agent, "agent.stopped")
        assert (await finds(place.agent)).code == 0


@together
async def test_a_hall_certified_elsewhere_is_trusted_by_nobody() -> None:
    async with services.mosquitto([FIRST]) as elsewhere, scene(start=False) as place:
        right, wrong = f"port = {place.broker.port}", f"port = {elsewhere.port}"
        await place.stop(place.hall)
        for server in (place.hall, place.agent):
            point(server.config, right, wrong)
            await place.start(server)
        await until("all rows are buffered", lambda: place.agent.waiting() >= len(place.office.rows()))
        await until("the box has said so", lambda: events(place.agent, "hall.unavailable"))
        box, hall = await asyncio.gather(finds(place.agent, "E-NET-04"), finds(place.hall, "E-HALL-02"))
        assert (box.code, hall.code) == (2, 3)
        assert "市中心的证书不可信" in box.detail("E-NET-04")
        assert "证书不可信" in hall.detail("E-HALL-02")
        for server in (place.hall, place.agent):
            await place.stop(server)
            point(server.config, wrong, right)
            await place.start(server)
        await place.settled()


def point(config: Path, old: str, new: str) -> None:
    text = config.read_text("utf-8")
    assert old in text
    config.write_text(text.replace(old, new), "utf-8")


@together
async def test_a_hall_whose_own_certificate_is_foreign_says_that_nothing_is_committed() -> None:
    async with scene(start=False) as place:
        await place.stop(place.hall)
        node = place.hall.folder / "node.pem"
        right = node.read_bytes()
        node.unlink()
        keep_node(node, foreign_ca(place.broker.folder), pki.role_subject(INGEST), Clock().wall())
        await place.start(place.hall, place.agent)
        await until("the hall has said so", lambda: events(place.hall, "broker.unavailable"))
        hall = await finds(place.hall, "E-HALL-03", "E-HALL-11")
        assert hall.code == 3
        assert "证书" in hall.checks["E-HALL-03"]["remedy"]
        node.write_bytes(right)
        await place.settled()


@together
async def test_a_hall_whose_key_fits_no_certificate_shows_its_pages_and_takes_in_with_the_right_one() -> None:
    async with scene() as place:
        await place.settled()
        node = place.hall.folder / "node.pem"
        right = node.read_bytes()
        node.write_bytes(pki.new_node_key() + right[right.index(b"-----BEGIN CERTIFICATE-----") :])
        await place.stop(place.broker)
        await place.start(place.broker)
        place.office.receive(3)
        await until("the hall has said so", lambda: events(place.hall, "broker.unavailable"))
        hall = await finds(place.hall, "E-HALL-02")
        assert str(node) in hall.detail("E-HALL-02")
        assert (await place.page("/login"))[0] == 200
        node.write_bytes(right)
        await place.settled()


# one box replaces another -------------------------------------------------------------------------------------

SECOND = Box("s01", 2)


@together
async def test_a_box_that_was_replaced_may_deliver_its_backlog_and_is_told() -> None:
    await drains(version=5)


@together
async def test_with_mqtt_3_the_hall_tells_it_what_the_broker_does_not() -> None:
    """P-HELLO-08, P-HELLO-09"""
    await drains(version=3)


async def drains(version: int) -> None:
    async with replaced(version) as (place, old):
        place.broker.admit([Box("s01", 1, "draining"), SECOND])
        await state(place, "draining")
        await until("it was told", lambda: events(old, "hall.refused"))
        box = await finds(old, "E-ID-05")
        assert box.code == 4
        assert "本站点已由另一台机器接替，本机只可送完积压" in box.detail("E-ID-05")
        await until("its backlog is delivered", lambda: old.waiting() == 0)
        assert (await finds(place.agent)).code == 0


@together
async def test_a_box_that_was_replaced_for_good_is_shut_out_and_keeps_its_data() -> None:
    async with replaced() as (place, old):
        await state(place, "superseded")
        await until("it was told", lambda: events(old, "hall.refused"))
        assert events(old, "hall.refused")[0]["code"] == "superseded"
        await until("it keeps what it reads", old.waiting)
        box = await finds(old, "E-ID-05")
        assert box.code == 4
        assert box.detail("E-ID-05") == "本站点已由另一台机器接替"
        kept = old.waiting()
        place.broker.admit([Box("s01", 1, "superseded"), SECOND])
        await place.stop(old)
        await place.start(old)
        await until("the broker refuses it too", lambda: len(events(old, "hall.refused")) == 2)
        assert events(old, "hall.refused")[1]["code"] == "denied"
        assert old.waiting() > kept
        assert (await finds(old, "E-ID-05")).code == 4
        assert (await finds(place.agent)).code == 0


@asynccontextmanager
async def replaced(version: int = 5) -> AsyncIterator[tuple[Place, Agent]]:
    """Generation 2 works for the site; generation 1 is still connected and goes on reading the same office."""
    async with scene([FIRST], start=False) as place:
        old = place.agent
        said = old.config.read_text("utf-8")
        old.config.write_text(said.replace("[mqtt]", f"[mqtt]\nversion = {version}"), "utf-8")
        await place.start()
        await place.settled()
        place.broker.admit([FIRST, SECOND])
        store = await place.hall.store()
        async with store.write() as conn:
            await register(conn, place.broker, [SECOND])
        await store.close()
        place.agent = Agent(place.broker, SECOND, SQLITE_MAPPING.replace("spxt.db", str(place.office.file)))
        try:
            await place.start(place.agent)
            place.office.receive()
            await place.settled()
            yield place, old
        finally:
            await place.stop(old, place.agent)


async def state(place: Place, word: str) -> None:
    """What enrolment does to the old box when the new one has enrolled."""
    store = await place.hall.store()
    async with store.write() as conn:
        await conn.execute(update(t.box).where(t.box.c.generation == 1).values(state=word))
    await store.close()
    place.office.receive()
