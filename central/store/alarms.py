"""Alarms: what shakes the trust in a site's data, until it heals or a person has accepted it. Never deleted."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import trail
from central.store.tables import alarm
from common.core.errors import UsageError
from common.core.message import Hello
from common.core.record import Gap
from common.core.state import AlarmKind

_GAP_WORDS = {
    "damaged": "在站点缓存中损坏，已声明并从数据源重读；其间的旧版本可能缺失",
    "moved": "所在的站点缓存已停用，能读出的已重新编号送达；其余已从数据源重读",
}
_RESTORED = "hall_restored"
_OTHER_GAP = "不会再来，站点程序没有说明市中心认得的原因"
OPEN = alarm.c.ended_wall.is_(None)


async def sound(
    conn: AsyncConnection, site: str, kind: AlarmKind, subject: str, detail: str, now_wall: int
) -> bool:
    """Raise it, unless the same is raised already; one that does not heal is raised once for ever. -> whether it is new."""
    same = alarm.c.site == site, alarm.c.kind == kind.value, alarm.c.subject == subject
    query = select(alarm.c.id).where(*same)
    if (await conn.execute(query.where(OPEN) if kind.heals else query)).first() is not None:
        return False
    row = {"site": site, "kind": kind.value, "subject": subject, "detail": detail, "raised_wall": now_wall}
    await conn.execute(insert(alarm).values(**row))
    return True


async def sound_fork(conn: AsyncConnection, cursor: Row[Any], now_wall: int) -> None:
    """A box sent, under numbers of this epoch, something else than the hall holds; nothing of it was taken."""
    detail = "机器送来的记录与已入库的同号而不同：缓存来自旧备份或克隆，或被改写；市中心保留原有记录"
    await sound(conn, cursor.site, AlarmKind.FORK, cursor.epoch.hex(), detail, now_wall)


async def sound_forged(conn: AsyncConnection, site: str, subject: str, now_wall: int) -> bool:
    """Somebody sent a batch in the name of the site that its box has not signed; it was not opened. -> whether it is new."""
    detail = (
        "有人以本站点的名义送来站点机器没有签名的批次，没有拆开，没有接收；请查消息服务的账号、日志和线路"
    )
    return await sound(conn, site, AlarmKind.FORGED, subject, detail, now_wall)


async def sound_untaken(conn: AsyncConnection, hello: Hello, now_wall: int) -> None:
    """A box that was replaced holds an epoch the hall never heard of, or has lost: raised once for each such box.

    Under a new place in the order of epochs its old versions would pass for newer than those of its successor.
    """
    if not hello.newest:
        return
    detail = (
        f"被替换的第 {hello.generation} 代机器有一段市中心不认识的积压（至 {hello.newest:,} 号），没有接收，留在该机器上："
        "市中心恢复过旧备份，或该机器换过缓存；现有的行由新机器重读，其间的旧版本可能缺失"
    )
    await sound(conn, hello.site, AlarmKind.UNTAKEN, f"{hello.generation}", detail, now_wall)


def cause(gap: Gap) -> str:
    """Why it is, as far as the hall knows the word; else empty."""
    return gap.why if gap.why in {*_GAP_WORDS, _RESTORED} else ""


async def sound_gap(conn: AsyncConnection, cursor: Row[Any], gap: Gap, last: int, now_wall: int) -> None:
    """Records up to `last` that the box lost; one that the hall itself lost is no fault of the site."""
    if gap.why == _RESTORED or last < gap.lo:
        return
    numbers = f"第 {gap.lo:,} 条" if last == gap.lo else f"第 {gap.lo:,} 至 {last:,} 条"
    detail = f"{numbers}{_GAP_WORDS.get(gap.why, _OTHER_GAP)}"
    subject = f"{cursor.epoch.hex()}/{gap.lo}-{last}"
    await sound(conn, cursor.site, AlarmKind.GAP, subject, detail, now_wall)


async def end(conn: AsyncConnection, site: str, kind: AlarmKind, now_wall: int) -> bool:
    """It has healed. -> whether there was one."""
    open_ones = alarm.c.site == site, alarm.c.kind == kind.value, OPEN
    return (await conn.execute(update(alarm).where(*open_ones).values(ended_wall=now_wall))).rowcount > 0


async def listed(conn: AsyncConnection, site: str = "", *, ended: bool = False) -> Sequence[Row[Any]]:
    """Open ones, or with `ended` all, of one site or of every; oldest first."""
    query = select(alarm).order_by(alarm.c.raised_wall, alarm.c.id)
    query = query.where(alarm.c.site == site) if site else query
    return (await conn.execute(query if ended else query.where(OPEN))).all()


async def accept(
    conn: AsyncConnection, number: int, who: str, why: str, now_wall: int, site: str = ""
) -> Row[Any]:
    """`who` has looked into it and takes it as it is. -> the alarm.

    Raises UsageError where there is none to accept, or it is not of `site`.
    """
    row = (await conn.execute(select(alarm).where(alarm.c.id == number, OPEN))).first()
    if row is None or site not in {"", row.site}:
        raise UsageError(f"没有未处理的告警 {number}", hint="编号见  mingcha alarm list")
    statement = update(alarm).where(alarm.c.id == number)
    await conn.execute(statement.values(ended_wall=now_wall, accepted_by=who))
    await trail.note(conn, now_wall, who, "alarm.accept", f"{row.site}/{row.kind}/{row.subject}", why)
    return row
