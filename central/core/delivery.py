"""Delivery 送达 of a document: what proves that it came to whom it was for. Pure.

A document of a correction is told to persons of its unit; the receipt of the order is an act of the unit itself, or a receipt on
paper of one without accounts, and the only proof that somebody has it. A message that arrived proves that somebody was told.
"""

from msgspec import Struct


class Delivery(Struct, frozen=True):
    """`received`: when and by whom the unit signed for it, for people. `told`, `arrived`, `failed`: messages about it."""

    received: str = ""
    told: int = 0
    arrived: int = 0
    failed: int = 0
    is_due: bool = False  # somebody ought to have been told

    @property
    def word(self) -> str:
        """What stands in a list; empty for one that is not told to accounts."""
        if self.received:
            return f"{self.received}签收"
        if not self.told:
            return "没有可告知的账号" if self.is_due else ""
        head = f"告知 {self.told} 条，送达 {self.arrived} 条"
        return f"{head}，未送达 {self.failed} 条" if self.failed else head

    @property
    def is_wanting(self) -> bool:
        """Whether a person has to see to it: a message did not arrive, or there was nobody to tell."""
        return not self.received and (self.failed > 0 or (self.is_due and not self.told))
