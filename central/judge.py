"""Facts of cases -> clocks, lights, transitions: load, decide in the core, save, inside the caller's transaction.

Whoever calls it (ingest after new facts, ingest after completeness moved, the ticker when time has passed), the
same facts give the same lights: everything is computed anew from the rows, and only what differs is written.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import structlog
from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from central import case_row, conduct
from central.core import articles, asked_rules, judgement
from central.core import cycle as cycles
from central.core.judgement import Bench, Judged, Look, WithdrawalState
from central.core.lamp import Lamp
from central.core.past import Saying
from central.core.portion import MOST_ROWS, Portion
from central.core.rules import Verdict
from central.core.ruling import Answer, Result, Subject
from central.ruled import Ruled
from central.store import alarms, law, outbox, past, rulings, tallies, withdrawals
from central.store import cases as rows
from central.store.findings import Place
from central.world import Moment, World, edge_of, is_renewed, load_world, recheck, renew_world
from common.core.instant import HOUR, SECOND
from common.core.state import AlarmKind, ClockKind, Light

__all__ = [
    "Moment", "World", "edge_of", "is_renewed", "judge_cases", "judge_parked", "load_world", "recheck", "renew_world",
]  # fmt: skip

log = structlog.get_logger()

LATE_AFTER = 120 * SECOND
"""A light that waited for data longer than this says 补传判定; one capture round is less."""
_TOLD = {Light.YELLOW, Light.RED}
_CHUNK = 300
_PARKED = 2_000
_SHOWN = 40


async def judge_cases(
    conn: AsyncConnection,
    site: str,
    keys: Collection[str],
    world: World,
    now: Moment,
    late: Collection[str] = (),
    portion: Portion | None = None,
) -> int:
    """Judge these cases of `site`; `late` names those whose facts came from a backlog. -> lights that changed.

    What `portion` does not admit is left to the ticker, at once.
    """
    portion = portion or Portion()
    ordered = sorted(keys)
    changed = 0
    for start in range(0, len(ordered), _CHUNK):
        part = ordered[start : start + _CHUNK]
        changed += await _Court(conn, site, world, now, late).judge(part, portion)
    return changed


async def judge_parked(conn: AsyncConnection, site: str, world: World, now: Moment, portion: Portion) -> int:
    """Judge what waited for the site's data, as far as it is whole now. -> lights that changed."""
    until = await rows.complete_until(conn, site)
    changed = 0
    while until is not None:
        keys = await rows.parked(conn, site, until, _PARKED)
        if not keys:
            break
        changed += await judge_cases(conn, site, set(keys), world, now, portion=portion)
    return changed


