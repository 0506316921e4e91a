"""A refused form in its page again: pure text."""

import pytest

from central.core.again import filled

PAGE = """<!doctype html><html><head><title>站点</title></head><body>
<form method="post" action="/theme"><button name="theme" value="dark">深色</button></form>
<details><summary>并案</summary>
<form class="work" method="post" action="/do" enctype="multipart/form-data"><input type="hidden" name="csrf" value="new"><input type="hidden" name="event" value="close">
<label>原因<textarea name="why" minlength="4" required></textarea></label></form>
<form method="post" action="/do"><input type="hidden" name="entries" value="7"><input type="hidden" name="event" value="explain">
<label>何时 <input type="date" name="day"></label><label for="w">原因</label><textarea id="w" name="why" minlength="4" maxlength="20" required>旧</textarea>
<select name="site"><option value="">请选择</option><option value="s1" selected>一</option><option>二</option></select>
<input type="checkbox" name="clip" value="1" checked><input type="radio" name="to" value="a"><input type="radio" name="to" value="b">
<input name="edge"><input name="edge"><input type="password" name="password"><input type="file" name="file"><button>提交</button></form></details>
</body></html>"""
TYPED = {"csrf": ["old"], "entries": ["6"], "event": ["explain"], "day": ["2026-06-12"], "why": ["短"], "site": ["二"],
         "to": ["b"], "edge": ["1", '"><script>'], "password": ["secret"]}  # fmt: skip


def again(page: str = PAGE, typed: dict[str, list[str]] = TYPED, words: str = "请<b>写明") -> str:
    html = filled(page, "/hall/sites/s1?day=2", "/do", typed, words)
    assert html is not None
    return html


def test_the_form_of_several_that_was_sent_is_filled_and_unfolded() -> None:
    html = again()
    head, _, rest = html.partition('name="event" value="explain"')
    assert "短" not in head
    assert "<details open>" in head
    assert 'action="/do?again=%2Fhall%2Fsites%2Fs1%3Fday%3D2"' in head
    assert html.count("again=") == 1
    assert "<title>出错：站点" in head
    for said in (
        'name="day" value="2026-06-12"',
        ">\n短</textarea>",
        "<option selected>二",
        '<option value="s1">一',
    ):
        assert said in rest, said
    assert "checked" not in rest.partition('name="clip"')[2].partition(">")[0]
    assert 'value="b" checked' in rest
    assert '<input name="edge" value="1"><input name="edge" value="&quot;&gt;&lt;script&gt;">' in rest


def test_what_is_hidden_or_secret_stays_as_the_page_has_it() -> None:
    html = again()
    assert 'name="csrf" value="new"' in html
    assert 'name="entries" value="7"' in html
    assert "secret" not in html


def test_the_reason_stands_beside_the_field_that_its_own_bounds_refuse() -> None:
    html = again()
    said = '<p class="fault" role="alert" id="refused"><b>出错：</b>请&lt;b&gt;写明附件没有保留，请重新选择。</p>'
    assert f'{said}<label for="w">' in html
    field = html.partition('<textarea id="w"')[2].partition(">")[0]
    assert 'aria-invalid="true" aria-describedby="refused" autofocus' in field
    fine = again(typed=TYPED | {"why": ["窗口停机半天"]})
    assert "aria-invalid" not in fine
    assert fine.index("出错：</b>") < fine.index('name="entries"'), "of several nobody knows which"


@pytest.mark.parametrize("path", ["/undo", "/theme/x", ""])
def test_a_page_without_that_form_is_not_filled(path: str) -> None:
    assert filled(PAGE, "/hall", path, TYPED, "x") is None


def test_forms_of_the_pages_own_address_and_of_a_button_are_known() -> None:
    own = '<form method="post"><input name="why"></form>'
    assert 'value="好"' in (filled(own, "/page?x=1", "/page", {"why": ["好"]}, "短") or "")
    button = '<form method="post" action="/page/grant"><input name="why"><button>成立</button><button formaction="/page/refuse">不成立</button></form>'
    html = filled(button, "/page", "/page/refuse", {"why": ["好"]}, "短") or ""
    assert 'value="好"' in html
    assert 'action="/page/grant?again=%2Fpage">' in html, "the other button leads to where it led"
    assert '<button formaction="/page/refuse?again=%2Fpage">' in html
