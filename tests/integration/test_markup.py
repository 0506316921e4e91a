"""A script in every field of every form that a role is offered is refused, or text on every page that shows it; nothing of it is a fault."""

from collections import Counter
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import aiohttp
import pytest
from msgspec import Struct, field

from central.core.access import Role, allows
from central.store import scope
from tests.integration import serving
from tests.integration.serving import Served
from tests.integration.test_pages import routes

pytestmark = pytest.mark.slow
EVIL = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>'{{7*7}}"
WRITERS = (Role.HEAD, Role.SUPERVISOR, Role.CHIEF, Role.CENTRE, Role.PUBLISHER, Role.IT, Role.ACCOUNTS)
LEAVES = ("/logout", "/password", "/theme", "/login")
ALIKE = 3
"""Pages of one kind that are looked at; of forms all that they have."""


class Form(Struct):
    """Where it goes, and its fields: name, kind, what stands in it."""

    action: str
    many_parts: bool
    fields: list[tuple[str, str, str]] = field(default_factory=list)


class Page(HTMLParser):
    """What a browser would make of a page: its links, its forms to post, and whatever of it would run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.runs: list[str] = []
        self._form: Form | None = None
        self._choice = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.runs += [f"{tag} {name}" for name in said if name.startswith("on")]
        self.runs += [f"{tag} {value}" for value in said.values() if value.strip().startswith("javascript:")]
        if (tag == "script" and "src" not in said) or said.get("src") == "x":
            self.runs.append(tag)
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        if tag == "form":
            self._form = Form(said.get("action", ""), "enctype" in said)
            if said.get("method", "").lower() == "post":
                self.forms.append(self._form)
        if self._form is None:
            return
        if tag == "select":
            self._choice = said.get("name", "")
        name = self._choice if tag == "option" else said.get("name", "")
        if name and tag in {"input", "textarea", "option", "button"}:
            kind = said.get("type", "text") if tag == "input" else tag
            self._form.fields.append((name, kind, said.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._choice = ""


def filled(form: Form) -> aiohttp.FormData:
    """Every text is the script; of what is chosen, the first."""
    data = aiohttp.FormData(default_to_multipart=form.many_parts)
    seen: set[str] = set()
    for name, kind, value in form.fields:
        chosen = kind in {"option", "radio", "button"}
        if kind == "file" or (chosen and (name in seen or not value)):
            continue
        seen.add(name)
        data.add_field(name, EVIL if kind in {"text", "search", "tel", "textarea"} else value)
    return data


async def pages(hall: Served, role: Role, session: aiohttp.ClientSession) -> AsyncIterator[tuple[str, Page]]:
    """Every kind of page that the role finds."""
    waiting = [path for method, path, may in routes(hall) if method == "GET" and allows(role, may)]
    done: Counter[str] = Counter()
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0).partition("#")[0]
        kind = "/".join("N" if any(map(str.isdigit, part)) else part for part in path.split("/"))
        kind = kind.partition("?")[0]
        if path in seen or done[kind] >= ALIKE or not path.startswith(("/hall", "/unit", "/account")):
            continue
        seen.add(path)
        done[kind] += 1
        async with session.get(hall.url + path, allow_redirects=False) as answer:
            assert answer.status < 500, path
            if answer.content_type != "text/html" or answer.status != 200:
                continue
            page = Page(await answer.text())
        waiting += [urljoin(path, link) for link in page.links]
        yield path, page


async def test_a_script_in_every_field_of_every_form_is_text_on_every_page(tmp_path: Path) -> None:
    async with serving.serve(tmp_path, serving.FridayClock(), cases_a_day=5) as hall:
        async with hall.store.write() as conn:
            await scope.give(conn, Role.HEAD.value, ["s02", "s12"], [])
        sent = 0
        for role in WRITERS:
            async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
                forms = {
                    urljoin(path, form.action or path): form
                    async for path, page in pages(hall, role, session)
                    for form in page.forms
                }
                for action, form in forms.items():
                    if action.startswith(LEAVES):
                        continue
                    async with session.post(
                        hall.url + action, data=filled(form), allow_redirects=False
                    ) as answer:
                        assert answer.status < 500, (role, action)
                        assert "alert" not in answer.headers.get("Location", ""), action
                        assert Page(await answer.text(errors="replace")).runs == [], (role, action)
                        sent += 1
        assert sent > 40
        for role in WRITERS:
            async with aiohttp.ClientSession(cookies=await hall.session(role)) as session:
                async for path, page in pages(hall, role, session):
                    assert page.runs == [], (role, path)
