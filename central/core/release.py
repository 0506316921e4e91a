"""Results made public: the files, what they may not contain, and who may release them. Pure.

supervision.md 3.15. Published are counts of units, never cases: enough to compute every total anew (`central/data/recompute.py`
stands beside them), too little to find anybody. A cell is the number of cases that a figure rests on; one of fewer than
`SMALLEST` is not published, nor left to be found by subtraction.
"""

import hashlib
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import combinations
from zipfile import ZipFile, ZipInfo

import msgspec
from msgspec import Struct

from central.core import formula
from central.core.measure import MEASURES
from central.core.scheme import CASES, FEWEST, NAMES, Extra, Indicator, Scheme
from central.core.score import Frame, Level, Score
from central.core.spreadsheet import as_csv
from common.core.errors import RejectedError

SMALLEST = FEWEST
MERGED = "合并公布的小单位"
PUBLIC_LEVELS = (Level.SITE, Level.DEPARTMENT, Level.ITEM)
"""Persons are scored inside, and never published."""
_NUMBER = re.compile(r"(?<!\d)(?:1\d{10}|\d{15}|\d{17}[\dXx])(?!\d)")
_ADDRESS = re.compile(r"[一-鿿]{2,}(?:路|街|巷|村|小区)\d+(?:号|栋|幢|单元|室)")


class ReleaseState(StrEnum):
    """What became of a publication; a withdrawn one stays in the list, with its reason."""

    DRAFT = "draft"
    RELEASED = "released"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"

    @property
    def word(self) -> str:
        return {"draft": "待审核", "released": "已发布", "refused": "未通过", "withdrawn": "已撤回"}[
            self.value
        ]


class Shown(Struct, frozen=True, kw_only=True):
    """One unit as the public sees it; `total` empty: nothing can be scored."""

    level: Level
    group: str
    name: str
    total: str
    grade: str
    rank: int
    why: str
    counts: dict[str, int]


class Released(Struct, frozen=True):
    """What is published of a run."""

    frame: Frame
    units: list[Shown]


def released(
    frame: Frame, scores: Sequence[Score], *, merges: bool, levels: Collection[Level] = PUBLIC_LEVELS
) -> Released:
    """The public part of these results. `merges`: units of fewer than `SMALLEST` cases are put together, without a place. `levels`:
    sites among them, since the city's rates are theirs.
    """
    units: list[Shown] = []
    for level in (one for one in PUBLIC_LEVELS if one in {Level.SITE, *levels}):
        mine = [one for one in scores if one.level is level]
        small = [one for one in mine if merges and one.cases < SMALLEST]
        for one in mine:
            if one not in small:
                units.append(_shown(one, _read(one, frame.scheme)))
        units += [_merged(level, small)] if small else []
    return Released(frame, units)


def _read(one: Score, scheme: Scheme) -> set[str]:
    """The counts of which its points are made. What only rows read that do not apply to it rests on too few, and is left out."""
    lines = {line.id: line for line in one.lines}
    kept = {CASES}
    for row in scheme.indicators:
        if not lines[row.id].why:
            kept |= formula.names_of(formula.parse(row.formula, NAMES)) | {row.of}
    for extra, line in zip([*scheme.penalties, *scheme.bonuses], [*one.penalties, *one.bonuses], strict=True):
        node = formula.parse(extra.formula, NAMES)
        kept |= formula.rated_of(node) if line.why else formula.names_of(node)
    return kept


def _shown(one: Score, read: Collection[str]) -> Shown:
    counts = {name: count for name, count in one.counts.items() if name in read}
    total = "" if one.total is None else str(one.total)
    return Shown(
        level=one.level, group=one.group, name=one.name, total=total, grade=one.grade, rank=one.rank,
        why=one.why, counts=counts,
    )  # fmt: skip


def _merged(level: Level, small: Sequence[Score]) -> Shown:
    cases = sum(one.cases for one in small)
    return Shown(
        level=level, group="合并", name=f"{MERGED}（{len(small)} 个）", total="", grade="", rank=0,
        why="各单位不足 5 件，合并公布，不评分", counts={CASES: cases},
    )  # fmt: skip


# what may not be published -----------------------------------------------------------------------------------


def faults(one: Released, title: str, persons: Collection[str], scores: Sequence[Score]) -> list[str]:
    """Why this may not be published, in words; none: it may. `persons`: names that must not appear."""
    return [
        *personal([title, *(unit.name for unit in one.units)], persons),
        *_small(one),
        *_remainders(one, scores),
    ]


