"""An ONVIF device that is asked: its clock first, then whatever is wanted, by the ladder of authentication.

onvif-zeep's own classes, its faults mended at this edge (cameras.md 3.3): it parses each WSDL once per camera, looks for
the files beside itself, waits for ever, asks even for the time with a token signed by the wrong time, opens an event
subscription unasked, puts a handler on the root logger and takes the proxy out of the environment.

The ladder: the clock, anonymously or from the date of a refusal; a token signed with the camera's own time; HTTP digest.
Only when all of it was refused may "wrong password" be said.
"""

import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from lxml.etree import LxmlError
from msgspec import Struct
from requests.auth import HTTPDigestAuth

from agent.camera.base import OPEN_SECS, LineError
from common.clock import Clock
from common.core.camera import View
from common.core.instant import SECOND

_handlers, _proxies = (
    list(logging.root.handlers),
    {name: os.environ.get(name) for name in ("http_proxy", "https_proxy")},
)
import onvif  # noqa: E402
from onvif.client import ONVIFService  # noqa: E402
from onvif.exceptions import ONVIFError  # noqa: E402
from zeep import Client, Settings, Transport  # noqa: E402
from zeep.exceptions import Error as ZeepError  # noqa: E402
from zeep.exceptions import Fault, TransportError  # noqa: E402
from zeep.wsa import WsAddressingPlugin  # noqa: E402
from zeep.wsdl import Document  # noqa: E402
from zeep.wsse.username import UsernameToken  # noqa: E402

logging.root.handlers[:] = _handlers
logging.root.setLevel(logging.WARNING)

_MOST_BYTES = 512 * 1024
"""Of one answer: an honest one has 20 kB."""
_MOST_SKEW = 100 * 365 * 86_400.0
"""Seconds; a clock that is farther off is no clock, and reckoning with it leaves the calendar."""
_REFUSING = (
    "notauthorized", "not authorized", "failedauth", "authority", "未授权", "鉴权", "认证", "密码", "口令", "锁定",
)  # fmt: skip
"""By one of them a fault says that it does not take the account: not every camera gives the code that ONVIF has for it."""
_PLAIN = {401, 403, 429, 503}
"""Of HTTP: what these say needs no page."""
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


class _Service(Struct, frozen=True):
    """`is_addressed`: the WSDL names no WS-Addressing action, and devices want one. `is_raw`: the answer's bytes are wanted."""

    wsdl: str
    space: str
    binding: str
    is_addressed: bool = False
    is_raw: bool = False


_EVENTS = "http://www.onvif.org/ver10/events/wsdl"
_SERVICES = {
    "devicemgmt": _Service("devicemgmt.wsdl", "http://www.onvif.org/ver10/device/wsdl", "DeviceBinding"),
    "media": _Service("media.wsdl", "http://www.onvif.org/ver10/media/wsdl", "MediaBinding"),
    "events": _Service("events.wsdl", _EVENTS, "EventBinding"),
    "pullpoint": _Service("events.wsdl", _EVENTS, "PullPointSubscriptionBinding", is_raw=True),
    "subscription": _Service("events.wsdl", _EVENTS, "SubscriptionManagerBinding", is_addressed=True),
}


def wsdl_folder() -> Path:
    """Beside the package, not in it. Raises FileNotFoundError where an installation has left it out."""
    folder = Path(str(onvif.__file__)).parent.parent / "wsdl"
    if not (folder / "devicemgmt.wsdl").exists():
        raise FileNotFoundError(folder)
    return folder


