"""`mingcha verify`: proves from the hall's database, for any site and period, that nothing was dropped or altered.

Reads only, in one picture of the database, beside the running hall. From the ground up: the chain of every epoch
against the box's signatures (`core/audit.py`), current versions against records, cases against current versions.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import agreed
from central.agreed import Agreed
from central.config import CentralConfig
from central.core import case as cases
from central.core import cycle
from central.core.audit import Audit, Claim, decoded
from central.core.epochs import misordered, silent, unregistered
from central.core.flaw import Finding, Grade, What
from central.core.noted import Noted
from central.core.trail import Check
from central.heads import is_gone
from central.store import audit as rows
from central.store import cases as case_rows
from central.store import facts, parked, passes, spoilt
from central.store import trail as lines
from central.store.engine import look
from central.store.passes import NOWHERE, Place
from central.store.sealed import NAME, PHONE, token
from common.clock import Clock
from common.config import read_secret
from common.core import crypto, ranges
from common.core.errors import UsageError
from common.core.instant import end_of_day, start_of_day
from common.core.record import Case, Op, Record, Step, decode_body

SHOWN = 20
"""Findings of one kind that are listed one by one where each would be a row of its own."""
_FACTS = ("case_no", "item_code", "applicant", "org", "responsible", "status", "outcome")
_TIMES = ("received_at", "accepted_at", "finished_at", "deadline_at", "deleted")


class EpochReport(Struct, frozen=True, kw_only=True):
    """One epoch of a site. `proven`: up to this number the box has signed what is here."""

    site: str
    epoch: str
    number: int
    generation: int
    key: str  # id of the signing key: compare it with what the box's doctor shows
    records: int
    newest: int
    proven: int
    ended: bool  # its box signs no more of it
    findings: list[Finding]


class SiteReport(Struct, frozen=True, kw_only=True):
    """One site: its epochs, and what was derived from them."""

    site: str
    name: str
    epochs: list[EpochReport]
    findings: list[Finding]
    agreed: Agreed | None = None
    """When the box's own count of its rows was last the hall's; None: there is nothing to compare, or it is not."""

    @property
    def everything(self) -> list[Finding]:
        return [item for epoch in self.epochs for item in epoch.findings] + self.findings


def grade(reports: Sequence[SiteReport]) -> Grade:
    """The worst there is."""
    found = (item.what.grade for report in reports for item in report.everything)
    return max(found, key=lambda one: one.rank, default=Grade.PROVEN)


async def verify(
    config: CentralConfig, site: str, since: date | None, until: date | None
) -> list[SiteReport]:
    """Audit one site, or all (`site` empty). Findings outside the days `since..until` are left out.

    Raises UsageError for an unknown site, UnavailableError where the database is away, ConfigError without the hall's key.
    """
    hall_key = crypto.sign_public(read_secret(config.identity.sign_key, "市中心的签名私钥"))
    zone = ZoneInfo(config.legal_zone)
    period = Period(start_of_day(since, zone) if since else None, end_of_day(until, zone) if until else None)
    async with look(config.database_url) as conn:
        await rows.freeze(conn)
        return await examine(conn, zone, Clock(config.clock).office(), site, period, hall_key)


async def examine(
    conn: AsyncConnection,
    zone: ZoneInfo,
    now_at: int,
    site: str = "",
    period: "Period | None" = None,
    hall_key: bytes = b"",
) -> list[SiteReport]:
    """`verify` on a connection; `now_at`: office time; `hall_key`: the raw public key that signs the audit, where one does.

    Raises UsageError for an unknown site.
    """
    books = await _books(conn, zone, now_at, hall_key)
    names = await rows.sites(conn)
    names |= {one: one for one in sorted(books.noted.epochs) if one not in names}
    if site and site not in names:
        raise UsageError(f"没有站点 {site}", hint="站点：" + "、".join(names))
    chosen, during = [site] if site else list(names), period or Period()
    return [await _site(conn, one, names[one], during, books) for one in chosen]


class _Books(Struct, frozen=True):
    """What all sites are held against."""

    zone: ZoneInfo
    now_at: int
    noted: Noted
    faults: list[Finding]
    """Of the audit trail itself, and of what lies sealed and belongs to no site's records."""


async def _books(conn: AsyncConnection, zone: ZoneInfo, now_at: int, hall_key: bytes) -> _Books:
    noted, check = Noted(), Check(hall_key, await lines.seals(conn) if hall_key else [])
    async for page in lines.everything(conn):
        noted.feed(page)
        check.feed(page)
    check.finish()
    faults = [_derived(What.TRAIL, f"第 {fault.line} 行：{fault.what}") for fault in check.faults[:SHOWN]]
    faults += [_derived(What.SPOILT, f"{place}：{count} 处") for place, count in await spoilt.elsewhere(conn)]
    return _Books(zone, now_at, noted, faults)


