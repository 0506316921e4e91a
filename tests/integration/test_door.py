"""The public door: what anybody may find out, and what nobody learns."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import date
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from central import judge, public
from central.config import CentralConfig, PublicConfig
from central.core.statute import Statute
from central.door import app as door_app
from central.door import guard
from central.door import store as rows
from central.door import tables as p
from central.door.app import HEAD_SECS
from central.door.limits import NUMBER
from central.door.page import DOOR
from central.door.store import open_as_door
from central.store import statutes, telling
from central.store import tables as t
from central.store.public_tables import case_urge
from central.world import Moment, load_world
from common.core.errors import UnavailableError
from common.core.instant import DAY, HOUR, end_of_day, local_date
from common.core.record import Case
from common.mqtt import MqttConfig
from provisioning.core.identity import Box
from tests.integration import city_cases, dooring, serving
from tests.integration.city_cases import ITEMS, PHONE, ZONE, Filed
from tests.integration.dooring import KEY, Outside
from tests.integration.serving import FridayClock, Served, text_of
from tests.processes import DoorProcess
from tests.processes import hall as running_hall
from tests.services import Mosquitto, PostgreSql

pytestmark = pytest.mark.asyncio(loop_scope="module")
TAIL = PHONE[-4:]
RED = "370220260604021007"
PROOF, TOKEN = (re.compile(rf'name="{name}" value="([^"]*)"') for name in ("proof", "token"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("hall")
    async with serving.serve(folder, FridayClock(), cases_a_day=3) as served:
        await dooring.fill_catalogue(served.store)
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def outside(hall: Served, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    async with dooring.opened(hall, tmp_path_factory.mktemp("door")) as found:
        yield found


@pytest.fixture(autouse=True)
def rested(outside: Outside) -> None:
    outside.forget()


def query(number: str = RED, tail: str = TAIL) -> dict[str, str]:
    return {"number": number, "tail": tail}


# by construction ----------------------------------------------------------------------------------------------


async def test_the_process_of_the_door_loads_no_table_and_no_page_of_the_hall() -> None:
    """Beside the import contract, which sees what is written: what is there when the command runs."""
    program = (
        "import sys, central.door.__main__, central.door.app;"
        "print([n for n in sys.modules if n in ('central.store.metadata', 'central.config', 'central.receive') "
        "or n.startswith(('central.web', 'agent', 'provisioning'))])"
    )
    command = [sys.executable, "-c", program]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_what_is_published_shows_neither_numbers_nor_telephones_nor_names(outside: Outside) -> None:
    async with outside.press.public.read() as conn:
        told = (await conn.execute(select(p.told))).all()
        guides = (await conn.execute(select(p.guide.c.body))).scalars().all()
    assert len(told) > 20
    assert guides
    assert not any("欧阳定".encode() in body for body in guides), "who decides is nobody's of the public"
    for row in told:
        for secret in (RED, PHONE, TAIL):
            assert secret.encode() not in row.lookup + row.ref + row.sealed
    folder = outside.app[DOOR].config.folder
    assert sorted(path.name for path in folder.iterdir() if path.suffix in {".db", ".key"}) == [
        "door.key",
        "public.db",
    ]
    assert (folder.stat().st_mode & 0o7777, (folder / "door.key").stat().st_mode & 0o777) == (0o2770, 0o640)


@pytest.mark.service
async def test_the_role_of_the_door_reaches_its_own_schema_and_nothing_else(
    hall: Served, postgresql: PostgreSql, tmp_path: Path
) -> None:
    url = postgresql.url(await postgresql.create_database())
    admin = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    with suppress(DBAPIError):  # of the whole server, which other tests have too
        async with admin.begin() as conn:
            await conn.execute(text("CREATE ROLE mingcha_door LOGIN PASSWORD 'door'"))
    async with admin.begin() as conn:
        await conn.execute(text('CREATE TABLE "case" (applicant text)'))
    config = CentralConfig(
        mqtt=MqttConfig(host="x"), database=url, public=PublicConfig(folder=tmp_path / "p")
    )
    store = await public.open_as_hall(config, hall.store, KEY)
    press = public.Press(hall.store, store, serving.OPERATIONS, dooring.WIRE)
    async with hall.store.write() as conn:
        world = await load_world(conn, ZONE)
    assert await public.look_once(press, world, hall.clock) > 20
    again = await public.open_as_hall(config, hall.store, KEY)
    assert await public.look_once(press, world, hall.clock) == 0, "what is published is published once"
    mine = (
        re.sub(r"//[^@/]*@", "//mingcha_door:door@", url)
        if "@" in url
        else url.replace("//", "//mingcha_door:door@", 1)
    )
    door = await open_as_door(mine.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with door.read() as conn:
        assert await rows.beat(conn) is not None
        assert (await conn.scalar(select(func.count()).select_from(p.told)) or 0) > 20
    async with door.write() as conn:
        assert await rows.hand_in(
            conn, {"id": "x", "kind": "urge", "lookup": b"", "sealed": b"", "sent_at": 0}
        )
    for refused in (
        'SELECT * FROM public."case"',
        "DELETE FROM told",
        "UPDATE meta SET body = ''",
        "DELETE FROM inbox",
        "UPDATE inbox SET kind = ''",
        "INSERT INTO guide VALUES ('a', 'b', 'c', '')",
    ):
        with pytest.raises((DBAPIError, UnavailableError), match="permission denied"):
            async with door.write() as conn:
                await conn.execute(text(refused))
    for one in (store, again, door):
        await one.close()
    await admin.dispose()


# guides -------------------------------------------------------------------------------------------------------


async def test_a_guide_is_the_version_that_drives_the_clocks_and_changes_on_its_day(
    hall: Served, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, html = await outside.get("/p/guides/SP-00")
    assert status == 200
    assert "&lt;b&gt;申请表&lt;/b&gt;" in html
    said = text_of(html)
    for words in (
        "食品经营许可（新办）",
        "10 个工作日",
        "要带 2 样东西",
        "最近 30 天办了",
        "0771-5555123",
        "12345",
        "6月19日（周五） 起有变化",
    ):
        assert words in said, words
    assert "没有按规定办的" not in said
    assert "费用 没有写明" in said, "what the catalogue does not say is not free"
    assert "费用 不收费" in text_of((await outside.get("/p/guides/SP-01"))[1])
    mine = t.case.c.item_code == "SP-00", t.case.c.finished_at > outside.clock.office() - 7 * DAY
    async with hall.store.write() as conn:
        one = (await conn.execute(select(t.case.c.site, t.case.c.case_key).where(*mine))).first()
        assert one is not None
        broken = t.case.c.site == one.site, t.case.c.case_key == one.case_key
        await conn.execute(update(t.case).where(*broken).values(rule_light="red", rule="L58"))
    now = outside.clock.office
    monkeypatch.setattr(outside.clock, "office", lambda mono=None: now(mono) + 7 * DAY)
    await outside.publish()
    said = text_of((await outside.get("/p/guides/SP-00"))[1])
    assert "没有按规定办的 1 件" in said
    assert "起有变化" not in said
    assert "联办件" in said
    assert "6 个工作日" in said
    monkeypatch.undo()
    await outside.publish()


async def test_guide_clock_and_query_change_together_on_the_day_of_validity(
    hall: Served, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its very instant: what is accepted a microsecond before keeps the promise of that day; what is accepted at midnight has the new one,
    as its guide says. And the door turns the page by itself, without a word of the hall in between."""
    calendar = outside.world.calendar
    wall, midnight = outside.clock.wall(), end_of_day(date(2026, 6, 18), ZONE)
    monkeypatch.setattr(outside.clock, "wall", lambda: wall)
    wanted: dict[str, str] = {}
    for instant, days in ((midnight - 1, 10), (midnight, 6)):
        monkeypatch.setattr(outside.clock, "office", lambda mono=None, instant=instant: instant)
        day = local_date(instant, ZONE)
        due = calendar.nth(day, days)
        one = Filed(
            site="s02",
            key=f"changed{day:%d}",
            item=ITEMS[0],
            applicant="王秀英",
            accepted=outside.clock.office(),
            due=0,
        )
        async with hall.store.write() as conn:
            await _accept(conn, one, outside)
            at = await conn.scalar(
                select(t.clock.c.due_at).where(t.clock.c.case_key == one.key, t.clock.c.kind == "promise")
            )
        assert at is not None
        assert local_date(at - 1, ZONE) == due, "the clock"
        await outside.publish()
        assert f"<dt>多久</dt><dd>{days} 个工作日</dd>" in (await outside.get("/p/guides/SP-00"))[1]
        wanted[f"3702{one.key}"] = f"{days} 个工作日 ，应在 {due.month}月{due.day}日"
        for number, words in wanted.items():
            outside.forget()
            assert words in text_of((await outside.post("/p/case", query(number)))[1]), (day, number)
        monkeypatch.setattr(outside.clock, "wall", lambda: wall + 1)
        assert "<dt>多久</dt><dd>6 个工作日</dd>" in (await outside.get("/p/guides/SP-00"))[1], (
            "a microsecond later"
        )
        monkeypatch.setattr(outside.clock, "wall", lambda: wall)
    monkeypatch.undo()
    await outside.publish()


