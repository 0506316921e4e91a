"""What ratings and complaints add to the counts of `measure.py`. Pure.

A rating counts on its day, and not at all once a person has set it aside. What is to be mended counts once for each time an office
had it: on the day it reported, or on the last day if that passed first, and only then against it. Neither a bad rating nor a
complaint is by itself held against anybody: that somebody complained proves nothing, that nobody answered in time is a fact.

A call-back (回访) counts once for each answer that was to be followed by one: on the day of the first try, or on its last day if that
passed first. It counts at the office whose answer it is about, and not against it: the centre calls.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct

from central.core import complaint, rating
from central.core.measure import Added

ASIDE = "经审核不计入"


class Happened(Struct, frozen=True):
    """One entry: on which day, what, where it stood afterwards; of a complaint, with whom. `passed`: of a lapse, the last day."""

    day: date
    event: str
    after: str
    site: str = ""
    org: str = ""
    passed: date | None = None


def rated(level: rating.Level, day: date, *, is_aside: bool, events: Sequence[Happened]) -> Iterator[Added]:
    """What one rating of `day` adds; `events` in their order."""
    if is_aside:
        yield Added(day, "rating_of", ASIDE)
        return
    yield Added(day, "rating_of")
    if level.points:
        yield Added(day, "rating_points", count=level.points)
    yield Added(day, "rating_bad" if level.is_bad else "rating_good")
    waits, owed = level.is_bad, False
    for one in events:
        if one.event == rating.Event.MEND:
            owed = True
        elif owed and (one.event in _CALLED or (one.passed is not None and one.after == rating.State.MENDED)):
            yield from _call(one.day, one.passed)
            owed = False
        if one.event == rating.Event.AGAIN:
            waits = True
        elif waits and one.event == rating.Event.MEND:
            yield Added(one.day, "complaint_of")
            waits = False
        elif waits and one.passed is not None and one.after == rating.State.MENDING:
            yield Added(one.passed, "complaint_of")
            yield Added(one.passed, "complaint_slow")
            waits = False


_CALLED = frozenset({rating.Event.CONTENT, rating.Event.AGAIN, rating.Event.UNREACHED})


def _call(day: date, passed: date | None) -> Iterator[Added]:
    """Tried on `day`; `passed`: the last day passed, and nobody had called."""
    yield Added(passed or day, "callback_of")
    if passed is not None:
        yield Added(passed, "callback_slow")


class Round(Struct):
    """The time for which one office had a complaint at one level. `ended`: it reported, or the hall answered by itself. `calls`: of
    each answer's call-back, the day of the first try, or the last day that passed without one.
    """

    site: str
    org: str
    level: int
    given: date
    ended: date | None = None
    passed: date | None = None
    unsolved: date | None = None
    calls: list[tuple[date, date | None]] = []


def rounds(events: Sequence[Happened]) -> list[Round]:
    """Of one complaint; `events` in their order."""
    found: list[Round] = []
    now: Round | None = None
    level, owed = 1, False
    for one in events:
        if one.event == complaint.Event.REPLY:
            owed = True
        elif owed and now is not None and one.event in {*complaint.HEARD, complaint.Event.CALL_LAPSE}:
            now.calls.append((one.day, one.passed))
            owed = False
        if one.event == complaint.Event.ASSIGN:
            now = Round(one.site, one.org, level, one.day)
            found.append(now)
        elif now is None:
            continue
        elif one.event in {complaint.Event.ANSWER, complaint.Event.REPLY}:
            now.ended = now.ended or one.day
        elif one.event == complaint.Event.LAPSE and now.passed is None:
            now.passed = one.passed
        elif one.event in {complaint.Event.UNSOLVED, complaint.Event.HEARD_UNSOLVED}:
            now.unsolved, now, level = one.day, None, level + 1
    return found


def complained(one: Round) -> Iterator[Added]:
    """What one round adds to its office. What was handed on after the last day, nobody there could keep."""
    yield Added(one.given, "complaint")
    is_slow = one.passed is not None and one.given <= one.passed and (one.ended or date.max) > one.passed
    day = one.passed if is_slow else one.ended
    if day is not None:
        yield Added(day, "complaint_of")
        if is_slow:
            yield Added(day, "complaint_slow")
    if one.unsolved is not None:
        yield Added(one.unsolved, "complaint_unsolved")
    for called, passed in one.calls:
        yield from _call(called, passed)
