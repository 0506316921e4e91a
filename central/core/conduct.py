"""Versions of one source row -> findings T1 to T6, and how late an entry was made (capture.md 3.9). Pure.

Theory. A version says until when the one before it was last seen in the source (`same_until`), so whatever changed was
changed after that instant. A statement that contradicts it is a finding; one that merely came late is lateness, with
its size. Two versions are compared only where the box's own count says that nothing lies between them and the source
itself made the change (P-REC-07). Hence the findings of a row are a function of the set of its versions: the order in
which they arrive, and how often, changes nothing.
"""

from typing import Any
from zoneinfo import ZoneInfo

from central.core import completion
from central.core.case import instant
from central.core.completion import is_finished
from central.core.context import Context, Finding, Late
from central.core.stated import is_ahead, say
from central.core.versions import Pair, Version, still_at
from common.core.instant import DAY, day_of, is_day
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
_TIMES = {"received_at": "收件时间", "accepted_at": "受理时间", "finished_at": "办结时间"}
_LIMITS = {"promised": "承诺时限", "legal": "法定时限"}
_EMPTIED = ("status", "responsible", "actor")
"""What is held against what was last told: emptied between, it would hide the change."""
_FIFTHS = {"个工作日": 7, "天": 5}
"""What one of a unit is in fifths of a calendar day: five working days to a week, holidays left out."""


def needs_context(pair: Pair) -> bool:
    """Whether lights, other rows or the clock can decide about this pair: reading them for every pair would cost."""
    before, after = pair.before, pair.after
    if after.op is Op.DELETE or (before is not None and before.op is Op.DELETE):
        return False
    if before is None:
        return isinstance(after.body, Case) and after.body.finished_at is not None
    return before.digest != after.digest


def needs_history(pair: Pair, zone: ZoneInfo) -> bool:
    """Whether versions before the pair can tell more than the pair itself: of a completion, or of what was emptied."""
    before = pair.before
    if before is None or pair.after.op is Op.DELETE or before.op is Op.DELETE:
        return False
    is_told_again = before.version > 1 and any(
        getattr(before.body, name, None) is None and getattr(pair.after.body, name, None) is not None
        for name in _EMPTIED
    )
    return is_told_again or completion.needs_history(pair, zone)


# the rules ------------------------------------------------------------------------------------------------------


def compare(pair: Pair, context: Context) -> list[Finding]:
    """What the change from one version to the next shows. A change that is a finding for what it says is not one
    again for how it was made: T5 stands alone."""
    before, after = pair.before, pair.after
    if before is None:
        return completion.backdated(pair, context)
    if before.op is Op.DELETE:
        return []
    if after.op is Op.DELETE:
        return [_found(FindingCode.T4, pair, "源数据中这一行已被删除；删除前的最后内容留作证据")]
    if before.digest == after.digest:
        return []
    found = [
        *completion.backdated(pair, context),
        *_changed(pair, context),
        *_extended(pair, context),
        *_fell_back(pair, context),
    ]
    return found or _silent(pair, context)


def _found(code: FindingCode, pair: Pair, words: str, size: int | None = None) -> Finding:
    at = still_at(pair) if pair.before is not None else pair.after.cap_at
    return Finding(code=code, pair=pair, still_at=at, size=size, words=words)


def _changed(pair: Pair, context: Context) -> list[Finding]:
    """T2: a receipt, acceptance or completion that had been reported has another time now."""
    said: list[str] = []
    size = 0
    for name, word in _TIMES.items():
        old, new = _text(pair.before, name), _text(pair.after, name)
        moved = _moved(old, new, still_at(pair), context)
        if moved is None or (name == "finished_at" and instant(new, context.zone) is None):
            continue  # a completion taken back is a step back: T6
        size = max(size, moved)
        becomes = say(instant(new, context.zone), new, context.zone) if new else "空"
        said.append(f"{word}由 {say(instant(old, context.zone), old, context.zone)} 改为 {becomes}")
    return [_found(FindingCode.T2, pair, "；".join(said), size or None)] if said else []


def _moved(old: str | None, new: str | None, at: int, context: Context) -> int | None:
    """By how much a time that was reported differs; None: it does not. A day told more exactly is the same day.

    Emptied, or put in a year that nobody can mean, it differs by nothing that can be measured.
    """
    was, now = instant(old, context.zone), instant(new, context.zone)
    if old is None or was is None or is_ahead(old, was, at, context.zone):
        return None
    if new is None or now is None:
        return 0
    if is_day(old, context.zone) or is_day(new, context.zone):
        same = day_of(old, context.zone) == day_of(new, context.zone)
    else:
        same = abs(now - was) <= context.tolerance.change
    return None if same else abs(now - was)


def _extended(pair: Pair, context: Context) -> list[Finding]:
    """T3: a limit was stretched, or taken away from a case that goes on, after it had lit a light or had passed."""
    before, after = pair.before, pair.after
    assert before is not None
    old, new = before.body, after.body
    if not (isinstance(old, Case) and isinstance(new, Case)):
        return []
    is_over = is_finished(new, after.cap_at, context.zone)
    due, later = instant(old.deadline, context.zone), instant(new.deadline, context.zone)
    said: list[str] = []
    if due is not None and later is not None and later > due + context.tolerance.change:
        said.append(
            f"应办结时间由 {say(due, old.deadline, context.zone)} 延至 {say(later, new.deadline, context.zone)}"
        )
    elif due is not None and later is None and not is_over and not _is_unreadable(new, "deadline"):
        becomes = say(None, new.deadline, context.zone) if new.deadline else "空"
        said.append(f"应办结时间由 {say(due, old.deadline, context.zone)} 改为{becomes}")
    size = later - due if said and due is not None and later is not None else None
    said += _stretched(old, new, is_over=is_over)
    lit = _lit_since(pair, due, context) if said else None
    if lit is None:
        return []
    words = f"{'；'.join(said)}，此前 {say(lit, None, context.zone)} 起已亮灯或到期"
    return [_found(FindingCode.T3, pair, words, size)]


