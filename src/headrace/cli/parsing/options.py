"""Options that many commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.cli.parsing.completion import profiles
from headrace.cli.parsing.session import Session

F = TypeVar("F", bound=Callable[..., Any])


class TargetName(click.ParamType):
    """The name of a target."""

    name = "local|globus"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the target, checked."""
        from headrace.config import TARGETS

        if value not in TARGETS:
            self.fail(f"{value!r} is not one of {', '.join(TARGETS)}", param, ctx)
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> Any:
        """Return the targets that begin with what has been typed."""
        from click.shell_completion import CompletionItem

        from headrace.config import TARGETS

        return [CompletionItem(target) for target in TARGETS if target.startswith(incomplete)]


def output_options(function: F) -> F:
    """Add ``-F`` and ``--jmespath``."""
    function = click.option(
        "--jmespath",
        "--jq",
        metavar="EXPR",
        expose_value=False,
        callback=_keep("jmespath"),
        help="Select from the JSON document with a JMESPath expression; implies JSON.",
    )(function)
    return click.option(
        "-F",
        "--format",
        type=click.Choice(["text", "json", "unix"]),
        expose_value=False,
        callback=_keep("format"),
        help="Output format: text (default), json, or tab-separated lines (unix).",
    )(function)


def target_option(function: F) -> F:
    """Add ``--at``."""
    return click.option(
        "--at",
        type=TargetName(),
        metavar="[local|globus]",
        expose_value=False,
        callback=_keep("at"),
        help="The target where things run; HEADRACE_AT, else local.",
    )(function)


def project_options(function: F) -> F:
    """Add ``-C``, ``--at``, ``--profile``, ``-F`` and ``--jmespath``."""
    function = click.option(
        "--profile",
        metavar="NAME",
        expose_value=False,
        callback=_keep("profile"),
        shell_complete=profiles,
        help="The [profiles.NAME] of headrace.toml; HEADRACE_PROFILE, else that of --at.",
    )(output_options(function))
    function = target_option(function)
    return click.option(
        "-C",
        "--project",
        "directory",
        type=click.Path(path_type=Path),
        metavar="DIR",
        envvar="HEADRACE_PROJECT",
        expose_value=False,
        callback=_keep("directory"),
        help="Directory of the project; HEADRACE_PROJECT, else this one or the nearest above.",
    )(function)


def seconds_option(name: str, default: float, help_text: str) -> Callable[[F], F]:
    """Make an option for a time of at least one second.

    Args:
        name: the option, such as ``--interval``.
        default: seconds where it is not given; the help page shows it.
        help_text: the sentence on the help page.
    """
    return click.option(
        name,
        type=click.FloatRange(1),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=help_text,
    )


canary_deadline_option = seconds_option(
    "--deadline", 600.0, "Time limit of the canary, with its time in the queue."
)
"""Adds ``--deadline`` to a command that runs canaries."""


def _keep(name: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if value is not None:
            setattr(ctx.ensure_object(Session), name, value)
        return value

    return keep
