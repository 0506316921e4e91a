"""People at their browsers: a page is opened, a form filled and its button pressed, and each page looked at."""

import os
from pathlib import Path

from msgspec import Struct, field

from tests import axe, voice
from tests.browser import Page

SHOTS = os.environ.get("MINGCHA_SHOTS", "")
"""A folder for pictures of every page, to be looked at."""
PHONE_SIZE, DESK_SIZE = (390, 844), (1440, 900)
FILL = """(([fields, button]) => {
  for (const [name, value] of Object.entries(fields)) {
    const nodes = [...document.querySelectorAll(`[name="${name}"]`)].filter(node => node.type !== 'hidden');
    const node = nodes.find(one => one.type === 'radio' ? one.value === value : one.closest('form').contains(document.querySelector(button)));
    if (!node) throw new Error('no field ' + name);
    if (node.type === 'radio') node.click(); else node.value = value; }
  const pressed = document.querySelector(button);
  if (!pressed) throw new Error('no button ' + button);
  window.before = 1; pressed.click(); return 1 })"""


class Desk(Struct):
    """One person's browser."""

    page: Page
    name: str
    base: str
    is_phone: bool = False
    taken: int = 0
    heads: set[str] = field(default_factory=set)
    """Of pages that were looked through."""

    async def open(self, path: str) -> str:
        await self.page.open(self.base + path)
        return await self.text()

    async def text(self) -> str:
        return " ".join(str(await self.page.ask("document.body.innerText")).split())

    async def press(self, button: str, **fields: str) -> str:
        """Fill the form of that button, press it, wait for the next page. -> what stands there."""
        await self.page.ask(f"{FILL}({[fields, button]!r})")
        await self.page.until("!window.before && document.readyState === 'complete'")
        return await self.seen()

    async def seen(self) -> str:
        """Look at the page: nothing wider than the window; on the phone everything with a name, and once through each kind of page."""
        self.taken += 1
        if SHOTS:
            await self.page.photograph(Path(SHOTS) / f"{self.name}-{self.taken:02}.png", whole=True)
        assert await self.page.ask("document.documentElement.scrollWidth <= innerWidth"), self.taken
        if self.is_phone:
            assert await voice.faults(self.page) == [], self.taken
            head = await self.page.ask("document.title")
            if head not in self.heads:
                assert await axe.barriers(self.page) == [], self.taken
            self.heads.add(head)
        return await self.text()
