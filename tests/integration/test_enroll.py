"""The door for boxes over real TLS: who gets in, who is told what, and what the hall holds afterwards."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP384R1
from msgspec.structs import replace
from sqlalchemy import delete

from central.store import tables as t
from central.store.engine import open_store
from common.clock import Clock
from common.core.errors import UnavailableError
from common.core.instant import DAY, SECOND
from common.core.state import SiteKind
from provisioning import enroll, pki, registry, releases, script
from provisioning.core import token
from provisioning.core.identity import Box
from provisioning.core.messages import Identity, RenewRequest
from provisioning.core.rate import BURST
from tests.integration.doors import TOKEN, Door, Machine, opened
from tests.releasing import carried

YEAR = 365 * DAY


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with opened(tmp_path, Clock().wall()) as found:
        yield found


async def test_a_machine_becomes_its_site_and_the_broker_knows_it(door: Door) -> None:
    machine = Machine()
    said = await door.ask(machine.request())
    assert (said.site, said.name, said.generation) == ("s01", "青云街道", 1)
    leaf = x509.load_pem_x509_certificates(said.chain.encode())[0]
    ours = x509.load_pem_x509_csr(machine.csr).public_key()
    assert leaf.public_key() == ours
    assert "user s01.1\n" in (door.hall.broker / "acl").read_text()
    assert said.digest_key == pki.digest_key(door.hall.folder, "s01")
    raw = (door.hall.data / "central.db").read_bytes() + (door.hall.data / "central.db-wal").read_bytes()
    assert TOKEN.encode() not in raw
    assert TOKEN.rpartition(".")[2].encode() not in raw


async def test_a_lost_answer_is_given_again_and_another_machine_is_turned_away(door: Door) -> None:
    """P-ENROL-02."""
    machine = Machine()
    first, again = await door.ask(machine.request()), await door.ask(machine.request())
    assert (first.generation, again.generation) == (1, 1)
    assert await door.count(t.box) == 1
    assert await door.refused(Machine().request()) == "token_used"
    assert await door.count(t.box) == 1


async def test_two_machines_at_once_never_both_become_the_site(door: Door) -> None:
    answers = await asyncio.gather(*(door.ask(Machine().request()) for _ in range(6)), return_exceptions=True)
    assert [type(item) for item in answers].count(Identity) == 1
    assert await door.count(t.box) == 1


async def test_eighteen_sites_enrol_side_by_side_each_as_itself(door: Door) -> None:
    """A city's boxes, switched on at the same hour behind one address."""
    store, asked = await open_store(door.hall.database_url), {"s01": Machine().request()}
    for number in range(2, 19):
        site, text = f"s{number:02}", token.text(f"s{number:02}", bytes([number]) * token.SECRET_BYTES)
        async with store.write() as conn:
            await registry.add_site(conn, f"站点{number}", SiteKind.STREET, site)
            await registry.add_token(conn, token.digest(text), site, "王敏", Clock().wall())
        asked[site] = Machine().request(text)
    await store.close()
    said = await asyncio.gather(*map(door.ask, asked.values()))
    assert [(one.site, one.generation) for one in said] == [(site, 1) for site in asked]
    acl = (door.hall.broker / "acl").read_text()
    assert all(acl.count(f"user {site}.1\n") == 1 for site in asked)
    assert await door.count(t.box) == len({one.digest_key for one in said}) == 18


@pytest.mark.parametrize("ahead", [-10 * YEAR, 10 * YEAR])
async def test_a_clock_that_is_years_off_keeps_nobody_out(door: Door, ahead: int) -> None:
    said = await door.ask(Machine().request(ahead=ahead))
    assert abs(said.server_wall - Clock().wall()) < 60 * SECOND


async def test_certificates_that_this_clock_calls_expired_are_believed(tmp_path: Path) -> None:
    """For a box in 2031 every certificate has expired; whose it is counts."""
    async with opened(tmp_path, Clock().wall() - 9 * YEAR) as door:
        assert (await door.ask(Machine().request())).generation == 1


