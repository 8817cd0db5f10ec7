"""Groups whose commands are imported when they are called, and whose help pages are complete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

import click

from headrace._internal.near_names import did_you_mean


class Group(click.Group):
    """A group that shows the full first sentence of each command, over several lines if need be.

    An unknown command is answered with the nearest that there is.
    """

    group_class = type
    prepare_process: Callable[[], None] = staticmethod(lambda: None)
    """Of the root: called before a command; a help page of groups and wrong usage do without."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        self.format_section(ctx, formatter, "Commands", self.list_commands(ctx))

    def format_section(
        self, ctx: click.Context, formatter: click.HelpFormatter, title: str, names: Iterable[str]
    ) -> None:
        """Write some of the commands.

        Args:
            ctx: the context of this group.
            formatter: writes the help page.
            title: the heading.
            names: the commands.
        """
        commands = [(name, self.get_command(ctx, name)) for name in names]
        rows = [
            (name, command.get_short_help_str(limit=len(command.help or "") + 1))
            for name, command in commands
            if command is not None and not command.hidden
        ]
        if rows:
            with formatter.section(title):
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
        found = super().resolve_command(ctx, args)
        root = ctx.find_root().command
        if not isinstance(found[1], Group) and isinstance(root, Group):
            root.prepare_process()
        return found


class LazyGroup(Group):
    """A group with a module for each of its commands.

    Args:
        package: the package with the modules: ``drop_event.drop_event_command`` for `drop-event`.
        command_names: the commands, in the order in which they are listed.
    """

    def __init__(
        self, *args: Any, package: str, command_names: Sequence[str], **attributes: Any
    ) -> None:
        super().__init__(*args, **attributes)
        self.package = package
        self.command_names = tuple(command_names)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.command_names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, its module imported."""
        if cmd_name not in self.command_names:
            return None
        return import_command(self.package, cmd_name)


def import_command(package: str, name: str) -> click.Command:
    """Import a command, or a group, of a package.

    Args:
        package: the package.
        name: the command as it is called; ``_command`` or ``_group`` ends its function's name.
    """
    identifier = name.replace("-", "_")
    module = import_module(f"{package}.{identifier}")
    found = getattr(module, f"{identifier}_command", None)
    command: click.Command = found or getattr(module, f"{identifier}_group")
    return command


def lazy_group(
    package: str, command_names: Sequence[str]
) -> Callable[[Callable[..., Any]], LazyGroup]:
    """Make a :class:`LazyGroup` of a function.

    Args:
        package: the package with the modules of the commands.
        command_names: the commands, in the order in which they are listed.
    """

    def decorate(function: Callable[..., Any]) -> LazyGroup:
        return click.group(cls=LazyGroup, package=package, command_names=command_names)(function)

    return decorate
