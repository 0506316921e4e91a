"""Who may do what: one table, role -> permissions (supervision.md 3.17 as far as its pages exist).

Every route names one permission when it is registered (`Route(method, path, handler, Permission.X)`); a route without
one cannot be registered. Where a role may do it is `scope.py`. Personal data is masked on every page.
"""

from enum import StrEnum


class Role(StrEnum):
    """What a user of the hall is. Citizens are not users: their pages need no account."""

    CLERK = "clerk"
    HEAD = "head"
    SUPERVISOR = "supervisor"
    CHIEF = "chief"
    CENTRE = "centre"
    REVIEWER = "reviewer"
    COMPLAINTS = "complaints"
    PUBLISHER = "publisher"
    RELEASER = "releaser"
    LEADER = "leader"
    IT = "it"
    ACCOUNTS = "accounts"
    SECURITY = "security"
    AUDITOR = "auditor"
    WALL = "wall"

    @property
    def word(self) -> str:
        return _ROLE_WORDS[self]


_ROLE_WORDS = {
    Role.CLERK: "窗口承办人",
    Role.HEAD: "部门负责人",
    Role.SUPERVISOR: "监察员",
    Role.CHIEF: "监察领导",
    Role.CENTRE: "政务中心",
    Role.REVIEWER: "法制效能审核",
    Role.COMPLAINTS: "投诉受理员",
    Role.PUBLISHER: "发布员",
    Role.RELEASER: "发布审核员",
    Role.LEADER: "领导（只读）",
    Role.IT: "运维",
    Role.ACCOUNTS: "系统管理员",
    Role.SECURITY: "安全管理员",
    Role.AUDITOR: "审计管理员",
    Role.WALL: "大屏",
}


class Permission(StrEnum):
    """What a route asks for."""

    PUBLIC = "public"  # nobody need be known: log-in page, style sheets
    ACCOUNT = "account"  # any logged-in user: own password, log-out
    VIEW_WALL = "view_wall"
    VIEW_SITE = "view_site"
    KEEP_BOX = "keep_box"  # the sites' machines, and the commands by which they are kept
    VIEW_CASE = "view_case"  # case content, personal data masked
    SHARE_VIEW = "share_view"  # show a saved view of a list to everybody who may open the list
    EXPORT_CASE = "export_case"  # a list as a file, masked as on the page
    REVEAL_PERSON = "reveal_person"  # name and telephone of one case, with a reason, audited
    VIEW_ITEM = "view_item"  # the item catalogue with its history
    DRAFT_ITEM = "draft_item"  # propose a change of the catalogue
    APPROVE_ITEM = "approve_item"  # put another's proposal into force, or refuse it
    VIEW_FINDING = "view_finding"  # what is suspected, before anybody has looked into it
    VIEW_CORRECTION = "view_correction"  # the hall's side of a correction: its dossier, its documents
    WORK_CORRECTION = "work_correction"  # the hall's acts; which of them, the table of the correction says
    ANSWER_CORRECTION = "answer_correction"  # the unit's side: read, receive, explain, appeal, rectify
    VIEW_SCORE = "view_score"  # results, with the cases of every fault
    RUN_SCORE = "run_score"  # have a period scored: a provisional result, and its window for objections
    OBJECT_SCORE = "object_score"  # the unit's side: object to a fault of a provisional result
    DECIDE_SCORE = "decide_score"  # grant or refuse another's objection; make a result final
    VIEW_SCHEME = "view_scheme"  # how is scored, in every version; what a change would move, by site
    DRAFT_SCHEME = "draft_scheme"  # propose a change of the score scheme
    APPROVE_SCHEME = "approve_scheme"  # put another's proposal into force, or refuse it
    VIEW_STATISTICS = "view_statistics"
    VIEW_PUBLICATION = "view_publication"  # what is to be public, was, and is no more
    DRAFT_PUBLICATION = "draft_publication"
    RELEASE_PUBLICATION = "release_publication"  # another's draft: make it public or not; take it back
    VIEW_COMPLAINT = "view_complaint"  # complaints without who complained
    WORK_COMPLAINT = "work_complaint"  # the hall's acts; at which level, the table of the complaint says
    REVEAL_COMPLAINANT = "reveal_complainant"  # who complained, with a reason, audited
    ANSWER_COMPLAINT = "answer_complaint"  # the unit's side: what the hall has written for it, and its answer
    VIEW_RATING = "view_rating"  # ratings without who rated, patterns, windows
    WORK_RATING = "work_rating"  # call back, set aside with a reason, keep the windows' codes
    ANSWER_RATING = "answer_rating"  # the office's side: what it has mended
    VIEW_CONSULT = "view_consult"  # questions and answers
    WORK_CONSULT = "work_consult"  # answer; draft what is to be published of it
    ACCEPT_ALARM = "accept_alarm"  # take a site's data as it is, in spite of an alarm
    EXPLAIN_FINDING = "explain_finding"  # say what a finding was, after looking into it
    VIEW_STILL = "view_still"  # pictures and clips of the cameras, masked; each look audited
    SHOW_STILL = "show_still"  # a screen: the newest masked picture of each camera; audited by the day
    ORDER_STILL = "order_still"  # have one taken, with a reason; masked
    UNMASK_STILL = "unmask_still"  # have one taken or look at one that is not masked, with a reason, audited
    VIEW_LIVE = "view_live"  # cameras live, masked; each look audited, from and to
    UNMASK_LIVE = "unmask_live"  # one that is not masked, with a reason, audited
    VIEW_ACCOUNT = "view_account"
    MANAGE_ACCOUNT = "manage_account"  # ask for an account, another role or reach; passwords; in use or not
    APPROVE_ACCOUNT = "approve_account"  # authorise what was asked for; second factors; end sessions
    VIEW_TRAIL = "view_trail"  # who looked at what, decided what, and why

    @property
    def word(self) -> str:
        return _PERMISSION_WORDS[self]


