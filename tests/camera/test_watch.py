"""What the agent makes of its worker's looks, on a real buffer: each change told once, and no silence taken for health."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.buffer import Buffer
from agent.camera import kept
from agent.camera.talk import Kept, Learned, Look, Sat
from agent.camera.watch import Cameras
from agent.capture import Capture
from agent.checkpoint import Signer
from agent.config import AgentConfig, CameraConfig, SeatConfig
from agent.core.scene import Reference
from agent.core.seat import Empty, State
from agent.core.votes import Standing
from agent.epoch import Sealing
from agent.index import Index
from agent.room import AMPLE
from common.clock import Clock
from common.core import record
from common.core.camera import Aspect, Seat, View
from common.core.instant import HOUR, MINUTE, SECOND
from common.core.record import CameraState, SeatState
from common.mqtt import MqttConfig
from tests.integration.test_collect import DIGEST_KEY, KEK, SIGN_KEY, SIGN_SECRET

PICTURE = Kept(Reference(1, 1, 1, 1, 1, 30), b"a picture of the hall")
Made = Callable[..., Cameras]


class Later(Clock):
    """Real time, and what a test adds to it."""

    added = 0

    def wall(self) -> int:
        return super().wall() + self.added

    def mono(self) -> int:
        return super().mono() + self.added


@pytest.fixture
async def buffer(tmp_path: Path) -> AsyncIterator[Buffer]:
    path = tmp_path / "buffer.db"
    opened = await Buffer.open(
        path, seal=Sealing([KEK]), site="s01", sign_key=SIGN_KEY, clock=Clock(), room=AMPLE
    )
    yield opened
    await opened.close()


@pytest.fixture
async def made(tmp_path: Path, buffer: Buffer) -> AsyncIterator[Made]:
    """Cameras of a process that has just begun; with the ids of its configuration."""
    index = await Index.open(tmp_path / "index.db", buffer.epoch)
    clock = Later()
    capture = Capture(buffer, index, clock, DIGEST_KEY, Signer(buffer, "s01", SIGN_SECRET))

    def make(*ids: str, later: int = 0, kek: bytes = KEK, seat: tuple[str, ...] = ()) -> Cameras:
        clock.added += later
        seats = [SeatConfig(name, [0.1, 0.1, 0.3, 0.3], hours=("08:30-12:00",)) for name in seat]
        cameras = [CameraConfig(id=name, type="rtsp", name=name.upper(), seat=seats) for name in ids]
        config = AgentConfig("s01", 1, MqttConfig(host="x"), data_dir=tmp_path, camera=cameras)
        return Cameras(config, capture, clock, Sealing([kek]))

    yield make
    await index.close()


def look(cameras: Cameras, view: View, ago: int = 0) -> Look:
    now = cameras.clock.office()
    return Look("c1", cameras.clock.wall(), Standing(view, now - ago), Standing(View.OK, now - ago))


async def told(buffer: Buffer) -> list[tuple[str, View]]:
    bodies = [record.decode_body(item) for item in await buffer.tail(0)]
    return [(body.camera, body.view) for body in bodies if isinstance(body, CameraState)]


async def test_a_change_is_told_once_and_a_clock_only_when_it_is_wrong(made: Made, buffer: Buffer) -> None:
    cameras = made("c1")
    await cameras.tell()
    ok, covered = look(cameras, View.OK), look(cameras, View.COVERED)
    late = replace(covered, clock=Standing(View.CLOCK, covered.clock.since_at))
    for said in (ok, ok, covered, late, replace(late, frames=7)):
        cameras.hear(said)
        await cameras.tell()
        await cameras.tell()
    views = [view for _, view in await told(buffer)]
    assert views == [View.UNKNOWN, View.OK, View.COVERED, View.CLOCK]
    states = [record.decode_body(item) for item in await buffer.tail(0)]
    assert {body.aspect for body in states if isinstance(body, CameraState)} == {Aspect.VIEW, Aspect.CLOCK}
    assert {body.name for body in states if isinstance(body, CameraState)} == {"C1"}


async def test_a_camera_that_nobody_looked_at_is_unknown_and_then_not_what_it_was(
    made: Made, buffer: Buffer
) -> None:
    """P-CAM-01"""
    cameras = made("c1")
    said = look(cameras, View.OK)
    cameras.hear(said)
    await cameras.tell()
    made("c1", later=10 * MINUTE)
    cameras.silent()
    await cameras.tell()
    assert cameras.looks["c1"].view.view is View.UNKNOWN
    assert cameras.looks["c1"].view.since_at - said.view.since_at < MINUTE, (
        "unknown since it was last heard of"
    )
    for _ in range(2):
        cameras.hear(said)
        await cameras.tell()
    assert cameras.looks["c1"].view.since_at - said.view.since_at > 9 * MINUTE
    assert [view for _, view in await told(buffer)] == [View.OK, View.UNKNOWN, View.OK]


async def test_what_was_told_holds_over_a_short_stop_and_not_over_a_long_one(
    made: Made, buffer: Buffer
) -> None:
    cameras = made("c1")
    cameras.hear(look(cameras, View.MOVED, ago=HOUR))
    await cameras.tell()
    cameras.hear(Learned("c1", [PICTURE]))
    cameras.save()
    again = made("c1", later=30 * SECOND)
    await again.tell()
    given = again.given(again.config.camera[0], "")
    assert (given.view.view, given.patterns) == (View.MOVED, [PICTURE])
    assert [view for _, view in await told(buffer)] == [View.MOVED]
    later = made("c1", later=HOUR)
    await later.tell()
    assert [view for _, view in await told(buffer)] == [View.MOVED, View.UNKNOWN]


async def test_a_camera_that_was_taken_away_is_told_once(made: Made, buffer: Buffer) -> None:
    cameras = made("c1")
    cameras.hear(look(cameras, View.OK))
    await cameras.tell()
    cameras.save()
    for _ in range(2):
        without = made()
        await without.tell()
        without.save()
    assert await told(buffer) == [("c1", View.OK), ("c1", View.REMOVED)]


async def test_references_are_sealed_and_are_learned_anew_where_no_key_opens_them(
    made: Made, tmp_path: Path
) -> None:
    cameras = made("c1")
    cameras.hear(look(cameras, View.OK))
    await cameras.tell()
    cameras.hear(Learned("c1", [PICTURE]))
    cameras.save()
    path = tmp_path / "cameras.sealed"
    assert b"picture" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    assert kept.load(path, [b"x" * 32, KEK])["c1"].patterns == [PICTURE]
    assert kept.load(path, [b"x" * 32]) == {}
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert kept.load(path, [KEK]) == {}


async def test_a_seat_is_never_better_known_than_its_camera_and_ends_with_its_region(
    made: Made, buffer: Buffer
) -> None:
    """P-CAM-02, C11"""
    cameras = made("c1", seat=("w1",))
    ok, covered = look(cameras, View.OK, ago=HOUR), look(cameras, View.COVERED)
    seats = {"w1": Sat(State(Seat.ATTENDED, ok.view.since_at + MINUTE))}
    for said in (ok, ok, covered):
        cameras.hear(replace(said, seats=seats))
        await cameras.tell()
    cameras.hear(Learned("c1", [PICTURE], {"w1": [Empty(1, 1, 1, b"png")]}))
    cameras.save()
    again = made("c1", seat=("w1",))
    given = again.given(again.config.camera[0], "")
    assert (given.empty["w1"][0].png, given.sat["w1"].seat) == (b"png", Seat.UNKNOWN)
    without = made("c1")
    await without.tell()
    without.hear(look(without, View.OK))
    await without.tell()
    bodies = [record.decode_body(item) for item in await buffer.tail(0)]
    told = [body for body in bodies if isinstance(body, SeatState)]
    assert [(body.seat, body.hours) for body in told] == [
        (Seat.ATTENDED, [(510, 720)]),
        (Seat.UNKNOWN, [(510, 720)]),
        (Seat.UNKNOWN, []),
    ]
    assert told[1].detail == "摄像机遮挡"
