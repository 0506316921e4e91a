"""What may name a person lies sealed in the hall's database: nothing of it in the file, damage named, look-up by token."""

import os
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import LargeBinary, column, insert, select, table, update

from central import doctor, judge, reseal, verify
from central.config import CentralConfig, IdentityConfig
from central.core.access import Role
from central.core.flaw import What
from central.core.scope import EVERYTHING
from central.ingest import ingest_batches
from central.judge import Moment
from central.opening import open_batch
from central.store import key as keys
from central.store import pages, resealing, users, whole
from central.store import tables as t
from central.store.engine import Store, look, open_store
from central.store.sealed import PHONE, Ring, plain_form
from central.store.sole import sole
from central.welcome import introduce
from common.clock import Clock
from common.core import crypto
from common.core.errors import ConfigError
from common.core.mask import SPOILT
from common.core.state import Light
from common.health import Status
from common.mqtt import MqttConfig
from tests.integration import serving
from tests.integration.serving import Served, Window
from tests.keyed import keyed
from tests.sender import SECRETS, SIGN_KEY, Sender, case
from tests.thief import NOW, ZONE

NAMES = ("王小明", "李小红", "欧阳若兰")
PHONE_NO = "13800138001"
RING = Ring([b"k" * 32])


# the ring -----------------------------------------------------------------------------------------------------


@given(st.binary(), st.integers(0, 10**9), st.sampled_from([b"a.b", b"a.c"]))
def test_a_value_opens_at_its_place_and_whole_or_not_at_all(plain: bytes, chance: int, place: bytes) -> None:
    kept = RING.sealer(b"a.b")(plain)
    assert RING.opener(place)(kept) == (plain if place == b"a.b" else None)
    spoilt = bytearray(kept)
    spoilt[chance % len(kept)] ^= 1 << chance % 8
    assert RING.opener(b"a.b")(bytes(spoilt)) is None
    assert RING.opener(b"a.b")(kept[: chance % len(kept)]) is None


def test_a_new_key_opens_what_lies_under_the_former_ones_and_others_do_not() -> None:
    old = RING.sealer(b"a.b")(b"x")
    assert Ring([b"n" * 32, b"k" * 32]).opener(b"a.b")(old) == b"x"
    assert Ring([b"n" * 32]).opener(b"a.b")(old) is None
    assert Ring([b"n" * 32, b"k" * 32]).token(PHONE, PHONE_NO) == RING.token(PHONE, PHONE_NO)


@pytest.mark.parametrize("said", ["138 0013 8001", "+86-13800138001", "１３８００１３８００１"])
def test_a_telephone_is_the_same_however_it_is_written(said: str) -> None:
    assert plain_form(PHONE, said) == PHONE_NO
    assert RING.token(PHONE, said) == RING.token(PHONE, PHONE_NO) != RING.token("name", PHONE_NO)


# the file -----------------------------------------------------------------------------------------------------


