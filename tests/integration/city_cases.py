"""The city's cases: many closed and green as plain rows, the noteworthy ones from source rows by the real judge."""

import random
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from central import judge
from central.judge import Moment
from central.store import tables as t
from common.core.instant import DAY, HOUR, MINUTE, SECOND, end_of_day, from_us, start_of_day
from common.core.record import Case, Op, Record, RecordKind, Step, encode_body, encode_record
from common.core.state import CaseStatus, ClockKind, Light, StepKind

ZONE = ZoneInfo("Asia/Shanghai")
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
PHONE = "10005327741"
RED_SITES = {1: 1, 11: 1, 17: 2}
LATE_SITE, GREY_SITE, PAUSED_SITE = 11, 6, 2
BUSY = range(15, 18)  # the branch halls


class Filed(Struct, frozen=True, kw_only=True):
    """One case as its site would tell it. Instants in microseconds."""

    site: str
    key: str
    item: tuple[str, int, int]
    applicant: str
    accepted: int
    finished: int | None = None
    deadline: int | None = None
    paused: int | None = None
    due: int


def site_id(place: int) -> str:
    return f"s{place + 1:02}"


def workday(day: date) -> bool:
    return day.weekday() < 5


def nth_workday(day: date, count: int) -> date:
    """The `count`-th working day after `day`; before it where negative."""
    step = 1 if count > 0 else -1
    while count:
        day += timedelta(days=step)
        count -= step if workday(day) else 0
    return day


async def fill(
    conn: AsyncConnection,
    places: Sequence[int],
    now_at: int,
    now_wall: int,
    chance: random.Random,
    cases_a_day: int,
) -> None:
    """Two weeks of cases at these sites."""
    today = from_us(now_at, ZONE).date()
    filed = [
        case
        for place in places
        for back in range(14)
        for case in _filed(place, today - timedelta(days=back), now_at, chance, cases_a_day)
    ]
    filed += _special(today, now_at)
    noteworthy = [case for case in filed if _is_noteworthy(case, now_at)]
    keys = {(case.site, case.key) for case in noteworthy}
    plain = [case for case in filed if (case.site, case.key) not in keys]
    await conn.execute(insert(t.case), [_case_row(case, now_at) for case in plain])
    await conn.execute(insert(t.clock), [_clock_row(case, now_at) for case in plain])
    await add_facts(conn, noteworthy, now_at, now_wall)
    await _judge(conn, noteworthy, now_at, now_wall)


