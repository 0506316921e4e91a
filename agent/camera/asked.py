"""What somebody at the box asks of the camera worker: a file in the data folder, which holds a camera's id."""

from contextlib import suppress
from pathlib import Path

LEARN, VACANT = "camera-learn", "camera-vacant"
"""Names of the files: new references are wanted; nobody sits anywhere."""


def taken(path: Path) -> str | None:
    """What is asked for, once: the file is gone then."""
    with suppress(OSError, UnicodeDecodeError):
        name = path.read_text("utf-8").strip()
        path.unlink()
        return name
    return None
