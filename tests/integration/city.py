"""A believable city in the hall's real tables: 18 sites, two weeks of cases, every link and light at least once."""

import random
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import band
from central.store import tables as t
from common.core import message
from common.core.instant import DAY, HOUR, MINUTE, SECOND, from_us, start_of_day
from common.core.message import Heartbeat
from common.core.ranges import Range
from common.core.state import ClockKind, LetterState, Light, SiteKind
from tests.integration import city_cases
from tests.integration.city_cases import ZONE, site_id, workday

FRIDAY = start_of_day(date(2026, 6, 12), ZONE) + 14 * HOUR + 32 * MINUTE + 5 * SECOND
NAMES = [
    "云溪镇",
    "石桥镇",
    "柳林镇",
    "青峪镇",
    "平川镇",
    "龙泉镇",
    "松岭乡",
    "北山乡",
    "禾丰乡",
    "双河乡",
    "东关街道",
    "西城街道",
    "南苑街道",
    "北苑街道",
    "新华街道",
    "国税分厅",
    "地税分厅",
    "车管所",
]
SLOW, OFFLINE, CATCHUP, MAINTENANCE, STOPPED, NEVER = 4, 6, 8, 9, 13, 14
ROWS, HELD = 1092, 674  # of the site that catches up: announced, arrived
EPOCH = b"e" * 8


async def fill(conn: AsyncConnection, now_at: int, now_wall: int, *, cases_a_day: int = 40) -> None:
    """Write the city as it stands at `now_at`. The same arguments give the same city."""
    chance = random.Random(7)
    await conn.execute(insert(t.site), [_site(place) for place in range(len(NAMES))])
    await conn.execute(insert(t.maintenance), [upkeep(site_id(MAINTENANCE), now_at, now_at + 28 * MINUTE)])
    heard = [place for place in range(len(NAMES)) if place != NEVER]
    await hear(conn, now_wall)
    await conn.execute(insert(t.ingest_cursor), [_cursor(place, now_wall) for place in heard])
    await conn.execute(insert(t.site_pass), [row for place in heard for row in _passes(place, now_at)])
    arrivals = [row for place in heard for row in _arrivals(place, now_at, chance)]
    await conn.execute(insert(t.arrival), arrivals)
    await conn.execute(insert(t.calendar_day), _calendar(from_us(now_at, ZONE).date()))
    version = {"version": 1, "source": "测试", "who": "w", "why": "y", "made_wall": 0, "made_at": 0}
    await conn.execute(insert(t.calendar_version), [version])
    await conn.execute(insert(t.transition), _history(now_at, chance))
    await conn.execute(insert(t.dead_letter), _dead_letters(now_wall))
    await city_cases.fill(conn, heard, now_at, now_wall, chance, cases_a_day)


async def hear(conn: AsyncConnection, now_wall: int) -> None:
    """Every line as it stands at first, now: where filling or other tests took minutes, all have fallen silent."""
    await conn.execute(delete(t.site_status))
    heard = [status(place, now_wall) for place in range(len(NAMES)) if place != NEVER]
    await conn.execute(insert(t.site_status), heard)


def _site(place: int) -> dict[str, Any]:
    kind = SiteKind.TOWNSHIP if place < 10 else SiteKind.STREET if place < 15 else SiteKind.BRANCH
    return {
        "id": site_id(place),
        "name": NAMES[place],
        "kind": kind,
        "position": place,
        "retired_wall": None,
    }


def upkeep(site: str, from_at: int, until_at: int) -> dict[str, Any]:
    """A planned maintenance."""
    return {
        "site": site,
        "from_at": from_at,
        "until_at": until_at,
        "why": "更换交换机",
        "who": "it",
        "set_wall": 0,
    }


def _calendar(today: date) -> list[dict[str, Any]]:
    days = [today + timedelta(days=offset) for offset in range(-60, 120)]
    return [
        {"version": 1, "day": str(day), "workday": workday(day), "reason": "" if workday(day) else "周末"}
        for day in days
    ]


# lines -------------------------------------------------------------------------------------------------------


def _silence(place: int) -> int:
    return 134 * MINUTE if place == OFFLINE else (33 if place == SLOW else 1 + place % 9) * SECOND


def status(place: int, now_wall: int) -> dict[str, Any]:
    gone = place == OFFLINE
    heard = now_wall - _silence(place)
    return {
        "site": site_id(place),
        "online": not gone,
        "connection": "c",
        "since_wall": heard if gone else now_wall - 3 * DAY,
        "heard_wall": heard,
        "receipt_wall": heard,
        "record_wall": heard - 20 * SECOND,
        "heartbeat": message.encode(beat(place, heard)),
    }


