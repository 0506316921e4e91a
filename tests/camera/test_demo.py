"""The demonstration's cameras: what is drawn fits what is configured, and its boxes take the configuration."""

import itertools
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from agent import config
from agent.camera import passwords
from provisioning.demo import prepare, scene

HEAD = 'site = "{}"\ngeneration = 1\n[mqtt]\nhost = "127.0.0.1"\n'


def test_the_clerk_sits_within_the_region_of_the_seat_and_a_cover_hides_the_most() -> None:
    brush = scene._Brush(av, cv2, np)
    vacant, clerk, people, covered = (
        brush._scenes[name](5.0).astype(np.float32) for name in ("vacant", "clerk", "people", "covered")
    )
    differs = np.abs(vacant - clerk).max(axis=2) > 20
    left, top, right, bottom = scene.SEAT
    rows = slice(int(top * scene.HIGH), int(bottom * scene.HIGH))
    columns = slice(int(left * scene.WIDE), int(right * scene.WIDE))
    assert differs[rows, columns].mean() > 0.3
    differs[rows, columns] = False
    assert differs.mean() < 0.02
    assert (np.abs(people - covered).max(axis=2) > 20).mean() > 0.5


@pytest.mark.slow
def test_no_key_frame_is_like_the_one_before_it_though_nobody_moves() -> None:
    """Else the picture counts as standing still, and of the seat nothing can be said."""
    brush = scene._Brush(av, cv2, np)
    keys = [raw for raw, is_key in brush._encoded("vacant") if is_key]
    decoder = av.CodecContext.create("h264", "r")
    packets = [*(av.Packet(raw) for raw in keys), None]
    grey = [frame.to_ndarray(format="gray").astype(int) for one in packets for frame in decoder.decode(one)]
    assert len(grey) == scene.PART_SECS
    apart = [float(np.abs(one - other).mean()) for one, other in itertools.pairwise([*grey, grey[0]])]
    assert min(apart) > 0.3


@pytest.mark.parametrize("port", [0, 5554])
def test_the_boxes_take_what_is_written_for_them(tmp_path: Path, port: int) -> None:
    for site in ("s01", "s16"):
        (tmp_path / "sites" / site).mkdir(parents=True)
        (tmp_path / "sites" / site / "agent.toml").write_text(HEAD.format(site), "utf-8")
    prepare.add_cameras(tmp_path, scene.CAMERAS, port)
    loaded = {site: config.load(tmp_path / "sites" / site / "agent.toml") for site in ("s01", "s16")}
    kinds = {(site, item.id): item.type for site, box in loaded.items() for item in box.camera}
    assert kinds == {
        ("s01", "c1"): "file",
        ("s01", "c2"): "rtsp" if port else "file",
        ("s16", "c1"): "file",
    }
    assert [seat.id for item in loaded["s01"].camera for seat in item.seat] == ["w2"]
    assert (tmp_path / "sites" / "s01" / "data" / "camera-vacant").read_text("utf-8") == "c1"
    password = passwords.found(loaded["s01"])["c2"]
    assert password == (prepare.RTSP_PASSWORD if port else "")
