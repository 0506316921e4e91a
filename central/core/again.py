"""A form that was refused comes again: the page it was sent from, with what was typed in it and the reason beside its field.

Pure work on the text of a page of ours. Which of its forms was sent is told by its address and by what it carries hidden. What
is hidden stays as the page has it now, which is the newest state of the matter; passwords and files are never filled.
"""

from collections.abc import Mapping, Sequence
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlencode

from msgspec import Struct

HOME = "again"
"""In the query of a form that came again: the page that it belongs to, which its own address does not show."""
ANCHOR = "refused"
_KEPT = frozenset({"hidden", "password", "file", "submit", "button", "reset"})
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
_FIELDS = frozenset({"input", "select", "textarea"})
Typed = Mapping[str, Sequence[str]]
"""Name of a field -> what was sent of it, in order."""


class Tag(Struct):
    """A start tag and where it stands. `above`: places of the tags around it; `closing`: where its end tag begins."""

    name: str
    attrs: dict[str, str | None]
    begin: int
    inside: int
    above: tuple[int, ...]
    closing: int = -1

    @property
    def kind(self) -> str:
        return (self.attrs.get("type") or "text") if self.name == "input" else self.name


class _Reader(HTMLParser):
    """Every start tag of a page, in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self._open: list[int] = []
        self._lines = [0]
        for line in page.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self.feed(page)
        self.close()

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        begin = self._at()
        inside = begin + len(self.get_starttag_text() or "")
        self.tags.append(Tag(tag, dict(attrs), begin, inside, tuple(self._open)))
        if tag not in _VOID:
            self._open.append(len(self.tags) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in (self.tags[one].name for one in self._open):
            last = self.tags[self._open.pop()]
            last.closing = self._at()
            if last.name == tag:
                return


def filled(page: str, home: str, path: str, typed: Typed, words: str) -> str | None:
    """`page`, which stands at the address `home`, with its form for `path` as it was sent and `words` where it is wrong.

    None: the page has no such form (any more).
    """
    tags = _Reader(page).tags
    form = _form(tags, home, path, typed)
    if form is None:
        return None
    named = [one for one in tags if form in one.above and one.name in _FIELDS and one.attrs.get("name")]
    fields = [one for one in named if one.kind not in _KEPT]
    wrong = _wrong(fields, typed)
    said = f'<p class="fault" role="alert" id="{ANCHOR}"><b>出错：</b>{escape(words)}'
    said += (
        "附件没有保留，请重新选择。" if any(form in one.above and one.kind == "file" for one in tags) else ""
    )
    edits = [(_place(tags, form, wrong), -1, said + "</p>")]
    for one in fields:
        turn = sum(
            1 for other in named if other.begin < one.begin and other.attrs["name"] == one.attrs["name"]
        )
        edits += _value(page, tags, one, (typed.get(one.attrs["name"] or "", ()), turn))
        if one in wrong:
            one.attrs |= {"aria-invalid": "true", "aria-describedby": ANCHOR}
    if wrong:
        wrong[0].attrs["autofocus"] = None
    buttons = [one for one in tags if form in one.above and one.attrs.get("formaction")]
    for name, one in [
        ("action", tags[form]),
        *(("formaction", one) for one in buttons),
    ]:  # each to where it led before
        one.attrs[name] = f"{(one.attrs.get(name) or home).partition('?')[0]}?{urlencode({HOME: home})}"
    around = [tags[place] for place in tags[form].above if tags[place].name == "details"]
    for one in around:
        one.attrs["open"] = None
    edits += [(one.begin, one.inside, _start(one)) for one in [*fields, *around, *buttons, tags[form]]]
    title = next((one.inside for one in tags if one.name == "title"), None)
    edits += [] if title is None else [(title, -1, "出错：")]
    for begin, end, text in sorted(edits, reverse=True):
        page = page[:begin] + text + page[max(begin, end) :]
    return page


def _form(tags: list[Tag], home: str, path: str, typed: Typed) -> int | None:
    """The place of the form that was sent: of those for this address the one that carries the most of what came."""
    found: list[tuple[int, int]] = []
    for place, form in enumerate(tags):
        if form.name != "form" or (form.attrs.get("method") or "").lower() != "post":
            continue
        mine = [one for one in tags if place in one.above]
        ways = {(form.attrs.get("action") or home).partition("?")[0]}
        ways |= {one.attrs.get("formaction") or "" for one in mine}
        if path and path in ways:
            carried = [one for one in mine if one.kind in {"hidden", "submit"} or one.name == "button"]
            agree = [
                one.attrs["value"] in typed.get(one.attrs.get("name") or "", ())
                for one in carried
                if one.attrs.get("value") is not None and one.attrs.get("name") != "csrf"
            ]
            found.append((sum(agree) - agree.count(False), -place))
    return -max(found)[1] if found else None


def _value(
    page: str, tags: list[Tag], one: Tag, came: tuple[Sequence[str], int]
) -> list[tuple[int, int, str]]:
    """Write into a field what was sent of it; -> what has to change around its tag. `came`: all that was sent under its name,
    and which of it is this field's.
    """
    sent, turn = came
    if one.kind in {"checkbox", "radio"}:
        _mark(one, "checked", (one.attrs.get("value") or "on") in sent)
        return []
    if turn >= len(sent):
        return []
    text = sent[turn]
    if one.name == "textarea":
        return [(one.inside, one.closing, "\n" + escape(text))]
    if one.name == "input":
        one.attrs["value"] = text
        return []
    options = [
        option for option in tags if option.name == "option" and one.begin < option.begin < one.closing
    ]
    known = {_option(page, option) for option in options}
    for option in options:
        if text in known:
            _mark(option, "selected", _option(page, option) == text)
    return [(option.begin, option.inside, _start(option)) for option in options]


def _option(page: str, option: Tag) -> str:
    value = option.attrs.get("value")
    return page[option.inside : option.closing].strip() if value is None else value


def _mark(tag: Tag, name: str, is_set: bool) -> None:
    tag.attrs.pop(name, None)
    if is_set:
        tag.attrs[name] = None


def _wrong(fields: list[Tag], typed: Typed) -> list[Tag]:
    """Fields that hold what they themselves do not take; where all do, the only one that there is."""
    lines = [one for one in fields if one.kind not in {"checkbox", "radio"}]
    found = [
        one for one in lines if not _takes(one, (*typed.get(one.attrs["name"] or "", ()), "")[0].strip())
    ]
    return found or (lines if len(lines) == 1 else [])


def _takes(one: Tag, text: str) -> bool:
    least, most = (int(one.attrs.get(name) or 0) for name in ("minlength", "maxlength"))
    if not text:
        return "required" not in one.attrs
    return least <= len(text) <= (most or len(text))


def _place(tags: list[Tag], form: int, wrong: list[Tag]) -> int:
    """Where the reason stands: before the label of the first wrong field, else at the head of the form."""
    if not wrong:
        return tags[form].inside
    label = next((tags[place] for place in wrong[0].above if tags[place].name == "label"), None)
    named = next((one for one in tags if one.name == "label" and one.attrs.get("for") and one.attrs["for"] == wrong[0].attrs.get("id")), None)  # fmt: skip
    return (label or named or wrong[0]).begin


def _start(tag: Tag) -> str:
    inner = "".join(
        f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in tag.attrs.items()
    )
    return f"<{tag.name}{inner}>"
