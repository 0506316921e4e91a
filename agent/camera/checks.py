"""What the doctor says of the cameras: by what the running agent last heard of its worker. Nothing is opened here, because a
check must not use up a camera's connections. Every camera is named with its fault, and none counts as a fault of capture.
"""

import asyncio
import importlib.util
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

from agent import spool
from agent.box import Box
from agent.camera import model
from agent.camera.drawn import watched
from agent.camera.talk import Look
from agent.config import CameraConfig
from agent.core.camera_events import MUTE
from agent.core.segment import Silent, together
from agent.system_checks import NOT_RUNNING
from common.core.camera import Mask, View
from common.core.errors import ConfigError
from common.core.instant import HOUR, MINUTE
from common.health import Outcome, Status, ok

_LINE = {View.UNREACHABLE, View.STALLED, View.LIMIT, View.UNKNOWN}
_PICTURE = {View.FROZEN, View.BLACK, View.DARK, View.BRIGHT, View.BLURRED, View.COVERED, View.MOVED}
_LONG_GOP_SECS = 4.0
_UNEVEN = 1.5
"""The longest distance of key frames by the shortest: a camera that keeps to its setting has the same always."""
_OFTEN = 3
_LATE = HOUR
"""A picture that waits for longer does not only wait its turn."""


async def parts(box: Box) -> Outcome:
    """Looked for and not loaded: an import of them costs more than the doctor."""
    needed = ["av", "cv2", "numpy"] + ["onvif"] * any(item.type == "onvif" for item in box.config.camera)
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        return Outcome(Status.FAIL, f"没有安装 {'、'.join(missing)}")
    found = importlib.util.find_spec("onvif")
    if "onvif" in needed and found and found.origin:
        wsdl = Path(found.origin).parent.parent / "wsdl" / "devicemgmt.wsdl"
        if not wsdl.exists():
            return Outcome(Status.FAIL, f"onvif-zeep 没有带它的 WSDL 文件（{wsdl.parent}）")
    return ok(f"{'、'.join(needed)} 都在")


async def worker(box: Box) -> Outcome:
    status = box.status
    if status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    ended = (
        f"，已自行重启 {status.camera_ends} 次，最近一次：{status.camera_end}" if status.camera_ends else ""
    )
    if not status.camera_pid:
        handed = [item for item in status.cameras.values() if item.view.view is not View.AUTH]
        return Outcome(Status.FAIL, f"没有在运行{ended}") if handed else ok("没有可看的摄像机，口令都不在")
    detail = f"进程 {status.camera_pid}{_used(status.camera_pid, len(status.cameras))}{ended}"
    return Outcome(Status.WARN, detail) if status.camera_ends >= _OFTEN else ok(detail)


