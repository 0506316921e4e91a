"""Versions of one source row -> findings T1 to T6, and how late an entry was made (capture.md 3.9). Pure.

Theory. A version says until when the one before it was last seen in the source (`same_until`), so whatever changed was
changed after that instant. A statement that contradicts it is a finding; one that merely came late is lateness, with
its size. Two versions are compared only where the box's own count says that nothing lies between them and the source
itself made the change (P-REC-07). Hence the findings of a row are a function of the set of its versions: the order in
which they arrive, and how often, changes nothing.
"""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct

from central.core import case as cases
from central.core.versions import Pair, Version, still_at
from common.core.instant import DAY, HOUR, MINUTE, day_of, from_us, is_date_only
from common.core.record import Case, Op
from common.core.state import CaseStatus, FindingCode, Light

_STAGE = {
    CaseStatus.RECEIVED: 0,
    CaseStatus.ACCEPTED: 1,
    CaseStatus.IN_PROGRESS: 1,
    CaseStatus.PAUSED: 1,
    CaseStatus.DONE: 2,
    CaseStatus.REFUSED_ACCEPTANCE: 2,
    CaseStatus.WITHDRAWN: 2,
}
_LIMITS = {"promised": "承诺时限", "legal": "法定时限"}
_TIMES = {"accepted_at": "受理时间", "finished_at": "办结时间"}


class Tolerance(Struct, frozen=True):
    """What a site is forgiven, in microseconds. The defaults are ours, no law gives them."""

    backdate: int = HOUR
    """T1: a form opened before lunch and saved after it; a server whose clock is slow."""
    change: int = MINUTE
    """T2: seconds that a system cuts off."""
    silent: int = HOUR
    """T5: as `backdate`, of the modification time."""
    late: int = DAY
    """An entry made later than this after what it states is counted as late (补录)."""


class Lit(Struct, frozen=True):
    """A light of the case, and the instant from which it held."""

    light: Light
    since_at: int


class Context(Struct, frozen=True):
    """What the rules need beside the two versions."""

    zone: ZoneInfo
    tolerance: Tolerance = Tolerance()
    clock_err: int = 0
    """How far the box's clock may be off, microseconds."""
    lights: Sequence[Lit] = ()
    others: Sequence[Version] = ()
    """Versions of the other rows that state facts of the same case (split tables)."""
    absent_until: int | None = None
    """Until when a row without a version before was known not to be in the source."""


class Finding(Struct, frozen=True, kw_only=True):
    """`still_at`: until when the source still said what it said before; `size`: microseconds of the contradiction."""

    code: FindingCode
    pair: Pair
    still_at: int
    size: int | None = None
    words: str


class Late(Struct, frozen=True):
    """An entry made late: what it states, and from when it can have been in the source at the earliest."""

    stated_at: int
    size: int


def needs_context(pair: Pair) -> bool:
    """Whether lights, other rows or the clock can decide about this pair: reading them for every pair would cost."""
    before, after = pair.before, pair.after
    if after.op is Op.DELETE or (before is not None and before.op is Op.DELETE):
        return False
    if before is None:
        return isinstance(after.body, Case) and after.body.finished_at is not None
    return before.digest != after.digest


# the rules ------------------------------------------------------------------------------------------------------


def compare(pair: Pair, context: Context) -> list[Finding]:
    """What the change from one version to the next shows. A change that is a finding for what it says is not one
    again for how it was made: T5 stands alone."""
    before, after = pair.before, pair.after
    if before is None:
        return _backdated_part(pair, context)
    if before.op is Op.DELETE:
        return []
    if after.op is Op.DELETE:
        return [_found(FindingCode.T4, pair, "源数据中这一行已被删除；删除前的最后内容留作证据")]
    if before.digest == after.digest:
        return []
    found = [
        *_backdated(pair, context),
        *_changed(pair, context),
        *_extended(pair, context),
        *_fell_back(pair, context),
    ]
    return found or _silent(pair, context)


def _found(code: FindingCode, pair: Pair, words: str, size: int | None = None) -> Finding:
    at = still_at(pair) if pair.before is not None else pair.after.cap_at
    return Finding(code=code, pair=pair, still_at=at, size=size, words=words)


def _backdated(pair: Pair, context: Context) -> list[Finding]:
    """T1: first seen with a completion that lies before the last time it was seen open."""
    before, after = pair.before, pair.after
    assert before is not None
    if not (isinstance(before.body, Case) and isinstance(after.body, Case)):
        return []  # a step told late is lateness: one in ten is, in real offices
    at = still_at(pair)
    if _is_finished(before.body, at, context.zone) or _told_before(after, context):
        return []
    return _contradicted(pair, at, after.body, context)


