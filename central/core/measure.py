"""The one meaning of every figure: what a case adds to which count, on which day. Scores, statistics and exports read it. Pure.
What ratings and complaints add is `voiced.py`, what cameras and the line to the site add `watched.py`.

A count is a sum over cases, so it may be grouped by anything and periods add up. Each addition has a day of the legal zone that
the facts alone decide, so that late facts and their order change nothing:

- a limit counts on the day it was settled: decided in time, or the day from which it is red;
- what concerns the application counts on the day of acceptance (else receipt), everything else on the day of the decision.

What was found but may not be held against anybody (contested, excused, not confirmed by a person) adds to no fault; it is
`spared`, with the reason.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core.asked_rules import UNENTERED
from central.core.calendar import Calendar
from central.core.lamp import UNCONFIRMED
from common.core.instant import day_ending, local_date, start_of_day
from common.core.state import ClockKind, Light


class Measure(Struct, frozen=True):
    """A count. `fault`: it is held against a unit, so every case of it is named, and may be objected to. `named`: its cases are
    named as well, but what it says is reviewed elsewhere. `hint`: a reason to look, which no score may read. `unit`: of what it is
    a number.
    """

    id: str
    name: str
    definition: str
    fault: bool = False
    named: bool = False
    hint: bool = False
    unit: str = "件"


class Limit(Struct, frozen=True):
    """One clock of a case as it stands."""

    kind: ClockKind
    cycle: int
    light: Light
    since_at: int | None
    due_at: int | None
    start: date | None


class Subject(Struct, frozen=True, kw_only=True):
    """What is known of one case. Instants are office time."""

    filed_at: int | None  # acceptance, else receipt
    accepted_at: int | None
    finished_at: int | None
    deleted: bool
    is_complete: bool  # number, item, office, responsible and outcome are all stated
    entered_late: bool
    limits: list[Limit]
    rules: list[tuple[str, Light]]  # broken or watched
    yellows: list[tuple[int, str]] = []  # instants from which a yellow light held, of which clock
    corrections: list[
        tuple[int, bool]
    ] = []  # when the unit's part ended, and whether a deadline had passed before
    sanctions: list[int] = []  # when a result of accountability was entered
    contested: Mapping[
        tuple[str, int], str
    ] = {}  # (clock or rule, cycle) -> why it may not be held against anybody
    confirmed: frozenset[str] = frozenset()  # rules of which a person has said that they were broken
    is_listed: bool = False  # its item is in the catalogue
    is_public: bool = False  # and its public fields are all filled
    is_routed: bool = False  # and its procedure is prescribed
    is_priced: bool = False  # and its fees are
    charged: int | None = None  # what its fees come to, in fen; None: no amount is recorded
    reopened: list[tuple[date, date]] = []  # on which day it had ended, and from which on it was open again
    proof_at: int | None = None  # by when a ticket or a fee says that it has to be in the system
    is_entered: bool = True  # False: nothing but such evidence has come
    odd: frozenset[str] = frozenset()  # patterns it is a part of, where they were looked for: `pattern.py`


class Added(Struct, frozen=True):
    """`spared`: why the fault is not counted; empty: it is. `count`: how much is added at once."""

    day: date
    measure: str
    spared: str = ""
    count: int = 1


_RULED, _HELD = "收件中有规则亮", "不论几条计一件；须人核实的经核实，争议中的不计"
MEASURES = {
    one.id: one
    for one in (
        Measure("filed", "收件", "当期受理的办件；没有受理时间的按收件时间"),
        Measure("decided", "办结", "当期作出决定的办件，不含已删除的"),
        Measure("statute_of", "法定时限到结", "当期办结或变红的法定时限"),
        Measure("statute_late", "法定超时", "当期起亮红灯的法定时限，争议中的不计", fault=True),
        Measure("promise_of", "承诺时限到结", "当期办结或变红的承诺时限（没有承诺的按业务系统所载）"),
        Measure("promise_late", "承诺超时", "当期起亮红灯的承诺时限，争议中的不计", fault=True),
        Measure("apply_fault", "受理不规范", "规则 L32-1、L32-3、L32-4、L32-5 不符合的收件", fault=True),
        Measure("route_of", "有规定程序的办结", "办结件中，事项清单载有环节的"),
        Measure("route_fault", "程序不规范", "规则 L37（经人核实）、L45-1、L48 不符合的办结", fault=True),
        Measure("fee_of", "有收费标准的办结", "办结件中，事项清单载有收费标准的"),
        Measure("fee_fault", "收费不符", "规则 L58 不符合的办结", fault=True),
        Measure("item_of", "事项在清单的办结", "办结件中，事项清单有该事项的"),
        Measure("open_fault", "公开不到位", "事项公示缺项，或规则 L30-1a、L40 不符合的办结", fault=True),
        Measure("disordered", "时间矛盾", "规则 S-2 不符合、经人核实的办结", fault=True),
        Measure("entered_late", "补录", "有字段迟于宽限才录入的办结", fault=True),
        Measure(
            "incomplete", "要素不全", "编号、事项、部门、责任人、受理时间、结果缺任一项的办结", fault=True
        ),
        Measure("early", "提前办结", "用时不超过承诺时限一半的办结"),
        Measure("reopened", "办结后重开", "当期重新打开、而办结还不到 30 天的", fault=True),
        Measure(
            "unentered",
            "体外循环",
            "规则 S-1 不符合、经人核实：有叫号或收费，当期到期系统里还没有的",
            fault=True,
        ),
        Measure("concealed", "隐瞒办件", "体外循环之中至今仍没有录入的", fault=True),
        Measure(
            "clue",
            "体外线索",
            "编号、文书号空缺，或投诉所指而系统里没有的办件，经人核实属实，按应当录入的日子计",
            fault=True,
        ),
        Measure("yellow", "黄灯", "当期起亮的黄灯"),
        Measure("red", "红灯", "当期起亮的时限红灯，不论争议"),
        Measure(
            "yellow_row",
            "连续三黄",
            "同一部门同一责任人当月接连办结的三件都亮过黄灯，满三件计一次；争议中的跳过",
            fault=True,
            unit="次",
        ),
        Measure("rule_red", "规则红灯", f"{_RULED}红灯的，{_HELD}", fault=True),
        Measure("rule_yellow", "规则黄灯", f"{_RULED}黄灯的，{_HELD}", fault=True),
        Measure("refused", "不予许可", "办结件中决定不予许可的"),
        Measure("rejected", "不予受理", "办结件中不予受理的"),
        Measure("supplemented", "补正", "收件中要求补正的"),
        Measure("special", "特别程序", "办结件中有特别程序的"),
        Measure("extended", "延期", "办结件中延长期限的"),
        Measure("correction_of", "纠错应答", "当期说明理由、整改或逾期的红灯纠错"),
        Measure("correction_slow", "纠错逾期", "其中逾期才说明或整改的", fault=True),
        Measure("sanction", "责任追究", "当期登记责任追究结果的", fault=True),
        Measure(
            "odd_minute", "一分钟办结", "办结件中，受理到决定不到 1 分钟的；即办件和只有日期的不计", hint=True
        ),
        Measure(
            "odd_crowd",
            "扎堆办结",
            "办结件中，同一部门一天决定 5 件以上、八成以上挤在到最后一件为止的一刻钟里的那些",
            hint=True,
        ),
        Measure("odd_alike", "雷同不予", "办结件中，同一部门一个月内不予理由逐字相同 3 件以上的", hint=True),
        Measure("odd_batch", "成批补录", "办结件中，同一部门 10 分钟内补录 5 件以上的", hint=True),
        Measure("rating_of", "评价", "当期收到的好差评，经审核不计入的除外", unit="份"),
        Measure("rating_points", "评价得分", "五级评价按 100、80、60、30、0 分合计", unit="分"),
        Measure("rating_good", "满意评价", "评价中基本满意及以上的", unit="份"),
        Measure(
            "rating_bad", "差评", "评价中不满意与非常不满意的；不实的由评价审核剔除", named=True, unit="份"
        ),
        Measure("complaint", "交办投诉", "当期受理后交单位办理的投诉，每交办一级计一件"),
        Measure("complaint_unsolved", "没解决的投诉", "当期投诉人在网上或回访时说没解决的"),
        Measure(
            "complaint_of", "投诉与差评到结", "当期由单位办结，或到期还在单位手里的投诉与差评，不含不予受理的"
        ),
        Measure("complaint_slow", "整改逾期", "其中到期单位还没有报结果的；交办时已到期的不计", fault=True),
        Measure(
            "callback_of",
            "回访",
            "当期打了第一次回访电话，或到期没有打的答复与整改结果，按被评价的单位计",
            unit="次",
        ),
        Measure("callback_slow", "逾期回访", "其中到期没有打的；由市中心回访，不是单位的差错", unit="次"),
        Measure("seat_of", "在岗核对", "摄像看得见、应有人在岗的窗口工作日，计划维护的不计", unit="窗口日"),
        Measure(
            "absence", "脱岗", "其中有经人确认脱岗的窗口工作日，计划维护的不计", fault=True, unit="窗口日"
        ),
        Measure("absence_minutes", "脱岗时长", "经人确认的脱岗，计划维护的不计", unit="分钟"),
        Measure(
            "arrival_of",
            "数据到达时段",
            "当期有记录产生的刻钟（工作日 8 至 18 时），计划维护的不计",
            unit="刻钟",
        ),
        Measure(
            "arrival_late", "迟到时段", "其中记录事后才补传到的，计划维护的不计", named=True, unit="刻钟"
        ),
    )
}
FAULTS = frozenset(name for name, one in MEASURES.items() if one.fault)
SPOKEN = frozenset({
    "rating_of", "rating_points", "rating_good", "rating_bad", "complaint", "complaint_of", "complaint_slow", "complaint_unsolved",
    "callback_of", "callback_slow",
})  # fmt: skip
SEATED, ARRIVED = (
    frozenset({"seat_of", "absence", "absence_minutes"}),
    frozenset({"arrival_of", "arrival_late"}),
)
POSTED, CLUED = frozenset({"yellow_row"}), frozenset({"clue"})
BESIDE = SPOKEN | SEATED | ARRIVED | POSTED | CLUED
"""What no case adds by itself: people's word, counters, lines, posts, what speaks of a case that is not there."""
HINTS = tuple(name for name, one in MEASURES.items() if one.hint)
NAMED = FAULTS | {name for name, one in MEASURES.items() if one.named}
DAYS = "wd:"
"""Before the working days from acceptance to decision: `wd:5` counts the cases that took five. Percentiles stay exact."""

