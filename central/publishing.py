"""A final result made ready for the public: checked, then drafted with its files. Releasing is another person's."""

from collections.abc import Collection
from importlib.resources import files

from sqlalchemy.ext.asyncio import AsyncConnection

from central import scoring
from central.core import release
from central.core.release import PUBLIC_LEVELS
from central.core.score import Level
from central.scoring import Sender
from central.store import publications, scores
from common.core.errors import RejectedError, UsageError

SCRIPT = "recompute.py"
MOST_SAID = 8
"""Reasons that one refusal names."""


def script() -> bytes:
    """The program that stands beside the published files."""
    return (files("central.data") / SCRIPT).read_bytes()


async def draft(
    conn: AsyncConnection,
    number: int,
    title: str,
    sender: Sender,
    *,
    merges: bool,
    levels: Collection[Level] = PUBLIC_LEVELS,
) -> int:
    """-> the publication's number. `merges`: small units are put together. `levels`: which ones are published, sites among them.

    Raises UsageError where the result is not final, RejectedError with the reasons where it may not be published.
    """
    row = await scores.run(conn, number)
    if not row.is_final:
        raise UsageError(
            f"第 {number} 次是初步结果，不能公布", hint=f"异议期满后  mingcha score final {number}"
        )
    taken = scoring.retake(scores.unpacked(await scores.snapshot(conn, row.digest)))
    found = taken.scores()
    public = release.released(taken.frame, found, merges=merges, levels=levels)
    persons = {unit[1] for unit in taken.tallies[Level.PERSON]}
    faults = release.faults(public, title, persons, found)
    if faults:
        more = f"；另有 {len(faults) - MOST_SAID} 处" if len(faults) > MOST_SAID else ""
        raise RejectedError(
            "不能公布：" + "；".join(faults[:MOST_SAID]) + more,
            hint="件数太少的单位可以合并公布；相减能推出的，少公布一级（只公布站点）；含个人信息的名称请在来源处更正后重新评分",
        )
    made = release.files(public, title, row.digest, script())
    return await publications.draft(conn, row, title, made, sender.who, sender.why, sender.wall)
