"""Live pictures at a running hall: who may look, what is written down, which box is let in; the box here is its wire alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from sqlalchemy import insert

from central.config import LiveConfig
from central.core.access import Role
from central.relay import PATH, PER_LOGIN, Camera, Relay
from central.store import cameras, scope, trail
from central.store import tables as t
from central.web import video
from central.web.video import FULL, GRANTED, NOT_GRANTED, RELAY, SURE_EVERY
from common.core import crypto, live, message, topics
from common.core.camera import Aspect, Mask, View
from common.core.instant import HOUR, SECOND
from common.core.live import Frame, Kind, Shown
from common.core.message import Dial, Watch
from common.core.record import CameraState
from tests.browser import browser
from tests.integration import city
from tests.integration.serving import Served, Window, text_of
from tests.sender import draft
from tests.server import HOST, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
SITE, GENERATION = "s03", 7
ONE = f"/hall/cameras/{SITE}/c1"
SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
STATE = msgspec.json.encode(Shown(Mask.PEOPLE, "avc1.42C01E"))


@asynccontextmanager
async def opened(hall: Served) -> AsyncIterator[Relay]:
    """A camera, the box that has it, and the port for boxes."""
    relay, port = hall.app[RELAY], free_port()
    relay.config = LiveConfig(f"ws://{HOST}:{port}", HOST, port)
    body = CameraState("c1", Aspect.VIEW, View.OK, city.FRIDAY - HOUR, name="大厅东")
    said = msgspec.structs.replace(draft(body, at=city.FRIDAY - HOUR), seq=1)
    box = {"site": SITE, "generation": GENERATION, "sign_key": crypto.sign_public(SECRET), "state": "active"}
    async with hall.store.write() as conn:
        await cameras.add(conn, [(b"e" * 8, SITE, said, body)])
        await conn.execute(t.box.delete().where(t.box.c.site == SITE, t.box.c.generation == GENERATION))
        await conn.execute(insert(t.box), [box | {"created_wall": 0}])
    async with relay.serve():
        yield relay
    relay.config = LiveConfig()


@asynccontextmanager
async def window(hall: Served, role: Role = Role.SUPERVISOR) -> AsyncIterator[Window]:
    async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
        yield Window(hall, session)


@asynccontextmanager
async def looking(own: Window, query: str = "") -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with own.session.ws_connect(own.hall.url + ONE + "/stream" + query, origin=own.hall.url) as socket:
        yield socket


@asynccontextmanager
async def box(
    relay: Relay, dial: Dial, secret: bytes = SECRET
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    raw = message.encode_signed(dial, topics.dial(dial.site, dial.camera), secret)
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(relay.config.address.replace("ws", "http", 1) + PATH) as socket,
    ):
        await socket.send_bytes(raw)
        yield socket


def ticket(relay: Relay, *, plain: bool = False) -> bytes:
    return relay._streams[Camera(SITE, "c1", plain)].ticket


async def lines(hall: Served, act: str) -> list[tuple[str, str]]:
    async with hall.store.read() as conn:
        return [(item.who, item.why) for item in await trail.about(conn, act, f"{SITE}/c1", 9)]


async def test_a_hall_without_a_place_for_boxes_says_so_and_streams_nothing(hall: Served) -> None:
    async with opened(hall):
        pass
    async with window(hall) as own:
        for page in (ONE + "/live", "/hall/cameras/wall"):
            assert "没有设置现场画面" in text_of((await own.get(page))[1])
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with looking(own):
                pass
        assert refused.value.status == 409


async def test_who_may_not_look_gets_nothing_nor_does_a_page_of_somebody_else(hall: Served) -> None:
    async with opened(hall) as relay, window(hall, Role.LEADER) as leader, window(hall) as own:
        assert (await leader.get(ONE + "/live"))[0] == 403
        assert (await own.get(f"/hall/cameras/{SITE}/none/live"))[0] == 404
        for origin in (None, "http://evil.example"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await own.session.ws_connect(hall.url + ONE + "/stream", origin=origin)
            assert refused.value.status == 403
        assert not relay.open_streams()
        assert await lines(hall, "live.begin") == []


async def test_a_look_is_written_down_before_the_first_byte_and_how_long_it_was_at_the_end(
    hall: Served,
) -> None:
    async with opened(hall) as relay, window(hall) as own:
        async with looking(own) as socket:
            first = live.unpacked(await socket.receive_bytes(timeout=10))
            assert msgspec.json.decode(first.payload, type=Shown).fault == "等站点送来画面"
            assert await lines(hall, "live.begin") == [("supervisor", "已遮挡")]
            assert await lines(hall, "live.end") == []
            async with box(relay, Dial(SITE, GENERATION, "c1", ticket(relay))) as sender:
                at = hall.clock.wall() // 1000 - 250
                for kind, payload in (
                    (Kind.STATE, STATE),
                    (Kind.PICTURE, b"i"),
                    (Kind.KEY, b"k"),
                    (Kind.AUDIO, b"a"),
                    (Kind.MORE, b"f"),
                ):
                    await sender.send_bytes(live.packed(Frame(kind, at, payload)))
                got = [live.unpacked(await socket.receive_bytes(timeout=10)) for _ in range(4)]
                assert [frame.kind for frame in got] == [Kind.STATE, Kind.PICTURE, Kind.KEY, Kind.MORE]
                assert all(250 <= frame.at < 5000 for frame in got), "on the way to a browser it is the age"
                async with looking(own, "?sound=1") as listener:
                    heard = [live.unpacked(await listener.receive_bytes(timeout=10)).kind for _ in range(5)]
                assert heard == [Kind.STATE, Kind.PICTURE, Kind.KEY, Kind.AUDIO, Kind.MORE]
                assert relay.open_streams()[Camera(SITE, "c1")][1] == 1, "one upload"
        async with asyncio.timeout(10):
            while len(await lines(hall, "live.end")) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert {why.split("，", 1)[1] for _, why in await lines(hall, "live.end")} == {
            "已遮挡",
            "已遮挡，有声",
        }


async def test_a_box_is_let_in_by_its_own_key_for_a_ticket_that_is_waited_for(hall: Served) -> None:
    async with opened(hall) as relay, window(hall) as own, looking(own):
        good = ticket(relay)
        wrong = [
            (Dial(SITE, GENERATION, "c1", b"x" * 16), SECRET),
            (Dial(SITE, GENERATION, "c1", good), OTHER),
            (Dial(SITE, GENERATION, "c2", good), SECRET),
            (Dial(SITE, GENERATION - 1, "c1", good), SECRET),
        ]
        for dial, secret in wrong:
            async with box(relay, dial, secret) as sender:
                assert (await sender.receive(timeout=10)).data == aiohttp.WSCloseCode.POLICY_VIOLATION
        assert not relay.is_sending(Camera(SITE, "c1"))
        async with box(relay, Dial(SITE, GENERATION, "c1", good)) as sender:
            await sender.send_bytes(b"no frame")
            assert (await sender.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE


async def test_a_picture_as_it_is_reaches_nobody_who_looks_at_the_masked_one(hall: Served) -> None:
    """P-LIVE-05: whatever a box says of itself."""
    for state in (STATE.replace(b"people", b"none"), b"null", b"[]"):
        async with opened(hall) as relay, window(hall) as own, looking(own) as socket:
            await socket.receive_bytes(timeout=10)
            async with box(relay, Dial(SITE, GENERATION, "c1", ticket(relay))) as sender:
                for kind, payload in ((Kind.STATE, state), (Kind.PICTURE, b"i"), (Kind.KEY, b"a face")):
                    await sender.send_bytes(live.packed(Frame(kind, 1, payload)))
                assert (await sender.receive(timeout=10)).type is aiohttp.WSMsgType.CLOSE
            kept = relay._streams[Camera(SITE, "c1")].channel.join(hears=False).taken()
            assert b"a face" not in {frame.payload for frame in kept}


@pytest.mark.parametrize("change", [{"state": "revoked"}, {"generation": GENERATION + 1}])
async def test_a_box_whose_right_has_ended_sends_no_more(hall: Served, change: dict[str, object]) -> None:
    async with (
        opened(hall) as relay,
        window(hall) as own,
        looking(own),
        box(relay, Dial(SITE, GENERATION, "c1", ticket(relay))) as sender,
    ):
        async with asyncio.timeout(10):
            while not relay.is_sending(Camera(SITE, "c1")):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await relay.checked(SITE)
        assert relay.is_sending(Camera(SITE, "c1"))
        mine = t.box.c.site == SITE, t.box.c.generation == GENERATION
        async with hall.store.write() as conn:
            await conn.execute(t.box.update().where(*mine).values(**change))
        await relay.checked(SITE)
        assert (await sender.receive(timeout=10)).data == aiohttp.WSCloseCode.POLICY_VIOLATION
        async with hall.store.write() as conn:
            await conn.execute(t.box.delete().where(t.box.c.site == SITE, t.box.c.generation > GENERATION))


async def test_the_picture_as_it_is_needs_a_reason_and_is_granted_to_one_login(hall: Served) -> None:
    async with opened(hall) as relay, window(hall, Role.CHIEF) as chief, window(hall) as own:
        assert (await own.post(ONE + "/live", csrf="token", why="核对投诉")).status == 403
        assert (await chief.post(ONE + "/live", csrf="token", why="看")).status == 400
        assert await lines(hall, "live.reveal") == []
        answer = await chief.post(ONE + "/live", csrf="token", why="核对群众投诉")
        assert await lines(hall, "live.reveal") == [("chief", "核对群众投诉")]
        html = await answer.text()
        grant = html.partition('data-grant="')[2].partition('"')[0]
        assert len(grant) > 20
        assert "未遮挡" in text_of(html)
        for someone, key in ((own, grant), (chief, "made-up")):
            async with looking(someone, f"?grant={key}") as socket:
                assert (await socket.receive(timeout=10)).data == NOT_GRANTED
        assert Camera(SITE, "c1", plain=True) not in relay.open_streams()
        async with looking(chief, f"?grant={grant}"):
            assert Camera(SITE, "c1", plain=True) in relay.open_streams()
            assert ("chief", "未遮挡") in await lines(hall, "live.begin")


def later(hall: Served, patch: pytest.MonkeyPatch, us: int) -> None:
    true = type(hall.clock).mono
    patch.setattr(hall.clock, "mono", lambda: true(hall.clock) + us)


async def closed(socket: aiohttp.ClientWebSocketResponse) -> object:
    """The code with which the hall ends a look."""
    async with asyncio.timeout(10):
        while (item := await socket.receive()).type is aiohttp.WSMsgType.BINARY:
            pass
    return item.data


async def test_a_look_at_the_picture_as_it_is_ends_with_its_grant(
    hall: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(hall), window(hall, Role.CHIEF) as chief, window(hall) as own:
        html = await (await chief.post(ONE + "/live", csrf="token", why="核对群众投诉")).text()
        grant = html.partition('data-grant="')[2].partition('"')[0]
        async with looking(chief, f"?grant={grant}") as plain, looking(own) as masked:
            later(hall, monkeypatch, GRANTED + SECOND)
            assert await closed(plain) == NOT_GRANTED
            assert not masked.closed


@pytest.mark.parametrize("change", ["role", "scope", "session"])
async def test_a_look_ends_with_the_right_to_it(
    hall: Served, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    mine = t.user.c.name == Role.SUPERVISOR.value
    async with opened(hall), window(hall) as own, looking(own) as socket:
        async with hall.store.write() as conn:
            if change == "role":
                await conn.execute(t.user.update().where(mine).values(role=Role.LEADER.value))
            elif change == "scope":
                given = {"user": Role.SUPERVISOR.value, "site": "s01"}
                await conn.execute(insert(scope.user_site), [given])
            else:
                await conn.execute(t.session.delete().where(t.session.c.user == Role.SUPERVISOR.value))
        try:
            later(hall, monkeypatch, SURE_EVERY + SECOND)
            assert await closed(socket) == NOT_GRANTED
        finally:
            async with hall.store.write() as conn:
                await conn.execute(t.user.update().where(mine).values(role=Role.SUPERVISOR.value))
                await conn.execute(scope.user_site.delete().where(scope.user_site.c.site == "s01"))


async def refused(socket: aiohttp.ClientWebSocketResponse) -> str:
    """The sentence with which the hall ends a look that it has no room for."""
    said = live.unpacked(await socket.receive_bytes(timeout=10))
    assert (await socket.receive(timeout=10)).data == FULL
    return msgspec.json.decode(said.payload, type=Shown).fault


async def over(relay: Relay) -> None:
    """Looks of before are."""
    async with asyncio.timeout(10):
        while relay.looks.total():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_a_login_that_asks_for_many_at_once_gets_no_more_than_its_share(hall: Served) -> None:
    async with opened(hall) as relay, window(hall) as own:
        await over(relay)
        place = hall.url + ONE + "/stream"
        asked = [own.session.ws_connect(place, origin=hall.url) for _ in range(PER_LOGIN + 6)]
        sockets = await asyncio.gather(*asked)
        said = [
            msgspec.json.decode(live.unpacked(await one.receive_bytes(timeout=20)).payload, type=Shown).fault
            for one in sockets
        ]
        await asyncio.gather(*(item.close() for item in sockets))
        assert [one for one in said if "已满" in one] == [
            f"这个账号同时看的画面已满 {PER_LOGIN} 路，有人关上后会自动接上"
        ] * 6


@pytest.mark.parametrize(("most", "what"), [({"viewers": 1}, "全市"), ({"site_viewers": 1}, "这个站点")])
async def test_no_more_look_on_than_the_hall_is_set_up_for_and_who_comes_too_late_is_told_so(
    hall: Served, most: dict[str, int], what: str
) -> None:
    async with opened(hall) as relay, window(hall) as own, window(hall, Role.CHIEF) as chief:
        await over(relay)
        relay.config = msgspec.structs.replace(relay.config, **most)
        async with looking(own) as first:
            await first.receive_bytes(timeout=10)
            before = await lines(hall, "live.begin")
            async with looking(chief) as second:
                said = await refused(second)
            assert what in said
            assert "已满 1 路" in said
            assert await lines(hall, "live.begin") == before, "nothing was looked at"
        await over(relay)
        async with looking(chief) as second:
            first_state = live.unpacked(await second.receive_bytes(timeout=10))
            assert "已满" not in msgspec.json.decode(first_state.payload, type=Shown).fault


async def test_a_site_is_told_first_what_is_looked_at_and_last_what_goes_on_without_anybody(
    hall: Served,
) -> None:
    """Its line may have no room for all: a wall that turns is to show what it has turned to."""
    async with opened(hall) as relay:
        relay._streams.clear()
        left = relay.join(Camera(SITE, "c1"), hears=False)
        relay.leave(Camera(SITE, "c1"), left)
        for name in ("c2", "c3"):
            relay.join(Camera(SITE, name), hears=False)
        said = Published()
        await relay._say(said, SITE)  # type: ignore[arg-type]
        watch = message.decode_signed(
            Watch, topics.watch(SITE), crypto.sign_public(relay._sign_secret), said.raw
        )
        assert [item.camera for item in watch.wanted] == ["c2", "c3", "c1"]
        relay._streams.clear()


class Published:
    """The broker's end of a wish."""

    raw = b""

    async def publish(self, topic: str, raw: bytes, *, expiry_secs: int) -> None:
        assert topic == topics.watch(SITE)
        assert expiry_secs > 0
        self.raw = raw


