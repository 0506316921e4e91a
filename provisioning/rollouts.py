"""`mingcha release rollout | halt | list`, and what the door makes of a box that asks. Each step is one transaction.

Every box's job is signed when a person orders the rollout; the door hands out what is signed already, wave by wave.
"""

import asyncio
import getpass
import json
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import tables as t
from central.store import trail
from central.store.engine import within
from common.cli import say, say_json
from common.clock import Clock
from common.config import read_secret
from common.core.errors import UsageError
from common.core.instant import DAY, HOUR
from common.core.rollout import Rollout
from common.core.text import one_line
from provisioning import releases
from provisioning.core import rollout, upgrade
from provisioning.core.messages import Outcome, Report
from provisioning.core.release import Manifest
from provisioning.core.rollout import Place, State
from provisioning.core.upgrade import Job
from provisioning.files import PUBLIC, write_file
from provisioning.settings import Hall

JOB_DAYS = 90
"""A box that is dark for longer is ordered anew."""
DOOR = "登记服务"
_Result = TypeVar("_Result")
_Rows = list[Row[Any]]


# what a person orders ------------------------------------------------------------------------------------------


def order(
    hall: Hall, name: str, canary: tuple[str, ...], sizes: tuple[int, ...], hours: float, why: str
) -> None:
    """Raises UsageError for an unknown release or site, or while another rollout is running."""
    manifests = {manifest.arch: manifest for manifest in releases.find(hall, name)}
    secret = read_secret(hall.folder / "operations.key", "市中心的签名私钥")
    now, who, made = Clock().wall(), getpass.getuser(), secrets.token_hex(6)

    async def work(conn: AsyncConnection) -> list[tuple[str, int]]:
        running = await _running(conn)
        if running is not None:
            raise UsageError(
                f"{running.release} 还在推送", hint="等它完成，或先停止：mingcha release halt --why 原因"
            )
        boxes = await _boxes(conn)
        unknown = sorted(set(canary) - {row.site for row in boxes})
        if unknown:
            raise UsageError(
                f"没有这个站点，或它还没有登记机器：{'、'.join(unknown)}", hint="请看  mingcha site list"
            )
        fit = [row for row in boxes if _said(row).get("arch") in manifests]
        places = rollout.waves([row.site for row in fit], canary, sizes)
        values = {"id": made, "release": name, "wait": round(hours * HOUR), "who": who, "why": why}
        times = {"created_wall": now, "state": State.RUNNING.value, "halted_why": ""}
        await conn.execute(insert(t.rollout).values(**values, **times))
        for row in fit:
            manifest = manifests[_said(row)["arch"]]
            job = Job(made, row.site, manifest.release, manifest.sums, now + JOB_DAYS * DAY)
            await conn.execute(
                insert(t.upgrade).values(
                    rollout=made,
                    site=row.site,
                    wave=places[row.site],
                    release=manifest.release,
                    arch=manifest.arch,
                    job=upgrade.ordered(job, secret),
                    standing=Rollout.WAITING.value,
                    why="",
                    said="",
                    ended_wall=0,
                )
            )
        await trail.note(conn, now, who, "release.rollout", name, why)
        return sorted(places.items(), key=lambda item: item[1])

    placed = _in(hall, work)
    for wave in sorted({wave for _, wave in placed}):
        say(f"第 {wave + 1} 批：{'、'.join(site for site, mine in placed if mine == wave)}")
    say("✓ 已开始；站点每五分钟来问一次。进展：mingcha release list")


def halt(hall: Hall, why: str) -> None:
    """No further box begins; one that is at it comes to its end. Raises UsageError where nothing is running."""
    now, who = Clock().wall(), getpass.getuser()

    async def work(conn: AsyncConnection) -> str:
        running = await _running(conn)
        if running is None:
            raise UsageError("没有正在推送的发行", hint="请看  mingcha release list")
        await _end(conn, running.id, State.HALTED, why, now)
        await trail.note(conn, now, who, "release.halt", running.release, why)
        return str(running.release)

    say(f"✓ 已停止推送 {_in(hall, work)}；已升级的站点不变")


