"""Records -> `row_head`: the newest version of every source row, whatever order its versions arrive in.

Newer means: a later epoch of the site, or the same epoch and a higher version. A deleted row keeps its last
content, because what was seen once is evidence. Deleted is also a row that was not sent again where all were.
"""

from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from central.core.past import moves
from central.store import facts, passes
from central.store.passes import NOWHERE, Place
from common.core.record import Case, Op, Record, Step


class _Head(Protocol):
    epoch_no: int
    version: int
    case_key: str
    body: bytes
    first_seen_at: int


class Fold:
    """Applies the changes of one epoch of one site inside a transaction."""

    def __init__(self, conn: AsyncConnection, site: str, epoch_no: int) -> None:
        self._conn = conn
        self._site = site
        self._epoch_no = epoch_no
        self.known: dict[tuple[str, str], int] = {}
        """(table, key) of the rows applied of which a version was held before -> the newest of those."""
        self.steps: dict[tuple[str, str], Step] = {}
        """(table, key) -> newest version of the steps among what was applied."""

    async def apply(self, changes: list[tuple[Record, Case | Step]]) -> set[str]:
        """Records with their decoded bodies -> keys of the cases that changed."""
        keys = list({(item.table, item.key) for item, _ in changes})
        known = await facts.heads(self._conn, self._site, keys)
        self.known = {place: row.version for place, row in known.items()}
        self._anew = await passes.anew_of(self._conn, self._site) if keys else {}
        fresh: dict[tuple[str, str], dict[str, Any]] = {}
        cases: set[str] = set()
        for item, body in changes:
            place = item.table, item.key
            row, old = fresh.get(place), known.get(place)
            rank = (
                (row["epoch_no"], row["version"]) if row else (old.epoch_no, old.version) if old else (0, 0)
            )
            if (self._epoch_no, item.version) <= rank:
                if moves(body):  # what the source said before may have been late
                    cases.add(row["case_key"] if row else old.case_key if old else body.case_key)
                continue
            fresh[place] = self._head(item, body, row, old)
            if isinstance(body, Step) and item.op is Op.PUT:
                self.steps[place] = body
            cases.add(fresh[place]["case_key"])
            if old is not None:
                cases.add(old.case_key)
        await facts.put_heads(self._conn, list(fresh.values()))
        return cases

    def _head(
        self, item: Record, body: Case | Step, row: dict[str, Any] | None, old: _Head | None
    ) -> dict[str, Any]:
        content = bytes(item.body)
        if item.op is Op.DELETE and (row or old):
            content = row["body"] if row else old.body if old else content
        first_seen = row["first_seen_at"] if row else old.first_seen_at if old else item.cap_at
        return {
            "site": self._site,
            "tbl": item.table,
            "key": item.key,
            "kind": item.kind.value,
            "case_key": body.case_key,
            "epoch_no": self._epoch_no,
            "version": item.version,
            "deleted": is_gone(item, (self._epoch_no, item.version), self._anew.get(item.table, NOWHERE)),
            "digest": item.digest,
            "body": content,
            "first_seen_at": first_seen,
            "cap_at": item.cap_at,
        }


def is_gone(item: Record, rank: Place, anew: Place) -> bool:
    """Whether the newest version of a row says that it is no longer in the source.

    `rank` of the version; `anew`: from where on every row of its table was sent again.
    """
    return item.op is Op.DELETE or rank <= anew
