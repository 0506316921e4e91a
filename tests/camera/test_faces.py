"""The model that the city lays on the box: from its file to the hidden picture, in stills, clips and live; and everything hidden
wherever it does not work. The model here takes magenta for a face (`tiny_model.py`): nobody's trained weights are run.

The face is a poster that hung there while the hall was learned: nothing but a model can tell that it is one.
"""

import hashlib
import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import av
import cv2
import numpy as np
import pytest

from agent.box import Box
from agent.camera import faces, picture, talk
from agent.camera.checks import LOOKS
from agent.camera.clip import Bench, Ring
from agent.camera.commands import _show_model
from agent.camera.faces import Finder
from agent.camera.file import FileCamera
from agent.camera.picture import Colour, Eye
from agent.camera.shown import Painter, Sight
from agent.camera.talk import Given, Look, Setup
from agent.camera.veil import COLUMNS, ROWS, Veil
from agent.config import AgentConfig, CameraConfig, FacesConfig, load
from agent.core import scene
from agent.core.votes import Standing
from common.clock import Clock
from common.core.camera import Mask, View
from common.core.errors import ConfigError
from common.core.instant import MINUTE, SECOND
from common.health import Status
from common.mqtt import MqttConfig
from tests.camera.clips import CLOCK_BOX, HIGH, WIDE, Hall
from tests.camera.test_stills import status
from tests.camera.tiny_model import tiny

ROOT = Path(faces.__file__).parents[2]
POSTER = slice(200, 232), slice(80, 112)
"""Rows and columns."""
ZONE = talk.Box(0.7, 0.8, 0.9, 0.95)


def laid(folder: Path, raw: bytes) -> tuple[Path, str]:
    path = folder / "yunet.onnx"
    path.write_bytes(raw)
    return path, hashlib.sha256(raw).hexdigest()


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Finder:
    found = Finder(*laid(tmp_path_factory.mktemp("model"), tiny()), slow_secs=60)
    assert not found.fault
    return found


def seen(hall: Hall, at: int = 0) -> Colour:
    """The hall without anybody, and the poster."""
    whole = cv2.cvtColor(hall.finish(hall.frame(at, clerk=False), at), cv2.COLOR_GRAY2BGR)
    whole[POSTER] = 250, 5, 250
    for left in (0, 16):  # bands, which no block of 16 keeps
        whole[POSTER][:, left : left + 8] = 120, 5, 250
    return np.asarray(whole, np.uint8)


def grey(whole: Colour) -> picture.Grey:
    return picture.small(np.asarray(cv2.cvtColor(whole, cv2.COLOR_BGR2GRAY), np.uint8))


@pytest.fixture(scope="module")
def hall() -> tuple[Hall, picture.Pattern]:
    hall, eye = Hall(3), Eye([], CLOCK_BOX)
    for at in range(scene.FULL):
        figures, pattern = eye.look(grey(seen(hall, at)))
        eye.learn(figures, pattern)
    return hall, eye.patterns[0]


def still(hall: Hall, pattern: picture.Pattern, finder: Finder | None) -> tuple[Colour, Colour, Mask]:
    """-> (as it is, as it is shown, what of it is hidden)."""
    veil, whole = Veil([ZONE], [], CLOCK_BOX, Mask.PEOPLE, finder), seen(hall)
    veil.look(grey(whole), pattern, SECOND)
    shown, mask = veil.over(whole.copy(), is_sound=True)
    return whole, shown, mask


def stripes(shown: Colour) -> float:
    """How much of the poster's own is to be seen."""
    inner = shown[POSTER][4:-4, 4:-4].astype(np.float32)
    return float(inner.mean(axis=(0, 2)).std())


@pytest.mark.parametrize(("wide", "high"), [(1280, 720), (640, 360), (640, 480), (360, 640)])
def test_a_face_is_found_where_it_is_whatever_the_shape_of_the_picture(
    finder: Finder, wide: int, high: int
) -> None:
    whole, size = np.full((high, wide, 3), 90, np.uint8), max(wide, high) // 20
    left, top = wide // 2, high // 4
    whole[top : top + size, left : left + size] = 250, 5, 250
    found = finder.found(whole)
    assert found
    middle = (left + size / 2) / wide, (top + size / 2) / high
    assert any(box.left < middle[0] < box.right and box.top < middle[1] < box.bottom for box in found)
    assert all(abs((box.left + box.right) / 2 - middle[0]) < 0.1 for box in found)
    assert finder.found(np.full((high, wide, 3), 90, np.uint8)) == []


