"""Six vendors that the dictionaries were NOT written for: their names come from approval systems as they are met.

Nothing in `agent/core/probe` may be tuned by what fails here.
"""

from datetime import date, timedelta

from tests.probe.schema import (
    ACCEPTED,
    ACTOR,
    APPLICANT,
    BEGAN,
    CHANNEL,
    ENDED,
    FINISHED,
    FIXED,
    ID_NO,
    ITEM,
    ITEM_NAME,
    KIND,
    LEGAL,
    NO,
    NUMBER,
    OPINION,
    ORG,
    OUTCOME,
    PHONE,
    PROMISED,
    RECEIVED,
    RESPONSIBLE,
    SEQ,
    STATUS,
    STEP_ID,
    STEP_NAME,
    UPDATED,
    Col,
    K,
    S,
    Schema,
    Tab,
    at,
    coded,
    turned,
)  # fmt: skip

# 1. A province's exchange schema: full pinyin tables, pinyin-initial columns, one table per event.
_G_KIND = {
    K.RECEIVE: "01", K.SUPPLEMENT: "02", K.ACCEPT: "03", K.REFUSE: "04", K.CHECK: "05", K.PAUSE: "06",
    K.RESUME: "07", K.DECIDE: "08", K.DELIVER: "09", K.OTHER: "99",
}  # fmt: skip
PROVINCE = Schema(
    "province",
    (
        Tab(
            "T_SHENBAN",
            "case",
            (
                Col("SBLSH", "VARCHAR(32)", NO, "case_no"),
                Col("SXBM", "VARCHAR(32)", ITEM, "item_code"),
                Col("SXMC", "VARCHAR(200)", ITEM_NAME, "item_name"),
                Col("SQRMC", "VARCHAR(200)", APPLICANT, "applicant"),
                Col("LXRSJ", "VARCHAR(20)", PHONE, "phone"),
                Col("ZJHM", "VARCHAR(20)", ID_NO),
                Col("TJFS", "VARCHAR(20)", CHANNEL, "channel"),
                Col("SBSJ", "DATETIME", at(RECEIVED), "received_at"),
                Col("YXTLSH", "VARCHAR(40)", lambda s, e: f"YX{s.life.number[6:]}"),
                Col("GXSJ", "DATETIME", at(UPDATED)),
            ),
            ("SBLSH",),
            cursor="GXSJ",
        ),
        Tab(
            "T_SHOULI",
            "case.shouli",
            (
                Col("SBLSH", "VARCHAR(32)", NO),
                Col("SLBMMC", "VARCHAR(100)", ORG, "org"),
                Col("BLRXM", "VARCHAR(50)", RESPONSIBLE, "responsible"),
                Col("SLSJ", "DATETIME", at(ACCEPTED), "accepted_at"),
                Col("CNQX", "INTEGER", PROMISED, "promised"),
                Col("FDQX", "INTEGER", LEGAL, "legal"),
                Col("GXSJ", "DATETIME", at(UPDATED)),
            ),
            ("SBLSH",),
            parent=("SBLSH",),
            cursor="GXSJ",
            when=ACCEPTED,
        ),
        Tab(
            "T_GUOCHENG",
            "step",
            (
                Col("SBLSH", "VARCHAR(32)", NO),
                Col("XH", "INTEGER", SEQ, "seq"),
                Col("SPHJMC", "VARCHAR(100)", STEP_NAME, "step_name"),
                Col("SPHJDM", "VARCHAR(10)", coded(_G_KIND, KIND)),
                Col("SPBMMC", "VARCHAR(100)", ORG, "org"),
                Col("SPRXM", "VARCHAR(50)", ACTOR, "actor"),
                Col("KSSJ", "DATETIME", at(BEGAN), "started_at"),
                Col("SPSJ", "DATETIME", at(ENDED), "finished_at"),
                Col("SPYJ", "VARCHAR(500)", OPINION, "opinion"),
                Col("GXSJ", "DATETIME", at(UPDATED)),
            ),
            ("SBLSH", "XH"),
            parent=("SBLSH",),
            cursor="GXSJ",
        ),
        Tab(
            "T_BANJIE",
            "case.banjie",
            (
                Col("SBLSH", "VARCHAR(32)", NO),
                Col("BJSJ", "DATETIME", at(FINISHED), "finished_at"),
                Col("BJJGMS", "VARCHAR(100)", OUTCOME, "outcome"),
                Col("GXSJ", "DATETIME", at(UPDATED)),
            ),
            ("SBLSH",),
            parent=("SBLSH",),
            cursor="GXSJ",
            when=FINISHED,
        ),
    ),
)

