"""What a wall's address asks to be shown in turn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core.rotation import LONGEST_SECS, MOST, SHORTEST_SECS, Round, Scene, asked
from common.core.errors import UsageError


def test_without_a_word_the_sites_stand_for_ever() -> None:
    assert asked("", "") == asked("", "5") == Round()
    assert (Round().now, Round().turns, Round().every_secs) == (Scene.SITES, False, 0)


@given(st.lists(st.sampled_from(Scene), min_size=1, max_size=MOST), st.integers(SHORTEST_SECS, LONGEST_SECS))
def test_a_round_comes_back_to_where_it_began(order: list[Scene], secs: int) -> None:
    begun = asked(",".join(order), str(secs))
    assert (begun.order, begun.every_secs, begun.turns) == (tuple(order), secs, len(order) > 1)
    at, seen = begun, []
    for _ in order:
        seen.append(at.now)
        path, _, query = at.begun_at(1).partition("?")
        fields = dict(part.split("=") for part in query.split("&"))
        at = asked(fields["scene"], fields["every"])
        assert path == "/hall"
    assert (seen, at) == (order, begun)
    assert asked(",".join(order), "").every_secs == 60


@pytest.mark.parametrize(
    ("scene", "every"),
    [
        ("nothing", ""),
        ("sites,", ""),
        ("sites,sites " + "x", ""),
        (",".join(["sites"] * (MOST + 1)), ""),
        ("sites", "9"),
        ("sites", "3601"),
        ("sites", "-60"),
        ("sites", "６０"),
        ("sites", "1" * 400),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(scene: str, every: str) -> None:
    with pytest.raises(UsageError) as refused:
        asked(scene, every)
    assert "scene" in refused.value.hint or "every" in refused.value.hint
