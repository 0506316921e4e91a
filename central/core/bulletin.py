"""公告: what the hall makes known, written by one person and released by another. Pure.

A withdrawn one stays visible with its title, its days and the reason: what was said in public is not unsaid quietly.
"""

import hashlib
from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from central.core import guide
from central.core.wording import redact

SHORTEST_TITLE, LONGEST_TITLE = 4, 60
SHORTEST, LONGEST = 10, 5_000
FEWEST_LETTERS = 3
"""Of pinyin, as of the words of laws: fewer stand in every title."""


class Bulletin(Struct, frozen=True, kw_only=True):
    """What is published, without its text. `wall`: instant of its release; `digest`: SHA-256 of `file_of`, hexadecimal; `withdrawn`:
    the day it was taken back, with its `reason`; `letters`: of the title, as `guide.rank` reads them.
    """

    number: int
    title: str
    day: date
    wall: int
    digest: str
    withdrawn: date | None = None
    withdrawn_wall: int = 0
    reason: str = ""
    letters: str = ""


def file_of(title: str, text: str) -> bytes:
    """Exactly what the checksum is of: title and text, each ended by a line feed, UTF-8."""
    return f"{title}\n{text}\n".encode()


def digest_of(title: str, text: str) -> str:
    return hashlib.sha256(file_of(title, text)).hexdigest()


def clean(text: str) -> str:
    """Without what cannot be printed, lines ended by a line feed: a feed is XML, which holds no control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    spaced = ("".join(" " if char.isspace() else char for char in line) for line in lines)
    return "\n".join("".join(char for char in line if char.isprintable()) for line in spaced).strip()


def paragraphs(text: str) -> list[str]:
    return [part for line in text.split("\n") if (part := line.strip())]


def faults(title: str, text: str) -> list[str]:
    """Why this may not be published, in words. An office's own address and line belong into a notice; a mobile or identity number does not."""
    found = []
    if not SHORTEST_TITLE <= len(title) <= LONGEST_TITLE:
        found.append(f"标题须为 {SHORTEST_TITLE} 至 {LONGEST_TITLE} 个字")
    if not SHORTEST <= len(text) <= LONGEST:
        found.append(f"正文须为 {SHORTEST} 至 {LONGEST} 个字，现在 {len(text)} 个字")
    if redact(title, None) != title or redact(text, None) != text:
        found.append("含有手机号码或证件号码，公告里不写个人的号码")
    return found


def newest(bulletins: Iterable[Bulletin], most: int) -> list[Bulletin]:
    """Those that stand, newest first."""
    standing = [one for one in bulletins if one.withdrawn is None]
    return sorted(standing, key=lambda one: (one.wall, one.number), reverse=True)[:most]


def titled(bulletins: Iterable[Bulletin], wanted: str) -> list[Bulletin]:
    """Those that stand with all the words of `wanted` in their titles, as characters or as pinyin, newest first; none of no words."""
    found = list(bulletins)
    by_letters = all(len(word) >= FEWEST_LETTERS for word in wanted.split())
    return [
        one
        for one in newest(found, len(found))
        if guide.rank(wanted, one.title, one.letters if by_letters else "") is not None
    ]
