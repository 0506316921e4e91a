"""What the hall's script would write into a page (`static/bind.js`), held against what the template has written there."""

import re
from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from typing import NamedTuple

State = Mapping[str, Mapping[str, Mapping[str, str]]]
_VOID = {"br", "hr", "img", "input", "link", "meta"}
_SHAPES = {"k": ("#k-", "never"), "l": ("#l-", "none")}


class Node(NamedTuple):
    """An element with bound values: its attributes, its own text, the classes of its children."""

    attributes: dict[str, str]
    text: list[str]
    classes: list[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.bound: list[Node] = []
        self._open: list[tuple[str, Node]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node({name: value or "" for name, value in attrs}, [], [])
        if self._open:
            self._open[-1][1].classes.append(node.attributes.get("class", ""))
        if "data-b" in node.attributes:
            self.bound.append(node)
        if tag not in _VOID:
            self._open.append((tag, node))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for _, node in self._open:
            node.text.append(data)


def faults(html: str, state: State) -> tuple[int, Sequence[str]]:
    """-> (bound values of the page, those that are otherwise than the script would write them from the same state)."""
    reader, number, found = _Reader(), 0, []
    reader.feed(html)
    for node in reader.bound:
        for part in node.attributes["data-b"].split(" "):
            how, _, path = part.partition("=")
            if how == "offer":  # writes nothing
                continue
            number += 1
            section, row, field = path.split("/")
            written, shown = _pair(node, how, state[section][row][field])
            if written != shown:
                found.append(f"{part}: {shown!r}, the script writes {written!r}")
    return number, found


def _pair(node: Node, how: str, value: str) -> tuple[str, str]:
    """-> (what the script would write, what is there)."""
    if how == "text":
        return value, "".join(node.text)
    if how == "band":
        return " ".join(f"{run[0]} w{run[1:]}" for run in re.findall(r"[a-z]\d+", value)), " ".join(
            node.classes
        )
    if how in _SHAPES:
        before, blank = _SHAPES[how]
        return before + (value or blank), node.attributes.get("href", "")
    return value, node.attributes.get(how, "(no such attribute)")
