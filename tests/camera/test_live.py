"""The box's side of a live view: how long a wish of the hall holds, and what of a picture leaves the site."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from agent.camera import talk
from agent.camera.file import FileCamera
from agent.camera.film import Film, Order
from agent.camera.media import Media
from agent.camera.outward import MAKES_ROOM, Way
from agent.camera.picture import Colour
from agent.camera.shown import Painter, Sight
from agent.camera.talk import Box
from agent.camera.veil import COLUMNS, ROWS
from agent.config import AgentConfig, LiveConfig
from agent.core import fragment
from agent.live import LEAST_KBPS, MOST_KBPS, PRESSED, Live, Telling
from common.clock import Clock
from common.core import crypto, message, topics
from common.core.camera import Mask
from common.core.instant import MINUTE, SECOND
from common.core.live import LEASE, Frame, Kind, Shown
from common.core.message import Dial, Wanted, Watch
from common.mqtt import MqttConfig
from tests.camera.clips import CLOCK_BOX, HIGH, WIDE, Hall
from tests.camera.test_veil import learned

HALL_SECRET, BOX_SECRET = bytes(range(32)), bytes(range(1, 33))
HALL_SIGN = crypto.sign_public(HALL_SECRET)
TICKET = b"t" * 16
PLACE = "wss://hall:8446/media"


class Moving(Clock):
    """Its time stands still until it is told; the hall's is an hour ahead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 10 * MINUTE
        self._offset = 60 * MINUTE

    @property
    def offset(self) -> int | None:
        return self._offset

    def mono(self) -> int:
        return self.now

    def wall(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Moving:
    return Moving()


def made(clock: Clock, *, tls: bool = True, kbps: int = 1000) -> Live:
    config = AgentConfig("s01", 2, MqttConfig(host="hall", tls=tls), live=LiveConfig(kbps))
    return Live(config, clock, BOX_SECRET)


def said(
    clock: Moving, *cameras: str, left: int = LEASE, secret: bytes = HALL_SECRET, **changed: object
) -> bytes:
    hall_wall = clock.wall() + (clock.offset or 0)
    watch = Watch("s01", 2, hall_wall + left, PLACE, [Wanted(name, TICKET) for name in cameras])
    return message.encode_signed(replace(watch, **changed), topics.watch("s01"), secret)


def names(live: Live) -> list[str]:
    return [film.camera for film in live.due({}).films]


def test_a_wish_holds_for_its_lease_and_no_longer(clock: Moving) -> None:
    """P-LIVE-01: what is not said again ends by itself."""
    live = made(clock)
    assert names(live) == []
    live.take(said(clock, "c1", "c2"), HALL_SIGN)
    assert names(live) == ["c1", "c2"]
    clock.now += LEASE - 1
    assert names(live) == ["c1", "c2"]
    clock.now += 1
    assert names(live) == []
    live.take(said(clock, "c1"), HALL_SIGN)
    clock.now += SECOND
    live.take(said(clock), HALL_SIGN)
    assert names(live) == [], "taken back at once"


def test_only_the_hall_this_box_and_this_moment_count(clock: Moving) -> None:
    live = made(clock)
    with pytest.raises(ValueError, match="does not verify"):
        live.take(said(clock, "c1", secret=BOX_SECRET), HALL_SIGN)
    for raw in (
        said(clock, "c1", site="s02"),
        said(clock, "c1", generation=1),
        said(clock, "c1", left=MINUTE + 1),
        said(clock, "c1", left=-1),
    ):
        live.take(raw, HALL_SIGN)
        assert names(live) == []
    old = said(clock, "c1")
    clock.now += SECOND
    live.take(said(clock, "c2"), HALL_SIGN)
    live.take(old, HALL_SIGN)
    assert names(live) == ["c2"], "what was said before comes late"
    for wrong in ({"address": "ws://hall:1/media"}, {"wanted": [Wanted("c1", b"short")]}):
        clock.now += SECOND
        with pytest.raises(ValueError, match="no place"):
            live.take(said(clock, "c1", **wrong), HALL_SIGN)
    clock._offset = None  # type: ignore[assignment]
    fresh = made(clock)
    fresh.take(said(clock, "c1"), HALL_SIGN)
    assert names(fresh) == [], "nobody knows whether it is still good"


def test_an_open_line_is_for_the_demonstration_on_one_machine(clock: Moving) -> None:
    live = made(clock, tls=False)
    with pytest.raises(ValueError, match="no place"):
        live.take(said(clock, "c1", address="ws://10.0.0.1:1/media"), HALL_SIGN)
    clock.now += SECOND
    with pytest.raises(ValueError, match="no place"):
        live.take(said(clock, "c1"), HALL_SIGN)  # it has no certificate to show there
    clock.now += SECOND
    live.take(said(clock, "c1", address="ws://127.0.0.1:1/media"), HALL_SIGN)
    assert names(live) == ["c1"]
    assert live.due({}).ca == ""


def test_the_dial_is_signed_by_the_box_for_one_camera(clock: Moving) -> None:
    live = made(clock)
    live.take(said(clock, "c1"), HALL_SIGN)
    (film,) = live.due({}).films
    dial = message.decode_signed(Dial, topics.dial("s01", "c1"), crypto.sign_public(BOX_SECRET), film.dial)
    assert dial == Dial("s01", 2, "c1", TICKET)
    assert film.url == PLACE
    with pytest.raises(ValueError, match="does not verify"):
        message.decode_signed(Dial, topics.dial("s01", "c2"), crypto.sign_public(BOX_SECRET), film.dial)


def test_the_sites_share_of_the_line_is_parted_and_what_does_not_fit_is_not_sent(clock: Moving) -> None:
    live = made(clock, kbps=1000)
    live.take(said(clock, "c1", "c2"), HALL_SIGN)
    assert [film.kbps for film in live.due({}).films] == [500, 500]
    clock.now += SECOND
    live.take(said(clock, *(f"c{n}" for n in range(16))), HALL_SIGN)
    films = live.due({}).films
    assert [film.kbps > 0 for film in films] == [True] * 8 + [False] * 8, (
        "of the rest it is said that there is no room"
    )
    assert all(film.kbps >= LEAST_KBPS for film in films[:8])
    assert sum(film.kbps for film in films) <= 1000
    films = live.due({"c1": "连不上", "c3": "口令不符"}).films
    sent = [film.camera for film in films if film.kbps]
    assert sent == ["c0", "c2", "c4", "c5", "c6", "c7", "c8", "c9"], (
        "what has no picture leaves the room to others"
    )
    assert {film.camera: film.fault for film in films if film.fault} == {"c1": "连不上", "c3": "口令不符"}
    clock.now += SECOND
    live.take(said(clock, wanted=[Wanted("c1", TICKET, plain=True)]), HALL_SIGN)
    assert [film.kbps for film in live.due({}).films] == [1000], "as the camera sends it: no more than all"
    clock.now += SECOND
    live.take(said(clock, "c1"), HALL_SIGN)
    assert [film.kbps for film in live.due({}).films] == [MOST_KBPS]
    closed = made(clock, kbps=0)
    closed.take(said(clock, "c1"), HALL_SIGN)
    assert [film.kbps for film in closed.due({}).films] == [0]


def test_pictures_make_room_for_records_that_wait_and_the_worker_is_told_what_is_new(clock: Moving) -> None:
    live = made(clock)
    telling = Telling(live)
    assert telling.due({}) == []
    live.take(said(clock, "c1"), HALL_SIGN)
    (first,) = telling.due({})
    assert ([film.camera for film in first.films], first.is_held) == (["c1"], False)
    assert telling.due({}) == []
    live.pressed(is_busy=True)
    clock.now += PRESSED
    live.pressed(is_busy=True)
    assert telling.due({}) == [], "what passes at once presses nobody"
    clock.now += 1
    assert [item.is_held for item in telling.due({})] == [True]
    live.pressed(is_busy=False)
    assert [item.is_held for item in telling.due({})] == [False]
    clock.now += LEASE
    assert [item.films for item in telling.due({})] == [[]]
    assert Telling(live).due({}) == [], "a worker that begins has nothing to end"


# what of a picture leaves the site -----------------------------------------------------------------------------

FREE = np.zeros((ROWS, COLUMNS), np.uint8)
SHAPE = WIDE / HIGH


@pytest.fixture(scope="module")
def known() -> tuple[Hall, Sight]:
    """A hall, and what its examination knows of it without anybody in it."""
    hall = Hall(3)
    (pattern,) = learned(hall).patterns
    mono = Clock().mono() + MINUTE
    return hall, Sight(pattern, True, FREE, mono, [], [], CLOCK_BOX, Mask.PEOPLE, SHAPE, "")


def sent(hall: Hall, sight: Sight, *, wide: int = WIDE) -> tuple[Colour, Mask, list[float]]:
    """The last picture of a second with a clerk at the counter, as a browser decodes it; the times of all."""
    painter, decoder = Painter(lambda: sight, Clock(), 700), av.CodecContext.create("h264", "r")
    shown, mask, secs = np.zeros((HIGH, WIDE, 3), np.uint8), Mask.NONE, list[float]()
    for number in range(26):
        grey = hall.finish(hall.frame(number // 12, clerk=True), 0)
        whole = cv2.resize(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), (wide, HIGH))
        for made in painter.painted(
            av.VideoFrame.from_ndarray(np.asarray(whole, np.uint8), format="bgr24"), number / 25
        ):
            mask = made.mask
            secs.append(made.secs)
            for frame in decoder.decode(av.Packet(made.data)):
                shown = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    return shown, mask, secs


def rough(shown: Colour, box: Box) -> float:
    """How much is to be seen within the blocks of a rectangle: the standard deviation that a tenth of them goes beyond."""
    high, wide = HIGH / ROWS, WIDE / COLUMNS
    grey = cv2.cvtColor(shown, cv2.COLOR_BGR2GRAY).astype(np.float32)
    places = [
        grey[
            int(row * high) + 3 : int((row + 1) * high) - 2,
            int(column * wide) + 3 : int((column + 1) * wide) - 2,
        ]
        for row in range(int(box.top * ROWS) + 1, int(box.bottom * ROWS))
        for column in range(int(box.left * COLUMNS) + 1, int(box.right * COLUMNS))
    ]
    return float(np.quantile([place.std() for place in places], 0.9))


EVERYTHING = Box(0.0, 0.1, 1.0, 1.0)
HEAD = Box(0.44, 0.3, 0.56, 0.5)
SIGN = Box(0.56, 0.8, 0.85, 0.93)


def test_people_are_hidden_in_what_a_browser_decodes_and_the_sign_is_not(
    known: tuple[Hall, Sight],
) -> None:
    hall, sight = known
    shown, mask, secs = sent(hall, sight)
    assert mask is Mask.PEOPLE
    assert rough(shown, HEAD) < 4 < rough(shown, SIGN)
    assert len(secs) == pytest.approx(13, abs=1), "of 25 frames a second half are sent"
    busy = np.zeros_like(FREE)
    busy[-6:, 18:] = 1
    shown, _, _ = sent(hall, replace(sight, busy=busy))
    assert rough(shown, SIGN) < 4, "what the examination alone found busy is hidden too"


BLIND = {
    "no reference": {"pattern": None},
    "another light, or a fault": {"is_sound": False},
    "never examined": {"busy": None},
    "examined long ago": {"mono": 0},
    "another shape of the picture": {"shape": 4 / 3},
}


@pytest.mark.parametrize("change", BLIND.values(), ids=BLIND)
def test_whatever_is_not_known_hides_everything(known: tuple[Hall, Sight], change: dict[str, object]) -> None:
    """P-LIVE-05: C13 of cameras.md."""
    hall, sight = known
    shown, mask, _ = sent(hall, replace(sight, **change))
    assert mask is Mask.ALL or change.keys() == {"pattern"}
    assert rough(shown, EVERYTHING) < 4


def test_zones_of_another_shape_of_the_picture_hide_everything_though_the_camera_masks_itself(
    known: tuple[Hall, Sight],
) -> None:
    hall, sight = known
    own = replace(sight, mask=Mask.CAMERA)
    drawn = replace(own, zones=[Box(0.7, 0.8, 1.0, 1.0)])
    said = [
        sent(hall, one)[1] for one in (own, drawn, replace(own, shape=4 / 3), replace(drawn, shape=4 / 3))
    ]
    assert said == [Mask.CAMERA, Mask.CAMERA, Mask.CAMERA, Mask.ALL]


def test_a_zone_that_is_drawn_meanwhile_is_filled_in_the_next_picture(known: tuple[Hall, Sight]) -> None:
    hall, sight = known
    zone = Box(0.7, 0.8, 1.0, 1.0)
    sights = [sight, replace(sight, zones=[zone])]
    painter, decoder = Painter(lambda: sights[0], Clock(), 700), av.CodecContext.create("h264", "r")
    grey = hall.finish(hall.frame(0, clerk=False), 0)
    whole = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    frame = av.VideoFrame.from_ndarray(whole, format="bgr24")
    seen = []
    for number in range(4):
        if number == 2:
            sights.pop(0)
        for made in painter.painted(frame, number / 10):
            seen += [
                np.asarray(one.to_ndarray(format="bgr24")) for one in decoder.decode(av.Packet(made.data))
            ]
    inside = [one[-60:-10, -180:-10] for one in seen]
    assert np.ptp(inside[1]) > 40 > np.ptp(inside[-1])


class Jumping(FileCamera):
    """Its clock is put right after a second and a half: all that follows is `jump` seconds elsewhere."""

    jump = 0.0

    def whole(self) -> Media:
        media = super().whole()
        packets = media.packets

        def jumped() -> Iterator[Any]:
            for packet in packets():
                if packet.pts is not None and packet.pts * packet.time_base > 1.5:
                    by = round(self.jump / packet.time_base)
                    packet.pts, packet.dts = packet.pts + by, packet.pts + by
                yield packet

        media.packets = jumped  # type: ignore[method-assign]
        return media


@pytest.mark.parametrize("jump", [-60.0, 3600.0])
@pytest.mark.parametrize("plain", [True, False])
def test_a_clock_that_is_put_right_while_somebody_looks_leaves_no_hole(
    tmp_path: Path, jump: float, *, plain: bool
) -> None:
    """Else the picture stands still for as long as the clock went back, or lasts for hours."""
    path = recorded(tmp_path / "h264.mkv", "libx264")
    camera = Jumping(path)
    camera.jump = jump
    sent = filmed(path, plain=plain, camera=camera, secs=3.5)
    pictures = [one.payload for one in sent if one.kind in {Kind.KEY, Kind.MORE}]
    lengths = [int.from_bytes(raw[raw.index(b"trun") + 16 :][:4], "big") for raw in pictures]
    assert sum(lengths) > 2 * fragment.VIDEO_SCALE
    assert max(lengths) < fragment.VIDEO_SCALE
    assert sum(length < fragment.VIDEO_SCALE // 100 for length in lengths) <= 1, lengths


def filmed(
    path: Path,
    *,
    plain: bool,
    camera: FileCamera | None = None,
    sights: list[Sight] | None = None,
    kbps: int = 100_000,
    secs: float = 1.5,
    later: Callable[[Film], bool] = lambda _: False,
) -> list[Frame]:
    """What a film of a recording sends in `secs`, and in as many again after `later`. `sights`: what is known is the last of them."""
    got: list[Frame] = []
    known = sights or [Sight(None, False, None, 0, [], [], None, Mask.PEOPLE, SHAPE, "")]
    film = Film(
        lambda: camera or FileCamera(path),
        lambda: known[-1],
        Order(kbps, 0, plain, True),
        got.append,
        Clock(),
    )
    film.start()
    time.sleep(secs)
    if later(film):
        time.sleep(secs)
    film.stop()
    until = time.monotonic() + 5
    while not film.is_over and time.monotonic() < until:
        time.sleep(0.01)
    assert film.is_over
    return got


def shown(frames: list[Frame]) -> list[Shown]:
    return [msgspec.json.decode(one.payload, type=Shown) for one in frames if one.kind is Kind.STATE]


def recorded(path: Path, codec: str) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
        stream.options = {"preset": "ultrafast", "x265-params": "log-level=none"}
        for number in range(30):
            noise = np.random.default_rng(number).integers(0, 255, (72, 128, 3), np.uint8)
            made = av.VideoFrame.from_ndarray(noise, format="bgr24")
            container.mux(stream.encode(made.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


def test_what_is_granted_passes_untouched_and_is_never_called_masked(tmp_path: Path) -> None:
    path = recorded(tmp_path / "h264.mkv", "libx264")
    frames = filmed(path, plain=True)
    assert {item.mask for item in shown(frames)} == {Mask.NONE}
    moving = [one.payload for one in frames if one.kind in {Kind.KEY, Kind.MORE}]
    with av.open(str(path), "r") as read:
        own = [bytes(packet) for packet in read.demux(video=0) if packet.size]
    assert len(moving) > 8
    for fragment_of, packet in zip(moving[1:], own[1:], strict=False):
        assert fragment_of.endswith(packet), "the camera's own bytes"
    assert {item.mask for item in shown(filmed(path, plain=False))} == {Mask.ALL}


def test_h265_is_shown_masked_and_as_it_is_encoded_anew_because_no_browser_plays_it(tmp_path: Path) -> None:
    path = recorded(tmp_path / "h265.mkv", "libx265")
    for plain, mask in ((False, Mask.ALL), (True, Mask.NONE)):
        frames = filmed(path, plain=plain)
        assert (shown(frames)[-1].mask, shown(frames)[-1].codec[:5]) == (mask, "avc1.")
        assert any(one.kind is Kind.KEY for one in frames)


def own(frames: list[Frame], path: Path) -> list[bool]:
    """Of each fragment of the picture whether its bytes are the camera's own."""
    with av.open(str(path), "r") as read:
        packets = {bytes(packet) for packet in read.demux(video=0) if packet.size}
    return [
        any(one.payload.endswith(packet) for packet in packets)
        for one in frames
        if one.kind in {Kind.KEY, Kind.MORE}
    ]


def test_a_camera_that_masks_by_itself_is_sent_untouched_until_a_zone_is_drawn(tmp_path: Path) -> None:
    """P-LIVE-05: nothing of the camera's own goes out after that."""
    path = recorded(tmp_path / "h264.mkv", "libx264")
    sights = [Sight(None, False, None, 0, [], [], None, Mask.CAMERA, SHAPE, "")]
    drawn = replace(sights[0], zones=[Box(0.5, 0.5, 1.0, 1.0)])

    def draw(_: Film) -> bool:
        sights.append(drawn)
        return True

    frames = filmed(path, plain=False, sights=sights, later=draw)
    assert {item.mask for item in shown(frames)} == {Mask.CAMERA}
    passed = own(frames, path)
    assert passed[2]
    assert passed == sorted(passed, reverse=True)
    assert not passed[-1]


def test_a_picture_as_it_is_takes_no_more_of_the_line_than_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the camera sends is measured; beyond the share it is encoded anew, and is still the whole picture."""
    monkeypatch.setattr("agent.camera.film._METER_SECS", 0.8)
    path = recorded(tmp_path / "h264.mkv", "libx264")  # noise: more than a megabit
    frames = filmed(path, plain=True, kbps=300, secs=3)
    assert {item.mask for item in shown(frames)} == {Mask.NONE}
    passed = own(frames, path)
    assert passed[0]
    assert not passed[-1]
    assert len([one for one in frames if one.kind is Kind.PICTURE]) == 2


class Sparing(FileCamera):
    """Says its parameter sets once, when it is opened, as cameras do that put them into their description alone."""

    def whole(self) -> Media:
        media = super().whole()
        given = media.packets

        def packets() -> Iterator[Any]:
            for packet in given():
                kept = [
                    part for part in fragment.units(bytes(packet)) if fragment.kind_of(part) not in {7, 8}
                ]
                made = av.Packet(b"".join(b"\0\0\0\1" + part for part in kept))
                made.stream, made.time_base, made.is_keyframe = (
                    packet.stream,
                    packet.time_base,
                    packet.is_keyframe,
                )
                made.pts, made.dts = packet.pts, packet.dts
                yield made

        media.packets = packets  # type: ignore[method-assign]
        return media


def test_a_camera_that_says_its_parameter_sets_once_passes_untouched_too(tmp_path: Path) -> None:
    path = recorded(tmp_path / "bare.h264", "libx264")
    frames = filmed(path, plain=True, camera=Sparing(path))
    assert [one.kind for one in frames][:3] == [Kind.STATE, Kind.PICTURE, Kind.KEY]
    assert shown(frames)[-1].codec.startswith("avc1.")


def test_another_share_of_the_line_changes_the_rate_and_begins_nothing_anew(tmp_path: Path) -> None:
    path = recorded(tmp_path / "h264.mkv", "libx264")

    def thinner(film: Film) -> bool:
        film.kbps = 100
        return True

    masked = [Sight(None, False, None, 0, [Box(0.0, 0.0, 0.1, 0.1)], [], None, Mask.CAMERA, SHAPE, "")]
    frames = filmed(path, plain=False, kbps=2000, secs=3, sights=masked, later=thinner)
    assert len([one for one in frames if one.kind is Kind.PICTURE]) == 1, "whoever looks on goes on"
    moving = [len(one.payload) for one in frames if one.kind in {Kind.KEY, Kind.MORE}]
    assert sum(moving[-10:]) < 0.7 * sum(moving[5:15])


async def test_a_line_that_is_too_thin_or_taken_by_records_loses_pictures_and_goes_on_with_a_key_frame() -> (
    None
):
    way = Way(talk.Film("c1", PLACE, b"dial", 400), None, asyncio.get_running_loop())

    def give(kinds: str) -> None:
        for kind in kinds:
            way._take(Frame(Kind(kind), 1, b"{}"))

    def waits() -> str:
        return "".join(frame.kind.value for frame in way._waiting)

    give("SIJFAKFA")
    assert waits() == "SIJKFA", "the first fragment is a key frame"
    give("F" * 100)
    assert len(waits()) < 70
    assert waits().startswith("SIJ"), "what is late is let go"
    way.hold(is_held=True)
    give("KFFASIJK")
    assert [msgspec.json.decode(frame.payload, type=Shown).fault for frame in way._waiting] == [MAKES_ROOM]
    way._anew()
    assert [msgspec.json.decode(frame.payload, type=Shown).fault for frame in way._waiting] == [MAKES_ROOM]
    way.hold(is_held=False)
    give("FKF")
    assert waits() == "SIJKF"
