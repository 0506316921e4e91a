"""Statistics, chart and score over the real logs of three municipalities, beside an independent count (`figures.py`)."""

import random

import pytest

from central.core import portion
from central.core.period import parse
from central.store.engine import Store
from tests.real import figures, logs
from tests.real.test_findings import store

__all__ = ["store"]
YEAR, USUAL, SEED, OPEN = "2014", 30, 9, 24


async def test_statistics_chart_and_score_say_what_a_naive_count_of_the_logs_says(store: Store) -> None:
    """Volumes, on-time rates, mean, median and P90 working days; a year, and a quarter of it."""
    logs.needed()
    sites = _of_the_year()
    await figures.load(store, sites)
    for name in (YEAR, f"{YEAR}-Q3"):
        assert await figures.differing(store, sites, name) == []
    counted = figures.values(sites["m1"], parse(YEAR))
    assert all(counted[name] for name in figures.COUNTS), "or nothing was compared"


async def test_what_the_site_s_last_delivery_left_to_the_ticker_is_counted_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cases that never end wait for whole data, and one delivery judges only its portion of them."""
    logs.needed()
    monkeypatch.setattr(portion, "FLOOR", 1)
    monkeypatch.setattr(portion, "PER_RECORD", 1)
    sites = {
        "m1": [one for one in logs.municipalities(None, SEED)["m1"] if not one.values["finished_at"]][:OPEN]
    }
    await figures.load(store, sites)
    assert await figures.differing(store, sites, YEAR) == []
    assert figures.values(sites["m1"], parse(YEAR))["statute_late"]


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
