"""Sends signed commands and policies to the boxes, until each has answered or the time is over.

A command is offered again with every welcome of its site; the box carries it out once. Answers come as records.
"""

import asyncio
import json
from contextlib import suppress
from typing import Any

import structlog
from sqlalchemy import Row

from central.core.wish import Standing, standing
from central.store import commands, facts, pages, trail
from central.store.engine import Store
from common.clock import Clock
from common.core import message, topics
from common.core.errors import UnavailableError
from common.core.instant import DAY, HOUR, SECOND
from common.core.message import Command
from common.core.text import sound
from common.core.wire import LONGEST_SAID
from common.mqtt import Link

log = structlog.get_logger()

LOOK_SECS = 1.0
ANSWER_DAYS = 7
"""So long after its end a command's answer may still be in a box that is cut off."""
ANEW_AFTER = HOUR
"""A policy is numbered anew for a site at most once in this time, whatever its box says."""
RESTORED = "站点已用过同号或更高的编号：按新编号重新送达"


class Remote:
    """`run` belongs to one connection to the broker; `welcomed` says that a site is listening anew."""

    def __init__(self, store: Store, clock: Clock, sign_secret: bytes) -> None:
        self._store = store
        self._clock = clock
        self._sign_secret = sign_secret
        self._sent: dict[str, set[str]] = {}
        self._policies: dict[str, int] = {}
        self._anew_mono: dict[str, int] = {}

    def welcomed(self, site: str) -> None:
        self._sent.pop(site, None)

    async def run(self, link: Link) -> None:
        """For ever."""
        self._sent, self._policies = {}, {}
        while True:
            with suppress(UnavailableError):  # the writer of batches reports the database
                await self._look(link)
            await asyncio.sleep(LOOK_SECS)

    async def _look(self, link: Link) -> None:
        now = self._clock.wall()
        async with self._store.read() as conn:
            waiting, wished = await commands.waiting(conn), await commands.wished(conn)
            beats = await pages.heartbeats(conn) if wished else {}
            newest = {
                site: await facts.newest_generation(conn, site) for site in {row.site for row in waiting}
            }
        if any(row.expires_wall < now - ANSWER_DAYS * DAY for row in waiting):
            async with self._store.write() as conn:
                await commands.expire(conn, now - ANSWER_DAYS * DAY, now)
        for row in waiting:
            sent = self._sent.setdefault(row.site, set())
            if row.id not in sent and row.expires_wall > now:
                await self._send(link, row, newest[row.site], now)
                sent.add(row.id)
        for site, row in wished.items():
            if self._policies.get(site) != row.version:
                await self._wish(link, row)
                self._policies[site] = row.version
            if standing(commands.policy_of(row), beats.get(site)) is Standing.PASSED:
                await self._wish_again(site, now)

    async def _send(self, link: Link, row: Row[Any], generation: int, now: int) -> None:
        times, why = (row.issued_wall, row.expires_wall), sound(row.why)[:LONGEST_SAID]
        order = Command(row.id, row.site, row.act, json.loads(row.args), *times, generation, why, row.subject)
        topic = topics.command(row.site)
        left = max(1, (row.expires_wall - now) // SECOND)
        await link.publish(topic, message.encode_signed(order, topic, self._sign_secret), expiry_secs=left)
        log.info("command.sent", site=row.site, command=row.id, act=row.act)

    async def _wish(self, link: Link, row: Row[Any]) -> None:
        policy = commands.policy_of(row)
        topic = topics.policy(row.site)
        await link.publish(topic, message.encode_signed(policy, topic, self._sign_secret), retain=True)
        log.info("policy.sent", site=row.site, version=row.version)

    async def _wish_again(self, site: str, now: int) -> None:
        """The hall was restored: the box has met these numbers, and takes only higher ones."""
        mono = self._clock.mono()
        if mono - self._anew_mono.get(site, mono - ANEW_AFTER) < ANEW_AFTER:
            return
        self._anew_mono[site] = mono
        async with self._store.write() as conn:
            version = await commands.wish_again(conn, site, RESTORED, now)
            await trail.note(conn, now, trail.HALL, "policy.anew", site, RESTORED)
        log.warning("policy.renumbered", site=site, version=version)
