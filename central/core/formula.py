"""The formulas of a score scheme: a small closed language of our own, on decimal numbers. Pure.

    100 * (1 - rate(statute_late, statute_of)) ^ 3

Numbers, names of counts, `+ - *`, `/` by a written number, `^` by a written whole number, brackets, and the functions of
`FUNCTIONS`. Nothing else exists: no attribute, no text, no comparison, no loop. Size, depth and powers are bounded when a
formula is read, and nothing is divided by what may be zero, so that whatever was read can be computed for every unit.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal

from msgspec import Struct

from common.core.errors import UsageError

EXACT = Context(prec=28, rounding=ROUND_HALF_EVEN)
"""Every step is computed so, here and in the published script; results are rounded once, where they are shown."""
LONGEST, MOST_NODES, DEEPEST, HIGHEST_POWER, MOST_DIGITS, MOST_PARTS = 400, 100, 20, 12, 12, 8
FUNCTIONS = {
    "rate": "rate(x, n) 或 rate(x, n, m)：向全市平均收缩的比率 (x + m×全市比率)/(n + m)",
    "share": "share(x, n)：x/n；n 为 0 时为 0",
    "min": "min(a, b, …)：最小的一个",
    "max": "max(a, b, …)：最大的一个",
    "clamp": "clamp(a, 下限, 上限)",
}
_TOKEN = re.compile(r" *(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<name>[a-z][a-z_0-9]*)|(?P<mark>[-+*/^(),]))")
_LED = re.compile(r"0[0-9]+")
"""A whole number that begins with a nought: Python, by which the published script reads formulas, refuses it."""
_HINT = "可用：数字、计数项、+ - * / ^ 与括号，函数 " + "、".join(FUNCTIONS)


class Number(Struct, frozen=True, tag=True):
    value: Decimal


class Count(Struct, frozen=True, tag=True):
    name: str


class Chain(Struct, frozen=True, tag=True):
    """`first`, then each (`+ - * /`, operand) from the left."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]


class Negative(Struct, frozen=True, tag=True):
    of: "Node"


class Power(Struct, frozen=True, tag=True):
    base: "Node"
    exponent: int


class Call(Struct, frozen=True, tag=True):
    function: str
    parts: tuple["Node", ...]


Node = Number | Count | Chain | Negative | Power | Call


class Counts(Struct, frozen=True):
    """What a formula is computed of: a unit's counts, the whole city's, and how strongly small samples are drawn to it."""

    own: Mapping[str, int]
    city: Mapping[str, int]
    shrink: Decimal


def parse(text: str, names: frozenset[str]) -> Node:
    """Read a formula over the counts `names`. Raises UsageError that says in words what is not allowed."""
    if len(text) > LONGEST:
        raise UsageError(f"公式太长（{len(text)} 字符，至多 {LONGEST}）", hint="请拆成几个指标")
    return _Reader(text, names).whole()


def names_of(node: Node) -> frozenset[str]:
    """The counts that it reads."""
    return frozenset(one.name for one in _walk(node) if isinstance(one, Count))


def rated_of(node: Node) -> frozenset[str]:
    """The counts that a rate in it is made of: those of which the city's are read too."""
    calls = [one for one in _walk(node) if isinstance(one, Call) and one.function == "rate"]
    return frozenset().union(*(names_of(part) for call in calls for part in call.parts[:2]))


def bases_of(node: Node) -> frozenset[str]:
    """The counts that a rate or a share in it is taken of."""
    calls = [one for one in _walk(node) if isinstance(one, Call) and one.function in {"rate", "share"}]
    return frozenset().union(*(names_of(call.parts[1]) for call in calls))


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for inner in _inner(node):
        yield from _walk(inner)


def _inner(node: Node) -> tuple[Node, ...]:
    match node:
        case Chain(first, rest):
            return first, *(operand for _, operand in rest)
        case Negative(of):
            return (of,)
        case Power(base, _):
            return (base,)
        case Call(_, parts):
            return parts
        case _:
            return ()


