"""复算公布的评分：python3 recompute.py [文件夹]。只用 Python 标准库（3.11 以上），不连网络。

Recomputes every published total from `counts.json` and `scheme.json`, and compares it, the grades and the places with
`ranking.json` to 0.01 point. Written apart from the software that made them: it reads formulas by Python's own parser.
Exit code 0: equal; 1: something differs, or a file was changed.
"""

import ast
import hashlib
import json
import sys
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

HUNDRED, CENT = Decimal(100), Decimal("0.01")
FEWEST = 5


def changed_files(folder: Path) -> list[str]:
    """Names of files that are not what SHA256SUMS says."""
    wrong = []
    for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines():
        digest, name = line.split("  ", 1)
        path = folder / Path(name).name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            wrong.append(name)
    return wrong


class Formula:
    """One formula with the counts of one unit and of the city."""

    def __init__(self, own: dict[str, int], city: dict[str, int], shrink: Decimal) -> None:
        self.own, self.city, self.shrink = own, city, shrink

    def value(self, text: str) -> Decimal:
        return self._node(ast.parse(text.strip().replace("^", "**"), mode="eval").body)

    def _node(self, node: ast.expr) -> Decimal:
        if isinstance(node, ast.Constant):
            return Decimal(str(node.value))
        if isinstance(node, ast.Name):
            return Decimal(self.own.get(node.id, 0))
        if isinstance(node, ast.UnaryOp):
            return -self._node(node.operand)
        if isinstance(node, ast.BinOp):
            return self._binary(node)
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return self._call(node.func.id, node.args)
        raise ValueError(ast.dump(node))

    def _binary(self, node: ast.BinOp) -> Decimal:
        left, right = self._node(node.left), self._node(node.right)
        if isinstance(node.op, ast.Add):
            return left + right
        if isinstance(node.op, ast.Sub):
            return left - right
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.Div):
            return left / right
        result = Decimal(1)
        for _ in range(int(right)):
            result *= left
        return result

    def _call(self, name: str, parts: list[Any]) -> Decimal:
        if name == "rate":
            part, whole = parts[0].id, parts[1].id
            shrink = self._node(parts[2]) if len(parts) == 3 else self.shrink
            over = Decimal(self.city.get(whole, 0))
            city = Decimal(self.city.get(part, 0)) / over if over else Decimal(0)
            below = Decimal(self.own.get(whole, 0)) + shrink
            return (Decimal(self.own.get(part, 0)) + shrink * city) / below if below else Decimal(0)
        values = [self._node(one) for one in parts]
        if name == "share":
            return values[0] / values[1] if values[1] else Decimal(0)
        if name == "clamp":
            return max(values[1], min(values[2], values[0]))
        return {"min": min, "max": max}[name](values)


def city_of(row: dict[str, Any], units: list[dict[str, Any]]) -> dict[str, int]:
    """The city as a row's rates are drawn to it: its sites of enough cases, of which enough are of the row's kind."""
    found: dict[str, int] = {}
    for unit in units:
        counts = unit["counts"]
        is_enough = "of" not in row or counts.get(row["of"], 0) >= row["min_of"]
        if unit["level"] == "site" and counts.get("cases", 0) >= FEWEST and is_enough:
            for name, count in counts.items():
                found[name] = found.get(name, 0) + count
    return found


def total(unit: dict[str, Any], scheme: dict[str, Any], city: dict[str, dict[str, int]]) -> Decimal | None:
    """Points of one unit; None where no indicator applies. `city`: of each row."""

    def value(row: dict[str, Any]) -> Decimal:
        return Formula(unit["counts"], city[row["id"]], Decimal(scheme["shrink"])).value(row["formula"])

    values = {}
    for row in scheme["indicators"]:
        if unit["counts"].get(row["of"], 0) >= row["min_of"]:
            values[row["id"]] = max(Decimal(0), min(HUNDRED, value(row)))
    if not values:
        return None
    whole = sum(Decimal(row["weight"]) for row in scheme["indicators"] if row["id"] in values)
    points = Decimal(0)
    for row in scheme["indicators"]:
        if row["id"] in values:
            points += values[row["id"]] * (Decimal(row["weight"]) * HUNDRED / whole) / HUNDRED
    for sign, extras in ((-1, scheme["penalties"]), (1, scheme["bonuses"])):
        for row in extras:
            if all(values.get(name, 0) >= Decimal(least) for name, least in row["needs"].items()):
                points += sign * max(Decimal(0), min(Decimal(row["most"]), value(row)))
    return max(Decimal(0), min(Decimal(scheme["most"]), points)).quantize(CENT, ROUND_HALF_UP)


def ranking(scheme: dict[str, Any], counts: dict[str, Any]) -> list[dict[str, Any]]:
    """Every unit with its total, grade and place, in the order of `counts.json`."""
    found = []
    rows = [*scheme["indicators"], *scheme["penalties"], *scheme["bonuses"]]
    city = {row["id"]: city_of(row, counts["units"]) for row in rows}
    for unit in counts["units"]:
        points = total(unit, scheme, city)
        is_ranked = (
            not unit["why"] and points is not None and unit["counts"].get("cases", 0) >= scheme["min_cases"]
        )
        grades = [
            grade["name"]
            for grade in scheme["grades"]
            if points is not None and points >= Decimal(grade["least"])
        ]
        found.append({**unit, "total": points, "ranked": is_ranked, "grade": grades[0] if is_ranked else ""})
    for one in found:
        peers = [
            other["total"] for other in found
            if other["ranked"] and (other["level"], other["group"]) == (one["level"], one["group"])
        ]  # fmt: skip
        one["rank"] = 1 + sum(1 for points in peers if points > one["total"]) if one["ranked"] else 0
    return found


def differences(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What was computed, and in what it differs from what was published."""
    scheme, counts, published = (
        json.loads((folder / name).read_text("utf-8"))
        for name in ("scheme.json", "counts.json", "ranking.json")
    )
    with localcontext() as context:
        context.prec, context.rounding = 28, ROUND_HALF_EVEN
        found = ranking(scheme, counts)
    said = published["units"]
    if [(one["level"], one["name"]) for one in said] != [(one["level"], one["name"]) for one in found]:
        return found, ["公布的单位与计数的单位不同"]
    wrong = []
    for one, other in zip(found, said, strict=True):  # by their order: two items may have one name
        shown = "" if one["total"] is None else str(one["total"])
        same = shown == other["total"] or (
            shown and other["total"] and abs(Decimal(shown) - Decimal(other["total"])) < CENT
        )
        if not same or (one["grade"], one["rank"]) != (other["grade"], other["rank"]):
            wrong.append(
                f"{one['name']}：算得 {shown} 第 {one['rank']}，公布 {other['total']} 第 {other['rank']}"
            )
    return found, wrong


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    wrong = [f"文件被改动或缺少：{name}" for name in changed_files(folder)]
    if not wrong:
        found, wrong = differences(folder)
        for one in found:
            place = f"第 {one['rank']}" if one["rank"] else one["why"] or "不参与排名"
            sys.stdout.write(f"{one['group']}\t{one['name']}\t{one['total']}\t{one['grade']}\t{place}\n")
    for line in wrong:
        sys.stdout.write(f"✗ {line}\n")
    sys.stdout.write("✗ 与公布的不一致\n" if wrong else "✓ 与公布的一致\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
