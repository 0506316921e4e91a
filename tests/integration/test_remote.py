"""Commands and policies on a real buffer: once, in time, answered; tried, kept or taken back."""

import asyncio
import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from agent import inside
from agent.config import AgentConfig, IdentityConfig
from agent.core.trial import TRIAL, Worked
from agent.orders import Orders
from agent.pace import Pace
from agent.policy import Keeping
from agent.remote import DOUBTFUL, Remote
from agent.sqlfile import BufferFullError
from agent.switch import Off, Switch
from common import health
from common.clock import Clock
from common.core import crypto, message, record, topics
from common.core.instant import DAY, HOUR, MINUTE
from common.core.message import Command, Policy
from common.core.offset import Sample
from common.core.record import Result
from common.core.state import Outcome
from common.mqtt import MqttConfig
from tests.integration.test_collect import DIGEST_KEY, KEK, SIGN_SECRET, Box, Site
from tests.journey.scene import until

HALL_SECRET = b"h" * 32
HALL_SIGN = crypto.sign_public(HALL_SECRET)


def signed(
    act: str,
    number: str = "01",
    *,
    late: int = 0,
    secret: bytes = HALL_SECRET,
    generation: int = 1,
    why: str = "",
    **args: int,
) -> bytes:
    now = Clock().wall() - late
    command = Command(number, "s01", act, args, now, now + HOUR, generation, why)
    return message.encode_signed(command, topics.command("s01"), secret)


async def results(box: Box) -> list[Result]:
    bodies = [record.decode_body(item) for item in await box.buffer.tail(0)]
    return [body for body in bodies if isinstance(body, Result)]


def compared() -> Clock:
    """One that a hall in the same machine has told its time."""
    clock = Clock()
    clock.compare(Sample(clock.wall() - clock.mono(), 0, clock.mono()))
    return clock


FILES = ("sign.key", "master.key", "digest.key", "hall-sign.pub")


def write_keys(folder: Path) -> None:
    for name, secret in zip(FILES, (SIGN_SECRET, KEK, DIGEST_KEY, HALL_SIGN), strict=True):
        (folder / name).write_bytes(secret)


def box_config(folder: Path) -> AgentConfig:
    """Of a box whose keys and data lie in `folder`."""
    return AgentConfig(
        site="s01",
        generation=1,
        mqtt=MqttConfig(host="127.0.0.1", tls=False),
        data_dir=folder,
        mapping=folder / "mapping.toml",
        identity=IdentityConfig(*(folder / name for name in FILES)),
    )


@asynccontextmanager
async def listening(box: Box, folder: Path, clock: Clock | None = None) -> AsyncIterator[tuple[Remote, Pace]]:
    clock = clock or compared()
    pace = Pace(clock)
    write_keys(folder)
    config, capture = box_config(folder), box.collector._capture
    remote = Remote(config, box.buffer, box.index, capture, box.state, clock, pace)
    task = asyncio.create_task(remote.run())
    try:
        yield remote, pace
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def answered(box: Box, count: int) -> list[Result]:
    for _ in range(200):
        if len(await results(box)) >= count:
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.1)
    return await results(box)


async def test_a_command_is_carried_out_once_and_answered_by_a_record(tmp_path: Path) -> None:
    """P-CMD-01, P-CMD-03"""
    site = Site(tmp_path)
    async with site.running() as box, listening(box, tmp_path) as (remote, pace):
        await box.round()
        for _ in range(3):
            remote.take(signed("rotate"), HALL_SIGN)
        remote.take(signed("pause", "02", minutes=5), HALL_SIGN)
        assert [item.outcome for item in await answered(box, 2)] == [Outcome.DONE, Outcome.DONE]
        assert "还有 5 分钟" in pace.notice
        remote.take(signed("resume", "03"), HALL_SIGN)
        await answered(box, 3)
        assert not pace.notice
        assert len(list(tmp_path.glob("buffer-*.db"))) == 1, "one segment before the one that is written"
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        remote.take(signed("rotate"), HALL_SIGN)
        assert len(await answered(box, 4)) == 3, "remembered across a restart and a rotation"


