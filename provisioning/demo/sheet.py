"""What an office knows of a case at an instant: the part of its life that has happened. Vendors write this down."""

from datetime import datetime

from msgspec import Struct

from common.core.state import CaseStatus, StepKind
from provisioning.demo.life import Life, Stage

_ENDS = {
    StepKind.DECIDE: CaseStatus.DONE,
    StepKind.REFUSE: CaseStatus.REFUSED_ACCEPTANCE,
    StepKind.OTHER: CaseStatus.WITHDRAWN,
}


class Entry(Struct, frozen=True):
    """One stage as far as it has come."""

    seq: int
    stage: Stage
    finished_at: datetime | None

    @property
    def updated_at(self) -> datetime:
        return self.finished_at or self.stage.started_at


class Sheet(Struct, frozen=True):
    """One case as far as it has come."""

    life: Life
    entries: tuple[Entry, ...]
    status: CaseStatus
    received_at: datetime
    accepted_at: datetime | None
    finished_at: datetime | None

    @property
    def outcome(self) -> str | None:
        return self.life.outcome if self.finished_at else None

    @property
    def updated_at(self) -> datetime:
        return max(entry.updated_at for entry in self.entries)


def as_of(life: Life, now: datetime) -> Sheet:
    """`life` at `now`, which is not before its first moment."""
    entries = tuple(
        Entry(seq, stage, stage.finished_at if stage.finished_at <= now else None)
        for seq, stage in enumerate(life.stages, 1)
        if stage.started_at <= now
    )
    done = {entry.stage.kind: entry.finished_at for entry in entries if entry.finished_at}
    return Sheet(
        life=life,
        entries=entries,
        status=_status(entries, done),
        received_at=life.stages[0].started_at,
        accepted_at=done.get(StepKind.ACCEPT),
        finished_at=next((done[kind] for kind in _ENDS if kind in done), None),
    )


def _status(entries: tuple[Entry, ...], done: dict[StepKind, datetime]) -> CaseStatus:
    """Ended, paused, under review, accepted or received: the first that holds."""
    ended = next((status for kind, status in _ENDS.items() if kind in done), None)
    if ended is not None:
        return ended
    kind = entries[-1].stage.kind
    if kind is StepKind.PAUSE:
        return CaseStatus.PAUSED
    if StepKind.ACCEPT not in done:
        return CaseStatus.RECEIVED
    return CaseStatus.ACCEPTED if kind is StepKind.ACCEPT else CaseStatus.IN_PROGRESS
