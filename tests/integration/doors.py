"""A hall whose door for boxes is open, over real TLS; and the keys of a machine that comes to it."""

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from sqlalchemy import func, select

from central.store.engine import open_store
from common.clock import Clock
from common.core import crypto
from common.core.state import SiteKind
from provisioning import broker, enrol_client, enroll, pki, registry, settings
from provisioning.core import token
from provisioning.core.messages import EnrolRequest, Identity, RenewRequest
from provisioning.enrol_client import RefusedError
from provisioning.files import write_file
from provisioning.settings import Hall
from tests.server import HOST, free_port

TOKEN = token.text("s01", bytes(16))


class Machine:
    """A box's keys."""

    def __init__(self, curve: Any = SECP256R1) -> None:
        self.sign = pki.new_sign_key()
        self.key = generate_private_key(curve())
        request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        self.csr = request.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def request(self, text: str = TOKEN, *, ahead: int = 0) -> EnrolRequest:
        """`ahead`: so far is its clock before ours."""
        return EnrolRequest(
            token=text,
            csr=self.csr.decode(),
            sign_key=crypto.sign_public(self.sign),
            proof=crypto.sign(self.sign, self.csr),
            machine={"machine_id": "m1", "arch": "x86_64"},
            now_wall=Clock().wall() + ahead,
        )


class Door:
    """A hall whose door is open; `s01` has the command with TOKEN."""

    def __init__(self, hall: Hall, host: str = HOST) -> None:
        self.hall = hall
        self.host = host
        self.ca = hall.folder / "ca.pem"

    async def ask(self, asked: EnrolRequest, ca: Path | None = None) -> Identity:
        place = ca or self.ca
        return await asyncio.to_thread(enrol_client.ask, self.hall.address, "/enrol", place, asked, Identity)

    async def refused(self, asked: EnrolRequest) -> str:
        """-> the code; message and remedy are there."""
        with pytest.raises(RefusedError) as caught:
            await self.ask(asked)
        assert str(caught.value).startswith("市中心没有登记本机：")
        assert caught.value.hint
        return caught.value.code

    async def renew(self, asked: RenewRequest) -> Identity:
        return await asyncio.to_thread(
            enrol_client.ask, self.hall.address, "/renew", self.ca, asked, Identity
        )

    async def not_renewed(self, asked: RenewRequest) -> str:
        """-> the code."""
        with pytest.raises(RefusedError) as caught:
            await self.renew(asked)
        return caught.value.code

    async def http(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        def call() -> tuple[int, bytes]:
            context = ssl.create_default_context(cafile=str(self.ca))
            context.verify_flags |= enrol_client._NO_CHECK_TIME
            line = http.client.HTTPSConnection(self.host, self.hall.enrol.port, context=context, timeout=20)
            try:
                line.request(method, path, body or None, headers)
                answer = line.getresponse()
                return answer.status, answer.read()
            finally:
                line.close()

        return await asyncio.to_thread(call)

    async def count(self, table: Any) -> int:
        store = await open_store(self.hall.database_url)
        try:
            async with store.read() as conn:
                return int(await conn.scalar(select(func.count()).select_from(table)) or 0)
        finally:
            await store.close()


@asynccontextmanager
async def opened(folder: Path, made_wall: int) -> AsyncIterator[Door]:
    """`made_wall`: when the hall got its certificates."""
    write_file(folder / "central.toml", f'[mqtt]\nhost = "{HOST}"\n'.encode())
    write_file(folder / "enroll.toml", f'hosts = ["{HOST}"]\nport = {free_port()}\nmqtt_port = 9\n'.encode())
    pki.prepare_hall(folder, [HOST], made_wall)
    broker.write_conf(folder / "broker", port=9)
    hall = settings.load(folder / "central.toml")
    store = await open_store(hall.database_url)
    async with store.write() as conn:
        await registry.add_site(conn, "青云街道", SiteKind.STREET)
        await registry.add_token(conn, token.digest(TOKEN), "s01", "王敏", Clock().wall())
    await store.close()
    async with serving(hall, HOST) as door:
        yield door


@asynccontextmanager
async def serving(hall: Hall, host: str) -> AsyncIterator[Door]:
    """The door of `hall` at one of its addresses, in the place of an open one."""
    for task in asyncio.all_tasks():
        if task.get_name() == "door":
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    task = asyncio.create_task(enroll._main(enroll.Options(hall, host)), name="door")
    door = Door(hall, host)
    try:
        async with asyncio.timeout(30):
            while True:
                await asyncio.sleep(0.02)
                try:
                    await door.http("GET", "/nothing")
                except OSError:
                    assert not task.done(), task.exception()
                    continue
                break
        yield door
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