async def _accept(conn: AsyncConnection, one: Filed, outside: Outside) -> None:
    """A case of the item's code whose source says nothing of limits."""
    main = city_cases.bodies(one, outside.clock.office())[0]
    assert isinstance(main, Case)
    body = msgspec.structs.replace(main, item_code="SP-00", promised=None, promised_unit=None, legal=None)
    await conn.execute(insert(t.row_head).values(city_cases._head_row(one, 0, body, 1, one.accepted)))
    moment = Moment(outside.clock.office(), outside.clock.wall())
    await judge.judge_cases(conn, one.site, [one.key], outside.world, moment)


async def test_what_is_not_displayed_is_blocked_everywhere(outside: Outside) -> None:
    assert (await outside.get("/p/guides/SP-05"))[0] == 404
    assert (await outside.get("/p/guides/unknown"))[0] == 404
    assert "SP-05" not in (await outside.get("/p/guides"))[1]
    assert "SP-05" not in (await outside.get("/p/search?q=linshi"))[1]


@pytest.mark.parametrize("asked", ["食品", "spjy", "shipin", "身份证", "SPJYXK"])
async def test_an_item_is_found_by_words_and_by_letters(outside: Outside, asked: str) -> None:
    status, html = await outside.get(f"/p/search?q={asked}")
    assert (status, "/p/guides/SP-00" in html) == (200, True)


