"""What people do to messages: send one again, say that somebody was told otherwise, silence, try the channels."""

from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import trail
from central.config import CentralConfig
from central.core import silence as silences_core
from central.core.message import Channel, State
from central.core.recipient import Account
from central.core.silence import Silence
from central.notify.base import Parcel
from central.notify.channels import Channels, configured
from central.store import law, messages, pages, recipients, silences, users
from central.store import trail as lines
from central.store.engine import open_store
from central.world import Moment
from common.clock import Clock
from common.config import read_secret
from common.core import crypto
from common.core.errors import MingchaError, UsageError

TEXT = "【明察】这是一条试发的消息，收到即说明通道可用。"


async def resend(conn: AsyncConnection, row: Row[Any], who: str, why: str) -> None:
    """A message that did not arrive waits again, under its key. Raises UsageError for any other."""
    clock = Clock()
    if row.state != State.FAILED or not await messages.move(
        conn,
        row,
        State.QUEUED,
        Moment(row.changed_at, clock.wall()),
        f"{who} 重发",
        first_wall=None,
        next_wall=0,
    ):
        raise UsageError(
            f"第 {row.id} 号消息是{State(row.state).word}，不用重发", hint="只有未送达的可以重发"
        )
    await lines.note(conn, clock.wall(), who, "message.resend", str(row.id), why)


async def settle(conn: AsyncConnection, row: Row[Any], who: str, why: str) -> None:
    """Raises UsageError for a message that has arrived, or is still on its way."""
    if not await messages.settle(conn, row.id):
        raise UsageError(
            f"第 {row.id} 号消息是{State(row.state).word}，不用处置", hint="只有未送达的须另行告知"
        )
    await lines.note(conn, Clock().wall(), who, "message.settle", str(row.id), why)


async def silence(
    conn: AsyncConnection,
    place: tuple[str, str, int],
    who: str,
    why: str,
    sign_secret: bytes,
    clock: Clock,
    zone: ZoneInfo,
) -> int:
    """Sign and begin a silence; `place`: site, person, end (office time). -> its number. Raises UsageError."""
    site, person, until_at = place
    await pages.must_know(conn, site)
    if person:
        await users.one(conn, person)
    one = Silence(site=site, person=person, reason=why, who=who, from_at=clock.office(), until_at=until_at)
    fault = silences_core.fault(one, await law.calendar(conn), zone)
    if fault:
        raise UsageError(fault, hint="写法见  mingcha message silence --help")
    number = await silences.add(conn, one, crypto.sign(sign_secret, silences_core.statement(one)))
    await trail.by_hand(conn, "message.silence", f"{number} {site} {person}".rstrip(), why)
    return number


class Line(Struct, frozen=True):
    """What a trial has shown."""

    is_well: bool
    text: str


async def test(config: CentralConfig, name: str, who: str) -> list[Line]:
    """Ask each channel how it is, and send one message over those by which `name` is reached.

    Raises UsageError for an unknown name, ConfigError for channels that cannot be.
    """
    sign_secret = read_secret(config.identity.sign_key, "市中心的签名私钥")
    store = await open_store(config.database_url)
    try:
        async with store.write() as conn:
            known = {one.name: one for one in await recipients.accounts(conn)}
            if name not in known:
                raise UsageError(f"没有在用的用户 {name}", hint="用  mingcha user list  查看全部用户")
            kept = await silences.secrets(conn)
            await lines.note(conn, Clock().wall(), who, "message.test", name, "")
    finally:
        await store.close()
    return await _tried(configured(config.notify, kept, sign_secret, Clock(config.clock)), known[name])


async def _tried(channels: Channels, one: Account) -> list[Line]:
    found = []
    addresses = {Channel.SMS: one.phone, Channel.MAIL: one.mail, Channel.CHAT: "群"}
    for kind, channel in channels.items():
        if kind is Channel.INBOX:
            continue
        address = addresses[kind]
        try:
            well = await channel.check()
            if address:
                key = crypto.keyed_digest(b"test", f"{kind}{Clock().wall()}".encode()).hex()
                ref = await channel.send(Parcel(key, address, "试发", TEXT))
                well += f"；已发给 {one.name}，对方编号 {ref}"
            else:
                well += f"；{one.name} 没有登记{'手机' if kind is Channel.SMS else '邮箱'}，没有试发"
            found.append(Line(is_well=True, text=f"✓ {kind.word}：{well}"))
        except MingchaError as error:
            found.append(Line(is_well=False, text=f"✕ {kind.word}：{error}。{error.hint}"))
        finally:
            await channel.close()
    return found or [
        Line(is_well=True, text="没有配置短信、邮件或群消息，只有站内收件箱；见 central.toml 的 [notify]")
    ]
