"""Keeps a session with the hall alive: when the line is lost a new one is made after a jittered pause."""

import asyncio
import secrets

from agent.core.sync import Phase
from agent.means import Means
from agent.session import Session
from common import process
from common.core.backoff import delay, slotted
from common.core.errors import ConfigError, UnavailableError
from common.core.instant import SECOND

STABLE_SECS = 60.0
NOT_ENROLLED = "本机还没有登记"
MAX_PAUSE_SECS = 60.0
SHORT_PAUSE_SECS = 10.0
"""While an outage is short: what comes back soon must not wait a minute for its boxes."""
SHORT_SECS = 300.0


async def run(means: Means) -> None:
    """Deliver for ever. Raises ForkedError where the buffer is a copy. A certificate that cannot be used ends no more than a line
    that is down: the box collects, the doctor names the file (E-ID-01, E-ID-02), and the right one is taken as soon as it is there.
    """
    if not means.config.is_enrolled:
        means.status.away(NOT_ENROLLED, "线路通了自动登记，随后自动补传")
        await asyncio.Event().wait()  # enrolment starts the program anew
    attempt, lost_mono = 0, means.clock.mono()
    while True:
        began = means.clock.mono()
        try:
            await process.stoppable(Session(means).run())
        except* (UnavailableError, ConfigError) as group:
            error = process.first_cause(group)
            means.status.away(str(error), getattr(error, "hint", ""))
            means.status.state = Phase.OFFLINE
        now = means.clock.mono()
        if now - began > STABLE_SECS * SECOND:
            attempt, lost_mono = -1, now
        attempt += 1
        chance = slotted(means.config.site, secrets.randbelow(1000) / 1000)
        cap = SHORT_PAUSE_SECS if now - lost_mono < SHORT_SECS * SECOND else MAX_PAUSE_SECS
        await asyncio.sleep(delay(attempt, chance, cap=cap))
