"""One contract over every kind of camera, and what an RTSP camera and an ONVIF device can do wrong."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from agent.camera import media, worker
from agent.camera.base import Camera, LineError
from agent.camera.device import Device as Asked
from agent.camera.file import FileCamera
from agent.camera.onvif import OnvifCamera
from agent.camera.rtsp import RtspCamera
from agent.camera.sound import RATE, Voice
from common.clock import Clock
from common.core.camera import View
from tests.camera import clips, onvif_device, rude
from tests.camera.clips import Hall
from tests.camera.onvif_device import PASSWORD, USER, Device
from tests.camera.servers import RtspServer


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.record(tmp_path_factory.mktemp("clip") / "usual.h264", Hall(1), clips.usual, 4)


@pytest.fixture
def server(clip: Path) -> Iterator[RtspServer]:
    made = RtspServer(clip)
    yield made
    made.stop()


@contextmanager
def onvif(server: RtspServer, device: Device | None = None) -> Iterator[tuple[Device, str]]:
    device = device or Device()
    device.stream = f"rtsp://192.0.2.7:{server.port}/main"
    with onvif_device.running(device) as port:
        yield device, f"127.0.0.1:{port}"


def rtsp(server: RtspServer, password: str = PASSWORD, path: str = "main") -> RtspCamera:
    return RtspCamera(f"rtsp://127.0.0.1:{server.port}/{path}", USER, password)


def keeps_the_contract(camera: Camera) -> None:
    """Opened twice, read, closed twice, opened again: the same stream, key frames with the bytes between them."""
    first = camera.open()
    assert (first.codec, first.width, first.height) == ("h264", clips.WIDE, clips.HIGH)
    assert camera.open() == first
    frames = camera.frames()
    seen = [next(frames) for _ in range(2)]
    assert all(frame.grey.shape == (180, 320) and frame.grey.std() > 10 for frame in seen)
    assert all(frame.bytes > 1000 and frame.corrupt == 0 for frame in seen)
    camera.close()
    camera.close()
    assert camera.open() == first
    camera.close()


def _read(camera: Camera) -> None:
    camera.open()
    for _ in camera.frames():
        pass


def fails(camera: Camera, within_secs: float = 11.0) -> LineError:
    began = time.monotonic()
    with pytest.raises(LineError) as caught:
        _read(camera)
    assert time.monotonic() - began < within_secs
    text = f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"
    assert PASSWORD not in text
    assert "Bao%3AMi" not in text
    return caught.value


def test_a_file_is_a_camera(clip: Path, tmp_path: Path) -> None:
    keeps_the_contract(FileCamera(clip, is_paced=False))
    assert FileCamera(clip).skew(again=True) is None
    assert fails(FileCamera(tmp_path / "none.h264")).view is View.UNREACHABLE
    (tmp_path / "text.h264").write_text("no video" * 1000)
    assert fails(FileCamera(tmp_path / "text.h264")).view is View.NO_VIDEO


@pytest.mark.service
def test_an_rtsp_camera_and_all_its_faults(server: RtspServer) -> None:
    """C18 beside: no password in any error."""
    keeps_the_contract(rtsp(server))
    assert fails(rtsp(server, password="wrong")).view is View.AUTH
    assert fails(rtsp(server, path="nowhere")).view is View.NO_VIDEO
    camera = rtsp(server)
    assert camera.open().audio == "pcm_alaw"
    server.say("limit 1")
    assert fails(rtsp(server)).view is View.LIMIT
    server.say("stall 1")
    with pytest.raises(LineError) as caught:
        for _ in camera.frames():
            pass
    assert caught.value.view is View.STALLED
    camera.close()
    server.stop()
    assert fails(rtsp(server)).view is View.UNREACHABLE


@pytest.mark.service
def test_the_key_frame_that_a_camera_sends_first_is_seen(server: RtspServer) -> None:
    """Else the first live picture is the next one's, a group of pictures later."""
    camera = rtsp(server)
    media = camera.whole()
    first = next(packet for packet in media.packets() if packet.stream.type == "video")
    assert first.is_keyframe
    assert [(frame.width, frame.height) for frame in first.decode()] == [(clips.WIDE, clips.HIGH)]
    media.close()


