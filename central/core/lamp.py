"""The lamp that a case's broken rules show beside that of its clocks (supervision.md 3.4, 红 with a rule id). Pure.

A red one accuses, so it needs whole data as a clock's does: whatever the site's box still holds may be the version in which
the office had mended it. Until then the rule is grey, told to nobody, and forgotten if the fault is mended meanwhile.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from central.core.articles import RULES
from central.core.ruling import Said
from common.core.state import Light

_ORDER = {rule.id: place for place, rule in enumerate(RULES)}
UNCONFIRMED = {rule.id for rule in RULES if rule.confirm}
"""What a person must look at first lights no lamp by itself."""
_SHOWN = {Light.RED, Light.YELLOW, Light.GREY}


class Lamp(Struct, frozen=True):
    """The worst of the rules that stand against a case, and its id; NONE and empty: none does."""

    light: Light = Light.NONE
    rule: str = ""


def proven(said: Said, seen_at: int, until: int | None) -> tuple[Light, int | None]:
    """The light of what a rule says now, and until when the site's data must be whole to say more.

    `seen_at`: office time at which the newest version of the case's rows was captured.
    """
    if said.again_at is not None:
        return Light.GREY, said.again_at
    if said.light is Light.RED and (until is None or until < seen_at):
        return Light.GREY, seen_at
    return said.light, None


def shown(stands: Iterable[tuple[str, Light]], withdrawn: Collection[str]) -> Lamp:
    """`stands`: rule and light of what was found of the case; `withdrawn`: rules that a person took back."""
    found = [
        (light.rank, -_ORDER.get(rule, len(_ORDER)), rule, light)
        for rule, light in stands
        if light in _SHOWN and rule not in withdrawn and rule not in UNCONFIRMED
    ]
    if not found:
        return Lamp()
    _, _, rule, light = max(found)
    return Lamp(light, rule)
