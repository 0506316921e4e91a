"""Which column of a table names the case: by the values that are found among the case's, and by its name."""

from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from agent.core.probe.guess import SURE
from agent.core.probe.sampled import Sampled

_FOUND = 0.95
_LONG = 8
"""A value of as many characters does not agree by accident; a running number does."""
_TIMES = {"datetime", "date"}
_NUMBERS = {"number", "unix"}


class Link(Struct, frozen=True):
    """`column` of a table holds values of `target`, a column of the case table."""

    column: str
    target: str
    confidence: float
    reason: str
    single: bool
    """Each case at most once: further fields of the case, not its steps."""


class Pair(Struct, frozen=True):
    """Two columns to be compared; `values` of the first, as texts."""

    column: str
    target: str
    values: tuple[str, ...]


def pairs(seen: Sampled, case: Sampled) -> Iterator[Pair]:
    """What is worth comparing: a column that could hold keys against each column that tells cases apart."""
    targets = [name for name, profile in case.profiles.items() if _tells(profile.form, case, name)]
    for column, profile in seen.profiles.items():
        if (
            profile.form in {*_TIMES, "person", "phone", "id_no"}
            or profile.filled < 0.9
            or profile.distinct < 3
        ):
            continue
        values = tuple(dict.fromkeys(text for text in profile.texts if text))
        for target in targets:
            if (case.profiles[target].form in _NUMBERS) == (profile.form in _NUMBERS):
                yield Pair(column, target, values)


def _tells(form: str, case: Sampled, name: str) -> bool:
    profile = case.profiles[name]
    in_key = any(name in key for key in case.table.keys)
    several = profile.distinct > 0.9 * max(1, case.rows)
    return several and form not in {*_TIMES, "phone", "id_no"} and (in_key or profile.unique)


def found(seen: Sampled, case: Sampled, shares: dict[tuple[str, str], float]) -> list[Link]:
    """Every link, likeliest first; `shares`: how much of a pair's values the case table has."""
    own = case.table.keys[0] if case.table.keys else ()
    made = [
        _link(seen, case, column, target, share)
        for (column, target), share in shares.items()
        if share >= _FOUND
    ]
    return sorted(made, key=lambda link: (-link.confidence, (link.target,) != own))


def target(case: Sampled, linked: Sequence[Sequence[Link]]) -> str:
    """The column of the case table that most of these tables name it by, its key before others; empty: none."""
    votes = Counter(
        name for links in linked for name in {link.target for link in links if link.confidence >= SURE}
    )
    own = case.table.keys[0] if case.table.keys else ()
    return max(votes, key=lambda name: (votes[name], (name,) == own, name), default="")


def towards(links: Sequence[Link], to: str) -> Link | None:
    """The likeliest link to the column `to`; else the likeliest of all, as unsure: a case has one key alone."""
    fit = next((link for link in links if link.target == to), None)
    if fit is not None or not links:
        return fit
    why = f"{links[0].reason}，但其他表以 {to} 指向办件" if to else links[0].reason
    return replace(links[0], confidence=min(links[0].confidence, 0.5), reason=why)


def share(pair: Pair, case: Sampled) -> float:
    """Of the pair's values, those that the sample of the case table has."""
    there = {text for text in case.profiles[pair.target].texts if text}
    return sum(value in there for value in pair.values) / len(pair.values)


def _link(seen: Sampled, case: Sampled, column: str, target: str, found: float) -> Link:
    profile = seen.profiles[column]
    given = [text for text in profile.texts if text]
    confidence, reason = 0.55, f"{found:.0%} 的值见于 {case.table.name}.{target}"
    plain, theirs = column.lower().strip("_"), target.lower().strip("_")
    if sum(map(len, given)) / len(given) >= _LONG:
        confidence += 0.25
    if plain == theirs and plain not in {"id", "no", "code", "xh", "guid", "uuid"}:
        confidence, reason = confidence + 0.2, f"{reason}，同名"
    elif _named_after(plain, theirs, case.table.name.lower()):
        confidence, reason = confidence + 0.2, f"{reason}，以该表为名"
    if seen.table.keys and (column,) == seen.table.keys[0] and plain == theirs == "id":
        confidence, reason = 0.3, "两张表各自的编号"
    single = profile.distinct == len(given)
    return Link(column, target, min(0.98, confidence), reason, single)


def _named_after(column: str, target: str, table: str) -> bool:
    """`application_id` of table `application`, `banjian_id` of `banjian_xinxi`."""
    stem = column.removesuffix(target).removesuffix("id").rstrip("_")
    last = table.rpartition(".")[2]
    return len(stem) > 2 and (stem in last or last in stem) and column != stem
