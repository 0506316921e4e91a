"""Keeps a session with the hall alive: when the line is lost a new one is made after a jittered pause."""

import asyncio
import secrets

from agent.core.sync import Phase
from agent.means import Means
from agent.session import Session
from common import process
from common.core.backoff import delay
from common.core.errors import UnavailableError
from common.core.instant import SECOND

STABLE_SECS = 60.0
MAX_PAUSE_SECS = 60.0


async def run(means: Means) -> None:
    """Deliver for ever. Raises ForkedError where the buffer is a copy."""
    attempt = 0
    while True:
        began = means.clock.mono()
        try:
            await process.stoppable(Session(means).run())
        except* UnavailableError as group:
            error = process.first_cause(group)
            means.status.away(str(error), getattr(error, "hint", ""))
            means.status.state = Phase.OFFLINE
        attempt = 0 if means.clock.mono() - began > STABLE_SECS * SECOND else attempt + 1
        await asyncio.sleep(delay(attempt, secrets.randbelow(1000) / 1000, cap=MAX_PAUSE_SECS))
