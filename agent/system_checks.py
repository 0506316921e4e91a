"""What the doctor looks for in the machine: the running program, its restarts, disk, clock, configuration."""

import asyncio
import os
import shutil
from pathlib import Path

from agent import app, buffer_checks, look
from agent.box import Box
from agent.core.quota import Level
from common.core.instant import SECOND
from common.health import Outcome, Status, ok

NOT_RUNNING = "采集程序没有在运行"
MOST_STARTS = 3
"""In an hour, beyond the first (provisioning.md 3.10, SYS-01)."""
_NO_ROOM = 1024 * 1024
_NO_INODES = 16


async def running(box: Box) -> Outcome:
    if box.status is not None:
        return ok(f"进程 {box.status.pid}，版本 {box.status.version}")
    if await asyncio.to_thread(look.held, box.config.data_dir / "buffer.lock"):
        return Outcome(
            Status.WARN, "程序在运行，但有一会儿没有报告状态", "请查看日志：journalctl -u mingcha-agent"
        )
    if full(box):
        return Outcome(Status.SKIP, "磁盘写不了，程序若在等空间，也写不下状态")
    if await buffer_checks.beyond(box):
        return Outcome(Status.SKIP, "程序不认识这个缓存，不启动")
    return Outcome(Status.FAIL, NOT_RUNNING)


async def restarts(box: Box) -> Outcome:
    """Only those that no orderly end had preceded."""
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    again = len(box.status.starts) - 1
    if again > MOST_STARTS:
        return Outcome(
            Status.WARN, f"一小时内意外中断并重启 {again} 次", since=box.since(box.status.starts[0])
        )
    return ok(f"一小时内意外重启 {again} 次" if again > 0 else "")


def _place(box: Box) -> Path:
    places = (box.config.data_dir, *box.config.data_dir.parents)
    return next(folder for folder in places if folder.exists())


def full(box: Box) -> str:
    """Why nothing can be written where the buffer lies; or empty."""
    place = _place(box)
    usage, found = shutil.disk_usage(place), os.statvfs(place)
    if found.f_flag & os.ST_RDONLY:
        return f"{place} 所在的磁盘是只读的"
    if usage.free < _NO_ROOM:
        return f"磁盘已满（已用 {100 * usage.used / usage.total:.0f}%），写不进缓存"
    if found.f_files and found.f_favail < _NO_INODES:
        return "磁盘上文件数已到上限（inode 用尽），建不了新文件"
    return ""


async def disk(box: Box) -> Outcome:
    fault = box.status.buffer_fault if box.status and box.status.level is not Level.STOP else ""
    why = full(box)
    if "只读" in why:
        return Outcome(Status.FAIL, why, "请查看  dmesg  里的磁盘错误，修好后重新挂载")
    if fault or why:
        return Outcome(Status.FAIL, fault or why)
    usage = shutil.disk_usage(_place(box))
    percent = 100 * usage.used / usage.total
    detail = f"已用 {percent:.0f}%，剩 {usage.free // 2**20:,} MB"
    return Outcome(Status.WARN, detail) if percent >= 85 else ok(detail)


async def clock(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    offset = box.status.offset_us
    if offset is None:
        return Outcome(Status.SKIP, "还没有市中心的回执可比")
    seconds = abs(offset) / SECOND
    detail = f"与市中心相差 {seconds:.1f} 秒"
    return Outcome(Status.FAIL if seconds > 30 else Status.WARN if seconds > 2 else Status.OK, detail)


async def configured(box: Box) -> Outcome:
    if box.source is None:
        return Outcome(Status.WARN, app.NOT_MAPPED, f"请建立 {box.config.mapping}，写法见操作手册")
    return ok(f"站点 {box.config.site}，{len(box.tables)} 张表")
