"""XML that a stranger sent, flat and within bounds: no document type, so no entity; no tree; nothing is fetched. Pure."""

from xml.parsers import expat

from msgspec import Struct


class Node(Struct, frozen=True):
    """An element when it ends: after all that is in it. `text`: of its own; `parent`: local name of what it is in."""

    space: str
    name: str
    text: str
    parent: str
    attributes: dict[str, str]


class Bounds(Struct, frozen=True):
    """Of a whole text: bytes, elements, how deep they lie in each other, characters of text and attributes."""

    size: int
    elements: int
    depth: int = 32


def nodes(raw: bytes, bounds: Bounds) -> list[Node]:
    """Every element, in the order in which they end. Raises ValueError for anything that is not such a text."""
    if len(raw) > bounds.size:
        raise ValueError("too large")
    reader = _Reader(bounds)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _refuse
    parser.StartElementHandler, parser.EndElementHandler = reader.begin, reader.end
    parser.CharacterDataHandler = reader.said
    try:
        parser.Parse(raw, True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError("no XML") from error
    return reader.found


def _refuse(*_: object) -> None:
    """All that entities can do begins with a document type, and none of what is awaited has one."""
    raise ValueError("document type")


class _Reader:
    def __init__(self, bounds: Bounds) -> None:
        self.found: list[Node] = []
        self._bounds = bounds
        self._begun = 0
        self._open: list[tuple[str, str, dict[str, str], list[str]]] = []

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._begun += 1
        if self._begun > self._bounds.elements or len(self._open) >= self._bounds.depth:
            raise ValueError("too much")
        space, _, local = name.rpartition(" ")
        self._open.append((space, local, attributes, []))

    def said(self, text: str) -> None:
        if self._open:
            self._open[-1][3].append(text)

    def end(self, _: str) -> None:
        space, local, attributes, texts = self._open.pop()
        parent = self._open[-1][1] if self._open else ""
        self.found.append(Node(space, local, "".join(texts).strip(), parent, attributes))
