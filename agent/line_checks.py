"""What the doctor looks for between box and hall: route, name, host, port, TLS, broker, hall, receipts, backlog.

The link itself is asked of the running agent: a second connection under the same certificate would throw it off.
"""

import asyncio
import fcntl
import ipaddress
import re
import socket
import ssl
import sys
import termios
from contextlib import suppress
from pathlib import Path

from cryptography import x509

from agent.box import Box
from agent.core.sync import Phase
from agent.link import HALL_SILENT, HALL_STOPPED
from agent.system_checks import NOT_RUNNING
from common.core.errors import words
from common.core.instant import DAY, MINUTE, SECOND, to_us
from common.health import Outcome, Status, ok
from common.mqtt import tls_context

RECEIPT_SECS = 30
"""Rows that wait are acknowledged within a second or two; so long without a receipt, the hall does not commit."""
STALLED_SECS = 120
"""By then the box has introduced itself again, and that did not help."""
_DIAL_SECS = 2.0
_REFUSE_SECS = 0.6
"""TLS 1.3: a server refuses our certificate only after the handshake; silence this long means it did not."""
_FIRST_PACKET = b"\x10\x80\x40" + bytes(6000)
"""Of an MQTT CONNECT of 8 KB: several segments on any line."""
_PASS_SECS, _LOOK_SECS = 1.5, 0.05
_GRACE = 10 * SECOND
"""After its start the agent may still be about to meet the hall."""
_DOOR = re.compile(r"https://\[?(?P<host>[^/\]]+?)\]?:(?P<port>\d+)")
OPEN, _REFUSED = "", "连接被拒绝"


def _address(host: str) -> str:
    """Empty for a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


async def routed(box: Box) -> Outcome:
    """Sends nothing: connecting a datagram socket only asks the kernel for a route."""
    host = box.config.mqtt.host
    if not _address(host):
        return ok("") if _has_route() or host == "localhost" else Outcome(Status.FAIL, "本机没有任何路由")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, box.config.mqtt.port))
        except OSError as error:
            return Outcome(Status.FAIL, f"到 {host} 没有路由：{words(error)}", since=_link_since(box))
    return ok()


def _has_route() -> bool:
    """True where we cannot tell."""
    try:
        return len(Path("/proc/self/net/route").read_text("ascii").splitlines()) > 1 or any(
            not line.endswith(" lo")
            for line in Path("/proc/self/net/ipv6_route").read_text("ascii").splitlines()
        )
    except OSError:
        return True


async def resolved(box: Box) -> Outcome:
    host = box.config.mqtt.host
    if _address(host):
        return ok("写的是地址，不用解析")
    try:
        async with asyncio.timeout(_DIAL_SECS):
            found = await asyncio.get_running_loop().getaddrinfo(host, box.config.mqtt.port)
    except (OSError, TimeoutError) as error:
        said = "没有应答" if isinstance(error, TimeoutError) else words(error)
        return Outcome(Status.FAIL, f"解析不了 {host}：{said}", since=_link_since(box))
    return ok(f"{host} 是 {found[0][4][0]}")


async def answering(box: Box) -> Outcome:
    """The hall's machine answers at one of its two ports, if only with a refusal."""
    mqtt, door = box.config.mqtt, door_of(box)
    said = [await dial(mqtt.host, mqtt.port)] if door is None else []
    if door is not None:
        said = list(await asyncio.gather(dial(mqtt.host, mqtt.port), dial(*door)))
    if all(one not in {OPEN, _REFUSED} for one in said):
        return Outcome(Status.FAIL, f"{mqtt.host} 没有应答：{said[0]}", since=_link_since(box))
    if door is not None and said[0] == OPEN and said[1] != OPEN:
        status, so = (
            (Status.WARN, "证书到时不能续期") if box.config.is_enrolled else (Status.FAIL, "本机不能登记")
        )
        return Outcome(
            status, f"登记服务 {door[0]}:{door[1]} {said[1]}，{so}", "请市中心启动登记服务，并放行这个端口"
        )
    return ok(mqtt.host if door is None else f"登记服务 {door[0]}:{door[1]}")


