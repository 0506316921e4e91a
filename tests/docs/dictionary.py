"""Trains a dictionary for `common.core.pack` on made-up records: `python -m tests.docs.dictionary 1.2`.

Only for a name that is not shipped yet. No person, office or number in the corpus exists. Editions and library
versions differ in their bytes, therefore what was trained is kept in the repository and never made anew.
"""

import hashlib
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import zstandard

from common.core.pack import LEVEL, SHIPPED
from common.core.record import encode_record
from tests.corpus import records

FOLDER = Path(__file__).parents[2] / "common/dictionaries"
SIZE = 32 * 1024
ENDS = [date(2026 + month // 12, 1 + month % 12, 9 + month // 5) for month in range(0, 70, 5)]
"""Weeks spread over years, so that no date is the corpus's favourite."""
_SEED, _HOURS, _EACH = 1000, 9, 10


def corpus() -> "list[bytes | bytearray | memoryview[int]]":
    """Every tenth record of each site and week."""
    return list(_samples())


def _samples() -> Iterator[bytes]:
    for number, end in enumerate(ENDS):
        for site in records(_SEED + number, end, _HOURS):
            yield from (encode_record(item) for item in site[::_EACH])


def train(name: str) -> bytes:
    """-> the dictionary's bytes; the number zstd writes into it is made of the name."""
    schema, edition = map(int, name.split("."))
    found = zstandard.train_dictionary(
        SIZE, corpus(), k=400, d=6, dict_id=schema * 1000 + edition, level=LEVEL
    )
    return found.as_bytes()


def main(name: str) -> None:
    if name in SHIPPED:
        sys.exit(f"{name} is shipped and stays as it is")
    raw = train(name)
    (FOLDER / f"{name}.zdict").write_bytes(raw)
    print(f'"{name}": "{hashlib.sha256(raw).hexdigest()}"')


if __name__ == "__main__":
    main(sys.argv[1])
