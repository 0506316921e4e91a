"""A camera that speaks ONVIF: asked for its clock, its make and its stream; the stream itself is RTSP.

onvif-zeep's own classes, its faults mended at this edge (cameras.md 3.3): it parses each WSDL once per camera, looks for
the files beside itself, waits for ever, asks even for the time with a token signed by the wrong time, opens an event
subscription unasked, puts a handler on the root logger and takes the proxy out of the environment.

The ladder of authentication: the clock, anonymously or from the date of a refusal; a token signed with the camera's own
time; HTTP digest. Only when all of it was refused may "wrong password" be said.
"""

import logging
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from lxml.etree import LxmlError
from msgspec.structs import replace
from requests.auth import HTTPDigestAuth

from agent.camera.base import OPEN_SECS, KeyFrame, LineError, Stream
from agent.camera.rtsp import RtspCamera
from common.clock import Clock
from common.core.camera import View
from common.core.instant import SECOND

_handlers, _proxies = (
    list(logging.root.handlers),
    {name: os.environ.get(name) for name in ("http_proxy", "https_proxy")},
)
import onvif  # noqa: E402
from onvif.client import ONVIFService  # noqa: E402
from onvif.definition import SERVICES  # noqa: E402
from onvif.exceptions import ONVIFError  # noqa: E402
from zeep import Client, Settings, Transport  # noqa: E402
from zeep.exceptions import Error as ZeepError  # noqa: E402
from zeep.exceptions import Fault, TransportError  # noqa: E402
from zeep.wsdl import Document  # noqa: E402
from zeep.wsse.username import UsernameToken  # noqa: E402

logging.root.handlers[:] = _handlers
logging.root.setLevel(logging.WARNING)

_MOST_BYTES = 512 * 1024
"""Of one answer: an honest one has 20 kB."""
_FOREIGN = (
    requests.RequestException,
    ZeepError,
    ONVIFError,
    LxmlError,
    OSError,
    ValueError,
    TypeError,
    AttributeError,
)
"""Whatever an answer that is none of ONVIF's does to the library."""


def wsdl_folder() -> Path:
    """Beside the package, not in it. Raises FileNotFoundError where an installation has left it out."""
    folder = Path(str(onvif.__file__)).parent.parent / "wsdl"
    if not (folder / "devicemgmt.wsdl").exists():
        raise FileNotFoundError(folder)
    return folder


class OnvifCamera:
    """`address`: host or host:port. `path` of the device service is the usual one."""

    def __init__(self, address: str, user: str, password: str, clock: Clock) -> None:
        self._url = f"http://{address}/onvif/device_service"
        self._user, self._password = user, password
        self._clock = clock
        self._skew: float | None = None
        self._is_digest = False
        self._media_url = ""
        self._rtsp: RtspCamera | None = None

    def open(self) -> Stream:
        self.close()
        self._measure()
        about = self._asked("devicemgmt", self._url, "GetDeviceInformation")
        capabilities = self._asked("devicemgmt", self._url, "GetCapabilities", {"Category": "Media"})
        self._media_url = self._here(_text(lambda: capabilities.Media.XAddr))
        profiles = self._asked("media", self._media_url, "GetProfiles") or []
        if not profiles:
            raise LineError(View.NO_VIDEO, "摄像机没有码流配置")
        wanted = {
            "StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}},
            "ProfileToken": profiles[0].token,
        }
        uri = _text(lambda: self._asked("media", self._media_url, "GetStreamUri", wanted).Uri)
        self._rtsp = RtspCamera(self._here(uri), self._user, self._password)
        maker = " ".join(str(getattr(about, name, None) or "") for name in ("Manufacturer", "Model"))
        return replace(self._rtsp.open(), maker=maker.strip()[:80], profiles=len(profiles))

    def frames(self) -> Iterator[KeyFrame]:
        assert self._rtsp is not None
        return self._rtsp.frames()

    def skew(self, *, again: bool) -> float | None:
        if again:
            self._measure()
        return self._skew

    def close(self) -> None:
        if self._rtsp is not None:
            self._rtsp.close()
            self._rtsp = None

    def _measure(self) -> None:
        """A camera that will not tell its time before it knows us says it in the date of its refusal."""
        try:
            answer = self._service("devicemgmt", self._url, anonymous=True).GetSystemDateAndTime()
            said = answer.UTCDateTime
            at = datetime(
                said.Date.Year, said.Date.Month, said.Date.Day,
                said.Time.Hour, said.Time.Minute, said.Time.Second, tzinfo=UTC,
            )  # fmt: skip
        except _FOREIGN as error:
            if _is_away(error):
                raise _translated(error) from None
            at = self._dated() or self._now()
        self._skew = (at - self._now()).total_seconds()

    def _dated(self) -> datetime | None:
        try:
            with _session() as session:
                date = session.get(self._url, timeout=OPEN_SECS).headers.get("Date", "")
            return parsedate_to_datetime(date).astimezone(UTC)
        except (requests.RequestException, ValueError, OverflowError):
            return None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall() / SECOND, UTC)

    def _asked(self, name: str, url: str, call: str, given: dict[str, Any] | None = None) -> Any:
        """Raises LineError; AUTH only after every step of the ladder with the camera's own time."""
        refused: Exception | None = None
        for is_digest in (self._is_digest, not self._is_digest):
            try:
                service = self._service(name, url, is_digest=is_digest)
                answer = getattr(service, call)(given)
            except _FOREIGN as error:
                if not _is_refusal(error):
                    raise _translated(error) from None
                refused = error
            else:
                self._is_digest = is_digest
                return answer
        raise LineError(
            View.AUTH, "摄像机不接受这个账号或口令（已按它的时钟签名，并试过摘要认证）"
        ) from refused

    def _service(self, name: str, url: str, *, anonymous: bool = False, is_digest: bool = False) -> Any:
        session = _session()
        token = None
        if is_digest:
            session.auth = HTTPDigestAuth(self._user, self._password)
        elif not anonymous:
            at = self._now() + timedelta(seconds=self._skew or 0.0)
            token = UsernameToken(
                self._user, self._password, use_digest=True, created=at, zulu_timestamp=True
            )
        transport = _Transport(session=session, timeout=OPEN_SECS, operation_timeout=OPEN_SECS)
        client = Client(_document(name), wsse=token, transport=transport)
        binding = f"{{{SERVICES[name]['ns']}}}{SERVICES[name]['binding']}"
        path = str(wsdl_folder() / SERVICES[name]["wsdl"])
        return ONVIFService(url, self._user, self._password, path, zeep_client=client, binding_name=binding)

    def _here(self, url: str) -> str:
        """Host of an answer -> the host that answered: cameras name addresses of a network of their own."""
        host = urlsplit(self._url).hostname or ""
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        return urlunsplit(parts._replace(netloc=(f"[{host}]" if ":" in host else host) + port))


