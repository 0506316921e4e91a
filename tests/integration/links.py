"""Boxes and the ingest worker on a real broker, each with its own certificate."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from common.core import topics
from common.mqtt import NOT_AUTHORIZED, Link, Received, connect
from provisioning.core.identity import INGEST, Box
from tests.services import Mosquitto

OWN = ["state", "hb", "up/hello", "up/live", "up/bulk"]
S01, S02 = Box("s01", 1), Box("s02", 1)


@asynccontextmanager
async def joined(
    mosquitto: Mosquitto, name: str, version: int, *subscriptions: str, will: tuple[str, bytes] | None = None
) -> AsyncIterator[Link]:
    async with connect(mosquitto.config(name, version=version), name, will=will) as link:
        if subscriptions:
            await link.subscribe(list(subscriptions))
        yield link


@asynccontextmanager
async def ingest(mosquitto: Mosquitto, version: int) -> AsyncIterator[Link]:
    async with joined(
        mosquitto, INGEST, version, *topics.upstream("ingest" if version == 5 else None)
    ) as link:
        yield link


async def heard(link: Link, until: str) -> list[Received]:
    """What has arrived up to the message with the payload `until`, without it."""
    found: list[Received] = []
    async with asyncio.timeout(5):
        async for item in link.messages():
            link.puback(item)
            if item.payload == until.encode():
                break
            found.append(item)
    return found


def names(messages: list[Received]) -> list[str]:
    return [item.topic for item in messages]


def refusal(version: int) -> int:
    """3.1.1 has no word for it: the publisher hears of success, and its own missing receipt tells the truth."""
    return NOT_AUTHORIZED if version == 5 else 0


def drop(link: Link) -> None:
    """The line is gone without a goodbye."""
    line = link._client.socket()
    assert isinstance(line, socket.socket)
    socket.socket.shutdown(line, socket.SHUT_RDWR)
