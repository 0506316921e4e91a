"""What vendors of approval software call the canonical fields, in Chinese and English.

Chinese terms stand for their pinyin too: names.py compares a column with each term, its full pinyin and its
initials (受理时间, shouli_shijian, SLSJ). `HINTS` name the same thing only as a rule, so that they never suffice.
English terms are words in order; `time` stands for every way to say so (names.py).
"""

_WHEN = ("时间", "日期")


def _times(*stems: str) -> tuple[str, ...]:
    return tuple(f"{stem}{when}" for stem in stems for when in _WHEN)


def _each(stems: str, ends: str) -> tuple[str, ...]:
    return tuple(f"{stem}{end}" for stem in stems.split() for end in ends.split())


CASE: dict[str, tuple[str, ...]] = {
    "case_no": (
        *_each("办件 受理 业务 案件 申请 申报 申办 审批 收件 登记", "编号 流水号 号"),
        "流水号", "业务流水号", "案卷号", "办件编码", "业务号", "申报流水号",
    ),
    "item_code": _each("事项 审批事项 许可事项 服务事项 项目 审批项目 许可项目", "编码 代码 编号"),
    "item_name": (
        *_each("事项 审批事项 许可事项 服务事项 项目 审批项目 许可项目", "名称"),
        "审批事项", "许可事项", "办理事项", "申请事项", "事项",
    ),
    "applicant": (
        "申请人", "申请人名称", "申请人姓名", "申请单位", "申请单位名称", "申办人", "申办单位", "申报人", "申报单位",
        "申请者", "办事人", "申请企业", "行政相对人", "行政相对人名称", "申请对象", "申请人或单位",
    ),
    "phone": (
        "联系电话", "电话", "手机", "手机号", "手机号码", "联系方式", "联系人电话", "联系人手机", "申请人电话",
        "申请人手机", "电话号码", "申请人联系电话", "联系人手机号", "移动电话",
    ),
    "channel": (
        "申请渠道", "申报渠道", "受理渠道", "申请方式", "申报方式", "受理方式", "提交方式", "申请来源", "业务来源",
        "数据来源", "办件来源", "收件方式", "办理渠道", "来源",
    ),
    "org": (
        *_each("承办 办理 受理 审批 主办 责任 实施", "单位 部门 机构 科室 单位名称 部门名称 机构名称"),
        "部门", "单位", "科室", "部门名称", "单位名称", "实施主体", "实施主体名称",
    ),
    "responsible": (
        "责任人", "承办人", "办理人", "经办人", "受理人", "负责人", "主办人", "承办人姓名", "办理人姓名", "经办人姓名",
        "受理人姓名", "办理人员", "受理人员", "办理人员姓名",
    ),
    "received_at": _times("收件", "收到", "接件", "收案", "申请收件", "来件", "收文"),
    "accepted_at": _times("受理", "案件受理", "立案", "正式受理", "业务受理"),
    "promised": (
        *_each("承诺 承诺办结 承诺办理 办理承诺", "时限 期限 天数 工作日 日数"),
        "承诺日", "办理时限", "办理期限",
    ),
    "legal": _each("法定 法定办结 法定办理", "时限 期限 天数 工作日 日数"),
    "deadline": (
        *_times("应办结", "应办毕", "承诺办结", "到期", "截止", "预计办结", "承诺完成", "应完成", "限办", "承诺到期", "限期"),
        "最后期限", "办理截止时间", "办结期限", "办理截止日期",
    ),
    "finished_at": _times("办结", "办毕", "结案", "办理完成", "实际办结", "业务办结", "办件办结", "审批办结"),
    "outcome": (
        *_each("办理 办结 审批 处理 许可 审查", "结果 结论"),
        "结果", "办理结果描述", "办结结果描述", "审批决定", "办结方式", "办结类型", "决定",
    ),
    "status": (
        *_each("办件 业务 案件 办理 当前 审批 申请 流程 受理", "状态"),
        "状态", "状态名称", "办件状态名称", "当前环节状态",
    ),
}  # fmt: skip

