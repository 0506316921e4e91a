"""One contract for every channel, each against another side that fails, delays, repeats and refuses; one test of the wiring."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from central.config import MailConfig, ModemConfig, NotifyConfig, SmsConfig
from central.core.message import Channel as Kind
from central.notify import vault
from central.notify.base import Channel, Parcel, UncertainError
from central.notify.channels import configured
from central.notify.chat import Chat
from central.notify.mail import Mail
from central.notify.sms_http import HttpSms
from common.clock import Clock
from common.core.errors import ConfigError, RejectedError, UnavailableError
from tests.contract.gateways import RIGS, MailRig, Rig
from tests.server import free_port

TEXT = "【明察】食品经营许可尾号0417临近承诺时限，最后一日6月12日。请按期办结。"
LONG = TEXT + "“引号”与 {花括号} 都照原样。" * 5
Other = tuple[Channel, Rig, Callable[[], Any], str]


@pytest.fixture(params=RIGS)
async def other(request: pytest.FixtureRequest) -> AsyncIterator[Other]:
    async with RIGS[request.param]() as (channel, rig, gone):
        to = "zhang@city.example" if request.param == "mail" else "13800000001"
        yield channel, rig, gone, to


def parcel(to: str, number: int = 1, text: str = TEXT) -> Parcel:
    return Parcel(f"{number:032x}", to, "黄灯提示", text)


async def test_what_is_taken_has_a_name_and_says_what_was_meant(other: Other) -> None:
    channel, rig, _, to = other
    rig.script = ["take", "slow", "twice", "take"]
    refs = [await channel.send(parcel(to, number)) for number in range(3)]
    assert len(set(refs)) == 3
    assert all(refs)
    assert rig.texts == [(to, TEXT)] * 3
    await channel.send(parcel(to, 9, LONG))
    assert "".join(text for _, text in rig.texts[3:]) == LONG.strip()
    assert {number for number, _ in rig.texts} == {to}
    assert await channel.check()


async def test_not_now_and_never_are_told_apart_and_the_next_message_goes(other: Other) -> None:
    channel, rig, _, to = other
    rig.script = ["busy", "refuse", "take"]
    with pytest.raises(UnavailableError):
        await channel.send(parcel(to, 1))
    with pytest.raises(RejectedError) as caught:
        await channel.send(parcel(to, 2))
    assert caught.value.hint
    assert rig.texts == []
    await channel.send(parcel(to, 1))
    assert rig.texts == [(to, TEXT)]


async def test_silence_after_giving_is_uncertain_and_the_same_key_is_one_message_where_it_says_so(
    other: Other,
) -> None:
    channel, rig, _, to = other
    rig.script = ["hang", "take", "take"]
    with pytest.raises(UncertainError):
        await channel.send(parcel(to, 1))
    if channel.is_repeatable:
        await channel.send(parcel(to, 1))
    assert rig.texts == [(to, TEXT)]
    await channel.send(parcel(to, 2))
    assert len(rig.texts) == 2


async def test_what_is_away_is_away_and_surely_took_nothing(other: Other) -> None:
    channel, rig, gone, to = other
    await gone()
    with pytest.raises(UnavailableError) as caught:
        await channel.send(parcel(to))
    assert caught.value.hint
    with pytest.raises(UnavailableError):
        await channel.check()
    assert rig.texts == []


async def test_receipts_say_what_became_of_it(other: Other) -> None:
    channel, rig, _, to = other
    if not channel.has_receipts:
        assert await channel.receipts() == []
        return
    good, bad = [await channel.send(parcel(to, number)) for number in (1, 2)]
    await rig.report(good, delivered=True)
    await rig.report(bad, delivered=False)
    assert {(one.ref, one.is_delivered) for one in await channel.receipts()} == {(good, True), (bad, False)}
    assert await channel.receipts() == []


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
def test_a_hall_has_the_channels_that_its_configuration_names_and_secrets_that_open() -> None:
    secret = bytes(range(32))
    kept = {name: vault.sealed(secret, name, f"{name}-口令") for name in vault.NAMES}
    kept["chat"] = vault.sealed(secret, "chat", "json://127.0.0.1:9/x")
    whole = NotifyConfig(
        sms=SmsConfig(url="http://127.0.0.1:9/"),
        modem=ModemConfig(port="/dev/x"),
        mail=MailConfig(host="h"),
        chat=True,
    )
    assert set(configured(whole, kept, secret, Clock())) == set(Kind)
    assert set(configured(NotifyConfig(), {}, secret, Clock())) == {Kind.INBOX}
    assert vault.opened(secret, "sms", kept["sms"]) == "sms-口令"
    for name, sealed in (("mail", kept["sms"]), ("sms", b"x" * 40)):
        with pytest.raises(ConfigError, match="操作密钥换过"):
            vault.opened(secret, name, sealed)
    with pytest.raises(ConfigError, match="不是 JSON"):
        configured(NotifyConfig(sms=SmsConfig(url="http://h/", body="{to}")), {}, secret, Clock())
    with pytest.raises(ConfigError, match="看不懂"):
        configured(
            NotifyConfig(chat=True), {"chat": vault.sealed(secret, "chat", "nonsense")}, secret, Clock()
        )


@pytest.mark.parametrize("encoding", ["json", "form", "query"])
async def test_a_gateway_gets_its_fields_in_the_way_it_asks_for(encoding: Any) -> None:
    seen: list[dict[str, str]] = []

    async def take(request: web.Request) -> web.Response:
        given = {"query": request.query, "form": await request.post()}.get(encoding)
        seen.append({name: str(value) for name, value in (given or await request.json()).items()})
        return web.Response(text="<ok/>" if len(seen) > 1 else '{"code": 0}')

    app = web.Application()
    app.router.add_route("*", "/send", take)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    url = f"http://127.0.0.1:{port}/send"
    channel = HttpSms(SmsConfig(url=url, encoding=encoding), "", Clock())
    assert not channel.is_repeatable
    assert await channel.send(parcel("13800000001", 1, "a&b=ä，“”+ %")) == f"{1:032x}"
    assert seen == [{"to": "13800000001", "text": "a&b=ä，“”+ %", "id": f"{1:032x}"}]
    with pytest.raises(RejectedError, match="HTTP 200，code=无"):
        await channel.send(parcel("13800000001"))
    await runner.cleanup()


async def test_mail_logs_in_over_tls_that_it_has_checked(tmp_path: Path) -> None:
    rig, port, seen = MailRig(), free_port(), list[Any]()

    def admit(_server: Any, _session: Any, _envelope: Any, _mechanism: Any, given: Any) -> AuthResult:
        seen.append((given.login, given.password))
        return AuthResult(success=given.password == "口令".encode(), handled=False)

    context, ca = tls_for("127.0.0.1", tmp_path)
    server = Controller(
        rig,
        hostname="127.0.0.1",
        port=port,
        tls_context=context,
        require_starttls=True,
        authenticator=admit,
        auth_required=True,
    )
    await asyncio.to_thread(server.start)
    config = MailConfig(host="127.0.0.1", port=port, user="mingcha@city.example", ca=ca, timeout_secs=5)
    try:
        await Mail(config, "口令", Clock()).send(parcel("zhang@city.example"))
        assert rig.texts == [("zhang@city.example", TEXT)]
        with pytest.raises(RejectedError, match="不认这个账号"):
            await Mail(config, "错", Clock()).send(parcel("zhang@city.example"))
        (other := tmp_path / "other").mkdir()
        stranger = replace(config, ca=tls_for("127.0.0.1", other)[1])
        count = len(seen)
        with pytest.raises(UnavailableError, match="连不上"):
            await Mail(stranger, "口令", Clock()).send(parcel("zhang@city.example"))
        assert len(seen) == count, "no password to a server that cannot prove itself"
    finally:
        await asyncio.to_thread(server.stop)


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
async def test_a_group_gets_the_text_or_says_that_it_does_not() -> None:
    said: list[Any] = []

    async def take(request: web.Request) -> web.Response:
        said.append(await request.json())
        return web.Response(status=200 if len(said) == 1 else 500)

    app = web.Application()
    app.router.add_post("/x", take)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    channel = Chat(f"json://127.0.0.1:{port}/x")
    await channel.send(parcel(""))
    assert said[0]["message"] == TEXT
    with pytest.raises(UnavailableError, match="没有发出"):
        await channel.send(parcel(""))
    await runner.cleanup()


def tls_for(host: str, folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own making, and that certificate."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(kind, form, serialization.NoEncryption()))
    (folder / "ca.pem").write_bytes(made.public_bytes(kind))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context, folder / "ca.pem"
