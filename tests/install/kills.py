"""Kill the one command at any moment, with everything it started, as a power cut would; then run it once more."""

import selectors
import subprocess
import time
from contextlib import suppress
from random import Random

from msgspec import Struct

from tests.install import lab as labs
from tests.install.lab import Box
from tests.install.site import Site, cases

UNIT = "one-command"
KILLS, WHOLE_SECS = 5, 8.0
"""Of a box; about as long as the command takes."""
STEPS = (
    "取得安装包",
    "建立账号",
    "建立目录",
    "登记：",
    "主密钥",
    "属主",
    "切换到",
    "写入系统服务",
    "开机自动",
    "启动服务",
)
"""What the command says as it begins each part, in their order."""


def killed(box: Box, command: str, said: str, after_secs: float) -> bool:
    """Start `command`, wait until it has said `said` (empty: nothing), let it go on for so long, and kill it.

    -> False where it had ended by then.
    """
    script = f'systemd-run --quiet --collect --wait --pipe --unit={UNIT} sh -c "$0"'
    with subprocess.Popen(
        box.entering("sh", "-c", script, command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    ) as process:
        _wait(process, said)
        end = time.monotonic() + after_secs
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
        is_running = process.poll() is None
        box.kill_unit(UNIT)
        process.communicate()
    return is_running


def _wait(process: "subprocess.Popen[bytes]", said: str) -> None:
    assert process.stdout is not None
    found = b""
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while said.encode() not in found:
            ready.select()
            part = process.stdout.read1(4096)  # type: ignore[attr-defined]
            if not part:
                return
            found += part


class Outcome(Struct):
    """`lost`: cases that did not arrive; `spare`: boxes beyond the one that a site has."""

    kills: int = 0
    lost: int = 0
    spare: int = 0
    records: int = 0


def run(count: int, seed: int) -> Outcome:
    """`count` kills at random moments, five to a box, each box then finished by the same command."""
    random, found = Random(seed), Outcome()
    with labs.running() as lab:
        system = labs.rootfs()
        while found.kills < count:
            site = Site(lab, f"k{found.kills}")
            box, office = site.box(system)
            for _ in range(KILLS):
                killed(box, site.command, "", random.random() * WHOLE_SECS)
            found.kills += KILLS
            finish(site, box)
            with suppress(RuntimeError):
                box.until(lambda: site.acknowledged() == cases(office))  # noqa: B023  awaited here
            found.records += len(cases(office))
            found.lost += len(cases(office) - site.acknowledged())
            found.spare += len(site.boxes()) - 1
            lab.clear()
    return found


def finish(site: Site, box: Box) -> None:
    """Once more to the end: one identity, the first; everything enabled and running; nothing left to do, nor lying about."""
    box.must(site.command)
    assert site.boxes() == [(1, "active")]
    assert (
        box.must("systemctl is-active mingcha-agent; systemctl is-enabled mingcha-agent")
        == "active\nenabled\n"
    )
    assert "没有改动" in box.must(site.command)
    halves = "-name '.*' -o -name '*.part' -o -name '*next*'"
    assert box.must(f"find /opt/mingcha /etc/mingcha /var/lib/mingcha-pki {halves}") == ""