class Period(Struct, frozen=True):
    """Office time from `from_at` up to `to_at`; None: no bound."""

    from_at: int | None = None
    to_at: int | None = None

    def touches(self, item: Finding) -> bool:
        before = self.to_at is not None and item.from_at is not None and item.from_at >= self.to_at
        after = self.from_at is not None and item.to_at is not None and item.to_at < self.from_at
        return not (before or after)


async def _site(conn: AsyncConnection, site: str, name: str, period: Period, books: _Books) -> SiteReport:
    epochs, findings = [], list(books.faults)
    said = _Said(await passes.numbers(conn, site))
    claims = await rows.claims(conn, site)
    for place, (cursor, claim) in enumerate(claims, 1):
        audit = await _followed(conn, claim, books)
        said.note(audit, ranges.upto(list(claim.held)), cursor.gap_at)
        epochs.append(_report(cursor, claim, audit, period))
        if cursor.epoch_no != place:
            findings.append(_derived(What.EPOCH, f"第 {place} 份缓存的序号是 {cursor.epoch_no}"))
        if not claim.sign_key:
            findings.append(
                _derived(What.EPOCH, f"第 {place} 份缓存的机器（第 {cursor.generation} 代）没有登记")
            )
    signed = misordered([claim.epoch for _, claim in claims], await rows.testimonies(conn, site))
    signed += books.noted.disordered(site, [claim.epoch for _, claim in claims])
    findings += [_derived(What.EPOCH, detail) for detail in signed[:SHOWN]]
    known, heard = await rows.generations(conn, site), [cursor.generation for cursor, _ in claims]
    findings += [_derived(What.SILENT, f"第 {number} 代") for number in silent(known, heard)[:SHOWN]]
    gone = unregistered(known, heard)[:SHOWN]
    findings += [_derived(What.EPOCH, f"第 {number} 代机器没有登记，也没有缓存") for number in gone]
    findings += [
        _derived(What.EPOCH, f"缓存 {epoch.hex()} 没有游标") for epoch in await rows.strays(conn, site)
    ]
    anew = await passes.anew_of(conn, site)
    findings += await _anew(conn, site, anew, said)
    findings += await _heads(conn, site, anew)
    findings += await _cases(conn, site, books.zone, books.now_at)
    same, differing = await agreed.compare(conn, site)
    findings += differing
    shown = [item for item in findings if period.touches(item)]
    return SiteReport(site=site, name=name, epochs=epochs, findings=shown, agreed=same)


async def _followed(conn: AsyncConnection, claim: Claim, books: _Books) -> Audit:
    place = claim.site, claim.epoch
    claim = msgspec.structs.replace(claim, reached=books.noted.reached[place], lost=books.noted.lost[place])
    audit = Audit(claim, await rows.gaps(conn, claim))
    async for page in rows.entries(conn, claim, books.noted):
        for entry in page:
            audit.feed(entry)
    audit.finish(books.now_at)
    return audit


def _report(cursor: Row[Any], claim: Claim, audit: Audit, period: Period) -> EpochReport:
    return EpochReport(
        site=claim.site,
        epoch=claim.epoch.hex(),
        number=cursor.epoch_no,
        generation=cursor.generation,
        key=crypto.key_id(claim.sign_key) if claim.sign_key else "",
        records=audit.records,
        newest=claim.newest,
        proven=audit.proven,
        ended=claim.is_ended,
        findings=[item for item in audit.findings if period.touches(item)],
    )


def _derived(what: What, detail: str, at: int | None = None, seq: int = 0) -> Finding:
    return Finding(what=what, lo=seq, hi=seq, detail=detail, from_at=at, to_at=at)


# what was derived --------------------------------------------------------------------------------------------


class _Said:
    """What passes said of where a table's rows begin anew: table -> place -> whether that counts by now."""

    def __init__(self, numbers: dict[bytes, int]) -> None:
        self._numbers = numbers
        self.places: dict[str, dict[Place, bool]] = {}

    def note(self, audit: Audit, upto: int, gap_at: int) -> None:
        """`upto`, `gap_at`: of the audited epoch's cursor."""
        for table, found in audit.anew.items():
            for item, (seq, started_at) in found.items():
                place = self._numbers.get(item.epoch, 0), item.above
                known = self.places.setdefault(table, {})
                known[place] = known.get(place, False) or (seq <= upto and started_at > gap_at)


