"""The item catalogue 事项清单: what the law and the office say of one kind of approval, in dated versions.

A case goes by the version in force on the day it was accepted. Versions are only added, and a new one of a known item
begins in the future or today (`store/items.py`), so that no running case changes its limits.
"""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

from msgspec import Struct

from common.core.state import Procedure

LEGAL_DAYS, JOINT_DAYS = 20, 45
"""行政许可法 42: the statutory limits where no other law speaks, in working days."""
EXTENSION_DAYS, JOINT_EXTENSION_DAYS = 10, 15


FREE = "不收费"
"""What the catalogue calls an item for which nothing may be charged: its one fee, of nothing."""


class ItemKind(StrEnum):
    """How an item is handled."""

    ON_THE_SPOT = "on_the_spot"
    PROMISED = "promised"
    JOINT = "joint"
    PRELIMINARY = "preliminary"

    @property
    def word(self) -> str:
        return {"on_the_spot": "即办件", "promised": "承诺件", "joint": "联办件", "preliminary": "上报件"}[
            self.value
        ]


class RouteStep(Struct, frozen=True):
    """One step of the prescribed procedure, by the name the office gives it."""

    name: str
    days: int | None = None  # working days
    optional: bool = False


class Person(Struct, frozen=True):
    """Who answers for the item."""

    name: str
    phone: str = ""


class Item(Struct, frozen=True, omit_defaults=True):
    """One version of an entry; days are working days. None and empty: the catalogue does not say."""

    code: str
    name: str
    legal_days: int = LEGAL_DAYS
    promised_days: int | None = None
    version: int = 1
    valid_from: date | None = None  # None: since ever
    kind: ItemKind = ItemKind.PROMISED
    extension_days: int = EXTENSION_DAYS
    lead_days: int | None = (
        None  # the decision's limits warn so many days before due; None: the tenth, at least one
    )
    delivery_days: int | None = None  # for sources that record deliveries
    receipt_counts: bool = False  # the source's time of receipt is the legal one: 行政许可法 32 is judged
    procedures: list[Procedure] = []  # special procedures that may stop the clock
    route: list[RouteStep] = []
    materials: list[str] = []
    fees: dict[str, str] = {}  # what is charged for -> yuan each
    basis: str = ""
    conditions: str = ""
    quantity: str = ""
    procedure: str = ""
    sample: str = ""
    published_on: date | None = None
    persons: list[Person] = []
    deciders: list[str] = []  # who may decide

    def unpublished(self) -> list[str]:
        """What 行政许可法 30 has displayed and this entry lacks, by its names."""
        fields = {
            "依据": self.basis, "条件": self.conditions, "数量": self.quantity, "程序": self.procedure,
            "材料目录": self.materials, "示范文本": self.sample, "公示日期": self.published_on,
        }  # fmt: skip
        return [name for name, value in fields.items() if not value]

    @property
    def is_free(self) -> bool:
        """Nothing may be charged; without any fee the catalogue does not say."""
        return self.fees == {FREE: "0"}

    def limits(self) -> str:
        """For people: `法定 20 个工作日，承诺 5 个工作日`."""
        promise = "" if self.promised_days is None else f"，承诺 {self.promised_days} 个工作日"
        return f"法定 {self.legal_days} 个工作日{promise}"


def pinned(versions: Sequence[Item], day: date | None) -> Item | None:
    """The version in force on `day`: of those that had begun, the newest; before the first one, the first.

    `versions` of one item, oldest first; `day` None: the newest one.
    """
    if not versions:
        return None
    begun = [
        item for item in versions if day is None or item.valid_from is None or item.valid_from <= day
    ] or versions[:1]
    return max(begun, key=lambda item: (item.valid_from or date.min, item.version))
