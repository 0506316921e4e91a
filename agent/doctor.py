"""`mingcha-agent doctor`: what is wrong on this box, since when, what it affects, the one step that mends it.

Reads only. Works with the service stopped. Ids, words and remedies stand in `common/core/checks.py`.
"""

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path

from msgspec.structs import replace

from agent import (
    __version__,
    buffer_checks,
    identity_checks,
    line_checks,
    machine_checks,
    release_checks,
    source_checks,
    system_checks,
)
from agent import config as configs
from agent.box import Box
from agent.camera import checks as cameras
from agent.config import AgentConfig
from common import health
from common.clock import Clock
from common.core import mask
from common.core.errors import ConfigError
from common.core.instant import SECOND
from common.core.state import DoctorVerdict
from common.health import CheckFunction, Finding, Outcome, Status

NOT_COLLECTING = {
    "E-SYS-01",
    "E-SYS-04",
    "E-SYS-09",
    "E-BUF-01",
    "E-BUF-02",
    "E-SRC-01",
    "E-SRC-02",
    "E-SRC-09",
}
NO_IDENTITY = {"E-ID-01", "E-ID-02", "E-ID-05"}


async def examine(path: Path, *, only: str = "") -> tuple[list[Finding], DoctorVerdict, str]:
    """Run every check on the box whose configuration is `path`. -> (findings, verdict, its sentence). Raises PermissionError: who
    may not read it is told so, and nothing is said of the box.
    """
    try:
        config = configs.load(path)
    except ConfigError as error:
        if isinstance(error.__cause__, PermissionError):
            raise error.__cause__ from error
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
    try:
        findings = await health.run(_checks(box), only=only)
    finally:
        await box.close()
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
    looks = _LOOKS | (cameras.LOOKS if box.config.camera else {})
    return {check_id: functools.partial(look, box) for check_id, look in looks.items()}


_LOOKS: dict[str, Callable[[Box], Awaitable[Outcome]]] = {
    "E-SYS-01": system_checks.running,
    "E-SYS-02": system_checks.restarts,
    "E-SYS-03": release_checks.unchanged,
    "E-SYS-04": system_checks.disk,
    "E-SYS-05": machine_checks.memory,
    "E-SYS-06": machine_checks.temperature,
    "E-SYS-07": system_checks.clock,
    "E-SYS-08": machine_checks.system,
    "E-SYS-09": system_checks.configured,
    "E-ID-01": identity_checks.readable,
    "E-ID-02": identity_checks.fitting,
    "E-ID-03": identity_checks.chained,
    "E-ID-04": identity_checks.valid,
    "E-ID-05": identity_checks.accepted,
    "E-ID-06": identity_checks.alone,
    "E-ID-08": machine_checks.tpm,
    "E-ID-07": identity_checks.master_key,
    "E-NET-01": line_checks.routed,
    "E-NET-05": line_checks.resolved,
    "E-NET-02": line_checks.answering,
    "E-NET-03": line_checks.reachable,
    "E-NET-04": line_checks.encrypted,
    "E-NET-06": line_checks.full_sized,
    "E-BUF-01": buffer_checks.usable,
    "E-BUF-02": buffer_checks.filled,
    "E-BUF-03": buffer_checks.opened,
    "E-BUF-04": buffer_checks.quick,
    "E-BUF-05": buffer_checks.damaged,
    "E-SYNC-01": line_checks.admitted,
    "E-SYNC-06": line_checks.present,
    "E-SYNC-02": line_checks.answered,
    "E-SYNC-03": line_checks.receipt,
    "E-SYNC-05": line_checks.shrinking,
    "E-SYNC-08": line_checks.declared,
    "E-SYNC-04": line_checks.backlog,
    "E-SYNC-07": buffer_checks.refused,
    "E-SRC-01": source_checks.driver,
    "E-SRC-02": source_checks.connect,
    "E-SRC-03": source_checks.read_only,
    "E-SRC-04": source_checks.columns,
    "E-SRC-05": source_checks.switched_on,
    "E-SRC-06": source_checks.indexed,
    "E-SRC-07": source_checks.clock,
    "E-SRC-08": source_checks.load,
    "E-SRC-09": source_checks.last_pass,
    "E-SRC-10": buffer_checks.bad_rows,
    "E-UPG-01": release_checks.settled,
    "E-UPG-02": release_checks.passed,
    "E-UPG-03": release_checks.returnable,
    "E-UPG-04": release_checks.newest,
}
