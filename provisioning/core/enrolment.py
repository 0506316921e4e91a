"""How a box becomes a generation of its site: one table of decisions over token, site and key (provisioning.md 3.5).

A token is for one site, for a day, and burnt to the first key that claims it; the same key may ask again as often as
replies get lost, and is told the same. At most one box of a site is active, whatever comes in whatever order.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from common.core.errors import UsageError
from common.core.instant import DAY, HOUR
from provisioning.core.identity import Box

TOKEN_LIFE = 24 * HOUR
CARRIED_LIFE = 14 * DAY
"""Of a token that travels on a stick, to a box without a line."""
DRAIN_LIFE = 30 * DAY
"""So long a replaced box may finish its backlog."""


class Refusal(StrEnum):
    """Why there is no certificate. `message` and `fix` are for the technician beside the box."""

    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105  names of refusals
    TOKEN_EXPIRED = "token_expired"  # noqa: S105
    TOKEN_USED = "token_used"  # noqa: S105
    TOKEN_VOID = "token_void"  # noqa: S105
    SITE_RETIRED = "site_retired"
    KEY_FOREIGN = "key_foreign"
    SUPERSEDED = "superseded"
    REVOKED = "revoked"
    RETIRED = "retired"
    CSR_BAD = "csr_bad"
    POP_FAILED = "pop_failed"
    UNKNOWN_CERT = "unknown_cert"
    NOT_DUE = "not_due"
    CLONED = "cloned"
    BUSY = "busy"

    @property
    def message(self) -> str:
        return _WORDS[self][0]

    @property
    def fix(self) -> str:
        return _WORDS[self][1]


_REISSUE = "请市中心执行  mingcha site reissue 站点编号  ，再在本机执行新印出的命令"
_WORDS = {
    Refusal.TOKEN_UNKNOWN: ("市中心不认识这个令牌", "请核对命令是否完整复制；仍不行，" + _REISSUE),
    Refusal.TOKEN_EXPIRED: ("令牌已过 24 小时，失效了", _REISSUE),
    Refusal.TOKEN_USED: ("令牌已被另一台机器（或本机原来的密钥）用过", _REISSUE),
    Refusal.TOKEN_VOID: ("令牌已作废：市中心为本站点另发了命令", "请用最新的那条命令；找不到了，" + _REISSUE),
    Refusal.SITE_RETIRED: ("站点已停用，不再登记机器", "如站点恢复，请市中心另建站点：mingcha site add"),
    Refusal.KEY_FOREIGN: (
        "本机的密钥属于另一个站点",
        "请先在本机执行  mingcha-agent uninstall  ，再执行本站点的命令",
    ),
    Refusal.SUPERSEDED: ("本站点已由另一台机器接替", "如本机才是应当使用的那台，" + _REISSUE),
    Refusal.REVOKED: ("本机已被市中心吊销", "请联系市中心核实；要重新启用，" + _REISSUE),
    Refusal.RETIRED: ("本站点已停用", "如站点恢复，请市中心另建站点：mingcha site add"),
    Refusal.CSR_BAD: ("证书申请不合要求", "请用市中心最新印出的命令重新安装"),
    Refusal.POP_FAILED: ("证书申请的签名不对", "请用市中心最新印出的命令重新安装"),
    Refusal.UNKNOWN_CERT: ("市中心没有签发过本机的证书", _REISSUE),
    Refusal.NOT_DUE: ("证书还不到续期的时候", "无需处理"),
    Refusal.CLONED: ("另一台机器已用同一身份续期，本机可能是克隆", "请核对本站点由哪台机器负责；" + _REISSUE),
    Refusal.BUSY: ("市中心一时应答不过来", "程序会自动重试；请稍候"),
}


class Token(Struct, frozen=True):
    """What the hall keeps of one; the token itself it has forgotten. `key`: SHA-256 of the public key that claimed it."""

    site: str
    expires_wall: int
    key: bytes = b""
    is_void: bool = False


class Held(Struct, frozen=True):
    """A box as the hall has it, with the newest key it was certified for."""

    box: Box
    key: bytes


class Site(Struct, frozen=True):
    """A site and every box it ever had."""

    id: str
    is_retired: bool
    boxes: tuple[Held, ...] = ()


class Granted(Struct, frozen=True):
    """`token` and `boxes` as they are from now on; `box` is who asked."""

    box: Box
    token: Token
    boxes: tuple[Held, ...]


def claim(token: Token | None, site: Site | None, key: bytes, now_wall: int) -> Granted | Refusal:
    """A machine with the public key of SHA-256 `key` asks to be `token`'s site.

    `site` is the token's. The hall's clock alone counts: the box's own may be years off.
    """
    if token is None or site is None or token.site != site.id:
        return Refusal.TOKEN_UNKNOWN
    refused = _spent(token, site, key, now_wall)
    if refused is not None:
        return refused
    known = next((held for held in site.boxes if held.key == key), None)
    if known is None:
        return _next_generation(token, site, key)
    return barred(known.box) or Granted(known.box, replace(token, key=key), site.boxes)


def _spent(token: Token, site: Site, key: bytes, now_wall: int) -> Refusal | None:
    """Why the token opens nothing; once it is burnt to `key`, its age does not matter any more."""
    if token.is_void:
        return Refusal.TOKEN_VOID
    if token.key and token.key != key:
        return Refusal.TOKEN_USED
    if site.is_retired:
        return Refusal.SITE_RETIRED
    return Refusal.TOKEN_EXPIRED if not token.key and now_wall > token.expires_wall else None


def _next_generation(token: Token, site: Site, key: bytes) -> Granted:
    newest = max((held.box.generation for held in site.boxes), default=0)
    box = Box(site.id, newest + 1)
    former = tuple(_relieved(held) for held in site.boxes)
    return Granted(box, replace(token, key=key), (*former, Held(box, key)))


def _relieved(held: Held) -> Held:
    """A box whose successor is here may finish its backlog, no more."""
    return replace(held, box=replace(held.box, state="draining")) if held.box.state == "active" else held


_BARRED = {
    "draining": Refusal.SUPERSEDED,
    "superseded": Refusal.SUPERSEDED,
    "revoked": Refusal.REVOKED,
    "retired": Refusal.RETIRED,
}


def barred(box: Box) -> Refusal | None:
    """Why this box gets no more certificates; None for the active one."""
    return _BARRED.get(box.state)


def retire(site: Site) -> Site:
    """No box of it may write any more; what a box was before that (superseded, revoked) stays said."""
    ended = {"active", "draining"}
    boxes = [
        replace(held, box=replace(held.box, state="retired")) if held.box.state in ended else held
        for held in site.boxes
    ]
    return replace(site, is_retired=True, boxes=tuple(boxes))


def revoke(site: Site, generation: int) -> Site:
    """That box may do nothing any more, from now on; the site may get another. Raises UsageError for one it never had."""
    if not site.boxes:
        raise UsageError(f"站点 {site.id} 还没有登记过机器", hint="请看  mingcha site list")
    if all(held.box.generation != generation for held in site.boxes):
        raise UsageError(
            f"站点 {site.id} 没有第 {generation} 代机器", hint=f"请看  mingcha site show {site.id}"
        )
    return replace(
        site,
        boxes=tuple(
            replace(held, box=replace(held.box, state="revoked"))
            if held.box.generation == generation
            else held
            for held in site.boxes
        ),
    )


def drained(site: Site, since_wall: Mapping[int, int], now_wall: int) -> Site:
    """Boxes whose time for the backlog is over. `since_wall`: generation -> when it was registered.

    A box drains since the next generation is there.
    """

    def is_over(held: Held) -> bool:
        began = since_wall.get(held.box.generation + 1, now_wall)
        return held.box.state == "draining" and now_wall >= began + DRAIN_LIFE

    return replace(
        site,
        boxes=tuple(
            replace(held, box=replace(held.box, state="superseded")) if is_over(held) else held
            for held in site.boxes
        ),
    )


def next_id(taken: Sequence[str]) -> str:
    """`s01`, `s02`, …: the first number above every one that was ever given."""
    numbers = [int(name[1:]) for name in taken if name[:1] == "s" and name[1:].isdecimal()]
    return f"s{max(numbers, default=0) + 1:02d}"
