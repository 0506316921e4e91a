"""`common.mqtt` over TLS to real Mosquitto: who gets in, what is settled, what is lost and how it is called."""

import asyncio
import socket
import ssl
import time
from pathlib import Path

import msgspec
import pytest

from common.clock import Clock
from common.core import topics
from common.core.errors import UnavailableError
from common.core.instant import DAY
from common.mqtt import NO_MATCHING_SUBSCRIBERS, DisconnectedError, MqttConfig, connect
from provisioning import pki
from tests.integration.links import S01, drop, heard, ingest, joined, refusal
from tests.server import HOST
from tests.services import Mosquitto

pytestmark = pytest.mark.service


# who gets in --------------------------------------------------------------------------------------------------


@pytest.fixture
def other_city(tmp_path: Path) -> Path:
    """A box s01.1 by another CA of the same names."""
    now = Clock().wall()
    pki.prepare_hall(tmp_path / "hall", [HOST], now)
    pki.prepare_box(tmp_path / "box", tmp_path / "hall", S01, now)
    return tmp_path / "box"


async def refused(config: MqttConfig) -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        async with connect(config, "s01.1"):
            pass
    return caught.value


async def test_a_box_of_another_ca_is_refused_and_told_to_look_at_its_certificate(
    mosquitto: Mosquitto, other_city: Path, version: int
) -> None:
    config = mosquitto.config("s01.1", version=version)
    error = await refused(msgspec.structs.replace(config, node=other_city / "node.pem"))
    assert "握手" in str(error)
    assert "本机证书" in error.hint


async def test_a_box_refuses_a_broker_of_another_ca(mosquitto: Mosquitto, other_city: Path) -> None:
    config = mosquitto.config("s01.1")
    error = await refused(msgspec.structs.replace(config, ca=other_city / "ca.pem"))
    assert "证书不可信" in str(error)
    assert "CA" in error.hint


async def test_a_box_refuses_the_right_broker_under_a_wrong_name(mosquitto: Mosquitto) -> None:
    now = Clock().wall()
    pki.prepare_hall(mosquitto.hall, ["10.1.0.5"], now)
    mosquitto.hand_over(mosquitto.hall / "broker" / "server.pem")
    mosquitto.kill()
    await asyncio.to_thread(mosquitto.start)
    error = await refused(mosquitto.config("s01.1"))
    assert "证书不可信" in str(error)
    assert "服务器名" in error.hint


async def test_another_boxs_certificate_does_not_help_a_broker(mosquitto: Mosquitto) -> None:
    server = mosquitto.hall / "broker" / "server.pem"
    server.write_bytes((mosquitto.box("s02.1") / "node.pem").read_bytes())
    mosquitto.kill()
    await asyncio.to_thread(mosquitto.start)
    assert "证书不可信" in str(await refused(mosquitto.config("s01.1")))


def greeted(mosquitto: Mosquitto, context: ssl.SSLContext | None) -> bytes:
    """What the broker answers to an MQTT 5 CONNECT of s01.1; nothing if it hangs up."""
    hello = bytes([0x10, 18, 0, 4, *b"MQTT", 5, 2, 0, 30, 0, 0, 5, *b"s01.1"])
    with socket.create_connection((HOST, mosquitto.port), 5) as plain:
        line = context.wrap_socket(plain, server_hostname=HOST) if context else plain
        with line:
            line.sendall(hello)
            return line.recv(1)


def client(mosquitto: Mosquitto) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=mosquitto.hall / "ca.pem")


async def test_without_a_certificate_or_without_tls_nobody_gets_in(mosquitto: Mosquitto) -> None:
    known = client(mosquitto)
    known.load_cert_chain(mosquitto.box("s01.1") / "node.pem")
    assert greeted(mosquitto, known) == b"\x20"
    for stranger in (client(mosquitto), None):
        with pytest.raises(OSError):
            greeted(mosquitto, stranger)
    known.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        greeted(mosquitto, known)


