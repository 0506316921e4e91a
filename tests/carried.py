"""Red lights carried to their end by five people in browsers: to closing, and through an appeal to withdrawal."""

from msgspec import Struct

from tests.browser import Page
from tests.desk import DESK_SIZE, PHONE_SIZE, Desk

REASON = "窗口人员休假期间没有安排替岗"
CHOSEN = """document.querySelector('input[type=radio][name=event][value="%s"]') !== null"""
PDF = """fetch(document.querySelector('a[href$=".pdf"]').href).then(answer => answer.arrayBuffer()).then(
  bytes => new TextDecoder('latin1').decode(bytes.slice(0, 5)))"""


class Five(Struct):
    """Whoever takes part. The unit reads on a phone."""

    drafter: Desk
    reviewer: Desk
    chief: Desk
    other_chief: Desk
    unit: Desk


async def five(pages: list[Page], base: str) -> Five:
    """Of five browsers; nobody has logged in."""
    names = ("drafter", "reviewer", "chief", "other_chief", "unit")
    for name, page in zip(names, pages, strict=True):
        await page.size(*(PHONE_SIZE if name == "unit" else DESK_SIZE))
    return Five(*(Desk(page, name, base) for name, page in zip(names, pages, strict=True)))


async def act(desk: Desk, number: int, event: str, **fields: str) -> str:
    """The act is offered on the page; fill its form, press its button. -> what the next page says."""
    side = "unit" if desk.name == "unit" else "hall"
    await desk.open(f"/{side}/corrections/{number}")
    if await desk.page.ask(CHOSEN % event):
        fields["event"] = event
    return await desk.press(f'form.work:has([name="event"][value="{event}"]) button', **fields)


async def issued(people: Five, number: int) -> None:
    """From the light to the unit's receipt."""
    assert "已拟稿" in await act(people.drafter, number, "draft", copies="市政务服务中心")
    assert "已审核" in await act(people.reviewer, number, "review")
    assert "已签发" in await act(people.chief, number, "issue")
    assert "已送达" in await act(people.unit, number, "receive")


async def closed(people: Five, number: int) -> str:
    """A red light to its closing. -> what its page says."""
    await issued(people, number)
    assert "已说明" in await act(people.unit, number, "explain", reason=REASON)
    measures = "立即办结该件\n完善替岗制度"
    assert "整改中" in await act(people.chief, number, "uphold", reason=REASON, measures=measures)
    assert "复核中" in await act(people.unit, number, "rectify", reason="已经办结并建立替岗制度")
    await act(people.drafter, number, "account", reason=REASON, measures="对责任人员批评教育")
    assert "复核通过" in await act(people.reviewer, number, "confirm", reason="已到现场核实")
    last = people.other_chief
    assert "签发后才能销号" in await last.open(f"/hall/corrections/{number}")
    while await last.page.ask("document.querySelector('form[action$=\"/sign\"]') !== null"):
        await last.press('form[action$="/sign"] button')
    return await act(last, number, "close", reason="该件已经办结，造成超期的原因已经消除")


async def withdrawn(people: Five, number: int) -> str:
    """Another through the unit's appeal, which a chief who did not issue the order grants. -> what its page says."""
    await issued(people, number)
    await people.unit.page.ask("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert "申诉中" in await act(people.unit, number, "appeal", reason="停电半日，未能及时登记，请予核实")
    return await act(people.other_chief, number, "grant", reason="经核实停电属实，理由成立")


async def has_its_papers(desk: Desk, number: int) -> bool:
    """Whether the files of its documents are made and can be read as PDF."""
    side = "unit" if desk.name == "unit" else "hall"
    await desk.open(f"/{side}/corrections/{number}")
    if await desk.page.ask("document.querySelector('a[href$=\".pdf\"]') === null"):
        return False
    return bool(await desk.page.ask(PDF) == "%PDF-")
