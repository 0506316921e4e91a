"""A document as PDF/A-2b by typst: the same values and fonts give the same bytes."""

import re
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import msgspec
import typst

from central.core.document import Paper, encoded
from central.core.faces import Faces, choose
from common.core.errors import RejectedError

MOST_UNKNOWN = 50


class Typesetter:
    """Knows the fonts of one folder and of the machine; read once, because that takes a quarter of a second."""

    def __init__(self, fonts: Path | None) -> None:
        """`fonts`: the hall's font folder, which need not exist. Raises RejectedError where no Chinese type is found."""
        self._paths: Sequence[str] = [str(fonts)] if fonts is not None and fonts.is_dir() else []
        self._fonts = typst.Fonts(include_embedded_fonts=False, font_paths=list(self._paths))
        self.faces: Faces = choose(self._fonts.families())

    def set(self, paper: Paper) -> bytes:
        """-> PDF. Raises RejectedError, naming the typesetter's reason."""
        return self._compiled(paper, format="pdf", pdf_standards=["a-2b"])

    def picture(self, paper: Paper, ppi: float) -> bytes:
        """-> the first page as PNG."""
        return self._compiled(paper, format="png", ppi=ppi)

    def _compiled(self, paper: Paper, **how: Any) -> bytes:
        """A character that no font has becomes 〓: PDF/A refuses it, and a numbered document cannot wait for a font."""
        faces, text = msgspec.json.encode(self.faces).decode(), encoded(paper).decode()
        for _ in range(MOST_UNKNOWN):
            values = {"paper": text, "faces": faces, "preview": self.faces.notice}
            try:
                with as_file(files("central.paper") / "document.typ") as template:
                    made = typst.compile(template, font_paths=self._fonts, sys_inputs=values, **how)
            except typst.TypstError as error:
                unknown = _unknown(str(error))
                if not unknown or unknown not in text:
                    raise _refused(paper, str(error)) from error
                text = text.replace(unknown, "〓")
            else:
                return made if isinstance(made, bytes) else made[0]
        raise _refused(paper, f"字体没有的字多于 {MOST_UNKNOWN} 个")


def _unknown(said: str) -> str:
    r"""The character of a refusal such as ``the text `"\u{31350}"` could not be displayed``; empty for another refusal."""
    found = re.search(r'the text `"(.+)"` could not be displayed', said)
    return re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), found[1]) if found else ""


def _refused(paper: Paper, why: str) -> RejectedError:
    return RejectedError(f"{paper.number} 排不出来：{why}", hint="请把这条日志交给软件维护人员")
