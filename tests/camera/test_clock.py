"""A camera's clock put right by command: shown first, told to the hall, refused where it would be wrong."""

import re
from pathlib import Path

import msgspec
from click.testing import CliRunner, Result

from agent.__main__ import cli
from agent.camera import asked
from agent.camera.talk import Clocked, Given
from agent.camera.watcher import Post, Watcher
from agent.core.votes import Standing
from common.clock import Clock
from common.core.camera import View
from common.core.errors import MingchaError
from common.core.record import Event
from tests.camera import onvif_device
from tests.camera.onvif_device import PASSWORD, USER, Device
from tests.camera.test_stills import status

CONFIG = """
site = "s01"
generation = 1
data_dir = "{folder}"
[mqtt]
host = "127.0.0.1"
[capture]
secrets_dir = "{folder}"
[[camera]]
id = "c1"
type = "onvif"
address = "127.0.0.1:{port}"
user = "{user}"
password_file = "camera"
[[camera]]
id = "c2"
type = "rtsp"
address = "rtsp://127.0.0.1/main"
"""


def set_time(folder: Path, port: int, *args: str, said: str = "y\n") -> Result:
    (folder / "agent.toml").write_text(CONFIG.format(folder=folder, port=port, user=USER), "utf-8")
    (folder / "camera").write_text(PASSWORD, "ascii")
    line = ["camera", "set-time", *args, "--config", str(folder / "agent.toml")]
    return CliRunner().invoke(cli, line, input=said)


def hint(found: Result) -> str:
    assert isinstance(found.exception, MingchaError), found
    return f"{found.exception}；{found.exception.hint}"


async def test_a_clock_is_put_right_after_the_change_was_shown_and_the_hall_hears_of_it(
    tmp_path: Path,
) -> None:
    told: list[Event] = []

    async def note(event: Event) -> None:
        told.append(event)

    with onvif_device.running(device := Device()) as port:
        device.skew = -3600.0
        found = set_time(tmp_path, port, "c1", said="n\n")
        assert "慢 3,60" in found.output
        assert device.skew == -3600.0, "a person says yes first"
        assert asked.taken(tmp_path) == []
        found = set_time(tmp_path, port, "c1")
        assert (found.exit_code, abs(device.skew) < 2) == (0, True), found.output
        assert asked.taken(tmp_path) == [Clocked("c1")]
        await asked.tell(note, tmp_path)
        await asked.tell(note, tmp_path)
        ((name, detail),) = [(event.name, event.detail) for event in told]
        assert name == "camera.clock_set"
        assert re.fullmatch("c1：原来慢 3,60[01] 秒，改后时间准", detail)
        found = set_time(tmp_path, port, "c1", said="")
        assert (found.exit_code, device.asked.count("SetSystemDateAndTime")) == (0, 1), "nothing to do"


async def test_an_account_that_may_only_look_is_refused_and_the_hall_hears_of_the_try(tmp_path: Path) -> None:
    with onvif_device.running(device := Device()) as port:
        device.skew, device.may_set = 90.0, False
        found = set_time(tmp_path, port, "c1")
        assert "--user" in hint(found)
        assert (
            (tmp_path / asked.CLOCK_SET)
            .read_text("utf-8")
            .startswith(("c1：快 90 秒，没有改成", "c1：快 89 秒，没有改成"))
        )
        device.may_set = True
        assert set_time(tmp_path, port, "c1", "--user", USER, said=f"{PASSWORD}\ny\n").exit_code == 0
        assert abs(device.skew) < 2


def test_the_time_is_the_halls_and_a_box_that_is_far_off_puts_no_camera_right(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    with onvif_device.running(device := Device()) as port:
        device.skew = 600.0
        path.write_bytes(msgspec.json.encode(status(at_wall=Clock().wall(), offset_us=-20_000_000)))
        assert set_time(tmp_path, port, "c1", "--yes").exit_code == 0
        assert -22 < device.skew < -18
        path.write_bytes(msgspec.json.encode(status(at_wall=Clock().wall(), offset_us=40_000_000)))
        assert "本机时钟与市中心差 40 秒" in hint(set_time(tmp_path, port, "c1", "--yes"))
        assert -22 < device.skew < -18
        assert "rtsp" in hint(set_time(tmp_path, port, "c2"))


def test_a_clock_that_was_put_right_is_looked_at_at_once_and_else_once_an_hour() -> None:
    ok = Standing(View.OK, 1)
    with onvif_device.running(device := Device()) as port:
        watcher = Watcher(
            Given("c1", "onvif", f"127.0.0.1:{port}", USER, PASSWORD, None, [], ok, ok), Post(), Clock()
        )
        said = []
        for device.skew, watcher.is_clocked in ((90.0, True), (90.0, True), (0.0, False), (0.0, True)):
            watcher._ask_clock()
            said.append(watcher._skewed.view)
    assert said == [View.OK, View.CLOCK, View.CLOCK, View.OK], "the first is the connection's own"