class _Transport(Transport):  # type: ignore[misc]
    """Reads no answer without end, and none that takes for ever: each chunk has `OPEN_SECS`, the whole twice that."""

    def post(self, address: str, message: Any, headers: Any) -> requests.Response:
        clock, session = Clock(), self.session
        due = clock.mono() + 2 * OPEN_SECS * SECOND
        response: requests.Response = session.post(
            address, data=message, headers=headers, timeout=OPEN_SECS, stream=True, allow_redirects=False
        )
        body = b""
        for chunk in response.iter_content(16 * 1024):
            body += chunk
            if len(body) > _MOST_BYTES or clock.mono() > due:
                response.close()
                raise requests.ConnectionError("no end")
        response._content = body  # noqa: SLF001  the one way to hand a read body back
        return response


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


@cache
def _document(name: str) -> Any:
    """Parsed once per process: 0.1 s and 5 MB each."""
    settings = Settings(strict=False, xml_huge_tree=False)
    path = str(wsdl_folder() / SERVICES[name]["wsdl"])
    return Document(path, Transport(session=_session(), timeout=OPEN_SECS), settings=settings)


def _text(found: Callable[[], Any]) -> str:
    """Raises LineError where an answer has no such field."""
    try:
        value = found()
    except (AttributeError, TypeError):
        value = None
    if not isinstance(value, str) or not value:
        raise LineError(View.NO_VIDEO, "摄像机的应答里没有码流地址")
    return value


def _cause(error: BaseException) -> BaseException:
    """onvif-zeep wraps every error in one of its own, with the cause's text alone."""
    return error.__context__ if isinstance(error, ONVIFError) and error.__context__ else error


def _is_refusal(error: Exception) -> bool:
    cause = _cause(error)
    if isinstance(cause, TransportError):
        return cause.status_code in {400, 401, 403}
    if not isinstance(cause, Fault):
        return False
    said = " ".join([str(cause), *(str(getattr(code, "localname", code)) for code in cause.subcodes or [])])
    return any(
        word in said.lower() for word in ("notauthorized", "not authorized", "failedauth", "authority")
    )


def _is_away(error: Exception) -> bool:
    return isinstance(_cause(error), requests.ConnectionError | requests.Timeout)


def _translated(error: Exception) -> LineError:
    """Nothing of the answer's own text is taken."""
    cause = _cause(error)
    if isinstance(cause, LineError):
        return cause
    if isinstance(cause, requests.Timeout):
        return LineError(View.UNREACHABLE, f"ONVIF 服务 {OPEN_SECS:.0f} 秒没有应答")
    if isinstance(cause, requests.ConnectionError):
        return LineError(View.UNREACHABLE, "ONVIF 服务连不上，或应答没有完")
    if isinstance(cause, TransportError) and cause.status_code in {429, 503}:
        return LineError(View.LIMIT, "摄像机说忙")
    return LineError(View.NO_VIDEO, f"ONVIF 应答读不懂（{type(cause).__name__}）")
