"""How a box becomes its site: keys that never leave it, one question to the hall, and `node.pem` as the last file.

Until `node.pem` stands, the same keys are offered again: a lost answer or a cut leaves the same generation. A box without a
line begins with what a stick brings (`wait`): its records are signed with the key that it enrols with later (`join`).
"""

import base64
import json
import platform
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from common.cli import say
from common.clock import Clock
from common.config import read_secret
from common.core import crypto
from common.core.errors import RejectedError, UsageError
from common.core.instant import SECOND
from provisioning import box_files, enrol_client, escrow, pki, units
from provisioning.box_files import (
    AGENT,
    HALL,
    MAPPING,
    NODE,
    PKI,
    REFUSED,
    RELEASE,
    ROOT,
    SIGN,
    STATE,
    USED,
    WAITING,
    Place,
)
from provisioning.core import token
from provisioning.core.messages import EnrolRequest, Identity
from provisioning.enrol_client import RefusedError
from provisioning.files import write_file
from provisioning.service import UNIT

_NEXT_NODE = PKI / "node.next.key"
_NEXT_SIGN = PKI / "sign.next.key"
_GROUP = 0o640
_SKEW_WARN_SECS = 30


def wait(place: Place) -> None:
    """All that the agent needs to read and to keep, but no certificate. The token is the last file: whoever has it waits.

    Raises RejectedError for a letter that cannot be read, UsageError for another site's.
    """
    try:
        letter = msgspec.json.decode(place.letter, type=Identity)
    except msgspec.MsgspecError as error:
        raise RejectedError(
            "U 盘上的站点配置 site.json 读不出",
            hint="请市中心重新写 U 盘：mingcha site bundle 站点 --with-token",
        ) from error
    if letter.site != token.site_of(place.token):
        raise UsageError(
            f"U 盘是站点 {letter.site} 的，令牌是站点 {token.site_of(place.token)} 的", hint="请核对 U 盘"
        )
    write_file(PKI / "ca.pem", place.ca_pem, _GROUP)
    _keys()
    if _NEXT_SIGN.exists():
        _NEXT_SIGN.replace(SIGN)
    _configure(place, letter)
    write_file(WAITING, place.token.encode())


def may_join() -> bool:
    """The box waits, and its hall can be reached. Blocks for five seconds at most."""
    return bool(box_files.waiting_token()) and enrol_client.answers(_hall())


def _hall() -> str:
    return read_secret(HALL, "市中心的地址").decode().split()[0]


def join() -> None:
    """Enrol a box that waited, and have its agent know. Raises RefusedError, UnavailableError, NotStartedError."""
    text = box_files.waiting_token()
    ca, key = (base64.b64encode(path.read_bytes()).decode() for path in (PKI / "ca.pem", RELEASE))
    try:
        enrol(Place(_hall(), (ROOT / "current").resolve().name, ca, key, text))
    except RefusedError as error:
        write_file(REFUSED, f"{error}\n{error.hint}\n".encode())
        box_files.own_files()
        units.run("systemctl", "stop", box_files.JOIN_TIMER)  # the same question would get the same answer
        raise
    box_files.own_files()
    units.start(UNIT, "restart")
    box_files.settle()


def enrol(place: Place) -> None:
    """Raises RefusedError, UnavailableError."""
    if box_files.waiting_token() not in {"", place.token}:
        WAITING.unlink()
    ca = PKI / "ca.pem"
    write_file(ca, place.ca_pem, _GROUP)
    try:
        found = _ask(place, ca)
    except RefusedError as error:
        if error.code not in {"superseded", "revoked"} or _NEXT_NODE.exists():
            raise
        _begin_anew()  # this machine was this site once, and is to be it again: as another generation
        found = _ask(place, ca)
    _write(place, found)


