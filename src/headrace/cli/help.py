"""Groups of commands whose help pages are whole, and that suggest what was meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from headrace._internal.near_names import did_you_mean


class Group(click.Group):
    """A group that shows the whole first sentence of each command, over several lines if need be.

    An unknown command is answered with the nearest that there is.
    """

    group_class = type

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [
            (name, command.get_short_help_str(limit=len(command.help or "") + 1))
            for name, command in commands
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called.

        Raises:
            UsageError: there is none of this name; names the nearest.
        """
        name = args[0]
        unknown = self.get_command(ctx, name) is None and not name.startswith("-")
        if unknown and not ctx.resilient_parsing:
            near = did_you_mean(name, self.list_commands(ctx))
            ctx.fail(f"No such command {name!r}{near and f'; {near}'}")
        return super().resolve_command(ctx, args)


def group(name: str | None = None) -> Callable[[Callable[..., Any]], Group]:
    """Make a :class:`Group` of a function.

    Args:
        name: what it is called; the function's name by default.
    """
    return click.group(name, cls=Group)
