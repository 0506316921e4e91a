"""A camera that speaks ONVIF: asked for its clock, its make and its stream; the stream itself is RTSP."""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from agent.camera.base import KeyFrame, LineError, Stream
from agent.camera.device import Device, text_of
from agent.camera.ears import OnvifEars
from agent.camera.media import Media
from agent.camera.rtsp import RtspCamera
from common.clock import Clock
from common.core.camera import View

LIVE_WIDE = 640
"""Pixels: what people are shown is no wider."""


class OnvifCamera:
    """`address`: host or host:port. `path` of the device service is the usual one."""

    def __init__(self, address: str, user: str, password: str, clock: Clock) -> None:
        self._device = Device(address, user, password, clock)
        self._host, self._user, self._password = address, user, password
        self._clock = clock
        self._media_url = ""
        self._rtsp: RtspCamera | None = None

    def open(self) -> Stream:
        self.close()
        self._device.measure()
        about = self._device.asked("devicemgmt", self._device.url, "GetDeviceInformation")
        profiles = self._profiles()
        self._rtsp = RtspCamera(self._address(profiles[0]), self._user, self._password)
        maker = " ".join(str(getattr(about, name, None) or "") for name in ("Manufacturer", "Model"))
        return replace(self._rtsp.open(), maker=maker.strip()[:80], profiles=len(profiles))

    def whole(self) -> Media:
        """Of the smallest profile that is still `LIVE_WIDE`, else of the first."""
        self._device.measure()
        profiles = self._profiles()
        wide = [(size, place) for place, item in enumerate(profiles) if (size := _wide(item)) >= LIVE_WIDE]
        address = self._address(profiles[min(wide)[1] if wide else 0])
        return RtspCamera(address, self._user, self._password).whole()

    def address(self) -> str:
        """Of the first profile's stream, as the camera says it, on the host that answered. Raises LineError."""
        self._device.measure()
        return self._address(self._profiles()[0])

    def _profiles(self) -> list[Any]:
        capabilities = self._device.asked(
            "devicemgmt", self._device.url, "GetCapabilities", {"Category": "Media"}
        )
        self._media_url = self._device.here(text_of(lambda: capabilities.Media.XAddr))
        profiles = self._device.asked("media", self._media_url, "GetProfiles") or []
        if not profiles:
            raise LineError(View.NO_VIDEO, "摄像机没有码流配置")
        return list(profiles)

    def _address(self, profile: Any) -> str:
        wanted = {
            "StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}},
            "ProfileToken": profile.token,
        }
        uri = text_of(lambda: self._device.asked("media", self._media_url, "GetStreamUri", wanted).Uri)
        return self._device.here(uri)

    def frames(self) -> Iterator[KeyFrame]:
        assert self._rtsp is not None
        return self._rtsp.frames()

    def skew(self, *, again: bool) -> float | None:
        if again:
            self._device.measure()
        return self._device.skew

    def ears(self) -> OnvifEars:
        return OnvifEars(Device(self._host, self._user, self._password, self._clock), self._clock)

    def close(self) -> None:
        if self._rtsp is not None:
            self._rtsp.close()
            self._rtsp = None


def _wide(profile: Any) -> int:
    """Pixels; 0 where a profile does not say."""
    try:
        return int(profile.VideoEncoderConfiguration.Resolution.Width)
    except (AttributeError, TypeError, ValueError):
        return 0
