"""A document, or a table of statistics, as PDF/A-2b by typst: the same values and fonts give the same bytes."""

import re
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import msgspec
import typst
from msgspec import Struct

from central.core.document import Paper, encoded
from central.core.faces import Faces, choose
from common.core.errors import RejectedError

MOST_UNKNOWN = 50


class Sheet(Struct, frozen=True, kw_only=True):
    """A table to be printed. `made`: YYYY-MM-DD; `places`: how many columns are words, the rest is figures."""

    title: str
    made: str
    notes: Sequence[str]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    places: int
    definitions: Sequence[str]


class Typesetter:
    """Knows the fonts of one folder and of the machine; read once, because that takes a quarter of a second."""

    def __init__(self, fonts: Path | None) -> None:
        """`fonts`: the hall's font folder, which need not exist. Raises RejectedError where no Chinese type is found."""
        self._paths: Sequence[str] = [str(fonts)] if fonts is not None and fonts.is_dir() else []
        self._fonts = typst.Fonts(include_embedded_fonts=False, font_paths=list(self._paths))
        self.faces: Faces = choose(self._fonts.families())

    def set(self, paper: Paper, seal: bytes | None = None) -> bytes:
        """`seal`: the picture of `paper.seal`. -> PDF. Raises RejectedError, naming the typesetter's reason."""
        return self._document(paper, seal, format="pdf", pdf_standards=["a-2b"])

    def table(self, sheet: Sheet) -> bytes:
        """-> PDF. Raises RejectedError, naming the typesetter's reason."""
        values = msgspec.json.encode(sheet)
        return self._compiled("table.typ", values, sheet.title, {}, format="pdf", pdf_standards=["a-2b"])

    def picture(self, paper: Paper, ppi: float, seal: bytes | None = None) -> bytes:
        """-> the first page as PNG."""
        return self._document(paper, seal, format="png", ppi=ppi)

    def _document(self, paper: Paper, seal: bytes | None, **how: Any) -> bytes:
        inputs = {"preview": self.faces.notice, "seal": _numbers(seal)}
        return self._compiled("document.typ", encoded(paper), paper.number, inputs, **how)

    def _compiled(self, layout: str, values: bytes, name: str, more: dict[str, str], **how: Any) -> bytes:
        """A character that no font has becomes 〓: PDF/A refuses it, and a numbered document cannot wait for a font."""
        faces, text = msgspec.json.encode(self.faces).decode(), values.decode()
        for _ in range(MOST_UNKNOWN):
            inputs = {"paper": text, "faces": faces, **more}
            try:
                with as_file(files("central.paper") / layout) as template:
                    made = typst.compile(template, font_paths=self._fonts, sys_inputs=inputs, **how)
            except typst.TypstError as error:
                unknown = _unknown(str(error))
                if not unknown or unknown not in text:
                    raise _refused(name, str(error)) from error
                text = text.replace(unknown, "〓")
            else:
                return made if isinstance(made, bytes) else made[0]
        raise _refused(name, f"字体没有的字多于 {MOST_UNKNOWN} 个")


def _numbers(picture: bytes | None) -> str:
    """Inputs are texts, and the picture of a seal must not lie open in a file: its bytes as JSON."""
    return str(list(picture or b""))


def can_draw(picture: bytes) -> bool:
    """Whether a PNG is one that the typesetter can set."""
    source = b"#image(bytes(json(bytes(sys.inputs.seal))), width: 42mm)"
    try:
        typst.compile(source, sys_inputs={"seal": _numbers(picture)}, format="pdf", pdf_standards=["a-2b"])
    except typst.TypstError:
        return False
    return True


def _unknown(said: str) -> str:
    r"""The character of a refusal such as ``the text `"\u{31350}"` could not be displayed``; empty for another refusal."""
    found = re.search(r'the text `"(.+)"` could not be displayed', said)
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), found[1]) if found else ""


def _refused(name: str, why: str) -> RejectedError:
    return RejectedError(f"{name} 排不出来：{why}", hint="请把这条日志交给软件维护人员")
