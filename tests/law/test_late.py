"""Late entries, corrections and silence: whatever comes when, in the end the same lights and the same red ones on record."""

from random import Random

from msgspec import Struct

from tests.law import hall, histories
from tests.law.hall import Sent
from tests.law.oracle import DAY, HOUR
from tests.law.test_delivery import _guilty

DAYS = 150


def _arrivals(sent: list[tuple[int, Sent]], rng: Random) -> list[tuple[int, Sent]]:
    """A line cut for 30 days; what waited then comes in any order, some of it twice."""
    cut = sent[0][0] + rng.randrange(100 * DAY)
    back = cut + 30 * DAY
    found = []
    for at, one in sent:
        arrived = at if not cut <= at < back else back + rng.randrange(2 * DAY)
        found.append((arrived, one))
        if rng.random() < 0.05:
            found.append((arrived + rng.randrange(5 * DAY), one))
    return found


class Lived(Struct, frozen=True):
    """One history with the line up, and twice with the line cut. `late`: a red one with an entry more than five days late."""

    differs: bool
    red: bool
    late: bool
    yellow: bool


def _lived(seed: int) -> Lived:
    history = histories.make(Random(seed))
    sent = hall.captured(history, Random(seed), DAYS)
    end = sent[-1][0] + 8 * DAY
    straight = hall.run(history, sent, Random(1), end)
    others = []
    for turn in range(2):
        rng = Random(1_000 * turn + seed)
        others.append(hall.run(history, _arrivals(sent, rng), rng, end))
    is_late = any(fact.known_at - fact.happened_at > 5 * DAY for fact in history.facts)
    return Lived(
        any(_told(one) != _told(straight) for one in others),
        bool(straight.reds),
        is_late and bool(straight.reds),
        any(at is not None for at in straight.yellows.values()),
    )


def _told(seen: hall.Hall) -> tuple[object, ...]:
    return seen.shown(), seen.reds, seen.yellows


def test_late_entries_come_to_the_same_lights_whatever_the_line_did() -> None:
    """`make soak WHAT=late` goes on with other ones."""
    found = [_lived(seed) for seed in range(8)]
    assert [seed for seed, one in enumerate(found) if one.differs] == []
    assert min(sum(one.red for one in found), sum(one.late for one in found)) >= 2
    assert sum(one.yellow for one in found) >= 2


def unsteady_seeds(seed: int, count: int) -> list[int]:
    """Of `count` histories, those that end otherwise where the line was cut."""
    return [number for number in range(seed, seed + count) if _lived(number).differs]


def test_a_completion_entered_after_the_limit_and_dated_before_it_acquits_nobody_and_is_no_secret() -> None:
    """What the hall shows with the line up, it shows with the line down; the office has entered it in time nowhere."""
    found = 0
    for seed in range(400):
        history = histories.make(Random(seed))
        sent = hall.captured(history, Random(seed), DAYS)
        end = sent[-1][0] + 8 * DAY
        cut = [(max(at, end - 9 * DAY), one) for at, one in sent]  # nothing comes before the end
        straight, silent = (hall.run(history, one, Random(2), end) for one in (sent, cut))
        assert (seed, silent.reds) == (seed, straight.reds)
        found += any("仍未" in why for _, why in silent.reds.values())
        if found > 4:
            return
    raise AssertionError(found)


def test_outages_with_clocks_a_day_wrong_light_no_unjust_red() -> None:
    """`make soak WHAT=outage` goes on with other ones."""
    assert unjust_seeds(0, 40) == []


def unjust_seeds(seed: int, count: int) -> list[int]:
    """Of `count` outages, those after which somebody is accused who was in time.

    An office that records every act when it happens; the line is cut with the decision in the buffer.
    """
    return [number for number in range(seed, seed + count) if not _is_just(number)]


def _is_just(seed: int) -> bool:
    rng, history = Random(seed), histories.make(Random(20_000 + seed), prompt=True)
    sent = hall.captured(history, rng, 60, ahead=rng.randrange(-24, 25) * HOUR)
    cut = sent[0][0] + rng.randrange(20 * DAY)
    back = cut + rng.randrange(1, 30) * DAY
    arrivals = [(back + rng.randrange(DAY) if cut <= at < back else at, one) for at, one in sent]
    seen = hall.run(history, arrivals, rng, sent[-1][0] + 2 * DAY)
    red = {kind.value for kind, _ in seen.reds if kind in histories.DECISION}
    return red <= _guilty(history)