def _ask(place: Place, ca: Path) -> Identity:
    key, sign_secret = _keys()
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    now = Clock().wall()
    asked = EnrolRequest(
        token=place.token,
        csr=csr.decode(),
        sign_key=crypto.sign_public(sign_secret),
        proof=crypto.sign(sign_secret, csr),
        machine=_machine(place),
        now_wall=now,
    )
    found = enrol_client.ask(place.hall, "/enrol", ca, asked, Identity)
    skew = (Clock().wall() - found.server_wall) // SECOND
    if abs(skew) > _SKEW_WARN_SECS:
        say(
            f"! 本机时钟比市中心{'快' if skew > 0 else '慢'} {abs(skew)} 秒：不影响登记与采集，请校准：timedatectl"
        )
    return found


def _keys() -> tuple[EllipticCurvePrivateKey, bytes]:
    """Those that were begun with; else those in use; else new ones. A pair stays a pair."""
    if not _NEXT_NODE.exists() and not (NODE.exists() and SIGN.exists()):
        _begin_anew()
    sign = _NEXT_SIGN if _NEXT_SIGN.exists() else SIGN
    node = _NEXT_NODE if _NEXT_NODE.exists() else NODE
    return pki.read_key(node), sign.read_bytes()


def _begin_anew() -> None:
    """The signing key first: it is on the disk before there is anything to offer."""
    write_file(_NEXT_SIGN, pki.new_sign_key())
    write_file(_NEXT_NODE, pki.new_node_key())


def _write(place: Place, found: Identity) -> None:
    key = pki.read_key(_NEXT_NODE if _NEXT_NODE.exists() else NODE)
    if _NEXT_SIGN.exists():
        _NEXT_SIGN.replace(SIGN)
    _configure(place, found)
    write_file(NODE, pki.key_pem(key) + found.chain.encode(), _GROUP)
    _NEXT_NODE.unlink(missing_ok=True)
    write_file(USED, token.digest(place.token))
    say(f"  本机是站点 {found.site}（{found.name}）的第 {found.generation} 代")


def _configure(place: Place, found: Identity) -> None:
    write_file(RELEASE, base64.b64decode(place.key), _GROUP)
    write_file(PKI / "digest.key", found.digest_key, _GROUP)
    write_file(HALL, f"{place.hall}\n".encode(), _GROUP)
    write_file(PKI / "hall-sign.pub", found.hall_sign, _GROUP)
    write_file(PKI / escrow.KEY, found.escrow_key, _GROUP)
    if found.mapping and not MAPPING.exists():
        write_file(MAPPING, found.mapping.encode(), _GROUP)
    write_file(AGENT, _agent_toml(found).encode(), _GROUP)


def _agent_toml(found: Identity) -> str:
    """JSON's strings are TOML's."""
    return (
        f"site = {json.dumps(found.site)}\n"
        f"name = {json.dumps(found.name, ensure_ascii=False)}\n"
        f"generation = {found.generation}\n"
        f'data_dir = "{STATE}"\n'
        f'mapping = "{MAPPING}"\n\n'
        "[identity]\n"
        f'sign_key = "{SIGN}"\n'
        'master_key = "/etc/mingcha/creds/master.key"\n'
        f'digest_key = "{PKI}/digest.key"\n'
        f'hall_sign = "{PKI}/hall-sign.pub"\n\n'
        '[capture]\nsecrets_dir = "/etc/mingcha/creds"\n\n'
        "[mqtt]\n"
        f"host = {json.dumps(found.mqtt_host)}\n"
        f"port = {found.mqtt_port}\n"
        f"version = {found.mqtt_version}\n"
        f'ca = "{PKI}/ca.pem"\n'
        f'node = "{NODE}"\n'
    )


def _machine(place: Place) -> dict[str, str]:
    return {
        "machine_id": _first_line("/etc/machine-id"),
        "boot_id": _first_line("/proc/sys/kernel/random/boot_id"),
        "arch": platform.machine(),
        "os": _system(),
        "version": place.release,
    }


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError:
        return ""


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()
