"""Short messages by a GSM modem on a serial line, in PDU mode with status reports (3GPP TS 27.005).

A modem knows no keys: what was given away without an answer may have gone, so it is never sent twice by itself. The line is
opened anew after every such silence, and what comes late belongs to nobody.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from central.config import ModemConfig
from central.core import pdu
from central.core.gateway import Receipt
from central.notify.base import Parcel, UncertainError
from central.notify.serial_line import PROMPT, SerialLine
from common.core.errors import RejectedError, UnavailableError

_SETUP = ("ATE0", "AT+CMEE=1", "AT+CMGF=0", "AT+CNMI=2,1,0,1,0")
_END, _CANCEL = "\x1a", "\x1b"
_REFUSED = {1, 8, 10, 21, 28, 29, 30, 50, 69, 304, 305}
"""+CMS ERROR codes of a number or message that will never do (27.005 3.2.5); all others may pass."""
_HINT = "请检查短信猫的 SIM 卡、余额与信号，或执行  mingcha message test"


class Modem:
    """One modem; one message at a time."""

    is_repeatable = False
    has_receipts = True
    is_final = False

    def __init__(self, config: ModemConfig, pin: str) -> None:
        self._config, self._pin = config, pin
        self._line: SerialLine | None = None
        self._turn = asyncio.Lock()

    async def send(self, parcel: Parcel) -> str:
        """-> the reference of the last part, which the report names."""
        async with self._turn:
            line = await self._ready()
            reference = ""
            for place, part in enumerate(pdu.submits(parcel.to, parcel.text, int(parcel.key[:2], 16))):
                try:
                    reference = await self._give(line, part)
                except UnavailableError as error:
                    if place:
                        raise UncertainError("长短信只发出了一部分", hint=str(error)) from error
                    raise
            return reference

    async def receipts(self) -> list[Receipt]:
        if self._line is None:
            return []
        found = []
        while self._line.reports:
            report = pdu.report(self._line.reports.popleft())
            if report is not None and report.is_final:
                state = f"状态 {report.status:#04x}"
                found.append(Receipt(str(report.reference), report.is_delivered, state))
        return found

    async def check(self) -> str:
        async with self._turn:
            line = await self._ready()
            found = await self._ask(line, "AT+CSQ")
            signal = next((text.partition(":")[2].strip() for text in found if text.startswith("+CSQ:")), "")
            return f"短信猫 {self._config.port} 正常，信号 {signal or '未知'}"

    async def close(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    async def _ready(self) -> SerialLine:
        """The line, set up. Raises UnavailableError."""
        if self._line is not None and not self._line.is_broken:
            return self._line
        await self.close()
        line = self._line = SerialLine(Path(self._config.port), self._config.baud)
        try:
            await line.write(_CANCEL)  # a message that an earlier process has begun and not ended
            for command in _SETUP[:2]:
                await self._ask(line, command)
            await self._unlock(line)
            for command in _SETUP[2:]:
                await self._ask(line, command)
        except UnavailableError:
            await self.close()
            raise
        return line

    async def _unlock(self, line: SerialLine) -> None:
        found = await self._ask(line, "AT+CPIN?")
        if any("SIM PIN" in text for text in found):
            if not self._pin:
                raise UnavailableError(
                    "短信猫的 SIM 卡要 PIN 码", hint="请执行  mingcha message secret modem  写入"
                )
            await self._ask(line, f'AT+CPIN="{self._pin}"')

    async def _ask(self, line: SerialLine, command: str) -> list[str]:
        """A command and its answer up to OK. Raises UnavailableError."""
        line.forget()
        await line.write(f"{command}\r")
        found: list[str] = []
        try:
            async with asyncio.timeout(self._config.timeout_secs):
                while (text := await line.answer()) != "OK":
                    if "ERROR" in text:
                        raise UnavailableError(f"短信猫拒绝 {command[:12]}：{text}", hint=_HINT)
                    found.append(text)
        except TimeoutError as error:
            line.is_broken = True
            raise UnavailableError(f"短信猫对 {command[:12]} 没有应答", hint=_HINT) from error
        return found

    async def _give(self, line: SerialLine, part: pdu.Submit) -> str:
        """One part. -> its reference."""
        line.forget()
        await line.write(f"AT+CMGS={part.length}\r")
        try:
            async with asyncio.timeout(self._config.timeout_secs):
                while (text := await line.answer()) != PROMPT:
                    if "ERROR" in text:
                        raise _fault(text)
        except TimeoutError as error:
            line.is_broken = True
            with suppress(UnavailableError):
                await line.write(_CANCEL)
            raise UnavailableError("短信猫不接收短信", hint=_HINT) from error
        await line.write(f"{part.hex}{_END}")
        return await self._given(line)

    async def _given(self, line: SerialLine) -> str:
        reference = ""
        try:
            async with asyncio.timeout(self._config.timeout_secs):
                while (text := await line.answer()) != "OK":
                    if text.startswith("+CMGS:"):
                        reference = text.partition(":")[2].partition(",")[0].strip()
                    elif "ERROR" in text:
                        raise _fault(text)
        except (TimeoutError, UnavailableError) as error:
            if isinstance(error, _NetworkError):
                raise
            line.is_broken = True
            raise UncertainError("短信已交给短信猫，没有应答", hint="可能已经发出") from error
        return reference


class _NetworkError(UnavailableError):
    """The modem itself says that the message did not go."""


def _fault(said: str) -> UnavailableError | RejectedError:
    digits = said.rpartition(":")[2].strip()
    if said.startswith("+CMS ERROR") and digits.isdecimal() and int(digits) in _REFUSED:
        return RejectedError(f"短信中心拒收（{said}）", hint="请核对号码")
    return _NetworkError(f"短信没有发出（{said}）", hint=_HINT)
