"""Asks the networks of this box which ONVIF cameras are there: one WS-Discovery question by multicast on each interface, and one
to each address of a network that was named. Own sockets: the published client binds port 3702, which another program holds.
"""

import fcntl
import select
import socket
import struct
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from ipaddress import IPv4Address, IPv4Network

from msgspec import Struct

from agent.core import discovery
from agent.core.discovery import Found
from common.core.errors import UnavailableError, UsageError

GROUP, PORT = "239.255.255.250", 3702
LISTEN_SECS = 3.0
"""After the last question; an answer may be late by half a second, a slow camera by two."""
_ROUNDS, _ROUND_SECS = 2, 0.5
_PER_SEC = 400
_LARGEST = 1024
"""Addresses of a network that is asked one by one."""
_MOST_ANSWERS, _MOST_FROM_ONE, _MOST_CAMERAS = 4096, 8, 512
_FLAGS, _ADDRESS = 0x8913, 0x8915  # SIOCGIFFLAGS, SIOCGIFADDR
_UP, _LOOPBACK, _MULTICAST = 0x1, 0x8, 0x1000


class Interface(Struct, frozen=True):
    name: str
    number: int
    address: str


class Answers(Struct, frozen=True):
    """Of one search. `unread`: answers that were no camera's or too many."""

    cameras: list[Found]
    interfaces: list[Interface]
    unread: int


def interfaces() -> list[Interface]:
    """Those that are up and carry multicast, with their first IPv4 address."""
    found = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for number, name in socket.if_nameindex():
            question = struct.pack("256s", name.encode()[:15])
            with suppress(OSError):  # it has no address, or is gone
                flags = struct.unpack_from("H", fcntl.ioctl(asked, _FLAGS, question), 16)[0]
                address = socket.inet_ntoa(fcntl.ioctl(asked, _ADDRESS, question)[20:24])
                if flags & _UP and flags & _MULTICAST and not flags & _LOOPBACK:
                    found.append(Interface(name, number, address))
    return found


def network(text: str) -> IPv4Network:
    """Raises UsageError."""
    try:
        found = IPv4Network(text, strict=False)
    except ValueError:
        raise UsageError(f"{text} 不是网段", hint="如 192.168.1.0/24") from None
    if found.num_addresses > _LARGEST:
        raise UsageError(f"{text} 太大", hint=f"一次至多 {_LARGEST} 个地址（/22）")
    return found


def search(networks: Sequence[IPv4Network], listen_secs: float = LISTEN_SECS) -> Answers:
    """Blocks for some seconds. Raises UnavailableError where there is nobody to ask."""
    known = interfaces()
    if not known and not networks:
        raise UnavailableError("本机没有可用的网络接口", hint="请检查网线与地址，或用 --net 写明网段")
    number = str(uuid.uuid4())
    question = discovery.question(number)
    with ExitStack() as stack:
        opened = [stack.enter_context(_multicast(item)) for item in known]
        heard = _Heard(number)
        for _ in range(_ROUNDS):  # a datagram may be lost
            for sock in opened:
                with suppress(OSError):
                    sock.sendto(question, (GROUP, PORT))
            heard.listen(opened, _ROUND_SECS)
        if networks:
            one = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            one.setblocking(False)
            opened.append(one)
            for host in _hosts(networks):
                with suppress(OSError):
                    one.sendto(question, (str(host), PORT))
                heard.listen(opened, 1 / _PER_SEC)
        heard.listen(opened, listen_secs)
    cameras = sorted(heard.cameras.values(), key=lambda item: (IPv4Address(item.host), item.port))
    return Answers(cameras, known, heard.unread)


def _hosts(networks: Sequence[IPv4Network]) -> Iterator[IPv4Address]:
    for item in networks:
        yield from item.hosts()


def _multicast(item: Interface) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    membership = struct.pack("4s4si", b"", socket.inet_aton(item.address), item.number)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, membership)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
    return sock


class _Heard:
    """What has come so far; whoever floods us is heard no more."""

    def __init__(self, number: str) -> None:
        self.cameras: dict[tuple[str, int], Found] = {}
        self.unread = 0
        self._number = number
        self._from: dict[str, int] = {}
        self._answers = 0

    def listen(self, opened: list[socket.socket], secs: float) -> None:
        due = time.monotonic() + secs
        while (left := due - time.monotonic()) > 0 and self._answers < _MOST_ANSWERS:
            for sock in select.select(opened, [], [], left)[0]:
                with suppress(OSError):  # a host that refuses says so by ICMP
                    self.take(*sock.recvfrom(discovery.MOST_BYTES + 1))

    def take(self, answer: bytes, sender: tuple[str, int]) -> None:
        count = self._from[sender[0]] = self._from.get(sender[0], 0) + 1
        found = None
        if count <= _MOST_FROM_ONE:
            self._answers += 1
            found = discovery.found(answer, sender[0], self._number)
        if found is None or len(self.cameras) >= _MOST_CAMERAS:
            self.unread += 1
            return
        self.cameras[found.host, found.port] = found