async def test_an_expired_certificate_is_refused_and_renewed_it_is_not(mosquitto: Mosquitto) -> None:
    node, now = mosquitto.box("s01.1") / "node.pem", Clock().wall()
    ca = pki.load_ca(mosquitto.hall / "ca")
    node.unlink()
    pki.keep_node(node, ca, pki.box_subject(S01), now - 31 * DAY)
    assert "本机证书" in (await refused(mosquitto.config("s01.1"))).hint
    pki.keep_node(node, ca, pki.box_subject(S01), now)
    async with joined(mosquitto, "s01.1", 5) as box:
        await box.publish(topics.hello("s01"), b"x")


async def test_a_wrong_clock_cuts_no_box_off(mosquitto: Mosquitto) -> None:
    """For a box whose clock is years ahead the hall's certificate has expired: it is believed all the same."""
    server, ca = mosquitto.hall / "broker" / "server.pem", pki.load_ca(mosquitto.hall / "ca")
    server.unlink()
    pki.keep_node(server, ca, pki.server_subject([HOST]), Clock().wall() - 4 * 365 * DAY)
    mosquitto.hand_over(server)
    mosquitto.kill()
    await asyncio.to_thread(mosquitto.start)
    async with joined(mosquitto, "s01.1", 5) as box:
        await box.publish(topics.hello("s01"), b"x")


async def test_a_box_that_takes_another_boxs_client_id_throws_nobody_off(
    mosquitto: Mosquitto, version: int
) -> None:
    async with (
        ingest(mosquitto, version) as hall,
        joined(mosquitto, "s01.1", version, *topics.downstream("s01")) as victim,
        connect(mosquitto.config("s02.1", version=version), "s01.1") as thief,
    ):
        assert await thief.publish(topics.hello("s01"), b"x") == refusal(version)
        assert await thief.publish(topics.hello("s02"), b"end") == 0
        assert await heard(hall, "end") == []
        await hall.publish(topics.ack("s01"), b"end")
        await heard(victim, "end")


async def test_the_same_certificate_twice_evicts_the_first(mosquitto: Mosquitto, version: int) -> None:
    async with joined(mosquitto, "s01.1", version) as first, joined(mosquitto, "s01.1", version):
        async with asyncio.timeout(5):
            await first.lost()


# will, retained state, acknowledgements -----------------------------------------------------------------------


async def test_the_will_is_said_for_a_box_that_vanishes_and_kept_for_late_listeners(
    mosquitto: Mosquitto, version: int
) -> None:
    will = (topics.state("s01"), b"offline")
    async with ingest(mosquitto, version) as hall:
        async with joined(mosquitto, "s01.1", version, will=will) as box:
            await box.publish(topics.state("s01"), b"online", retain=True)
            drop(box)
            async with asyncio.timeout(5):
                await box.lost()
        assert [item.payload for item in await heard(hall, "offline")] == [b"online"]
    async with ingest(mosquitto, version) as late:
        async with asyncio.timeout(5):
            item = await anext(late.messages())
        assert (item.topic, item.payload, item.retain) == (topics.state("s01"), b"offline", True)


async def test_no_will_is_said_for_a_box_that_takes_its_leave(mosquitto: Mosquitto, version: int) -> None:
    async with ingest(mosquitto, version) as hall:
        async with joined(mosquitto, "s01.1", version, will=(topics.state("s01"), b"offline")):
            pass
        async with joined(mosquitto, "s02.1", version) as other:
            await other.publish(topics.hello("s02"), b"end")
        assert await heard(hall, "end") == []


async def test_a_restarted_broker_remembers_nothing(mosquitto: Mosquitto) -> None:
    async with joined(mosquitto, "s01.1", 5) as box:
        await box.publish(topics.state("s01"), b"online", retain=True)
        mosquitto.kill()
        with pytest.raises(DisconnectedError, match="断开"):
            await anext(box.messages())
        with pytest.raises(DisconnectedError):
            await box.publish(topics.hello("s01"), b"x")
    assert "连接被拒绝" in str(await refused(mosquitto.config("s01.1")))
    await asyncio.to_thread(mosquitto.start)
    async with ingest(mosquitto, 5) as hall, joined(mosquitto, "s01.1", 5) as box:
        await box.publish(topics.hello("s01"), b"end")
        assert await heard(hall, "end") == []


