"""The approval software of the sites: one file per vendor, `VENDORS` names them."""

from provisioning.demo.vendors import chinese, gbk, pinyin, split
from provisioning.demo.vendors.base import Vendor

VENDORS: dict[str, Vendor] = {"chinese": chinese, "pinyin": pinyin, "split": split, "gbk": gbk}
