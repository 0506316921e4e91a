"""`mingcha doctor --site ID`: the doctor of a site's box, asked by a signed command; its findings as the box prints them.

And what is otherwise than when that box was last well.
"""

import asyncio
import getpass
import json
import secrets
import time
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.config import CentralConfig
from central.store import commands, pages, trail
from central.store.engine import look, within
from common import health
from common.clock import Clock
from common.core.act import Act
from common.core.errors import RejectedError, UnavailableError
from common.core.instant import MINUTE, SECOND, from_us
from common.core.state import DoctorVerdict, Outcome
from common.health import Finding

WAIT_SECS = 60.0
_LIFE = 10 * MINUTE
"""Asked once, and now: a box that comes back tomorrow need not answer."""
_LOOK_SECS = 0.5
_SEARCHED = 500
_WHY = "mingcha doctor --site"


class Run(Struct, frozen=True):
    """One run of a box's doctor, as it answered. `at_wall`: when the answer came."""

    site: str
    at_wall: int
    verdict: DoctorVerdict
    sentence: str
    findings: list[Finding]


def read(site: str, at_wall: int, detail: str) -> Run | None:
    """None for an answer that is no doctor's: of an older box, or cut."""
    head, _, body = detail.partition("\n")
    verdict, _, sentence = head.partition(" ")
    try:
        return Run(site, at_wall, DoctorVerdict(verdict), sentence, health.whole(body))
    except (ValueError, IndexError):
        return None


async def order(conn: AsyncConnection, site: str, who: str, why: str) -> str:
    """Write down that `who` asks this site's box for its doctor; it is sent within a second. -> number of the command.

    Raises UsageError for an unknown site.
    """
    number, now = secrets.token_hex(16), Clock().wall()
    await pages.must_know(conn, site)
    row = {
        "id": number,
        "site": site,
        "act": Act.DOCTOR.value,
        "args": json.dumps({}),
        "who": who,
        "why": why,
    }
    await commands.add(conn, {**row, "issued_wall": now, "expires_wall": now + _LIFE})
    await trail.note(conn, now, who, "command.doctor", f"{site}/{number}", why)
    return number


async def ask(config: CentralConfig, site: str, wait_secs: float = WAIT_SECS) -> Run:
    """Raises UsageError for an unknown site, UnavailableError without an answer, RejectedError for one that says no."""
    who = getpass.getuser()
    number = await within(config.database_url, lambda conn: order(conn, site, who, _WHY))
    end_mono = time.monotonic() + wait_secs
    while time.monotonic() < end_mono:
        async with look(config.database_url) as conn:
            found = await commands.find(conn, number)
        if found is not None and found.ended_wall is not None:
            return _answer(site, found.ended_wall, Outcome(found.outcome), found.detail)
        await asyncio.sleep(_LOOK_SECS)
    raise UnavailableError(
        f"{wait_secs:.0f} 秒内站点 {site} 没有应答",
        hint=f"站点离线或市中心程序没有在运行：请先执行  mingcha doctor；站点上线后的结果见  mingcha command list --site {site}",
    )


def _answer(site: str, at_wall: int, outcome: Outcome, detail: str) -> Run:
    found = read(site, at_wall, detail) if outcome is Outcome.DONE else None
    if found is None:
        raise RejectedError(
            f"站点 {site} 没有体检：{outcome.word}  {detail.partition(chr(10))[0]}",
            hint="请在该站点执行  mingcha-agent doctor",
        )
    return found


async def runs(conn: AsyncConnection, site: str) -> list[Run]:
    """Every run of this box's doctor that the hall knows, newest first."""
    rows = await commands.listed(conn, site, _SEARCHED)
    done = [row for row in rows if row.act == Act.DOCTOR and row.outcome == Outcome.DONE]
    found = [read(site, row.ended_wall, row.detail) for row in done]
    return sorted((run for run in found if run is not None), key=lambda run: -run.at_wall)


def last_good(known: list[Run], before_wall: int) -> Run | None:
    """The newest run before that in which nothing was wrong."""
    return next((run for run in known if run.at_wall < before_wall and run.verdict is DoctorVerdict.OK), None)


def compared(run: Run, good: Run | None, config: CentralConfig) -> list[str]:
    """What to say below the findings."""
    if run.verdict is DoctorVerdict.OK:
        return []
    if good is None:
        return ["与上次正常相比：市中心还没有这个站点正常时的体检"]
    changed = health.difference(run.findings, good.findings)
    when = f"{from_us(good.at_wall, ZoneInfo(config.legal_zone)):%Y-%m-%d %H:%M}"
    return [
        f"与上次正常（{when}）相比：" + ("" if changed else "各项状态相同"),
        *(f"  {line}" for line in changed),
    ]


def as_json(run: Run, good: Run | None) -> str:
    """The document of the box's own doctor, and when it was last well."""
    return health.to_json(
        run.findings,
        schema="mingcha.doctor/1",
        verdict=run.verdict.value,
        site=run.site,
        at=run.at_wall // SECOND,
        last_good=good.at_wall // SECOND if good else None,
        changed=health.difference(run.findings, good.findings) if good else [],
    )
