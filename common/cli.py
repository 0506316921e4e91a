"""What both commands share: Chinese words of click, exit codes (sysexits.h), and one way to end on a foreseen error."""

import codecs
import errno
import gettext
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_WORDS = {
    "Usage:": "用法：",
    "Options": "选项",
    "Commands": "命令",
    "Arguments": "参数",
    "Show this message and exit.": "显示本说明。",
    "Show the version and exit.": "显示版本。",
    "Missing command.": "缺少命令。",
    "Missing argument": "缺少参数",
    "Missing option": "缺少选项",
    "No such option {name!r}.": "没有这个选项：{name}。",
    "Did you mean {possibility}?": "是不是 {possibility}？",
    "(Did you mean one of: {possibilities}?)": "（是不是其中之一：{possibilities}？）",
    "Choose from:\n\t{choices}": "可用：{choices}",
    "Aborted!": "已中止。",
    "Option {name!r} requires an argument.": "选项 {name!r} 缺少值。",
    "Option {name!r} does not take a value.": "选项 {name!r} 不带值。",
    "No such command {name!r}.": "没有这个命令：{name}。",
    "Invalid value for {param_hint}: {message}": "{param_hint} 的值不对：{message}",
    "Invalid value: {message}": "值不对：{message}",
    "Got unexpected extra argument ({args})": "多出的参数（{args}）",
    "Got unexpected extra arguments ({args})": "多出的参数（{args}）",
    "Error: {message}": "出错：{message}",
    "Try '{command} {option}' for help.": "用 '{command} {option}' 查看说明。",
    "file": "文件",
    "directory": "目录",
    "path": "路径",
    "{name} {filename!r} does not exist.": "没有这个{name}：{filename}。",
    "{name} {filename!r} is a file.": "{filename} 是文件，不是目录。",
    "{name} {filename!r} is a directory.": "{filename} 是目录，不是文件。",
    "{name} {filename!r} is not readable.": "{name} {filename} 不能读。",
    "{value!r} is not one of {choices}.": "{value} 不在可用值内（{choices}）。",
    "{value!r} is not {choice}.": "{value} 不可用，只能是 {choice}。",
    "{value} is not in the range {range}.": "{value} 不在范围 {range} 内。",
    "{value!r} is not a valid {number_type}.": "{value} 不是数。",
    "{value!r} does not match the format {format}.": "{value} 不是这样写的日期：{format}。",
    "{value!r} does not match the formats {formats}.": "{value} 不是这样写的日期：{formats}。",
    "required": "必填",
    "default: {default}": "默认：{default}",
}


def _chinese(message: str) -> str:
    return _WORDS.get(message, message)


def _chinese_plural(msgid1: str, msgid2: str, n: int) -> str:
    return _chinese(msgid1 if n == 1 else msgid2)


# click takes its words through gettext when it is imported, and ships no Chinese catalogue.
gettext.gettext = _chinese
gettext.ngettext = _chinese_plural

import click  # noqa: E402

from common import process  # noqa: E402
from common.core.errors import ConfigError, MingchaError, UnavailableError, UsageError, words  # noqa: E402
from common.core.text import is_sound, sound  # noqa: E402