async def test_collection_that_the_hall_suspends_rests_over_a_start_and_goes_on_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-CMD-05"""
    site = Site(tmp_path)
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        await box.round()
        remote.take(signed("suspend", "20", why="厂商升级", minutes=30), HALL_SIGN)
        assert [item.outcome for item in await answered(box, 1)] == [Outcome.DONE]
        with site.vendor() as db:
            site.insert(db, 8)
        assert await box.round() == []
        assert box.state.fault.startswith("采集已由 市中心 暂停，至 ")
        assert box.state.fault.endswith("：厂商升级")
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        assert await box.round() == []
        end = Clock().wall() + 30 * MINUTE
        monkeypatch.setattr(box.collector._clock, "wall", lambda: end)
        assert len(await box.round()) == 2
        assert box.state.fault == ""
        monkeypatch.setattr(box.collector._clock, "wall", lambda: end - DAY)
        assert await box.round() == []
        assert box.state.fault == "", "a clock that was set back does not prolong it"


async def test_the_hall_ends_what_it_has_suspended_and_never_what_the_site_has(tmp_path: Path) -> None:
    """P-CMD-05"""
    site, switch = Site(tmp_path), Switch(tmp_path)
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        remote.take(signed("suspend", "21", why="厂商升级", minutes=30), HALL_SIGN)
        await answered(box, 1)
        switch.turn_off(Off(Clock().wall(), "root", "月底盘点"))
        remote.take(signed("collect", "22"), HALL_SIGN)
        assert [item.outcome for item in await answered(box, 2)] == [Outcome.DONE, Outcome.FAILED]
        assert await box.round() == []
        assert box.state.fault == "采集已由 root 暂停：月底盘点"
        remote.take(signed("suspend", "23", why="厂商升级", minutes=30), HALL_SIGN)
        await answered(box, 3)
        assert switch.turn_on(), "people at the site end both"
        assert len(await box.round()) == 14
        remote.take(signed("collect", "24"), HALL_SIGN)
        assert [item.outcome for item in await answered(box, 4)][-1] == Outcome.DONE


async def test_what_the_hall_and_the_log_are_told_of_a_row_names_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The doctor carried identity numbers, and values that had no meaning, out of the box unmasked."""
    site, person = Site(tmp_path), "330102199001011234"
    with site.vendor() as db:
        values = (person, "王小明", "王小明的电话13812345678", "2026-06-01 09:00:00")
        db.execute('INSERT INTO "办件" VALUES(?, ?, ?, ?)', values)
        db.execute(
            'INSERT INTO "办件" VALUES(?, ?, ?, ?)', ("李四", "李四", "x" * 400, "2026-06-01 09:00:00")
        )
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        await box.round()
        remote.take(signed("doctor"), HALL_SIGN)
        detail = (await until("the doctor has answered", lambda: results(box)))[0].detail
        findings = {item.id: item.detail for item in health.whole(detail.partition("\n")[2])}
        logged = capsys.readouterr()
    assert "case 主键 330***************：字段 状态 的值" in findings["E-SRC-10"]
    shown = [refused for refused in inside.quarantine(tmp_path / "buffer.db") if "隔离的行" in refused.what]
    assert len(shown) == 2
    for text in (detail, logged.out + logged.err, *(f"{item.what} {item.why}" for item in shown)):
        for secret in (person, "13812345678", "小明", "李四", "x" * 50):
            assert secret not in text
        assert "主键" in text or "row.quarantined" in text


async def test_rows_are_told_again_when_the_hall_asks(tmp_path: Path) -> None:
    async with Site(tmp_path).running() as box, listening(box, tmp_path) as (remote, _):
        await box.round()
        remote.take(signed("resync", "01", first=1, last=3), HALL_SIGN)
        await answered(box, 1)
        assert 1 <= len(await box.round()) <= 3
        remote.take(signed("resync", "02"), HALL_SIGN)
        await answered(box, 2)
        assert len(await box.round()) == 14
        remote.take(signed("reinject", "03"), HALL_SIGN)
        assert (await answered(box, 3))[-1].detail == "0 行将重读"


async def test_what_is_late_or_unknown_is_answered_and_what_is_not_signed_is_not_heard(
    tmp_path: Path,
) -> None:
    """P-CMD-01, P-CMD-02"""
    async with Site(tmp_path).running() as box, listening(box, tmp_path) as (remote, pace):
        for raw in (signed("rotate", secret=b"x" * 32), b"\xc1", b""):
            with pytest.raises((ValueError, msgspec.MsgspecError)):
                remote.take(raw, HALL_SIGN)
        remote.take(signed("pause", "04", late=HOUR, minutes=9), HALL_SIGN)
        remote.take(signed("explode", "05"), HALL_SIGN)
        found = {item.command: item.outcome for item in await answered(box, 2)}
        assert found == {"04": Outcome.EXPIRED, "05": Outcome.REFUSED}
        assert not pace.notice