STEP: dict[str, tuple[str, ...]] = {
    "seq": ("序号", "环节序号", "步骤序号", "步骤", "顺序", "顺序号", "排序", "步骤号", "环节号", "办理序号"),
    "step_name": (
        *_each("环节 步骤 节点 办理环节 审批环节 任务 活动 流程环节 流程节点", "名称"),
        "环节", "办理环节", "审批环节", "当前环节", "步骤名", "节点", "过程名称",
    ),
    "kind": _each("环节 步骤 节点 办理环节 审批环节 任务 活动", "类型 类别"),
    "actor": (
        "办理人", "经办人", "处理人", "审批人", "承办人", "审核人", "操作人", "办理人姓名", "审批人姓名", "经办人姓名",
        "处理人姓名", "办理人员", "操作员", "操作人员", "审批人员", "签批人", "处理人员", "审批人员姓名",
    ),
    "org": (
        *_each("办理 经办 处理 审批 承办 审核", "部门 单位 科室 机构 部门名称 单位名称"),
        "部门", "单位", "科室", "部门名称", "单位名称",
    ),
    "started_at": _times("开始", "环节开始", "到达", "接收", "办理开始", "开始办理", "进入", "签收", "起始"),
    "finished_at": _times("结束", "环节结束", "完成", "办结", "办理完成", "办毕", "办理结束", "处理完成", "结束办理"),
    "due_at": _times("应完成", "应办结", "截止", "到期", "环节到期", "限办", "限期", "限期完成", "要求完成"),
    "recorded_at": _times("录入", "登记录入", "入库", "填写", "补录"),
    "opinion": (
        *_each("办理 审批 处理 审核 审查 承办 签署 经办", "意见"),
        "意见", "意见内容", "批示", "办理说明", "办理意见内容",
    ),
}  # fmt: skip

HINTS: dict[str, tuple[str, ...]] = {
    "received_at": _times("申请", "申报", "提交", "登记", "接收"),
    "accepted_at": _times("开始", "办理开始"),
    "finished_at": _times("办理", "处理", "审批", "审核", "结束", "完成", "操作"),
    "started_at": _times("创建", "发送", "分派"),
    "responsible": ("登记人", "操作人"),
    "opinion": ("备注", "说明", "内容"),
    "case_no": ("编号", "编码", "主键"),
    "kind": ("环节编码", "环节代码"),
}

RARE = frozenset(
    _times(
        "来件", "收文", "收案", "收到", "立案", "办毕", "限办", "到期", "截止", "进入", "签收", "到达", "填写", "补录",
        "起始", "立案", "办理开始", "开始办理",
    )
)  # fmt: skip
"""Their initials mean something else more often (DQSJ: 当前时间, LJSJ: 领件时间, BBSJ: 报备时间), so they mean nothing."""

OTHERS: dict[str, tuple[str, ...]] = {
    "modified": (
        *_times("修改", "更新", "最后修改", "最后更新", "最近修改", "最近更新", "数据更新", "变更"),
        "时间戳", "最后更新时间戳",
    ),
    "created": _times("创建", "新建", "插入", "建立", "录入", "生成", "入库"),
    "id_no": ("身份证", "身份证号", "身份证号码", "证件号", "证件号码", "统一社会信用代码", "组织机构代码"),
    "address": ("地址", "联系地址", "申请人地址", "住址", "通讯地址"),
    "contact": ("联系人", "联系人姓名", "法定代表人", "代理人", "法人代表"),
    "remark": ("备注", "说明"),
    "agency": ("单位编码", "部门编码", "机构编码", "部门代码", "单位代码", "区划代码", "行政区划"),
    "step_state": ("环节状态", "步骤状态", "节点状态", "任务状态", "处理状态"),
    "paused_at": _times("暂停", "中止", "挂起", "恢复", "补正", "通知补正", "特别程序开始"),
    "other_time": _times("打印", "出证", "领取", "送达", "缴费", "出生", "有效", "有效期", "发证", "归档", "推送", "同步", "预约", "审定"),
    "unit": _each("时限 期限 承诺时限 承诺期限 承诺办结时限 办理时限 法定时限", "单位 类型 单位名称"),
    "deleted": ("删除标志", "是否删除", "有效标志", "删除标识"),
}  # fmt: skip

CASE_ENGLISH: dict[str, tuple[str, ...]] = {
    "case_no": (
        "case no", "apply no", "application no", "accept no", "acceptance no", "reg no", "register no", "biz no",
        "business no", "serial no", "receipt no", "project no", "affair no", "no", "proj no", "bill no", "event no",
    ),
    "item_code": (
        "item no", "matter no", "service no", "item id", "matter id", "task no", "affair type no", "catalog no",
        "power no", "permit no",
    ),
    "item_name": ("item name", "matter name", "service name", "item title", "power name", "item"),
    "applicant": (
        "applicant", "applicant name", "apply user name", "apply name", "applier", "applier name", "apply person",
        "proposer", "taxpayer", "taxpayer name", "apply user", "apply unit", "applicant person", "app name",
    ),
    "phone": (
        "phone", "mobile", "tel", "telephone", "cellphone", "contact phone", "contact tel", "link phone", "link tel",
        "applicant phone", "applicant mobile", "applicant tel", "phone no", "mobile no", "apply phone",
        "contact mobile", "mobile phone", "phonenumber",
    ),
    "channel": ("channel", "apply channel", "source", "apply source", "apply way", "apply mode", "accept channel"),
    "org": (
        "dept", "dept name", "org", "org name", "unit", "unit name", "agency", "agency name", "handle dept",
        "accept dept", "accept org", "handle org", "section", "bureau",
    ),
    "responsible": (
        "responsible", "handler", "handler name", "undertaker", "chief", "principal", "owner", "handle user",
        "handle by", "handle person", "transactor", "accept user", "accept person", "accepter", "handle user name",
        "accept by", "person in charge",
    ),
    "received_at": ("receive time", "received time", "receipt time", "recv time", "rcv time"),
    "accepted_at": ("accept time", "accepted time", "acceptance time", "acpt time"),
    "promised": (
        "promise days", "promised days", "promise limit", "promise", "limit days", "promise term", "promise period",
        "committed days", "promise workdays", "commit days", "promise time limit", "promised workdays",
    ),
    "legal": (
        "legal days", "law days", "statutory days", "legal limit", "legal term", "law limit", "legal period",
        "legal workdays", "statutory limit", "legal",
    ),
    "deadline": (
        "deadline", "due time", "plan end time", "planned end time", "promise end time", "promise finish time",
        "limit time", "deadline time", "should finish time", "expected finish time", "plan finish time",
    ),
    "finished_at": (
        "finish time", "finished time", "done time", "complete time", "completed time", "completion time",
        "close time", "closed time", "conclude time", "settle time",
    ),
    "outcome": (
        "result", "outcome", "handle result", "done result", "approve result", "decision", "conclusion",
        "result name", "finish result", "result desc",
    ),
    "status": (
        "status", "state", "case status", "apply status", "handle status", "case state", "biz status",
        "status name", "proc status", "apply state", "application status", "business status",
    ),
}  # fmt: skip

