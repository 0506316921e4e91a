"""Every state has its Chinese word, once; a case shows its worst light."""

import inspect
from enum import StrEnum
from itertools import permutations

import pytest

from common.core import act, state
from common.core.state import Light

KINDS = [
    kind
    for module in (act, state)
    for _, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, StrEnum) and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_value_has_a_chinese_word_of_its_own(kind: type[StrEnum]) -> None:
    words = [item.word for item in kind]  # type: ignore[attr-defined]
    assert len(set(words)) == len(words)
    assert all("\u4e00" <= word[0] <= "\u9fff" for word in words)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_stored_text_is_the_lower_case_name(kind: type[StrEnum]) -> None:
    assert all(item.value == item.name.lower() for item in kind)


def test_the_worst_light_wins_in_any_order() -> None:
    order = [Light.NONE, Light.GREEN, Light.PAUSED, Light.YELLOW, Light.GREY, Light.RED]
    assert sorted(Light, key=lambda light: light.rank) == order
    for three in permutations(order, 3):
        assert max(three, key=lambda light: light.rank) == order[max(map(order.index, three))]
