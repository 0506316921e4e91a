"""The cameras' process as it sends live: films beside each other, one that breaks, a zone that is drawn, a word nobody understands."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import av
import msgspec
import numpy as np
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from agent.camera import talk
from agent.camera.base import LineError, Stream
from agent.camera.file import FileCamera
from agent.camera.media import Media
from agent.camera.outward import Way
from agent.camera.projector import NO_ROOM, Projector, Source
from agent.camera.shown import Sight
from agent.camera.talk import Box, Films, Given, Redraw, Setup
from agent.camera.watcher import Post, Watcher
from agent.camera.worker import DEAF
from agent.core.votes import Standing
from common.clock import Clock
from common.core.camera import Mask, View
from common.core.live import Kind, Shown, unpacked
from tests.camera.test_live import PLACE, SHAPE, filmed, recorded, shown


class Failing(FileCamera):
    """A recording that cannot be opened at first."""

    def __init__(self, path: Path, error: Exception) -> None:
        super().__init__(path)
        self.tries, self._error = 0, error

    def whole(self) -> Media:
        self.tries += 1
        if self.tries == 1:
            raise self._error
        return super().whole()


def test_a_film_that_its_stream_broke_begins_anew_and_a_refused_password_is_not_tried_again_at_once(
    tmp_path: Path,
) -> None:
    path = recorded(tmp_path / "h264.mkv", "libx264")
    broken = filmed(path, plain=True, camera=Failing(path, ValueError("another sound than before")))
    assert "不能处理" in shown(broken)[0].fault
    assert any(one.kind is Kind.KEY for one in broken)
    refused = Failing(path, LineError(View.AUTH, "摄像机不接受这个账号或口令"))
    assert {one.kind for one in filmed(path, plain=True, camera=refused)} == {Kind.STATE}
    assert refused.tries == 1


def test_nobody_who_looks_tells_a_camera_a_password_that_it_has_refused(tmp_path: Path) -> None:
    """A wall takes turns every twenty seconds: each would be a try."""
    path = recorded(tmp_path / "h264.mkv", "libx264")
    camera = Failing(path, LineError(View.UNREACHABLE, "连不上"))
    sight = Sight(None, False, None, 0, [], [], None, Mask.PEOPLE, SHAPE, "", is_refused=True)
    sent = filmed(path, plain=True, camera=camera, sights=[sight])
    assert [shown(sent)[0].fault, camera.tries] == ["口令不符", 0]


def told(path: Path) -> Given:
    unknown = Standing(View.UNKNOWN, 0)
    return Given("c1", "file", str(path), "", "", None, [], unknown, unknown, mask=Mask.CAMERA)


def test_one_camera_is_sent_masked_and_as_it_is_beside_each_other_and_no_certificate_stops_nothing(
    tmp_path: Path,
) -> None:
    path = recorded(tmp_path / "h264.mkv", "libx264")
    blind = Sight(None, False, None, 0, [], [], None, Mask.PEOPLE, SHAPE, "")
    source = Source(told(path), lambda: FileCamera(path), lambda: blind)
    projector, nobody = Projector({"c1": source}, Clock()), "ws://127.0.0.1:9/media"
    both = [talk.Film("c1", nobody, b"dial", 400, is_plain) for is_plain in (False, True)]
    projector.show(Films([talk.Film("c1", PLACE, b"dial", 400)], 0))
    assert not projector._running, "an encrypted line, and no certificate for it"
    projector.show(Films(both, 0))
    films = {order.plain: film for order, _, film in projector._running.values()}
    assert films.keys() == {False, True}
    assert not any(film is None or film.is_over for film in films.values())
    projector.show(Films(both[1:], 0))
    assert [order.plain for order, _, _ in projector._running.values()] == [True]
    assert projector._running["c1", True][2] is films[True], "who looks on loses nothing"
    projector.show(Films([], 0))
    assert not projector._running


_FIRST_LOOK = """
import sys, threading
from pathlib import Path
from agent.camera import talk
from agent.camera.file import FileCamera
from agent.camera.projector import Projector, Source
from agent.camera.shown import Sight
from agent.core.votes import Standing
from common.clock import Clock
from common.core.camera import Mask, View

path, unknown, opened = sys.argv[1], Standing(View.UNKNOWN, 0), threading.Event()

class Loading:
    def find_spec(self, name, path=None, target=None):
        if name == "aiohttp" and not opened.wait(20):
            raise SystemExit("the camera stays closed while the way out is loaded")

