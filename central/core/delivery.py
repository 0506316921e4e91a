"""Delivery 送达 of a document: what proves that it came to whom it was for. Pure.

A document of a correction is told to persons of its unit; the receipt of the order is an act of the unit itself, and the only
proof that somebody has it. A message that arrived proves that somebody was told.
"""

from msgspec import Struct


class Delivery(Struct, frozen=True):
    """`received`: when and by whom the unit signed for it, for people. Numbers of messages about it: all, arrived, failed."""

    received: str = ""
    told: int = 0
    arrived: int = 0
    failed: int = 0

    @property
    def word(self) -> str:
        """What stands in a list; empty for a document that nobody is told of."""
        if self.received:
            return f"{self.received}签收"
        if not self.told:
            return ""
        head = f"告知 {self.told} 条，送达 {self.arrived} 条"
        return f"{head}，未送达 {self.failed} 条" if self.failed else head