async def test_a_command_that_the_end_of_the_process_cut_off_is_answered_and_not_repeated(
    tmp_path: Path,
) -> None:
    """P-CMD-03"""
    site = Site(tmp_path)
    Orders(tmp_path / "commands").begin(Command("06", "s01", "rotate", {}, 0, HOUR, 1), 0)
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        remote.take(signed("rotate", "06"), HALL_SIGN)
        (found,) = await answered(box, 1)
        assert (found.command, found.outcome, found.detail) == ("06", Outcome.FAILED, "执行中程序被中断")


async def test_a_command_is_not_repeated_when_the_buffer_was_replaced_or_the_clock_set(
    tmp_path: Path,
) -> None:
    """P-CMD-03: what was begun lies in a file of its own, and is kept by the hall's time."""
    site, pause = Site(tmp_path), signed("pause", "13", minutes=5)
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        remote.take(pause, HALL_SIGN)
        await answered(box, 1)
    for file in tmp_path.glob("buffer.db*"):
        file.write_bytes(b"\0" * 8192) if file.suffix == ".db" else file.unlink()
    async with site.running() as box, listening(box, tmp_path) as (remote, pace):
        remote.take(pause, HALL_SIGN)
        remote.take(signed("resume", "14"), HALL_SIGN)
        assert [item.command for item in await answered(box, 1)] == ["14"]
        assert not pace.notice


def test_what_is_over_for_a_day_is_not_answered_anew_each_time_somebody_repeats_it(tmp_path: Path) -> None:
    """P-CMD-03"""
    orders, old, other = Orders(tmp_path / "commands"), order_of("20"), order_of("21", issued=DAY)
    assert orders.begin(old, HOUR + DAY - 1)
    orders.answered(old.id)
    assert orders.begin(other, HOUR + 2 * DAY - 1)
    assert not orders.begin(old, HOUR + 2 * DAY - 1)


def order_of(number: str, *, issued: int = 0) -> Command:
    return Command(number, "s01", "resume", {}, issued, issued + HOUR, 1)


def test_a_command_is_forgotten_a_day_after_its_end_and_never_before(tmp_path: Path) -> None:
    """P-CMD-01: by the hall's time."""
    orders = Orders(tmp_path / "commands")
    first, second, third = order_of("1"), order_of("2"), order_of("3", issued=DAY)
    assert orders.begin(first, 0)
    orders.answered("1")
    assert orders.begin(second, HOUR + DAY - 1)
    assert not orders.begin(first, HOUR + DAY - 1), "one that was carried out and is offered again"
    orders.answered("2")
    assert orders.begin(third, HOUR + DAY)
    orders = Orders(tmp_path / "commands")
    assert not orders.begin(third, HOUR)
    assert orders.begin(first, HOUR)
    assert list(orders.unanswered) == ["3", "1"]


def test_what_is_remembered_of_commands_is_on_the_disk_before_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-CMD-01: the file's content before its name, and that before anything is done."""
    path, synced = tmp_path / "commands", list[tuple[str, int]]()
    orders, fsync = Orders(path), os.fsync

    def note(file: int) -> None:
        fsync(file)
        synced.append((str(Path(f"/proc/self/fd/{file}").readlink()), os.fstat(file).st_ino))

    monkeypatch.setattr(os, "fsync", note)
    for number in (1, 2):
        orders.begin(order_of("1"), 0) if number == 1 else orders.answered("1")
        ours = (str(path) + ".part", path.stat().st_ino)
        assert synced == [ours, (str(tmp_path), tmp_path.stat().st_ino)], number
        synced.clear()


@pytest.mark.parametrize("seed", range(20))
def test_a_journal_of_commands_with_a_flipped_bit_is_set_aside_and_no_command_is_begun_twice(
    tmp_path: Path, seed: int
) -> None:
    """P-CMD-01"""
    rng, path = random.Random(seed), tmp_path / "commands"
    orders = Orders(path)
    done, other = order_of("a1", issued=DAY), order_of("a2", issued=DAY + 1)
    assert orders.begin(done, DAY)
    assert not orders.is_doubtful(done)
    orders.answered(done.id)
    raw = bytearray(path.read_bytes())
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    path.write_bytes(raw)
    with capture_logs() as logs:
        Orders(path)
    assert [(line["event"], bool(line["hint"])) for line in logs] == [("commands.unreadable", True)]
    assert (tmp_path / "commands.damaged").read_bytes() == raw
    orders = Orders(path)
    orders.bound(DAY + HOUR)
    assert orders.begin(done, DAY + HOUR)
    assert orders.begin(other, DAY + 2 * HOUR)
    orders = Orders(path)
    orders.bound(5 * DAY)
    later = order_of("a3", issued=DAY + HOUR + 1)
    assert orders.begin(later, 2 * DAY)
    assert [orders.is_doubtful(item) for item in (done, other, later)] == [True, True, False]


