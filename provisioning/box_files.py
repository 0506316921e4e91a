"""The files of a site's box: what is there (`facts`), and how each part is made. Every function may be run again."""

import base64
import grp
import pwd
import secrets
import shutil
from pathlib import Path

from msgspec import Struct

from common.cli import say
from common.config import read_toml
from common.core import crypto
from common.core.errors import ConfigError, UnavailableError
from provisioning import enrol_client, escrow, pki, units
from provisioning.core import token
from provisioning.core.plan import Facts
from provisioning.files import PRIVATE, PUBLIC, put_link, write_file
from provisioning.service import UNIT

ROOT = Path("/opt/mingcha")
CONFIG = Path("/etc/mingcha")
CREDS = CONFIG / "creds"
PKI = Path("/var/lib/mingcha-pki")
STATE = Path("/var/lib/mingcha")
AGENT = CONFIG / "agent.toml"
MAPPING = CONFIG / "mapping.toml"
NODE = PKI / "node.pem"
SIGN = PKI / "sign.key"
HALL = PKI / "hall"
"""`https://host:port` of the enrolment service, where certificates are renewed."""
RELEASE = PKI / "release.pub"
"""The public key by which releases are known."""
USED = PKI / "token.sha256"
"""Hash of the token by which the present identity was got."""
WAITING = PKI / "token"
"""The token of a box that could not reach its hall yet: `join` asks with it until the hall has answered. Root's alone."""
REFUSED = PKI / "refused"
"""Why the hall did not enrol a box that waited, and what to do: two lines, for the doctor."""
JOIN_TIMER = "mingcha-join.timer"
USER = "mingcha"
_DROP_IN = units.PLACE / f"{UNIT}.d" / "credentials.conf"
_TRIAL = Path("/var/lib/mingcha-upgrade/pending.json")
_COMMAND = Path("/usr/local/bin/mingcha-agent")
_READABLE = (
    SIGN,
    NODE,
    PKI / "ca.pem",
    PKI / "digest.key",
    PKI / "hall-sign.pub",
    PKI / escrow.KEY,
    RELEASE,
    HALL,
)
MASTER = CREDS / "master.key"
"""Where systemd cannot seal it; else `master.key.cred`."""
SEALED = CREDS / "master.key.cred"


class Place(Struct, frozen=True):
    """One run of the command: the hall, the release that was unpacked, the token or nothing.

    `ca` and `key` are base64: the CA as PEM, the public key of releases. `letter`: what a stick brings, an Identity of which
    only the certificate is missing; or nothing.
    """

    hall: str
    release: str
    ca: str
    key: str
    token: str
    letter: bytes = b""

    @property
    def tree(self) -> Path:
        return ROOT / "releases" / self.release

    @property
    def ca_pem(self) -> bytes:
        return base64.b64decode(self.ca)


# facts --------------------------------------------------------------------------------------------------------


def facts(place: Place) -> Facts:
    """How the box is now; nothing is changed. The hall is called only where the box could do without."""
    state = units.running(UNIT)
    has_user = _has_user()
    has_identity, is_waiting = _has_identity(), _is_waiting(place)
    may_wait = not has_identity and (bool(place.letter) or is_waiting)
    return Facts(
        token_site=token.site_of(place.token),
        own_site=_own_site(),
        is_token_used=not place.token or _is_used(place.token),
        has_user=has_user,
        has_folders=has_user and all(_is_owned(path, mode, group) for path, mode, group in _FOLDERS),
        has_identity=has_identity,
        is_cut=may_wait and not enrol_client.answers(place.hall),
        is_waiting=is_waiting,
        has_master=SEALED.exists() or MASTER.exists(),
        is_owned=has_user and all(_is_owned(path, 0o640, USER) for path in _own()),
        is_linked=_is_link(ROOT / "current", place.tree)
        and _is_link(ROOT / "trusted", place.tree)
        and _is_link(_COMMAND, ROOT / "current/bin/mingcha-agent"),
        has_units=all(
            _is_current(units.PLACE / name, (units.FOLDER / name).read_bytes()) for name in units.of_box()
        )
        and _is_current(_DROP_IN, _drop_in()),
        is_enabled=all(units.is_enabled(name) for name in units.of_box()),
        is_running=state.is_active,
        runs_old=_runs_old(place, state),
    )


def _has_user() -> bool:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return False
    return True


def _own_site() -> str:
    """Empty where there is no configuration, or none that can be read: enrolment writes it anew."""
    try:
        return str(read_toml(AGENT).get("site", ""))
    except ConfigError:
        return ""


def _is_used(text: str) -> bool:
    return USED.exists() and USED.read_bytes() == token.digest(text)


def _has_identity() -> bool:
    try:
        name = pki.node_name(NODE)
        found = read_toml(AGENT)
    except ConfigError:
        return False
    return (
        all(path.exists() for path in _READABLE) and name == f"{found.get('site')}.{found.get('generation')}"
    )


