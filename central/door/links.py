"""Where a page of the door stands when all are written as files, and how they lead to each other. Pure."""

import posixpath
import re
from urllib.parse import quote, unquote

ROOT = "/p/"
FILES, FORMS, NOTICES = (f"{ROOT}{name}/files/" for name in ("scores", "forms", "notices"))
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


def file_of(path: str) -> str:
    """Where the page of an address stands in the folder: `/p/guides/SP-00` -> `guides/SP-00.html`."""
    parts = [_UNSAFE.sub("_", unquote(part)) for part in path.removeprefix(ROOT).split("/")]
    if path == ROOT:
        return "index.html"
    is_file = path.startswith((FILES, FORMS, NOTICES, f"{ROOT}static/"))
    return "/".join(parts) + ("" if is_file else ".html")


def link(here: str, path: str) -> str:
    """From the page of one address to another, as both stand in the folder."""
    return quote(posixpath.relpath(file_of(path), posixpath.dirname(file_of(here)) or "."))
