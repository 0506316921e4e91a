"""`agent.toml`: what the box owns. No secrets in it, only paths to them; relative paths are beside the file."""

import re
from datetime import time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct

from common import config
from common.clock import ClockConfig
from common.config import SITE_ID, LogLevel
from common.core.crypto import Profile
from common.core.record import MOST_HOURS
from common.core.text import is_file_name
from common.mqtt import MqttConfig

ZONE = ZoneInfo("Asia/Shanghai")
"""Zone in which the box shows times to people."""


class IdentityConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[identity]`: files that enrolment writes."""

    sign_key: Path = Path("sign.key")
    """Raw Ed25519 private key of this generation."""
    master_key: Path = Path("master.key")
    """32 bytes: the key-encryption key of the buffer."""
    digest_key: Path = Path("digest.key")
    """32 bytes: key of the content digests, known to the hall."""
    hall_sign: Path = Path("hall-sign.pub")
    """Raw Ed25519 public key of the hall: welcome and acknowledgement are signed with it."""


class CaptureConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[capture]`: how often the source is read."""

    poll_secs: Annotated[float, Meta(ge=0.05, le=3600)] = 2.0
    """Between two rounds: a change with a time stamp is seen after one (5 s at p99, capture.md C2)."""
    sweep_secs: Annotated[float, Meta(ge=0.05, le=86400)] = 60.0
    """At least this long between two full sweeps of a table."""
    hot_secs: Annotated[float, Meta(ge=0.05, le=3600)] = 30.0
    """Between two rounds through the rows of open cases."""
    page_rows: Annotated[int, Meta(ge=1, le=100000)] = 500
    """Of a page at most; smaller where a page takes too long."""
    page_ms: Annotated[float, Meta(ge=1, le=5000)] = 100.0
    """What a page may take."""
    rows_per_sec: Annotated[float, Meta(ge=1, le=1000000)] = 2000.0
    """Ceiling in office hours."""
    duty: Annotated[float, Meta(ge=0.001, le=1)] = 0.05
    """Share of the time in which the source works for us."""
    night: Annotated[str, Meta(pattern=r"^(|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d)$")] = (
        "19:30-07:00"
    )
    """When nobody works there: the ceiling does not hold, and half of the time may be ours. Empty: never."""
    pass_secs: Annotated[float, Meta(ge=0.05, le=3600)] = 30.0
    """At most one completeness statement per this many seconds, unless something changed."""
    secrets_dir: Path = Path()
    """Where `password_file` of the mapping is found."""


class BufferConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[buffer]`: how much room the records that wait may take, and how they are sealed."""

    max_mb: Annotated[int, Meta(ge=1)] = 4096
    disk_share: Annotated[int, Meta(ge=1, le=100)] = 50
    """Percent of the file system at most; the smaller of the two counts."""
    profile: Profile = Profile.AES
    """Algorithms of what rests here and of what is sent: `aes`, `chacha`, `sm` (国密)."""


class LiveConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[live]`: pictures that somebody in the hall is looking at."""

    kbps: Annotated[int, Meta(ge=0, le=100000)] = 1000
    """What all of them may take of the line; 0: none is sent."""


class StillsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[stills]`: pictures that wait to travel behind all records."""

    max_mb: Annotated[int, Meta(ge=1, le=4096)] = 64
    """What they may take, beside the buffer; the oldest goes first, and all of them before the buffer leaves out anything."""


class FacesConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[faces]`: the file of a model that finds faces, which the city lays on the box; what it finds is hidden besides all else."""

    model: Path | None = None
    """YuNet as ONNX; none: only what `mask` of a camera says is hidden."""
    sha256: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")] = ""
    """Of that file, as whoever supplied it says: another file is not run."""


_Box = Annotated[list[Annotated[float, Meta(ge=0, le=1)]], Meta(min_length=4, max_length=4)]
_HOURS = r"\A\d\d:\d\d-\d\d:\d\d\Z"


class SeatConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[camera.seat]]`: a region of the picture in which somebody is to sit."""

    id: Annotated[str, Meta(pattern=SITE_ID)]
    box: _Box
    """Left, top, right, bottom of the seat, in shares of the picture: head and shoulders of whoever sits there."""
    name: Annotated[str, Meta(max_length=60)] = ""
    hours: Annotated[
        tuple[Annotated[str, Meta(pattern=_HOURS)], ...], Meta(min_length=1, max_length=MOST_HOURS)
    ] = (
        "09:00-12:00",
        "13:30-17:00",
    )
    """Of a working day."""
    away_mins: Annotated[int, Meta(ge=1, le=480)] = 10
    """So long nobody need be there."""

    @property
    def open_minutes(self) -> list[tuple[int, int]]:
        """Raises ValueError for text that is no stretch of one day."""
        found = []
        for text in self.hours:
            begin, _, end = text.partition("-")
            hours = time.fromisoformat(begin), time.fromisoformat(end)
            if hours[0] >= hours[1]:
                raise ValueError(text)
            found.append((hours[0].hour * 60 + hours[0].minute, hours[1].hour * 60 + hours[1].minute))
        return found


class CameraConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`[[camera]]`: one of the site's cameras."""

    id: Annotated[str, Meta(pattern=SITE_ID)]
    type: Literal["onvif", "rtsp", "file"]
    name: Annotated[str, Meta(max_length=60)] = ""
    address: Annotated[str, Meta(max_length=300)] = ""
    """onvif: host or host:port; rtsp: the whole address, without account."""
    live_address: Annotated[str, Meta(max_length=300)] = ""
    """rtsp: of the stream that people are shown, best 640 wide; empty: the same. An ONVIF camera is asked for it."""
    path: Path | None = None
    """file: a recording, played again and again."""
    user: Annotated[str, Meta(max_length=80)] = ""
    password_file: str = ""
    """Sealed as the source's, in `capture.secrets_dir`."""
    clock_box: Annotated[list[Annotated[float, Meta(ge=0, le=1)]], Meta(max_length=4)] = []
    """Left, top, right, bottom of the camera's own clock in the picture, in shares of it; empty: none is shown."""
    seat: Annotated[list[SeatConfig], Meta(max_length=16)] = []
    zone: Annotated[list[_Box], Meta(max_length=16)] = []
    """Privacy zones: filled in every picture that leaves the box, whatever `mask` says."""
    mask: Literal["people", "camera", "all"] = "people"
    """What is hidden besides; `camera`: the camera blackens it itself, which a technician has seen on the picture."""


class AgentConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `agent.toml`."""

    site: Annotated[str, Meta(pattern=SITE_ID)]
    """Letters, digits, `-` and `_`, as the hall has it."""
    generation: Annotated[int, Meta(ge=0)]
    """Which of the site's boxes this is; 0: it is not enrolled yet, so it collects and keeps."""
    mqtt: MqttConfig
    name: str = ""
    data_dir: Path = Path("data")
    mapping: Path = Path("mapping.toml")
    log_level: LogLevel = "info"
    identity: IdentityConfig = IdentityConfig()
    capture: CaptureConfig = CaptureConfig()
    buffer: BufferConfig = BufferConfig()
    clock: ClockConfig = ClockConfig()
    camera: list[CameraConfig] = []
    stills: StillsConfig = StillsConfig()
    live: LiveConfig = LiveConfig()
    faces: FacesConfig = FacesConfig()

    @property
    def buffer_path(self) -> Path:
        return self.data_dir / "buffer.db"

    @property
    def index_path(self) -> Path:
        return self.data_dir / "index.db"

    @property
    def status_path(self) -> Path:
        return self.data_dir / "status.json"

    @property
    def cameras_path(self) -> Path:
        return self.data_dir / "cameras.sealed"

    @property
    def stills_path(self) -> Path:
        return self.data_dir / "stills"

    @property
    def is_enrolled(self) -> bool:
        return self.generation > 0

    @property
    def client_id(self) -> str:
        return f"{self.site}.{self.generation}"


def load(path: Path) -> AgentConfig:
    """Read `agent.toml`; every path in it becomes absolute. Raises ConfigError with every fault."""
    data = config.read_toml(path)
    found = config.faults(AgentConfig, data) + _camera_faults(data.get("camera"))
    found += _faces_faults(data.get("faces"))
    if found:
        raise config.broken(found, str(path))
    return config.anchor(config.convert(AgentConfig, data, source=str(path)), path.resolve().parent)


def mapping_of(path: Path) -> Path:
    """Where the mapping lies by a file that may be wrong in everything else. Raises ConfigError where it is no TOML."""
    said = config.read_toml(path).get("mapping")
    place = Path(said) if isinstance(said, str) and is_file_name(said) else Path("mapping.toml")
    return path.resolve().parent / place


def _camera_faults(cameras: object) -> list[str]:
    """Of meaning; of a camera whose keys are of wrong types the types alone are said."""
    found, seen = [], set[str]()
    for place, data in enumerate(cameras if isinstance(cameras, list) else [], 1):
        if config.faults(CameraConfig, data):
            continue
        item = config.convert(CameraConfig, data, source="")
        said = _faults_of(item)
        if item.id in seen:
            said.append("id：与另一台摄像机相同")
        seen.add(item.id)
        found += [f"camera 第{place}项.{line}" for line in said]
    return found


def _faces_faults(faces: object) -> list[str]:
    if not isinstance(faces, dict) or config.faults(FacesConfig, faces):
        return []
    return (
        [] if bool(faces.get("model")) == bool(faces.get("sha256")) else ["faces.sha256：与 model 须同时填写"]
    )


def _faults_of(item: CameraConfig) -> list[str]:
    found = []
    if item.type == "file":
        found += [] if item.path else ["path：缺少"]
    elif not item.address:
        found.append("address：缺少")
    elif item.type == "onvif" and not _ADDRESS.match(item.address):
        found.append("address：应为主机名或地址，可带 :端口，不带 http:// 与路径")
    elif item.type == "rtsp" and not _RTSP.match(item.address):
        found.append("address：应为 rtsp://主机[:端口]/路径，账号另写在 user 与 password_file")
    if item.live_address and (item.type != "rtsp" or not _RTSP.match(item.live_address)):
        found.append("live_address：只用于 rtsp，写法同 address")
    if item.type == "onvif" and not item.user:
        found.append("user：缺少")
    if item.type != "file" and bool(item.user) != bool(item.password_file):
        found.append("password_file：与 user 须同时填写")
    if item.password_file and not is_file_name(item.password_file):
        found.append("password_file：不是文件名")
    box = item.clock_box
    if box and (len(box) != 4 or _is_turned(box)):
        found.append(f"clock_box：{_BOX}")
    elif box and (box[2] - box[0]) * (box[3] - box[1]) > _LARGEST_CLOCK:
        found.append("clock_box：只应框住时钟，不能大于画面的十分之一")
    found += [f"zone 第{place}项：{_BOX}" for place, zone in enumerate(item.zone, 1) if _is_turned(zone)]
    return found + _seat_faults(item.seat)


_BOX = "应为 [左, 上, 右, 下]，0 至 1，左小于右、上小于下"
_LARGEST_CLOCK = 0.1
"""Of the picture: it stays visible in one whose people are hidden."""


def _is_turned(box: list[float]) -> bool:
    return box[0] >= box[2] or box[1] >= box[3]


def _seat_faults(seats: list[SeatConfig]) -> list[str]:
    found, seen = [], set[str]()
    for place, item in enumerate(seats, 1):
        where = f"seat 第{place}项."
        if item.id in seen:
            found.append(f"{where}id：与另一个区域相同")
        seen.add(item.id)
        if _is_turned(item.box):
            found.append(f"{where}box：{_BOX}")
        try:
            hours = sorted(item.open_minutes)
        except ValueError:
            found.append(f"{where}hours：应为 时:分-时:分，如 09:00-12:00，起早于止")
            continue
        if any(after[0] < before[1] for before, after in pairwise(hours)):
            found.append(f"{where}hours：各段不能重叠")
    return found


_ADDRESS = re.compile(r"\A(\w(?:[\w.-]*\w)?|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?\Z")
_RTSP = re.compile(r"\Artsp://[^@/\s]+(/\S*)?\Z")
