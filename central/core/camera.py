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


class Finding(Struct, frozen=True):
    """One fault from its begin to its end. `until_at`: when it was seen to be over, or, where `is_end_known` is false, from when on
    nobody looked; None while it lasts. `blind_us`: how long nobody looked while it lasted."""

    heard: Heard
    until_at: int | None
    is_end_known: bool = True
    blind_us: int = 0


def findings(found: Sequence[Stretch]) -> list[Finding]:
    """Each fault once, oldest first. One that was the same before and after nobody looked went on; one of which nobody saw what
    came next has an end that is not known."""
    made: list[Finding] = []
    for place, item in enumerate(found):
        if not item.heard.view.is_fault:
            continue
        after = found[place + 1].heard.view if place + 1 < len(found) else None
        now = Finding(item.heard, item.until_at, after is not View.UNKNOWN)
        if place > 1 and found[place - 1].heard.view is View.UNKNOWN and _is_same(found[place - 2], item):
            before, blind_us = made.pop(), item.heard.since_at - found[place - 1].heard.since_at
            heard = replace(item.heard, since_at=before.heard.since_at)
            now = replace(now, heard=heard, blind_us=before.blind_us + blind_us)
        made.append(now)
    return made


def _is_same(one: Stretch, other: Stretch) -> bool:
    return one.heard.view is other.heard.view


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


def place(at: int, from_at: int, to_at: int) -> int:
    """Of an instant between two others, in `WIDTH`ths."""
    return max(0, min(WIDTH, (at - from_at) * WIDTH // (to_at - from_at)))


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
