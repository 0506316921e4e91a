"""What a box said of a camera, as stretches of time: each fault one finding with its begin and end (cameras.md 3.6)."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from common.core.camera import View

WIDTH = 1000
"""Of a time bar, whatever it spans."""


class Heard(Struct, frozen=True):
    """From `since_at` on the camera stands so."""

    view: View
    since_at: int
    alt: View | None = None
    certain: bool = True
    votes: int = 0
    detail: str = ""


class Stretch(Struct, frozen=True):
    """`until_at`: None while it lasts."""

    heard: Heard
    until_at: int | None


def stretches(heard: Sequence[Heard]) -> list[Stretch]:
    """In order of time, of what was heard in the order in which it was said. What was said later of the same time counts;
    one that was said again goes on."""
    kept: list[Heard] = []
    for item in heard:
        while kept and kept[-1].since_at >= item.since_at:
            kept.pop()
        if kept and kept[-1].view is item.view:
            kept[-1] = replace(item, since_at=kept[-1].since_at)
        else:
            kept.append(item)
    ends = {place: after.since_at for place, after in enumerate(kept[1:])}
    return [Stretch(item, ends.get(place)) for place, item in enumerate(kept)]


def sort_of(view: View) -> str:
    """`ok`, `fail`, or `skip` where nobody can say: the marks of a page."""
    if view.is_fault:
        return "fail"
    return "ok" if view is View.OK else "skip"


def said(heard: Heard) -> str:
    """`遮挡`, and where two names compete `遮挡，也可能是移位`."""
    word = heard.view.word
    return word if heard.certain or heard.alt is None else f"{word}，也可能是{heard.alt.word}"


def bar(found: Sequence[Stretch], from_at: int, to_at: int) -> list[tuple[str, int, int]]:
    """(sort, left, width) of each stretch between two instants, in `WIDTH`ths; a fault however short is seen."""
    spans = [
        (sort_of(item.heard.view), item.heard.since_at, to_at if item.until_at is None else item.until_at)
        for item in found
    ]
    return drawn(spans, from_at, to_at)


def drawn(spans: Sequence[tuple[str, int, int]], from_at: int, to_at: int) -> list[tuple[str, int, int]]:
    """(sort, begin, end) -> as `bar`."""
    parts = []
    for sort, begins, ends in spans:
        begin, end = max(begins, from_at), min(ends, to_at)
        if begin >= end:
            continue
        left = (begin - from_at) * WIDTH // (to_at - from_at)
        width = (end - from_at) * WIDTH // (to_at - from_at) - left
        if width or sort == "fail":
            parts.append((sort, min(left, WIDTH - 3), max(width, 3) if sort == "fail" else width))
    return sorted(parts, key=lambda part: part[0] == "fail")  # drawn last, over its neighbours
