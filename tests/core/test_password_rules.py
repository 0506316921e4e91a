"""What a password must be: each rule by an example that breaks that rule alone."""

import pytest

from central.core.password_rules import SHORTEST, faults


def test_a_long_password_of_three_kinds_will_do() -> None:
    assert faults("wang", "Alt-Geheim-1", "Qian-Shan-2026", "Qian-Shan-2026") == []
    assert faults("wang", "", "千山鸟飞绝 万径人踪灭 孤舟蓑笠翁", "千山鸟飞绝 万径人踪灭 孤舟蓑笠翁") == []


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("Qs-2026-x", f"至少 {SHORTEST} 个字符"),
        ("qianshanmoon", "三种"),
        ("Qian12345moon", "连续或重复"),
        ("Qian-edcba-Z9", "连续或重复"),
        ("Qian-sdfgh-Z9", "连续或重复"),
        ("Qian-77777-Zy", "连续或重复"),
        ("Ab1Ab1Ab1Ab1", "连续或重复"),
        ("My-Passw0rd-9", "常被猜到"),
        ("Wang-Shan-2026", "用户名"),
        ("Alt-Geheim-1", "与现在的相同"),
    ],
)
def test_a_password_that_breaks_one_rule_is_told_that_one(new: str, said: str) -> None:
    (found,) = faults("wang", "Alt-Geheim-1", new, new)
    assert said in found


def test_a_slip_of_the_second_entry_is_told() -> None:
    assert faults("wang", "", "Qian-Shan-2026", "Qian-Shan-2027") == ["两次输入的新密码不一致。"]
