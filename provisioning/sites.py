"""`mingcha site …`: sites come, get a command for their box, and go. Each function is one command's work."""

import asyncio
import getpass
import json
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row

from central.store import fleet, pages, trail
from central.store.engine import Store, open_store
from common.cli import say, say_json
from common.clock import Clock
from common.config import read_toml
from common.core.errors import UsageError
from common.core.instant import DAY, SECOND, from_us
from common.core.message import Heartbeat
from common.core.state import SiteKind
from common.core.text import one_line
from provisioning import registry, releases, script
from provisioning.core import token
from provisioning.files import write_file
from provisioning.settings import Hall

ZONE = ZoneInfo("Asia/Shanghai")
ONLINE_DAYS_WARN = 10
WAIT_SECS = 3600.0
EX_TEMPFAIL = 75
_Result = TypeVar("_Result")


def _with_store(hall: Hall, work: Callable[[Store], Awaitable[_Result]]) -> _Result:
    async def run() -> _Result:
        store = await open_store(hall.database_url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def add(hall: Hall, name: str, kind: SiteKind, site: str, mapping: Path | None) -> str:
    """A new site, and the command for its box. -> its id. Raises UsageError, ConfigError for a mapping that is no TOML."""
    if mapping is not None:
        read_toml(mapping)
    now, who, secret = Clock().wall(), getpass.getuser(), secrets.token_bytes(token.SECRET_BYTES)

    async def work(store: Store) -> tuple[str, str]:
        async with store.write() as conn:
            made = await registry.add_site(conn, name, kind, site)
            text = token.text(made, secret)
            await registry.add_token(conn, token.digest(text), made, who, now)
            await trail.note(conn, now, who, "site.add", made, name)
        return made, text

    made, text = _with_store(hall, work)
    if mapping is not None:
        write_file(hall.mapping(made), mapping.read_bytes())
    say(f"站点 {made} 已建立：{name}")
    _say_command(hall, text)
    return made


def reissue(hall: Hall, site: str, mapping: Path | None) -> None:
    """A new command; the present box works on until the new one enrols."""
    if mapping is not None:
        read_toml(mapping)
    now, who = Clock().wall(), getpass.getuser()
    text = token.text(site, secrets.token_bytes(token.SECRET_BYTES))

    async def work(store: Store) -> None:
        async with store.write() as conn:
            found = await registry.must_find(conn, site)
            if found.is_retired:
                raise UsageError(f"站点 {site} 已停用", hint="如站点恢复，请另建站点：mingcha site add 名称")
            await registry.add_token(conn, token.digest(text), site, who, now)
            await trail.note(conn, now, who, "site.reissue", site, "")

    _with_store(hall, work)
    if mapping is not None:
        write_file(hall.mapping(site), mapping.read_bytes())
    say(f"站点 {site} 的新命令（以前没有用过的作废；现用的机器照常工作，直到新机器登记）")
    _say_command(hall, text)


def retire(hall: Hall, site: str, why: str) -> None:
    """Nothing of the site is taken in any more; its history stays."""
    now, who = Clock().wall(), getpass.getuser()

    async def work(store: Store) -> None:
        async with store.write() as conn:
            await registry.retire(conn, site, who, why, now)
        async with store.read() as conn:
            await registry.publish(conn, hall.broker)

    _with_store(hall, work)
    say(f"✓ 站点 {site} 已停用：不再接收其记录，历史保留。站点机器上可执行  mingcha-agent uninstall")


def revoke(hall: Hall, site: str, generation: int, why: str) -> None:
    """A stolen or broken-into box: what it sends is refused at once, by the hall and by the broker, and it gets no certificate.

    `generation` 0: the newest. Raises UsageError.
    """
    now, who = Clock().wall(), getpass.getuser()

    async def work(store: Store) -> int:
        async with store.write() as conn:
            found = await registry.must_find(conn, site)
            newest = max((held.box.generation for held in found.boxes), default=0)
            await registry.revoke(conn, site, generation or newest, who, why, now)
        async with store.read() as conn:
            await registry.publish(conn, hall.broker)
        return generation or newest

    done = _with_store(hall, work)
    say(
        f"✓ 站点 {site} 第 {done} 代机器已吊销：不再接收其记录，证书不再续期。换机器：mingcha site reissue {site}"
    )


def _say_command(hall: Hall, text: str) -> None:
    curl, wget, ask = script.commands(hall, text)
    say("在该站点的机器上以 root 执行下面这一条（24 小时内有效，只能用一次）：\n")
    say(f"  {curl}\n")
    say(f"没有 curl：  {wget}")
    say(f"不留在命令历史里：  {ask}    （再输入令牌 {text}）")
    if not releases.has_any(hall):
        say("! 市中心还没有站点安装包，站点会被这条命令告知装不了：请先执行  mingcha release import 目录")


def wait(hall: Hall, site: str, limit_secs: float) -> int:
    """Say what happens until the first receipt. -> 0, or 75 at the limit."""
    end, said = time.monotonic() + limit_secs, 0
    say("等待站点上线 ……（Ctrl-C 不影响登记）")

    async def work(store: Store) -> int:
        nonlocal said
        while True:
            async with store.read() as conn:
                row = next(row for row in await fleet.listed(conn) if row.id == site)
            if said < 1 and row.generation:
                said = 1
                say(f"✓ {_clock(row.created_wall)} 已登记（第 {row.generation} 代{_machine(row)}）")
            if row.receipt_wall:
                say(f"✓ {_clock(row.receipt_wall)} 首条回执")
                return 0
            if time.monotonic() > end:
                seen = "已登记，还没有首条回执" if said else "还没有登记"
                say(
                    f"! 等了 {limit_secs / 60:.0f} 分钟：{seen}。命令照样有效；之后查看：mingcha site show {site}"
                )
                return EX_TEMPFAIL
            await asyncio.sleep(0.5)

    return _with_store(hall, work)


def listed(hall: Hall, *, as_json: bool) -> int:
    """One line a site. -> 0 all well, 1 something has a date, 2 a site is not heard."""
    seats = _seats(hall)
    now = Clock().wall()
    if as_json:
        say_json(msgspec.json.encode([_document(seat, now) for seat in seats]))
    elif not seats:
        say("✓ 还没有站点；新增：mingcha site add 名称 --kind street")
    else:
        for seat in seats:
            say("\t".join((seat.row.id, seat.row.name, _state(seat.row, now), *_details(seat, now))))
    return max((_grade(seat.row, now) for seat in seats), default=0)


def show(hall: Hall, site: str, *, as_json: bool) -> None:
    """Everything about one site. Raises UsageError for an unknown one."""
    seat = next((seat for seat in _seats(hall) if seat.row.id == site), None)
    now = Clock().wall()
    if seat is None:
        _with_store(hall, lambda store: _must_find(store, site))
        return
    if as_json:
        say_json(msgspec.json.encode(_document(seat, now)))
        return
    say(f"{seat.row.id}\t{seat.row.name}\t{SiteKind(seat.row.kind).word}\t{_state(seat.row, now)}")
    for line in _details(seat, now):
        say(f"  {line}")
    for name, value in json.loads(seat.row.machine or "{}").items():
        say(f"  {one_line(name)}：{one_line(str(value))}")
    for line in _commands(seat.row):
        say(f"  命令：{line}")


async def _must_find(store: Store, site: str) -> None:
    async with store.read() as conn:
        await registry.must_find(conn, site)


class _Seat(msgspec.Struct):
    """A site, what its box said last, how its doctor last ended, its place in the newest rollout."""

    row: Row[Any]
    beat: Heartbeat | None
    examined: fleet.Examined | None
    ring: fleet.Ring | None


def _seats(hall: Hall) -> list[_Seat]:
    async def work(store: Store) -> list[_Seat]:
        async with store.read() as conn:
            beats, examined = await pages.heartbeats(conn), await fleet.examined(conn)
            rows, rings = await fleet.listed(conn), await fleet.rings(conn)
        return [_Seat(row, beats.get(row.id), examined.get(row.id), rings.get(row.id)) for row in rows]

    return _with_store(hall, work)


def _state(row: Row[Any], now: int) -> str:
    if row.retired_wall is not None:
        return "已停用"
    if row.generation is None:
        return "等待登记" if row.token_wall and row.token_wall > now else "未登记，命令已过期"
    if row.receipt_wall is None:
        return "已登记，尚无回执"
    return "在线" if row.online else "离线"


def _grade(row: Row[Any], now: int) -> int:
    if row.retired_wall is not None or row.generation is None:
        return 0
    if not row.online:
        return 2
    return 1 if row.ends_wall is not None and row.ends_wall - now < ONLINE_DAYS_WARN * DAY else 0


def _details(seat: _Seat, now: int) -> list[str]:
    row, beat, found = seat.row, seat.beat, []
    if row.generation is not None:
        found.append(f"第 {row.generation} 代")
    if row.ends_wall is not None:
        found.append(f"证书还有 {max(0, (row.ends_wall - now) // DAY)} 天")
    if row.heard_wall is not None:
        found.append(f"最近联系 {_when(row.heard_wall)}")
    if row.receipt_wall is not None:
        found.append(f"最近回执 {_when(row.receipt_wall)}")
    if beat is not None:
        behind = f"，落后 {max(0, now - row.behind_wall) // SECOND} 秒" if row.behind_wall else ""
        found += [f"版本 {one_line(beat.version)}", f"积压 {beat.rows:,} 条{behind}"]
    if seat.ring is not None:
        found.append(f"升级第 {seat.ring.wave} 批 {seat.ring.standing.word} {one_line(seat.ring.release)}")
    if seat.examined is not None:
        found.append(f"体检 {_when(seat.examined.at_wall)} {seat.examined.verdict.word}")
    return found


def _commands(row: Row[Any]) -> list[str]:
    """What a person does next about it, in the hall."""
    if row.retired_wall is not None:
        return []
    asked = [f"mingcha doctor --site {row.id}"] if row.generation is not None else []
    return [*asked, f"mingcha site reissue {row.id}"]


def _when(wall: int) -> str:
    return f"{from_us(wall, ZONE):%m-%d %H:%M:%S}"


def _document(seat: _Seat, now: int) -> dict[str, Any]:
    names = (
        "id",
        "name",
        "kind",
        "generation",
        "ends_wall",
        "online",
        "heard_wall",
        "receipt_wall",
        "behind_wall",
        "retired_wall",
    )
    row, beat, examined, ring = seat.row, seat.beat, seat.examined, seat.ring
    return {
        **{name: row._mapping[name] for name in names},  # noqa: SLF001
        "state": _state(row, now),
        "certificate_days": None if row.ends_wall is None else (row.ends_wall - now) // DAY,
        "version": beat.version if beat else None,
        "backlog": beat.rows if beat else None,
        "offset_ms": beat.offset_ms if beat else None,
        "upgrade": ring,
        "commands": _commands(row),
        "doctor": None if examined is None else {"at_wall": examined.at_wall, "verdict": examined.verdict},
    }


def _machine(row: Row[Any]) -> str:
    known = json.loads(row.machine or "{}")
    said = [one_line(str(known[name])) for name in ("arch", "os") if known.get(name)]
    return f"，{'，'.join(said)}" if said else ""


def _clock(wall: int) -> str:
    return f"{from_us(wall, ZONE):%H:%M:%S}"
