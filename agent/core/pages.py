"""Rows of a SQLite file without its trees: what a file still holds when its header or an inner page is gone.

Theory (SQLite's file format, 1.6 and 2): rows lie in leaf pages, each of which can be read by itself; inner pages
only help to find them, and page 1 only says where to begin. Who reads this way can be sure of nothing: a page may
be stale, or damaged inside. It serves for rows that prove themselves, as sealed records do.
"""

from collections.abc import Callable, Iterator

PAGE_BYTES = 4096
_LEAF = 0x0D
_MOST_LOCAL = PAGE_BYTES - 35
_LEAST_LOCAL = (PAGE_BYTES - 12) * 32 // 255 - 23
_LINKED = PAGE_BYTES - 4
_NULL, _SHORTEST_BLOB = 0, 12
_MOST = 1 << 20
"""No row of ours is longer: a damaged length does not make us follow links for ever."""
ReadPage = Callable[[int], bytes]
"""Page number, from 1 -> its bytes, or fewer where the file ends or does not let them be read."""


def cells(page: bytes) -> Iterator[int]:
    """Places inside `page` at which its rows begin; none if it is no leaf page of a table."""
    if len(page) < PAGE_BYTES or page[0] != _LEAF:
        return
    count = int.from_bytes(page[3:5], "big")
    for at in range(8, min(8 + 2 * count, PAGE_BYTES - 1), 2):
        yield int.from_bytes(page[at : at + 2], "big")


def row(read: ReadPage, page: bytes, at: int) -> tuple[int, bytes] | None:
    """The row of two columns, integer key and blob, that begins at `at` of `page`. -> (key, blob).

    None where there is no such row, or its further pages are gone.
    """
    size, at = _varint(page, at)
    key, at = _varint(page, at)
    if size > _MOST:
        return None
    local = _local(size)
    payload = page[at : at + local]
    if local < size:
        payload += _linked(read, int.from_bytes(page[at + local : at + local + 4], "big"), size - local)
    head, begin = _varint(payload, 0)
    first, begin = _varint(payload, begin)
    second, begin = _varint(payload, begin)
    blob = (second - _SHORTEST_BLOB) // 2
    if (
        first != _NULL
        or second < _SHORTEST_BLOB
        or second % 2
        or begin != head
        or head + blob != len(payload)
    ):
        return None
    return (key, payload[begin:]) if len(payload) == size else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """-> (value, place after it). Where the bytes end, so does the number: what it leads to proves nothing."""
    value = 0
    for place in range(at, min(at + 8, len(data))):
        value = value << 7 | data[place] & 0x7F
        if data[place] < 0x80:
            return value, place + 1
    return (value << 8 | data[at + 8], at + 9) if at + 8 < len(data) else (0, at + 9)


def _local(size: int) -> int:
    """How many bytes of a payload of `size` lie in the leaf page itself."""
    if size <= _MOST_LOCAL:
        return size
    local = _LEAST_LOCAL + (size - _LEAST_LOCAL) % _LINKED
    return local if local <= _MOST_LOCAL else _LEAST_LOCAL


def _linked(read: ReadPage, number: int, size: int) -> bytes:
    """`size` bytes from the pages that begin with `number`; fewer where the link is broken."""
    parts: list[bytes] = []
    while size > 0 and number > 0:
        page = read(number)
        if len(page) < PAGE_BYTES:
            break
        parts.append(page[4 : 4 + min(size, _LINKED)])
        size -= len(parts[-1])
        number = int.from_bytes(page[:4], "big")
    return b"".join(parts)
