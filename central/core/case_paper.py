"""What an office is written about one case before anybody is corrected: 一次性告知、视为受理、视为准予延续提示函. Pure.

Each rests on the clock of the case as it is on the day of its signature: 行政许可法 32(四) while the five days for saying what is
missing still run, the same article once they are over in silence, and 行政许可法 50 once a licence has expired undecided. That
something did not happen is said only where the site's data is whole up to the day on which it should have.
"""

from datetime import date, datetime

from msgspec import Struct

from central.core import acts, off_rules
from central.core.compose import Facts, said
from central.core.document import Kind
from central.core.limit import Limit
from central.core.ruling import Subject
from central.core.snapshot import WHOLE, rule_of, ruled
from common.core.instant import local_date
from common.core.state import ClockKind, StepKind

NOTICE, RENEWAL = "L32-3a", "L50"
"""Ids of the rules that the documents name."""
KINDS = (Kind.ONE_TIME, Kind.DEEMED_ACCEPTED, Kind.DEEMED_RENEWED)


class Ground(Struct, frozen=True, kw_only=True):
    """Why a document of `kind` may be written now. `received`: None where no source says it; the form then asks for it."""

    kind: Kind
    rule: str
    received: date | None
    due: date
    state: str
    budget: str | None = None


def grounds(subject: Subject, now_at: int) -> list[Ground]:
    """What may be written about the case at `now_at`, office time; a case that is over gives nothing."""
    if not subject.case.open:
        return []
    found = (_one_time(subject, now_at), _deemed_accepted(subject, now_at), _deemed_renewed(subject, now_at))
    return [one for one in found if one is not None]


def _one_time(subject: Subject, now_at: int) -> Ground | None:
    limit = subject.limit(ClockKind.SUPPLEMENT)
    if limit is None or limit.provisional or not limit.end.open or now_at >= limit.due_at:
        return None
    return Ground(
        kind=Kind.ONE_TIME,
        rule=NOTICE,
        received=limit.start,
        due=_last(limit, subject),
        state="没有受理或者告知补正的记录",
    )


def _deemed_accepted(subject: Subject, now_at: int) -> Ground | None:
    """The decision's limits run from the receipt (`Limit.proof_at`) because nothing was said in the five days."""
    running = [
        one.limit
        for one in subject.verdicts
        if one.limit.kind in WHOLE and one.limit.proof_at and not one.limit.provisional
    ]
    if not running:
        return None
    limit = min(running, key=lambda one: one.due_at)
    whole_until = subject.whole_until
    if now_at < limit.proof_at or whole_until is None or whole_until < limit.proof_at:
        return None
    return Ground(
        kind=Kind.DEEMED_ACCEPTED,
        rule=NOTICE,
        received=limit.start,
        due=_last(limit, subject),
        state=_silence(subject),
        budget=f"{limit.kind.word}{limit.budget.replace(' ', '')}",
    )


def _silence(subject: Subject) -> str:
    """What was not done in time, or was done too late."""
    told = acts.day(acts.first_of(subject.case, StepKind.SUPPLEMENT, subject.zone), subject.zone)
    accepted = subject.day(subject.case.accepted)
    if told is not None and (accepted is None or told <= accepted):
        return f"{said(told)}才告知补正，已超过五个工作日"
    if accepted is not None:
        return f"{said(accepted)}才受理，已超过五个工作日"
    return "已满五个工作日，没有受理，也没有告知补正"


def _deemed_renewed(subject: Subject, now_at: int) -> Ground | None:
    expires = off_rules.expiry(subject)
    if expires is None or local_date(now_at, subject.zone) <= expires or not subject.is_whole(expires):
        return None
    if off_rules.applied_late(subject, expires) is not None:
        return None
    return Ground(
        kind=Kind.DEEMED_RENEWED,
        rule=RENEWAL,
        received=subject.day(subject.case.facts.received_at) or subject.day(subject.case.accepted),
        due=expires,
        state="仍未作出决定",
    )


def _last(limit: Limit, subject: Subject) -> date:
    return local_date(limit.due_at - 1, subject.zone)


def facts(
    ground: Ground, subject: Subject, named: tuple[str, str | None, str | None], as_of: datetime, mark: str
) -> Facts:
    """`named`: to whom, item, number of the case; `as_of`: local time of the legal zone; `mark`: as `snapshot.ruled` has it."""
    addressee, item, case_no = named
    rule, articles, demand = rule_of(ground.rule)
    return Facts(
        addressee=addressee,
        as_of=as_of,
        item=item or "审批事项",
        case_no=case_no or "未编号",
        received=ground.received,
        budget=ground.budget,
        due=ground.due,
        state=ground.state,
        articles=articles,
        demand=demand,
        rule=rule,
        rule_version=ruled(subject.pack.version, mark),
        calendar_version=subject.calendar.version,
    )
