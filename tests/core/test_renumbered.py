"""Rows that were only given other numbers are told from rows of which one was edited or deleted."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import mapping
from agent.core import renumbered
from agent.core.mapping import Table
from agent.core.query import Row
from agent.core.rows import read

KEY = bytes(32)
MAPPING = """
version = 1
[source]
type = "sqlite"
path = "spxt.db"
[table.case]
from = "SP_YWSL"
key = ["ID"]
columns = {case_no = "SLBH", applicant = "SQR"}
"""


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Table:
    path = tmp_path_factory.mktemp("site") / "mapping.toml"
    path.write_text(MAPPING, "utf-8")
    return mapping.load(path)[1][0]


def counted(before: dict[int, str], after: dict[int, str], cases: Table) -> tuple[int, int]:
    """-> rows that are not as they were, and how many of them stand under another number. SLBH says which case it is."""

    def row(number: int, applicant: str) -> Row:
        values = {"ID": number, "SLBH": f"SL{applicant}", "SQR": applicant}
        return tuple(values[name] for name in cases.names)

    off = [number for number in before if after.get(number) != before[number]]
    former: list[tuple[Sequence[Row], bytes]] = [
        ([(number,)], read(row(number, before[number]), cases, KEY).digest) for number in off
    ]
    there = [row(number, who) for number, who in after.items() if before.get(number) != who]
    return len(off), renumbered.moved(former, there, cases, KEY)


NUMBERS = st.lists(st.integers(1, 60), unique=True, min_size=1, max_size=25)


@given(NUMBERS.map(sorted), st.data())
def test_any_new_numbers_are_found_and_one_row_lost_or_edited_besides_them_is_counted(
    cases: Table, numbers: list[int], data: st.DataObject
) -> None:
    before = {number: f"甲{place}" for place, number in enumerate(numbers)}
    new = data.draw(st.lists(st.integers(1, 60), unique=True, min_size=len(before), max_size=len(before)))
    after = dict(zip(new, before.values(), strict=True))
    off, moved = counted(before, after, cases)
    assert moved == off
    assert renumbered.is_all(moved, off) is (off > 0)
    victim = data.draw(st.sampled_from(new))
    for lost in ({**after, victim: "别人"}, {key: who for key, who in after.items() if key != victim}):
        off, moved = counted(before, lost, cases)
        assert moved < off
        assert not renumbered.is_all(moved, off) or off >= renumbered.SHARE