def listed(hall: Hall, *, as_json: bool) -> int:
    """What was imported, and the newest rollout box by box. -> 0, or 2 where it was halted."""

    async def work(conn: AsyncConnection) -> tuple[Row[Any] | None, _Rows]:
        newest = (
            await conn.execute(select(t.rollout).order_by(t.rollout.c.created_wall.desc()).limit(1))
        ).first()
        if newest is None:
            return None, []
        query = select(t.upgrade).where(t.upgrade.c.rollout == newest.id).order_by(t.upgrade.c.wave)
        return newest, list(await conn.execute(query))

    newest, rows = _in(hall, work)
    held = releases.held(hall) if (hall.folder / releases.KEY).exists() else []
    if as_json:
        names = ("site", "wave", "release", "standing", "why", "said", "ended_wall")
        document = {
            "releases": held,
            "rollout": None
            if newest is None
            else {name: newest._mapping[name] for name in ("id", "release", "state", "halted_why")},  # noqa: SLF001
            "boxes": [{name: row._mapping[name] for name in names} for row in rows],  # noqa: SLF001
        }
        say_json(msgspec.json.encode(document))
    else:
        for manifest in held:
            is_default = releases.installed_anew(hall, manifest.arch) == manifest
            say(
                f"{manifest.release}\t{manifest.arch}\t{manifest.size / 1e6:.0f} MB"
                + "\t新装站点用" * is_default
            )
        if newest is not None:
            say(
                f"推送 {newest.release}：{State(newest.state).word}{'，' * bool(newest.halted_why)}{one_line(newest.halted_why)}"
            )
        for row in rows:
            say(f"  第 {row.wave + 1} 批\t{row.site}\t{Rollout(row.standing).word}\t{one_line(row.why)}")
    return 2 if newest is not None and newest.state == State.HALTED else 0


# what a box says and gets ----------------------------------------------------------------------------------------


async def heard(conn: AsyncConnection, site: str, generation: int, report: Report, now_wall: int) -> None:
    """What runs there, and what became of its job; the first that goes wrong halts the rollout."""
    await _remember(conn, site, generation, report)
    if report.outcome is not None:
        await _settle(conn, site, report.outcome, now_wall)
    running = await _running(conn)
    if running is None:
        return
    its = t.upgrade.c.rollout == running.id, t.upgrade.c.site == site, t.upgrade.c.release == report.release
    open_ = t.upgrade.c.standing.in_([Rollout.WAITING.value, Rollout.OFFERED.value])
    done = {"standing": Rollout.DONE.value, "ended_wall": now_wall}
    await conn.execute(update(t.upgrade).where(*its, open_).values(**done))


async def due(conn: AsyncConnection, site: str, now_wall: int) -> Row[Any] | None:
    """The job whose turn it is, as a row of `upgrade`; None where there is none. Ends a rollout that is over."""
    running = await _running(conn)
    if running is None:
        return None
    places = await _places(conn, running.id)
    state = rollout.state(places)
    if state is not State.RUNNING:
        bad = next((place.site for place in places if place.standing.is_bad), "")
        why = f"站点 {bad} 没有升级成功" if bad else ""
        await _end(conn, running.id, state, why, now_wall)
        await trail.note(conn, now_wall, DOOR, f"release.{state.value}", running.release, why)
        return None
    mine = (t.upgrade.c.rollout == running.id, t.upgrade.c.site == site)
    row = (await conn.execute(select(t.upgrade).where(*mine))).first()
    waits = {Rollout.WAITING.value, Rollout.OFFERED.value}
    if (
        row is None
        or row.standing not in waits
        or row.wave > rollout.open_wave(places, now_wall, running.wait)
    ):
        return None
    await conn.execute(update(t.upgrade).where(*mine).values(standing=Rollout.OFFERED.value))
    return row


