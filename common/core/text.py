"""Texts that others wrote: which characters may travel and be stored, and how a text is shown on one line.

A terminal obeys escape codes and a browser turns text round at bidirectional overrides: what a vendor's database, a
driver or another machine says must not be able to do either. Pure.
"""

import re

_OVERRIDES = "\u202a-\u202e\u2066-\u2069"
_UNSOUND = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_OVERRIDES}]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85]")
_HALF = re.compile("[\ud800-\udfff]")
LOST = "\ufffd"
LONGEST_LINE = 300
ENDS = "…"


def is_sound(text: str) -> bool:
    """No control character but tab and line feed, no bidirectional override (P-WIRE-03)."""
    return text.isprintable() or _UNSOUND.search(text) is None


def is_file_name(text: str) -> bool:
    """What a file may be called: sound, no tab, no line end, no NUL above all."""
    return is_sound(text) and not {"\t", "\n"} & set(text)


def is_whole(text: str) -> bool:
    """No half of a surrogate pair: such a text has no bytes, so that no database, log or answer can hold it."""
    return text.isascii() or not _HALF.search(text)


def sound(text: str) -> str:
    """`text` as it may travel: line ends of any system are line feeds; what else may not be in it, or is half a surrogate
    pair, is U+FFFD. A sound text comes back as it is.
    """
    if text.isprintable():
        return text
    text = _UNSOUND.sub(LOST, _LINE_ENDS.sub("\n", text))
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def one_line(text: object, longest: int = LONGEST_LINE) -> str:
    """`text` as it may be shown: sound, on one line, at most `longest` characters."""
    line = " ".join(sound(str(text)).split())
    return line if len(line) <= longest else line[: longest - len(ENDS)] + ENDS
