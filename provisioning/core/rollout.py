"""A release comes to the boxes in waves: a canary, some, all. The first that goes wrong ends it for the others."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from common.core.rollout import Rollout


class State(StrEnum):
    """Of a rollout."""

    RUNNING = "running"
    HALTED = "halted"
    FINISHED = "finished"

    @property
    def word(self) -> str:
        return {"running": "进行中", "halted": "已停止", "finished": "已完成"}[self.value]


class Place(Struct, frozen=True):
    """A box in a rollout. `receipt_wall`: when the hall last committed something of it; 0: never."""

    site: str
    wave: int
    standing: Rollout
    ended_wall: int = 0
    receipt_wall: int = 0


def waves(sites: Sequence[str], canary: Sequence[str], sizes: Sequence[int]) -> dict[str, int]:
    """Site -> its wave: `canary` first (else the first site), then so many as each of `sizes` says, then all the others."""
    first = list(canary) or list(sites[:1])
    others = [site for site in sites if site not in first]
    found = dict.fromkeys(first, 0)
    wave = 1
    for size in sizes:
        found |= dict.fromkeys(others[:size], wave)
        wave, others = wave + 1, others[size:]
    return found | dict.fromkeys(others, wave)


def open_wave(places: Sequence[Place], now_wall: int, wait: int) -> int:
    """The last wave whose boxes may begin; `wait`: microseconds that a wave must have worked, and been heard, before the next."""
    for wave in sorted({place.wave for place in places}):
        if not all(_is_settled(place, now_wall, wait) for place in places if place.wave == wave):
            return wave
    return max((place.wave for place in places), default=0)


def _is_settled(place: Place, now_wall: int, wait: int) -> bool:
    is_old = now_wall >= place.ended_wall + wait
    return place.standing is Rollout.DONE and is_old and place.receipt_wall > place.ended_wall


def state(places: Sequence[Place]) -> State:
    """Of the rollout, as its boxes say."""
    if any(place.standing.is_bad for place in places):
        return State.HALTED
    is_over = all(place.standing is Rollout.DONE for place in places)
    return State.FINISHED if is_over else State.RUNNING