# 2. A city's supervision interface in English, composite keys, codes as letters, the step log beside it.
_J_STATE = {
    S.RECEIVED: "待受理", S.ACCEPTED: "受理", S.IN_PROGRESS: "办理中", S.PAUSED: "挂起", S.DONE: "办结",
    S.REFUSED_ACCEPTANCE: "不予受理", S.WITHDRAWN: "撤销申请",
}  # fmt: skip
INTERFACE = Schema(
    "interface",
    (
        Tab(
            "EA_JC_STEP_BASICINFO",
            "case",
            (
                Col("NO", "VARCHAR(50)", NO, "case_no"),
                Col("ORG_ID", "VARCHAR(20)", FIXED("JS320500")),
                Col("ITEM_ID", "VARCHAR(50)", ITEM, "item_code"),
                Col("ITEM_NAME", "VARCHAR(300)", ITEM_NAME, "item_name"),
                Col("DEPARTMENT", "VARCHAR(100)", ORG, "org"),
                Col("APPLICANT_NAME", "VARCHAR(100)", APPLICANT, "applicant"),
                Col("APPLICANT_MOBILE", "VARCHAR(30)", PHONE, "phone"),
                Col("APPLY_TYPE", "VARCHAR(20)", CHANNEL, "channel"),
                Col("ACCEPT_DATE", "DATETIME", at(ACCEPTED), "accepted_at"),
                Col("PROMISE", "INTEGER", PROMISED, "promised"),
                Col("ANTICIPATE", "INTEGER", LEGAL, "legal"),
                Col("STATUS", "VARCHAR(20)", coded(_J_STATE, STATUS), "status", "", turned(_J_STATE)),
                Col("MAKETIME", "DATETIME", at(RECEIVED)),
                Col("UPDATE_DATE", "DATETIME", at(UPDATED)),
            ),
            ("ORG_ID", "NO"),
            parent=("NO",),
            cursor="UPDATE_DATE",
        ),
        Tab(
            "EA_JC_STEP_PROC",
            "step",
            (
                Col("ID", "INTEGER", STEP_ID),
                Col("NO", "VARCHAR(50)", NO),
                Col("SN", "INTEGER", SEQ, "seq"),
                Col("NAME", "VARCHAR(100)", STEP_NAME, "step_name"),
                Col("PROMISE", "INTEGER", FIXED(1)),
                Col("USER_STAFF_CODE", "VARCHAR(20)", lambda s, e: f"U{hash(e.stage.actor) % 7:03}"),
                Col("USER_NAME", "VARCHAR(50)", ACTOR, "actor"),
                Col("DEPT", "VARCHAR(50)", ORG, "org"),
                Col("PROCESS_DATE", "DATETIME", at(BEGAN)),
                Col("COMPLETE_TIME", "DATETIME", at(ENDED), "finished_at"),
                Col("NOTE", "VARCHAR(300)", OPINION, "opinion"),
                Col("UPDATE_DATE", "DATETIME", at(UPDATED)),
            ),
            ("ID",),
            parent=("NO",),
            cursor="UPDATE_DATE",
        ),
        Tab(
            "EA_JC_STEP_DONE",
            "case.done",
            (
                Col("NO", "VARCHAR(50)", NO),
                Col("DONERESULT", "VARCHAR(50)", OUTCOME, "outcome"),
                Col("DONE_DATE", "DATETIME", at(FINISHED), "finished_at"),
                Col("UPDATE_DATE", "DATETIME", at(UPDATED)),
            ),
            ("NO",),
            parent=("NO",),
            cursor="UPDATE_DATE",
            when=FINISHED,
        ),
        Tab(
            "TB_LOGIN_LOG",
            "",
            tuple(
                Col(n, t, FIXED(None))
                for n, t in (
                    ("LOG_ID", "INTEGER"),
                    ("LOGIN_NAME", "VARCHAR(20)"),
                    ("IP", "VARCHAR(20)"),
                    ("LOGIN_TIME", "DATETIME"),
                )
            ),
            ("LOG_ID",),
            rows=[
                (n, f"user{n % 9}", f"10.1.1.{n % 200}", f"2026-04-{n % 28 + 1:02} 08:{n % 60:02}:11")
                for n in range(1, 400)
            ],
        ),
    ),
)

