"""What the agent makes of stills, on a real buffer: a record first, the picture sealed in the spool, given up before any record."""

import asyncio
import errno
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_origin

import msgspec
import pytest
from msgspec.structs import replace

from agent import spool
from agent.box import Box
from agent.buffer import Buffer
from agent.camera.checks import LOOKS
from agent.camera.stills import Stills
from agent.camera.talk import Look, Shot
from agent.capture import Capture
from agent.checkpoint import Signer
from agent.config import AgentConfig, CameraConfig
from agent.core.quota import Level
from agent.core.sync import Phase
from agent.core.votes import Standing
from agent.epoch import Sealing
from agent.index import Index
from agent.room import AMPLE
from agent.spool import Spool
from agent.status import Status as BoxStatus
from common.clock import Clock
from common.core import media, record
from common.core.camera import Aspect, Mask, Occasion, Seat, View
from common.core.errors import RejectedError, UnavailableError
from common.core.instant import DAY, HOUR, MINUTE, SECOND
from common.core.record import CameraState, Event, SeatState, Still
from common.health import Status
from common.mqtt import MqttConfig
from tests.integration.test_collect import DIGEST_KEY, KEK, SIGN_KEY, SIGN_SECRET

JPEG = b"\xff\xd8 a picture \xff\xd9"
SHA = media.digest(JPEG)


class Album:
    """Stills on a buffer and a spool in one folder."""

    def __init__(self, folder: Path, buffer: Buffer, index: Index) -> None:
        self.clock, self.buffer = Clock(), buffer
        self.seal = Sealing([KEK])
        self.spool = Spool(folder / "stills", self.seal, 10_000)
        capture = Capture(buffer, index, self.clock, DIGEST_KEY, Signer(buffer, "s01", SIGN_SECRET))
        self.stills = Stills(capture, self.clock, self.spool)

    def shot(self, number: str, jpeg: bytes = JPEG, skew: float | None = 2.0) -> Shot:
        return Shot("c1", number, jpeg, 640, 360, self.clock.mono() - 3 * SECOND, Mask.PEOPLE, skew)

    async def answer(self) -> list[Shot]:
        """What the worker would say to all that it is asked: its clips are not ready."""
        shots = [self.shot(wanted.number) for wanted in self.stills.taken() if not wanted.clip]
        for shot in shots:
            self.stills.heard(shot)
        await self.stills.keep()
        return shots

    async def told(self) -> list[Still]:
        bodies = [record.decode_body(item) for item in await self.buffer.tail(0)]
        return [body for body in bodies if isinstance(body, Still)]


@pytest.fixture
async def album(tmp_path: Path) -> AsyncIterator[Album]:
    buffer = await Buffer.open(
        tmp_path / "buffer.db", seal=Sealing([KEK]), site="s01", sign_key=SIGN_KEY, clock=Clock(), room=AMPLE
    )
    index = await Index.open(tmp_path / "index.db", buffer.epoch)
    yield Album(tmp_path, buffer, index)
    await index.close()
    await buffer.close()


def state(view: View, aspect: Aspect = Aspect.VIEW) -> CameraState:
    return CameraState("c1", aspect, view, 5)


