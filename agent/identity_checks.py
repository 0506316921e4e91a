"""What the doctor looks for in the box's identity: keys, certificate, chain, and what the hall thinks of it."""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from agent import app, keeper, line_checks, master, upload
from agent.box import Box
from common import sealed
from common.core import crypto
from common.core.errors import ConfigError
from common.core.instant import DAY, to_us
from common.health import Outcome, Status, ok

_CHAIN_LENGTH = 5
_EVERYBODY = 0o007


async def readable(box: Box) -> Outcome:
    """Each file by itself; whether they go together is asked by others."""
    identity = box.config.identity
    sign_secret = app.read_key(identity.sign_key, "本站点的签名私钥")
    app.read_key(identity.digest_key, "摘要密钥")
    app.read_key(identity.hall_sign, "市中心的签名公钥")
    if not box.config.is_enrolled:
        return await _waiting(box)
    files = [identity.sign_key, identity.digest_key]
    if box.config.mqtt.tls:
        _key(box.config.mqtt.node)
        _certificates(box.config.mqtt.node, "本机证书")
        _certificates(box.config.mqtt.ca, "CA 证书")
        files.append(box.config.mqtt.node)
    open_to_all = [file for file in files if file.exists() and file.stat().st_mode & _EVERYBODY]
    if open_to_all:
        names = " ".join(map(str, open_to_all))
        said = f"本机任何用户都能读：{names}"
        return Outcome(Status.WARN, said, f"chmod o= {names}", effect="上传照常；本机的其他用户能冒充本站点")
    return ok(f"签名公钥 {crypto.key_id(crypto.sign_public(sign_secret))}")


async def _waiting(box: Box) -> Outcome:
    """Installed without a line. While the hall cannot be reached, that is the cause, which others find."""
    door, refused = line_checks.door_of(box), box.config.mqtt.node.with_name("refused")
    if refused.exists():
        said, _, step = refused.read_text("utf-8").strip().partition("\n")
        return Outcome(Status.FAIL, f"{upload.NOT_ENROLLED}：{said}", step)
    if door is None or await line_checks.dial(*door) != line_checks.OPEN:
        return Outcome(Status.SKIP, f"{upload.NOT_ENROLLED}，线路通了自动登记")
    return Outcome(
        Status.WARN,
        f"{upload.NOT_ENROLLED}，线路已通，正在登记",
        "请等半分钟；或立即执行  systemctl start mingcha-join",
    )