def personal(texts: Sequence[str], persons: Collection[str]) -> list[str]:
    """What of these texts speaks of somebody, in words: numbers, addresses, the names of `persons`."""
    found = []
    for said in texts:
        if number := _NUMBER.search(said):
            found.append(f"“{_around(said, number)}”含有电话或证件号码")
        if address := _ADDRESS.search(said):
            found.append(f"“{_around(said, address)}”含有住址")
        found += [f"“{said}”含有人名" for name in sorted(persons) if len(name) > 1 and name in said][:1]
    return found


def _around(said: str, found: re.Match[str]) -> str:
    """What was found with some words before and after it."""
    first, last = found.start() - 15, found.end() + 15
    return "…" * (first > 0) + said[max(0, first) : last] + "…" * (last < len(said))


def _small(one: Released) -> list[str]:
    """A figure rests on a number of cases: on too few, it speaks of persons."""
    bases = _bases(one.frame.scheme)
    return [
        f"{unit.name}（{unit.level.word}）的“{_called(name)}”只有 {count} 件，少于 {SMALLEST} 件"
        for unit in one.units
        for name, count in unit.counts.items()
        if name in bases and 0 < count < SMALLEST
    ]


def _called(name: str) -> str:
    return "办件" if name == CASES else MEASURES[name].name


def _bases(scheme: Scheme) -> frozenset[str]:
    """What counts cases, not acts of an office: what indicators rest on, and what any rate or share is taken of."""
    rows: list[Indicator | Extra] = [*scheme.indicators, *scheme.penalties, *scheme.bonuses]
    read = [formula.bases_of(formula.parse(row.formula, NAMES)) for row in rows]
    return frozenset().union(*read, (row.of for row in scheme.indicators), (CASES,))


def _remainders(one: Released, scores: Sequence[Score]) -> list[str]:
    """What is left of a whole when parts of it are taken off: the city less each level, one level less another, a site less its
    offices; of every count that may be a small cell, shown or not applied.
    """
    bases = _bases(one.frame.scheme)
    city: Counter[str] = Counter()
    for score in scores:
        if score.level is Level.SITE:
            city.update({name: count for name, count in score.counts.items() if name == CASES})
    wholes = {"全市总数": city}
    for level in dict.fromkeys(unit.level for unit in one.units):
        wholes[f"各{level.word}"] = _sum(unit.counts for unit in one.units if unit.level is level)
    pairs = [(*first, *second) for first, second in combinations(wholes.items(), 2)]
    names = {(score.level, score.name): score.unit[0] for score in scores}
    for unit in one.units:
        if unit.level is Level.SITE and (Level.SITE, unit.name) in names:
            site = names[Level.SITE, unit.name]
            inside = [
                other.counts for other in one.units
                if other.level is Level.DEPARTMENT and names.get((Level.DEPARTMENT, other.name)) == site
            ]  # fmt: skip
            pairs += [(unit.name, Counter(unit.counts), "其各部门", _sum(inside))] if inside else []
    return [
        f"{whole}的“{_called(name)}”与{part}相差 {left} 件，少于 {SMALLEST} 件"
        for whole, counts, part, others in pairs
        for name in sorted(bases & counts.keys() & (others.keys() | {CASES}))
        if 0 < (left := abs(counts[name] - others[name])) < SMALLEST
    ]