async def test_laws_lead_to_the_items_that_rest_on_them(hall: Served, outside: Outside) -> None:
    assert "中华人民共和国食品安全法" in (await outside.get("/p/laws"))[1]
    status, html = await outside.get("/p/laws/中华人民共和国食品安全法")
    assert (status, "效力未登记" in html, "第三十五条、第三十六条" in html) == (200, True, True)
    assert (await outside.get("/p/laws/没有"))[0] == 404
    async with hall.store.write() as conn:
        first, last = date(2001, 1, 1), date(2026, 6, 12)
        await statutes.put(
            conn, Statute(name="旧办法", number="市政府令 1 号", effective=first, repealed=last)
        )
    await outside.publish()
    status, html = await outside.get("/p/laws/旧办法")
    assert (status, "已废止" in html, "市政府令 1 号" in html) == (200, True, True)


# cases --------------------------------------------------------------------------------------------------------


async def test_a_case_is_told_to_who_knows_number_and_telephone(outside: Outside) -> None:
    status, html = await outside.post("/p/case", query(f" {RED[:6]} {RED[6:]} ", "７７４１"))
    said = text_of(html)
    assert status == 200
    for words in ("已超过承诺时限 1 个工作日", "您不需要做任何事", "王*", "石桥镇", "催一催"):
        assert words in said, words
    assert PHONE not in html


async def test_an_unknown_number_and_wrong_digits_are_one_answer(outside: Outside) -> None:
    number = f"{RED[:-1]}8"
    wrong = await outside.post("/p/case", query(tail="0000"))
    unknown = await outside.post("/p/case", query(number))
    assert wrong[0] == unknown[0] == 404
    assert wrong[1].replace(RED, number) == unknown[1]


async def test_a_number_may_be_asked_for_so_often_whether_it_exists_or_not(outside: Outside) -> None:
    for number in (RED, "X1"):
        outside.forget()
        found = [(await outside.post("/p/case", query(number, "0000")))[0] for _ in range(NUMBER.most + 1)]
        assert found == [404] * NUMBER.most + [429]
    outside.forget()
    for _ in range(NUMBER.most):
        await outside.post("/p/case", query(RED, "0000"))
    assert (await outside.post("/p/case", query()))[0] == 429, (
        "the right digits are refused as the wrong ones are"
    )