async def fill(store: Store, _clock: object) -> None:
    """Three cases of one site, one of them with a telephone, and somebody who is told of them."""
    sender = Sender()
    sender.number(
        *(
            case(f"{n:04}", at=NOW, applicant=name, phone=PHONE_NO if n == 0 else None, outcome="准予")
            for n, name in enumerate(NAMES)
        )
    )
    sender.sign()
    async with store.write() as conn:
        await conn.execute(
            insert(t.site), [{"id": "s01", "name": "云溪镇", "kind": "township", "position": 0}]
        )
        box = {"site": "s01", "generation": 1, "sign_key": sender.sign_key, "state": "active"}
        await conn.execute(insert(t.box), [{**box, "created_wall": 0}])
        world = await judge.load_world(conn, ZONE)
        assert (await introduce(conn, "s01", sender.hello(), NOW)).refused == ""
        opened = [open_batch("s01", sender.payload(), SECRETS, SIGN_KEY)]
        await ingest_batches(conn, opened, world, Moment(NOW, NOW))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hall(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    folder = tmp_path_factory.mktemp("sealed")
    async with serving.serve(folder, Clock(), fill=fill) as served:
        yield served


def file_of(hall: Served) -> Path:
    return Path(str(hall.store.engine.url.database))


@pytest.mark.asyncio(loop_scope="module")
async def test_neither_name_nor_telephone_stands_anywhere_in_the_file(hall: Served) -> None:
    async with hall.store.write() as conn:
        await users.reach_at(conn, Role.SUPERVISOR.value, "13900139002", "zhang@example.org")
        row = (await conn.execute(select(t.user).where(t.user.c.name == Role.SUPERVISOR.value))).one()
        assert (row.phone, row.mail) == ("13900139002", "zhang@example.org")
        assert set(await conn.scalars(select(t.case.c.applicant))) == set(NAMES)
    with closing(sqlite3.connect(file_of(hall))) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole_file = file_of(hall).read_bytes()
    for told in (*NAMES, PHONE_NO, "13900139002", "zhang@example.org"):
        assert told.encode() not in whole_file, told


@pytest.mark.asyncio(loop_scope="module")
async def test_an_applicant_is_found_by_the_whole_name_or_telephone_and_stands_in_no_address(
    hall: Served,
) -> None:
    async with aiohttp.ClientSession(cookies=await hall.session(Role.SUPERVISOR)) as session:
        for said, no in (("欧阳 若兰", "SL0002"), ("+86 138-0013-8001", "SL0000")):
            form = {"csrf": "token", "person": said}
            headers = {"Origin": hall.url}
            async with session.post(
                hall.url + "/hall/cases/person", data=form, headers=headers, allow_redirects=False
            ) as answer:
                assert answer.status == 303
                where = answer.headers["Location"]
            status, page = await Window(hall, session).get(where)
            assert status == 200
            assert [number for number in ("SL0000", "SL0001", "SL0002") if number in page] == [no]
            assert "欧阳若兰" not in page
            assert "所查申请人的" in page
        status, page = await Window(hall, session).get("/hall/cases?state=all&person=" + "0" * 32)
        assert "没有符合条件的办件" in page
    async with hall.store.read() as conn:
        lines = (await conn.execute(select(t.audit_line).where(t.audit_line.c.act == "case.person"))).all()
    assert {line.who for line in lines} == {Role.SUPERVISOR.value}
    assert len({line.subject for line in lines}) == 2


@pytest.mark.asyncio(loop_scope="module")
async def test_a_spoilt_value_is_a_line_that_says_so_judges_nothing_and_is_named(hall: Served) -> None:
    """A name, a current version and an address, each with one flipped bit: the pages stand, the light stays."""
    random_bit = random.Random(7)
    with closing(sqlite3.connect(file_of(hall))) as db, db:
        for table, column, where in (
            ("case", "applicant", "case_key='0001'"),
            ("row_head", "body", "key='0001'"),
            ("user", "phone", f"name='{Role.SUPERVISOR.value}'"),
        ):
            (kept,) = db.execute(f'SELECT {column} FROM "{table}" WHERE {where}').fetchone()
            spoilt = bytearray(kept)
            spoilt[random_bit.randrange(len(kept))] ^= 4
            db.execute(f'UPDATE "{table}" SET {column}=? WHERE {where}', (bytes(spoilt),))
    async with aiohttp.ClientSession(cookies=await hall.session(Role.SUPERVISOR)) as session:
        window = Window(hall, session)
        status, page = await window.get("/hall/cases?state=all")
        assert (status, SPOILT in page, "SL0001" in page) == (200, True, True)
        status, page = await window.get("/hall/cases/s01/0001")
        assert (status, SPOILT in page) == (200, True)
    async with hall.store.write() as conn:
        await conn.execute(update(t.case).where(t.case.c.case_key == "0001").values(light=Light.RED.value))
        world = await judge.load_world(conn, ZONE)
        await judge.judge_cases(conn, "s01", ["0001"], world, Moment(NOW, NOW))
        row = (await conn.execute(select(t.case).where(t.case.c.case_key == "0001"))).one()
        assert row.light == Light.RED
    async with hall.store.read() as conn:
        report, *_ = await verify.examine(conn, ZONE, NOW)
    told = {(item.what, item.detail) for item in report.everything}
    assert (What.SPOILT, "user.phone：1 处") in told
    assert {What.HEAD, What.CASE} <= {what for what, _ in told}


# the key ------------------------------------------------------------------------------------------------------


async def test_the_key_is_made_with_its_database_and_never_for_another(tmp_path: Path) -> None:
    url, path = keyed(tmp_path / "central.db"), tmp_path / "data.key"
    await (await open_store(url)).close()
    assert (path.stat().st_mode & 0o777, path.stat().st_size) == (0o600, 32)
    kept = path.read_bytes()
    path.unlink()
    with pytest.raises(ConfigError, match="数据密钥"):
        await open_store(url)
    assert not path.exists()
    config = tmp_path / "central.toml"
    config.write_text(f'data_dir = "{tmp_path}"\n[mqtt]\nhost = "127.0.0.1"\n')
    assert await seen(config) == (Status.FAIL, f"读不到市中心的数据密钥：{path}（没有这个文件）")
    path.write_bytes(os.urandom(32))
    with pytest.raises(ConfigError, match="不是这个数据库的"):
        await open_store(url)
    assert (await seen(config))[0] is Status.FAIL
    keys.former(path).write_bytes(kept)  # the key was changed: the former one vouches for the new
    store = await open_store(url)
    async with store.read() as conn:
        assert len(set(await conn.scalars(select(t.data_key.c.id)))) == 2
    await store.close()
    assert await seen(config) == (Status.OK, crypto.key_id(path.read_bytes()))


async def seen(config: Path) -> tuple[Status, str]:
    (found,), _, _ = await doctor.examine(config, only="E-HALL-16")
    return found.status, found.detail


async def test_without_a_key_nothing_personal_is_written_and_all_goes_over_as_it_lies(tmp_path: Path) -> None:
    store = await open_store(keyed(tmp_path / "central.db"))
    await fill(store, None)
    await store.close()
    source, target = (f"sqlite+aiosqlite:///{tmp_path / name}" for name in ("central.db", "copy.db"))
    bare = await open_store(source)
    async with bare.read() as conn:
        with pytest.raises(ConfigError, match="按申请人查找"):
            pages.person_token(conn, NAMES[0])
    with pytest.raises(Exception, match="没有数据密钥"):
        async with bare.write() as conn:
            await conn.execute(update(t.case).values(applicant="张三"))
    await bare.close()
    await whole.pour(keyed(tmp_path / "central.db"), target)
    async with look(keyed(tmp_path / "copy.db")) as conn:
        assert set(await conn.scalars(select(t.case.c.applicant))) == set(NAMES)
    with (
        closing(sqlite3.connect(tmp_path / "central.db")) as one,
        closing(sqlite3.connect(tmp_path / "copy.db")) as two,
    ):
        for query in (
            "SELECT raw FROM record ORDER BY seq",
            'SELECT applicant, name_index FROM "case" ORDER BY case_key',
        ):
            assert one.execute(query).fetchall() == two.execute(query).fetchall()


# another key --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
async def test_after_a_change_of_keys_all_is_sealed_anew_and_the_former_key_may_go(
    tmp_path: Path, engine: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended in the middle, it goes on; a spoilt value is counted and stays as it is; who is looked for is found."""
    monkeypatch.setattr(resealing, "PAGE", 2)
    file, database = tmp_path / "data.key", "sqlite"
    if engine == "postgresql":
        server = request.getfixturevalue("postgresql")
        database = server.url(await server.create_database())
    config = CentralConfig(
        mqtt=MqttConfig(host="h"),
        database=database,
        data_dir=tmp_path,
        identity=IdentityConfig(data_key=file),
    )
    async with opened(config) as store:
        await fill(store, None)
        before = await indexed(store)
    keys.former(file).write_bytes(file.read_bytes())
    file.write_bytes(os.urandom(32))
    new, told = crypto.key_id(file.read_bytes()), list[str]()

    def stop(said: str) -> None:
        if said.startswith("record"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await reseal.reseal(config, "密钥泄露", stop)
    async with opened(config) as store:  # the hall may run in between: both keys are there
        assert await applicants(store) == set(NAMES)
        assert await indexed(store) == before
        async with sole(config.database_url):
            with pytest.raises(ConfigError, match="已有市中心程序"):
                await reseal.reseal(config, "密钥泄露", told.append)
    raw = table("record", column("seq"), column("raw", LargeBinary))
    async with opened(config) as store, store.write() as conn:
        kept = await conn.scalar(select(raw.c.raw).where(raw.c.seq == 1))
        spoilt = bytes(kept or b"") + b"x"
        await conn.execute(update(raw).where(raw.c.seq == 1).values(raw=spoilt))
    found = await reseal.reseal(config, "密钥泄露", told.append)
    assert (found.renewed > 0, found.spoilt, found.cases) == (True, 1, len(NAMES))
    assert "case：3 / 3 行" in told
    again = await reseal.reseal(config, "再核对一次", told.append)
    assert (again.renewed, again.spoilt, again.cases) == (0, 1, 0)
    keys.former(file).unlink()
    async with opened(config) as store:
        assert await applicants(store) == set(NAMES)
        assert await indexed(store) != before
        async with store.read() as conn:
            assert await conn.scalar(select(raw.c.raw).where(raw.c.seq == 1)) == spoilt
            for said, key in (("欧阳 若兰", "0002"), (PHONE_NO, "0000")):
                wanted = pages.Filter(person=pages.person_token(conn, said), closed_too=True)
                assert [
                    row.case_key for row in await pages.list_cases(conn, EVERYTHING, wanted, None, 9)
                ] == [key]
            lines = (await conn.execute(select(t.audit_line).order_by(t.audit_line.c.id))).all()
    lines = [line for line in lines if line.act.startswith("key.")]
    assert [line.act for line in lines] == ["key.reseal", *["key.reseal", "key.resealed"] * 2]
    assert {line.subject for line in lines} == {new}


async def test_the_former_key_may_not_go_before(tmp_path: Path) -> None:
    url, file = keyed(tmp_path / "central.db"), tmp_path / "data.key"
    await (await open_store(url)).close()
    keys.former(file).write_bytes(file.read_bytes())
    file.write_bytes(os.urandom(32))
    await (await open_store(url)).close()
    keys.former(file).unlink()
    with pytest.raises(ConfigError, match="旧的数据密钥"):
        await open_store(url)


@asynccontextmanager
async def opened(config: CentralConfig) -> AsyncIterator[Store]:
    store = await open_store(config.database_url)
    try:
        yield store
    finally:
        await store.close()


async def applicants(store: Store) -> set[str]:
    async with store.read() as conn:
        return set(await conn.scalars(select(t.case.c.applicant)))


async def indexed(store: Store) -> dict[str, bytes]:
    """Case -> the token of its applicant."""
    async with store.read() as conn:
        rows = await conn.execute(select(t.case.c.case_key, t.case.c.name_index))
        return {row.case_key: row.name_index for row in rows}
