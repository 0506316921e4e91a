"""The status of the agent in one line for a technician: link, backlog, progress, oldest record."""

from agent.core.sync import Phase
from agent.status import Status
from common.core.instant import HOUR, MINUTE, SECOND

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
    faults = [
        status.paused,
        status.source_fault,
        status.buffer_fault,
        status.link_fault,
        *status.table_faults.values(),
    ]
    parts += [fault for fault in faults if fault]
    if status.new_columns:
        parts.append(f"业务库新增字段：{'、'.join(status.new_columns)}")
    return "   ".join(parts)


def span(us: int) -> str:
    """`47 秒`, `12 分`, `2 小时 14 分`."""
    us = max(us, 0)
    if us < MINUTE:
        return f"{us // SECOND} 秒"
    if us < HOUR:
        return f"{us // MINUTE} 分"
    return f"{us // HOUR} 小时 {us % HOUR // MINUTE} 分"
