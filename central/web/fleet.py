"""The boxes of all sites for those who keep them: version, certificate, last contact, backlog, generation, doctor, command."""

from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy import Row

from central import __version__
from central.core import wording
from central.core.access import Permission
from central.core.hall import Facts
from central.store import fleet, pages
from central.store.fleet import Examined, Ring
from central.web.page import HALL, Route, facts_of, reached_sites, render
from common.core.instant import DAY, MINUTE
from common.core.message import Heartbeat
from common.core.state import DoctorVerdict, Health, Link

CERTIFICATE_DAYS = 10
"""From here on somebody should look (provisioning.md 3.11)."""
BACKLOG = 5 * MINUTE
_CUT_OFF = {Link.OFFLINE, Link.STOPPED}
_HEALTH = {DoctorVerdict.OK: Health.OK, DoctorVerdict.ATTENTION: Health.WARN}


class Cell(Struct, frozen=True):
    """A figure, and whether it is as it should be; `skip`: nobody has said it yet."""

    text: str
    health: Health = Health.OK
    note: str = ""


class Line(Struct, frozen=True):
    """One site's box. `commands`: what is executed in the hall, and what for."""

    id: str
    generation: Cell
    version: Cell
    ring: Cell
    certificate: Cell
    heard: str
    backlog: Cell
    examined: Cell
    commands: list[tuple[str, str]]

    @property
    def is_well(self) -> bool:
        cells = self.generation, self.version, self.ring, self.certificate, self.backlog, self.examined
        return all(cell.health in {Health.OK, Health.SKIP} for cell in cells)


_UNKNOWN = Cell("–", Health.SKIP)


async def show_fleet(request: web.Request) -> web.Response:
    facts, hall = facts_of(request), request.app[HALL]
    async with hall.store.read() as conn:
        rows = await fleet.listed(conn)
        beats, examined = await pages.heartbeats(conn), await fleet.examined(conn)
        rings = await fleet.rings(conn)
    known = {item.id for item in reached_sites(request)}
    lines = [
        _line(row, beats.get(row.id), rings.get(row.id), examined.get(row.id), facts)
        for row in rows
        if row.id in known
    ]
    return render(
        request,
        "fleet.html",
        lines=[(line, hall.wall.state["s"][line.id]) for line in lines],
        wrong=sum(not line.is_well or hall.wall.state["s"][line.id]["link"] in _CUT_OFF for line in lines),
        version=__version__,
    )


def _line(
    row: Row[Any], beat: Heartbeat | None, ring: Ring | None, examined: Examined | None, facts: Facts
) -> Line:
    return Line(
        id=row.id,
        generation=_generation(row),
        version=_version(beat),
        ring=_ring(ring),
        certificate=_certificate(row, facts.now_wall),
        heard="" if row.heard_wall is None else wording.ago(facts.now_wall - row.heard_wall),
        backlog=_backlog(row, beat, facts.now_wall),
        examined=_examined(examined, facts.now_wall),
        commands=_commands(row),
    )


_STATES = {"draining": "正被接替", "superseded": "已被接替", "retired": "已停用", "revoked": "已吊销"}


def _generation(row: Row[Any]) -> Cell:
    if row.generation is None:
        return Cell("未登记", Health.SKIP)
    word = _STATES.get(row.state, "")
    return Cell(f"第 {row.generation} 代", Health.WARN if word else Health.OK, word)


def _version(beat: Heartbeat | None) -> Cell:
    if beat is None:
        return _UNKNOWN
    same = beat.version == __version__
    return Cell(beat.version, Health.OK if same else Health.WARN, "" if same else "与中心不同")


def _ring(ring: Ring | None) -> Cell:
    if ring is None:
        return Cell("–", Health.SKIP)
    health = Health.FAIL if ring.standing.is_bad else Health.OK
    return Cell(f"第 {ring.wave} 批", health, f"{ring.standing.word} {ring.release}")


def _certificate(row: Row[Any], now_wall: int) -> Cell:
    if row.ends_wall is None:
        return _UNKNOWN
    left = (row.ends_wall - now_wall) // DAY
    if left < 0:
        return Cell(f"已过期 {-left} 天", Health.FAIL)
    return Cell(f"{left} 天", Health.WARN if left < CERTIFICATE_DAYS else Health.OK)


def _backlog(row: Row[Any], beat: Heartbeat | None, now_wall: int) -> Cell:
    if beat is None:
        return _UNKNOWN
    behind = now_wall - row.behind_wall if row.behind_wall else 0
    note = f"落后 {wording.span(behind)}" if behind else ""
    return Cell(f"{wording.number(beat.rows)} 条", Health.WARN if behind > BACKLOG else Health.OK, note)


def _examined(examined: Examined | None, now_wall: int) -> Cell:
    if examined is None:
        return Cell("没有问过", Health.SKIP)
    health = _HEALTH.get(examined.verdict, Health.FAIL)
    return Cell(examined.verdict.word, health, wording.ago(now_wall - examined.at_wall))


def _commands(row: Row[Any]) -> list[tuple[str, str]]:
    again = "换机器：新的安装命令" if row.generation else "安装命令"
    asked = [("现在体检", f"mingcha doctor --site {row.id}")] if row.generation else []
    return [*asked, (again, f"mingcha site reissue {row.id}")]


ROUTES = [Route("GET", "/hall/admin/sites", show_fleet, Permission.KEEP_BOX)]
