"""Statistics, chart and score over the real logs of three municipalities, beside an independent count (`figures.py`)."""

import random

from central.core.period import parse
from central.store.engine import Store
from tests.real import figures, logs
from tests.real.test_findings import store

__all__ = ["store"]
YEAR, USUAL, SEED = "2014", 30, 9


async def test_statistics_chart_and_score_say_what_a_naive_count_of_the_logs_says(store: Store) -> None:
    """Volumes, on-time rates, mean, median and P90 working days; a year, and a quarter of it."""
    logs.needed()
    sites = _of_the_year()
    await figures.load(store, sites)
    for name in (YEAR, f"{YEAR}-Q3"):
        assert await figures.differing(store, sites, name) == []
    counted = figures.values(sites["m1"], parse(YEAR))
    assert all(counted[name] for name in figures.COUNTS), "or nothing was compared"


def _of_the_year() -> figures.Sites:
    """A sample of those that were accepted or finished in it."""
    chance, size = random.Random(SEED), logs.sample_size(USUAL)
    found = {}
    for site, cases in logs.municipalities(None, SEED).items():
        mine = [
            one for one in cases if YEAR in {one.values[name][:4] for name in ("accepted_at", "finished_at")}
        ]
        picked = mine if size is None else chance.sample(mine, min(size, len(mine)))
        found[site] = sorted(picked, key=lambda one: one.number)
    return found
