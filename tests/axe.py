"""axe-core in the tests' browser: what of a page somebody could not read, reach or have read out."""

from importlib.resources import files
from typing import Any

from msgspec import Struct

from tests.browser import Page

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_HARM = {"serious", "critical"}


class Barrier(Struct, frozen=True):
    """One kind of fault of a page, and where it is."""

    rule: str
    what: str
    places: list[str]


async def barriers(page: Page) -> list[Barrier]:
    """The serious and critical ones of the page as it is shown now."""
    await page.ask(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8") + ";true")
    found: list[dict[str, Any]] = await page.ask(
        f"axe.run(document, {{runOnly: {_RULES}, resultTypes: ['violations']}}).then(found => found.violations.map("
        "one => ({id: one.id, impact: one.impact, help: one.help, "
        "nodes: one.nodes.map(node => node.target.join(' ') + ' ' + node.any.map(x => x.message).join('; '))})))"
    )
    return [Barrier(one["id"], one["help"], one["nodes"][:5]) for one in found if one["impact"] in _HARM]