def door_of(box: Box) -> tuple[str, int] | None:
    """Where certificates are renewed, as enrolment has written it; None on a box that was set up by hand."""
    with suppress(OSError):
        found = _DOOR.match(box.config.mqtt.node.with_name("hall").read_text("utf-8"))
        return (found["host"], int(found["port"])) if found else None
    return None


async def dial(host: str, port: int) -> str:
    """Empty where somebody listens, else why not."""
    try:
        async with asyncio.timeout(_DIAL_SECS):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "没有应答"
    except ConnectionRefusedError:
        return _REFUSED
    except OSError as error:
        return f"连不上：{words(error)}"
    writer.close()
    return OPEN


async def reachable(box: Box) -> Outcome:
    where = f"{box.config.mqtt.host}:{box.config.mqtt.port}"
    said = await dial(box.config.mqtt.host, box.config.mqtt.port)
    if said == _REFUSED:
        said = "连接被拒绝（主机可达，端口不通）"
    return Outcome(Status.FAIL, f"{where} {said}", since=_link_since(box)) if said else ok(where)


def _link_since(box: Box) -> str:
    return box.since(box.status.link_since_wall) if box.status and box.status.link_fault else ""


async def encrypted(box: Box) -> Outcome:
    mqtt = box.config.mqtt
    if not mqtt.tls:
        return ok("演示用的本机连接，不加密")
    try:
        reader, writer = await asyncio.open_connection(mqtt.host, mqtt.port, ssl=tls_context(mqtt))
        try:
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            async with asyncio.timeout(_REFUSE_SECS):
                refused = await reader.read(1) == b""
        finally:
            writer.close()
    except TimeoutError:
        return _of_hall(box, shown)
    except ssl.SSLCertVerificationError as error:
        return Outcome(
            Status.FAIL,
            f"市中心的证书不可信：{error.verify_message}",
            "请核对 ca.pem 与服务器名是否属于本市中心",
        )
    except (ssl.SSLError, ConnectionError) as error:
        return Outcome(Status.FAIL, f"市中心不接受本机的证书：{error}", "请市中心为本站点重新签发证书")
    return Outcome(Status.FAIL, "市中心不接受本机的证书", "请市中心为本站点重新签发证书") if refused else ok()


