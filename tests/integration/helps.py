"""Prints what every command says of itself, as JSON: [program, path, exit code, text]. One process for all of them.

In a process of its own, because the words of click are chosen when it is imported.
"""

from common.cli import code_of, say_json

import contextlib  # isort: skip
import io
import json
from collections.abc import Iterator

import click

from agent.__main__ import cli as agent_cli
from central.__main__ import cli as hall_cli
from provisioning.__main__ import box as handed_by_box
from provisioning.__main__ import hall as handed_by_hall


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, ...]]:
    """The path of every command and of every group."""
    yield path
    for name, item in group.commands.items():
        if isinstance(item, click.Group):
            yield from commands(item, *path, name)
        elif item.add_help_option:  # else another program answers
            yield (*path, name)


def helps() -> Iterator[tuple[str, tuple[str, ...], int, str]]:
    roots = [
        ("mingcha-agent", agent_cli),
        ("mingcha", hall_cli),
        ("mingcha-agent", handed_by_box),
        ("mingcha", handed_by_hall),
    ]
    for name, root in roots:
        for path in commands(root):
            with contextlib.redirect_stdout(io.StringIO()) as out:
                code = code_of(root, [*path, "--help"], name)
            yield name, path, code, out.getvalue()


if __name__ == "__main__":
    say_json(json.dumps(list(helps())))