async def finished(conn: AsyncConnection) -> str:
    """The release of the newest rollout that came to its end; empty where there is none."""
    ended = select(t.rollout.c.release).where(t.rollout.c.state == State.FINISHED.value)
    return str(await conn.scalar(ended.order_by(t.rollout.c.ended_wall.desc()).limit(1)) or "")


async def _settle(conn: AsyncConnection, site: str, outcome: Outcome, now_wall: int) -> None:
    standing = Rollout(outcome.standing)
    its = t.upgrade.c.rollout == outcome.job, t.upgrade.c.site == site, t.upgrade.c.ended_wall == 0
    said = {"why": outcome.why[:500], "said": outcome.said, "ended_wall": now_wall}
    changed = await conn.execute(update(t.upgrade).where(*its).values(standing=standing.value, **said))
    if changed.rowcount and standing.is_bad:
        await trail.note(conn, now_wall, DOOR, f"release.{standing.value}", site, outcome.why[:500])


async def _remember(conn: AsyncConnection, site: str, generation: int, report: Report) -> None:
    which = t.box.c.site == site, t.box.c.generation == generation
    known = json.loads(await conn.scalar(select(t.box.c.machine).where(*which)) or "{}")
    said = {"version": report.release[:200], "halls": " ".join(report.halls)[:500]}
    if known | said != known:
        machine = json.dumps(known | said, ensure_ascii=False)
        await conn.execute(update(t.box).where(*which).values(machine=machine))


async def _running(conn: AsyncConnection) -> Row[Any] | None:
    running = select(t.rollout).where(t.rollout.c.state == State.RUNNING.value)
    return (await conn.execute(running.with_for_update())).first()


async def _end(conn: AsyncConnection, made: str, state: State, why: str, now_wall: int) -> None:
    ended = {"state": state.value, "halted_why": why, "ended_wall": now_wall}
    await conn.execute(update(t.rollout).where(t.rollout.c.id == made).values(**ended))


async def _boxes(conn: AsyncConnection) -> _Rows:
    """The active box of every site that is not retired, in the order of the wall."""
    query = select(t.box.c.site, t.box.c.machine).join(t.site, t.site.c.id == t.box.c.site)
    active = t.box.c.state == "active", t.site.c.retired_wall.is_(None)
    return list(await conn.execute(query.where(*active).order_by(t.site.c.position)))


async def _places(conn: AsyncConnection, made: str) -> list[Place]:
    """Of sites that still have an active box."""
    heard_wall = func.coalesce(t.site_status.c.receipt_wall, 0).label("receipt_wall")
    query = (
        select(t.upgrade, heard_wall)
        .join(t.box, (t.box.c.site == t.upgrade.c.site) & (t.box.c.state == "active"))
        .outerjoin(t.site_status, t.site_status.c.site == t.upgrade.c.site)
        .where(t.upgrade.c.rollout == made)
    )
    return [
        Place(row.site, row.wave, Rollout(row.standing), row.ended_wall, row.receipt_wall)
        for row in await conn.execute(query)
    ]


def _in(hall: Hall, work: Callable[[AsyncConnection], Awaitable[_Result]]) -> _Result:
    return asyncio.run(within(hall.database_url, work))


def _said(row: Row[Any]) -> dict[str, str]:
    """How the box introduced itself."""
    found = json.loads(row.machine or "{}")
    return found if isinstance(found, dict) else {}


def manifest_of(hall: Hall, release: str, arch: str) -> Manifest | None:
    """None where it is not on the disk any more."""
    return next((m for m in releases.held(hall) if (m.release, m.arch) == (release, arch)), None)


def keep_default(hall: Hall, name: str) -> None:
    """What went to every box is what boxes are installed with; once for each rollout, so that `init` may change it since."""
    mark = hall.bundles / "rolled-out"
    if name and (not mark.exists() or mark.read_text("utf-8") != name):
        for manifest in releases.find(hall, name):
            releases.install_anew(hall, manifest)
        write_file(mark, name.encode(), PUBLIC)