_PERMISSION_WORDS = {
    Permission.PUBLIC: "任何人可用",
    Permission.ACCOUNT: "登录后可用",
    Permission.VIEW_WALL: "查看总览大屏",
    Permission.VIEW_SITE: "查看站点",
    Permission.KEEP_BOX: "看管站点机器",
    Permission.VIEW_CASE: "查看办件（个人信息已遮挡）",
    Permission.SHARE_VIEW: "共享常用查询",
    Permission.EXPORT_CASE: "导出办件列表",
    Permission.REVEAL_PERSON: "查看申请人（写明原因，记入审计）",
    Permission.VIEW_ITEM: "查看事项",
    Permission.DRAFT_ITEM: "起草事项的改动",
    Permission.APPROVE_ITEM: "审定事项的改动",
    Permission.VIEW_FINDING: "查看疑点",
    Permission.VIEW_CORRECTION: "查看纠错",
    Permission.WORK_CORRECTION: "办理纠错",
    Permission.ANSWER_CORRECTION: "答复本单位的纠错",
    Permission.VIEW_SCORE: "查看评分",
    Permission.RUN_SCORE: "为一个期间评分",
    Permission.OBJECT_SCORE: "对本单位的评分提出异议",
    Permission.DECIDE_SCORE: "认定评分异议、定稿",
    Permission.VIEW_SCHEME: "查看评分方案",
    Permission.DRAFT_SCHEME: "起草评分方案",
    Permission.APPROVE_SCHEME: "审定评分方案",
    Permission.VIEW_STATISTICS: "查看与导出统计",
    Permission.VIEW_PUBLICATION: "查看公布件",
    Permission.DRAFT_PUBLICATION: "拟公布件",
    Permission.RELEASE_PUBLICATION: "审核、发布与撤回公布件",
    Permission.VIEW_COMPLAINT: "查看投诉（看不到投诉人）",
    Permission.WORK_COMPLAINT: "办理投诉",
    Permission.REVEAL_COMPLAINANT: "查看投诉人（写明原因，记入审计）",
    Permission.ANSWER_COMPLAINT: "办理交办本单位的投诉",
    Permission.VIEW_RATING: "查看好差评",
    Permission.WORK_RATING: "回访差评、审核异常评价、管窗口评价码",
    Permission.ANSWER_RATING: "答复本单位的差评",
    Permission.VIEW_CONSULT: "查看咨询",
    Permission.WORK_CONSULT: "答复咨询、拟公布",
    Permission.ACCEPT_ALARM: "核实站点数据的告警",
    Permission.EXPLAIN_FINDING: "核实疑点",
    Permission.VIEW_STILL: "查看证据图片（已遮挡）",
    Permission.SHOW_STILL: "大屏轮流显示图片（已遮挡，按天记入审计）",
    Permission.ORDER_STILL: "令站点取图（写明原因，已遮挡）",
    Permission.UNMASK_STILL: "取与看未遮挡的图片（写明原因，记入审计）",
    Permission.VIEW_LIVE: "看现场画面（已遮挡，记入审计）",
    Permission.UNMASK_LIVE: "看未遮挡的现场画面（写明原因，记入审计）",
    Permission.VIEW_ACCOUNT: "查看用户",
    Permission.MANAGE_ACCOUNT: "管理用户",
    Permission.APPROVE_ACCOUNT: "授权用户",
    Permission.VIEW_TRAIL: "查看审计",
}