async def test_an_urging_counts_once_a_day_and_needs_the_page_it_came_from(
    hall: Served, outside: Outside
) -> None:
    _, html = await outside.post("/p/case", query())
    form = {"proof": PROOF.search(html)[1], "token": TOKEN.search(html)[1]}  # type: ignore[index]
    assert (await outside.post("/p/case/urge", form | {"token": "x"}))[0] == 403
    assert (await outside.post("/p/case/urge", form | {"proof": form["proof"][:-8] + "AAAAAAA="}))[0] == 403
    for _ in range(2):
        status, html = await outside.post("/p/case/urge", form)
        assert (status, "已经催办" in html) == (200, True)
    await outside.publish()
    async with outside.press.public.read() as conn:
        assert await rows.waiting(conn) == 0
    async with hall.store.read() as conn:
        found = (await conn.execute(select(case_urge))).all()
    assert [(row.site, row.day) for row in found] == [("s02", "2026-06-12")]


async def test_what_changes_in_the_hall_is_told_at_the_next_look(hall: Served, outside: Outside) -> None:
    place = t.row_head.c.site == "s02", t.row_head.c.case_key == "20260604021007", t.row_head.c.kind == "case"
    async with hall.store.write() as conn:
        await conn.execute(update(t.row_head).where(*place).values(deleted=True))
        await telling.mark(conn, {("s02", "20260604021007")})
    assert await outside.publish() == 1
    assert (await outside.post("/p/case", query()))[0] == 404
    async with hall.store.write() as conn:
        await conn.execute(update(t.row_head).where(*place).values(deleted=False))
        await telling.mark(conn, {("s02", "20260604021007")})
    assert (await outside.publish(), await outside.publish()) == (1, 0)
    assert (await outside.post("/p/case", query()))[0] == 200


async def test_a_hall_without_a_door_marks_nothing_and_one_that_opens_it_again_marks_all(
    hall: Served, outside: Outside
) -> None:
    place = ("s02", "20260604021007")

    async def waiting(*, is_open: bool) -> int:
        async with hall.store.write() as conn:
            await telling.set_door(conn, is_open=is_open)
            await telling.mark(conn, {place})
            return len(await telling.waiting(conn, 1_000))

    await outside.publish()
    assert await waiting(is_open=True) == 1
    assert await waiting(is_open=False) == 0
    assert await waiting(is_open=True) > 10


# at the door --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Host": "evil.example:80"}, 400),
        ({"Host": "["}, 400),
        ({"Host": "[::1"}, 400),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_another_name_and_another_page_are_refused(
    outside: Outside, headers: dict[str, str], status: int
) -> None:
    assert (await outside.post("/p/case", query(), **headers))[0] == status


async def test_whoever_reads_large_type_is_refused_in_large_type(outside: Outside) -> None:
    """Also where nobody has read what was posted."""
    _, html = await outside.post("/p/case?big=1", query(tail="0000"))
    assert 'action="/p/case?big=1"' in html
    for _ in range(NUMBER.most):
        status, html = await outside.post("/p/case?big=1", query(tail="0000"))
    assert (status, 'class="big"' in html) == (429, True)
    for path, sent, headers, refused in (
        ("/p/case/urge", {"proof": "x"}, {}, 403),
        ("/p/case", query(), {"Origin": "null"}, 403),
        ("/p/case", {"number": "9" * guard.SMALL_POST}, {}, 413),
    ):
        status, html = await outside.post(f"{path}?big=1", sent, **headers)
        assert (status, 'class="big"' in html) == (refused, True)


async def test_half_of_a_character_is_the_senders_fault(outside: Outside) -> None:
    kind = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-7", "Origin": outside.url}
    for path in ("/p/case", "/p/consult"):
        async with outside.session.post(
            outside.url + path, data=b"no=+2AA-&text=+2AA-", headers=kind
        ) as answer:
            assert answer.status == 400, path
            assert "读不懂" in await answer.text()


async def test_every_answer_has_the_headers_and_the_help_line(outside: Outside) -> None:
    for path in ("/p/", "/p/nowhere", "/p/case", "/p/guides/SP-05"):
        async with outside.session.get(outside.url + path) as answer:
            html = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script" not in policy + html
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Set-Cookie" not in answer.headers
            assert ("12345" in html, "大字版" in html) == (True, True)
    async with outside.session.delete(outside.url + "/p/guides") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")
    for path in ("/p/guides", "/p/guides/SP-00", "/p/search?q=食品", "/p/laws"):
        sign = "&" if "?" in path else "?"
        html = (await outside.get(f"{path}{sign}big=1"))[1]
        links = [unescape(link) for link in re.findall(r'href="(/p/(?!static)[^"]*)"', html)]
        assert len(links) > 3
        small = [link for link in links if parse_qs(urlsplit(link).query).get("big") != ["1"]]
        assert [unquote(link) for link in small] == [path], "the way back to the smaller type alone"


