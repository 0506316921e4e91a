"""A document as PDF/A-2b by typst: the same values and fonts give the same bytes."""

from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import msgspec
import typst

from central.core.document import Paper, encoded
from central.core.faces import Faces, choose
from common.core.errors import RejectedError


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
        faces = msgspec.json.encode(self.faces).decode()
        values = {"paper": encoded(paper).decode(), "faces": faces, "preview": self.faces.notice}
        try:
            with as_file(files("central.paper") / "document.typ") as template:
                made = typst.compile(template, font_paths=self._fonts, sys_inputs=values, **how)
        except typst.TypstError as error:
            raise RejectedError(
                f"{paper.number} 排不出来：{error}", hint="请把这条日志交给软件维护人员"
            ) from error
        return made if isinstance(made, bytes) else made[0]
