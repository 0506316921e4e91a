"""Guides, forms, laws, announcements and results as files that any web server shows while hall and door are down: the very pages, with links among themselves."""

import hashlib
import tempfile
from pathlib import Path
from urllib.parse import quote

import aiohttp
from aiohttp import web
from yarl import URL

from central.core import blank as blanks
from central.core import guide as guides
from central.core import law_text, published
from central.core.score import Level
from central.door import store as rows
from central.door.links import FILES, FORMS, NOTICES, ROOT, file_of
from central.door.page import DOOR, Door, Shown
from common.core.errors import UnavailableError, UsageError, words

SUMS = "SHA256SUMS"
PAGES = ("guides", "forms", "laws", "scores", "notices", "access", "help", "static/door.css")


def addresses(door: Door, shown: Shown) -> list[str]:
    """Every page and file that is written, by its address."""
    today = door.today(shown)
    codes = [one.guide.code for one in shown.guides.values() if guides.current(one.guide, today) is not None]
    found = [ROOT, *(f"{ROOT}{name}" for name in PAGES)]
    found += [f"{ROOT}guides/{quote(code, safe='')}" for code in codes]
    for name in shown.laws:
        place = f"{ROOT}laws/{quote(name, safe='')}"
        text = law_text.in_force(shown.editions.get(name, ()), today)
        found += [place, *(f"{place}/{start}" for start in (text.starts if text is not None else ()))]
    for code in codes:
        for one in blanks.current(shown.blanks, shown.guides[code].guide, today):
            found += [f"{ROOT}forms/{one.number}", f"{FORMS}{one.form_file}", f"{FORMS}{one.sample_file}"]
    for bulletin in shown.bulletins:
        if bulletin.withdrawn is None:
            found += [f"{ROOT}notices/{bulletin.number}", f"{NOTICES}{bulletin.number}.txt"]
    for head in published.newest(shown.releases):
        place = f"{ROOT}scores/{quote(head.period, safe='')}"
        found += [place, *(f"{place}/{level.value}" for level in Level if level is not Level.PERSON)]
    return found


async def write(app: web.Application, folder: Path) -> int:
    """Ask `app` for everything and put it where `folder` is, all at once. -> how many files.

    Raises UsageError for a folder that holds something else, UnavailableError where it cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / SUMS).exists())):
        raise UsageError(f"{folder} 里有别的东西", hint="请给一个空的或还没有的目录；以前导出的目录可以再用")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".mingcha-export-") as place:
            fresh = Path(place) / "new"
            fresh.mkdir(mode=0o755)
            with tempfile.TemporaryDirectory(
                prefix="mingcha-"
            ) as short:  # a socket's path may have 107 bytes
                number = await _fill(app, fresh, Path(short) / "door.sock")
            if folder.exists():
                folder.rename(Path(place) / "old")
            fresh.rename(folder)
    except OSError as error:
        raise UnavailableError(
            f"写不了 {folder}：{words(error)}", hint="请换一个可以写、放得下的目录"
        ) from error
    return number


async def _fill(app: web.Application, fresh: Path, socket: Path) -> int:
    door = app[DOOR]
    shown = await door.look()
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    sums: dict[str, str] = {}
    try:
        await web.UnixSite(runner, str(socket)).start()
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session:
            wanted = addresses(door, shown)
            for head in published.newest(shown.releases):
                wanted += [f"{FILES}{head.number}/{name}" for name in await _names(door, head.number)]
            for path in wanted:
                async with session.get(URL(f"http://door{path}", encoded=True)) as answer:
                    answer.raise_for_status()
                    body = await answer.read()
                name = file_of(path)
                sums[name] = hashlib.sha256(body).hexdigest()
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_bytes(body)
    finally:
        await runner.cleanup()
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (fresh / SUMS).write_text(lines, "utf-8")
    return len(sums)


async def _names(door: Door, number: int) -> list[str]:
    async with door.store.read() as conn:
        return await rows.release_files(conn, number)
