"""A value as it may be shown: its shape stays, what tells who is meant does not.

王小明 -> 王*, 13912345678 -> 139********, 2026-06-12 -> 2026-06-**. Shown as it is: what has at most three
letters or digits of ASCII and no more, because no person can be told by it.
"""

import re

_PLAIN = re.compile(r"[0-9A-Za-z.]{0,3}")
_KEEP_OF_DATE = 7
_DATE = re.compile(r"(?:19|20)\d\d[-/.年]?\d{1,2}")
_LONGEST = 20


def masked(text: str) -> str:
    """At most 20 characters, of one line, fit for a TOML comment."""
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", text).strip()
    if _PLAIN.fullmatch(plain):
        return plain
    keep = 0
    if _DATE.match(plain) and len(plain) <= len("2026-06-12 08:30:00.000000+08:00"):
        keep = min(_KEEP_OF_DATE, len(plain) - 2)
    elif plain[0].isascii():
        keep = min(3, len(plain) // 3)
    elif len(plain) > 1:
        keep = 1
    hidden = "".join("*" if char.isalnum() else char for char in plain[keep:])
    if keep == 1 and not plain[0].isascii():
        hidden = "*" if len(plain) <= 4 else "**"
    return (plain[:keep] + hidden)[:_LONGEST]