async def test_a_publisher_is_told_that_nobody_listens(mosquitto: Mosquitto) -> None:
    async with joined(mosquitto, "s01.1", 5) as box:
        assert await box.publish(topics.hello("s01"), b"x") == NO_MATCHING_SUBSCRIBERS
        async with ingest(mosquitto, 5):
            assert await box.publish(topics.hello("s01"), b"x") == 0
        async with asyncio.timeout(60):  # the broker may read us before it reads the other's farewell
            while await box.publish(topics.hello("s01"), b"x") != NO_MATCHING_SUBSCRIBERS:  # noqa: ASYNC110  the broker's matter
                await asyncio.sleep(0.05)
    async with joined(mosquitto, "s01.1", 3) as box:
        assert await box.publish(topics.hello("s01"), b"x") == 0


async def test_many_messages_at_once_are_all_settled_in_order(mosquitto: Mosquitto, version: int) -> None:
    async with ingest(mosquitto, version) as hall, joined(mosquitto, "s01.1", version) as box:
        payloads = [f"{number}".encode() for number in range(3000)]
        codes = await asyncio.gather(*(box.publish(topics.hello("s01"), item) for item in payloads))
        await box.publish(topics.hello("s01"), b"end")
        assert set(codes) == {0}
        assert [item.payload for item in await heard(hall, "end")] == payloads
        assert not box._pending


async def test_the_broker_stops_handing_out_while_nothing_is_acknowledged(mosquitto: Mosquitto) -> None:
    async with ingest(mosquitto, 5) as hall, joined(mosquitto, "s01.1", 5) as box:
        await asyncio.gather(*(box.publish(topics.hello("s01"), b"x") for _ in range(150)))
        await asyncio.sleep(0.3)
        assert hall._incoming.qsize() == 100
        await box.publish(topics.hello("s01"), b"end")
        assert len(await heard(hall, "end")) == 150


async def test_a_packet_over_the_limit_ends_the_connection_and_a_large_one_passes(
    mosquitto: Mosquitto, version: int
) -> None:
    async with ingest(mosquitto, version) as hall, joined(mosquitto, "s01.1", version) as box:
        await box.publish(topics.hello("s01"), b"x" * 900_000)
        await box.publish(topics.hello("s01"), b"end")
        assert len((await heard(hall, "end"))[0].payload) == 900_000
        with pytest.raises(DisconnectedError):
            await box.publish(topics.hello("s01"), b"x" * 1_200_000)


# the connection itself ----------------------------------------------------------------------------------------


async def test_an_answer_to_a_publish_that_was_given_up_settles_no_later_one(mosquitto: Mosquitto) -> None:
    async with joined(mosquitto, "s01.1", 5) as box:
        mosquitto.freeze()
        given_up = asyncio.create_task(box.publish(topics.hello("s01"), b"1"))
        await asyncio.sleep(0.05)
        given_up.cancel()
        mosquitto.thaw()
        await box.publish(topics.hello("s01"), b"2")
        box._client._last_mid = 0  # as after 65 535 messages
        mosquitto.freeze()
        later = asyncio.create_task(box.publish(topics.hello("s01"), b"3"))
        await asyncio.sleep(0.05)
        assert not later.done()
        mosquitto.thaw()
        await later


async def test_a_frozen_broker_does_not_hold_up_a_stop(mosquitto: Mosquitto) -> None:
    async with joined(mosquitto, "s01.1", 5) as box:
        mosquitto.freeze()
        waiting = [asyncio.create_task(box.publish(topics.hello("s01"), b"x" * 500_000)) for _ in range(20)]
        await asyncio.sleep(0.1)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(item) for item in results} == {DisconnectedError}
    mosquitto.thaw()


async def test_a_broker_that_does_not_answer_is_called_so(mosquitto: Mosquitto) -> None:
    mosquitto.freeze()
    began = time.monotonic()
    error = await refused(mosquitto.config("s01.1"))
    mosquitto.thaw()
    assert "没有应答" in str(error)
    assert time.monotonic() - began < 12


async def test_a_time_out_of_the_caller_is_its_own_and_no_fault_of_the_broker(mosquitto: Mosquitto) -> None:
    with pytest.raises(TimeoutError):
        async with joined(mosquitto, "s01.1", 5) as box, asyncio.timeout(0.05):
            await box.lost()
