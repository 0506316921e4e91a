"""The console's menu 主菜单: its groups are the functions of the work, the role's own first; nothing that a role may not
open is in it.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from central.core.access import Permission, Role, allows


class Entry(Struct, frozen=True):
    """A page with its word. `key`: the letter that goes there after `g`; "" where there is none."""

    href: str
    name: str
    needs: Permission
    key: str = ""


class Group(Struct, frozen=True):
    """Pages that belong together. `is_open`: shown unfolded at first."""

    name: str
    entries: tuple[Entry, ...]
    is_open: bool = False


class Menu(Struct, frozen=True):
    """What one role sees on one page. `alone`: above all groups; `current`: the address of the page's entry, or ""."""

    alone: tuple[Entry, ...]
    groups: tuple[Group, ...]
    current: str

    def entries(self) -> Iterator[Entry]:
        yield from self.alone
        for group in self.groups:
            yield from group.entries


ALONE = (
    Entry("/hall", "总览", Permission.VIEW_WALL, "o"),
    Entry("/hall/inbox", "收件箱", Permission.ACCOUNT, "i"),
)
_WATCH = Group(
    "实时监察",
    (
        Entry("/hall/sites", "站点", Permission.VIEW_SITE, "s"),
        Entry("/hall/cases", "办件", Permission.VIEW_CASE, "c"),
        Entry("/hall/cameras", "摄像", Permission.VIEW_SITE, "v"),
        Entry("/hall/attendance", "在岗", Permission.VIEW_FINDING),
        Entry("/hall/evidence", "证据", Permission.VIEW_STILL),
        Entry("/hall/events", "记事", Permission.VIEW_SITE),
    ),
)
_CORRECT = Group(
    "预警纠错",
    (
        Entry("/hall/queue", "待处置", Permission.VIEW_CASE, "q"),
        Entry("/hall/findings", "疑点", Permission.VIEW_FINDING, "f"),
        Entry("/hall/corrections", "纠错", Permission.VIEW_CORRECTION, "e"),
        Entry("/hall/documents", "文书", Permission.VIEW_CORRECTION),
        Entry("/hall/messages", "消息", Permission.VIEW_CORRECTION),
    ),
)
_UNIT = Group(
    "本单位",
    (
        Entry("/unit", "督办答复", Permission.ANSWER_CORRECTION, "u"),
        Entry("/unit/complaints", "投诉交办", Permission.ANSWER_COMPLAINT),
        Entry("/unit/ratings", "差评整改", Permission.ANSWER_RATING),
    ),
)
_PUBLIC = Group(
    "公众服务",
    (
        Entry("/hall/complaints", "投诉", Permission.VIEW_COMPLAINT, "t"),
        Entry("/hall/consults", "咨询", Permission.VIEW_CONSULT),
        Entry("/hall/ratings", "好差评", Permission.VIEW_RATING),
        Entry("/hall/surveys", "调查", Permission.VIEW_PUBLICATION),
        Entry("/hall/publications", "公布", Permission.VIEW_PUBLICATION, "p"),
        Entry("/hall/notices", "公告", Permission.VIEW_PUBLICATION),
        Entry("/hall/excerpts", "选登", Permission.VIEW_PUBLICATION),
        Entry("/hall/forms", "表格", Permission.VIEW_PUBLICATION),
        Entry("/hall/statutes", "法规", Permission.VIEW_PUBLICATION),
    ),
)
_FIGURES = Group(
    "绩效统计",
    (
        Entry("/hall/scores", "绩效", Permission.VIEW_SCORE),
        Entry("/hall/statistics", "统计", Permission.VIEW_STATISTICS),
        Entry("/hall/schemes", "评分方案", Permission.VIEW_SCHEME),
    ),
)
_LAW = Group(
    "事项规则",
    (
        Entry("/hall/items", "事项", Permission.VIEW_ITEM, "n"),
        Entry("/hall/calendar", "日历", Permission.VIEW_CASE),
        Entry("/hall/rules", "规则", Permission.VIEW_FINDING),
        Entry("/hall/forecast", "预告", Permission.VIEW_CASE),
    ),
)
_ADMIN = Group(
    "系统管理",
    (
        Entry("/hall/admin/people", "用户", Permission.VIEW_ACCOUNT),
        Entry("/hall/admin/sites", "站点机器", Permission.KEEP_BOX, "b"),
        Entry("/hall/admin/audit", "审计", Permission.VIEW_TRAIL),
    ),
)
GROUPS = (_WATCH, _CORRECT, _UNIT, _PUBLIC, _FIGURES, _LAW, _ADMIN)
_OWN = {
    Role.CLERK: _UNIT,
    Role.HEAD: _UNIT,
    Role.SUPERVISOR: _CORRECT,
    Role.CHIEF: _CORRECT,
    Role.CENTRE: _LAW,
    Role.REVIEWER: _LAW,
    Role.COMPLAINTS: _PUBLIC,
    Role.PUBLISHER: _PUBLIC,
    Role.RELEASER: _PUBLIC,
    Role.LEADER: _WATCH,
    Role.IT: _ADMIN,
    Role.ACCOUNTS: _ADMIN,
    Role.SECURITY: _ADMIN,
    Role.AUDITOR: _ADMIN,
}


def menu(role: Role, path: str) -> Menu:
    """What `role` may open, seen from the page at `path`: its own group and the page's own are unfolded."""
    alone = _allowed(role, ALONE)
    own = _OWN.get(role)
    ordered = sorted(
        GROUPS, key=lambda group: group is not own
    )  # a stable sort: the others keep their places
    found = [(group, entries) for group in ordered if (entries := _allowed(role, group.entries))]
    current = _current(path, [*alone, *(entry for _, entries in found for entry in entries)])
    groups = (
        Group(group.name, entries, group is own or any(entry.href == current for entry in entries))
        for group, entries in found
    )
    return Menu(alone, tuple(groups), current)


def _allowed(role: Role, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if allows(role, entry.needs))


def _current(path: str, entries: Iterable[Entry]) -> str:
    """The longest address that `path` lies under; `/hall` itself is no folder of the others."""
    under = [
        entry.href
        for entry in entries
        if path == entry.href or (entry.href != "/hall" and path.startswith(f"{entry.href}/"))
    ]
    return max(under, key=len, default="")
