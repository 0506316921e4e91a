"""One table in one role: which column is which canonical field. Names propose, values confirm, weaken or refuse."""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from agent.core.mapping import CASE_FIELDS, STEP_FIELDS, TIME_FIELDS
from agent.core.probe import chronology, words
from agent.core.probe.guess import STRICT, SURE, Guess
from agent.core.probe.names import named
from agent.core.probe.profile import Profile
from agent.core.probe.sampled import Sampled

_TIMES = {"datetime", "date", "unix"}
_NUMBERS = {"promised": 400, "legal": 800, "seq": 1000}
"""The most that a number may be, to be this."""
_TEXTS = {
    "item_name",
    "applicant",
    "channel",
    "org",
    "responsible",
    "actor",
    "outcome",
    "step_name",
    "opinion",
}
_CODED = {"actor", "responsible", "org", "channel"}
"""May well be kept as numbers of staff or departments."""
_CODED_SHARE = 0.85
_EMPTY = 0.75
_CLOSE = 0.06
"""Two columns whose confidence differs by less are equally likely."""
_KINDS = 3
"""Kinds that must be known before a step's name is taken to say its kind."""
_PRIVACY = {"applicant": "name", "phone": "phone"}


def assigned(role: str, seen: Sampled) -> dict[str, Guess]:
    """Field -> guess for a `case` or `step` table; sure ones and unsure ones, each column once."""
    ranked = sorted(_candidates(role, seen), key=lambda guess: -guess.confidence)
    ranked = _spoken(chronology.weighed(role, seen, ranked), seen)
    found: dict[str, Guess] = {}
    taken: set[str] = set()
    for guess in sorted(ranked, key=lambda one: (-one.confidence, -seen.profiles[one.columns[0]].filled)):
        if guess.field not in found and guess.columns[0] not in taken and guess.confidence > 0.3:
            found[guess.field] = _undivided(guess, ranked, taken)
            taken.add(guess.columns[0])
    if role == "step":
        found |= _kind_of_name(found, seen)
    return chronology.checked(_in_unit(found, role, seen), seen)


def _spoken(ranked: list[Guess], seen: Sampled) -> list[Guess]:
    """Of two columns called the case's number, the one that people say and write is no plain running number."""

    def is_counter(guess: Guess) -> bool:
        return seen.profiles[guess.columns[0]].form == "number"

    numbers = [guess for guess in ranked if guess.field == "case_no"]
    if all(map(is_counter, numbers)):
        return ranked
    return [
        _weaker(guess, 0.8, "只是流水号，另有编号") if guess in numbers and is_counter(guess) else guess
        for guess in ranked
    ]


def _in_unit(found: dict[str, Guess], role: str, seen: Sampled) -> dict[str, Guess]:
    """Where a column of its own says what a promise counts, a mapping can take it only if that is one unit."""
    if "promised" not in found:
        return found
    comments = {column.name: column.comment for column in seen.table.columns}
    for name, profile in seen.profiles.items():
        if any(one.field == "unit" for one in named(role, name, comments.get(name, ""))):
            said = list(profile.words)
            unit = "workdays" if all("工作日" in word for word in said) else "days"
            if len(said) != 1 or not ("工作日" in said[0] or said[0] in {"天", "日", "自然日"}):
                guess = _weaker(found["promised"], 0.6, f"{name} 另记单位，不止一种或含义未知")
            else:
                guess = replace(found["promised"], options={"type": unit}, reason=f"单位凭 {name}")
            return {**found, "promised": guess}
    return found


def _undivided(guess: Guess, ranked: list[Guess], taken: set[str]) -> Guess:
    """Of two columns that are equally likely a strict field takes none."""
    rival = next(
        (
            other.columns[0]
            for other in ranked
            if other.field == guess.field
            and other.columns != guess.columns
            and other.columns[0] not in taken
            and other.confidence > guess.confidence - _CLOSE
        ),
        "",
    )
    if not rival or guess.field not in STRICT:
        return guess
    return replace(guess, confidence=min(guess.confidence, 0.55), reason=f"{guess.reason}；{rival} 也像")


def _candidates(role: str, seen: Sampled) -> Iterator[Guess]:
    own = CASE_FIELDS if role == "case" else STEP_FIELDS
    comments = {column.name: column.comment for column in seen.table.columns}
    for name, profile in seen.profiles.items():
        comment = comments.get(name, "")
        proposed = named(role, name, comment)
        strange = max((one.confidence for one in proposed if one.field not in own), default=0.0)
        for one in proposed:
            if one.field in own and one.confidence >= strange:
                yield _fitted(Guess(one.field, (name,), one.confidence, one.reason), profile, comment)


def _fitted(guess: Guess, profile: Profile, comment: str) -> Guess:
    field = guess.field
    if field in TIME_FIELDS:
        return _time(guess, profile)
    if field in _NUMBERS:
        return _number(guess, profile, comment)
    if field in {"status", "kind"}:
        return _worded(guess, profile, comment)
    if field in _PRIVACY:
        guess = replace(guess, options={"privacy": _PRIVACY[field]})
    if not profile.distinct:
        return _weaker(guess, _EMPTY, "样例中没有值")
    return _text(guess, profile, comment) if field in _TEXTS else _named_value(guess, profile)


