"""The editable copies as an office suite shows them: rendered by LibreOffice, read back, held against what the document says.

LibreOffice stands for the office's own program: where its lines break is its own affair, what it shows and within which margins is
not. Skipped by name where the program is not installed.
"""

import asyncio
import random
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from central.core.compose import Facts, compose, printable
from central.core.document import Kind, Paper, Table, verification_code
from central.core.document_forms import FORMS, form_of
from central.core.document_sample import COPIES
from central.core.seal import Seal
from central.paper import docx
from tests.papers import FACTS, ISSUER, SECRET, seal_picture
from tests.readback import Sheet, sheets
from tests.real.chaos import say

LEFT, RIGHT, TOP, FOOT = 28.0, 184.0, 37.0, 262.0
WITHIN = 1.0
"""Millimetres."""
_PAGES = 60
_SEAL = seal_picture(300)
_WORDS = "窗口人员休假期间没有安排替岗申请材料在窗口滞留，经督促已于当日补正并送达申请人。𠮷䶮（）《》"
_TOGETHER = Table(
    ("事项", "受理编号", "应办结", "问题", "规则"),
    tuple((f"食品经营许可{n}", f"SQ{n:04}", "2026年6月10日", "超过承诺时限办理", "L42-P") for n in range(9)),
    (7, 7, 6, 8, 4),
)


class MissingError(RuntimeError):
    """There is no LibreOffice on this machine."""


class Outcome(Struct):
    """`lost`: texts and seals that the rendered copy does not show; `outside`: glyphs beside the type area."""

    documents: int = 0
    pages: int = 0
    lost: int = 0
    outside: int = 0


def suite() -> str | None:
    """LibreOffice's program, where there is one."""
    return shutil.which("soffice")


def papers(count: int, seed: int) -> Iterator[Paper]:
    """Every kind in turn, with reasons, names and lists of any length; each third bears a seal."""
    chance = random.Random(seed)
    kinds = [*Kind, None]
    for number in range(count):
        kind = kinds[number % len(kinds)]
        facts = _facts(chance)
        if kind is None:
            facts = replace(facts, figures=_TOGETHER, item="食品经营许可等9件办件")
        elif kind not in {Kind.CIRCULAR, Kind.PROPOSAL}:
            facts = replace(facts, figures=None)
        form = form_of(Kind.ORDER, facts) if kind is None else FORMS[kind]
        code = verification_code(SECRET, str(number), "facts")
        paper = compose(form, facts, ISSUER, 2026, number + 1, code, COPIES[: chance.randint(0, 2)])
        yield replace(paper, seal=Seal("00", chance.choice((42, 45)))) if number % 3 == 0 else paper


def _facts(chance: random.Random) -> Facts:
    def said(most: int) -> str:
        return "".join(chance.choices(_WORDS, k=chance.randint(4, most)))

    return replace(
        FACTS,
        addressee=f"{said(20)}局",
        item=said(30),
        reason=said(chance.choice((20, 200, 900))),
        result=said(120),
        measures=tuple(said(60) for _ in range(chance.randint(1, 8))),
    )


async def render(folder: Path, made: list[Paper]) -> list[list[Sheet]]:
    """-> the pages of each, as LibreOffice sets them. Raises RuntimeError where it sets none."""
    program = suite()
    assert program is not None
    names = [folder / f"{number}.docx" for number in range(len(made))]
    for name, paper in zip(names, made, strict=True):
        name.write_bytes(docx.write(paper, _SEAL if paper.seal is not None else None))
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    done = await asyncio.create_subprocess_exec(
        program,
        profile,
        "--headless",
        "--convert-to",
        "pdf",
        "--outdir",
        str(folder),
        *map(str, names),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await done.communicate()
    found = [name.with_suffix(".pdf") for name in names]
    if done.returncode or not all(one.exists() for one in found):
        raise RuntimeError(said.decode("utf-8", "replace")[:300] or "LibreOffice wrote no file")
    return [sheets(one.read_bytes()) for one in found]


def judge(paper: Paper, pages: list[Sheet]) -> tuple[list[str], int]:
    """Texts that are not shown, and how many glyphs stand beside the type area."""
    body = [glyph for page in pages for glyph in page.glyphs if glyph.middle <= FOOT + WITHIN]
    shown = _plain("".join(glyph.text for glyph in body))
    letters = Counter(_plain("".join(glyph.text for page in pages for glyph in page.glyphs)))
    lost = [text for text in _texts(paper) if Counter(_plain(printable(text))) - letters]
    running = (block.text for block in paper.blocks if not isinstance(block, Table))
    lost += [text for text in running if _plain(text) not in shown]
    drawn = [one for page in pages for one in page.pictures]
    if len(drawn) != int(paper.seal is not None):
        lost.append(f"{len(drawn)} seals")
    outside = [
        glyph for glyph in body if glyph.text.strip() and not LEFT - WITHIN <= glyph.left <= RIGHT + WITHIN
    ]
    return lost, len(outside)


def _plain(text: str) -> str:
    """Without marks: at the end of a line they hang beside it, and are read in another place, or not drawn at all by
    LibreOffice 7.4 (two full stops of 57 documents).
    """
    return re.sub(r"[\s，。、；：]", "", text)


def _texts(paper: Paper) -> Iterator[str]:
    yield from (paper.letterhead, paper.number, "".join(paper.title), f"{paper.addressee}：")
    yield from (paper.signed_by, paper.day, paper.printer, paper.code)
    yield "".join(block.text for block in paper.blocks if not isinstance(block, Table))
    for block in (*paper.blocks, *(block for one in paper.attachments for block in one.blocks)):
        if isinstance(block, Table):
            yield from block.head
            yield from (cell for row in block.rows for cell in row)


async def run(count: int, seed: int) -> Outcome:
    """`count` documents, some dozens to a start of the program. Raises MissingError where it is not installed."""
    if suite() is None:
        raise MissingError("LibreOffice is not installed: apt-get install libreoffice-writer-nogui")
    outcome, waiting = Outcome(), list(papers(count, seed))
    while waiting:
        part, waiting = waiting[:_PAGES], waiting[_PAGES:]
        with tempfile.TemporaryDirectory() as name:
            for paper, pages in zip(part, await render(Path(name), part), strict=True):
                lost, outside = judge(paper, pages)
                for text in lost:
                    say(f"{paper.kind} {paper.number}: not shown: {text[:60]}")
                outcome.documents += 1
                outcome.pages += len(pages)
                outcome.lost += len(lost)
                outcome.outside += outside
    return outcome