def _filed(place: int, day: date, now_at: int, chance: random.Random, a_day: int) -> list[Filed]:
    busy = a_day * (3 if place in BUSY else 1) if workday(day) else 0
    reds = RED_SITES.get(place, 0) if (from_us(now_at, ZONE).date() - day).days == 8 else 0
    found = []
    for number in range(chance.randint(busy // 2, busy) if busy else 0):
        accepted = start_of_day(day, ZONE) + 8 * HOUR + chance.randint(0, 36_000) * SECOND
        if accepted < now_at:
            found.append(_one(place, day, number, accepted, now_at, chance, is_red=number < reds))
    return found


def _one(
    place: int, day: date, number: int, accepted: int, now_at: int, chance: random.Random, *, is_red: bool
) -> Filed:
    item = chance.choice(ITEMS[4:6] if is_red else ITEMS)
    if is_red:
        item = (item[0], item[1], 5)
    due = end_of_day(nth_workday(day, item[2]), ZONE)
    hours = chance.randint(1, 3) if item[2] < 3 else chance.randint(1, item[2] * 18)
    finished = accepted + hours * HOUR
    if chance.random() < 0.025:
        finished = due - HOUR  # a slow one
    finished = min(finished, due - HOUR)
    if item[2] > 2 and chance.random() < 0.012 and due + DAY < now_at:
        finished = due + 5 * HOUR
    return Filed(
        site=site_id(place),
        key=f"{day:%Y%m%d}{place + 1:02}{1007 + number * 37:04}",
        item=item,
        applicant=chance.choice(SURNAMES) + "秀英",
        accepted=accepted,
        finished=None if is_red or finished > now_at else finished,
        due=due,
    )


def _special(today: date, now_at: int) -> list[Filed]:
    """One whose limit fell into its site's silence, one in a special procedure."""
    begun = start_of_day(nth_workday(today, -6), ZONE) + 9 * HOUR
    deadline = now_at - 40 * MINUTE
    grey = Filed(
        site=site_id(GREY_SITE),
        key="2026060407201",
        item=("林木采伐许可", 20, 20),
        applicant="赵秀英",
        accepted=begun,
        deadline=deadline,
        due=deadline,
    )
    paused = replace(
        grey,
        site=site_id(PAUSED_SITE),
        key="2026060403202",
        item=ITEMS[0],
        deadline=None,
        paused=begun + 2 * DAY,
    )
    return [grey, paused]


def _yellow_at(case: Filed) -> int:
    days = case.item[2]
    start = from_us(case.accepted, ZONE).date()
    return start_of_day(nth_workday(start, days - 1) if days > 1 else start, ZONE)


def _is_noteworthy(case: Filed, now_at: int) -> bool:
    if case.deadline or case.paused:
        return True
    lit = case.finished is None and now_at >= _yellow_at(case)
    return lit or (case.finished is None and case.key.endswith("1044"))


def _light(case: Filed, now_at: int) -> Light:
    ended = now_at if case.finished is None else case.finished
    return Light.RED if ended > case.due else Light.GREEN


def _case_row(case: Filed, now_at: int) -> dict[str, Any]:
    is_open = case.finished is None
    return {
        "site": case.site,
        "case_key": case.key,
        "case_no": f"3702{case.key}",
        "item_code": None,
        "item_name": case.item[0],
        "applicant": case.applicant,
        "org": "便民服务中心",
        "responsible": "孙科长",
        "received_at": case.accepted - 20 * MINUTE,
        "filed_at": case.accepted,
        "accepted_at": case.accepted,
        "finished_at": case.finished,
        "deadline_at": None,
        "status": CaseStatus.IN_PROGRESS if is_open else CaseStatus.DONE,
        "outcome": None if is_open else "准予许可",
        "open": is_open,
        "deleted": False,
        "light": _light(case, now_at),
        "due_at": case.due,
        "rev": 1,
    }


def _clock_row(case: Filed, now_at: int) -> dict[str, Any]:
    light = _light(case, now_at)
    return {
        "site": case.site,
        "case_key": case.key,
        "kind": ClockKind.PROMISE,
        "light": light,
        "since_at": case.due if light is Light.RED else case.accepted,
        "yellow_at": _yellow_at(case),
        "due_at": case.due,
        "running": case.finished is None,
        "stopped": case.finished is not None,
        "provisional": False,
        "calendar_version": 1,
        "next_check_at": None,
        "needs_until": None,
        "rev": 1,
    }


# source rows -------------------------------------------------------------------------------------------------


def _text(us: int) -> str:
    return from_us(us, ZONE).isoformat(timespec="seconds")


def bodies(case: Filed, now_at: int) -> list[Case | Step]:
    """The rows of the site's database that make up `case`."""
    name, legal, promised = case.item
    main = Case(
        case_key=case.key,
        case_no=f"3702{case.key}",
        item_name=name,
        applicant=case.applicant,
        phone=PHONE,
        org="便民服务中心",
        responsible="孙科长",
        received_at=_text(case.accepted - 20 * MINUTE),
        accepted_at=_text(case.accepted),
        promised=promised,
        promised_unit="workdays",
        legal=legal,
        deadline=_text(case.deadline) if case.deadline else None,
        finished_at=_text(case.finished) if case.finished else None,
        status=CaseStatus.IN_PROGRESS,
    )
    plan = [
        (StepKind.RECEIVE, "窗口收件", -20 * MINUTE, "材料齐全"),
        (StepKind.ACCEPT, "受理", 0, f"同意受理，已电话告知{case.applicant} {PHONE}"),
        (StepKind.CHECK, "现场踏勘与审查", DAY, ""),
    ]
    if case.paused:
        plan.append((StepKind.PAUSE, "听证", case.paused - case.accepted, "依法举行听证，期间不计入时限"))
    steps = [
        Step(
            case_key=case.key,
            seq=place,
            step_name=label,
            kind=kind,
            actor="赵办事",
            org="便民服务中心",
            started_at=_text(case.accepted + after),
            finished_at=_text(case.accepted + after + 10 * MINUTE) if kind is not StepKind.CHECK else None,
            opinion=opinion or None,
        )
        for place, (kind, label, after, opinion) in enumerate(plan, 1)
        if case.accepted + after < now_at
    ]
    return [main, *steps]


async def add_facts(
    conn: AsyncConnection, cases: Sequence[Filed], now_at: int, now_wall: int, *, first_seq: int = 1
) -> None:
    """Records and heads of `cases`; the second step of each was edited once."""
    records: list[dict[str, Any]] = []
    heads: list[dict[str, Any]] = []
    for case in cases:
        for place, body in enumerate(bodies(case, now_at)):
            versions = 2 if place == 2 else 1
            for version in range(1, versions + 1):
                seq = first_seq + len(records)
                records.append(_record_row(case, place, body, version, seq, now_at, now_wall))
            heads.append(_head_row(case, place, body, versions, now_at))
    await conn.execute(insert(t.record), records)
    await conn.execute(insert(t.row_head), heads)


def _place(case: Filed, place: int, body: Case | Step) -> dict[str, Any]:
    is_step = isinstance(body, Step)
    return {
        "site": case.site,
        "tbl": "step" if is_step else "case",
        "key": f"{case.key}-{place}" if is_step else case.key,
        "kind": RecordKind.STEP if is_step else RecordKind.CASE,
        "digest": b"d" * 16,
    }


def _head_row(case: Filed, place: int, body: Case | Step, version: int, now_at: int) -> dict[str, Any]:
    seen = min(case.accepted + max(0, place - 1) * 5 * MINUTE, now_at - MINUTE)
    return _place(case, place, body) | {
        "case_key": case.key,
        "epoch_no": 1,
        "version": version,
        "deleted": False,
        "body": bytes(encode_body(body)),
        "first_seen_at": seen,
        "cap_at": seen + (version - 1) * HOUR,
    }


def _record_row(
    case: Filed, place: int, body: Case | Step, version: int, seq: int, now_at: int, now_wall: int
) -> dict[str, Any]:
    where = _place(case, place, body)
    back = min(now_at - MINUTE, case.accepted + version * HOUR) - now_at
    record = Record(
        seq=seq,
        kind=where["kind"],
        table=where["tbl"],
        key=where["key"],
        version=version,
        op=Op.PUT,
        src_at=None,
        cap_at=now_at + back,
        cap_wall=now_wall + back,
        cap_mono=0,
        digest=where["digest"],
        body=encode_body(body),
    )
    return where | {
        "epoch": b"e" * 8,
        "seq": seq,
        "version": version,
        "cap_at": record.cap_at,
        "cap_wall": record.cap_wall,
        "received_at": record.cap_at + 2 * SECOND,
        "received_wall": record.cap_wall + 2 * SECOND,
        "lane": "live",
        "raw": encode_record(record),
    }


async def _judge(conn: AsyncConnection, cases: Sequence[Filed], now_at: int, now_wall: int) -> None:
    """Judge each case when its light changed: at the first yellow instant, past due, and now."""
    world = await judge.load_world(conn, ZONE)
    turns: dict[tuple[int, str], set[str]] = defaultdict(set)
    for case in cases:
        for at in _turns(case, now_at):
            turns[min(at, now_at), case.site].add(case.key)
    for (at, site), keys in sorted(turns.items()):
        moment = Moment(at, now_wall - (now_at - at))
        await judge.judge_cases(conn, site, keys, world, moment, _found_late(site, keys))


def _turns(case: Filed, now_at: int) -> tuple[int, ...]:
    if case.paused:
        return (now_at,)
    return case.accepted + HOUR, _yellow_at(case) + 9 * HOUR, case.due + 2 * SECOND, now_at


def _found_late(site: str, keys: Collection[str]) -> Collection[str]:
    return keys if site == site_id(LATE_SITE) else ()
