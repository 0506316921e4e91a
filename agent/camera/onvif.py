"""A camera that speaks ONVIF: asked for its clock, its make and its stream; the stream itself is RTSP."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from msgspec import Struct
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


class Profile(Struct, frozen=True):
    """One set of a camera's streams, as it says itself; 0 or empty where it does not say. `gop`: frames from one key frame to the next."""

    token: str
    name: str
    codec: str
    width: int
    height: int
    fps: int
    kbps: int
    gop: int
    stream: str
    snapshot: str
    is_examined: bool
    is_shown: bool
    """Live, where no other address is configured."""


class About(Struct, frozen=True):
    """`skew`: seconds by which its clock is ahead of this box; `is_by_net`: it keeps its time by a server of its own."""

    maker: str
    firmware: str
    skew: float
    is_by_net: bool
    profiles: list[Profile]


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
        return replace(self._rtsp.open(), maker=_maker(about), profiles=len(profiles))

    def whole(self) -> Media:
        """Of the smallest profile that is still `LIVE_WIDE`, else of the first."""
        self._device.measure()
        profiles = self._profiles()
        return RtspCamera(self._address(profiles[_shown(profiles)]), self._user, self._password).whole()

    def address(self) -> str:
        """Of the first profile's stream, as the camera says it, on the host that answered. Raises LineError."""
        self._device.measure()
        return self._address(self._profiles()[0])

    def about(self) -> About:
        """Whatever it says of itself, nothing of it opened. Raises LineError."""
        self._device.measure()
        said = self._device.asked("devicemgmt", self._device.url, "GetDeviceInformation")
        found = self._profiles()
        shown = _shown(found)
        profiles = [
            self._profile(item, is_examined=place == 0, is_shown=place == shown)
            for place, item in enumerate(found)
        ]
        firmware = str(getattr(said, "FirmwareVersion", None) or "")
        return About(_maker(said), firmware, self._device.skew or 0.0, self._device.is_by_net, profiles)

    def _profile(self, item: Any, *, is_examined: bool, is_shown: bool) -> Profile:
        encoder: Any = getattr(item, "VideoEncoderConfiguration", None)
        return Profile(
            token=str(item.token or ""),
            name=str(getattr(item, "Name", None) or ""),
            codec=str(getattr(encoder, "Encoding", None) or ""),
            width=_number(lambda: encoder.Resolution.Width),
            height=_number(lambda: encoder.Resolution.Height),
            fps=_number(lambda: encoder.RateControl.FrameRateLimit),
            kbps=_number(lambda: encoder.RateControl.BitrateLimit),
            gop=_number(lambda: encoder.H264.GovLength),
            stream=self._told(lambda: self._address(item)),
            snapshot=self._told(lambda: self._snapshot(item)),
            is_examined=is_examined,
            is_shown=is_shown,
        )

    def _snapshot(self, profile: Any) -> str:
        wanted = {"ProfileToken": profile.token}
        uri = text_of(lambda: self._device.asked("media", self._media_url, "GetSnapshotUri", wanted).Uri)
        return self._device.here(uri)

    @staticmethod
    def _told(found: Callable[[], str]) -> str:
        """Empty where it does not say: a profile may have no picture, snapshots are the camera's own choice, and some keep
        them from this account, which it has let in before."""
        try:
            return found()
        except LineError as error:
            if error.view not in {View.NO_VIDEO, View.AUTH}:
                raise
            return ""

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


def _shown(profiles: Sequence[Any]) -> int:
    """Place of the smallest that is still `LIVE_WIDE`, else of the first."""
    wide = [(size, place) for place, item in enumerate(profiles) if (size := _wide(item)) >= LIVE_WIDE]
    return min(wide)[1] if wide else 0


def _wide(profile: Any) -> int:
    """Pixels; 0 where a profile does not say."""
    return _number(lambda: profile.VideoEncoderConfiguration.Resolution.Width)


def _number(found: Callable[[], Any]) -> int:
    """0 where an answer has no such field."""
    try:
        return int(found())
    except (AttributeError, TypeError, ValueError):
        return 0


def _maker(about: Any) -> str:
    words = (str(getattr(about, name, None) or "") for name in ("Manufacturer", "Model"))
    return " ".join(words).strip()[:80]
