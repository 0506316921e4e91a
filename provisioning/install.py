"""The second half of the one command, run by the interpreter that the first half unpacked: facts, plan, steps, doctor."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from msgspec import Struct

from common.cli import complain, say
from common.core.errors import ConfigError, UsageError
from common.hold import hold
from provisioning import box_files, identity_step, units
from provisioning.box_files import STATE, Place
from provisioning.core import plan as plans
from provisioning.core import token
from provisioning.core.plan import Step
from provisioning.service import UNIT

LOCK_SECS = 30.0
MEET_SECS = 20.0
"""So long the service may take to meet the hall before the doctor's word is final."""
_MET = {"catchup", "steady", "refused"}
"""Phases of the agent (`agent/core/sync.py`)."""
EX_NOT_STARTED = 70
_NOT_ROOT = 77


class Options(Struct, frozen=True):
    """What the command line says; the rest comes from the script by the environment (`box/install.sh`)."""

    dry_run: bool
    ask: bool


def install(options: Options) -> int:
    """Install, repair or enrol anew. -> exit code. Raises UsageError, ConfigError, UnavailableError, RejectedError."""
    if os.geteuid() != 0:
        say("✕ 失败 [root] 没有 root 权限\n  处理：请以 root 执行同一条命令", err=True)
        return _NOT_ROOT
    letter = os.environ.get("MC_LETTER", "")
    place = Place(
        hall=_given("MC_HALL"),
        release=_given("MC_RELEASE"),
        ca=_given("MC_CA"),
        key=_given("MC_KEY"),
        token=_token(options) or box_files.waiting_token(),
        letter=Path(letter).read_bytes() if letter else b"",
    )
    if options.dry_run:
        steps = plans.plan(box_files.facts(place))
        for step in steps:
            say(f"– {step.word}")
        say("没有要做的：本机完好" if not steps else "什么也没有改动；去掉 --dry-run 即照此执行")
        return 0
    with alone():
        steps = plans.plan(box_files.facts(place))
        try:
            for step in steps:
                say(f"… {step.word}")
                _DO[step](place)
        except units.NotStartedError as error:
            complain(error)
            say(_doctor().stdout.rstrip())
            return EX_NOT_STARTED
        box_files.forget_old_releases(place.tree)
        is_waiting = box_files.settle()
        say(
            "✓ 已装好"
            + ("，令牌已作废" if Step.IDENTITY in steps else "；本来就完好，没有改动" * (not steps))
        )
    if is_waiting:
        say("! 线路不通，还没有登记：本机已在采集并加密缓存，线路通了自动登记、补传，不用再来")
    return _verdict(0.0 if is_waiting else MEET_SECS)


def _given(name: str) -> str:
    found = os.environ.get(name, "")
    if not found:
        raise UsageError(f"缺少环境变量 {name}", hint="请执行市中心印出的整条命令，不要单独启动本程序")
    return found


def _token(options: Options) -> str:
    """The token; empty where none was given. It is taken out of the environment: no child of ours sees it."""
    text = os.environ.pop("MC_TOKEN", "")
    if options.ask and not text:
        try:
            with Path("/dev/tty").open("w") as screen, Path("/dev/tty").open() as keys:
                screen.write("令牌：")
                screen.flush()
                text = keys.readline()
        except OSError as error:
            raise UsageError(
                "没有终端可以输入令牌", hint="请在终端执行，或用印出的 MC_TOKEN= 写法"
            ) from error
    text = text.strip()
    if text and not token.site_of(text):
        raise UsageError("令牌写得不对", hint="请核对命令是否完整复制；令牌形如 mc1.s01.… ")
    return text


def alone() -> IO[str]:
    """One installation at a time. Raises ConfigError that says who is at it."""
    end = time.monotonic() + LOCK_SECS
    while True:
        try:
            return hold(Path("/run/mingcha-install.lock"), who="安装程序", hint="请等它结束后再执行")
        except ConfigError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


_DO: dict[Step, Callable[[Place], object]] = {
    Step.USER: lambda _: units.keep_user("mingcha.conf"),
    Step.FOLDERS: lambda _: box_files.make_folders(),
    Step.IDENTITY: identity_step.enrol,
    Step.WAIT: identity_step.wait,
    Step.MASTER: lambda _: box_files.make_master(),
    Step.OWNERS: lambda _: box_files.own_files(),
    Step.LINK: box_files.link,
    Step.UNITS: lambda _: box_files.write_units(),
    Step.ENABLE: lambda _: box_files.enable(),
    Step.START: lambda _: units.start(UNIT),
    Step.RESTART: lambda _: units.start(UNIT, "restart"),
}


def _verdict(meet_secs: float) -> int:
    """What the doctor says, once the service has had time to meet the hall. The doctor's faults are not ours."""
    end = time.monotonic() + meet_secs
    while not _has_met() and time.monotonic() < end:
        time.sleep(0.2)
    while _may_pass(done := _doctor()) and time.monotonic() < end:
        time.sleep(1.0)
    say(done.stdout.rstrip())
    say("以后查看：mingcha-agent doctor    运行情况：mingcha-agent status")
    return 0


def _has_met() -> bool:
    """The service has met its hall or was turned away, as it says itself: cheaper to ask than the doctor, who costs a process."""
    with suppress(OSError, ValueError):
        return json.loads((STATE / "status.json").read_bytes())["phase"] in _MET
    return False


def _may_pass(done: subprocess.CompletedProcess[str]) -> bool:
    """What is wrong of the service that has just been started, or of its line; the rest waits for a person."""
    return done.returncode > 1 and re.search(r"E-(SYS-01|NET-\d+|SYNC-\d+)$", done.stdout, re.M) is not None


def _doctor() -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-B", "-m", "agent", "doctor"]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