def _used(pid: int, cameras: int) -> str:
    """Age, memory, and CPU for each second of each camera, by the kernel's own books; empty of a process that has just gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
        up_secs = float(Path("/proc/uptime").read_text("ascii").split()[0])
    except (OSError, ValueError):
        return ""
    ticks = os.sysconf("SC_CLK_TCK")
    secs = max(1.0, up_secs - int(fields[19]) / ticks)
    cpu_ms = (int(fields[11]) + int(fields[12])) * 1000 / ticks / secs / max(1, cameras)
    memory_mb = int(fields[21]) * os.sysconf("SC_PAGE_SIZE") // 2**20
    return f"，已运行 {secs / 60:.0f} 分钟，内存 {memory_mb} MB，每台每秒用 CPU {cpu_ms:.0f} 毫秒"


def _known(box: Box) -> list[tuple[str, Look]]:
    """(name, look) in the order of the configuration."""
    assert box.status is not None
    looks = box.status.cameras
    return [(item.name or item.id, looks[item.id]) for item in box.config.camera if item.id in looks]


async def _standing(box: Box, bad: Iterable[View]) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    views = set(bad)
    found = [(name, look) for name, look in _known(box) if look.view.view in views]
    if not found:
        return ok(f"{len(box.config.camera)} 台摄像机都没有这类故障")
    said = [
        f"{name} {look.view.view.word}{f'（{look.detail}）' if look.detail else ''}，{box.since(look.view.since_at)} 起"
        for name, look in found
    ]
    return Outcome(Status.WARN, "；".join(said), found[0][1].view.view.remedy)


async def connected(box: Box) -> Outcome:
    """Where several of one network fell silent at once, what they share is to be looked at, and not each of them."""
    found = await _standing(box, _LINE)
    if box.status is None:
        return found
    looks = box.status.cameras
    silent = [
        Silent(item.name or item.id, _host(item), looks[item.id].view.since_at)
        for item in box.config.camera
        if item.id in looks and looks[item.id].view.view in {View.UNREACHABLE, View.STALLED}
    ]
    groups = [f"{network} 的 {len(names)} 台（{'、'.join(names)}）" for network, names in together(silent)]
    if not groups:
        return found
    return Outcome(
        found.status, found.detail, f"{'；'.join(groups)}同时断开：请先查它们共用的交换机、网线与电源"
    )


def _host(item: CameraConfig) -> str:
    """Of its address, which is a URL or host:port."""
    return urlsplit(item.address if "://" in item.address else f"//{item.address}").hostname or ""


async def admitted(box: Box) -> Outcome:
    return await _standing(box, {View.AUTH})


async def seeing(box: Box) -> Outcome:
    """A camera that learns for another reason than being new says which: nobody knows meanwhile whether it is in order."""
    found = await _standing(box, _PICTURE)
    if found.status is not Status.OK:
        return found
    young = [
        f"{name} {look.view.view.word}（{look.detail}），{box.since(look.view.since_at)} 起"
        for name, look in _known(box)
        if look.view.view is View.LEARNING and look.detail
    ]
    if not young:
        return found
    return Outcome(
        Status.WARN,
        "；".join(young),
        "画面正常时约一分钟学完，夜间等到办公时间；一直学不完的请执行  mingcha-agent camera learn 编号",
        effect="学完之前不知道画面好坏，座位无法判断，图片整幅打格",
    )


async def clocks(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    wrong = [f"{name} {look.clock_detail}" for name, look in _known(box) if look.clock.view is View.CLOCK]
    if wrong:
        return Outcome(Status.WARN, "；".join(wrong), View.CLOCK.remedy)
    measured = [look.skew for _, look in _known(box) if look.skew is not None]
    return ok(f"最多相差 {max(map(abs, measured)):.0f} 秒" if measured else "没有可问时间的摄像机")


async def streams(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    none = [f"{name}（{look.detail}）" for name, look in _known(box) if look.view.view is View.NO_VIDEO]
    if none:
        return Outcome(Status.WARN, "；".join(none), View.NO_VIDEO.remedy)
    rare = [
        f"{name} 每 {look.gop_secs:.0f} 秒一个"
        for name, look in _known(box)
        if look.gop_secs > _LONG_GOP_SECS
    ]
    if rare:
        return Outcome(
            Status.WARN,
            f"关键帧太稀，故障发现得慢：{'；'.join(rare)}",
            "请在摄像机里把关键帧间隔设为 1 至 2 秒",
        )
    old = box.clock.wall() - 2 * MINUTE
    streams = [
        f"{name} {look.stream}{_notice(look)}"
        for name, look in _known(box)
        if look.stream and look.at_wall > old
    ]
    return ok("；".join(streams) or "眼下没有码流")


def _notice(look: Look) -> str:
    """What is no fault, and would be better otherwise (cameras.md 3.4)."""
    said = [
        "H.265：浏览器放不了，现场画面要转码，可改为 H.264" * look.stream.startswith("hevc"),
        f"关键帧间隔在 {look.gop_least:.1f} 至 {look.gop_most:.1f} 秒之间变：多半开着智能编码（H.264+、H.265+、Smart），请在摄像机里关掉"
        * (look.gop_most > _UNEVEN * look.gop_least > 0),
        "声音是 G.711：浏览器放不了，现场的声音要转成 AAC，摄像机能选时可改为 AAC"
        * ("，声音 pcm_" in look.stream),
        "只有一路码流：实时画面要从主码流转，可加开 640×360 的子码流" * (look.profiles == 1),
    ]
    return "".join(f"（{text}）" for text in said if text)


async def events(box: Box) -> Outcome:
    """Of cameras that are seen: whoever is not reached has no events either."""
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    looks = [(name, look) for name, look in _known(box) if look.view.view not in _LINE | {View.AUTH}]
    refused = [f"{name}：{look.deaf}" for name, look in looks if look.deaf and look.deaf != MUTE]
    if refused:
        return Outcome(Status.WARN, "；".join(refused))
    mute = [name for name, look in looks if look.deaf == MUTE]
    return ok(f"{'、'.join(mute)} 没有这项服务" if mute else "都听着，或没有这项服务")


async def seats(box: Box) -> Outcome:
    """Of cameras that are in order: what is wrong with the others is said of them."""
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    looks = [(name, look) for name, look in _known(box) if look.view.view is View.OK]
    blind = [
        f"{name} {seat}：{sat.detail}"
        for name, look in looks
        for seat, sat in look.seats.items()
        if sat.detail
    ]
    if blind:
        return Outcome(Status.WARN, "；".join(blind))
    count = sum(len(watched(item, box.status.cameras.get(item.id))) for item in box.config.camera)
    return ok(f"{count} 个座位都学过无人时的样子" if count else "没有座位区域")


async def hidden(box: Box) -> Outcome:
    """Of cameras that are in order: a picture of any other is hidden as a whole, which is said of it already."""
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    wanted = {item.name or item.id: Mask(item.mask) for item in box.config.camera}
    looks = [(name, look) for name, look in _known(box) if look.view.view is View.OK]
    whole = [
        name
        for name, look in looks
        if look.mask is Mask.ALL and wanted[name] is not Mask.ALL and not look.faces
    ]
    if whole:
        return Outcome(Status.WARN, f"{'、'.join(whole)} 暂时全部遮挡：还没有学全，或这种光线没有学过")
    return ok("；".join(f"{name} {look.mask.word}" for name, look in looks) or "没有画面正常的摄像机")


async def stills(box: Box) -> Outcome:
    waiting = await asyncio.to_thread(spool.waiting_in, box.config.stills_path)
    if not waiting:
        return ok("没有")
    oldest_at = min(item.taken_at for item in waiting)
    detail = f"{len(waiting)} 张，最早的拍于 {box.since(oldest_at)}"
    is_late = box.clock.office() - oldest_at > _LATE
    return Outcome(Status.WARN, detail) if is_late else ok(detail)


async def faces(box: Box) -> Outcome:
    """The file is read again, because the worker may not run; what the worker found out by running it stands in its looks."""
    config = box.config.faces
    if config.model is None:
        return ok("没有配置：按座位与变动处遮挡")
    try:
        await asyncio.to_thread(model.read, config.model, config.sha256)
    except ConfigError as error:
        return Outcome(Status.FAIL, str(error), error.hint)
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    fault = next((look.faces for _, look in _known(box) if look.faces), "")
    if fault:
        return Outcome(Status.FAIL, fault)
    return ok(f"{config.model.name}，sha256 {config.sha256}")


LOOKS: dict[str, Callable[[Box], Awaitable[Outcome]]] = {
    "E-CAM-01": parts,
    "E-CAM-02": worker,
    "E-CAM-03": connected,
    "E-CAM-04": admitted,
    "E-CAM-05": clocks,
    "E-CAM-06": streams,
    "E-CAM-07": seeing,
    "E-CAM-08": seats,
    "E-CAM-09": hidden,
    "E-CAM-10": stills,
    "E-CAM-11": events,
    "E-CAM-12": faces,
}
"""Of a box that has cameras."""
