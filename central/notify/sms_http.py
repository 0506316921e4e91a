"""Short messages by a gateway's HTTP interface, whose words are configuration (`core/gateway.py`)."""

from typing import Any
from urllib.parse import urlencode

import aiohttp
import msgspec

from central.config import SmsConfig
from central.core import gateway
from central.core.gateway import Receipt
from central.notify.base import Parcel, UncertainError
from common.clock import Clock
from common.core.errors import RejectedError, UnavailableError
from common.core.instant import SECOND
from common.core.text import one_line

_LARGEST = 256 * 1024
_HINT = "请核对 central.toml 的 [notify.sms] 与网关的接口说明"


class HttpSms:
    """One gateway. Raises ConfigError for a template that is no JSON."""

    is_final = False

    def __init__(self, config: SmsConfig, secret: str, clock: Clock) -> None:
        self._config, self._secret, self._clock = config, secret, clock
        self._body = gateway.parsed(config.body, "notify.sms.body")
        self.is_repeatable = config.is_idempotent
        self.has_receipts = bool(config.receipt_url or config.receipt_token)

    async def send(self, parcel: Parcel) -> str:
        config = self._config
        values = {"to": parcel.to, "text": parcel.text, "key": parcel.key}
        code, answer = await self._ask(config.url, self._values(values), self._body)
        said = gateway.at(answer, config.ok_path)
        if code == 200 and said in config.ok_values:
            return gateway.at(answer, config.ref_path) or parcel.key
        shown = one_line(f"HTTP {code}，{config.ok_path}={said or '无'}", 200)
        if code == 429 or code >= 500 or said in config.again_values:
            raise UnavailableError(f"短信网关暂不受理（{shown}）", hint="会自动重试")
        raise RejectedError(f"短信网关拒收（{shown}）", hint=_HINT)

    async def receipts(self) -> list[Receipt]:
        config = self._config
        if not config.receipt_url:
            return []
        try:
            code, answer = await self._ask(config.receipt_url, self._values({}), {})
        except UncertainError as error:
            raise UnavailableError(str(error), hint=error.hint) from error
        if code != 200:
            raise UnavailableError(f"取不到短信回执（HTTP {code}）", hint=_HINT)
        return read_receipts(config, answer)

    async def check(self) -> str:
        """A gateway has no harmless question that all of them know: whether its door opens."""
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout()) as session,
                session.head(self._config.url),
            ):
                return f"短信网关 {self._config.url.partition('?')[0]} 连得上"
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UnavailableError(f"短信网关连不上（{_why(error)}）", hint=_HINT) from error

    async def close(self) -> None:
        """Each request has a connection of its own."""

    def _timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=self._config.timeout_secs)

    def _values(self, values: dict[str, str]) -> dict[str, str]:
        known = values | {"secret": self._secret, "at": str(self._clock.wall() // SECOND)}
        return known | {"sign": gateway.signed(self._config.sign, self._config.sign_text, known)}

    async def _ask(self, url: str, values: dict[str, str], template: Any) -> tuple[int, Any]:
        """-> (status, answer as JSON; None where it is none). Raises UnavailableError, UncertainError."""
        body = gateway.filled(template, values)
        headers = {name: gateway.filled(text, values) for name, text in self._config.headers.items()}
        sent: dict[str, Any] = {"headers": headers}
        if self._config.encoding == "query":
            url = f"{url}{'&' if '?' in url else '?'}{urlencode(body)}"
        elif self._config.encoding == "form":
            sent["data"] = body
        else:
            sent["json"] = body
        method = "GET" if self._config.encoding == "query" else "POST"
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout()) as session,
                session.request(method, url, **sent) as answer,
            ):
                raw = await answer.content.read(_LARGEST)
                return answer.status, _decoded(raw)
        except aiohttp.ClientConnectorError as error:
            raise UnavailableError(f"短信网关连不上（{_why(error)}）", hint="会自动重试") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise UncertainError(f"短信网关没有应答（{_why(error)}）", hint="可能已经发出") from error


def read_receipts(config: SmsConfig, answer: Any) -> list[Receipt]:
    """The receipts in what a gateway says, fetched or brought; a line without a reference is none."""
    found = []
    for item in gateway.list_at(answer, config.receipt_list):
        ref, state = gateway.at(item, config.receipt_ref), gateway.at(item, config.receipt_state)
        if ref and state:
            found.append(Receipt(ref, state in config.receipt_delivered, one_line(state, 60)))
    return found


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None


def _why(error: Exception) -> str:
    return one_line(str(error), 200) or type(error).__name__