def _stretched(old: Case, new: Case, *, is_over: bool) -> list[str]:
    """Limits counted in days that are longer now, in whichever unit, or no longer there though the case goes on."""
    said: list[str] = []
    for name, word in _LIMITS.items():
        (was, was_unit), (now, now_unit) = _limit(old, name), _limit(new, name)
        if was <= 0:
            continue
        becomes = ""
        if now * _FIFTHS[now_unit] > was * _FIFTHS[was_unit]:
            becomes = f"延至 {now} {now_unit}"
        elif now <= 0 and not is_over and not _is_unreadable(new, name):
            becomes = "改为空"
        if becomes:
            said.append(f"{word}由 {was} {was_unit}{becomes}")
    return said


def _limit(body: Case, name: str) -> tuple[int, str]:
    """A limit and its unit; one of no days, or fewer, is none: offices write 0 and -1."""
    is_calendar = name == "promised" and body.promised_unit == "days"
    return max(0, getattr(body, name) or 0), "天" if is_calendar else "个工作日"


def _is_unreadable(body: Case, name: str) -> bool:
    """Something stands there that nobody can read; a zero date states nothing."""
    return any(digit in body.invalid.get(name, "") for digit in "123456789")


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
        was, now = _last_told(pair, "status", context), new.status
        if was is not None and now is not None and _STAGE[now] < _STAGE[was]:
            return f"状态由“{was.word}”退回“{now.word}”"
    stated = instant(old.finished_at, context.zone)
    gone = instant(new.finished_at, context.zone) is None and "finished_at" not in new.invalid
    if stated is not None and gone and not is_ahead(old.finished_at, stated, still_at(pair), context.zone):
        becomes = f"改为 {say(None, new.finished_at, context.zone)}" if new.finished_at else "被清空"
        return f"已报的办结时间 {say(stated, old.finished_at, context.zone)} {becomes}"
    return ""


def _last_told(pair: Pair, name: str, context: Context) -> Any:
    """What the row said before, or had said before it was emptied; None where nobody knows."""
    step: Pair | None = pair
    while step is not None and step.before is not None and step.before.op is not Op.DELETE:
        said = getattr(step.before.body, name, None)
        if said:
            return said
        step = completion.previous(step.before, context)
    return None


def _swapped(pair: Pair, context: Context) -> str:
    before, after = pair.before, pair.after
    assert before is not None
    name = "responsible" if isinstance(before.body, Case) else "actor"
    was, now = _last_told(pair, name, context), _text(after, name)
    if not was or not now or was == now:
        return ""
    due = instant(_text(before, "deadline") or _text(before, "due_at"), context.zone)
    ended = before.body.finished_at is not None
    lit = None if ended else _lit_since(pair, due, context, Light.RED)
    return "" if lit is None else f"逾期（{say(lit, None, context.zone)} 起）之后更换了经办人"


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
    words = (
        f"内容在 {say(at, None, context.zone)} 之后被改，而修改时间仍写 {say(claimed, text, context.zone)}"
    )
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


def lateness(pair: Pair, context: Context) -> list[Late]:
    """How late the newest version of a pair states what it is the first to state; empty: not late, or not known.

    By the source's own recording time where it has one, else by our observation. The first load of a source, of which
    nobody knows when it was entered, has no lateness. An entry that is a finding as well is late all the same.
    """
    if pair.after.op is Op.DELETE:
        return []
    is_case = isinstance(pair.after.body, Case)
    names = ("accepted_at", "received_at") if is_case else ("finished_at", "started_at")
    name = next((name for name in names if _text(pair.after, name)), "")
    found = []
    if name and not _text(pair.before, name):
        found.append(_late(pair, name, _recorded(pair, context), context))
    if is_case:
        seen = completion.seen_open(pair, context)
        found.append(
            _late(pair, "finished_at", None if seen is None else seen.at - context.clock_err, context)
        )
    return [item for item in found if item is not None]


def _late(pair: Pair, name: str, recorded: int | None, context: Context) -> Late | None:
    stated = instant(_text(pair.after, name), context.zone)
    if stated is None or recorded is None or recorded - stated <= context.tolerance.late:
        return None
    return Late(name, stated, recorded - stated)


def _recorded(pair: Pair, context: Context) -> int | None:
    """The earliest instant at which a version can have been entered."""
    after = pair.after
    told = _text(after, "recorded_at")
    recorded = instant(told, context.zone)
    if recorded is not None:
        return (
            recorded - DAY if is_day(told, context.zone) else recorded
        )  # the beginning of the day it was recorded on
    seen = after.same_until or context.absent_until if pair.before is None else still_at(pair)
    return None if seen is None else min(seen, after.cap_at) - context.clock_err


def _text(item: Version | None, name: str) -> str | None:
    value = getattr(item.body, name, None) if item is not None else None
    return value if isinstance(value, str) else None
