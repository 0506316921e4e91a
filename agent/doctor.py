"""`mingcha-agent doctor`: what is wrong on this box, since when, what it affects, the one step that mends it.

Reads only. Works with the service stopped. Ids, words and remedies stand in `common/core/checks.py`.
"""

import asyncio
import shutil
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from msgspec.structs import replace

from agent import __version__, app, buffer_checks, look, master
from agent import config as configs
from agent.box import Box
from agent.config import AgentConfig
from agent.core.quota import Level
from agent.core.sync import Phase
from agent.link import HALL_SILENT
from agent.source import base
from agent.switch import Switch, said
from common import health
from common.clock import Clock
from common.core import crypto, mask
from common.core.errors import ConfigError, words
from common.core.instant import DAY, MINUTE, SECOND, to_us
from common.core.state import DoctorVerdict
from common.health import CheckFunction, Finding, Outcome, Status, ok
from common.mqtt import tls_context

_REFUSE_SECS = 0.6
"""TLS 1.3: a server refuses our certificate only after the handshake; silence this long means it did not."""
RECEIPT_SECS = 30
"""Rows that wait are acknowledged within a second or two; so long without a receipt, the hall does not commit."""
_GRACE = 10 * SECOND
"""After its start the agent may still be about to meet the hall."""
NOT_RUNNING = "采集程序没有在运行"
_NO_ROOM = 1024 * 1024
NOT_COLLECTING = {"E-SYS-01", "E-SYS-04", "E-SYS-09", "E-BUF-01", "E-BUF-02", "E-SRC-02", "E-SRC-09"}
NO_IDENTITY = {"E-ID-01", "E-ID-05"}


async def examine(path: Path, *, only: str = "") -> tuple[list[Finding], DoctorVerdict, str]:
    """Run every check on the box whose configuration is `path`. -> (findings, verdict, its sentence)."""
    try:
        config = configs.load(path)
    except ConfigError as error:
        return await _misconfigured(error)
    return await examine_config(config, Clock(), only=only)


async def examine_config(
    config: AgentConfig, clock: Clock, *, only: str = "", for_hall: bool = False
) -> tuple[list[Finding], DoctorVerdict, str]:
    """The same of a configuration that is read already; `for_hall`: no key of a row and no long number is said."""
    try:
        box = Box(config, clock, for_hall=for_hall)
    except ConfigError as error:
        return await _misconfigured(error)
    findings = await health.run(_checks(box), only=only)
    if for_hall:
        findings = [_without_numbers(item) if "-SRC-" in item.id else item for item in findings]
    verdict = health.verdict_of(findings, NOT_COLLECTING, NO_IDENTITY)
    name = box.config.name or box.config.site
    return findings, verdict, health.sentence(findings, name, _EFFECTS[verdict], only)


def _without_numbers(finding: Finding) -> Finding:
    """A driver's words may quote a value of the office's database."""
    return replace(finding, detail=mask.numbers(finding.detail))


async def _misconfigured(error: ConfigError) -> tuple[list[Finding], DoctorVerdict, str]:
    async def broken() -> Outcome:
        return Outcome(Status.FAIL, str(error), error.hint)

    findings = await health.run({"E-SYS-09": broken})
    return findings, DoctorVerdict.NOT_COLLECTING, "配置有错，程序不能启动"


_EFFECTS = {
    DoctorVerdict.OK: "采集、缓存、上传都正常",
    DoctorVerdict.ATTENTION: "采集、缓存、上传都在进行",
    DoctorVerdict.DEGRADED: "正在本地加密缓存，数据没有丢失",
    DoctorVerdict.NOT_COLLECTING: "没有在采集，数据留在业务库里，恢复后自动补采",
    DoctorVerdict.NO_IDENTITY: "没有有效的身份，不能上传",
}