async def test_a_command_of_before_the_journal_was_lost_is_answered_and_not_carried_out(
    tmp_path: Path,
) -> None:
    """P-CMD-01, P-CMD-03"""
    site, pause = Site(tmp_path), signed("pause", "15", minutes=5)
    (tmp_path / "commands").write_bytes(b"{")
    async with site.running() as box, listening(box, tmp_path) as (remote, pace):
        remote.take(pause, HALL_SIGN)
        (found,) = await answered(box, 1)
        assert (found.outcome, found.detail) == (Outcome.FAILED, DOUBTFUL)
        remote.take(signed("pause", "16", minutes=3), HALL_SIGN)
        assert (await answered(box, 2))[-1].outcome == Outcome.DONE
        assert "还有 3 分钟" in pace.notice


async def test_a_command_waits_for_the_halls_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """P-CMD-02: the box's own stands where it stood when its battery was new, and would take a dead command for good."""
    clock, true = Clock(), Clock()
    monkeypatch.setattr(clock, "wall", lambda: true.wall() - 30 * DAY)
    async with Site(tmp_path).running() as box, listening(box, tmp_path, clock) as (remote, pace):
        remote.take(signed("pause", "17", late=2 * HOUR, minutes=5), HALL_SIGN)
        await asyncio.sleep(0.2)
        assert await results(box) == []
        clock.compare(Sample(true.wall() - clock.mono(), 0, clock.mono()))
        remote.compared.set()
        (found,) = await answered(box, 1)
        assert (found.outcome, pace.notice) == (Outcome.EXPIRED, "")


async def test_a_command_for_a_box_that_was_replaced_or_will_be_is_passed_over(tmp_path: Path) -> None:
    """P-CMD-01"""
    async with Site(tmp_path).running() as box, listening(box, tmp_path) as (remote, pace):
        for generation in (0, 2):
            remote.take(signed("pause", "07", generation=generation, minutes=3), HALL_SIGN)
        remote.take(signed("rotate", "08"), HALL_SIGN)
        assert [item.command for item in await answered(box, 1)] == ["08"]
        assert not pace.notice