def _key(node: Path) -> bytes:
    """-> its public half. Raises ConfigError."""
    try:
        key = load_pem_private_key(node.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"读不了本机私钥 {node}：{error}", hint=f"请检查 {node}") from error
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificates(path: Path, what: str) -> list[x509.Certificate]:
    """Raises ConfigError."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigError(f"读不了{what} {path}：{error}", hint=f"请检查 {path}") from error


def _leaf(box: Box) -> x509.Certificate:
    return _certificates(box.config.mqtt.node, "本机证书")[0]


def _needless(box: Box) -> Outcome | None:
    """Where there is no certificate, and none is missed by the check that asks."""
    if not box.config.mqtt.tls:
        return ok("演示用的本机连接，不用证书")
    return None if box.config.is_enrolled else Outcome(Status.SKIP, upload.NOT_ENROLLED)


async def fitting(box: Box) -> Outcome:
    if needless := _needless(box):
        return needless
    leaf = _leaf(box)
    own = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if own != _key(box.config.mqtt.node):
        return Outcome(Status.FAIL, f"{box.config.mqtt.node} 里的私钥不是这张证书的")
    names = [item.value for item in leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if names != [box.config.client_id]:
        shown = "、".join(map(str, names)) or "无名"
        return Outcome(
            Status.FAIL,
            f"证书是 {shown} 的，配置是 {box.config.client_id}",
            "请核对 agent.toml 的 site 与 generation，或重新登记本站点",
        )
    return ok(box.config.client_id)


async def chained(box: Box) -> Outcome:
    """Times are left out: an expired certificate still shows whose it is."""
    if needless := _needless(box):
        return needless
    leaf, *between = _certificates(box.config.mqtt.node, "本机证书")
    roots = _certificates(box.config.mqtt.ca, "CA 证书")
    said = f"本机证书不是由 {box.config.mqtt.ca} 签发的：它们属于两个市中心"
    return ok() if _leads(leaf, between, roots) else Outcome(Status.FAIL, said)


def _leads(leaf: x509.Certificate, between: list[x509.Certificate], roots: list[x509.Certificate]) -> bool:
    for _ in range(_CHAIN_LENGTH):
        if any(_issued(leaf, root) for root in roots):
            return True
        above = next((one for one in between if one != leaf and _issued(leaf, one)), None)
        if above is None:
            return False
        leaf = above
    return False


def _issued(leaf: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


async def valid(box: Box) -> Outcome:
    if needless := _needless(box):
        return needless
    leaf = _leaf(box)
    left = (to_us(leaf.not_valid_after_utc) - box.clock.wall()) // DAY
    detail = f"还有 {left} 天（{leaf.subject.rfc4514_string()}）"
    code, why = _not_renewed(box)
    if code and code not in _SAID_ELSEWHERE:
        return Outcome(Status.FAIL if left < 0 else Status.WARN, f"{detail}，没有续期：{why[0]}", why[1])
    return Outcome(Status.FAIL if left < 0 else Status.WARN if left < 10 else Status.OK, detail)


async def accepted(box: Box) -> Outcome:
    code = box.status.refused if box.status else ""
    if not code:
        return ok()
    return Outcome(Status.FAIL, _REFUSALS.get(code, f"市中心拒绝本站点（{code}）"))


async def alone(box: Box) -> Outcome:
    """What the hall said to this box's renewal: who has the same identity and was earlier is another machine."""
    code, why = _not_renewed(box)
    return Outcome(Status.FAIL, why[0]) if code == _CLONED else ok()


_CLONED = "cloned"
_SAID_ELSEWHERE = {_CLONED, "superseded", "revoked", "retired"}
"""By the check of that name, and by `accepted`."""


def _not_renewed(box: Box) -> tuple[str, tuple[str, str]]:
    """The hall's last word to a renewal, where it was a refusal: code, (words, remedy). Root has noted it."""
    note = box.config.mqtt.node.with_name("not-renewed")
    if not note.exists():
        return "", ("", "")
    code, said, step, *_ = [*note.read_text("utf-8").splitlines(), "", "", ""]
    return code, (said, step)


_REFUSALS = {
    "superseded": "本站点已由另一台机器接替",
    "draining": "本站点已由另一台机器接替，本机只可送完积压",
    "retired": "本站点已停用",
    "revoked": "本机的身份已被吊销",
    "fork": "市中心已有同编号的其他记录：本机缓存来自旧备份或克隆",
    "denied": "消息服务不允许本机发送：本站点已由另一台机器接替、已停用或已被吊销",
}


async def master_key(box: Box) -> Outcome:
    file = box.config.identity.master_key
    found = master.load(file, box.config.buffer_path)
    if box.status and box.status.stands_in:
        return Outcome(Status.WARN, master.STANDS_IN, f"请把原密钥放回 {file}，或重新登记本站点")
    if box.status and box.status.unfinished:
        files = keeper.told(box.status.unfinished)
        return Outcome(
            Status.WARN,
            f"更换没有完成，仍由旧密钥保护：{files}",
            "请检查这些文件和磁盘，好了会自动完成；在此之前请保留 master.key.old",
        )
    place = sealed.place(file)
    if place.exists() and place == file and file.stat().st_mode & _EVERYBODY:
        said, effect = f"本机任何用户都能读：{file}", "采集与缓存照常；本机的其他用户能打开缓存"
        return Outcome(Status.WARN, said, f"chmod o= {file}", effect=effect)
    return ok(f"编号 {found.id}")