class _Court:
    """One group of cases of one site."""

    def __init__(
        self, conn: AsyncConnection, site: str, world: World, now: Moment, late: Collection[str]
    ) -> None:
        self.conn = conn
        self.site = site
        self.world = world
        self.now = now
        self.late = late
        self.cases: list[dict[str, Any]] = []
        self.clocks: list[dict[str, Any]] = []
        self.gone: list[tuple[str, str, int]] = []
        self.transitions: list[dict[str, Any]] = []
        self.moved: list[dict[str, Any]] = []
        self.proposals: list[dict[str, Any]] = []

    async def judge(self, keys: Sequence[str], portion: Portion) -> int:
        revs = await rows.lock(self.conn, self.site, keys)
        counts = await rows.row_counts(self.conn, self.site, keys, MOST_ROWS + 1)
        crowded = [key for key in keys if counts[key] > MOST_ROWS]
        fit = [key for key in keys if counts[key] <= MOST_ROWS and portion.admits(counts[key])]
        held = await past.held(self.conn, self.site, fit)
        spoilt = {
            key for key in fit if counts[key] and key not in held
        }  # its rows do not open: it stays as it is
        fit = [key for key in fit if key not in spoilt]
        self.before = await rows.clocks(self.conn, self.site, keys)
        self.known: defaultdict[str, list[tuple[str, str, int]]] = defaultdict(list)
        for place in self.before:
            self.known[place[0]].append(place)
        self.grey = await rows.grey_since_wall(self.conn, self.site, keys)
        self.until = await rows.complete_until(self.conn, self.site)
        self.withdrawals = await withdrawals.of_cases(self.conn, self.site, keys)
        self.withdrawn: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
        for (key, name, cycle), row in self.withdrawals.items():
            if row.state == WithdrawalState.WITHDRAWN:
                self.withdrawn[key].add((name, cycle))
        ruled = await rulings.of_cases(self.conn, self.site, keys)
        self.ruled = Ruled(self.site, self.now, self.until, ruled)
        for key in fit:
            await self._one(key, held.get(key, {}), revs.get(key, 0))
        for key in crowded:
            detail = f"办件 {key[:_SHOWN]} 的记录超过 {MOST_ROWS:,} 条，不再判定，灯保持原样；请核对映射的办件编号与源库"
            await self._sound(AlarmKind.CROWDED, key, detail)
        for key in {*keys} - {*fit}:
            self._postpone(key, HOUR if key in crowded or key in spoilt else 0)
        await self._save()
        lit = {row["case_key"] for row in self.transitions if row["after"] in {Light.YELLOW, Light.RED}}
        if lit:
            await conduct.relit(self.conn, self.site, self.world.zone, sorted(lit), self.now.wall)
        return len(self.transitions)

    async def _save(self) -> None:
        await rows.put_cases(self.conn, self.cases)
        await rows.put_clocks(self.conn, self.clocks)
        await rows.drop_clocks(self.conn, self.site, self.gone)
        await rows.add_transitions(self.conn, self.transitions)
        await law.add_due_changes(self.conn, self.moved)
        await withdrawals.put(self.conn, self.proposals)
        await self.ruled.save(self.conn)
        written = (self.cases, self.clocks, self.transitions, self.proposals, self.ruled.rows)
        changed = {row["case_key"] for rows in written for row in rows} | {key for key, *_ in self.gone}
        changed |= {key for key, _ in self.ruled.mended}
        await tallies.mark(self.conn, {(self.site, key) for key in changed})
        await outbox.add(self.conn, self._told())

    def _told(self) -> list[dict[str, Any]]:
        """What somebody is to hear of: yellow and red lights, broken rules."""
        lit = [
            (row["case_key"], row["clock"], row["cycle"], row["after"])
            for row in self.transitions
            if row["after"] in _TOLD
        ]
        broken = [
            (row["case_key"], row["rule"], 0, row["light"])
            for row in self.ruled.rows
            if row["light"] in _TOLD
        ]
        return [
            outbox.line(self.site, key, subject, cycle, event, self.now.wall)
            for key, subject, cycle, event in lit + broken
        ]

    async def _one(self, key: str, held: dict[Place, list[Saying]], rev: int) -> None:
        """A case that cannot be judged is put off for an hour and never blocks the rest."""
        bench = self._bench(key)
        try:
            look = judgement.look(key, held, bench)
            if look.needs_proof:
                look = judgement.prove(look, await past.proven(self.conn, self.site, held), bench)
            found = judgement.judged(look, bench)
            subject = self._subject(look, found)
            answers = [] if look.state.deleted else articles.ask_kept(subject)
        except SQLAlchemyError:
            raise
        except Exception as error:  # whatever one case's facts do to the rules, the other cases are judged
            log.exception("case.postponed", site=self.site, case_key=key, hint="执行 mingcha doctor")
            self._postpone(key, HOUR)
            # One for each kind of fault: what is wrong with the program may be wrong for every case of the site.
            detail = f"办件 {key[:_SHOWN]} 无法判定，灯保持原样，每小时再试；请把日志中的 case.postponed 交给软件维护人员"
            await self._sound(AlarmKind.UNJUDGED, type(error).__name__, detail)
            return
        kinds = {(key, one.verdict.limit.kind, one.verdict.limit.cycle) for one in found}
        left = {place: self.before[place] for place in self.known[key] if place not in kinds}
        # Dated facts: their limit may go, they stay, unless a person has withdrawn them.
        reds = {
            place: row
            for place, row in left.items()
            if row.light == Light.RED and (place[1], place[2]) not in bench.withdrawn
        }
        verdicts = [one.verdict for one in found]
        lamp = self._rule(look, answers)
        self.cases.append(
            case_row.of(self.site, look.state, look.item, verdicts, lamp, rev)
            | {"reopened": cycles.written(look.walk.reopened), "proof_at": asked_rules.entered_by(subject)}
            | case_row.kept_red(list(reds.values()), look.state)
        )
        first = len(self.clocks)
        for one in found:
            self._settle(key, one)
        self.clocks += [
            dict(row._mapping) | {"next_check_at": None, "rev": row.rev + 1}  # noqa: SLF001
            for row in reds.values()
            if row.next_check_at is not None
        ]
        self.gone += [place for place in left if place not in reds]
        if look.state.wake_at is not None:
            self._wake(key, look.state.wake_at, self.clocks[first:], list(reds.values()))

    def _wake(self, key: str, wake_at: int, own: Sequence[dict[str, Any]], reds: Sequence[Row[Any]]) -> None:
        """What is dated later is looked at when it comes, by the rules of the law too, though no limit waits for anything."""
        if any(row["next_check_at"] is not None for row in own):
            return
        row = own[0] if own else dict(reds[0]._mapping) if reds else self._blank(key)  # noqa: SLF001
        row["next_check_at"] = wake_at
        if own:
            return
        place = (key, row["kind"], row["cycle"])
        row["rev"] = self.before[place].rev + 1 if place in self.before else 1
        self.clocks.append(row)
        self.gone = [one for one in self.gone if one != place]

    def _bench(self, key: str) -> Bench:
        withdrawn = {(ClockKind(name), cycle) for name, cycle in self.withdrawn[key] if cycle}
        return Bench(
            self.world.law,
            lambda kind, cycle: self._light(key, kind, cycle),
            withdrawn,
            self.until,
            self.now.at,
        )

    def _light(self, key: str, kind: ClockKind, cycle: int) -> Light:
        row = self.before.get((key, kind, cycle))
        return Light.NONE if row is None else Light(row.light)

    def _settle(self, key: str, one: Judged) -> None:
        verdict = one.verdict
        limit = verdict.limit
        kind = limit.kind
        row, before = self.before.get((key, kind, limit.cycle)), self._light(key, kind, limit.cycle)
        if before is not verdict.light and not (before is Light.NONE and verdict.light is Light.GREEN):
            self.transitions.append(self._transition(key, one, before))
        if row is not None:
            self._note_move(row, verdict)
        self._propose(key, one)
        # A red light keeps the instant it was lit for, whatever the limit has become since.
        stays = row is not None and before is Light.RED and verdict.light is Light.RED
        self.clocks.append(
            {
                "site": self.site,
                "case_key": key,
                "kind": kind,
                "cycle": limit.cycle,
                "light": verdict.light,
                "since_at": row.since_at if row is not None and stays else verdict.since_at,
                "yellow_at": limit.yellow_at,
                "yellowed_at": one.yellowed_at,
                "due_at": row.due_at if row is not None and stays else limit.due_at,
                "start_day": str(limit.start) if limit.start else None,
                "running": limit.running,
                "stopped": verdict.stopped,
                "provisional": limit.provisional,
                "calendar_version": one.calendar.version,
                "next_check_at": verdict.next_check_at,
                "needs_until": verdict.needs_until,
                "rev": row.rev + 1 if row is not None else 1,
            }
        )

    def _propose(self, key: str, one: Judged) -> None:
        """A red light that the facts of today do not show: a person decides whether it is withdrawn."""
        limit = one.verdict.limit
        self._propose_of(key, limit.kind, limit.cycle, one.acquittal)

    def _propose_of(self, key: str, name: str, cycle: int, acquittal: str) -> None:
        """`name`: kind of a clock, or a rule's id. `acquittal`: what the facts show now; empty: nothing better."""
        held = self.withdrawals.get((key, name, cycle))
        state = None if held is None else held.state
        if acquittal and state in {None, WithdrawalState.LAPSED}:
            log.info("withdrawal.proposed", site=self.site, clock=name)
        elif state != WithdrawalState.PROPOSED or held is None or held.reason == acquittal:
            return
        self.proposals.append(
            {
                "site": self.site,
                "case_key": key,
                "clock": name,
                "cycle": cycle,
                "reason": acquittal or (held.reason if held is not None else ""),
                "proposed_at": self.now.at,
                "proposed_wall": self.now.wall,
                "state": (WithdrawalState.PROPOSED if acquittal else WithdrawalState.LAPSED).value,
                "decided_by": None,
                "decided_why": None,
                "decided_wall": None,
            }
        )

    def _subject(self, look: Look, found: Sequence[Judged]) -> Subject:
        """The case as its rows are now, as the rules of the law are asked about it."""
        world, state = self.world, look.state
        verdicts, pack = [one.verdict for one in found], world.pack_of(state)
        return Subject(state, look.item, verdicts, world.calendar_of(state), world.zone, self.until, pack)

    def _rule(self, look: Look, answers: Sequence[Result]) -> Lamp:
        """A broken rule is a dated fact: kept, and where the facts show it kept after all, a person decides. That a new filing
        keeps it acquits the old one of nothing.
        """
        key, filed_at = look.key, look.walk.filed_at
        for answer in answers:
            rule, said = answer.rule, answer.said
            known = self.ruled.held[key].get(rule.id)
            if known is not None and known.answer == Answer.BROKEN and known.light != Light.GREY:
                if known.found_at < filed_at:
                    continue
                is_kept = said.answer is Answer.KEPT
                self._propose_of(key, rule.id, 0, f"{said.answer.word}：{said.why}" if is_kept else "")
        withdrawn = {name for name, cycle in self.withdrawn[key] if not cycle}
        seen_at = max((one[-1].seen for one in look.rows.values()), default=0)
        return self.ruled.take(key, answers, seen_at, withdrawn)

    def _note_move(self, row: Row[Any], verdict: Verdict) -> None:
        """A due date that another calendar has moved: somebody has told it to a citizen."""
        limit, version = verdict.limit, self.world.calendar.version
        is_open = not verdict.stopped and verdict.light is not Light.RED
        if row.calendar_version < version and is_open and row.due_at not in {None, limit.due_at}:
            self.moved.append(
                {
                    "version": version,
                    "site": self.site,
                    "case_key": row.case_key,
                    "clock": limit.kind,
                    "cycle": limit.cycle,
                    "before_at": row.due_at,
                    "after_at": limit.due_at,
                    "judged_wall": self.now.wall,
                }
            )

    def _transition(self, key: str, one: Judged, before: Light) -> dict[str, Any]:
        verdict = one.verdict
        kind = verdict.limit.kind
        waited = self.now.wall - self.grey.get((key, kind, verdict.limit.cycle), self.now.wall)
        late = verdict.light is Light.RED and (one.is_past or key in self.late or waited > LATE_AFTER)
        log.info("light.changed", site=self.site, clock=kind, before=before, after=verdict.light, late=late)
        return {
            "site": self.site,
            "case_key": key,
            "clock": kind,
            "cycle": verdict.limit.cycle,
            "before": before,
            "after": verdict.light,
            "since_at": verdict.since_at if verdict.since_at is not None else self.now.at,
            "judged_at": self.now.at,
            "judged_wall": self.now.wall,
            "late": late,
            "why": verdict.why,
        }

    async def _sound(self, kind: AlarmKind, subject: str, detail: str) -> None:
        if await alarms.sound(self.conn, self.site, kind, subject, detail, self.now.wall):
            log.warning("alarm.raised", site=self.site, kind=kind.value, reason=detail)

    def _postpone(self, key: str, us: int) -> None:
        self.ruled.put_off(key)
        known = [dict(self.before[place]._mapping) for place in self.known[key]]  # noqa: SLF001
        for row in known or [self._blank(key)]:
            row |= {"next_check_at": self.now.at + us, "needs_until": None, "rev": row["rev"] + 1}
            self.clocks.append(row)

    def _blank(self, key: str) -> dict[str, Any]:
        """Of a case that no limit follows: it brings the case to the ticker, and says nothing."""
        return {
            "site": self.site,
            "case_key": key,
            "kind": ClockKind.STATUTE,
            "cycle": 1,
            "light": Light.NONE,
            "since_at": None,
            "yellow_at": None,
            "yellowed_at": None,
            "due_at": None,
            "start_day": None,
            "running": False,
            "stopped": False,
            "provisional": True,
            "calendar_version": self.world.calendar.version,
            "needs_until": None,
            "rev": 0,
        }
