"""Real Mosquitto under our configuration and ACL: who may say and hear what, over MQTT 5 and 3.1.1."""

import asyncio
from pathlib import Path

import pytest

from common.core import topics
from common.core.batch import Lane
from common.mqtt import NOT_AUTHORIZED, Link
from provisioning import broker
from provisioning.core.identity import INGEST, Box
from tests import services
from tests.integration.links import OWN, S01, S02, drop, heard, ingest, joined, names, refusal
from tests.services import Mosquitto

pytestmark = pytest.mark.service


async def said(hall: Link, *boxes: Link) -> list[str]:
    """Every box says hello, s02.1 last; -> the topics on which the hall hears one."""
    for link in boxes:
        await link.publish(topics.hello("s01"), b"x")
    await boxes[-1].publish(topics.hello("s02"), b"end")
    return names(await heard(hall, "end"))


# who may say and hear what ------------------------------------------------------------------------------------


async def test_a_box_is_heard_by_the_hall_on_its_own_topics(mosquitto: Mosquitto, version: int) -> None:
    async with ingest(mosquitto, version) as hall, joined(mosquitto, "s01.1", version) as box:
        for tail in OWN:
            code = await box.publish(f"mc/v1/s01/{tail}", tail.encode(), qos=0 if tail == "hb" else 1)
            assert code == 0
        await box.publish(topics.lane("s01", Lane.LIVE), b"end")
        messages = await heard(hall, "end")
    assert [(item.topic, item.payload.decode()) for item in messages] == [(f"mc/v1/s01/{t}", t) for t in OWN]


async def test_the_hall_is_heard_by_the_one_box_it_speaks_to(mosquitto: Mosquitto, version: int) -> None:
    async with (
        joined(mosquitto, INGEST, version) as hall,
        joined(mosquitto, "s01.1", version, *topics.downstream("s01")) as first,
        joined(mosquitto, "s02.1", version, *topics.downstream("s02")) as second,
    ):
        assert await hall.publish(topics.welcome("s01"), b"1", expiry_secs=60) == 0
        assert await hall.publish(topics.ack("s01"), b"2", expiry_secs=60) == 0
        await hall.publish(topics.CENTRAL_STATE, b"end", retain=True)
        assert names(await heard(first, "end")) == [topics.welcome("s01"), topics.ack("s01")]
        assert await heard(second, "end") == []


async def test_a_box_is_refused_on_every_topic_that_is_not_its_own(
    mosquitto: Mosquitto, version: int
) -> None:
    foreign = [f"mc/v1/s02/{tail}" for tail in OWN]
    foreign += [topics.ack("s01"), topics.welcome("s02"), topics.CENTRAL_STATE, "mc/v1/s01", "other"]
    async with ingest(mosquitto, version) as hall, joined(mosquitto, "s01.1", version) as box:
        codes = {topic: await box.publish(topic, b"x") for topic in foreign}
        assert codes == dict.fromkeys(foreign, refusal(version))
        await box.publish(topics.hello("s01"), b"end")
        assert await heard(hall, "end") == []


async def test_a_box_that_subscribes_to_everything_hears_only_its_own(
    mosquitto: Mosquitto, version: int
) -> None:
    async with (
        joined(mosquitto, INGEST, version) as hall,
        joined(mosquitto, "s02.1", version) as other,
        joined(mosquitto, "s01.1", version, "#", "mc/v1/s02/dn/#", "mc/v1/+/up/#") as box,
    ):
        await other.publish(topics.hello("s02"), b"x")
        await hall.publish(topics.ack("s02"), b"x")
        await hall.publish(topics.ack("s01"), b"mine")
        await hall.publish(topics.CENTRAL_STATE, b"end")
        assert [item.payload for item in await heard(box, "end")] == [b"mine"]


