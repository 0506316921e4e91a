"""An ONVIF device service in a thread: strict about passwords and clocks, with events by long poll, faulty on demand.

`GET /ctl?skew=-86400`, `?ev=tamper|motion&v=true|false`, `?reboot=1970`, `?forget=1` order it from outside.
"""

import base64
import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

USER, PASSWORD = "monitor", "Bao:Mi@26"
WINDOW_SECS = 5
"""How far a token's time may be from the camera's own."""
Mode = Literal["plain", "digest", "no anonymous time"]
Fault = Literal[
    "", "silent", "garbage", "html", "huge", "endless", "busy", "no profiles", "no uri",
    "endless page", "endless refusal",
]  # fmt: skip
MOST_POURED = 32 * 1024 * 1024
"""Bytes of a page or a refusal that does not end."""

_HEAD = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:d="http://www.onvif.org/ver10/device/wsdl" xmlns:m="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:t="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error" '
    'xmlns:e="http://www.onvif.org/ver10/events/wsdl" xmlns:n="http://docs.oasis-open.org/wsn/b-2" '
    'xmlns:a="http://www.w3.org/2005/08/addressing"><s:Body>'
)
_TAIL = "</s:Body></s:Envelope>"
REFUSED = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">Sender not Authorized</s:Text></s:Reason></s:Fault>'
)
IN_CHINESE = (
    "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>"
    '<s:Reason><s:Text xml:lang="zh">{}</s:Text></s:Reason></s:Fault>'
)
GONE = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value></s:Code><s:Reason>"
    '<s:Text xml:lang="en">{}</s:Text></s:Reason></s:Fault>'
)
_TOPICS = {
    "tamper": ("tns1:VideoSource/GlobalSceneChange/ImagingService", "State"),
    "motion": ("tns1:RuleEngine/CellMotionDetector/Motion", "IsMotion"),
    "other": ("tns1:Monitoring/ProcessorUsage", "Value"),
}
EVENT_CALLS = {"CreatePullPointSubscription", "PullMessages", "Renew", "Unsubscribe"}
LASTS_SECS = 60.0


class Subscriptions:
    """Two at most; each has its own queue, and lapses unless it is renewed."""

    def __init__(self) -> None:
        self.limit = 2
        self.made = 0
        self.most = 0
        self._news = threading.Condition()
        self._waiting: dict[str, list[str]] = {}
        self._due: dict[str, float] = {}

    @property
    def alive(self) -> int:
        with self._news:
            return sum(due > time.monotonic() for due in self._due.values())

    def begin(self) -> str:
        """-> its number; empty where the limit is reached."""
        with self._news:
            now = time.monotonic()
            self._due = {number: due for number, due in self._due.items() if due > now}
            if len(self._due) >= self.limit:
                return ""
            self.made += 1
            number = f"n{self.made}"
            self._due[number], self._waiting[number] = now + LASTS_SECS, []
            self.most = max(self.most, len(self._due))
            return number

    def renew(self, number: str) -> bool:
        with self._news:
            is_alive = self._due.get(number, 0) > time.monotonic()
            if is_alive:
                self._due[number] = time.monotonic() + LASTS_SECS
            return is_alive

    def end(self, number: str) -> bool:
        with self._news:
            self._waiting.pop(number, None)
            return self._due.pop(number, None) is not None

    def forget(self) -> None:
        """Every subscription ends, and nobody is told."""
        with self._news:
            self._due.clear()
            self._waiting.clear()
            self._news.notify_all()

    def say(self, kind: str, *, value: bool) -> None:
        topic, name = _TOPICS[kind]
        said = (
            '<n:NotificationMessage><n:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">'
            f"{topic}</n:Topic><n:Message>"
            '<t:Message UtcTime="2026-06-12T01:00:00Z" PropertyOperation="Changed"><t:Source>'
            '<t:SimpleItem Name="VideoSourceToken" Value="1"/></t:Source><t:Data>'
            f'<t:SimpleItem Name="{name}" Value="{str(value).lower()}"/></t:Data></t:Message></n:Message>'
            "</n:NotificationMessage>"
        )
        with self._news:
            for queue in self._waiting.values():
                queue.append(said)
            self._news.notify_all()

    def pull(self, number: str, secs: float) -> list[str] | None:
        """Waits for the first; None for a subscription that is not there."""
        with self._news:
            self._news.wait_for(lambda: number not in self._due or self._waiting[number], secs)
            if number not in self._due:
                return None
            said, self._waiting[number] = self._waiting[number][:10], self._waiting[number][10:]
            return said