def _named_value(guess: Guess, profile: Profile) -> Guess:
    """A number of the case, a code of the item, a telephone."""
    if profile.form in {"datetime", "date"}:
        return _weaker(guess, 0.3, "值是时间")
    if guess.field == "phone" and profile.form != "phone" and not _local_numbers(profile):
        return _weaker(guess, 0.6, "值不像电话")
    if guess.field == "case_no" and profile.distinct < 0.97 * profile.filled * len(profile.texts):
        return _weaker(guess, 0.5, "值有重复")
    return guess


def _local_numbers(profile: Profile) -> bool:
    """Seven or eight digits: a telephone without its area code, if the name says so."""
    given = [text for text in profile.texts if text]
    return sum(bool(re.fullmatch(r"[0-9]{7,8}", text)) for text in given) > len(given) / 2


def _weaker(guess: Guess, share: float, why: str) -> Guess:
    return replace(guess, confidence=guess.confidence * share, reason=f"{guess.reason}，但{why}")


def _time(guess: Guess, profile: Profile) -> Guess:
    if not profile.distinct:
        return _weaker(guess, 0.7, "样例中没有值，无从核对")
    if profile.form not in _TIMES:
        return _weaker(guess, 0.0, "值不是时间")
    options = {"type": "unix"} if profile.form == "unix" else {}
    if profile.zeros:
        options["zero"] = "null"
    guess = replace(guess, options=options, reason=f"{guess.reason}，值是{_FORM_WORDS[profile.form]}")
    if profile.sentinel:
        return _weaker(guess, 0.6, f"有以 {profile.sentinel[:10]} 表示没有的行")
    return guess


_FORM_WORDS = {"datetime": "时间", "date": "日期", "unix": "Unix 时间"}


def _number(guess: Guess, profile: Profile, comment: str) -> Guess:
    if not profile.distinct:
        return _weaker(guess, _EMPTY, "样例中没有值")
    found = [re.match(r"[+-]?[0-9]+(?:\.[0-9]*)?", text) for text in profile.texts if text]
    most = max((float(match[0]) for match in found if match), default=0.0)
    if profile.form not in {"number", "days"} or most > _NUMBERS[guess.field]:
        return _weaker(guess, 0.0, "值不是天数或序号")
    if guess.field != "promised":
        return guess
    said = guess.columns[0] + comment + "".join(list(profile.words)[:3])
    if "自然日" in said or "日历日" in said:
        return replace(guess, options={"type": "days"}, reason=f"{guess.reason}，自然日")
    told = "工作日" in said or "workday" in guess.columns[0].lower()
    unit = "工作日" if told else "未注明单位，按行政许可法第八十二条以工作日计"
    return replace(guess, options={"type": "workdays"}, reason=f"{guess.reason}，{unit}")


def _worded(guess: Guess, profile: Profile, comment: str) -> Guess:
    """A state or a kind: only as sure as its values have words."""
    legend = words.legend(comment)
    if not profile.words:
        return _weaker(guess, 0.5, "值太多或没有值")
    enum = {
        value: words.canonical(guess.field, legend.get(value, value)) for value in [*profile.words, *legend]
    }
    known = {value: word for value, word in enum.items() if word}
    rows = sum(profile.words.values())
    share = sum(count for value, count in profile.words.items() if value in known) / rows
    guess = replace(
        guess,
        enum=known,
        unknown=tuple(value for value in profile.words if value not in known),
    )
    if share < 0.5:
        return _weaker(guess, 0.6, "值的含义未知")
    return replace(guess, reason=f"{guess.reason}，{len(known)} 个值认得" + ("（凭注释）" if legend else ""))


def _text(guess: Guess, profile: Profile, comment: str) -> Guess:
    legend = words.legend(comment)
    if guess.field == "outcome" and legend and set(profile.words) <= set(legend):
        return replace(guess, enum=legend, reason=f"{guess.reason}，代码凭注释")
    if profile.form in {"number", "phone", *_TIMES}:
        share = _CODED_SHARE if guess.field in _CODED else 0.5
        return _weaker(guess, share, "值是代码而不是文字")
    return guess


def _kind_of_name(found: dict[str, Guess], seen: Sampled) -> dict[str, Guess]:
    """Where no column says the kind of a step in words, its name in the same row may."""
    name, kind = found.get("step_name"), found.get("kind")
    if not name or not name.sure or (kind and kind.sure):
        return {}
    profile = seen.profiles[name.columns[0]]
    if kind and seen.profiles[kind.columns[0]].words:
        return _kind_of_code(kind, seen.profiles[kind.columns[0]], profile)
    made = _worded(Guess("kind", name.columns, SURE + 0.05, "没有类型字段，凭环节名称"), profile, "")
    return {"kind": made} if len(made.enum) >= _KINDS else {}


def _kind_of_code(kind: Guess, codes: Profile, names: Profile) -> dict[str, Guess]:
    """A code means what the names beside it mean, if they all mean the same."""
    meant: dict[str, set[str]] = {}
    for code, name in zip(codes.texts, names.texts, strict=True):
        if code and name:
            meant.setdefault(code, set()).add(words.canonical("kind", name))
    enum = {code: word for code, said in meant.items() if len(said) == 1 for word in said if word}
    if len(enum) < _KINDS:
        return {}
    unknown = tuple(code for code in codes.words if code not in enum)
    made = replace(kind, confidence=SURE + 0.05, enum=enum, unknown=unknown)
    return {"kind": replace(made, reason=f"{kind.reason.partition('，')[0]}，代码的含义凭同一行的环节名称")}
