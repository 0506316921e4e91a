"""The audit trail on both databases, at the command line and on its page."""

import asyncio
import getpass
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from central import trail as trails
from central.core.access import Role
from central.store import tables as t
from central.store import trail
from central.store.engine import Store, open_store
from central.store.trail import Wanted
from common.clock import Clock
from common.core import crypto
from tests import halls
from tests.integration import serving
from tests.integration.serving import OPERATIONS, Window, text_of
from tests.journey.scene import command
from tests.keyed import keyed
from tests.services import PostgreSql

pytestmark = pytest.mark.service
KEY = crypto.sign_public(OPERATIONS)


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, postgresql: PostgreSql
) -> AsyncIterator[Store]:
    server = postgresql if request.param == "postgresql" else None
    opened = await open_store(await halls.empty(tmp_path, server))
    yield opened
    await opened.close()


async def write(store: Store, who: str, act: str = "policy.set") -> None:
    async with store.write() as conn:
        await trail.note(conn, 1_000, who, act, "s01", "为何")


async def faults(store: Store) -> list[str]:
    async with store.read() as conn:
        return [fault.what for fault in (await trails.checked(conn, KEY, [])).faults]


async def test_many_write_at_once_and_the_chain_holds(store: Store) -> None:
    await asyncio.gather(*(write(store, f"u{number}") for number in range(30)))
    assert await faults(store) == []
    async with store.read() as conn:
        lines = await trail.listed(conn, Wanted(), 100)
    assert [line.id for line in lines] == list(range(30, 0, -1))
    assert {line.who for line in lines} == {f"u{number}" for number in range(30)}


async def test_a_decision_that_is_rolled_back_leaves_no_line_and_no_gap(store: Store) -> None:
    await write(store, "anna")

    async def decide() -> None:
        async with store.write() as conn:
            await trail.note(conn, 1_000, "bao", "policy.set", "s01", "")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await decide()
    await write(store, "chen")
    assert await faults(store) == []
    async with store.read() as conn:
        assert [line.who for line in await trail.listed(conn, Wanted(), 100)] == ["chen", "anna"]


async def test_it_is_signed_when_it_has_grown_and_then_a_forgery_shows(store: Store) -> None:
    signer = trails.Signer(store, OPERATIONS, Clock())
    assert not await signer.once()
    for who in ("anna", "bao", "chen"):
        await write(store, who)
    assert await signer.once()
    assert not await signer.once()
    assert await faults(store) == []
    await rewrite(store)
    assert await faults(store) == ["与市中心签过的校验值不符：签名之后被改过"]
    async with store.write() as conn:
        await conn.execute(delete(t.audit_line).where(t.audit_line.c.id > 1))
    assert await faults(store) == ["第 3 行签过名或被记下过，现在只有 1 行"]


async def rewrite(store: Store) -> None:
    """What whoever has the database alone can do: reckon all hashes anew."""
    async with store.write() as conn:
        lines = [line async for page in trail.everything(conn) for line in page]
        await conn.execute(delete(t.audit_line))
        for line in lines:
            who = "nobody" if line.who == "bao" else line.who
            await trail.note(conn, line.at_wall, who, line.act, line.subject, line.why)


@pytest.mark.parametrize("is_running", [True, False])
async def test_a_trail_that_does_not_go_on_from_what_was_signed_is_signed_no_more(
    store: Store, is_running: bool
) -> None:
    """Not even where the signatures are taken out, as long as the hall runs that gave them; a new start has the signatures
    alone to go by.
    """
    signer = trails.Signer(store, OPERATIONS, Clock())
    for who in ("anna", "bao"):
        await write(store, who)
    assert await signer.once()
    await write(store, "chen")
    await rewrite(store)
    if is_running:
        async with store.write() as conn:
            await conn.execute(delete(t.audit_seal))
    else:
        signer = trails.Signer(store, OPERATIONS, Clock())
    for _ in range(2):
        assert not await signer.once()
        assert signer.fault.startswith("第 3 行：内容与校验值不符")
    async with store.write() as conn:
        await conn.execute(delete(t.audit_line).where(t.audit_line.c.id > 1))
    assert not await signer.once()
    assert signer.fault == "第 2 行：这一行起不见了"


async def test_a_number_is_given_once(store: Store) -> None:
    await write(store, "anna")
    async with store.read() as conn:
        row = (await conn.execute(select(t.audit_line))).one()
    with pytest.raises(IntegrityError):
        async with store.write() as conn:
            await conn.execute(insert(t.audit_line).values(**row._mapping))