class Seen(FileCamera):
    def whole(self):
        opened.set()
        return super().whole()

sys.meta_path.insert(0, Loading())
given = talk.Given("c1", "file", path, "", "", None, [], unknown, unknown, mask=Mask.CAMERA)
sight = Sight(None, False, None, 0, [], [], None, Mask.PEOPLE, 1.0, "")
projector = Projector({"c1": Source(given, lambda: Seen(Path(path)), lambda: sight)}, Clock())
projector.show(talk.Films([talk.Film("c1", "ws://127.0.0.1:9/media", b"dial", 400)], 0))
_, way, film = projector._running["c1", False]
assert way.film is film and not film.is_over
"""


def test_the_first_look_opens_the_camera_while_the_way_out_is_loaded(tmp_path: Path) -> None:
    """In a process of its own: only there nothing is loaded yet."""
    path = recorded(tmp_path / "h264.mkv", "libx264")
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_LOOK, str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_another_share_of_the_line_leaves_a_film_alone(tmp_path: Path) -> None:
    """Else every other camera of the site stands still whenever somebody opens one more."""
    path = recorded(tmp_path / "h264.mkv", "libx264")
    blind = Sight(None, False, None, 0, [], [], None, Mask.PEOPLE, SHAPE, "")
    projector = Projector({"c1": Source(told(path), lambda: FileCamera(path), lambda: blind)}, Clock())
    order = talk.Film("c1", "ws://127.0.0.1:9/media", b"dial", 700)
    projector.show(Films([order], 0))
    _, way, film = projector._running["c1", False]
    projector.show(Films([replace(order, kbps=350)], 0))
    assert projector._running["c1", False][1:] == (way, film)
    assert film is not None
    assert film.kbps == 350
    projector.show(Films([replace(order, dial=b"another ticket")], 0))
    assert projector._running["c1", False][2] is not film
    projector.show(Films([replace(order, kbps=0)], 0))
    assert projector._running["c1", False][2] is None, "the camera is not even opened"
    projector.show(Films([], 0))


async def test_what_the_line_has_no_room_for_is_said_and_the_camera_stays_closed(tmp_path: Path) -> None:
    got: list[bytes] = []

    async def hall(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        got.append(await socket.receive_bytes())
        got.append(await socket.receive_bytes())
        return socket

    app = web.Application()
    app.router.add_get("/media", hall)
    path = tmp_path / "away.mkv"
    blind = Sight(None, False, None, 0, [], [], None, Mask.PEOPLE, SHAPE, "")
    projector = Projector({"c1": Source(told(path), lambda: FileCamera(path), lambda: blind)}, Clock())
    async with TestServer(app) as server:
        for fault in ("", "连不上"):
            film = talk.Film("c1", str(server.make_url("/media")), b"dial", 0, fault=fault)
            projector.show(Films([film], 0))
            due = len(got) + 2
            async with asyncio.timeout(20):
                while len(got) < due:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        projector.show(Films([], 0))
    assert got[0] == got[2] == b"dial"
    said = [msgspec.json.decode(unpacked(item).payload, type=Shown).fault for item in (got[1], got[3])]
    assert said == [NO_ROOM, "连不上"]


def test_a_zone_is_hidden_from_the_moment_it_is_drawn_though_nothing_is_examined(tmp_path: Path) -> None:
    watcher = Watcher(told(tmp_path / "away.mkv"), Post(), Clock())
    assert watcher.sight().zones == []
    watcher.redraw = Redraw("c1", [Box(0.0, 0.0, 0.5, 0.5)], {"w1": Box(0.5, 0.5, 1.0, 1.0)})
    assert watcher.sight().zones == [Box(0.0, 0.0, 0.5, 0.5)]
    assert watcher.sight().seats == [Box(0.5, 0.5, 1.0, 1.0)]


async def test_a_hall_that_refuses_is_asked_more_and_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[bytes] = []

    async def refuse(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        dialled.append(await socket.receive_bytes())
        await socket.close(code=aiohttp.WSCloseCode.POLICY_VIOLATION)
        return socket

    monkeypatch.setattr("random.random", lambda: 0.999)
    app = web.Application()
    app.router.add_get("/media", refuse)
    async with TestServer(app) as server:
        way = Way(
            talk.Film("c1", str(server.make_url("/media")), b"dial", 400), None, asyncio.get_running_loop()
        )
        dialling = asyncio.create_task(way.run())
        await asyncio.sleep(5.1)
        dialling.cancel()
    assert dialled == [b"dial"] * 2, "after one second, then after two"


class Odd(FileCamera):
    """Does what nobody expects, once; whoever asks again is ended."""

    opened = 0

    def open(self) -> Stream:
        self.opened += 1
        if self.opened == 1:
            raise ValueError("Port out of range 0-65535")
        raise SystemExit


class Hearing(Post):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[talk.Up] = []

    def say(self, said: talk.Up) -> None:
        self.said.append(said)


def test_what_nobody_expects_of_a_camera_is_its_own_fault_and_no_other_suffers(tmp_path: Path) -> None:
    """Else its thread is gone, and after a minute the whole process with every other camera."""
    post = Hearing()
    watcher = Watcher(told(tmp_path / "c1.mkv"), post, Clock())
    watcher._camera = odd = Odd(tmp_path / "c1.mkv")
    with pytest.raises(SystemExit):
        watcher.run()
    assert odd.opened == 2
    views = [said.view.view for said in post.said if isinstance(said, talk.Look)]
    assert views[-1] is View.NO_VIDEO


class Once(FileCamera):
    """A recording that is played once, as fast as it is read; whoever opens it again is ended."""

    opened = 0

    def open(self) -> Stream:
        self.opened += 1
        if self.opened == 2:
            raise SystemExit
        return super().open()


class Hasty(Once):
    """Opened before its size was known."""

    def open(self) -> Stream:
        return replace(super().open(), width=0, height=0)

    def whole(self) -> Media:
        media = super().whole()
        media.stream = replace(media.stream, width=0, height=0)
        return media


def test_a_stream_that_was_opened_in_haste_has_the_size_of_its_pictures(tmp_path: Path) -> None:
    """Else its shape is another one than the live stream's, and everything stays hidden; a browser gets a picture without size."""
    path = recorded(tmp_path / "h264.mkv", "libx264")
    watcher = Watcher(told(path), Post(), Clock())
    watcher._post = post = Hearing()
    watcher._camera = Hasty(path, is_paced=False)
    with pytest.raises(SystemExit):
        watcher.run()
    assert watcher.sight().shape == pytest.approx(16 / 9)
    assert [said.stream for said in post.said if isinstance(said, talk.Look)][-1] == "h264 128×72"
    frames = filmed(path, plain=True, camera=Hasty(path))
    assert {(item.wide, item.high) for item in shown(frames)} == {(128, 72)}


