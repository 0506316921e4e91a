"""A case that its source had called ended and opens again. Pure.

An application that was returned and is filed again is a new cycle with clocks of its own; those of the old one stay as
they ended (supervision.md 3.2-7). Where no new filing is recorded, the limit goes on, and the days on which the source
said that the case was over are not counted: on them nobody was waiting. That the state went back is a finding (T6).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from central.core import case as cases
from central.core.case import CaseState, Row, instant
from central.core.clock import Stop
from common.core.instant import day_of, local_date
from common.core.record import Case, Step
from common.core.state import StepKind

WHY = "曾记为办结"


class Reopening(Struct, frozen=True, array_like=True):
    """`at`: when it was captured (office time). `ended`: the day on which the case had ended as its source said, the first
    of all where it did not say. `known`: days of filing that the source stated until then, `deadline`: its own deadline.
    """

    at: int
    ended: date
    again: date
    known: list[date]
    deadline: str | None = None


def is_back(versions: Sequence[Row]) -> bool:
    """Whether a row, its versions oldest first, called the case ended and then did not: what is looked for first, as it is
    rare.
    """
    ends = [_ends(one) for one in versions]
    return any(was and not now for was, now in pairwise(ends))


def _ends(row: Row) -> bool:
    body = row.body
    is_over = isinstance(body, Case) and (body.finished_at is not None or cases.is_ended(body))
    return is_over and not row.deleted


def reopenings(
    states: Iterable[tuple[int, CaseState]], read_anew: Collection[int], zone: ZoneInfo
) -> list[Reopening]:
    """`states`: what the source said, in the order in which it was captured, each as of its instant. A case that is deleted
    and comes back has not ended; nor has one that was only read so, until another mapping came (`read_anew`: when).
    """
    found: list[Reopening] = []
    ended: date | None = None
    was_open = False
    known: list[date] = []
    deadline: str | None = None
    for at, state in states:
        if state.deleted or not state.seen:
            continue
        if state.open:
            if ended is not None and at not in read_anew:
                found.append(Reopening(at, ended, local_date(at, zone), known, deadline))
            ended, was_open = None, True
        elif ended is None:
            # Ended when it was first seen, no day stated: since when is not known.
            ended = _ended(state, zone) or (local_date(at, zone) if was_open else date.min)
        else:
            ended = _ended(state, zone) or ended
        known, deadline = filings(state, zone), state.facts.deadline
    return found


def _ended(state: CaseState, zone: ZoneInfo) -> date | None:
    text = state.facts.finished_at
    return day_of(text, zone) if text and instant(text, zone) is not None else None


def filings(state: CaseState, zone: ZoneInfo) -> list[date]:
    """Days of receipt and acceptance that a case states."""
    own = [state.facts.received_at, state.facts.accepted_at]
    steps = [one.finished_at or one.started_at for one in state.steps if one.kind is StepKind.ACCEPT]
    return sorted({day_of(text, zone) for text in own + steps if text and instant(text, zone) is not None})


def within(state: CaseState, reopened: Sequence[Reopening], zone: ZoneInfo) -> CaseState:
    """The case in its newest cycle: without what belongs to earlier ones."""
    if not reopened:
        return state
    known = [*(one.known for one in reopened[1:]), filings(state, zone)]
    number, filed, stated, stood = 1, None, None, list[Stop]()
    for one, told in zip(reopened, known, strict=True):
        before = max((day for day in one.known if day <= one.again), default=date.min)
        new = [day for day in told if day >= one.ended and day > before]
        if new:
            number, filed, stated, stood = number + 1, min(new), one.deadline, []
        else:
            stood.append(Stop(one.ended, one.again, WHY))
    state = replace(state, cycle=number, stood=stood)
    return state if filed is None else _since(state, filed, stated, zone)


def _since(state: CaseState, filed: date, stated: str | None, zone: ZoneInfo) -> CaseState:
    """`stated`: the deadline of before. One that the source has not set anew is that of the old filing."""

    def is_old(text: str | None) -> bool:
        return bool(text) and instant(text, zone) is not None and day_of(text or "", zone) < filed

    def new(text: str | None) -> str | None:
        return None if is_old(text) else text

    # What renews a licence says when that one expires, whoever files for it, and when.
    steps = [
        replace(one, asked_at=new(one.asked_at)) if one.kind is StepKind.RENEW else one
        for one in state.steps
        if one.kind is StepKind.RENEW or not is_old(_dated(one))
    ]
    facts = state.facts
    deadline = None if facts.deadline == stated else new(facts.deadline)
    facts = replace(
        facts,
        received_at=new(facts.received_at),
        accepted_at=new(facts.accepted_at),
        complete_at=new(facts.complete_at),
        published_at=new(facts.published_at),
        deadline=deadline,
    )
    accepted = facts.accepted_at if instant(facts.accepted_at, zone) is not None else None
    accepted = accepted or cases.accepted_by_step(steps, zone)
    return replace(
        state,
        facts=facts,
        steps=steps,
        received_at=instant(facts.received_at, zone),
        accepted=accepted,
        accepted_at=instant(accepted, zone),
        deadline_at=instant(deadline, zone),
    )


def _dated(step: Step) -> str | None:
    """When a step was taken. A procedure that began with the old filing ended with it."""
    if step.kind is StepKind.PAUSE and step.started_at:
        return step.started_at
    return step.finished_at or step.started_at or step.notified_at or step.asked_at or step.doc_at


_LIST = msgspec.json.Decoder(list[Reopening])


def written(reopened: Sequence[Reopening]) -> str | None:
    """As the case keeps them."""
    return msgspec.json.encode(reopened).decode() if reopened else None


def read(text: str | None) -> list[Reopening]:
    return _LIST.decode(text) if text else []
