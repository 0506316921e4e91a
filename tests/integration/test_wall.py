"""The wall and the console in a real browser: complete, live, honest about their age, inside their budgets."""

import asyncio
import re
import signal
import sys
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from itertools import product
from pathlib import Path
from unicodedata import normalize

import pytest
import pytest_asyncio
from pdfminer.high_level import extract_text
from sqlalchemy import insert, update

from central.core.access import Role
from central.store import tables as t
from central.web.guard import COOKIE
from central.web.page import HALL
from tests import lasting
from tests.browser import Page, browser
from tests.integration import city, serving
from tests.integration.serving import Served

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.service]

PAGES = (
    "/hall",
    "/hall/sites",
    "/hall/sites/s09",
    "/hall/queue",
    "/hall/cases",
    "/hall/cases/s12/20260604121007",
    "/hall/views",
    "/account",
)
ADMINISTRATORS = ("/hall/admin/people", "/hall/admin/people/head")
SMALLEST_TEXT = """(() => {
  let smallest = 1000;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (walk.currentNode.data.trim() && node.getClientRects().length && !node.closest('.sr'))
      smallest = Math.min(smallest, parseFloat(getComputedStyle(node).fontSize));
  }
  return smallest;
})()"""
LOWEST_LINE = """(() => {
  let lowest = 1000;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  while (walk.nextNode()) {
    range.selectNodeContents(walk.currentNode);
    const box = range.getClientRects()[0];
    if (walk.currentNode.data.trim() && box && !walk.currentNode.parentElement.closest('.sr, .skip')) lowest = Math.min(lowest, box.height);
  }
  return lowest;
})()"""
CLIPPED = """Array.from(document.querySelectorAll('body *')).filter(node =>
  node.children.length === 0 && node.textContent.trim() && node.getClientRects().length && !node.closest('.sr, svg')
  && (node.scrollWidth > node.clientWidth + 1) && getComputedStyle(node).overflow === 'hidden'
).map(node => node.className + ': ' + node.textContent)"""
CUT_OFF = """Array.from(document.querySelectorAll('.tile, .view, .row, .kpi, .panel, .head, .tick')).filter(box => {
  const frame = box.getBoundingClientRect();
  return Array.from(box.querySelectorAll('*')).some(node => {
    const own = node.getBoundingClientRect();
    return own.height && getComputedStyle(node).display !== 'inline' && !node.closest('svg *, [hidden]')
      && (own.right > frame.right + 1 || own.bottom > frame.bottom + 1);
  });
}).map(box => box.className)"""
FLEX_GAPS = """Array.from(document.querySelectorAll('*')).filter(node => {
  const style = getComputedStyle(node);
  return style.display.includes('flex') && (style.rowGap !== 'normal' || style.columnGap !== 'normal')
}).map(node => node.className)"""
SMALL_TARGETS = """Array.from(document.querySelectorAll('button, input:not([type=hidden]), select, summary, .button, .side a'))
  .filter(node => node.getClientRects().length)
  .filter(node => { const box = node.getBoundingClientRect(); return box.width < 24 || box.height < 24; })
  .map(node => node.outerHTML)"""
