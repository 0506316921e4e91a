"""`mingcha-agent camera profiles …`: what one ONVIF camera says of itself, for whoever sets it up. Nothing is changed or opened."""

import re
from collections.abc import Iterable
from urllib.parse import quote

from agent.camera import passwords
from agent.camera.onvif import About, OnvifCamera, Profile
from agent.config import AgentConfig, CameraConfig
from common.cli import say
from common.clock import Clock
from common.core.errors import ConfigError, UsageError
from common.core.text import one_line

_NEAR_SECS = 2.0
_PASSWORD = re.compile(r"(pass\w*?|pwd)=[^&?/_]*", re.IGNORECASE)
"""Some makers write it into the address that they name."""


def show(settings: AgentConfig, camera: CameraConfig) -> None:
    """Prints. Raises UsageError, ConfigError, LineError."""
    if camera.type != "onvif":
        raise UsageError(
            f"{camera.id} 的类型是 {camera.type}，没有 ONVIF 可问",
            hint="它的码流就是 agent.toml 里写的；现在的画面见 mingcha-agent camera list",
        )
    password = passwords.found(settings)[camera.id]
    if isinstance(password, ConfigError):
        raise password
    about = OnvifCamera(camera.address, camera.user, password, Clock()).about()
    secret = {text for text in (password, quote(password), quote(password, safe="")) if text}
    say(one_line(f"{camera.id} {camera.name}  {_self(about)}"))
    for item in about.profiles:
        say(one_line(f"{'✓' if item.is_examined else '–'} {item.token} {item.name}  {_figures(item)}"))
        say(f"  码流 {_address(item.stream, secret) or '它没有说'}")
        say(f"  快照 {_address(item.snapshot, secret) or '没有'}")


def _address(text: str, secret: Iterable[str]) -> str:
    """Without the password: our own, however long its name or whatever is in it, and what looks like one."""
    for word in sorted(secret, key=len, reverse=True):
        text = text.replace(word, "***")
    return one_line(_PASSWORD.sub(r"\1=***", text))


def _self(about: About) -> str:
    ahead = about.skew
    time = "时间准" if abs(ahead) <= _NEAR_SECS else f"时间{'快' if ahead > 0 else '慢'} {abs(ahead):,.0f} 秒"
    firmware = about.firmware and f"固件 {about.firmware}"
    by = "由网络对时" if about.is_by_net else "没有网络对时"
    return "，".join(text for text in (about.maker, firmware, time, by) if text)


def _figures(item: Profile) -> str:
    gop = f"关键帧每 {item.gop} 帧" + (f"（{item.gop / item.fps:.1f} 秒）" if item.fps else "")
    said = [
        item.codec,
        f"{item.width}×{item.height}" if item.width else "",
        f"每秒 {item.fps} 帧" if item.fps else "",
        f"{item.kbps} kb/s" if item.kbps else "",
        gop if item.gop else "",
        "检查画面用它" if item.is_examined else "",
        "看现场用它" if item.is_shown else "",
    ]
    return "，".join(text for text in said if text)
