"""What vendors write for a case's state and a step's kind -> the canonical word. A word with two meanings is absent.

退件 may be the office's refusal or the applicant's withdrawal, 补正 stands before and after acceptance: such words
stay open for a person. Codes are read only with the words that a comment or a code table of the vendor gives them.
"""

import re

_STATUS = {
    "received": (
        "收件 已收件 待受理 未受理 登记 已登记 收件登记 预受理 已申请 已提交 待收件受理 收案 received submitted registered"
    ),
    "accepted": "受理 已受理 予以受理 准予受理 受理通过 受理完成 accepted",
    "in_progress": (
        "在办 办理中 正在办理 审查中 审核中 审批中 处理中 流转中 承办中 受理后办理中 待审批 待办结 在办理 办理 "
        "in_progress processing handling reviewing approving inprogress"
    ),
    "paused": "暂停 中止 挂起 特别程序 停表 已暂停 已中止 已挂起 暂停中 中止中 停表中 特别程序中 暂停计时 paused suspended",
    "done": "办结 已办结 办毕 已办毕 办理完成 结案 已结案 办理完毕 正常办结 done finished completed closed",
    "refused_acceptance": (
        "不予受理 不受理 已不予受理 不予受理办结 受理不通过 refused_acceptance not_accepted refuse_accept"
    ),
    "withdrawn": "撤件 已撤件 撤回 已撤回 撤销申请 申请人撤回 撤回申请 申请撤回 申请人撤件 withdrawn withdraw",
}
_KIND = {
    "receive": "收件 窗口收件 收件登记 登记 接件 申请收件 收 receive",
    "supplement": "补正 补件 告知补正 补正告知 一次性告知 材料补正 通知补正 补齐补正 补 supplement",
    "accept": "受理 窗口受理 予以受理 准予受理 受理通过 受 accept",
    "refuse": "不予受理 不受理 拒绝受理 拒 refuse",
    "forward": "转办 转报 移送 转送 分送 forward",
    "pause": "暂停 停表 挂起 中止 计时暂停 暂停计时 特别程序开始 停 pause suspend",
    "resume": "恢复 恢复计时 计时恢复 恢复办理 特别程序结束 复 resume",
    "extend": "延期 延长 延长期限 延期办理 延长办理期限 extend",
    "hear": "听证 举行听证 hear hearing",
    "check": "审查 审核 初审 复审 复核 现场勘查 现场核查 实质审查 材料审查 审 check review",
    "decide": "决定 审批 审定 批准 审批决定 作出决定 核准 签发 批 decide approve",
    "deliver": "送达 发证 领证 取件 出证 制证送达 证件送达 送 deliver",
    "fee": "收费 缴费 fee",
    "document": "制证 文书 文书制作 制作文书 document",
    "renew": "延续 renew",
    "other": "其他 其它 other",
}


def _by_word(words: dict[str, str]) -> dict[str, str]:
    return {word: canonical for canonical, line in words.items() for word in line.split()}


_WORDS = {"status": _by_word(_STATUS), "kind": _by_word(_KIND)}
_INSIDE = re.compile(r"[（(]([^（）()]+)[）)]")
"""专家评审（停表）: what a step is to the law may stand beside its name."""
_ENDING = re.compile(r"[（(].*?[）)]|\s|[。.；;，,]")


def canonical(field: str, word: str) -> str:
    """`word` as a value of `field` (status or kind); empty: it is not known, or could mean two things."""
    known = _WORDS[field]
    plain = _ENDING.sub("", word)
    inside = _INSIDE.search(word)
    said = [plain, plain.lower(), *([inside[1]] if inside else [])]
    return next((known[one] for one in said if one in known), "")


_PAIR = re.compile(
    r"(?<![0-9A-Za-z])([0-9]{1,3}|[A-Za-z]{1,5})\s*[-:：=＝、.代表]{0,2}\s*([\u3400-\u9fff][\u3400-\u9fff（）]*)"
)


def legend(comment: str) -> dict[str, str]:
    """The codes that a comment explains: `状态（0已收件 1已受理）` -> {"0": "已收件", "1": "已受理"}."""
    return {code: word.strip("（）") for code, word in _PAIR.findall(comment)}
