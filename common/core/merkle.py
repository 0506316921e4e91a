"""One hash over many rows, so that two parties that hold them apart can tell whether they hold the same.

The tree is that of RFC 6962 (2.1, SHA-256). Its leaves are pages of up to PAGE_ROWS rows in the order of their keys'
UTF-8 bytes, each the MessagePack of [[key, version, digest], ...]. Memory does not grow with the rows.
"""

import hashlib

import msgspec

from common.core.record import Root

PAGE_ROWS = 1_000


class Tree:
    """`add` every leaf in order, then `root`."""

    def __init__(self) -> None:
        self._whole: list[tuple[int, bytes]] = []
        """Complete subtrees from left to right: number of leaves, hash."""

    def add(self, leaf: bytes) -> None:
        """Equal neighbours become one, so that there are never more than the logarithm of the leaves."""
        size, node = 1, hashlib.sha256(b"\0" + leaf).digest()
        while self._whole and self._whole[-1][0] == size:
            _, left = self._whole.pop()
            size, node = 2 * size, _joined(left, node)
        self._whole.append((size, node))

    def root(self) -> bytes:
        """32 bytes; of no leaf at all the hash of nothing."""
        if not self._whole:
            return hashlib.sha256(b"").digest()
        node = self._whole[-1][1]
        for _, left in reversed(self._whole[:-1]):
            node = _joined(left, node)
        return node


def _joined(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Rows:
    """Of one table: `add` every row that is there in the order of keys, then `root`."""

    def __init__(self) -> None:
        self._tree = Tree()
        self._page: list[tuple[str, int, bytes]] = []
        self._count = 0

    def add(self, key: str, version: int, digest: bytes) -> None:
        self._page.append((key, version, digest))
        self._count += 1
        if len(self._page) == PAGE_ROWS:
            self._turn()

    def root(self) -> Root:
        if self._page:
            self._turn()
        return Root(self._count, self._tree.root())

    def _turn(self) -> None:
        self._tree.add(msgspec.msgpack.encode(self._page))
        self._page = []
