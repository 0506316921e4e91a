"""An Access file (.mdb, .accdb) through mdbtools, whose programs run on a copy: their licence is the GPL, ours is not.

`mdb-export` gives everything as text. Old files (JET3) do not say their charset: `source.charset`, else GB18030.
What it cannot do: a date before 1899-12-30 comes as an impossible one; attachments and pictures are left out.
"""

import csv
import io
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

from agent.core import sheet
from agent.core.mapping import SourceConfig
from agent.source import base
from agent.source.base import SchemaError
from agent.source.files import ImageSource
from agent.source.image import Sheet
from common.core.errors import UnavailableError, words

PROVEN = True
"""See the other adapters."""
_NULL = "\x1aNULL"
_TIME = "%Y-%m-%d %H:%M:%S"
_EXPORT_SECS = 900.0
"""A damaged file may keep the program busy for ever."""


class Access:
    """See files.Origin."""

    is_live = True

    def __init__(self, file: Path, charset: str) -> None:
        self._file = file
        self._charset = charset or "GB18030"

    def check(self) -> None:
        if shutil.which("mdb-export") is None:
            raise UnavailableError(
                "没有安装 mdbtools，读不了 Access 文件", hint="请执行：apt-get install mdbtools"
            )
        try:
            self._file.stat()
        except OSError as error:
            raise base.no_file(self._file, words(error)) from error

    def find(self, table: str) -> Path:  # noqa: ARG002
        return self._file

    def names(self) -> list[str]:
        with self._file.open("rb") as file:
            return [
                name for name in self._run(file, self._file, "mdb-tables", "-1").decode().split("\n") if name
            ]

    @contextmanager
    def read(self, copy: BinaryIO, path: Path, table: str) -> Iterator[Sheet]:
        if table not in self._run(copy, path, "mdb-tables", "-1").decode().split("\n"):
            raise base.no_table(table)
        wanted = int(self._run(copy, path, "mdb-count", table))
        form = f"{self._run(copy, path, 'mdb-ver').decode().strip()}，{wanted} 行"
        with self._exporting(copy, path, table) as (output, ended):
            text = io.TextIOWrapper(output, "utf-8", "strict", newline="")
            rows = csv.reader(text, strict=True)
            head = next(rows, [])
            try:
                yield Sheet(sheet.names(head), _all(rows, path, (len(head), wanted), ended), form)
            finally:
                text.detach()

    def _run(self, copy: BinaryIO, path: Path, tool: str, *arguments: str) -> bytes:
        """`tool [-1] file [table]` -> what it prints. Raises SchemaError."""
        options = [item for item in arguments if item.startswith("-")]
        tables = [item for item in arguments if not item.startswith("-")]
        try:
            done = subprocess.run(
                [tool, *options, _place(copy), *tables],
                pass_fds=[copy.fileno()],
                env=self._environment(),
                capture_output=True,
                timeout=60,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _broken(path, "读取没有结束") from error
        if done.returncode:
            raise _broken(path, done.stderr.decode(errors="replace").strip())
        return done.stdout

    @contextmanager
    def _exporting(self, copy: BinaryIO, path: Path, table: str) -> Iterator[tuple[IO[bytes], "_Ended"]]:
        command = ["mdb-export", "-0", _NULL, "-b", "strip", "-D", _TIME, "-T", _TIME, _place(copy), table]
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                command,
                pass_fds=[copy.fileno()],
                env=self._environment(),
                stdout=subprocess.PIPE,
                stderr=said,
            )
            fuse = threading.Timer(_EXPORT_SECS, process.kill)
            fuse.start()
            assert process.stdout is not None
            try:
                yield process.stdout, _Ended(process, said, path)
            finally:
                fuse.cancel()
                process.kill()
                process.wait()
                process.stdout.close()

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "MDB_JET3_CHARSET": self._charset, "MDBICONV": "UTF-8"}


class _Ended:
    """Asks the program, when it has said all, whether it has met a fault."""

    def __init__(self, process: "subprocess.Popen[bytes]", said: IO[bytes], path: Path) -> None:
        self._process, self._said, self._path = process, said, path

    def check(self) -> None:
        """Raises SchemaError."""
        if self._process.wait():
            self._said.seek(0)
            raise _broken(self._path, self._said.read(500).decode(errors="replace").strip())


def _all(
    rows: Iterator[list[str]], path: Path, size: tuple[int, int], ended: _Ended
) -> Iterator[Sequence[str | None]]:
    """Every row of the table, or SchemaError: the count that the file keeps of itself must be met. `size`: columns, rows."""
    (width, wanted), found = size, 0
    try:
        for row in rows:
            found += 1
            if len(row) != width:
                raise _broken(path, f"第 {found} 行有 {len(row)} 栏，应有 {width} 栏")
            yield [None if field == _NULL else field for field in row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise _broken(path, str(error)) from error
    ended.check()
    if found != wanted:
        raise _broken(path, f"读出 {found} 行，应有 {wanted} 行")


def _place(copy: BinaryIO) -> str:
    """A copy without a name, as a program opens it."""
    return f"/proc/self/fd/{copy.fileno()}"


def _broken(path: Path, why: str) -> SchemaError:
    return SchemaError(
        f"{path.name} 读不出：{why}", hint="请在 Access 里压缩并修复该文件；程序会在它改变之后再读"
    )


def from_config(config: SourceConfig, secrets_dir: Path) -> ImageSource:  # noqa: ARG001
    """No file is opened."""
    return ImageSource(Access(Path(config.path), config.charset))
