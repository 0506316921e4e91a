"""Lines of the audit that the hall writes about a site's records by itself, for `mingcha verify` (core/noted.py)."""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import noted
from central.store import trail
from common.core import ranges
from common.core.instant import DAY
from common.core.ranges import Range

EVERY = DAY
"""So often it is written down how far an epoch has come, while its box signs."""


async def reached(conn: AsyncConnection, site: str, epoch: bytes, held: list[Range], now_wall: int) -> None:
    """How far the epoch has come, and its chain there: nothing that is taken out of it, or altered, is hidden by letting it
    end sooner, or by taking out what its box has signed since."""
    upto = ranges.upto(held)
    if upto:
        place = noted.reached_name(site, epoch, upto)
        await trail.note(conn, now_wall, trail.HALL, noted.EPOCH_REACHED, place, held[0].at.hex())


async def reached_again(
    conn: AsyncConnection, site: str, epoch: bytes, held: list[Range], now_wall: int
) -> None:
    """`reached`, unless it was written down within the last day, or ends in a declared loss, whose chain value nobody knows."""
    if not (ranges.upto(held) and held[0].at):
        return
    last = await trail.newest_of(conn, noted.EPOCH_REACHED, f"{noted.epoch_name(site, epoch)}/")
    if last is None or not 0 <= now_wall - last.at_wall < EVERY:
        await reached(conn, site, epoch, held, now_wall)


async def lost(
    conn: AsyncConnection, site: str, epoch: bytes, runs: list[tuple[int, int]], now_wall: int
) -> None:
    """Numbers that were not there when their box declared them lost: else whoever takes records out between such numbers
    could call them lost, too."""
    await _numbers(conn, noted.EPOCH_LOST, site, epoch, runs, now_wall)


async def came_unread(
    conn: AsyncConnection, site: str, epoch: bytes, seqs: Iterable[int], now_wall: int
) -> None:
    """Records that nobody could read when they came: else whoever alters one could call every signature behind it unreadable."""
    runs = ranges.union([(seq, seq) for seq in seqs])
    await _numbers(conn, noted.DEAD_CAME, site, epoch, runs, now_wall)


async def _numbers(
    conn: AsyncConnection, act: str, site: str, epoch: bytes, runs: list[tuple[int, int]], now_wall: int
) -> None:
    if runs:
        place = noted.epoch_name(site, epoch)
        await trail.note(conn, now_wall, trail.HALL, act, place, noted.runs_said(runs))
