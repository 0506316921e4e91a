"""A column's name and comment -> the fields it may be, each with a confidence from 0 to 1 and the reason.

A comment is the vendor's own word and outweighs a name: pinyin initials are shared by unrelated terms. Where two
fields of one role share initials (JSSJ: 结束时间, 接收时间) both come back, weaker, for the values to decide.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache

from msgspec import Struct

from agent.core.probe import pinyin, terms

EXACT = 0.95
"""A comment or a Chinese, full pinyin or English name that is a term of the dictionary."""
SHORT = 0.85
"""Pinyin initials that stand for one term."""
SHARED = 0.6
"""Initials that stand for terms of two fields; a term with unknown words around it."""
HINT = 0.55
"""A term of terms.HINTS."""
CONTRADICTED = 0.4
"""The name says so, a comment that the dictionary does not know says nothing of it."""

_PREFIX = re.compile(r"^(?:(?:[fcndt]|dt|vc|fld|col|str|int|dat)_)(?=[a-z])")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_AROUND = re.compile(r"[（(【\[：:，,;；。=].*$|\s")
_BRACKETS = re.compile(r"[（(【\[]([^）)】\]]*)[）)】\]]$")
_HARMLESS = re.compile(
    r"(个?工作日|自然日|日历日|天|日|元|个人|单位|企业|或单位|个人或单位|个人/单位|姓名|名称|姓名或名称|必填|选填|年月日|年月日时分|码|代码|字典)?"
)
"""What brackets behind a name may hold that makes no other thing of it, as 预计 would."""
_ENGLISH = {
    "date": "time", "at": "time", "on": "time", "datetime": "time", "dt": "time", "tm": "time",
    "number": "no", "num": "no", "code": "no", "nbr": "no", "department": "dept", "organization": "org",
    "organisation": "org", "day": "days", "workday": "workdays", "received": "receive", "stat": "status",
}  # fmt: skip
_GLUED = ("time", "date", "name", "result", "code", "no", "days", "day", "type", "id", "desc")
_SUFFIX = {
    "time": "sj", "date": "rq", "no": "bh", "code": "bm", "name": "mc", "days": "ts", "type": "lx", "num": "h",
}  # fmt: skip
_QUALIFIERS = (
    "办件",
    "业务",
    "案件",
    "审批",
    "申请",
    "受理",
    "当前",
    "本次",
    "本",
    "实际",
    "办理",
    "环节",
    "节点",
    "步骤",
)


class Named(Struct, frozen=True):
    """`field` may be one of terms.OTHERS: then the column is nothing a mapping wants."""

    field: str
    confidence: float
    reason: str


def named(role: str, name: str, comment: str = "") -> list[Named]:
    """What a column of a `case` or `step` table may be, best first."""
    by_name = _by_name(role, name)
    said = _AROUND.sub("", comment)
    if not said:
        return by_name
    by_comment = _by_chinese(role, said, "注释") or _by_part(role, said)
    if by_comment:
        agreed = {item.field for item in by_name}
        return [
            Named(item.field, min(0.99, item.confidence + 0.03 * (item.field in agreed)), item.reason)
            for item in by_comment
        ]
    if not re.search(r"[\u3400-\u9fff]", said):
        return by_name
    return [Named(i.field, min(i.confidence, CONTRADICTED), f"{i.reason}，但注释未能认出") for i in by_name]


def _by_name(role: str, name: str) -> list[Named]:
    if re.search(r"[\u3400-\u9fff]", name):
        return _by_chinese_name(role, re.sub(r"\s", "", name))
    plain = _PREFIX.sub("", name.lower())
    squeezed = re.sub(r"[^a-z0-9]", "", plain)
    words = [word for word in re.split(r"[^a-z0-9]+", _PREFIX.sub("", _CAMEL.sub("_", name).lower())) if word]
    found = _looked_up(_index(role).full, squeezed, EXACT, "全拼")
    found = found or _by_english(role, words)
    return found or _by_initials(role, squeezed, words)


def _by_chinese_name(role: str, name: str) -> list[Named]:
    """Written with spaces between (受 理 时 间), with something in brackets behind (申请人（单位）)."""
    found = _by_chinese(role, name, "字段名")
    said = _BRACKETS.search(name)
    if found or said is None:
        return found or _by_part(role, name)
    bare = name[: said.start()]
    found = _by_chinese(role, bare, "字段名") or _by_part(role, bare)
    if _HARMLESS.fullmatch(said[1]):
        return found
    return [Named(i.field, min(i.confidence, SHARED), f"{i.reason}，但另注“{said[1]}”") for i in found]


def _by_chinese(role: str, term: str, where: str) -> list[Named]:
    index = _index(role).chinese
    found = _looked_up(index, term, EXACT, where)
    for qualifier in _QUALIFIERS:
        if not found and term.startswith(qualifier):
            found = _looked_up(index, term.removeprefix(qualifier), EXACT - 0.05, where)
    return found


def _by_part(role: str, term: str) -> list[Named]:
    """A term of the dictionary with unknown words before it: never enough alone."""
    known = [word for word in _index(role).chinese if len(word) > 2 and term.endswith(word)]
    best = max(known, key=len, default="")
    return [
        Named(item.field, SHARED * item.confidence, f"名称含“{best}”")
        for item in _looked_up(_index(role).chinese, best, 1.0, "")
    ]


def _by_english(role: str, words: list[str]) -> list[Named]:
    if len(words) == 1:
        words = _unglued(words[0])
    spoken = " ".join(_ENGLISH.get(word, word) for word in words)
    return _looked_up(_index(role).english, spoken, EXACT, "英文名")


def _unglued(word: str) -> list[str]:
    """`donedate` -> done, date."""
    for end in _GLUED:
        if word.endswith(end) and len(word) > len(end) + 1:
            return [word.removesuffix(end), end]
    return [word]


def _by_initials(role: str, squeezed: str, words: list[str]) -> list[Named]:
    index = _index(role).initials
    found = _looked_up(index, squeezed, SHORT, "拼音首字母")
    if not found and len(words) > 1 and words[-1] in _SUFFIX:
        mixed = "".join(words[:-1]) + _SUFFIX[words[-1]]
        found = _looked_up(index, mixed, SHORT, "拼音首字母")
    return found


def _looked_up(
    index: dict[str, dict[str, tuple[float, str]]], key: str, most: float, how: str
) -> list[Named]:
    """Fields of one key; of two that both may be meant, neither is sure. Initials may mean a hint as well as a term."""
    there = index.get(key, {})
    rivals = [field for field, (weight, _) in there.items() if weight == 1.0 or most == SHORT]
    found = [
        Named(
            field,
            HINT if weight < 1.0 else SHARED if len(rivals) > 1 else most,
            f"{how}“{term}”" if how else term,
        )
        for field, (weight, term) in there.items()
    ]
    return sorted(found, key=lambda item: -item.confidence)


class _Index(Struct, frozen=True):
    """Spelling -> field -> (weight, term); weight under 1: a hint. A term of the role's own is nothing else: who writes a
    step's 录入时间 means when it was recorded, in a case it is only the row's creation.
    """

    chinese: dict[str, dict[str, tuple[float, str]]]
    full: dict[str, dict[str, tuple[float, str]]]
    initials: dict[str, dict[str, tuple[float, str]]]
    english: dict[str, dict[str, tuple[float, str]]]


@cache
def _index(role: str) -> _Index:
    own = terms.CASE if role == "case" else terms.STEP
    own_english = terms.CASE_ENGLISH if role == "case" else terms.STEP_ENGLISH
    made = _Index(defaultdict(dict), defaultdict(dict), defaultdict(dict), defaultdict(dict))
    hints = {field: words for field, words in terms.HINTS.items() if field in own}
    spoken = {term for _, term in _pairs(own)}
    others = {field: tuple(w for w in words if w not in spoken) for field, words in terms.OTHERS.items()}
    for weight, table in ((1.0, own), (1.0, others), (0.5, hints)):
        for field, term in _pairs(table):
            spellings = [(made.chinese, term), (made.full, pinyin.full(term))]
            if term not in terms.RARE:
                spellings.append((made.initials, pinyin.initials(term)))
            for index, spelled in spellings:
                index[spelled].setdefault(field, (weight, term))
    english_hints = {field: words for field, words in terms.HINTS_ENGLISH.items() if field in own}
    for weight, table in ((1.0, own_english), (1.0, terms.OTHERS_ENGLISH), (0.5, english_hints)):
        for field, term in _pairs(table):
            made.english[term].setdefault(field, (weight, term))
    return made


def _pairs(table: dict[str, tuple[str, ...]]) -> Iterable[tuple[str, str]]:
    return ((field, term) for field, words in table.items() for term in words)