# 3. Full pinyin, times as Unix seconds, statuses as words in pinyin-free Chinese.
_P_STATE = {
    S.RECEIVED: "已收件", S.ACCEPTED: "已受理", S.IN_PROGRESS: "审核中", S.PAUSED: "已中止", S.DONE: "已办结",
    S.REFUSED_ACCEPTANCE: "不予受理", S.WITHDRAWN: "已撤回",
}  # fmt: skip
PINYIN = Schema(
    "full-pinyin",
    (
        Tab(
            "banjian_xinxi",
            "case",
            (
                Col("id", "INTEGER", NUMBER),
                Col("banjian_bianhao", "VARCHAR(30)", NO, "case_no"),
                Col("shixiang_bianma", "VARCHAR(30)", ITEM, "item_code"),
                Col("shixiang_mingcheng", "VARCHAR(100)", ITEM_NAME, "item_name"),
                Col("shenqingren", "VARCHAR(100)", APPLICANT, "applicant"),
                Col("shoujihao", "VARCHAR(20)", PHONE, "phone"),
                Col("zhengjianhaoma", "VARCHAR(20)", ID_NO),
                Col("chengban_keshi", "VARCHAR(50)", ORG, "org"),
                Col("shoujian_shijian", "INTEGER", at(RECEIVED, "unix"), "received_at"),
                Col("shouli_shijian", "INTEGER", at(ACCEPTED, "unix", 0), "accepted_at"),
                Col("chengnuo_tianshu", "INTEGER", PROMISED, "promised"),
                Col("banjie_shijian", "INTEGER", at(FINISHED, "unix", 0), "finished_at"),
                Col("banli_jieguo", "VARCHAR(30)", OUTCOME, "outcome"),
                Col("zhuangtai", "VARCHAR(20)", coded(_P_STATE, STATUS), "status", "", turned(_P_STATE)),
                Col("gengxin_shijian", "INTEGER", at(UPDATED, "unix")),
            ),
            ("id",),
            cursor="gengxin_shijian",
        ),
        Tab(
            "banli_liucheng",
            "step",
            (
                Col("id", "INTEGER", STEP_ID),
                Col("banjian_id", "INTEGER", NUMBER),
                Col("buzhou", "INTEGER", SEQ, "seq"),
                Col("huanjie_mingcheng", "VARCHAR(50)", STEP_NAME, "step_name"),
                Col("jingbanren", "VARCHAR(20)", ACTOR, "actor"),
                Col("bumen", "VARCHAR(50)", ORG, "org"),
                Col("kaishi_shijian", "INTEGER", at(BEGAN, "unix"), "started_at"),
                Col("jieshu_shijian", "INTEGER", at(ENDED, "unix", 0), "finished_at"),
                Col("yijian", "VARCHAR(200)", OPINION, "opinion"),
                Col("gengxin_shijian", "INTEGER", at(UPDATED, "unix")),
            ),
            ("id",),
            parent=("banjian_id",),
            cursor="gengxin_shijian",
        ),
        Tab(
            "yonghu",
            "",
            tuple(
                Col(n, t, FIXED(None))
                for n, t in (
                    ("id", "INTEGER"),
                    ("zhanghao", "VARCHAR(20)"),
                    ("xingming", "VARCHAR(20)"),
                    ("mima", "VARCHAR(64)"),
                    ("zhuangtai", "INTEGER"),
                )
            ),
            ("id",),
            rows=[
                (n, f"u{n}", "王芳李强"[n % 3 : n % 3 + 2], "e10adc3949ba59abbe56e057f20f883e", n % 2)
                for n in range(1, 60)
            ],
        ),
    ),
)