async def _anew(conn: AsyncConnection, site: str, anew: dict[str, Place], said: _Said) -> list[Finding]:
    """Rows end where a pass said so, and wherever one did."""
    waits = await facts.has_dead_letters(conn, site) or await parked.any_of(conn, site)
    found = []
    for table in sorted(anew.keys() | said.places.keys()):
        place, places = anew.get(table, NOWHERE), said.places.get(table, {})
        newer = [item for item, counts in places.items() if item > place and item[0] and counts]
        if place != NOWHERE and place not in places:
            found.append(_derived(What.HEAD, f"{table}：没有采集记录说过各行自 {_named(place)} 起重报"))
        elif newer and not waits and not await passes.given_up_after(conn, site, max(newer)[0]):
            found.append(_derived(What.HEAD, f"{table}：各行自 {_named(max(newer))} 起已重报，未按此清理"))
    return found


def _named(place: Place) -> str:
    return f"第 {place[0]} 份缓存第 {place[1]} 版"


async def _heads(conn: AsyncConnection, site: str, anew: dict[str, Place]) -> list[Finding]:
    """Each current version is the newest record of its row, and each row has one."""
    found: list[Finding] = []
    async for page in rows.heads(conn, site):
        table, keys = page[0].tbl, [head.key for head in page]
        known: dict[str, list[tuple[Place, Record]]] = {}
        for row in await rows.versions(conn, site, table, keys):
            item = decoded(row.raw)
            if item is not None:  # else the chain says so
                known.setdefault(row.key, []).append(((row.epoch_no, row.version), item))
        found += [
            _derived(
                What.HEAD, f"{table} 的一行（编号 {head.epoch_no}-{head.version}）：{fault}", head.cap_at
            )
            for head in page
            if (fault := _head_fault(head, known.get(head.key, []), anew.get(table, NOWHERE)))
        ]
    found += [
        _derived(What.HEAD, f"{row.tbl} 的一行没有当前版本", row.cap_at, row.seq)
        for row in await rows.headless(conn, site, SHOWN)
    ]
    return found


def _head_fault(head: Row[Any], known: list[tuple[Place, Record]], anew: Place) -> str:
    """Empty for the newest of `known`, as it was sent; a deleted row keeps the content of one of them."""
    if not known:
        return "没有记录"
    rank, newest = max(known, key=lambda item: item[0])
    if (head.epoch_no, head.version) != rank:
        return "不是最新版本"
    bodies = [bytes(item.body) for _, item in known] if newest.op is Op.DELETE else [bytes(newest.body)]
    deleted = is_gone(newest, rank, anew)
    try:
        body = decode_body(newest)
    except msgspec.MsgspecError:
        return "记录读不出"
    assert isinstance(body, Case | Step)
    said = (head.kind, head.case_key, bool(head.deleted), bytes(head.digest))
    if said != (newest.kind.value, body.case_key, deleted, newest.digest) or bytes(head.body) not in bodies:
        return "内容不同"
    return ""


async def _cases(conn: AsyncConnection, site: str, zone: ZoneInfo, now_at: int) -> list[Finding]:
    """Each case says what its rows say, and each row has its case. Lights are judgements, kept as transitions."""
    found: list[Finding] = []
    async for page in rows.cases(conn, site):
        try:
            source = await case_rows.source_rows(conn, site, [row.case_key for row in page])
        except msgspec.MsgspecError:
            found.append(_derived(What.CASE, "当前版本读不出"))
            continue
        for row in page:
            folded = cases.fold(row.case_key, source.get(row.case_key, []), zone)
            state = cycle.within(folded, cycle.read(row.reopened), zone)
            later = cases.as_of(state, now_at, zone)
            differing = [name for name in _FACTS if row._mapping[name] != getattr(state.facts, name)]  # noqa: SLF001
            differing += [
                name
                for name in _TIMES
                if row._mapping[name] not in {getattr(state, name), getattr(later, name)}  # noqa: SLF001
            ]
            differing += [
                name
                for name, kind, text in (
                    ("name_index", NAME, state.facts.applicant),
                    ("phone_index", PHONE, state.facts.phone),
                )
                if row._mapping[name] != token(conn.dialect, kind, text)  # noqa: SLF001
            ]
            if differing:
                found.append(_derived(What.CASE, "、".join(differing), row.filed_at or None))
    missing = await rows.caseless(conn, site, SHOWN)
    return found + [_derived(What.CASE, "有行而没有办件") for _ in missing]
