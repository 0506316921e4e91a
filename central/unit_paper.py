"""What an office is written about its items and its habits: 公示缺项整改通知书 of an item, 监察建议书 of a rule and a period.

Drafted by one person and signed by another, as all drafts are. What the item lacks and how often the rule was broken is read
anew when it is signed; people write the reason and the proposals.
"""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from central import drafting
from central.core import clue, free, period, snapshot
from central.core import item as catalogue
from central.core.articles import RULES
from central.core.asked_rules import UNENTERED
from central.core.compose import Facts
from central.core.document import Kind, Table, about
from central.core.snapshot import APPEAL_DAYS
from central.correction_paper import Desk
from central.drafting import Draft
from central.store import breaches, clues, items, opinions, packs
from common.core.errors import UsageError
from common.core.instant import DAY, start_of_day

PUBLIC = "L30-1"
"""Id of the rule on what an item displays."""
DISPLAY_DAYS, PROPOSAL_DAYS = 5, 15
"""Working days to mend, and to answer (ours)."""
HANDLED, BROKEN = 365 * DAY, 184 * DAY
"""How far back offices are looked for to whom it may be written."""
MOST_ITEMS = 20


class Office(Struct, frozen=True, order=True):
    """To whom it is written: an office of a site, or the site itself."""

    site: str
    site_name: str
    org: str = ""

    @property
    def name(self) -> str:
        return self.org or self.site_name

    @property
    def key(self) -> str:
        """How a form names it."""
        return about(self.site, self.org)


class Words(Struct, frozen=True, kw_only=True):
    """What people say: why, what is proposed, to whom copies go."""

    reason: str = ""
    measures: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()


def _office(row: Row[Any]) -> Office:
    return Office(row.site, row.site_name, row.org or "")


# an item ------------------------------------------------------------------------------------------------------


async def handlers(conn: AsyncConnection, code: str, desk: Desk) -> list[Office]:
    """Who handled the item within a year."""
    return [_office(row) for row in await breaches.handlers(conn, code, desk.clock.office() - HANDLED)]


async def display_facts(conn: AsyncConnection, code: str, addressee: str, desk: Desk) -> Facts:
    """Raises UsageError where the item is unknown, or displays everything."""
    item = catalogue.pinned((await items.catalogue(conn)).get(code, ()), desk.today)
    lacking = item.unpublished() if item is not None else []
    if item is None or not lacking:
        raise UsageError("这个事项现在没有公示缺项", hint="请核对事项清单；已拟的草稿请作废")
    rule, articles, demand = snapshot.rule_of(PUBLIC)
    return Facts(
        addressee=addressee,
        as_of=desk.minute,
        item=f"“{item.name}”事项",
        missing=tuple(lacking),
        articles=articles,
        demand=demand,
        rule=rule,
        rule_version=f"事项第 {item.version} 版",
        calendar_version=desk.calendar.version,
        answer_by=desk.calendar.nth(desk.today, DISPLAY_DAYS),
    )


async def draft_display(
    conn: AsyncConnection, code: str, office: Office, issuer: str, drafter: str, desk: Desk
) -> int:
    """-> number of the draft. Raises as `display_facts` and `drafting.leave` do."""
    one = Draft(
        kind=Kind.DISPLAY,
        subject=about("item", office.site, office.org, code),
        facts=await display_facts(conn, code, office.name, desk),
        issuer=issuer,
        site=office.site,
        org=office.org or None,
    )
    return await drafting.leave(conn, one, drafter, desk)


# a rule -------------------------------------------------------------------------------------------------------


async def breakers(conn: AsyncConnection, rule: str, desk: Desk) -> list[Office]:
    """Who broke the rule within half a year."""
    now_at = desk.clock.office()
    return sorted({office for office, _, _ in await _broken(conn, rule, now_at - BROKEN, now_at)})