class _Formatter(click.HelpFormatter):
    """The words of the usage line do not go through gettext."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        args = args.replace("[OPTIONS]", "[选项]").replace("COMMAND [ARGS]...", "命令 [参数]...")
        super().write_usage(prog, args, prefix)


click.Context.formatter_class = _Formatter

EX_USAGE = 64
EX_UNAVAILABLE = 69
EX_SOFTWARE = 70
EX_IOERR = 74
EX_NOPERM = 77
EX_CONFIG = 78
_FORBIDDEN = {errno.EACCES, errno.EPERM}
_REFUSED = {
    errno.ENOSPC: "请腾出空间后重试",
    errno.EDQUOT: "请腾出空间后重试",
    errno.EROFS: "请换一处，或以可写的方式重新挂载",
    errno.EIO: "请检查该磁盘或 U 盘",
    errno.EISDIR: "请写文件名，不要写目录",
    errno.ENOTDIR: "请核对路径",
}
"""What a disk may say to any command -> what to do."""


def reason(_context: click.Context, _parameter: click.Parameter, given: str) -> str:
    """Callback of `--why`: blanks are no reason, and would stand in the audit for ever. Raises click.UsageError."""
    if not given.strip():
        raise click.UsageError("--why 要写明原因，不能是空白")
    return given.strip()


WHY = click.option("--why", required=True, callback=reason, metavar="原因", help="记入审计。")
"""What a person decides bears a reason."""


def config_option(program: str) -> Callable[[Any], Any]:
    """`--config`: the file of `program`, else what its variable names, else its place under /etc."""
    default, variable = f"/etc/mingcha/{program}.toml", f"MINGCHA_{program.upper()}_CONFIG"
    return click.option(
        "--config",
        "path",
        type=click.Path(path_type=Path, readable=False),
        default=lambda: os.environ.get(variable, default),
        metavar="文件",
        help=f"配置文件（默认 {default}，或环境变量 {variable}）。",
    )


def say(text: str, *, err: bool = False) -> None:
    """Print `text`, which may quote what others said: nothing in it can move the cursor or turn the line round.

    What a site, a box or a database said is besides put through `common.core.text.one_line`: one line, bounded.
    """
    click.echo(sound(text), err=err)


def say_json(text: bytes | str) -> None:
    """Print a JSON document as UTF-8; a character that a terminal obeys is escaped."""
    document = text.decode() if isinstance(text, bytes) else text
    click.echo("".join(char if is_sound(char) else f"\\u{ord(char):04x}" for char in document).encode())


AS_THEY_ARE = {"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False}
"""`context_settings` of a command whose arguments another program reads."""


def hand_over(*args: str) -> None:
    """Become `python -m provisioning ARGS`: its exit code, its output, its questions. Nothing after this is run."""
    sys.stdout.flush()
    flags = ["-I", "-B"] if sys.flags.isolated else []
    os.execv(sys.executable, [sys.executable, *flags, "-m", "provisioning", *args])  # noqa: S606


_OVER = "\r\x1b[K"


def progress(text: str) -> None:
    """Where a long command is: one line of a terminal's stderr that is written over; nothing where it is no terminal.

    A line of its own for what must be kept, which begins with `!`; an empty text takes the line away.
    """
    alive = sys.stderr.isatty()
    if text.startswith("!"):
        click.echo((_OVER if alive else "") + sound(text), err=True)
    elif alive:
        click.echo(_OVER + sound(text), nl=False, err=True)


def complain(error: MingchaError) -> None:
    """Print a foreseen error: what happened, and the step that mends it."""
    say(f"✕ {error}", err=True)
    if error.hint:
        say(f"  处理：{error.hint}", err=True)


def invoke(group: click.Group, args: Sequence[str] | None = None, name: str | None = None) -> None:
    """Run a command line and end the process: 64 wrong usage, 78 configuration, 69 a server is away, 77 no right to a file, 74 a
    disk that is full or will not.

    `name`: what the program is called in its help, where that is not what was started.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors=_PLAIN)
    sys.exit(code_of(group, args, name))


def code_of(group: click.Group, args: Sequence[str] | None = None, name: str | None = None) -> int:
    """-> the exit code. What nobody foresaw is raised."""
    try:
        result = group.main(args=args, prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return EX_USAGE
    except (click.Abort, KeyboardInterrupt):
        return 130
    except MingchaError as error:
        return _complained(error)
    except OSError as error:
        return _of_file(error)
    except BaseExceptionGroup as group_error:
        return _of_group(group_error)
    return result if isinstance(result, int) else 0


def _of_group(group: BaseExceptionGroup[BaseException]) -> int:
    """A task ended the process: one foreseen cause is said in one sentence."""
    error = process.first_cause(group)
    if isinstance(error, OSError) and _is_of_file(error):
        return _of_file(error)
    if not isinstance(error, MingchaError):
        raise group
    return _complained(error)


def _is_of_file(error: OSError) -> bool:
    return error.filename is not None and (error.errno in _FORBIDDEN or error.errno in _REFUSED)


def _of_file(error: OSError) -> int:
    """The file or its disk refuses, to a person who may lack rights or room. Any other is raised: nobody foresaw it."""
    if not _is_of_file(error):
        raise error
    said = f"{words(error)}：{error.filename2 or error.filename}"
    if error.errno in _FORBIDDEN:
        complain(ConfigError(said, hint="请以 root 执行；已是 root 的，请检查该文件的属主与权限"))
        return EX_NOPERM
    complain(ConfigError(said, hint=_REFUSED[error.errno or 0]))
    return EX_IOERR


def _complained(error: MingchaError) -> int:
    complain(error)
    codes = {ConfigError: EX_CONFIG, UsageError: EX_USAGE, UnavailableError: EX_UNAVAILABLE}
    return next((code for kind, code in codes.items() if isinstance(error, kind)), EX_SOFTWARE)


# A terminal that is not UTF-8 gets signs of its own for those it cannot show, and never an encoding error.
_PLAIN = "mingcha-plain"
_SIGNS = {"✓": "OK", "✕": "XX", "–": "--", "●": "*", "○": "o", "◐": "~", "⊘": "x"}


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return "".join(_SIGNS.get(char, "?") for char in error.object[error.start : error.end]), error.end


codecs.register_error(_PLAIN, _plain)
