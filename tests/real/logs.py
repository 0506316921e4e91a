"""The real permit logs of `shared/data`, read as they are: cases with their steps, values as the CSV's own text.

`MINGCHA_DATA` names their folder (default: `shared/data` beside the repository), `MINGCHA_SAMPLE` how many cases
of each municipality a test takes (a number, or `all`). Their README says what each column is and who is to be
cited; nothing of them enters the product.
"""

import csv
import gzip
import os
import random
from collections import defaultdict
from pathlib import Path

import pytest
from msgspec import Struct

MUNICIPALITIES = ("m1", "m2", "m3")
RECEIPT = "receipt"
SHARED_NUMBER = "6038724"
"""A case number that two municipalities use: always part of a sample."""

Line = dict[str, str]


class LoggedCase(Struct, frozen=True):
    """One line of a case file with its lines of the step file; an empty text is absent in the log."""

    site: str
    number: int
    """Its place in the file of its site, from 1: a vendor's running number."""
    values: Line
    steps: list[Line]

    @property
    def case_id(self) -> str:
        return self.values["case_id"]


def folder() -> Path:
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    return Path(os.environ.get("MINGCHA_DATA") or beside)


def needed() -> None:
    """Skip the test where the logs are not there."""
    if not (folder() / "bpic15_cases.csv.gz").exists():
        pytest.skip(f"the permit logs are not in {folder()} (set MINGCHA_DATA)")


def sample_size(usual: int) -> int | None:
    """Cases per municipality as `MINGCHA_SAMPLE` says; None: all of them."""
    given = os.environ.get("MINGCHA_SAMPLE", "")
    return None if given == "all" else int(given or usual)


def municipalities(size: int | None, seed: int) -> dict[str, list[LoggedCase]]:
    """Site -> its cases, `size` of them by chance, in the log's order."""
    cases = _cases("bpic15")
    chance = random.Random(seed)
    return {site: _sample(cases[site], size, chance) for site in MUNICIPALITIES}


def receipt() -> list[LoggedCase]:
    """Every case of the receipt log."""
    return _cases("receipt")[RECEIPT]


def _cases(name: str) -> dict[str, list[LoggedCase]]:
    steps: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in _read(f"{name}_steps"):
        steps[_site(line), line["case_id"]].append(line)
    found: dict[str, list[LoggedCase]] = defaultdict(list)
    for line in _read(f"{name}_cases"):
        site = _site(line)
        number = len(found[site]) + 1
        found[site].append(LoggedCase(site, number, line, steps[site, line["case_id"]]))
    return found


def _site(line: Line) -> str:
    return line.get("site", RECEIPT).lower()


def _sample(cases: list[LoggedCase], size: int | None, chance: random.Random) -> list[LoggedCase]:
    if size is None or size >= len(cases):
        return cases
    shared = [case for case in cases if case.case_id == SHARED_NUMBER]
    others = [case for case in cases if case.case_id != SHARED_NUMBER]
    picked = [*shared, *chance.sample(others, size - len(shared))]
    return sorted(picked, key=lambda case: case.number)


def _read(name: str) -> list[Line]:
    with gzip.open(folder() / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
