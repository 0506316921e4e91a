"""One contract for every channel, each against another side that fails, delays, repeats and refuses; one test of the wiring."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from central.config import MailConfig, ModemConfig, NotifyConfig, SmsConfig
from central.core.message import Channel as Kind
from central.notify import vault
from central.notify.base import Channel, Parcel, UncertainError
from central.notify.channels import configured
from common.clock import Clock
from common.core.errors import ConfigError, RejectedError, UnavailableError
from tests.contract.gateways import RIGS, Rig

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
