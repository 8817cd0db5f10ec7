"""The installed program in fresh processes, and which of its commands and options were run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from headrace.cli import headrace as root_command

COMMON = {
    "--project": None,  # the directory, filled in
    "--at": "local",
    "--profile": "day",
    "--format": "json",
    "--jmespath": "@",
}
_GROUP_OPTIONS = {"--version", "--help", *COMMON}


def option_name(option: click.Option, *, negative: bool = False) -> str:
    """Returns the long form of an option."""
    return max(option.secondary_opts if negative else option.opts, key=len)


def options_of(command: click.Command) -> set[str]:
    """Returns the long forms of all options of a command."""
    found = {"--help"}
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            found.add(option_name(parameter))
            if parameter.secondary_opts:
                found.add(option_name(parameter, negative=True))
    return found


def commands(
    command: click.Command = root_command, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yields every command and group of the tree with its path."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, (*path, name))


def used(arguments: tuple[str, ...]) -> set[tuple[str, str]]:
    """Returns the commands that arguments call, each with the options given to it."""
    command: click.Command = root_command
    path: tuple[str, ...] = ()
    found = {("", "")}
    is_value = False
    for place, word in enumerate(arguments):
        if is_value:
            is_value = False
            continue
        if word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            for parameter in [*command.params, command.get_help_option(click.Context(command))]:
                if not isinstance(parameter, click.Option):
                    continue
                for negative, names in ((False, parameter.opts), (True, parameter.secondary_opts)):
                    if name in (*names, *(["-h"] if "--help" in names else [])):
                        long = option_name(parameter, negative=negative)
                        found.add((" ".join(path), long))
                        following = arguments[place + 1 : place + 2]
                        may_lack = parameter.flag_value is not None and not parameter.is_flag
                        if parameter.is_flag or value:
                            continue
                        if not (may_lack and following and following[0].startswith("-")):
                            is_value = True
        elif isinstance(command, click.Group):
            inner = command.get_command(click.Context(command), word)
            assert inner is not None, word
            command, path = inner, (*path, word)
            found.add((" ".join(path), ""))
    return found


@dataclass
class Done:
    """How a call ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """The one line that tells of the failure."""
        lines = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.stderr
        return lines[0]


@dataclass
class Program:
    """Runs the installed ``headrace``.

    Attributes:
        directory: where it runs, and its project.
        environment: variables in the place of the tests' own.
        record: the commands and options that were run.
    """

    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    record: set[tuple[str, str]] = field(default_factory=set)

    def __call__(self, *arguments: str, code: int = 0, stdin: str = "", **variables: str) -> Done:
        """Runs a command, checks its exit code, and that no traceback is shown."""
        script = Path(sys.executable).with_name("headrace")
        command = [str(script)] if script.is_file() else [sys.executable, "-m", "headrace.cli"]
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("GLOBUS", "HEADRACE_"))}
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.directory,
            env={**kept, **self.environment, **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        told = f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == code, told
        assert "Traceback" not in done.stderr, told
        self.record |= used(arguments)
        return Done(done.returncode, done.stdout, done.stderr)

    def document(self, *arguments: str, code: int = 0, stdin: str = "") -> Any:
        """Runs a command with every common option that it has; returns what its JSON says."""
        return json.loads(self(*arguments, *self.common(*arguments), code=code, stdin=stdin).stdout)

    def refused(self, *arguments: str, code: int = 1, stdin: str = "") -> str:
        """Runs a command that cannot be done, with every common option; returns the line."""
        done = self(*arguments, *self.common(*arguments), code=code, stdin=stdin)
        assert done.stdout == ""
        return done.error

    def common(self, *arguments: str) -> list[str]:
        """Returns the common options of the command that arguments call."""
        command: click.Command = root_command
        for word in arguments:
            if isinstance(command, click.Group):
                inner = command.get_command(click.Context(command), word)
                assert inner is not None, word
                command = inner
        there = options_of(command)
        values = {**COMMON, "--project": str(self.directory)}
        return [
            part
            for name, value in values.items()
            if name in there and name not in arguments and value is not None
            for part in (name, value)
        ]
