"""A folder of exported files: `from = "办件"` is 办件.csv, 办件.xlsx (its first sheet) or the newest of 办件_20260612.csv;
`from = "台账.办件"` is the sheet 办件 of 台账.xlsx. What a file is, is seen from its content, not from its ending.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from agent.core import sheet
from agent.core.mapping import SourceConfig
from agent.source import base, exports
from agent.source.base import SchemaError
from agent.source.files import ImageSource
from agent.source.image import Sheet
from common.core.errors import words

PROVEN = True
"""See the other adapters."""
_ENDINGS = {".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".xls"}


class Folder:
    """See files.Origin."""

    is_live = False

    def __init__(self, root: Path, charset: str) -> None:
        self._root = root
        self._charset = charset

    def check(self) -> None:
        try:
            next(self._root.iterdir(), None)
        except OSError as error:
            raise base.no_file(self._root, words(error)) from error

    def find(self, table: str) -> Path:
        found = [*self._dated(table), *(self._dated(table.partition(".")[0]) if "." in table else [])]
        if not found:
            raise SchemaError(
                f"文件夹 {self._root} 里没有 {table}（{'、'.join(sorted(_ENDINGS))}）",
                hint="请核对 mapping.toml 的 from 与导出的文件名",
            )
        return max(found)[2]

    def names(self) -> list[str]:
        """By file; of a dated series each file is one, and a person takes the name before the date."""
        files = (path for path in self._root.iterdir() if not path.name.startswith(("~$", ".")))
        return sorted({path.stem for path in files if path.suffix.lower() in _ENDINGS})

    def _dated(self, name: str) -> list[tuple[str, int, Path]]:
        """(date in the name, time of writing, file). A file that has just the name comes before all dated ones."""
        files = []
        for path in self._root.iterdir():
            if path.suffix.lower() in _ENDINGS and not path.name.startswith(("~$", ".")):
                date = sheet.series(path.stem, name)
                if date is not None:
                    files.append((date or "~", path.stat().st_mtime_ns, path))
        return files

    @contextmanager
    def read(self, copy: BinaryIO, path: Path, table: str) -> Iterator[Sheet]:
        name = "" if sheet.series(path.stem, table) is not None else table.partition(".")[2]
        with exports.opened(copy, path.name, name, self._charset) as found:
            yield found


def from_config(config: SourceConfig, secrets_dir: Path) -> ImageSource:  # noqa: ARG001
    """No file is opened."""
    return ImageSource(Folder(Path(config.path), config.charset))
