"""What the channels talk to in the tests: a gateway that speaks HTTP, a modem on a pseudo-terminal, a mail server; each scripted.

One word of the script for each message: `take`, `busy` (not now), `refuse` (never), `hang` (taken, and no answer), `twice`
(answers twice), `slow` (answers late, but in time). `taken` is what really went, each key once where keys are honoured.
"""

import asyncio
import os
import pty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller

from central.config import MailConfig, ModemConfig, SmsConfig
from central.notify.base import Channel
from central.notify.mail import Mail
from central.notify.modem import Modem
from central.notify.sms_http import HttpSms
from common.clock import Clock
from tests.server import free_port

SECRET = "s3cret"


class Rig:
    """A scripted other side. `texts`: what it has taken, as people would read it."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.reports: list[tuple[str, bool]] = []

    def word(self) -> str:
        return self.script.pop(0) if self.script else "take"

    async def report(self, ref: str, *, delivered: bool) -> None:
        """The other side knows what became of a message."""
        self.reports.append((ref, delivered))


@asynccontextmanager
async def gateway() -> AsyncIterator[tuple[Channel, Rig, Callable[[], Any]]]:
    rig, keys = Rig(), dict[str, str]()

    async def send(request: web.Request) -> web.Response:
        body = await request.json()
        assert request.headers["X-App"] == f"app-{SECRET}"
        assert len(body["sign"]) == 64
        sms, word = body["sms"], rig.word()
        if word in {"busy", "refuse"}:
            return web.json_response({"code": 42 if word == "busy" else 7})
        if sms["id"] not in keys:
            keys[sms["id"]] = f"m{len(keys)}"
            rig.texts.append((sms["to"], sms["text"]))
        if word == "hang":
            await asyncio.sleep(5)
        if word == "slow":
            await asyncio.sleep(0.2)
        return web.json_response({"code": 0, "data": {"id": keys[sms["id"]]}})

    async def receipts(_request: web.Request) -> web.Response:
        found = [
            {"id": ref, "state": "DELIVRD" if good else "EXPIRED"}
            for ref, good in rig.reports
            for _ in range(2)
        ]
        rig.reports.clear()
        return web.json_response({"list": [*found, {"id": ""}, "x"]})

    app = web.Application()
    app.router.add_post("/send", send)
    app.router.add_post("/receipts", receipts)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    config = SmsConfig(
        url=f"http://127.0.0.1:{port}/send",
        body='{"sms": {"to": "{to}", "text": "{text}", "id": "{key}"}, "sign": "{sign}", "n": 1}',
        headers={"X-App": "app-{secret}"},
        sign="hmac-sha256",
        sign_text="{key}{at}",
        is_idempotent=True,
        again_values=("42",),
        ref_path="data.id",
        receipt_url=f"http://127.0.0.1:{port}/receipts",
        receipt_list="list",
        timeout_secs=1,
    )
    try:
        yield HttpSms(config, SECRET, Clock()), rig, runner.cleanup
    finally:
        await runner.cleanup()


class ModemSimulator(Rig):
    """Speaks to the other end of a pseudo-terminal as a modem does, PIN and status reports included."""

    def __init__(self, master: int) -> None:
        super().__init__()
        self._master, self._locked = master, True
        self._buffer, self._reference, self._expects = b"", 40, 0
        asyncio.get_running_loop().add_reader(master, self._take)

    def say(self, text: str) -> None:
        os.write(self._master, text.encode())

    def _take(self) -> None:
        try:
            self._buffer += os.read(self._master, 4096)
        except OSError:
            return
        while True:
            end = b"\x1a" if self._expects else b"\r"
            if end not in self._buffer:
                self._buffer = self._buffer.lstrip(b"\x1b") if not self._expects else self._buffer
                return
            line, _, self._buffer = self._buffer.partition(end)
            text = line.decode().lstrip("\x1b")
            self._pdu(text) if self._expects else self._command(text)

    def _command(self, text: str) -> None:
        if text == "AT+CPIN?":
            self.say(f"\r\n+CPIN: {'SIM PIN' if self._locked else 'READY'}\r\n\r\nOK\r\n")
        elif text.startswith("AT+CPIN="):
            self._locked = text != 'AT+CPIN="1234"'
            self.say("\r\nOK\r\n" if not self._locked else "\r\n+CME ERROR: 16\r\n")
        elif text == "AT+CSQ":
            self.say("\r\n+CSQ: 21,99\r\n\r\nOK\r\n")
        elif text.startswith("AT+CMGS="):
            self._expects = int(text.partition("=")[2])
            self.say("\r\n> ")
        else:
            self.say("\r\nOK\r\n")

    def _pdu(self, text: str) -> None:
        raw, length, self._expects = bytes.fromhex(text), self._expects, 0
        assert len(raw) == length + 1 + raw[0]
        word = self.word()
        if word in {"busy", "refuse"}:
            self.say(f"\r\n+CMS ERROR: {38 if word == 'busy' else 28}\r\n")
            return
        self._reference = (self._reference + 1) % 256
        self.texts.append(read_submit(raw))
        if word == "hang":
            return
        said = f"\r\n+CMGS: {self._reference}\r\n\r\nOK\r\n"
        if word == "slow":
            asyncio.get_running_loop().call_later(0.2, self.say, said)
        else:
            self.say(said * (2 if word == "twice" else 1))

    async def report(self, ref: str, *, delivered: bool) -> None:
        status = "00" if delivered else "46"
        pdu = f"0006{int(ref):02X}0B813108000000F16230110100002362301101000023{status}"
        self.say(f"\r\n+CDS: 26\r\n{pdu}\r\n")
        await asyncio.sleep(0.05)


def read_submit(raw: bytes) -> tuple[str, str]:
    """Number and text of an SMS-SUBMIT, read by this other hand (3GPP TS 23.040 9.2.2.2)."""
    body = raw[1 + raw[0] :]
    assert body[0] & 0x23 == 0x21, "a submit that asks for a report"
    digits = body[2]
    octets = (digits + 1) // 2
    number = "".join(f"{byte & 15:x}{byte >> 4:x}" for byte in body[4 : 4 + octets])[:digits]
    protocol, coding, _validity, size = body[4 + octets : 8 + octets]
    data = body[8 + octets :]
    assert (protocol, coding, size) == (0, 8, len(data))
    head = 1 + data[0] if body[0] & 0x40 else 0
    return ("+" if body[3] == 0x91 else "") + number, data[head:].decode("utf-16-be")


@asynccontextmanager
async def modem() -> AsyncIterator[tuple[Channel, Rig, Callable[[], Any]]]:
    master, slave = pty.openpty()
    name = os.ttyname(slave)
    os.set_blocking(master, False)
    rig = ModemSimulator(master)
    channel = Modem(ModemConfig(port=name, timeout_secs=1), "1234")
    loop = asyncio.get_running_loop()

    async def gone() -> None:
        loop.remove_reader(master)
        for end in (master, slave):
            with suppress(OSError):
                os.close(end)

    try:
        yield channel, rig, gone
    finally:
        await channel.close()
        await gone()


class MailRig(Rig):
    """aiosmtpd's handler. A hang is a line that is cut when all has been said."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: set[str] = set()

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, to: str, _options: Any) -> str:  # noqa: N802
        word = self.script[0] if self.script else "take"
        if word in {"busy", "refuse"}:
            self.script.pop(0)
            return "450 try later" if word == "busy" else "550 no such mailbox"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        from email import message_from_bytes, policy

        word, made = self.word(), message_from_bytes(envelope.content, policy=policy.default)
        if made["Message-ID"] not in self.keys:
            self.keys.add(made["Message-ID"])
            self.texts.append((envelope.rcpt_tos[0], made.get_content().strip()))
        if word == "hang":
            server.transport.abort()
        return "250 OK"


@asynccontextmanager
async def mail() -> AsyncIterator[tuple[Channel, Rig, Callable[[], Any]]]:
    rig, port = MailRig(), free_port()
    server = Controller(rig, hostname="127.0.0.1", port=port)
    await asyncio.to_thread(server.start)

    async def gone() -> None:
        with suppress(AssertionError):
            await asyncio.to_thread(server.stop)

    config = MailConfig(
        host="127.0.0.1", port=port, security="none", sender="mingcha@city.example", timeout_secs=2
    )
    try:
        yield Mail(config, "", Clock()), rig, gone
    finally:
        await gone()


RIGS = {"gateway": gateway, "modem": modem, "mail": mail}