def keyed(path: Path, at: Sequence[int]) -> Path:
    """Ten frames a second, key frames at these places alone."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 128, 72, "yuv420p"
        stream.options = {"preset": "ultrafast", "g": "1000", "sc_threshold": "0", "forced-idr": "1"}
        for number in range(at[-1] + 1):
            noise = np.random.default_rng(number).integers(0, 255, (72, 128, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(noise, format="bgr24").reformat(format="yuv420p")
            frame.pts = number
            if number in at:
                frame.pict_type = av.video.frame.PictureType.I
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("gaps", "least", "most"), [([10] * 13, 1.0, 1.0), ([10, 30] * 7, 1.0, 3.0), ([10, 30], 0.0, 0.0)]
)
def test_how_even_a_cameras_key_frames_come_is_told_once_there_are_enough(
    tmp_path: Path, gaps: list[int], least: float, most: float
) -> None:
    """By it the doctor names a camera that codes as it pleases ("smart")."""
    path = keyed(tmp_path / "smart.mkv", [0, *itertools.accumulate(gaps)])
    post = Hearing()
    watcher = Watcher(told(path), post, Clock())
    watcher._camera = Once(path, is_paced=False)
    with pytest.raises(SystemExit):
        watcher.run()
    last = [said for said in post.said if isinstance(said, talk.Look)][-1]
    assert (last.gop_least, last.gop_most) == pytest.approx((least, most), abs=0.05)


def test_a_process_that_does_not_understand_a_word_ends_and_is_not_deaf_for_ever() -> None:
    """Else no zone that is drawn would reach it any more, and nothing would end it."""
    with subprocess.Popen(
        [sys.executable, "-m", "agent.camera.worker"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as worker:  # fmt: skip
        assert worker.stdin is not None
        worker.stdin.write(talk.framed(Setup([])) + b"\0\0\0\1\xc1")
        worker.stdin.flush()
        try:
            assert worker.wait(60) == DEAF
        finally:
            worker.kill()