async def test_a_mapping_that_somebody_is_editing_is_an_answer_and_not_the_end(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        (tmp_path / "mapping.toml").write_text("version = ", "utf-8")
        remote.take(signed("doctor", "09"), HALL_SIGN)
        remote.take(signed("resume", "10"), HALL_SIGN)
        first, second = await answered(box, 2)
        assert (first.outcome, "E-SYS-09" in first.detail, second.outcome) == (
            Outcome.DONE,
            True,
            Outcome.DONE,
        )


async def test_a_rotation_that_cannot_be_is_said(tmp_path: Path) -> None:
    site = Site(tmp_path)
    async with site.running() as box, listening(box, tmp_path) as (remote, _):
        with closing(sqlite3.connect(tmp_path / "buffer.db", isolation_level=None)) as reader:
            await box.round()
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM outbox").fetchone()
            with site.vendor() as db:
                site.insert(db, 99)
            await box.round()
            remote.take(signed("rotate", "11"), HALL_SIGN)
            (found,) = await answered(box, 1)
        assert (found.outcome, "此刻没有换" in found.detail) == (Outcome.FAILED, True)


async def test_an_answer_that_finds_the_disk_full_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-CMD-03: at the start, too."""
    monkeypatch.setattr("agent.remote.FULL_SECS", 0.05)
    site = Site(tmp_path)
    Orders(tmp_path / "commands").begin(Command("12", "s01", "rotate", {}, 0, HOUR, 1), 0)
    async with site.running() as box:
        append, room = box.buffer.append, asyncio.Event()

        async def appended(*args: Any) -> list[int]:
            if not room.is_set():
                raise BufferFullError("no room")
            return await append(*args)

        monkeypatch.setattr(box.buffer, "append", appended)
        async with listening(box, tmp_path) as (remote, pace):
            remote.take(signed("pause", "13", minutes=3), HALL_SIGN)
            await asyncio.sleep(0.3)
            assert await results(box) == []
            room.set()
            found = {item.command: item.outcome for item in await answered(box, 2)}
        assert found == {"12": Outcome.FAILED, "13": Outcome.DONE}
        assert pace.notice


async def test_what_is_noted_beside_a_round_never_lets_a_version_be_given_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The collector fails between buffer and index; a command's answer comes before its next round."""
    site = Site(tmp_path)
    async with site.running() as box:
        await box.round()

        async def fails(*_: Any) -> None:
            raise BufferFullError("no room for the index")

        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"=\'改一\' WHERE "编号"=\'SL001\'')
        with monkeypatch.context() as patch:
            patch.setattr(box.index, "commit", fails)
            with pytest.raises(BufferFullError):
                await box.round()
        await box.collector._capture.note(Result("14", "resume", Outcome.DONE))
        with site.vendor() as db:
            db.execute('UPDATE "办件" SET "申请人"=\'改二\' WHERE "编号"=\'SL001\'')
        await box.round()
        versions = [
            item.version for item in await box.buffer.tail(0) if item.key == "SL001" and item.table == "case"
        ]
        assert versions == [1, 2, 3]


class Works:
    """Monotonic times of the last receipt and the last clean round, and a clock that goes as the test says."""

    def __init__(self) -> None:
        self.ack: int | None = 10 * DAY
        self.clean: int | None = 10 * DAY
        self.clock = Moved()

    def __call__(self) -> Worked:
        return Worked(self.ack, self.ack, self.clock.now, self.clean)


class Moved(Clock):
    now = 10 * DAY

    def mono(self) -> int:
        return self.now


def policy(version: int, rate: int = 0, site: str = "s01") -> bytes:
    return message.encode_signed(Policy(site, version, rate), topics.policy("s01"), HALL_SECRET)


def keeping(folder: Path, worked: Works) -> tuple[Keeping, Pace]:
    pace = Pace(worked.clock)
    return Keeping(folder, "s01", HALL_SIGN, pace, worked.clock, worked), pace


def test_a_policy_is_kept_once_what_worked_works_again(tmp_path: Path) -> None:
    """P-CFG-01, P-CFG-02"""
    worked = Works()
    kept, pace = keeping(tmp_path, worked)
    kept.take(policy(2, 4096))
    assert (kept.version, pace.policy.bulk_bytes_per_sec) == (2, 4096)
    worked.clock.now += MINUTE
    kept.look()
    worked.ack = worked.clean = worked.clock.now
    kept.look()
    kept.take(policy(1, 8192))  # older
    again, pace = keeping(tmp_path, worked)
    assert (again.version, pace.policy.bulk_bytes_per_sec, again.fault) == (2, 4096, "")


def test_a_policy_that_cuts_the_box_off_is_taken_back_and_not_tried_again(tmp_path: Path) -> None:
    """P-CFG-02"""
    worked = Works()
    kept, pace = keeping(tmp_path, worked)
    kept.take(policy(2, 4096))
    worked.clock.now += TRIAL
    worked.clean = worked.clock.now
    kept.look()
    assert (kept.version, pace.policy.bulk_bytes_per_sec) == (0, 0)
    assert "第 2 版" in kept.fault
    kept.take(policy(2, 4096))
    again, _ = keeping(tmp_path, worked)
    again.take(policy(2, 4096))
    assert (kept.version, again.version) == (0, 0)
    again.take(policy(3, 8192))
    assert (again.version, again.fault) == (3, "")


def test_a_policy_on_trial_at_the_end_of_the_process_is_taken_back(tmp_path: Path) -> None:
    """P-CFG-02"""
    worked = Works()
    kept, _ = keeping(tmp_path, worked)
    kept.take(policy(2, 4096))
    again, pace = keeping(tmp_path, worked)
    assert (again.version, pace.policy.bulk_bytes_per_sec) == (0, 0)
    assert "重新启动" in again.fault


def test_a_policy_of_another_site_or_hall_is_not_tried(tmp_path: Path) -> None:
    """P-CFG-01"""
    kept, _ = keeping(tmp_path, Works())
    kept.take(policy(2, site="s02"))
    assert (kept.version, "属于站点 s02" in kept.fault) == (0, True)
    with pytest.raises(ValueError, match="verify"):
        kept.take(message.encode_signed(Policy("s01", 9), topics.policy("s01"), b"x" * 32))


def test_backlog_keeps_to_the_rate_that_is_allowed(tmp_path: Path) -> None:
    worked = Works()
    kept, pace = keeping(tmp_path, worked)
    pace.spend(10_000)
    assert pace.bulk_mono == 0
    kept.take(policy(2, 4096))
    pace.spend(8192)
    assert pace.bulk_mono == worked.clock.now + 2_000_000
    pace.spend(4096)
    assert pace.bulk_mono == worked.clock.now + 3_000_000
