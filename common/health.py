"""Run checks, keep only causes as faults, and say the result: for people, or as JSON from the same value."""

import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from common.core.checks import CHECKS, GROUPS
from common.core.errors import MingchaError
from common.core.state import DoctorVerdict, Health
from common.core.text import one_line, sound

CHECK_SECS = 2.5
RUN_SECS = 4.0
"""Of a whole run, which takes 5 s at most with the start of the process (provisioning.md 3.10)."""
Status = Health
_Result = TypeVar("_Result")


class Finding(Struct, frozen=True, kw_only=True):
    """The result of one check, complete: JSON prints exactly this."""

    id: str
    group: str
    title: str
    status: Status
    detail: str
    effect: str = ""
    remedy: str = ""
    since: str = ""
    caused_by: str = ""
    ms: int = 0


class Outcome(Struct, frozen=True):
    """What a check function returns. `remedy` and `effect` override the catalogue's: a better command is known, or a warning has
    not the effect of the fault.
    """

    status: Status
    detail: str
    remedy: str = ""
    since: str = ""
    effect: str = ""


class _Unawaited(ThreadPoolExecutor):
    """A thread for each call, for which nobody waits at the end: a resolver or a driver may hang for half a minute."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:
                future.set_exception(error)
                if not isinstance(error, Exception):
                    raise

        Thread(target=work, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing to wait for."""


def finish(examination: Coroutine[Any, Any, _Result]) -> _Result:
    """Run it as a process of its own does; what hangs in a thread does not keep the process from its end."""

    async def main() -> _Result:
        asyncio.get_running_loop().set_default_executor(_Unawaited())
        return await examination

    # What a library says of a check that was broken off is no answer of the doctor.
    logging.getLogger().addHandler(logging.NullHandler())
    return asyncio.run(main())


CheckFunction = Callable[[], Awaitable[Outcome]]


def ok(detail: str = "") -> Outcome:
    return Outcome(Status.OK, detail)


async def run(functions: dict[str, CheckFunction], *, only: str = "") -> list[Finding]:
    """Run `functions` (by check id), each as soon as what it needs has ended. -> findings in catalogue order.

    `only` limits to a group, by id part or Chinese name, or to one check.
    """
    tasks: dict[str, asyncio.Task[Finding]] = {}
    end_mono = time.monotonic() + RUN_SECS
    async with asyncio.TaskGroup() as group:
        for check_id in CHECKS:
            if check_id in functions and _selected(check_id, only):
                tasks[check_id] = group.create_task(_run_one(check_id, functions[check_id], tasks, end_mono))
    return [task.result() for task in tasks.values()]


def _selected(check_id: str, only: str) -> bool:
    part = check_id.split("-")[1]
    return not only or only.upper() in {part, check_id} or only == GROUPS[part]


async def _run_one(
    check_id: str, function: CheckFunction, tasks: dict[str, asyncio.Task[Finding]], end_mono: float
) -> Finding:
    check = CHECKS[check_id]
    found = Finding(
        id=check_id, group=check.group(check_id), title=check.title, status=Status.SKIP, detail=""
    )
    for need in check.needs:
        cause = await tasks[need] if need in tasks else None
        if cause is not None and cause.status in {Status.FAIL, Status.SKIP}:
            root = cause.caused_by or need
            detail = f"因 {CHECKS[root].group(root)}.{CHECKS[root].title}"
            return replace(found, detail=detail, caused_by=root)
    began = time.monotonic()
    outcome = await _outcome(function, end_mono - began, check.remedy)
    bad = outcome.status in {Status.WARN, Status.FAIL}
    return replace(
        found,
        status=outcome.status,
        detail=outcome.detail,
        effect=(outcome.effect or check.effect) if bad else "",
        remedy=(outcome.remedy or check.remedy) if bad else "",
        since=outcome.since,
        ms=round((time.monotonic() - began) * 1000),
    )


