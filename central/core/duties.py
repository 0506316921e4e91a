"""Acts that a citizen waits for while a case is open: yellow before their last day, so that nobody is late unawares. Pure.

Whether one came too late is for its rule to say, on whole data; these clocks end with the act and accuse nobody. An act that no
source records (审查上报, 公开) has none: silence proves nothing there. Source: 行政许可法 30, 32(五), 47, 50; supervision.md 3.3.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date

from msgspec.structs import replace

from central.core import acts
from central.core.limit import Bench, End, Limit, counted, lead_of
from common.core.instant import end_of_day, start_of_day
from common.core.state import CaseStatus, ClockKind, Light, StepKind

_WAITS = End(open=True)


def duties(bench: Bench) -> list[Limit]:
    """Of an open case; each as long as it is waited for. One that lies outside the calendar takes none of the others along."""
    found: list[Limit] = []
    for ask in (_acceptance, _hearing, _explanations, _renewal) if bench.case.steps else (_acceptance,):
        with suppress(ValueError):
            found += ask(bench)
    return found


def _acceptance(bench: Bench) -> Iterator[Limit]:
    complete = acts.day(bench.case.facts.complete_at, bench.zone)
    if complete is None or acts.day(bench.case.accepted, bench.zone) is not None:
        return
    yield _from(bench, ClockKind.ACCEPTANCE, complete, bench.pack.accept_days)


def _hearing(bench: Bench) -> Iterator[Limit]:
    steps = list(acts.of_kind(bench.case, StepKind.HEAR))
    if not steps:
        return
    held = [day for step in steps if (day := acts.day(acts.began(step), bench.zone)) is not None]
    for step in steps:
        asked = acts.day(step.asked_at, bench.zone)
        if asked is None or acts.day(acts.began(step), bench.zone) is not None:
            continue
        if not any(day >= asked for day in held):
            limit = counted(bench, ClockKind.HEARING, asked, bench.pack.hearing_days, _WAITS, own=True)
            yield replace(limit, cycle=asked.toordinal())


def _explanations(bench: Bench) -> Iterator[Limit]:
    for step in acts.of_kind(bench.case, StepKind.CONSULT):
        asked = acts.day(step.asked_at or step.started_at, bench.zone)
        if asked is None or step.finished_at is not None or "finished_at" in step.invalid:
            continue
        days = step.days if step.days is not None and step.days > 0 else bench.pack.consult_days
        yield replace(_from(bench, ClockKind.EXPLANATION, asked, days), cycle=asked.toordinal())


def _from(bench: Bench, kind: ClockKind, day: date, days: int) -> Limit:
    """What a citizen hands in on a day off counts as received on the next working day (supervision.md 3.2-2)."""
    return counted(bench, kind, bench.calendar.roll_forward(day), days, _WAITS, own=True)


def _renewal(bench: Bench) -> Iterator[Limit]:
    """Absolute: the licence expires whatever the calendar says. What was applied for too late is not deemed granted."""
    case, zone, calendar = bench.case, bench.zone, bench.calendar
    steps = list(acts.of_kind(case, StepKind.RENEW))
    expires = min((day for step in steps if (day := acts.day(step.due_at, zone)) is not None), default=None)
    if expires is None:
        return
    texts = [*(step.asked_at for step in steps), case.facts.received_at, case.accepted]
    asked = min((day for text in texts if (day := acts.day(text, zone)) is not None), default=None)
    if asked is None or asked >= expires or case.facts.status is CaseStatus.REFUSED_ACCEPTANCE:
        return
    if calendar.count(asked, expires) < bench.pack.renewal_days:
        return
    yellow = calendar.back(expires, lead_of(bench, ClockKind.RENEWAL) or 1)
    yield Limit(
        kind=ClockKind.RENEWAL, yellow_at=start_of_day(yellow, zone), due_at=end_of_day(expires, zone), running=True,
        provisional=calendar.is_provisional(expires), budget=f"许可有效期至 {expires}", start=asked, end=_WAITS, worst=Light.YELLOW,
    )  # fmt: skip