def waiting_token() -> str:
    """Of a box that waits for its line; else empty."""
    return WAITING.read_text("ascii") if WAITING.exists() else ""


def _is_waiting(place: Place) -> bool:
    """All that a box needs which is enrolled later lies there, with this token."""
    have = [path.exists() for path in _READABLE if path != NODE]
    return bool(place.token) and waiting_token() == place.token and all(have) and _own_site() != ""


def _own() -> list[Path]:
    return [path for path in (*_READABLE, AGENT, MAPPING, REFUSED) if path.exists()]


_FOLDERS = ((CONFIG, 0o755, "root"), (CREDS, 0o700, "root"), (PKI, 0o750, USER))


def _is_owned(path: Path, mode: int, group: str) -> bool:
    if not path.exists():
        return False
    found = path.stat()
    return (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (0, grp.getgrnam(group).gr_gid, mode)


def _is_link(path: Path, target: Path) -> bool:
    return path.is_symlink() and path.readlink() == target


def _is_current(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


def _runs_old(place: Place, state: units.Running) -> bool:
    # The certificate is read at every connection, a refusal by the doctor alone.
    read_at_start = [path for path in _own() if path not in {NODE, REFUSED}]
    return state.is_older([place.tree], [*read_at_start, units.PLACE / UNIT, _DROP_IN, SEALED, MASTER])


# steps --------------------------------------------------------------------------------------------------------


def make_folders() -> None:
    for path, mode, group in _FOLDERS:
        path.mkdir(parents=True, exist_ok=True)
        units.own(path, "root", group, mode)


def own_files() -> None:
    for path in _own():
        units.own(path, "root", USER, 0o640)


def make_master() -> None:
    """32 random bytes, the key-encryption key of the buffer."""
    seal(MASTER.name, secrets.token_bytes(crypto.KEY_BYTES))


def seal(name: str, secret: bytes) -> None:
    """Keep `secret` as `creds/NAME.cred`, sealed by the machine's TPM where there is one, by systemd's host key else.

    Where systemd cannot seal (before version 250), as a file that root alone reads; the unit gets it all the same.
    """
    try:
        sealed = units.run("systemd-creds", "encrypt", f"--name={name}", "-", "-", given=secret)
    except UnavailableError as error:
        say(f"! 本机的 systemd 不能封存（{error}）：{name} 改存为只有 root 可读的文件", err=True)
        write_file(CREDS / name, secret, PRIVATE)
        return
    write_file(CREDS / f"{name}.cred", sealed.encode(), PRIVATE)
    (CREDS / name).unlink(missing_ok=True)


def link(place: Place) -> None:
    """`current` changes in one step: whoever starts meanwhile runs the old release or the new one.

    An upgrade on trial is over: a person has said what is to run.
    """
    for path in (_TRIAL, ROOT / "rolled-back"):
        path.unlink(missing_ok=True)
    before = (ROOT / "current").resolve()
    if before.exists() and before not in {place.tree, ROOT / "current"}:
        put_link(ROOT / "previous", before)
    for name in ("trusted", "current"):
        put_link(ROOT / name, place.tree)
    put_link(_COMMAND, ROOT / "current/bin/mingcha-agent")


def write_units() -> None:
    units.write_units(units.of_box())
    write_file(_DROP_IN, _drop_in(), PUBLIC)
    units.run("systemctl", "daemon-reload")


def enable() -> None:
    units.enable(units.of_box())


def settle() -> bool:
    """An enrolled box does not ask any more; one that waits is asking from now on. -> True where it waits."""
    if WAITING.exists() and not _has_identity():
        units.run("systemctl", "start", JOIN_TIMER)
        return True
    if WAITING.exists():
        units.run("systemctl", "stop", JOIN_TIMER)
        WAITING.unlink()
    REFUSED.unlink(missing_ok=True)
    return False


def _drop_in() -> bytes:
    """Every secret in `creds/` for the service, under its name; most are sealed, `.cred`."""
    lines = []
    for path in sorted(CREDS.iterdir()) if CREDS.is_dir() else []:
        if path.suffix == ".cred":
            lines.append(f"LoadCredentialEncrypted={path.stem}:{path}")
        elif not path.name.startswith("."):
            lines.append(f"LoadCredential={path.name}:{path}")
    return "\n".join(["[Service]", *lines, ""]).encode()


def forget_old_releases(tree: Path) -> None:
    """Two are kept: this one and the newest before it."""
    others = [path for path in tree.parent.iterdir() if path != tree and not path.name.startswith(".")]
    previous = (ROOT / "previous").resolve()
    others.sort(key=lambda path: (path == previous, path.stat().st_mtime), reverse=True)
    for path in others[1:]:
        shutil.rmtree(path)
