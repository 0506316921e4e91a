"""`[[camera.seat]]`: what is wrong with a region is said by its place, all at once."""

from pathlib import Path

import pytest

from agent import config
from common.core.errors import ConfigError

HEAD = 'site = "s01"\ngeneration = 1\n[mqtt]\nhost = "hall"\n[[camera]]\nid = "c1"\ntype = "file"\npath = "a.mkv"\n'
SEAT = '[[camera.seat]]\nid = "{}"\nbox = {}\nhours = {}\n'


def write(folder: Path, *seats: tuple[str, str, str]) -> Path:
    path = folder / "agent.toml"
    path.write_text(HEAD + "".join(SEAT.format(*item) for item in seats), "utf-8")
    return path


def test_hours_are_minutes_of_the_day(tmp_path: Path) -> None:
    found = config.load(write(tmp_path, ("w1", "[0.1, 0.1, 0.3, 0.5]", '["08:30-12:00", "13:30-17:30"]')))
    assert found.camera[0].seat[0].open_minutes == [(510, 720), (810, 1050)]


def test_every_fault_of_a_seat_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        ("w1", "[0.3, 0.1, 0.3, 0.5]", '["12:00-09:00"]'),
        ("w1", "[0.1, 0.1, 0.3, 0.5]", '["09:00-12:00", "11:00-13:00"]'),
        ("w2", "[0.1, 0.1, 0.3, 0.5]", '["25:00-26:00"]'),
    )
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    said = str(caught.value)
    assert "camera 第1项.seat 第1项.box：应为" in said
    assert "seat 第1项.hours：应为" in said
    assert "seat 第2项.id：与另一个区域相同" in said
    assert "seat 第2项.hours：各段不能重叠" in said
    assert "seat 第3项.hours：应为" in said


def test_a_zone_that_is_turned_and_a_clock_that_hides_the_hall_are_named(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(
        path.read_text("utf-8")
        + "clock_box = [0.0, 0.0, 0.5, 0.5]\nzone = [[0.1, 0.1, 0.2, 0.2], [0.5, 0.1, 0.4, 0.2]]\n",
        "utf-8",
    )
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert "camera 第1项.clock_box：只应框住时钟" in str(caught.value)
    assert "camera 第1项.zone 第2项：应为" in str(caught.value)
    assert "zone 第1项" not in str(caught.value)


def test_an_hour_with_a_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"camera 第1项\.seat：写法不对"):
        config.load(write(tmp_path, ("w1", "[0.1, 0.1, 0.3, 0.5]", '["09:00+08:00-12:00"]')))
