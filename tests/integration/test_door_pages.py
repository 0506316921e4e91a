"""The door's pages in a real Chromium: nothing scrolls sideways from 320 px on in either size, targets can be hit, text can be read."""

from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests import axe
from tests.browser import Page, browser
from tests.integration import dooring, serving
from tests.integration.city_cases import PHONE
from tests.integration.dooring import Outside
from tests.integration.serving import FridayClock

pytestmark = pytest.mark.service
RED = "370220260604021007"
PATHS = ("/p/", "/p/search?q=spjy", "/p/guides", "/p/guides/SP-00", "/p/laws", "/p/case", "/p/complain", "/p/complain/follow", "/p/no")  # fmt: skip
WIDTHS = (320, 390, 1280)
HEAVIEST = 40_000
"""Bytes of a page with its style sheet, unpacked (interface.md 2.3)."""
LOOK = r"""(() => {
  const seen = [];
  const channel = value => { const part = value / 255; return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4; };
  const numbers = text => text.match(/[\d.]+/g).map(Number);
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const behind = node => { for (; node; node = node.parentElement) { const found = numbers(getComputedStyle(node).backgroundColor);
    if (found.length < 4 || found[3] > 0) return found; } return [255, 255, 255]; };
  if (document.documentElement.scrollWidth > innerWidth) seen.push('sideways ' + document.documentElement.scrollWidth);
  for (const node of document.querySelectorAll('a, button, input:not([type=hidden]), textarea, select')) {
    const box = node.getBoundingClientRect();
    const inline = node.tagName === 'A' && getComputedStyle(node).display === 'inline';
    if (box.right > 0 && box.width && (box.height < 24 || box.width < 24) && !inline) seen.push('small ' + node.outerHTML.slice(0, 80)); }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const holder = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !holder.getBoundingClientRect().width) continue;
    const style = getComputedStyle(holder), size = parseFloat(style.fontSize);
    const [one, other] = [light(numbers(style.color)), light(behind(holder))].sort((a, b) => b - a);
    const needs = size >= 24 || (size >= 18.66 && style.fontWeight >= 700) ? 3 : 4.5;
    if ((one + 0.05) / (other + 0.05) < needs) seen.push('pale ' + texts.currentNode.textContent.trim().slice(0, 20));
    if (size < 16) seen.push('tiny ' + size + ' ' + texts.currentNode.textContent.trim().slice(0, 20)); }
  for (const node of document.querySelectorAll('input:not([type=hidden]), textarea')) {
    if (!node.labels.length) seen.push('nameless ' + node.outerHTML.slice(0, 80)); }
  if (document.querySelectorAll('h1').length !== 1) seen.push('headings');
  if (!document.body.innerText.includes('12345')) seen.push('no help line');
  return seen; })()"""


async def faults(page: Page) -> list[str]:
    found = []
    for width in WIDTHS:
        await page.size(width, 844)
        found += [f"{width} {fault}" for fault in await page.ask(LOOK)]
    return found + [str(barrier) for barrier in await axe.barriers(page)]


async def submitted(page: Page, address: str, fields: dict[str, str]) -> None:
    """Fill the first form of a page and press its first button."""
    await page.open(address)
    for name, value in fields.items():
        await page.ask(
            f"(() => {{ document.querySelector('main form [name={name}]').value = '{value}'; return 1 }})()"
        )
    await page.ask(
        "(() => { window.before = 1; document.querySelector('main .button.first').click(); return 1 })()"
    )
    await page.until("!window.before && document.readyState === 'complete'")


async def weight(outside: Outside, path: str) -> int:
    return sum([len((await outside.get(one))[1].encode()) for one in (path, "/p/static/door.css")])


async def test_every_page_can_be_read_and_used_on_an_old_phone(tmp_path: Path) -> None:
    found: dict[str, list[str]] = {}
    async with serving.serve(tmp_path, FridayClock(), cases_a_day=3) as hall:
        await dooring.fill_catalogue(hall.store)
        async with dooring.opened(hall, tmp_path) as outside, browser(tmp_path / "profile") as page:
            for path in PATHS:
                assert await weight(outside, path) < HEAVIEST, path
                for big in ({}, {"big": "1"}):
                    address = outside.url + path + ("&" if "?" in path else "?") * bool(big) + urlencode(big)
                    await page.open(address)
                    found[address] = await faults(page)
            for size in ("", "?big=1"):
                await submitted(page, f"{outside.url}/p/case{size}", {"number": RED, "tail": PHONE[-4:]})
                assert "已超过承诺时限" in await page.ask("document.body.innerText")
                found[f"case{size}"] = await faults(page)
                await submitted(page, f"{outside.url}/p/complain{size}", {"unit": ""})
                assert "有 2 处需要改" in await page.ask("document.body.innerText")
                found[f"complain{size}"] = await faults(page)
    assert {address: seen for address, seen in found.items() if seen} == {}