async def test_lines_are_found_by_who_what_and_of_what(store: Store) -> None:
    for who, act in (("anna", "dead.show"), ("anna", "dead.drop"), ("bao", "policy.set"), ("bao%", "login")):
        await write(store, who, act)

    async def found(**wanted: str | int) -> list[int]:
        async with store.read() as conn:
            return [line.id for line in await trail.listed(conn, Wanted(**wanted), 10)]  # type: ignore[arg-type]

    assert await found(who="anna") == [2, 1]
    assert await found(act="dead") == [2, 1]
    assert await found(act="dea_") == []
    assert await found(who="bao%") == [4]
    assert await found(subject="s0") == [4, 3, 2, 1]
    assert await found(since_wall=1_001) == []
    assert await found(until_wall=1_001) == [4, 3, 2, 1]
    async with store.read() as conn:
        assert [line.id for line in await trail.listed(conn, Wanted(), 1, below=3)] == [2]


async def test_the_auditor_alone_sees_the_page_and_can_check_all_of_it(tmp_path: Path) -> None:
    async with serving.serve(tmp_path, serving.FridayClock(), fill=serving.nothing) as hall:
        await write(hall.store, "<script>alert(1)</script>")
        await trails.Signer(hall.store, OPERATIONS, hall.clock).once()
        async with aiohttp.ClientSession(cookies=await hall.session(Role.CHIEF)) as session:
            assert (await Window(hall, session).get("/hall/admin/audit"))[0] == 403
        async with aiohttp.ClientSession(cookies=await hall.session(Role.AUDITOR)) as session:
            window = Window(hall, session)
            html = (await window.get("/hall/admin/audit"))[1]
            assert "<script>alert" not in html
            assert "共 1 行 · 签名到第 1 行" in text_of(html)
            assert "没有符合条件" in text_of((await window.get("/hall/admin/audit?who=anna"))[1])
            assert "1 行全部相符" in text_of((await window.get("/hall/admin/audit?check=1"))[1])
            assert (await window.get("/hall/admin/audit?below=99999999999999999999&act=%00"))[0] in {200, 400}
            async with hall.store.write() as conn:
                await conn.execute(update(t.audit_line).values(why="没有理由"))
            assert "与写下时不符，共 1 处" in text_of((await window.get("/hall/admin/audit?check=1"))[1])


async def test_a_log_in_is_a_line_and_so_is_the_third_wrong_password(tmp_path: Path) -> None:
    async with serving.serve(tmp_path, serving.FridayClock(), fill=serving.nothing) as hall:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            for password in ("x", "x", "x", "x"):
                form = {"name": "supervisor", "password": password}
                async with session.post(hall.url + "/login", data=form) as answer:
                    assert answer.status in {401, 429}
            form = {"name": "auditor", "password": serving.PASSWORD}
            async with session.post(hall.url + "/login", data=form, allow_redirects=False) as answer:
                assert answer.status == 303
        async with hall.store.read() as conn:
            lines = await trail.listed(conn, Wanted(), 10)
        assert [(line.who, line.act) for line in lines] == [
            ("auditor", "login"),
            ("supervisor", "login.refused"),
        ]


async def test_at_the_command_line_the_trail_is_listed_and_checked(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "operations.key").write_bytes(OPERATIONS)
    (tmp_path / "operations.key").chmod(0o600)
    config = tmp_path / "central.toml"
    config.write_text('[mqtt]\nhost = "127.0.0.1"\nport = 9\n', "utf-8")

    async def run(*args: str) -> tuple[int, str, str]:
        return await command("mingcha", *args, "--config", str(config))

    assert await run("audit", "verify") == (0, "✓ 还没有审计记录\n", "")
    assert (await run("user", "add", "anna", "--role", "auditor"))[0] == 0
    assert (await run("user", "disable", "anna"))[0] == 0
    code, out, err = await run("audit", "list")
    assert (code, err) == (0, "")
    assert [line.split("\t")[2:5] for line in out.splitlines()] == [
        [getpass.getuser(), "停用用户", "anna"],
        [getpass.getuser(), "新建用户", "anna"],
    ]
    added = json.loads((await run("audit", "list", "--act", "user.add", "--json"))[1])[0]
    assert added["why"] == "审计管理员，不限站点与机构"
    code, out, _ = await run("audit", "verify")
    assert (code, "2 行相符" in out) == (0, True)
    kept = out.split()[-1]
    assert (await run("audit", "verify", "--kept", kept))[0] == 0
    assert (await run("audit", "verify", "--kept", "2"))[0] == 64
    store = await open_store(keyed(tmp_path / "data" / "central.db"))
    async with store.write() as conn:
        await conn.execute(delete(t.audit_line).where(t.audit_line.c.id == 2))
    await store.close()
    assert (await run("audit", "verify"))[0] == 0, "the end may be cut off before it was signed"
    code, out, _ = await run("audit", "verify", "--kept", kept, "--json")
    assert (code, json.loads(out)["faults"][0]["line"]) == (2, 2)
