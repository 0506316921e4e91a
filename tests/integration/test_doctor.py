"""The doctors themselves: what is not shown by a fault of the journey, and that every check has been seen failing."""

import asyncio
import os
import signal
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import insert

from agent.buffer import Buffer
from agent.config import AgentConfig, load
from agent.epoch import Sealing
from agent.status import Status
from central import config as central_config
from central.status import Status as HallStatus
from central.store import tables as t
from common import health, process
from common.clock import Clock
from common.config import read_secret
from common.core import crypto
from common.core.checks import CHECKS
from common.core.errors import ConfigError
from common.core.instant import DAY, HOUR, MINUTE, SECOND, to_us
from common.core.state import ClockKind, LetterState, Light
from common.health import Outcome
from provisioning.pki import box_subject, keep_node, load_ca
from tests import doctoring
from tests.journey.scene import FIRST, Place, command, doctor, ended, finds, scene, until
from tests.journey.together import together
from tests.services import MariaDb

ROOT = Path(__file__).parents[2]
ZONE = ZoneInfo("Asia/Shanghai")

SEEN = {
    "E-SYS-01": "tests/journey/test_files.py",
    "E-SYS-02": "tests/faults/process.py",
    "E-SYS-03": "tests/faults/release.py",
    "E-SYS-04": "tests/journey/test_disk.py",
    "E-SYS-05": "tests/faults/machine.py",
    "E-SYS-06": "tests/faults/machine.py",
    "E-SYS-07": "tests/journey/test_clock.py",
    "E-SYS-08": "tests/faults/machine.py",
    "E-SYS-09": "tests/journey/test_mapping.py",
    "E-ID-01": "tests/integration/test_doctor.py",
    "E-ID-02": "tests/faults/identity.py",
    "E-ID-03": "tests/faults/identity.py",
    "E-ID-04": "tests/integration/test_doctor.py",
    "E-ID-05": "tests/journey/test_identity.py",
    "E-ID-06": "tests/faults/box.py",
    "E-ID-07": "tests/faults/box.py",
    "E-ID-08": "tests/faults/machine.py",
    "E-NET-01": "tests/faults/network.py",
    "E-NET-02": "tests/faults/network.py",
    "E-NET-03": "tests/journey/test_line.py",
    "E-NET-04": "tests/journey/test_identity.py",
    "E-NET-05": "tests/faults/network.py",
    "E-NET-06": "tests/faults/machine.py",
    "E-SYNC-01": "tests/faults/delivery.py",
    "E-SYNC-02": "tests/faults/delivery.py",
    "E-SYNC-03": "tests/faults/delivery.py",
    "E-SYNC-04": "tests/integration/test_doctor.py",
    "E-SYNC-05": "tests/faults/delivery.py",
    "E-SYNC-06": "tests/faults/delivery.py",
    "E-SYNC-07": "tests/integration/test_doctor.py",
    "E-SYNC-08": "tests/integration/test_doctor.py",
    "E-SRC-01": "tests/faults/source.py",
    "E-BUF-01": "tests/journey/test_files.py",
    "E-BUF-02": "tests/journey/test_room.py",
    "E-BUF-03": "tests/faults/box.py",
    "E-BUF-04": "tests/faults/machine.py",
    "E-BUF-05": "tests/journey/test_files.py",
    "E-SRC-02": "tests/journey/test_source.py",
    "E-SRC-03": "tests/journey/test_source.py",
    "E-SRC-04": "tests/journey/test_mapping.py",
    "E-SRC-05": "tests/journey/test_source.py",
    "E-SRC-06": "tests/faults/source.py",
    "E-SRC-07": "tests/faults/source.py",
    "E-SRC-08": "tests/faults/source.py",
    "E-SRC-09": "tests/integration/test_doctor.py",
    "E-SRC-10": "tests/journey/test_mapping.py",
    **{f"E-CAM-0{number}": "tests/journey/test_cameras.py" for number in range(1, 9)},
    "E-CAM-09": "tests/camera/test_stills.py",
    "E-CAM-10": "tests/camera/test_stills.py",
    "E-CAM-11": "tests/camera/test_checks.py",
    "E-CAM-12": "tests/camera/test_faces.py",
    "E-UPG-01": "tests/faults/release.py",
    "E-UPG-02": "tests/faults/release.py",
    "E-UPG-03": "tests/faults/release.py",
    "E-UPG-04": "tests/faults/release.py",
    "E-HALL-01": "tests/journey/test_store.py",
    "E-HALL-02": "tests/journey/test_line.py",
    "E-HALL-03": "tests/journey/test_identity.py",
    "E-HALL-04": "tests/integration/test_doctor.py",
    "E-HALL-05": "tests/integration/test_doctor.py",
    "E-HALL-06": "tests/faults/hall.py",
    "E-HALL-07": "tests/faults/hall.py",
    "E-HALL-08": "tests/integration/test_doctor.py",
    "E-HALL-09": "tests/journey/test_line.py",
    "E-HALL-10": "tests/integration/test_doctor.py",
    "E-HALL-11": "tests/journey/test_identity.py",
    "E-HALL-14": "tests/journey/test_copies.py",
    "E-HALL-17": "tests/faults/hall.py",
    "E-HALL-15": "tests/integration/test_message_pages.py",
    "E-HALL-18": "tests/journey/test_flood.py",
    "E-HALL-20": "tests/integration/test_doctor.py",
    "E-HALL-12": "tests/integration/test_doctor.py",
    "E-HALL-13": "tests/journey/test_dead.py",
    "E-HALL-16": "tests/integration/test_sealed.py",
}
"""Check -> where a test finds it failing or warning, alone."""