LIT = "lit:"
"""Before a light that was raised, and of what: `lit:red:promise`, `lit:yellow:L32-4`."""
PAID, FEN = "fee:paid", "fee:fen"
"""Decided cases with a charge, and what these come to."""
STEPS = "step:"
"""Before what steps of decided cases add: `step:of`, and the working days that one took or was waited for, `step:took:3`."""
ASIDE = (DAYS, LIT, "fee:", STEPS)
"""What begins so is told by statistics alone: no score may read it, and no snapshot bears it."""

_BY_APPLICATION = {
    "L32-1": "apply_fault",
    "L32-3": "apply_fault",
    "L32-4": "apply_fault",
    "L32-5": "apply_fault",
    "W-3": "supplemented",
}
_BY_DECISION = {
    "L37": "route_fault", "L45-1": "route_fault", "L48": "route_fault", "L58": "fee_fault",
    "L30-1a": "open_fault", "L40": "open_fault", "S-2": "disordered",
    "W-1": "refused", "W-2": "rejected", "W-4": "special", "W-5": "extended",
}  # fmt: skip
_BY_LIGHT = {Light.RED: "rule_red", Light.YELLOW: "rule_yellow"}
_PENDING = "待人核实"
REOPENED_WITHIN = timedelta(days=30)
"""supervision.md 3.12: what is opened again sooner had not been over."""


