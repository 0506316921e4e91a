"""Whether the wall lasts: thousands of messages of a real hall's stream into one open page, and what has grown in it."""

import asyncio
import copy
import random

from msgspec import Struct

from central.core import hall as core
from central.core.hall import State
from central.web.live import Wall
from tests.browser import Page

WARM = 300
"""Messages after which everything that is made once has been made."""
BEAT_SECS = 0.002
MOST_GROWN = 1_000_000
"""Bytes of heap that 10,000 messages may leave (interface.md 2.3)."""
COUNT = "(window.taken === undefined && (window.taken = 0, mingcha.told.push(() => { taken += 1; })), window.taken)"


class Grown(Struct, frozen=True):
    """In the page, garbage collected. `listeners` and `nodes` as the browser counts them, texts and detached ones too."""

    messages: int
    heap_bytes: int
    nodes: int
    elements: int
    listeners: int

    @property
    def is_lasting(self) -> bool:
        """A band of other runs has some elements more or less, which come and go; nothing else may."""
        return (
            self.heap_bytes < MOST_GROWN
            and max(abs(self.nodes), abs(self.elements)) < 150
            and self.listeners == 0
        )


async def run(page: Page, wall: Wall, count: int, seed: int) -> Grown:
    """Feed the page that is open with `count` messages about a city in upheaval; what it has more of than before."""
    chance = random.Random(seed)
    first = await _fed(page, wall, WARM, chance)
    before = await _standing(page)
    last = await _fed(page, wall, first + count, chance)
    after = await _standing(page)
    return Grown(last - first, *(new - old for old, new in zip(before, after, strict=True)))


async def _fed(page: Page, wall: Wall, wanted: int, chance: random.Random) -> int:
    while (taken := int(await page.ask(COUNT))) < wanted:
        for _ in range(min(50, wanted - taken)):
            changed = _upset(wall.state, chance)
            delta, wall.state = core.changed(wall.state, changed), changed
            wall._tell(delta)
            await asyncio.sleep(BEAT_SECS)
    return taken


def _upset(state: State, chance: random.Random) -> State:
    """Every section with some of its rows in another's place: all values are such as they come."""
    made = copy.deepcopy(state)
    for section in ("s", "q", "n", "e", "t", "f"):
        rows = [row for row in made[section] if row not in {"all", "axis"}]
        for one, other in zip(
            chance.sample(rows, len(rows) // 2), chance.sample(rows, len(rows) // 2), strict=True
        ):
            made[section][one] = {**state[section][other]}
    for figure in made["k"].values():
        if figure.get("n", "").isdigit():
            figure["n"] = str(chance.randrange(1000))
    return made


async def _standing(page: Page) -> tuple[int, int, int, int]:
    """Heap in use, nodes, elements, listeners, after two collections."""
    for _ in range(2):
        await page.call("HeapProfiler.collectGarbage")
    heap = (await page.call("Runtime.getHeapUsage"))["usedSize"]
    counts = await page.call("Memory.getDOMCounters")
    elements = await page.ask("document.querySelectorAll('*').length")
    return int(heap), int(counts["nodes"]), int(elements), int(counts["jsEventListeners"])
