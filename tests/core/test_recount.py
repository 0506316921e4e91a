"""Every measure that a case adds to, held against a recount in plain Python that knows none of our code, on random cases."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from central.core import measure
from central.core.measure import BESIDE, Limit, Subject
from common.core.state import ClockKind, Light
from tests.core.test_measure import CALENDAR, ZONE

FIRST, LAST = date(2026, 6, 1), date(2026, 6, 30)
DAY = 86_400_000_000
MAY_31 = int(datetime(2026, 5, 31, tzinfo=ZONE).timestamp()) * 1_000_000
PROMISED = 10
NEEDS_A_PERSON = {"S-1", "S-2", "L37", "L37-2", "L32-2"}
"""Of the rules below and their like: nobody is held to these before somebody has looked."""
RULES = ("L32-1", "L32-3", "L32-4", "L32-5", "L37", "L45-1", "L48", "L58", "L30-1a", "L40", "S-1", "S-2", "L47", "W-1", "W-2", "W-3", "W-4", "W-5")  # fmt: skip

QUARTERS = (3, 4, 5, 19, 20, 21, 60, 123, 124, 125)
"""Of a day since the end of May: about both ends of June, whose midnights are 4 and 124, and about half of what was promised, 20."""
LIGHTS = (Light.RED, Light.GREEN, Light.GREY, Light.YELLOW)


def made(chance: Random) -> Subject:
    """A case about which anything may be the matter."""

    def at() -> int:
        return MAY_31 + chance.choice(QUARTERS) * DAY // 4

    def maybe() -> int | None:
        return at() if chance.random() < 0.8 else None

    def is_so() -> bool:
        return chance.random() < 0.5

    def some(of: Sequence[Any], share: float) -> list[Any]:
        return [one for one in of if chance.random() < share]

    kinds = some([ClockKind.PROMISE, ClockKind.STATUTE, ClockKind.STATED], 0.5)
    return Subject(
        filed_at=maybe(), accepted_at=None, finished_at=maybe(), deleted=chance.random() < 0.1, is_complete=is_so(), entered_late=is_so(),
        limits=[Limit(kind, 1, chance.choice(LIGHTS), maybe(), MAY_31 + PROMISED * DAY, date(2026, 5, 31)) for kind in kinds],
        rules=[(rule, chance.choice([Light.RED, Light.YELLOW])) for rule in some(RULES, chance.random())],
        yellows=[(at(), "promise") for _ in range(chance.randrange(3))], corrections=[(at(), is_so()) for _ in range(chance.randrange(3))],
        sanctions=[at() for _ in range(chance.randrange(3))],
        contested=dict.fromkeys(some([*((rule, 0) for rule in RULES), ("promise", 1), ("statute", 1), ("stated", 1)], 0.2), "申诉中"),
        confirmed=frozenset(some(sorted(NEEDS_A_PERSON), 0.5)), is_listed=is_so(), is_public=is_so(), is_routed=is_so(), is_priced=is_so(),
        reopened=[(again - timedelta(days=chance.randint(0, 40)), again) for again in some([date(2026, 5, 31), FIRST, LAST], 0.4)],
        proof_at=maybe(), is_entered=is_so(), odd=frozenset(some(measure.HINTS, 0.3)),
    )  # fmt: skip


def in_june(at: int | None, *, ends: bool = False) -> bool:
    """Shanghai is eight hours ahead. `ends`: midnight is the end of the day before."""
    if at is None:
        return False
    seconds = (at - (1 if ends else 0)) // 1_000_000
    return FIRST <= (datetime(1970, 1, 1) + timedelta(seconds=seconds, hours=8)).date() <= LAST  # noqa: DTZ001


def naive(one: Subject) -> Counter[str]:
    """Measure by measure, as its words on the page have it."""
    n: Counter[str] = Counter()
    lit = dict(one.rules)
    stands = {
        rule
        for rule in lit
        if (rule, 0) not in one.contested and (rule not in NEEDS_A_PERSON or rule in one.confirmed)
    }
    filed, decided = in_june(one.filed_at, ends=True), in_june(one.finished_at, ends=True)
    has_promise = [limit for limit in one.limits if limit.kind == "promise"]
    for limit in one.limits:
        word = "statute" if limit.kind == "statute" else "promise"
        if limit.light == "red" and limit.since_at is not None:
            n["red"] += in_june(limit.since_at)
        if limit.kind == "stated" and has_promise:
            continue
        if limit.light == "red" and limit.since_at is not None:
            n[word + "_of"] += in_june(limit.since_at)
            n[word + "_late"] += in_june(limit.since_at) and (str(limit.kind), 1) not in one.contested
        elif limit.light != "grey" and not one.deleted:
            at = one.finished_at if limit.light != "green" or limit.since_at is None else limit.since_at
            n[word + "_of"] += in_june(at, ends=True)
    n["yellow"] = sum(in_june(at) for at, _ in one.yellows)
    n["correction_of"] = sum(in_june(at) for at, _ in one.corrections)
    n["correction_slow"] = sum(in_june(at) for at, slow in one.corrections if slow)
    n["sanction"] = sum(in_june(at) for at in one.sanctions)
    if one.deleted:
        return n
    n["reopened"] = sum(
        FIRST <= again <= LAST and (again - ended).days <= 30 for ended, again in one.reopened
    )
    n["unentered"] = in_june(one.proof_at, ends=True) and "S-1" in stands
    n["concealed"] = n["unentered"] and not one.is_entered
    if filed:
        n["filed"] = 1
        n["apply_fault"] = bool(stands & {"L32-1", "L32-3", "L32-4", "L32-5"})
        n["supplemented"] = "W-3" in stands
        n["rule_red"] = any(lit[rule] == "red" for rule in stands)
        n["rule_yellow"] = any(lit[rule] == "yellow" for rule in stands)
    if decided:
        n["decided"] = 1
        n["item_of"], n["route_of"], n["fee_of"] = one.is_listed, one.is_routed, one.is_priced
        n["route_fault"] = one.is_routed and bool(stands & {"L37", "L45-1", "L48"})
        n["fee_fault"] = one.is_priced and "L58" in stands
        n["open_fault"] = one.is_listed and (not one.is_public or bool(stands & {"L30-1a", "L40"}))
        n["disordered"], n["entered_late"] = "S-2" in stands, one.entered_late
        n["incomplete"] = not one.is_complete
        n["refused"], n["rejected"] = "W-1" in stands, "W-2" in stands
        n["special"], n["extended"] = "W-4" in stands, "W-5" in stands
        n.update(dict.fromkeys(one.odd, 1))
        half = has_promise and one.finished_at is not None and one.finished_at - MAY_31 <= PROMISED * DAY // 2
        n["early"] = bool(half and has_promise[0].light != "red")
    return n


@pytest.mark.parametrize("seed", range(3))
def test_every_measure_of_cases_equals_a_naive_recount(seed: int) -> None:
    chance = Random(seed)
    for _ in range(300):
        cases = [made(chance) for _ in range(chance.randint(1, 3))]
        found: Counter[str] = Counter()
        for one in cases:
            for added in measure.additions(one, CALENDAR, ZONE):
                is_counted = not added.spared and not added.measure.startswith(measure.ASIDE)
                if is_counted and FIRST <= added.day <= LAST:
                    found[added.measure] += added.count
        expected = sum((naive(one) for one in cases), Counter[str]())
        assert {name: count for name, count in found.items() if count} == {
            name: int(count) for name, count in expected.items() if count
        }, cases


def test_the_recount_knows_every_measure_that_a_case_adds_to() -> None:
    """Whoever adds a measure has to say it here in other words as well."""
    red = [
        Limit(kind, 1, Light.RED, MAY_31 + 3 * DAY, MAY_31 + 20 * DAY, FIRST)
        for kind in (ClockKind.PROMISE, ClockKind.STATUTE)
    ]
    whole = Subject(
        filed_at=MAY_31 + 2 * DAY, accepted_at=None, finished_at=MAY_31 + 4 * DAY, deleted=False, is_complete=False, entered_late=True,
        limits=red, rules=[(rule, Light.RED) for rule in RULES], yellows=[(MAY_31 + DAY, "promise")], corrections=[(MAY_31 + 3 * DAY, True)],
        sanctions=[MAY_31 + 3 * DAY], confirmed=frozenset(NEEDS_A_PERSON), is_listed=True, is_routed=True, is_priced=True,
        reopened=[(FIRST, FIRST)], proof_at=MAY_31 + 3 * DAY, is_entered=False, odd=frozenset(measure.HINTS),
    )  # fmt: skip
    known = {name for name, count in naive(whole).items() if count}
    assert known | {"rule_yellow", "early"} == set(measure.MEASURES) - BESIDE
