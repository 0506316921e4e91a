"""What a question to the digest index costs does not grow with the rows that it holds: counted in steps of SQLite's machine."""

from pathlib import Path

import pytest

from agent.core.indexed import Seen
from agent.core.proof import Met
from agent.index import Index

QUESTIONS = ("known", "unseen", "there", "rows_of", "newest", "open_cases")
STEP = 10


@pytest.mark.parametrize("question", QUESTIONS)
async def test_a_question_costs_among_many_rows_what_it_costs_among_few(
    tmp_path: Path, question: str
) -> None:
    few, many = (
        await steps(tmp_path / "few.db", 2_000, question),
        await steps(tmp_path / "many.db", 20_000, question),
    )
    assert 0 < many < 2 * few


async def steps(path: Path, rows: int, question: str) -> int:
    """-> steps of one question to an index of so many rows of one table, a hundredth of them open."""
    index = await Index.open(path, b"e" * 8)
    try:
        await index.commit([seen(number) for number in range(1, rows + 1)], rows)
        count = 0

        def one() -> int:
            nonlocal count
            count += STEP
            return 0

        await index._db.set_progress_handler(one, STEP)
        await ask(index, question)
    finally:
        await index.close()
    return count


def seen(number: int) -> Seen:
    return Seen(
        "case", str(number), 1, b"d" * 16, str(number), gone=False, seq=number, ends=number % 100 != 0
    )


async def ask(index: Index, question: str) -> None:
    """One question about ten of the first thousand rows; each finds some."""
    keys = [str(number) for number in range(1_000, 1_010)]
    match question:
        case "known":
            assert len(await index.known("case", keys)) == len(keys)
        case "unseen":
            assert len(await index.unseen("case", Met(), (1_000, 1_010), 100)) == len(keys)
        case "there":
            assert len(await index.there("case", range(1_000, 1_010))) == len(keys)
        case "rows_of":
            assert len(await index.rows_of("case", keys)) == len(keys)
        case "newest":
            assert len(await index.newest("case", 10)) == len(keys)
        case _:
            assert len(await index.open_cases("", 10)) == len(keys)
