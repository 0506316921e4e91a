"""What `SHOW GRANTS` of MySQL and MariaDB says of one table: the rights in it that write."""

import re
from collections.abc import Iterable

_GRANT = re.compile(r"GRANT (.+?) ON (?:TABLE )?((?:`(?:[^`]|``)*`|\*))\.((?:`(?:[^`]|``)*`|\*)) TO ")
_COLUMNS = re.compile(r" ?\([^)]*\)")
_WRITE = {
    "ALL",
    "ALL PRIVILEGES",
    "INSERT",
    "UPDATE",
    "DELETE",
    "DELETE HISTORY",
    "DROP",
    "ALTER",
    "CREATE",
    "INDEX",
    "TRIGGER",
    "CREATE VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "EVENT",
    "FILE",
    "SUPER",
}
"""Not among them: EXECUTE, whose routines may do anything, and rights that only hinder (LOCK TABLES)."""


def writes(lines: Iterable[str], database: str, table: str, *, view: bool) -> list[str]:
    """The rights of `lines` that write to `table` of `database`, sorted. `view`: one that takes nothing; then what is
    granted on it alone does not count, what reaches other tables does."""
    found: set[str] = set()
    for line in lines:
        match = _GRANT.match(line)
        if match is None:
            continue
        rights, where, what = match.groups()
        if not _names(where, database) or (what != "*" and (view or _plain(what) != table.casefold())):
            continue
        found |= {right.strip().upper() for right in _COLUMNS.sub("", rights).split(",")} & _WRITE
    return sorted(found)


def _plain(name: str) -> str:
    return name.strip("`").replace("``", "`").casefold()


def _names(pattern: str, database: str) -> bool:
    """In a grant on a database `_` and `%` are wildcards; a backslash takes that from them."""
    if pattern == "*":
        return True
    parts = re.findall(r"\\.|.", _plain(pattern))
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, database.casefold()) is not None