async def _outcome(function: CheckFunction, left_secs: float, remedy: str) -> Outcome:
    """What a foreseen error means: we may not look, or something is wrong. What has no answer yet may only be busy."""
    try:
        async with asyncio.timeout(min(CHECK_SECS, left_secs)):
            return await function()
    except TimeoutError:
        if left_secs < CHECK_SECS:  # what came before took the time
            return Outcome(Status.SKIP, "体检的时间用完了，请用 --only 单独查")
        detail = f"{CHECK_SECS} 秒内没有结果，可能是正忙或死机"
        return Outcome(Status.FAIL, detail, f"请过一分钟再体检一次；仍然如此，{remedy}")
    except PermissionError:
        return Outcome(Status.SKIP, _NO_RIGHT)
    except MingchaError as error:
        if isinstance(error.__cause__, PermissionError):
            return Outcome(Status.SKIP, _NO_RIGHT)
        return Outcome(Status.FAIL, str(error), error.hint)


_LONGEST = 4_000
_NO_RIGHT = "当前用户无权查看，请用 root 执行"
MARKS = {Status.OK: "✓", Status.WARN: "!", Status.FAIL: "✕", Status.SKIP: "–"}
ASCII_MARKS = {Status.OK: "OK", Status.WARN: "!!", Status.FAIL: "XX", Status.SKIP: "--"}


def render(findings: list[Finding], verdict: str, *, verbose: bool = False, ascii_only: bool = False) -> str:
    """Text for a terminal: verdict first (and last when long), one block per fault, good ones folded."""
    marks = ASCII_MARKS if ascii_only else MARKS
    worst = Status.FAIL if any(f.status is Status.FAIL for f in findings) else Status.OK
    if worst is Status.OK and any(f.status is Status.WARN for f in findings):
        worst = Status.WARN
    first = f"{marks[worst]} {verdict}"
    lines = [first]
    for finding in findings:
        if finding.status in {Status.WARN, Status.FAIL}:
            since = f"，自 {finding.since}" if finding.since else ""
            lines.append(
                f"{marks[finding.status]} {finding.group}.{finding.title}  {_shown(finding.detail)}{since}  {finding.id}"
            )
            lines += [f"  影响：{finding.effect}", f"  处理：{finding.remedy}"]
        elif verbose:
            lines.append(
                f"{marks[finding.status]} {finding.group}.{finding.title}  {_shown(finding.detail)}".rstrip()
            )
    lines += [] if verbose else [f"{marks[Status.SKIP]} {text}" for text in _skipped(findings)]
    passed = sum(f.status is Status.OK for f in findings)
    if not verbose and passed:
        lines.append(f"{marks[Status.OK]} {'其余 ' if len(lines) > 1 else ''}{passed} 项通过   (-v 展开)")
    if len(lines) > 20:
        lines.append(first)
    return "\n".join(lines)


def _skipped(findings: list[Finding]) -> Iterator[str]:
    """One line per reason: which checks could not be made."""
    by_reason: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.status is Status.SKIP:
            by_reason.setdefault(finding.detail, []).append(finding)
    for reason, skipped in by_reason.items():
        groups: dict[str, list[str]] = {}
        for finding in skipped:
            groups.setdefault(finding.group, []).append(finding.title)
        names = (
            f"{group}.{titles[0]}" if len(titles) == 1 else f"{group} {len(titles)} 项"
            for group, titles in groups.items()
        )
        yield f"{'、'.join(names)}  跳过" + (f"（{_shown(reason)}）" if reason else "")


def _shown(detail: str) -> str:
    """Bounded, and no line of it can pass for one of ours."""
    return sound(detail[:_LONGEST]).replace("\n", "\n    ")


def ascii_only() -> bool:
    """The terminal cannot show our marks."""
    return "utf" not in (sys.stdout.encoding or "").lower()