async def test_the_hall_cannot_speak_for_a_box(mosquitto: Mosquitto) -> None:
    async with joined(mosquitto, INGEST, 5) as hall:
        for tail in OWN[:1] + OWN[2:]:
            assert await hall.publish(f"mc/v1/s01/{tail}", b"x") == NOT_AUTHORIZED


async def test_a_draining_box_may_say_hello_and_finish_its_backlog_and_no_more(version: int) -> None:
    will = (topics.state("s01"), b"gone")
    async with (
        services.mosquitto([Box("s01", 1, "draining"), Box("s01", 2)]) as mosquitto,
        ingest(mosquitto, version) as hall,
        joined(mosquitto, "s01.2", version) as successor,
    ):
        async with joined(mosquitto, "s01.1", version, *topics.downstream("s01"), will=will) as box:
            codes = {tail: await box.publish(f"mc/v1/s01/{tail}", tail.encode()) for tail in OWN}
            await hall.publish(topics.ack("s01"), b"end")
            await heard(box, "end")
            drop(box)
        allowed = {"up/hello", "up/bulk"}
        assert codes == {tail: 0 if tail in allowed else refusal(version) for tail in OWN}
        await successor.publish(topics.hello("s01"), b"end")
        assert names(await heard(hall, "end")) == ["mc/v1/s01/up/hello", "mc/v1/s01/up/bulk"]


@pytest.mark.parametrize("state", ["superseded", "retired", "revoked"])
async def test_a_box_that_was_shut_out_neither_speaks_nor_hears(state: str) -> None:
    async with (
        services.mosquitto([Box("s01", 1, state), S02]) as mosquitto,
        ingest(mosquitto, 5) as hall,
        joined(mosquitto, "s01.1", 5, *topics.downstream("s01")) as box,
    ):
        assert {await box.publish(f"mc/v1/s01/{tail}", b"x") for tail in OWN[2:]} == {NOT_AUTHORIZED}
        await hall.publish(topics.ack("s01"), b"x")
        await hall.publish(topics.CENTRAL_STATE, b"x")
        async with joined(mosquitto, "s02.1", 5) as other:
            await other.publish(topics.hello("s02"), b"end")
        assert names(await heard(hall, "end")) == [topics.CENTRAL_STATE]
        assert box._incoming.empty()


async def test_a_rewritten_acl_takes_effect_at_once_and_disturbs_nobody(
    mosquitto: Mosquitto, version: int
) -> None:
    async with (
        ingest(mosquitto, version) as hall,
        joined(mosquitto, "s01.1", version, *topics.downstream("s01")) as stolen,
        joined(mosquitto, "s02.1", version, *topics.downstream("s02")) as other,
    ):
        await stolen.publish(topics.hello("s01"), b"before")
        mosquitto.admit([Box("s01", 1, "revoked"), Box("s01", 2), S02])
        async with asyncio.timeout(2):
            while topics.hello("s01") in await said(hall, stolen, other):
                pass
        await hall.publish(topics.ack("s01"), b"secret")
        await hall.publish(topics.ack("s02"), b"end")
        await heard(other, "end")
        assert stolen._incoming.empty()
        async with joined(mosquitto, "s01.2", version, *topics.downstream("s01")) as successor:
            await hall.publish(topics.ack("s01"), b"end")
            await heard(successor, "end")
        assert not any(link._lost.done() for link in (hall, stolen, other))


async def test_the_acl_is_written_only_when_it_says_something_else(tmp_path: Path) -> None:
    assert broker.write_acl(tmp_path, [S01])
    assert not broker.write_acl(tmp_path, [S01])
    assert broker.write_acl(tmp_path, [Box("s01", 1, "draining"), Box("s01", 2)])
    assert [path.name for path in tmp_path.iterdir()] == ["acl"]


async def test_mosquitto_takes_the_configuration_without_a_warning(mosquitto: Mosquitto) -> None:
    log = (mosquitto.folder / "server.log").read_text()
    assert "Warning" not in log
    assert f"Opening ipv4 listen socket on port {mosquitto.port}" in log
