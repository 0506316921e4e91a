"""The medium from which a city is installed and upgraded: fetched and built where there is a network, signed, then carried.

`python -m provisioning medium DIR --key FILE`. The versions are those of this installation, which the lock file fixes; the
packages are Debian 12's. A hall needs of it `install.sh`, its own archive, `releases/` and `release.pub`.
"""

import platform
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from common.clock import Clock
from common.config import read_secret
from common.core import crypto
from common.core.errors import ConfigError, RejectedError, UnavailableError
from common.core.rest import BUFFER_FORMAT
from provisioning import bundle, pki
from provisioning.bundle import ARCHITECTURES, PYTHON, Part
from provisioning.core import release
from provisioning.core.release import Manifest
from provisioning.files import PUBLIC, write_file
from provisioning.releases import KEY, SUFFIX

EXTRAS = {"agent", "mysql", "postgresql", "oracle", "folder"}
"""What every box has. Drivers under the LGPL or of a vendor are parts of their own."""
CAMERA_EXTRAS = {"camera"}
"""What a box with cameras has as well: three times as much. A city with cameras makes its medium with it."""
_SOURCE_ONLY = {"onvif-zeep"}
"""Its makers offer no wheel: of pure Python, one is made here."""
HALL_EXTRAS = {"central"}
PACKAGES = (
    f"{PYTHON}-minimal",
    f"lib{PYTHON}-minimal",
    f"lib{PYTHON}-stdlib",
    "libexpat1",
    "zlib1g",
    "libssl3",
    "libsqlite3-0",
    "libffi8",
    "libbz2-1.0",
    "liblzma5",
    "libuuid1",
)
HALL_PACKAGES = ("mosquitto", "libwrap0", "libdlt2", "libnsl2", "libtirpc3")
"""The broker, and of its libraries those that Debian's smallest system lacks."""
_INSTALLER = Path(__file__).parent / "box" / "install-hall.sh"


def make(folder: Path, arch: str, key: Path, spare: Path | None = None, *, camera: bool = False) -> Manifest:
    """Fetch what is missing in `folder`, build both archives, sign the boxes'. -> what was signed.

    `camera`: with the camera part. `spare`: the key that the next release may be signed with if `key` is lost. Where one is not there it is made. Raises
    UnavailableError with the tool's last words, ConfigError.
    """
    fetch(folder, arch, camera=camera)
    return build(folder, arch, key, spare)


def fetch(folder: Path, arch: str, *, camera: bool = False) -> None:
    """Wheels and packages that are not there yet."""
    box = _needed(EXTRAS)
    _fetch(folder, arch, box, PACKAGES)
    _fetch(folder / "hall", arch, _needed(HALL_EXTRAS) - box, HALL_PACKAGES)
    if camera:
        _fetch(folder / bundle.CAMERA, arch, _needed(EXTRAS | CAMERA_EXTRAS) - box, ())


def build(folder: Path, arch: str, key: Path, spare: Path | None = None) -> Manifest:
    """Of what was fetched; no network is needed."""
    secret = _secret(key)
    keys = [crypto.sign_public(secret), *([crypto.sign_public(_secret(spare))] if spare else [])]
    write_file(folder / KEY, b"".join(keys), PUBLIC)
    made = bundle.build(folder, folder / "releases", arch)
    signed = folder / "releases" / f"{made.release}-{arch}{SUFFIX}"
    if not _is_signed(signed, keys):
        manifest = Manifest(
            version=metadata.version("mingcha"),
            release=made.release,
            arch=arch,
            file=made.file,
            sha256=made.sha256,
            size=made.size,
            sums=made.sums,
            made_wall=Clock().wall(),
            buffer_format=BUFFER_FORMAT,
            keys=keys,
        )
        write_file(signed, release.sealed(manifest, secret), PUBLIC)
    hall = bundle.build(folder, folder / "hall", arch, Part.HALL)
    for old in (folder / "hall").glob(f"*-{arch}.tar.gz"):
        if old.name != hall.file:
            old.unlink()
    text = _INSTALLER.read_text("utf-8")
    for name, value in {
        "@ARCH@": arch,
        "@RELEASE@": hall.release,
        "@FILE@": hall.file,
        "@SHA256@": hall.sha256,
        "@SIZE@": str(hall.size),
    }.items():
        text = text.replace(name, value)
    write_file(folder / "install.sh", text.encode(), PUBLIC)
    return release.opened(signed.read_bytes(), crypto.sign_public(secret))


