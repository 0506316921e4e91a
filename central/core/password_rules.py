"""What a password of one's own must be: long, of several kinds of characters, and not what everybody tries first.

No forced change by date: it makes people count up at the end (NIST SP 800-63B 5.1.1.2); a one-time password is changed
at the first log-in, and a reset ends every session.
"""

import re

SHORTEST = 10
_LONG = 16
_KINDS = 3
_KIND = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"), re.compile(r"[^a-zA-Z0-9]"))
_ROWS = ("0123456789", "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_RUN = 5
_TRIED = ("password", "passw0rd", "admin", "mingcha", "welcome", "iloveyou", "woaini")


def faults(name: str, old: str, new: str, again: str) -> list[str]:
    """Why `new` will not do, each as a sentence; empty: it will."""
    lower = new.lower()
    rules = (
        (len(new) < SHORTEST, f"新密码至少 {SHORTEST} 个字符。"),
        (
            len(new) < _LONG and _kinds(new) < _KINDS,
            f"新密码须含大写、小写、数字、符号中的三种，或至少 {_LONG} 个字符。",
        ),
        (len(set(lower)) < _RUN or _has_run(lower), f"新密码不能有 {_RUN} 个以上连续或重复的字符。"),
        (any(word in lower for word in _TRIED), "新密码不能包含常被猜到的词。"),
        (new == old, "新密码不能与现在的相同。"),
        (name.lower() in lower, "新密码不能包含用户名。"),
        (new != again, "两次输入的新密码不一致。"),
    )
    return [text for broken, text in rules if broken]


def _kinds(text: str) -> int:
    return sum(bool(kind.search(text)) for kind in _KIND)


def _has_run(lower: str) -> bool:
    """Five neighbours of a row of the keyboard or of the alphabet, either way, or five times the same."""
    rows = [*_ROWS, *(row[::-1] for row in _ROWS)]
    parts = (lower[start : start + _RUN] for start in range(len(lower) - _RUN + 1))
    return any(len(set(part)) == 1 or any(part in row for row in rows) for part in parts)