async def test_another_hall_gets_no_token(door: Door, tmp_path: Path) -> None:
    """P-ENROL-01."""
    stranger = tmp_path / "stranger"
    pki.create_ca(stranger, Clock().wall())
    with pytest.raises(UnavailableError, match="不是发出这条命令的市中心"):
        await door.ask(Machine().request(), stranger / "ca.pem")
    assert (await door.ask(Machine().request())).generation == 1


async def test_what_proves_no_key_gets_none(door: Door) -> None:
    """P-ENROL-03."""
    good = Machine().request()
    assert await door.refused(replace(good, csr="nothing")) == "csr_bad"
    assert await door.refused(Machine(SECP384R1).request()) == "csr_bad"
    assert await door.refused(replace(good, proof=bytes(64))) == "pop_failed"
    assert await door.refused(replace(good, sign_key=Machine().request().sign_key)) == "pop_failed"
    status, said = await door.http("POST", "/enrol", b"[]")
    assert (status, json.loads(said)["error"]) == (400, "csr_bad")
    assert await door.count(t.certificate) == 0


async def test_an_unknown_token_says_so_and_a_flood_is_held_back(door: Door) -> None:
    stranger = Machine().request(token.text("s01", bytes([7]) * 16))
    assert await door.refused(stranger) == "token_unknown"
    body = msgspec.json.encode(stranger)
    codes = [(await door.http("POST", "/enrol", body))[0] for _ in range(BURST + 5)]
    assert codes[0] == 403
    assert codes[-1] == 429
    assert await door.count(t.box) == 0


async def test_an_earlier_command_is_void_once_there_is_a_new_one_and_a_retired_site_takes_nobody(
    door: Door,
) -> None:
    newer = token.text("s01", bytes([9]) * 16)
    store = await open_store(door.hall.database_url)
    try:
        async with store.write() as conn:
            await registry.add_token(conn, token.digest(newer), "s01", "王敏", Clock().wall())
        assert await door.refused(Machine().request()) == "token_void"
        assert (await door.ask(Machine().request(newer))).generation == 1
        last = token.text("s01", bytes([8]) * 16)
        async with store.write() as conn:
            await registry.add_token(conn, token.digest(last), "s01", "王敏", Clock().wall())
            await registry.retire(conn, "s01", "王敏", "撤并", Clock().wall())
        async with store.read() as conn:
            await registry.publish(conn, door.hall.broker)
        assert await door.refused(Machine().request(last)) in {"token_void", "site_retired"}
        assert "user s01.1\ntopic deny #\n" in (door.hall.broker / "acl").read_text()
    finally:
        await store.close()


async def test_two_that_write_the_acl_at_once_do_not_stop_the_door(door: Door) -> None:
    """The second waited for the first, in the loop that the first needed to go on: the door hung for good."""

    def hangs(*_: object) -> None:
        raise TimeoutError

    store = await open_store(door.hall.database_url)
    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(30)
    try:
        async with store.read() as first, store.read() as second:
            both = (registry.publish(conn, door.hall.broker) for conn in (first, second))
            assert len(set(await asyncio.gather(*both))) == 1
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        await store.close()


async def test_a_bundle_is_sent_in_parts_too_and_nothing_else_is(door: Door) -> None:
    manifest = carried(door.hall, b"abcdef")
    assert await door.http("GET", f"/b/{manifest.file}") == (200, b"abcdef")
    assert await door.http("GET", f"/b/{manifest.file}", Range="bytes=4-") == (206, b"ef")
    for path in (f"/b/1-a-x86_64{releases.SUFFIX}", "/b/..%2Fcentral.db", "/b/nothing"):
        assert (await door.http("GET", path))[0] == 404


