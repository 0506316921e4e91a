"""`mingcha doctor`: what is wrong in the hall, what it affects, the one step that mends it. Reads only."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from cryptography import x509
from sqlalchemy.ext.asyncio import AsyncConnection

from central import __version__
from central import config as configs
from central.config import CentralConfig
from central.core import site, wording
from central.core.message import Channel
from central.status import NOT_YET
from central.status import Status as HallStatus
from central.store import alarms, cases, facts, key, law, messages, pages, parked, trail, wall
from central.store.engine import look
from central.world import Moment
from common import health, process
from common.clock import Clock
from common.config import read_toml
from common.core.errors import ConfigError, UnavailableError, words
from common.core.instant import DAY, MINUTE, SECOND, from_us, local_date, start_of_day, to_us
from common.core.state import AlarmKind, DoctorVerdict, Link
from common.core.text import one_line
from common.health import CheckFunction, Finding, Outcome, Status, ok
from common.mqtt import tls_context

HORIZON_WORKDAYS = 60
SERVER_DAYS_WARN = 30
BACKUP_DAYS = 7
"""From here on what would be lost is more than a week of the hall's own decisions."""
OLD_PAGE = 30 * SECOND
STUCK = 15 * MINUTE
"""A message that could not be given away for so long is somebody's business."""
_KEY_SECS = 1.0
"""Whether the key fits is asked of a database that answers; of one that hangs, its own check speaks."""
_GRACE = 10 * SECOND
"""After its start the hall may still be about to meet the broker."""
NOT_COMMITTING = {"E-SYS-09", "E-HALL-01", "E-HALL-02", "E-HALL-03", "E-HALL-09", "E-HALL-16"}
_EFFECTS = {
    DoctorVerdict.OK: "入库、判定、页面都正常",
    DoctorVerdict.ATTENTION: "入库、判定、页面都在进行",
    DoctorVerdict.DEGRADED: "入库在进行，部分功能有故障",
    DoctorVerdict.NOT_COLLECTING: "没有在入库，各站点在本地加密缓存，数据没有丢失",
    DoctorVerdict.NO_IDENTITY: "",
}


class Hall:
    """What the checks look at. `folder`: of `central.toml`."""

    def __init__(self, config: CentralConfig, folder: Path) -> None:
        self.folder = folder
        self.config = config
        self.clock = Clock(config.clock)
        self.zone = ZoneInfo(config.legal_zone)
        self.status = process.read(config.status_path, HallStatus, Clock().wall())


async def examine(path: Path, *, only: str = "") -> tuple[list[Finding], DoctorVerdict, str]:
    """Run every check on the hall whose configuration is `path`. -> (findings, verdict, its sentence). Raises PermissionError: who
    may not read it is told so, and nothing is said of the hall.
    """
    try:
        hall = Hall(configs.load(path), path.resolve().parent)
    except ConfigError as error:
        if isinstance(error.__cause__, PermissionError):
            raise error.__cause__ from error
        fault, hint = str(error), error.hint

        async def broken() -> Outcome:
            return Outcome(Status.FAIL, fault, hint)

        findings = await health.run({"E-SYS-09": broken})
        return findings, DoctorVerdict.NOT_COLLECTING, "配置有错，程序不能启动"
    findings = await health.run(_checks(hall), only=only)
    verdict = health.verdict_of(findings, NOT_COMMITTING)
    return findings, verdict, health.sentence(findings, "市中心", _EFFECTS[verdict], only)