def as_json(path: Path, findings: list[Finding], verdict: DoctorVerdict) -> str:
    """The document of provisioning.md 3.10."""
    clock, site, generation = Clock(), "", 0
    try:
        config = configs.load(path)
        site, generation = config.site, config.generation
    except ConfigError:
        pass  # said by E-SYS-09
    head = {"site": site, "gen": generation, "version": __version__, "at": clock.wall() // SECOND}
    return health.to_json(findings, schema="mingcha.doctor/1", verdict=verdict.value, **head)


def _checks(box: Box) -> dict[str, CheckFunction]:
    checks: dict[str, CheckFunction] = {
        "E-SYS-01": lambda: _running(box),
        "E-SYS-04": lambda: _disk(box),
        "E-SYS-07": lambda: _clock(box),
        "E-SYS-09": lambda: _config(box),
        "E-ID-01": lambda: _keys(box),
        "E-ID-04": lambda: _certificate(box),
        "E-ID-05": lambda: _accepted(box),
        "E-NET-03": lambda: _reachable(box),
        "E-NET-04": lambda: _encrypted(box),
        "E-SYNC-03": lambda: _receipt(box),
        "E-SYNC-04": lambda: _backlog(box),
        "E-SYNC-07": lambda: buffer_checks.refused(box),
        "E-BUF-01": lambda: buffer_checks.usable(box),
        "E-BUF-02": lambda: buffer_checks.filled(box),
        "E-BUF-05": lambda: buffer_checks.damaged(box),
        "E-SRC-02": lambda: _connect(box),
        "E-SRC-03": lambda: _read_only(box),
        "E-SRC-04": lambda: _columns(box),
        "E-SRC-05": lambda: _switched_on(box),
        "E-SRC-09": lambda: _last_pass(box),
        "E-SRC-10": lambda: buffer_checks.bad_rows(box),
    }
    return checks


# system and identity -----------------------------------------------------------------------------------------


async def _running(box: Box) -> Outcome:
    if box.status is not None:
        return ok(f"进程 {box.status.pid}，版本 {box.status.version}")
    if await asyncio.to_thread(look.held, box.config.data_dir / "buffer.lock"):
        return Outcome(
            Status.WARN, "程序在运行，但有一会儿没有报告状态", "请查看日志：journalctl -u mingcha-agent"
        )
    if _disk_usage(box).free < _NO_ROOM:
        return Outcome(Status.SKIP, "磁盘已满，程序若在等空间，也写不下状态")
    return Outcome(Status.FAIL, NOT_RUNNING)


def _disk_usage(box: Box) -> Any:
    places = (box.config.data_dir, *box.config.data_dir.parents)
    return shutil.disk_usage(next(folder for folder in places if folder.exists()))


async def _disk(box: Box) -> Outcome:
    usage = _disk_usage(box)
    percent = 100 * usage.used / usage.total
    fault = box.status.buffer_fault if box.status and box.status.level is not Level.STOP else ""
    if fault or usage.free < _NO_ROOM:
        return Outcome(Status.FAIL, fault or f"磁盘已满（已用 {percent:.0f}%），写不进缓存")
    detail = f"已用 {percent:.0f}%，剩 {usage.free // 2**20:,} MB"
    return Outcome(Status.WARN, detail) if percent >= 85 else ok(detail)


async def _clock(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    offset = box.status.offset_us
    if offset is None:
        return Outcome(Status.SKIP, "还没有市中心的回执可比")
    seconds = abs(offset) / SECOND
    detail = f"与市中心相差 {seconds:.1f} 秒"
    return Outcome(Status.FAIL if seconds > 30 else Status.WARN if seconds > 2 else Status.OK, detail)


async def _config(box: Box) -> Outcome:
    if box.source is None:
        return Outcome(Status.WARN, app.NOT_MAPPED, f"请建立 {box.config.mapping}，写法见操作手册")
    return ok(f"站点 {box.config.site}，{len(box.tables)} 张表")


async def _keys(box: Box) -> Outcome:
    identity = box.config.identity
    sign_secret = app.read_key(identity.sign_key, "本站点的签名私钥")
    master.load(identity.master_key, box.config.buffer_path)
    app.read_key(identity.digest_key, "摘要密钥")
    app.read_key(identity.hall_sign, "市中心的签名公钥")
    if box.config.mqtt.tls:
        tls_context(box.config.mqtt)
    if box.status and box.status.stands_in:
        return Outcome(
            Status.WARN,
            master.STANDS_IN,
            f"请把原密钥放回 {identity.master_key}，或重新登记本站点",
        )
    return ok(f"签名公钥 {crypto.key_id(crypto.sign_public(sign_secret))}")


async def _certificate(box: Box) -> Outcome:
    if not box.config.mqtt.tls:
        return ok("演示用的本机连接，不用证书")
    leaf = x509.load_pem_x509_certificates(box.config.mqtt.node.read_bytes())[0]
    left = (to_us(leaf.not_valid_after_utc) - box.clock.wall()) // DAY
    detail = f"还有 {left} 天（{leaf.subject.rfc4514_string()}）"
    return Outcome(Status.FAIL if left < 0 else Status.WARN if left < 10 else Status.OK, detail)


async def _accepted(box: Box) -> Outcome:
    code = box.status.refused if box.status else ""
    return Outcome(Status.FAIL, _REFUSALS.get(code, f"市中心拒绝本站点（{code}）")) if code else ok()


_REFUSALS = {
    "superseded": "本站点已由另一台机器接替",
    "draining": "本站点已由另一台机器接替，本机只可送完积压",
    "retired": "本站点已停用",
    "revoked": "本机的身份已被吊销",
    "fork": "市中心已有同编号的其他记录：本机缓存来自旧备份或克隆",
    "denied": "消息服务不允许本机发送：本站点已由另一台机器接替、已停用或已被吊销",
}

# network and delivery ----------------------------------------------------------------------------------------


async def _reachable(box: Box) -> Outcome:
    where = f"{box.config.mqtt.host}:{box.config.mqtt.port}"
    try:
        _, writer = await asyncio.open_connection(box.config.mqtt.host, box.config.mqtt.port)
    except ConnectionRefusedError:
        return Outcome(Status.FAIL, f"{where} 连接被拒绝（主机可达，端口不通）", since=_link_since(box))
    except OSError as error:
        return Outcome(Status.FAIL, f"{where} 连不上：{words(error)}", since=_link_since(box))
    writer.close()
    return ok(where)


def _link_since(box: Box) -> str:
    return box.since(box.status.link_since_wall) if box.status and box.status.link_fault else ""


async def _encrypted(box: Box) -> Outcome:
    mqtt = box.config.mqtt
    if not mqtt.tls:
        return ok("演示用的本机连接，不加密")
    try:
        context = tls_context(mqtt)
        reader, writer = await asyncio.open_connection(mqtt.host, mqtt.port, ssl=context)
        try:
            refused = await asyncio.wait_for(reader.read(1), _REFUSE_SECS) == b""
        finally:
            writer.close()
    except TimeoutError:
        return ok("双向证书已核对")
    except ssl.SSLCertVerificationError as error:
        return Outcome(
            Status.FAIL,
            f"市中心的证书不可信：{error.verify_message}",
            "请核对 ca.pem 与服务器名是否属于本市中心",
        )
    except (ssl.SSLError, ConnectionError) as error:
        return Outcome(Status.FAIL, f"市中心不接受本机的证书：{error}", "请市中心为本站点重新签发证书")
    return Outcome(Status.FAIL, "市中心不接受本机的证书", "请市中心为本站点重新签发证书") if refused else ok()


async def _receipt(box: Box) -> Outcome:
    status = box.status
    if status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    if status.phase is Phase.REFUSED:
        return Outcome(Status.SKIP, "因市中心拒绝本站点")
    now, since = box.clock.wall(), max(status.link_since_wall, status.started_wall)
    if status.link_fault or status.phase in {Phase.OFFLINE, Phase.HELLO}:
        if not status.link_fault and now - since < _GRACE:
            return Outcome(Status.SKIP, "刚启动，等市中心应答")
        return Outcome(Status.FAIL, status.link_fault or HALL_SILENT, since=box.since(since))
    detail = f"最近回执 {box.since(status.ack_wall) or '尚无'}"
    late = status.rows and now - max(status.ack_wall, status.oldest_wall, since) > RECEIPT_SECS * SECOND
    return Outcome(Status.FAIL, detail) if late else ok(detail)


async def _backlog(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    oldest = box.status.oldest_wall
    age = max(0, box.clock.wall() - oldest) // MINUTE if oldest else 0
    detail = f"{box.status.rows} 条待传，{box.status.bytes / 2**20:.1f} MB" + (
        f"，最早 {age} 分钟前" if age else ""
    )
    return Outcome(Status.WARN, detail) if age >= 5 else ok(detail)


# source ------------------------------------------------------------------------------------------------------


async def _connect(box: Box) -> Outcome:
    if box.source is None:
        return Outcome(Status.SKIP, app.NOT_MAPPED)
    source = box.adapter()
    try:
        await source.open()
    finally:
        await source.close()
    where = box.source.path or f"{box.source.host} {box.source.database}"
    return ok(where if app.proven(box.source) else f"{where}（{box.source.type} {base.NOT_PROVEN}）")


async def _read_only(box: Box) -> Outcome:
    if not box.tables:
        return Outcome(Status.SKIP, app.NOT_MAPPED)
    table = box.tables[0]
    said = await box.adapter().write_allowed(table.mapping.from_, table.key[0])
    return Outcome(Status.WARN, said) if said else ok()


async def _columns(box: Box) -> Outcome:
    source, found, awaited = box.adapter() if box.source else None, [], []
    if source is None:
        return Outcome(Status.SKIP, app.NOT_MAPPED)
    try:
        for table in box.tables:
            try:
                there = await source.columns(table.mapping.from_)
            except base.NotYetError as error:
                awaited.append(str(error))
                continue
            except base.SchemaError as error:
                found.append(str(error))
                continue
            lost = base.missing(table.source.dialect, table.names, there)
            found += [f"{table.mapping.from_} 缺少字段 {'、'.join(lost)}"] if lost else []
    finally:
        await source.close()
    if found:
        return Outcome(Status.FAIL, "；".join(found))
    new = box.status.new_columns if box.status else {}
    listed = "、".join(f"{name}（{box.since(wall)} 起）" for name, wall in new.items())
    said = "；".join(awaited) or f"{len(box.tables)} 张表的字段都在"
    return ok(f"{said}；新增而未映射的：{listed}" if listed else said)


async def _switched_on(box: Box) -> Outcome:
    found = Switch(box.config.data_dir).off(box.clock.wall())
    return Outcome(Status.WARN, said(found), since=box.since(found.since_wall)) if found else ok()


async def _last_pass(box: Box) -> Outcome:
    status = box.status
    if status is None or box.source is None:
        return Outcome(Status.SKIP, NOT_RUNNING if status is None else app.NOT_MAPPED)
    fault = status.source_fault or "；".join(status.table_faults.values()) or status.hung
    detail = f"{box.since(status.pass_wall) or '尚无'}，已采 {status.rounds} 轮，占用业务库 {status.busy_share:.1%}"
    old = box.clock.wall() - max(status.pass_wall, status.started_wall) > 2 * MINUTE
    if fault or old:
        return Outcome(
            Status.FAIL, fault or detail, since=box.since(status.source_since_wall or status.pass_wall)
        )
    lost = "、".join(f"{name} {rows} 行" for name, rows in status.lost.items())
    return ok(f"{detail}；源库里已丢失文字（? 或 �）：{lost}" if lost else detail)
