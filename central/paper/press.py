"""Both pictures of a document at once."""

from pathlib import Path
from typing import TYPE_CHECKING

from central.core.document import Paper

if TYPE_CHECKING:
    from central.paper.pdf import Typesetter


class Press:
    """Makes the files of documents; reads the fonts when the first one is made, so that a hall starts without them."""

    def __init__(self, fonts: Path) -> None:
        """`fonts`: the hall's font folder, which need not exist."""
        self._fonts = fonts
        self._typesetter: Typesetter | None = None

    def __call__(self, paper: Paper, seal: bytes | None = None) -> tuple[bytes, bytes, bool]:
        """`seal`: the picture of `paper.seal`. -> PDF, DOCX, whether the PDF is a preview. Raises RejectedError."""
        from central.paper import docx
        from central.paper.pdf import Typesetter

        if self._typesetter is None:
            self._typesetter = Typesetter(self._fonts)
        pdf = self._typesetter.set(paper, seal)
        return pdf, docx.write(paper, seal), bool(self._typesetter.faces.missing)


def can_draw(picture: bytes) -> bool:
    """Whether a PNG can stand in a document: the typesetter itself tries, and refuses a damaged one."""
    from central.paper.pdf import can_draw as tried

    return tried(picture)