def test_every_check_is_seen_failing_somewhere() -> None:
    assert set(SEEN) == set(CHECKS)
    for check, place in SEEN.items():
        text = (ROOT / place).read_text("utf-8").replace(f'    "{check}": "tests/', "")
        assert f'"{check}"' in text, (check, place)


def clock_at(year: int, month: int, day: int) -> str:
    """`[clock]` of a process whose office time is this morning's, and goes on at its usual pace."""
    office = to_us(datetime(year, month, day, 9, tzinfo=ZONE))
    return f"[clock]\ndemo_office_at = {office}\ndemo_start_wall = {Clock().wall()}\n"


# exit codes ---------------------------------------------------------------------------------------------------


@pytest.mark.service
@together
async def test_where_nothing_is_wrong_both_doctors_say_so_and_end_with_0() -> None:
    async with scene(extra=clock_at(2026, 6, 12)) as place:
        await place.settled()
        box, hall = await asyncio.gather(finds(place.agent), finds(place.hall))
        assert (box.code, box.verdict, hall.code, hall.verdict) == (0, "ok", 0, "ok")
        assert hall.checks["E-HALL-08"]["status"] == "ok"
        assert hall.checks["E-HALL-11"]["detail"] == "1 个站点全部实时"
        code, out, _ = await command("mingcha-agent", "doctor", "--config", str(place.agent.config))
        assert code == 0
        assert out.splitlines()[0].startswith("✓ 一切正常（共 ")
        config = ("--config", str(place.agent.config))
        code, out, _ = await command("mingcha-agent", "doctor", "--only", "E-SYS-04", *config)
        assert out.splitlines()[0] == "✓ 所查各项正常（只查了 1 项）：s01"
        code, out, _ = await command(
            "mingcha-agent", "doctor", "--only", "网络", "-v", "--config", str(place.agent.config)
        )
        assert (code, out.count("✓ 网络.")) == (0, 6)


@pytest.mark.service
@together
async def test_the_hall_names_a_ticker_that_hangs_dead_letters_and_a_calendar_that_ends() -> None:
    async with scene(extra=clock_at(2026, 12, 1)) as place:
        await place.settled()
        hall = await finds(place.hall)
        assert (hall.code, hall.verdict) == (1, "attention")
        assert "公布到 2026-12-31" in hall.detail("E-HALL-08")
        await freeze_late_and_dead(place)
        hall = await doctor(place.hall)
        assert (hall.code, hall.verdict) == (2, "degraded")
        assert hall.faults == {"E-HALL-04", "E-HALL-12"}
        assert "已过" in hall.detail("E-HALL-04")
        assert hall.detail("E-HALL-12") == "s01 1 条（不成立）"


async def freeze_late_and_dead(place: Place) -> None:
    """A hall that stands still beside a clock that was due an hour ago, and a record that could not be read."""
    store = await place.hall.store()
    due_at = to_us(datetime(2026, 12, 1, 8, tzinfo=ZONE))
    clock: dict[str, Any] = {"site": "s01", "case_key": "SL00001"}
    clock |= {"kind": ClockKind.STATED, "light": Light.GREEN}
    clock |= {"running": True, "stopped": False, "provisional": False, "calendar_version": 1, "rev": 1}
    letter = {"site": "s01", "epoch": b"e" * 8, "seq": 1, "code": "bad_record", "reason": "不成立"}
    letter["state"] = LetterState.OPEN
    async with store.write() as conn:
        place.hall.freeze()  # while the lock of writers is held here: it would keep it for ever
        await conn.execute(insert(t.clock).values(**clock, next_check_at=due_at))
        await conn.execute(insert(t.dead_letter).values(**letter, raw=b"", at_wall=Clock().wall()))
    await store.close()


