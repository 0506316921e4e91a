"""Sampled tables -> the whole draft: which table is which, its key, the way to the case, its cursor, its fields."""

import re
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from agent.core.probe import fields, keys, links
from agent.core.probe.guess import SURE, Guess
from agent.core.probe.links import Link
from agent.core.probe.sampled import Sampled

Shares = Mapping[str, dict[tuple[str, str], float]]
"""Table -> (its column, column of the case table) -> share of its values that are there."""

_CASE_WEIGHT = {
    "case_no": 1.0, "applicant": 1.5, "item_code": 1.0, "item_name": 1.0, "received_at": 1.0, "accepted_at": 2.0,
    "promised": 1.5, "finished_at": 1.0, "status": 0.5, "org": 0.5, "phone": 0.5, "legal": 0.5, "deadline": 0.5,
}  # fmt: skip
_STEP_WEIGHT = {
    "step_name": 2.0,
    "opinion": 1.5,
    "started_at": 1.0,
    "finished_at": 1.0,
    "actor": 1.0,
    "seq": 1.0,
}
_A_CASE, _A_STEP = 3.0, 3.0
_CALLED_CASES = re.compile(
    r"^(.*_)?(办件|业务|受理|案件|审批|申报|申请|许可)?主表$|^(办件|业务|受理|案件)(基本)?(信息|登记)?(总?表|库|台账)?$"
)
"""A name that says so, without its spaces and brackets: it stands for a field that a small table does not have."""
_A_NAME = 1.0
_COPY = re.compile(r"(_|^)(bak|backup|his|history|old|tmp|temp|copy|test)\d*(_|$)|\d{4,}$|备份|历史", re.I)
_PART_FIELDS = 1
_NAMED = 0.4
"""A name that says so, though its values weakened it."""


class TableDraft(Struct, frozen=True):
    """`name`: as in a mapping (case, case.x, step)."""

    name: str
    seen: Sampled
    reason: str
    key: Guess
    parent: Guess | None
    cursor: Guess | None
    fields: dict[str, Guess]


class Related(Struct, frozen=True):
    """A table that is not part of the draft; `reason`: why it is not."""

    table: str
    rows: int | None
    reason: str


class Draft(Struct, frozen=True):
    """`charset`: of the whole source, where the driver gives bytes."""

    tables: tuple[TableDraft, ...]
    others: tuple[Related, ...]
    charset: str = ""


def case_table(tables: Sequence[Sampled]) -> Sampled | None:
    """The main table of cases; None: none looks like it. Of several with one row per case it is the fullest, of a table and a
    view of it the table, which has a key and indexes."""
    scored = [(not _COPY.search(seen.table.name), _case_score(seen), seen) for seen in tables if seen.rows]
    likely = [item for item in scored if item[1] >= _A_CASE]
    if not likely:
        return None
    best = max(likely, key=lambda item: (*item[:2], not item[2].table.view, item[2].rows))[2]
    for fresh, _, seen in likely:
        if fresh and _count(seen) > _count(best) and _contains(seen, best):
            best = seen
    return best


def _count(seen: Sampled) -> int:
    return seen.rows if seen.whole else max(seen.rows, seen.table.rows or 0)


def _contains(more: Sampled, less: Sampled) -> bool:
    """Whether `more` has every case of `less`, each once."""
    shares = {(pair.column, pair.target): links.share(pair, more) for pair in links.pairs(less, more)}
    return any(link.single and link.confidence >= SURE for link in links.found(less, more, shares))


def _case_score(seen: Sampled) -> float:
    found = fields.assigned("case", seen)
    if _repeats_cases(seen, found):
        return 0.0
    step = _step_score(seen)
    score = sum(weight for name, weight in _CASE_WEIGHT.items() if name in found and found[name].sure)
    score += _A_NAME * bool(
        score and _CALLED_CASES.search(re.sub(r"\s|[（(].*$|\d{4}$", "", seen.table.name))
    )
    return score - (step if step > score else 0.0)


def _repeats_cases(seen: Sampled, found: dict[str, Guess]) -> bool:
    """A log or a history names each case many times: its rows are no cases."""
    number = found.get("case_no")
    if number is None or number.confidence < _NAMED:
        return False
    profile = seen.profiles[number.columns[0]]
    return profile.distinct < 0.9 * profile.filled * seen.rows


def _step_score(seen: Sampled) -> float:
    found = fields.assigned("step", seen)
    return sum(weight for name, weight in _STEP_WEIGHT.items() if name in found and found[name].sure)


def drafted(case: Sampled | None, tables: Sequence[Sampled], shares: Shares) -> Draft:
    """`tables`: all that were sampled; `shares`: of every pair that `links.pairs` names for each of them."""
    if case is None:
        return Draft((), tuple(Related(seen.table.name, seen.table.rows, "不像办件表") for seen in tables))
    others = [seen for seen in tables if seen is not case]
    linked = {one.table.name: links.found(one, case, shares.get(one.table.name, {})) for one in others}
    main = fields.assigned("case", case)
    to = links.target(case, list(linked.values()))
    chosen, left = _chosen(others, linked, to, main)
    taken = links.target(case, [linked[one.seen.table.name] for one in chosen])
    if taken != to:  # a view that nobody reads does not say by what the others name a case
        to = taken
        chosen, left = _chosen(others, linked, to, main)
    parent = Guess("parent", (to,), 0.9, "其他各表以此字段指向办件") if to and chosen else None
    return _with_charset(Draft((_case_draft(case, main, parent), *_named_apart(chosen)), tuple(left)))