@pytest.mark.service
@pytest.mark.parametrize(("sound", "codec", "rate"), [("aac", "aac", 16000), ("g711", "pcm_alaw", RATE)])
def test_sound_in_aac_passes_untouched_and_any_other_is_made_aac(
    clip: Path, sound: str, codec: str, rate: int
) -> None:
    """What comes out is decoded again: the tone that the camera plays."""
    server = RtspServer(clip, sound=sound)
    try:
        media = rtsp(server).whole()
        assert media.stream.audio == codec
        voice = Voice(media.audio)
        assert (voice.sound.rate, voice.sound.channels, voice.sound.codec) == (rate, 1, "mp4a.40.2")
        decoder: Any = av.CodecContext.create("aac", "r")
        decoder.extradata = voice.sound.config
        heard, untouched = list[float](), set[bool]()
        for packet in media.packets():
            if packet.stream.type == "audio":
                for piece in voice.pieces(packet):
                    untouched.add(piece.data == bytes(packet))
                    for frame in decoder.decode(av.Packet(piece.data)):
                        heard.extend(frame.to_ndarray()[0])
            if len(heard) > 2 * rate:
                break
        media.close()
    finally:
        server.stop()
    assert untouched == {sound == "aac"}
    tone = np.abs(np.fft.rfft(np.asarray(heard[-rate:])))
    assert abs(int(tone[1:].argmax()) + 1 - 440) <= 2