def additions(one: Subject, calendar: Calendar, zone: ZoneInfo) -> Iterator[Added]:
    """Everything that one case adds, whatever the period."""
    yield from _limits(one, zone)
    for at, kind in one.yellows:
        yield Added(local_date(at, zone), "yellow")
        yield Added(local_date(at, zone), f"{LIT}{Light.YELLOW.value}:{kind}")
    for at, is_slow in one.corrections:
        day = local_date(at, zone)
        yield Added(day, "correction_of")
        if is_slow:
            yield Added(day, "correction_slow")
    for at in one.sanctions:
        yield Added(local_date(at, zone), "sanction")
    if one.deleted:
        return
    yield from _not_true(one, zone)
    if one.filed_at is not None:
        day = day_ending(one.filed_at, zone)
        yield Added(day, "filed")
        yield from _ruled(one, _BY_APPLICATION, day)
        for light, name in _BY_LIGHT.items():
            mine = [rule for rule, shown in one.rules if shown is light]
            yield from _ruled(one, dict.fromkeys(mine, name), day)
            yield from _ruled(one, {rule: f"{LIT}{light.value}:{rule}" for rule in mine}, day)
    if one.finished_at is not None:
        yield from _decided(one, day_ending(one.finished_at, zone), calendar, zone)


def _not_true(one: Subject, zone: ZoneInfo) -> Iterator[Added]:
    """An end that was none, and a case that was kept out of the system."""
    yield from (Added(again, "reopened") for ended, again in one.reopened if again - ended <= REOPENED_WITHIN)
    if one.proof_at is not None:
        for name in ("unentered",) if one.is_entered else ("unentered", "concealed"):
            yield from _ruled(one, {UNENTERED: name}, day_ending(one.proof_at, zone))