# 4. Chinese names throughout, GBK, times written out in Chinese, no key declared on the steps.
_C_KIND = {
    K.RECEIVE: "登记", K.SUPPLEMENT: "补件", K.ACCEPT: "受理", K.REFUSE: "不予受理", K.CHECK: "审核", K.PAUSE: "暂停",
    K.RESUME: "恢复", K.DECIDE: "审批", K.DELIVER: "发证", K.OTHER: "其它",
}  # fmt: skip
_C_STATE = {
    S.RECEIVED: "收件", S.ACCEPTED: "已受理", S.IN_PROGRESS: "审批中", S.PAUSED: "暂停", S.DONE: "办毕",
    S.REFUSED_ACCEPTANCE: "不受理", S.WITHDRAWN: "退件",
}  # fmt: skip
_WRITTEN = "%Y年%m月%d日 %H:%M"
CHINESE = Schema(
    "chinese-gbk",
    (
        Tab(
            "审批业务表",
            "case",
            (
                Col("业务编号", "CHAR(24)", NO, "case_no"),
                Col("审批事项", "CHAR(60)", ITEM_NAME, "item_name"),
                Col("事项代码", "CHAR(20)", ITEM, "item_code"),
                Col("申办人", "CHAR(60)", APPLICANT, "applicant"),
                Col("联系方式", "CHAR(20)", PHONE, "phone"),
                Col("承办科室", "CHAR(40)", ORG, "org"),
                Col("收件日期", "CHAR(30)", at(RECEIVED, _WRITTEN), "received_at"),
                Col("受理日期", "CHAR(30)", at(ACCEPTED, _WRITTEN, ""), "accepted_at"),
                Col("承诺期限", "CHAR(20)", lambda s, e: f"{s.life.item.promised_days}个工作日", "promised"),
                Col("办结日期", "CHAR(30)", at(FINISHED, _WRITTEN, ""), "finished_at"),
                Col("审批结果", "CHAR(20)", lambda s, e: s.outcome or "", "outcome"),
                Col("业务状态", "CHAR(10)", coded(_C_STATE, STATUS), "status", "", turned(_C_STATE)),
                Col("最后修改时间", "CHAR(30)", at(UPDATED)),
            ),
            ("业务编号",),
            cursor="最后修改时间",
        ),
        Tab(
            "审批流转表",
            "step",
            (
                Col("业务编号", "CHAR(24)", NO),
                Col("流转序号", "INTEGER", SEQ, "seq"),
                Col("流转环节", "CHAR(40)", STEP_NAME, "step_name"),
                Col("环节类别", "CHAR(10)", coded(_C_KIND, KIND), "kind", "", turned(_C_KIND)),
                Col("处理人", "CHAR(20)", ACTOR, "actor"),
                Col("处理科室", "CHAR(40)", ORG, "org"),
                Col("接收时间", "CHAR(30)", at(BEGAN, _WRITTEN), "started_at"),
                Col("办理时间", "CHAR(30)", at(ENDED, _WRITTEN, ""), "finished_at"),
                Col("处理意见", "CHAR(200)", OPINION, "opinion"),
                Col("最后修改时间", "CHAR(30)", at(UPDATED)),
            ),
            ("业务编号", "流转序号"),
            parent=("业务编号",),
            cursor="最后修改时间",
            primary=False,
        ),
        Tab(
            "材料清单",
            "",
            tuple(
                Col(n, t, FIXED(None))
                for n, t in (
                    ("编号", "INTEGER"),
                    ("业务编号", "CHAR(24)"),
                    ("材料名称", "CHAR(60)"),
                    ("份数", "INTEGER"),
                    ("收取时间", "CHAR(30)"),
                )
            ),
            ("编号",),
            rows=[
                (
                    n,
                    f"37992026030201{n % 5 + 1:03}",
                    ("身份证复印件", "申请表", "营业执照")[n % 3],
                    n % 2 + 1,
                    f"2026年03月{n % 20 + 1:02}日 09:10",
                )
                for n in range(1, 500)
            ],
        ),
    ),
    charset="gb18030",
)

