"""A site of a test: added in the hall with a mapping, its command, its box with the office's database on it."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.install.lab import Box, Lab
from tests.journey.scene import SQLITE_MAPPING, Office

MAPPING = SQLITE_MAPPING.replace('"spxt.db"', '"/srv/office/spxt.db"')


class Site:
    """`command` is what `site add` printed last."""

    def __init__(self, lab: Lab, name: str, mapping: str = MAPPING) -> None:
        self.lab = lab
        self.name = name
        file = f"/root/{name}.toml"
        (lab.hall.root / file[1:]).write_text(mapping, "utf-8")
        said = lab.mingcha(
            "site", "add", f"{name}便民服务中心", "--kind", "street", "--id", name, "--mapping", file
        )
        self.command = printed(said)
        self.with_wget = printed(said, "wget")

    def reissue(self) -> str:
        said = self.lab.mingcha("site", "reissue", self.name)
        self.command, self.with_wget = printed(said), printed(said, "wget")
        return self.command

    def box(self, system: Path | str) -> tuple[Box, Office]:
        """A bare machine, switched on, in whose office six cases lie."""
        box = self.lab.box(self.name, system)
        box.on()
        place = box.root / "srv/office"
        place.mkdir(parents=True)
        return box, Office(place)

    def acknowledged(self) -> set[str]:
        """Case numbers that the hall has committed."""
        return {row[0] for row in self._rows('SELECT case_no FROM "case" WHERE site = ?')}

    def boxes(self) -> list[tuple[int, str]]:
        """Generation and state of every box, the first first."""
        rows = self._rows("SELECT generation, state FROM box WHERE site = ? ORDER BY generation")
        return [(int(row[0]), str(row[1])) for row in rows]

    def _rows(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"{self.lab.database.as_uri()}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql, (self.name,)).fetchall()


def printed(said: str, program: str = "curl") -> str:
    """The command in what `site add` and `site reissue` print."""
    found = re.search(rf"({program} .*MC_TOKEN=\S+ sh)$", said, re.MULTILINE)
    assert found, said
    return found[1]


def cases(office: Office) -> set[str]:
    """What the hall has when it has everything."""
    return {key for table, key in office.rows() if table == "case"}
