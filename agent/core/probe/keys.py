"""What a table's rows are told apart by, and which column rises when one is written."""

import itertools
import re

from msgspec.structs import replace

from agent.core.probe import fields
from agent.core.probe.guess import SURE, Guess
from agent.core.probe.names import named
from agent.core.probe.profile import Profile
from agent.core.probe.sampled import Sampled

_NAMES = re.compile(r"(^|_)(id|no|code|guid|uuid)$|bh$|lsh$|编号$|流水号$|bianhao$", re.IGNORECASE)
_ENOUGH = 100
"""Rows of a whole table that prove a key; of fewer two might agree tomorrow."""
_BIG = 20_000
"""From so many rows on a cursor without an index is worse than none."""


def key_of(seen: Sampled, role: str, parent: Guess | None = None) -> Guess:
    """The engine's own key; without one only what the whole table proves and its name bears out."""
    if seen.table.keys:
        return _declared(seen, seen.table.keys[0])
    proven = "全表无重复" if seen.whole else f"{seen.rows} 行样例无重复，未查全表"
    confidence = SURE + 0.02 if seen.whole and seen.rows >= _ENOUGH else 0.5
    singles = [name for name in seen.profiles if _NAMES.search(name) and seen.profiles[name].unique]
    found = (singles[0],) if len(singles) == 1 else _with_seq(seen, role, parent)
    if found:
        return Guess("key", found, confidence, f"数据库没有主键；{'、'.join(found)} {proven}")
    if singles:
        return Guess("key", (singles[0],), 0.5, f"数据库没有主键；{'、'.join(singles)} 都无重复")
    return Guess("key", (), 0.0, "数据库没有主键，也没有字段能确定")


def _declared(seen: Sampled, own: tuple[str, ...]) -> Guess:
    if not set(own) <= set(seen.profiles):
        return Guess("key", own, 0.5, "数据库的主键，但有字段读不到")
    if seen.rows and not seen.unique(own):
        return Guess("key", own, 0.5, "数据库的主键，但样例中有空值或重复")
    return Guess("key", own, 0.98, "数据库的主键或非空唯一索引")


def _with_seq(seen: Sampled, role: str, parent: Guess | None) -> tuple[str, ...]:
    """The case's column and the number of the step, where they tell all rows apart."""
    seq = fields.assigned(role, seen).get("seq")
    if parent is None or not parent.sure or seq is None or not seq.sure:
        return ()
    pair = (*parent.columns, *seq.columns)
    return pair if seen.unique(pair) else ()


def cursor_of(seen: Sampled, role: str) -> Guess | None:
    """The column of the last change; None: no column is named so."""
    comments = {column.name: column.comment for column in seen.table.columns}
    found = [
        Guess("cursor", (name,), one.confidence, one.reason)
        for name in seen.profiles
        for one in named(role, name, comments.get(name, ""))[:1]
        if one.field == "modified"
    ]
    if not found:
        return None
    found.sort(key=lambda guess: -guess.confidence)
    best = found[0]
    most, doubt = _doubt(seen.profiles[best.columns[0]])
    if len(found) > 1 and found[1].confidence == best.confidence:
        most, doubt = min(most, 0.6), doubt or f"{found[1].columns[0]} 也像"
    if best.columns[0] not in seen.table.indexed:
        big = max(seen.rows, seen.table.rows or 0) > _BIG
        most, doubt = min(most, 0.5 if big else 1.0), doubt or "没有以它开头的索引"
    reason = f"{best.reason}，但{doubt}" if doubt else best.reason
    return replace(best, confidence=min(best.confidence, most), reason=reason)


def _doubt(profile: Profile) -> tuple[float, str]:
    """-> the most that a cursor of such values may be trusted, and why."""
    if profile.form == "date":
        return 0.5, "只有日期"
    if profile.form not in {"datetime", "unix"}:
        return 0.3, "值不是时间"
    if profile.filled < 0.9:
        return 0.6, f"{1 - profile.filled:.0%} 的行没有值"
    if profile.form == "unix":
        return 1.0, "数字不回读重叠的一段，迟到的提交由全表核对补上"
    return (1.0, "") if _rises(profile) else (0.4, "文字的次序与时间不符")


def _rises(profile: Profile) -> bool:
    """Whether the text sorts as the times do."""
    there = zip(profile.texts, profile.times, strict=True)
    ordered = sorted((text, time) for text, time in there if text and time)
    return all(one[1] <= other[1] for one, other in itertools.pairwise(ordered))
