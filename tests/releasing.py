"""Releases of tests: any tree, packed and signed by a key of ours, carried into a hall as a medium is."""

import hashlib
import io
import platform
import tarfile

from common.clock import Clock
from common.core import crypto
from common.core.rest import BUFFER_FORMAT
from provisioning import releases
from provisioning.core import release
from provisioning.core.release import Manifest
from provisioning.settings import Hall

SECRET = b"\7" * 32
FOREIGN = b"\x08" * 32
SPARE = b"\x09" * 32


def packed(files: dict[str, bytes]) -> tuple[bytes, str]:
    """-> a bundle of `files` (those in `bin/` can be run), and the hash of its list of hashes."""
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as tar:
        for name, data in {**files, "SHA256SUMS": sums.encode()}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755 if name.startswith("bin/") else 0o644
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue(), hashlib.sha256(sums.encode()).hexdigest()


def carried(
    hall: Hall,
    archive: bytes,
    name: str = "1-a",
    sums: str = "",
    arch: str = "",
    secret: bytes = SECRET,
    number: int = BUFFER_FORMAT,
    keys: list[bytes] | None = None,
) -> Manifest:
    """Put a release into the hall. What is signed with another key than the hall's is left there unchecked."""
    arch = arch or platform.machine()
    manifest = Manifest(
        version=name.partition("-")[0],
        release=name,
        arch=arch,
        file=f"mingcha-{name}-{arch}.tar.gz",
        sha256=hashlib.sha256(archive).hexdigest(),
        size=len(archive),
        sums=sums,
        made_wall=Clock().wall(),
        buffer_format=number,
        keys=keys or [],
    )
    hall.bundles.mkdir(parents=True, exist_ok=True)
    (hall.folder / releases.KEY).write_bytes(crypto.sign_public(SECRET))
    (hall.bundles / manifest.file).write_bytes(archive)
    (hall.bundles / f"{name}-{arch}{releases.SUFFIX}").write_bytes(release.sealed(manifest, secret))
    return manifest
