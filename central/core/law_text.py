"""The text of a law as articles: read from a file, cut into pages, found by the day and by the number of an article. Pure.

Nobody's text comes with the program: a hall imports what it has the right words of, edition by edition.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from common.core.errors import UsageError

LARGEST = 400_000
"""Characters of one edition: the Civil Code has some 110,000."""
PAGE_CHARS = 6_000
"""Of a page, about: it stays below 40 kB with its frame (interface.md 2.3)."""
_NUMERAL = "[一二三四五六七八九十百千零〇两\\d]+"
_HEADING = re.compile(rf"^(第{_NUMERAL}[编章节])(?:[\s　]+(.{{1,40}}))?$")
_ARTICLE = re.compile(rf"^第({_NUMERAL})条(?:之({_NUMERAL}))?[\s:：]*(.*)$")
_CITED = re.compile(rf"第({_NUMERAL})条")
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}


class Article(Struct, frozen=True, kw_only=True):
    """One article. `extra`: of 第三十五条之一, 1; `number` 0: what stands before the first one."""

    number: int
    extra: int = 0
    label: str
    chapter: str
    paragraphs: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return f"a{self.number}-{self.extra}" if self.extra else f"a{self.number}"


class Edition(Struct, frozen=True, kw_only=True):
    """A text that is in force from `since` on. `starts`: the number of the first article of each page; `digest`: SHA-256 of the file."""

    version: int
    since: date
    digest: str
    starts: tuple[int, ...]
    chapters: tuple[tuple[str, int], ...]  # with the number of its first article

    def page_of(self, number: int) -> int:
        """The first article of the page on which an article stands."""
        return self.starts[max(0, bisect_right(self.starts, number) - 1)]


def numeral(text: str) -> int:
    """三十五 -> 35. Raises ValueError for what is no number."""
    if text.isascii():
        return int(text)
    total = section = 0
    for char in text:
        if char in _UNITS:
            total += (section or 1) * _UNITS[char]
            section = 0
        else:
            section = section * 10 + (_DIGITS[char] if char in _DIGITS else int(char))
    return total + section


def cited(articles: str) -> set[int]:
    """The numbers that a legal basis names: 第三十五条、第三十六条第一款 -> 35, 36."""
    return {numeral(found) for found in _CITED.findall(articles)}


def parsed(text: str) -> list[Article]:
    """The articles in their order. Raises UsageError where it is no text of a law, with the line that is not understood."""
    if len(text) > LARGEST:
        raise UsageError(f"文件超过 {LARGEST} 个字", hint="一个文件只放一部法律法规")
    found: list[Article] = []
    label, number, extra, chapter, paragraphs = "", 0, 0, "", list[str]()

    def close() -> None:
        if paragraphs:
            one = Article(
                number=number, extra=extra, label=label, chapter=begun, paragraphs=tuple(paragraphs)
            )
            found.append(one)

    begun = ""
    for place, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        said = "".join(
            " " if char.isspace() else char for char in line if char.isspace() or char.isprintable()
        ).strip()
        if not said:
            continue
        if heading := _HEADING.match(said):
            chapter = " ".join(part for part in heading.groups() if part)
            continue
        article = _ARTICLE.match(said)
        if article is None:
            paragraphs.append(said)
            continue
        close()
        now = numeral(article[1]), numeral(article[2]) if article[2] else 0
        if now <= (number, extra):
            raise UsageError(
                f"第 {place} 行：第{article[1]}条没有接着前一条", hint="请核对条号，去掉重复的段落"
            )
        (number, extra), begun = now, chapter
        label = f"第{article[1]}条" + (f"之{article[2]}" if article[2] else "")
        paragraphs = [article[3]] if article[3] else []
    close()
    if not any(one.number for one in found):
        raise UsageError("文件里没有“第一条”这样的条文", hint="请用纯文本（UTF-8），每条另起一行")
    return found


def pages(articles: Iterable[Article]) -> list[list[Article]]:
    """Articles of one number stay together; a page is begun anew where it would be too long."""
    found: list[list[Article]] = []
    size = 0
    for one in articles:
        mine = sum(map(len, one.paragraphs))
        begins = not found or (size + mine > PAGE_CHARS and found[-1][-1].number != one.number)
        if begins:
            found.append([])
            size = 0
        found[-1].append(one)
        size += mine
    return found


def edition(version: int, since: date, digest: str, articles: Sequence[Article]) -> Edition:
    chapters: dict[str, int] = {}
    for one in articles:
        if one.chapter:
            chapters.setdefault(one.chapter, one.number)
    starts = tuple(page[0].number for page in pages(articles))
    return Edition(
        version=version, since=since, digest=digest, starts=starts, chapters=tuple(chapters.items())
    )


def in_force(editions: Iterable[Edition], day: date) -> Edition | None:
    """The newest text that is in force on `day`; of two of one day, what was entered last corrects the other."""
    known = [one for one in editions if one.since <= day]
    return max(known, key=lambda one: (one.since, one.version), default=None)