class Device:
    """`skew`: seconds by which its clock is ahead. `stream`: what it answers, whatever the host in it."""

    def __init__(self, stream: str = "rtsp://192.0.2.7:554/main") -> None:
        self.mode: Mode = "plain"
        self.fault: Fault = ""
        self.skew = 0.0
        self.stream = stream
        self.is_detailed = False
        """Whether it says what its profiles are, has a second one, and a snapshot of the first alone."""
        self.kept: dict[tuple[str, str], str] = {}
        """By call and profile: the body of a refusal to say that."""
        self.may_set = True
        """Whether the account may change anything."""
        self.password = PASSWORD
        self.refusal = 400, REFUSED
        """Status and body of what it answers to a wrong password."""
        self.wrong = 0
        """Times that it was told one."""
        self.asked: list[str] = []
        self.event_fault: Fault = ""
        """As `fault`, of the event service alone."""
        self.subscriptions = Subscriptions()
        self.poured = 0
        self._nonces: set[str] = set()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skew)

    def order(self, query: str) -> None:
        """What was asked by `/ctl?...`."""
        said = {name: values[0] for name, values in parse_qs(query).items()}
        if "skew" in said:
            self.skew = float(said["skew"])
        if "ev" in said:
            self.subscriptions.say(said["ev"], value=said.get("v", "true") == "true")
        if "reboot" in said:
            self.skew = (datetime(int(said["reboot"]), 1, 1, tzinfo=UTC) - datetime.now(UTC)).total_seconds()
        if "reboot" in said or "forget" in said:
            self.subscriptions.forget()

    def event_answer(self, call: str, body: str, port: int) -> tuple[int, str]:
        """-> status and body of an answer of the event service."""
        number = _between(body, "SubscriptionId")
        if call == "CreatePullPointSubscription":
            made = self.subscriptions.begin()
            if not made:
                return 400, GONE.format("subscription limit")
            return 200, (
                "<e:CreatePullPointSubscriptionResponse><e:SubscriptionReference>"
                f"<a:Address>http://192.0.2.7:{port}/onvif/subscription</a:Address><a:ReferenceParameters>"
                f'<x:SubscriptionId xmlns:x="http://camera.example">{made}</x:SubscriptionId></a:ReferenceParameters>'
                f"</e:SubscriptionReference>{self._times()}</e:CreatePullPointSubscriptionResponse>"
            )
        if call == "PullMessages":
            said = self.subscriptions.pull(number, float(_between(body, "Timeout").strip("PTS")))
            if said is None:
                return 400, GONE.format("no such subscription")
            times = self._times().replace("n:", "e:")
            return 200, f"<e:PullMessagesResponse>{times}{''.join(said)}</e:PullMessagesResponse>"
        known = self.subscriptions.renew(number) if call == "Renew" else self.subscriptions.end(number)
        if not known:
            return 400, GONE.format("no such subscription")
        return 200, f"<n:{call}Response>{self._times() if call == 'Renew' else ''}</n:{call}Response>"

    def set_answer(self, body: str) -> tuple[int, str]:
        """-> status and body of the answer to a new time."""
        if not self.may_set:
            return 400, REFUSED
        names = ("Year", "Month", "Day", "Hour", "Minute", "Second")
        at = datetime(*(int(_between(body, name)) for name in names), tzinfo=UTC)  # type: ignore[misc,arg-type]
        self.skew = (at - datetime.now(UTC)).total_seconds()
        return 200, "<d:SetSystemDateAndTimeResponse/>"

    def _times(self) -> str:
        now = self.now()
        until = now + timedelta(seconds=LASTS_SECS)
        return f"<n:CurrentTime>{now:%FT%TZ}</n:CurrentTime><n:TerminationTime>{until:%FT%TZ}</n:TerminationTime>"

    def is_known(self, body: str, authorization: str, method: str) -> bool:
        return self._digest(authorization, method) if self.mode == "digest" else self._token(body)

    def _token(self, body: str) -> bool:
        said = {name: _between(body, name) for name in ("Username", "Password", "Nonce", "Created")}
        if said["Username"] != USER or not said["Created"] or said["Nonce"] in self._nonces:
            return False
        self._nonces.add(said["Nonce"])
        created = datetime.fromisoformat(said["Created"].replace("Z", "+00:00"))
        if abs((created - self.now()).total_seconds()) > WINDOW_SECS:
            return False
        plain = base64.b64decode(said["Nonce"]) + said["Created"].encode() + self.password.encode()
        return bool(said["Password"] == base64.b64encode(hashlib.sha1(plain).digest()).decode())

    def _digest(self, authorization: str, method: str) -> bool:
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', authorization))
        if said.get("username") != USER:
            return False
        first: str = _md5(f"{USER}:cam:{self.password}")
        second = _md5(f"{method}:{said['uri']}")
        return str(said["response"]) == _md5(f"{first}:n1:{said['nc']}:{said['cnonce']}:auth:{second}")

    def media_answer(self, call: str, body: str) -> tuple[int, str]:
        """-> status and body of an answer about one profile."""
        token = _between(body, "ProfileToken")
        if (call, token) in self.kept:
            return 400, self.kept[call, token]
        is_sub = token == "p2"
        if call == "GetSnapshotUri" and (is_sub or not self.is_detailed):
            return 400, GONE.format("Action not supported")
        address = "http://192.0.2.7/snapshot" if call == "GetSnapshotUri" else self.stream + "/sub" * is_sub
        return 200, (
            f"<m:{call}Response><m:MediaUri><t:Uri>{'' if self.fault == 'no uri' else escape(address)}</t:Uri><t:InvalidAfterConnect>"
            "false</t:InvalidAfterConnect><t:InvalidAfterReboot>false</t:InvalidAfterReboot><t:Timeout>PT60S</t:Timeout>"
            f"</m:MediaUri></m:{call}Response>"
        )

    def _profiles(self) -> str:
        if self.fault == "no profiles":
            return ""
        if not self.is_detailed:
            return '<m:Profiles token="p1" fixed="true"><t:Name>main</t:Name></m:Profiles>'
        return _profile("p1", "main", 1920, 1080, 4096) + _profile("p2", "sub", 704, 576, 512)

    def answer(self, call: str, port: int) -> str:
        at = self.now()
        return {
            "GetSystemDateAndTime": "<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime><t:DateTimeType>Manual"
            "</t:DateTimeType><t:DaylightSavings>false</t:DaylightSavings><t:UTCDateTime><t:Time>"
            f"<t:Hour>{at.hour}</t:Hour><t:Minute>{at.minute}</t:Minute><t:Second>{at.second}</t:Second></t:Time>"
            f"<t:Date><t:Year>{at.year}</t:Year><t:Month>{at.month}</t:Month><t:Day>{at.day}</t:Day></t:Date>"
            "</t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>",
            "GetDeviceInformation": "<d:GetDeviceInformationResponse><d:Manufacturer>Test</d:Manufacturer>"
            "<d:Model>T1</d:Model><d:FirmwareVersion>1</d:FirmwareVersion><d:SerialNumber>1</d:SerialNumber>"
            "<d:HardwareId>1</d:HardwareId></d:GetDeviceInformationResponse>",
            "GetCapabilities": "<d:GetCapabilitiesResponse><d:Capabilities><t:Events><t:XAddr>"
            f"http://192.0.2.7:{port}/onvif/events</t:XAddr><t:WSSubscriptionPolicySupport>false"
            "</t:WSSubscriptionPolicySupport><t:WSPullPointSupport>true</t:WSPullPointSupport>"
            "<t:WSPausableSubscriptionManagerInterfaceSupport>false"
            "</t:WSPausableSubscriptionManagerInterfaceSupport></t:Events><t:Media><t:XAddr>"
            f"http://192.0.2.7:{port}/onvif/media</t:XAddr><t:StreamingCapabilities/></t:Media>"
            "</d:Capabilities></d:GetCapabilitiesResponse>",
            "GetProfiles": f"<m:GetProfilesResponse>{self._profiles()}</m:GetProfilesResponse>",
        }[call]