def _chosen(
    others: Sequence[Sampled], linked: Mapping[str, list[Link]], to: str, main: Mapping[str, Guess]
) -> tuple[list[TableDraft], list[Related]]:
    """Beside the case table, the tables to read and those that are not; `to`: the column by which they name a case."""
    chosen: list[TableDraft] = []
    left: list[Related] = []
    for seen in sorted(others, key=lambda one: -_step_score(one)):
        given = {
            name for one in chosen for name, guess in one.fields.items() if guess.sure and one.name != "step"
        }
        known = {name for name, guess in main.items() if guess.sure} | given
        made = _other(seen, links.towards(linked[seen.table.name], to), known)
        if isinstance(made, TableDraft) and made.name == "step" and any(one.name == "step" for one in chosen):
            made = Related(seen.table.name, seen.table.rows, "也像环节表，请人工判断")
        if isinstance(made, Related):
            left.append(made)
        else:
            chosen.append(made)
    chosen.sort(key=lambda one: one.name == "step")
    return chosen, left


def _other(seen: Sampled, link: Link | None, known: set[str]) -> TableDraft | Related:
    """What a table is that is not the case table; `known`: fields of a case that others have."""
    if link is None or _unfit(seen):
        return Related(seen.table.name, seen.table.rows, _unfit(seen) or "与办件表没有关联")
    parent = Guess("parent", (link.column,), link.confidence, link.reason)
    if link.single:
        found = fields.assigned("case", seen)
        more = {
            name: guess
            for name, guess in found.items()
            if guess.columns[0] != link.column and name not in known
        }
        if sum(guess.sure for guess in more.values()) >= _PART_FIELDS:
            return _table(
                f"case.{seen.table.name}", seen, "每个办件至多一行，有办件表没有的字段", parent, more
            )
        return Related(seen.table.name, seen.table.rows, "与办件一一对应，没有要用的字段")
    if _step_score(seen) >= _A_STEP:
        found = {n: g for n, g in fields.assigned("step", seen).items() if g.columns[0] != link.column}
        return _table("step", seen, "每个办件多行，像办理环节", parent, found)
    return Related(seen.table.name, seen.table.rows, f"经 {link.column} 与办件关联，不像办理环节")


def _unfit(seen: Sampled) -> str:
    """Why a table is not looked at; empty: it is."""
    if not seen.rows:
        return "空表"
    return "名称像备份、历史或测试表" if _COPY.search(seen.table.name) else ""


def _case_draft(case: Sampled, found: dict[str, Guess], parent: Guess | None) -> TableDraft:
    key = keys.key_of(case, "case")
    if parent and parent.columns == key.columns:
        parent = None
    number = found.get("case_no")
    if parent is None and not key.sure and number is not None:
        parent = Guess(
            "parent", number.columns, number.confidence, "没有 key 时，以它区分办件，各表也由它指向办件"
        )
    return TableDraft("case", case, "字段最像办件主表", key, parent, keys.cursor_of(case, "case"), found)


def _table(name: str, seen: Sampled, why: str, parent: Guess, found: dict[str, Guess]) -> TableDraft:
    role = "step" if name == "step" else "case"
    key = keys.key_of(seen, role, parent)
    return TableDraft(name, seen, why, key, parent, keys.cursor_of(seen, role), found)


def _named_apart(tables: Sequence[TableDraft]) -> list[TableDraft]:
    """Parts by short names of their own: letters of the table's name, or a number."""
    made: list[TableDraft] = []
    for number, one in enumerate(tables, 1):
        root, _, table = one.name.partition(".")
        short = re.sub(r"[^a-z0-9_]", "", table.rpartition(".")[2].lower()) or f"part{number}"
        if any(f"{root}.{short}" == other.name for other in made):
            short = f"{short}{number}"
        made.append(replace(one, name=f"{root}.{short}") if table else one)
    return made


def _with_charset(draft: Draft) -> Draft:
    """One charset for all bytes where all agree; else, or where the driver decodes, per column."""
    readings = [
        (profile.raw, profile.reading)
        for table in draft.tables
        for profile in table.seen.profiles.values()
        if profile.reading.confidence > 0.9
    ]
    stored = {reading.charset for raw, reading in readings if raw}
    if len(stored) == 1 and stored != {""}:
        return replace(draft, charset=stored.pop())
    tables = []
    for table in draft.tables:
        made = {}
        for name, guess in table.fields.items():
            reading = table.seen.profiles[guess.columns[0]].reading
            told = reading.charset and reading.confidence > 0.9
            made[name] = (
                replace(guess, options={**guess.options, "charset": reading.charset}) if told else guess
            )
        tables.append(replace(table, fields=made))
    return replace(draft, tables=tuple(tables))