# 5. A Java framework's style: camel-free snake English with column comments, a dictionary, users and logs beside it.
_R_STATE = {
    S.RECEIVED: "0", S.ACCEPTED: "1", S.IN_PROGRESS: "2", S.PAUSED: "3", S.DONE: "4", S.REFUSED_ACCEPTANCE: "5",
    S.WITHDRAWN: "6",
}  # fmt: skip
_R_KIND = {
    K.RECEIVE: "SJ", K.SUPPLEMENT: "BZ", K.ACCEPT: "SL", K.REFUSE: "BYSL", K.CHECK: "SC", K.PAUSE: "ZT",
    K.RESUME: "HF", K.DECIDE: "JD", K.DELIVER: "SD", K.OTHER: "QT",
}  # fmt: skip
FRAMEWORK = Schema(
    "framework",
    (
        Tab(
            "biz_apply",
            "case",
            (
                Col("apply_id", "BIGINT", NUMBER, "", "主键"),
                Col("apply_no", "VARCHAR(32)", NO, "case_no", "办件编号"),
                Col("matter_code", "VARCHAR(32)", ITEM, "item_code", "事项编码"),
                Col("matter_name", "VARCHAR(200)", ITEM_NAME, "item_name", "事项名称"),
                Col("user_name", "VARCHAR(100)", APPLICANT, "applicant", "申请人姓名"),
                Col("id_card", "VARCHAR(18)", ID_NO, "", "身份证号"),
                Col("phonenumber", "VARCHAR(11)", PHONE, "phone", "联系电话"),
                Col("apply_source", "VARCHAR(20)", CHANNEL, "channel", "申请来源"),
                Col("dept_name", "VARCHAR(100)", ORG, "org", "承办部门"),
                Col("handle_by", "VARCHAR(30)", RESPONSIBLE, "responsible", "经办人"),
                Col("receive_time", "DATETIME", at(RECEIVED), "received_at", "收件时间"),
                Col("handle_time", "DATETIME", at(ACCEPTED), "accepted_at", "受理时间"),
                Col("limit_day", "INT", PROMISED, "promised", "承诺办结时限（工作日）"),
                Col("end_time", "DATETIME", at(FINISHED), "finished_at", "办结时间"),
                Col("result_desc", "VARCHAR(50)", OUTCOME, "outcome", "办理结果"),
                Col(
                    "status",
                    "CHAR(1)",
                    coded(_R_STATE, STATUS),
                    "status",
                    "状态（0已收件 1已受理 2办理中 3已暂停 4已办结 5不予受理 6已撤件）",
                    turned(_R_STATE),
                ),
                Col("del_flag", "CHAR(1)", FIXED("0"), "", "删除标志（0代表存在 2代表删除）"),
                Col("create_time", "DATETIME", at(RECEIVED), "", "创建时间"),
                Col("update_time", "DATETIME", at(UPDATED), "", "更新时间"),
            ),
            ("apply_id",),
            cursor="update_time",
            comment="办件申请表",
        ),
        Tab(
            "biz_apply_node",
            "step",
            (
                Col("node_id", "BIGINT", STEP_ID, "", "主键"),
                Col("apply_id", "BIGINT", NUMBER, "", "申请ID"),
                Col("node_sort", "INT", SEQ, "seq", "环节序号"),
                Col("node_name", "VARCHAR(50)", STEP_NAME, "step_name", "环节名称"),
                Col(
                    "node_type",
                    "VARCHAR(10)",
                    coded(_R_KIND, KIND),
                    "kind",
                    "环节类型（SJ收件 BZ补正 SL受理 BYSL不予受理 SC审查 ZT暂停 HF恢复 JD决定 SD送达 QT其他）",
                    turned(_R_KIND),
                ),
                Col("assignee", "VARCHAR(30)", ACTOR, "actor", "办理人"),
                Col("dept_name", "VARCHAR(100)", ORG, "org", "办理部门"),
                Col("begin_time", "DATETIME", at(BEGAN), "started_at", "开始时间"),
                Col("finish_time", "DATETIME", at(ENDED), "finished_at", "完成时间"),
                Col("comment_text", "VARCHAR(300)", OPINION, "opinion", "审批意见"),
                Col("update_time", "DATETIME", at(UPDATED), "", "更新时间"),
            ),
            ("node_id",),
            parent=("apply_id",),
            cursor="update_time",
            comment="办件环节表",
        ),
        Tab(
            "sys_oper_log",
            "",
            tuple(
                Col(n, t, FIXED(None), "", c)
                for n, t, c in (
                    ("oper_id", "BIGINT", "日志主键"),
                    ("title", "VARCHAR(50)", "模块标题"),
                    ("oper_name", "VARCHAR(50)", "操作人员"),
                    ("oper_time", "DATETIME", "操作时间"),
                    ("status", "INT", "操作状态（0正常 1异常）"),
                )
            ),
            ("oper_id",),
            comment="操作日志记录",
            rows=[
                (n, "用户管理", "admin", f"2026-05-{n % 28 + 1:02} 10:{n % 60:02}:00", 0)
                for n in range(1, 700)
            ],
        ),
        Tab(
            "sys_user",
            "",
            tuple(
                Col(n, t, FIXED(None), "", c)
                for n, t, c in (
                    ("user_id", "BIGINT", "用户ID"),
                    ("user_name", "VARCHAR(30)", "用户账号"),
                    ("nick_name", "VARCHAR(30)", "用户昵称"),
                    ("phonenumber", "VARCHAR(11)", "手机号码"),
                    ("password", "VARCHAR(100)", "密码"),
                    ("status", "CHAR(1)", "帐号状态（0正常 1停用）"),
                    ("create_time", "DATETIME", "创建时间"),
                )
            ),
            ("user_id",),
            comment="用户信息表",
            rows=[
                (
                    n,
                    f"user{n}",
                    "张敏",
                    f"1000000{n:04}",
                    "$2a$10$7JB720yubVSZvUI0rEqK",
                    "0",
                    "2025-01-01 08:00:00",
                )
                for n in range(1, 50)
            ],
        ),
    ),
)

