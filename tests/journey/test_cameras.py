"""Five cameras of one site, from the box to the hall's page: each stands as it is, and none of them touches the cases."""

import asyncio
import os
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
from sqlalchemy import select

from central.config import load as load_central
from central.store import commands, stills
from central.store import tables as t
from central.store.engine import look
from central.store.stills import Line, Wanted
from common.core import media
from common.core.camera import Mask, Occasion, View
from tests.camera import clips, onvif_device
from tests.camera.clips import Hall
from tests.camera.onvif_device import PASSWORD, USER, Device
from tests.camera.servers import RtspServer
from tests.journey.scene import Place, command, finds, scene, until
from tests.journey.together import together

pytestmark = pytest.mark.service
WAIT_SECS = 240.0
SITE = "s01"


def configure(place: Place, folder: Path, address: str) -> None:
    blocks = [
        f'id = "c1"\nname = "大厅东"\ntype = "file"\npath = "{folder / "c1.mkv"}"\nclock_box = [0.0, 0.0, 0.34, 0.1]\nzone = [[0.8, 0.8, 1.0, 1.0]]\n[[camera.seat]]\nid = "w1"\nbox = [0.4, 0.28, 0.62, 0.72]',
        'id = "c2"\ntype = "rtsp"\naddress = "rtsp://127.0.0.1:9/main"',
        f'id = "c3"\ntype = "onvif"\naddress = "{address}"\nuser = "{USER}"\npassword_file = "nowhere"',
        f'id = "c4"\ntype = "onvif"\naddress = "{address}"\nuser = "{USER}"\npassword_file = "camera"',
        f'id = "c5"\ntype = "file"\npath = "{folder / "text.mkv"}"',
    ]
    (folder / "text.mkv").write_text("no video", "ascii")
    (folder / "camera").write_text(PASSWORD + "\n", "ascii")
    text = place.agent.config.read_text("utf-8")
    cameras = "".join(f"[[camera]]\n{block}\n" for block in blocks)
    text = text.replace("[capture]\n", f'[capture]\nnight = ""\nsecrets_dir = "{folder}"\n')
    place.agent.config.write_text(text + cameras, "utf-8")


async def views(place: Place) -> dict[str, list[str]]:
    """What the hall was told of each camera's picture, one after another."""
    row = t.camera_state.c
    query = select(t.camera_state).where(row.aspect == "view").order_by(row.camera, row.cap_at, row.seq)
    found: dict[str, list[str]] = {}
    async with look(load_central(place.hall.config).database_url) as conn:
        for item in await conn.execute(query):
            found.setdefault(item.camera, []).append(item.view)
    return found


async def stands(place: Place, **expected: View) -> None:
    async def do() -> bool:
        found = await views(place)
        return all(found.get(name, [""])[-1] == view.value for name, view in expected.items())

    try:
        await until(f"cameras stand as {expected}", do, WAIT_SECS)
    except AssertionError as error:
        error.add_note(f"{await views(place)}\n{place.agent.status()}\n{place.agent.log[-3000:]}")
        raise


@together
async def test_cameras_from_the_box_to_the_hall_and_a_killed_worker_beside_the_cases() -> None:
    async with scene(start=False) as place:
        folder = place.agent.folder
        hall = Hall(1)
        usual = clips.record(folder / "usual.h264", hall, clips.usual, 4)
        clips.record(folder / "c1.mkv", hall, clips.usual, 12, fps=4)
        clips.record(folder / "covered.mkv", hall, clips.FAULTS["60 % covered"][1], 12, fps=4)
        server, device = await asyncio.to_thread(RtspServer, usual), Device()
        device.stream, device.skew = f"rtsp://192.0.2.7:{server.port}/main", -86_400.0
        try:
            with onvif_device.running(device) as port:
                configure(place, folder, f"127.0.0.1:{port}")
                await place.start()
                await watched(place, folder)
        finally:
            server.stop()


def listening(pid: int) -> list[str]:
    """Addresses at which a process listens, by the kernel's own books."""
    held = {str(item.readlink()) for item in Path(f"/proc/{pid}/fd").iterdir() if item.is_symlink()}
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{name}").read_text("ascii").splitlines()[1:]
    ]
    return [words[1] for words in lines if words[3] == "0A" and f"socket:[{words[9]}]" in held]


async def shown(place: Place, occasion: Occasion, *, clip: bool = False) -> list[Line]:
    """Stills, or clips, of the first camera whose bodies have reached the hall."""
    wanted = Wanted((SITE,), camera="c1", occasion=occasion.value)
    async with look(load_central(place.hall.config).database_url) as conn:
        found = await stills.listed(conn, wanted, 10)
    return [line for line in found if line.is_here and bool(line.millis) is clip]