def _limits(one: Subject, zone: ZoneInfo) -> Iterator[Added]:
    promised = any(limit.kind is ClockKind.PROMISE for limit in one.limits)
    for limit in one.limits:
        is_red = limit.light is Light.RED and limit.since_at is not None
        if is_red:
            assert limit.since_at is not None
            yield Added(local_date(limit.since_at, zone), "red")
            yield Added(local_date(limit.since_at, zone), f"{LIT}{Light.RED.value}:{limit.kind.value}")
        name = _NAMES.get(limit.kind)
        if name is None or (limit.kind is ClockKind.STATED and promised):
            continue
        if is_red:
            assert limit.since_at is not None
            day = local_date(limit.since_at, zone)
            yield Added(day, f"{name}_of")
            yield Added(day, f"{name}_late", one.contested.get((limit.kind.value, limit.cycle), ""))
        elif limit.light not in {Light.GREY, Light.NONE} and not one.deleted:  # of these nobody can say
            # In time: since the decision, which may be that of an earlier filing.
            at = (
                limit.since_at
                if limit.light is Light.GREEN and limit.since_at is not None
                else one.finished_at
            )
            if at is not None:
                yield Added(day_ending(at, zone), f"{name}_of")


_NAMES = {ClockKind.STATUTE: "statute", ClockKind.PROMISE: "promise", ClockKind.STATED: "promise"}


def _decided(one: Subject, day: date, calendar: Calendar, zone: ZoneInfo) -> Iterator[Added]:
    yield Added(day, "decided")
    facts = {
        "item_of": one.is_listed,
        "route_of": one.is_routed,
        "fee_of": one.is_priced,
        "entered_late": one.entered_late,
        "incomplete": not one.is_complete,
        "early": _is_early(one, zone),
    }
    yield from (Added(day, name) for name, holds in facts.items() if holds)
    if one.charged:
        yield Added(day, PAID)
        yield Added(day, FEN, count=one.charged)
    yield from (Added(day, name) for name in sorted(one.odd))
    ruled = {added.measure: added for added in _ruled(one, _BY_DECISION, day)}
    if one.is_listed and not one.is_public:
        ruled["open_fault"] = Added(day, "open_fault")
    # A fault is counted only where the count it is a part of is.
    lacking = {"route_fault": one.is_routed, "fee_fault": one.is_priced, "open_fault": one.is_listed}
    yield from (added for name, added in ruled.items() if lacking.get(name, True))
    if one.accepted_at is not None and one.accepted_at <= (one.finished_at or 0):
        try:
            yield Added(day, f"{DAYS}{calendar.count(day_ending(one.accepted_at, zone), day)}")
        except ValueError:
            return  # outside the published calendar: no figure rather than a guessed one


def _ruled(one: Subject, table: Mapping[str, str], day: date) -> Iterator[Added]:
    """Each measure once for a case; one rule that may be held against the office is enough."""
    found: dict[str, str] = {}
    for rule, _ in one.rules:
        name = table.get(rule)
        if name is None:
            continue
        spared = one.contested.get((rule, 0), "")
        if not spared and rule in UNCONFIRMED and rule not in one.confirmed:
            spared = _PENDING
        found[name] = spared if name not in found else found[name] and spared
    yield from (Added(day, name, spared) for name, spared in found.items())


def _is_early(one: Subject, zone: ZoneInfo) -> bool:
    """Within half of the promised time, from the beginning of the day it was accepted on."""
    for limit in one.limits:
        if limit.kind is ClockKind.PROMISE and limit.start is not None and limit.due_at is not None:
            start, end = start_of_day(limit.start, zone), one.finished_at or 0
            return limit.light is not Light.RED and start <= end and (end - start) * 2 <= limit.due_at - start
    return False
