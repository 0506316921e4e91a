"""Who answers a WS-Discovery probe (OASIS 2005/04, as ONVIF has it): the question, what an answer says, the lines to configure.

An answer comes from whoever is in that network: it is read by a parser that builds nothing, knows no entity and follows no
address, and what it says of itself is shown and never believed. Where the camera is, the packet's sender says. Pure.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from agent.core.strange_xml import Bounds, nodes
from common.core.text import one_line

MOST_BYTES = 16 * 1024
"""Of one answer: an honest one has 2 kB."""
_BOUNDS = Bounds(MOST_BYTES, elements=400)
_LONGEST = 60
_HTTP = 80
_NAMESPACES = (
    "http://schemas.xmlsoap.org/ws/2005/04/discovery",
    "http://docs.oasis-open.org/ws-dd/ns/discovery/2009/01",
)
_USUAL_PATH = "/onvif/device_service"
_SCOPE = re.compile(r"\Aonvif://www\.onvif\.org/(name|hardware)/(.+)\Z", re.IGNORECASE)
_ID = re.compile(r"\Ac(\d+)\Z")


class Found(Struct, frozen=True):
    """A device that answered from `host`. `note`: what about it is not as usual."""

    host: str
    port: int
    name: str
    note: str = ""

    @property
    def address(self) -> str:
        """As `[[camera]]` has it."""
        return self.host if self.port == _HTTP else f"{self.host}:{self.port}"


def question(number: str) -> bytes:
    """`number`: of this question, 36 characters of a UUID; answers name it."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
        'xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" '
        f'xmlns:d="{_NAMESPACES[0]}" xmlns:dn="http://www.onvif.org/ver10/network/wsdl"><s:Header>'
        f"<a:MessageID>urn:uuid:{number}</a:MessageID>"
        "<a:To>urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>"
        f"<a:Action>{_NAMESPACES[0]}/Probe</a:Action></s:Header>"
        "<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>"
    ).encode()


def found(answer: bytes, sender: str, number: str) -> Found | None:
    """What `answer` from the address `sender` says; None where it is no answer of a camera to the question `number`."""
    try:
        seen = nodes(answer, _BOUNDS)
    except ValueError:
        return None
    texts = {node.name: node.text for node in seen if node.text}
    is_match = any(node.name == "ProbeMatch" and node.space in _NAMESPACES for node in seen)
    is_ours = texts.get("RelatesTo", "").lower().endswith(number.lower())
    if not (is_match and is_ours and "NetworkVideoTransmitter" in texts.get("Types", "")):
        return None
    port, note = _place(texts.get("XAddrs", "").split(), sender)
    return Found(sender, port, _name(texts.get("Scopes", "").split()), note)


def _place(addresses: list[str], sender: str) -> tuple[int, str]:
    """-> port of the device service on the host that answered, and what is not as usual about it."""
    places = []
    for text in addresses[:8]:
        try:
            parts = urlsplit(text)
            places.append((parts.scheme, parts.hostname or "", parts.port, parts.path))
        except ValueError:
            continue
    open_ones = [place for place in places if place[0] == "http"]
    if not open_ones:
        return (
            _HTTP,
            "只有加密的 ONVIF 服务（https），本程序不支持" if places else "没有说出服务地址，按常见的写",
        )
    of_sender = [place for place in open_ones if place[1] == sender]
    _, host, port, path = (of_sender or open_ones)[0]
    notes = []
    if host != sender:
        notes.append(f"它自称 {one_line(host, _LONGEST)}，以实际应答的地址为准")
    if path.rstrip("/") != _USUAL_PATH:
        notes.append(f"服务路径不是 {_USUAL_PATH}，可能打不开")
    return port or _HTTP, "；".join(notes)


def _name(scopes: list[str]) -> str:
    """Maker or name and model, as the device calls itself."""
    said: dict[str, str] = {}
    for scope in scopes[:64]:
        match = _SCOPE.match(scope)
        if match:
            said.setdefault(match[1].lower(), one_line(unquote(match[2]), _LONGEST))
    name, model = said.get("name", ""), said.get("hardware", "")
    return name if model in name else f"{name} {model}".strip()


def host_of(address: str) -> str:
    """Of a configured camera: `host`, `host:port` or an RTSP address -> its host, in small letters."""
    text = address if "//" in address else f"//{address}"
    try:
        return (urlsplit(text).hostname or "").lower()
    except ValueError:
        return ""


def drafted(cameras: Iterable[Found], taken: Iterable[str]) -> list[tuple[str, str]]:
    """-> (id, `[[camera]]` block) of each. `taken`: ids that are in use. No user: nobody else knows it, and without one the
    configuration is refused."""
    numbers = [int(match[1]) for name in taken if (match := _ID.match(name)) and len(match[1]) < 6]
    blocks = []
    for number, camera in enumerate(cameras, max(numbers, default=0) + 1):
        called = f"  # {camera.name}" if camera.name else ""
        lines = (
            f'id = "c{number}"',
            f'name = ""{called}',
            'type = "onvif"',
            f'address = "{camera.address}"',
            'user = ""  # 请填摄像机上只可观看的账号',
            f'password_file = "camera-c{number}"',
        )
        blocks.append((f"c{number}", "\n".join(["[[camera]]", *lines, ""])))
    return blocks
