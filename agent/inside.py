"""`mingcha-agent buffer`: what lies in the buffer's files, for technicians. Reads only, beside the running agent."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from agent import files, look
from agent import label as labels
from agent.closed import Closed
from agent.core.chained import Chained
from agent.label import Label
from common.core import crypto, mask, record
from common.core.crypto import DamagedError
from common.core.record import RecordKind
from common.core.rest import DataKey

_PAGE = 1_000
_KINDS = {
    RecordKind.CASE: "办件",
    RecordKind.STEP: "环节",
    RecordKind.OBSERVATION: "观察",
    RecordKind.PASS: "采集轮次",
    RecordKind.GAP: "缺号声明",
    RecordKind.EVENT: "事件",
    RecordKind.CHECKPOINT: "签名点",
    RecordKind.RESULT: "命令结果",
    RecordKind.INDEX_ROOT: "索引根",
    RecordKind.CAMERA: "摄像机",
    RecordKind.SEAT: "座位",
}
_FATES = {"": "待送", "damaged": "损坏或曾打不开，已搁置", "kept": "不可发送，已搁置"}
_WHYS = {
    "does not open": "打不开",
    "is not what was chained": "内容与链值不符",
    "not in its segment": "不在它的文件里",
}
"""Of numbers in the quarantine."""


class File(Struct, frozen=True):
    """One segment. `first`: its first number; `key`: id of the master key that opens it, empty if none does."""

    path: Path
    fate: str
    epoch: bytes
    first: int
    bytes: int
    alg: str
    key: str
    label: Label | None
    wall: int = 0

    @property
    def is_open(self) -> bool:
        """The one that is written."""
        return self.path.name == "buffer.db"


class Found(Struct, frozen=True):
    """What reading a whole file brought. `holes`: numbers that should be there and are not, do not open, or are not what
    was chained."""

    records: int
    holes: list[tuple[int, int]]
    kinds: dict[RecordKind, int]
    from_wall: int
    to_wall: int


class Refused(Struct, frozen=True):
    """Something that waits for a person: numbers or a row, and why."""

    what: str
    why: str
    wall: int


def segments(buffer: Path, keks: Sequence[bytes]) -> list[File]:
    """Every file of the buffer, the written one last."""
    found = [_file(item.path, item.fate, keks, item.since_wall) for item in files.found(buffer)]
    return found + ([_file(buffer, "", keks)] if buffer.exists() else [])


def _file(path: Path, fate: str, keks: Sequence[bytes], wall: int = 0) -> File:
    copies = labels.copies(path, labels.inside(path) or _told(path))
    known = [(label, kek) for label in copies for kek in keks if _opens(label, kek)]
    label = known[0][0] if known else copies[0] if copies else None
    return File(
        path=path,
        fate=fate,
        epoch=label.epoch if label else b"",
        first=label.first if label else 0,
        bytes=path.stat().st_size,
        alg=label.alg if label else "",
        key=crypto.key_id(known[0][1]) if known else "",
        label=label,
        wall=wall,
    )


def _told(path: Path) -> list[bytes]:
    """The label of a segment whose first pages are still in its write-ahead log."""
    with suppress(sqlite3.Error):
        return [row[0] for row in look.rows(path, "SELECT CAST(body AS BLOB) FROM label")]
    return []


def _opens(label: Label, kek: bytes) -> bool:
    with suppress(DamagedError):
        labels.unlock(label, [kek])
        return True
    return False


def read(file: File, keks: Sequence[bytes]) -> Found:
    """Open every record of it. Raises sqlite3.Error where the written one cannot be read at all."""
    kinds: Counter[RecordKind] = Counter()
    walls: list[int] = []
    seqs: list[int] = []
    for seq, raw in Chained().sound(_records(file, keks)):
        seqs.append(seq)
        with suppress(msgspec.MsgspecError):
            item = record.decode_record(raw)
            kinds[item.kind] += 1
            walls = [min([item.cap_wall, *walls[:1]]), max([item.cap_wall, *walls[1:]])]
    lo, hi = walls or (0, 0)
    return Found(len(seqs), _holes(seqs, _there(file)), dict(kinds), lo, hi)


def _records(file: File, keks: Sequence[bytes]) -> Iterator[tuple[int, bytes, bytes]]:
    if file.label is None:
        return
    if not file.is_open:
        closed = Closed(file.path, file.label.site, file.label.epoch, file.label.first, 1 << 62)
        closed.open(keks)
        with closing(closed):
            seq = file.label.first
            while page := closed.read(seq, 1 << 62, _PAGE):
                yield from page
                seq = page[-1][0] + 1
        return
    key = labels.unlock(file.label, keks)
    yield from _written(file.path, file.label, key)


def _written(path: Path, label: Label, key: DataKey) -> Iterator[tuple[int, bytes, bytes]]:
    with closing(look.opened(path)) as db:
        for seq, blob in db.execute("SELECT seq, CAST(blob AS BLOB) FROM outbox ORDER BY seq"):
            with suppress(DamagedError):
                yield seq, *key.open((label.site, label.epoch, seq), blob)


def _there(file: File) -> set[int]:
    """Numbers for which the written file has a row, whether it opens or not."""
    if not file.is_open:
        return set()
    return {row[0] for row in look.rows(file.path, "SELECT seq FROM outbox")}


def _holes(seqs: Sequence[int], there: Iterable[int]) -> list[tuple[int, int]]:
    known = set(seqs)
    wanted = set(there) | (set(range(seqs[0], seqs[-1] + 1)) if seqs else set())
    found: list[tuple[int, int]] = []
    for seq in sorted(wanted - known):
        if found and found[-1][1] == seq - 1:
            found[-1] = found[-1][0], seq
        else:
            found.append((seq, seq))
    return found


def quarantine(buffer: Path) -> list[Refused]:
    """What was set aside one by one. Raises sqlite3.Error."""
    numbers = look.rows(buffer, "SELECT first, last, why, at_wall FROM quarantine ORDER BY first")
    rows = look.rows(buffer, "SELECT tbl, key, reason, at_wall FROM bad_row ORDER BY at_wall")
    refused = look.rows(buffer, "SELECT first, last, code, at_wall FROM refusal ORDER BY first")
    return [
        *(
            Refused(f"损坏的记录 {_numbers(lo, hi)}", _WHYS.get(why, why), wall)
            for lo, hi, why, wall in numbers
        ),
        *(
            Refused(f"隔离的行 {table} 主键 {mask.key(key)}", mask.numbers(why), wall)
            for table, key, why, wall in rows
        ),
        *(Refused(f"市中心拒收 {_numbers(lo, hi)}", code, wall) for lo, hi, code, wall in refused),
    ]


def word(file: File) -> str:
    """What becomes of it. One that no key here opens says nothing of whether it is sound."""
    if file.is_open:
        return "正在写"
    return "打不开，已搁置" if file.fate == "damaged" and not file.key else _FATES[file.fate]


def kinds_said(found: Found) -> str:
    """How many of each kind, in words."""
    return "，".join(f"{_KINDS[kind]} {count:,}" for kind, count in sorted(found.kinds.items()))


def _numbers(lo: int, hi: int) -> str:
    return str(lo) if lo == hi else f"{lo}-{hi}"


def shown(holes: Sequence[tuple[int, int]], most: int = 5) -> str:
    """The first few, and how many numbers there are in all."""
    count = sum(hi - lo + 1 for lo, hi in holes)
    listed = "、".join(_numbers(lo, hi) for lo, hi in holes[:most])
    return f"{listed}{' 等' if len(holes) > most else ''}（{count} 条）"