# 6. An old client-server program: padded CHAR keys, DATE only, mixed prefixes; states as single letters.
_O_STATE = {
    S.RECEIVED: "A", S.ACCEPTED: "B", S.IN_PROGRESS: "C", S.PAUSED: "D", S.DONE: "E", S.REFUSED_ACCEPTANCE: "F",
    S.WITHDRAWN: "G",
}  # fmt: skip


def _pad(width: int, get: object) -> object:
    return lambda s, e: str(get(s, e)).ljust(width)  # type: ignore[operator]


OLD = Schema(
    "client-server",
    (
        Tab(
            "YWDJ",
            "case",
            (
                Col("F_YWLSH", "CHAR(28)", _pad(28, NO), "case_no"),  # type: ignore[arg-type]
                Col("F_SPXMBH", "CHAR(12)", _pad(12, ITEM), "item_code"),  # type: ignore[arg-type]
                Col("F_SPXMMC", "CHAR(60)", ITEM_NAME, "item_name"),
                Col("F_SQDW", "CHAR(80)", APPLICANT, "applicant"),
                Col("F_DH", "CHAR(20)", PHONE, "phone"),
                Col("F_JBR", "CHAR(20)", RESPONSIBLE, "responsible"),
                Col("F_SJRQ", "DATE", at(RECEIVED, "%Y-%m-%d"), "received_at"),
                Col("F_SLRQ", "DATE", at(ACCEPTED, "%Y-%m-%d"), "accepted_at"),
                Col("F_CNTS", "INTEGER", PROMISED, "promised"),
                Col("F_FDTS", "INTEGER", LEGAL, "legal"),
                Col("F_BJRQ", "DATE", at(FINISHED, "%Y-%m-%d"), "finished_at"),
                Col("F_ZT", "CHAR(1)", coded(_O_STATE, STATUS), "status", "", turned(_O_STATE)),
                Col("F_BZ", "CHAR(100)", FIXED("")),
            ),
            ("F_YWLSH",),
        ),
        Tab(
            "YWLZ",
            "step",
            (
                Col("F_YWLSH", "CHAR(28)", _pad(28, NO)),  # type: ignore[arg-type]
                Col("F_LZXH", "INTEGER", SEQ, "seq"),
                Col("F_HJMC", "CHAR(40)", STEP_NAME, "step_name"),
                Col("F_CLR", "CHAR(20)", ACTOR, "actor"),
                Col("F_CLKS", "CHAR(40)", ORG, "org"),
                Col("F_JSRQ", "DATE", at(BEGAN, "%Y-%m-%d"), "started_at"),
                Col("F_WCRQ", "DATE", at(ENDED, "%Y-%m-%d"), "finished_at"),
                Col("F_CLYJ", "CHAR(200)", OPINION, "opinion"),
            ),
            ("F_YWLSH", "F_LZXH"),
            parent=("F_YWLSH",),
        ),
        Tab(
            "DM_JJR",
            "",
            tuple(Col(n, t, FIXED(None)) for n, t in (("RQ", "DATE"), ("SM", "CHAR(20)"))),
            ("RQ",),
            rows=[(str(date(2026, 1, 1) + timedelta(days=n)), "节假日") for n in range(0, 300, 7)],
        ),
    ),
)

HELD_OUT = (PROVINCE, INTERFACE, PINYIN, CHINESE, FRAMEWORK, OLD)