_WALL = frozenset({Permission.PUBLIC, Permission.ACCOUNT, Permission.VIEW_WALL})
_SITE = _WALL | {Permission.VIEW_SITE}
_CASE = _SITE | {Permission.VIEW_CASE, Permission.VIEW_ITEM}
_EXPORT = _CASE | {Permission.EXPORT_CASE}
_OWN = frozenset({Permission.ANSWER_CORRECTION, Permission.ANSWER_COMPLAINT, Permission.ANSWER_RATING})
_FIGURES = frozenset({Permission.VIEW_SCORE, Permission.VIEW_STATISTICS, Permission.VIEW_PUBLICATION})
_WATCH = (
    _EXPORT
    | _FIGURES
    | {
        Permission.VIEW_SCHEME,
        Permission.DRAFT_SCHEME,
        Permission.RUN_SCORE,
        Permission.SHARE_VIEW,
        Permission.REVEAL_PERSON,
        Permission.VIEW_FINDING,
        Permission.VIEW_CORRECTION,
        Permission.WORK_CORRECTION,
        Permission.VIEW_COMPLAINT,
        Permission.WORK_COMPLAINT,
        Permission.VIEW_RATING,
        Permission.VIEW_CONSULT,
        Permission.ACCEPT_ALARM,
        Permission.EXPLAIN_FINDING,
        Permission.VIEW_STILL,
        Permission.ORDER_STILL,
        Permission.VIEW_LIVE,
    }
)

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.CLERK: _CASE | _OWN,
    Role.HEAD: _EXPORT
    | _OWN
    | {
        Permission.VIEW_SCORE,
        Permission.OBJECT_SCORE,
        Permission.VIEW_STATISTICS,
    },
    Role.SUPERVISOR: _WATCH,
    Role.CHIEF: _WATCH
    | {Permission.DECIDE_SCORE, Permission.APPROVE_SCHEME, Permission.UNMASK_STILL, Permission.UNMASK_LIVE},
    Role.CENTRE: _SITE
    | {Permission.VIEW_ITEM, Permission.DRAFT_ITEM, Permission.VIEW_RATING, Permission.WORK_RATING}
    | {Permission.VIEW_CONSULT, Permission.WORK_CONSULT, Permission.VIEW_STILL, Permission.ORDER_STILL}
    | {Permission.VIEW_LIVE},
    Role.REVIEWER: _WALL
    | {Permission.VIEW_ITEM, Permission.DRAFT_ITEM, Permission.APPROVE_ITEM}
    | {Permission.VIEW_SCHEME, Permission.DRAFT_SCHEME, Permission.APPROVE_SCHEME},
    Role.COMPLAINTS: _WALL
    | {Permission.VIEW_COMPLAINT, Permission.WORK_COMPLAINT, Permission.REVEAL_COMPLAINANT},
    Role.PUBLISHER: _WALL | {Permission.VIEW_PUBLICATION, Permission.DRAFT_PUBLICATION},
    Role.RELEASER: _WALL
    | {Permission.VIEW_PUBLICATION, Permission.RELEASE_PUBLICATION, Permission.VIEW_CONSULT},
    Role.LEADER: _CASE
    | _FIGURES
    | {Permission.VIEW_SCHEME, Permission.VIEW_FINDING, Permission.VIEW_CORRECTION},
    Role.IT: _CASE
    | {Permission.KEEP_BOX, Permission.VIEW_STILL, Permission.ORDER_STILL, Permission.VIEW_LIVE},
    Role.ACCOUNTS: _WALL | {Permission.VIEW_ACCOUNT, Permission.MANAGE_ACCOUNT},
    Role.SECURITY: _WALL | {Permission.VIEW_ACCOUNT, Permission.APPROVE_ACCOUNT},
    Role.AUDITOR: _WALL | {Permission.VIEW_TRAIL},
    Role.WALL: frozenset(
        {Permission.PUBLIC, Permission.VIEW_WALL, Permission.SHOW_STILL}
    ),  # a screen, not a person: no account to change
}

PEOPLE = tuple(role for role in Role if role is not Role.WALL)
"""Roles that a person may have."""
BOUND = frozenset({Role.CLERK, Role.HEAD})
"""Roles that belong to an office: they reach nothing until they are given a site or an office (`scope.py`)."""


def allows(role: Role | None, permission: Permission) -> bool:
    """True if `role` (None: nobody is logged in) holds `permission`."""
    if role is None:
        return permission is Permission.PUBLIC
    return permission in GRANTS[role]


def who_may(permission: Permission) -> list[Role]:
    """The roles that hold `permission`: a refused user is told whom to ask."""
    return [role for role in Role if permission in GRANTS[role]]
