"""The three conditions of a site, each by itself: its line, its box, its source.

They are kept apart because one does not follow from another: a box may answer while its source is locked, and a source
may be well while nobody can say so. What cannot be known now is said to be unknown, never well.
"""

from msgspec import Struct

from central.core import site, wording
from central.core.site import REFUSED, ROOM_FAIL, ROOM_WARN, Signals
from common.core.instant import SECOND
from common.core.state import Health, Link

UNKNOWN = "断线期间未知"


class Condition(Struct, frozen=True):
    """One of the three; `detail` says why, in a few words."""

    title: str
    health: Health
    detail: str


def conditions(signals: Signals, now_wall: int, now_at: int) -> list[Condition]:
    """Line, box and source, in this order."""
    link = site.derive(signals, now_wall, now_at)
    line = _line(signals, link, now_wall)
    box = Condition("站点机器", *_box(signals, now_wall, known=line.health is not Health.FAIL))
    source = Condition("数据源", *_source(signals, known=line.health is not Health.FAIL))
    return [line, box, source]


def _line(signals: Signals, link: Link, now_wall: int) -> Condition:
    if signals.heard_wall is None:
        return Condition("线路", Health.FAIL, "还没有收到过消息")
    if site.is_silent(signals, now_wall):
        return Condition(
            "线路", Health.FAIL, f"断线 {wording.span(now_wall - site.gone_since_wall(signals))}"
        )
    heard = f"{wording.ago(now_wall - signals.heard_wall)}收到心跳或记录"
    return Condition("线路", Health.WARN if link is Link.SLOW else Health.OK, heard)


def _box(signals: Signals, now_wall: int, *, known: bool) -> tuple[Health, str]:
    room = f"缓存已用 {signals.room_percent:.0f}%"
    waiting = site.waited_secs(signals, now_wall) > site.CATCHUP_AGE_SECS
    rules = (
        (not known, Health.SKIP, UNKNOWN),
        (signals.refused, Health.FAIL, REFUSED),
        (signals.agent_fault, Health.FAIL, signals.agent_fault),
        (signals.room_percent >= ROOM_FAIL, Health.FAIL, f"{room}，停止读取数据源"),
        (signals.agent_notice, Health.WARN, signals.agent_notice),
        (signals.alarms, Health.WARN, f"{signals.alarms} 项告警待核实"),
        (signals.room_percent >= ROOM_WARN, Health.WARN, room),
        (waiting, Health.WARN, f"待传 {wording.number(signals.left)} 条"),
        (True, Health.OK, "采集、缓存、上传都在进行"),
    )
    return next((health, detail) for holds, health, detail in rules if holds)


def _source(signals: Signals, *, known: bool) -> tuple[Health, str]:
    age = signals.capture_ok_age_s
    if not known or (age is None and not signals.source_fault):
        return Health.SKIP, UNKNOWN if not known else "开机后还没有读过"
    if signals.source_fault:
        return Health.FAIL, signals.source_fault
    if signals.bad_rows:
        return Health.WARN, f"{wording.number(signals.bad_rows)} 行无法对应，已隔离"
    return Health.OK, f"{wording.ago(int((age or 0) * SECOND))}读完一轮"
