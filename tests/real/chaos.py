"""SIGKILL at random moments: which process, when, and for how long it stays away, all from one seed.

Several processes may be away at once; one that comes up may be killed again at once. `Progress` ties the writer to
the faults: rows are written through the whole time of the faults, however fast the machine is.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from tests.server import Server

GAP_SECS = 0.1, 1.5
AWAY_SECS = 0.0, 1.0
SLOW_SECS = 5.0
"""A process that needs longer to come up is worth a word."""


class Progress:
    """How many of the faults have happened."""

    def __init__(self, faults: int) -> None:
        self._faults = faults
        self._done = 0
        self._moved = asyncio.Event()

    def step(self) -> None:
        self._done += 1
        self._moved.set()

    async def reaches(self, share: float) -> None:
        """Wait until this share (0 to 1) of the faults has happened."""
        while self._done < share * self._faults:
            self._moved.clear()
            await self._moved.wait()


def targets(names: Sequence[str], count: int, chance: random.Random) -> list[str]:
    """`count` names in random order, each as often as any other or once more."""
    rounds = [name for _ in range(count // len(names) + 1) for name in chance.sample(names, len(names))]
    picked = rounds[:count]
    chance.shuffle(picked)
    return picked


async def havoc(
    servers: dict[str, Server], count: int, chance: random.Random, progress: Progress
) -> Counter[str]:
    """Kill `count` times and restart each; ends when all are up again. -> kills by name."""
    killed: Counter[str] = Counter()
    returning: dict[str, asyncio.Task[None]] = {}
    for name in targets(list(servers), count, chance):
        await asyncio.sleep(chance.uniform(*GAP_SECS))
        if name in returning:
            await returning.pop(name)
        say(f"kill {name} ({killed.total() + 1}/{count})")
        check_alive(name, servers[name])
        await asyncio.to_thread(servers[name].kill)
        killed[name] += 1
        progress.step()
        returning[name] = asyncio.create_task(_restart(name, servers[name], chance.uniform(*AWAY_SECS)))
    await asyncio.gather(*returning.values())
    return killed


async def _restart(name: str, server: Server, away: float) -> None:
    await asyncio.sleep(away)
    began = time.monotonic()
    await asyncio.to_thread(server.start)
    took = time.monotonic() - began
    if took > SLOW_SECS:
        say(f"{name} needed {took:.1f} s to come up")


def check_alive(name: str, server: Server) -> None:
    """Raises RuntimeError where a process has ended without being told to."""
    process = server._process
    if process is None or process.poll() is None:
        return
    with suppress(OSError):
        say((server.folder / "server.log").read_text("utf-8", "replace")[-3000:])
    raise RuntimeError(f"{name} ended by itself with status {process.returncode}")


def say(text: str) -> None:
    """Progress for people; pytest shows it only where a test fails."""
    print(text, file=sys.stderr, flush=True)
