"""What the agent makes of its worker's looks, on a real buffer: each change told once, and no silence taken for health."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from agent import vault
from agent.buffer import Buffer
from agent.camera import kept, watch
from agent.camera.drawn import Redrawing
from agent.camera.talk import Box, Kept, Learned, Look, Sat, Shot, framed
from agent.camera.watch import Cameras
from agent.capture import Capture
from agent.checkpoint import Signer
from agent.config import AgentConfig, CameraConfig, SeatConfig
from agent.core.scene import MEASURE, Reference
from agent.core.seat import Empty, State
from agent.core.votes import Standing
from agent.epoch import Sealing
from agent.index import Index
from agent.live import Live
from agent.room import AMPLE
from agent.spool import Spool
from common.clock import Clock
from common.core import record
from common.core.camera import Aspect, Mask, Seat, View
from common.core.errors import UsageError
from common.core.happening import Happening
from common.core.instant import HOUR, MINUTE, SECOND
from common.core.message import Drawn, DrawnSeat
from common.core.record import CameraState, Event, SeatState, Still
from common.mqtt import MqttConfig
from tests.integration.test_collect import DIGEST_KEY, KEK, SIGN_KEY, SIGN_SECRET

PICTURE = Kept(Reference(1, 1, 1, 1, 1, 30), b"a picture of the hall", MEASURE)
Made = Callable[..., Cameras]
DRAWN: list[Drawn] = []
"""What the hall has drawn."""


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
        spool = Spool(config.stills_path, Sealing([kek]), 1 << 20)
        return Cameras(
            config, capture, clock, Sealing([kek]), spool, lambda: DRAWN, Live(config, clock, bytes(32))
        )

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
        assert cameras.blind == {}
    views = [view for _, view in await told(buffer)]
    assert views == [View.UNKNOWN, View.OK, View.COVERED, View.CLOCK]
    cameras.hear(look(cameras, View.STALLED))
    assert cameras.blind == {"c1": "断流"}, "a covered one has a picture"
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
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert kept.load(path, [KEK]) == {}


async def test_references_of_an_older_measure_are_told_of_once_and_handed_on(
    made: Made, buffer: Buffer, tmp_path: Path
) -> None:
    """A file as the releases before wrote it: no measure stands in it."""
    cameras = made("c1", "c2")
    cameras.hear(look(cameras, View.OK))
    await cameras.tell()
    cameras.hear(Learned("c1", [PICTURE]))
    cameras.save()
    path = tmp_path / "cameras.sealed"
    stored = msgspec.msgpack.decode(vault.read(path, [KEK], b"mingcha cameras 1"))
    for item in stored["c1"]["patterns"]:
        del item["measure"]
    vault.write(path, msgspec.msgpack.encode(stored), KEK, cameras._seal.alg, b"mingcha cameras 1")
    after = made("c1", "c2")
    given = [after.given(item, "") for item in after.config.camera]
    for _ in range(2):
        await after.relearns(given)
    assert [kept.is_stale for kept in given[0].patterns] == [True]
    bodies = [record.decode_body(item) for item in await buffer.tail(0)]
    assert [(body.name, body.detail) for body in bodies if isinstance(body, Event)] == [
        (Happening.CAMERAS_RELEARNED, "c1")
    ]


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
    cameras.hear(Learned("c1", [PICTURE], {"w1": [Empty(1, 1, 1, b"png")]}, {"w1": Box(0.1, 0.1, 0.3, 0.3)}))
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


async def test_an_absence_goes_on_over_a_short_stop_and_is_broken_off_by_a_long_one(
    made: Made, buffer: Buffer
) -> None:
    """Its begin stays what it was; after a long stop the hall is told from when on nobody could tell."""
    cameras = made("c1", seat=("w1",))
    ok = look(cameras, View.OK, ago=HOUR)
    gone = ok.view.since_at + 10 * MINUTE
    empty = replace(ok, seats={"w1": Sat(State(Seat.UNATTENDED, gone))})
    cameras.hear(empty)
    await cameras.tell()
    cameras.save()
    again = made("c1", later=30 * SECOND, seat=("w1",))
    given = again.given(again.config.camera[0], "")
    assert (given.view.view, given.sat["w1"].seat, given.sat["w1"].since_at) == (
        View.OK,
        Seat.UNATTENDED,
        gone,
    )
    again.hear(empty)
    await again.tell()
    again.save()
    later = made("c1", later=HOUR, seat=("w1",))
    await later.tell()
    bodies = [record.decode_body(item) for item in await buffer.tail(0)]
    told = [body for body in bodies if isinstance(body, SeatState)]
    assert [body.seat for body in told] == [Seat.UNATTENDED, Seat.UNKNOWN]
    assert told[0].since_at == gone
    assert told[1].since_at - again.clock.office() < -50 * MINUTE, (
        "when it was seen last, not when it was found out"
    )


async def test_a_fault_that_is_told_asks_for_a_still_and_an_unknown_camera_for_none(
    made: Made, buffer: Buffer
) -> None:
    """What the worker is asked for stands ready for the pipe, once; the still that comes is a record."""
    cameras = made("c1")
    cameras.hear(look(cameras, View.OK))
    await cameras.tell()
    assert cameras.stills.taken() == []
    cameras.hear(look(cameras, View.COVERED))
    for _ in range(2):
        await cameras.tell()
    wanted, cut = cameras.stills.taken()
    assert cut.clip
    cameras.hear(Shot("c1", wanted.number, b"jpeg", 4, 2, cameras.clock.mono(), Mask.ALL, None))
    await cameras.stills.keep()
    bodies = [record.decode_body(item) for item in await buffer.tail(0)]
    assert [body.subject for body in bodies if isinstance(body, Still)] == ["covered"]
    with pytest.raises(UsageError, match="没有摄像机 c9"):
        await cameras.still("c9", "ab" * 16, plain=False)
    given = cameras.given(replace(cameras.config.camera[0], zone=[[0.1, 0.1, 0.2, 0.2]], mask="all"), "")
    assert (given.zones, given.mask) == ([Box(0.1, 0.1, 0.2, 0.2)], Mask.ALL)


async def test_of_a_worker_that_is_killed_while_it_hands_over_a_clip_nothing_is_kept(
    made: Made, buffer: Buffer
) -> None:
    """Half a frame in the pipe is none; what was said before it stands."""
    cameras = made("c1")
    cameras.hear(look(cameras, View.COVERED))
    await cameras.tell()
    wanted, cut = cameras.stills.taken()
    pipe = asyncio.StreamReader()
    mono = cameras.clock.mono()
    pipe.feed_data(framed(Shot("c1", wanted.number, b"jpeg", 4, 2, mono, Mask.ALL, None)))
    pipe.feed_data(framed(Shot("c1", cut.number, bytes(90_000), 4, 2, mono, Mask.ALL, None, 12_000))[:-1])
    pipe.feed_eof()
    await watch._listen(pipe, cameras)
    await cameras.stills.keep()
    bodies = [record.decode_body(item) for item in await buffer.tail(0)]
    assert [body.millis for body in bodies if isinstance(body, Still)] == [0]
    assert len(cameras.stills._spool.waiting()) == 1


async def test_what_the_hall_draws_comes_over_the_boxes_own_and_never_takes_a_zone_away(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P-CFG-04: a seat keeps its hours and, where it stays in its place, what was learned of it."""
    cameras = made("c1", "c2", seat=("w1", "w2"))
    own = cameras.config.camera[0]
    own.zone.append([0.9, 0.9, 1.0, 1.0])
    cameras.hear(look(cameras, View.OK))
    await cameras.tell()
    told = cameras.given(cameras.cameras[0], "")
    empty = {name: [Empty(1, 1, 1, b"png")] for name in ("w1", "w2")}
    cameras.hear(Learned("c1", [PICTURE], empty, told.seats))
    redrawing = Redrawing([told])
    assert redrawing.due(cameras.cameras) == []
    moved = DrawnSeat("w2", (400, 100, 600, 300), "二号窗口")
    monkeypatch.setitem(
        globals(), "DRAWN", [Drawn("c1", [(0, 0, 100, 500)], [moved, DrawnSeat("w9", (1, 1, 9, 9))])]
    )
    (redraw,) = redrawing.due(cameras.cameras)
    assert redrawing.due(cameras.cameras) == []
    assert redraw.zones == [Box(0.9, 0.9, 1.0, 1.0), Box(0.0, 0.0, 0.1, 0.5)]
    assert redraw.seats["w1"] == told.seats["w1"]
    assert redraw.seats["w2"] == Box(0.4, 0.1, 0.6, 0.3)
    await cameras.tell()
    given = cameras.given(cameras.cameras[0], "")
    assert (given.zones, given.seats) == (redraw.zones, redraw.seats)
    assert set(given.empty) == {"w1"}, (
        "of the one that moved nothing is known, and a restart does not forget that"
    )
    seats = cameras.stored["c1"].seats
    assert [(name, seat.name, seat.hours) for name, seat in sorted(seats.items())] == [
        ("w1", "", [(510, 720)]),
        ("w2", "二号窗口", [(510, 720)]),
        ("w9", "", [(540, 720), (810, 1020)]),
    ]
    assert cameras.cameras[1] == cameras.config.camera[1]


async def test_a_camera_in_order_gives_the_hall_no_byte_in_an_hour(
    made: Made, buffer: Buffer, tmp_path: Path
) -> None:
    """C9: a record is a difference; what varies from frame to frame, the camera's own motion events among it, is none."""
    cameras = made("c1", seat=("w1",))
    said = look(cameras, View.OK, ago=HOUR)
    seats = {"w1": Sat(State(Seat.ATTENDED, said.view.since_at))}
    for frame in range(1801):
        moved = said.view.since_at + frame * 2 * SECOND
        varied = replace(said, frames=frame, kbps=4000.0 + frame % 7, figures={"mean": 100.0 + frame % 9})
        cameras.hear(replace(varied, seats=seats, motion_at=moved, skew=0.1 * (frame % 5)))
        await cameras.tell()
        if frame == 0:
            told = len(await buffer.tail(0))
    assert len(await buffer.tail(0)) == told == 2
    assert not list(tmp_path.glob("stills/*"))
