"""The doctor names every fault of a camera (cameras.md 3.6) by one check, and what a camera could do better by none."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.box import Box
from agent.camera.checks import LOOKS
from agent.camera.talk import Look
from agent.camera.watcher import RELEARNS
from agent.config import AgentConfig, CameraConfig
from agent.core.camera_events import MUTE
from agent.core.votes import Standing
from common.clock import Clock
from common.core.camera import View
from common.health import Status
from common.mqtt import MqttConfig
from tests.camera.test_stills import status

BY = {
    View.UNREACHABLE: "E-CAM-03",
    View.LIMIT: "E-CAM-03",
    View.STALLED: "E-CAM-03",
    View.AUTH: "E-CAM-04",
    View.CLOCK: "E-CAM-05",
    View.NO_VIDEO: "E-CAM-06",
    View.FROZEN: "E-CAM-07",
    View.BLACK: "E-CAM-07",
    View.DARK: "E-CAM-07",
    View.BRIGHT: "E-CAM-07",
    View.BLURRED: "E-CAM-07",
    View.COVERED: "E-CAM-07",
    View.MOVED: "E-CAM-07",
}
OK = Standing(View.OK, 1)
NAMING = ("E-CAM-03", "E-CAM-04", "E-CAM-05", "E-CAM-06", "E-CAM-07", "E-CAM-11")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    cameras = [CameraConfig(id="c1", type="onvif", name="大厅东")]
    config = AgentConfig(
        "s01", 1, MqttConfig(host="x"), data_dir=tmp_path, mapping=tmp_path / "none", camera=cameras
    )
    return Box(config, Clock())


async def warned(box: Box, look: Look) -> dict[str, str]:
    """-> what each check that does not pass says."""
    box.status = status(cameras={"c1": look})
    found = {code: await LOOKS[code](box) for code in NAMING}
    return {code: said.detail for code, said in found.items() if said.status is not Status.OK}


@pytest.mark.parametrize("view", [view for view in View if view.is_fault], ids=str)
async def test_each_fault_is_named_by_one_check_with_what_helps(box: Box, view: View) -> None:
    fault = Standing(view, 1)
    is_clock = view is View.CLOCK
    look = Look("c1", 1, OK if is_clock else fault, fault if is_clock else OK, "怎样", "慢 90 秒")
    said = await warned(box, look)
    assert list(said) == [BY[view]]
    assert "大厅东" in said[BY[view]]
    assert view.remedy


async def test_cameras_that_fell_silent_together_are_told_by_what_they_share(box: Box) -> None:
    addresses = ("192.168.1.11", "192.168.1.12:8080", "rtsp://192.168.1.13:554/main")
    box.config.camera[:] = [
        CameraConfig(id=f"c{place}", type="onvif", address=address) for place, address in enumerate(addresses)
    ]
    gone = Look("c", 1, Standing(View.UNREACHABLE, 1), OK)
    box.status = status(cameras={item.id: gone for item in box.config.camera})
    said = await LOOKS["E-CAM-03"](box)
    assert said.remedy.startswith("192.168.1.0/24 的 3 台（c0、c1、c2）同时断开")
    box.status = status(cameras={item.id: gone for item in box.config.camera[:2]})
    assert (await LOOKS["E-CAM-03"](box)).remedy == View.UNREACHABLE.remedy


async def test_a_camera_that_is_learned_anew_is_told_of_and_a_new_one_is_not(box: Box) -> None:
    young = Look("c1", 1, Standing(View.LEARNING, 1), OK)
    assert await warned(box, young) == {}
    said = await warned(box, replace(young, detail=RELEARNS))
    assert list(said) == ["E-CAM-07"]
    assert f"大厅东 学习中（{RELEARNS}）" in said["E-CAM-07"]


async def test_what_could_be_better_is_said_and_is_no_fault(box: Box) -> None:
    now = box.clock.wall()
    look = Look("c1", now, OK, OK, stream="hevc 1920×1080", profiles=1, deaf=MUTE)
    assert await warned(box, look) == {}
    said = await LOOKS["E-CAM-06"](box)
    assert "H.265" in said.detail
    assert "只有一路码流" in said.detail
    assert "大厅东 没有这项服务" in (await LOOKS["E-CAM-11"](box)).detail
    assert "智能编码" not in said.detail
    assert "G.711" not in said.detail
    smart = replace(look, stream="h264 640×360，声音 pcm_alaw", gop_least=1.0, gop_most=3.5)
    assert await warned(box, smart) == {}
    said = await LOOKS["E-CAM-06"](box)
    assert "关键帧间隔在 1.0 至 3.5 秒之间变" in said.detail
    assert "G.711" in said.detail
    await warned(box, replace(smart, gop_least=2.0, gop_most=2.1, stream="h264 640×360，声音 aac"))
    said = await LOOKS["E-CAM-06"](box)
    assert "智能编码" not in said.detail
    assert "G.711" not in said.detail
    refused = replace(look, deaf="摄像机拒绝了 ONVIF 请求")
    assert await warned(box, refused) == {"E-CAM-11": "大厅东：摄像机拒绝了 ONVIF 请求"}
    assert list(await warned(box, replace(refused, view=Standing(View.AUTH, 1)))) == ["E-CAM-04"]


async def test_the_worker_is_told_of_with_its_age_and_what_it_uses(box: Box) -> None:
    look = Look("c1", 1, OK, OK)
    box.status = status(cameras={"c1": look}, camera_pid=1)
    assert "每台每秒用 CPU" in (await LOOKS["E-CAM-02"](box)).detail
    box.status = status(cameras={"c1": look}, camera_pid=2**22 + 1)
    assert (await LOOKS["E-CAM-02"](box)).detail == f"进程 {2**22 + 1}"
