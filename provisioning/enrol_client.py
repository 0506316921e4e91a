"""The box's side of enrolment: one request over TLS that proves the hall first, asked again while answers get lost."""

import http.client
import socket
import ssl
import time
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from common.core.errors import RejectedError, UnavailableError, words
from provisioning.core.messages import Refused

TRIES = 6
ANSWER_SECS = 20.0
REACH_SECS = 5.0
_PIECE = 1 << 18
_NO_CHECK_TIME = (
    0x200000  # X509_V_FLAG_NO_CHECK_TIME: a box whose clock is years off must get in (provisioning.md 3.5)
)


_Answer = TypeVar("_Answer", bound=Struct)


class RefusedError(RejectedError):
    """The hall said no, and why: `code` is of `core/enrolment.py`."""

    def __init__(self, said: Refused) -> None:
        super().__init__(f"市中心没有登记本机：{said.message}", hint=said.fix)
        self.code = said.error


def answers(hall: str) -> bool:
    """Whether anybody takes a connection at `hall` (`https://host:port`). Blocks for five seconds at most."""
    parts = urlsplit(hall)
    assert parts.hostname
    try:
        with socket.create_connection((parts.hostname, parts.port or 443), timeout=REACH_SECS):
            return True
    except OSError:
        return False


def ask(
    hall: str, path: str, ca: Path, asked: Struct, answered: type[_Answer], tries: int = TRIES
) -> _Answer:
    """POST `asked` to `hall` (`https://host:port`), whose certificate must come from `ca`.

    Blocks for up to two minutes. Raises RefusedError, UnavailableError.
    """
    fault, body = UnavailableError("没有试过", hint=""), msgspec.json.encode(asked)
    for attempt in range(tries):
        if attempt:
            time.sleep(min(2.0**attempt, 15.0))
        try:
            status, answer = _post(hall, path, ca, body)
        except ssl.SSLCertVerificationError as error:
            raise UnavailableError(
                f"{hall} 不是发出这条命令的市中心（{error.verify_message}）",
                hint="请用市中心最新印出的命令；仍不行，检查线路上是否有拦截设备",
            ) from error
        except (OSError, http.client.HTTPException) as error:
            why = words(error) if isinstance(error, OSError) else "连接中断"
            fault = UnavailableError(
                f"连不上 {hall}：{why}", hint="请检查到市中心的网络与端口后，再执行一次同一条命令"
            )
            continue
        if status == http.client.OK:
            return msgspec.json.decode(answer, type=answered)
        try:
            refused = RefusedError(msgspec.json.decode(answer, type=Refused))
        except msgspec.MsgspecError:
            fault = UnavailableError(
                f"{hall} 应答 {status}", hint="请检查市中心的登记服务：systemctl status mingcha-enroll"
            )
            continue
        if refused.code != "busy":
            raise refused
        fault = UnavailableError(str(refused), hint="请过几分钟再执行一次同一条命令")
    raise fault


def fetch(hall: str, path: str, ca: Path, place: Path, size: int) -> None:
    """GET `path` into `place`, going on where an earlier try was cut, until there are `size` bytes or no more.

    Raises UnavailableError; OSError where the disk takes no more.
    """
    parts = urlsplit(hall)
    assert parts.hostname
    for _ in range(TRIES):
        there = place.stat().st_size if place.exists() else 0
        if there >= size:
            return
        connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=ANSWER_SECS, context=_context(ca)
        )
        try:
            connection.request("GET", path, headers={"Range": f"bytes={there}-"})
            answer = connection.getresponse()
            if answer.status not in {http.client.OK, http.client.PARTIAL_CONTENT}:
                raise UnavailableError(
                    f"{hall} 没有这个发行包（{answer.status}）", hint="请市中心重新导入发行介质"
                )
            _write_on(answer, place, from_start=answer.status == http.client.OK)
        except (ConnectionError, TimeoutError, ssl.SSLError, http.client.HTTPException):
            time.sleep(1.0)
        finally:
            connection.close()
    if not place.exists() or place.stat().st_size < size:
        raise UnavailableError(f"从 {hall} 取不到发行包", hint="请检查到市中心的网络；程序会自动重试")


def _write_on(answer: http.client.HTTPResponse, place: Path, *, from_start: bool) -> None:
    with place.open("wb" if from_start else "ab") as file:
        while piece := answer.read(_PIECE):
            file.write(piece)


def _post(hall: str, path: str, ca: Path, body: bytes) -> tuple[int, bytes]:
    parts = urlsplit(hall)
    assert parts.hostname
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=ANSWER_SECS, context=_context(ca)
    )
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _context(ca: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= _NO_CHECK_TIME
    context.load_verify_locations(ca)
    return context
