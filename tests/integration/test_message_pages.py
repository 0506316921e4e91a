"""Messages on the pages of a served hall, by real requests; what did not arrive on queue, wall and message page; the commands."""

import json
import os
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from sqlalchemy import select, update

from central import doctor, judge
from central.config import NotifyConfig, SmsConfig
from central.core.message import Channel, State
from central.dispatch import Post
from central.notify import vault
from central.notify.channels import Channels
from central.notify.inbox import Inbox
from central.store import messages, silences
from central.store import tables as t
from central.store.engine import Store, open_store
from central.store.message_tables import message
from central.web.guard import COOKIE
from central.web.page import HALL
from common.clock import Clock
from common.core import crypto
from common.core.errors import RejectedError
from common.health import Status
from tests.browser import browser
from tests.contract.posting import Scripted
from tests.integration import serving
from tests.integration.city_cases import ZONE
from tests.integration.serving import OPERATIONS, Served, text_of
from tests.integration.test_corrections import PEOPLE, SITE, Ahead, fill, logged_in, look
from tests.journey.scene import command
from tests.keyed import keyed

pytestmark = pytest.mark.asyncio(loop_scope="module")
TOKEN = "t" * 40
SMS = Scripted()


async def _fill(store: Store, clock: Clock) -> None:
    await fill(store, clock)
    async with store.write() as conn:
        for place, name in enumerate(PEOPLE):
            await conn.execute(update(t.user).where(t.user.c.name == name).values(phone=f"1380000{place:04}"))
        await silences.keep_secret(conn, "receipt", vault.sealed(OPERATIONS, "receipt", TOKEN))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    notify = NotifyConfig(sms=SmsConfig(receipt_token=True, receipt_list="reports"))
    folder = tmp_path_factory.mktemp("messages")
    async with serving.serve(folder, Ahead(), fill=_fill, notify=notify) as served:
        await look(served)
        SMS.script = [RejectedError("空号", hint="请核对号码")]
        await send(served)
        yield served


async def send(hall: Served) -> None:
    """What the running hall does every two seconds."""
    async with hall.store.write() as conn:
        world = await judge.load_world(conn, ZONE)
    channels: Channels = {Channel.INBOX: Inbox(), Channel.SMS: SMS}
    post = Post(hall.store, world, hall.clock, channels, crypto.sign_public(OPERATIONS))
    for _ in range(2):
        await post.look_once()


async def failed(hall: Served) -> list[int]:
    async with hall.store.read() as conn:
        return list(await conn.scalars(select(message.c.id).where(message.c.state == State.FAILED.value)))


async def test_a_message_that_did_not_arrive_is_on_queue_wall_and_its_page_and_is_sent_again(
    hall: Served,
) -> None:
    (number,) = await failed(hall)
    await hall.app[HALL].wall.look_once()
    async with logged_in(hall, "jian1") as own:
        assert "1 条消息未送达 · 共" in text_of((await own.get("/hall"))[1])
        words = text_of((await own.get("/hall/queue"))[1])
        assert "上一级已立即通知" in words
        html = (await own.get("/hall/messages?state=failed"))[1]
        assert f'href="/hall/messages/{number}"' in html
        assert "138****" in html
        page = f"/hall/messages/{number}"
        words = text_of((await own.get(page))[1])
        assert "未送达 空号。请核对号码" in words
        forms: list[tuple[Any, int]] = [
            ({"act": "resend", "why": "已核对"}, 403),
            ({"csrf": "token", "act": "resend", "why": "好"}, 400),
            ({"csrf": "token", "act": "x", "why": "已核对号码"}, 400),
            ({"csrf": "token", "act": "resend", "why": "已核对号码"}, 303),
            ({"csrf": "token", "act": "resend", "why": "已核对号码"}, 409),
            ({"csrf": "token", "act": "settle", "why": "已打电话"}, 409),
        ]
        for form, status in forms:
            assert (await own.post(page, **form)).status == status, form
        await send(hall)
        assert "已提交，未见回执" in text_of((await own.get(page))[1])
        assert "上一级已立即通知" not in text_of((await own.get("/hall/queue"))[1])
    async with logged_in(hall, "kan") as own:
        assert (await own.post(page, csrf="token", act="settle", why="已打电话")).status == 403
        assert (await own.get("/hall/messages/999999"))[0] == 404
    async with logged_in(hall, "zhang") as own:
        assert (await own.get("/hall/messages"))[0] == 403
    async with hall.store.read() as conn:
        line = (await conn.execute(select(t.audit_line).where(t.audit_line.c.act == "message.resend"))).one()
    assert (line.who, line.subject, line.why) == ("jian1", str(number), "已核对号码")


async def test_a_receipt_that_the_gateway_brings_is_taken_from_whoever_knows_the_address(
    hall: Served,
) -> None:
    async with hall.store.read() as conn:
        first, second = (
            await conn.execute(
                select(message)
                .where(message.c.state == State.SENT.value)
                .order_by(message.c.id.desc())
                .limit(2)
            )
        ).all()
    url = f"{hall.url}/p/receipts/"
    said = {"reports": [{"id": first.ref, "state": "DELIVRD"}, {"id": "nobody's", "state": "DELIVRD"}]}
    async with aiohttp.ClientSession() as gateway:
        for token, status in (("x", 404), (TOKEN, 200), (TOKEN, 200)):
            async with gateway.post(url + token, json=said) as answer:
                assert answer.status == status
        for body in (
            b"{",
            b"[" * 60_000,
            b'{"reports":' * 5_000,
            b"\xff",
            b'{"reports":[[[{"id":{}}]],7,null]}',
        ):
            async with gateway.post(url + TOKEN, data=body, headers={"Content-Type": "text/plain"}) as answer:
                assert answer.status == (200 if body.endswith(b"]}") else 400)
    async with hall.store.read() as conn:
        states = dict((await conn.execute(select(message.c.id, message.c.state))).tuples().all())
        number = len(await messages.entries(conn, first.id))
    assert (states[first.id], states[second.id], number) == ("delivered", "sent", 3)