def _backdated_part(pair: Pair, context: Context) -> list[Finding]:
    """T1 where the completion has a table of its own: its row was not there yet, and the case was open."""
    after, absent = pair.after, pair.after.same_until or context.absent_until
    if not isinstance(after.body, Case) or after.op is Op.DELETE or absent is None:
        return []
    absent = min(absent, after.cap_at)
    known = any(item.op is Op.PUT and item.cap_at <= absent for item in context.others)
    if not known or _told_before(after, context):
        return []
    return [
        Finding(code=item.code, pair=pair, still_at=absent, size=item.size, words=item.words)
        for item in _contradicted(pair, absent, after.body, context)
    ]


def _contradicted(pair: Pair, at: int, body: Case, context: Context) -> list[Finding]:
    stated = instant(body.finished_at, context.zone)
    if stated is None or stated >= at - context.clock_err - context.tolerance.backdate:
        return []
    words = (
        f"写明 {_say(stated, body.finished_at, context)} 办结，而 {_say(at, None, context)} 核对时仍未办结"
    )
    return [_found(FindingCode.T1, pair, words, at - stated)]


def _told_before(after: Version, context: Context) -> bool:
    """Another row of the case had said that it was over before this one did."""
    place = after.cap_at, after.table, after.key
    return any(
        item.op is Op.PUT
        and isinstance(item.body, Case)
        and (item.cap_at, item.table, item.key) < place
        and _is_finished(item.body, item.cap_at, context.zone)
        for item in context.others
    )


def _is_finished(body: Case, at: int, zone: ZoneInfo) -> bool:
    """As the row said at `at`: a date ahead of it (a plan, 2099) has ended nothing."""
    stated = instant(body.finished_at, zone)
    return cases.is_ended(body) or (stated is not None and not _is_ahead(body.finished_at, stated, at))


def _is_ahead(text: str | None, stated: int, at: int) -> bool:
    slack = DAY if _is_day(text) else HOUR
    return stated > at + slack


def _changed(pair: Pair, context: Context) -> list[Finding]:
    """T2: an acceptance or completion that had been reported has another time now."""
    said: list[str] = []
    size = 0
    for name, word in _TIMES.items():
        old, new = _text(pair.before, name), _text(pair.after, name)
        moved = _moved(old, new, still_at(pair), context)
        if moved is None or (name == "finished_at" and new is None):
            continue  # a completion taken back is a step back: T6
        size = max(size, moved)
        becomes = _say(instant(new, context.zone), new, context) if new else "空"
        said.append(f"{word}由 {_say(instant(old, context.zone), old, context)} 改为 {becomes}")
    return [_found(FindingCode.T2, pair, "；".join(said), size or None)] if said else []


def _moved(old: str | None, new: str | None, at: int, context: Context) -> int | None:
    """By how much a time that was reported differs; None: it does not. A day told more exactly is the same day."""
    was, now = instant(old, context.zone), instant(new, context.zone)
    if old is None or was is None or _is_ahead(old, was, at):
        return None
    if new is None or now is None:
        return 0 if new is None else None
    if _is_day(old) or _is_day(new):
        same = day_of(old, context.zone) == day_of(new, context.zone)
    else:
        same = abs(now - was) <= context.tolerance.change
    return None if same else abs(now - was)


def _extended(pair: Pair, context: Context) -> list[Finding]:
    """T3: the limit was stretched after it had lit a light, or had passed."""
    before, after = pair.before, pair.after
    assert before is not None
    old, new = before.body, after.body
    if not (isinstance(old, Case) and isinstance(new, Case)):
        return []
    said: list[str] = []
    size: int | None = None
    due, later = instant(old.deadline, context.zone), instant(new.deadline, context.zone)
    if due is not None and later is not None and later > due + context.tolerance.change:
        size = later - due
        said.append(
            f"应办结时间由 {_say(due, old.deadline, context)} 延至 {_say(later, new.deadline, context)}"
        )
    for name, word in _LIMITS.items():
        was, now = getattr(old, name), getattr(new, name)
        same_unit = name != "promised" or old.promised_unit == new.promised_unit
        if same_unit and was is not None and now is not None and now > was > 0:
            said.append(f"{word}由 {was} 天延至 {now} 天")
    lit = _lit_since(pair, due, context) if said else None
    if lit is None:
        return []
    words = f"{'；'.join(said)}，此前 {_say(lit, None, context)} 起已亮灯或到期"
    return [_found(FindingCode.T3, pair, words, size)]


def _lit_since(pair: Pair, due: int | None, context: Context, red: Light | None = None) -> int | None:
    """When the case's first light came that was there while the version before still stood; None: none was."""
    bound = still_at(pair) - context.clock_err
    wanted = {Light.YELLOW, Light.RED} if red is None else {red}
    times = [item.since_at for item in context.lights if item.light in wanted]
    return min((at for at in [*times, *([due] if due is not None else [])] if at < bound), default=None)