async def test_a_fault_that_can_be_seen_is_taken_once_with_its_own_times(
    album: Album, tmp_path: Path
) -> None:
    unseen = [state(View.OK), state(View.UNREACHABLE), state(View.STALLED), state(View.CLOCK, Aspect.CLOCK)]
    album.stills.told(unseen)
    assert album.stills.taken() == []
    album.stills.told([state(View.COVERED)])
    before = album.clock.office()
    assert len(await album.answer()) == 1
    await album.stills.keep()
    (still,) = await album.told()
    assert (still.occasion, still.subject, still.since_at) == (Occasion.FAULT, "covered", 5)
    assert (still.sha256, still.size, still.mask) == (SHA, len(JPEG), Mask.PEOPLE)
    assert before - 4 * SECOND < still.taken_at < album.clock.office() - 2 * SECOND, (
        "the frame's time, not the record's"
    )
    assert still.camera_at == still.taken_at + 2 * SECOND
    (waiting,) = album.spool.waiting()
    assert album.spool.read(waiting) == JPEG
    assert all(b"a picture" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert waiting.path.stat().st_mode & 0o077 == 0


async def test_a_seat_left_for_too_long_in_its_hours_is_taken_once(album: Album) -> None:
    now = 1_781_245_925_000_000  # a Friday, 14:32 there
    seat = SeatState("c1", "w1", Seat.UNATTENDED, now - 9 * MINUTE, hours=[(810, 1020)], away_secs=600)
    album.stills.sat([seat, replace(seat, seat=Seat.ATTENDED), replace(seat, hours=[(540, 720)])], now)
    assert album.stills.taken() == [], "not yet, and never out of hours"
    for later in (MINUTE, 2 * MINUTE, 30 * MINUTE):
        album.stills.sat([seat], now + later)
    assert len(await album.answer()) == 1
    assert [(still.occasion, still.subject) for still in await album.told()] == [(Occasion.SEAT, "w1")]


async def test_a_seat_that_stays_empty_over_hours_and_days_is_taken_once_in_each(album: Album) -> None:
    """Each is an absence of its own at the hall, which somebody is to rule on by its picture."""
    eve = 1_781_253_000_000_000  # a Friday, 16:30 there
    seat = SeatState("c1", "w1", Seat.UNATTENDED, eve, hours=[(540, 720), (810, 1020)], away_secs=600)
    taken = []
    for later in range(0, 30 * 60, 5):  # until the next day, 22:30
        album.stills.sat([seat], eve + later * MINUTE)
        taken += [later for wanted in album.stills.taken() if not wanted.clip]
    assert taken == [10, 16 * 60 + 40, 21 * 60 + 10], "16:40, then 9:10 and 13:40: no sooner than is allowed"


async def test_a_coat_that_is_seen_meanwhile_makes_no_absence_begin_anew(album: Album) -> None:
    now = 1_781_245_925_000_000
    seat = SeatState("c1", "w1", Seat.UNATTENDED, now - 9 * MINUTE, hours=[(810, 1020)], away_secs=600)
    album.stills.sat([seat], now)
    album.stills.sat([replace(seat, since_at=now, object=True)], now + 2 * MINUTE)
    (wanted, _) = album.stills.taken()
    assert wanted.camera == "c1"
    album.stills.sat([replace(seat, seat=Seat.ATTENDED, since_at=now + 3 * MINUTE)], now + 4 * MINUTE)
    album.stills.sat([replace(seat, since_at=now + 5 * MINUTE)], now + 6 * MINUTE)
    assert album.stills.taken() == []


async def test_an_order_is_answered_by_the_hash_once_it_is_recorded(album: Album) -> None:
    """P-CAM-03"""
    ordered = asyncio.create_task(album.stills.ordered("c1", View.COVERED, "ab" * 16, plain=True))
    await asyncio.sleep(0)
    (wanted,) = album.stills.taken()
    assert wanted.plain
    album.stills.heard(album.shot("another"))  # nobody wanted it
    album.stills.heard(album.shot(wanted.number, skew=None))
    await album.stills.keep()
    assert await ordered == SHA
    (still,) = await album.told()
    assert (still.occasion, still.subject, still.camera_at) == (Occasion.ORDER, "ab" * 16, None)
    with pytest.raises(UnavailableError, match="没有画面：连不上"):
        await album.stills.ordered("c1", View.UNREACHABLE, "cd" * 16, plain=False)


async def test_pictures_go_before_the_buffer_leaves_out_anything_and_that_is_told(album: Album) -> None:
    """P-MEDIA-01"""
    album.stills.told([state(View.COVERED)])
    await album.answer()
    album.buffer.level = Level.SHED
    ordered = asyncio.create_task(album.stills.ordered("c1", View.OK, "ab" * 16, plain=False))
    await asyncio.sleep(0)
    await album.answer()
    with pytest.raises(RejectedError, match="没有空间"):
        await ordered
    album.stills._tidied_mono = 0
    await album.stills.keep()
    assert album.spool.waiting() == []
    assert len(await album.told()) == 1, "the record of the first stays"
    bodies = [record.decode_body(item) for item in await album.buffer.tail(0)]
    assert Event("stills.given_up", "2 张") in bodies


MP4 = b"....ftyp a short clip"


async def test_a_finding_has_a_clip_beside_its_still_and_an_order_is_answered_by_either(album: Album) -> None:
    album.stills.told([state(View.COVERED)])
    still, cut = album.stills.taken()
    assert (still.clip, cut.clip, cut.plain) == (False, True, False)
    album.stills.heard(replace(album.shot(cut.number, MP4), millis=12_000))
    album.stills.heard(album.shot(still.number))
    ordered = asyncio.create_task(album.stills.ordered("c1", View.OK, "ab" * 16, plain=False, clip=True))
    await asyncio.sleep(0)
    (wanted,) = album.stills.taken()
    album.stills.heard(replace(album.shot(wanted.number, MP4 + b"2"), millis=11_000))
    await album.stills.keep()
    assert await ordered == media.digest(MP4 + b"2")
    told = await album.told()
    assert [(one.millis, one.occasion, one.subject) for one in told] == [
        (12_000, Occasion.FAULT, "covered"),
        (0, Occasion.FAULT, "covered"),
        (11_000, Occasion.ORDER, "ab" * 16),
    ]
    assert {album.spool.read(item) for item in album.spool.waiting()} == {JPEG, MP4, MP4 + b"2"}


async def happened(album: Album) -> list[str]:
    bodies = [record.decode_body(item) for item in await album.buffer.tail(0)]
    return [body.detail for body in bodies if isinstance(body, Event) and body.name == "clip.not_made"]


async def test_of_a_clip_that_was_not_made_the_reason_is_told_and_nothing_is_kept(album: Album) -> None:
    album.stills.told([state(View.COVERED)])
    _, cut = album.stills.taken()
    album.stills.heard(replace(album.shot(cut.number, b""), fault="有一帧画面遮挡不了"))
    ordered = asyncio.create_task(album.stills.ordered("c1", View.OK, "ab" * 16, plain=True, clip=True))
    await asyncio.sleep(0)
    (wanted,) = album.stills.taken()
    album.stills.heard(replace(album.shot(wanted.number, b""), fault="短片太大"))
    await album.stills.keep()
    with pytest.raises(RejectedError, match="短片太大"):
        await ordered
    album.stills.told([state(View.BLACK)])
    for item in album.stills._wanted.values():
        item.asked_mono -= 3 * MINUTE
    await album.stills.keep()
    assert await happened(album) == ["c1：有一帧画面遮挡不了", "c1：摄像进程没有交来"]
    assert (await album.told(), album.spool.waiting()) == ([], [])


async def test_a_fault_that_comes_and_goes_all_day_has_stills_and_a_bounded_number_of_clips(
    album: Album,
) -> None:
    for _ in range(50):
        album.stills.told([state(View.COVERED)])
    assert [sum(one.clip is clip for one in album.stills._shoots) for clip in (False, True)] == [50, 40]
    await album.stills.keep()
    assert [line for line in await happened(album) if "今天" in line] == ["c1：今天已有 40 段，再有只取图片"]


async def test_a_full_disk_while_a_clip_is_written_leaves_nothing_half_and_no_record(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The records go on; what lies half in the spool is never offered, and goes."""
    album.stills.told([state(View.COVERED)])
    _, cut = album.stills.taken()
    whole = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        whole(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    album.stills.heard(replace(album.shot(cut.number, MP4 * 5_000), millis=12_000))
    await album.stills.keep()
    monkeypatch.undo()
    folder = album.spool._folder
    assert album.spool.waiting() == []
    assert await album.told() == []
    assert await happened(album) == ["c1：站点机器没有空间存图片"]
    album.spool.tidy(Level.OK, album.clock.office())
    assert list(folder.iterdir()) == []


_WRITES = """
import os, sys
from pathlib import Path
from agent.core.quota import Level
from agent.epoch import Sealing
from agent.spool import Spool
held, number = Spool(Path(sys.argv[1]), Sealing([bytes.fromhex(sys.argv[2])]), 1 << 30), 0
print(flush=True)
while True:
    number += 1
    held.put(os.urandom(110_000), number, Level.OK)
"""


def test_a_kill_while_clips_are_written_leaves_each_whole_or_not_at_all(tmp_path: Path) -> None:
    held = Spool(tmp_path, Sealing([KEK]), 1 << 30)
    for wait in (0.02, 0.05, 0.09):
        command = [sys.executable, "-c", _WRITES, str(tmp_path), KEK.hex()]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline()
            time.sleep(wait)
            writer.kill()
        found = held.waiting()
        assert found
        assert all(held.read(item) is not None for item in found)
        held.tidy(Level.OK, 1)
        assert held.given_up == 0
        assert not list(tmp_path.glob("*.part"))


def test_the_spool_gives_up_the_oldest_and_what_nobody_takes(tmp_path: Path) -> None:
    held = Spool(tmp_path, Sealing([KEK]), 3_000)
    for number in range(4):
        held.put(bytes([number]) * 1_000, number * DAY, Level.OK)
    assert held.tidy(Level.OK, 3 * DAY) == 2
    assert [item.taken_at for item in held.waiting()] == [2 * DAY, 3 * DAY]
    assert held.tidy(Level.OK, (2 + spool.KEPT_DAYS) * DAY + SECOND) == 1
    held.drop(held.waiting()[0].sha256)
    assert (held.waiting(), held.given_up) == ([], 3)


def test_a_changed_master_key_opens_what_waits_and_a_lost_one_nothing(tmp_path: Path) -> None:
    seal = Sealing([KEK])
    held = Spool(tmp_path, seal, 1 << 20)
    held.put(JPEG, 1, Level.OK)
    seal.keks[:] = [b"n" * 32, KEK]
    held.tidy(Level.OK, 1)
    (waiting,) = held.waiting()
    assert Spool(tmp_path, Sealing([b"n" * 32]), 1 << 20).read(waiting) == JPEG
    strange = Spool(tmp_path, Sealing([b"o" * 32]), 1 << 20)
    assert strange.read(waiting) is None
    assert (strange.waiting(), strange.given_up) == ([], 1)


async def test_the_doctor_names_pictures_that_wait_for_long(tmp_path: Path) -> None:
    config = AgentConfig("s01", 1, MqttConfig(host="x"), data_dir=tmp_path, mapping=tmp_path / "none")
    look = LOOKS["E-CAM-10"]
    assert (await look(Box(config, Clock()))).status is Status.OK
    held = Spool(config.stills_path, Sealing([KEK]), 1 << 20)
    held.put(JPEG, Clock().office() - 2 * MINUTE, Level.OK)
    assert (await look(Box(config, Clock()))).status is Status.OK
    held.put(b"older", Clock().office() - 2 * HOUR, Level.OK)
    found = await look(Box(config, Clock()))
    assert (found.status, found.detail.partition("，")[0]) == (Status.WARN, "2 张")


def status(**given: Any) -> BoxStatus:
    """Of a box of which nothing else is to be said."""
    blank = {int: 0, str: "", bool: False, float: 0.0, Level: Level.OK, Phase: Phase.STEADY}
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(BoxStatus):
        if field.required:
            values[field.name] = blank.get(field.type, {} if get_origin(field.type) is dict else [])
    return BoxStatus(**values | {"offset_us": None} | given)


async def test_the_doctor_names_cameras_of_which_everything_is_hidden(tmp_path: Path) -> None:
    cameras = [CameraConfig(id=name, type="file", name=f"厅{name}") for name in ("a", "b", "c")]
    cameras[2] = replace(cameras[2], mask="all")
    config = AgentConfig(
        "s01", 1, MqttConfig(host="x"), data_dir=tmp_path, mapping=tmp_path / "none", camera=cameras
    )
    box, check = Box(config, Clock()), LOOKS["E-CAM-09"]
    assert (await check(box)).status is Status.SKIP
    ok, covered = (Standing(view, 1) for view in (View.OK, View.COVERED))
    masks = {"a": (ok, Mask.PEOPLE), "b": (covered, Mask.ALL), "c": (ok, Mask.ALL)}
    for mask, expected in ((Mask.PEOPLE, Status.OK), (Mask.ALL, Status.WARN)):
        masks["a"] = ok, mask
        looks = {name: Look(name, 1, view, ok, mask=each) for name, (view, each) in masks.items()}
        box.status = status(cameras=looks)
        found = await check(box)
        assert found.status is expected
        assert "厅b" not in found.detail
    assert found.detail.startswith("厅a 暂时全部遮挡")
