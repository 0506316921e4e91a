"""A value of an office's database as it may be logged, shown or told to the hall: its shape stays, who is meant does not.

王小明 -> 王*, 13912345678 -> 139********, 2026-06-12 -> 2026-06-**. For whatever text: no run of six digits is left, and
of a text of more than three characters never the whole. Pure.
"""

import re

from common.core.text import one_line

HIDDEN = "〔号码已遮挡〕"
SPOILT = "数据损坏"
"""What is read in the place of a text that lies sealed in the hall and does not open."""
LONGEST = 20
_PLAIN = re.compile(r"[0-9A-Za-z.]{0,3}")
_DATE = re.compile(r"(?:19|20)[0-9]{2}[-/.年][0-9]{1,2}(?![0-9])")
_LONGEST_DATE = len("2026-06-12 08:30:00.000000+08:00")
_KEPT_OF_DATE = 7
_MARKS = frozenset(" -/.:,;()[]\"'@#_+年月日号第（）、，。：；—·…")
_DIGITS = re.compile(r"\d{6,}[Xx]?")
_LONGEST_CODE = 12
_NUMBER = re.compile(r"(?<!\d)(?:1\d{10}|\d{15}|\d{17}[\dXx])(?!\d)")


def masked(text: str) -> str:
    """At most 20 characters, on one line. Shown as it is: at most three letters or digits of ASCII, because nobody can
    be told by them.
    """
    plain = one_line(text)
    if _PLAIN.fullmatch(plain):
        return plain
    keep = 0
    if _DATE.match(plain) and len(plain) <= _LONGEST_DATE:
        keep = min(_KEPT_OF_DATE, len(plain) - 2)
    elif plain[0].isascii():
        keep = min(3, len(plain) // 3)
    elif len(plain) > 1:
        keep = 1
    if keep == 1 and not plain[0].isascii():
        return plain[0] + ("*" if len(plain) <= 4 else "**")
    hidden = "".join(char if char in _MARKS else "*" for char in plain[keep:])
    return (plain[:keep] + hidden)[:LONGEST]


def code(text: str) -> str:
    """A value of a column of codes (a state, a kind), which a technician must see to translate it: as it is where it
    is short and holds no number of anybody, else masked.
    """
    plain = one_line(text)
    return masked(plain) if len(plain) > _LONGEST_CODE or _DIGITS.search(plain) else plain


def key(text: str) -> str:
    """A row's key for whoever stands at the box and has to find the row: masked where it looks like an identity or
    telephone number, or holds other than ASCII, as names do.
    """
    plain = one_line(text)
    return masked(plain) if not plain.isascii() or _NUMBER.search(plain) else plain


def numbers(text: str) -> str:
    """A sentence, of a driver say, without its long numbers."""
    return _DIGITS.sub(HIDDEN, text)