def _fell_back(pair: Pair, context: Context) -> list[Finding]:
    """T6: a later state went back to an earlier one, or the person changed once it was overdue."""
    said = [word for word in (_regressed(pair, context), _swapped(pair, context)) if word]
    return [_found(FindingCode.T6, pair, "；".join(said))] if said else []


def _regressed(pair: Pair, context: Context) -> str:
    before, after = pair.before, pair.after
    assert before is not None
    old, new = before.body, after.body
    if isinstance(old, Case) and isinstance(new, Case):
        was, now = old.status, new.status
        if was is not None and now is not None and _STAGE[now] < _STAGE[was]:
            return f"状态由“{was.word}”退回“{now.word}”"
    stated = instant(old.finished_at, context.zone)
    gone = new.finished_at is None and "finished_at" not in new.invalid
    if stated is not None and gone and not _is_ahead(old.finished_at, stated, still_at(pair)):
        return f"已报的办结时间 {_say(stated, old.finished_at, context)} 被清空"
    return ""


def _swapped(pair: Pair, context: Context) -> str:
    before, after = pair.before, pair.after
    assert before is not None
    name = "responsible" if isinstance(before.body, Case) else "actor"
    was, now = _text(before, name), _text(after, name)
    if not was or not now or was == now:
        return ""
    due = instant(_text(before, "deadline") or _text(before, "due_at"), context.zone)
    ended = before.body.finished_at is not None
    lit = None if ended else _lit_since(pair, due, context, Light.RED)
    return "" if lit is None else f"逾期（{_say(lit, None, context)} 起）之后更换了经办人"


def _silent(pair: Pair, context: Context) -> list[Finding]:
    """T5: the row changed after it was last seen, and its modification time says that it did not.

    Where the time is the row's own acceptance or start, the mapping had no modification time to read.
    """
    text, at = pair.after.src_at, still_at(pair)
    claimed = instant(text, context.zone)
    own = ("received_at", "accepted_at", "started_at", "finished_at")
    if claimed is None or pair.before is None or pair.before.src_at is None:
        return []
    if any(claimed == instant(_text(pair.after, name), context.zone) for name in own):
        return []
    if claimed >= at - context.clock_err - context.tolerance.silent:
        return []
    words = f"内容在 {_say(at, None, context)} 之后被改，而修改时间仍写 {_say(claimed, text, context)}"
    return [_found(FindingCode.T5, pair, words, at - claimed)]


def keeps_time(pair: Pair, zone: ZoneInfo) -> bool:
    """Whether this change moved its modification time on: only a table that is seen to do so can be silent (T5).

    A mapping may name a column that is written once, and every honest edit would look silent.
    """
    if pair.before is None:
        return False
    was, now = instant(pair.before.src_at, zone), instant(pair.after.src_at, zone)
    return was is not None and now is not None and now > was


# lateness -------------------------------------------------------------------------------------------------------


def lateness(pair: Pair, context: Context) -> Late | None:
    """How late the newest version of a pair states what it is the first to state; None: not late, or not known.

    By the source's own recording time where it has one, else by our observation. The first load of a source, of which
    nobody knows when it was entered, has no lateness.
    """
    after = pair.after
    if after.op is Op.DELETE:
        return None
    told = _text(after, "recorded_at")
    recorded = instant(told, context.zone)
    if recorded is not None and _is_day(told):
        recorded -= DAY  # the beginning of the day it was recorded on: no less late than this
    if recorded is None:
        seen = after.same_until or context.absent_until if pair.before is None else still_at(pair)
        if seen is None:
            return None
        recorded = min(seen, after.cap_at) - context.clock_err
    names = ("accepted_at", "received_at") if isinstance(after.body, Case) else ("finished_at", "started_at")
    name = next((name for name in names if _text(after, name)), "")
    stated = instant(_text(after, name), context.zone) if name else None
    if stated is None or _text(pair.before, name):
        return None
    size = recorded - stated
    return Late(stated, size) if size > context.tolerance.late else None


# words ----------------------------------------------------------------------------------------------------------


def _is_day(text: str | None) -> bool:
    """A date, or midnight to the second: a column of moments into which an office writes dates."""
    return text is not None and (is_date_only(text) or text[10:19] == "T00:00:00")


def instant(text: str | None, zone: ZoneInfo) -> int | None:
    """As `central.core.case.instant`; a day counts as its end, so that a missing hour accuses nobody."""
    at = cases.instant(text, zone)
    return at + DAY if at is not None and text and _is_day(text) and not is_date_only(text) else at


def _text(item: Version | None, name: str) -> str | None:
    value = getattr(item.body, name, None) if item is not None else None
    return value if isinstance(value, str) else None


def _say(at: int | None, text: str | None, context: Context) -> str:
    """A time for people; a date that the source states without an hour stays one."""
    if text and (at is None or _is_day(text)):
        return text[:10]
    return from_us(at or 0, context.zone).strftime("%Y-%m-%d %H:%M")
