"""What an ONVIF camera says of itself, told to whoever sets it up."""

import re
from pathlib import Path
from urllib.parse import quote

from click.testing import CliRunner, Result

from agent.__main__ import cli
from common.core.errors import MingchaError
from tests.camera import onvif_device
from tests.camera.onvif_device import PASSWORD, USER, Device
from tests.camera.test_clock import CONFIG


def profiles(folder: Path, port: int, camera: str = "c1", password: str = PASSWORD) -> Result:
    (folder / "agent.toml").write_text(CONFIG.format(folder=folder, port=port, user=USER), "utf-8")
    (folder / "camera").write_text(password, "ascii")
    return CliRunner().invoke(cli, ["camera", "profiles", camera, "--config", str(folder / "agent.toml")])


def test_every_stream_is_told_with_its_figures_and_addresses_on_the_host_that_answered(
    tmp_path: Path,
) -> None:
    with onvif_device.running(device := Device()) as port:
        device.is_detailed, device.skew = True, 300.0
        found = profiles(tmp_path, port)
    assert found.exit_code == 0, found
    assert PASSWORD not in found.output
    assert re.sub("快 (300|29[0-9]) 秒", "快 *** 秒", found.output).splitlines() == [
        "c1 Test T1，固件 1，时间快 *** 秒，没有网络对时",
        "✓ p1 main H264，1920×1080，每秒 25 帧，4096 kb/s，关键帧每 50 帧（2.0 秒），检查画面用它",
        "  码流 rtsp://127.0.0.1:554/main",
        "  快照 http://127.0.0.1/snapshot",
        "– p2 sub H264，704×576，每秒 25 帧，512 kb/s，关键帧每 50 帧（2.0 秒），看现场用它",
        "  码流 rtsp://127.0.0.1:554/main/sub",
        "  快照 没有",
    ]
    assert {call for call in device.asked if not call.startswith("Get")} == set(), "nothing is changed"


def test_what_a_camera_does_not_say_is_left_out(tmp_path: Path) -> None:
    address = "rtsp://192.0.2.7:554/user=admin_password=tlJwpbo6_channel=1.sdp?pwd=6&x=1"
    with onvif_device.running(Device(address)) as port:
        found = profiles(tmp_path, port)
    assert found.output.splitlines()[1:] == [
        "✓ p1 main 检查画面用它，看现场用它",
        "  码流 rtsp://127.0.0.1:554/user=admin_password=***_channel=1.sdp?pwd=***&x=1",
        "  快照 没有",
    ]


def test_the_password_is_not_shown_wherever_a_camera_writes_it(tmp_path: Path) -> None:
    secret = "a_b&c/d+e"
    address = f"rtsp://192.0.2.7:554/u=monitor_password={secret}_c=1?key={quote(secret, safe='')}"
    with onvif_device.running(device := Device(address)) as port:
        device.password = secret
        found = profiles(tmp_path, port, password=secret)
    assert found.output.splitlines()[2] == "  码流 rtsp://127.0.0.1:554/u=monitor_password=***_c=1?key=***"


def test_what_a_camera_keeps_of_one_profile_hides_nothing_of_the_rest(tmp_path: Path) -> None:
    """A profile without a picture has no stream, and many cameras give snapshots to their operator alone: no wrong password."""
    with onvif_device.running(device := Device()) as port:
        device.is_detailed = True
        device.kept = {
            ("GetSnapshotUri", "p1"): onvif_device.REFUSED,
            ("GetStreamUri", "p2"): onvif_device.GONE,
        }
        found = profiles(tmp_path, port)
    assert found.exit_code == 0, found.exception
    assert [line for line in found.output.splitlines()[1:] if line.startswith("  ")] == [
        "  码流 rtsp://127.0.0.1:554/main",
        "  快照 没有",
        "  码流 它没有说",
        "  快照 没有",
    ]


def test_a_wrong_password_another_type_and_a_silent_camera_are_told_apart(tmp_path: Path) -> None:
    with onvif_device.running(device := Device()) as port:
        said = [profiles(tmp_path, port, password="wrong"), profiles(tmp_path, port, "c2")]
        device.fault = "no profiles"
        said.append(profiles(tmp_path, port))
    said.append(profiles(tmp_path, port))
    for found, words in zip(said, ("口令不符", "类型是 rtsp", "没有码流配置", "连不上"), strict=True):
        assert isinstance(found.exception, MingchaError), found
        assert words in str(found.exception)