class Device:
    """`address`: host or host:port. `path` of the device service is the usual one."""

    def __init__(self, address: str, user: str, password: str, clock: Clock) -> None:
        self.url = f"http://{address}/onvif/device_service"
        self._user, self._password = user, password
        self._clock = clock
        self.skew: float | None = None
        self.is_by_net = False
        """It keeps its time by a server of its own (NTP), as it said when it was measured last."""
        self._is_digest = False

    def measure(self) -> None:
        """A camera that will not tell its time before it knows us says it in the date of its refusal."""
        try:
            with _session() as session:
                service = self._service(session, "devicemgmt", self.url, anonymous=True)
                told = service.GetSystemDateAndTime()
            said, self.is_by_net = told.UTCDateTime, told.DateTimeType == "NTP"
            at = datetime(
                said.Date.Year, said.Date.Month, said.Date.Day,
                said.Time.Hour, said.Time.Minute, said.Time.Second, tzinfo=UTC,
            )  # fmt: skip
        except _FOREIGN as error:
            if _is_away(error):
                raise _translated(error) from None
            at = self._dated() or self._now()
        skew = (at - self._now()).total_seconds()
        self.skew = max(-_MOST_SKEW, min(_MOST_SKEW, skew))

    def set_time(self, ahead: float) -> None:
        """Make its clock what this box's will be `ahead` seconds from now; by hand from then on. Raises LineError; AUTH too where the
        account may look and not change."""
        at = self._now() + timedelta(seconds=ahead + 0.5)  # it takes whole seconds
        date = {"Year": at.year, "Month": at.month, "Day": at.day}
        time = {"Hour": at.hour, "Minute": at.minute, "Second": at.second}
        given = {
            "DateTimeType": "Manual",
            "DaylightSavings": False,
            "UTCDateTime": {"Date": date, "Time": time},
        }
        self.asked("devicemgmt", self.url, "SetSystemDateAndTime", given)
        self.measure()

    def _dated(self) -> datetime | None:
        try:
            with _session() as session:
                answer = session.get(self.url, timeout=OPEN_SECS, stream=True, allow_redirects=False)
                date = answer.headers.get("Date", "")  # of what follows nothing is read
                answer.close()
            return parsedate_to_datetime(date).astimezone(UTC)
        except (requests.RequestException, ValueError, OverflowError):
            return None

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.wall() / SECOND, UTC)

    def asked(self, name: str, url: str, call: str, given: dict[str, Any] | None = None) -> Any:
        """Raises LineError; AUTH only after every step of the ladder with the camera's own time."""
        refused: Exception | None = None
        for is_digest in (self._is_digest, not self._is_digest):
            try:
                with _session() as session:
                    service = self._service(session, name, url, is_digest=is_digest)
                    answer = getattr(service, call)(given)
                if _SERVICES[name].is_raw:
                    answer = _content(answer)
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

    def _service(
        self,
        session: requests.Session,
        name: str,
        url: str,
        *,
        anonymous: bool = False,
        is_digest: bool = False,
    ) -> Any:
        token = None
        if is_digest:
            session.auth = _Digest(self._user, self._password)
        elif not anonymous:
            at = self._now() + timedelta(seconds=self.skew or 0.0)
            token = UsernameToken(
                self._user, self._password, use_digest=True, created=at, zulu_timestamp=True
            )
        service = _SERVICES[name]
        transport = _Transport(session=session, timeout=OPEN_SECS, operation_timeout=OPEN_SECS)
        client = Client(
            _document(service.wsdl),
            wsse=token,
            transport=transport,
            plugins=[WsAddressingPlugin()] * service.is_addressed,
            settings=Settings(strict=False, raw_response=service.is_raw),
        )
        binding = f"{{{service.space}}}{service.binding}"
        path = str(wsdl_folder() / service.wsdl)
        return ONVIFService(url, self._user, self._password, path, zeep_client=client, binding_name=binding)

    def here(self, url: str) -> str:
        """Host of an answer -> the host that answered: cameras name addresses of a network of their own. Raises LineError."""
        host = urlsplit(self.url).hostname or ""
        try:
            parts = urlsplit(url)
            port = f":{parts.port}" if parts.port else ""
        except ValueError:
            raise LineError(View.NO_VIDEO, "摄像机应答里的地址读不懂") from None
        return urlunsplit(parts._replace(netloc=(f"[{host}]" if ":" in host else host) + port))


class _Transport(Transport):  # type: ignore[misc]
    def post(self, address: str, message: Any, headers: Any) -> requests.Response:
        response = _read(
            self.session.post(
                address, data=message, headers=headers, timeout=OPEN_SECS, stream=True, allow_redirects=False
            )
        )
        if response.status_code in _PLAIN:  # zeep would make of it what the page that came with it says
            raise TransportError("refused", status_code=response.status_code)
        return response


class _Digest(HTTPDigestAuth):
    """The published one reads the whole of a refusal, however long it is."""

    def handle_401(self, r: requests.Response, **kwargs: Any) -> requests.Response:
        answer: requests.Response = super().handle_401(_read(r), **kwargs)
        return answer


def _read(response: requests.Response) -> requests.Response:
    """Reads no answer without end, and none that takes for ever: each chunk has `OPEN_SECS`, the whole twice that."""
    clock, body = Clock(), b""
    due = clock.mono() + 2 * OPEN_SECS * SECOND
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
def _document(wsdl: str) -> Any:
    """Parsed once per process: 0.1 s and 5 MB each."""
    settings = Settings(strict=False, xml_huge_tree=False)
    path = str(wsdl_folder() / wsdl)
    return Document(path, Transport(session=_session(), timeout=OPEN_SECS), settings=settings)


def text_of(found: Callable[[], Any], missing: str = "摄像机的应答里没有码流地址") -> str:
    """Raises LineError, saying what is `missing`, where an answer has no such field."""
    try:
        value = found()
    except (AttributeError, TypeError):
        value = None
    if not isinstance(value, str) or not value:
        raise LineError(View.NO_VIDEO, missing)
    return value


def _content(response: requests.Response) -> bytes:
    """What zeep would have made of a refusal, it leaves to us with the bytes."""
    body: bytes = response.content
    if response.status_code in {401, 403} or b"NotAuthorized" in body:
        raise TransportError("refused", status_code=401)
    if response.status_code != 200:
        raise Fault("refused")
    return body


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
    return any(word in said.lower() for word in _REFUSING)


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
    if isinstance(cause, Fault):
        return LineError(View.NO_VIDEO, "摄像机拒绝了 ONVIF 请求")
    # Whatever answers there is mostly no ONVIF: another machine's page, another port, a camera in which it is switched off.
    return LineError(
        View.UNREACHABLE, f"这个地址的应答不是 ONVIF（{type(cause).__name__}），或摄像机没有开启它"
    )
