"""How a database is named to whoever opens it: SQLAlchemy's address, and where the key of its personal fields lies."""

from pathlib import Path
from urllib.parse import quote

KEY = "data_key"
"""The address's parameter that names the file."""


def with_key(url: str, path: Path) -> str:
    """`path`: of the key's file."""
    return f"{url}{'&' if '?' in url else '?'}{KEY}={quote(str(path))}"
