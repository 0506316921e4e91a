"""Empty databases of the hall for tests: the tables are made once, and each is a copy. To migrate anew costs ten times as much."""

import shutil
import tempfile
from pathlib import Path

from central.store.engine import open_store
from tests.keyed import asynchronous, keyed, keyed_server
from tests.services import PostgreSql

_folder = tempfile.TemporaryDirectory(prefix="mingcha-empty-")  # until the process ends
_made: dict[PostgreSql, str] = {}


async def empty(folder: Path, server: PostgreSql | None = None) -> str:
    """-> the address of a new one with its key in `folder`: a file there, or on `server`."""
    if server is None:
        await sqlite(folder / "central.db")
        return keyed(folder / "central.db")
    return keyed_server(server.url(await postgresql(server)), folder)


async def sqlite(path: Path) -> None:
    """Make the file."""
    master = Path(_folder.name) / "central.db"
    if not master.exists():
        await (await open_store(f"sqlite+aiosqlite:///{master}")).close()
    shutil.copy(master, path)


async def postgresql(server: PostgreSql) -> str:
    """-> the name of a database."""
    if server not in _made:
        name = await server.create_database()
        await (await open_store(asynchronous(server.url(name)))).close()
        _made[server] = name
    return await server.copy_database(_made[server])
