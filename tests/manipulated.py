"""A seeded city's history as its boxes would number it, honest but for the manipulations that are put into it."""

import random
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core import record
from common.core.instant import DAY, HOUR, MINUTE, from_us, parse_when
from common.core.record import Case, Cause, Observation, Op, Record, Step
from common.core.state import CaseStatus, FindingCode
from tests.sender import draft

ZONE = ZoneInfo("Asia/Shanghai")
START = parse_when("2026-03-02T09:00", ZONE)
END = START + 90 * DAY
NOTICED = 30 * 1_000_000
"""How long after a change the box sees it."""
Planted = tuple[str, str, FindingCode]
"""(table, key, code)."""


class History(Struct):
    """Drafts in the order of capture, and what the hall must find in them."""

    drafts: list[Record]
    planted: set[Planted]


class _Row:
    """One source row while its versions are made; every change is seen half a minute later."""

    def __init__(self, table: str, key: str, body: Case | Step, at: int) -> None:
        self.table, self.key, self.body, self.at = table, key, body, at
        self.drafts: list[Record] = []
        self.put(body, at)

    def put(
        self,
        body: Case | Step,
        at: int,
        *,
        cause: Cause = Cause.SOURCE,
        silent: bool = False,
        op: Op = Op.PUT,
    ) -> None:
        """The row as it stands from `at` on; `silent`: its modification time is left as it was."""
        seen = at + NOTICED
        version = len(self.drafts) + 1
        made = draft(body, key=self.key, table=self.table, version=version, op=op, at=seen)
        src = self.drafts[-1].src_at if silent else text(at)
        same = at - MINUTE if self.drafts else None
        self.drafts.append(replace(made, src_at=src, cause=cause, same_until=same))
        self.body, self.at = body, at


def text(at: int) -> str:
    return from_us(at, ZONE).isoformat()


def history(site: str, seed: int, honest: int, each: int) -> History:
    """`honest` cases with steps, and `each` of every manipulation, on rows of their own."""
    chance = random.Random(f"{site}/{seed}")
    rows: list[_Row] = []
    planted: set[Planted] = set()
    for number in range(honest):
        rows += _honest(f"H{number:05}", chance)
    for name, live in HONEST.items():
        rows += [live(f"{name}-{number:04}", chance) for number in range(each)]
    for name, manipulate in _MANIPULATIONS.items():
        for number in range(each):
            row = manipulate(f"{name}-{number:04}", chance)
            rows.append(row)
            planted.add((row.table, row.key, FindingCode[name[:2]]))
    drafts = [item for row in rows for item in row.drafts]
    drafts += _again(drafts, chance)
    drafts.append(_observation("source_restored", "", END))
    drafts.append(_observation("bulk_edit", "", END + MINUTE))
    planted |= {("case", "", FindingCode.T7)}
    return History(sorted(drafts, key=lambda item: item.cap_at), planted)


