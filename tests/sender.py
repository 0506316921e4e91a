"""A site's box reduced to its wire: numbers, chain, seal and hello made with the product's own codec."""

import hashlib
import os
from collections.abc import Sequence
from typing import Any

from common.core import batch, checkpoint, crypto, message, pack, record, topics
from common.core.batch import Header, Lane
from common.core.instant import SECOND
from common.core.record import Anew, Body, Case, Gap, Op, Pass, Record, RecordKind

WIRE_SECRET = b"w" * 32
WIRE_KEY = crypto.wire_public(WIRE_SECRET)
SECRETS = {crypto.key_id(WIRE_KEY): WIRE_SECRET}
SIGN_SECRET = b"s" * 32
SIGN_KEY = crypto.sign_public(SIGN_SECRET)


class Sender:
    """One epoch of one box. `number` records, then put runs of them into batches."""

    def __init__(self, site: str = "s01", generation: int = 1, sign_secret: bytes = SIGN_SECRET) -> None:
        self.site = site
        self.generation = generation
        self.sign_secret = sign_secret
        self.epoch = os.urandom(8)
        self.wire_key = WIRE_KEY
        self.raws: list[bytes] = []
        self.chain = [crypto.chain_start(site, self.epoch, self.sign_key)]

    @property
    def sign_key(self) -> bytes:
        return crypto.sign_public(self.sign_secret)

    @property
    def newest(self) -> int:
        return len(self.raws)

    def number(self, *drafts: Record) -> None:
        for draft in drafts:
            seq = self.newest + 1
            raw = record.encode_record(_numbered(draft, seq))
            self.raws.append(raw)
            self.chain.append(crypto.chain_next(self.chain[-1], seq, raw))

    def sign(self) -> None:
        """Number a checkpoint of all before it."""
        made = checkpoint.signed(
            self.sign_secret, self.site, self.epoch, self.newest, self.chain[-1], self.newest
        )
        self.number(draft(made))

    def sign_former(self, former: "Sender") -> None:
        """Number a checkpoint of all that an earlier epoch has delivered."""
        made = checkpoint.signed(
            self.sign_secret, self.site, former.epoch, former.newest, former.chain[-1], 0, former=True
        )
        self.number(draft(made))

    def lose(self, lo: int, hi: int) -> None:
        """Declare these numbers as damaged, with the record behind them as anchor."""
        anchor = hashlib.sha256(self.raws[hi]).digest()
        self.number(draft(Gap(lo, hi, "damaged", hi + 1, self.chain[hi + 1], anchor, self.chain[lo - 1])))

    def payload(
        self,
        first: int = 1,
        last: int = 0,
        lane: Lane = Lane.LIVE,
        schema: int = record.SCHEMA,
        sent_wall: int = 0,
    ) -> bytes:
        """The batch of `first..last` (0: newest), sent at `sent_wall` of the box's clock."""
        last = last or self.newest
        header = Header(
            site=self.site,
            epoch=self.epoch,
            lane=lane,
            first=first,
            last=last,
            schema=schema,
            key=crypto.key_id(self.wire_key),
            alg=crypto.WIRE,
            comp="zstd",
            prev_hash=self.chain[first - 1],
            last_hash=self.chain[last],
            created_wall=sent_wall,
            dict=pack.NEWEST,
        )
        return batch.encode(header, self.raws[first - 1 : last], self.wire_key, self.sign_secret)

    def hello(self, connection: str = "c") -> bytes:
        hello = message.Hello(
            site=self.site,
            generation=self.generation,
            epoch=self.epoch,
            connection=connection,
            version="0.1.0",
            newest=self.newest,
            head_hash=self.chain[-1],
            at_wall=0,
        )
        return message.encode_signed(hello, topics.hello(self.site), self.sign_secret)


def _numbered(draft: Record, seq: int) -> Record:
    return Record(seq, *(getattr(draft, name) for name in Record.__struct_fields__[1:]))


def draft(
    body: Body,
    *,
    key: str = "",
    table: str = "",
    version: int = 1,
    op: Op = Op.PUT,
    at: int = 0,
    wall: int = 0,
) -> Record:
    """A record without its number; `at` and `wall` are when it was captured."""
    kind = record.kind_of(body)
    table = table or (kind.value if kind in {RecordKind.CASE, RecordKind.STEP} else "")
    digest = crypto.keyed_digest(b"d" * 32, record.encode_body(body)) if table else b""
    return Record(0, kind, table, key, version, op, None, at, wall or at, 0, digest, record.encode_body(body))


def case(key: str, *, at: int = 0, version: int = 1, wall: int = 0, **fields: Any) -> Record:
    body = Case(case_key=key, case_no=f"SL{key}", **fields)
    return draft(body, key=key, version=version, at=at, wall=wall)


def passed(
    until: int,
    tables: Sequence[str] = ("case", "step"),
    mapped: Sequence[str] = (),
    anew: Anew | None = None,
) -> Record:
    """A clean round that began at `until` and ended a second later."""
    return draft(Pass(until, dict.fromkeys(tables, 1), list(mapped), anew, 0), at=until + SECOND)