def beat(place: int, at_wall: int, *, rows: int | None = None) -> Heartbeat:
    """What the site's box says; `rows` waiting on it, if not as the city stands at first."""
    behind = place == CATCHUP
    waiting = (ROWS - HELD if behind else 0) if rows is None else rows
    return Heartbeat(
        connection="c",
        epoch=EPOCH,
        newest=ROWS,
        upto=ROWS - waiting,
        rows=waiting,
        bytes=waiting * 700,
        oldest_unsent_age_s=7_920.0 if waiting else 0.0,
        capture_ok_age_s=760.0 if place == STOPPED else 3.0,
        source_fault="审批数据库拒绝连接：用户名或密码不对" if place == STOPPED else "",
        quarantined=3 if behind else 0,
        ack_rtt_ms=31.0,
        disk_percent=88.0 if place == STOPPED else 41.0,
        state="catchup" if waiting else "steady",
        at_wall=at_wall,
        version="0.1.0",
    )


def _cursor(place: int, now_wall: int) -> dict[str, Any]:
    return {
        "site": site_id(place),
        "epoch": EPOCH,
        "epoch_no": 1,
        "generation": 1,
        **held(HELD if place == CATCHUP else ROWS),
        "newest": ROWS,
        "gap_at": 0,
        "ver": 1,
        "opened_wall": now_wall,
        "updated_wall": now_wall,
    }


def held(upto: int) -> dict[str, Any]:
    """The columns of a cursor that holds the numbers up to `upto`."""
    return {"upto": upto, "ranges": msgspec.msgpack.encode([Range(1, upto, b"", b"x")])}


def _complete_until(place: int, now_at: int) -> int:
    lag = {OFFLINE: 134 * MINUTE, CATCHUP: 132 * MINUTE, MAINTENANCE: 40 * MINUTE, STOPPED: 13 * MINUTE}
    return now_at - lag.get(place, 20 * SECOND)


def _passes(place: int, now_at: int) -> list[dict[str, Any]]:
    until = _complete_until(place, now_at)
    return [
        {"site": site_id(place), "tbl": table, "complete_until": until + extra}
        for table, extra in (("case", 0), ("step", 5 * SECOND))
    ]


def _arrivals(place: int, now_at: int, chance: random.Random) -> list[dict[str, Any]]:
    """Twelve days in quarter hours; some arrived late, the ones of a lost line not at all."""
    today = from_us(now_at, ZONE).date()
    rows = {}
    for back in range(12):
        opens = band.opening(today - timedelta(days=back), ZONE)
        for number in range(band.SLOTS):
            slot = opens + number * band.SLOT
            if _arrived(place, back, slot, now_at):
                late = number in _late_slots(place, back)
                count = chance.randint(1, 9)
                rows[slot] = {"live": 0 if late else count, "late": count if late else 0}
    return [{"site": site_id(place), "slot_at": slot, **counts} for slot, counts in rows.items()]


def _arrived(place: int, back: int, slot: int, now_at: int) -> bool:
    if place == CATCHUP and back == 0 and now_at - 62 * MINUTE < slot <= now_at:
        return True  # fresh data comes first, while the backlog drains
    return slot < (now_at if back else min(now_at, _complete_until(place, now_at)))


def _late_slots(place: int, back: int) -> range:
    if (place, back) == (CATCHUP, 0):
        return range(9, 18)
    return range(12, 15) if (back + place) % 7 == 4 else range(0)


def _dead_letters(now_wall: int) -> list[dict[str, Any]]:
    reasons = ("Expected `int`, got `str` - at `$[0]`", "number 12 in the place of 13")
    return [
        {
            "site": site_id(CATCHUP),
            "epoch": EPOCH,
            "seq": seq,
            "code": "bad_record",
            "reason": reason,
            "raw": b"",
            "at_wall": now_wall - seq * MINUTE,
            "state": LetterState.OPEN.value,
        }
        for seq, reason in enumerate(reasons, 12)
    ]


def _history(now_at: int, chance: random.Random) -> list[dict[str, Any]]:
    """Lights of the last 30 days on cases that are long closed."""
    rows = []
    for back in range(29, 0, -1):
        at = now_at - back * DAY
        if not workday(from_us(at, ZONE).date()):
            continue
        for light, most in ((Light.YELLOW, 26), (Light.RED, 9)):
            rows += [
                {
                    "site": site_id(number % 18),
                    "case_key": f"old-{back}-{number}",
                    "clock": ClockKind.PROMISE,
                    "cycle": 1,
                    "before": Light.GREEN,
                    "after": light,
                    "since_at": at,
                    "judged_at": at,
                    "judged_wall": at,
                    "late": False,
                    "why": "",
                }
                for number in range(chance.randint(most // 3, most))
            ]
    return rows
