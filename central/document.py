"""Issue a document and make its files.

Two transactions. The first takes the number and freezes what the document says; the second keeps the files made of that
and their signature. Files are a function of the frozen values alone, so a hall killed between the two makes them at its
next look, and nobody waits for a typesetter inside a transaction.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import answer
from central.core import document as documents
from central.core.access import Role
from central.core.compose import Facts, compose, facts_hash
from central.core.document import Act, Issuer, Kind, Paper, number_text, refusal, verification_code
from central.core.document_forms import FORMS, form_of
from central.core.dossier import LONGEST, SHORTEST
from central.store import documents as rows
from central.store import seals, trail
from central.store.documents import Files
from central.store.engine import Store
from common.clock import Clock
from common.core import crypto
from common.core.errors import RejectedError, UnavailableError, UsageError
from common.core.instant import from_us

log = structlog.get_logger()

LOOK_SECS = 0.5
"""Between two looks for what has been signed: signed and ready within two seconds (supervision.md 5.4)."""
RETRY_SECS = 30.0
"""What could not be made is tried again after so long."""
PAGE = 50
Maker = Callable[[Paper, bytes | None], tuple[bytes, bytes, bool]]
"""Paper, picture of its seal -> PDF, DOCX, and whether the PDF is a preview: set in other faces than the standard's."""


class Order(Struct, frozen=True, kw_only=True):
    """What is to be issued, by whom. `subject` and `cycle`: what it is about, and which time. `site`, `org`: whose it is, where
    no correction says so; empty: nobody's alone.
    """

    kind: Kind
    issuer: str
    subject: str
    cycle: int = 1
    site: str = ""
    org: str | None = None
    facts: Facts
    copies: tuple[str, ...] = ()
    drafter: str
    signer: str
    role: Role  # the signer's


async def issue(conn: AsyncConnection, order: Order, secret: bytes, clock: Clock, zone: ZoneInfo) -> str:
    """Number, freeze and write the document in the caller's transaction; once however often it is asked.

    `secret`: the hall's raw private operations key. -> its code. Raises RejectedError where the signer may not sign,
    UsageError where a fact or the issuer is missing.
    """
    form = form_of(order.kind, order.facts)
    refused = refusal(form, Act.SIGN, order.signer, order.role, {Act.DRAFT: order.drafter})
    if refused:
        raise RejectedError(refused, hint="请由另一位有签发权限的人办理")
    now_at, now_wall = clock.office(), clock.wall()
    today = from_us(now_at, zone).date()
    issuer = await issuer_today(conn, order.issuer, now_at, zone)
    number = await rows.hold_series(conn, issuer.id, order.kind, today.year)
    before = await rows.find_issued(conn, order.subject, order.kind, order.cycle)
    if before is not None:
        return str(before.code)
    facts = msgspec.structs.replace(order.facts, as_of=_minute(now_at, zone))
    text = number_text(issuer.mark, order.kind, today.year, number)
    code = verification_code(secret, text, facts_hash(facts, issuer))
    paper = compose(form, facts, issuer, today.year, number, code, order.copies)
    if order.role in form.may(Act.SEAL):
        paper = msgspec.structs.replace(paper, seal=await seals.in_force(conn, issuer.id))
    title = "".join(paper.title)
    asked = answer.last_day(order.kind, facts) if order.site else None
    row = {
        "code": code,
        "issuer": issuer.id,
        "kind": order.kind.value,
        "year": today.year,
        "number": number,
        "subject": order.subject,
        "cycle": order.cycle,
        "site": order.site,
        "org": order.org,
        "number_text": text,
        "title": title,
        "paper": documents.encoded(paper),
        "facts": msgspec.json.encode(facts, order="deterministic"),
        "drafter": order.drafter,
        "signer": order.signer,
        "issued_at": now_at,
        "issued_wall": now_wall,
        "answer_by": str(asked) if asked is not None else None,
    }
    await rows.add(conn, row)
    await trail.note(conn, now_wall, order.signer, "document.issue", text, title)
    return code


def _minute(now_at: int, zone: ZoneInfo) -> datetime:
    return from_us(now_at, zone).replace(second=0, microsecond=0, tzinfo=None)


