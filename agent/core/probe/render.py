"""A draft as the text of a `mapping.toml`: what is sure stands, what is not is a comment, each with its reason.

Every line is valid TOML whatever names and values the database has, and no sample stands in it unmasked.
"""

import json
import re
from collections.abc import Iterable, Iterator

import msgspec

from agent.core.mapping import CASE_FIELDS, IMAGES, STEP_FIELDS, SourceConfig
from agent.core.probe.draft import Draft, TableDraft
from agent.core.probe.guess import Guess
from agent.core.probe.sampled import Sampled
from common.core.mask import masked
from common.core.state import CaseStatus, StepKind

_SAMPLES = 5
_WORDS: dict[str, Iterable[CaseStatus] | Iterable[StepKind]] = {"status": CaseStatus, "kind": StepKind}
_OPTIONS = ("type", "zero", "charset", "privacy")
_OPEN = "存疑"
_KEYLESS_FILE = "# 导出文件可以不写 key：以整行内容区分，改一处算少一行、多一行；能确定唯一的字段时请写上"
_KEYLESS = (
    "# 可以不写 key：那样整表读取、以整行内容区分，改一处算少一行、多一行，几万行以内可用，也没有游标；"
    "能确定唯一的字段时请写上"
)
_HEAD = """\
# 由 mingcha-agent probe 起草，须由人核对。每行注释：把握（0 至 1）、理由、遮挡后的样例（不出本机）。
# 以“# ”开头的项没有把握，没有生效：请核对后去掉“# ”并改正。
# 核对之后另存为 mapping.toml，再执行  mingcha-agent probe --check mapping.toml"""


def rendered(source: SourceConfig, draft: Draft) -> str:
    """The file's text."""
    lines = [*_HEAD.splitlines(), "", "version = 1", "", *_source(source, draft)]
    found = {name for table in draft.tables if table.name.startswith("case") for name in table.fields}
    for table in draft.tables:
        lines += ["", *_table(table, found, is_file=source.type in IMAGES)]
    if not draft.tables:
        lines += ["", "# 没有找到像办件主表的表：请人工填写 [table.case]"]
    if not any(table.name == "step" for table in draft.tables):
        lines += ["", "# 没有找到像办理环节的表：有的话请人工填写 [table.step]"]
    if draft.others:
        lines += ["", "# 没有采用的表："]
        lines += [f"#   {_line(one.table)}：{_line(one.reason)}" for one in draft.others]
    return "\n".join(lines) + "\n"


def _source(source: SourceConfig, draft: Draft) -> Iterator[str]:
    yield "[source]"
    given = msgspec.to_builtins(source)
    if draft.charset and not source.charset:
        given["charset"] = draft.charset
    for name, value in given.items():
        yield f"{name} = {value if isinstance(value, int) else _quoted(value)}"


def _table(table: TableDraft, found: set[str], *, is_file: bool) -> Iterator[str]:
    head = f"[table.{table.name}]"
    yield f"{head}  # {_line(table.reason)}；样例 {table.seen.rows} 行"
    yield f"from = {_quoted(table.seen.table.name)}"
    names = ", ".join(map(_quoted, table.key.columns))
    yield _said(f"key = [{names}]", table.key, table.seen)
    if not table.key.sure:
        yield _KEYLESS_FILE if is_file else _KEYLESS
    if table.parent:
        names = ", ".join(map(_quoted, table.parent.columns))
        yield _said(f"parent = {names}", table.parent, table.seen)
    if table.cursor and (table.key.sure or is_file):
        names = ", ".join(map(_quoted, table.cursor.columns))
        yield _said(f"cursor = {{columns = [{names}]}}", table.cursor, table.seen)
    yield f"[table.{table.name}.columns]"
    fields = STEP_FIELDS if table.name == "step" else CASE_FIELDS
    nested = [name for name in fields if name in table.fields and table.fields[name].enum]
    for name in fields:
        if name in table.fields and name not in nested:
            guess = table.fields[name]
            yield _said(f"{name} = {_value(guess)}", guess, table.seen)
        elif name not in table.fields and (
            table.name == "step" or (table.name == "case" and name not in found)
        ):
            yield f'# {name} = ""  # 没有找到'
    for name in nested:
        yield from _enum(f"table.{table.name}.columns.{name}", table.fields[name], table.seen)


def _value(guess: Guess) -> str:
    if not guess.options:
        return _quoted(guess.columns[0])
    parts = [f"{key} = {_quoted(guess.options[key])}" for key in _OPTIONS if key in guess.options]
    return f"{{col = {_quoted(guess.columns[0])}, {', '.join(parts)}}}"


def _said(text: str, guess: Guess, seen: Sampled) -> str:
    mark = "" if guess.sure else "# "
    doubt = "" if guess.sure else f"{_OPEN} "
    return f"{mark}{text}  # {doubt}{guess.confidence:.2f} {_line(guess.reason)}{_samples(guess, seen)}"


def _samples(guess: Guess, seen: Sampled) -> str:
    texts = [seen.profiles[name].texts for name in guess.columns if name in seen.profiles]
    shown: list[str] = []
    for text in (text for column in texts for text in dict.fromkeys(column) if text):
        mask = masked(text)
        if mask not in shown:
            shown.append(mask)
        if len(shown) == _SAMPLES:
            break
    return f"；样例：{'、'.join(map(_line, shown))}" if shown else ""


def _enum(place: str, guess: Guess, seen: Sampled) -> Iterator[str]:
    mark = "" if guess.sure else "# "
    yield _said(f"[{place}]", guess, seen)
    yield f"{mark}col = {_quoted(guess.columns[0])}"
    for key in _OPTIONS:
        if key in guess.options:
            yield f"{mark}{key} = {_quoted(guess.options[key])}"
    if guess.field == "kind":
        doubt = "# " if guess.unknown or mark else ""
        why = "  # 存疑 会把下面含义未知的环节一律算作其他，停表、恢复不可算作其他" if guess.unknown else ""
        yield f'{doubt}other = "other"{why}'
    yield f"{mark}[{place}.enum]"
    if guess.unknown and guess.field in _WORDS:
        yield f"# 可用的标准值：{'、'.join(f'{word} {word.word}' for word in _WORDS[guess.field])}"
    for value, word in guess.enum.items():
        yield f"{mark}{_quoted(value)} = {_quoted(word)}"
    for value in guess.unknown:
        yield f'# {_quoted(masked(value))} = ""  # {_OPEN} 含义未知，请填标准值（样例已遮挡）'


def _line(text: str) -> str:
    """Fit for a comment: one line, nothing that TOML forbids."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]", " ", text)


def _quoted(text: str) -> str:
    """A TOML basic string."""
    plain = re.sub(r"[\ud800-\udfff]", "\ufffd", text)
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")
