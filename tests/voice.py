"""What a screen reader is given of a page: Chromium's own tree of roles and names, and what would be wrong to hear."""

from collections import defaultdict
from itertools import pairwise
from typing import Any

from msgspec import Struct

from tests.browser import Page

SPOKEN = {
    "link",
    "button",
    "textbox",
    "searchbox",
    "checkbox",
    "radio",
    "combobox",
    "heading",
    "group",
    "radiogroup",
}
"""Roles that are nothing without a name."""
PLACES = ("banner", "main", "contentinfo")
_EMPTY = {"点击", "点这里", "这里", "更多", "链接", "按钮"}


class Node(Struct, frozen=True):
    """`said`: its properties: level, url, invalid, …"""

    role: str
    name: str
    description: str
    said: dict[str, Any]


async def nodes(page: Page) -> list[Node]:
    """In the order in which they are read."""
    tree = (await page.call("Accessibility.getFullAXTree"))["nodes"]
    return [
        Node(
            role=str(one["role"]["value"]),
            name=str(one.get("name", {}).get("value", "")).strip(),
            description=str(one.get("description", {}).get("value", "")).strip(),
            said={each["name"]: each["value"].get("value") for each in one.get("properties", [])},
        )
        for one in tree
        if not one.get("ignored") and "value" in one.get("role", {})
    ]


async def faults(page: Page) -> list[str]:
    """What would be heard wrongly, or not at all."""
    heard = await nodes(page)
    found = [f"nameless {one.role} {one.said}" for one in heard if one.role in SPOKEN and not one.name]
    found += [f"says nothing: {one.role} {one.name}" for one in heard if one.name in _EMPTY]
    found += [f"no {role}" for role in PLACES if sum(one.role == role for one in heard) != 1]
    levels = [int(one.said["level"]) for one in heard if one.role == "heading"]
    found += [f"heading {levels}"] * any(after > before + 1 for before, after in pairwise([0, *levels]))
    found += [
        f"a fault that is not read with its field: {one.name}"
        for one in heard
        if one.said.get("invalid") == "true" and not one.description
    ]
    leads = defaultdict[str, set[str]](set)
    for one in heard:
        if one.role == "link" and one.said.get("url"):
            leads[one.name].add(str(one.said["url"]).partition("#")[0])
    return found + [
        f"one name, several places: {name} {sorted(urls)}" for name, urls in leads.items() if len(urls) > 1
    ]
