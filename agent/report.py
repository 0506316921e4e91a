"""The status of the agent for a technician, in one line or on one screen: link, backlog, progress, oldest record."""

import unicodedata
from zoneinfo import ZoneInfo

from agent.core import quota
from agent.core.sync import Phase
from agent.status import Status
from common.core.instant import HOUR, MINUTE, SECOND, from_us
from common.core.text import one_line, sound

_WORDS = {
    Phase.OFFLINE: ("⊘", "离线"),
    Phase.HELLO: ("○", "已连上，等市中心应答"),
    Phase.CATCHUP: ("◐", "补传"),
    Phase.STEADY: ("●", "实时"),
    Phase.REFUSED: ("⊘", "市中心拒绝"),
}


def line(status: Status | None, now_wall: int) -> str:
    if status is None:
        return "⊘ 采集程序没有在运行    处理：systemctl start mingcha-agent"
    mark, word = _WORDS[status.phase]
    parts = [f"{mark} {word}"]
    if status.link_since_wall:
        kept = span(now_wall - status.link_since_wall)
        parts.append(f"断线 {kept}" if status.phase is Phase.OFFLINE else f"已连 {kept}")
    parts.append(f"余 {status.rows:,} 条" if status.rows else "没有积压")
    if status.rows and status.oldest_wall:
        parts.append(f"最早 {span(now_wall - status.oldest_wall)}前")
    if status.pass_wall:
        parts.append(f"最近采集 {span(now_wall - status.pass_wall)}前")
        parts.append(f"占用业务库 {status.busy_share:.1%}")
    parts += _faults(status)
    if status.new_columns:
        parts.append(f"业务库新增字段：{'、'.join(status.new_columns)}")
    if status.without_index:
        parts.append(f"游标没有索引，已停用：{'、'.join(status.without_index)}")
    return "   ".join(parts)


def _faults(status: Status) -> list[str]:
    found = (
        status.paused,
        status.source_fault,
        status.buffer_fault,
        status.link_fault,
        *status.table_faults.values(),
    )
    return [fault for fault in found if fault]


def span(us: int) -> str:
    """`47 秒`, `12 分`, `2 小时 14 分`."""
    us = max(us, 0)
    if us < MINUTE:
        return f"{us // SECOND} 秒"
    if us < HOUR:
        return f"{us // MINUTE} 分"
    return f"{us // HOUR} 小时 {us % HOUR // MINUTE} 分"


WIDTH, HEIGHT = 80, 24
_BAR = 20


def screen(status: Status | None, name: str, now_wall: int, zone: ZoneInfo) -> str:
    """One screen of 80 columns and 24 rows, the last row left free for the cursor; what does not fit is cut."""
    now = f"{from_us(now_wall, zone):%Y-%m-%d %H:%M:%S}"
    title = f"明察 站点采集  {_cut(one_line(name), WIDTH - 40)}"
    lines = [title + " " * (WIDTH - _columns(title) - _columns(now)) + now, "─" * (WIDTH // 2)]
    if status is None:
        lines += [line(None, now_wall), "", *_FOOT]
    else:
        faults = [f"! {one_line(fault)}" for fault in _faults(status)] or ["✓ 没有发现问题"]
        room = HEIGHT - 1 - len(lines) - len(_FOOT)
        lines += [*_figures(status, now_wall), "", *faults][:room] + _FOOT
    return "\n".join(_cut(sound(text).replace("\n", " "), WIDTH) for text in lines)


_FOOT = ["", "详细：mingcha-agent doctor      退出：Ctrl-C"]


def _figures(status: Status, now_wall: int) -> list[str]:
    mark, word = _WORDS[status.phase]
    kept = span(now_wall - status.link_since_wall) if status.link_since_wall else ""
    since = f"{'断线' if status.phase is Phase.OFFLINE else '已连'} {kept}" if kept else ""
    used = quota.percent(status.bytes, status.room)
    filled = min(_BAR, round(_BAR * used / 100))
    oldest = f"   最早 {span(now_wall - status.oldest_wall)}前" if status.rows and status.oldest_wall else ""
    clock = (
        "还没有比对" if status.offset_us is None else f"与市中心相差 {abs(status.offset_us) / SECOND:.1f} 秒"
    )
    rounds = f"{span(now_wall - status.pass_wall)}前" if status.pass_wall else "尚无"
    return [
        f"链路    {mark} {word}   {since}",
        f"回执    {span(now_wall - status.ack_wall) + '前' if status.ack_wall else '尚无'}",
        f"积压    {f'{status.rows:,} 条' if status.rows else '没有'}{oldest}",
        f"缓存    {'█' * filled}{'░' * (_BAR - filled)} 已用 {used:.0f}%，上限 {status.room >> 20:,} MB",
        f"采集    {rounds}   第 {status.rounds:,} 轮   占用业务库 {status.busy_share:.1%}",
        f"时钟    {clock}",
        f"程序    {status.version}   进程 {status.pid}   已运行 {span(now_wall - status.started_wall)}",
    ]


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _cut(text: str, columns: int) -> str:
    while _columns(text) > columns:
        text = text[: len(text) - max(1, (_columns(text) - columns) // 2)]
    return text