def _again(drafts: list[Record], chance: random.Random) -> list[Record]:
    """A tenth of the rows' records was lost and is sent once more, unchanged."""
    lost = chance.sample(drafts, len(drafts) // 10)
    return [replace(item, cause=Cause.AGAIN, cap_at=item.cap_at + HOUR) for item in lost]


def _observation(code: str, key: str, at: int) -> Record:
    body = Observation(code, "case", key, msgspec.json.encode({"rows": 120}).decode())
    made = draft(Case(case_key=""), at=at)
    return replace(
        made, kind=record.RecordKind.OBSERVATION, digest=b"", body=record.encode_body(body), table="case"
    )


def _opened(key: str, chance: random.Random, **fields: object) -> _Row:
    at = START + chance.randrange(30 * DAY)
    body = Case(
        case_key=key, case_no=f"SL{key}", accepted_at=text(at), status=CaseStatus.ACCEPTED, org="窗口"
    )
    return _Row("case", key, replace(body, applicant="王小明", responsible="李静", **fields), at)


def _later(row: _Row, chance: random.Random, least: int = 2 * DAY, most: int = 9 * DAY) -> int:
    return row.at + chance.randrange(least, most)


def _finish(row: _Row, at: int) -> None:
    row.put(replace(row.body, finished_at=text(at), status=CaseStatus.DONE), at)


def _honest(key: str, chance: random.Random) -> list[_Row]:
    """A life as most are: handed on, read by another mapping, restored, finished; steps told in time or late."""
    row = _opened(key, chance)
    if chance.random() < 0.7:
        row.put(replace(row.body, status=CaseStatus.IN_PROGRESS), _later(row, chance))
    if chance.random() < 0.2:
        # A new mapping reads a finish that nobody had read: an accusation, if it were the source's change.
        early = replace(row.body, finished_at=text(row.at - DAY), status=CaseStatus.DONE)
        row.put(early, _later(row, chance), cause=Cause.MAPPING, silent=True)
    elif chance.random() < 0.2:
        row.put(replace(row.body, accepted_at=text(row.at - DAY)), _later(row, chance), cause=Cause.RESTORED)
    if chance.random() < 0.8 and isinstance(row.body, Case) and row.body.finished_at is None:
        _finish(row, _later(row, chance))
    if chance.random() < 0.2:
        row.put(replace(row.body, org="综合窗口"), _later(row, chance))
    steps = []
    for number in range(chance.randint(1, 3)):
        at = _later(row, chance)
        happened = at - (chance.randrange(40 * DAY) if chance.random() < 0.15 else 0)
        body = Step(case_key=key, seq=number, step_name="审查", actor="李静", finished_at=text(happened))
        steps.append(_Row("step", f"{key}/{number}", body, at))
    return [row, *steps]


# what looks like a manipulation and is none --------------------------------------------------------------------------


def _entered_late(key: str, chance: random.Random) -> _Row:
    """Decided on paper, typed days later; no limit lies between."""
    row = _opened(key, chance)
    at = _later(row, chance, 4 * DAY)
    stated = text(at - chance.randrange(DAY + HOUR, 3 * DAY))
    row.put(replace(row.body, finished_at=stated, status=CaseStatus.DONE), at)
    return row


def _entered_late_and_overdue(key: str, chance: random.Random) -> _Row:
    """Decided too late, typed later still: the red light stays, whatever was typed when."""
    row, due, _ = _overdue(key, chance)
    stated = due + chance.randrange(HOUR, 2 * DAY)
    at = stated + chance.randrange(DAY + HOUR, 5 * DAY)
    row.put(replace(row.body, finished_at=text(stated), status=CaseStatus.DONE), at)
    return row


def _entered_at_once(key: str, chance: random.Random) -> _Row:
    """The whole case from the paper in one sitting, state by state."""
    row = _opened(key, chance)
    begun = row.at
    row = _Row("case", key, replace(row.body, accepted_at=text(begun - 9 * DAY)), begun)
    row.put(replace(row.body, status=CaseStatus.IN_PROGRESS), begun + chance.randrange(MINUTE, 2 * HOUR))
    stated = text(begun - chance.randrange(2 * DAY, 8 * DAY))
    done = replace(row.body, finished_at=stated, status=CaseStatus.DONE)
    row.put(done, row.at + chance.randrange(MINUTE, 9 * HOUR))
    return row


def _dated_by_day(key: str, chance: random.Random) -> _Row:
    """A column of dates; typed the next day, though the deadline was the evening before."""
    row, due, _ = _overdue(key, chance)
    midnight = due - (due + 8 * HOUR) % DAY  # of Shanghai
    row = _Row("case", key, replace(row.body, deadline=text(midnight)[:10]), row.at)
    done = replace(row.body, finished_at=text(midnight)[:10], status=CaseStatus.DONE)
    row.put(done, midnight + DAY + chance.randrange(23 * HOUR))
    return row


def _in_two_statements(key: str, chance: random.Random) -> _Row:
    """Status and date, shortly after each other or with the true date weeks later; the deadline is cleared at the end."""
    row, due, _ = _overdue(key, chance)
    at = due - chance.randrange(HOUR, DAY)
    row.put(replace(row.body, status=CaseStatus.DONE, deadline=None), at)
    later = chance.choice([MINUTE, chance.randrange(2 * MINUTE, 20 * DAY)])
    row.put(replace(row.body, finished_at=text(at)), at + later)
    return row


def _reworded(key: str, chance: random.Random) -> _Row:
    """Overdue; the same limit in another unit."""
    row, _, at = _overdue(key, chance, promised=10, promised_unit="workdays")
    row.put(replace(row.body, promised=14, promised_unit="days"), at)
    return row


HONEST = {
    "late": _entered_late,
    "overdue": _entered_late_and_overdue,
    "sitting": _entered_at_once,
    "day": _dated_by_day,
    "two": _in_two_statements,
    "unit": _reworded,
}
LATE = "late", "overdue", "sitting"
"""Kinds of honest completions that are late entries, each with its size."""

# manipulations, each of which leaves one trace ---------------------------------------------------------------------


def _overdue(key: str, chance: random.Random, **fields: object) -> tuple[_Row, int, int]:
    """A case whose stated deadline has passed while it was open. -> it, its deadline, and a later instant."""
    row = _opened(key, chance)
    due = row.at + chance.randrange(2 * DAY, 4 * DAY)
    row = _Row("case", key, replace(row.body, deadline=text(due), **fields), row.at)
    return row, due, due + chance.randrange(3 * HOUR, 9 * DAY)


def _backdated(key: str, chance: random.Random) -> _Row:
    row, due, at = _overdue(key, chance)
    row.put(replace(row.body, finished_at=text(due - chance.randrange(DAY)), status=CaseStatus.DONE), at)
    return row


def _backdated_in_two(key: str, chance: random.Random) -> _Row:
    """The status first, some time later a date that nobody can have meant then."""
    row, due, at = _overdue(key, chance)
    row.put(replace(row.body, status=CaseStatus.DONE), at)
    stated = text(due - chance.randrange(DAY))
    row.put(replace(row.body, finished_at=stated), at + chance.randrange(MINUTE, 9 * DAY))
    return row


def _moved_on(key: str, chance: random.Random) -> _Row:
    """No limit is near; but it was handed on after it is said to have ended."""
    row = _opened(key, chance)
    moved = _later(row, chance, 4 * DAY)
    row.put(replace(row.body, status=CaseStatus.IN_PROGRESS), moved)
    stated = text(moved - chance.randrange(2 * HOUR, 3 * DAY))
    row.put(replace(row.body, finished_at=stated, status=CaseStatus.DONE), _later(row, chance))
    return row


def _restated(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    _finish(row, _later(row, chance))
    at = _later(row, chance)
    assert isinstance(row.body, Case)
    assert row.body.finished_at
    moved = parse_when(row.body.finished_at, ZONE) - chance.randrange(HOUR, 2 * DAY)
    row.put(replace(row.body, finished_at=text(moved)), at)
    return row


def _reaccepted(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    row.put(replace(row.body, accepted_at=text(row.at + chance.randrange(HOUR, DAY))), _later(row, chance))
    return row


def _rereceived(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    row = _Row("case", key, replace(row.body, received_at=text(row.at - DAY)), row.at)
    row.put(replace(row.body, received_at=text(row.at - chance.randrange(DAY - HOUR))), _later(row, chance))
    return row


def _stretched(key: str, chance: random.Random) -> _Row:
    row, due, at = _overdue(key, chance)
    row.put(replace(row.body, deadline=text(due + chance.randrange(DAY, 9 * DAY))), at)
    return row


def _emptied(key: str, chance: random.Random) -> _Row:
    row, _, at = _overdue(key, chance)
    row.put(replace(row.body, deadline=None), at)
    return row


def _reunited(key: str, chance: random.Random) -> _Row:
    row, _, at = _overdue(key, chance, promised=9, promised_unit="days")
    row.put(replace(row.body, promised_unit="workdays"), at)
    return row


def _deleted(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    row.put(Case(case_key=key), _later(row, chance), op=Op.DELETE)
    return row


def _deleted_step(key: str, chance: random.Random) -> _Row:
    at = START + chance.randrange(30 * DAY)
    row = _Row("step", key, Step(case_key="H00000", step_name="审查", finished_at=text(at)), at)
    row.put(Step(case_key="H00000"), _later(row, chance), op=Op.DELETE)
    return row


def _silenced(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    row.put(replace(row.body, status=CaseStatus.IN_PROGRESS), _later(row, chance))
    row.put(replace(row.body, org="别处"), _later(row, chance), silent=True)
    return row


def _reopened(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    _finish(row, _later(row, chance))
    row.put(replace(row.body, finished_at=None, status=CaseStatus.IN_PROGRESS), _later(row, chance))
    return row


def _swapped(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    row = _Row("case", key, replace(row.body, deadline=text(row.at + DAY)), row.at)
    row.put(replace(row.body, responsible="赵刚"), _later(row, chance))
    return row


_MANIPULATIONS = {
    "T1": _backdated,
    "T1-steps": _backdated_in_two,
    "T1-moved": _moved_on,
    "T2": _restated,
    "T2-accepted": _reaccepted,
    "T2-received": _rereceived,
    "T3": _stretched,
    "T3-emptied": _emptied,
    "T3-unit": _reunited,
    "T4": _deleted,
    "T4-step": _deleted_step,
    "T5": _silenced,
    "T6": _reopened,
    "T6-person": _swapped,
}
KINDS = len(_MANIPULATIONS)
