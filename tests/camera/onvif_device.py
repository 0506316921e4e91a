"""An ONVIF device service in a thread: strict about passwords and clocks, faulty on demand."""

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

USER, PASSWORD = "monitor", "Bao:Mi@26"
WINDOW_SECS = 5
"""How far a token's time may be from the camera's own."""
Mode = Literal["plain", "digest", "no anonymous time"]
Fault = Literal["", "silent", "garbage", "html", "huge", "endless", "busy", "no profiles", "no uri"]

_HEAD = (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    'xmlns:d="http://www.onvif.org/ver10/device/wsdl" xmlns:m="http://www.onvif.org/ver10/media/wsdl" '
    'xmlns:t="http://www.onvif.org/ver10/schema" xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>'
)
_TAIL = "</s:Body></s:Envelope>"
_REFUSED = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">Sender not Authorized</s:Text></s:Reason></s:Fault>'
)


class Device:
    """`skew`: seconds by which its clock is ahead. `stream`: what it answers, whatever the host in it."""

    def __init__(self, stream: str = "rtsp://192.0.2.7:554/main") -> None:
        self.mode: Mode = "plain"
        self.fault: Fault = ""
        self.skew = 0.0
        self.stream = stream
        self.password = PASSWORD
        self.asked: list[str] = []
        self._nonces: set[str] = set()

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.skew)

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
            "GetCapabilities": "<d:GetCapabilitiesResponse><d:Capabilities><t:Media><t:XAddr>"
            f"http://192.0.2.7:{port}/onvif/media</t:XAddr><t:StreamingCapabilities/></t:Media>"
            "</d:Capabilities></d:GetCapabilitiesResponse>",
            "GetProfiles": "<m:GetProfilesResponse>"
            + (
                '<m:Profiles token="p1" fixed="true"><t:Name>main</t:Name></m:Profiles>'
                * (self.fault != "no profiles")
            )
            + "</m:GetProfilesResponse>",
            "GetStreamUri": "<m:GetStreamUriResponse><m:MediaUri><t:Uri>"
            f"{'' if self.fault == 'no uri' else self.stream}</t:Uri><t:InvalidAfterConnect>false"
            "</t:InvalidAfterConnect><t:InvalidAfterReboot>false</t:InvalidAfterReboot><t:Timeout>PT60S</t:Timeout>"
            "</m:MediaUri></m:GetStreamUriResponse>",
        }[call]


def _between(text: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}(?:\s[^>]*)?>([^<]*)<", text)
    return found[1] if found else ""


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@contextmanager
def running(device: Device) -> Iterator[int]:
    """-> its port."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def date_time_string(self, timestamp: float | None = None) -> str:
            return device.now().strftime("%a, %d %b %Y %H:%M:%S GMT")

        def do_GET(self) -> None:
            self._say(401, "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            call = re.findall(r"Body>\s*<(?:\w+:)?(\w+)", body)[0]
            device.asked.append(call)
            if device.fault in {"silent", "garbage", "html", "huge", "endless", "busy"}:
                self._fail()
                return
            is_open = call == "GetSystemDateAndTime" and device.mode != "no anonymous time"
            has_token = "UsernameToken" in body
            known = device.is_known(body, self.headers.get("Authorization", ""), "POST")
            if known or (is_open and not has_token):
                self._say(200, _HEAD + device.answer(call, port()) + _TAIL)
            elif device.mode == "digest":
                self._say(401, "", 'Digest realm="cam", nonce="n1", qop="auth", algorithm=MD5')
            else:
                self._say(400, _HEAD + _REFUSED + _TAIL)

        def _fail(self) -> None:
            if device.fault == "silent":
                time.sleep(8)
            elif device.fault == "huge":
                self._say(200, _HEAD + "<x>" + "y" * 1_000_000 + "</x>" + _TAIL)
            elif device.fault == "endless":
                self.send_response(200)
                self.end_headers()
                while True:
                    self.wfile.write(b" " * 65536)
            elif device.fault == "busy":
                self._say(503, "")
            else:
                self._say(200, "<html>login</html>" if device.fault == "html" else "\0\1\2<<<")

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

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield port()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