async def test_the_inbox_is_ones_own_and_counts_what_is_new(hall: Served) -> None:
    async with logged_in(hall, "zhang") as own:
        html = (await own.get("/hall/inbox"))[1]
        words = text_of(html)
        assert "条未读" in words
        assert "红灯" in words
        assert 'href="/unit/corrections/' in html
        newest = html.partition('name="newest" value="')[2].partition('"')[0]
        assert (await own.post("/hall/inbox", newest=newest)).status == 403
        assert (await own.post("/hall/inbox", csrf="token", newest=newest)).status == 303
        assert "未读" not in text_of((await own.get("/hall/inbox"))[1])
        assert (await own.post("/hall/inbox", csrf="token", newest="x")).status == 303
    async with logged_in(hall, "chuang") as own:
        assert "条未读" in text_of((await own.get("/hall/inbox"))[1])
    async with logged_in(hall, "bieren") as own:
        assert SITE not in text_of((await own.get("/hall/inbox"))[1])


async def test_lists_filter_and_odd_addresses_do_no_harm(hall: Served) -> None:
    async with logged_in(hall, "jian1") as own:
        for query in (
            "state=x",
            "site=%00",
            "below=x",
            "correction=1",
            "correction=x",
            "channel=inbox&level=red",
            "below=1",
        ):
            assert (await own.get(f"/hall/messages?{query}"))[0] == 200, query
        words = text_of((await own.get("/hall/messages?correction=1"))[1])
        assert "只列纠错 1 号的消息" in words
        assert "/hall/messages?correction=1" in (await own.get("/hall/corrections/1"))[1]
        assert "下一页" in text_of((await own.get("/hall/messages"))[1])


@pytest.mark.service
@pytest.mark.parametrize("width", [390, 1920])
async def test_pages_never_scroll_sideways(hall: Served, width: int, tmp_path: Path) -> None:
    kept = os.environ.get("MINGCHA_PICTURES")
    async with browser(tmp_path) as page:
        await page.size(width, 1000)
        for name, paths in (
            ("jian1", ("/hall/messages", "/hall/messages/1", "/hall/queue", "/hall/inbox")),
            ("zhang", ("/hall/inbox",)),
        ):
            async with logged_in(hall, name):
                await page.cookie(COOKIE, name, hall.url)
                for path in paths:
                    await page.open(hall.url + path)
                    assert await page.ask("document.documentElement.scrollWidth") <= width, path
                    if kept:
                        await page.photograph(Path(kept) / f"{name}{path.replace('/', '-')}-{width}.png")


async def test_the_commands_show_send_again_silence_and_try(hall: Served, tmp_path: Path) -> None:
    """On a database of its own, by the real program."""
    folder = tmp_path / "data"
    folder.mkdir()
    store = await open_store(keyed(folder / "central.db"))
    await _fill(store, Ahead())
    served = Served("", store, Ahead(), hall.app)
    await look(served)
    SMS.script = [RejectedError("空号", hint="请核对号码")]
    await send(served)
    (number,) = await failed(served)
    await store.close()
    (tmp_path / "operations.key").write_bytes(OPERATIONS)
    path = tmp_path / "central.toml"
    path.write_text(
        '[mqtt]\nhost = "127.0.0.1"\nport = 9\n[notify.mail]\nhost = "127.0.0.1"\nport = 9\n', "utf-8"
    )
    finding = next(one for one in (await doctor.examine(path))[0] if one.id == "E-HALL-15")
    assert (finding.status, "1 条未送达" in finding.detail) == (Status.WARN, True)
    tomorrow = str((datetime.now(ZONE) + timedelta(days=1)).date())
    for words, code, said in (
        (("list", "--state", "failed"), 0, "短信\t未送达"),
        (("show", str(number)), 0, "未送达　空号。请核对号码"),
        (("resend", str(number), "--why", "已核对"), 0, "已重新排队"),
        (("settle", str(number), "--why", "打过电话"), 64, "不用处置"),
        (("silence", "--until", tomorrow, "--why", "切换"), 64, "不能全部停发"),
        (("silence", "--site", SITE, "--until", tomorrow, "--why", "切换"), 0, "静默 1 已签名生效"),
        (("silences",), 0, f"1\t站点 {SITE}"),
        (("unsilence", "1", "--why", "切换完成"), 0, "静默 1 已结束"),
        (("test", "jian1"), 1, "✕ 邮件：邮件服务器连不上"),
    ):
        found, out, err = await command("mingcha", "message", *words, "--config", str(path))
        assert said in out + err, (words, out, err)
        assert found == code, (words, found)
    _, out, _ = await command("mingcha", "message", "list", "--json", "--config", str(path))
    assert all("1380000" not in line["address"] for line in json.loads(out))
    code, out, err = await command(
        "mingcha", "user", "contact", "jian1", "--phone", "138-0000-1234", "--config", str(path)
    )
    assert (code, err) == (0, "")
    assert "13800001234" in out
