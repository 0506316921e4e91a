"""A long list a page at a time: what citizens and offices wrote is of any length, and a page of the door is light (interface.md 2.3)."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

T = TypeVar("T")
MOST = 6_000
"""Letters on a page, three bytes each; one that is longer stands alone."""
FRAME = 100
"""Letters that each takes beside its own."""
NUMBER = "n"


class Page(Struct, Generic[T]):
    """`before`, `after`: addresses of its neighbours; empty: there is none."""

    items: list[T]
    before: str = ""
    after: str = ""


def page(request: web.Request, found: Sequence[T], length: Callable[[T], int]) -> Page[T]:
    """The one that is asked for, of all that were `found`; one that there is not is the last."""
    starts = cut([length(one) + FRAME for one in found])
    asked = request.query.get(NUMBER, "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 1
    place = min(max(number, 1), len(starts))
    last = starts[place] if place < len(starts) else len(found)
    return Page(
        list(found[starts[place - 1] : last]),
        _address(request, place - 1) if place > 1 else "",
        _address(request, place + 1) if place < len(starts) else "",
    )


def cut(lengths: Sequence[int]) -> list[int]:
    """Where each page begins; there is one at least."""
    starts, filled = [0], 0
    for place, length in enumerate(lengths):
        if filled and filled + length > MOST:
            starts.append(place)
            filled = 0
        filled += length
    return starts


def _address(request: web.Request, number: int) -> str:
    query = [(name, value) for name, value in request.query.items() if name != NUMBER]
    query += [(NUMBER, str(number))] if number > 1 else []
    return request.rel_url.raw_path + (f"?{urlencode(query)}" if query else "")
