"""An empty hall on both databases, one after the other."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec import Struct

from central.store.engine import Store, open_store
from tests import services
from tests.keyed import keyed, keyed_server


class Hall(Struct, frozen=True):
    """`name`: of the engine; `url`: its address with its key."""

    name: str
    url: str
    store: Store


async def both() -> AsyncIterator[Hall]:
    """SQLite first. Each is closed when the next is asked for."""
    with tempfile.TemporaryDirectory() as folder:
        async with services.postgresql() as server:
            for name in ("sqlite", "postgresql"):
                place = Path(folder) / name
                place.mkdir()
                url = keyed(place / "central.db")
                if name == "postgresql":
                    url = keyed_server(server.url(await server.create_database()), place)
                store = await open_store(url)
                try:
                    yield Hall(name, url, store)
                finally:
                    await store.close()
