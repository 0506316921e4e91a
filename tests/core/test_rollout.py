"""Waves of a rollout: nobody before its turn, nobody after the first that went wrong."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from common.core.rollout import Rollout
from provisioning.core import rollout
from provisioning.core.rollout import Place, State

SITES = [f"s{number:02d}" for number in range(1, 19)]


def test_a_canary_then_three_then_all() -> None:
    placed = rollout.waves(SITES, ["s05"], [3])
    assert [site for site in SITES if placed[site] == 0] == ["s05"]
    assert [site for site in SITES if placed[site] == 1] == ["s01", "s02", "s03"]
    assert sum(wave == 2 for wave in placed.values()) == 14
    assert rollout.waves(SITES, [], [])["s01"] == 0
    assert rollout.waves(["s01"], [], [3, 3]) == {"s01": 0}


def test_a_wave_opens_when_the_one_before_has_worked_so_long_and_was_heard_since() -> None:
    """P-REL-03."""
    places = [
        Place("a", 0, Rollout.WAITING),
        Place("b", 1, Rollout.WAITING),
        Place("c", 3, Rollout.WAITING),
    ]
    assert rollout.open_wave(places, 100, 10) == 0
    places[0] = replace(places[0], standing=Rollout.DONE, ended_wall=95, receipt_wall=97)
    assert rollout.open_wave(places, 100, 10) == 0
    assert rollout.open_wave(places, 105, 10) == 1
    places[0] = replace(places[0], receipt_wall=94)
    assert rollout.open_wave(places, 105, 10) == 0
    places[:2] = [Place(name, wave, Rollout.DONE, 1, 2) for name, wave in (("a", 0), ("b", 1))]
    assert rollout.open_wave(places, 105, 10) == 3


@given(st.dictionaries(st.sampled_from(SITES), st.sampled_from(list(Rollout)), min_size=1))
def test_one_that_went_wrong_halts_it_and_it_is_finished_when_all_are_done(
    found: dict[str, Rollout],
) -> None:
    state = rollout.state([Place(site, 0, standing) for site, standing in found.items()])
    assert (state is State.HALTED) == any(standing.is_bad for standing in found.values())
    assert (state is State.FINISHED) == all(standing is Rollout.DONE for standing in found.values())