async def issuer_today(conn: AsyncConnection, name: str, now_at: int, zone: ZoneInfo) -> Issuer:
    """The issuer as it is called today. Raises UsageError where there is none."""
    today = from_us(now_at, zone).date()
    found = await rows.issuer_on(conn, name, today)
    if found is None:
        raise UsageError(
            f"没有发文机关 {name}，或它在 {today} 还没有生效",
            hint="请先用  mingcha issuer set  写入名称、版头与机关代字",
        )
    return found


async def spoil(conn: AsyncConnection, row: Row[Any], who: str, role: Role, why: str, wall: int) -> None:
    """作废: the document keeps its number and its files, and whoever asks hears that it is void.

    Raises RejectedError for a role that may not sign it, for who signed it, and for one that is void already; UsageError without a reason.
    """
    if role not in FORMS[Kind(row.kind)].may(Act.SIGN):
        raise RejectedError("文书作废须由有签发权限的人办理", hint="请由监察领导办理")
    if row.signer == who:
        raise RejectedError("签发的人不能自己作废", hint="请由另一位有签发权限的人办理")
    if not SHORTEST <= len(why) <= LONGEST:
        raise UsageError(f"作废须写明原因，{SHORTEST} 至 {LONGEST} 个字", hint="请补全后再提交")
    if not await rows.spoil(conn, row.code, who, why, wall):
        raise RejectedError(f"{row.number_text} 已经作废", hint="没有执行。请刷新后再看")
    await trail.note(conn, wall, who, "document.spoil", row.number_text, why)


async def finish(store: Store, row: Row[Any], make: Maker, secret: bytes) -> None:
    """Make, sign and keep the files of an issued document that has none. Raises UnavailableError, RejectedError."""
    paper = documents.decoded(row.paper)
    seal: bytes | None = None
    if paper.seal is not None:
        async with store.read() as conn:
            seal = await rows.body(conn, bytes.fromhex(paper.seal.digest))
        if seal is None:  # without its seal it would be another document
            raise RejectedError(f"{paper.number} 的印章图片缺失或损坏", hint="请从备份恢复市中心的数据")
    pdf, docx, preview = await asyncio.to_thread(make, paper, seal)
    hashes = [sha256(one).digest() for one in (row.paper, pdf, docx)]
    signature = crypto.sign(secret, documents.statement(row.code, *hashes))
    async with store.write() as conn:
        await rows.keep_files(conn, row.code, Files(pdf, docx, preview, signature))
    log.info("document.made", number=row.number_text, preview=preview)


async def finish_all(store: Store, make: Maker, secret: bytes, failed: set[str] | None = None) -> int:
    """Every issued document that has no files yet. -> how many were made; one that cannot be made holds up no other.

    `failed`: codes that are left alone, to which those are added that could not be made now.
    """
    failed = set() if failed is None else failed
    async with store.read() as conn:
        waiting = await rows.undone(conn, PAGE, failed)
    made = 0
    for row in waiting:
        try:
            await finish(store, row, make, secret)
        except RejectedError as error:
            failed.add(row.code)
            log.error("document.failed", number=row.number_text, reason=str(error), hint=error.hint)
        else:
            made += 1
    return made


async def run(store: Store, make: Maker, secret: bytes) -> None:
    """Make what has been signed, and what a crash or a full disk has left undone, until cancelled."""
    while True:
        failed: set[str] = set()
        try:
            for _ in range(int(RETRY_SECS / LOOK_SECS)):
                await finish_all(store, make, secret, failed)
                await asyncio.sleep(LOOK_SECS)
        except UnavailableError:  # the writer of batches reports the database
            await asyncio.sleep(RETRY_SECS)


def is_signed(row: Row[Any], sign_key: bytes) -> bool:
    """Whether the hall's signature (raw public key) vouches for the values and the files of an issued document."""
    if row.pdf is None or row.signature is None:
        return False
    stated = documents.statement(row.code, sha256(row.paper).digest(), row.pdf, row.docx)
    return crypto.verify(sign_key, stated, row.signature)
