"""A red light to its closing, and another through appeal to withdrawal, by five people in Chromium."""

from pathlib import Path

import pytest

from central import correction_check, document
from central.paper.press import Press
from central.store import scope
from tests import carried
from tests.browser import Page, browser, browsers
from tests.integration import serving
from tests.integration.serving import OPERATIONS
from tests.integration.test_corrections import Ahead, fill, look, red_of

pytestmark = [pytest.mark.service, pytest.mark.slow]
PEOPLE = ("jian1", "jian2", "ling1", "ling2", "zhang")
SITE = "s18"


async def test_red_lights_are_carried_to_their_end_in_browsers(tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    async with serving.serve(tmp_path / "hall", Ahead(), fill=fill) as hall:
        await look(hall)
        async with hall.store.write() as conn:
            await scope.give(conn, "zhang", [SITE], [])
        first, second = (await red_of(hall, SITE))[:2]
        async with browsers(tmp_path / "profile", 5) as pages:
            people = await carried.five(pages, hall.url)
            for page, name in zip(pages, PEOPLE, strict=True):
                for cookie, value in (await hall.session_of(name)).items():
                    await page.cookie(cookie, value, hall.url)
            said = await carried.closed(people, first)
            assert ("已销号，现在没有要办的事。" in said, "云监销〔2026〕1号" in said) == (True, True)
            said = await carried.withdrawn(people, second)
            assert ("已撤销，现在没有要办的事。" in said, "云监申〔2026〕1号" in said) == (True, True)
            assert not await carried.has_its_papers(people.unit, first)
            await document.finish_all(hall.store, Press(Path("nowhere")), OPERATIONS)
            for desk in (people.unit, people.chief):
                assert await carried.has_its_papers(desk, first)
                assert await carried.has_its_papers(desk, second)
        async with hall.store.read() as conn:
            report = await correction_check.check_all(conn)
    assert report.faults == []


REACHED = "(() => { const at = document.activeElement; return at !== null && at.matches(%r) && at.matches(':focus'); })()"


async def tab_to(page: Page, what: str) -> None:
    """Press Tab until what the selector names has the focus, as somebody without a mouse does."""
    for _ in range(200):
        if await page.ask(REACHED % what):
            return
        await press(page, "Tab")
    raise AssertionError(what)


async def press(page: Page, key: str) -> None:
    code, text = {"Tab": (9, ""), "Enter": (13, "\r"), " ": (32, " "), "ArrowDown": (40, "")}.get(
        key, (ord(key.upper()[0]), key)
    )
    named = {"key": key, "windowsVirtualKeyCode": code}
    await page.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
    await page.call("Input.dispatchKeyEvent", type="keyUp", **named)


async def chosen(page: Page, act: str) -> None:
    """By arrows, where the page has more than one act."""
    if await page.ask(f"document.querySelector('input[type=radio][value={act}]') === null"):
        return
    await tab_to(page, "input[type=radio][name=event]")
    await press(page, " ")
    while await page.ask(f"document.activeElement.value !== '{act}'"):
        await press(page, "ArrowDown")


async def entered(page: Page) -> str:
    """Press Enter on what has the focus; -> what stands on the page to which it leads."""
    await page.ask("(() => { window.before = 1; return 1; })()")
    await press(page, "Enter")
    await page.until("!window.before && document.readyState === 'complete'")
    return str(await page.ask("document.body.innerText"))


async def test_from_the_queue_to_a_signed_document_by_keys_alone(tmp_path: Path) -> None:
    (tmp_path / "hall").mkdir()
    async with serving.serve(tmp_path / "hall", Ahead(), fill=fill) as hall:
        await look(hall)
        async with browser(tmp_path / "profile") as page:
            for name, act, said in (
                ("jian1", "draft", "已拟稿"),
                ("jian2", "review", "已审核"),
                ("ling1", "issue", "已签发"),
            ):
                for cookie, value in (await hall.session_of(name)).items():
                    await page.cookie(cookie, value, hall.url)
                await page.open(f"{hall.url}/hall/queue")
                for key in ("g", "e"):
                    await press(page, key)
                await page.until(
                    "location.pathname === '/hall/corrections' && document.readyState === 'complete'"
                )
                await press(page, "j")
                assert await page.ask("document.activeElement.matches('.list a.cover')")
                await entered(page)
                await chosen(page, act)
                if act == "draft":
                    await tab_to(page, "textarea[name=copies]")
                    await page.call("Input.insertText", text="市政务服务中心")
                await tab_to(page, f"form:has(input[value={act}]) button")
                assert said in await entered(page), act
            await page.open(f"{hall.url}/hall/documents")
            await press(page, "j")
            words = await entered(page)
            assert "云监督〔2026〕1号" in words
            assert await page.ask("location.pathname.startsWith('/hall/documents/')")