def _profile(token: str, name: str, width: int, height: int, kbps: int) -> str:
    return (
        f'<m:Profiles token="{token}" fixed="true"><t:Name>{name}</t:Name><t:VideoEncoderConfiguration token="{token}">'
        f"<t:Name>{name}</t:Name><t:UseCount>1</t:UseCount><t:Encoding>H264</t:Encoding><t:Resolution><t:Width>{width}</t:Width>"
        f"<t:Height>{height}</t:Height></t:Resolution><t:Quality>4</t:Quality><t:RateControl><t:FrameRateLimit>25"
        f"</t:FrameRateLimit><t:EncodingInterval>1</t:EncodingInterval><t:BitrateLimit>{kbps}</t:BitrateLimit></t:RateControl>"
        "<t:H264><t:GovLength>50</t:GovLength><t:H264Profile>Main</t:H264Profile></t:H264><t:Multicast><t:Address><t:Type>IPv4"
        "</t:Type></t:Address><t:Port>0</t:Port><t:TTL>0</t:TTL><t:AutoStart>false</t:AutoStart></t:Multicast>"
        "<t:SessionTimeout>PT60S</t:SessionTimeout></t:VideoEncoderConfiguration></m:Profiles>"
    )


def _between(text: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>([^<]*)<", text)
    return found[1] if found else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@contextmanager
def running(device: Device, host: str = "127.0.0.1", at_port: int = 0) -> Iterator[int]:
    """-> its port."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            return device.now().strftime("%a, %d %b %Y %H:%M:%S GMT")

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if device.fault == "endless page":
                self._pour(200)
                return
            if asked.path != "/ctl":
                self._say(401, "")
                return
            device.order(asked.query)
            self._say(200, "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            call = re.findall(r"Body>\s*<(?:\w+:)?(\w+)", body)[0]
            device.asked.append(call)
            fault = (device.event_fault if call in EVENT_CALLS else "") or device.fault
            if fault in {"silent", "garbage", "html", "huge", "endless", "busy"}:
                self._fail(fault)
                return
            is_open = call == "GetSystemDateAndTime" and device.mode != "no anonymous time"
            has_token = "UsernameToken" in body
            if fault == "endless page":
                self._say(200, "no XML")
                return
            if fault == "endless refusal" and not (has_token or is_open):
                self._pour(401)
                return
            known = device.is_known(body, self.headers.get("Authorization", ""), "POST")
            if known and call in EVENT_CALLS:
                status, said = device.event_answer(call, body, port())
                self._say(status, _HEAD + said + _TAIL)
            elif known and call == "SetSystemDateAndTime":
                status, said = device.set_answer(body)
                self._say(status, _HEAD + said + _TAIL)
            elif known and call in {"GetStreamUri", "GetSnapshotUri"}:
                status, said = device.media_answer(call, body)
                self._say(status, _HEAD + said + _TAIL)
            elif known or (is_open and not has_token):
                self._say(200, _HEAD + device.answer(call, port()) + _TAIL)
            elif device.mode == "digest":
                device.wrong += "Authorization" in self.headers
                self._say(401, "", 'Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5')
            else:
                device.wrong += has_token
                status, said = device.refusal
                self._say(status, _HEAD + said + _TAIL)

        def _fail(self, fault: str) -> None:
            if fault == "silent":
                time.sleep(8)
            elif fault == "huge":
                self._say(200, _HEAD + "<x>" + "y" * 1_000_000 + "</x>" + _TAIL)
            elif fault == "endless":
                self.send_response(200)
                self.end_headers()
                while True:
                    self.wfile.write(b" " * 65536)
            elif fault == "busy":
                self._say(503, "")
            else:
                self._say(200, "<html>login</html>" if fault == "html" else "\0\1\2<<<")

        def _pour(self, code: int) -> None:
            self.send_response(code)
            self.send_header("WWW-Authenticate", 'Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5')
            self.end_headers()
            while device.poured < MOST_POURED:
                device.poured += self.wfile.write(b" " * 65536)

        def _say(self, code: int, text: str, challenge: str = "") -> None:
            raw = text.encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
            self.send_header("Content-Length", str(len(raw)))
            if challenge:
                self.send_header("WWW-Authenticate", challenge)
            self.end_headers()
            self.wfile.write(raw)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that gives up is what is wanted."""

    def port() -> int:
        return int(server.server_address[1])

    server = Quiet((host, at_port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield port()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
