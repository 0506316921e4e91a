"""What a box still lacks to be its site: facts in, steps in their order out. The same facts twice need no step.

Enabling and starting come last: a box that was cut off half-way does nothing until the command is run again.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from common.core.errors import UsageError


class Step(StrEnum):
    """One of the things to do; each may be cut anywhere and done again."""

    USER = "user"
    FOLDERS = "folders"
    IDENTITY = "identity"
    WAIT = "wait"
    MASTER = "master"
    OWNERS = "owners"
    LINK = "link"
    UNITS = "units"
    ENABLE = "enable"
    START = "start"
    RESTART = "restart"

    @property
    def word(self) -> str:
        return _WORDS[self]


_WORDS = {
    Step.USER: "建立账号 mingcha",
    Step.FOLDERS: "建立目录 /etc/mingcha、/var/lib/mingcha-pki",
    Step.IDENTITY: "登记：生成密钥（不离开本机），换取证书与配置",
    Step.WAIT: "线路不通：用 U 盘带来的站点配置先行采集，通了自动登记",
    Step.MASTER: "生成缓存主密钥并封存",
    Step.OWNERS: "设好文件的属主与权限",
    Step.LINK: "切换到新装的版本",
    Step.UNITS: "写入系统服务",
    Step.ENABLE: "开机自动启动",
    Step.START: "启动服务",
    Step.RESTART: "重启服务",
}


class Facts(Struct, frozen=True):
    """How the box is now. `token_site`: of the token given, empty without one; `own_site`: of its configuration."""

    token_site: str = ""
    own_site: str = ""
    is_token_used: bool = False
    """The present identity was got with this very token, or none was given."""
    has_user: bool = False
    has_folders: bool = False
    has_identity: bool = False
    is_cut: bool = False
    """The hall does not answer, and the box has what it takes to begin without it (a stick's letter)."""
    is_waiting: bool = False
    """It began without the hall, with this token, and is to be enrolled."""
    has_master: bool = False
    is_owned: bool = False
    is_linked: bool = False
    has_units: bool = False
    is_enabled: bool = False
    is_running: bool = False
    runs_old: bool = False
    """What runs is another release, or was started before its files changed."""


def plan(facts: Facts) -> list[Step]:
    """Raises UsageError where the command is not this box's, or a token is needed."""
    _check(facts)
    must_enrol, is_cut = not facts.has_identity or not facts.is_token_used, facts.is_cut
    lacks = [
        (Step.USER, not facts.has_user),
        (Step.FOLDERS, not facts.has_folders),
        (Step.IDENTITY, must_enrol and not is_cut),
        (Step.WAIT, must_enrol and is_cut and not facts.is_waiting),
        (Step.MASTER, not facts.has_master),
    ]
    steps = [step for step, is_lacking in lacks if is_lacking]
    if not facts.is_owned or {Step.IDENTITY, Step.WAIT, Step.MASTER} & set(steps):
        steps.append(Step.OWNERS)
    if not facts.is_linked:
        steps.append(Step.LINK)
    if not facts.has_units:
        steps.append(Step.UNITS)
    if not facts.is_enabled:
        steps.append(Step.ENABLE)
    if not facts.is_running:
        steps.append(Step.START)
    elif facts.runs_old or steps:
        steps.append(Step.RESTART)
    return steps


def _check(facts: Facts) -> None:
    if facts.token_site and facts.own_site and facts.token_site != facts.own_site:
        raise UsageError(
            f"这条命令是站点 {facts.token_site} 的，本机已是站点 {facts.own_site}",
            hint="请核对；本机确实换了地方，先执行  mingcha-agent uninstall",
        )
    if not facts.has_identity and not facts.token_site:
        raise UsageError(
            "本机还没有登记，缺少令牌",
            hint="请执行市中心印出的整条命令（含 MC_TOKEN=），或在其末尾写 sh -s -- --ask 后输入令牌",
        )


_DONE: dict[Step, dict[str, bool]] = {
    Step.USER: {"has_user": True},
    Step.FOLDERS: {"has_folders": True},
    Step.IDENTITY: {"has_identity": True, "is_token_used": True, "is_owned": False},
    Step.WAIT: {"is_waiting": True, "is_owned": False},
    Step.MASTER: {"has_master": True, "is_owned": False},
    Step.OWNERS: {"is_owned": True},
    Step.LINK: {"is_linked": True},
    Step.UNITS: {"has_units": True},
    Step.ENABLE: {"is_enabled": True},
    Step.START: {"is_running": True, "runs_old": False},
    Step.RESTART: {"runs_old": False},
}


def done(facts: Facts, steps: Sequence[Step]) -> Facts:
    """How the box is after `steps`; what runs has then not seen the last of them, unless it was started by them."""
    for step in steps:
        facts = replace(facts, **_DONE[step])
        if step in {Step.IDENTITY, Step.WAIT}:
            facts = replace(facts, own_site=facts.token_site or facts.own_site)
        if step not in {Step.START, Step.RESTART} and facts.is_running:
            facts = replace(facts, runs_old=True)
    return facts
