"""The free paragraphs of a draft: what people write themselves, and may still change before somebody signs. Pure.

A form says whether its reason and measures are free (`Form.is_free`). All else of a document comes from the clock and the frozen facts, and no hand.
"""

from msgspec import Struct
from msgspec.structs import replace

from central.core.circular import closed
from central.core.compose import NAMES, Facts
from central.core.dossier import LONGEST, LONGEST_MEASURE, MOST_MEASURES, SHORTEST


class Free(Struct, frozen=True, kw_only=True):
    """What people say: the reason in one paragraph, and what is asked for, each by itself."""

    reason: str = ""
    measures: tuple[str, ...] = ()


class Change(Struct, frozen=True):
    """One free part before and after an edit, for people."""

    name: str
    before: str
    after: str


def of(facts: Facts) -> Free:
    return Free(reason=facts.reason or "", measures=facts.measures)


def tidy(reason: str, measures: tuple[str, ...]) -> Free:
    """As the forms set it: on one line each, without the full stop that the form sets itself."""
    return Free(reason=closed(reason), measures=tuple(filter(None, map(closed, measures))))


def put(facts: Facts, free: Free) -> Facts:
    return replace(facts, reason=free.reason, measures=free.measures)


def fault(free: Free) -> str:
    """Why these words will not do, for people; empty if they will."""
    if not SHORTEST <= len(free.reason) <= LONGEST:
        return f"须写明情况，{SHORTEST} 至 {LONGEST} 个字"
    if not 1 <= len(free.measures) <= MOST_MEASURES:
        return f"须逐行写明要求，一行一条，最多 {MOST_MEASURES} 条"
    if any(len(line) > LONGEST_MEASURE for line in free.measures):
        return f"每条要求最多 {LONGEST_MEASURE} 个字"
    return ""


def changes(before: Free, after: Free) -> list[Change]:
    """What differs, in the order of the document."""
    pairs = (
        ("reason", before.reason, after.reason),
        ("measures", "；".join(before.measures), "；".join(after.measures)),
    )
    return [Change(NAMES[name], old, new) for name, old, new in pairs if old != new]