async def _broken(
    conn: AsyncConnection, rule: str, first_at: int, until_at: int
) -> list[tuple[Office, str, int]]:
    """Office, item, number; of 体外循环 what people have confirmed of other clues as well, which name no item."""
    rows = await breaches.counted(conn, rule, snapshot.clocks_of(rule), first_at, until_at)
    found = [(_office(row), str(row.item), int(row.number)) for row in rows]
    if rule == UNENTERED:
        rows = await clues.counted(conn, first_at, until_at)
        found += [(_office(row), clue.Kind(row.kind).word, int(row.number)) for row in rows]
    return found


async def proposal_facts(
    conn: AsyncConnection, rule: str, name: str, office: Office, words: Words, desk: Desk
) -> Facts:
    """Raises UsageError for a period that is not over, one without a case, an unknown rule, and words that will not do."""
    span = period.parse(name)
    if desk.today < span.until:
        raise UsageError(f"{span.word}还没有结束，不能据以建议", hint="请选已经结束的月、季、半年或年")
    said = free.tidy(words.reason, words.measures)
    fault = free.fault(said)
    if fault or rule not in {one.id for one in RULES}:
        raise UsageError(fault or f"没有规则 {rule}", hint="请改正后再提交")
    first_at, until_at = (start_of_day(day, desk.zone) for day in (span.first, span.until))
    kinds = snapshot.clocks_of(rule)
    found = await _broken(conn, rule, first_at, until_at)
    rows = [(item, number) for who, item, number in found if who.key == office.key]
    if not rows:
        raise UsageError(
            f"{span.word}{office.name}没有违反规则 {rule} 的办件", hint="请换一个期间；已拟的草稿请作废"
        )
    _, articles, demand = snapshot.rule_of(rule)
    version = await packs.newest(conn)
    return Facts(
        addressee=office.name,
        as_of=desk.minute,
        matter=snapshot.matter_of(kinds[0] if kinds else rule, is_red=True),
        period=span.word.replace(" ", ""),
        figures=_table(rows),
        reason=said.reason,
        measures=said.measures,
        articles=articles,
        demand=demand,
        rule=rule,
        rule_version=snapshot.ruled(version, await opinions.mark(conn, version)),
        calendar_version=desk.calendar.version,
        answer_by=desk.calendar.nth(desk.today, PROPOSAL_DAYS),
        appeal_days=APPEAL_DAYS,
    )


def _table(rows: Sequence[tuple[str, int]]) -> Table:
    """Most cases first; what does not fit on a page is one line, so that the sum is the whole."""
    ranked = sorted(rows, key=lambda row: (-row[1], row[0]))
    shown, rest = ranked[:MOST_ITEMS], ranked[MOST_ITEMS:]
    lines = [*shown, *([(f"其他{len(rest)}个事项", sum(number for _, number in rest))] if rest else [])]
    lines.append(("合计", sum(number for _, number in rows)))
    return Table(("事项", "办件数"), tuple((item, str(number)) for item, number in lines), (20, 5))


async def draft_proposal(
    conn: AsyncConnection,
    rule: str,
    name: str,
    office: Office,
    words: Words,
    issuer: str,
    drafter: str,
    desk: Desk,
) -> int:
    """-> number of the draft. Raises as `proposal_facts` and `drafting.leave` do."""
    one = Draft(
        kind=Kind.PROPOSAL,
        subject=about("rule", office.site, office.org, rule, name),
        facts=await proposal_facts(conn, rule, name, office, words, desk),
        issuer=issuer,
        copies=words.copies,
        site=office.site,
        org=office.org or None,
    )
    return await drafting.leave(conn, one, drafter, desk)


# any draft ----------------------------------------------------------------------------------------------------


async def today(conn: AsyncConnection, kind: Kind, parts: Sequence[str], kept: Facts, desk: Desk) -> Facts:
    """What a draft of these kinds says as of today; `kept`: as drafted, with people's words. Raises UsageError as its facts do."""
    if kind is Kind.DISPLAY:
        return await display_facts(conn, parts[3], kept.addressee, desk)
    _, site, org, rule, name = parts
    words = Words(reason=kept.reason or "", measures=kept.measures)
    return await proposal_facts(conn, rule, name, Office(site, kept.addressee, org), words, desk)