async def full_sized(box: Box) -> Outcome:
    """Small packets pass, full ones may not: the kernel knows what of them was never acknowledged (tcp(7), SIOCOUTQ).

    The broker is sent the beginning of a first packet, for the rest of which it waits.
    """
    mqtt = box.config.mqtt
    if not mqtt.tls:
        return ok("演示用的本机连接")
    _, writer = await asyncio.open_connection(mqtt.host, mqtt.port, ssl=tls_context(mqtt))
    try:
        writer.write(_FIRST_PACKET)
        line = writer.get_extra_info("socket").fileno()
        for _ in range(round(_PASS_SECS / _LOOK_SECS)):
            await asyncio.sleep(_LOOK_SECS)
            left = int.from_bytes(fcntl.ioctl(line, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
            if not left:
                return ok()
    finally:
        writer.close()
    return Outcome(Status.FAIL, f"{mqtt.host} 收不到满长的数据包，小的收得到", since=_link_since(box))


def _of_hall(box: Box, shown: bytes) -> Outcome:
    """Nobody checks its time, so that a wrong clock cuts no box off: here it is said."""
    left = (to_us(x509.load_der_x509_certificate(shown).not_valid_after_utc) - box.clock.wall()) // DAY
    if left >= 0:
        return ok("双向证书已核对")
    return Outcome(
        Status.WARN,
        f"市中心消息服务的证书已过期 {-left} 天；上传照常",
        "请市中心执行  mingcha central init",
    )


# delivery -----------------------------------------------------------------------------------------------------


async def admitted(box: Box) -> Outcome:
    status = box.status
    if status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    if status.phase is Phase.REFUSED:
        return Outcome(Status.SKIP, "因市中心拒绝本站点")
    if status.phase is Phase.OFFLINE and status.link_fault not in {HALL_STOPPED, HALL_SILENT}:
        if not status.link_fault and box.clock.wall() - _since(box) < _GRACE:
            return Outcome(Status.SKIP, "刚启动，正在连接")
        return Outcome(Status.FAIL, status.link_fault or "没有连上", since=box.since(_since(box)))
    return ok(f"MQTT {box.config.mqtt.version}")


def _since(box: Box) -> int:
    assert box.status is not None
    return max(box.status.link_since_wall, box.status.started_wall)


async def present(box: Box) -> Outcome:
    status = box.status
    if status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    if status.is_hall_there and status.phase is not Phase.OFFLINE:
        return ok("市中心自称在线")
    if status.link_fault or status.phase is Phase.HELLO:
        if not status.link_fault and box.clock.wall() - _since(box) < _GRACE:
            return Outcome(Status.SKIP, "刚启动，等市中心应答")
        return Outcome(Status.FAIL, status.link_fault or HALL_SILENT, since=box.since(_since(box)))
    return ok()


async def answered(box: Box) -> Outcome:
    """The round trip, by what the running agent knows: a hall that is there answers each introduction within a second.

    MQTT 3.1.1 tells nobody that a publication was denied (provisioning.md 3.6); so this is the only sign of it.
    """
    status = box.status
    if status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    if status.phase is not Phase.HELLO:
        return ok(f"往返 {status.round_trip_ms:.0f} 毫秒" if status.round_trip_ms else "")
    if box.clock.wall() - _since(box) < _GRACE:
        return Outcome(Status.SKIP, "刚连上，等市中心应答")
    return Outcome(
        Status.FAIL,
        "市中心自称在线，本机的报到却没有应答：报到没有送到，或应答没有送回",
        since=box.since(_since(box)),
    )


async def receipt(box: Box) -> Outcome:
    status = box.status
    if status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    now = box.clock.wall()
    detail = f"最近回执 {box.since(status.ack_wall) or '尚无'}"
    latest = max(status.ack_wall, status.oldest_wall, _since(box))
    return (
        Outcome(Status.FAIL, detail) if status.rows and now - latest > RECEIPT_SECS * SECOND else ok(detail)
    )


async def backlog(box: Box) -> Outcome:
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    oldest = box.status.oldest_wall
    age = max(0, box.clock.wall() - oldest) // MINUTE if oldest else 0
    detail = f"{box.status.rows} 条待传，{box.status.bytes / 2**20:.1f} MB" + (
        f"，最早 {age} 分钟前" if age else ""
    )
    if box.status.untaken:
        return Outcome(Status.WARN, f"{detail}；{box.status.untaken}")
    return Outcome(Status.WARN, detail) if age >= 5 else ok(detail)


async def shrinking(box: Box) -> Outcome:
    """Of how it went over the last minutes; how old it is says E-SYNC-04."""
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    found = box.status.growing
    if found is None:
        return ok("没有在增加")
    return Outcome(
        Status.WARN, f"{found.secs} 秒里由 {found.before:,} 条增加到 {found.rows:,} 条，线路跟不上"
    )


async def declared(box: Box) -> Outcome:
    """Numbers that will never come are declared; where the hall goes on to miss some, a declaration has not been taken."""
    if box.status is None:
        return Outcome(Status.SKIP, NOT_RUNNING)
    if box.status.stalled_secs < STALLED_SECS:
        return ok(f"曾有 {box.status.quarantined} 条损坏，已声明" if box.status.quarantined else "")
    minutes = box.status.stalled_secs // 60
    return Outcome(
        Status.WARN, f"{box.status.rows} 条待传，已全部送出或声明，而市中心 {minutes} 分钟仍称缺号"
    )
