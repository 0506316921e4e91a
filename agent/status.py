"""What the running agent says of itself: written beside the buffer, read by `doctor` and `status`."""

import os
from contextlib import suppress
from pathlib import Path
from statistics import median

import msgspec
from msgspec import Struct

from agent import __version__
from agent.buffer import Buffer
from agent.camera.talk import Look
from agent.camera.watch import Cameras
from agent.collect import CollectState
from agent.core import trend
from agent.core.quota import Level
from agent.core.sync import Phase
from agent.core.trend import Grown
from agent.keeper import Keeper
from agent.link import LinkStatus
from common.clock import Clock
from common.core.instant import HOUR


class Status(Struct, frozen=True, kw_only=True):
    """Times are wall time in microseconds; 0: never."""

    pid: int
    version: str
    at_wall: int
    started_wall: int
    epoch: str
    newest: int
    rows: int
    bytes: int
    room: int
    level: Level
    key: str
    stands_in: bool
    unfinished: dict[str, str]
    """Files that are not wrapped by the master key yet, and why."""
    oldest_wall: int
    """When the oldest waiting record was captured, as the wall clock goes now: it may have been set since."""
    quarantined: int
    phase: Phase
    link_since_wall: int
    link_fault: str
    refused: str
    ack_wall: int
    stalled_secs: int
    """How long the hall has lacked numbers that we have nothing to send for; 0: it does not."""
    offset_us: int | None
    source_fault: str
    buffer_fault: str
    hung: str
    table_faults: dict[str, str]
    lost: dict[str, int]
    new_columns: dict[str, int]
    overlaps: dict[str, int]
    without_index: list[str]
    """Cursors that are not read, because no index carries them."""
    source_since_wall: int
    pass_wall: int
    rounds: int
    paused: str
    busy_share: float
    wholes: dict[str, tuple[int, int]] = {}
    """Table that is read as a whole -> rows, seconds between two readings."""
    is_hall_there: bool = False
    """It says so on this connection."""
    round_trip_ms: float = 0
    """From what was sent to the hall's answer, the last time."""
    untaken: str = ""
    """What the hall refuses again and again."""
    growing: Grown | None = None
    """The backlog, over the last minutes."""
    commit_ms: float = 0
    """What a durable write takes: the median of the last ones."""
    starts: list[int] = []
    """Starts in the last hour, this one too, none of which followed an orderly end."""
    cameras: dict[str, Look] = {}
    camera_pid: int = 0
    """Of the worker; 0: it is not running, or there are no cameras."""
    camera_ends: int = 0
    """How often it has ended by itself."""
    camera_end: str = ""
    """Why, the last time."""


class _Before(Struct):
    pid: int = 0
    starts: list[int] = []


def starts(path: Path, now_wall: int) -> list[int]:
    """Of the last hour, with the one that is now: what the process before left behind, unless it ended in order."""
    before = _Before()
    with suppress(OSError, msgspec.MsgspecError):
        before = msgspec.json.decode(path.read_bytes(), type=_Before)
    if before.pid == os.getpid() and before.starts:  # its files were opened anew
        return before.starts
    return [*(wall for wall in before.starts if now_wall - HOUR < wall <= now_wall), now_wall]


def farewell(path: Path) -> None:
    """An orderly end: the process says no more of itself."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


async def compose(
    buffer: Buffer,
    keeper: Keeper,
    collecting: CollectState,
    link: LinkStatus,
    clock: Clock,
    starts: list[int],
    poll_secs: float,
    cameras: Cameras | None = None,
) -> Status:
    figures = await buffer.figures()
    return Status(
        pid=os.getpid(),
        version=__version__,
        at_wall=clock.wall(),
        started_wall=starts[-1],
        epoch=buffer.epoch.hex(),
        newest=buffer.newest,
        rows=figures.rows,
        bytes=figures.bytes,
        room=figures.room,
        level=buffer.level,
        key=keeper.wrapped_by,
        stands_in=keeper.master.stands_in,
        unfinished=keeper.unfinished,
        oldest_wall=0 if figures.oldest_age is None else clock.wall() - figures.oldest_age,
        quarantined=figures.quarantined,
        phase=link.state,
        link_since_wall=link.since_wall,
        link_fault=link.fault,
        refused=link.refused,
        ack_wall=link.ack_wall,
        stalled_secs=link.stall.secs(clock.mono()),
        offset_us=clock.offset,
        source_fault=collecting.source_fault,
        buffer_fault=collecting.buffer_fault,
        hung=collecting.hung(clock.mono(), poll_secs),
        table_faults=collecting.table_faults,
        lost=collecting.lost,
        new_columns=collecting.new_columns,
        overlaps=collecting.overlaps,
        without_index=collecting.without_index,
        wholes=collecting.wholes,
        source_since_wall=collecting.since_wall,
        pass_wall=collecting.last_ok_wall,
        rounds=collecting.rounds,
        paused=collecting.paused,
        busy_share=round(collecting.busy_share, 4),
        is_hall_there=link.is_hall_there,
        round_trip_ms=link.round_trip / 1000,
        untaken=link.untaken,
        growing=trend.grown(link.trend),
        commit_ms=median(buffer.commits) / 1000 if buffer.commits else 0,
        starts=starts,
        cameras=cameras.looks if cameras else {},
        camera_pid=cameras.worker_pid if cameras else 0,
        camera_ends=cameras.ends if cameras else 0,
        camera_end=cameras.last_end if cameras else "",
    )
