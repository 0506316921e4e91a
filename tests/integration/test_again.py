"""What was typed is never lost to a refusal: every form of every page comes again with it, and says why beside the field."""

import re
from html import unescape

import aiohttp
import pytest

from central.core.access import Role
from tests import furnished, screens
from tests.integration.serving import Served, Window

pytestmark = pytest.mark.asyncio(loop_scope="module")
FORM = re.compile(r'(?s)<form(?P<head>[^>]*method="post"[^>]*)>(?P<inside>.*?)</form>')
FIELD = re.compile(
    r'<(?:input|select|textarea)(?=[^>]* name="(?P<name>\w+)")(?P<head>[^>]*)>(?P<inside>[^<]*(?:<option[^>]*>[^<]*</option>)*)'
)
SHORT = "<短"


def value_of(head: str, inside: str) -> str:
    options = re.findall(r'<option value="([^"]*)"', inside)
    found = re.search(r' value="([^"]*)"', head)
    return options[-1] if options else found[1] if found else ""


def written(html: str) -> list[tuple[str, dict[str, str], list[str]]]:
    """Of each form of a page in which something is written: its address ("" for the page's own), what it sends, its texts."""
    found = []
    for form in FORM.finditer(html.partition("<main")[2]):
        fields, texts = dict[str, str](), list[str]()
        for field in FIELD.finditer(form["inside"]):
            if "minlength" in field["head"]:
                texts.append(field["name"])
            if 'type="file"' not in field["head"] and field["name"] not in fields:
                fields[field["name"]] = unescape(value_of(field["head"], field["inside"]))
        action = re.search(r' action="([^"]*)"', form["head"]) or re.search(
            r' formaction="([^"]*)"', form["inside"]
        )
        button = re.search(r'<button[^>]* name="(\w+)" value="(\w+)"', form["inside"])
        fields |= {button[1]: button[2]} if button else {}
        if texts:
            found.append((unescape(action[1]) if action else "", fields, texts))
    return found


@pytest.mark.slow
async def test_every_form_that_is_refused_comes_again_as_it_was_sent(
    furnished_hall: tuple[Served, furnished.Places],
) -> None:
    hall, places = furnished_hall
    lost, tried = [], set[str]()
    paths = {sight.path for sight in screens.pages(hall, places)}
    for role in set(Role) - {Role.WALL, Role.LEADER, Role.AUDITOR}:
        async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
            own = Window(hall, session)
            for path in sorted(paths - {"/password"}):  # what is secret is never written into a page
                async with session.get(hall.url + path) as answer:
                    html = await answer.text() if answer.content_type == "text/html" else ""
                    came = str(answer.url)
                for action, fields, texts in written(html):
                    name = re.sub(r"\d+|[0-9A-Z]{4}(-[0-9A-Z]{4})+", "*", action)
                    if name in tried | {"/hall/cases/person"}:  # that is a name, and leads on
                        continue
                    sent = fields | dict.fromkeys(texts, SHORT)
                    back = await own.post(action or answer.url.path, {"Referer": came}, **sent)
                    html = await back.text()
                    tried.add(name)
                    if back.status not in {400, 409} or 'role="alert"' not in html or "&lt;短" not in html:
                        lost.append(f"{back.status} {role.value} {path} {action}")
    assert len(tried) > 30, sorted(tried)
    assert lost == []


async def refused(own: Window, path: str, came: str, **form: str) -> tuple[int, str]:
    answer = await own.post(path, {"Referer": came} if came else {}, **form)
    return answer.status, await answer.text()


@pytest.mark.slow
async def test_what_is_filled_again_is_the_page_as_it_is_now_and_no_page_of_a_stranger(
    furnished_hall: tuple[Served, furnished.Places],
) -> None:
    hall, _ = furnished_hall
    page, act = "/hall/sites/s03", "/hall/sites/s03/maintenance"
    form = {"csrf": "token", "from": "2026-06-12T15:00", "until": "2026-06-12T16:00", "why": "换"}
    async with aiohttp.ClientSession(cookies=await hall.session(Role.IT)) as session:
        own = Window(hall, session)
        status, html = await refused(own, act, hall.url + page, **form)
        assert (status, "请写明原因，4 至 200 个字" in html, 'value="2026-06-12T15:00"' in html) == (
            400,
            True,
            True,
        )
        (again,) = re.findall(r'action="(/hall/sites/s03/maintenance[^"]*)"', html)
        status, html = await refused(own, unescape(again), hall.url + act, **form)
        assert (status, 'id="refused"' in html, "<title>出错：" in html) == (400, True, True), (
            "a second time too"
        )
        stale = form | {"csrf": "old", "why": "更换交换机，会中断"}
        status, html = await refused(own, act, hall.url + page, **stale)
        assert (status, 'value="更换交换机，会中断"' in html, 'value="token"' in html) == (403, True, True)
        for came in (
            "",
            "https://elsewhere.example" + page,
            "//",
            "http://[",
            hall.url.replace("127", "128") + page,
        ):
            status, html = await refused(own, act, came, **stale)
            assert (status, 'name="from"' in html, 'value="token"><' in html) == (403, False, True), came
            assert "更换交换机，会中断</textarea>" in html, "to be copied"
        for came in (
            "/api/v1/stream",
            "/hall/cameras/s03/c1/stream",
            "/hall/admin/people",
            "/nowhere",
            "/logout",
            "/",
        ):
            status, html = await refused(own, act, hall.url + came, **form)
            assert (status, 'name="from"' in html) == (400, False), came
        for came, back in (
            ("/hall/sites/s02?day=2", '/hall/sites/s02?day=2">回到“'),  # the page is there, without this form
            ("/hall/sites/s99/doctor", '/hall/sites">回到“站点”'),  # gone, and so is the page above it
            ("/hall/admin/people/nobody", '/hall">回到总览'),  # nothing there is for this role
        ):
            status, html = await refused(own, act, hall.url + came, **form)
            assert (status, f'<a class="button" href="{back}' in html) == (400, True), came
        session.cookie_jar.clear()
        status, html = await refused(own, act, hall.url + page, **stale)
        assert (status, "更换交换机，会中断</textarea>" in html) == (401, True), (
            "the log-in has ended meanwhile"
        )
        assert 'href="/login?next=/hall/sites/s03">登录' in html
        assert "会中断" not in (await refused(own, act, "https://elsewhere.example/", **stale))[1]
    async with aiohttp.ClientSession(cookies=await hall.session(Role.IT)) as session:
        own = Window(hall, session)
        status, html = await refused(own, f"{act}?again=//elsewhere.example/", hall.url + page, **form)
        assert (status, 'name="from"' in html) == (400, False)