WEIGHT = """performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
  .reduce((sum, entry) => sum + entry.transferSize, 0)"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    async with serving.serve(tmp_path_factory.mktemp("wall"), serving.demo_clock()) as hall:
        yield hall


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tab(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Page]:
    async with browser(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def page(shown: Served, tab: Page) -> Page:
    """The tab at 1080p, a supervisor logged in."""
    await tab.cookie(COOKIE, (await shown.session(Role.SUPERVISOR))[COOKIE], shown.url)
    await tab.size(1920, 1080)
    return tab


async def test_the_first_html_is_the_whole_wall_without_any_script(shown: Served, page: Page) -> None:
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    await page.open(shown.url + "/hall")
    text = await page.ask("document.querySelector('.wall').innerText")
    await page.call("Emulation.setScriptExecutionDisabled", value=False)
    for said in (*city.NAMES, "待处置", "超期 1 个工作日", "到期预报", "链路与补传", "14:32", "余 418 条"):
        assert said in text


async def test_the_wall_keeps_its_budgets(shown: Served, page: Page) -> None:
    await page.call("Network.setCacheDisabled", cacheDisabled=True)
    await page.open(shown.url + "/hall")
    await page.call("Network.setCacheDisabled", cacheDisabled=False)
    assert await page.ask("document.querySelectorAll('*').length") <= 1_500
    assert 8_000 < await page.ask(WEIGHT) <= 60_000
    assert await page.ask(SMALLEST_TEXT) >= 16
    assert await page.ask(CLIPPED) == []
    assert await page.ask(CUT_OFF) == []
    await page.size(3840, 2160)
    assert await page.ask(SMALLEST_TEXT) >= 32
    assert await page.ask(CUT_OFF) == []
    await page.open(shown.url + "/hall/sites")
    assert await page.ask(LOWEST_LINE) >= 30, "a page of the console is twice as large too"
    assert await page.ask("document.documentElement.scrollWidth") <= 3840
    assert await page.ask("document.documentElement.scrollHeight") < 2600, "and not twice as long"


async def test_a_list_on_paper_has_head_and_number_on_each_sheet_and_nothing_to_press(
    shown: Served, page: Page
) -> None:
    await page.open(shown.url + "/hall/cases")
    printed = await page.call("Page.printToPDF", preferCSSPageSize=True)
    said = extract_text(BytesIO(b64decode(printed["data"])))
    sheets = (
        normalize("NFKC", said).replace("⻚", "页").rstrip("\f").split("\f")
    )  # fonts name signs by their radicals
    assert 2 <= len(sheets) <= 3, "the first sheet has rows, and a row is a line of a table"
    for number, sheet in enumerate(sheets, 1):
        assert "时限到" in sheet
        assert f"第 {number} 页,共 {len(sheets)} 页" in sheet
        assert not any(word in sheet for word in ("收件箱", "查询", "导出", "下一页", "按申请人查找"))
    for said in ("在办的办件", "全部站点", "合计可能偏低"):
        assert said in sheets[0], "what it was chosen by, and what it lacks"
    assert "本页 50 件,后面还有。" in sheets[-1]
    assert "打印自 /hall/cases" in sheets[-1]


async def test_the_stream_sets_text_in_place(shown: Served, page: Page) -> None:
    await page.open(shown.url + "/hall")
    await page.ask("document.querySelector('[data-b=\"text=s/s09/left\"]').mark = document.mark = 1")
    async with shown.store.write() as conn:
        where = t.ingest_cursor.c.site == "s09"
        await conn.execute(update(t.ingest_cursor).where(where).values(city.held(900)))
        now_at = shown.clock.office()
        await conn.execute(insert(t.maintenance).values(city.upkeep("s01", now_at, now_at + 10**10)))
    await page.until(
        "document.querySelector('[data-b=\"text=s/s09/left\"]').textContent.startsWith('余 192 条')", 5
    )
    await page.until("document.querySelector('.tile').dataset.v === 'maintenance'", 5)
    assert await page.ask(
        "document.querySelector('[data-b=\"text=s/s09/left\"]').mark === 1 && document.mark === 1"
    )
    assert (
        await page.ask("document.querySelector('.tile .link use').getAttribute('href')") == "#k-maintenance"
    )
    band = await page.ask("document.querySelector('.tile .band').innerHTML")
    await page.open(shown.url + "/hall")
    assert await page.ask("document.querySelector('.tile .band').innerHTML") == band


async def test_a_new_red_light_reaches_title_counter_queue_and_its_row_alone_is_marked(
    shown: Served, page: Page
) -> None:
    await page.open(shown.url + "/hall")
    await page.until("document.title === '(4) 明察'", 5)
    async with shown.store.write() as conn:
        row = (t.case.c.site == "s01") & (t.case.c.light == "yellow")
        await conn.execute(update(t.case).where(row).values(light="red", due_at=1, item_name="新亮的红灯"))
    await page.until("document.title !== '(4) 明察' && document.querySelector('.row.fresh') !== null", 5)
    assert "新亮的红灯" in await page.ask("document.querySelector('.row').innerText")
    fresh = await page.ask("Array.from(document.querySelectorAll('.row.fresh')).map(row => row.innerText)")
    assert all("新亮的红灯" in text for text in fresh)
    assert await page.ask("document.querySelector('.kpi-red .figure').textContent") == await page.ask(
        "document.title.match(/\\d+/)[0]"
    )


async def renamed(shown: Served, site: str, name: str) -> None:
    async with shown.store.write() as conn:
        await conn.execute(update(t.site).where(t.site.c.id == site).values(name=name))


async def test_pictures_take_turns_in_place_until_they_are_paused_and_keep_the_budgets(
    shown: Served, page: Page
) -> None:
    """Nothing moves but the picture: figures, clock and stream go on; a centre that is away changes nothing."""
    at, turn = (
        "document.getElementById('scene').className.split('-')[1].split(' ')[0]",
        "document.getElementById('scene').dataset.every = '0.2'",
    )
    await page.open(shown.url + "/hall?scene=video,score,sites&every=3600")
    await page.ask("document.mark = 1")
    for follows in ("score", "sites", "video", "score"):
        assert await page.ask("document.querySelectorAll('*').length") <= 1_500
        assert await page.ask(SMALLEST_TEXT) >= 16
        assert await page.ask(CLIPPED) == []
        assert await page.ask(CUT_OFF) == []
        await page.ask(turn)
        await page.until(f"{at} === {follows!r}", 5)
        if follows == "sites":  # what was put in place is kept true
            second = "document.querySelector('[data-b=\\'text=s/s02/name\\']').textContent"
            assert await page.ask(second) == "石桥镇"
            await renamed(shown, "s02", "石桥新镇")
            await page.until(f"{second} === '石桥新镇'", 5)
            await renamed(shown, "s02", "石桥镇")
    assert await page.ask("document.mark === 1 && document.querySelectorAll('#scene').length === 1")
    await page.ask("document.querySelector('.scenes button').click()")
    await page.ask(turn)
    read = "document.querySelector('.read').textContent"
    await page.ask("document.querySelector('.read').textContent = 'old'")
    await page.until(f"{read} !== 'old'", 5)
    assert await page.ask(at) == "score", "paused, it is read anew and stays"
    await page.ask("document.querySelector('.scenes button').click()")
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    await page.open(shown.url + "/hall?scene=score,sites&every=77")
    content = await page.ask("document.querySelector('noscript').innerHTML")
    await page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert 'content="77;url=/hall?scene=sites,score' in content


async def test_a_list_made_earlier_offers_itself_anew_when_something_changed(
    shown: Served, page: Page
) -> None:
    await page.open(shown.url + "/hall/queue")
    await asyncio.sleep(1.5)
    assert await page.ask("document.querySelector('.offer').hidden")
    async with shown.store.write() as conn:
        row = (t.case.c.site == "s03") & (t.case.c.light == "yellow")
        await conn.execute(update(t.case).where(row).values(light="green"))
    await page.until("!document.querySelector('.offer').hidden", 5)


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_nothing_scrolls_sideways_on_a_phone_and_every_target_can_be_hit(
    shown: Served, page: Page, theme: str
) -> None:
    await page.cookie("mc_theme", theme, shown.url)
    other = await shown.session(Role.ACCOUNTS)
    for width, path in product((390, 1440), (*PAGES, *ADMINISTRATORS)):
        if path in ADMINISTRATORS:
            await page.cookie(COOKIE, other[COOKIE], shown.url)
        await page.size(width, 844)
        await page.open(shown.url + path)
        assert await page.ask("document.documentElement.scrollWidth") <= width, (path, width)
        assert await page.ask(FLEX_GAPS) == [], path
        if path != "/hall":
            assert await page.ask(SMALLEST_TEXT) >= 13, path
            assert await page.ask(SMALL_TARGETS) == [], path


async def press_on(page: Page, *keys: str) -> None:
    for key in keys:
        kind: dict[str, object] = {"type": "keyDown", "key": key, "text": key if len(key) == 1 else ""}
        if key == "Enter":
            kind |= {"windowsVirtualKeyCode": 13, "text": "\r"}
        await page.call("Input.dispatchKeyEvent", **kind)
        await page.call("Input.dispatchKeyEvent", type="keyUp", key=key)


async def test_the_menu_is_walked_by_arrows_and_is_one_button_on_a_phone_even_without_scripts(
    shown: Served, page: Page
) -> None:
    at = "document.activeElement.firstChild.data.trim()"
    menu = (
        "Array.from(document.querySelectorAll('#menu a')).filter(node => node.getClientRects().length).length"
    )
    await page.open(shown.url + "/hall/sites")
    await press_on(page, "g", "m")
    assert await page.ask(at) == "总览"
    await press_on(page, "ArrowDown", "ArrowDown")
    assert await page.ask(at) == "预警纠错"
    await press_on(page, "ArrowRight")
    assert await page.ask(at) == "待处置", "its group was open: into it"
    await press_on(page, "Escape")
    assert await page.ask(at) == "预警纠错"
    assert await page.ask("document.activeElement.parentNode.open") is False
    await press_on(page, "ArrowDown", "ArrowDown")
    assert await page.ask(at) == "站点", "the page's own group is open too"
    assert await page.ask("document.activeElement.getAttribute('aria-current')") == "page"
    await press_on(page, "ArrowLeft", "ArrowUp", "ArrowRight", "End")
    assert await page.ask(at) == "事项规则"
    own = "document.querySelector('.me').open"
    for away in ("Escape", "g"):
        await page.ask("document.querySelector('.me summary').click()")
        await page.ask("document.querySelector('.me button').focus()")
        assert await page.ask(own)
        await press_on(page, away, *(["m"] if away == "g" else []))
        assert not await page.ask(own), "one's own menu folds"

    await page.size(390, 844)
    await page.open(shown.url + "/hall/queue")
    assert await page.ask(menu) == 1
    history = await page.ask("history.length")
    await press_on(page, "g", "m")
    assert await page.ask(menu) > 6
    await press_on(page, "Escape")
    assert await page.ask(menu) == 1
    assert await page.ask("document.activeElement.className") == "menu-open"
    assert await page.ask("history.length") == history, "back leads to the page before, not to the menu"
    await page.call("Emulation.setScriptExecutionDisabled", value=True)
    await page.open(shown.url + "/hall/sites")
    await page.ask("document.querySelector('.menu-open').click()")
    assert await page.ask(menu) > 6
    await page.ask("document.querySelectorAll('#menu summary')[1].click()")
    await page.ask("document.querySelector('.menu-close').click()")
    assert await page.ask(menu) == 1
    await page.call("Emulation.setScriptExecutionDisabled", value=False)


async def test_the_console_is_walked_by_keys_alone_and_never_while_one_types(
    shown: Served, page: Page
) -> None:
    async def press(*keys: str) -> None:
        await press_on(page, *keys)

    await page.open(shown.url + "/hall/sites")
    await press("g", "q")
    await page.until("location.pathname === '/hall/queue' && document.readyState === 'complete'")
    await press("j", "j")
    second = await page.ask("document.querySelectorAll('.list a.cover')[1].getAttribute('href')")
    assert await page.ask("document.activeElement.getAttribute('href')") == second
    await press("k", "j", "Enter")
    await page.until(f"location.pathname === {second!r} && document.readyState === 'complete'")
    await press("/")
    await press("g", "q", "?")
    assert await page.ask("document.getElementById('q').value") == "gq?"
    assert await page.ask("document.getElementById('keys').open") is False
    await press("Escape", "?")
    assert await page.ask("document.getElementById('keys').open") is True
    await page.ask(
        "document.getElementById('keys-off').click(), document.querySelector('#keys .primary').click()"
    )
    await press("/")
    assert await page.ask("document.activeElement.id") != "q", "switched off"
    await page.ask("localStorage.clear()")


async def test_a_console_page_keeps_its_weight(shown: Served, page: Page) -> None:
    await page.call("Network.setCacheDisabled", cacheDisabled=True)
    for path in PAGES[1:]:
        await page.open(shown.url + path)
        assert await page.ask(WEIGHT) <= 120_000, path
    await page.call("Network.setCacheDisabled", cacheDisabled=False)


async def test_an_ended_log_in_leads_to_the_log_in_page(shown: Served, page: Page) -> None:
    await page.open(shown.url + "/hall/sites")
    async with shown.store.write() as conn:
        await conn.execute(t.session.delete())
    await page.open(shown.url + "/hall/sites")
    assert await page.ask("location.pathname + location.search") == "/login?next=/hall/sites"


@asynccontextmanager
async def _process(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str, str]]:
    """A hall in a process of its own: it can be frozen."""
    command = (sys.executable, "-m", "tests.integration.serving", str(folder))
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            while not (line := await process.stdout.readline()).startswith(b"http"):
                assert line, "the hall did not start"
        url, cookie = line.decode().split()
        yield process, url, cookie
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        await process.wait()


async def test_a_frozen_centre_is_said_within_ten_seconds_and_forgotten_at_its_first_word(
    tmp_path: Path, tab: Page
) -> None:
    async with _process(tmp_path) as (process, url, cookie):
        await tab.cookie(COOKIE, cookie, url)
        await tab.size(1920, 1080)
        await tab.open(url + "/hall")
        await tab.ask("document.mark = 1")
        await tab.until("Number(document.querySelector('#fresh').textContent) < 0.5")
        process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        await tab.until("!document.querySelector('.veil').hidden", 12)
        assert 4 < time.monotonic() - began <= 10.3
        text = await tab.ask("document.querySelector('.veil').innerText")
        assert re.search(r"画面已停止更新\s+以下是 14:3\d:\d\d 的数据", text)
        assert await tab.ask("document.documentElement.className") == "stale"
        process.send_signal(signal.SIGCONT)
        thawed = time.monotonic()
        await tab.until("document.querySelector('.veil').hidden", 5)
        assert time.monotonic() - thawed < 2
        assert await tab.ask("document.mark === 1 && document.documentElement.className === ''")


async def test_messages_without_end_leave_nothing_in_the_page(shown: Served, page: Page) -> None:
    """A part of `make soak WHAT=wall COUNT=10000`."""
    await page.size(1920, 1080)
    await page.open(shown.url + "/hall")
    grown = await lasting.run(page, shown.app[HALL].wall, 400, seed=1)
    assert grown.messages >= 400
    assert grown.is_lasting, grown


async def test_what_is_being_written_is_left_alone_while_everything_changes(
    shown: Served, page: Page
) -> None:
    await page.size(1440, 900)
    await page.open(shown.url + "/hall/queue")
    await page.ask("(() => { const box = document.getElementById('q'); box.value = '食品经'; box.focus(); box.setSelectionRange(1, 2); return scrollTo(0, 300) })()")  # fmt: skip
    fed = await lasting.run(page, shown.app[HALL].wall, 100, seed=2)
    assert fed.messages >= 100
    standing = "[document.activeElement.id, document.activeElement.value, document.activeElement.selectionStart, scrollY]"
    assert await page.ask(standing) == ["q", "食品经", 1, 300]


async def test_many_windows_of_one_browser_share_one_stream(shown: Served, page: Page) -> None:
    wall = shown.app[HALL].wall
    await page.open(shown.url + "/hall/queue")
    paths = ("/hall", "/hall/sites", "/hall/cases", "/hall/corrections", "/hall/inbox", "/hall/queue")
    tabs = [await page.call("Target.createTarget", url=shown.url + path) for path in paths]
    try:
        most = 0
        async with asyncio.timeout(30):
            while wall.open[Role.SUPERVISOR.value] == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for _ in range(40):
            await asyncio.sleep(0.1)
            most = max(most, wall.open[Role.SUPERVISOR.value])
        assert most == 1
        assert await page.ask("fetch('/hall/sites').then(answer => answer.status)") == 200
        assert await page.ask("document.documentElement.classList.contains('stale')") is False
    finally:
        for tab in tabs:
            await page.call("Target.closeTarget", targetId=tab["targetId"])
