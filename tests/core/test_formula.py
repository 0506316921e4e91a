"""The formulas of a scheme: what they compute, and that nothing hostile is read."""

import ast
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.core import formula
from central.core.formula import Counts
from central.data import recompute
from common.core.errors import UsageError

NAMES = frozenset({"late", "of", "points"})
OWN = {"late": 2, "of": 200, "points": 1200}
CITY = {"late": 5, "of": 1000, "points": 92000}


def computed(text: str, own: dict[str, int] | None = None) -> Decimal:
    return formula.value(formula.parse(text, NAMES), Counts(OWN if own is None else own, CITY, Decimal(10)))


@pytest.mark.parametrize(
    ("text", "own", "expected"),
    [
        # supervision.md 3.12, worked checks: N = 200, L = 2, city 0.5 %; twelve ratings of 100, city mean 92
        ("rate(late, of)", OWN, "0.0097619"),
        ("100 * (1 - rate(late, of)) ^ 3", OWN, "97.0999240"),
        ("rate(points, of, 30)", {"points": 1200, "of": 12}, "94.2857143"),
        ("1 - 2 - 3", OWN, "-4"),
        ("2 + 3 * 4 ^ 2 / 8", OWN, "8"),
        ("-2 ^ 2", OWN, "-4"),
        ("(1 + 1) * -3", OWN, "-6"),
        ("share(late, of)", OWN, "0.01"),
        ("share(late, of)", {}, "0"),
        ("clamp(late, 3, 9) + min(late, of, 7) + max(1, late)", OWN, "7"),
        ("0.1 + 0.2", OWN, "0.3"),
    ],
)
def test_what_it_computes(text: str, own: dict[str, int], expected: str) -> None:
    assert round(computed(text, own), 7) == Decimal(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "不完整"),
        ("__import__('os').system('true')", "不允许的字符“_”"),
        ("late.__class__", "不允许的字符“.”"),
        ("late[0]", "不允许的字符“[”"),
        ("'x' * 9", "不允许的字符“'”"),
        ("lambda: 1", "不允许的字符“:”"),
        ("eval(late)", "没有函数“eval”"),
        ("salary", "没有计数项“salary”"),
        ("late of", "少了运算符"),
        ("1e9", "少了运算符"),
        ("late / of", "只能除以写明的"),
        ("1 / 0", "只能除以写明的"),
        ("1 / 0.00", "只能除以写明的"),
        ("2 ^ 99999", "至多 12"),
        ("((9 ^ 9) ^ 9) ^ 9", "至多 12"),
        ("2 ^ late", "写明的整数"),
        ("2 ^ -1", "写明的整数"),
        ("2 ^ 2 ^ 2", "不能连写"),
        ("9" * 13, "数字太长"),
        ("(" * 30 + "1" + ")" * 30, "嵌套太深"),
        ("-" * 30 + "1", "嵌套太深"),
        ("min(" * 25 + "1", "嵌套太深"),
        ("1" + "+1" * 150, "太大"),
        ("1" * 401, "太长"),
        ("rate(late, 3)", "两个计数项"),
        ("rate(late, of, 0)", "不为零"),
        ("min(late)", "2 至 8 项"),
        ("clamp(late, 1)", "三项"),
        ("rate(late, of", "缺少“)”"),
        ("late；of", "不允许的字符“；”"),
        ("１+１", "不允许的字符“１”"),
        ("007", "以 0 开头"),
        ("2 ^ 003", "以 0 开头"),
        ("1\u3000+ 1", "不允许的字符“U+3000”"),
        ("1\n+ 1", "不允许的字符“U+000A”"),
    ],
)
def test_a_hostile_or_broken_formula_is_refused_with_words(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        formula.parse(text, NAMES)
    assert words in str(refused.value)
    assert refused.value.hint


@given(st.text("0123456789.+-*/^(), latemincshrofpu", max_size=60) | st.text(max_size=40))
def test_whatever_is_read_has_a_value(text: str) -> None:
    try:
        node = formula.parse(text, NAMES)
    except UsageError:
        return
    for own in ({}, OWN, dict.fromkeys(NAMES, 10**9)):
        assert formula.value(node, Counts(own, CITY, Decimal(10))).is_finite()
        assert formula.value(node, Counts(own, {}, Decimal(0))).is_finite()


@given(st.text("0123456789.+-*/^(), \n\t\u3000latemincshrofpu", max_size=40))
def test_whatever_is_read_the_published_script_computes_alike(text: str) -> None:
    try:
        node = formula.parse(text, NAMES)
    except UsageError:
        return
    with localcontext() as context:
        context.prec, context.rounding = 28, ROUND_HALF_EVEN
        again = recompute.Formula(OWN, CITY, Decimal(10)).value(text)
    assert again == formula.value(node, Counts(OWN, CITY, Decimal(10)))


@pytest.mark.parametrize("text", [" 1 + late", "00.5 * of", "2 ^ 0 ", "0 - -late ^ 2"])
def test_the_published_script_computes_alike_what_is_oddly_written(text: str) -> None:
    assert recompute.Formula(OWN, CITY, Decimal(10)).value(text) == computed(text)


def test_bases_are_what_rates_and_shares_are_taken_of() -> None:
    node = formula.parse("late * (1 - share(late, of)) + min(rate(late, points, 3), 2)", NAMES)
    assert formula.bases_of(node) == {"of", "points"}


_leaf = st.sampled_from(["late", "of", "points", "3", "0.5", "12"])
_made = st.recursive(
    _leaf,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner)
        | st.builds("({}) ^ {}".format, _leaf, st.integers(0, 4))
        | st.builds("({} / 7)".format, inner)
    ),
    max_leaves=8,
)


def _python(node: ast.expr) -> Decimal:
    match node:
        case ast.BinOp(left, op, right):
            signs = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
            one, other = _python(left), _python(right)
            if isinstance(op, ast.Pow) and not other:
                return Decimal(1)
            return Decimal(eval(f"one {signs[type(op)]} other", {"one": one, "other": other}))
        case ast.Name(name):
            return Decimal(OWN[name])
    assert isinstance(node, ast.Constant)
    return Decimal(str(node.value))


@given(_made)
def test_it_computes_what_python_does(text: str) -> None:
    """Python's own parser reads the same precedence, and its operators round alike."""
    found = _python(ast.parse(text.replace("^", "**"), mode="eval").body)
    assert abs(computed(text) - found) <= abs(found) * Decimal("1e-20")