def test_of_a_still_a_face_that_does_not_move_is_hidden_beside_all_else(
    hall: tuple[Hall, picture.Pattern], finder: Finder
) -> None:
    whole, without, mask = still(*hall, None)
    assert mask is Mask.PEOPLE
    assert (without[POSTER] == whole[POSTER]).all(), "without a model nobody knows"
    whole, shown, mask = still(*hall, finder)
    assert mask is Mask.PEOPLE
    assert stripes(shown) < 3 < 10 < stripes(whole)
    assert (shown[290:340, 460:560] == 64).all(), "the drawn zone as before"
    hidden = (shown != whole).any(axis=2)
    assert np.count_nonzero(hidden) / hidden.size < 0.15, "and not everything"


def recorded(path: Path, hall: Hall) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=5)
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
        stream.options = {"preset": "ultrafast", "x264-params": "keyint=5:min-keyint=5:scenecut=0:bframes=0"}
        for at in range(20):
            frame = av.VideoFrame.from_ndarray(seen(hall, at // 10), format="bgr24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode())
    return path


def clipped(path: Path, pattern: picture.Pattern, finder: Finder | None) -> tuple[list[Colour], Mask]:
    camera, ring = FileCamera(path, is_paced=False), Ring()
    stream, veil = camera.open(), Veil([ZONE], [], CLOCK_BOX, Mask.PEOPLE, finder)
    assert camera._media is not None
    for number, frame in enumerate(camera._media.frames()):
        veil.look(frame.grey, pattern, number * SECOND + 1)
        ring.judged(frame.gop, number * SECOND + 1, pattern, is_known=True, wanted_mono=0)
    made = Bench().make(ring.since(0), stream, veil.for_clip(), plain=False)
    opened: Any
    with av.open(io.BytesIO(made.mp4)) as opened:
        return [frame.to_ndarray(format="bgr24") for frame in opened.decode(video=0)], made.mask


def test_of_a_clip_it_is_hidden_in_every_frame(
    tmp_path: Path, hall: tuple[Hall, picture.Pattern], finder: Finder
) -> None:
    path = recorded(tmp_path / "hall.mkv", hall[0])
    without, mask = clipped(path, hall[1], None)
    assert mask is Mask.PEOPLE
    assert min(map(stripes, without)) > 10
    frames, mask = clipped(path, hall[1], finder)
    assert mask is Mask.PEOPLE
    assert len(frames) >= 10
    assert max(map(stripes, frames)) < 3


def filmed(hall: Hall, pattern: picture.Pattern, finder: Finder | None) -> tuple[list[Colour], set[Mask]]:
    free, mono = np.zeros((ROWS, COLUMNS), np.uint8), Clock().mono() + MINUTE
    sight = Sight(pattern, True, free, mono, [], [], CLOCK_BOX, Mask.PEOPLE, WIDE / HIGH, "", finder)
    painter, decoder = Painter(lambda: sight, Clock(), 2000), av.CodecContext.create("h264", "r")
    shown, masks = list[Colour](), set[Mask]()
    for number in range(12):
        frame = av.VideoFrame.from_ndarray(seen(hall), format="bgr24")
        for made in painter.painted(frame, number / 12.5):
            masks.add(made.mask)
            for each in decoder.decode(av.Packet(made.data)):
                shown.append(np.asarray(each.to_ndarray(format="bgr24"), np.uint8))
    return shown, masks


def test_of_a_live_view_it_is_hidden_from_the_first_frame_on(
    hall: tuple[Hall, picture.Pattern], finder: Finder
) -> None:
    without, masks = filmed(*hall, None)
    assert masks == {Mask.PEOPLE}
    assert min(map(stripes, without[2:])) > 10
    shown, masks = filmed(*hall, finder)
    assert masks == {Mask.PEOPLE}
    assert len(shown) >= 10
    assert max(map(stripes, shown)) < 3


def broken(folder: Path, kind: str) -> tuple[FacesConfig, float]:
    """-> the setting, and how slow is too slow."""
    raw = {"no model": b"no model" * 99, "another model": tiny().replace(b"kps_32", b"kps_99")}.get(
        kind, tiny()
    )
    path, sha256 = laid(folder, raw)
    if kind == "missing":
        path.unlink()
    elif kind == "unreadable":
        path.unlink()
        path.mkdir()
    elif kind == "too large":
        path.write_bytes(bytes(17 * 1024 * 1024))
    elif kind == "changed":
        path.write_bytes(raw + b"\0")
    return FacesConfig(path, sha256), 0.0 if kind == "too slow" else 60.0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("missing", "没有模型文件"),
        ("unreadable", "读不了"),
        ("too large", "太大"),
        ("changed", "不是配置的那一个"),
        ("no model", "不是 OpenCV 能运行的"),
        ("another model", "不是 OpenCV 能运行的"),
        ("too slow", "太慢"),
    ],
)
async def test_where_the_model_does_not_work_everything_is_hidden_and_the_doctor_says_what_helps(
    tmp_path: Path,
    hall: tuple[Hall, picture.Pattern],
    capsys: pytest.CaptureFixture[str],
    kind: str,
    said: str,
) -> None:
    setting, slow_secs = broken(tmp_path, kind)
    assert setting.model is not None
    finder = Finder(setting.model, setting.sha256, slow_secs)
    assert said in finder.fault
    _, shown, mask = still(*hall, finder)
    assert mask is Mask.ALL
    blocks = cv2.resize(shown[40:], (WIDE, HIGH - 40))[: ROWS * 2]
    assert len(np.unique(blocks.reshape(-1, 3), axis=0)) <= COLUMNS * ROWS, "blocks alone"
    _, masks = filmed(*hall, finder)
    assert masks == {Mask.ALL}
    _, mask = clipped(recorded(tmp_path / "hall.mkv", hall[0]), hall[1], finder)
    assert mask is Mask.ALL

    config = AgentConfig(
        "s01", 1, MqttConfig(host="x"), data_dir=tmp_path, mapping=tmp_path / "none",
        camera=[CameraConfig(id="c1", type="file")], faces=setting,
    )  # fmt: skip
    ok = Standing(View.OK, 1)
    looks = {"c1": Look("c1", 1, ok, ok, mask=Mask.ALL, faces=finder.fault)}
    box = Box(config, Clock())
    box.status = status(cameras=looks)
    found = await LOOKS["E-CAM-12"](box)
    assert found.status is Status.FAIL
    assert said in found.detail
    assert (await LOOKS["E-CAM-09"](box)).status is Status.OK, "said once"
    assert _show_model(config, looks) == 1
    assert said in capsys.readouterr().out


