"""Facts that arrive in any order, twice, or after 30 days of silence: the same lights, and no unjust one on the way."""

from random import Random

from msgspec.structs import replace

from tests.law import histories, oracle
from tests.law.histories import Engine, Fact, History, Look
from tests.law.oracle import DAY, HOUR

DAYS = 160


def _looked(
    history: History, arrivals: dict[int, int], err: int = 0, days: int = DAYS
) -> tuple[list[dict[str, str]], Engine]:
    """Look every day, at midnight and noon in turn. `arrivals`: place of a fact -> when the hall has it.

    The site is whole up to the oldest fact that is still on its way, and `err` less than that.
    """
    hall, shown = Engine(history.item), []
    first = min(fact.known_at for fact in history.facts)
    at = oracle.midnight(oracle.day_at(first))
    for day in range(days):
        at += DAY + (DAY // 2 if day % 2 else -DAY // 2)
        waiting = [
            fact.known_at for place, fact in enumerate(history.facts) if fact.known_at <= at < arrivals[place]
        ]
        whole = min([at, *waiting]) - err
        facts = [
            fact for place, fact in enumerate(history.facts) if max(fact.known_at, arrivals[place]) <= at
        ]
        shown.append(hall.look(Look(at, whole, histories.LAWS[0], facts)))
    return shown, hall


def _prompt(seed: int) -> History:
    """Every act recorded when it happens; each fact twice in the list, as a box sends it again."""
    history = histories.make(Random(seed), prompt=True)
    return replace(history, facts=[*history.facts, *history.facts])


def _at_once(history: History) -> dict[int, int]:
    return {place: fact.known_at for place, fact in enumerate(history.facts)}


def test_any_order_any_repetition_and_a_gap_of_30_days_come_to_the_same_lights() -> None:
    reds = 0
    for seed in range(60):
        rng, history = Random(seed), _prompt(seed)
        straight, hall = _looked(history, _at_once(history))
        cut = min(fact.known_at for fact in history.facts) + rng.randrange(90 * DAY)
        back = cut + 30 * DAY
        arrivals = {}
        for place, fact in enumerate(history.facts):
            is_cut = cut <= fact.known_at < back
            arrivals[place] = (back if is_cut else fact.known_at) + rng.randrange(3 * DAY)  # in any order
        gapped, other = _looked(history, arrivals)
        assert (seed, gapped[-1]) == (seed, straight[-1])
        assert (seed, other.dues) == (seed, hall.dues)
        reds += bool(hall.dues)
    assert reds > 20


def test_a_thousand_outages_light_no_unjust_red() -> None:
    """The line is cut before the decision reaches the hall, and the box's clock is up to a day off, which is known."""
    saved = 0
    for seed in range(1_000):
        rng, history = Random(10_000 + seed), _prompt(10_000 + seed)
        guilty = _guilty(history)
        first = min(fact.known_at for fact in history.facts)
        cut = first + rng.randrange(20 * DAY)
        back = cut + rng.randrange(1, 30) * DAY
        err = rng.randrange(24) * HOUR
        arrivals = {
            place: back + rng.randrange(2 * DAY) if cut <= fact.known_at < back else fact.known_at
            for place, fact in enumerate(history.facts)
        }
        shown, _ = _looked(history, arrivals, err, (back - first) // DAY + 3)
        red = {kind for lights in shown for kind, light in lights.items() if light.startswith("red")}
        assert red <= guilty, seed
        saved += any("grey" in light for lights in shown for light in lights.values()) and not guilty
    assert saved > 20


def _guilty(history: History) -> set[str]:
    """The limits that were not kept, told by the oracle from everything that ever happened."""
    end = max(fact.known_at for fact in history.facts) + DAYS * DAY
    facts: list[Fact] = history.facts
    shown = histories.expected(History(history.item, [Look(end, end, histories.LAWS[0], facts)], facts))
    return {kind for kind, light in shown[-1].items() if light.startswith("red")}