async def test_a_box_that_hangs_up_at_once_is_no_error_of_the_hall(
    hall: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(hall) as relay:
        port = relay.config.port
        for _ in range(20):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.write(
                f"GET {PATH} HTTP/1.1\r\nHost: hall\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            writer.transport.abort()
        await asyncio.sleep(0.5)
    assert "Error handling request" not in caplog.text


async def test_the_wall_names_the_cameras_in_reach_and_takes_only_sizes_that_it_has(hall: Served) -> None:
    async with opened(hall), window(hall) as own:
        async with own.session.get(hall.url + "/hall/cameras/wall?side=3&turn=60") as answer:
            html, policy = await answer.text(), answer.headers["Content-Security-Policy"]
        assert 'data-side="3" data-turn="60"' in html
        assert f'data-stream="{ONE}/stream"' in html
        assert "media-src blob:" in policy
        assert "default-src 'self'" in policy
        assert 'data-side="2" data-turn="20"' in (await own.get("/hall/cameras/wall?side=9&turn=1"))[1]


NAMES = "Array.from(document.querySelectorAll('.film a')).map(a => a.textContent)"
STOPPED = "Array.from(document.querySelectorAll('.film-state')).every(a => a.textContent === '已看满时间')"


async def test_the_wall_turns_to_every_camera_with_no_empty_place_and_stops_when_nobody_is_there(
    hall: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video, "TURNS", (1, 60))
    said = []
    for number in range(1, 7):
        body = CameraState(f"w{number}", Aspect.VIEW, View.OK, city.FRIDAY - HOUR, name=f"墙{number}")
        said.append((b"w" * 8, "s07", msgspec.structs.replace(draft(body, at=city.FRIDAY), seq=number), body))
    async with hall.store.write() as conn:
        await cameras.add(conn, said)
    async with opened(hall), browser(tmp_path) as page:
        await page.size(1440, 900)
        for name, value in (await hall.session(Role.SUPERVISOR)).items():
            await page.cookie(name, value, hall.url)
        await page.open(hall.url + "/hall/cameras/wall")
        seen = set[str]()
        async with asyncio.timeout(60):
            while len(seen) < 7:
                names = await page.ask(NAMES)
                assert len(set(names)) == 4
                seen |= set(names)
                await asyncio.sleep(0.2)
        assert "松岭乡 墙1" in seen, "of which site it is"
        monkeypatch.setattr(video, "LONGEST", 0)
        await page.open(hall.url + "/hall/cameras/wall?turn=60")
        await page.until(f"{STOPPED} && !document.getElementById('films-again').hidden")
        await page.ask("document.getElementById('films-again').click()")
        await page.until(f"{STOPPED} && !document.getElementById('films-again').hidden")
    async with hall.store.write() as conn:
        await conn.execute(t.camera_state.delete().where(t.camera_state.c.site == "s07"))
