"""Runs that the hall did not take for now: each waits by itself, and what is behind it goes on.

Theory. A refusal may be nobody's fault that lasts (a flipped bit on the way), so a run is sent once more as it was: the box
reads it anew from its buffer, where each record is held against its seal and its chain. One that is refused again is sent in
halves, and these in halves, so that in the end whatever the hall cannot take stands alone; it waits twice as long each time.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from agent.core.held import Runs, holds, lacked
from common.core.instant import MINUTE, SECOND

SHORTEST = 5 * SECOND
LONGEST = 5 * MINUTE
NAMED_FROM = 40 * SECOND
"""A pause to which only several refusals of the very same run lead."""

_FOR_ITS_PLACE = {"scattered"}
"""A run that is refused for where it lies, not for what is in it: halves would be as far off."""


class Rest(Struct, frozen=True):
    """`code`: the hall's word for why. `until_mono`: when it may be sent again; 0: now."""

    first: int
    last: int
    pause: int
    until_mono: int
    code: str


def rested(
    before: Iterable[Rest],
    refused: Mapping[tuple[int, int], str],
    upto: int,
    ranges: Runs,
    now: int,
    *,
    apart: bool,
) -> tuple[Rest, ...]:
    """`before`, with the runs that were `refused` now (run -> code), without what is held by now.

    Of a refused run the hall may have taken all but a record. `apart`: the fault may be that of a record.
    """
    left = {run: code for sent, code in refused.items() if (run := lacked(*sent, upto, ranges)) is not None}
    known = {(rest.first, rest.last): rest for rest in before}
    found = [
        rest
        for rest in known.values()
        if not holds(rest.first, rest.last, upto, ranges)
        and not any(lo <= rest.last and rest.first <= hi for lo, hi in left)
    ]
    for run, code in sorted(left.items()):
        found += _again(run, code, known.get(run), now, apart=apart)
    return tuple(found)


def _again(run: tuple[int, int], code: str, before: Rest | None, now: int, *, apart: bool) -> list[Rest]:
    """What becomes of a run that was not taken, and of which `before` says when it was not taken either."""
    first, last = run
    if before is None or (apart and first < last and code not in _FOR_ITS_PLACE):
        middle = last if before is None else (first + last) // 2
        parts = [(first, middle), (middle + 1, last)]
        return [Rest(lo, hi, SHORTEST, now + SHORTEST, code) for lo, hi in parts if lo <= hi]
    pause = min(LONGEST, 2 * before.pause)
    return [Rest(first, last, pause, now + pause, code)]


def awoken(resting: Iterable[Rest], now: int) -> tuple[Rest, ...]:
    """Those whose pause is over may be sent again."""
    return tuple(replace(rest, until_mono=0) if rest.until_mono <= now else rest for rest in resting)


def border(resting: Iterable[Rest], first: int, last: int) -> int:
    """Where a run that begins at `first` must end, at most at `last`: what was refused is sent by itself."""
    for rest in resting:
        if first <= rest.last:
            last = min(last, rest.last if rest.first <= first else rest.first - 1)
    return last


def notice(resting: Iterable[Rest]) -> str:
    """What people should know, in Chinese; empty where nothing is refused again and again."""
    worst = max(resting, key=lambda rest: rest.pause, default=None)
    if worst is None or worst.pause < NAMED_FROM:
        return ""
    numbers = f"{worst.first}-{worst.last}" if worst.last > worst.first else f"{worst.first}"
    return f"市中心一再不收编号 {numbers}（{worst.code}），本机保留并继续重送"
