"""What faults are made of: files that are gone or say something else, rows of the hall, servers with another certificate."""

import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from common.clock import Clock
from provisioning import pki
from tests.doctoring import Stage

Struck = AsyncIterator[None]


@contextmanager
def away(path: Path) -> Iterator[None]:
    path.rename(path.with_name("away"))
    yield
    path.with_name("away").rename(path)


@contextmanager
def holding(path: Path, content: bytes) -> Iterator[None]:
    """The file says something else; its mode is kept."""
    right = path.read_bytes()
    path.write_bytes(content)
    yield
    path.write_bytes(right)


@contextmanager
def reading(path: Path, old: str, new: str) -> Iterator[None]:
    text = path.read_text("utf-8")
    assert old in text, (path, old)
    with holding(path, text.replace(old, new).encode()):
        yield


@contextmanager
def elsewhere(stage: Stage, place: Path) -> Iterator[None]:
    """The doctor looks at a copy of the box's data in `place`."""
    shutil.copytree(stage.folder / "data", place)
    text = stage.place.agent.config.read_text("utf-8")
    with holding(stage.place.agent.config, f'data_dir = "{place}"\n{text}'.encode()):
        yield
    shutil.rmtree(place)


async def in_hall(stage: Stage, *statements: object) -> None:
    store = await stage.place.hall.store()
    try:
        async with store.write() as conn:
            for statement in statements:
                await conn.execute(statement)  # type: ignore[call-overload]
    finally:
        await store.close()


def own(stage: Stage) -> pki.Authority:
    return pki.load_ca(stage.place.hall.folder / "ca")


def other_city(stage: Stage) -> pki.Authority:
    return pki.create_ca(stage.place.broker.folder / "elsewhere", Clock().wall())


def served(
    stage: Stage, hosts: list[str], issued_wall: int, ca: pki.Authority, trusts: pki.Authority | None = None
) -> ssl.SSLContext:
    """A server with a leaf of `ca`; `trusts`: whose clients it lets in, if it asks."""
    node = stage.folder / "server.pem"
    node.unlink(missing_ok=True)
    pki.keep_node(node, ca, pki.server_subject(hosts), issued_wall)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(node)
    if trusts is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(stage.place.broker.folder / "elsewhere" / "ca.pem")
    return context