async def test_whoever_dawdles_over_a_request_is_cut_off(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_app, "HEAD_SECS", 0.05)
    host, _, port = outside.url.rpartition("//")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /p/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    with suppress(ConnectionError):
        async with asyncio.timeout(20):
            assert await reader.read() == b""
    writer.close()


async def test_whoever_sends_a_body_by_drops_is_told_so_and_holds_up_nobody(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "BODY_SECS", 0.1)
    host, _, port = outside.url.rpartition("//")[2].partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    kind = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\n"
    writer.write(b"POST /p/case HTTP/1.1\r\nHost: 127.0.0.1\r\n" + kind + b"number=1")
    assert (await outside.get("/p/guides"))[0] == 200
    async with asyncio.timeout(20):
        said = await reader.readuntil(b"\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_more_connections_than_there_is_room_for_are_cut_and_the_others_served(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, port = outside.url.rpartition("//")[2].partition(":")
    monkeypatch.setattr(door_app, "MOST_CONNECTIONS", 0)
    reader, writer = await asyncio.open_connection(host, int(port))
    with suppress(ConnectionError):
        async with asyncio.timeout(HEAD_SECS / 2):
            assert await reader.read() == b""
    writer.close()
    monkeypatch.undo()
    assert (await outside.get("/p/guides"))[0] == 200


async def test_a_crowd_reads_the_tables_once_and_waits_for_no_connection(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where none becomes free in time the answer is that the site is busy, and no fault of ours."""
    door = outside.app[DOOR]
    asked: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    sync = door.store.engine.sync_engine
    event.listen(sync, "before_cursor_execute", note)
    door.shown = None
    await asyncio.gather(*(door.look() for _ in range(200)))
    event.remove(sync, "before_cursor_execute", note)
    assert sum("FROM guide" in statement for statement in asked) == 1
    monkeypatch.setattr(sync.pool, "_timeout", 0.05)
    async with AsyncExitStack() as stack:
        for _ in range(14):
            await stack.enter_async_context(door.store.read())
        assert (await outside.get("/p/guides"))[0] == 200
        assert (await outside.get("/p/consult"))[0] == 503
    assert (await outside.get("/p/consult"))[0] == 200


async def test_a_hall_that_has_fallen_silent_is_said(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "暂时没有更新" not in (await outside.get("/p/"))[1]
    now = outside.clock.wall
    monkeypatch.setattr(outside.clock, "wall", lambda: now() + HOUR)
    assert "市中心暂时没有更新数据，以下是 6月12日 14:3" in text_of((await outside.get("/p/"))[1])


async def test_a_door_waits_for_a_hall_that_has_not_published(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="还没有公开数据"):
        await open_as_door(f"sqlite+aiosqlite:///{tmp_path / 'public.db'}")
    other = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'public.db'}")
    async with other.begin() as conn:
        await conn.execute(text("CREATE TABLE x (y int)"))
    await other.dispose()
    with pytest.raises(UnavailableError, match="还没有建立"):
        await open_as_door(f"sqlite+aiosqlite:///{tmp_path / 'public.db'}")


@pytest.mark.service
async def test_two_processes_share_what_is_public_and_nothing_else(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """The door begins first and waits; the hall is killed, and the guides are still there."""
    shared = tmp_path / "public"
    door = DoorProcess(tmp_path / "door", shared)
    starting = asyncio.create_task(asyncio.to_thread(door.start))
    try:
        async with running_hall(
            mosquitto, [Box("s01", 1)], extra=f'[public]\nenabled = true\nfolder = "{shared}"'
        ) as halls:
            await starting
            await asyncio.to_thread(halls.kill)
            assert await asyncio.to_thread(door.answers)
            opened = {
                name for name in door.opened if name.endswith((".db", ".db-wal", ".db-shm", ".key", ".toml"))
            }
            assert opened <= {"public.db", "public.db-wal", "public.db-shm"}
            assert "public.db" in opened
            await asyncio.to_thread(halls.start)
    finally:
        await asyncio.to_thread(door.stop)
    words = (door.folder / "server.log").read_text("utf-8")
    assert [event for event in ("door.waiting", "door.started", "door.stopped") if event not in words] == []