async def test_the_doctor_and_the_list_name_the_model_by_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, sha256 = laid(tmp_path, tiny())
    config = AgentConfig(
        "s01", 1, MqttConfig(host="x"), data_dir=tmp_path, mapping=tmp_path / "none",
        camera=[CameraConfig(id="c1", type="file")], faces=FacesConfig(path, sha256),
    )  # fmt: skip
    box, ok = Box(config, Clock()), Standing(View.OK, 1)
    assert (await LOOKS["E-CAM-12"](box)).status is Status.SKIP
    looks = {"c1": Look("c1", 1, ok, ok)}
    box.status = status(cameras=looks)
    found = await LOOKS["E-CAM-12"](box)
    assert found.status is Status.OK
    assert sha256 in found.detail
    assert _show_model(config, looks) == 0
    assert sha256 in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["whole", "no model"])
@pytest.mark.slow
def test_the_process_of_the_cameras_runs_the_model_and_says_what_is_wrong_with_it(
    tmp_path: Path, hall: tuple[Hall, picture.Pattern], kind: str
) -> None:
    setting, _ = broken(tmp_path, kind)
    unknown = Standing(View.UNKNOWN, 0)
    film = recorded(tmp_path / "hall.mkv", hall[0])
    given = Given("c1", "file", str(film), "", "", None, [], unknown, unknown)
    with subprocess.Popen(
        [sys.executable, "-m", "agent.camera.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            setup = Setup([given], model=str(setting.model), model_sha256=setting.sha256)
            worker.stdin.write(talk.framed(setup))
            worker.stdin.flush()
            looks = (said for said in heard(worker.stdout) if isinstance(said, Look))
            said = next(look for look in looks if look.frames)
        finally:
            worker.kill()
    assert said.faces == ("" if kind == "whole" else faces._NO_MODEL)


def heard(pipe: IO[bytes]) -> Iterator[talk.Up]:
    while head := pipe.read(talk.LENGTH):
        yield talk.up_decoder.decode(pipe.read(int.from_bytes(head, "big")))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('model = "yunet.onnx"', "faces.sha256：与 model 须同时填写"),
        (f'sha256 = "{"0" * 64}"', "faces.sha256：与 model 须同时填写"),
        ('model = "yunet.onnx"\nsha256 = "0123"', "faces.sha256"),
    ],
)
def test_a_setting_that_names_no_certain_file_is_refused(tmp_path: Path, lines: str, said: str) -> None:
    path = tmp_path / "agent.toml"
    path.write_text(f'site = "s01"\ngeneration = 1\n[mqtt]\nhost = "x"\n[faces]\n{lines}\n', "utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path)
    assert said in f"{refused.value} {refused.value.hint}"
    path.write_text(path.read_text("utf-8").partition("[faces]")[0], "utf-8")
    assert load(path).faces == FacesConfig()


def test_faces_are_found_in_one_place_and_recognised_in_none() -> None:
    """C12"""
    sources = [
        path
        for folder in ("agent", "central", "common", "provisioning")
        for path in (ROOT / folder).rglob("*.py")
    ]
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sources}
    assert [name for name, text in texts.items() if "FaceDetectorYN" in text] == ["agent/camera/faces.py"]
    assert not [name for name, text in texts.items() if "FaceRecognizer" in text]
    assert not list((ROOT / "agent").rglob("*.onnx"))
