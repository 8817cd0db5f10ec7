"""Commands of headrace that a page tells people to run."""

from __future__ import annotations

import re
from html import unescape

import click

from headrace.cli.root import headrace

_COMMAND = re.compile(r"(?:`|<code>)headrace ([^`<]+)(?:`|</code>)")


def shown_commands(page: str) -> list[str]:
    """Return the commands in a page's code, without the program's name."""
    return [unescape(command) for command in _COMMAND.findall(page)]


def takes_target(command: str) -> bool:
    """Return whether a command works at a target, which it is told by ``--at``."""
    found: click.Command | None = headrace
    context = click.Context(headrace)
    for word in command.split():
        if not isinstance(found, click.Group):
            break
        found = found.get_command(context, word)
    assert found is not None, f"there is no command headrace {command}"
    return not isinstance(found, click.Group) and any("--at" in one.opts for one in found.params)
