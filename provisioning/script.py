"""The one command and the script behind it: text with the hall's address, pins and bundles filled in."""

import base64
from pathlib import Path

from common import sealed
from common.config import read_secret
from provisioning import bundle, pki, releases
from provisioning.settings import Hall

_FOLDER = Path(__file__).parent / "box"
TEMPLATE = _FOLDER / "install.sh"
UNINSTALL = _FOLDER / "uninstall.sh"


def render(hall: Hall) -> str:
    """The script as `GET /i` sends it: nothing in it is secret."""
    lines = []
    for arch in bundle.ARCHITECTURES:
        made = releases.installed_anew(hall, arch)
        if made is not None:
            lines.append(
                f"    {arch}) release={made.release} file={made.file} sha256={made.sha256} size={made.size} ;;"
            )
    ca = read_secret(hall.folder / "ca.pem", "根证书")
    values = {
        "@HALL@": hall.address,
        "@PIN@": f"sha256//{pki.pin(sealed.place(hall.door))}",
        "@CA@": base64.b64encode(ca).decode(),
        "@KEY@": base64.b64encode(releases.key(hall)).decode() if lines else "",
        "@UNINSTALL@": UNINSTALL.read_text("utf-8").rstrip(),
        "@BUNDLES@": "\n".join(lines),
    }
    text = TEMPLATE.read_text("utf-8")
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def commands(hall: Hall, token: str) -> tuple[str, str, str]:
    """What is printed for a technician: with curl, with wget, and with the token typed instead of shown."""
    pin, url = f"sha256//{pki.pin(hall.door)}", f"{hall.address}/i"
    curl = f"curl -fsSk --pinnedpubkey '{pin}' {url}"
    wget = f"wget -qO- --no-check-certificate --pinnedpubkey '{pin}' {url}"
    return f"{curl} | MC_TOKEN={token} sh", f"{wget} | MC_TOKEN={token} sh", f"{curl} | sh -s -- --ask"