STEP_ENGLISH: dict[str, tuple[str, ...]] = {
    "seq": ("seq", "sn", "sort", "order no", "step no", "node no", "idx", "index no", "seq no", "sort no", "step", "node sort",
            "step order", "step seq", "node order"),
    "step_name": (
        "step name", "node name", "activity name", "act name", "task name", "link name", "stage name", "flow name",
        "process name", "step title", "node title", "title", "stage",
    ),
    "kind": ("step type", "node type", "activity type", "act type", "link type", "stage type", "step kind", "task type"),
    "actor": (
        "operator", "operator name", "actor", "handler", "handler name", "assignee", "assignee name", "user name",
        "auditor", "approver", "approver name", "staff", "processor", "handle by", "handle user", "transactor",
        "staff name", "handle person",
    ),
    "org": ("dept", "dept name", "org", "org name", "unit", "unit name", "section", "handle dept", "operator dept"),
    "started_at": ("start time", "begin time", "arrive time", "receive time", "started time", "claim time", "recv time"),
    "finished_at": (
        "end time", "finish time", "finished time", "complete time", "completed time", "done time", "ended time",
    ),
    "due_at": ("due time", "limit time", "deadline", "plan end time", "plan finish time"),
    "recorded_at": ("record time", "recorded time", "input time", "entry time"),
    "opinion": (
        "opinion", "remark", "comment", "idea", "suggestion", "advice", "note", "handle opinion", "comments",
        "audit opinion", "approve opinion", "comment text", "memo",
    ),
}  # fmt: skip

HINTS_ENGLISH: dict[str, tuple[str, ...]] = {
    "received_at": ("apply time", "submit time", "register time", "reg time", "application time", "sign time"),
    "accepted_at": ("start time", "begin time", "handle time"),
    "deadline": ("promise time", "expire time", "limit end time"),
    "finished_at": ("end time", "handle time", "process time", "approve time", "audit time", "deal time", "submit time",
                    "happened time", "happen time", "occurred time", "occur time"),
    "started_at": ("create time", "assign time", "process time"),
    "due_at": ("planned time", "plan time"),
    "step_name": ("name",),
    "case_no": ("code", "proj id", "case id"),
    "kind": ("type", "step code", "node code"),
    "channel": ("apply type", "type"),
    "applicant": ("name", "user name", "customer"),
}  # fmt: skip

OTHERS_ENGLISH: dict[str, tuple[str, ...]] = {
    "modified": (
        "modified time", "modify time", "update time", "updated time", "last update time", "last modified time",
        "mod time", "gmt modified", "last modify time", "upd time", "change time", "timestamp", "ts",
        "last updated time", "last update", "last modified",
    ),
    "created": ("create time", "created time", "gmt create", "insert time", "add time", "make time", "creation time"),
    "id_no": ("id card", "id no", "cert no", "card no", "credit no", "idcard", "certificate no"),
    "address": ("address", "addr"),
    "contact": ("contact", "contact name", "link man", "linkman", "agent name", "legal person"),
    "agency": ("org id", "dept id", "org no", "dept no", "unit id", "unit no", "area no"),
    "unit": ("promise unit", "promise type", "limit unit", "time unit", "day type", "promise days type", "limit type"),
    "deleted": ("del flag", "deleted", "is deleted", "is valid", "enabled"),
    "step_state": ("step status", "node status", "task status", "step state"),
    "other_time": ("print time", "birth time", "valid time", "sync time", "push time", "login time", "oper time",
                   "valid end time", "expire time", "archive time", "pay time"),
}  # fmt: skip