async def test_the_script_names_its_hall_and_no_secret(door: Door) -> None:
    status, raw = await door.http("GET", "/i")
    text = raw.decode()
    assert status == 200
    assert f"sha256//{pki.pin(door.hall.door)}" in text
    assert door.hall.address in text
    assert "@" not in text.replace('"$@"', "")
    assert "PRIVATE" not in text
    read = await asyncio.to_thread(subprocess.run, ["sh", "-n"], input=raw, check=False)
    assert read.returncode == 0


def test_a_script_that_is_cut_anywhere_runs_nothing(tmp_path: Path) -> None:
    text = script.TEMPLATE.read_text("utf-8").replace("@BUNDLES@", "")
    body = text[: text.rindex("main ")]
    for cut in range(0, len(body), 97):
        done = subprocess.run(
            ["/bin/sh"],
            input=body[:cut].encode(),
            capture_output=True,
            check=False,
            env={"PATH": str(tmp_path)},
        )
        assert done.stdout == b""
        assert b"not found" not in done.stderr, (cut, done.stderr)


# renewal ------------------------------------------------------------------------------------------------------


def renewal(machine: Machine, chain: str, following: Machine) -> RenewRequest:
    return RenewRequest(
        leaf=chain,
        csr=following.csr.decode(),
        proof=machine.key.sign(following.csr, ECDSA(hashes.SHA256())),
        now_wall=0,
    )


async def enrolled(door: Door, *, years_ago: int) -> tuple[Machine, str]:
    """A box that was dark since; its certificate has expired."""
    machine = Machine()
    said = await door.ask(machine.request())
    ca = pki.load_ca(door.hall.folder / "ca")
    then = Clock().wall() - years_ago * YEAR
    chain = pki.issue(ca, pki.box_subject(Box("s01", 1)), machine.key.public_key(), then)
    leaf = enroll._leaf(Box("s01", 1), chain, machine.key.public_key(), then)
    store = await open_store(door.hall.database_url)
    try:
        async with store.write() as conn:
            await conn.execute(delete(t.certificate))
            await registry.add_leaf(conn, leaf)
    finally:
        await store.close()
    assert said.generation == 1
    return machine, chain.decode()


async def test_a_box_that_was_dark_for_a_year_comes_back_and_a_lost_answer_is_given_again(door: Door) -> None:
    machine, chain = await enrolled(door, years_ago=1)
    following = Machine()
    for _ in range(2):
        said = await door.renew(renewal(machine, chain, following))
        leaf = x509.load_pem_x509_certificates(said.chain.encode())[0]
        assert (said.generation, leaf.public_key()) == (1, following.key.public_key())
    assert await door.not_renewed(renewal(following, said.chain, Machine())) == "not_due"


async def test_whose_keys_were_copied_is_refused_once_the_other_has_renewed(door: Door) -> None:
    """P-ENROL-04."""
    machine, chain = await enrolled(door, years_ago=1)
    await door.renew(renewal(machine, chain, Machine()))
    assert await door.not_renewed(renewal(machine, chain, Machine())) == "cloned"


async def test_only_who_has_the_key_of_a_certificate_of_ours_renews_it(door: Door, tmp_path: Path) -> None:
    machine, chain = await enrolled(door, years_ago=1)
    assert await door.not_renewed(renewal(Machine(), chain, Machine())) == "pop_failed"
    strange = pki.create_ca(tmp_path / "strange", Clock().wall())
    foreign = pki.issue(strange, pki.box_subject(Box("s01", 1)), machine.key.public_key(), Clock().wall())
    assert await door.not_renewed(renewal(machine, foreign.decode(), Machine())) == "unknown_cert"
    assert await door.not_renewed(renewal(machine, "nothing", Machine())) == "unknown_cert"
    store = await open_store(door.hall.database_url)
    try:
        async with store.write() as conn:
            await registry.retire(conn, "s01", "王敏", "撤并", Clock().wall())
    finally:
        await store.close()
    assert await door.not_renewed(renewal(machine, chain, Machine())) == "retired"
