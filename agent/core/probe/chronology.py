"""What the order of times in a table says of them: it confirms a weak name, and it shakes a strong one."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from agent.core.probe.guess import SURE, Guess
from agent.core.probe.names import HINT, SHARED
from agent.core.probe.sampled import Sampled

_ALWAYS = 0.99
_DISORDER = 0.05
_GAIN = 0.2
_LONGEST = timedelta(days=400)
"""Median of a case or step: what lies further back is another matter (SLRQ: 设立日期)."""
_LEAST = 20
"""Rows with both times, below which an order proves nothing."""
_ORDER = {"case": ("received_at", "accepted_at", "finished_at"), "step": ("started_at", "finished_at")}


def weighed(role: str, seen: Sampled, ranked: list[Guess]) -> list[Guess]:
    """Of a step, shared initials (JSSJ) gain where the order of its times bears them out, of hints those to its end
    (办理时间). Not of a case: what 申请时间 means to the law no order of times can tell."""
    if role != "step":
        return ranked
    return [_gained(seen, guess, ranked) if guess.field in _ORDER["step"] else guess for guess in ranked]


def _gained(seen: Sampled, guess: Guess, ranked: list[Guess]) -> Guess:
    hint = abs(guess.confidence - HINT) < 0.01 and guess.field == "finished_at"
    if not hint and abs(guess.confidence - SHARED) > 0.01:
        return guess
    other = "started_at" if guess.field == "finished_at" else "finished_at"
    for mate in ranked:
        if mate.field != other or mate.columns == guess.columns or mate.confidence < SURE:
            continue
        pair = (mate, guess) if other == "started_at" else (guess, mate)
        before, after = (seen.profiles[one.columns[0]] for one in pair)
        if _in_order(before.times, after.times) and before.filled >= after.filled and before.filled > 0.97:
            return replace(
                guess,
                confidence=guess.confidence + _GAIN,
                reason=f"{guess.reason}，与 {mate.columns[0]} 先后相符",
            )
    return guess


def _pairs(
    before: tuple[datetime | None, ...], after: tuple[datetime | None, ...]
) -> list[tuple[datetime, datetime]]:
    return [(first, last) for first, last in zip(before, after, strict=True) if first and last]


def _in_order(before: tuple[datetime | None, ...], after: tuple[datetime | None, ...]) -> bool:
    pairs = _pairs(before, after)
    good = sum(first <= last for first, last in pairs)
    different = sum(first < last for first, last in pairs)
    return len(pairs) >= _LEAST and good >= _ALWAYS * len(pairs) and different > 0


def checked(found: dict[str, Guess], seen: Sampled) -> dict[str, Guess]:
    """Times that stand in the wrong order in many rows are not what their names say: a person must look."""
    role = "step" if "started_at" in found or "step_name" in found else "case"
    names = [name for name in _ORDER[role] if name in found and found[name].sure]
    shaken: dict[str, Guess] = {}
    for place, early in enumerate(names):
        for late in names[place + 1 :]:
            first, last = (seen.profiles[found[name].columns[0]] for name in (early, late))
            doubt = _doubt(_pairs(first.times, last.times))
            for name in (early, late) if doubt else ():
                why = f"{found[name].reason}，但{doubt}（{early}、{late}）"
                shaken[name] = replace(found[name], confidence=min(found[name].confidence, 0.5), reason=why)
    return {**found, **shaken}


def _doubt(pairs: list[tuple[datetime, datetime]]) -> str:
    """What speaks against two times being beginning and end of one case or step; empty: nothing."""
    if len(pairs) < _LEAST:
        return ""
    wrong = sum(before.date() > after.date() for before, after in pairs)
    if wrong > _DISORDER * len(pairs):
        return f" {wrong}/{len(pairs)} 行先后颠倒"
    middle = sorted(after - before for before, after in pairs)[len(pairs) // 2]
    return f"相隔多达 {middle.days} 天" if middle > _LONGEST else ""
