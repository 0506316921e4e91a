"""What the doctor looks for in the buffer's own files. Reads only, beside the running agent."""

import asyncio
import sqlite3
from bisect import bisect_right
from pathlib import Path
from typing import Any

from agent import files, look, master, segment
from agent import label as labels
from agent.box import Box
from agent.core import quota
from agent.core.quota import Level
from common.core import crypto, mask
from common.core.errors import MingchaError
from common.health import Outcome, Status, ok


async def _rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """Empty where there is no file yet, or none that can be read: the buffer's is said by E-BUF-01, the index is
    replaced by itself."""
    if not path.exists():
        return []
    try:
        return await asyncio.to_thread(look.rows, path, sql)
    except sqlite3.Error:
        return []


async def usable(box: Box) -> Outcome:
    path = box.config.buffer_path
    if not path.exists():
        return Outcome(Status.WARN, "尚未建立", "启动采集程序后会自动建立") if box.status is None else ok()
    try:
        await asyncio.to_thread(look.rows, path, _LABEL)
        damage = await asyncio.to_thread(look.fault, path)
    except sqlite3.Error as error:
        return Outcome(Status.FAIL, f"{path} 不能读：{error}")
    if damage:
        return Outcome(Status.FAIL, f"{path} 已损坏：{damage}")
    if said := await beyond(box):
        return Outcome(Status.FAIL, f"{path} {said}", segment.NEWER)
    kept = [item.path.name for item in files.found(path) if item.fate]
    return ok("曾换用新缓存，旧文件保留：" + "、".join(kept) if kept else "")


async def beyond(box: Box) -> str:
    """Why this release does not touch the buffer, whose format it does not know; or empty, also where that cannot be told."""
    path = box.config.buffer_path
    inside, state = await _rows(path, _LABEL), await _rows(path, "SELECT CAST(blob AS BLOB) FROM state")
    if not (inside and state):
        return ""
    try:
        keys = master.load(box.config.identity.master_key, path).keys
    except MingchaError:
        return ""  # said by E-ID-07
    return segment.beyond(segment.format_of(path, inside[0][0], state[0][0], keys))


SLOW_MS = 500
"""A disk in order takes some ten, a memory card a hundred; from here on capture waits for its disk."""
_LABEL = "SELECT CAST(body AS BLOB) FROM label"


async def opened(box: Box) -> Outcome:
    """The master key that is there now opens the file that is written now."""
    path = box.config.buffer_path
    inside = [row[0] for row in await _rows(path, _LABEL)]
    keys = master.load(box.config.identity.master_key, path).keys
    try:
        for label in labels.copies(path, inside) if path.exists() else ():
            labels.unlock(label, keys)
    except crypto.DamagedError:
        return Outcome(
            Status.FAIL,
            "主密钥打不开这个缓存",
            "请恢复原来的 master.key；否则重启后程序会新建缓存并从数据源重读",
        )
    return ok()


async def known_rows(box: Box) -> dict[str, int]:
    """Table -> rows that the index holds."""
    return dict(
        await _rows(box.config.index_path, "SELECT tbl, count(*) FROM row WHERE gone = 0 GROUP BY tbl")
    )


async def damaged(box: Box) -> Outcome:
    rows = await _rows(box.config.buffer_path, "SELECT first, last FROM quarantine ORDER BY first")
    if not rows:
        return ok()
    dirty = await _rows(box.config.index_path, _DIRTY)
    firsts = [first for first, _ in rows]
    left = sum(seq <= rows[bisect_right(firsts, seq) - 1][1] for (seq,) in dirty if seq >= firsts[0])
    if not left:
        return ok(f"曾损坏 {sum(last - first + 1 for first, last in rows)} 条，都已从数据源重读")
    shown = [f"{first}-{last}" if last > first else str(first) for first, last in rows[:4]]
    return Outcome(Status.WARN, f"编号 {_listed(shown)}，还有 {left} 行等重读")


_DIRTY = "SELECT seq FROM row WHERE dirty AND epoch = (SELECT substr(v, 5) FROM meta WHERE k = 'epoch')"


async def refused(box: Box) -> Outcome:
    rows = await _rows(box.config.buffer_path, "SELECT first, last, code FROM refusal ORDER BY first LIMIT 4")
    shown = [f"{row[0]}-{row[1]} {row[2]}" for row in rows]
    return Outcome(Status.WARN, _listed(shown)) if rows else ok()


async def filled(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, "采集程序没有在运行")
    if box.status.level is Level.STOP:
        return Outcome(Status.FAIL, box.status.buffer_fault or "缓存已满，停止读取数据源")
    used = quota.percent(box.status.bytes, box.status.room)
    detail = f"已用 {used:.0f}%，上限 {box.status.room >> 20:,} MB"
    return Outcome(Status.WARN, detail) if box.status.level is not Level.OK else ok(detail)


async def quick(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, "采集程序没有在运行")
    detail = f"写一次 {box.status.commit_ms:.0f} 毫秒"
    return Outcome(Status.WARN, detail) if box.status.commit_ms > SLOW_MS else ok(detail)


async def bad_rows(box: Box) -> Outcome:
    sql = "SELECT tbl, key, reason FROM bad_row ORDER BY at_wall DESC LIMIT 4"
    found = await _rows(box.config.buffer_path, sql)
    shown = [f"{table} 主键 {box.key(key)}：{mask.numbers(why)}" for table, key, why in found]
    return Outcome(Status.WARN, _listed(shown)) if shown else ok()


def _listed(shown: list[str]) -> str:
    return "；".join(shown[:3]) + (" 等" if len(shown) > 3 else "")
