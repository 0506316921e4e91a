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


# manipulations, each of which leaves one trace ---------------------------------------------------------------------


def _backdated(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    at = _later(row, chance, 3 * DAY)
    stated = at - chance.randrange(2 * HOUR, 3 * DAY)
    row.put(replace(row.body, finished_at=text(stated), status=CaseStatus.DONE), at)
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


def _stretched(key: str, chance: random.Random) -> _Row:
    row = _opened(key, chance)
    due = row.at + DAY
    row = _Row("case", key, replace(row.body, deadline=text(due)), row.at)
    row.put(replace(row.body, deadline=text(due + chance.randrange(DAY, 9 * DAY))), _later(row, chance))
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
    "T2": _restated,
    "T2-accepted": _reaccepted,
    "T3": _stretched,
    "T4": _deleted,
    "T4-step": _deleted_step,
    "T5": _silenced,
    "T6": _reopened,
    "T6-person": _swapped,
}
KINDS = len(_MANIPULATIONS)