@pytest.mark.service
async def test_the_embedded_broker_is_for_demonstrations_only(tmp_path: Path) -> None:
    path = tmp_path / "central.toml"
    path.write_text(
        'embedded_broker = true\n[mqtt]\nhost = "127.0.0.1"\nport = 9\nversion = 3\ntls = false\n'
    )
    code, out, _ = await command("mingcha", "doctor", "--only", "E-HALL-10", "--config", str(path))
    assert code == 1
    assert "正在使用程序内的演示用消息服务  E-HALL-10" in out


@pytest.mark.parametrize(("secs", "code"), [(5, 0), (150, 2)])
async def test_pages_that_stand_still_are_named_with_their_age(tmp_path: Path, secs: int, code: int) -> None:
    path = tmp_path / "central.toml"
    path.write_text(f'data_dir = "{tmp_path}"\n[mqtt]\nhost = "127.0.0.1"\n')
    now = Clock().wall()
    process.write(
        central_config.load(path).status_path,
        HallStatus(
            pid=os.getpid(), version="0", started_wall=now, broker_fault="", store_fault="", commit_wall=now,
            records=1, looked_wall=now - secs * SECOND,
        ),
    )  # fmt: skip
    found, out, _ = await command("mingcha", "doctor", "--only", "E-HALL-05", "--config", str(path))
    assert found == code
    assert ("页面上的数据已有 2 分没有更新" in out) == (code == 2)


async def test_a_trail_that_is_signed_no_more_is_named(tmp_path: Path) -> None:
    path = tmp_path / "central.toml"
    path.write_text(f'data_dir = "{tmp_path}"\n[mqtt]\nhost = "127.0.0.1"\n')
    now = Clock().wall()
    status = HallStatus(
        pid=os.getpid(), version="0", started_wall=now, broker_fault="", store_fault="", commit_wall=now,
        records=1, looked_wall=now, trail_fault="第 3 行：内容与校验值不符",
    )  # fmt: skip
    process.write(central_config.load(path).status_path, status)
    found, out, _ = await command("mingcha", "doctor", "--only", "E-HALL-20", "--config", str(path))
    assert (found, "第 3 行：内容与校验值不符" in out, "mingcha audit verify" in out) == (2, True, True)


# the box's identity -------------------------------------------------------------------------------------------


@pytest.mark.service
@together
async def test_a_key_that_is_gone_and_a_certificate_that_ends_are_named() -> None:
    async with scene() as place:
        await place.settled()
        node, key = place.agent.folder / "node.pem", place.agent.folder / "sign.key"
        right = node.read_bytes()
        for days, code in ((25, 1), (60, 2)):
            node.unlink()
            keep_node(
                node, load_ca(place.broker.hall / "ca"), box_subject(FIRST), Clock().wall() - days * DAY
            )
            box = await doctor(place.agent)
            assert (box.code, box.faults) == (code, {"E-ID-04"})
            assert "CN=s01.1" in box.detail("E-ID-04")
        node.write_bytes(right)
        for path in (key, node):
            path.rename(path.with_name("away"))
            box = await doctor(place.agent)
            assert (box.code, box.verdict, box.faults) == (4, "no_identity", {"E-ID-01"})
            assert str(path) in box.detail("E-ID-01")
            assert box.checks["E-NET-04"]["caused_by"] == "E-ID-01"
            path.with_name("away").rename(path)
        place.agent.folder.joinpath("master.key").write_bytes(b"short")
        box = await doctor(place.agent)
        assert (box.code, box.faults) == (2, {"E-ID-07"})
        assert "应为 32 字节，现为 5 字节" in box.detail("E-ID-07")


# what the running agent says of itself ------------------------------------------------------------------------


