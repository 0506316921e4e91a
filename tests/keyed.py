"""Where a test's hall keeps its data key: beside its `central.toml`, or beside a database that lies alone."""

from pathlib import Path

from common.address import with_key


def keyed(database: Path) -> str:
    """SQLAlchemy's address of the SQLite file `database`, with its key, as `CentralConfig.database_url` says it."""
    folder = database.parent.parent if database.parent.name == "data" else database.parent
    return with_key(f"sqlite+aiosqlite:///{database}", folder / "data.key")


def keyed_server(url: str, folder: Path) -> str:
    """The same of a `postgresql://` address; the key lies in `folder`."""
    return with_key(asynchronous(url), folder / "data.key")


def asynchronous(url: str) -> str:
    """A `postgresql://` address as SQLAlchemy wants it here."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)