class _Reader:
    """Recursive descent; the depth is counted, so that a hostile text cannot exhaust the stack."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self._text, self._names, self._place, self._nodes = text, names, 0, 0

    def whole(self) -> Node:
        node = self._sum(1)
        kind, word = self._peek()
        if kind:
            raise self._fault(f"“{word}”前少了运算符")
        return node

    def _sum(self, depth: int) -> Node:
        return self._chain("+-", self._product, depth)

    def _product(self, depth: int) -> Node:
        return self._chain("*/", self._signed, depth)

    def _chain(self, marks: str, operand: Callable[[int], Node], depth: int) -> Node:
        if depth > DEEPEST:
            raise UsageError(f"公式嵌套太深（至多 {DEEPEST} 层）", hint="请拆成几个指标")
        first = operand(depth)
        rest: list[tuple[str, Node]] = []
        while (mark := self._peek()[1]) and mark in marks:
            self._take()
            right = operand(depth)
            if mark == "/" and not (isinstance(right, Number) and right.value):
                raise self._fault("只能除以写明的、不为零的数字", "比率请用 share(x, n) 或 rate(x, n)")
            rest.append((mark, right))
        return self._made(Chain(first, tuple(rest))) if rest else first

    def _signed(self, depth: int) -> Node:
        if self._peek()[1] == "-":
            self._take()
            if depth >= DEEPEST:
                raise UsageError(f"公式嵌套太深（至多 {DEEPEST} 层）", hint="请拆成几个指标")
            return self._made(Negative(self._signed(depth + 1)))
        return self._power(depth)

    def _power(self, depth: int) -> Node:
        base = self._atom(depth)
        if self._peek()[1] != "^":
            return base
        self._take()
        kind, word = self._take()
        if kind != "number" or not word.isdecimal():
            raise self._fault("乘方的次数必须是写明的整数")
        node = Power(base, int(word))
        if _degree(node) > HIGHEST_POWER:
            raise self._fault(f"乘方的次数至多 {HIGHEST_POWER}（连乘计算）")
        if self._peek()[1] == "^":
            raise self._fault("乘方不能连写", "请加括号")
        return self._made(node)

    def _atom(self, depth: int) -> Node:
        kind, word = self._take()
        if kind == "number":
            if len(word) > MOST_DIGITS:
                raise self._fault(f"数字太长（至多 {MOST_DIGITS} 位）")
            return self._made(Number(Decimal(word)))
        if kind == "name" and self._peek()[1] == "(":
            return self._call(word, depth)
        if kind == "name":
            if word not in self._names:
                raise UsageError(f"公式中没有计数项“{word}”", hint="计数项见  mingcha score measures")
            return self._made(Count(word))
        if word == "(":
            node = self._sum(depth + 1)
            self._expect(")")
            return node
        raise self._fault(f"看不懂“{word}”" if word else "公式不完整")

    def _call(self, function: str, depth: int) -> Node:
        if function not in FUNCTIONS:
            raise UsageError(f"没有函数“{function}”", hint=_HINT)
        self._expect("(")
        parts = [self._sum(depth + 1)]
        while self._peek()[1] == ",":
            self._take()
            parts.append(self._sum(depth + 1))
        self._expect(")")
        fault = _call_fault(function, parts)
        if fault:
            raise UsageError(fault, hint=FUNCTIONS[function])
        return self._made(Call(function, tuple(parts)))

    def _made(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise UsageError(f"公式太大（至多 {MOST_NODES} 项）", hint="请拆成几个指标")
        return node

    def _peek(self) -> tuple[str, str]:
        """The next token and its kind; empty at the end."""
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            rest = self._text[self._place :].strip(" ")
            if rest:
                shown = rest[0] if rest[0].isprintable() else f"U+{ord(rest[0]):04X}"
                raise UsageError(f"公式里有不允许的字符“{shown}”", hint=_HINT)
            return "", ""
        kind = found.lastgroup or ""
        if kind == "number" and _LED.fullmatch(found[kind]):
            raise self._fault(f"数字“{found[kind]}”以 0 开头", "去掉前面的 0")
        return kind, found[kind]

    def _take(self) -> tuple[str, str]:
        token = self._peek()
        found = _TOKEN.match(self._text, self._place)
        self._place = found.end() if found else self._place
        return token

    def _expect(self, mark: str) -> None:
        _, word = self._take()
        if word != mark:
            raise self._fault(f"缺少“{mark}”")

    def _fault(self, said: str, hint: str = _HINT) -> UsageError:
        return UsageError(f"公式“{self._text}”：{said}", hint=hint)


def _call_fault(function: str, parts: list[Node]) -> str:
    """Why a function cannot take these; empty: it can."""
    count = len(parts)
    if function in {"rate", "share"}:
        counts = [isinstance(part, Count) for part in parts[:2]]
        if count < 2 or count > (3 if function == "rate" else 2) or not all(counts):
            return f"{function} 要两个计数项"
        if count == 3 and not (isinstance(parts[2], Number) and parts[2].value):
            return "rate 的第三项要是写明的、不为零的数字"
        return ""
    if function == "clamp":
        return "" if count == 3 else "clamp 要三项"
    return "" if 2 <= count <= MOST_PARTS else f"{function} 要 2 至 {MOST_PARTS} 项"


def _degree(node: Node) -> int:
    """Written powers multiplied along the deepest way down."""
    inner = max((_degree(one) for one in _inner(node)), default=1)
    return max(1, node.exponent) * inner if isinstance(node, Power) else inner


# computing ---------------------------------------------------------------------------------------------------


def value(node: Node, counts: Counts) -> Decimal:
    """What a formula gives for a unit. Total: whatever `parse` has returned has a value for any counts."""
    match node:
        case Number(number):
            return number
        case Count(name):
            return Decimal(counts.own.get(name, 0))
        case Negative(of):
            return EXACT.minus(value(of, counts))
        case Power(base, exponent):
            return _power(value(base, counts), exponent)
        case Chain(first, rest):
            return _chained(value(first, counts), rest, counts)
        case Call(function, parts):
            return _called(function, parts, counts)


def _power(base: Decimal, exponent: int) -> Decimal:
    """By multiplying, so that every implementation rounds alike."""
    result = Decimal(1)
    for _ in range(exponent):
        result = EXACT.multiply(result, base)
    return result


def _chained(result: Decimal, rest: tuple[tuple[str, Node], ...], counts: Counts) -> Decimal:
    steps = {"+": EXACT.add, "-": EXACT.subtract, "*": EXACT.multiply, "/": EXACT.divide}
    for mark, operand in rest:
        result = steps[mark](result, value(operand, counts))
    return result


def _called(function: str, parts: tuple[Node, ...], counts: Counts) -> Decimal:
    if function == "rate":
        part, whole = parts[:2]
        shrink = value(parts[2], counts) if len(parts) == 3 else counts.shrink
        return rate(part, whole, counts, shrink)
    values = [value(part, counts) for part in parts]
    if function == "share":
        return EXACT.divide(values[0], values[1]) if values[1] else Decimal(0)
    if function == "clamp":
        return max(values[1], min(values[2], values[0]))
    return min(values) if function == "min" else max(values)


def rate(part: Node, whole: Node, counts: Counts, shrink: Decimal) -> Decimal:
    """(x + m * city) / (n + m): a small sample says more of chance than of the office, so it is drawn to the city's rate."""
    assert isinstance(part, Count)
    assert isinstance(whole, Count)
    over = Decimal(counts.city.get(whole.name, 0))
    city = EXACT.divide(Decimal(counts.city.get(part.name, 0)), over) if over else Decimal(0)
    own = EXACT.add(Decimal(counts.own.get(part.name, 0)), EXACT.multiply(shrink, city))
    below = EXACT.add(Decimal(counts.own.get(whole.name, 0)), shrink)
    return EXACT.divide(own, below) if below else Decimal(0)
