"""`mingcha site bundle`: what a box is installed from where the line is thin or not there yet: one folder on a stick.

The same script, the same stages; only the archive is not fetched. With a token the stick carries the site's letter too, all
that enrolment would bring but the certificate: a box without a line collects and keeps with it, and enrols when the line
comes. Without a token there is no secret on it, and enrolment needs a line, of a few kilobytes.
"""

import getpass
import secrets
import shutil
from pathlib import Path

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from central.store import trail
from central.store.engine import within
from common.cli import say
from common.clock import Clock
from common.core.errors import ConfigError, RejectedError, UsageError
from provisioning import identities, registry, releases, script
from provisioning.core import enrolment, token
from provisioning.files import PRIVATE, PUBLIC, write_file
from provisioning.settings import Hall

_FOLDER = "mingcha"
_LETTER = "site.json"


async def make(hall: Hall, site: str, arch: str, place: Path, *, with_token: bool) -> None:
    """Write `place/mingcha`. Without a token it carries no secret. Raises UsageError, ConfigError, RejectedError."""
    manifest = releases.installed_anew(hall, arch)
    if manifest is None:
        raise ConfigError(
            f"市中心没有 {arch} 的站点发行", hint="请导入该架构的发行介质：mingcha release import 目录"
        )
    folder = place / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / manifest.file
    if not releases.is_sound(target, manifest):
        shutil.copyfile(hall.bundles / manifest.file, target)
        if not releases.is_sound(target, manifest):
            raise RejectedError(f"写到 {target} 的内容不对", hint="请换一个 U 盘，或检查其空间")
    write_file(folder / "install.sh", script.render(hall).encode(), PUBLIC)
    say(f"✓ {folder}：{manifest.release} {arch}，{manifest.size / 1e6:.0f} MB")
    if with_token:
        text = token.text(site, secrets.token_bytes(token.SECRET_BYTES))
        named = await within(hall.database_url, lambda conn: _register(conn, site, text))
        letter = identities.told(hall, site, 0, named, b"", Clock().wall())
        write_file(folder / _LETTER, msgspec.json.encode(letter), PRIVATE)
        write_file(folder / "token", text.encode(), PRIVATE)
        say("! 其中有令牌（14 天内有效，只能用一次）与站点的摘要密钥：请当作钥匙保管，用后销毁", err=True)
    else:
        for name in ("token", _LETTER):
            (folder / name).unlink(missing_ok=True)
    said = "" if with_token else "MC_TOKEN=令牌 "
    if with_token:
        say("  没有线路也能装：先采集并加密缓存，线路通了自动登记、补传")
    say(f"在站点机器上以 root 执行：  {said}sh /media/usb/{_FOLDER}/install.sh    （路径按实际挂载处写）")


async def _register(conn: AsyncConnection, site: str, text: str) -> str:
    """-> the site's name."""
    now, who = Clock().wall(), getpass.getuser()
    if (await registry.must_find(conn, site)).is_retired:
        raise UsageError(f"站点 {site} 已停用", hint="如站点恢复，请另建站点：mingcha site add 名称")
    await registry.add_token(conn, token.digest(text), site, who, now, enrolment.CARRIED_LIFE)
    await trail.note(conn, now, who, "site.reissue", site, "U 盘")
    return await registry.name_of(conn, site)