@pytest.mark.service
@together
async def test_an_old_backlog_a_stale_round_and_refused_records_are_named() -> None:
    async with scene() as place:
        await place.settled()
        said = await until("it says of itself that it delivers", lambda: steady(place))
        assert await ended(place.agent, signal.SIGTERM) == 0
        config = load(place.agent.config)
        await refuse_some(config)
        old = Clock().wall() - 20 * MINUTE
        values = {"pid": os.getpid(), "rows": 7, "oldest_wall": old, "ack_wall": Clock().wall()}
        process.write(config.status_path, msgspec.structs.replace(said, **values))
        box = await doctor(place.agent)
        assert (box.code, box.faults) == (1, {"E-SYNC-04", "E-SYNC-07"})
        assert "7 条待传" in box.detail("E-SYNC-04")
        assert "最早 20 分钟前" in box.detail("E-SYNC-04")
        assert box.detail("E-SYNC-07") == "3-4 bad_record"
        young = {"oldest_wall": old + HOUR, "untaken": "市中心一再不收编号 3（bad_seal）"}
        process.write(config.status_path, msgspec.structs.replace(said, **values | young))
        said_of_it = (await doctor(place.agent)).checks["E-SYNC-04"]["detail"]
        assert said_of_it.startswith("7 条待传")
        assert said_of_it.endswith("；市中心一再不收编号 3（bad_seal）")
        assert "分钟前" not in said_of_it, "no age is below zero"
        still = {"stalled_secs": 130, "oldest_wall": Clock().wall()}
        process.write(config.status_path, msgspec.structs.replace(said, **values | still))
        box = await doctor(place.agent)
        assert box.faults == {"E-SYNC-07", "E-SYNC-08"}
        assert "2 分钟仍称缺号" in box.detail("E-SYNC-08")
        values |= {"oldest_wall": 0, "rows": 0, "pass_wall": old, "started_wall": old - HOUR}
        process.write(config.status_path, msgspec.structs.replace(said, **values))
        box = await doctor(place.agent)
        assert (box.code, box.verdict, box.faults) == (3, "not_collecting", {"E-SRC-09", "E-SYNC-07"})
        assert box.checks["E-SRC-09"]["since"]


def steady(place: Place) -> Status | None:
    status = place.agent.status()
    return status if status is not None and status.phase == "steady" and status.pass_wall else None


async def refuse_some(config: AgentConfig) -> None:
    kek = read_secret(config.identity.master_key, "缓存主密钥")
    key = crypto.sign_public(read_secret(config.identity.sign_key, "签名私钥"))
    buffer = await Buffer.open(
        config.buffer_path, seal=Sealing([kek]), site="s01", sign_key=key, clock=Clock()
    )
    await buffer.note_refusal(3, 4, "bad_record")
    await buffer.close()


# speed --------------------------------------------------------------------------------------------------------


@pytest.mark.service
async def test_a_doctor_answers_within_five_seconds_although_everybody_hangs(mariadb: MariaDb) -> None:
    async with scene(start=False) as place:
        database = await mariadb.create_database()
        await mariadb.execute("CREATE TABLE `办件` (`编号` VARCHAR(9) PRIMARY KEY)", database=database)
        (place.agent.folder / "mapping.toml").write_text(
            f'version = 1\n[source]\ntype = "mariadb"\nhost = "127.0.0.1"\nport = {mariadb.port}\n'
            f'database = "{database}"\nuser = "{await mariadb.create_user(database)}"\n'
            'password_file = "password"\n[table.case]\nfrom = "办件"\nkey = ["编号"]\n',
            "utf-8",
        )
        (place.agent.folder / "password").write_text("Bao-Mi-2026")
        for server in (place.broker, place.hall, mariadb):
            server.freeze()
        try:
            began = time.monotonic()
            box, hall = await asyncio.gather(doctor(place.agent), doctor(place.hall))
            took = time.monotonic() - began
        finally:
            for server in (place.broker, place.hall, mariadb):
                server.thaw()
        assert box.faults >= {"E-NET-04", "E-SRC-02"}
        assert hall.faults >= {"E-HALL-02"}
        assert took < doctoring.LIMIT_SECS, "both were asked at once, on a machine that others use too"


async def test_a_check_that_may_not_look_is_skipped_and_what_needs_it_too() -> None:
    async def forbidden() -> Outcome:
        raise PermissionError

    async def unreadable() -> Outcome:
        raise ConfigError("读不到密钥") from PermissionError()

    async def fine() -> Outcome:
        return health.ok()

    found = await health.run(
        {"E-SYS-04": forbidden, "E-ID-01": unreadable, "E-BUF-01": fine, "E-NET-03": fine}
    )
    said = {item.id: (item.status, item.caused_by) for item in found}
    assert said == {
        "E-SYS-04": (health.Status.SKIP, ""),
        "E-ID-01": (health.Status.SKIP, ""),
        "E-NET-03": (health.Status.OK, ""),
        "E-BUF-01": (health.Status.SKIP, "E-SYS-04"),
    }
    assert health.verdict_of(found, {"E-SYS-04"}, {"E-ID-01"}).exit_code == 0