def _sum(found: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counts in found:
        total.update(counts)
    return total


# files -------------------------------------------------------------------------------------------------------


def files(one: Released, title: str, digest: str, script: bytes) -> dict[str, bytes]:
    """Name -> content; the same values give the same bytes. `digest`: of the snapshot; `script`: `recompute.py`."""
    frame = one.frame
    head = {
        "title": title,
        "period": frame.period.name,
        "scheme": frame.scheme.version,
        "calendar": frame.calendar,
        "rules": frame.rules,
        "snapshot": digest,
    }
    ranking = [
        {name: getattr(unit, name) for name in ("level", "group", "name", "total", "grade", "rank", "why")}
        | {CASES: unit.counts.get(CASES, 0)}
        for unit in one.units
    ]
    counts = [
        {name: getattr(unit, name) for name in ("level", "group", "name", "why", "counts")}
        for unit in one.units
    ]
    found = {
        "ranking.json": _json(head | {"units": ranking}),
        "ranking.csv": _csv(one),
        "counts.json": _json(head | {"units": counts}),
        "scheme.json": _json(_full(frame.scheme)),
        "recompute.py": script,
        "README.txt": _words(one, title, digest).encode(),
    }
    return found | {"SHA256SUMS": _sums(found)}


def packet(found: Mapping[str, bytes], folder: str) -> bytes:
    """All files in one ZIP, to be handed to the press; the same files, the same bytes."""
    out = io.BytesIO()
    with ZipFile(out, "w") as target:
        for name, body in sorted(found.items()):
            target.writestr(ZipInfo(f"{folder}/{name}"), body)
    return out.getvalue()


def check_sums(found: Mapping[str, bytes]) -> None:
    """Raises RejectedError, which names the file, where one is not what SHA256SUMS says."""
    lines = found.get("SHA256SUMS", b"").decode("utf-8", "replace").splitlines()
    said = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    wrong = sorted(
        name for name in said.keys() | found.keys() - {"SHA256SUMS"}
        if hashlib.sha256(found.get(name, b"")).hexdigest() != said.get(name)
    )  # fmt: skip
    if wrong or not said:
        raise RejectedError(
            f"文件被改动或缺少：{'、'.join(wrong) or 'SHA256SUMS'}", hint="请重新下载公布的全部文件"
        )


def _sums(found: Mapping[str, bytes]) -> bytes:
    lines = [f"{hashlib.sha256(body).hexdigest()}  {name}\n" for name, body in sorted(found.items())]
    return "".join(lines).encode()


def _full(struct: Struct) -> dict[str, object]:
    """With the values that are the default: whoever reads the file does not know ours."""
    return {
        name: [_full(one) for one in value] if isinstance(value, list) else value
        for name, value in msgspec.structs.asdict(struct).items()
    }


def _json(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="deterministic")) + b"\n"


HEAD = ("范围", "同类", "单位", "办件", "得分", "等次", "名次", "说明")


def _csv(one: Released) -> bytes:
    rows = [
        (
            unit.level.word,
            unit.group,
            unit.name,
            str(unit.counts.get(CASES, 0)),
            unit.total,
            unit.grade,
            str(unit.rank or ""),
            unit.why,
        )
        for unit in one.units
    ]
    return as_csv([HEAD, *rows])


def method(scheme: Scheme) -> list[str]:
    """The scheme in plain words, one sentence a line."""
    plain = [f"{row.name}（{_trim(row.weight)} 分）：{row.words}。" for row in scheme.indicators]
    plain += [f"扣分 {row.name}：{row.words}。" for row in scheme.penalties]
    plain += [f"加分 {row.name}：{row.words}。" for row in scheme.bonuses]
    grades = "，".join(f"{_trim(one.least)} 分及以上{one.name}" for one in scheme.grades[:-1])
    least = sorted({row.min_of for row in scheme.indicators})
    few = f"不足 {least[0]} 件"
    if len(least) > 1:
        other = "，".join(
            f"{row.name}为 {row.min_of} 件" for row in scheme.indicators if row.min_of != least[0]
        )
        few += f"（{other}）"
    return [
        f"总分是各项得分按权重相加，减扣分，加加分，最高 {_trim(scheme.most)} 分，四舍五入到两位小数。",
        *plain,
        f"每个比率都混入 {_trim(scheme.shrink)} 件全市平均（该项适用的各站点合计），件数少的单位不因一两件大起大落。",
        f"某项{few}或没有数据的不适用，其权重按比例分给其余各项。",
        f"不足 {scheme.min_cases} 件的、数据不全的不排名，也不因此扣分；得分相同的名次相同。",
        f"等次：{grades}，其余{scheme.grades[-1].name}。",
    ]


def _trim(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _results(units: Sequence[Shown]) -> list[str]:
    """Of sites, a sentence each, in the order of the release."""
    mine = [unit for unit in units if unit.level is Level.SITE]
    return [
        f"{unit.group}第 {unit.rank} 名：{unit.name}，{unit.total} 分，{unit.grade}。"
        if unit.rank else f"{unit.group}：{unit.name}，{unit.why}。"
        for unit in mine
    ]  # fmt: skip


def _words(one: Released, title: str, digest: str) -> str:
    frame = one.frame
    return "\n".join([
        title, "",
        f"期间：{frame.period.word}（{frame.period.first} 至 {frame.period.last}）",
        f"方案：{frame.scheme.name} 第 {frame.scheme.version} 版；日历第 {frame.calendar} 版；规则第 {frame.rules} 版",
        f"数据快照：SHA-256 {digest}", "",
        "结果", *_results(one.units), "",
        "怎样算的", *method(frame.scheme), "",
        "怎样复算", "把全部文件放在一个文件夹里，运行  python3 recompute.py  。它核对各文件的校验和，",
        "由 counts.json 与 scheme.json 重新算出每个单位的得分与名次，与 ranking.json 对照到 0.01 分。", "",
    ])  # fmt: skip
