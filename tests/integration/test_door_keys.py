"""Whoever has a keyboard alone finds a guide, asks for a case and complains: at three widths, in both sizes, with and without scripts."""

from pathlib import Path

import pytest

from tests.browser import Page, browser
from tests.integration import dooring, serving
from tests.integration.city_cases import PHONE
from tests.integration.serving import FridayClock
from tests.integration.test_door_pages import RED

pytestmark = pytest.mark.service
KEYS = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " ")}
MOST_STOPS = 45
WALKS = [(320, True, False), (390, False, True), (1280, True, True)]
"""Width, large type, scripts."""
FOCUS = """(() => { const e = document.activeElement, s = getComputedStyle(e), b = e.getBoundingClientRect();
  return { is_seen: s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 && b.bottom > 0 && b.top < innerHeight
    && b.right > 0 && b.left < innerWidth, what: e.outerHTML.slice(0, 90), is_wanted: e !== document.body && e.matches('%s') }; })()"""


class Walker:
    """Somebody who presses keys."""

    def __init__(self, page: Page, *, big: bool) -> None:
        self.page, self.big = page, big
        self.hidden: list[str] = []
        """Stops at which nobody would see where they are."""

    async def press(self, key: str) -> None:
        code, text = KEYS[key]
        pressed = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        await self.page.call("Input.dispatchKeyEvent", type="keyDown", text=text, **pressed)
        await self.page.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    async def to(self, wanted: str) -> None:
        """Tab on to what a selector names."""
        for _ in range(MOST_STOPS):
            await self.press("Tab")
            stop = await self.page.ask(FOCUS % wanted.replace("'", "\\'"))
            if not stop["is_seen"]:
                self.hidden.append(stop["what"])
            if stop["is_wanted"]:
                return
        raise AssertionError(f"no way by Tab to {wanted}: {await self.page.ask('document.title')}")

    async def write(self, wanted: str, text: str) -> None:
        await self.to(wanted)
        await self.page.call("Input.insertText", text=text)

    async def enter(self) -> str:
        """Press Enter where the focus is, and read the page to which that leads."""
        await self.page.ask("(window.before = 1)")
        await self.press("Enter")
        await self.page.until("!window.before && document.readyState === 'complete'")
        assert await self.page.ask("document.documentElement.classList.contains('big')") is self.big
        assert await self.page.ask("document.documentElement.scrollWidth <= innerWidth")
        return str(await self.page.ask("document.body.innerText"))

    async def walk(self) -> None:
        await self.write("#q", "食品经营")
        assert "找到 1 个事项" in await self.enter()
        await self.to('a[href*="/p/guides/SP-00"]')
        assert "要带 2 样东西" in await self.enter()
        await self.to(".tick input")
        await self.press(" ")
        assert await self.page.ask("document.querySelector('.tick input').checked")
        await self.to('main a.button[href*="/p/case"]')
        await self.enter()
        await self.write('[name="number"]', RED)
        await self.write('[name="tail"]', PHONE[-4:])
        assert "已超过承诺时限" in await self.enter()
        await self.to('main a.button[href*="/p/complain"]')
        await self.enter()
        await self.to('[name="topic"]')
        await self.press(" ")
        await self.write('[name="unit"]', "石桥镇便民服务中心")
        assert "第 2 步" in await self.enter()
        await self.write('[name="text"]', "窗口三次退件，没有书面理由。")
        await self.to("button.first")
        assert "第 3 步" in await self.enter()
        await self.to('[name="named"]')
        await self.press(" ")
        await self.write('[name="name"]', "欧阳明珠")
        await self.write('[name="phone"]', "13912345678")
        assert "第 4 步" in await self.enter()
        await self.to("button.first")
        assert "欧阳明珠" in await self.enter()
        await self.to("button.first")
        assert "查询码" in await self.enter()


async def test_a_guide_a_case_and_a_complaint_by_keys_alone(tmp_path: Path) -> None:
    async with serving.serve(tmp_path, FridayClock(), cases_a_day=3) as hall:
        await dooring.fill_catalogue(hall.store)
        async with dooring.opened(hall, tmp_path) as outside, browser(tmp_path / "profile") as page:
            for width, big, scripts in WALKS:
                outside.forget()
                await page.size(width, 700)
                await page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
                await page.open(f"{outside.url}/p/{'?big=1' if big else ''}")
                one = Walker(page, big=big)
                await one.walk()
                assert one.hidden == [], (width, big, scripts)