def as_json(findings: list[Finding], verdict: DoctorVerdict) -> str:
    head = {"version": __version__, "at": Clock().wall() // SECOND}
    return health.to_json(
        findings, schema="mingcha.doctor/1", verdict=verdict.value, site="central", gen=0, **head
    )


def _checks(hall: Hall) -> dict[str, CheckFunction]:
    def by_database(check: Callable[[Hall, AsyncConnection], Awaitable[Outcome]]) -> CheckFunction:
        async def run() -> Outcome:
            async with look(hall.config.database_url) as conn:
                return await check(hall, conn)

        return run

    return {
        "E-HALL-01": by_database(_database),
        "E-HALL-02": lambda: _broker(hall),
        "E-HALL-03": lambda: _ingest(hall),
        "E-HALL-04": by_database(_ticker),
        "E-HALL-05": lambda: _pages(hall),
        "E-HALL-06": lambda: _certificate(hall),
        "E-HALL-07": by_database(_backup),
        "E-HALL-08": by_database(_calendar),
        "E-HALL-09": lambda: _running(hall),
        "E-HALL-10": lambda: _embedded(hall),
        "E-HALL-11": by_database(_sites),
        "E-HALL-12": by_database(_dead_letters),
        "E-HALL-13": by_database(_parked),
        "E-HALL-14": by_database(_alarms),
        "E-HALL-15": by_database(_messages),
        "E-HALL-16": lambda: _data_key(hall),
        "E-HALL-17": lambda: _door(hall),
        "E-HALL-18": lambda: _broken(hall),
        "E-HALL-20": lambda: _trail(hall),
    }


async def _running(hall: Hall) -> Outcome:
    if hall.status is None:
        return Outcome(Status.FAIL, "市中心程序没有在运行")
    return ok(f"进程 {hall.status.pid}，版本 {hall.status.version}")


async def _trail(hall: Hall) -> Outcome:
    fault = hall.status.trail_fault if hall.status else ""
    return Outcome(Status.FAIL, fault) if fault else ok("随增随签")


async def _broken(hall: Hall) -> Outcome:
    found = sorted(hall.status.broken.items()) if hall.status else []
    said = (
        f"{site} 第 {item.first} 号"
        + (f"至 {item.last} 号" if item.last != item.first else "")
        + f"（{one_line(item.reason)}）"
        for site, item in found[:3]
    )
    return Outcome(Status.WARN, "；".join(said)) if found else ok()


async def _database(hall: Hall, conn: AsyncConnection) -> Outcome:
    records, held = await pages.totals(conn)
    fault = hall.status.store_fault if hall.status else ""
    return Outcome(Status.FAIL, fault) if fault else ok(f"{records:,} 条记录，{held:,} 件办件")


async def _data_key(hall: Hall) -> Outcome:
    """The key opens what lies in this database; whether the database is there is another check's matter."""
    path, url = hall.config.identity.data_key, key.parted(hall.config.database_url)[0]
    if not path.exists() and url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        return ok("随数据库在首次启动时建立")
    ring = key.ring_of(path)
    try:
        async with asyncio.timeout(_KEY_SECS), look(hall.config.database_url) as conn:
            known, index = await conn.run_sync(key.ids), await conn.run_sync(key.index_of)
    except (UnavailableError, TimeoutError):
        return ok(f"{ring.ids[0]}，数据库连不上，没有核对")
    fault = key.fault_of(ring, known, index) if known else ""
    return Outcome(Status.FAIL, fault) if fault else ok(ring.ids[0])


async def _broker(hall: Hall) -> Outcome:
    mqtt = hall.config.mqtt
    where = f"{mqtt.host}:{mqtt.port}"
    try:
        _, writer = await asyncio.open_connection(
            mqtt.host, mqtt.port, ssl=tls_context(mqtt) if mqtt.tls else None
        )
    except ssl.SSLCertVerificationError as error:
        return Outcome(
            Status.FAIL, f"{where} 的证书不可信：{error.verify_message}", "请核对 [mqtt] 的 ca 与服务器名"
        )
    except ssl.SSLError as error:
        return Outcome(
            Status.FAIL, f"{where} 加密连接失败：{error.reason or error}", "请核对 [mqtt] 的证书文件"
        )
    except OSError as error:
        return Outcome(Status.FAIL, f"{where} 连不上：{words(error)}")
    writer.close()
    return ok(where)


async def _certificate(hall: Hall) -> Outcome:
    """What the broker shows: its time is checked by nobody, so that a wrong clock cuts no box off."""
    mqtt = hall.config.mqtt
    if not mqtt.tls:
        return ok("演示用的本机连接，不用证书")
    try:
        _, writer = await asyncio.open_connection(mqtt.host, mqtt.port, ssl=tls_context(mqtt))
    except OSError as error:
        return Outcome(Status.SKIP, f"没有看到：{words(error)}")
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    ends = to_us(x509.load_der_x509_certificate(shown).not_valid_after_utc)
    left = (ends - Clock().wall()) // DAY
    detail = f"还有 {left} 天" if left >= 0 else f"已过期 {-left} 天"
    return Outcome(Status.WARN, detail) if left < SERVER_DAYS_WARN else ok(detail)


async def _ingest(hall: Hall) -> Outcome:
    if hall.status is None:
        return Outcome(Status.SKIP, "市中心程序没有在运行")
    if hall.status.broker_fault == NOT_YET and Clock().wall() - hall.status.started_wall < _GRACE:
        return Outcome(Status.SKIP, "刚启动，正在连消息服务")
    if hall.status.broker_fault:
        return Outcome(Status.FAIL, hall.status.broker_fault, "请按提示检查消息服务与 [mqtt] 的证书文件")
    last = hall.status.commit_wall
    return ok(
        f"本次运行入库 {hall.status.records:,} 条"
        + (f"，最近 {from_us(last, hall.zone):%H:%M:%S}" if last else "")
    )


async def _ticker(hall: Hall, conn: AsyncConnection) -> Outcome:
    first = await cases.next_due(conn)
    late = 0 if first is None else (hall.clock.office() - first) / hall.clock.top_pace
    detail = f"最早一个待判定时限已过 {wording.span(int(late))}"
    return Outcome(Status.FAIL, detail) if late > MINUTE else ok()


async def _pages(hall: Hall) -> Outcome:
    if hall.status is None:
        return Outcome(Status.SKIP, "市中心程序没有在运行")
    age = Clock().wall() - hall.status.looked_wall
    detail = f"页面上的数据已有 {wording.span(age)}没有更新"
    return Outcome(Status.FAIL, detail) if age > OLD_PAGE else ok()


async def _backup(hall: Hall, conn: AsyncConnection) -> Outcome:
    """By the trail, in which every backup notes itself; a hall that is younger than that has none yet."""
    del hall
    lines = await trail.listed(conn, trail.Wanted(act="central.backup"), 1)
    first = await trail.oldest(conn)
    now = Clock().wall()
    if not lines and (first is None or now - first < BACKUP_DAYS * DAY):
        return ok("还没有备份过")
    age = (now - (lines[0].at_wall if lines else first or now)) // DAY
    said = f"上次备份在 {age} 天前" if lines else f"从来没有备份过，已运行 {age} 天"
    return Outcome(Status.WARN, said) if age >= BACKUP_DAYS else ok(said)


async def _calendar(hall: Hall, conn: AsyncConnection) -> Outcome:
    calendar = await law.calendar_if_any(conn)
    if calendar is None:
        return ok("首次启动时写入")
    today = local_date(hall.clock.office(), hall.zone)
    left = calendar.count(today, max(today, calendar.published_until))
    detail = f"公布到 {calendar.published_until}，还有 {left} 个工作日"
    return Outcome(Status.WARN, detail) if left < HORIZON_WORKDAYS else ok(detail)


async def _embedded(hall: Hall) -> Outcome:
    if hall.config.embedded_broker:
        return Outcome(Status.WARN, "正在使用程序内的演示用消息服务")
    return ok()


async def _sites(hall: Hall, conn: AsyncConnection) -> Outcome:
    now_at, now_wall = hall.clock.office(), hall.clock.wall()
    today = start_of_day(local_date(now_at, hall.zone), hall.zone)
    facts = await wall.sites(conn, today, now_at)
    found = [(item, site.derive(item.signals, now_wall, now_at)) for item in facts]
    wrong = [
        (item, link)
        for item, link in found
        if link not in {Link.LIVE, Link.SLOW, Link.RETIRED, Link.MAINTENANCE}
    ]
    if not found:
        return Outcome(Status.WARN, "还没有站点")
    if not wrong:
        return ok(f"{len(found)} 个站点全部实时")
    shown = "；".join(
        f"{item.name} {site.describe(link, item.signals, item.backlog, now_wall, hall.zone).note or link.word}"
        for item, link in wrong[:4]
    )
    return Outcome(
        Status.WARN,
        f"{len(found)} 个站点中 {len(wrong)} 个不是实时：{shown}" + (" 等" if len(wrong) > 4 else ""),
    )


async def _dead_letters(hall: Hall, conn: AsyncConnection) -> Outcome:
    del hall
    rows = await facts.dead_letter_counts(conn)
    shown = "；".join(f"{row.site} {row.number} 条（{one_line(row.reason)}）" for row in rows[:3])
    return Outcome(Status.WARN, shown) if rows else ok()


async def _parked(hall: Hall, conn: AsyncConnection) -> Outcome:
    del hall
    found = await parked.counts(conn)
    shown = "；".join(f"{site} {records:,} 条" for site, records in sorted(found.items())[:3])
    return Outcome(Status.WARN, shown) if found else ok()


async def _alarms(hall: Hall, conn: AsyncConnection) -> Outcome:
    del hall
    rows = await alarms.listed(conn)
    shown = "；".join(f"{row.site} {AlarmKind(row.kind).word}：{one_line(row.detail)}" for row in rows[:3])
    return Outcome(Status.WARN, shown + (f" 等 {len(rows)} 项" if len(rows) > 3 else "")) if rows else ok()


async def _messages(hall: Hall, conn: AsyncConnection) -> Outcome:
    """What did not arrive, and what has been tried for a quarter of an hour."""
    count, newest = await messages.failures(conn, 3)
    now = Moment(hall.clock.office(), hall.clock.wall())
    late = await messages.stuck(conn, now, now.wall - STUCK)
    said = [
        f"{count} 条未送达：" + "；".join(f"{row.name} {Channel(row.channel).word}" for row in newest)
    ] * bool(count)
    said += [f"{late} 条发不出去，正在重试"] * bool(late)
    return Outcome(Status.WARN, "；".join(said)) if said else ok()


async def _door(hall: Hall) -> Outcome:
    """Asked for a page as a browser does. It may stand on another machine; then its own configuration is not here."""
    path = hall.folder / "door.toml"
    if not hall.config.public.enabled:
        return ok("没有启用")
    if not path.exists():
        return ok("数据已公开；公众网页不在本机")
    found = read_toml(path)
    host, port = str(found.get("host", "127.0.0.1")), int(found.get("port", 8090))
    names = [*map(str, found.get("hosts", [])), ""]
    try:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET /p/ HTTP/1.1\r\nHost: {names[0]}\r\nConnection: close\r\n\r\n".encode())
        said = (await reader.readline()).decode("ascii", "replace").split()
        writer.close()
    except OSError as error:
        return Outcome(Status.FAIL, f"{host}:{port} 连不上：{words(error)}")
    if said[1:2] != ["200"]:
        return Outcome(
            Status.FAIL, f"{host}:{port} 答的是 {' '.join(said) or '空'}", "请看  journalctl -u mingcha-door"
        )
    return ok(f"{host}:{port}")
