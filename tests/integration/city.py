"""A believable city in the hall's real tables: 18 sites, two weeks of cases, every link and light at least once."""

import random
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import band
from central.store import tables as t
from common.core import message
from common.core.instant import DAY, HOUR, MINUTE, SECOND, end_of_day, from_us, start_of_day
from common.core.message import Heartbeat
from common.core.ranges import Range
from common.core.record import Case, Op, Record, RecordKind, Step, encode_body, encode_record
from common.core.state import CaseStatus, ClockKind, Light, SiteKind, StepKind

ZONE = ZoneInfo("Asia/Shanghai")
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
ITEMS = [
    ("食品经营许可（新办）", 20, 10),
    ("个体工商户设立登记", 15, 3),
    ("农村宅基地审批", 20, 12),
    ("城市低保申请", 20, 8),
    ("残疾人两项补贴", 20, 7),
    ("临时救助申请", 20, 5),
    ("林木采伐许可", 20, 9),
    ("发票票种核定", 20, 2),
    ("机动车转移登记", 10, 1),
    ("机动车抵押登记", 10, 1),
    ("公共场所卫生许可", 20, 6),
    ("户外广告设置许可", 20, 5),
]
SURNAMES = "王李张刘陈杨赵黄周吴徐孙"
OFFLINE, CATCHUP, MAINTENANCE, STOPPED, NEVER = 6, 8, 9, 13, 14
RED_SITES = {1: 1, 11: 1, 17: 2}
STEPS = [
    (StepKind.RECEIVE, "窗口收件"),
    (StepKind.ACCEPT, "受理"),
    (StepKind.CHECK, "审查"),
    (StepKind.DECIDE, "决定"),
]


def site_id(place: int) -> str:
    return f"s{place + 1:02}"


def workday(day: date) -> bool:
    return day.weekday() < 5


async def fill(conn: AsyncConnection, now_at: int, now_wall: int, *, cases_a_day: int = 40) -> None:
    """Write the city as it stands at `now_at`. The same arguments give the same city."""
    chance = random.Random(7)
    await conn.execute(insert(t.site), [_site(place, now_at) for place in range(len(NAMES))])
    heard = [place for place in range(len(NAMES)) if place != NEVER]
    await conn.execute(insert(t.site_status), [_status(place, now_wall) for place in heard])
    await conn.execute(insert(t.ingest_cursor), [_cursor(place, now_wall) for place in heard])
    await conn.execute(insert(t.site_pass), [row for place in heard for row in _passes(place, now_at)])
    await conn.execute(
        insert(t.arrival), [row for place in heard for row in _arrivals(place, now_at, chance)]
    )
    today = from_us(now_at, ZONE).date()
    days = [today + timedelta(days=offset) for offset in range(-60, 120)]
    calendar = [
        {"version": 1, "day": str(day), "workday": workday(day), "reason": "周末" if not workday(day) else ""}
        for day in days
    ]
    await conn.execute(insert(t.calendar_day), calendar)
    rows = [
        row
        for place in heard
        for back in range(14)
        for row in _cases(place, today - timedelta(days=back), now_at, chance, cases_a_day)
    ]
    await conn.execute(insert(t.case), [case for case, _ in rows])
    await conn.execute(insert(t.clock), [clock for _, clock in rows])
    await conn.execute(insert(t.transition), _history(now_at, chance))
    lit = [(case, clock) for case, clock in rows if case["light"] in {"red", "yellow", "grey"}]
    await conn.execute(insert(t.transition), [_transition(case, clock, now_at) for case, clock in lit])
    await _facts(conn, [case for case, _ in rows if case["open"]][:40], now_at, now_wall)


def _site(place: int, now_at: int) -> dict[str, Any]:
    kind = SiteKind.TOWNSHIP if place < 10 else SiteKind.STREET if place < 15 else SiteKind.BRANCH
    until = now_at + 28 * MINUTE if place == MAINTENANCE else None
    return {
        "id": site_id(place),
        "name": NAMES[place],
        "kind": kind,
        "position": place,
        "retired_wall": None,
        "maintenance_until_at": until,
    }


def _silence(place: int) -> int:
    return 134 * MINUTE if place == OFFLINE else (47 if place == 4 else 1 + place % 9) * SECOND