def _secret(key: Path) -> bytes:
    if not key.exists():
        write_file(key, pki.new_sign_key())
    secret = read_secret(key, "发行私钥")
    if len(secret) != crypto.KEY_BYTES:
        raise ConfigError(f"发行私钥 {key} 已损坏", hint="请换回原来的文件；丢失的私钥不能恢复")
    return secret


def _is_signed(place: Path, keys: list[bytes]) -> bool:
    """By the first of them, naming all of them."""
    try:
        return release.opened(place.read_bytes(), keys[0]).keys == keys
    except (FileNotFoundError, RejectedError):
        return False


def _fetch(folder: Path, arch: str, names: set[str], packages: tuple[str, ...]) -> None:
    wheels, debs = folder / "wheels", folder / "debs"
    for place in (wheels, debs):
        place.mkdir(parents=True, exist_ok=True)
    platforms = [
        f"--platform=manylinux_2_28_{arch}",
        f"--platform=manylinux2014_{arch}",
        f"--platform=manylinux_2_17_{arch}",
    ]
    made, wanted = (
        [f"{name}=={metadata.version(name)}" for name in sorted(some)]
        for some in (names & _SOURCE_ONLY, names - _SOURCE_ONLY - {"mingcha"})
    )
    pip = [sys.executable, "-m", "pip"]
    binary = ["download", "-q", "--no-deps", "--only-binary=:all:", "--python-version=3.11"]
    _run([*pip, *binary, *platforms, "-d", str(wheels), *wanted], folder)
    if made:
        _run([*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(wheels), *made], folder)
    missing = [name for name in packages if not any(debs.glob(f"{name}_*_{ARCHITECTURES[arch]}.deb"))]
    if missing:
        with tempfile.TemporaryDirectory() as lists:
            apt = ["apt-get", "-qq", *_foreign(arch, Path(lists))]
            if len(apt) > 2:
                _run([*apt, "update"], debs)
            _run([*apt, "download", *missing], debs)


def _foreign(arch: str, lists: Path) -> list[str]:
    """Options with which apt fetches for another machine than this one, and leaves this one's own lists alone."""
    if arch == platform.machine():
        return []
    (lists / "partial").mkdir()
    values = {
        "APT::Architecture": ARCHITECTURES[arch],
        "APT::Architectures": ARCHITECTURES[arch],
        "Dir::State::lists": f"{lists}",
        "Dir::State::status": "/dev/null",
        "Dir::Cache": f"{lists}/cache",
        "APT::Sandbox::User": "root",
    }
    return [part for name, value in values.items() for part in ("-o", f"{name}={value}")]


def _needed(extras: set[str]) -> set[str]:
    """Every distribution that `mingcha[extras]` brings here, followed to the end."""
    found: set[str] = set()
    waiting = ["mingcha"]
    while waiting:
        name = waiting.pop()
        found.add(name)
        for line in metadata.requires(name) or []:
            requirement, _, marker = line.partition(";")
            extra = re.search(r"extra == ['\"]([\w-]+)['\"]", marker)
            if extra and (name != "mingcha" or extra[1] not in extras):
                continue
            child = re.match(r"[\w.-]+", requirement.strip())
            assert child
            key = child[0].lower().replace("_", "-")
            if key not in found and _is_installed(key):
                waiting.append(key)
    return found


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines()[-1:]
        raise UnavailableError(
            f"取不到安装介质：{' '.join(said)}", hint="请检查网络与软件源后重试，已取到的不再取"
        )
