"""Live from an RTSP camera to a browser: box, broker, hall, camera and Chromium are real processes."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from central.store import trail
from common.core import live
from tests.browser import Page, browser
from tests.camera import clips
from tests.camera.servers import RtspServer
from tests.camera.viewing import COOKIES, FPS, LIVE, PAGE, Seen, answered, running
from tests.journey.scene import Place, events, until

pytestmark = pytest.mark.service
STREAM = "/hall/cameras/s01/c1/stream"
SAID = "document.querySelector('.film-state').textContent"
PLAYED = (
    "(v => JSON.stringify({at: v.currentTime, ranges: v.buffered.length, wide: v.videoWidth, "
    "frames: v.getVideoPlaybackQuality().totalVideoFrames, heard: v.webkitAudioDecodedByteCount}))(document.querySelector('video'))"
)
VIEWERS = 10


async def audited(place: Place, act: str) -> list[tuple[str, str]]:
    """Who did it to the camera, and how."""
    store = await place.hall.store()
    try:
        async with store.read() as conn:
            return [(item.who, item.why) for item in await trail.about(conn, act, "s01/c1", 50)]
    finally:
        await store.close()


async def played(page: Page) -> dict[str, Any]:
    return dict(json.loads(await page.ask(PLAYED)))


async def click(page: Page, name: str) -> None:
    """As a person does: sound is only allowed to start after that."""
    box = await page.ask(
        f"(b => [b.left + b.width / 2, b.top + b.height / 2])(document.querySelector('{name}').getBoundingClientRect())"
    )
    for kind in ("mousePressed", "mouseReleased"):
        await page.call(
            "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1
        )


async def recovers(page: Page, broken: Callable[[], Any], mended: Callable[[], Any]) -> str:
    """What is broken never looks live for long; mended it is live again by itself. -> what the page said meanwhile."""
    await broken()
    await page.until(f"!{LIVE}", 30)
    said = str(await page.ask(SAID))
    await mended()
    await page.until(LIVE, 60)
    return said


async def watch(place: Place, count: int) -> list[str]:
    """`count` more who look on for two seconds. -> the kinds of the frames of each."""

    async def one(session: aiohttp.ClientSession) -> str:
        kinds = ""
        async with session.ws_connect(place.hall.url + STREAM, origin=place.hall.url) as socket:
            async with asyncio.timeout(20):
                while kinds.count("F") < 2 * FPS:
                    kinds += live.unpacked(await socket.receive_bytes()).kind.value
        return kinds

    async with aiohttp.ClientSession(cookies=COOKIES) as session:
        return await asyncio.gather(*(one(session) for _ in range(count)))


async def test_a_camera_is_seen_live_with_sound_and_no_longer_than_somebody_looks(tmp_path: Path) -> None:
    """P-LIVE-01, P-LIVE-05: and it comes back by itself after whatever was broken."""
    clip = clips.record(tmp_path / "usual.h264", clips.Hall(1), clips.usual, 4)
    async with running(clip) as seen, browser(tmp_path / "profile") as page:
        place = seen.place
        for name, value in COOKIES.items():
            await page.cookie(name, value, place.hall.url)
        await page.size(1440, 900)
        await until("the camera is known", lambda: answered(place), 120)
        await page.open(place.hall.url + PAGE)
        await page.until(LIVE, 60)
        before = await played(page)
        more = before["frames"] + 4 * FPS
        await page.until(
            f"document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames >= {more}", 60
        )
        after = await played(page)
        assert after["wide"] == clips.WIDE
        assert after["ranges"] == 1, "no gap"
        assert after["at"] > before["at"]
        assert await page.ask("document.querySelector('.film-mask').textContent") in {
            "整幅已遮挡",
            "人员区域已遮挡",
        }
        assert after["heard"] == 0, "sound is for whoever asks for it"

        await click(page, ".film-sound")
        await page.until(f"{LIVE} && document.querySelector('video').webkitAudioDecodedByteCount > 5000", 30)
        assert (await played(page))["ranges"] == 1

        assert await catches_up(page), "a look that began late stays late for all its time"

        others = await watch(place, VIEWERS)
        assert all(kinds.startswith("SIK") and "A" not in kinds for kinds in others), others
        assert len(events(place.hall, "live.began")) == 1, "one upload, however many look on"

        await stalls_and_breaks(seen, page)

        await page.open("about:blank#")
        await until("nobody is sent anything", lambda: events(place.hall, "live.ended"), 20)
        wanted = await until(
            "the box knows", lambda: not events(place.agent, "live.asked")[-1]["cameras"], 20
        )
        assert wanted
        begins, ends = await audited(place, "live.begin"), await audited(place, "live.end")
        assert {who for who, _ in [*begins, *ends]} == {"supervisor"}
        assert len(begins) >= VIEWERS + 2
        assert len(ends) >= len(begins) - 1, "but of what the hall saw when it was killed"
        assert ("supervisor", "已遮挡，有声") in begins


async def catches_up(page: Page) -> bool:
    """Put seconds behind, the player jumps to the newest pictures; a tenth of a second behind where it is to be, it goes a little
    faster: whoever hears it does not notice."""
    behind = "(() => {{ const film = document.querySelector('video'), ends = film.buffered; film.currentTime = ends.end(ends.length - 1) - {}; }})()"
    await page.ask(
        "document.querySelector('video').addEventListener('seeking', event => { event.target.dataset.leaps = 1 + Number(event.target.dataset.leaps || 0); })"
    )
    await page.until(
        "(held => held.end(held.length - 1) - held.start(0) > 4)(document.querySelector('video').buffered)",
        20,
    )
    await page.ask(behind.format(3.5))
    await page.until("document.querySelector('video').dataset.leaps >= 2", 20)  # ours, and the player's own
    for _ in range(20):
        await page.ask(behind.format(0.36))
        await asyncio.sleep(0.5)
        if await page.ask("document.querySelector('video').playbackRate") == 1.02:
            return True
    return False


async def stalls_and_breaks(seen: Seen, page: Page) -> None:
    async def say(order: str) -> None:
        await asyncio.to_thread(seen.camera.say, order)

    async def camera_gone() -> None:
        await asyncio.to_thread(seen.camera.stop)

    async def camera_back() -> None:
        seen.camera = await asyncio.to_thread(RtspServer, seen.clip, seen.camera.port)

    async def worker_killed() -> None:
        status = seen.place.agent.status()
        assert status is not None
        os.kill(status.camera_pid, signal.SIGKILL)

    async def nothing() -> None:
        """The agent starts another by itself."""

    silent = {"无画面", "断流：5 秒没有画面数据"}
    assert await recovers(page, worker_killed, nothing) in {"等站点送来画面", "无画面"}
    assert await recovers(page, lambda: say("stall 1"), lambda: say("stall 0")) in silent
    gone = await recovers(page, camera_gone, camera_back)
    assert gone in {"摄像机结束了码流", "断流：连接中断", "无画面"} or gone.startswith("连不上"), (
        gone
    )  # asked again already
    assert await recovers(page, seen.line.cut, seen.line.open) in {"等站点送来画面", "无画面"}
    await recovers(page, lambda: seen.place.stop(seen.place.hall), lambda: seen.place.start(seen.place.hall))
