"""Publications go to the public door as they were released, byte for byte; what was taken back goes as its reason alone."""

from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, delete, insert

from central.core import release as releases
from central.core import wording
from central.core.period import parse
from central.core.published import File, Head, Published, Ranking
from central.core.release import ReleaseState
from central.core.scheme import Scheme
from central.door.tables import release, release_file
from central.store import publications
from central.store.engine import Store
from common.core.instant import local_date

MOST = 120
"""Ours: ten years of months."""
State = tuple[tuple[int, str], ...]
"""Which publications there are, each with its state: what is published again when it changes."""


async def publish(store: Store, public: Store, zone: ZoneInfo, before: State | None) -> State:
    """-> what there is now. `before`: as of the last time; the same means nothing to do."""
    async with store.read() as conn:
        rows = await publications.shown(conn, MOST)
        state = tuple((row.id, row.state) for row in rows)
        if state == before:
            return state
        found = [(row, await publications.files(conn, row.id)) for row in rows]
    async with public.write() as there:
        await there.execute(delete(release_file))
        await there.execute(delete(release))
        for row, files in found:
            head = _head(row, zone)
            whole = b"" if head.withdrawn else msgspec.json.encode(_whole(head, files))
            await there.execute(
                insert(release).values(number=row.id, head=msgspec.json.encode(head), body=whole)
            )
            if not head.withdrawn:
                values = [{"release": row.id, "name": name, "body": body} for name, body in files.items()]
                await there.execute(insert(release_file), values)
    return state


def _head(row: Row[Any], zone: ZoneInfo) -> Head:
    is_withdrawn = row.state == ReleaseState.WITHDRAWN.value
    return Head(
        number=row.id,
        period=row.period,
        word=parse(row.period).word,
        title=row.title,
        day=local_date(row.decided_wall, zone),
        withdrawn=local_date(row.withdrawn_wall, zone) if is_withdrawn else None,
        reason=wording.redact(row.withdrawn_why, None) if is_withdrawn else "",
    )


def _whole(head: Head, files: dict[str, bytes]) -> Published:
    lines = (line.partition("  ") for line in files["SHA256SUMS"].decode().splitlines())
    sums = {name: digest for digest, _, name in lines}
    return Published(
        head=head,
        ranking=msgspec.json.decode(files["ranking.json"], type=Ranking),
        method=tuple(releases.method(msgspec.json.decode(files["scheme.json"], type=Scheme))),
        files=tuple(File(name, len(body), sums.get(name, "")) for name, body in sorted(files.items())),
    )
