"""When a case was last seen open, and a completion that contradicts it (T1). Pure.

Theory. That the source still said "open" at an instant says nothing of what had been decided on paper: whoever decides on
Friday and types on Monday leaves the same two versions as a cheat. So a completion dated before the case was last seen open
is an entry made late, with its size (`conduct.lateness`), and no finding. It is one where it contradicts more than silence:

1. a limit of the decision had passed while the case was seen open, and the completion claims to lie before that: it
   would take back a red light that was justly lit;
2. the source itself had moved the case on, from one open state to another, after it claims to have been over, and left
   it so for longer than an entry may be late: back entry in one sitting passes through the states, but not for days.

A modification time that hides when it was entered is T5. A date is held no finer than by the day.
"""

from collections import defaultdict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import case as cases
from central.core.case import instant
from central.core.context import Context, Finding
from central.core.stated import is_ahead, resolution, say
from central.core.versions import Pair, Version, pairs, still_at
from common.core.record import Case, Op
from common.core.state import ClockKind, FindingCode, Light

_DECISION = {ClockKind.PROMISE, ClockKind.STATUTE, ClockKind.STATED}


class Seen(Struct, frozen=True):
    """A case was seen open until `at`; `pair.before` said so. It is None where the row was not there yet."""

    at: int
    pair: Pair


def is_finished(body: Case, at: int, zone: ZoneInfo) -> bool:
    """As the row said at `at`: a date ahead of it (a plan, 2099) has ended nothing."""
    return cases.is_ended(body) or _states_end(body, at, zone)


def _states_end(body: Case, at: int, zone: ZoneInfo) -> bool:
    stated = instant(body.finished_at, zone)
    return stated is not None and not is_ahead(body.finished_at, stated, at, zone)


def needs_history(pair: Pair, zone: ZoneInfo) -> bool:
    """Whether versions before the pair can tell more of its completion than the pair itself."""
    before, after = pair.before, pair.after
    if before is None or not (isinstance(before.body, Case) and isinstance(after.body, Case)):
        return False
    stated = instant(after.body.finished_at, zone)
    return (
        stated is not None and stated < still_at(pair) and before.body.finished_at != after.body.finished_at
    )


def seen_open(pair: Pair, context: Context) -> Seen | None:
    """How long the case was seen open before `pair.after` stated a time of completion; None: nobody knows, or another
    version had stated one before.

    A row that said "over" without a time may be given any: the time is held against the last version that said "open".
    """
    step: Pair | None = pair
    while step is not None and step.before is not None:
        body = step.before.body
        if (
            not isinstance(body, Case)
            or step.before.op is Op.DELETE
            or _states_end(body, still_at(step), context.zone)
        ):
            return None
        if not cases.is_ended(body):
            return _elsewhere(pair.after, Seen(still_at(step), step), context)
        step = previous(step.before, context)
    if step is None:
        return None
    absent = step.after.same_until or (context.absent_until if step.after is pair.after else None)
    if absent is None:
        return None
    absent = min(absent, step.after.cap_at)
    known = any(item.op is Op.PUT and item.cap_at <= absent for item in context.others)
    return _elsewhere(pair.after, Seen(absent, step), context) if known else None


def previous(version: Version, context: Context) -> Pair | None:
    """The pair that led to `version`, where the row's history is there."""
    return next(
        (
            one
            for one in context.history
            if (one.after.generation, one.after.version) == (version.generation, version.version)
        ),
        None,
    )


def _elsewhere(after: Version, seen: Seen, context: Context) -> Seen | None:
    """What other rows had said of the case before `after`: a time of completion acquits a copy of it, the bare word that it
    is over says since when."""
    rows: dict[tuple[str, str], list[Version]] = defaultdict(list)
    for item in context.others:
        rows[item.table, item.key].append(item)
    at = seen.at
    for versions in rows.values():
        ended = [item for item in versions if _is_before(item, after) and _ends(item, context.zone)]
        if any(_states_end_of(item, context.zone) for item in ended):
            return None
        if ended:
            was_open = _open_until(versions, ended)
            if was_open is None:
                return None
            at = min(at, was_open)
    return Seen(at, seen.pair)


def _is_before(item: Version, after: Version) -> bool:
    return (item.cap_at, item.table, item.key) < (after.cap_at, after.table, after.key)


def _ends(item: Version, zone: ZoneInfo) -> bool:
    return item.op is Op.PUT and isinstance(item.body, Case) and is_finished(item.body, item.cap_at, zone)


def _states_end_of(item: Version, zone: ZoneInfo) -> bool:
    return isinstance(item.body, Case) and _states_end(item.body, item.cap_at, zone)


def _open_until(versions: Iterable[Version], ended: list[Version]) -> int | None:
    """Until when another row said that the case was open, before it first said that it was over."""
    first = min(ended, key=lambda item: (item.generation, item.version))
    for one in pairs(versions):
        if (one.after.generation, one.after.version) == (first.generation, first.version):
            return still_at(one) if one.before is not None and one.before.op is Op.PUT else None
    return None


def backdated(pair: Pair, context: Context) -> list[Finding]:
    """T1, of a pair whose version after may be the first to state when the case was completed."""
    after = pair.after
    if not isinstance(after.body, Case) or after.op is Op.DELETE:
        return []  # a step told late is lateness: one in ten is, in real offices
    text = after.body.finished_at
    stated = instant(text, context.zone)
    seen = seen_open(pair, context) if stated is not None else None
    if stated is None or seen is None:
        return []
    slack = context.clock_err + max(context.tolerance.backdate, resolution(text, context.zone))
    if stated >= seen.at - slack:
        return []
    why = _lapsed(stated, seen, context) or _moved_on(stated + slack, seen, context)
    if not why:
        return []
    words = f"写明 {say(stated, text, context.zone)} 办结，而 {say(seen.at, None, context.zone)} 核对时仍未办结；{why}"
    evidence = Pair(seen.pair.before, after)
    return [Finding(code=FindingCode.T1, pair=evidence, still_at=seen.at, size=seen.at - stated, words=words)]


def _lapsed(stated: int, seen: Seen, context: Context) -> str:
    """A limit of the decision that had passed while the case was seen open, and would be kept by what is stated now."""
    dues: list[int | None] = [
        item.since_at for item in context.lights if item.light is Light.RED and item.clock in _DECISION
    ]
    before = seen.pair.before
    saying = [before] if before is not None else [item for item in context.others if item.cap_at <= seen.at]
    dues += [instant(item.body.deadline, context.zone) for item in saying if isinstance(item.body, Case)]
    passed = [due for due in dues if due is not None and stated <= due < seen.at - context.clock_err]
    return f"其间 {say(min(passed), None, context.zone)} 已到期" if passed else ""


def _moved_on(bound: int, seen: Seen, context: Context) -> str:
    """The source itself moved the case on after `bound` and left it open for longer than an entry may be late."""
    step = None if seen.pair.before is None else previous(seen.pair.before, context)
    while step is not None and step.before is not None and still_at(step) > bound:
        was, now = step.before.body, step.after.body
        assert isinstance(was, Case)
        assert isinstance(now, Case)
        stood = seen.at - step.after.cap_at > context.tolerance.late
        if stood and was.status and now.status and was.status is not now.status and not cases.is_ended(was):
            moved = f"{say(still_at(step), None, context.zone)} 之后状态还由“{was.status.word}”改为“{now.status.word}”"
            return f"其间 {moved}"
        step = previous(step.before, context)
    return ""