def test_no_page_and_no_refusal_is_read_without_end() -> None:
    """C12: the camera's process keeps its memory whatever an ONVIF device pours out."""
    with onvif_device.running(device := Device()) as port:
        address = f"127.0.0.1:{port}"
        device.fault = "endless page"
        asked = Asked(address, USER, PASSWORD, Clock())
        asked.measure()
        assert asked.skew is not None
        assert abs(asked.skew) < 2, "the date is in the head"
        device.fault, device.mode = "endless refusal", "digest"
        assert fails(OnvifCamera(address, USER, PASSWORD, Clock())).view is View.UNREACHABLE
        assert device.poured < onvif_device.MOST_POURED


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_size(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When it is said, and where it grows in the midst of a stream: the decoder is told."""
    monkeypatch.setattr(media, "MOST_PIXELS", clips.WIDE * clips.HIGH - 1)
    error = fails(FileCamera(clip))
    assert (error.view, error.detail) == (View.NO_VIDEO, f"画面太大：{clips.WIDE}×{clips.HIGH}")
    monkeypatch.setattr(media, "MOST_PIXELS", clips.WIDE * clips.HIGH)
    camera = FileCamera(clip)
    assert camera.open().width == clips.WIDE
    camera.close()


def test_the_process_of_the_cameras_may_take_what_large_pictures_take() -> None:
    """Measured with PyAV 18: H.265 of 3840 x 2160 takes 71 MB a camera beside three others, H.264 46. Else four of them ended it,
    and with it every camera of the site, again and again."""
    large, usual = 3840 * 2160, 1920 * 1080
    assert worker.allowed_mb([large] * 4, 0, has_model=False) > 62 + 4 * (71 + 12) + 20
    assert worker.allowed_mb([usual] * 8, 0, has_model=False) < 600
    assert worker.allowed_mb([0], 0, has_model=True) == worker.allowed_mb([0], 2, has_model=False)


def test_a_camera_at_the_end_of_the_calendar_is_a_camera_with_a_wrong_clock() -> None:
    with onvif_device.running(device := Device()) as port:
        device.now = lambda: datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # type: ignore[method-assign]
        asked = Asked(f"127.0.0.1:{port}", USER, PASSWORD, Clock())
        asked.measure()
        time.sleep(1.1)
        with pytest.raises(LineError):
            asked.asked("devicemgmt", asked.url, "GetDeviceInformation")


@pytest.mark.service
def test_an_onvif_camera_with_any_clock_and_any_authentication(server: RtspServer) -> None:
    """C5: "wrong password" is never said of a clock fault."""
    modes: list[onvif_device.Mode] = ["plain", "digest", "no anonymous time"]
    with onvif(server) as (device, address):
        keeps_the_contract(OnvifCamera(address, USER, PASSWORD, Clock()))
        for device.mode in modes:
            for device.skew in (-365 * 86400.0, -1_782_000_000.0, 40.0, 3600.0):
                camera = OnvifCamera(address, USER, PASSWORD, Clock())
                assert camera.open().maker == "Test T1"
                skew = camera.skew(again=False)
                camera.close()
                assert skew is not None
                assert abs(skew - device.skew) < 2
            assert fails(OnvifCamera(address, USER, "wrong", Clock())).view is View.AUTH


def test_what_an_onvif_device_can_answer() -> None:
    """Each ends in its time, and says what it is."""
    with onvif_device.running(device := Device()) as port:
        expected: dict[onvif_device.Fault, View] = {
            "silent": View.UNREACHABLE,
            "endless": View.UNREACHABLE,
            "huge": View.UNREACHABLE,
            "garbage": View.UNREACHABLE,
            "html": View.UNREACHABLE,
            "busy": View.LIMIT,
            "no profiles": View.NO_VIDEO,
            "no uri": View.NO_VIDEO,
        }
        for device.fault, view in expected.items():
            camera = OnvifCamera(f"127.0.0.1:{port}", USER, PASSWORD, Clock())
            assert fails(camera).view is view, device.fault
        device.fault = ""
        for device.stream in ("rtsp://192.0.2.7:99999/main", "rtsp://[192.0.2.7/main"):
            assert fails(OnvifCamera(f"127.0.0.1:{port}", USER, PASSWORD, Clock())).view is View.NO_VIDEO


@pytest.mark.parametrize(
    ("status", "said", "view"),
    [
        (401, "内部错误", View.AUTH),
        (500, "用户名或密码错误", View.AUTH),
        (400, "鉴权失败", View.AUTH),
        (500, "该用户已锁定，请 30 分钟后重试", View.AUTH),
        (500, "内部错误", View.NO_VIDEO),
        (503, "系统忙", View.LIMIT),
    ],
)
def test_a_refusal_in_the_cameras_own_words_is_one(status: int, said: str, view: View) -> None:
    """Not every camera has ONVIF's own code in it; and none of its words is shown, which may hold anything."""
    with onvif_device.running(device := Device()) as port:
        device.refusal = status, onvif_device.IN_CHINESE.format(said)
        error = fails(OnvifCamera(f"127.0.0.1:{port}", USER, "wrong", Clock()))
    assert error.view is view
    assert said not in str(error)


def test_an_rtsp_camera_that_answers_nothing_noise_or_without_end_ends_in_its_time() -> None:
    """C4 beside: four at once, each in its own thread, each within its own limits and with a first cause."""
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        ports = [stack.enter_context(rude.running(manner)) for manner in rude.MANNERS]
        cameras = [RtspCamera(f"rtsp://127.0.0.1:{port}/main", USER, PASSWORD) for port in ports]
        said = dict(zip(rude.MANNERS, (error.view for error in pool.map(fails, cameras)), strict=True))
    assert said["mute"] is said["hung"] is View.UNREACHABLE
    assert {said["garbage"], said["endless"]} <= {View.UNREACHABLE, View.NO_VIDEO}


def test_a_camera_that_takes_a_connection_and_never_answers_is_unreachable_in_time() -> None:
    """C4 beside: the limit is each camera's own, in its own thread."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        address = f"127.0.0.1:{hole.getsockname()[1]}"
        with ThreadPoolExecutor(2) as pool:
            cameras = (
                RtspCamera(f"rtsp://{address}/main", USER, PASSWORD),
                OnvifCamera(address, USER, PASSWORD, Clock()),
            )
            assert [error.view for error in pool.map(fails, cameras)] == [View.UNREACHABLE, View.UNREACHABLE]
