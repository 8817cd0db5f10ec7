"""Command groups that packages bring by the entry points ``headrace.commands``.

The name of an entry point is that of the group on the command line; its object is a
:class:`click.Command`. The science packages of headrace bring theirs in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from headrace._internal.entry_points import EntryPoint

ENTRY_POINT_GROUP = "headrace.commands"


def find_entry_points() -> dict[str, EntryPoint]:
    """Return the entry points of all installed packages by their names, in their order."""
    from headrace._internal.entry_points import entry_points

    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        found.setdefault(entry.name, entry)
    return dict(sorted(found.items()))


def load_command(entry: EntryPoint) -> click.Command:
    """Import the command of an entry point.

    One that cannot be imported is listed as such, so that the other commands go on working.

    Args:
        entry: the entry point.
    """
    try:
        command = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever an outside package raises
        return _unusable(entry, f"{type(error).__name__}: {error}")
    if not isinstance(command, click.Command):
        return _unusable(entry, "it is not a click command")
    return command


def _unusable(entry: EntryPoint, reason: str) -> click.Command:
    package = entry.dist.name if entry.dist else "unknown"
    message = " ".join(f"{entry.value} of the package {package} cannot be used: {reason}".split())

    def fail(arguments: tuple[str, ...]) -> None:
        raise click.ClickException(f"headrace {entry.name}: {message}")

    return click.Command(
        entry.name,
        callback=fail,
        params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
        context_settings={"ignore_unknown_options": True},
        help=f"Not usable: {message}",
    )
