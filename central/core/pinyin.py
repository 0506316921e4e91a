"""The first letters of Chinese names, by which people find them on a keyboard: 禾丰乡 -> hfx."""

from collections.abc import Iterable
from functools import lru_cache

MOST = 20


@lru_cache(4_096)
def initials(name: str) -> str:
    """Lower-case first letters of the syllables; what is not Chinese stays, without spaces and signs."""
    from pypinyin import Style, lazy_pinyin  # its dictionary is slow to load, and few requests need it

    letters = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())


@lru_cache(4_096)
def spelled(name: str) -> str:
    """The whole syllables, joined: 食品 -> shipin."""
    from pypinyin import lazy_pinyin

    letters = "".join(lazy_pinyin(name)).lower()
    return "".join(letter for letter in letters if letter.isascii() and letter.isalnum())


def matching(wanted: str, names: Iterable[str]) -> list[str]:
    """At most 20 of `names` with `wanted` among their initials, those that begin with it first."""
    letters = wanted.lower()
    found = [(initials(name).find(letters), name) for name in names]
    return [name for place, name in sorted(found) if place >= 0][:MOST]
