"""The texts of the documents, one form for each kind. Who drafts, signs and seals: supervision.md 3.17.

The wording is ours and waits for a lawyer, as the rules do. Days are said as `…日24时前`: the due day counts whole
(supervision.md 3.2), and "前" alone is read both ways.
"""

from central.core.access import Role
from central.core.compose import Facts
from central.core.document import Form, Kind

_CASE = "你单位受理的{item}一件（受理编号{case_no}），"
_FOUND = (
    _CASE + "{course}截至{as_of}，该件{state}，属于{matter}。",
    "上述情形不符合{articles}关于“{demand}”的要求（监察规则{rule}）。",
)
# What is contested is heard before the finding: what follows from that offers no appeal that nobody would take.
_CONTEST = "对本文书认定的事实有异议的，可自收到之日起{appeal_days}个工作日内向本机关提出申诉。"
_COMPLAINTS = frozenset({Role.COMPLAINTS})

_ALL = (
    Form(
        kind=Kind.WARNING,
        title=("关于{item}", "临近办理时限的", "预警提示函"),
        paragraphs=(
            _CASE + "于{accepted}受理，{budget}，应于{due}24时前办结。截至{as_of}，该件{state}，已临近办理时限。",
            "请你单位抓紧办理，在时限届满前作出决定。确需延长期限、依法停止计时的，应当在时限届满前办理手续并书面告知申请人。",
            "本函为提示，不作为责任认定的依据。",
        ),
    ),
    Form(
        kind=Kind.ORDER,
        title=("关于{item}", "{matter}的", "督办通知书"),
        names_law=True,
        paragraphs=(
            *_FOUND,
            "现予督办，请你单位立即办理该件，并于{answer_by}24时前书面说明理由，附相关证明材料。",
            "逾期不办理、不说明理由或者理由不成立的，将依照{liability}等规定提出责任追究建议，并责令整改。",
            _CONTEST,
        ),
    ),
    Form(
        kind=Kind.EXPLAIN,
        title=("关于{item}", "{matter}的", "责令说明理由通知书"),
        names_law=True,
        paragraphs=(
            *_FOUND,
            "本机关已以{earlier}文督办。现责令你单位于{answer_by}24时前，就下列事项书面说明理由，并附证明材料：",
            "{measures}",
            "逾期不说明的，视为没有正当理由，本机关将据现有事实作出认定。",
        ),
    ),
    Form(
        kind=Kind.URGING,
        title=("关于{item}", "{matter}的", "催办通知书"),
        paragraphs=(
            "本机关{earlier}文要求你单位就{item}一件（受理编号{case_no}）{matter}的情况作出答复。截至{as_of}，{state}。",
            "请你单位于{answer_by}24时前办结并答复。仍不答复的，将予以通报。",
        ),
    ),
    Form(
        kind=Kind.PROPOSAL,
        title=("关于{matter}的", "监察建议书"),
        is_free=True,
        names_law=True,
        paragraphs=(
            "经监察，{period}你单位存在{matter}的情形，按事项统计如下（数据截至{as_of}）：",
            "{figures}",
            "{reason}。上述情形不符合{articles}关于“{demand}”的要求（监察规则{rule}）。现提出如下监察建议：",
            "{measures}",
            "请你单位于{answer_by}24时前将采纳情况书面报本机关。有异议的，可自收到之日起{appeal_days}个工作日内提出。",
        ),
    ),
    Form(
        kind=Kind.RECTIFICATION,
        title=("关于{item}", "{matter}的", "整改通知书"),
        names_law=True,
        paragraphs=(
            _CASE + "经认定属于{matter}，没有正当理由：{reason}。",
            "上述情形不符合{articles}关于“{demand}”的要求（监察规则{rule}）。请你单位于{answer_by}24时前完成下列整改：",
            "{measures}",
            "整改完成后，请将整改情况及证明材料报本机关复核。",
        ),
    ),
    Form(
        kind=Kind.ACCOUNTABILITY,
        title=("关于{item}", "{matter}的", "责任追究建议书"),
        names_law=True,
        paragraphs=(
            _CASE + "{course}经认定，该件属于{matter}，没有正当理由：{reason}。",
            "上述情形不符合{articles}关于“{demand}”的要求（监察规则{rule}），依照{liability}的规定，建议：",
            "{measures}",
            "请于{answer_by}24时前将处理结果书面报本机关。",
        ),
    ),
    Form(
        kind=Kind.CLOSING,
        title=("关于{item}", "{matter}的", "销号通知书"),
        paragraphs=(
            "本机关以{earlier}文督办的{item}一件（受理编号{case_no}）{matter}问题，截至{as_of}，该件{state}。",
            "经复核，{result}。现予销号。",
        ),
    ),
    Form(
        kind=Kind.APPEAL,
        title=("关于{item}", "申诉的", "处理决定书"),
        paragraphs=(
            "你单位对本机关{earlier}文认定的{item}一件（受理编号{case_no}）{matter}提出申诉，本机关已复核。",
            "经查，{reason}。",
            "本机关决定：{result}。",
            "原文书及其撤销、维持的记录均予留存。",
        ),
    ),
    Form(
        kind=Kind.CIRCULAR,
        title=("关于{period}", "行政审批电子监察情况的", "通报"),
        is_free=True,
        paragraphs=(
            "现将{period}行政审批电子监察情况通报如下（数据截至{as_of}）。",
            "{figures}",
            "{reason}。",
            "请各单位对照检查，按下列要求落实：",
            "{measures}",
        ),
    ),
    Form(
        kind=Kind.BRIEFING,
        title=("关于{period}", "{matter}的", "简报"),
        paragraphs=(
            "现将{period}{matter}简要报告如下（数据截至{as_of}）。",
            "{figures}",
            "{result}。",
        ),
    ),
    Form(
        kind=Kind.ONE_TIME,
        title=("关于{item}", "一次性告知的", "提示函"),
        names_law=True,
        paragraphs=(
            "你单位于{received}收到的{item}申请一件（受理编号{case_no}），截至{as_of}，{state}。",
            "按照{articles}的规定，{demand}（监察规则{rule}）。请于{due}24时前作出处理，并将处理情况答复本机关。",
        ),
    ),
    Form(
        kind=Kind.DEEMED_ACCEPTED,
        title=("关于{item}", "视为受理的", "提示函"),
        names_law=True,
        paragraphs=(
            "你单位于{received}收到的{item}申请一件（受理编号{case_no}），截至{as_of}，{state}。",
            "按照{articles}的规定，逾期不告知的，自收到申请材料之日起即为受理（监察规则{rule}）。该件的办理时限已自{received}起计算，{budget}，应于{due}24时前办结。",
        ),
    ),
    Form(
        kind=Kind.DEEMED_RENEWED,
        title=("关于{item}", "视为准予延续的", "提示函"),
        names_law=True,
        paragraphs=(
            "你单位于{received}收到的{item}延续申请一件（受理编号{case_no}），应于{due}24时前作出决定。截至{as_of}，{state}。",
            "按照{articles}的规定，逾期未作决定的，视为准予延续（监察规则{rule}）。请你单位为申请人办理延续手续。",
        ),
    ),
    Form(
        kind=Kind.DISPLAY,
        title=("关于{item}", "公示缺项的", "整改通知书"),
        names_law=True,
        paragraphs=(
            "截至{as_of}，你单位公示的{item}缺少下列内容：",
            "{missing}",
            "上述情形不符合{articles}关于“{demand}”的要求（监察规则{rule}）。请于{answer_by}24时前补齐，并报本机关复核。",
        ),
    ),
    Form(
        kind=Kind.COMPLAINT_ACCEPTED,
        title=("投诉受理通知书",),
        to_person=True,
        drafts=_COMPLAINTS,
        paragraphs=(
            "您于{received}提出的投诉（编号{case_no}）已经收到。经审查，符合受理条件，现予受理。",
            "本机关将于{answer_by}24时前答复您。查询办理进度时，请使用上述编号。",
        ),
    ),
    Form(
        kind=Kind.COMPLAINT_REFUSED,
        title=("投诉不予受理通知书",),
        to_person=True,
        drafts=_COMPLAINTS,
        paragraphs=(
            "您于{received}提出的投诉（编号{case_no}）已经收到。经审查，不予受理，理由是：{reason}。",
            "您对不予受理有异议的，可以向本机关的上级机关反映。",
        ),
    ),
    Form(
        kind=Kind.COMPLAINT_REPLY,
        title=("投诉答复书",),
        to_person=True,
        drafts=_COMPLAINTS,
        paragraphs=(
            "您于{received}提出的投诉（编号{case_no}），本机关已经办理，现答复如下。",
            "{result}。",
            "您对办理结果不满意的，可以凭上述编号要求重新办理。",
        ),
    ),
)  # fmt: skip

FORMS = {form.kind: form for form in _ALL}
TOGETHER = Form(
    kind=Kind.ORDER,
    title=("关于{item}", "{matter}的", "督办通知书"),
    names_law=True,
    paragraphs=(
        "你单位受理的{item}，截至{as_of}存在下列问题：",
        "{figures}",
        "上述情形不符合{articles}的要求（监察规则{rule}）。",
        "现予督办，请你单位立即逐件办理，并于{answer_by}24时前逐件书面说明理由，附相关证明材料。",
        "逾期不办理、不说明理由或者理由不成立的，将依照{liability}等规定提出责任追究建议，并责令整改。",
        _CONTEST,
    ),
)
"""The order about several cases of one unit, which stand in its table."""


def form_of(kind: Kind, facts: Facts) -> Form:
    return TOGETHER if kind is Kind.ORDER and facts.figures is not None else FORMS[kind]