async def ordered(place: Place) -> None:
    """P-MEDIA-01: a still by order, from the camera to the hall's database, named by the chain of its box."""
    config = ("--config", str(place.hall.config))
    why = ("--why", "核对遮挡")
    code, *_ = await command("mingcha", "command", "send", SITE, "still", "--camera", "c1", *why, *config)
    assert code == 0
    (still,) = await until("the still that was ordered", lambda: shown(place, Occasion.ORDER), WAIT_SECS)
    assert (still.wide, still.high, still.camera_at) == (clips.WIDE, clips.HIGH, None)
    async with look(load_central(place.hall.config).database_url) as conn:
        jpeg = await stills.body(conn, still.site, still.sha256)
        rows = await commands.listed(conn, SITE, 1)
    assert jpeg is not None
    assert (media.digest(jpeg), len(jpeg)) == (still.sha256, still.size)
    assert (rows[0].outcome, rows[0].detail) == ("done", still.sha256.hex())
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert np.ptp(picture[300:, 530:]) < 12, "the drawn zone is filled"
    code, *_ = await command(
        "mingcha", "command", "send", SITE, "still", "--camera", "c1", "--clip", *why, *config
    )
    assert code == 0
    (cut,) = await until(
        "the clip that was ordered", lambda: shown(place, Occasion.ORDER, clip=True), WAIT_SECS
    )
    async with look(load_central(place.hall.config).database_url) as conn:
        mp4 = await stills.body(conn, cut.site, cut.sha256)
    assert mp4 is not None
    assert (media.digest(mp4), mp4[4:8]) == (cut.sha256, b"ftyp")
    assert 8_000 <= cut.millis <= 20_000
    assert cut.mask is not Mask.NONE
    await until("an empty spool", lambda: not list((place.agent.folder / "data" / "stills").glob("*")))


async def watched(place: Place, folder: Path) -> None:
    await stands(place, c1=View.OK, c2=View.UNREACHABLE, c3=View.AUTH, c4=View.OK, c5=View.NO_VIDEO)
    await ordered(place)
    report = await finds(place.agent, "E-CAM-03", "E-CAM-04", "E-CAM-05", "E-CAM-06", "E-CAM-08")
    assert "大厅东 w1：还没有学过" in report.checks["E-CAM-08"]["detail"]
    assert "c4 慢 86" in report.checks["E-CAM-05"]["detail"]
    assert report.checks["E-CAM-01"]["status"] == "ok"
    assert report.verdict == "attention"

    async with look(load_central(place.hall.config).database_url) as conn:
        sat = (await conn.execute(select(t.seat_state))).all()
    assert {(row.camera, row.region, row.seat) for row in sat} == {("c1", "w1", "unknown")}, (
        "it was never learned"
    )

    status = place.agent.status()
    assert status is not None
    worker = status.camera_pid
    assert listening(status.pid) == listening(worker) == [], "C8: nobody can dial in"
    seen = Path(f"/proc/{worker}/cmdline").read_bytes() + Path(f"/proc/{worker}/environ").read_bytes()
    os.kill(worker, signal.SIGKILL)
    place.office.receive()
    await place.settled()
    await place.happened("cameras", "ended")
    await until("another worker", lambda: (now := place.agent.status()) and now.camera_pid not in {0, worker})
    (folder / "covered.mkv").replace(folder / "c1.mkv")
    await stands(place, c1=View.COVERED, c4=View.OK)
    (still,) = await until("a still of the fault", lambda: shown(place, Occasion.FAULT), WAIT_SECS)
    assert (still.subject, still.mask) == ("covered", Mask.ALL), "of a fault everything is hidden"
    report = await finds(place.agent, "E-CAM-03", "E-CAM-04", "E-CAM-05", "E-CAM-06", "E-CAM-07")
    assert "大厅东 遮挡" in report.checks["E-CAM-07"]["detail"]
    assert "被杀死" in report.checks["E-CAM-02"]["detail"]

    config = ("--config", str(place.agent.config))
    code, out, _ = await command("mingcha-agent", "camera", "list", *config)
    assert code == 1
    assert "! c1 大厅东  遮挡" in out
    code, *_ = await command("mingcha-agent", "camera", "learn", "c1", *config)
    assert code == 0
    await stands(place, c1=View.OK)
    told = (await views(place))["c1"]
    assert [view for view in told if View(view).is_fault] == ["covered"]
    assert (await views(place))["c4"].count("ok") == 1, "a killed worker is no news of a camera"
    text = seen.decode(errors="replace") + place.agent.log + place.hall.log
    text += (folder / "data" / "status.json").read_text("utf-8")
    assert PASSWORD not in text
    assert b"PNG" not in (folder / "data" / "cameras.sealed").read_bytes()
