"""Rows of one case -> the case: the fold is the same in whatever order the rows arrived.

Parts of a case (split tables) are merged field by field: the main table speaks first, then the parts by name.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import lru_cache, reduce
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from central.core.clock import Stop
from common.core.instant import HOUR, day_of, end_of_day, is_day, local_date, parse_when, start_of_day
from common.core.record import Case, Step
from common.core.state import CaseStatus, StepKind

_YEARS = "1990", "2100"
_DENIALS = re.compile("不予|不准予|不许可|不批准|不核准|不同意(?!见)|不通过|未通过|驳回|否决")
_ENDED = {CaseStatus.DONE, CaseStatus.REFUSED_ACCEPTANCE, CaseStatus.WITHDRAWN}


class Row(Struct, frozen=True):
    """Newest version of one source row of a case."""

    table: str
    key: str
    deleted: bool
    body: Case | Step


class CaseState(Struct, frozen=True, kw_only=True):
    """The case as its rows say it now. Times as text of the source in `facts`, as instants beside it."""

    facts: Case
    steps: list[Step]
    received_at: int | None
    accepted: str | None  # as the case states it, else its step of acceptance
    accepted_at: int | None
    finished_at: int | None
    deadline_at: int | None
    seen: bool  # False: only steps have arrived so far
    open: bool
    deleted: bool
    as_of: int | None = None  # the instant up to which it is looked at
    wake_at: int | None = None  # the first later instant of which its rows already speak
    said_at: int = 0  # before it the source said something else: the data must be whole up to here to accuse
    cycle: int = 1  # how often it was filed (core/cycle.py)
    stood: list[Stop] = []  # while the source said that this cycle had ended


def fold(case_key: str, rows: Iterable[Row], zone: ZoneInfo) -> CaseState:
    """Merge `rows` of one case. A case whose rows are all deleted is `deleted`; its last content stays."""
    ordered = sorted(rows, key=lambda row: (row.table, row.key))
    cases = [row for row in ordered if isinstance(row.body, Case)]
    alive = [row for row in cases if not row.deleted]
    bodies = [row.body for row in alive or cases if isinstance(row.body, Case)]
    facts = reduce(_merge, bodies) if bodies else Case(case_key=case_key)
    steps = [row.body for row in ordered if isinstance(row.body, Step) and not row.deleted]
    steps.sort(key=lambda step: (step.seq is None, step.seq or 0, step.started_at or step.finished_at or ""))
    deleted = bool(cases) and not alive
    finished = instant(facts.finished_at, zone)
    accepted = facts.accepted_at if instant(facts.accepted_at, zone) is not None else None
    accepted = accepted or accepted_by_step(steps, zone)
    return CaseState(
        facts=facts,
        steps=steps,
        received_at=instant(facts.received_at, zone),
        accepted=accepted,
        accepted_at=instant(accepted, zone),
        finished_at=finished,
        deadline_at=instant(facts.deadline, zone),
        seen=bool(cases),
        open=bool(alive) and finished is None and not is_ended(facts),
        deleted=deleted,
    )


def as_of(case: CaseState, now_at: int, zone: ZoneInfo) -> CaseState:
    """The case at `now_at`: what is dated later (2099 for "open", a procedure of next week) has not happened yet."""
    state = msgspec.structs.replace(case, as_of=now_at)
    later: list[int] = []
    if case.finished_at is not None and not case.deleted and _is_ahead(case, now_at, zone):
        later.append(_comes(case, zone))
        state = msgspec.structs.replace(
            state, finished_at=None, open=not is_ended(case.facts), wake_at=later[0]
        )
    if not any(step.kind in _STOPPING for step in case.steps):
        return state
    steps: list[Step] = []
    today = local_date(now_at, zone)
    for step in case.steps:
        first, last = _days(step, zone) if step.kind in _STOPPING else (None, None)
        if first is not None and first > today:
            later.append(start_of_day(first, zone))
        elif last is not None and last > today:  # a plan
            later.append(start_of_day(last, zone))
            steps.append(msgspec.structs.replace(step, finished_at=None))
        else:
            steps.append(step)
    return msgspec.structs.replace(state, steps=steps, wake_at=min(later, default=None))


_STOPPING = {StepKind.PAUSE, StepKind.RESUME}


def _days(step: Step, zone: ZoneInfo) -> tuple[date | None, date | None]:
    """On which a special procedure begins and ends."""
    first, last = (
        day_of(text, zone) if text and instant(text, zone) is not None else None
        for text in (step.started_at or step.finished_at, step.finished_at)
    )
    return first, last


def _is_ahead(case: CaseState, now_at: int, zone: ZoneInfo) -> bool:
    text = case.facts.finished_at or ""
    if is_day(text, zone):
        return day_of(text, zone) > local_date(now_at, zone)
    return (case.finished_at or 0) > now_at + HOUR  # a source's clock may be somewhat fast


def _comes(case: CaseState, zone: ZoneInfo) -> int:
    """From when the completion is no longer ahead."""
    text = case.facts.finished_at or ""
    return start_of_day(day_of(text, zone), zone) if is_day(text, zone) else (case.finished_at or 0) - HOUR


def is_ended(facts: Case) -> bool:
    """Ended without a time: by its status, or by a date that cannot be read. A zero date states nothing."""
    return facts.status in _ENDED or any(
        digit in facts.invalid.get("finished_at", "") for digit in "123456789"
    )


def is_denied(facts: Case) -> bool:
    """Whether the decision is not to grant, in the words that offices have for it; 不予受理 decides nothing."""
    return facts.status is not CaseStatus.REFUSED_ACCEPTANCE and bool(_DENIALS.search(facts.outcome or ""))


def _merge(left: Case, right: Case) -> Case:
    """Fields of `left` win; None gives way."""
    changes = {
        name: value
        for name in Case.__struct_fields__
        if (value := getattr(right, name)) not in (None, {}) and getattr(left, name) in (None, {})
    }
    return msgspec.structs.replace(left, **changes)


@lru_cache(4096)  # each time of a case is asked for several times
def instant(text: str | None, zone: ZoneInfo) -> int | None:
    """A day counts as its end, whether it is when something was done or when it is due, so that a missing hour accuses nobody;
    two writings of one day are one instant: some columns write it with milliseconds. A year nobody can mean (9999 for
    "open") is no instant: it starts and ends no clock.
    """
    if text is None or not _YEARS[0] <= text[:4] <= _YEARS[1]:
        return None
    return end_of_day(day_of(text, zone), zone) if is_day(text, zone) else parse_when(text, zone)


def accepted_by_step(steps: list[Step], zone: ZoneInfo) -> str | None:
    """Where the case row has no acceptance time, the acceptance step says it."""
    times = [step.finished_at or step.started_at for step in steps if step.kind is StepKind.ACCEPT]
    return next((text for text in times if text and instant(text, zone) is not None), None)
