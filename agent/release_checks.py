"""What the doctor looks for in the installed release: its files, one on trial, one that did not pass.

All of it is found from where this very program lies (`/opt/mingcha/releases/V/…`, provisioning.md 3.4).
"""

import asyncio
import hashlib
from contextlib import suppress
from pathlib import Path

from agent.box import Box
from common.core.instant import DAY, SECOND
from common.health import Outcome, Status, ok

_SUMS = "SHA256SUMS"
_OURS = ("bin/", "/agent/", "/common/", "/provisioning/")
"""What is read whole; of the libraries, which take longer than a doctor has, it is seen that they are there."""
_BEHIND = 14 * DAY
_NOT_INSTALLED = "不是由发行包安装的"
_REPAIR = "请再执行一次安装命令（不含令牌亦可），程序会修复"


def _tree() -> Path | None:
    """None where the program runs from elsewhere, as in a developer's folder."""
    return next((tree for tree in Path(__file__).resolve().parents if (tree / _SUMS).exists()), None)


async def unchanged(box: Box) -> Outcome:
    del box
    tree = _tree()
    return ok(_NOT_INSTALLED) if tree is None else await asyncio.to_thread(_compared, tree)


def _compared(tree: Path) -> Outcome:
    wrong, read, seen = [], 0, 0
    for line in (tree / _SUMS).read_text("utf-8").splitlines():
        digest, _, name = line.partition("  ")
        path = tree / name
        if any(part in name for part in _OURS):
            read += 1
            content = path.read_bytes() if path.exists() else b""
            wrong += [] if hashlib.sha256(content).hexdigest() == digest else [name]
        else:
            seen += 1
            wrong += [] if path.exists() else [name]
    if wrong:
        shown = "、".join(wrong[:3]) + (f" 等 {len(wrong)} 个" if len(wrong) > 3 else "")
        return Outcome(Status.FAIL, f"与发行 {tree.name} 不一致：{shown}", _REPAIR)
    return ok(f"{tree.name}：程序 {read} 个文件一致，库 {seen} 个文件都在")


async def settled(box: Box) -> Outcome:
    """A trial lasts seconds; then what runs is what is trusted."""
    del box
    tree = _tree()
    if tree is None:
        return ok(_NOT_INSTALLED)
    root = tree.parents[1]
    current, trusted = ((root / name).resolve().name for name in ("current", "trusted"))
    return (
        ok(current) if current == trusted else Outcome(Status.WARN, f"正在试运行 {current}，此前是 {trusted}")
    )


async def passed(box: Box) -> Outcome:
    """The newest release that was tried here, if it was sent back: root has noted why (`provisioning/upgrade.py`)."""
    tree = _tree()
    if tree is None:
        return ok(_NOT_INSTALLED)
    note = tree.parents[1] / "rolled-back"
    with suppress(FileNotFoundError):
        said = note.read_text("utf-8").strip()
        return Outcome(Status.WARN, said, since=box.since(int(note.stat().st_mtime * SECOND)))
    return ok()


async def returnable(box: Box) -> Outcome:
    """What ran before the last upgrade is kept whole, as root has noted by a link."""
    del box
    tree = _tree()
    if tree is None:
        return ok(_NOT_INSTALLED)
    link = tree.parents[1] / "previous"
    if not link.is_symlink():
        return ok("还没有升级过")
    before = link.readlink().name
    return ok(before) if (link / _SUMS).exists() else Outcome(Status.WARN, f"上一个版本 {before} 不在了")


async def newest(box: Box) -> Outcome:
    """Against what the hall gives to new boxes: it says so whenever root asks. A rollout goes by waves, so it has time."""
    tree = _tree()
    if tree is None:
        return ok(_NOT_INSTALLED)
    note = tree.parents[1] / "newest"
    with suppress(FileNotFoundError):
        name, since = note.read_text("utf-8").strip(), int(note.stat().st_mtime * SECOND)
        if name == tree.name:
            return ok(name)
        detail = f"市中心已用 {name}，本机是 {tree.name}"
        late = box.clock.wall() - since > _BEHIND
        return Outcome(Status.WARN, detail, since=box.since(since)) if late else ok(detail)
    return ok("市中心还没有说过")