def verdict_of(
    findings: list[Finding], not_collecting: Collection[str], no_identity: Collection[str] = ()
) -> DoctorVerdict:
    """The highest that applies of attention, degraded, not collecting, no identity."""
    failed = {finding.id for finding in findings if finding.status is Status.FAIL}
    if failed & set(no_identity):
        return DoctorVerdict.NO_IDENTITY
    if failed & set(not_collecting):
        return DoctorVerdict.NOT_COLLECTING
    if failed:
        return DoctorVerdict.DEGRADED
    warned = any(finding.status is Status.WARN for finding in findings)
    return DoctorVerdict.ATTENTION if warned else DoctorVerdict.OK


def sentence(findings: list[Finding], name: str, effect: str, only: str = "") -> str:
    """The verdict for people: how many, of how many, and what it means for the data.

    `only`: the part that was looked at. Of the rest nothing is said then.
    """
    counts = {status: sum(f.status is status for f in findings) for status in Status}
    skipped = f"，{counts[Status.SKIP]} 项跳过" if counts[Status.SKIP] else ""
    of = f"（共 {len(findings)} 项{skipped}）：{name} {effect}"
    if only:
        of = f"（只查了 {len(findings)} 项{skipped}）：{name}"
    if counts[Status.FAIL]:
        return f"有 {counts[Status.FAIL]} 个问题要处理{of}"
    return (
        f"有 {counts[Status.WARN]} 处要注意{of}"
        if counts[Status.WARN]
        else f"{'所查各项正常' if only else '一切正常'}{of}"
    )


def to_json(findings: list[Finding], **head: object) -> str:
    """The JSON of provisioning.md 3.10: `head` (schema, verdict, site, ...) and the same findings."""
    return msgspec.json.encode({**head, "checks": findings}).decode()


class _Short(Struct, frozen=True, omit_defaults=True):
    """A finding as a box tells it to the hall: what the catalogue says anyhow is left out."""

    id: str
    status: Status
    detail: str = ""
    effect: str = ""
    remedy: str = ""
    since: str = ""
    caused_by: str = ""
    ms: int = 0


LONGEST_SHORT = 200


def shortened(findings: list[Finding]) -> str:
    """JSON for an answer that travels as a record: the whole of a run keeps below its bound (`LONGEST_RESULT`)."""
    short = [
        _Short(
            id=item.id,
            status=item.status,
            detail=one_line(item.detail, LONGEST_SHORT),
            effect="" if item.id in CHECKS and item.effect == CHECKS[item.id].effect else item.effect,
            remedy="" if item.id in CHECKS and item.remedy == CHECKS[item.id].remedy else item.remedy,
            since=item.since,
            caused_by=item.caused_by,
            ms=item.ms,
        )
        for item in findings
    ]
    return msgspec.json.encode(short).decode()


def whole(text: str) -> list[Finding]:
    """The findings of `shortened`, with the words of our own catalogue; a newer box's check keeps its bare id.

    Raises ValueError for what is none.
    """
    return [_whole(item) for item in msgspec.json.decode(text, type=list[_Short])]


def _whole(item: _Short) -> Finding:
    check, part = CHECKS.get(item.id), item.id.split("-")[1:2]
    bad = item.status in {Status.WARN, Status.FAIL}
    return Finding(
        id=item.id,
        group=GROUPS.get("".join(part), "其他"),
        title=check.title if check else item.id,
        status=item.status,
        detail=item.detail,
        effect=(item.effect or (check.effect if check else "")) if bad else "",
        remedy=(item.remedy or (check.remedy if check else "")) if bad else "",
        since=item.since,
        caused_by=item.caused_by,
        ms=item.ms,
    )


def difference(now: list[Finding], good: list[Finding]) -> list[str]:
    """What is otherwise than in the last run in which nothing was wrong: one line per cause, none for what follows."""
    before = {item.id: item for item in good}
    lines = []
    for item in now:
        old = before.get(item.id)
        if not item.caused_by and (old is None or old.status is not item.status):
            was = old.status.word if old else "那时没有这一项"
            lines.append(
                f"{item.group}.{item.title}：{was} → {item.status.word}  {one_line(item.detail)}".rstrip()
            )
    return lines
