"""The arrival band: one day of a site, 8 to 18 o'clock in quarter hours, by the time the rows were captured.

solid = arrived live · hatched = arrived late, now whole · hollow = still missing · grey = planned maintenance ·
empty = not yet due. Written as runs, `l20d4m3`: the page draws exactly this, first HTML and update alike.
"""

import re
from collections.abc import Mapping
from datetime import date, time
from itertools import groupby
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core.maintenance import Window
from common.core.instant import HOUR, MINUTE, start_of_day
from common.core.state import Link

SLOT = 15 * MINUTE
OPENS = time(8)
SLOTS = 40
LIVE, LATE, MISSING, MAINTENANCE, EMPTY = "l", "d", "m", "g", "e"
WORDS = {LIVE: "实时到达", LATE: "事后补齐", MISSING: "尚缺", MAINTENANCE: "计划维护"}


class Arrived(Struct, frozen=True):
    """Rows captured in one quarter hour."""

    live: int
    late: int


class Coverage(Struct, frozen=True):
    """What a band needs to know of its site."""

    first_at: int | None  # start of the first quarter hour ever heard of; None: nothing yet
    complete_until: int | None  # the hall holds everything captured before
    left: int  # rows known to be missing
    link: Link
    planned: tuple[Window, ...] = ()  # maintenance


def opening(day: date, zone: ZoneInfo) -> int:
    """08:00 of `day`, as an instant."""
    return start_of_day(day, zone) + OPENS.hour * HOUR


def cells(arrived: Mapping[int, Arrived], coverage: Coverage, opens_at: int, now_at: int) -> str:
    """One letter per quarter hour of the day that opens at `opens_at`."""
    slots = range(opens_at, opens_at + SLOTS * SLOT, SLOT)
    return "".join(_cell(arrived.get(slot), coverage, slot, now_at) for slot in slots)


def _cell(rows: Arrived | None, coverage: Coverage, slot: int, now_at: int) -> str:
    if coverage.first_at is None or slot < coverage.first_at or slot >= now_at:
        return EMPTY
    needed = (
        slot + SLOT if slot + SLOT <= now_at else slot + 1
    )  # the quarter hour that runs is judged by its start
    if (coverage.complete_until or 0) >= needed:
        return LATE if rows and rows.late else LIVE
    if any(window.meets(Window(slot, slot + SLOT)) for window in coverage.planned):
        return MAINTENANCE
    if rows and rows.live and not rows.late:
        return LIVE
    healthy = coverage.link in {Link.LIVE, Link.SLOW} and coverage.left == 0
    return EMPTY if healthy else MISSING


def runs(letters: str) -> str:
    """`lllldd` -> `l4d2`."""
    return "".join(f"{letter}{len(list(group))}" for letter, group in groupby(letters))


def drawn(text: str) -> list[tuple[str, int]]:
    """`l4d2` -> [(l, 4), (d, 2)]."""
    return [(letter, int(count)) for letter, count in re.findall(r"([a-z])(\d+)", text)]


def sentence(letters: str) -> str:
    """The band for who cannot see it: `今日8至18时数据到达：实时到达 9 刻钟，事后补齐 8 刻钟`."""
    counts = [f"{word} {letters.count(letter)} 刻钟" for letter, word in WORDS.items() if letter in letters]
    return "，".join(counts) or "尚无数据"


def share(letters: str) -> int | None:
    """Percent of the elapsed quarter hours that are whole; None before the first."""
    elapsed = len(letters) - letters.count(EMPTY)
    whole = letters.count(LIVE) + letters.count(LATE) + letters.count(MAINTENANCE)
    return whole * 100 // elapsed if elapsed else None
