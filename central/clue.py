"""What speaks of cases that no source holds (体外循环线索), put together as it is asked for; a person's word on one of them.

Nothing of it is kept before somebody has looked: what is entered later, or linked by an officer, is a clue no more.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from central.core import clue
from central.core.calendar import Calendar
from central.core.clue import Hole, Kind
from central.core.scope import Scope
from central.store import clues, facts, law, packs, subjects
from common.core.errors import UsageError
from common.core.instant import DAY, day_ending, end_of_day

MOST = 50
"""Numbers of one site and kind, newest first."""


class Clue(Struct, frozen=True, kw_only=True):
    """`subject`: the missing number, or which complaint. `org`, `item`: where they show. `due_at`: by when the case had to be there."""

    site: str
    site_name: str
    kind: Kind
    subject: str
    org: str = ""
    item: str = ""
    due_at: int
    words: str


class _Bench(Struct, frozen=True):
    calendar: Calendar
    zone: ZoneInfo
    entry_days: int
    complete: Mapping[str, int]
    since_at: int
    names: Mapping[str, str]  # of all sites

    def due(self, site: str, at: int) -> int | None:
        """By when what happened at `at` had to be in the system; None: the site is not whole up to then, or nobody knows yet."""
        try:
            day = self.calendar.nth(day_ending(at, self.zone), self.entry_days)
        except ValueError:
            return None
        due_at = end_of_day(day, self.zone)
        is_sure = not self.calendar.is_provisional(day) and due_at <= self.complete.get(site, 0)
        return due_at if is_sure else None


async def waiting(
    conn: AsyncConnection, reached: Scope, zone: ZoneInfo, now_at: int, *, complaints_too: bool
) -> list[Clue]:
    """What nobody has looked at yet, in the order of the wall. `complaints_too`: the asker may see complaints."""
    calendar = await law.calendar_if_any(conn)
    if calendar is None:
        return []
    pack = (await packs.every(conn))[-1][1]
    every = {row.id: row.name for row in await subjects.sites(conn)}
    since_at, complete = now_at - clue.DAYS * DAY, await subjects.complete(conn)
    bench = _Bench(calendar, zone, pack.entry_days, complete, since_at, every)
    found: list[Clue] = []
    names = {site: name for site, name in every.items() if reached.has_site(site)}
    for site, name in names.items():
        found += await _numbers(conn, site, name, bench)
    if complaints_too:
        found += await _complaints(conn, reached, names, bench)
    said = await clues.said(conn, reached)
    return [
        one
        for one in found
        if (one.site, one.kind.value, one.subject) not in said
        and (reached.orgs is None or one.org in reached.orgs)
    ]


async def _numbers(conn: AsyncConnection, site: str, name: str, bench: _Bench) -> list[Clue]:
    """Holes in the series of one site, since it is watched and up to where its data is whole."""
    first_at = await facts.first_capture(conn, site)
    if first_at is None or await facts.has_dead_letters(conn, site):
        return []
    found: list[Clue] = []
    for kind, held in (await clues.held(conn, site, bench.since_at)).items():
        dated = [
            (hole, due_at)
            for hole in clue.holes(held)
            if hole.below.at >= first_at and (due_at := bench.due(site, hole.above.at)) is not None
        ]
        dated = sorted(dated, key=lambda one: (-one[1], one[0].no))[:MOST]
        holders = await clues.holders(conn, site, kind, [hole.no for hole, _ in dated])
        found += [
            Clue(
                site=site, site_name=name, kind=kind, subject=hole.no, org=hole.org, item=hole.item, due_at=due_at,
                words=_between(hole, [bench.names.get(one, one) for one in sorted(holders[hole.no])]),
            )
            for hole, due_at in dated if site not in holders[hole.no]
        ]  # fmt: skip
    return found


def _between(hole: Hole, others: Sequence[str]) -> str:
    """`others`: the sites that have the number; whether they share the series, a person sees."""
    said = f"{hole.below.no} 与 {hole.above.no} 之间没有 {hole.no}"
    return f"{said}（{'、'.join(others)}有同号的办件）" if others else said


async def _complaints(
    conn: AsyncConnection, reached: Scope, names: Mapping[str, str], bench: _Bench
) -> list[Clue]:
    found = []
    for row in await clues.complaints(conn, reached, bench.since_at):
        due_at = bench.due(row.site, row.received_at)
        if due_at is None or row.site not in names:
            continue
        no = row.case_no.strip()
        if no and await clues.is_held(conn, no, row.site):
            continue
        if clue.is_number(no):
            words = f"投诉 {row.number} 所写的编号 {no}，没有一个站点有"
        elif isinstance(row.text, str) and clue.says_filed(row.text):
            words = f"投诉 {row.number} 说交过件，没有关联到办件"
        else:
            continue
        found.append(
            Clue(
                site=row.site, site_name=names[row.site], kind=Kind.COMPLAINT, subject=str(row.id), org=row.org,
                due_at=due_at, words=words,
            )
        )  # fmt: skip
    return found


async def examine(
    conn: AsyncConnection, one: Clue | None, state: str, who: str, why: str, wall: int, home: frozenset[str]
) -> None:
    """`who` has looked at `one` of `waiting` and says `clues.CONFIRMED` or `clues.REJECTED`; audited. `home`: the offices and site that
    `who` belongs to, of which nothing is judged. Raises UsageError where it waits no more, or is their own.
    """
    if one is None:
        raise UsageError("没有这条待核实的线索", hint="请回到规则页刷新")
    if {one.site, one.org} & home:
        raise UsageError("不能核实本单位的线索", hint="请由不属于该单位的人办理")
    values = {
        "site": one.site,
        "kind": one.kind.value,
        "subject": one.subject,
        "org": one.org,
        "item": one.item,
    }
    said = {"due_at": one.due_at, "state": state, "decided_by": who, "decided_why": why, "decided_wall": wall}
    await clues.decide(conn, values | said)