def _status(place: int, now_wall: int) -> dict[str, Any]:
    gone = place == OFFLINE
    heard = now_wall - _silence(place)
    beat = Heartbeat(
        connection="c",
        boot="b",
        epoch=b"e" * 8,
        newest=1092,
        upto=674,
        rows=418 if place == CATCHUP else 0,
        bytes=0,
        oldest_unsent_age_s=7_920.0 if place == CATCHUP else 0.0,
        capture_ok_age_s=760.0 if place == STOPPED else 3.0,
        source_fault="审批数据库拒绝连接：用户名或密码不对" if place == STOPPED else "",
        quarantined=0,
        ack_rtt_ms=31.0,
        disk_percent=41.0,
        state="补传" if place == CATCHUP else "实时",
        at_wall=heard,
        version="0.1.0",
    )
    return {
        "site": site_id(place),
        "online": not gone,
        "connection": "c",
        "since_wall": heard if gone else now_wall - 3 * DAY,
        "heard_wall": heard,
        "receipt_wall": heard,
        "record_wall": heard - 20 * SECOND,
        "heartbeat": message.encode(beat),
    }


def _cursor(place: int, now_wall: int) -> dict[str, Any]:
    upto = 674 if place == CATCHUP else 1092
    return {
        "site": site_id(place),
        "epoch": b"e" * 8,
        "epoch_no": 1,
        "generation": 1,
        "upto": upto,
        "ranges": msgspec.msgpack.encode([Range(1, upto, b"", b"x")]),
        "newest": 1092,
        "ver": 1,
        "updated_wall": now_wall,
    }


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
    rows = []
    today = from_us(now_at, ZONE).date()
    for back in range(12):
        opens = band.opening(today - timedelta(days=back), ZONE)
        late = (
            range(9, 18)
            if (back, place) == (0, CATCHUP)
            else range(12, 15)
            if (back + place) % 7 == 4
            else ()
        )
        until = now_at if place != CATCHUP or back else now_at - 60 * MINUTE
        fresh = [] if place != CATCHUP or back else [(now_at - 20 * MINUTE) // band.SLOT * band.SLOT]
        for slot in [*(opens + n * band.SLOT for n in range(band.SLOTS)), *fresh]:
            number = (slot - opens) // band.SLOT
            if slot in fresh or (slot < until and not (back == 0 and slot > _complete_until(place, now_at))):
                count = chance.randint(1, 9)
                is_late = number in late
                rows.append(
                    {
                        "site": site_id(place),
                        "slot_at": slot,
                        "live": 0 if is_late else count,
                        "late": count if is_late else 0,
                    }
                )
    return list({(row["site"], row["slot_at"]): row for row in rows}.values())


def _cases(
    place: int, day: date, now_at: int, chance: random.Random, a_day: int
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    rows = []
    busy = a_day * (3 if place > 14 else 1) if workday(day) else 0
    reds = RED_SITES.get(place, 0) if (from_us(now_at, ZONE).date() - day).days == 8 else 0
    for number in range(chance.randint(busy // 2, busy) if busy else 0):
        accepted = start_of_day(day, ZONE) + 8 * HOUR + chance.randint(0, 10 * HOUR // SECOND) * SECOND
        if accepted > now_at:
            continue
        rows.append(_case(place, day, number, accepted, now_at, chance, lit_red=number < reds))
    return rows


def _case(
    place: int, day: date, number: int, accepted: int, now_at: int, chance: random.Random, *, lit_red: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    name, _, promised = chance.choice(ITEMS[:5] if lit_red else ITEMS)
    due_day, left = day, promised if not lit_red else 5
    while left:
        due_day += timedelta(days=1)
        left -= workday(due_day)
    due = end_of_day(due_day, ZONE)
    finished = None if lit_red else accepted + chance.randint(1, promised * 14) * HOUR
    is_open = finished is None or finished > now_at or finished >= due
    if is_open and due <= now_at and not lit_red:
        finished, is_open = min(due - HOUR, now_at), False
    light = Light.GREEN
    if is_open:
        finished = None
        if due <= now_at:
            light = Light.RED
        elif due - now_at < 10 * HOUR:
            light = Light.YELLOW
        elif place == OFFLINE and chance.random() < 0.1:
            light = Light.GREY
    status = CaseStatus.IN_PROGRESS if is_open else CaseStatus.DONE
    key = f"{day:%Y%m%d}{place + 1:02}{1007 + number * 37:04}"
    case = {
        "site": site_id(place),
        "case_key": key,
        "case_no": f"3702{key}",
        "item_code": f"X{place:03}",
        "item_name": name,
        "applicant": chance.choice(SURNAMES) + "秀英",
        "org": NAMES[place] + "便民服务中心",
        "responsible": "孙科长",
        "received_at": accepted - 20 * MINUTE,
        "accepted_at": accepted,
        "finished_at": finished,
        "deadline_at": None,
        "status": status,
        "outcome": None if is_open else "准予许可",
        "open": is_open,
        "deleted": False,
        "light": light,
        "due_at": due,
        "rev": 1,
    }
    return case, {
        "site": case["site"],
        "case_key": key,
        "kind": ClockKind.PROMISE,
        "light": light,
        "since_at": due if light is Light.RED else accepted,
        "yellow_at": due - DAY,
        "due_at": due,
        "running": is_open,
        "stopped": not is_open,
        "provisional": False,
        "calendar_version": 1,
        "next_check_at": None,
        "needs_until": due if light is Light.GREY else None,
        "rev": 1,
    }


def _transition(case: dict[str, Any], clock: dict[str, Any], now_at: int) -> dict[str, Any]:
    since = min(int(case["due_at"]), now_at - MINUTE) if case["light"] == Light.RED else now_at - 3 * HOUR
    return {
        "site": case["site"],
        "case_key": case["case_key"],
        "clock": clock["kind"],
        "cycle": 1,
        "before": Light.GREEN,
        "after": case["light"],
        "since_at": since,
        "judged_at": since + 2 * SECOND,
        "judged_wall": since + 2 * SECOND,
        "late": case["light"] == Light.RED and case["site"] == site_id(11),
        "why": "承诺时限已过",
    }


def _history(now_at: int, chance: random.Random) -> list[dict[str, Any]]:
    """Lights of the last 30 days on cases that are long closed."""
    rows = []
    for back in range(1, 30):
        at = now_at - back * DAY
        if not workday(from_us(at, ZONE).date()):
            continue
        for light, most in ((Light.YELLOW, 26), (Light.RED, 9)):
            for number in range(chance.randint(most // 3, most)):
                rows.append(
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
                )
    return rows


async def _facts(conn: AsyncConnection, cases: list[dict[str, Any]], now_at: int, now_wall: int) -> None:
    """Records and heads of some cases, with three steps each and one edited step."""
    records, heads = [], []
    for seq, case in enumerate(cases):
        for place, (kind, name) in enumerate(STEPS[:3]):
            at = from_us(case["accepted_at"] + place * HOUR, ZONE).isoformat(timespec="seconds")
            step = Step(
                case_key=case["case_key"],
                seq=place + 1,
                step_name=name,
                kind=kind,
                actor="赵办事",
                started_at=at,
                finished_at=at if place < 2 else None,
                opinion="材料齐全，同意受理",
            )
            records += _versions(case, step, seq * 10 + place * 2 + 1, now_at, now_wall, edited=place == 1)
            heads.append(_head(case, "step", f"{case['case_key']}-{place}", RecordKind.STEP, step, now_at))
        body = Case(case_key=case["case_key"], case_no=case["case_no"], applicant=case["applicant"])
        heads.append(_head(case, "case", case["case_key"], RecordKind.CASE, body, now_at))
        records += _versions(case, body, seq * 10 + 9, now_at, now_wall, edited=False)
    await conn.execute(insert(t.record), records)
    await conn.execute(insert(t.row_head), heads)


def _head(
    case: dict[str, Any], table: str, key: str, kind: RecordKind, body: Case | Step, now_at: int
) -> dict[str, Any]:
    return {
        "site": case["site"],
        "tbl": table,
        "key": key,
        "kind": kind,
        "case_key": case["case_key"],
        "epoch_no": 1,
        "version": 1,
        "deleted": False,
        "digest": b"d" * 16,
        "body": bytes(encode_body(body)),
        "first_seen_at": now_at - HOUR,
        "cap_at": now_at - HOUR,
    }


def _versions(
    case: dict[str, Any], body: Case | Step, seq: int, now_at: int, now_wall: int, *, edited: bool
) -> list[dict[str, Any]]:
    is_step = isinstance(body, Step)
    table = "step" if is_step else "case"
    key = f"{case['case_key']}-{(body.seq or 1) - 1}" if isinstance(body, Step) else case["case_key"]
    rows = []
    for version in (1, 2) if edited else (1,):
        record = Record(
            seq=seq + version - 1,
            kind=RecordKind.STEP if is_step else RecordKind.CASE,
            table=table,
            key=key,
            version=version,
            op=Op.PUT,
            src_at=None,
            cap_at=now_at - HOUR,
            cap_wall=now_wall - HOUR,
            cap_mono=0,
            digest=b"d" * 16,
            body=encode_body(body),
        )
        rows.append(
            {
                "site": case["site"],
                "epoch": b"e" * 8,
                "seq": record.seq,
                "kind": record.kind,
                "tbl": table,
                "key": key,
                "version": version,
                "cap_at": record.cap_at,
                "cap_wall": record.cap_wall,
                "received_at": now_at - HOUR + 2 * SECOND,
                "received_wall": now_wall - HOUR + 2 * SECOND,
                "lane": "live",
                "digest": record.digest,
                "raw": encode_record(record),
            }
        )
    return rows
