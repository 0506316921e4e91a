"""Lives of one source row in versions, and what the rules show of them."""

from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from central.core import conduct
from central.core.context import Context, Finding, Late, Lit
from central.core.versions import Version, pairs
from common.core.instant import DAY, MINUTE, from_us, parse_when
from common.core.record import Case, Cause, Op
from common.core.state import CaseStatus, ClockKind, FindingCode, Light

ZONE = ZoneInfo("Asia/Shanghai")
NOON = parse_when("2026-06-12T12:00", ZONE)
T = FindingCode
CONTEXT = Context(ZONE)


def text(at: int) -> str:
    return from_us(at, ZONE).isoformat()


def version(number: int, at: int, **fields: Any) -> Version:
    """`fields`: of the version or of the case it states; seen unchanged until a minute before the next one."""
    own = {name: fields.pop(name) for name in list(fields) if name in Version.__struct_fields__}
    body = own.pop("body", None) or Case(case_key="1", **fields)
    made = Version(
        table="case" if isinstance(body, Case) else "step",
        key="1",
        generation=1,
        version=number,
        epoch_no=1,
        epoch=b"e",
        seq=number,
        op=Op.PUT,
        cause=Cause.SOURCE,
        digest=repr((body, own.get("src_at"))).encode(),
        src_at=None,
        cap_at=at,
        same_until=at - MINUTE if number > 1 else None,
        body=body,
    )
    return replace(made, **own)


def found(*versions: Version, context: Context = CONTEXT) -> list[Finding]:
    context = replace(context, history=pairs(versions))
    return [item for pair in context.history for item in conduct.compare(pair, context)]


def codes(*versions: Version, context: Context = CONTEXT) -> list[FindingCode]:
    return [item.code for item in found(*versions, context=context)]


def late(*versions: Version, context: Context = CONTEXT) -> list[Late]:
    context = replace(context, history=pairs(versions))
    return [item for pair in context.history for item in conduct.lateness(pair, context)]


OPEN = version(1, NOON - 9 * DAY, accepted_at=text(NOON - 9 * DAY), status=CaseStatus.IN_PROGRESS)
ACCEPTED = {"accepted_at": text(NOON - 9 * DAY)}


def done(stated: str | None, **fields: Any) -> Version:
    return version(2, NOON, **{**ACCEPTED, "finished_at": stated, "status": CaseStatus.DONE, **fields})


SEEN = NOON - MINUTE
"""Until when the case was seen open."""
DUE = NOON - 30 * MINUTE
OVERDUE = replace(CONTEXT, lights=[Lit(Light.RED, DUE, ClockKind.PROMISE)])
