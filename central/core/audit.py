"""What the hall holds of one epoch, followed along its chain: was anything dropped, put elsewhere or altered?

Theory. The box chained every record and signed the chain now and then (checkpoints). Whoever has the hall's database can
change rows, columns and the cursor, but he cannot sign: each stretch between two checkpoints either hashes to what the box
signed, or is reported. Behind the newest checkpoint the chain is compared with the cursor only, until the box signs again.
Where numbers were lost the gap's record names an anchor, from which the chain goes on. Memory does not grow with the epoch.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from central.core.flaw import Finding, What
from central.core.passes import begun_at
from common.core import crypto
from common.core.checkpoint import is_signed_by
from common.core.instant import DAY
from common.core.ranges import Range
from common.core.record import Anew, Checkpoint, Gap, Pass, Record, decode_body, decode_record
from common.core.state import LetterState

UNSIGNED = DAY  # a box signs every ten minutes while records come: a tail that is older proves nothing
_REMEMBERED = 2_048
"""Chain values kept for checkpoints that were numbered a little later than what they sign."""


class Entry(Struct, frozen=True):
    """One kept number. `raw`: the bytes in the chain. `columns`: what was written beside a record, by name.

    A dead letter has none while nobody has read it. `repaired`: the bytes that were taken in instead; `letter`: what
    became of it. `vouched`: whoever may do so has said why it does not count: the box, that a parked batch is of another
    schema; lines of the audit, that the letter was unreadable when it came, and who settled it.
    """

    seq: int
    raw: bytes
    columns: dict[str, Any] | None
    received_at: int = 0  # office time; of a record
    repaired: bytes = b""
    letter: LetterState | None = None
    parked: bool = False
    vouched: bool = False


class Claim(Struct, frozen=True, kw_only=True):
    """What the hall says it holds of an epoch, and who wrote it."""

    site: str
    epoch: bytes
    sign_key: bytes
    held: Sequence[Range]
    newest: int
    witnesses: Sequence[Checkpoint] = ()  # of this epoch, from later ones of its box
    is_ended: bool = False  # its box will sign no more of it
    reached: Mapping[
        int, bytes
    ] = {}  # number up to which the audit says that all was held -> chain value at it, or empty
    lost: Sequence[
        tuple[int, int]
    ] = ()  # runs that by the audit were not held when the box declared them lost


class Audit:
    """`feed` every entry of the epoch in order of numbers, then `finish`; findings are collected."""

    def __init__(self, claim: Claim, gaps: Iterable[Gap]) -> None:
        self._claim = claim
        self._witnesses = {
            item.seq: item.chain
            for item in claim.witnesses
            if is_signed_by(claim.sign_key, claim.site, claim.epoch, item)
        }
        self._gaps = sorted(gaps, key=lambda gap: gap.lo)
        self._chain = crypto.chain_start(claim.site, claim.epoch, claim.sign_key)
        self._seq = 0
        self._latest: int | None = None
        self._signed: tuple[int, int | None] = 0, None
        """Number of the last signature, and the latest capture up to it; before there is one, of the first record."""
        self._cap_at: int | None = None
        self._values: deque[tuple[int, bytes]] = deque(maxlen=_REMEMBERED)
        self._unproven: list[int] = []
        self.findings: list[Finding] = []
        self.records = 0
        self.proven = 0
        """The highest number that the box's signature covers."""
        self.anew: defaultdict[str, dict[Anew, tuple[int, int]]] = defaultdict(dict)
        """Table -> what passes said of it: from where its rows were sent anew -> (number, start) of the last that did."""

    def feed(self, entry: Entry) -> None:
        """The next kept number."""
        item = decoded(entry.repaired or entry.raw)
        at = item.cap_at if item is not None else None
        if entry.seq > self._seq + 1:
            self._hole(self._seq + 1, entry.seq - 1, at)
        self._cap_at = at if at is not None else self._cap_at
        if at is not None:
            self._latest = max(self._latest or at, at)
        if self._signed[1] is None:
            self._signed = 0, self._latest
        before = self._chain
        self._chain = self._next(entry, before)
        self._seq = entry.seq
        self._remember()
        if not any(part.lo <= entry.seq <= part.hi for part in self._claim.held):
            self._found(What.CURSOR, entry.seq, entry.seq, "有记录而游标说没有")
        self._uncounted(entry)
        if entry.columns is None:
            return
        self.records += 1
        if item is None:
            self._found(What.ALTERED, entry.seq, entry.seq, "读不出")
            return
        if item.seq != entry.seq:
            self._found(What.MISPLACED, entry.seq, entry.seq, f"记录自己的编号是 {item.seq}")
        differing = [name for name, value in entry.columns.items() if _column(item, name) != value]
        if differing:
            self._found(What.COLUMNS, entry.seq, entry.seq, "、".join(differing))
        self._statement(entry, item, before)

    def _uncounted(self, entry: Entry) -> None:
        """A record that was set aside unread must be unreadable, or somebody must have said why."""
        state = entry.letter or LetterState.OPEN
        if entry.parked:
            what = What.PARKED if entry.vouched else What.HIDDEN
            detail = "" if entry.vouched else "站点没有签名说过它是新格式"
        elif entry.columns is not None and entry.letter is None:
            return
        elif not entry.vouched:
            what, detail = What.HIDDEN, f"死信{state.word}，审计里没有它收到时读不出，或没有人办过"
        elif entry.columns is not None and state is not LetterState.REINJECTED:
            what, detail = What.ALTERED, f"死信{state.word}，却有记录计入"
        elif entry.columns is None and state is LetterState.REINJECTED:
            what, detail = What.MISSING, "死信已计入，而没有记录"
        elif self._is_contradicted(entry):
            what, detail = What.ALTERED, "站点在检查点里签的是另一条链"
        elif state is LetterState.OPEN and self._is_readable(entry):
            what, detail = What.HIDDEN, "读得出，却列为死信"
        else:
            what, detail = What.DEAD, state.word
        self._found(what, entry.seq, entry.seq, detail)

    def _is_contradicted(self, entry: Entry) -> bool:
        """Whether it is a checkpoint that the box has signed over something else than what is here before it."""
        body = _checkpoint_in(entry.raw)
        if body is None or body.epoch:
            return False
        differs = dict(self._values).get(body.seq, body.chain) != body.chain
        return differs and is_signed_by(self._claim.sign_key, self._claim.site, self._claim.epoch, body)

    def _is_readable(self, entry: Entry) -> bool:
        """Whether the hall, as it is now, would have taken it for what it is."""
        item = decoded(entry.raw)
        try:
            body = None if item is None or item.seq != entry.seq else decode_body(item)
        except msgspec.MsgspecError:
            return False
        if not isinstance(body, Checkpoint):
            return body is not None
        is_known = bool(body.epoch) or dict(self._values).get(body.seq) == body.chain
        return is_known and is_signed_by(self._claim.sign_key, self._claim.site, self._claim.epoch, body)

    def _statement(self, entry: Entry, item: Record, before: bytes) -> None:
        """What the site says of itself."""
        try:
            body = decode_body(item)
        except msgspec.MsgspecError:
            self._found(What.ALTERED, entry.seq, entry.seq, "读不出")
            return
        if isinstance(body, Checkpoint):
            self._checkpoint(entry, body, before)
        elif isinstance(body, Pass) and body.anew is not None:
            began = begun_at(body, entry.received_at)
            if began is not None:
                for table in body.tables:
                    self.anew[table][body.anew] = entry.seq, began

    def finish(self, now_at: int) -> None:
        """After the last entry: what should have come behind it, and whether the cursor agrees. `now_at`: office time."""
        held = [part.hi for part in self._claim.held]
        last = max([self._claim.newest, *held, *self._witnesses, *self._claim.reached])
        if last > self._seq:
            self._hole(self._seq + 1, last, None)
        self._flush_unproven()
        if self._claim.is_ended and self.proven < self._seq:
            self._found(What.UNPROVEN, self.proven + 1, self._seq, "没有签名")
        elif self._is_old(now_at):
            self._found(What.UNPROVEN, self.proven + 1, self._seq, "超过一天没有签名")

    def _is_old(self, now_at: int) -> bool:
        since = self._signed[1]
        unsigned = max(self._signed[0], self.proven) < self._seq
        return unsigned and since is not None and now_at - since > UNSIGNED

    def _next(self, entry: Entry, before: bytes) -> bytes:
        """The chain value at `entry`, which follows `before`; empty where nothing says so."""
        if before:
            return crypto.chain_next(before, entry.seq, entry.raw)
        anchor = next((gap for gap in self._gaps if gap.anchor == entry.seq and gap.record), None)
        if anchor is not None:
            if crypto.record_hash(entry.raw) != anchor.record:
                self._found(What.ALTERED, entry.seq, entry.seq, "与缺口后的锚不符")
            return anchor.chain
        self._unproven.append(entry.seq)
        return b""

    def _remember(self) -> None:
        """Keep the chain value, and compare it with what the cursor says where a range ends."""
        if not self._chain:
            return
        self._flush_unproven()
        self._values.append((self._seq, self._chain))
        for part in self._claim.held:
            if part.hi == self._seq and part.at and part.at != self._chain:
                self._found(What.ALTERED, self.proven + 1, self._seq, "与游标记下的链值不符")
        if self._claim.reached.get(self._seq, b"") not in {b"", self._chain}:
            self._found(What.ALTERED, self.proven + 1, self._seq, "与审计写下的链值不符")
        witness = self._witnesses.get(self._seq, self._chain)
        if witness != self._chain:
            self._found(What.ALTERED, self.proven + 1, self._seq)
        if self._seq in self._witnesses:
            self.proven = self._seq

    def _checkpoint(self, entry: Entry, body: Checkpoint, before: bytes) -> None:
        if not is_signed_by(self._claim.sign_key, self._claim.site, self._claim.epoch, body):
            self._found(What.SIGNATURE, entry.seq, entry.seq)
            return
        if body.epoch:
            return
        known = dict(self._values).get(body.seq)
        if known is not None and known != body.chain:
            self._found(What.ALTERED, self.proven + 1, body.seq)
        self.proven = max(self.proven, body.seq)
        self._signed = entry.seq, self._latest
        if body.seq == entry.seq - 1 and before != body.chain:  # go on from what was signed
            if entry.seq in self._unproven:
                self._unproven.remove(entry.seq)
                self._flush_unproven()
            signed = crypto.chain_next(body.chain, entry.seq, entry.raw)
            if not before and self._chain not in {b"", signed}:
                self._found(What.ALTERED, entry.seq, entry.seq, "与缺口后的锚不符")
            self._chain = signed
            self._values.append((entry.seq, self._chain))

    def _hole(self, lo: int, hi: int, to_at: int | None) -> None:
        """No entry for `lo..hi`: declared, never arrived, or taken away."""
        self._chain = next(
            (gap.chain for gap in self._gaps if gap.anchor == hi and not gap.record),
            next((part.before for part in self._claim.held if part.lo == hi + 1), b""),
        )
        start = lo
        while start <= hi:
            what, end = self._absent(start, hi)
            if what is What.DECLARED:
                self._before_loss(start)
            self._found(what, start, end, to_at=to_at)
            start = end + 1

    def _before_loss(self, lo: int) -> None:
        """What lies before a loss is proven by the chain value that the loss's record names, or by nothing."""
        before = next((gap.before for gap in self._gaps if gap.lo == lo), b"")
        known = dict(self._values).get(lo - 1)
        if before and known == before:
            self.proven = lo - 1
        elif before and known is not None:
            self._found(What.ALTERED, self.proven + 1, lo - 1)
        elif self.proven < lo - 1 and self._seq == lo - 1:
            self._found(What.UNPROVEN, self.proven + 1, lo - 1, "缺口之前没有签名")

    def _absent(self, seq: int, hi: int) -> tuple[What, int]:
        """Why `seq` is not there, and up to where that is so."""
        gap = next((gap for gap in self._gaps if gap.lo <= seq <= gap.hi), None)
        run = next((run for run in self._claim.lost if run[0] <= seq <= run[1]), None)
        if gap is not None and run is not None:
            return What.DECLARED, min(hi, gap.hi, run[1])
        ends = [gap.lo - 1 for gap in self._gaps if gap.lo > seq]
        ends += [lo - 1 for lo, _ in self._claim.lost if lo > seq]
        part = next((part for part in self._claim.held if part.lo <= seq <= part.hi), None)
        if part is not None:
            return What.MISSING, min([hi, part.hi, *ends])
        reached = max(self._claim.reached, default=0)
        if seq <= reached:
            return What.MISSING, min([hi, reached, *ends])
        return What.PENDING, min([hi, *ends, *(part.lo - 1 for part in self._claim.held if part.lo > seq)])

    def _flush_unproven(self) -> None:
        if self._unproven:
            self._found(What.UNPROVEN, self._unproven[0], self._unproven[-1])
            self._unproven.clear()

    def _found(self, what: What, lo: int, hi: int, detail: str = "", to_at: int | None = None) -> None:
        finding = Finding(
            what=what, lo=lo, hi=hi, detail=detail, from_at=self._cap_at, to_at=to_at or self._cap_at
        )
        last = self.findings[-1] if self.findings else None
        if last is not None and (last.what, last.hi + 1, last.detail) == (what, lo, detail):
            self.findings[-1] = msgspec.structs.replace(last, hi=hi, to_at=finding.to_at)
            return
        self.findings.append(finding)


def decoded(raw: bytes) -> Record | None:
    """None for what is no record."""
    try:
        return decode_record(raw)
    except msgspec.MsgspecError:
        return None


def _checkpoint_in(raw: bytes) -> Checkpoint | None:
    item = decoded(raw)
    try:
        body = None if item is None else decode_body(item)
    except msgspec.MsgspecError:
        return None
    return body if isinstance(body, Checkpoint) else None


_COLUMNS = {"tbl": "table"}


def _column(item: Record, name: str) -> Any:
    value = getattr(item, _COLUMNS.get(name, name))
    return value.value if isinstance(value, StrEnum) else value
